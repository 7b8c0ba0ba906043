//! The independent oracle: another YAML reader must agree that the edited bytes mean what the patch says.
//!
//! This module knows neither the tree that the rules saw nor how splices are made. It reads the document before
//! and after with a reader of libyaml's lineage (as Kubernetes' own Go reader is), applies the JSON Patch to the
//! one and compares it with the other. So a wrong span, a wrong indentation or a disagreement between readers
//! stops the run; it never reaches the cluster.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::edit::patch::Patch;

/// Marks what JSON cannot say, in keys that no YAML text can spell (NUL is not a YAML character).
const MARK: char = '\0';

/// A document as the independent reader reads it.
///
/// A JSON value with nothing lost that an edit could damage: of a duplicate key both values stay (the last under
/// the key itself, as Kubernetes decides), tags stay, numbers that JSON cannot hold stay as text.
#[derive(Debug, PartialEq)]
pub(crate) struct ReferenceValue(Value);

/// Why an edit is refused. No variant holds a value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The independent reader cannot read the document as it came in.
    #[error("the document is read differently by different YAML readers ({0})")]
    Before(#[source] ReadError),
    /// The rules' reader and the independent one see different documents.
    #[error("the document means different things to different YAML readers")]
    Readers,
    /// It cannot read the edited document.
    #[error("the edited document would not be valid YAML ({0})")]
    After(#[source] ReadError),
    /// The patch does not fit what it reads.
    #[error(
        "the document is read differently by different YAML readers (operation {operation} of the patch does not apply)"
    )]
    Patch {
        /// Position of the operation in the JSON Patch, counted from 0.
        operation: usize,
    },
    /// The edited document means something else.
    #[error("the edited document would not mean what the rules say")]
    Different,
}

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

impl ReferenceValue {
    /// Reads one document.
    ///
    /// # Errors
    ///
    /// The independent reader does not accept the text.
    pub(crate) fn of(source: &str) -> Result<Self, ReadError> {
        // A byte order mark is allowed by YAML and by Go, not by this reader.
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let read: Result<Lossless, _> = serde_yaml::from_str(source);
        read.map(|Lossless(value)| Self(value))
            .map_err(|error| ReadError { line: error.location().map(|location| location.line()) })
    }

    /// A number that JSON has no room for.
    pub(crate) fn of_large(number: impl fmt::Display) -> Value {
        marked("number", 0, &number.to_string()).into()
    }

    /// A number with a fraction: the bits, since not-a-number must equal itself.
    pub(crate) fn of_float(number: f64) -> Value {
        marked("number", 0, &format!("{:x}", number.to_bits())).into()
    }

    /// The value, with the marks described at [`ReferenceValue`].
    pub(crate) fn value(&self) -> &Value {
        &self.0
    }
}

/// Confirms that `after` is `before` with `patch` applied.
///
/// # Errors
///
/// The edited text cannot be read, the patch does not apply, or the result differs.
pub(crate) fn verify(before: ReferenceValue, patch: &Patch, after: &str) -> Result<(), Refusal> {
    let ReferenceValue(mut expected) = before;
    let operations: json_patch::Patch =
        serde_json::from_value(patch.to_json_patch()).map_err(|_| Refusal::Patch { operation: 0 })?;
    json_patch::patch(&mut expected, &operations)
        .map_err(|error| Refusal::Patch { operation: error.operation })?;
    let ReferenceValue(actual) = ReferenceValue::of(after).map_err(Refusal::After)?;
    if actual == expected { Ok(()) } else { Err(Refusal::Different) }
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

/// A value of any shape, read without losing duplicate keys and tags.
struct Lossless(Value);

impl<'de> Deserialize<'de> for Lossless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LosslessVisitor).map(Self)
    }
}

struct LosslessVisitor;

impl<'de> Visitor<'de> for LosslessVisitor {
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
        Lossless::deserialize(deserializer).map(|Lossless(value)| value)
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Lossless(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((Lossless(key), Lossless(value))) = access.next_entry()? {
            let key = match key {
                Value::String(text) => text,
                other => marked("key", 0, &other.to_string()),
            };
            insert_entry(&mut map, key, value);
        }
        Ok(map.into())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (tag, content): (String, A::Variant) = access.variant()?;
        let Lossless(value) = content.newtype_variant()?;
        let tagged = Map::from_iter([(marked("tag", 0, &tag), value)]);
        Ok(tagged.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::edit::patch::Op;
    use crate::yaml::Path;

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
    fn an_edit_is_confirmed_or_refused() {
        let before = "a: x\nb: y\n";
        let mut patch = Patch::default();
        patch.push(Op::Remove { path: Path::root().key("a") });
        let check = |after| verify(ReferenceValue::of(before).expect("readable"), &patch, after);
        assert!(check("b: y\n").is_ok());
        assert!(matches!(check("b: z\n"), Err(Refusal::Different)));
        assert!(matches!(check("b: [\n"), Err(Refusal::After(_))));
        let mut wrong = patch.clone();
        wrong.push(Op::Test { path: Path::root().key("b"), value: "z".into() });
        let refused = verify(ReferenceValue::of(before).expect("readable"), &wrong, "b: y\n");
        assert!(matches!(refused, Err(Refusal::Patch { operation: 0 })));
    }

    #[test]
    fn a_refusal_shows_no_value() {
        let error = ReferenceValue::of("password: \"hunter2\n  x: {").expect_err("not YAML");
        assert!(!error.to_string().contains("hunter2"));
    }
}
