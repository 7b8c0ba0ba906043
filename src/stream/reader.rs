//! A reader → documents, each as soon as it is complete, from one buffer.
//!
//! The same documents as those of [`stream::documents`](crate::stream::documents), wherever the reader breaks the bytes
//! up. The buffer grows to the largest document and the bytes that were read ahead, and no further.

use std::io::{self, Read};

use memchr::memmem;

use crate::stream::{Document, NEXT};

/// How much is asked of the reader at once.
const CHUNK: usize = 64 << 10;

/// Bytes of one document at most: a stream without an end must not take all memory.
const MAX_DOCUMENT: usize = 256 << 20;

/// The documents of a reader.
pub(crate) struct Documents<R> {
    reader: R,
    /// What has been read and is not behind us is at `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// No marker of another document begins before here.
    searched: usize,
    /// How many documents have been handed out.
    count: usize,
}

impl<R: Read> Documents<R> {
    /// Nothing has been read yet.
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, end: 0, searched: 0, count: 0 }
    }

    /// How many documents have been handed out.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// What has been read of the documents that are not handed out.
    pub(crate) fn ahead(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The next document, if it has been read to its end.
    pub(crate) fn complete(&mut self) -> Option<Document<'_>> {
        let Some(found) = memmem::find(&self.buffer[self.searched..self.end], NEXT) else {
            // The end of what was read may be the beginning of what was searched for.
            self.searched = self.start.max((self.end + 1).saturating_sub(NEXT.len()));
            return None;
        };
        Some(self.take(self.searched + found + 1))
    }

    /// The last document, once the reader has come to its end; an empty stream has one, which is empty.
    pub(crate) fn last(&mut self) -> Option<Document<'_>> {
        (self.start < self.end || self.count == 0).then(|| self.take(self.end))
    }

    fn take(&mut self, end: usize) -> Document<'_> {
        let start = std::mem::replace(&mut self.start, end);
        self.searched = end;
        self.count += 1;
        Document::new(self.count, 0, &self.buffer[start..end])
    }

    /// Reads on; whether there was anything to be read.
    ///
    /// # Errors
    ///
    /// The reader's own.
    pub(crate) fn read(&mut self) -> io::Result<bool> {
        self.make_room();
        if self.end > MAX_DOCUMENT {
            let message = format!("a document is longer than {} MiB", MAX_DOCUMENT >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let read = loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += read;
        Ok(read > 0)
    }

    /// Moves what is not behind us to the front, and has room for one more chunk.
    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.searched -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + CHUNK {
            self.buffer.resize(self.end + CHUNK, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest};

    use super::*;
    use crate::stream;

    /// Hands bytes out in pieces of these sizes, again and again.
    struct Pieces<'b> {
        bytes: &'b [u8],
        sizes: std::iter::Cycle<std::vec::IntoIter<usize>>,
    }

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let size = self.sizes.next().unwrap_or(1).min(buffer.len()).min(self.bytes.len());
            let (piece, rest) = self.bytes.split_at(size);
            buffer[..size].copy_from_slice(piece);
            self.bytes = rest;
            Ok(size)
        }
    }

    /// Number, bytes and body of each document.
    fn split(bytes: &[u8], sizes: Vec<usize>) -> Vec<(usize, Vec<u8>, usize)> {
        let mut documents = Documents::new(Pieces { bytes, sizes: sizes.into_iter().cycle() });
        let mut found = Vec::new();
        let seen = |document: Document<'_>| (document.number, document.bytes.to_vec(), document.body);
        loop {
            if let Some(document) = documents.complete() {
                found.push(seen(document));
            } else if !documents.read().expect("memory can be read") {
                found.extend(documents.last().map(seen));
                return found;
            }
        }
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("---"),
            Just("--"),
            Just("-"),
            Just("\n"),
            Just("\r\n"),
            Just("\r"),
            Just(" "),
            Just("\u{feff}"),
            Just("a: 1"),
            Just("\n---"),
            Just("\n---\n"),
        ];
        vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn documents_are_the_same_however_they_are_read(text in pieces(), sizes in vec(1_usize..9, 1..6)) {
            let whole: Vec<_> = stream::documents(text.as_bytes())
                .map(|document| (document.number, document.bytes.to_vec(), document.body))
                .collect();
            prop_assert_eq!(split(text.as_bytes(), sizes), whole);
        }
    }

    #[test]
    fn documents_larger_than_a_chunk_are_whole() {
        let large = "x".repeat(3 * CHUNK);
        let text = format!("---\na\n---\n{large}\n---\nb\n");
        let found = split(text.as_bytes(), vec![usize::MAX]);
        assert_eq!(
            found.iter().map(|(_, bytes, _)| bytes.len()).collect::<Vec<_>>(),
            [6, 5 + large.len(), 6]
        );
    }
}
