//! How a string is written as a scalar.

/// Words that some YAML reader, 1.1 or 1.2, takes for a boolean or for null.
const RESERVED: [&str; 12] =
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "undefined"];

/// Whether `text` can stand without quotes anywhere, in block and in flow style, and be read by every YAML reader as
/// this very string.
///
/// Deliberately narrow: a letter, then letters, digits, `.`, `_`, `-`. Whatever begins like a number is quoted.
pub(crate) fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        && !RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The string in double quotes, as JSON writes it, which is YAML too; what YAML 1.1 takes for line breaks is escaped.
pub(crate) fn double_quoted(text: &str) -> String {
    let mut quoted = serde_json::Value::from(text).to_string();
    for (raw, escaped) in [('\u{85}', "\\u0085"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")] {
        if quoted.contains(raw) {
            quoted = quoted.replace(raw, escaped);
        }
    }
    quoted
}

/// The string in single quotes, or in double quotes where single ones cannot hold it.
pub(crate) fn single_quoted(text: &str) -> String {
    if text.chars().any(char::is_control) {
        double_quoted(text)
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// The string without quotes where that is safe, else in double quotes.
pub(crate) fn plain_or_quoted(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { double_quoted(text) }
}

/// A text for a comment or a line of a table: whatever could begin another line is replaced.
pub(crate) fn one_line(text: &str) -> String {
    // YAML 1.1 also breaks lines at these two.
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if breaks(c) { '\u{fffd}' } else { c }).collect()
}

/// The boolean or null that a plain scalar means in YAML 1.2; `None` for anything else.
pub(crate) fn boolean_or_null(text: &str) -> Option<serde_json::Value> {
    match text {
        "true" | "True" | "TRUE" => Some(true.into()),
        "false" | "False" | "FALSE" => Some(false.into()),
        "" | "~" | "null" | "Null" | "NULL" => Some(serde_json::Value::Null),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_every_reader_takes_for_a_string_stays_plain() {
        for plain in ["langfuse-vault", "NEXTAUTH_SECRET", "a.b", "e10", "nope", "tls.crt"] {
            assert_eq!(plain_or_quoted(plain), plain);
        }
        for quoted in
            ["", "yes", "No", "NULL", "1e3", "0x1f", "12:30", "2024-01-01", "a b", "a:", "-a", "*x", "é"]
        {
            assert_eq!(plain_or_quoted(quoted), format!("\"{quoted}\""));
        }
    }

    #[test]
    fn quoting_is_read_back_as_the_same_string() {
        for text in ["it's", "a\"b\\c", "tab\there", "line\nbreak", ""] {
            for written in [single_quoted(text), double_quoted(text)] {
                assert_eq!(serde_yaml::from_str::<String>(&written).expect("YAML"), text, "{written}");
            }
        }
    }
}
