//! An independent reader: text → values as Kubernetes sees them.
//!
//! The last of several equal keys counts, merge keys are filled in, and a scalar is what YAML 1.2 says it is.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde_json::{Map, Value};

/// A document's content, without its `---`.
pub(crate) fn content(document: &str) -> &str {
    document.strip_prefix("---").unwrap_or(document)
}

/// The documents of a stream, each with its marker; the first without a byte order mark.
pub(crate) fn split(stream: &str) -> Vec<&str> {
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream);
    let mut starts: Vec<usize> = stream.match_indices("\n---").map(|(at, _)| at + 1).collect();
    starts.insert(0, 0);
    starts.push(stream.len());
    starts.dedup();
    starts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// Reads one document.
pub(crate) fn read(document: &str) -> Result<Value, serde_yaml::Error> {
    serde_yaml::from_str::<Read>(content(document)).map(|Read(mut value)| {
        merge(&mut value);
        value
    })
}

fn merge(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(merge),
        Value::Object(entries) => {
            entries.values_mut().for_each(merge);
            let bases = match entries.remove("<<") {
                Some(Value::Array(bases)) => bases,
                Some(base) => vec![base],
                None => Vec::new(),
            };
            for (key, value) in bases.iter().filter_map(Value::as_object).flatten() {
                entries.entry(key).or_insert_with(|| value.clone());
            }
        }
        _ => {}
    }
}

struct Read(Value);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading).map(Self)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
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

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(serde_json::json!({"float": value.to_string()}))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Read(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        while let Some((Read(key), Read(value))) = access.next_entry()? {
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            entries.insert(key, value);
        }
        Ok(entries.into())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (_, content): (String, A::Variant) = access.variant()?;
        content.newtype_variant().map(|Read(value)| value)
    }
}
