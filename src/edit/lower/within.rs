//! Changes inside a scalar: places of its text → bytes of the source, whatever its style.
//!
//! It follows the source and the text side by side. Where they differ in a way that it does not know, it gives no place and the
//! edit is refused.

use crate::edit::patch::TextEdit;
use crate::edit::splice::Splice;
use crate::yaml::scalar::double_quoted;
use crate::yaml::{ScalarStyle, Span};

/// The splices that make these changes in a scalar whose source is at `content`; `None` where its style has no room.
pub(super) fn splices(
    source: &str,
    content: Span,
    style: ScalarStyle,
    text: &str,
    edits: &[TextEdit],
) -> Option<Vec<Splice>> {
    let raw = &source[content.start..content.end];
    let block = Block::of(raw, style, text);
    let mut wanted: Vec<usize> = edits.iter().flat_map(|(range, _)| [range.start, range.end]).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut cursor =
        ScalarCursor { raw: raw.as_bytes(), text: text.as_bytes(), at: 0, read: 0, style, block };
    cursor.open()?;
    let mut places = Vec::with_capacity(wanted.len());
    for place in wanted {
        while cursor.read < place {
            cursor.step()?;
        }
        if cursor.read != place {
            return None;
        }
        places.push((place, cursor.at));
    }
    let at = |place: usize| {
        let found = places.binary_search_by_key(&place, |(known, _)| *known).ok()?;
        Some(content.start + places[found].1)
    };
    let splice = |(range, new): &TextEdit| {
        let new = match style {
            _ if is_safe_anywhere(new) => new.clone(),
            ScalarStyle::Block => block?.indented(new)?,
            ScalarStyle::DoubleQuoted => inner(&double_quoted(new)),
            ScalarStyle::SingleQuoted if !new.chars().any(char::is_control) => new.replace('\'', "''"),
            ScalarStyle::SingleQuoted | ScalarStyle::Plain => return None,
        };
        let span = Span::new(at(range.start)?, at(range.end)?);
        Some(Splice::replacement(span, new))
    };
    edits.iter().map(splice).collect()
}

