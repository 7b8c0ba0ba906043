//! The reader of libyaml's lineage, which is that of Kubernetes.
//!
//! Slower than the fast reader, and asked only where their meanings could part: what it says is what Go says. It follows the
//! grammar of Go's reader state by state, so that it accepts what that accepts and refuses what that refuses.

mod cursor;
mod directive;
mod scalars;
mod scanner;

use std::collections::HashMap;

use self::scanner::{ScanError, Scanner, Token, TokenKind};
use crate::yaml::error::ParseError;
use crate::yaml::events::{Collection, EventSink, Properties};
use crate::yaml::{ScalarStyle, Style};

/// Reads a source of at most one document.
///
/// # Errors
///
/// Text that is not YAML to Kubernetes, text behind the document's end, or what the sink refuses.
pub(super) fn read<S: EventSink>(source: &str, sink: &mut S) -> Result<(), ParseError> {
    let mut characters = source.char_indices();
    let Some((at, _)) = characters.find(|(_, character)| !is_allowed(*character)) else {
        return read_text(source, sink);
    };
    match read_text(&source[..at], sink) {
        // Kubernetes has stopped before it comes there.
        Err(error @ ParseError::SecondDocument { .. }) => Err(error),
        _ => Err(ScanError { message: "control characters are not allowed", at }.into()),
    }
}

/// Reads a source without control characters.
fn read_text<S: EventSink>(source: &str, sink: &mut S) -> Result<(), ParseError> {
    let mut reader =
        LineageReader { scanner: Scanner::new(source), anchors: HashMap::new(), anchor_count: 0, sink };
    reader.document()?;
    let end = reader.scanner.cursor.at;
    match reader.behind_the_end() {
        Ok(None) => Ok(()),
        Ok(Some(at)) => Err(ParseError::SecondDocument { at }),
        Err(_) => Err(ParseError::SecondDocument { at: end }),
    }
}

/// Whether YAML has this character.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

impl From<ScanError> for ParseError {
    fn from(ScanError { message, at }: ScanError) -> Self {
        Self::Syntax { message: message.to_owned(), at, unfinished: false }
    }
}

type Parsed<T = ()> = Result<T, ParseError>;

struct LineageReader<'s, 'k, S> {
    scanner: Scanner<'s>,
    /// The number of the anchor that bears this name at the moment.
    anchors: HashMap<&'s str, usize>,
    anchor_count: usize,
    sink: &'k mut S,
}

/// Where a node is, which decides what it may be.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// A key or value of a block mapping: a sequence may begin at its indentation.
    BlockMapping,
    Block,
    Flow,
}

