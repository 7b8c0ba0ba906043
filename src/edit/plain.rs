//! What a plain scalar stands for.

use serde::de::{self, Visitor};

use crate::yaml::scalar::boolean_or_null;

/// Visits what a scalar without quotes stands for: null, a boolean, an integer or a text. A number that is written in another
/// way than JSON's is visited as bytes, so that it equals itself alone.
pub(super) fn visit_plain<'de, V: Visitor<'de>, E: de::Error>(text: &str, visitor: V) -> Result<V::Value, E> {
    if let Some(value) = boolean_or_null(text) {
        return match value.as_bool() {
            Some(value) => visitor.visit_bool(value),
            None => visitor.visit_unit(),
        };
    }
    if let Some(number) = text.parse::<i64>().ok().filter(|number| number.to_string() == text) {
        return visitor.visit_i64(number);
    }
    if is_number(text) { visitor.visit_bytes(text.as_bytes()) } else { visitor.visit_str(text) }
}

/// Whether a plain scalar is a number in YAML 1.2.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_radix = |radix| u128::from_str_radix(&unsigned[2..], radix).is_ok();
    match unsigned.as_bytes() {
        [b'0', b'x', b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..] => is_radix(16),
        [b'0', b'o', b'0'..=b'7', ..] => is_radix(8),
        [b'0', b'b', b'0' | b'1', ..] => is_radix(2),
        // `0644` is a text.
        [b'0', rest @ ..] if rest.iter().all(u8::is_ascii_digit) && !rest.is_empty() => false,
        [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => unsigned.parse::<f64>().is_ok_and(f64::is_finite),
        _ => matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::edit::reference_value::{Lossless, ReferenceValue};

    #[test]
    fn a_plain_scalar_is_what_libyaml_takes_it_for() {
        let read = |text| visit_plain::<_, de::value::Error>(text, Lossless::WHOLE).expect("a value");
        for (text, value) in
            [("~", Value::Null), ("", Value::Null), ("True", json!(true)), ("-12", json!(-12))]
        {
            assert_eq!(read(text), value, "{text}");
        }
        let texts =
            ["a", "-foo", ".foo", "10-x.conf", "0644", "1_000", "12:30", "2024-01-01", "yes", "1e400"];
        for text in texts.iter().chain(&["0x", "0xg", "0o8", "+", ".", "-.nan", "inf", "--1", "1e", "NO"]) {
            assert_eq!(read(text), *text, "{text}");
            assert_eq!(*ReferenceValue::of(text).expect("YAML").value(), *text, "{text}");
        }
        for text in [
            "+1",
            "1.5",
            ".5",
            "-.5",
            "1e3",
            "0x1F",
            "-0o7",
            "0b1",
            ".NAN",
            "-.Inf",
            "1.",
            "99999999999999999999",
        ] {
            assert_eq!(read(text), ReferenceValue::of_number(text.as_bytes()), "{text}");
            assert_ne!(*ReferenceValue::of(text).expect("YAML").value(), *text, "{text}");
        }
    }
}
