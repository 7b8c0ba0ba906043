//! What a reader's events say → tree.
//!
//! The spans of the readers are exact for plain and quoted scalars, anchors and tags. Three things they leave to us: a
//! block collection ends where its last descendant ends, not at the next token; a block scalar begins at its
//! header; an absent node is empty text.

use std::ops::Range;

use crate::yaml::error::ParseError;
use crate::yaml::events::{ByAnchor, Collection, EventSink, Properties, YamlReader};
use crate::yaml::span::{ENDS, behind_mark, skip_trivia};
use crate::yaml::storage::{ListId, Node, Prefixes, StoredLists, StoredTexts, What, bytes_in_source};
use crate::yaml::{NodeId, ScalarStyle, Span, Style, Tree};

/// Nesting above this is refused. Kubernetes objects stay below 40; the verification's reader allows 128.
pub(super) const MAX_DEPTH: usize = 100;

const BINARY: &str = "tag:yaml.org,2002:binary";

/// Nodes that aliases may add to a document when they are followed. Every reader of the document would make them.
const MAX_ALIASED: u32 = 1_000_000;

/// A document of more bytes gives back the room that it does not need.
const SMALL: usize = 1 << 16;

/// Bytes of one scalar. The API server takes no object of even that size.
const MAX_SCALAR: usize = 4 << 20;

/// A tree on its way.
pub(super) struct Builder<'s> {
    tree: Tree<'s>,
    open: Vec<Open>,
    /// The members of the open collections, those of the innermost one last; keys and values are members of their own.
    members: Vec<NodeId>,
    anchored: ByAnchor<Anchored>,
    /// How many nodes aliases have added so far.
    aliased: u32,
    /// The end of the last token, where the search for a block scalar's header begins.
    cursor: usize,
}

/// A collection whose end has not come yet.
struct Open {
    id: NodeId,
    collection: Collection,
    /// How many members were there before its own.
    members: usize,
    /// The number of its anchor.
    anchor: usize,
    /// How many nodes it is so far when aliases are followed.
    weight: u32,
}

/// A node with an anchor.
#[derive(Clone, Copy)]
struct Anchored {
    node: NodeId,
    /// How many nodes it is when aliases are followed; 0 as long as it is open.
    weight: u32,
}

impl<'s> Builder<'s> {
    /// A tree of this text, which a reader makes.
    pub(super) fn new(source: &'s str, reader: YamlReader) -> Self {
        // Room for those of an ordinary document.
        let nodes = Vec::with_capacity((source.len() / 12).min(1 << 12));
        let (items, entries) = (StoredLists::new(), StoredLists::new());
        let (texts, prefixes) = (StoredTexts::new(), Prefixes::default());
        Self {
            tree: Tree { source, nodes, items, entries, texts, prefixes, root: None, reader },
            open: Vec::new(),
            members: Vec::new(),
            anchored: ByAnchor::new(),
            aliased: 0,
            cursor: 0,
        }
    }

    /// The tree, when there are no more events.
    pub(super) fn finish(mut self) -> Tree<'s> {
        if self.tree.source.len() > SMALL {
            self.tree.nodes.shrink_to_fit();
            self.tree.items.shrink();
            self.tree.entries.shrink();
        }
        self.tree
    }

    /// Counts a finished node into its parent.
    fn weigh(&mut self, anchor: usize, weight: u32) {
        if let Some(anchored) = self.anchored.get_mut(anchor) {
            anchored.weight = weight;
        }
        if let Some(parent) = self.open.last_mut() {
            parent.weight = parent.weight.saturating_add(weight);
        }
    }

    fn add(&mut self, what: What, content: Span, properties: Properties) -> Result<NodeId, ParseError> {
        let id = NodeId::after(self.tree.nodes.len(), content.start)?;
        let Properties { anchor, tag, start } = properties;
        self.tree.nodes.push(Node::new(content, what));
        let start = start.map_or(content.start, |start| start.min(content.start));
        if tag.is_some() || start < content.start {
            let tag = tag.map(|tag| self.tree.texts.add(&tag, start)).transpose()?;
            let prefix = self.tree.prefixes.of(id);
            prefix.begin_at(start);
            prefix.tag = tag;
        }
        self.anchored.set(anchor, Anchored { node: id, weight: 0 });
        if self.open.is_empty() {
            self.tree.root = self.tree.root.or(Some(id));
        } else {
            self.members.push(id);
        }
        Ok(id)
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
            (false, _) => text.trim_end_matches([' ', '\t', '\r', '\n', '\u{85}', '\u{2028}', '\u{2029}']),
        };
        let end = if kept.is_empty() { header + marks } else { range.start + kept.len() };
        Span::new(header, end.max(header + marks))
    }

    /// Where an absent node would stand: behind its mark, or behind a key that has no colon. The parser
    /// reports any place up to the next token.
    fn absent_place(&self) -> Option<usize> {
        let Open { id, collection, members, .. } = self.open.last()?;
        let members = &self.members[*members..];
        let (Collection::Mapping(style) | Collection::Sequence(style)) = *collection;
        let behind =
            |mark: char, from: usize| behind_mark(self.tree.source, from, mark, style == Style::Flow);
        match (collection, members.last()) {
            (Collection::Mapping(_), Some(key)) if members.len() % 2 == 1 => {
                let end = self.tree.ends(*key);
                Some(behind(':', end).unwrap_or(end))
            }
            (Collection::Mapping(Style::Block), last) => {
                behind('?', last.map_or_else(|| self.tree.content(*id).start, |value| self.tree.ends(*value)))
            }
            (Collection::Sequence(Style::Block), last) => {
                behind('-', last.map_or_else(|| self.tree.content(*id).start, |item| self.tree.ends(*item)))
            }
            _ => None,
        }
    }

    /// The content of the node that comes next, not behind this place.
    fn content_from_cursor(&self, indicators: &[u8], reported: usize) -> usize {
        skip_to_content(self.tree.source, self.cursor, indicators).min(reported)
    }
}

