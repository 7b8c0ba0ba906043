//! A stream of bytes → documents, split as Helm splits them.
//!
//! Helm splits at `(?:^|\s*\n)---\s*`: at every line that begins with `---`, whatever follows on it. No YAML is
//! known here beyond that, so nothing in this module can fail on a document's content.

pub(crate) mod output;
pub(crate) mod reader;
pub(crate) mod writer;

use std::ops::Range;

use memchr::memmem;

use crate::diagnostics::{Code, Diagnostic, Error};

const BOM: &[u8] = b"\xEF\xBB\xBF";
const MARKER: &[u8] = b"---";
/// Where a document ends and the next begins, behind the line break.
pub(crate) const NEXT: &[u8] = b"\n---";
const SOURCE: &[u8] = b"# Source: ";
/// Comments further into a document than this name no template: each object of it asks.
const LONGEST_HEAD: usize = 4 << 10;

/// One document: its marker line, if it has one, and everything up to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Document<'i> {
    /// Position in the stream, counted from 1, markers without anything between them included.
    pub(crate) number: usize,
    /// All of its bytes.
    pub(crate) bytes: &'i [u8],
    /// Where its bytes begin in the stream.
    pub(crate) offset: usize,
    /// Where its content begins in its bytes: behind a byte order mark and the `---`.
    pub(crate) body: usize,
}

/// The length of what is behind a marker, where it is nothing but blanks with a tab among them: in front of the content
/// a reader would take it for an indentation.
fn tabs(rest: &[u8]) -> usize {
    let length = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let is_all = rest.get(length).is_none_or(|byte| matches!(byte, b'\r' | b'\n' | b'#'));
    if is_all && rest[..length].contains(&b'\t') { length } else { 0 }
}

impl<'i> Document<'i> {
    /// The document that these bytes are; only what begins a stream can begin with a byte order mark.
    pub(crate) fn new(number: usize, offset: usize, bytes: &'i [u8]) -> Self {
        let body = if offset == 0 && bytes.starts_with(BOM) { BOM.len() } else { 0 };
        let Some(rest) = bytes[body..].strip_prefix(MARKER) else {
            return Self { number, bytes, offset, body };
        };
        Self { number, bytes, offset, body: body + MARKER.len() + tabs(rest) }
    }

    /// What is behind the marker.
    pub(crate) fn content(&self) -> &'i [u8] {
        &self.bytes[self.body..]
    }

    /// What comes between the marker and the content where the document begins a stream and has not before: Kubernetes looks for
    /// three dashes between documents, and reads the first ones as YAML, to which `---#` is a text.
    pub(crate) fn opening(&self) -> &'static [u8] {
        if (self.offset > 0 || self.number > 1) && self.content().starts_with(b"#") { b" " } else { b"" }
    }

    /// Whether nothing is behind the marker.
    pub(crate) fn is_blank(&self) -> bool {
        self.content().iter().all(u8::is_ascii_whitespace)
    }

    /// The bytes that belong to the stream rather than to this document: a byte order mark at its start.
    pub(crate) fn preamble(&self) -> &'i [u8] {
        if self.offset == 0 && self.bytes.starts_with(BOM) { &self.bytes[..BOM.len()] } else { &[] }
    }
}

/// Splits a stream. Every byte belongs to exactly one document.
pub(crate) fn documents(input: &[u8]) -> impl Iterator<Item = Document<'_>> {
    documents_of(input, 0..input.len())
}

/// Splits one of a stream's [`parts`]. Its documents are counted from 1.
pub(crate) fn documents_of(input: &[u8], part: Range<usize>) -> impl Iterator<Item = Document<'_>> {
    let Range { start: first, end: last } = part;
    let mut markers = memmem::find_iter(&input[first..last], NEXT).map(move |at| first + at + 1);
    let mut start = Some(first);
    let mut number = 0;
    std::iter::from_fn(move || {
        let offset = start.take()?;
        start = markers.next();
        number += 1;
        Some(Document::new(number, offset, &input[offset..start.unwrap_or(last)]))
    })
}

/// Cuts a stream at markers, into parts of this many bytes or more.
pub(crate) fn parts(input: &[u8], bytes: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start.take()?;
        let enough = input.len().min(from + bytes);
        start = memmem::find(&input[enough..], NEXT).map(|at| enough + at + 1);
        Some(from..start.unwrap_or(input.len()))
    })
}

