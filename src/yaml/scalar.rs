//! How a string is written as a scalar.

/// The tag that says that a scalar is a text, whatever it looks like.
pub(crate) const TEXT_TAG: &str = "tag:yaml.org,2002:str";

/// Words that some YAML reader, 1.1 or 1.2, takes for a boolean or for null.
const RESERVED: [&str; 12] =
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "undefined"];

/// Whether `text` needs no quotes anywhere, in block and in flow style, and be read by every YAML reader as
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
    escaped_json(&serde_json::Value::from(text).to_string())
}

/// JSON with escapes for the characters that a terminal or a reader of YAML 1.1 would obey. Outside of strings JSON has
/// none of them, and `serde_json` escapes those of ASCII.
#[must_use]
pub fn escaped_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_invisible(c) && c != '\n' {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
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

/// A text for a comment, a line of a table or a message: whatever could begin another line, make a terminal do
/// something or hide what is beside it is replaced.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_invisible(c) { '\u{fffd}' } else { c }).collect()
}

/// Control characters, the line ends of YAML 1.1, and what turns the direction of a text or takes no room in it.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
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

/// The boolean that Kubernetes' reader makes of a plain scalar, YAML 1.1's spellings included.
pub(crate) fn kubernetes_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// The integer that Kubernetes' reader makes of a plain scalar: `0400` is octal.
pub(crate) fn kubernetes_integer(text: &str) -> Option<i64> {
    let digits = text.replace('_', "");
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let prefixes = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2), ("0", 8)];
    let mut prefixed = prefixes.into_iter().filter(|_| digits != "0");
    let found = prefixed.find_map(|(prefix, radix)| Some((digits.strip_prefix(prefix)?, radix)));
    let (digits, radix) = found.unwrap_or((digits, 10));
    if !digits.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    let number = i64::from_str_radix(digits, radix).ok()?;
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_kubernetes() {
        for (text, expected) in
            [("0400", 256), ("0o400", 256), ("0x1f", 31), ("1_000", 1000), ("0", 0), ("-7", -7)]
        {
            assert_eq!(kubernetes_integer(text), Some(expected), "{text}");
        }
        for text in ["", "0.5", "1e3", "a", "0x", "--1", "08"] {
            assert_eq!(kubernetes_integer(text), None, "{text}");
        }
    }

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
    fn one_line_shows_nothing_that_a_terminal_obeys() {
        let text = "a\nb\r\u{1b}[31m\u{7f}\u{9b}\u{85}\u{2028}\u{202e}c\t\u{feff}ä";
        assert_eq!(one_line(text).replace('\u{fffd}', "?"), "a?b??[31m?????c??ä");
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
