//! A place in a text, which moves by characters and knows the line breaks of YAML 1.1.

use std::ops::Range;

/// A place in a text.
pub(super) struct Cursor<'s> {
    source: &'s str,
    /// The byte.
    pub(super) at: usize,
    /// Line breaks before it.
    pub(super) line: usize,
    /// Characters between the last of them and it.
    pub(super) column: usize,
    /// Characters before it.
    pub(super) index: usize,
}

impl<'s> Cursor<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self { source, at: 0, line: 0, column: 0, index: 0 }
    }

    /// The byte that is this many bytes ahead; NUL, which no YAML text holds, behind the end.
    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.source.as_bytes().get(self.at + ahead).copied().unwrap_or_default()
    }

    pub(super) fn is_end(&self) -> bool {
        self.at >= self.source.len()
    }

    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    pub(super) fn is_break(&self, ahead: usize) -> bool {
        self.break_length(ahead) > 0
    }

    pub(super) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.at + ahead >= self.source.len() || self.is_break(ahead)
    }

    pub(super) fn is_blank_or_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    /// Whether a name of an anchor or a tag's handle goes on here.
    pub(super) fn is_word(&self) -> bool {
        matches!(self.byte(0), b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-')
    }

    /// Whether a line begins with `---` or `...` here.
    pub(super) fn is_document_indicator(&self, mark: u8) -> bool {
        self.column == 0 && (0..3).all(|ahead| self.byte(ahead) == mark) && self.is_blank_or_end(3)
    }

    /// The text of a range of bytes.
    pub(super) fn text(&self, range: Range<usize>) -> &'s str {
        self.source.get(range).unwrap_or_default()
    }

    fn break_length(&self, ahead: usize) -> usize {
        match self.source.as_bytes().get(self.at + ahead..).unwrap_or_default() {
            [b'\r', b'\n', ..] | [0xC2, 0x85, ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            [0xE2, 0x80, 0xA8 | 0xA9, ..] => 3,
            _ => 0,
        }
    }

    fn character(&self) -> Option<char> {
        self.source.get(self.at..)?.chars().next()
    }

    /// Passes over one character.
    pub(super) fn skip(&mut self) {
        if let Some(character) = self.character() {
            self.at += character.len_utf8();
            self.column += 1;
            self.index += 1;
        }
    }

    /// Passes over some characters of one byte each.
    pub(super) fn skip_bytes(&mut self, count: usize) {
        (0..count).for_each(|_| self.skip());
    }

    /// Passes over one character and takes it.
    pub(super) fn read(&mut self, into: &mut String) {
        into.extend(self.character());
        self.skip();
    }

    /// Passes over a line break.
    pub(super) fn skip_break(&mut self) {
        let length = self.break_length(0);
        let text = self.text(self.at..self.at + length);
        self.index += text.chars().count();
        self.at += length;
        self.line += 1;
        self.column = 0;
    }

    /// Passes over a line break and takes what it means: LS and PS stay themselves, the others are a line feed.
    pub(super) fn read_break(&mut self, into: &mut String) {
        let text = self.text(self.at..self.at + self.break_length(0));
        into.push_str(if text.len() == 3 { text } else { "\n" });
        self.skip_break();
    }

    /// Passes over blanks.
    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip();
        }
    }

    /// Passes over a comment, up to its line's end, if one begins here.
    pub(super) fn skip_comment(&mut self) {
        if self.byte(0) == b'#' {
            while !self.is_break_or_end(0) {
                self.skip();
            }
        }
    }
}
