//! Events with spans → tree.
//!
//! The parser's spans are exact for plain and quoted scalars, anchors and tags. Three things it leaves to us: a
//! block collection ends where its last descendant ends, not at the next token; a block scalar begins at its
//! header; an absent node is empty text.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle as Written, StructureStyle, Tag};

use crate::yaml::error::ParseError;
use crate::yaml::span::skip_trivia;
use crate::yaml::{Kind, Node, NodeId, Scalar, ScalarStyle, Span, Style, Tree};

/// Nesting above this is refused. Kubernetes objects stay below 40; the verification's reader allows 128.
const MAX_DEPTH: usize = 100;

const BINARY: &str = "tag:yaml.org,2002:binary";

/// Nodes that aliases may add to a document when they are followed. Every reader of the document would make them.
const MAX_ALIASED: u64 = 1_000_000;

/// Bytes of one scalar. The API server takes no object of even that size.
const MAX_SCALAR: usize = 4 << 20;

/// Parses a source of at most one document.
///
/// # Errors
///
/// Text that is not YAML, a second document, or nesting beyond the limit.
pub(crate) fn parse(source: &str) -> Result<Tree<'_>, ParseError> {
    let mut options = granit_parser::options! {
        emit_anchor_events: true,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    options.set_emit_comments(false);
    let mut builder = Builder::new(source);
    for event in Parser::new_from_str_with_options(source, options) {
        let (event, span) = event.map_err(|error| ParseError::new(source, &error, MAX_DEPTH))?;
        builder.event(event, span)?;
    }
    Ok(builder.tree)
}

