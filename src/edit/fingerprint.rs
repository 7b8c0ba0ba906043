//! What stands for a part of a document that an edit must not touch.

use std::fmt;
use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// Makes the fingerprints of one proof, with a key of its own: no document can be written so that two of its parts have the same.
#[derive(Default)]
pub(super) struct Fingerprints(RandomState);

impl Fingerprints {
    /// The fingerprint of what is read here: a number with a fraction, which no other part of a value is.
    pub(super) fn of<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Value, D::Error> {
        let mut hasher = self.0.build_hasher();
        Hashed(&mut hasher).deserialize(deserializer)?;
        Ok(as_number(hasher.finish()))
    }

    /// Whether a value stands for a part of a document.
    pub(super) fn is_one(value: &Value) -> bool {
        value.is_f64()
    }
}

/// 63 bits of a hash, as a number: the bit that is not used would make some of them infinite.
fn as_number(hash: u64) -> Value {
    const FINITE: u64 = !(1 << 62);
    Number::from_f64(f64::from_bits(hash & FINITE)).into()
}

/// Hashes what is read. Each node begins with its kind and ends with its length or an end, so that no two values are alike.
struct Hashed<'a>(&'a mut DefaultHasher);

impl Hashed<'_> {
    fn text(self, kind: u8, text: &[u8]) {
        self.0.write_u8(kind);
        self.0.write_usize(text.len());
        self.0.write(text);
    }
}

impl<'de> DeserializeSeed<'de> for Hashed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Hashed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.0.write_u8(0);
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.0.write_u8(1 + u8::from(value));
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.0.write_u8(3);
        self.0.write_i64(value);
        Ok(())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.text(4, value.as_bytes());
        Ok(())
    }

    fn visit_bytes<E: de::Error>(self, value: &[u8]) -> Result<(), E> {
        self.text(5, value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.0.write_u8(6);
        while access.next_element_seed(Hashed(self.0))?.is_some() {}
        self.0.write_u8(8);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        self.0.write_u8(7);
        while access.next_key_seed(Hashed(self.0))?.is_some() {
            access.next_value_seed(Hashed(self.0))?;
        }
        self.0.write_u8(8);
        Ok(())
    }
}
