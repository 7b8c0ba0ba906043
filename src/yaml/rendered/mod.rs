//! The reader of what charts render.
//!
//! Templates make use of little of YAML: block mappings and sequences, scalars of one line, block scalars, comments, and flow
//! collections of one line. This reader knows that much and reads bytes, where the general readers make characters and
//! tokens of all of YAML. Whatever else is in a text (tags, anchors, aliases, scalars over several lines, other line
//! breaks …), or could be an error, makes it give up, and the general readers decide.
//!
//! Where it does not give up, its tree is theirs, every byte of every span: that is a law, which the tests hold it to.

mod block;
mod bytes;
mod flow;
mod scalars;

use std::borrow::Cow;
use std::ops::Range;

use self::bytes::is_ordinary;
use crate::yaml::builder::Builder;
use crate::yaml::events::{Collection, EventSink, Properties, YamlReader};
use crate::yaml::{ScalarStyle, Tree};

/// Collections inside each other from which on the general readers decide.
const DEEP: usize = 60;

/// The length from which on a text is no key to some readers, less a few.
const LONG_KEY: usize = 1000;

/// Parses a source of at most one document; `None` where a general reader must be asked.
pub(super) fn parse(source: &str) -> Option<Tree<'_>> {
    Some(read(source, Some(Builder::new(source, YamlReader::Rendered)))?.builder?.finish())
}

/// Whether [`parse`] would read a text.
pub(super) fn accepts(source: &str) -> bool {
    read(source, None).is_some()
}

/// Reads a whole text.
fn read<'s>(source: &'s str, builder: Option<Builder<'s>>) -> Option<RenderedReader<'s>> {
    let bytes = source.as_bytes();
    if !is_ordinary(source) {
        return None;
    }
    let mut reader = RenderedReader { source, bytes, at: 0, column: None, depth: 0, builder };
    reader.next_line()?;
    if let Some(column) = reader.column {
        reader.node(column)?;
    }
    reader.column.is_none().then_some(reader)
}

/// A text on its way to a tree. Whatever it reads is `None` where it gives up.
struct RenderedReader<'s> {
    source: &'s str,
    bytes: &'s [u8],
    /// The byte that is read next.
    at: usize,
    /// The column of the content that is read next, where a line has come to an end; `None` at the end of the text.
    column: Option<usize>,
    /// How many collections are open.
    depth: usize,
    /// What makes the tree; `None` where only reading matters.
    builder: Option<Builder<'s>>,
}

/// A scalar, and its place.
struct ScalarToken<'s> {
    text: Cow<'s, str>,
    style: ScalarStyle,
    range: Range<usize>,
}

impl<'s> RenderedReader<'s> {
    /// The byte that is this many bytes ahead; NUL, which no ordinary text holds, behind the end.
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or_default()
    }

    /// Whether a blank, a line break or the end is `ahead` bytes further on.
    fn is_gap(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t' | b'\n' | 0)
    }

    /// Whether an item of a block sequence begins here.
    fn is_dash(&self) -> bool {
        self.byte(0) == b'-' && self.is_gap(1)
    }

    fn skip_spaces(&mut self) {
        while self.byte(0) == b' ' {
            self.at += 1;
        }
    }

    /// From the beginning of a line to the content of the next line that has some.
    fn next_line(&mut self) -> Option<()> {
        loop {
            let start = self.at;
            self.skip_spaces();
            match self.byte(0) {
                b'\n' => self.at += 1,
                b'#' => self.at = self.line_end(self.at),
                b'\t' => return None,
                0 => {
                    self.column = None;
                    return Some(());
                }
                b'-' | b'.' if self.at == start && self.is_document_mark() => return None,
                _ => {
                    self.column = Some(self.at - start);
                    return Some(());
                }
            }
        }
    }

    /// From behind a value to the content of the next line that has some. Only blanks and a comment may be between.
    fn end_line(&mut self) -> Option<()> {
        let start = self.at;
        self.skip_spaces();
        match self.byte(0) {
            b'\n' => self.at += 1,
            b'#' if self.at > start => self.at = self.line_end(self.at),
            0 => {}
            _ => return None,
        }
        self.next_line()
    }

    /// The line break or end behind this place.
    fn line_end(&self, from: usize) -> usize {
        memchr::memchr(b'\n', &self.bytes[from..]).map_or(self.bytes.len(), |found| from + found)
    }

    fn is_document_mark(&self) -> bool {
        let rest = &self.bytes[self.at..];
        rest.starts_with(b"---") || rest.starts_with(b"...")
    }

    fn begin(&mut self, collection: Collection, at: usize) -> Option<()> {
        self.depth += 1;
        if self.depth > DEEP {
            return None;
        }
        let Some(builder) = &mut self.builder else { return Some(()) };
        builder.begin(collection, at..at, Properties::default()).ok()
    }

    /// The collection ends, behind this byte if it is one of a flow.
    fn end(&mut self, closing: usize) {
        self.depth -= 1;
        if let Some(builder) = &mut self.builder {
            builder.end(closing);
        }
    }

    fn add(&mut self, token: ScalarToken<'s>) -> Option<()> {
        let Some(builder) = &mut self.builder else { return Some(()) };
        let ScalarToken { text, style, range } = token;
        builder.scalar(&text, style, range, Properties::default()).ok()
    }

    /// A value that is not written.
    fn add_absent(&mut self) -> Option<()> {
        let at = self.at;
        self.add(ScalarToken { text: "".into(), style: ScalarStyle::Plain, range: at..at })
    }
}
