//! A document as one number: what it means, and nothing of how it is written.
//!
//! A value is compared with another one without keeping either: each node has a digest, that of a collection is made of those
//! of its members, and an alias has that of its anchor. So a proof takes no more memory than the entries of the mappings that are
//! open.

use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};

use serde_json::Value;

use crate::edit::plain::PlainValue;
use crate::yaml::scalar::TEXT_TAG;

/// What a node means, in 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest(u64);

/// What makes the digests of one proof comparable, and no document writable for: they depend on a random number.
#[derive(Default)]
pub(super) struct DigestKey(RandomState);

/// The tags that say what a node is in any case.
const SEQUENCE_TAG: &str = "tag:yaml.org,2002:seq";
const MAPPING_TAG: &str = "tag:yaml.org,2002:map";

/// Makes the digest of a document out of its nodes, one after the other.
pub(super) struct Digester<'k> {
    key: &'k DigestKey,
    open: Vec<OpenCollection>,
    /// Those of the open mappings, keys and values in turn, those of the innermost one last.
    members: Vec<Digest>,
    root: Option<Digest>,
}

/// A collection whose end has not come yet.
enum OpenCollection {
    Sequence(DefaultHasher),
    Mapping {
        /// How many members were there before its own.
        members: usize,
    },
}

/// What a digest begins with, so that no two kinds of nodes have the same.
#[derive(Clone, Copy)]
#[repr(u8)]
enum DigestKind {
    Null,
    Boolean,
    Integer,
    Float,
    Text,
    Sequence,
    Mapping,
    Tagged,
}

impl<'k> Digester<'k> {
    /// One that has seen no node.
    pub(super) fn new(key: &'k DigestKey) -> Self {
        Self { key, open: Vec::new(), members: Vec::new(), root: None }
    }

    /// The digest of the document; one without a node is null.
    pub(super) fn finish(mut self) -> Digest {
        self.root.unwrap_or_else(|| self.plain(""))
    }

    /// A node whose digest is known.
    pub(super) fn add(&mut self, digest: Digest) -> Digest {
        match self.open.last_mut() {
            None => self.root = Some(digest),
            Some(OpenCollection::Sequence(hasher)) => hasher.write_u64(digest.0),
            Some(OpenCollection::Mapping { .. }) => self.members.push(digest),
        }
        digest
    }

    /// A scalar.
    pub(super) fn scalar(&mut self, text: &str, is_plain: bool, tag: Option<&str>) -> Digest {
        match tag {
            None if is_plain => self.plain(text),
            None | Some(TEXT_TAG) => self.text(text),
            Some(tag) => {
                let mut hasher = self.hasher(DigestKind::Tagged);
                write_text(&mut hasher, tag);
                write_text(&mut hasher, text);
                self.add(Digest(hasher.finish()))
            }
        }
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) -> Digest {
        self.leaf(DigestKind::Text, text.as_bytes())
    }

    /// A scalar without quotes.
    fn plain(&mut self, text: &str) -> Digest {
        self.plain_value(PlainValue::of(text))
    }

    /// What a scalar without quotes stands for.
    pub(super) fn plain_value(&mut self, value: PlainValue<'_>) -> Digest {
        match value {
            PlainValue::Null => self.leaf(DigestKind::Null, &[]),
            PlainValue::Boolean(value) => self.leaf(DigestKind::Boolean, &[value.into()]),
            PlainValue::Integer(number) => self.leaf(DigestKind::Integer, &number.to_ne_bytes()),
            // The bits, since not-a-number must equal itself.
            PlainValue::Float(number) => self.leaf(DigestKind::Float, &number.to_bits().to_ne_bytes()),
            PlainValue::Text(text) => self.text(text),
        }
    }

    fn leaf(&mut self, kind: DigestKind, bytes: &[u8]) -> Digest {
        let mut hasher = self.hasher(kind);
        hasher.write(bytes);
        self.add(Digest(hasher.finish()))
    }

    fn hasher(&self, kind: DigestKind) -> DefaultHasher {
        let mut hasher = self.key.0.build_hasher();
        hasher.write_u8(kind as u8);
        hasher
    }

    /// A sequence begins.
    pub(super) fn begin_sequence(&mut self) {
        self.open.push(OpenCollection::Sequence(self.hasher(DigestKind::Sequence)));
    }

    /// A mapping begins.
    pub(super) fn begin_mapping(&mut self) {
        self.open.push(OpenCollection::Mapping { members: self.members.len() });
    }

    /// The collection ends.
    pub(super) fn end(&mut self, tag: Option<&str>) -> Digest {
        let (content, usual) = match self.open.pop() {
            Some(OpenCollection::Sequence(hasher)) => (hasher.finish(), SEQUENCE_TAG),
            Some(OpenCollection::Mapping { members }) => (self.entries(members), MAPPING_TAG),
            None => return self.plain_value(PlainValue::Null),
        };
        let Some(tag) = tag.filter(|tag| *tag != usual) else { return self.add(Digest(content)) };
        let mut hasher = self.hasher(DigestKind::Tagged);
        write_text(&mut hasher, tag);
        hasher.write_u64(content);
        self.add(Digest(hasher.finish()))
    }

    /// The entries of the innermost mapping. Their order says nothing, but where a key is there more than once.
    fn entries(&mut self, from: usize) -> u64 {
        let (entries, _) = self.members[from..].as_chunks_mut();
        entries.sort_by_key(|[key, _]| *key);
        let mut hasher = self.hasher(DigestKind::Mapping);
        for Digest(member) in &self.members[from..] {
            hasher.write_u64(*member);
        }
        self.members.truncate(from);
        hasher.finish()
    }

    /// A value, as JSON has it.
    pub(super) fn value(&mut self, value: &Value) -> Digest {
        match value {
            Value::Null => self.plain_value(PlainValue::Null),
            Value::Bool(value) => self.plain_value(PlainValue::Boolean(*value)),
            Value::Number(number) => self.plain(&number.to_string()),
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.begin_sequence();
                for item in items {
                    self.value(item);
                }
                self.end(None)
            }
            Value::Object(entries) => {
                self.begin_mapping();
                for (key, value) in entries {
                    self.text(key);
                    self.value(value);
                }
                self.end(None)
            }
        }
    }
}

fn write_text(hasher: &mut DefaultHasher, text: &str) {
    hasher.write_usize(text.len());
    hasher.write(text.as_bytes());
}
