//! The reader for what both others cannot read: libyaml's, by way of serde.
//!
//! It keeps all of a document's events, so it is asked last, and only where there are not too many of them.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};

use crate::edit::digest::{Digest, DigestKey, Digester};
use crate::edit::plain::PlainValue;
use crate::edit::read_digest::ReadError;

/// About how many bytes it keeps for a node.
const NODE: usize = 300;

/// What any document may take: more than an object that a cluster stores.
const LEAST: usize = 32 << 20;

/// Whether it has the memory for a document of some nodes and bytes.
pub(super) fn is_affordable(nodes: usize, bytes: usize) -> bool {
    nodes.saturating_mul(NODE) <= LEAST.max(bytes.saturating_mul(10))
}

/// The digest of a text. One with tags of its own has none.
///
/// # Errors
///
/// The reader does not accept the text.
pub(super) fn digest(key: &DigestKey, text: &str) -> Result<Digest, ReadError> {
    let mut digester = Digester::new(key);
    let read = LibyamlNode(&mut digester).deserialize(serde_yaml::Deserializer::from_str(text));
    read.map_err(|error| ReadError::in_line(error.location().map(|location| location.line())))?;
    Ok(digester.finish())
}

/// A node that is read into a digest.
struct LibyamlNode<'a, 'k>(&'a mut Digester<'k>);

impl<'de> DeserializeSeed<'de> for LibyamlNode<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for LibyamlNode<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value without tags of its own")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.0.plain_value(PlainValue::Null);
        Ok(())
    }

    // A text without a node.
    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.0.plain_value(PlainValue::Boolean(value));
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.0.plain_value(PlainValue::Integer(value.into()));
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.0.plain_value(PlainValue::Integer(value.into()));
        Ok(())
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<(), E> {
        self.0.plain_value(PlainValue::Integer(value));
        Ok(())
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<(), E> {
        // One beyond 128 bits with a sign is what its digits stand for.
        self.0.scalar(&value.to_string(), true, None);
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.0.plain_value(PlainValue::Float(value));
        Ok(())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.0.text(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.0.begin_sequence();
        while access.next_element_seed(LibyamlNode(self.0))?.is_some() {}
        self.0.end(None);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.0.begin_mapping();
        while access.next_key_seed(LibyamlNode(self.0))?.is_some() {
            access.next_value_seed(LibyamlNode(self.0))?;
        }
        self.0.end(None);
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(de::Error::custom("a tag"))
    }
}
