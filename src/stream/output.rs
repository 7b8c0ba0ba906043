//! What goes out: slices of the input as they came, and edited documents between them.

use std::borrow::Cow;
use std::io::{self, IoSlice, Write};
use std::ops::Range;

use crate::stream::{self, Document};

/// Left where every document is removed: Helm 4 takes blank output for a failure of its plugin.
pub(crate) const ALL_REMOVED: &[u8] = b"# resecret: every document of this stream has been removed";

/// What a run does with a document.
pub(crate) enum Action {
    /// Writes it as it came.
    Keep,
    /// Removes it.
    Remove,
    /// Writes it with this content.
    Replace(String),
}

/// A document that does not go out as it came.
#[derive(Clone, Debug)]
pub(crate) struct DocumentChange {
    /// Its bytes in the input.
    pub(crate) before: Range<usize>,
    /// The pieces of the output that are in their place; none where it is removed.
    pub(crate) after: Range<usize>,
}

/// A whole stream, and what in it is not as it came.
#[derive(Debug)]
pub(crate) struct Finished<'i> {
    /// Its bytes.
    pub(crate) pieces: Vec<Cow<'i, [u8]>>,
    /// What changed, in the order of the stream.
    pub(crate) changes: Vec<DocumentChange>,
}

/// The edited stream. What nothing is said about is kept.
#[derive(Debug)]
pub(crate) struct Output<'i> {
    input: &'i [u8],
    pieces: Vec<Cow<'i, [u8]>>,
    changes: Vec<DocumentChange>,
    /// Where the input begins that nothing is said about yet.
    at: usize,
    /// Whether anything but white space has been kept or put in.
    written: bool,
    /// Whether a document has been removed.
    shortened: bool,
}

impl<'i> Output<'i> {
    /// Nothing of the input is changed yet.
    pub(crate) fn new(input: &'i [u8]) -> Self {
        Self { input, pieces: Vec::new(), changes: Vec::new(), at: 0, written: false, shortened: false }
    }

    /// Does with a document what has been decided. Documents are given in their order.
    pub(crate) fn put(&mut self, document: &Document<'i>, action: Action) {
        match action {
            Action::Keep => {}
            Action::Remove => self.remove(document),
            Action::Replace(content) => self.replace(document, content),
        }
    }

    /// Puts other text in the place of a document's content.
    fn replace(&mut self, document: &Document<'i>, content: String) {
        self.keep_until(document.offset);
        let first = self.pieces.len();
        self.begin(document);
        self.pieces.push(Cow::Owned(content.into_bytes()));
        self.written = true;
        self.change(document, first);
    }

    /// Leaves a document out, with its marker and comments.
    fn remove(&mut self, document: &Document<'i>) {
        self.keep_until(document.offset);
        let first = self.pieces.len();
        if !document.preamble().is_empty() {
            self.pieces.push(Cow::Borrowed(document.preamble()));
        }
        self.shortened = true;
        self.change(document, first);
    }

    /// Lets everything through that nothing was said about, up to here.
    fn keep_until(&mut self, end: usize) {
        if self.at < end {
            self.written = self.written
                || stream::documents_of(self.input, self.at..end).any(|document| !document.is_blank());
            if self.is_empty()
                && let Some(first) = stream::documents_of(self.input, self.at..end).next()
            {
                self.begin(&first);
                self.at += first.body;
            }
            self.pieces.push(Cow::Borrowed(&self.input[self.at..end]));
            self.at = end;
        }
    }

    /// Lets through what is before a document's content.
    fn begin(&mut self, document: &Document<'i>) {
        let opening = if self.is_empty() { document.opening() } else { b"" };
        self.pieces.push(Cow::Borrowed(&document.bytes[..document.body]));
        self.pieces.push(Cow::Borrowed(opening));
    }

    /// Whether nothing but a byte order mark would go out so far.
    fn is_empty(&self) -> bool {
        self.pieces.iter().all(|piece| piece.is_empty() || **piece == *stream::BOM)
    }

    fn change(&mut self, document: &Document<'_>, first: usize) {
        let end = document.offset + document.bytes.len();
        self.changes.push(DocumentChange { before: document.offset..end, after: first..self.pieces.len() });
        self.at = end;
    }

    /// Ends the stream: it is not blank because of what was removed.
    pub(crate) fn finish(mut self) -> Finished<'i> {
        self.keep_until(self.input.len());
        if self.shortened && !self.written {
            self.pieces.push(Cow::Borrowed(ALL_REMOVED));
            self.pieces.push(Cow::Borrowed(line_break(self.input)));
        }
        Finished { pieces: self.pieces, changes: self.changes }
    }
}

/// The line break that a stream uses: its first one.
pub(crate) fn line_break(input: &[u8]) -> &'static [u8] {
    let first = memchr::memchr(b'\n', input);
    if first.is_some_and(|at| input[..at].ends_with(b"\r")) { b"\r\n" } else { b"\n" }
}

/// Writes all pieces, few calls for many.
///
/// # Errors
///
/// The writer's own; a closed pipe is one of them, since its reader believes that it has the whole stream.
pub(crate) fn write_all(pieces: &[Cow<'_, [u8]>], mut writer: impl Write) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        match writer.write_vectored(rest) {
            Ok(0) if rest.iter().all(|slice| slice.is_empty()) => break,
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::writer::StreamWriter;

    /// Both ways out, with these decisions on a stream's documents.
    #[track_caller]
    fn check(input: &str, actions: &[fn() -> Action], expected: &str) {
        let documents: Vec<_> = stream::documents(input.as_bytes()).collect();
        assert_eq!(documents.len(), actions.len());
        let (mut output, mut written) = (Output::new(input.as_bytes()), Vec::new());
        let mut writer = StreamWriter::new(&mut written);
        for (document, action) in documents.iter().zip(actions) {
            writer.document(document, &action()).expect("written");
            output.put(document, action());
        }
        writer.finish(b"\n").expect("written");
        let whole = output.finish().pieces.concat();
        assert_eq!(String::from_utf8_lossy(&whole), expected);
        assert_eq!(String::from_utf8_lossy(&written), expected);
    }

    #[test]
    fn what_comes_to_be_first_begins_with_a_marker_to_every_reader() {
        let (keep, remove) = (|| Action::Keep, || Action::Remove);
        let replace = || Action::Replace("# why\nc\n".to_owned());
        let stream = "a\n---# why\nb\n---# and\nd\n";
        check(stream, &[remove, keep, keep], "--- # why\nb\n---# and\nd\n");
        check(stream, &[remove, replace, keep], "--- # why\nc\n---# and\nd\n");
        check(stream, &[remove, remove, keep], "--- # and\nd\n");
        check(stream, &[keep, keep, replace], "a\n---# why\nb\n---# why\nc\n");
        check("\u{feff}a\n---#\nb\n", &[remove, keep], "\u{feff}--- #\nb\n");
        check("a\n--- #\nb\n", &[remove, keep], "--- #\nb\n");
        // It is what the client has made of it where nothing was before it.
        check("---#\nb\n---\nc\n", &[keep, remove], "---#\nb\n");
    }
}
