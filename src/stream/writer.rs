//! Writes documents in batches, and counts what is written.

use std::fmt;
use std::io::{self, Write};

use crate::stream::output::{ALL_REMOVED, Action};
use crate::stream::{BOM, Document};

/// Larger batches save nothing.
const BATCH: usize = 64 << 10;

/// What a run has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Documents, without those that are blank.
    pub documents: usize,
    /// Bytes.
    pub bytes: u64,
}

/// As in a sentence: `no document`, `1 document (60 bytes)`, `11 documents (34,567 bytes)`.
impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = grouped(self.bytes);
        match self.documents {
            0 if self.bytes == 0 => f.write_str("no document"),
            1 => write!(f, "1 document ({bytes} bytes)"),
            documents => write!(f, "{} documents ({bytes} bytes)", grouped(documents as u64)),
        }
    }
}

/// A number with a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for (position, digit) in digits[first..].char_indices() {
        if position % 3 == 0 && !text.is_empty() {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Where documents go out.
pub(crate) struct StreamWriter<W> {
    writer: W,
    batch: Vec<u8>,
    /// Documents that end in the batch.
    pending: usize,
    written: Written,
    /// Whether a document has been removed, and whether one has not.
    shortened: bool,
    kept: bool,
}

impl<W: Write> StreamWriter<W> {
    /// Nothing has been written yet.
    pub(crate) fn new(writer: W) -> Self {
        let (batch, written) = (Vec::with_capacity(BATCH), Written::default());
        Self { writer, batch, pending: 0, written, shortened: false, kept: false }
    }

    /// What the writer has been given.
    pub(crate) fn written(&self) -> Written {
        self.written
    }

    /// Writes what became of a document.
    ///
    /// # Errors
    ///
    /// The writer's own.
    pub(crate) fn document(&mut self, document: &Document<'_>, fate: &Action) -> io::Result<()> {
        let goes_out = !matches!(fate, Action::Remove) && !document.is_blank();
        match fate {
            Action::Keep => {
                self.begin(document)?;
                self.push(document.content())?;
            }
            Action::Remove => self.push(document.preamble())?,
            Action::Replace(content) => {
                self.begin(document)?;
                self.push(content.as_bytes())?;
            }
        }
        self.kept |= goes_out;
        self.shortened |= matches!(fate, Action::Remove);
        self.pending += usize::from(goes_out);
        Ok(())
    }

    /// Ends the stream: it is not blank because of what was removed.
    ///
    /// # Errors
    ///
    /// The writer's own.
    pub(crate) fn finish(&mut self, line_break: &[u8]) -> io::Result<()> {
        if self.shortened && !self.kept {
            self.push(ALL_REMOVED)?;
            self.push(line_break)?;
        }
        self.flush()
    }

    /// Writes what is before a document's content.
    fn begin(&mut self, document: &Document<'_>) -> io::Result<()> {
        let is_first = self.written.bytes == 0 && (self.batch.is_empty() || self.batch == BOM);
        self.push(&document.bytes[..document.body])?;
        self.push(if is_first { document.opening() } else { b"" })
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.batch.len() + bytes.len() > BATCH {
            self.write_batch()?;
        }
        if bytes.len() > BATCH {
            // Too large to be worth a copy.
            return write(&mut self.writer, bytes, &mut self.written.bytes);
        }
        self.batch.extend_from_slice(bytes);
        Ok(())
    }

    fn write_batch(&mut self) -> io::Result<()> {
        let result = write(&mut self.writer, &self.batch, &mut self.written.bytes);
        self.batch.clear();
        let pending = std::mem::take(&mut self.pending);
        if result.is_ok() {
            self.written.documents += pending;
        }
        result
    }

    /// Hands all of it on, before a read that may take its time.
    ///
    /// # Errors
    ///
    /// The writer's own.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.write_batch()?;
        self.writer.flush()
    }
}

/// Writes all bytes, and counts those that were taken.
fn write(mut writer: impl Write, mut bytes: &[u8], count: &mut u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match writer.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => {
                *count += taken as u64;
                bytes = &bytes[taken..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_reads_as_in_a_sentence() {
        let text = |documents, bytes| Written { documents, bytes }.to_string();
        assert_eq!(text(0, 0), "no document");
        assert_eq!(text(1, 60), "1 document (60 bytes)");
        assert_eq!(text(11, 34_567), "11 documents (34,567 bytes)");
        assert_eq!(text(1_234_567, 100_000), "1,234,567 documents (100,000 bytes)");
    }

    /// Takes this many bytes and no more.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_what_the_writer_has_taken_is_written() {
        let mut outlet = StreamWriter::new(Full(BATCH));
        let large = format!("---\n{}\n", "x".repeat(BATCH / 2));
        let document = Document::new(1, 0, large.as_bytes());
        outlet.document(&document, &Action::Keep).expect("it is in the batch");
        assert_eq!(outlet.written(), Written::default());
        outlet.flush().expect("there is room");
        let one = Written { documents: 1, bytes: large.len() as u64 };
        assert_eq!(outlet.written(), one);
        outlet.document(&document, &Action::Keep).expect("it is in the batch");
        assert!(outlet.flush().is_err());
        assert_eq!(outlet.written(), Written { documents: 1, bytes: BATCH as u64 });
    }
}