/// Refuses what is no stream of manifests at all.
///
/// # Errors
///
/// Nothing but white space, or UTF-16 or UTF-32, in which no rule could find anything.
pub(crate) fn check(input: &[u8]) -> Result<(), Error> {
    if input.iter().all(u8::is_ascii_whitespace) {
        return Err(Diagnostic::error(
            Code::EmptyInput,
            "the input is empty",
            "pipe rendered manifests in, for example `helm template … | resecret …`; under `helm` the chart rendered nothing",
        )
        .into());
    }
    check_encoding(input)
}

/// Refuses UTF-16 and UTF-32, which the first bytes of a stream give away.
///
/// # Errors
///
/// It is one of them.
pub(crate) fn check_encoding(input: &[u8]) -> Result<(), Error> {
    let wide = matches!(input, [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, _, ..] | [_, 0, ..]);
    if wide {
        return Err(Diagnostic::error(
            Code::NotUtf8,
            "the input is UTF-16 or UTF-32, not UTF-8",
            "convert it to UTF-8; in PowerShell, set $OutputEncoding or write files with -Encoding utf8",
        )
        .into());
    }
    Ok(())
}

/// A document's content as text.
///
/// # Errors
///
/// The byte offset in the document of the first byte that is not UTF-8.
pub(crate) fn text<'i>(document: &Document<'i>) -> Result<&'i str, usize> {
    std::str::from_utf8(document.content()).map_err(|error| document.body + error.valid_up_to())
}

/// The chart template that a document came from, as Helm 3 and `helm template` say it in the document's first comment.
pub(crate) fn template(content: &[u8]) -> Option<String> {
    let mut rest = &content[..content.len().min(LONGEST_HEAD)];
    loop {
        rest = rest.trim_ascii_start();
        // Asked before the end of the line is looked for: a document can be a single one.
        if !rest.starts_with(b"#") {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        if let Some(path) = rest[..end].strip_prefix(SOURCE) {
            return std::str::from_utf8(path).ok().map(|path| path.trim_end().to_owned());
        }
        rest = &rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_split(input: &str, expected: &[(&str, &str)]) {
        let documents: Vec<_> = documents(input.as_bytes()).collect();
        let whole: Vec<u8> = documents.iter().flat_map(|d| d.bytes).copied().collect();
        assert_eq!(whole, input.as_bytes(), "every byte belongs to one document");
        let parts: Vec<_> = documents
            .iter()
            .map(|d| {
                let (marker, content) = d.bytes.split_at(d.body);
                (str::from_utf8(marker).expect("text"), str::from_utf8(content).expect("text"))
            })
            .collect();
        assert_eq!(parts, expected);
    }

    #[test]
    fn documents_begin_at_lines_that_begin_with_three_dashes() {
        check_split("a: 1\n---\nb: 2\n", &[("", "a: 1\n"), ("---", "\nb: 2\n")]);
        check_split("---\na\n---\nb", &[("---", "\na\n"), ("---", "\nb")]);
        check_split(
            "a\n--- # why\nb\n--- {c: d}\n---e",
            &[("", "a\n"), ("---", " # why\nb\n"), ("---", " {c: d}\n"), ("---", "e")],
        );
    }

    #[test]
    fn other_dashes_do_not_split() {
        check_split("a: |\n  ---\n  x\n --- \n", &[("", "a: |\n  ---\n  x\n --- \n")]);
    }

    #[test]
    fn line_ends_and_a_byte_order_mark_do_not_matter() {
        check_split(
            "\u{feff}---\r\na\r\n---\r\nb\r\n",
            &[("\u{feff}---", "\r\na\r\n"), ("---", "\r\nb\r\n")],
        );
        check_split("\u{feff}a\n---\nb", &[("\u{feff}", "a\n"), ("---", "\nb")]);
        check_split("", &[("", "")]);
    }

    #[test]
    fn white_space_and_wide_encodings_are_refused() {
        assert_eq!(check(b" \r\n\t").map_err(|error| error.code()), Err(Code::EmptyInput));
        for wide in [&b"\xFF\xFEa\0"[..], b"\xFE\xFF\0a", b"a\0:\0", b"\0a\0:"] {
            assert_eq!(check(wide).map_err(|error| error.code()), Err(Code::NotUtf8));
        }
        assert!(check(b"a: b").is_ok());
    }
}
