//! Why something looks like a credential, and the patterns that say so.

use std::fmt;

use regex::Regex;

/// Why something looks like a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// By its name.
    Name,
    /// A URL with user and password.
    UrlPassword,
    /// Settings for a connection, one of which is a password.
    ConnectionString,
    /// A private key in PEM.
    PrivateKey,
    /// A JSON web token.
    Jwt,
    /// The prefix of a service's tokens.
    TokenPrefix,
    /// The hash of a password.
    PasswordHash,
    /// A header that logs in.
    Header,
    /// The argument of a program that takes a password there.
    Program,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "its name is that of a credential",
            Self::UrlPassword => "its value is a URL with a password",
            Self::ConnectionString => "its value is a connection string with a password",
            Self::PrivateKey => "its value holds a private key",
            Self::Jwt => "its value is a JSON web token",
            Self::TokenPrefix => "its value begins like a service's access token",
            Self::PasswordHash => "its value is the hash of a password",
            Self::Header => "its value is an Authorization header",
            Self::Program => "the program takes a password there",
        })
    }
}

/// A pattern that is a constant; a test builds each of them.
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|_| unreachable!("internal error: a constant pattern is not a pattern"))
}
