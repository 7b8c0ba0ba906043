//! Text → tokens.
//!
//! A token may turn out to be a key only when its colon comes: so tokens wait in a queue as long as the first of them
//! could be one, and a key's token, and that of the mapping that it begins, is put before it.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::cursor::Cursor;
use super::directive::is_directive;
use crate::yaml::ScalarStyle;

/// A piece of the text, and its place.
pub(super) struct Token<'s> {
    pub(super) kind: TokenKind<'s>,
    pub(super) range: Range<usize>,
}

/// What a token is.
pub(super) enum TokenKind<'s> {
    StreamEnd,
    Directive,
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'s str),
    Anchor(&'s str),
    Tag(String),
    Scalar(String, ScalarStyle),
}

/// Why a text has no next token, and at which byte.
pub(super) struct ScanError {
    pub(super) message: &'static str,
    pub(super) at: usize,
}

pub(super) type ScanResult<T> = Result<T, ScanError>;

/// A place where a key may have begun.
struct SimpleKey {
    possible: bool,
    /// Whether nothing else could be there.
    required: bool,
    token: usize,
    at: usize,
    line: usize,
    column: usize,
    index: usize,
}

/// Characters that a key without `?` may have.
const MAX_KEY: usize = 1024;

pub(super) struct Scanner<'s> {
    pub(super) cursor: Cursor<'s>,
    tokens: VecDeque<Token<'s>>,
    /// How many have been taken out of the queue.
    taken: usize,
    /// The innermost block collection's column; -1 outside all.
    pub(super) indent: isize,
    indents: Vec<isize>,
    pub(super) flow_level: usize,
    /// Whether a key may begin here.
    pub(super) key_allowed: bool,
    /// One for each flow level.
    keys: Vec<SimpleKey>,
    /// Token number → position in `keys`.
    keys_by_token: HashMap<usize, usize>,
}

