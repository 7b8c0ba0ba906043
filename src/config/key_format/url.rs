//! URLs as connection strings use them (RFC 3986), read as strictly as the strictest driver.
//!
//! What is looked for is a password with special characters that are not percent-encoded: a `/`, `?` or `#` in it
//! ends the host too early, an `@` begins it too early, a `%` is no escape.

use crate::config::key_format::FormatError;

/// Checks a connection string.
///
/// # Errors
///
/// What is wrong, without any part of the value.
pub(super) fn check(text: &str) -> Result<(), FormatError> {
    let (scheme, rest) = text.split_once("://").ok_or(FormatError::NoScheme)?;
    if !is_scheme(scheme) {
        return Err(FormatError::NoScheme);
    }
    without_percent_encoded(rest)?;
    if rest.contains(|c: char| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(c)) {
        return Err(FormatError::NotEncoded);
    }
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if tail.contains('@') && !authority.contains('@') {
        return Err(FormatError::Broken("a `/`, `?` or `#` is before the `@`"));
    }
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    if user.contains('@') {
        return Err(FormatError::Broken("there is more than one `@` before the host"));
    }
    if user.contains(['[', ']']) {
        return Err(FormatError::Broken("there is a bracket before the `@`"));
    }
    if hosts.is_empty() && !tail.contains("host=") {
        return Err(FormatError::NoHost);
    }
    hosts.split(',').filter(|host| !host.is_empty()).try_for_each(host)
}

/// A scheme; that of a driver may have another in front (`jdbc:postgresql`), or a plus in it.
fn is_scheme(scheme: &str) -> bool {
    scheme.split(':').all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

fn host(text: &str) -> Result<(), FormatError> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or(FormatError::OpenBracket)?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    if name.is_empty() {
        return Err(FormatError::NoHost);
    }
    let digits = port.strip_prefix(':').unwrap_or(port);
    if digits.is_empty() || digits.parse::<u16>().is_ok() {
        return Ok(());
    }
    Err(FormatError::Port)
}

/// The text without its percent-encoded characters.
///
/// # Errors
///
/// A percent sign that is no part of one.
pub(super) fn without_percent_encoded(text: &str) -> Result<String, FormatError> {
    let mut parts = text.split('%');
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..2) {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => rest.push_str(&part[2..]),
            _ => return Err(FormatError::Percent),
        }
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_strings_are_urls() {
        for right in [
            "postgresql://user:hunter2@db:5432/langfuse",
            "postgres://u:p%40ss%2Fw%23@db.ns.svc.cluster.local/x?sslmode=require&connection_limit=5",
            "redis://:hunter2@redis:6379/0",
            "rediss://default:hunter2@[::1]:6379",
            "smtps://user%40example.org:hunter2@mail.example.org:465",
            "mongodb+srv://u:p@cluster.example.net/db?retryWrites=true",
            "mongodb://u:p@a:27017,b:27017/db",
            "jdbc:postgresql://db:5432/x",
            "postgresql:///x?host=/var/run/postgresql",
            "clickhouse://ch:9000?username=a&password=b",
        ] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
    }

    #[test]
    fn a_password_with_special_characters_is_found() {
        for wrong in [
            "postgres://u:hun/ter2@db/x",
            "postgres://u:12/34@db/x",
            "postgres://u:hun#ter2@db/x",
            "postgres://u:hun?ter2@db/x",
            "postgres://u:hun@ter2@db/x",
            "postgres://u:hun%ter2@db/x",
            "postgres://u:hun[ter2@db/x",
            "postgres://u:hun ter2@db/x",
            "postgres://u:hün@db/x",
            "postgres://u:hunter2@/x",
            "postgres://u:hunter2@db:port/x",
            "db:5432/hunter2",
            "hunter2",
            "",
        ] {
            let complaint = check(wrong).expect_err(wrong);
            assert!(!complaint.to_string().contains("hun"), "{complaint}");
        }
    }
}
