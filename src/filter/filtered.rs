//! The result of a run: the stream with every rule applied, and what there is to say about it.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};
use std::ops::Range;

use crate::diagnostics::Diagnostic;
use crate::stream::output::{self, DocumentChange};

/// A stream with every rule applied and every edit verified.
#[derive(Debug)]
pub struct Filtered<'i> {
    pub(super) input: &'i [u8],
    pub(super) pieces: Vec<Cow<'i, [u8]>>,
    pub(super) changes: Vec<DocumentChange>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) summary: Summary,
}

/// What a run did, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Documents in the stream.
    pub documents: usize,
    /// Documents that were edited.
    pub edited: usize,
    /// Secrets that were removed.
    pub removed: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { documents, edited, removed } = self;
        let secrets = if *removed == 1 { "Secret" } else { "Secrets" };
        write!(f, "resecret: {removed} {secrets} removed, {edited} of {documents} documents edited")
    }
}

impl Filtered<'_> {
    /// Writes the stream.
    ///
    /// # Errors
    ///
    /// The writer's own. A closed pipe is an error: its reader must not believe that it has the whole stream.
    pub fn write_to(&self, writer: impl Write) -> io::Result<()> {
        output::write_all(&self.pieces, writer)
    }

    /// The stream as one piece.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// The documents that changed: their bytes in the input, and what they became.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (Range<usize>, Vec<u8>)> {
        let after = |change: &DocumentChange| self.pieces[change.after.clone()].concat();
        self.changes.iter().map(move |change| (change.before.clone(), after(change)))
    }

    /// What the stream was before.
    pub(crate) fn input(&self) -> &[u8] {
        self.input
    }

    /// Warnings, in the order of the stream.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// What the run did.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary
    }
}
