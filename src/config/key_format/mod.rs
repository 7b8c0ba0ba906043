//! What the value of a vaulted key must look like.
//!
//! A check reads a value and gives back only what is wrong with it, in words that fit any value.

mod error;
mod url;

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE as URL_SAFE, Engine as _};

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::error::FormatError;

/// A format of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyFormat {
    /// 64 hexadecimal digits: 256 bits, as `openssl rand -hex 32` prints them.
    Hex64,
    /// A URL with scheme and host, as connection strings are; special characters of its password percent-encoded.
    Url,
    /// Only characters that mean nothing in a URL, because a program puts the value into one as it is.
    UrlSafe,
    /// A Fernet key, or several with commas between them: 32 bytes in URL-safe base64. Stored data was made with it.
    Fernet,
    /// One line without blanks around it.
    Line,
    /// PEM: certificates or keys.
    Pem,
    /// JSON.
    Json,
}

impl KeyFormat {
    /// The name that the configuration uses.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Hex64 => "hex64",
            Self::Url => "url",
            Self::UrlSafe => "url-safe",
            Self::Fernet => "fernet",
            Self::Line => "line",
            Self::Pem => "pem",
            Self::Json => "json",
        }
    }

    /// What is demanded, for people.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Hex64 => "64 hexadecimal digits",
            Self::Url => "a URL with a host, special characters percent-encoded",
            Self::UrlSafe => "only characters that mean nothing in a URL",
            Self::Fernet => "a Fernet key, 32 bytes in URL-safe base64",
            Self::Line => "one line without blanks around it",
            Self::Pem => "PEM",
            Self::Json => "JSON",
        }
    }

    /// How to get a value like that.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Hex64 => "`openssl rand -hex 32` prints one; store it without a line break",
            Self::Url => {
                "percent-encode special characters of user and password: `@` is %40, `/` is %2F, `#` is %23, `?` is %3F, `%` is %25"
            }
            Self::UrlSafe => {
                "choose a password of letters, digits, `-`, `.`, `_` and `~`; `openssl rand -hex 32` prints one"
            }
            Self::Fernet => "`openssl rand -base64 32 | tr +/ -_` prints one; store it without a line break",
            Self::Line => {
                "store it without the line break: `printf %s`, not `echo`; `--from-file` takes a file as it is"
            }
            Self::Pem => "store the whole file, from -----BEGIN to -----END and its line break",
            Self::Json => "store the whole JSON document",
        }
    }

    /// What a key has that nobody says more about, by the names that Kubernetes gives.
    pub(crate) fn of_known_key(key: &str) -> Option<Self> {
        match key {
            "tls.crt" | "tls.key" | "ca.crt" => Some(Self::Pem),
            ".dockerconfigjson" => Some(Self::Json),
            _ => None,
        }
    }

    /// Checks a value.
    ///
    /// # Errors
    ///
    /// What is wrong, without any part of the value.
    pub(crate) fn check(self, value: &[u8]) -> Result<(), FormatError> {
        let text = std::str::from_utf8(value).map_err(|_| FormatError::Encoding)?;
        match self {
            Self::Hex64 => hex(text, 64),
            Self::Url => one_line(text).and_then(|()| url::check(text)),
            Self::UrlSafe => one_line(text).and_then(|()| url_safe(text)),
            Self::Fernet => one_line(text).and_then(|()| fernet(text)),
            Self::Line => one_line(text),
            Self::Pem => pem(text),
            Self::Json => serde_json::from_str::<serde::de::IgnoredAny>(text)
                .map(drop)
                .map_err(|error| FormatError::Json { line: error.line(), column: error.column() }),
        }
    }
}

impl fmt::Display for KeyFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The classic mistake: a text of one line that was stored with the line break of the file or of `echo`.
pub(crate) fn ends_with_stray_break(value: &[u8]) -> bool {
    let line = value.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    line.is_some_and(|line| !line.contains(&b'\n'))
}

fn hex(text: &str, length: usize) -> Result<(), FormatError> {
    one_line(text)?;
    let others = text.chars().filter(|c| !c.is_ascii_hexdigit()).count();
    match text.chars().count() {
        count if count != length => Err(FormatError::Length(count)),
        _ if others > 0 => Err(FormatError::Digits(others)),
        _ => Ok(()),
    }
}

