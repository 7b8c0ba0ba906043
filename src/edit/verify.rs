//! The independent oracle: another YAML reader must agree that the edited bytes mean what the patch says.
//!
//! This module does not know how splices are made. The document as another reader reads it must mean what the tree means, and
//! the edited text what the tree means with the patch applied. So a wrong span, a wrong indentation or a disagreement between
//! readers stops the run; it never reaches the cluster.

use std::fmt;

use crate::edit::digest::{Digest, DigestKey};
use crate::edit::libyaml;
use crate::edit::patch::Patch;
use crate::edit::patched_tree::{Meanings, Unfit, meanings};
use crate::edit::read_digest::digest;
use crate::yaml::events::Reader;
use crate::yaml::{Tree, is_rendered, read_common, read_lineage};

/// Why an edit is refused. No variant holds a value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The independent reader cannot read the document as it came in.
    #[error("the document is read differently by different YAML readers ({0})")]
    Before(#[source] ReadError),
    /// The rules' reader and the independent one see different documents.
    #[error("the document means different things to different YAML readers")]
    Readers,
    /// It cannot read the edited document.
    #[error("the edited document would not be valid YAML ({0})")]
    After(#[source] ReadError),
    /// The patch does not fit the document.
    #[error("an operation of the patch does not apply to the document")]
    Patch,
    /// The reader that could confirm it would need too much memory.
    #[error("the document is too large for the only YAML reader that could confirm the edit")]
    Large,
    /// The edited document means something else.
    #[error("the edited document would not mean what the rules say")]
    Different,
}

/// A reader's complaint, reduced to its place: its own message can quote the document.
#[derive(Debug)]
pub(crate) struct ReadError {
    line: Option<usize>,
}

impl ReadError {
    /// An error in a line, counted from 1, where the reader says so.
    pub(super) fn in_line(line: Option<usize>) -> Self {
        Self { line }
    }

    /// An error at a byte of a text.
    fn at(source: &str, at: usize) -> Self {
        let before = source.as_bytes().iter().take(at);
        Self { line: Some(before.filter(|byte| **byte == b'\n').count() + 1) }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} of the document"),
            None => f.write_str("somewhere in the document"),
        }
    }
}

impl std::error::Error for ReadError {}

/// Confirms with a reader that has no part in the tree that the edited text is the tree's with the patch applied.
///
/// # Errors
///
/// It is not, or no such reader can tell.
pub(crate) fn verify(tree: &Tree<'_>, patch: &Patch, edited: &str) -> Result<(), Refusal> {
    let key = DigestKey::default();
    let meanings = meanings(tree, patch, &key).map_err(|Unfit| Refusal::Patch)?;
    let proof = Proof { before: tree.source(), edited, meanings };
    let common = |text: &str| {
        digest(&key, |sink| read_common(text, sink)).map_err(|error| ReadError::at(text, error.at()))
    };
    let lineage = |text: &str| {
        digest(&key, |sink| read_lineage(text, sink)).map_err(|error| ReadError::at(text, error.at()))
    };
    match tree.reader() {
        Reader::Rendered if is_rendered(edited) => proof.confirm(common),
        Reader::Rendered | Reader::Common => proof.confirm(lineage),
        // Kubernetes' own meaning of the edited text counts too.
        Reader::Lineage => proof.confirm(common).and_then(|()| proof.confirm_after(lineage)).or_else(|_| {
            match libyaml::is_affordable(tree.ids().len(), edited.len()) {
                true => proof.confirm(|text| libyaml::digest(&key, text)),
                false => Err(Refusal::Large),
            }
        }),
    }
}

/// What an edit must be.
struct Proof<'a> {
    before: &'a str,
    edited: &'a str,
    meanings: Meanings,
}

impl Proof<'_> {
    /// Whether a reader sees in both texts what the tree says.
    fn confirm(&self, read: impl Fn(&str) -> Result<Digest, ReadError>) -> Result<(), Refusal> {
        if read(self.before).map_err(Refusal::Before)? != self.meanings.before {
            return Err(Refusal::Readers);
        }
        self.confirm_after(read)
    }

    /// Whether a reader sees in the edited text what the tree says.
    fn confirm_after(&self, read: impl Fn(&str) -> Result<Digest, ReadError>) -> Result<(), Refusal> {
        let after = read(self.edited).map_err(Refusal::After)?;
        if after == self.meanings.after { Ok(()) } else { Err(Refusal::Different) }
    }
}