struct Builder<'s> {
    tree: Tree<'s>,
    open: Vec<Open>,
    /// Anchor number of the parser → node.
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
    fn new(source: &'s str) -> Self {
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

    fn event(&mut self, event: Event<'s>, span: granit_parser::Span) -> Result<(), ParseError> {
        let range = span.byte_range().unwrap_or_default();
        let tag_span = span.tag_span().and_then(|tag| tag.byte_range());
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(ParseError::SecondDocument { at: range.start });
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                if range.len() > MAX_SCALAR {
                    return Err(ParseError::TooLong { limit: MAX_SCALAR, at: range.start });
                }
                if tag.as_ref().is_some_and(|tag| format!("{}{}", tag.handle(), tag.suffix()) == BINARY) {
                    return Err(ParseError::Binary { at: range.start });
                }
                // The parser shows an absent node as `~`, with an empty span.
                let absent = range.is_empty() && matches!(style, Written::Plain);
                let text = if absent { Cow::Borrowed("") } else { text };
                let content = if absent && anchor == 0 && tag_span.is_none() {
                    let at = self.absent_place().unwrap_or(range.start);
                    Span::new(at, at)
                } else {
                    self.scalar_span(style, &text, range, tag_span.as_ref())
                };
                let kind = Kind::Scalar(Scalar { text, style: scalar_style(style) });
                let id = self.add(kind, content, anchor, tag.as_deref(), tag_span);
                self.weigh(id, 1);
                self.cursor = content.end;
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.begin(
                    Kind::Sequence(structure(style), Vec::new()),
                    range,
                    anchor,
                    tag.as_deref(),
                    tag_span,
                )?;
            }
            Event::MappingStart(style, anchor, tag) => {
                self.begin(
                    Kind::Mapping(structure(style), Vec::new()),
                    range,
                    anchor,
                    tag.as_deref(),
                    tag_span,
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(range.end),
            Event::Anchor(number, name) => self.anchor(number, name, range.start, range.end),
            Event::Alias(number) => {
                let target = self.anchors.get(&number).copied();
                let target = target.ok_or_else(|| ParseError::Syntax {
                    message: "the alias refers to an anchor that is not there".to_owned(),
                    at: range.start,
                    unfinished: false,
                })?;
                self.follow(target, range.start)?;
                let id = self.add(Kind::Alias(target), Span::new(range.start, range.end), 0, None, None);
                self.weigh(id, self.weights[target.0]);
                self.cursor = range.end;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        kind: Kind<'s>,
        range: std::ops::Range<usize>,
        anchor: usize,
        tag: Option<&Tag>,
        tag_span: Option<std::ops::Range<usize>>,
    ) -> Result<(), ParseError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(ParseError::TooDeep { limit: MAX_DEPTH, at: range.start });
        }
        let start = match kind {
            Kind::Sequence(Style::Block, _) => self.first_dash(range.start),
            _ => range.start,
        };
        let content = Span::new(start, range.end.max(start));
        let id = self.add(kind, content, anchor, tag, tag_span);
        self.open.push(Open { id, key: None, weight: 1 });
        self.cursor = self.cursor.max(range.end);
        Ok(())
    }

    fn end(&mut self, closing: usize) {
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

    /// Counts what an alias adds. A target that is still open would contain itself.
    fn follow(&mut self, target: NodeId, at: usize) -> Result<(), ParseError> {
        self.aliased = self.aliased.saturating_add(self.weights[target.0]);
        if self.weights[target.0] == 0 || self.aliased > MAX_ALIASED {
            return Err(ParseError::Aliases { at });
        }
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

    fn add(
        &mut self,
        kind: Kind<'s>,
        content: Span,
        anchor: usize,
        tag: Option<&Tag>,
        tag_span: Option<std::ops::Range<usize>>,
    ) -> NodeId {
        let id = NodeId(self.tree.nodes.len());
        let start = tag_span.map_or(content.start, |tag| tag.start.min(content.start));
        let tag = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
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

    fn anchor(&mut self, number: usize, name: Cow<'s, str>, start: usize, end: usize) {
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

    /// The span of a scalar's content, with the header of a block scalar, without the blanks behind it.
    fn scalar_span(
        &self,
        style: Written,
        value: &str,
        range: std::ops::Range<usize>,
        tag: Option<&std::ops::Range<usize>>,
    ) -> Span {
        if !matches!(style, Written::Literal | Written::Folded) {
            let start = tag.map_or(range.start, |tag| range.start.max(tag.end));
            return Span::new(start, range.end.max(start));
        }
        let source = self.tree.source;
        let header = skip_to_content(source, self.cursor, b":-?,").min(range.start);
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

    /// The first dash of a block sequence. Where the sequence stands at its key's own indentation, the parser
    /// reports the place behind the dash.
    fn first_dash(&self, reported: usize) -> usize {
        let source = self.tree.source;
        let parent = self.open.last().map(|open| &self.tree.node(open.id).kind);
        let is_dash = source.as_bytes().get(reported) == Some(&b'-');
        if is_dash && !matches!(parent, Some(Kind::Mapping(..))) {
            return reported;
        }
        skip_to_content(source, self.cursor, b":?").min(reported)
    }
}

/// Skips from the end of one token to the content of the next node: over trivia, the given indicators, and the
/// node's anchor and tag.
fn skip_to_content(source: &str, mut at: usize, indicators: &[u8]) -> usize {
    loop {
        at = skip_trivia(source, at);
        match source.as_bytes().get(at) {
            Some(byte) if indicators.contains(byte) => at += 1,
            Some(b'&' | b'!') => at += token_length(source, at),
            _ => return at,
        }
    }
}

fn token_length(source: &str, at: usize) -> usize {
    source[at..].find([' ', '\t', '\r', '\n']).unwrap_or(source.len() - at).max(1)
}

fn structure(style: StructureStyle) -> Style {
    match style {
        StructureStyle::Block => Style::Block,
        StructureStyle::Flow => Style::Flow,
    }
}

fn scalar_style(style: Written) -> ScalarStyle {
    match style {
        Written::SingleQuoted => ScalarStyle::SingleQuoted,
        Written::DoubleQuoted => ScalarStyle::DoubleQuoted,
        Written::Literal | Written::Folded => ScalarStyle::Block,
        Written::Plain => ScalarStyle::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every node's bytes, in document order, one per line.
    fn spans(source: &str) -> String {
        let tree = parse(source).expect("YAML");
        let mut lines: Vec<String> = Vec::new();
        for id in tree.ids() {
            let node = tree.node(id);
            let name = match &node.kind {
                Kind::Scalar(_) => "scalar",
                Kind::Sequence(..) => "sequence",
                Kind::Mapping(..) => "mapping",
                Kind::Alias(_) => "alias",
            };
            let properties = &source[node.start..node.content.start];
            let content = &source[node.content.start..node.content.end];
            lines.push(format!("{name} {properties:?} {content:?}"));
        }
        lines.join("\n")
    }

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        assert_eq!(spans(source), expected.join("\n"), "{source:?}");
    }

    #[test]
    fn block_collections_end_where_their_last_descendant_ends() {
        check(
            "a:\n- b: c # x\n\n# y\nd: e\n",
            &[
                r#"mapping "" "a:\n- b: c # x\n\n# y\nd: e""#,
                r#"scalar "" "a""#,
                r#"sequence "" "- b: c""#,
                r#"mapping "" "b: c""#,
                r#"scalar "" "b""#,
                r#"scalar "" "c""#,
                r#"scalar "" "d""#,
                r#"scalar "" "e""#,
            ],
        );
    }

    #[test]
    fn absent_nodes_are_empty_and_their_entry_ends_behind_the_colon() {
        check(
            "a:\nb: {c: , d}\n",
            &[
                r#"mapping "" "a:\nb: {c: , d}""#,
                r#"scalar "" "a""#,
                r#"scalar "" """#,
                r#"scalar "" "b""#,
                r#"mapping "" "{c: , d}""#,
                r#"scalar "" "c""#,
                r#"scalar "" """#,
                r#"scalar "" "d""#,
                r#"scalar "" """#,
            ],
        );
        check("a:\n", &[r#"mapping "" "a:""#, r#"scalar "" "a""#, r#"scalar "" """#]);
        check("- a\n-\n", &[r#"sequence "" "- a\n-""#, r#"scalar "" "a""#, r#"scalar "" """#]);
    }

    #[test]
    fn block_scalars_begin_at_their_header() {
        check(
            "- |- # why\n  one\n\n  two\n\n# c\n- >+2\n   x\n\n- &a !!str |\n  y\n",
            &[
                r#"sequence "" "- |- # why\n  one\n\n  two\n\n# c\n- >+2\n   x\n\n- &a !!str |\n  y""#,
                r#"scalar "" "|- # why\n  one\n\n  two""#,
                r#"scalar "" ">+2\n   x\n""#,
                r#"scalar "&a !!str " "|\n  y""#,
            ],
        );
        check(
            "a: |\nb: c\n",
            &[
                r#"mapping "" "a: |\nb: c""#,
                r#"scalar "" "a""#,
                r#"scalar "" "|""#,
                r#"scalar "" "b""#,
                r#"scalar "" "c""#,
            ],
        );
    }

    #[test]
    fn properties_stand_before_the_content() {
        check(
            "&m\na: !t &x\n- *x0\n".replace("*x0", "1").as_str(),
            &[
                r#"mapping "&m\n" "a: !t &x\n- 1""#,
                r#"scalar "" "a""#,
                r#"sequence "!t &x\n" "- 1""#,
                r#"scalar "" "1""#,
            ],
        );
        check(
            "&k a: !!str\n",
            &[r#"mapping "" "&k a: !!str""#, r#"scalar "&k " "a""#, r#"scalar "!!str" """#],
        );
    }

    #[test]
    fn explicit_keys_belong_to_their_mapping() {
        check("? a\n: b\n", &[r#"mapping "" "? a\n: b""#, r#"scalar "" "a""#, r#"scalar "" "b""#]);
    }

    #[test]
    fn what_is_not_one_document_is_an_error() {
        assert!(matches!(parse("a: [\n"), Err(ParseError::Syntax { .. })));
        assert!(matches!(parse("a\n...\nb\n"), Err(ParseError::SecondDocument { .. })));
        assert!(matches!(
            parse(&"[".repeat(5000)),
            Err(ParseError::TooDeep { .. } | ParseError::Syntax { .. })
        ));
        let bomb: String = (1..10).fold("a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
            format!("{text}a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 8].join(", "))
        });
        assert!(matches!(parse(&bomb), Err(ParseError::Aliases { .. })));
        assert!(matches!(parse("a: &a [*a]\n"), Err(ParseError::Aliases { .. } | ParseError::Syntax { .. })));
        assert!(matches!(parse("kind: !!binary U2VjcmV0\n"), Err(ParseError::Binary { at: 15 })));
        assert!(parse("# nothing\n").is_ok_and(|tree| tree.root().is_none()));
    }
}