/// A quoted text without its quotes.
fn inner(quoted: &str) -> String {
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

/// Whether a text means itself in every style.
fn is_safe_anywhere(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// A block scalar's indentation, and whether its lines stay lines.
#[derive(Clone, Copy)]
struct Block {
    indentation: usize,
    literal: bool,
    crlf: bool,
}

impl Block {
    fn of(raw: &str, style: ScalarStyle, text: &str) -> Option<Self> {
        if style != ScalarStyle::Block {
            return None;
        }
        let mut lines = raw.split('\n');
        let header = lines.next().unwrap_or_default();
        // The indentation of the first line that says something, without what its text begins with.
        let spaces = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let says = |line: &&str| !line.trim().is_empty();
        let own = text.split('\n').find(says).map(spaces)?;
        let indentation = lines.find(says).map(spaces)?.checked_sub(own)?;
        Some(Self { indentation, literal: header.starts_with('|'), crlf: header.ends_with('\r') })
    }

    /// A text for the middle of a literal block.
    fn indented(self, text: &str) -> Option<String> {
        let is_text = text.chars().all(|c| {
            c == '\n' || (!c.is_control() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'))
        });
        let eol = if self.crlf { "\r\n" } else { "\n" };
        let indented = || text.replace('\n', &format!("{eol}{}", " ".repeat(self.indentation)));
        (self.literal && is_text).then(indented)
    }
}

/// Where the source and the text are.
struct ScalarCursor<'s> {
    raw: &'s [u8],
    text: &'s [u8],
    at: usize,
    read: usize,
    style: ScalarStyle,
    block: Option<Block>,
}

impl ScalarCursor<'_> {
    /// Goes to where the text begins.
    fn open(&mut self) -> Option<()> {
        match self.style {
            ScalarStyle::Plain => {}
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => self.at = 1,
            ScalarStyle::Block => {
                let block = self.block?;
                self.at = memchr::memchr(b'\n', self.raw)? + 1;
                self.indentation(block.indentation);
            }
        }
        Some(())
    }

    /// Follows one character, or one break between lines.
    fn step(&mut self) -> Option<()> {
        let byte = *self.raw.get(self.at)?;
        match (self.style, self.block) {
            (ScalarStyle::Block, Some(block)) if matches!(byte, b'\n' | b'\r') => self.line(block),
            (ScalarStyle::Block, _) => self.same(),
            _ if self.breaks_here() => self.fold(),
            (ScalarStyle::SingleQuoted, _) if self.raw[self.at..].starts_with(b"''") => self.pair(2, b"'"),
            (ScalarStyle::DoubleQuoted, _) if byte == b'\\' => self.escape(),
            _ => self.same(),
        }
    }

    /// The same byte in both.
    fn same(&mut self) -> Option<()> {
        (self.raw.get(self.at)? == self.text.get(self.read)?).then(|| {
            self.at += 1;
            self.read += 1;
        })
    }

    /// This many bytes of the source are this text.
    fn pair(&mut self, length: usize, meaning: &[u8]) -> Option<()> {
        self.text.get(self.read..)?.starts_with(meaning).then(|| {
            self.at += length;
            self.read += meaning.len();
        })
    }

    fn indentation(&mut self, most: usize) {
        let spaces = self.raw[self.at..].iter().take(most).take_while(|byte| **byte == b' ').count();
        self.at += spaces;
    }

    /// A line break of a block; folded, it is a blank, or several are some.
    fn line(&mut self, block: Block) -> Option<()> {
        if block.literal {
            self.line_break()?;
            self.indentation(block.indentation);
            return self.pair(0, b"\n");
        }
        self.folded(block.indentation)
    }

    fn line_break(&mut self) -> Option<()> {
        let rest = self.raw.get(self.at..)?;
        self.at += if rest.starts_with(b"\r\n") {
            2
        } else {
            usize::from(matches!(rest.first(), Some(b'\n' | b'\r')))
        };
        (!rest.is_empty()).then_some(())
    }

    /// Whether blanks, if any, and a line break are here.
    fn breaks_here(&self) -> bool {
        let blanks = self.raw[self.at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        matches!(self.raw.get(self.at + blanks), Some(b'\n' | b'\r'))
    }

    /// The line breaks of a plain or quoted scalar, with the blanks around them.
    fn fold(&mut self) -> Option<()> {
        while matches!(self.raw.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.breaks_read()
    }

    fn folded(&mut self, indentation: usize) -> Option<()> {
        while matches!(self.raw.get(self.at), Some(b'\n' | b'\r')) {
            self.line_break()?;
            self.indentation(indentation);
        }
        self.breaks_read()
    }

    /// A blank, or line breaks, of the text.
    fn breaks_read(&mut self) -> Option<()> {
        if self.text.get(self.read) == Some(&b' ') {
            self.read += 1;
            return Some(());
        }
        let breaks = self.text[self.read..].iter().take_while(|byte| **byte == b'\n').count();
        self.read += breaks;
        (breaks > 0).then_some(())
    }

    /// An escape of a double-quoted scalar.
    fn escape(&mut self) -> Option<()> {
        let code = *self.raw.get(self.at + 1)?;
        if matches!(code, b'\n' | b'\r') {
            // A line that goes on.
            self.at += 1;
            while matches!(self.raw.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                self.at += 1;
            }
            return Some(());
        }
        let simple: &[u8] = match code {
            b'0' => b"\0",
            b'a' => b"\x07",
            b'b' => b"\x08",
            b't' | b'\t' => b"\t",
            b'n' => b"\n",
            b'v' => b"\x0b",
            b'f' => b"\x0c",
            b'r' => b"\r",
            b'e' => b"\x1b",
            b' ' => b" ",
            b'"' => b"\"",
            b'/' => b"/",
            b'\\' => b"\\",
            b'N' => "\u{85}".as_bytes(),
            b'_' => "\u{a0}".as_bytes(),
            b'L' => "\u{2028}".as_bytes(),
            b'P' => "\u{2029}".as_bytes(),
            b'x' => return self.code_point(2),
            b'u' => return self.code_point(4),
            b'U' => return self.code_point(8),
            _ => return None,
        };
        self.pair(2, simple)
    }

    fn code_point(&mut self, digits: usize) -> Option<()> {
        let hex = std::str::from_utf8(self.raw.get(self.at + 2..self.at + 2 + digits)?).ok()?;
        let c = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
        self.pair(2 + digits, c.encode_utf8(&mut [0; 4]).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::splice::Splices;
    use crate::yaml::{Kind, parse};

    /// Changes every `old` of the text under `k`, and reads the result.
    fn change(source: &str, new: &str) -> Option<(String, String)> {
        let tree = parse(source).expect("YAML");
        let node = tree.get(tree.root()?, "k")?;
        let Kind::Scalar(scalar) = tree.kind(node) else { return None };
        let found = scalar.text.match_indices("old").map(|(at, old)| (at..at + old.len(), new.to_owned()));
        let edits: Vec<TextEdit> = found.collect();
        assert!(!edits.is_empty(), "{source}");
        let made = splices(source, tree.content(node), scalar.style, scalar.text, &edits)?;
        let edited = Splices::new(made).expect("disjoint").apply(source);
        let after = parse(&edited).expect("YAML");
        let text = after.text(after.get(after.root()?, "k")?)?.to_owned();
        Some((edited.clone(), text))
    }

    #[test]
    fn a_name_is_changed_in_every_style() {
        for source in [
            "k: a/old\n",
            "k: a old\n  b\n\n  old c\n",
            "k: 'it''s old,\n\n  and old'\n",
            "k: \"\\ta \\\"old\\\" \\u00e9 \\\n  x old\\n\"\n",
            "k: |\n  a: old\n\n    b: old\n",
            "k: |2-\n    a: old\n\n  \n  b: old\n\nj: 1\n",
            "k: |\r\n  a: old\r\n  b: old\r\n",
            "k: >\n  a old\n  b\n\n  c old\n",
            "k: |+\n\n  é old\n\n",
            "k: |\n  old",
        ] {
            let tree = parse(source).expect("YAML");
            let node = tree.get(tree.root().expect("a root"), "k").expect("k");
            let expected = tree.text(node).expect("text").replace("old", "the-new.one");
            let (edited, text) = change(source, "the-new.one").expect(source);
            assert_eq!(text, expected, "{source}");
            assert_eq!(edited, source.replace("old", "the-new.one"), "{source}");
        }
    }

    #[test]
    fn other_texts_go_where_they_can_be_written() {
        let (edited, _) = change("k: |\n  a:\n    old\n", "x: 1\n    y: [2]").expect("room");
        assert_eq!(edited, "k: |\n  a:\n    x: 1\n      y: [2]\n");
        for source in ["k: old x\n", "k: >\n  old\n"] {
            assert!(change(source, "x: 1").is_none(), "{source}");
        }
        assert!(change("k: 'old'\n", "a\nb").is_none());
        for source in ["k: 'an old one'\n", "k: \"an old one\"\n"] {
            let (_, text) = change(source, "it's \"x\": 1").expect("room");
            assert_eq!(text, "an it's \"x\": 1 one");
        }
    }
}