impl EventSink for Builder<'_> {
    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        range: Range<usize>,
        properties: Properties,
    ) -> Result<(), ParseError> {
        if range.len() > MAX_SCALAR {
            return Err(ParseError::TooLong { limit: MAX_SCALAR, at: range.start });
        }
        if properties.tag.as_deref() == Some(BINARY) {
            return Err(ParseError::Binary { at: range.start });
        }
        let absent = range.is_empty() && style == ScalarStyle::Plain;
        let content = if absent && properties.anchor == 0 && properties.tag.is_none() {
            let at = self.absent_place().unwrap_or(range.start);
            Span::new(at, at)
        } else if style == ScalarStyle::Block {
            self.block_scalar_span(text, range)
        } else {
            Span::new(range.start, range.end)
        };
        let is_in_source = bytes_in_source(self.tree.source, content, style) == text.as_bytes();
        let text = if is_in_source { None } else { Some(self.tree.texts.add(text, content.start)?) };
        let anchor = properties.anchor;
        self.add(What::Scalar(style, text), content, properties)?;
        self.weigh(anchor, 1);
        self.cursor = content.end;
        Ok(())
    }

    fn begin(
        &mut self,
        collection: Collection,
        range: Range<usize>,
        properties: Properties,
    ) -> Result<(), ParseError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(ParseError::TooDeep { limit: MAX_DEPTH, at: range.start });
        }
        let what = match collection {
            Collection::Sequence(style) => What::Sequence(style, ListId::EMPTY),
            Collection::Mapping(style) => What::Mapping(style, ListId::EMPTY),
        };
        let anchor = properties.anchor;
        let id = self.add(what, Span::new(range.start, range.end.max(range.start)), properties)?;
        self.open.push(Open { id, collection, members: self.members.len(), anchor, weight: 1 });
        self.cursor = self.cursor.max(range.end);
        Ok(())
    }

    fn end(&mut self, closing: usize) {
        let Some(Open { id, collection, members: before, anchor, weight }) = self.open.pop() else { return };
        self.weigh(anchor, weight);
        let members = &self.members[before..];
        let start = self.tree.content(id).start;
        let content = match collection {
            Collection::Sequence(Style::Flow) | Collection::Mapping(Style::Flow) => start..closing,
            Collection::Sequence(Style::Block) => {
                start..members.last().map_or(start, |item| self.tree.ends(*item))
            }
            Collection::Mapping(Style::Block) => match members {
                [key, .., last_key, value] | [key @ last_key, value] => {
                    self.tree.start(*key).min(start)..self.tree.entry_end(*last_key, *value, Style::Block)
                }
                _ => start..start,
            },
        };
        let content = Span::new(content.start, content.end.max(start));
        let what = match collection {
            Collection::Sequence(style) => {
                What::Sequence(style, self.tree.items.add(members.iter().copied()))
            }
            Collection::Mapping(style) => {
                let entries = members.as_chunks().0.iter().map(|[key, value]| (*key, *value));
                What::Mapping(style, self.tree.entries.add(entries))
            }
        };
        self.members.truncate(before);
        self.tree.nodes[id.index()] = Node::new(content, what);
        if let Some(prefix) = self.tree.prefixes.get_mut(id) {
            prefix.begin_at(content.start);
        }
        self.cursor = self.cursor.max(content.end);
    }

    // A target that is still open would contain itself.
    fn alias(&mut self, number: usize, range: Range<usize>) -> Result<(), ParseError> {
        let Anchored { node, weight } =
            *self.anchored.get_mut(number).ok_or_else(|| ParseError::unknown_alias(range.start))?;
        self.aliased = self.aliased.saturating_add(weight);
        if weight == 0 || self.aliased > MAX_ALIASED {
            return Err(ParseError::Aliases { at: range.start });
        }
        self.add(What::Alias(node), Span::new(range.start, range.end), Properties::default())?;
        self.weigh(0, weight);
        self.cursor = range.end;
        Ok(())
    }

    fn anchor(&mut self, number: usize, name: &str, range: Range<usize>) -> Result<(), ParseError> {
        let Range { start, end } = range;
        let Some(Anchored { node, .. }) = self.anchored.get_mut(number).copied() else { return Ok(()) };
        let name = self.tree.texts.add(name, start)?;
        let content = self.tree.content(node);
        let prefix = self.tree.prefixes.of(node);
        prefix.begin_at(start.min(content.start));
        prefix.anchor = Some(name);
        if content.start < end {
            // An absent node with an anchor: its content is the empty text behind the anchor.
            self.tree.nodes[node.index()].set_content(Span::new(end, content.end.max(end)));
        }
        self.cursor = self.cursor.max(end);
        Ok(())
    }

    // Where the sequence stands at its key's own indentation, the place behind the dash is reported.
    fn first_dash(&self, reported: usize) -> usize {
        let is_value = matches!(self.open.last(), Some(Open { collection: Collection::Mapping(_), .. }));
        if !is_value && self.tree.source.as_bytes().get(reported) == Some(&b'-') {
            return reported;
        }
        self.content_from_cursor(b":?", reported)
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
