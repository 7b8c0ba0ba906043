//! Where something is: byte ranges, and the lines that contain them.

use std::cell::Cell;

use memchr::{memchr2, memchr2_iter, memmem, memrchr2, memrchr2_iter};

/// A half-open range of bytes of one source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    /// The first byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
}

impl Span {
    /// The span from `start` up to, not including, `end`.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end, "a span ends before it starts");
        Self { start, end }
    }

    /// Whether `other` lies inside this span.
    pub(crate) fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// The first byte of the line that holds `at`.
pub(crate) fn line_start(source: &str, at: usize) -> usize {
    let bytes = &source.as_bytes()[..at];
    let start = memrchr2(b'\n', b'\r', bytes).map_or(0, |found| found + 1);
    let mut others = memrchr2_iter(0xC2, 0xE2, &bytes[start..]).map(|found| start + found);
    others.find_map(|found| Some(found + other_break(&bytes[found..])?)).unwrap_or(start)
}

/// The end of the line that holds `at`, before its line break.
pub(crate) fn line_end(source: &str, at: usize) -> usize {
    let bytes = source.as_bytes();
    let end = memchr2(b'\n', b'\r', &bytes[at..]).map_or(source.len(), |found| at + found);
    first_other_break(&bytes[at..end]).map_or(end, |found| at + found)
}

/// The length of what begins here and only YAML 1.1, and so Kubernetes, takes for a line break: NEL, LS or PS.
fn other_break(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [0xC2, 0x85, ..] => Some(2),
        [0xE2, 0x80, 0xA8 | 0xA9, ..] => Some(3),
        _ => None,
    }
}

fn first_other_break(bytes: &[u8]) -> Option<usize> {
    memchr2_iter(0xC2, 0xE2, bytes).find(|at| other_break(&bytes[*at..]).is_some())
}

/// Whether a text holds what only YAML 1.1 takes for a line break, or a byte order mark.
pub(crate) fn has_other_breaks(source: &str) -> bool {
    let bytes = source.as_bytes();
    first_other_break(bytes).is_some() || memmem::find(bytes, BYTE_ORDER_MARK).is_some()
}

/// U+FEFF.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The first byte after the line break at `at`; `at` itself where no line break is there.
pub(crate) fn after_break(source: &str, at: usize) -> usize {
    match &source.as_bytes()[at..] {
        [b'\r', b'\n', ..] => at + 2,
        [b'\r' | b'\n', ..] => at + 1,
        bytes => at + other_break(bytes).unwrap_or_default(),
    }
}

/// The position before the line break that ends right before `at`; `at` itself where there is none.
pub(crate) fn before_break(source: &str, at: usize) -> usize {
    match &source.as_bytes()[..at] {
        [.., b'\r', b'\n'] | [.., 0xC2, 0x85] => at - 2,
        [.., b'\r' | b'\n'] => at - 1,
        [.., 0xE2, 0x80, 0xA8 | 0xA9] => at - 3,
        _ => at,
    }
}

/// What ends an anchor and a tag without brackets.
pub(super) const ENDS: [char; 12] =
    [' ', '\t', '\r', '\n', '\u{85}', '\u{2028}', '\u{2029}', ',', '[', ']', '{', '}'];

/// The end of the mark (`-`, `?`, `:`) that comes next, in a flow collection or outside; with text right behind it, it would
/// begin a scalar.
pub(super) fn behind_mark(source: &str, from: usize, mark: char, in_flow: bool) -> Option<usize> {
    let at = skip_trivia(source, from);
    let rest = source[at..].strip_prefix(mark)?;
    let ends = if in_flow { &ENDS[..] } else { &ENDS[..7] };
    (rest.is_empty() || rest.starts_with(ends)).then_some(at + 1)
}

/// The column of `at`: bytes since the start of its line, without a byte order mark.
pub(crate) fn column(source: &str, at: usize) -> usize {
    let before = &source[line_start(source, at)..at];
    before.strip_prefix('\u{feff}').unwrap_or(before).len()
}

