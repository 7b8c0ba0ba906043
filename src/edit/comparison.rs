//! The independent reader's events against a value, without a second value.
//!
//! What is read is compared where it is: a text with a text, an entry with the entry of its key. Nothing is kept of it,
//! so an edited document takes no memory for the proof that it means what it should.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::iter::Peekable;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::map::Iter;
use serde_json::{Map, Value};

use crate::edit::fingerprint::Fingerprints;
use crate::edit::reference_value::{
    Lossless, ReferenceValue, duplicates_of, has_duplicates, tagged_as, to_key,
};

/// Whether `read` finds this value.
///
/// # Errors
///
/// Those of `read`.
pub(super) fn compare<E>(
    value: &Value,
    fingerprints: &Fingerprints,
    read: impl FnOnce(ExpectedValue<'_>) -> Result<(), E>,
) -> Result<bool, E> {
    let differs = Cell::new(false);
    read(ExpectedValue { value: Some(value), differs: &differs, fingerprints })?;
    Ok(!differs.get())
}

/// A value that the reader should find where it is, and whether it has found another one anywhere.
#[derive(Clone, Copy)]
pub(crate) struct ExpectedValue<'v> {
    /// The value; `None` where the reader has found something that should not be there.
    value: Option<&'v Value>,
    /// Set where something differs.
    differs: &'v Cell<bool>,
    /// What made the fingerprints in the value.
    fingerprints: &'v Fingerprints,
}

impl<'v> ExpectedValue<'v> {
    /// The same comparison of what is inside.
    fn inside(self, value: Option<&'v Value>) -> Self {
        Self { value, ..self }
    }

    fn note(self, is_same: bool) {
        if !is_same {
            self.differs.set(true);
        }
    }

    fn is(self, read: &Value) {
        self.note(self.value == Some(read));
    }
}

impl<'de> DeserializeSeed<'de> for ExpectedValue<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.value {
            Some(value) if Fingerprints::is_one(value) => {
                self.is(&self.fingerprints.of(deserializer)?);
                Ok(())
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for ExpectedValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.note(self.value.is_some_and(Value::is_null));
        Ok(())
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.note(self.value.and_then(Value::as_bool) == Some(value));
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.is(&value.into());
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.is(&value.into());
        Ok(())
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<(), E> {
        self.is(&ReferenceValue::of_large(value));
        Ok(())
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<(), E> {
        self.is(&ReferenceValue::of_large(value));
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.is(&ReferenceValue::of_float(value));
        Ok(())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.note(self.value.and_then(Value::as_str) == Some(value));
        Ok(())
    }

    fn visit_bytes<E: de::Error>(self, value: &[u8]) -> Result<(), E> {
        self.is(&ReferenceValue::of_number(value));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let values = self.value.and_then(Value::as_array);
        let mut position = 0;
        let item = |position: usize| values.and_then(|values| values.get(position));
        while access.next_element_seed(self.inside(item(position)))?.is_some() {
            position += 1;
        }
        self.note(values.is_some_and(|values| values.len() == position));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let mut entries = self.value.and_then(Value::as_object).map(ExpectedEntries::of);
        while let Some(key) = access.next_key_seed(Lossless::WHOLE)?.map(to_key) {
            let value = entries.as_mut().and_then(|entries| entries.next(&key));
            access.next_value_seed(self.inside(value))?;
        }
        self.note(entries.is_some_and(ExpectedEntries::are_all_read));
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<(), A::Error> {
        let (tag, content): (String, A::Variant) = access.variant()?;
        let inside = self.value.and_then(|value| tagged_as(value, &tag));
        self.note(inside.is_some());
        content.newtype_variant_seed(self.inside(inside))
    }
}

/// The entries of a mapping, each to be read once.
struct ExpectedEntries<'v> {
    map: &'v Map<String, Value>,
    /// The entries from the next one on: most mappings are read in their order.
    in_order: Peekable<Iter<'v>>,
    /// How many entries have been read in order.
    count: usize,
    /// How many values of each key have been read; `None` while they come in order.
    read: Option<HashMap<&'v str, usize>>,
    /// Whether a key is there more than once.
    has_duplicates: bool,
}

impl<'v> ExpectedEntries<'v> {
    fn of(map: &'v Map<String, Value>) -> Self {
        let has_duplicates = map.keys().any(|key| has_duplicates(key).is_some());
        let read = has_duplicates.then(HashMap::new);
        Self { map, in_order: map.iter().peekable(), count: 0, read, has_duplicates }
    }

    /// The value that this key should have the next time it is read.
    fn next(&mut self, key: &str) -> Option<&'v Value> {
        if self.read.is_none() {
            if let Some((_, value)) = self.in_order.next_if(|(expected, _)| *expected == key) {
                self.count += 1;
                return Some(value);
            }
            let done = self.map.keys().take(self.count).map(|key| (key.as_str(), 1));
            self.read = Some(done.collect());
        }
        let (key, last) = self.map.get_key_value(key)?;
        let earlier = self.earlier(key);
        let read = self.read.as_mut()?.entry(key).or_default();
        let value = if *read == earlier.len() { Some(last) } else { earlier.get(*read) };
        *read += 1;
        value
    }

    /// The values of a key before its last one.
    fn earlier(&self, key: &str) -> &'v [Value] {
        if self.has_duplicates { duplicates_of(self.map, key) } else { &[] }
    }

