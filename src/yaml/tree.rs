//! The tree: nodes with spans, in one arena, borrowed from the source.

use std::borrow::Cow;

use crate::yaml::Span;
use crate::yaml::span::skip_trivia;

/// A node's place in its tree's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(super) usize);

/// A document's nodes.
pub(crate) struct Tree<'s> {
    pub(super) source: &'s str,
    pub(super) nodes: Vec<Node<'s>>,
    pub(super) root: Option<NodeId>,
}

/// One node.
pub(crate) struct Node<'s> {
    /// What it is.
    pub(crate) kind: Kind<'s>,
    /// Its content, without anchor and tag: from the first byte of its token to the end of its last descendant.
    pub(crate) content: Span,
    /// Where its anchor and tag begin; the start of the content where it has neither.
    pub(crate) start: usize,
    /// The node that holds it, as key, value or item.
    pub(crate) parent: Option<NodeId>,
    /// The name of its anchor.
    pub(crate) anchor: Option<Cow<'s, str>>,
    /// Its tag, resolved (`tag:yaml.org,2002:str`).
    pub(crate) tag: Option<String>,
}

/// What a node is.
pub(crate) enum Kind<'s> {
    /// A scalar.
    Scalar(Scalar<'s>),
    /// A sequence and its items.
    Sequence(Style, Vec<NodeId>),
    /// A mapping and its entries, in order, duplicates included.
    Mapping(Style, Vec<(NodeId, NodeId)>),
    /// A reference to the node that carries the anchor.
    Alias(NodeId),
}

/// How a collection is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// By indentation.
    Block,
    /// In brackets or braces; JSON is this style.
    Flow,
}

/// A scalar's text, after its escapes, and its style.
pub(crate) struct Scalar<'s> {
    /// The text. An absent scalar (`key:`) has the empty text in plain style.
    pub(crate) text: Cow<'s, str>,
    /// How it is written.
    pub(crate) style: ScalarStyle,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarStyle {
    /// Without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|` or `>`
    Block,
}

const MERGE_KEY: &str = "<<";

impl<'s> Tree<'s> {
    /// The text that the spans speak of.
    pub(crate) fn source(&self) -> &'s str {
        self.source
    }

    /// The document's node; `None` where the source holds only comments.
    pub(crate) fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// The node with this id.
    pub(crate) fn node(&self, id: NodeId) -> &Node<'s> {
        &self.nodes[id.0]
    }

    /// A node as it is written, without anchor and tag.
    pub(crate) fn source_of(&self, id: NodeId) -> &'s str {
        let Span { start, end } = self.node(id).content;
        &self.source[start..end]
    }

    /// All ids, parents before children.
    pub(crate) fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// The node that `id` stands for: itself, or the target of an alias.
    pub(crate) fn resolve(&self, id: NodeId) -> NodeId {
        match self.node(id).kind {
            Kind::Alias(target) => target,
            _ => id,
        }
    }

    /// A scalar's text, through an alias.
    pub(crate) fn text(&self, id: NodeId) -> Option<&str> {
        match &self.node(self.resolve(id)).kind {
            Kind::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// A sequence's items, through an alias.
    pub(crate) fn items(&self, id: NodeId) -> Option<&[NodeId]> {
        match &self.node(self.resolve(id)).kind {
            Kind::Sequence(_, items) => Some(items),
            _ => None,
        }
    }

    /// A mapping's entries, through an alias; merge keys stand there as they are written.
    pub(crate) fn entries(&self, id: NodeId) -> Option<&[(NodeId, NodeId)]> {
        match &self.node(self.resolve(id)).kind {
            Kind::Mapping(_, entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under `key`, as Kubernetes reads it: the last of several, else from a merge key.
    pub(crate) fn get(&self, id: NodeId, key: &str) -> Option<NodeId> {
        let entries = self.entries(id)?;
        let own = entries.iter().rev().find(|(k, _)| self.text(*k) == Some(key));
        own.map(|(_, value)| *value).or_else(|| self.merged(id).find_map(|base| self.get_direct(base, key)))
    }

    fn get_direct(&self, id: NodeId, key: &str) -> Option<NodeId> {
        let entries = self.entries(id)?;
        entries.iter().rev().find(|(k, _)| self.text(*k) == Some(key)).map(|(_, value)| *value)
    }

    /// The mappings that a mapping's merge key (`<<`) brings in, the strongest first, nested ones included.
    pub(crate) fn merged(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let mut found = Vec::new();
        self.collect_merged(id, &mut found);
        found.into_iter()
    }

    fn collect_merged(&self, id: NodeId, found: &mut Vec<NodeId>) {
        for (key, value) in self.entries(id).unwrap_or_default() {
            if !self.is_merge_key(*key) {
                continue;
            }
            let bases = self.items(*value).unwrap_or(std::slice::from_ref(value));
            for base in bases.iter().map(|base| self.resolve(*base)) {
                // Each base once: a base that merges itself would never end.
                if self.entries(base).is_some() && !found.contains(&base) {
                    found.push(base);
                    self.collect_merged(base, found);
                }
            }
        }
    }

    /// Whether this key is the merge key: `<<`, not quoted.
    pub(crate) fn is_merge_key(&self, key: NodeId) -> bool {
        matches!(&self.node(key).kind, Kind::Scalar(scalar)
            if scalar.style == ScalarStyle::Plain && scalar.text == MERGE_KEY)
    }

    /// Follows keys down from `id`.
    pub(crate) fn get_in(&self, id: NodeId, keys: &[&str]) -> Option<NodeId> {
        keys.iter().try_fold(id, |node, key| self.get(node, key))
    }

    /// The end of the entry `key: value`, its colon included where the value is absent.
    pub(crate) fn entry_end(&self, key: NodeId, value: NodeId) -> usize {
        let end = self.node(value).content.end;
        let key_end = self.node(key).content.end;
        if self.node(value).start < self.node(value).content.end {
            return end;
        }
        let next = skip_trivia(self.source, key_end);
        if self.source.as_bytes().get(next) == Some(&b':') { next + 1 } else { key_end.max(end) }
    }

    /// The end of a node as the end of what is written for it; for an absent value, the end of its key and colon.
    pub(crate) fn ends(&self, id: NodeId) -> usize {
        self.node(id).content.end
    }
}
