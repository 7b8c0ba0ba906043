//! What a plain scalar stands for.

use crate::yaml::scalar::boolean_or_null;

/// What a plain scalar stands for in YAML 1.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PlainValue<'t> {
    /// Nothing.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A number without a fraction, as long as 128 bits hold it.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(&'t str),
}

impl<'t> PlainValue<'t> {
    /// That of a scalar without quotes.
    pub(super) fn of(text: &'t str) -> Self {
        if let Some(value) = boolean_or_null(text) {
            return value.as_bool().map_or(Self::Null, Self::Boolean);
        }
        let may_be_number = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
        if may_be_number { number(text).unwrap_or(Self::Text(text)) } else { Self::Text(text) }
    }
}

/// The number that a text stands for.
fn number<'t>(text: &str) -> Option<PlainValue<'t>> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    // Rust takes a second sign and words that YAML does not.
    let begins_with_digit = |digits: &str| digits.starts_with(|first: char| first.is_ascii_alphanumeric());
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            let number = i128::from_str_radix(&format!("{sign}{digits}"), radix).ok();
            return number.filter(|_| begins_with_digit(digits)).map(PlainValue::Integer);
        }
    }
    match digits.as_bytes() {
        // `0644` is a text.
        [b'0', rest @ ..] if rest.iter().all(u8::is_ascii_digit) && !rest.is_empty() => None,
        [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => {
            let number = format!("{sign}{digits}");
            let integer = number.parse().ok().map(PlainValue::Integer);
            let float = || number.parse().ok().filter(|float: &f64| float.is_finite()).map(PlainValue::Float);
            integer.or_else(float)
        }
        _ if matches!(text, ".nan" | ".NaN" | ".NAN") => Some(PlainValue::Float(f64::NAN)),
        _ if matches!(digits, ".inf" | ".Inf" | ".INF") => {
            format!("{sign}inf").parse().ok().map(PlainValue::Float)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::edit::oracle::ReferenceValue;

    #[test]
    fn a_plain_scalar_is_what_libyaml_takes_it_for() {
        let texts = [
            "a",
            "-foo",
            ".foo",
            "10-x.conf",
            "0644",
            "1_000",
            "12:30",
            "2024-01-01",
            "yes",
            "1e400",
            "0x",
            "0xg",
            "0o8",
            "+",
            ".",
            "-.nan",
            "inf",
            "--1",
            "1e",
            "NO",
            "0x-1",
            "+-1",
        ];
        for text in texts {
            assert_eq!(PlainValue::of(text), PlainValue::Text(text));
            assert_eq!(*ReferenceValue::of(text).expect("YAML").value(), *text, "{text}");
        }
        for (text, value) in
            [("~", json!(null)), ("", json!(null)), ("True", json!(true)), ("FALSE", json!(false))]
        {
            assert!(!matches!(PlainValue::of(text), PlainValue::Text(_)), "{text}");
            assert_eq!(*ReferenceValue::of(text).expect("YAML").value(), value, "{text}");
        }
        for (text, number) in [
            ("-12", -12),
            ("+1", 1),
            ("0x1F", 31),
            ("-0o7", -7),
            ("0b1", 1),
            ("99999999999999999999", 99_999_999_999_999_999_999),
        ] {
            assert_eq!(PlainValue::of(text), PlainValue::Integer(number), "{text}");
        }
        for (text, number) in [
            ("1.5", 1.5),
            (".5", 0.5),
            ("-.5", -0.5),
            ("1e3", 1e3),
            ("1.", 1.0),
            ("-.Inf", f64::NEG_INFINITY),
        ] {
            assert_eq!(PlainValue::of(text), PlainValue::Float(number), "{text}");
            assert_ne!(*ReferenceValue::of(text).expect("YAML").value(), *text, "{text}");
        }
        assert!(matches!(PlainValue::of(".NAN"), PlainValue::Float(number) if number.is_nan()));
    }
}
