//! Text → scalars, with line breaks folded and escapes resolved.

use std::ops::Range;

use super::scanner::{ScanResult, Scanner, TokenKind};
use crate::yaml::ScalarStyle;

/// Line breaks and blanks between two words of a scalar.
#[derive(Default)]
struct Gap {
    blanks: String,
    first_break: String,
    more_breaks: String,
    /// Whether a line has ended, by an escaped break perhaps.
    broken: bool,
}

impl Gap {
    /// What takes its place between the words.
    fn take(&mut self, into: &mut String) {
        if !self.broken {
            into.push_str(&self.blanks);
        } else if self.first_break == "\n" && self.more_breaks.is_empty() {
            into.push(' ');
        } else {
            if self.first_break != "\n" {
                into.push_str(&self.first_break);
            }
            into.push_str(&self.more_breaks);
        }
        *self = Self::default();
    }
}

impl Scanner<'_> {
    /// Adds what is at the cursor, a blank or a break, to a gap.
    fn widen(&mut self, gap: &mut Gap) {
        if self.cursor.is_blank(0) {
            if gap.broken { self.cursor.skip() } else { self.cursor.read(&mut gap.blanks) }
        } else if gap.broken {
            self.cursor.read_break(&mut gap.more_breaks);
        } else {
            gap.blanks.clear();
            self.cursor.read_break(&mut gap.first_break);
            gap.broken = true;
        }
    }

    fn at_gap(&self) -> bool {
        self.cursor.is_blank(0) || self.cursor.is_break(0)
    }

    fn add_scalar(&mut self, text: String, style: ScalarStyle, range: Range<usize>) {
        self.add(TokenKind::Scalar(text, style), range);
    }

    pub(super) fn scan_plain(&mut self) -> ScanResult<()> {
        let start = self.cursor.at;
        let mut end = start;
        let indent = self.indent + 1;
        let mut text = String::new();
        let mut gap = Gap::default();
        loop {
            let indicator = [b'-', b'.'].into_iter().any(|mark| self.cursor.is_document_indicator(mark));
            if indicator || self.cursor.byte(0) == b'#' {
                break;
            }
            while !self.cursor.is_blank_or_end(0) && !self.ends_plain() {
                gap.take(&mut text);
                self.cursor.read(&mut text);
                end = self.cursor.at;
            }
            if !self.at_gap() {
                break;
            }
            while self.at_gap() {
                if gap.broken && self.column_is_before(indent) && self.cursor.byte(0) == b'\t' {
                    return self.error("found a tab character that violates indentation");
                }
                self.widen(&mut gap);
            }
            if self.flow_level == 0 && self.column_is_before(indent) {
                break;
            }
        }
        if gap.broken {
            self.key_allowed = true;
        }
        self.add_scalar(text, ScalarStyle::Plain, start..end);
        Ok(())
    }

    fn ends_plain(&self) -> bool {
        match self.cursor.byte(0) {
            b':' => self.cursor.is_blank_or_end(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => false,
        }
    }

    fn column_is_before(&self, indent: isize) -> bool {
        isize::try_from(self.cursor.column).is_ok_and(|column| column < indent)
    }

    pub(super) fn scan_quoted(&mut self, quote: u8) -> ScanResult<()> {
        let start = self.cursor.at;
        self.cursor.skip();
        let mut text = String::new();
        let mut gap = Gap::default();
        loop {
            if [b'-', b'.'].into_iter().any(|mark| self.cursor.is_document_indicator(mark)) {
                return self.error("found unexpected document indicator");
            }
            if self.cursor.is_end() {
                return self.error("found unexpected end of stream");
            }
            while !self.cursor.is_blank_or_end(0) {
                let (byte, next) = (self.cursor.byte(0), self.cursor.byte(1));
                if byte == quote {
                    if quote != b'\'' || next != quote {
                        break;
                    }
                    text.push('\'');
                    self.cursor.skip_bytes(2);
                } else if quote == b'"' && byte == b'\\' && self.cursor.is_break(1) {
                    self.cursor.skip();
                    self.cursor.skip_break();
                    gap.broken = true;
                    break;
                } else if quote == b'"' && byte == b'\\' {
                    self.scan_escape(&mut text)?;
                } else {
                    self.cursor.read(&mut text);
                }
            }
            if self.cursor.byte(0) == quote {
                break;
            }
            while self.at_gap() {
                self.widen(&mut gap);
            }
            gap.take(&mut text);
        }
        self.cursor.skip();
        let style = if quote == b'"' { ScalarStyle::DoubleQuoted } else { ScalarStyle::SingleQuoted };
        self.add_scalar(text, style, start..self.cursor.at);
        Ok(())
    }

    /// An escape in double quotes.
    fn scan_escape(&mut self, text: &mut String) -> ScanResult<()> {
        let digits = match self.cursor.byte(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        let meant = match self.cursor.byte(1) {
            b'0' => '\0',
            b'a' => '\u{7}',
            b'b' => '\u{8}',
            b't' | b'\t' => '\t',
            b'n' => '\n',
            b'v' => '\u{b}',
            b'f' => '\u{c}',
            b'r' => '\r',
            b'e' => '\u{1b}',
            mark @ (b' ' | b'"' | b'\'' | b'\\') => char::from(mark),
            b'N' => '\u{85}',
            b'_' => '\u{a0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            _ if digits > 0 => {
                let code = self.cursor.text(self.cursor.at + 2..self.cursor.at + 2 + digits);
                if code.len() != digits || !code.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return self.error("did not find expected hexadecimal number");
                }
                let character = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
                match character {
                    Some(character) => character,
                    None => return self.error("found invalid Unicode character escape code"),
                }
            }
            _ => return self.error("found unknown escape character"),
        };
        text.push(meant);
        self.cursor.skip_bytes(2 + digits);
        Ok(())
    }

    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> ScanResult<()> {
        let start = self.cursor.at;
        self.cursor.skip();
        let (keeps, strips, increment) = self.scan_header()?;
        let mut end = self.cursor.at;
        let mut indent = match increment {
            0 => 0,
            increment => usize::try_from(self.indent).unwrap_or_default() + increment,
        };
        let (mut text, mut line_break, mut more_breaks) = (String::new(), String::new(), String::new());
        self.scan_block_breaks(&mut indent, &mut more_breaks, &mut end)?;
        let mut was_blank = false;
        while self.cursor.column == indent && !self.cursor.is_end() {
            let is_blank = self.cursor.is_blank(0);
            if !literal && !was_blank && !is_blank && line_break == "\n" {
                if more_breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&line_break);
            }
            line_break.clear();
            text.push_str(&more_breaks);
            more_breaks.clear();
            was_blank = is_blank;
            while !self.cursor.is_break_or_end(0) {
                self.cursor.read(&mut text);
            }
            if !self.cursor.is_end() {
                self.cursor.read_break(&mut line_break);
            }
            self.scan_block_breaks(&mut indent, &mut more_breaks, &mut end)?;
        }
        if !strips {
            text.push_str(&line_break);
        }
        if keeps {
            text.push_str(&more_breaks);
        }
        self.add_scalar(text, ScalarStyle::Block, start..end);
        Ok(())
    }

    /// What is behind `|` or `>`: whether line breaks at the end are kept or stripped, and the indentation.
    fn scan_header(&mut self) -> ScanResult<(bool, bool, usize)> {
        let (mut keeps, mut strips, mut increment) = (false, false, 0);
        for _ in 0..2 {
            match self.cursor.byte(0) {
                b'+' if !keeps && !strips => keeps = true,
                b'-' if !keeps && !strips => strips = true,
                b'0' if increment == 0 => return self.error("found an indentation indicator equal to 0"),
                digit @ b'1'..=b'9' if increment == 0 => increment = usize::from(digit - b'0'),
                _ => break,
            }
            self.cursor.skip();
        }
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_break_or_end(0) {
            return self.error("did not find expected comment or line break");
        }
        if !self.cursor.is_end() {
            self.cursor.skip_break();
        }
        Ok((keeps, strips, increment))
    }

    /// Indentation and empty lines; the first line that is not empty decides the indentation where none is given.
    fn scan_block_breaks(
        &mut self,
        indent: &mut usize,
        breaks: &mut String,
        end: &mut usize,
    ) -> ScanResult<()> {
        *end = self.cursor.at;
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.cursor.column < *indent) && self.cursor.byte(0) == b' ' {
                self.cursor.skip();
            }
            deepest = deepest.max(self.cursor.column);
            if (*indent == 0 || self.cursor.column < *indent) && self.cursor.byte(0) == b'\t' {
                return self.error("found a tab character where an indentation space is expected");
            }
            if !self.cursor.is_break(0) {
                break;
            }
            self.cursor.read_break(breaks);
            *end = self.cursor.at;
        }
        if *indent == 0 {
            *indent = deepest.max(usize::try_from(self.indent + 1).unwrap_or_default()).max(1);
        }
        Ok(())
    }
}