    /// Whether none is left.
    fn are_all_read(self) -> bool {
        let Some(read) = &self.read else { return self.count == self.map.len() };
        self.map.keys().all(|key| match has_duplicates(key) {
            Some(key) => self.map.contains_key(key),
            None => read.get(key.as_str()) == Some(&(self.earlier(key).len() + 1)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::reference_value::read;

    /// Every text against every other one: the comparison says what two values would say.
    #[test]
    fn a_comparison_is_that_of_two_values() {
        let texts = [
            "{a: 1, b: [x, {c: null}]}",
            "{b: [x, {c: ~}], a: 1}",
            "{a: 1, b: [x, {c: null}], d: e}",
            "{a: 1, b: [x]}",
            "{a: 1}",
            "{a: '1'}",
            "{a: 1.0}",
            "{a: true}",
            "{a: .nan}",
            "{a: 99999999999999999999}",
            "{a: !t 1}",
            "{a: !u 1}",
            "{a: 1, a: 2}",
            "{a: 2, a: 1}",
            "{a: 2}",
            "{a: 1, a: 2, a: 3}",
            "{a: 1, b: 1, a: 2}",
            "{b: 1, a: 1, a: 2}",
            "{a: 1, b: 1}",
            "{b: 1, a: 1}",
            "{a: 1, a: 1}",
            "{1: a}",
            "{'1': a}",
            "[]",
            "{}",
            "[[], {}]",
            "x",
            "",
        ];
        for (expected, other) in texts.iter().flat_map(|one| texts.map(|other| (*one, other))) {
            let value = ReferenceValue::of(expected).expect("YAML").into_value();
            let is_same = compare(&value, &Fingerprints::default(), |expected| read(other, expected));
            let same = ReferenceValue::of(other).expect("YAML").into_value() == value;
            assert_eq!(is_same.expect("YAML"), same, "{expected} and {other}");
        }
    }

    /// What a patch leaves of a key that was there more than once is still expected.
    #[test]
    fn an_earlier_value_is_not_forgotten() {
        let mut value = ReferenceValue::of("{a: 1, a: 2, b: 3}").expect("YAML").into_value();
        value.as_object_mut().expect("a mapping").remove("a");
        for text in ["{b: 3}", "{a: 1, b: 3}"] {
            let is_same = compare(&value, &Fingerprints::default(), |expected| read(text, expected));
            assert!(!is_same.expect("YAML"), "{text}");
        }
    }
}
