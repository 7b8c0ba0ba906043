//! What a reader's events say → tree.
//!
//! The spans of the readers are exact for plain and quoted scalars, anchors and tags. Three things they leave to us: a
//! block collection ends where its last descendant ends, not at the next token; a block scalar begins at its
//! header; an absent node is empty text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use crate::yaml::error::ParseError;
use crate::yaml::span::skip_trivia;
use crate::yaml::{Kind, Node, NodeId, Scalar, ScalarStyle, Span, Style, Tree};

/// Nesting above this is refused. Kubernetes objects stay below 40; the verification's reader allows 128.
pub(super) const MAX_DEPTH: usize = 100;

const BINARY: &str = "tag:yaml.org,2002:binary";

/// Nodes that aliases may add to a document when they are followed. Every reader of the document would make them.
const MAX_ALIASED: u64 = 1_000_000;

/// Bytes of one scalar. The API server takes no object of even that size.
const MAX_SCALAR: usize = 4 << 20;

/// What stands before a node's content.
#[derive(Default)]
pub(super) struct Properties {
    /// The number of its anchor; 0 where it has none.
    pub(super) anchor: usize,
    /// Its tag, resolved.
    pub(super) tag: Option<String>,
    /// Where they begin, if the reader says so.
    pub(super) start: Option<usize>,
}

/// A tree on its way.
pub(super) struct Builder<'s> {
    tree: Tree<'s>,
    open: Vec<Open>,
    /// Anchor number of the reader → node.
    anchors: HashMap<usize, NodeId>,
    /// For each node, how many nodes it is when aliases are followed; 0 as long as it is open.
    weights: Vec<u64>,
    /// How many nodes aliases have added so far.
    aliased: u64,
    documents: usize,
    /// The end of the last token, where the search for a block scalar's header begins.
    cursor: usize,
}

/// A collection whose end has not come yet, and the key that waits for its value.
struct Open {
    id: NodeId,
    key: Option<NodeId>,
    weight: u64,
}

impl<'s> Builder<'s> {
    /// A tree of this text.
    pub(super) fn new(source: &'s str) -> Self {
        // Room for those of an ordinary document.
        let nodes = (source.len() / 12).min(1 << 12);
        Self {
            tree: Tree { source, nodes: Vec::with_capacity(nodes), root: None },
            open: Vec::new(),
            anchors: HashMap::new(),
            weights: Vec::with_capacity(nodes),
            aliased: 0,
            documents: 0,
            cursor: 0,
        }
    }

