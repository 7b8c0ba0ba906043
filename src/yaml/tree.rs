//! The tree: nodes with spans, in one arena, borrowed from the source.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::yaml::span::skip_trivia;
use crate::yaml::{Span, Step};

/// A node's place in its tree's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(super) usize);

/// Some nodes of a tree, for searches that ask at each node.
#[derive(Default)]
pub(crate) struct NodeSet(Vec<bool>);

impl NodeSet {
    /// Whether the node is one of them.
    pub(crate) fn contains(&self, id: NodeId) -> bool {
        self.0.get(id.0).is_some_and(|is_there| *is_there)
    }

    /// Adds a node; whether it was not there.
    pub(crate) fn insert(&mut self, id: NodeId) -> bool {
        if id.0 >= self.0.len() {
            self.0.resize(id.0 + 1, false);
        }
        !std::mem::replace(&mut self.0[id.0], true)
    }
}

/// A document's nodes.
#[derive(PartialEq)]
pub(crate) struct Tree<'s> {
    pub(super) source: &'s str,
    pub(super) nodes: Vec<Node<'s>>,
    pub(super) root: Option<NodeId>,
}

/// One node.
#[derive(PartialEq)]
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
#[derive(PartialEq)]
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
#[derive(PartialEq)]
pub(crate) struct Scalar<'s> {
    /// The text. An absent scalar (`key:`) has the empty text in plain style.
    pub(crate) text: Cow<'s, str>,
    /// How it is written.
    pub(crate) style: ScalarStyle,
}

impl Scalar<'_> {
    /// Whether Kubernetes reads nothing here, as if the key were not there.
    pub(crate) fn is_null(&self, tag: Option<&str>) -> bool {
        match tag {
            None => {
                self.style == ScalarStyle::Plain
                    && matches!(self.text.as_ref(), "" | "~" | "null" | "Null" | "NULL")
            }
            Some(tag) => tag == NULL_TAG,
        }
    }
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
const MERGE_TAG: &str = "tag:yaml.org,2002:merge";
const NULL_TAG: &str = "tag:yaml.org,2002:null";

/// `!`: a reader is to decide by the kind of the node alone.
const NO_TAG: &str = "!";

impl<'s> Tree<'s> {
    /// The text that the spans are about.
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

    /// The node that `id` means: itself, or the target of an alias.
    pub(crate) fn resolve(&self, id: NodeId) -> NodeId {
        match self.node(id).kind {
            Kind::Alias(target) => target,
            _ => id,
        }
    }

    /// A scalar's text, through an alias; null has none.
    pub(crate) fn text(&self, id: NodeId) -> Option<&str> {
        let node = self.node(self.resolve(id));
        match &node.kind {
            Kind::Scalar(scalar) if !scalar.is_null(node.tag.as_deref()) => Some(&scalar.text),
            _ => None,
        }
    }

    /// Whether [`Tree::text`] is this text.
    fn has_text(&self, id: NodeId, text: &str) -> bool {
        let node = self.node(self.resolve(id));
        matches!(&node.kind, Kind::Scalar(scalar) if scalar.text == text && !scalar.is_null(node.tag.as_deref()))
    }

    /// Whether a node is a scalar that says nothing, through an alias.
    pub(crate) fn is_null(&self, id: NodeId) -> bool {
        let node = self.node(self.resolve(id));
        matches!(&node.kind, Kind::Scalar(scalar) if scalar.is_null(node.tag.as_deref()))
    }

    /// A sequence's items, through an alias.
    pub(crate) fn items(&self, id: NodeId) -> Option<&[NodeId]> {
        match &self.node(self.resolve(id)).kind {
            Kind::Sequence(_, items) => Some(items),
            _ => None,
        }
    }

    /// A mapping's entries, through an alias; merge keys are there as they are written.
    pub(crate) fn entries(&self, id: NodeId) -> Option<&[(NodeId, NodeId)]> {
        match &self.node(self.resolve(id)).kind {
            Kind::Mapping(_, entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under `key`, as Kubernetes reads it: what is last wins, whether it is written or a merge key
    /// brings it.
    pub(crate) fn get(&self, id: NodeId, key: &str) -> Option<NodeId> {
        self.last(id, key, &mut HashSet::new())
    }

    /// `seen` are the mappings that are merged in and do not have the key: many may share one.
    fn last(&self, id: NodeId, key: &str, seen: &mut HashSet<NodeId>) -> Option<NodeId> {
        self.entries(id)?.iter().rev().find_map(|(own, value)| {
            if self.is_merge_key(*own) {
                self.merged(*value).find_map(|base| seen.insert(base).then(|| self.last(base, key, seen))?)
            } else {
                self.has_text(*own, key).then_some(*value)
            }
        })
    }

    /// The mappings that the value of a merge key brings in, the strongest first.
    fn merged(&self, value: NodeId) -> impl Iterator<Item = NodeId> {
        let bases = self.items(value).map_or_else(|| vec![value], <[NodeId]>::to_vec);
        bases.into_iter().map(|base| self.resolve(base))
    }

    /// Every entry that may count, as it is written or as a merge key brings it, the same key perhaps more than once.
    pub(crate) fn members(&self, id: NodeId) -> Vec<(NodeId, NodeId)> {
        let mut found = Vec::new();
        self.collect_members(id, &mut found, &mut HashSet::new());
        found
    }

    fn collect_members(&self, id: NodeId, found: &mut Vec<(NodeId, NodeId)>, seen: &mut HashSet<NodeId>) {
        for (key, value) in self.entries(id).unwrap_or_default() {
            if self.is_merge_key(*key) {
                for base in self.merged(*value) {
                    if seen.insert(base) {
                        self.collect_members(base, found, seen);
                    }
                }
            } else {
                found.push((*key, *value));
            }
        }
    }

    /// Whether a key brings in other mappings: `<<` where it is not quoted, or where its tag says so.
    pub(crate) fn is_merge_key(&self, key: NodeId) -> bool {
        let node = self.node(key);
        let Kind::Scalar(scalar) = &node.kind else { return false };
        scalar.text == MERGE_KEY
            && match node.tag.as_deref() {
                None => scalar.style == ScalarStyle::Plain,
                Some(tag) => tag == MERGE_TAG || tag == NO_TAG,
            }
    }

    /// The node one step down; an alias leads on to its target.
    pub(crate) fn child(&self, id: NodeId, step: &Step) -> Option<NodeId> {
        match step {
            Step::Key(key) => self.get(id, key),
            Step::Index(position) => self.items(id)?.get(*position).copied(),
        }
    }

    /// The node at a path from the root.
    pub(crate) fn at(&self, steps: &[Step]) -> Option<NodeId> {
        steps.iter().try_fold(self.root()?, |node, step| self.child(node, step))
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
