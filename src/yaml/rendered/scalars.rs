//! Scalars of one line, and block scalars.

use std::borrow::Cow;

use super::bytes::{BLOCK, CLASSES, DOUBLE, FLOW, INDICATOR, SINGLE};
use super::{RenderedReader, ScalarToken};
use crate::yaml::ScalarStyle;

/// Bytes of a block scalar from which on the general readers decide whether it is too long.
const LONG: usize = 1 << 20;

impl<'s> RenderedReader<'s> {
    /// A scalar in a block collection: a key or a value.
    pub(super) fn scalar(&mut self) -> Option<ScalarToken<'s>> {
        match self.byte(0) {
            b'"' => self.double_quoted(),
            b'\'' => self.single_quoted(),
            _ => self.plain(BLOCK),
        }
    }

    /// Goes on to the next byte of a class.
    fn skip_to(&mut self, class: u8) -> Option<u8> {
        let rest = self.bytes[self.at..].iter();
        let mut found = rest.enumerate().filter(|(_, byte)| CLASSES[usize::from(**byte)] & class != 0);
        let (length, byte) = found.next()?;
        self.at += length;
        Some(*byte)
    }

    fn token(&self, start: usize, text: Cow<'s, str>, style: ScalarStyle) -> ScalarToken<'s> {
        ScalarToken { text, style, range: start..self.at }
    }

    /// A scalar without quotes. The reader is at its end then, before blanks.
    pub(super) fn plain(&mut self, class: u8) -> Option<ScalarToken<'s>> {
        let start = self.at;
        let first = self.byte(0);
        let is_indicator = CLASSES[usize::from(first)] & INDICATOR != 0;
        if is_indicator || (matches!(first, b'-' | b'?' | b':') && self.is_gap(1)) {
            return None;
        }
        loop {
            match self.skip_to(class) {
                None => {
                    self.at = self.bytes.len();
                    break;
                }
                Some(b'\n' | b',' | b'[' | b']' | b'{' | b'}') => break,
                Some(b':') => match self.byte(1) {
                    b'\t' => return None,
                    b' ' | b'\n' | 0 => break,
                    b',' | b'[' | b']' | b'{' | b'}' if class == FLOW => break,
                    _ => self.at += 1,
                },
                Some(b'#') if self.bytes[self.at - 1] != b' ' => self.at += 1,
                Some(b'#') if class == BLOCK => break,
                Some(_) => return None,
            }
        }
        while self.bytes[self.at - 1] == b' ' {
            self.at -= 1;
        }
        Some(self.token(start, Cow::Borrowed(&self.source[start..self.at]), ScalarStyle::Plain))
    }

    pub(super) fn single_quoted(&mut self) -> Option<ScalarToken<'s>> {
        let start = self.at;
        let mut text = Cow::Borrowed("");
        loop {
            self.at += 1;
            let from = self.at;
            if self.skip_to(SINGLE)? != b'\'' {
                return None;
            }
            text += &self.source[from..self.at];
            self.at += 1;
            if self.byte(0) != b'\'' {
                break;
            }
            text += "'";
        }
        Some(self.token(start, text, ScalarStyle::SingleQuoted))
    }

    pub(super) fn double_quoted(&mut self) -> Option<ScalarToken<'s>> {
        let start = self.at;
        let mut text = Cow::Borrowed("");
        self.at += 1;
        loop {
            let from = self.at;
            let end = self.skip_to(DOUBLE)?;
            text += &self.source[from..self.at];
            match (end, self.byte(1)) {
                (b'"', _) => break,
                (b'\\', b'"') => text += "\"",
                (b'\\', b'\\') => text += "\\",
                (b'\\', b'n') => text += "\n",
                (b'\\', b't') => text += "\t",
                _ => return None,
            }
            self.at += 2;
        }
        self.at += 1;
        Some(self.token(start, text, ScalarStyle::DoubleQuoted))
    }

    /// A block scalar, in a collection at this column, and the line behind it.
    pub(super) fn block_scalar(&mut self, column: usize) -> Option<()> {
        let start = self.at;
        let is_literal = self.byte(0) == b'|';
        self.at += 1;
        let strips = self.byte(0) == b'-';
        self.at += usize::from(strips);
        let mut end = self.at;
        self.skip_spaces();
        if self.byte(0) == b'#' && self.at > end {
            self.at = self.line_end(self.at);
        }
        if self.byte(0) != b'\n' {
            return None;
        }
        self.at += 1;
        let mut lines = JoinedLines { text: Cow::Borrowed(""), is_literal, breaks: 0, was_blank: false };
        let mut indent = None;
        while let Some(line_end) = self.block_line(column, &mut indent)? {
            if line_end > self.at {
                lines.add(&self.source[self.at..line_end]);
                end = line_end;
            } else {
                lines.breaks += 1;
            }
            self.at = line_end + 1;
        }
        let mut text = lines.text;
        // Blanks at the end are content or not, depending on what follows; so is a header without lines.
        if text.is_empty() || text.ends_with([' ', '\t']) || end - start > LONG {
            return None;
        }
        if !strips {
            // A single line with its break is in the source as it is.
            match text {
                Cow::Borrowed(_) => text = Cow::Borrowed(&self.source[end - text.len()..=end]),
                Cow::Owned(ref mut text) => text.push('\n'),
            }
        }
        self.add(ScalarToken { text, style: ScalarStyle::Block, range: start..end })?;
        self.next_line()
    }

    /// Goes to the text of a block scalar's next line, and says where that ends; at `at` itself where the line has none.
    /// `Some(None)` where the scalar has ended, at the beginning of the line behind it.
    #[expect(clippy::option_option, reason = "what is read, or that the reader gives up, as everywhere here")]
    fn block_line(&mut self, column: usize, indent: &mut Option<usize>) -> Option<Option<usize>> {
        if self.at == self.bytes.len() {
            return Some(None);
        }
        let start = self.at;
        // A last line without its break is read in different ways.
        let end = start + memchr::memchr(b'\n', &self.bytes[start..])?;
        let line = &self.bytes[start..end];
        let most = indent.unwrap_or(usize::MAX);
        let spaces = line.iter().take(most).take_while(|byte| **byte == b' ').count();
        match line.get(spaces) {
            None if indent.is_none() && spaces > 0 => return None,
            None => {
                self.at = end;
                return Some(Some(end));
            }
            Some(_) if spaces == most => {}
            Some(b'\t') => return None,
            Some(_) if indent.is_none() && spaces > column => *indent = Some(spaces),
            Some(_) => return Some(None),
        }
        self.at = start + spaces;
        Some(Some(end))
    }
}

/// The lines of a block scalar, joined.
struct JoinedLines<'s> {
    text: Cow<'s, str>,
    is_literal: bool,
    /// Empty lines since the last one.
    breaks: usize,
    /// Whether the last line began with a blank.
    was_blank: bool,
}

impl<'s> JoinedLines<'s> {
    fn add(&mut self, line: &'s str) {
        let is_blank = line.starts_with([' ', '\t']);
        if !self.text.is_empty() {
            if self.is_literal || self.was_blank || is_blank {
                self.text += "\n";
            } else if self.breaks == 0 {
                self.text += " ";
            }
        }
        for _ in 0..self.breaks {
            self.text += "\n";
        }
        self.text += line;
        (self.breaks, self.was_blank) = (0, is_blank);
    }
}
