//! How a tree is stored.
//!
//! The densest documents (`[a,a,a]`, `[[[]]]`) have a node for every two bytes, so the size of a node decides how much memory
//! a document may take. A node is its span and 8 bytes that say what it is. Whatever has no fixed length stands in a list of
//! the tree: members of collections, texts that are not in the source as they are read, and what stands before a node.

use std::num::NonZeroU32;
use std::ops::Range;

use crate::yaml::Span;
use crate::yaml::error::ParseError;

/// Bytes of one document. The command line takes no more, and every offset, count and id of a tree has room in 32 bits.
const MAX_DOCUMENT: usize = 1 << 30;

/// Refuses a document that is too long for a tree.
pub(super) fn check_length(length: usize) -> Result<(), ParseError> {
    if length > MAX_DOCUMENT { Err(document_too_long(0)) } else { Ok(()) }
}

fn document_too_long(at: usize) -> ParseError {
    ParseError::DocumentTooLong { limit: MAX_DOCUMENT, at }
}

/// A count as it is stored, in a document that is read up to `at`.
fn stored(count: usize, at: usize) -> Result<u32, ParseError> {
    u32::try_from(count).map_err(|_| document_too_long(at))
}

/// A node's place in its tree's arena. A node comes before what it holds, and everything else in the order of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(super) u32);

impl NodeId {
    /// The id of the node that is added after this many, at this byte.
    pub(super) fn after(count: usize, at: usize) -> Result<Self, ParseError> {
        stored(count, at).map(Self)
    }

    /// How many nodes come before it.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a collection is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// By indentation.
    Block,
    /// In brackets or braces; JSON is this style.
    Flow,
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

/// One node.
pub(super) struct Node {
    start: u32,
    end: u32,
    pub(super) what: What,
}

/// What a node is.
#[derive(Clone, Copy)]
pub(super) enum What {
    /// A scalar, and its text if [`text_in_source`] is another one.
    Scalar(ScalarStyle, Option<TextId>),
    /// A sequence, and its list of items.
    Sequence(Style, ListId),
    /// A mapping, and its list of entries.
    Mapping(Style, ListId),
    /// An alias of this node.
    Alias(NodeId),
}

impl Node {
    /// A node with this content.
    pub(super) fn new(content: Span, what: What) -> Self {
        let mut node = Self { start: 0, end: 0, what };
        node.set_content(content);
        node
    }

    /// The content's bytes in the source.
    pub(super) fn content(&self) -> Span {
        Span { start: self.start as usize, end: self.end as usize }
    }

    /// How long the text is if it is [`text_in_source`].
    #[inline]
    pub(super) fn text_length(&self, style: ScalarStyle) -> usize {
        let length = (self.end as usize).saturating_sub(self.start as usize);
        match style {
            ScalarStyle::Plain => length,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => length.saturating_sub(2),
            ScalarStyle::Block => 0,
        }
    }

    /// Moves the content. An offset that does not fit is behind every document that [`check_length`] lets pass.
    pub(super) fn set_content(&mut self, content: Span) {
        [self.start, self.end] = [content.start, content.end].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
    }
}

/// What a scalar's text most often is: its content, without quotes.
#[inline]
pub(super) fn text_in_source(source: &str, content: Span, style: ScalarStyle) -> &str {
    source.get(text_range(content, style)).unwrap_or_default()
}

/// Its bytes, which cost less to compare.
#[inline]
pub(super) fn bytes_in_source(source: &str, content: Span, style: ScalarStyle) -> &[u8] {
    source.as_bytes().get(text_range(content, style)).unwrap_or_default()
}

#[inline]
fn text_range(content: Span, style: ScalarStyle) -> Range<usize> {
    let Span { start, end } = content;
    match style {
        ScalarStyle::Plain => start..end,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => start + 1..end.saturating_sub(1),
        ScalarStyle::Block => start..start,
    }
}

/// A list of [`StoredLists`].
#[derive(Clone, Copy)]
pub(super) struct ListId(u32);

impl ListId {
    /// The list without members, which is always there.
    pub(super) const EMPTY: Self = Self(0);
}

/// Lists that do not change, one behind the other.
pub(super) struct StoredLists<T> {
    members: Vec<T>,
    /// Where each list begins, and the last one ends.
    starts: Vec<u32>,
}

impl<T> StoredLists<T> {
    pub(super) fn new() -> Self {
        Self { members: Vec::new(), starts: vec![0, 0] }
    }

    pub(super) fn add(&mut self, list: impl Iterator<Item = T>) -> ListId {
        let before = self.members.len();
        self.members.extend(list);
        if self.members.len() == before {
            return ListId::EMPTY;
        }
        // There are fewer lists and members than nodes, whose ids are checked.
        self.starts.push(u32::try_from(self.members.len()).unwrap_or(u32::MAX));
        ListId(u32::try_from(self.starts.len() - 2).unwrap_or(u32::MAX))
    }

    /// Gives back the room for more.
    pub(super) fn shrink(&mut self) {
        self.members.shrink_to_fit();
        self.starts.shrink_to_fit();
    }

    pub(super) fn get(&self, list: ListId) -> &[T] {
        self.members.get(range(&self.starts, list.0)).unwrap_or_default()
    }
}

/// A text of [`StoredTexts`].
#[derive(Clone, Copy)]
pub(super) struct TextId(NonZeroU32);

/// Texts that do not change, one behind the other.
pub(super) struct StoredTexts {
    texts: String,
    /// Where each of them begins, and the last one ends. The first one, which no id names, is empty.
    starts: Vec<u32>,
}

impl StoredTexts {
    pub(super) fn new() -> Self {
        Self { texts: String::new(), starts: vec![0, 0] }
    }