/// Whether only blanks are between the start of the line and `at`.
pub(crate) fn is_first_on_line(source: &str, at: usize) -> bool {
    // Not from the start of the line: of JSON that may be megabytes away.
    let before = source[..at].trim_end_matches([' ', '\t']);
    before.is_empty() || before_break(before, before.len()) < before.len()
}

/// Skips blanks from `at`, staying on the line.
pub(crate) fn skip_blanks(source: &str, mut at: usize) -> usize {
    while matches!(source.as_bytes().get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// Skips what may be between two tokens: blanks, line breaks, comments and a byte order mark.
///
/// A `#` between tokens always begins a comment: the parser has accepted the text already.
pub(crate) fn skip_trivia(source: &str, mut at: usize) -> usize {
    let bytes = source.as_bytes();
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            Some(b'#') => at = line_end(source, at),
            Some(0xEF) if bytes[at..].starts_with(BYTE_ORDER_MARK) => at += BYTE_ORDER_MARK.len(),
            Some(0xC2 | 0xE2) => match other_break(&bytes[at..]) {
                Some(length) => at += length,
                None => return at,
            },
            _ => return at,
        }
    }
}

/// The line break that a text uses: its first one, or a line feed where it has none.
pub(crate) fn line_break(source: &str) -> &'static str {
    match memchr2(b'\n', b'\r', source.as_bytes()).map(|at| &source.as_bytes()[at..]) {
        Some([b'\r', b'\n', ..]) => "\r\n",
        Some([b'\r', ..]) => "\r",
        _ => "\n",
    }
}

/// Lines and columns of one text. Each is counted from the one before, so that many cost no more than one.
#[derive(Debug)]
pub(crate) struct Lines<'s> {
    source: &'s [u8],
    /// The last byte asked for, its line and its column.
    last: Cell<(usize, usize, usize)>,
}

impl<'s> Lines<'s> {
    /// Nothing asked for yet.
    pub(crate) fn new(source: &'s [u8]) -> Self {
        Self::starting_at(source, 1)
    }

    /// The same for a text that begins with this line of a longer one.
    pub(crate) fn starting_at(source: &'s [u8], first: usize) -> Self {
        Self { source, last: Cell::new((0, first, 1)) }
    }

    /// The line and column of a byte, both counted from 1, the column in characters.
    pub(crate) fn position(&self, at: usize) -> (usize, usize) {
        let at = at.min(self.source.len());
        let (last, line, column) = self.last.get();
        let between = &self.source[at.min(last)..at.max(last)];
        let breaks = memchr::memchr_iter(b'\n', between).count();
        let line = if at < last { line - breaks } else { line + breaks };
        let column = if breaks > 0 {
            let start = memchr::memrchr(b'\n', &self.source[..at]).map_or(0, |found| found + 1);
            characters(&self.source[start..at]) + 1
        } else if at < last {
            column - characters(between)
        } else {
            column + characters(between)
        };
        self.last.set((at, line, column));
        (line, column)
    }
}

/// A UTF-8 continuation byte does not begin a character.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_every_kind_of_break() {
        for text in ["ab\ncd", "ab\r\ncd", "ab\rcd", "ab\u{85}cd", "ab\u{2028}cd", "ab\u{2029}cd"] {
            let end = line_end(text, 0);
            let next = after_break(text, end);
            assert_eq!((&text[..end], &text[next..]), ("ab", "cd"), "{text:?}");
            assert_eq!(before_break(text, next), end, "{text:?}");
            assert_eq!(line_start(text, next + 1), next, "{text:?}");
        }
    }

    #[test]
    fn trivia_is_blanks_breaks_and_comments() {
        let text = " \t# one\r\n  # two # three\n- a";
        assert_eq!(&text[skip_trivia(text, 0)..], "- a");
        assert_eq!(skip_trivia("# to the end", 0), 12);
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(Lines::new("ä: b\nü: c".as_bytes()).position(9), (2, 3));
    }

    #[test]
    fn places_are_found_in_any_order() {
        let text = "ä: b\nü: c\n\nlast".as_bytes();
        let lines = Lines::new(text);
        for at in [9, 3, 0, 14, 11, 12, 5, 6, 16, 2, 99] {
            assert_eq!(lines.position(at), Lines::new(text).position(at), "byte {at}");
        }
    }
}
