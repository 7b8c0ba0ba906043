//! A document as the independent reader reads it, as a value.

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::edit::fingerprint::Fingerprints;
use crate::edit::touched::Touched;

/// Marks what JSON cannot say, in keys that no YAML text can spell (NUL is not a YAML character).
const MARK: char = '\0';

/// A document as the independent reader reads it.
///
/// A JSON value with nothing lost that an edit could damage: of a duplicate key both values stay (the last under
/// the key itself, as Kubernetes decides), tags stay, numbers that JSON cannot hold stay as text.
#[derive(Debug, PartialEq)]
pub(crate) struct ReferenceValue(Value);

/// The reader's complaint, reduced to kind and place: its own message can quote the document.
#[derive(Debug)]
pub(crate) struct ReadError {
    line: Option<usize>,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} of the document"),
            None => f.write_str("somewhere in the document"),
        }
    }
}

impl std::error::Error for ReadError {}

impl ReadError {
    /// An error in a line, counted from 1, where the reader says so.
    pub(super) fn at(line: Option<usize>) -> Self {
        Self { line }
    }
}

impl ReferenceValue {
    /// Reads one document.
    ///
    /// # Errors
    ///
    /// The independent reader does not accept the text.
    pub(crate) fn of(source: &str) -> Result<Self, ReadError> {
        read(source, Lossless::WHOLE).map(Self)
    }

    /// Reads a part of one document: the places that are touched, and a fingerprint of everything else.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    pub(super) fn reduced<'a, E>(
        part: ReadPart<'a>,
        read: impl FnOnce(Lossless<'a>) -> Result<Value, E>,
    ) -> Result<Self, E> {
        read(Lossless { part: Some(part) }).map(Self)
    }

    /// A number that JSON has no room for.
    pub(crate) fn of_large(number: impl fmt::Display) -> Value {
        marked("number", 0, &number.to_string()).into()
    }

    /// A number with a fraction: the bits, since not-a-number must equal itself.
    pub(crate) fn of_float(number: f64) -> Value {
        marked("number", 0, &format!("{:x}", number.to_bits())).into()
    }

    /// A number as it is written.
    pub(crate) fn of_number(text: &[u8]) -> Value {
        marked("number", 0, &String::from_utf8_lossy(text)).into()
    }

    /// The value itself, as [`ReferenceValue::value`] shows it.
    pub(super) fn into_value(self) -> Value {
        self.0
    }

    /// The value, with the marks described at [`ReferenceValue`].
    pub(crate) fn value(&self) -> &Value {
        &self.0
    }
}

/// Reads one document.
pub(super) fn read<'s, S: DeserializeSeed<'s>>(source: &'s str, seed: S) -> Result<S::Value, ReadError> {
    // A byte order mark is allowed by YAML and by Go, not by this reader.
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let read = seed.deserialize(serde_yaml::Deserializer::from_str(source));
    read.map_err(|error| ReadError { line: error.location().map(|location| location.line()) })
}

/// The key that keeps an earlier value of a duplicate key, and keys that are not strings, apart.
pub(crate) fn marked(kind: &str, number: usize, key: &str) -> String {
    format!("{MARK}{kind}{number}{MARK}{key}")
}

/// Adds an entry, keeping what a duplicate key had before: a list of its earlier values, under a marked key.
pub(crate) fn insert_entry(map: &mut Map<String, Value>, key: String, value: Value) {
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

/// The values that a key had before its last one.
pub(super) fn duplicates_of<'v>(map: &'v Map<String, Value>, key: &str) -> &'v [Value] {
    map.get(&marked("duplicate", 0, key)).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The key whose earlier values this key holds.
pub(super) fn has_duplicates(key: &str) -> Option<&str> {
    key.strip_prefix(MARK)?.strip_prefix("duplicate0")?.strip_prefix(MARK)
}

/// What a value with this tag holds.
pub(super) fn tagged_as<'v>(value: &'v Value, tag: &str) -> Option<&'v Value> {
    let entries = value.as_object().filter(|entries| entries.len() == 1)?;
    entries.get(&marked("tag", 0, tag))
}

/// What is read of a document.
#[derive(Clone, Copy)]
pub(super) struct ReadPart<'a> {
    /// The places that are read; of every other one there is a fingerprint.
    pub(super) touched: Touched<'a>,
    /// What makes the fingerprints.
    pub(super) fingerprints: &'a Fingerprints,
}

/// Reads a value of any shape without losing duplicate keys and tags.
#[derive(Clone, Copy)]
pub(super) struct Lossless<'a> {
    /// What is read; `None` for all of it.
    part: Option<ReadPart<'a>>,
}

impl Lossless<'_> {
    /// Reads all of a value.
    pub(super) const WHOLE: Self = Self { part: None };

    /// The same of what a key or an item holds.
    fn below(self, touched: impl Fn(Touched<'_>) -> Touched<'_>) -> Self {
        Self { part: self.part.map(|part| ReadPart { touched: touched(part.touched), ..part }) }
    }
}

/// The key of an entry. One that is no text is kept apart from those that are.
pub(super) fn to_key(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => marked("key", 0, &other.to_string()),
    }
}

impl<'de> DeserializeSeed<'de> for Lossless<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.part {
            Some(part) if !part.touched.is_read() => part.fingerprints.of(deserializer),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Lossless<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
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
        Ok(ReferenceValue::of_large(value))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Value, E> {
        Ok(ReferenceValue::of_large(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(ReferenceValue::of_float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E: de::Error>(self, value: &[u8]) -> Result<Value, E> {
        Ok(ReferenceValue::of_number(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self.below(|touched| touched.item(items.len())))? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key_seed(Lossless::WHOLE)?.map(to_key) {
            let value = access.next_value_seed(self.below(|touched| touched.entry(&key)))?;
            entries.push((key, value));
        }
        // With no more room than it needs: a map that grows begins with more.
        let mut map = Map::with_capacity(entries.len());
        for (key, value) in entries {
            insert_entry(&mut map, key, value);
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

    fn read(text: &str) -> Value {
        ReferenceValue::of(text).expect("readable").0
    }

    #[test]
    fn a_reading_keeps_what_a_value_would_lose() {
        assert_eq!(read("a: 1\na: 2\n"), json!({"a": 2, "\0duplicate0\0a": [1]}));
        assert_ne!(read("a: !x 1"), read("a: 1"));
        assert_ne!(read("1: a"), read("'1': a"));
        assert_eq!(read("a: .nan"), read("a: .nan"));
        assert_eq!(read("\u{feff}a: yes"), json!({"a": "yes"}));
        assert_eq!(read("a: &x [1]\nb: *x"), json!({"a": [1], "b": [1]}));
    }

    #[test]
    fn a_refusal_shows_no_value() {
        let error = ReferenceValue::of("password: \"hunter2\n  x: {").expect_err("not YAML");
        assert!(!error.to_string().contains("hunter2"));
    }
}
