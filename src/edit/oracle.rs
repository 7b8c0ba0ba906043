//! What a patch should do to a text, by others' code alone: serde_yaml reads, json-patch applies.
//!
//! The law that the tests and the fuzz targets hold the verification to; the program has no room for all values at once.

use std::fmt;

use json_patch::patch_unsafe;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::edit::patch::Patch;

/// Marks what JSON cannot say, in keys that no YAML text can spell (NUL is not a YAML character).
const MARK: char = '\0';

/// What is wrong with an edit.
#[derive(Debug, PartialEq)]
pub(crate) enum Fault {
    /// The text before cannot be read.
    Before,
    /// The patch does not apply to it.
    Patch,
    /// The edited text cannot be read.
    After,
    /// The edited text is another document than the patch makes.
    Different,
}

/// Whether an edited text is the one before with a patch applied.
pub(crate) fn judge(before: &str, patch: &Patch, edited: &str) -> Result<(), Fault> {
    let ReferenceValue(mut expected) = ReferenceValue::of(before).map_err(|_| Fault::Before)?;
    for operation in patch.json_operations() {
        patch_unsafe(&mut expected, &[operation]).map_err(|_| Fault::Patch)?;
    }
    let after = ReferenceValue::of(edited).map_err(|_| Fault::After)?;
    if after.0 == expected { Ok(()) } else { Err(Fault::Different) }
}

/// A document as serde_yaml reads it.
///
/// A JSON value with nothing lost that an edit could damage: of a duplicate key both values stay (the last under
/// the key itself, as Kubernetes decides), tags stay, numbers that JSON cannot hold stay as text.
#[derive(Debug, PartialEq)]
pub(crate) struct ReferenceValue(Value);

impl ReferenceValue {
    /// Reads one document.
    ///
    /// # Errors
    ///
    /// The reader does not accept the text.
    pub(crate) fn of(source: &str) -> Result<Self, serde_yaml::Error> {
        Lossless.deserialize(serde_yaml::Deserializer::from_str(source)).map(Self)
    }

    /// The value, with the marks described at [`ReferenceValue`].
    #[cfg(test)]
    pub(crate) fn value(&self) -> &Value {
        &self.0
    }
}

/// A number that JSON has no room for.
fn large(number: impl fmt::Display) -> Value {
    marked("number", 0, &number.to_string()).into()
}

/// The key that keeps an earlier value of a duplicate key, and keys that are not strings, apart.
fn marked(kind: &str, number: usize, key: &str) -> String {
    format!("{MARK}{kind}{number}{MARK}{key}")
}

/// Adds an entry, keeping what a duplicate key had before: a list of its earlier values, under a marked key.
fn insert_entry(map: &mut Map<String, Value>, key: String, value: Value) {
    let (marked, earlier) = match map.entry(key) {
        Entry::Vacant(place) => {
            place.insert(value);
            return;
        }
        Entry::Occupied(mut last) => (marked("duplicate", 0, last.key()), last.insert(value)),
    };
    let others = map.entry(marked).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(others) = others {
        others.push(earlier);
    }
}

/// Reads a value of any shape without losing duplicate keys and tags.
#[derive(Clone, Copy)]
struct Lossless;

/// The key of an entry. One that is no text is kept apart from those that are.
fn to_key(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => marked("key", 0, &other.to_string()),
    }
}

impl<'de> DeserializeSeed<'de> for Lossless {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Lossless {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    // A text without a node.
    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Value, E> {
        Ok(large(value))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Value, E> {
        Ok(large(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        // The bits, since not-a-number must equal itself.
        Ok(large(format_args!("{:x}", value.to_bits())))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Self)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key_seed(Self)?.map(to_key) {
            insert_entry(&mut map, key, access.next_value_seed(Self)?);
        }
        Ok(map.into())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (tag, content): (String, A::Variant) = access.variant()?;
        let value = content.newtype_variant_seed(self)?;
        let tagged = Map::from_iter([(marked("tag", 0, &tag), value)]);
        Ok(tagged.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reading_keeps_what_a_value_would_lose() {
        let read = |text| ReferenceValue::of(text).expect("readable").0;
        assert_eq!(read("a: 1\na: 2\n"), json!({"a": 2, "\0duplicate0\0a": [1]}));
        assert_ne!(read("a: !x 1"), read("a: 1"));
        assert_ne!(read("1: a"), read("'1': a"));
        assert_eq!(read("a: .nan"), read("a: .nan"));
        assert_eq!(read("a: &x [1]\nb: *x"), json!({"a": [1], "b": [1]}));
    }
}
