//! A tree, as serde reads it: the value that its text has to the reader that made it.

use serde::de::value::Error;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use crate::edit::comparison::compare;
use crate::edit::fingerprint::Fingerprints;
use crate::edit::plain::visit_plain;
use crate::yaml::{Kind, NodeId, Scalar, ScalarStyle, Tree};

/// Whether the tree of a text that charts render is this value, which may be reduced to fingerprints.
pub(super) fn is_value(tree: &Tree<'_>, value: &Value, fingerprints: &Fingerprints) -> bool {
    let Some(id) = tree.root() else { return value.is_null() };
    compare(value, fingerprints, |expected| expected.deserialize(TreeNode { tree, id })).unwrap_or(false)
}

/// A node of a text that charts render: one without anchors, aliases and tags.
struct TreeNode<'t, 's> {
    tree: &'t Tree<'s>,
    id: NodeId,
}

/// The nodes inside a collection that are still to come.
struct Nodes<'t, 's, I> {
    tree: &'t Tree<'s>,
    ids: I,
}

impl<'de> Deserializer<'de> for TreeNode<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self { tree, id } = self;
        match tree.kind(id) {
            Kind::Scalar(Scalar { text, style: ScalarStyle::Plain }) => visit_plain(text, visitor),
            Kind::Scalar(scalar) => visitor.visit_str(scalar.text),
            Kind::Sequence(_, items) => visitor.visit_seq(Nodes { tree, ids: items.iter().copied() }),
            Kind::Mapping(_, entries) => {
                let ids = entries.iter().flat_map(|(key, value)| [*key, *value]);
                visitor.visit_map(Nodes { tree, ids })
            }
            Kind::Alias(_) => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<I: Iterator<Item = NodeId>> Nodes<'_, '_, I> {
    fn next<'de, T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let tree = self.tree;
        self.ids.next().map(|id| seed.deserialize(TreeNode { tree, id })).transpose()
    }
}

impl<'de, I: Iterator<Item = NodeId>> SeqAccess<'de> for Nodes<'_, '_, I> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.next(seed)
    }
}

impl<'de, I: Iterator<Item = NodeId>> MapAccess<'de> for Nodes<'_, '_, I> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.next(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        self.next(seed)?.ok_or_else(|| serde::de::Error::custom("a key without a value"))
    }
}
