//! Do both readers see the same document?
//!
//! The rules decide by our tree, Kubernetes by its own reader. Where a text can be read in two ways (a Unicode line
//! end that one reader takes for a line break, say) a decision by one reading would be a guess about the other. So
//! a document that is to be edited must mean the same to our tree and to the independent reader.

use serde_json::{Map, Value};

use crate::edit::reference_value::{ReferenceValue, insert_entry, marked};
use crate::yaml::scalar::boolean_or_null;
use crate::yaml::{Kind, NodeId, Scalar, ScalarStyle, Tree};

/// Whether the tree and the reading are the same document.
pub(crate) fn agree(tree: &Tree<'_>, reading: &ReferenceValue) -> bool {
    tree.root().map_or(reading.value().is_null(), |root| same(tree, root, reading.value()))
}

/// Whether a node is this value.
pub(crate) fn same(tree: &Tree<'_>, id: NodeId, value: &Value) -> bool {
    let id = tree.resolve(id);
    let custom = tree.tag(id).filter(|tag| !tag.starts_with("tag:yaml.org,2002:"));
    if custom.is_some() {
        let Some((key, inner)) =
            value.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next())
        else {
            // A tag that the other reader does not show: nothing is compared below it.
            return true;
        };
        return !key.starts_with(&marked("tag", 0, "")) || same_content(tree, id, inner);
    }
    same_content(tree, id, value)
}

fn same_content(tree: &Tree<'_>, id: NodeId, value: &Value) -> bool {
    match tree.kind(id) {
        Kind::Scalar(scalar) => same_scalar(&scalar, tree.tag(id).is_some(), value),
        Kind::Sequence(_, items) => value.as_array().is_some_and(|values| {
            items.len() == values.len()
                && items.iter().zip(values).all(|(item, value)| same(tree, *item, value))
        }),
        Kind::Mapping(_, entries) => value.as_object().is_some_and(|map| same_entries(tree, entries, map)),
        Kind::Alias(target) => same(tree, target, value),
    }
}

fn same_entries(tree: &Tree<'_>, entries: &[(NodeId, NodeId)], map: &Map<String, Value>) -> bool {
    // Where no key is there twice, the reading has them in the same order.
    let is_key = |((key, _), read): (&(NodeId, NodeId), &String)| tree.text(*key) == Some(read);
    if entries.len() == map.len() && entries.iter().zip(map.keys()).all(is_key) {
        return entries.iter().zip(map.values()).all(|((_, value), read)| same(tree, *value, read));
    }
    // The positions of each key, put together as the reading puts together its values.
    let mut places = Map::new();
    for (position, (key, _)) in entries.iter().enumerate() {
        let Some(text) = tree.text(*key) else { return true };
        insert_entry(&mut places, text.to_owned(), position.into());
    }
    let same_at = |position: &Value, value: &Value| {
        let position = position.as_u64().and_then(|position| usize::try_from(position).ok());
        position.is_some_and(|position| same(tree, entries[position].1, value))
    };
    let has_unusual = || map.keys().any(|key| key.contains(&marked("key", 0, "")));
    places.len() == map.len()
        && places.iter().all(|(key, place)| match (place, map.get(key)) {
            (Value::Array(earlier), Some(Value::Array(values))) => {
                earlier.len() == values.len()
                    && earlier.iter().zip(values).all(|(place, value)| same_at(place, value))
            }
            (Value::Array(_), Some(_)) => false,
            (place, Some(value)) => same_at(place, value),
            // A key that is no string to the other reader: its text is not compared.
            (_, None) => has_unusual(),
        })
}

/// A quoted scalar is its text. A plain one is its text, or the value that this text means.
fn same_scalar(scalar: &Scalar<'_>, tagged: bool, value: &Value) -> bool {
    match value {
        Value::String(text) if *text == scalar.text => true,
        _ if scalar.style != ScalarStyle::Plain && !tagged => {
            // A block scalar that ends the input without a line break is read with or without one.
            scalar.style == ScalarStyle::Block
                && value.as_str().is_some_and(|text| scalar.text.strip_suffix('\n') == Some(text))
        }
        _ if tagged => true,
        Value::Null | Value::Bool(_) => boolean_or_null(scalar.text).as_ref() == Some(value),
        _ => number(scalar.text).as_ref() == Some(value),
    }
}

/// The number that a plain scalar means, as the reading shows it.
fn number(text: &str) -> Option<Value> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return integer(&format!("{sign}{digits}"), radix);
        }
    }
    integer(&format!("{sign}{digits}"), 10).or_else(|| float(sign, digits).map(ReferenceValue::of_float))
}

fn integer(text: &str, radix: u32) -> Option<Value> {
    let small = i64::from_str_radix(text, radix).map(Value::from);
    let unsigned = || u64::from_str_radix(text, radix).map(Value::from);
    let large = || i128::from_str_radix(text, radix).map(ReferenceValue::of_large);
    let larger = || u128::from_str_radix(text, radix).map(ReferenceValue::of_large);
    small.or_else(|_| unsigned()).or_else(|_| large()).or_else(|_| larger()).ok()
}

fn float(sign: &str, digits: &str) -> Option<f64> {
    match digits {
        ".inf" | ".Inf" | ".INF" => format!("{sign}inf").parse().ok(),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        _ => format!("{sign}{digits}").parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        let tree = parse(text).expect("YAML");
        let reading = ReferenceValue::of(text).expect("YAML");
        assert_eq!(agree(&tree, &reading), expected, "{text:?}");
    }

    #[test]
    fn ordinary_documents_agree() {
        check("a: {b: [1, 0x1F, 1e3, .inf, ~, true], c: yes, d: 0644}\ne: |\n  text\n", true);
        check("a: 1\na: x\n1: b\nc:\n- \n- !x y\n- !!str 1\n", true);
        check("x: &a {k: v}\ny: *a\nz:\n  <<: *a\n", true);
        check("# only a comment\n", true);
        check("last: |\n  no line break", true);
        check(
            "[0, -0, +1, -0x1f, 0o17, 0b11, 18446744073709551615, -170141183460469231731687303715884105728]",
            true,
        );
        check(
            "[1.5, -1.5e3, +.5, 1e400, .inf, -.Inf, .NAN, 1_000, 0644, 12:30, ~, Null, '', NULL, True]",
            true,
        );
    }

    #[test]
    fn a_unicode_line_end_divides_the_readers() {
        for text in ["a: b # comment\u{85}c: d\n", "a: x\u{2028}\n", "a: 1\u{2029}\nb: true\u{85}\n"] {
            let source = text.replace(['\u{85}', '\u{2028}', '\u{2029}'], "");
            let (tree, reading) = (parse(&source).expect("YAML"), ReferenceValue::of(text).expect("YAML"));
            assert_eq!(agree(&tree, &reading), !source.contains('#'), "{text:?}");
            check(text, true);
        }
    }
}
