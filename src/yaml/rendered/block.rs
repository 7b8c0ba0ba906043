//! Block mappings and sequences.
//!
//! Each begins with its content reached and its column known, and ends with the next content reached: deeper content than
//! a collection's own, which is none of its values, makes the reader give up.

use super::{LONG_KEY, RenderedReader, ScalarToken};
use crate::yaml::Style;
use crate::yaml::events::Collection;

impl<'s> RenderedReader<'s> {
    /// A node that begins a line, at this column.
    pub(super) fn node(&mut self, column: usize) -> Option<()> {
        match self.byte(0) {
            b'-' if self.is_gap(1) => self.sequence(column),
            b'[' | b'{' => self.flow_value(),
            _ => self.mapping_or_scalar(column),
        }
    }

    /// A mapping at this column, or a scalar.
    fn mapping_or_scalar(&mut self, column: usize) -> Option<()> {
        let token = self.scalar()?;
        if self.byte(0) == b':' {
            return self.mapping(column, token);
        }
        self.add(token)?;
        self.end_line()
    }

    fn flow_value(&mut self) -> Option<()> {
        self.flow()?;
        self.end_line()
    }

    /// A mapping, whose first key has been read.
    fn mapping(&mut self, column: usize, first: ScalarToken<'s>) -> Option<()> {
        self.begin(Collection::Mapping(Style::Block), first.range.start)?;
        let mut key = first;
        loop {
            if self.byte(0) != b':' || !self.is_gap(1) || key.range.len() > LONG_KEY {
                return None;
            }
            self.at += 1;
            self.add(key)?;
            self.value(column)?;
            match self.column {
                Some(next) if next == column => key = self.scalar()?,
                Some(next) if next > column => return None,
                _ => break,
            }
        }
        self.end(0);
        Some(())
    }

    /// What is behind the colon of a mapping at this column.
    fn value(&mut self, column: usize) -> Option<()> {
        if self.has_content() {
            return self.inline(column);
        }
        self.end_line()?;
        match self.column {
            Some(next) if next > column => self.node(next),
            Some(next) if next == column && self.is_dash() => self.sequence(next),
            _ => self.add_absent(),
        }
    }

    fn sequence(&mut self, column: usize) -> Option<()> {
        self.begin(Collection::Sequence(Style::Block), self.at)?;
        loop {
            let dash = self.at;
            self.at += 1;
            self.item(column, dash)?;
            match self.column {
                Some(next) if next == column && self.is_dash() => {}
                Some(next) if next > column => return None,
                _ => break,
            }
        }
        self.end(0);
        Some(())
    }

    /// What is behind the dash of a sequence at this column.
    fn item(&mut self, column: usize, dash: usize) -> Option<()> {
        if !self.has_content() {
            self.end_line()?;
            return match self.column {
                Some(next) if next > column => self.node(next),
                _ => self.add_absent(),
            };
        }
        self.skip_spaces();
        let inner = column + (self.at - dash);
        match self.byte(0) {
            b'-' if self.is_gap(1) => self.sequence(inner),
            b'|' | b'>' | b'[' | b'{' => self.inline(column),
            _ => self.mapping_or_scalar(inner),
        }
    }

    /// Whether content is behind an indicator on its line.
    fn has_content(&self) -> bool {
        let mut rest = self.bytes[self.at..].iter();
        !matches!(rest.find(|byte| **byte != b' '), None | Some(b'\n' | b'#'))
    }

    /// A value on the line of its indicator, in a collection at this column.
    fn inline(&mut self, column: usize) -> Option<()> {
        self.skip_spaces();
        match self.byte(0) {
            b'|' | b'>' => self.block_scalar(column),
            b'[' | b'{' => self.flow_value(),
            _ => {
                let token = self.scalar()?;
                self.add(token)?;
                self.end_line()
            }
        }
    }
}
