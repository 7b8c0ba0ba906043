//! What is wrong with a value. No variant holds a part of it.

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormatError {
    /// It is no text.
    #[error("it is not text (UTF-8)")]
    Encoding,
    /// It has another number of characters, this one.
    #[error("it has {0} characters")]
    Length(usize),
    /// This many characters are none of those that may be there.
    #[error("{0} of its characters are no hexadecimal digits")]
    Digits(usize),
    /// It has this many characters and is no key.
    #[error("it has {0} characters and is none")]
    NoKey(usize),
    /// This many of its parts are no keys.
    #[error("{0} of its keys are none")]
    NoKeys(usize),
    /// The line break of a file or of `echo` was stored with it.
    #[error("it ends with a line break")]
    LineBreak,
    /// Something invisible is in front of it or behind it.
    #[error("it begins or ends with blanks")]
    Blanks,
    /// It has this many lines instead of one.
    #[error("it has {0} lines")]
    Lines(usize),
    /// This many characters end a part of a URL.
    #[error("{}", special(*.0))]
    Special(usize),
    /// No PEM begins in it.
    #[error("it has no line that begins with -----BEGIN")]
    NoBegin,
    /// A PEM has no end.
    #[error("it breaks off before a line that begins with -----END")]
    NoEnd,
    /// It is no JSON from there on.
    #[error("it is not JSON from line {line}, column {column}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It does not begin as a URL does.
    #[error("it does not begin with a scheme (`postgresql://…`)")]
    NoScheme,
    /// A character that a URL cannot hold.
    #[error("it holds a character that must be percent-encoded")]
    NotEncoded,
    /// A percent sign that begins nothing.
    #[error("it holds a `%` that two hexadecimal digits do not follow")]
    Percent,
    /// The parts of the URL are not where they should be.
    #[error("{0}: a special character of user or password is not percent-encoded")]
    Broken(&'static str),
    /// There is no host.
    #[error("it has no host")]
    NoHost,
    /// A bracket of the host is never closed.
    #[error("its host has an open bracket")]
    OpenBracket,
    /// The port is none.
    #[error("its port is not a number; is a special character of the password not percent-encoded?")]
    Port,
}

fn special(count: usize) -> String {
    match count {
        1 => "one of its characters has a meaning in URLs".to_owned(),
        count => format!("{count} of its characters have a meaning in URLs"),
    }
}
