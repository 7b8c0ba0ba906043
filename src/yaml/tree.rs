//! The tree: nodes with spans, in one arena, borrowed from the source.

use std::collections::BTreeSet;

use crate::yaml::events::YamlReader;
use crate::yaml::span::behind_mark;
use crate::yaml::storage::{
    Node, Prefix, Prefixes, StoredLists, StoredTexts, TextId, What, bytes_in_source, text_in_source,
};
use crate::yaml::{NodeId, Path, ScalarStyle, Span, Step, Style};

/// A document's nodes.
pub(crate) struct Tree<'s> {
    pub(super) source: &'s str,
    pub(super) nodes: Vec<Node>,
    pub(super) items: StoredLists<NodeId>,
    pub(super) entries: StoredLists<(NodeId, NodeId)>,
    pub(super) texts: StoredTexts,
    pub(super) prefixes: Prefixes,
    pub(super) root: Option<NodeId>,
    pub(super) reader: YamlReader,
}

/// What a node is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind<'t> {
    /// A scalar.
    Scalar(Scalar<'t>),
    /// A sequence and its items.
    Sequence(Style, &'t [NodeId]),
    /// A mapping and its entries, in order, duplicates included.
    Mapping(Style, &'t [(NodeId, NodeId)]),
    /// A reference to the node that carries the anchor.
    Alias(NodeId),
}

/// A scalar's text, after its escapes, and its style.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Scalar<'t> {
    /// The text. An absent scalar (`key:`) has the empty text in plain style.
    pub(crate) text: &'t str,
    /// How it is written.
    pub(crate) style: ScalarStyle,
}

impl Scalar<'_> {
    /// Whether Kubernetes reads nothing here, as if the key were not there.
    pub(crate) fn is_null(self, tag: Option<&str>) -> bool {
        match tag {
            None => {
                self.style == ScalarStyle::Plain && matches!(self.text, "" | "~" | "null" | "Null" | "NULL")
            }
            Some(tag) => tag == NULL_TAG,
        }
    }
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

    /// Who has read the text.
    pub(crate) fn reader(&self) -> YamlReader {
        self.reader
    }

    /// The document's node; `None` where the source holds only comments.
    pub(crate) fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// What a node is.
    #[inline]
    pub(crate) fn kind(&self, id: NodeId) -> Kind<'_> {
        let node = &self.nodes[id.index()];
        match node.what {
            What::Scalar(style, text) => Kind::Scalar(self.scalar_of(node, style, text)),
            What::Sequence(style, items) => Kind::Sequence(style, self.items.get(items)),
            What::Mapping(style, entries) => Kind::Mapping(style, self.entries.get(entries)),
            What::Alias(target) => Kind::Alias(target),
        }
    }

    /// A node that is a scalar itself.
    #[inline]
    pub(crate) fn scalar(&self, id: NodeId) -> Option<Scalar<'_>> {
        let node = &self.nodes[id.index()];
        match node.what {
            What::Scalar(style, text) => Some(self.scalar_of(node, style, text)),
            _ => None,
        }
    }

    #[inline]
    fn scalar_of(&self, node: &Node, style: ScalarStyle, text: Option<TextId>) -> Scalar<'_> {
        let text = match text {
            Some(text) => self.texts.get(text),
            None => text_in_source(self.source, node.content(), style),
        };
        Scalar { text, style }
    }

    /// A node's content, without anchor and tag: from the first byte of its token to the end of its last descendant.
    pub(crate) fn content(&self, id: NodeId) -> Span {
        self.nodes[id.index()].content()
    }

    /// Where a node's anchor and tag begin; the start of the content where it has neither.
    pub(crate) fn start(&self, id: NodeId) -> usize {
        self.prefixes.get(id).map_or_else(|| self.content(id).start, Prefix::start)
    }

    /// The name of a node's anchor.
    pub(crate) fn anchor(&self, id: NodeId) -> Option<&str> {
        Some(self.texts.get(self.prefixes.get(id)?.anchor?))
    }

    /// A node's tag, resolved (`tag:yaml.org,2002:str`).
    pub(crate) fn tag(&self, id: NodeId) -> Option<&str> {
        Some(self.texts.get(self.prefixes.get(id)?.tag?))
    }

    /// The nodes that hold a node, each as key, value or item of the one before, from the root down.
    fn ancestors(&self, id: NodeId) -> Vec<NodeId> {
        let mut ancestors = Vec::new();
        let mut at = self.root;
        while let Some(holder) = at.filter(|holder| *holder < id) {
            ancestors.push(holder);
            at = self.member_with(holder, id);
        }
        ancestors
    }

    /// A node, what holds it, what holds that, up to the root.
    pub(crate) fn upwards(&self, id: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        std::iter::once(id).chain(self.ancestors(id).into_iter().rev())
    }

    /// The node that holds a node as key, value or item.
    pub(crate) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.ancestors(id).pop()
    }

    /// The member of a collection which is a node somewhere in it, or holds it: the last one that is not behind it.
    fn member_with(&self, collection: NodeId, id: NodeId) -> Option<NodeId> {
        match self.kind(collection) {
            Kind::Sequence(_, items) => items[..items.partition_point(|item| *item <= id)].last().copied(),
            Kind::Mapping(_, entries) => {
                let (key, value) = entries[..entries.partition_point(|(key, _)| *key <= id)].last()?;
                Some(if *value <= id { *value } else { *key })
            }
            Kind::Scalar(_) | Kind::Alias(_) => None,
        }
    }

    /// A node as it is written, without anchor and tag.
    pub(crate) fn source_of(&self, id: NodeId) -> &'s str {
        let Span { start, end } = self.content(id);
        &self.source[start..end]
    }

    /// All ids, parents before children.
    pub(crate) fn ids(&self) -> impl ExactSizeIterator<Item = NodeId> + use<> {
        // As many as there are, since each has got its id.
        (0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)).map(NodeId)
    }

    /// The node that `id` means: itself, or the target of an alias.
    pub(crate) fn resolve(&self, id: NodeId) -> NodeId {
        match self.nodes[id.index()].what {
            What::Alias(target) => target,
            _ => id,
        }
    }

    /// A scalar's text, through an alias; null has none.
    pub(crate) fn text(&self, id: NodeId) -> Option<&str> {
        let id = self.resolve(id);
        let scalar = self.scalar(id)?;
        (!scalar.is_null(self.tag(id))).then_some(scalar.text)
    }

    /// Whether [`Tree::text`] is this text.
    fn has_text(&self, id: NodeId, text: &str) -> bool {
        self.reads(self.resolve(id), text) && !self.is_null(id)
    }

    /// Whether a node is a scalar of this text. Of most keys that are asked for, the length says that they are not.
    #[inline]
    fn reads(&self, id: NodeId, text: &str) -> bool {
        let node = &self.nodes[id.index()];
        match node.what {
            What::Scalar(style, None) => {
                node.text_length(style) == text.len()
                    && bytes_in_source(self.source, node.content(), style) == text.as_bytes()
            }
            What::Scalar(_, Some(own)) => self.texts.get(own) == text,
            _ => false,
        }
    }

    /// Whether a node is a scalar that says nothing, through an alias.
    pub(crate) fn is_null(&self, id: NodeId) -> bool {
        let id = self.resolve(id);
        self.scalar(id).is_some_and(|scalar| scalar.is_null(self.tag(id)))
    }

    /// A sequence's items, through an alias.
    pub(crate) fn items(&self, id: NodeId) -> Option<&[NodeId]> {
        match self.nodes[self.resolve(id).index()].what {
            What::Sequence(_, items) => Some(self.items.get(items)),
            _ => None,
        }
    }

    /// A mapping's entries, through an alias; merge keys are there as they are written.
    pub(crate) fn entries(&self, id: NodeId) -> Option<&[(NodeId, NodeId)]> {
        match self.nodes[self.resolve(id).index()].what {
            What::Mapping(_, entries) => Some(self.entries.get(entries)),
            _ => None,
        }
    }

    /// The value under `key`, as Kubernetes reads it: what is last wins, whether it is written or a merge key
    /// brings it.
    pub(crate) fn get(&self, id: NodeId, key: &str) -> Option<NodeId> {
        self.last(id, key, &mut BTreeSet::new())
    }

    /// `seen` are the mappings that are merged in and do not have the key: many may share one.
    fn last(&self, id: NodeId, key: &str, seen: &mut BTreeSet<NodeId>) -> Option<NodeId> {
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
        self.collect_members(id, &mut found, &mut BTreeSet::new());
        found
    }

    fn collect_members(&self, id: NodeId, found: &mut Vec<(NodeId, NodeId)>, seen: &mut BTreeSet<NodeId>) {
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
    #[inline]
    pub(crate) fn is_merge_key(&self, key: NodeId) -> bool {
        self.reads(key, MERGE_KEY) && self.may_merge(key)
    }

    /// Whether a key with the text of a merge key is one.
    fn may_merge(&self, key: NodeId) -> bool {
        match self.tag(key) {
            None => self.scalar(key).is_some_and(|scalar| scalar.style == ScalarStyle::Plain),
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
    pub(crate) fn at(&self, path: &Path) -> Option<NodeId> {
        match path.split_last() {
            Some((before, step)) => self.child(self.at(before)?, step),
            None => self.root(),
        }
    }

    /// Follows keys down from `id`.
    pub(crate) fn get_in(&self, id: NodeId, keys: &[&str]) -> Option<NodeId> {
        keys.iter().try_fold(id, |node, key| self.get(node, key))
    }

    /// The end of the entry `key: value` of a mapping in this style, its colon included where the value is absent.
    pub(crate) fn entry_end(&self, key: NodeId, value: NodeId, style: Style) -> usize {
        let (end, key_end) = (self.ends(value), self.ends(key));
        if self.start(value) < end {
            return end;
        }
        behind_mark(self.source, key_end, ':', style == Style::Flow).unwrap_or(key_end.max(end))
    }

    /// The end of a node as the end of what is written for it; for an absent value, the end of its key and colon.
    pub(crate) fn ends(&self, id: NodeId) -> usize {
        self.content(id).end
    }
}

/// Trees are equal if they say the same of the same text, however they keep it.
impl PartialEq for Tree<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
            && self.root == other.root
            && self.nodes.len() == other.nodes.len()
            && self.ids().all(|id| {
                self.kind(id) == other.kind(id)
                    && self.content(id) == other.content(id)
                    && self.start(id) == other.start(id)
                    && self.anchor(id) == other.anchor(id)
                    && self.tag(id) == other.tag(id)
            })
    }
}