impl<'s, S: EventSink> LineageReader<'s, '_, S> {
    fn kind(&mut self) -> Parsed<&TokenKind<'s>> {
        Ok(&self.scanner.peek()?.kind)
    }

    fn next(&mut self) -> Parsed<Token<'s>> {
        Ok(self.scanner.next()?)
    }

    /// Where the next token begins.
    fn at(&mut self) -> Parsed<usize> {
        Ok(self.scanner.peek()?.range.start)
    }

    fn fail(&mut self, message: &'static str) -> Parsed {
        Err(ScanError { message, at: self.at()? }.into())
    }

    fn document(&mut self) -> Parsed {
        let is_explicit = matches!(self.kind()?, TokenKind::DocumentStart);
        if is_explicit {
            self.next()?;
        }
        let at = self.at()?;
        match self.kind()? {
            // Behind a marker it ends a document without content, before one it begins none.
            TokenKind::Directive => match self.behind_the_end()? {
                Some(_) => Err(ParseError::SecondDocument { at }),
                None => self.fail("there is a directive here, and no document follows it"),
            },
            // The marker that began the document is not in the source, and makes it an empty one here.
            TokenKind::StreamEnd | TokenKind::DocumentEnd => Ok(()),
            TokenKind::DocumentStart if is_explicit => Ok(()),
            _ => self.node(Place::Block),
        }
    }

    /// Where text follows the end of the document, if any does.
    fn behind_the_end(&mut self) -> Parsed<Option<usize>> {
        while matches!(self.kind()?, TokenKind::DocumentEnd | TokenKind::Directive) {
            self.next()?;
        }
        Ok(if matches!(self.kind()?, TokenKind::StreamEnd) { None } else { Some(self.at()?) })
    }

    fn node(&mut self, place: Place) -> Parsed {
        if let TokenKind::Alias(name) = *self.kind()? {
            let range = self.next()?.range;
            let number = self.anchors.get(name).copied().unwrap_or_default();
            return self.sink.alias(number, range);
        }
        let start = self.at()?;
        let (mut anchor, mut tag, mut end) = (None, None, start);
        for _ in 0..2 {
            match self.kind()? {
                TokenKind::Anchor(name) if anchor.is_none() => {
                    anchor = Some(*name);
                    end = self.next()?.range.end;
                }
                TokenKind::Tag(text) if tag.is_none() => {
                    tag = Some(text.clone());
                    end = self.next()?.range.end;
                }
                _ => break,
            }
        }
        let has_properties = anchor.is_some() || tag.is_some();
        let properties = self.properties(start, anchor, tag);
        let number = properties.anchor;
        let content = self.at()?;
        let collection = match self.kind()? {
            TokenKind::BlockEntry if place == Place::BlockMapping => Some(Collection::Sequence(Style::Block)),
            TokenKind::FlowSequenceStart => Some(Collection::Sequence(Style::Flow)),
            TokenKind::FlowMappingStart => Some(Collection::Mapping(Style::Flow)),
            TokenKind::BlockSequenceStart if place != Place::Flow => Some(Collection::Sequence(Style::Block)),
            TokenKind::BlockMappingStart if place != Place::Flow => Some(Collection::Mapping(Style::Block)),
            TokenKind::Scalar(..) => None,
            _ if has_properties => {
                self.sink.scalar("", ScalarStyle::Plain, end..end, properties)?;
                return self.name_anchor(number, anchor, start, end);
            }
            _ => return self.fail("did not find expected node content"),
        };
        let Some(collection) = collection else {
            let Token { kind, range } = self.next()?;
            if let TokenKind::Scalar(text, style) = kind {
                self.sink.scalar(&text, style, range, properties)?;
            }
            return self.name_anchor(number, anchor, start, content);
        };
        self.sink.begin(collection, content..content, properties)?;
        self.name_anchor(number, anchor, start, content)?;
        match self.kind()? {
            TokenKind::BlockEntry => self.indentless_sequence(),
            TokenKind::BlockSequenceStart => self.block_sequence(),
            TokenKind::BlockMappingStart => self.block_mapping(),
            TokenKind::FlowSequenceStart => self.flow_sequence(),
            _ => self.flow_mapping(),
        }
    }

    /// Each anchor has a number of its own, also where it takes the name of an earlier one.
    fn properties(&mut self, start: usize, anchor: Option<&'s str>, tag: Option<String>) -> Properties {
        let number = anchor.map_or(0, |name| {
            self.anchor_count += 1;
            self.anchors.insert(name, self.anchor_count);
            self.anchor_count
        });
        Properties { anchor: number, tag, start: Some(start) }
    }

    fn name_anchor(&mut self, number: usize, anchor: Option<&'s str>, start: usize, end: usize) -> Parsed {
        anchor.map_or(Ok(()), |name| self.sink.anchor(number, name, start..end))
    }

    /// A node that is not there.
    fn absent(&mut self, at: usize) -> Parsed {
        self.sink.scalar("", ScalarStyle::Plain, at..at, Properties::default())
    }

    fn block_sequence(&mut self) -> Parsed {
        self.next()?;
        loop {
            match self.kind()? {
                TokenKind::BlockEntry => {
                    let mark = self.next()?.range.end;
                    match self.kind()? {
                        TokenKind::BlockEntry | TokenKind::BlockEnd => self.absent(mark)?,
                        _ => self.node(Place::Block)?,
                    }
                }
                TokenKind::BlockEnd => return self.end(),
                _ => return self.fail("did not find expected '-' indicator"),
            }
        }
    }

    /// A sequence whose dashes are at the indentation of its key.
    fn indentless_sequence(&mut self) -> Parsed {
        while matches!(self.kind()?, TokenKind::BlockEntry) {
            let mark = self.next()?.range.end;
            match self.kind()? {
                TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                    self.absent(mark)?;
                }
                _ => self.node(Place::Block)?,
            }
        }
        let at = self.at()?;
        self.sink.end(at);
        Ok(())
    }

    fn block_mapping(&mut self) -> Parsed {
        self.next()?;
        loop {
            match self.kind()? {
                TokenKind::Key => {
                    self.block_mapping_part()?;
                    if matches!(self.kind()?, TokenKind::Value) {
                        self.block_mapping_part()?;
                    } else {
                        let at = self.at()?;
                        self.absent(at)?;
                    }
                }
                TokenKind::BlockEnd => return self.end(),
                _ => return self.fail("did not find expected key"),
            }
        }
    }

    /// A key or a value, behind its indicator.
    fn block_mapping_part(&mut self) -> Parsed {
        let mark = self.next()?.range.end;
        match self.kind()? {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => self.absent(mark),
            _ => self.node(Place::BlockMapping),
        }
    }

    fn flow_sequence(&mut self) -> Parsed {
        self.next()?;
        let mut first = true;
        while !matches!(self.kind()?, TokenKind::FlowSequenceEnd) {
            if !first {
                if !matches!(self.kind()?, TokenKind::FlowEntry) {
                    return self.fail("did not find expected ',' or ']'");
                }
                self.next()?;
            }
            first = false;
            match self.kind()? {
                TokenKind::Key => self.single_pair()?,
                TokenKind::FlowSequenceEnd => {}
                _ => self.node(Place::Flow)?,
            }
        }
        self.end()
    }

    /// A mapping of one entry, without braces, in a flow sequence.
    fn single_pair(&mut self) -> Parsed {
        let range = self.next()?.range;
        let collection = Collection::Mapping(Style::Flow);
        self.sink.begin(collection, range.start..range.start, Properties::default())?;
        match self.kind()? {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                let mark = self.next()?.range.end;
                self.absent(mark)?;
            }
            _ => self.node(Place::Flow)?,
        }
        self.flow_value()?;
        let at = self.at()?;
        self.sink.end(at);
        Ok(())
    }

    fn flow_mapping(&mut self) -> Parsed {
        self.next()?;
        let mut first = true;
        while !matches!(self.kind()?, TokenKind::FlowMappingEnd) {
            if !first {
                if !matches!(self.kind()?, TokenKind::FlowEntry) {
                    return self.fail("did not find expected ',' or '}'");
                }
                self.next()?;
            }
            first = false;
            match self.kind()? {
                TokenKind::Key => {
                    self.next()?;
                    match self.kind()? {
                        TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                            let at = self.at()?;
                            self.absent(at)?;
                        }
                        _ => self.node(Place::Flow)?,
                    }
                    self.flow_value()?;
                }
                TokenKind::FlowMappingEnd => {}
                _ => {
                    self.node(Place::Flow)?;
                    let at = self.at()?;
                    self.absent(at)?;
                }
            }
        }
        self.end()
    }

    /// The value of a key in a flow collection, or nothing.
    fn flow_value(&mut self) -> Parsed {
        if matches!(self.kind()?, TokenKind::Value) {
            self.next()?;
            match self.kind()? {
                TokenKind::FlowEntry | TokenKind::FlowSequenceEnd | TokenKind::FlowMappingEnd => {}
                _ => return self.node(Place::Flow),
            }
        }
        let at = self.at()?;
        self.absent(at)
    }

    fn end(&mut self) -> Parsed {
        let range = self.next()?.range;
        self.sink.end(range.end);
        Ok(())
    }
}
