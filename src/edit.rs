//! A patch made: lowered to splices, applied, and confirmed by the independent reader.

use crate::agree::agree;
use crate::diagnostic::Diagnostic;
use crate::lower::lower;
use crate::patch::Patch;
use crate::refuse;
use crate::splice::Splices;
use crate::verify::{Reading, Refusal, verify};
use crate::yaml::Tree;

/// An edit that is not made, and the byte of the document that it is about.
pub(crate) struct Refused {
    /// The byte.
    pub(crate) at: usize,
    /// Why.
    pub(crate) diagnostic: Diagnostic,
}

/// A document's text with the patch applied and verified, and how; `None` where nothing changes.
///
/// # Errors
///
/// The text has no safe place for the change, or the independent reader does not confirm it.
pub(crate) fn edit(tree: &Tree<'_>, patch: &Patch) -> Result<Option<(String, Splices)>, Box<Refused>> {
    if patch.is_empty() {
        return Ok(None);
    }
    let splices = lower(patch, tree)
        .map_err(|error| Refused { at: error.at(), diagnostic: refuse::not_editable(&error) })?;
    if splices.is_empty() {
        return Ok(None);
    }
    let edited = splices.apply(tree.source());
    let start = tree.root().map_or(0, |root| tree.node(root).start);
    let refuse = |refusal: Refusal| Refused { at: start, diagnostic: refuse::not_verified(&refusal) };
    let before = Reading::of(tree.source()).map_err(|error| refuse(Refusal::Before(error)))?;
    if !agree(tree, &before) {
        return Err(refuse(Refusal::Readers).into());
    }
    verify(before, patch, &edited).map_err(refuse)?;
    Ok(Some((edited, splices)))
}