    /// Adds a text, which the document has at `at`.
    pub(super) fn add(&mut self, text: &str, at: usize) -> Result<TextId, ParseError> {
        let end = stored(self.texts.len() + text.len(), at)?;
        self.texts.push_str(text);
        let number = NonZeroU32::new(stored(self.starts.len() - 1, at)?);
        self.starts.push(end);
        number.map(TextId).ok_or_else(|| document_too_long(at))
    }

    pub(super) fn get(&self, text: TextId) -> &str {
        self.texts.get(range(&self.starts, text.0.get())).unwrap_or_default()
    }
}

/// The members of the list with this number, of lists that begin there.
fn range(starts: &[u32], number: u32) -> Range<usize> {
    let number = number as usize;
    match starts.get(number..number + 2) {
        Some([start, end]) => *start as usize..*end as usize,
        _ => 0..0,
    }
}

/// What stands before a node's content.
#[derive(Clone, Copy)]
pub(super) struct Prefix {
    pub(super) node: NodeId,
    start: u32,
    pub(super) anchor: Option<TextId>,
    pub(super) tag: Option<TextId>,
}

impl Prefix {
    /// One that begins with the content, as long as nothing else is said.
    fn new(node: NodeId) -> Self {
        Self { node, start: u32::MAX, anchor: None, tag: None }
    }

    pub(super) fn start(&self) -> usize {
        self.start as usize
    }

    /// It begins here, if not earlier.
    pub(super) fn begin_at(&mut self, start: usize) {
        self.start = self.start.min(u32::try_from(start).unwrap_or(u32::MAX));
    }
}

/// The prefixes of the nodes that have one, which are few.
#[derive(Default)]
pub(super) struct Prefixes {
    owners: NodeSet,
    /// By node.
    prefixes: Vec<Prefix>,
}

impl Prefixes {
    pub(super) fn get(&self, node: NodeId) -> Option<&Prefix> {
        self.prefixes.get(self.position(node)?)
    }

    pub(super) fn get_mut(&mut self, node: NodeId) -> Option<&mut Prefix> {
        let position = self.position(node)?;
        self.prefixes.get_mut(position)
    }

    fn position(&self, node: NodeId) -> Option<usize> {
        if !self.owners.contains(node) {
            return None;
        }
        self.prefixes.binary_search_by_key(&node, |prefix| prefix.node).ok()
    }

    /// That of a node, which it has from now on; almost always the last node.
    pub(super) fn of(&mut self, node: NodeId) -> &mut Prefix {
        let position = self.prefixes.partition_point(|prefix| prefix.node < node);
        if self.owners.insert(node) {
            self.prefixes.insert(position, Prefix::new(node));
        }
        &mut self.prefixes[position]
    }
}

/// Some nodes of a tree, for searches that ask at each node.
#[derive(Default)]
pub(crate) struct NodeSet(Vec<bool>);

impl NodeSet {
    /// Whether the node is one of them.
    pub(crate) fn contains(&self, id: NodeId) -> bool {
        self.0.get(id.index()).is_some_and(|is_there| *is_there)
    }

    /// Adds a node; whether it was not there.
    pub(crate) fn insert(&mut self, id: NodeId) -> bool {
        if id.index() >= self.0.len() {
            self.0.resize(id.index() + 1, false);
        }
        !std::mem::replace(&mut self.0[id.index()], true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_small() {
        // With its place in a list of members a scalar takes 20 bytes, and a collection at most 8 more: 12 times the text of
        // the densest documents, `[[[]]]` and the like. What verifies an edit needs the rest of the 20 times that are promised.
        assert_eq!(size_of::<Node>(), 16);
        assert_eq!(size_of::<NodeId>(), 4);
        assert_eq!(size_of::<Prefix>(), 16);
    }

    #[test]
    fn what_has_no_room_is_refused() {
        assert!(check_length(MAX_DOCUMENT).is_ok());
        assert!(matches!(check_length(MAX_DOCUMENT + 1), Err(ParseError::DocumentTooLong { .. })));
        let most = u32::MAX as usize;
        assert!(stored(most, 0).is_ok_and(|count| count == u32::MAX));
        assert!(matches!(stored(most + 1, 7), Err(ParseError::DocumentTooLong { at: 7, .. })));
        assert!(matches!(NodeId::after(most + 1, 7), Err(ParseError::DocumentTooLong { at: 7, .. })));
    }

    #[test]
    fn lists_keep_their_members() {
        let mut lists = StoredLists::new();
        let ids = [vec![1, 2], vec![], vec![3]].map(|list| lists.add(list.into_iter()));
        assert_eq!(ids.map(|id| lists.get(id)), [&[1, 2][..], &[], &[3]]);
        assert!(lists.get(ListId::EMPTY).is_empty());
    }

    #[test]
    fn texts_keep_their_bytes() {
        let mut texts = StoredTexts::new();
        let ids = ["ä", "", "b"].map(|text| texts.add(text, 0).expect("room"));
        assert_eq!(ids.map(|id| texts.get(id)), ["ä", "", "b"]);
    }

    #[test]
    fn prefixes_are_found_in_whatever_order_they_come() {
        let mut prefixes = Prefixes::default();
        for (node, start) in [(3, 30), (1, 10), (3, 29), (1, 11)] {
            prefixes.of(NodeId(node)).begin_at(start);
        }
        let starts = [0, 1, 2, 3, 4].map(|node| prefixes.get(NodeId(node)).map(Prefix::start));
        assert_eq!(starts, [None, Some(10), None, Some(29), None]);
    }
}