    /// The tree, when there are no more events.
    pub(super) fn finish(self) -> Tree<'s> {
        self.tree
    }

    /// A document begins.
    pub(super) fn document(&mut self, at: usize) -> Result<(), ParseError> {
        self.documents += 1;
        if self.documents > 1 { Err(ParseError::SecondDocument { at }) } else { Ok(()) }
    }

    /// A scalar. The range of a block scalar begins at its header or at its text.
    pub(super) fn scalar(
        &mut self,
        scalar: Scalar<'s>,
        range: Range<usize>,
        properties: Properties,
    ) -> Result<(), ParseError> {
        if range.len() > MAX_SCALAR {
            return Err(ParseError::TooLong { limit: MAX_SCALAR, at: range.start });
        }
        if properties.tag.as_deref() == Some(BINARY) {
            return Err(ParseError::Binary { at: range.start });
        }
        let absent = range.is_empty() && scalar.style == ScalarStyle::Plain;
        let content = if absent && properties.anchor == 0 && properties.tag.is_none() {
            let at = self.absent_place().unwrap_or(range.start);
            Span::new(at, at)
        } else if scalar.style == ScalarStyle::Block {
            self.block_scalar_span(&scalar.text, range)
        } else {
            Span::new(range.start, range.end)
        };
        let id = self.add(Kind::Scalar(scalar), content, properties);
        self.weigh(id, 1);
        self.cursor = content.end;
        Ok(())
    }

    /// A collection begins.
    pub(super) fn begin(
        &mut self,
        kind: Kind<'s>,
        range: Range<usize>,
        properties: Properties,
    ) -> Result<(), ParseError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(ParseError::TooDeep { limit: MAX_DEPTH, at: range.start });
        }
        let id = self.add(kind, Span::new(range.start, range.end.max(range.start)), properties);
        self.open.push(Open { id, key: None, weight: 1 });
        self.cursor = self.cursor.max(range.end);
        Ok(())
    }

    /// The collection ends; a flow collection ends here.
    pub(super) fn end(&mut self, closing: usize) {
        let Some(Open { id, weight, .. }) = self.open.pop() else { return };
        self.weigh(id, weight);
        let node = self.tree.node(id);
        let (start, style) = match &node.kind {
            Kind::Mapping(style, _) | Kind::Sequence(style, _) => (node.content.start, *style),
            _ => return,
        };
        let end = if style == Style::Flow { closing } else { self.block_end(id, start) };
        let first = self.first_child(id).map_or(start, |child| self.tree.node(child).start.min(start));
        let content = Span::new(if style == Style::Block { first.min(start) } else { start }, end.max(start));
        let node = &mut self.tree.nodes[id.0];
        node.content = content;
        node.start = node.start.min(content.start);
        self.cursor = self.cursor.max(content.end);
    }

    /// Counts a finished node into its parent.
    fn weigh(&mut self, id: NodeId, weight: u64) {
        self.weights[id.0] = weight;
        if let Some(parent) = self.open.last_mut() {
            parent.weight = parent.weight.saturating_add(weight);
        }
    }

    /// An alias. A target that is still open would contain itself.
    pub(super) fn alias(&mut self, number: usize, range: Range<usize>) -> Result<(), ParseError> {
        let target = self.anchors.get(&number).copied().ok_or_else(|| ParseError::Syntax {
            message: "the alias refers to an anchor that is not there".to_owned(),
            at: range.start,
            unfinished: false,
        })?;
        self.aliased = self.aliased.saturating_add(self.weights[target.0]);
        if self.weights[target.0] == 0 || self.aliased > MAX_ALIASED {
            return Err(ParseError::Aliases { at: range.start });
        }
        let span = Span::new(range.start, range.end);
        let id = self.add(Kind::Alias(target), span, Properties::default());
        self.weigh(id, self.weights[target.0]);
        self.cursor = range.end;
        Ok(())
    }

    fn first_child(&self, id: NodeId) -> Option<NodeId> {
        match &self.tree.node(id).kind {
            Kind::Mapping(_, entries) => entries.first().map(|(key, _)| *key),
            _ => None,
        }
    }

    /// A block collection ends where its last descendant does; an absent one ends behind its dash or colon.
    fn block_end(&self, id: NodeId, start: usize) -> usize {
        match &self.tree.node(id).kind {
            Kind::Mapping(_, entries) => {
                entries.last().map_or(start, |(key, value)| self.tree.entry_end(*key, *value))
            }
            Kind::Sequence(_, items) => items.last().map_or(start, |item| self.tree.ends(*item)),
            _ => start,
        }
    }

    fn add(&mut self, kind: Kind<'s>, content: Span, properties: Properties) -> NodeId {
        let id = NodeId(self.tree.nodes.len());
        let Properties { anchor, tag, start } = properties;
        let start = start.map_or(content.start, |start| start.min(content.start));
        let parent = self.open.last().map(|open| open.id);
        self.tree.nodes.push(Node { kind, content, start, parent, anchor: None, tag });
        self.weights.push(0);
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        match self.open.last_mut() {
            None => self.tree.root = self.tree.root.or(Some(id)),
            Some(open) => match &mut self.tree.nodes[open.id.0].kind {
                Kind::Sequence(_, items) => items.push(id),
                Kind::Mapping(_, entries) => match open.key.take() {
                    None => open.key = Some(id),
                    Some(key) => entries.push((key, id)),
                },
                _ => {}
            },
        }
        id
    }

    /// The name of an anchor whose node is there, and where it stands.
    pub(super) fn anchor(&mut self, number: usize, name: Cow<'s, str>, start: usize, end: usize) {
        if let Some(id) = self.anchors.get(&number) {
            let node = &mut self.tree.nodes[id.0];
            node.anchor = Some(name);
            node.start = node.start.min(start);
            if node.content.start < end {
                // An absent node with an anchor: its content is the empty text behind the anchor.
                node.content = Span::new(end, node.content.end.max(end));
            }
            self.cursor = self.cursor.max(end);
        }
    }

    /// The span of a block scalar, with its header, without the blanks behind it.
    fn block_scalar_span(&self, value: &str, range: Range<usize>) -> Span {
        let source = self.tree.source;
        // The text may begin with what looks like a header.
        let header = self.content_from_cursor(b":-?", range.start);
        let marks = source.as_bytes()[header..].iter();
        let marks = marks.take_while(|byte| matches!(byte, b'|' | b'>' | b'+' | b'-' | b'0'..=b'9')).count();
        // A last line of blanks that are deeper than the indentation is content too.
        let ends_in_blanks = value.trim_end_matches('\n').ends_with([' ', '\t']);
        let keeps = ends_in_blanks || source[header..header + marks].contains('+');
        let text = &source[range.start..range.end];
        let blank_tail = text.rfind(['\n', '\r']).filter(|at| text[at + 1..].trim().is_empty());
        let kept = match (keeps, blank_tail) {
            (true, Some(at)) => text[..at].strip_suffix('\r').unwrap_or(&text[..at]),
            (true, None) => text,
            (false, _) => text.trim_end_matches([' ', '\t', '\r', '\n']),
        };
        let end = if kept.is_empty() { header + marks } else { range.start + kept.len() };
        Span::new(header, end.max(header + marks))
    }

    /// Where an absent node would stand: behind its colon or dash, or behind a key that has no colon. The parser
    /// reports any place up to the next token.
    fn absent_place(&self) -> Option<usize> {
        let open = self.open.last()?;
        let behind = |indicator: u8, from: usize| {
            let at = skip_trivia(self.tree.source, from);
            (self.tree.source.as_bytes().get(at) == Some(&indicator)).then_some(at + 1)
        };
        match (&self.tree.node(open.id).kind, open.key) {
            (Kind::Mapping(..), Some(key)) => {
                let end = self.tree.node(key).content.end;
                Some(behind(b':', end).unwrap_or(end))
            }
            (Kind::Sequence(Style::Block, items), _) => {
                let start = self.tree.node(open.id).content.start;
                behind(b'-', items.last().map_or(start, |item| self.tree.ends(*item)))
            }
            _ => None,
        }
    }

    /// The first dash of a block sequence. Where the sequence stands at its key's own indentation, the fast reader
    /// reports the place behind the dash.
    pub(super) fn first_dash(&self, reported: usize) -> usize {
        let parent = self.open.last().map(|open| &self.tree.node(open.id).kind);
        let is_dash = self.tree.source.as_bytes().get(reported) == Some(&b'-');
        if is_dash && !matches!(parent, Some(Kind::Mapping(..))) {
            return reported;
        }
        self.content_from_cursor(b":?", reported)
    }

    /// The content of the node that comes next, not behind this place.
    fn content_from_cursor(&self, indicators: &[u8], reported: usize) -> usize {
        skip_to_content(self.tree.source, self.cursor, indicators).min(reported)
    }
}

/// Skips from the end of one token to the content of the next node: over trivia, the given indicators, and the
/// node's anchor and tag.
pub(super) fn skip_to_content(source: &str, mut at: usize, indicators: &[u8]) -> usize {
    loop {
        at = skip_trivia(source, at);
        match source.as_bytes().get(at) {
            Some(byte) if indicators.contains(byte) => at += 1,
            Some(b'&' | b'!') => at += token_length(source, at),
            _ => return at,
        }
    }
}

/// The length of the anchor or tag that begins here.
fn token_length(source: &str, at: usize) -> usize {
    let ends: &[char] = if source[at..].starts_with("!<") { &['>'] } else { &ENDS };
    let behind = usize::from(ends.len() == 1);
    source[at..].find(ends).map_or(source.len() - at, |length| length + behind).max(1)
}

/// What neither an anchor nor a tag without brackets can hold.
const ENDS: [char; 12] = [' ', '\t', '\r', '\n', '\u{85}', '\u{2028}', '\u{2029}', ',', '[', ']', '{', '}'];