fn fernet(text: &str) -> Result<(), FormatError> {
    let is_key = |key: &str| URL_SAFE.decode(key.trim()).is_ok_and(|bytes| bytes.len() == 32);
    match text.split(',').filter(|key| !is_key(key)).count() {
        0 => Ok(()),
        1 if !text.contains(',') => Err(FormatError::NoKey(text.chars().count())),
        count => Err(FormatError::NoKeys(count)),
    }
}

fn one_line(text: &str) -> Result<(), FormatError> {
    if ends_with_stray_break(text.as_bytes()) {
        return Err(FormatError::LineBreak);
    }
    match text.lines().count() {
        0 | 1 if text.trim() != text => Err(FormatError::Blanks),
        0 | 1 => Ok(()),
        lines => Err(FormatError::Lines(lines)),
    }
}

fn url_safe(text: &str) -> Result<(), FormatError> {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-._~!$'()*,".contains(c);
    let encoded = url::without_percent_encoded(text)?;
    match encoded.chars().filter(|c| !safe(*c)).count() {
        0 => Ok(()),
        count => Err(FormatError::Special(count)),
    }
}

fn pem(text: &str) -> Result<(), FormatError> {
    let begins = text.lines().filter(|line| line.starts_with("-----BEGIN ")).count();
    let ends = text.lines().filter(|line| line.starts_with("-----END ")).count();
    match (begins, ends) {
        (0, _) => Err(FormatError::NoBegin),
        (begins, ends) if begins != ends => Err(FormatError::NoEnd),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: KeyFormat, right: &[&str], wrong: &[&str]) {
        for value in right {
            assert_eq!(format.check(value.as_bytes()), Ok(()), "{value:?}");
        }
        for value in wrong {
            let complaint = format.check(value.as_bytes()).expect_err(value);
            assert!(!complaint.to_string().contains("hunter2"), "{complaint}");
        }
    }

    #[test]
    fn values_are_told_apart() {
        let hex = "0123456789abcdefABCDEF0123456789".repeat(2);
        check(KeyFormat::Hex64, &[&hex], &[&hex[..32], &format!("{hex}\n"), &hex.replace('f', "g"), ""]);
        let key = "-__7__v_-__7__v_-__7__v_-__7__v_-__7__v_-_8=";
        check(
            KeyFormat::Fernet,
            &[key, &format!("{key},{key}")],
            &[
                "hunter2",
                &format!("{key},hunter2"),
                &key.replace('_', "/"),
                &key[..40],
                &format!("{key}\n"),
                &hex,
            ],
        );
        check(KeyFormat::Line, &["hunter2", "a b", "é"], &["hunter2\n", " hunter2", "hunter2\r\n", "a\nb"]);
        check(
            KeyFormat::UrlSafe,
            &["hunter2", "a-b.c_d~e", "p%40ss", "a!b"],
            &["hunter2#", "hunter2@x", "hun/ter2", "hunter2%", "a+b", "a&b", "a b", "hunter2\n"],
        );
        check(
            KeyFormat::Pem,
            &["-----BEGIN X-----\nhunter2\n-----END X-----\n"],
            &["hunter2", "-----BEGIN X-----\nhunter2\n", ""],
        );
        check(KeyFormat::Json, &["{\"auths\": {}}\n"], &["hunter2", "{\"auths\": hunter2}", ""]);
        assert!(KeyFormat::Line.check(b"hunter2\xff").is_err());
    }

    #[test]
    fn a_stray_line_break_is_one_behind_a_single_line() {
        for (value, expected) in
            [("a\n", true), ("a\r\n", true), ("\n", true), ("a", false), ("a\nb\n", false)]
        {
            assert_eq!(ends_with_stray_break(value.as_bytes()), expected, "{value:?}");
        }
    }

    #[test]
    fn a_format_is_called_what_the_configuration_calls_it() {
        for format in ["hex64", "url", "url-safe", "fernet", "line", "pem", "json"] {
            let read: KeyFormat = serde_yaml::from_str(format).expect("a format");
            assert_eq!(read.id(), format);
        }
    }
}
