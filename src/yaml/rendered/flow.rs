//! Flow collections of one line.

use super::bytes::FLOW;
use super::{LONG_KEY, RenderedReader, ScalarToken};
use crate::yaml::Style;
use crate::yaml::events::Collection;

impl<'s> RenderedReader<'s> {
    /// A collection in brackets or braces.
    pub(super) fn flow(&mut self) -> Option<()> {
        let is_mapping = self.byte(0) == b'{';
        let (collection, close) = if is_mapping {
            (Collection::Mapping(Style::Flow), b'}')
        } else {
            (Collection::Sequence(Style::Flow), b']')
        };
        self.begin(collection, self.at)?;
        self.at += 1;
        self.skip_spaces();
        while self.byte(0) != close {
            if is_mapping {
                self.flow_key()?;
            }
            self.flow_node()?;
            self.skip_spaces();
            match self.byte(0) {
                b',' => {
                    self.at += 1;
                    self.skip_spaces();
                    // A comma before the end is for the general readers.
                    if self.byte(0) == close {
                        return None;
                    }
                }
                byte if byte == close => {}
                _ => return None,
            }
        }
        self.at += 1;
        self.end(self.at);
        Some(())
    }

    /// A key, its colon, and the blanks behind it.
    fn flow_key(&mut self) -> Option<()> {
        let key = self.flow_scalar()?;
        if self.byte(0) != b':' || key.range.len() > LONG_KEY {
            return None;
        }
        let is_quoted = matches!(self.bytes[key.range.start], b'"' | b'\'');
        self.add(key)?;
        self.at += 1;
        if !is_quoted && self.byte(0) != b' ' {
            return None;
        }
        self.skip_spaces();
        Some(())
    }

    fn flow_node(&mut self) -> Option<()> {
        match self.byte(0) {
            b'[' | b'{' => self.flow(),
            _ => {
                let token = self.flow_scalar()?;
                self.add(token)
            }
        }
    }

    fn flow_scalar(&mut self) -> Option<ScalarToken<'s>> {
        match self.byte(0) {
            b'"' => self.double_quoted(),
            b'\'' => self.single_quoted(),
            b'?' | b':' => None,
            b'-' if matches!(self.byte(1), b',' | b'[' | b']' | b'{' | b'}') => None,
            _ => self.plain(FLOW),
        }
    }
}