impl<'s> Scanner<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        let mut scanner = Self {
            cursor: Cursor::new(source),
            tokens: VecDeque::new(),
            taken: 0,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            key_allowed: true,
            keys: Vec::new(),
            keys_by_token: HashMap::new(),
        };
        let key = scanner.key_here(false, false);
        scanner.keys.push(key);
        scanner
    }

    /// The next token, which stays in the queue.
    pub(super) fn peek(&mut self) -> ScanResult<&Token<'s>> {
        while self.tokens.is_empty() || self.first_may_be_key()? {
            self.fetch()?;
        }
        self.tokens.front().ok_or(ScanError { message: "there is no token", at: self.cursor.at })
    }

    /// Takes the next token out of the queue.
    pub(super) fn next(&mut self) -> ScanResult<Token<'s>> {
        self.peek()?;
        self.taken += 1;
        self.tokens.pop_front().ok_or(ScanError { message: "there is no token", at: self.cursor.at })
    }

    pub(super) fn error<T>(&self, message: &'static str) -> ScanResult<T> {
        Err(ScanError { message, at: self.cursor.at })
    }

    fn first_may_be_key(&mut self) -> ScanResult<bool> {
        match self.keys_by_token.get(&self.taken) {
            Some(position) => self.is_valid(*position),
            None => Ok(false),
        }
    }

    /// Whether a key may still have begun there.
    fn is_valid(&mut self, position: usize) -> ScanResult<bool> {
        let (line, index) = (self.cursor.line, self.cursor.index);
        let Some(key) = self.keys.get_mut(position).filter(|key| key.possible) else { return Ok(false) };
        if key.line == line && index <= key.index + MAX_KEY {
            return Ok(true);
        }
        if key.required {
            return Err(ScanError { message: "could not find expected ':'", at: key.at });
        }
        key.possible = false;
        Ok(false)
    }

    fn fetch(&mut self) -> ScanResult<()> {
        self.skip_to_next_token();
        self.unroll(self.column());
        if self.cursor.is_end() {
            // What has begun on this line is no key any more.
            self.cursor.line += usize::from(self.cursor.column > 0);
            self.cursor.column = 0;
            return self.document_mark(TokenKind::StreamEnd, 0);
        }
        if self.cursor.column == 0 && self.cursor.byte(0) == b'%' {
            return self.fetch_directive();
        }
        for (mark, kind) in [(b'-', TokenKind::DocumentStart), (b'.', TokenKind::DocumentEnd)] {
            if self.cursor.is_document_indicator(mark) {
                return self.document_mark(kind, 3);
            }
        }
        self.fetch_content()
    }

    /// A token that ends all collections.
    fn document_mark(&mut self, kind: TokenKind<'s>, length: usize) -> ScanResult<()> {
        self.unroll(-1);
        self.forget_key()?;
        self.key_allowed = false;
        self.push(kind, length);
        Ok(())
    }

    /// A directive, which no document that is read here can have: its marker would be before it.
    fn fetch_directive(&mut self) -> ScanResult<()> {
        self.unroll(-1);
        self.forget_key()?;
        self.key_allowed = false;
        let start = self.cursor.at;
        while !self.cursor.is_break_or_end(0) {
            self.cursor.skip();
        }
        let line = self.cursor.text(start..self.cursor.at);
        if !is_directive(line) {
            return Err(ScanError { message: "there is a directive here that is none of YAML's", at: start });
        }
        self.add(TokenKind::Directive, start..self.cursor.at);
        Ok(())
    }

    /// A token of a document's content.
    fn fetch_content(&mut self) -> ScanResult<()> {
        let in_flow = self.flow_level > 0;
        match self.cursor.byte(0) {
            b'[' => self.flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.flow_start(TokenKind::FlowMappingStart),
            b']' => self.flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.flow_end(TokenKind::FlowMappingEnd),
            b',' => {
                self.forget_key()?;
                self.key_allowed = true;
                self.push(TokenKind::FlowEntry, 1);
                Ok(())
            }
            b'-' if self.cursor.is_blank_or_end(1) => self.block_entry(),
            b'?' if in_flow || self.cursor.is_blank_or_end(1) => self.explicit_key(),
            b':' if in_flow || self.cursor.is_blank_or_end(1) => self.value(),
            mark @ (b'*' | b'&') => {
                self.save_key()?;
                self.key_allowed = false;
                self.scan_anchor(mark)
            }
            b'!' => {
                self.save_key()?;
                self.key_allowed = false;
                self.scan_tag()
            }
            mark @ (b'|' | b'>') if !in_flow => {
                self.forget_key()?;
                self.key_allowed = true;
                self.scan_block_scalar(mark == b'|')
            }
            mark @ (b'\'' | b'"') => {
                self.save_key()?;
                self.key_allowed = false;
                self.scan_quoted(mark)
            }
            first if self.begins_plain(first) => {
                self.save_key()?;
                self.key_allowed = false;
                self.scan_plain()
            }
            _ => self.error("found character that cannot start any token"),
        }
    }

    fn begins_plain(&self, first: u8) -> bool {
        match first {
            b'-' => !self.cursor.is_blank(1),
            b'?' | b':' => self.flow_level == 0 && !self.cursor.is_blank_or_end(1),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"'
            | b'%' | b'@' | b'`' => false,
            _ => !self.cursor.is_blank_or_end(0),
        }
    }

    fn skip_to_next_token(&mut self) {
        loop {
            let tabs = self.flow_level > 0 || !self.key_allowed;
            while self.cursor.byte(0) == b' ' || (tabs && self.cursor.byte(0) == b'\t') {
                self.cursor.skip();
            }
            self.cursor.skip_comment();
            if !self.cursor.is_break(0) {
                return;
            }
            self.cursor.skip_break();
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    fn column(&self) -> isize {
        isize::try_from(self.cursor.column).unwrap_or(isize::MAX)
    }

    /// A token of this many characters, each of one byte.
    fn push(&mut self, kind: TokenKind<'s>, length: usize) {
        let start = self.cursor.at;
        self.cursor.skip_bytes(length);
        self.add(kind, start..self.cursor.at);
    }

    pub(super) fn add(&mut self, kind: TokenKind<'s>, range: Range<usize>) {
        self.tokens.push_back(Token { kind, range });
    }

    /// A token before that of this number.
    fn insert(&mut self, number: usize, kind: TokenKind<'s>, at: usize) {
        let position = number.saturating_sub(self.taken).min(self.tokens.len());
        self.tokens.insert(position, Token { kind, range: at..at });
    }

    fn key_here(&self, possible: bool, required: bool) -> SimpleKey {
        let Cursor { at, line, column, index, .. } = self.cursor;
        SimpleKey { possible, required, token: self.taken + self.tokens.len(), at, line, column, index }
    }

    /// Takes note that a key may begin here.
    fn save_key(&mut self) -> ScanResult<()> {
        if !self.key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.column();
        let key = self.key_here(true, required);
        self.forget_key()?;
        let position = self.keys.len().saturating_sub(1);
        self.keys_by_token.insert(key.token, position);
        if let Some(last) = self.keys.last_mut() {
            *last = key;
        }
        Ok(())
    }

    /// No key has begun at this level.
    fn forget_key(&mut self) -> ScanResult<()> {
        let Some(key) = self.keys.last_mut().filter(|key| key.possible) else { return Ok(()) };
        if key.required {
            return Err(ScanError { message: "could not find expected ':'", at: key.at });
        }
        key.possible = false;
        self.keys_by_token.remove(&key.token);
        Ok(())
    }

    /// A block collection begins at this column, if it is deeper than the one around it.
    fn roll(&mut self, column: isize, number: usize, kind: TokenKind<'s>, at: usize) {
        if self.flow_level == 0 && self.indent < column {
            self.indents.push(self.indent);
            self.indent = column;
            self.insert(number, kind, at);
        }
    }

    /// The block collections that are deeper than this column end.
    fn unroll(&mut self, column: isize) {
        while self.flow_level == 0 && self.indent > column {
            self.push(TokenKind::BlockEnd, 0);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn flow_start(&mut self, kind: TokenKind<'s>) -> ScanResult<()> {
        self.save_key()?;
        let key = self.key_here(false, false);
        self.keys.push(key);
        self.flow_level += 1;
        self.key_allowed = true;
        self.push(kind, 1);
        Ok(())
    }

    fn flow_end(&mut self, kind: TokenKind<'s>) -> ScanResult<()> {
        self.forget_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.keys.pop() {
                self.keys_by_token.remove(&key.token);
            }
        }
        self.key_allowed = false;
        self.push(kind, 1);
        Ok(())
    }

    fn block_entry(&mut self) -> ScanResult<()> {
        self.begin_block(
            TokenKind::BlockSequenceStart,
            "block sequence entries are not allowed in this context",
        )?;
        self.forget_key()?;
        self.key_allowed = true;
        self.push(TokenKind::BlockEntry, 1);
        Ok(())
    }

    fn explicit_key(&mut self) -> ScanResult<()> {
        self.begin_block(TokenKind::BlockMappingStart, "mapping keys are not allowed in this context")?;
        self.forget_key()?;
        self.key_allowed = self.flow_level == 0;
        self.push(TokenKind::Key, 1);
        Ok(())
    }

    /// A block collection may begin here, outside of flow collections.
    fn begin_block(&mut self, kind: TokenKind<'s>, message: &'static str) -> ScanResult<()> {
        if self.flow_level > 0 {
            return Ok(());
        }
        if !self.key_allowed {
            return self.error(message);
        }
        self.roll(self.column(), usize::MAX, kind, self.cursor.at);
        Ok(())
    }

    fn value(&mut self) -> ScanResult<()> {
        let last = self.keys.len().saturating_sub(1);
        if self.is_valid(last)? {
            let Some(SimpleKey { token, at, column, possible, .. }) = self.keys.get_mut(last) else {
                return Ok(());
            };
            *possible = false;
            let (token, at, column) = (*token, *at, isize::try_from(*column).unwrap_or(isize::MAX));
            self.keys_by_token.remove(&token);
            self.insert(token, TokenKind::Key, at);
            self.roll(column, token, TokenKind::BlockMappingStart, at);
            self.key_allowed = false;
        } else {
            self.begin_block(TokenKind::BlockMappingStart, "mapping values are not allowed in this context")?;
            self.key_allowed = self.flow_level == 0;
        }
        self.push(TokenKind::Value, 1);
        Ok(())
    }

    fn scan_anchor(&mut self, mark: u8) -> ScanResult<()> {
        let start = self.cursor.at;
        self.cursor.skip();
        while self.cursor.is_word() {
            self.cursor.skip();
        }
        let name = self.cursor.text(start + 1..self.cursor.at);
        let ends = matches!(self.cursor.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !(ends || self.cursor.is_blank_or_end(0)) {
            return self.error("did not find expected alphabetic or numeric character");
        }
        self.add(
            if mark == b'*' { TokenKind::Alias(name) } else { TokenKind::Anchor(name) },
            start..self.cursor.at,
        );
        Ok(())
    }

    fn scan_tag(&mut self) -> ScanResult<()> {
        let start = self.cursor.at;
        let tag = if self.cursor.byte(1) == b'<' {
            self.cursor.skip_bytes(2);
            let tag = self.scan_tag_text(false)?;
            if self.cursor.byte(0) != b'>' {
                return self.error("did not find the expected '>'");
            }
            self.cursor.skip();
            tag
        } else {
            self.cursor.skip();
            while self.cursor.is_word() {
                self.cursor.skip();
            }
            let word = self.cursor.text(start + 1..self.cursor.at);
            if self.cursor.byte(0) != b'!' {
                format!("!{word}{}", self.scan_tag_text(true)?)
            } else if word.is_empty() {
                self.cursor.skip();
                format!("tag:yaml.org,2002:{}", self.scan_tag_text(false)?)
            } else {
                // A handle needs a directive.
                return self.error("found undefined tag handle");
            }
        };
        if !self.cursor.is_blank_or_end(0) {
            return self.error("did not find expected whitespace or line break");
        }
        self.add(TokenKind::Tag(tag), start..self.cursor.at);
        Ok(())
    }

    /// The rest of a tag, its escapes resolved.
    fn scan_tag_text(&mut self, may_be_empty: bool) -> ScanResult<String> {
        let start = self.cursor.at;
        let mut text = Vec::new();
        loop {
            match self.cursor.byte(0) {
                b'%' => {
                    let digits = self.cursor.text(self.cursor.at + 1..self.cursor.at + 3);
                    let Ok(octet) = u8::from_str_radix(digits, 16) else {
                        return self.error("did not find URI escaped octet");
                    };
                    text.push(octet);
                    self.cursor.skip_bytes(3);
                }
                byte @ (b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',' | b'.' | b'!'
                | b'~' | b'*' | b'\'' | b'(' | b')' | b'[' | b']') => {
                    text.push(byte);
                    self.cursor.skip();
                }
                byte if self.cursor.is_word() => {
                    text.push(byte);
                    self.cursor.skip();
                }
                _ => break,
            }
        }
        if start == self.cursor.at && !may_be_empty {
            return self.error("did not find expected tag URI");
        }
        String::from_utf8(text).or_else(|_| self.error("found an incorrect UTF-8 octet"))
    }
}
