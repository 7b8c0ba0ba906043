//! A patch made: lowered to splices, applied, and confirmed by the independent reader.

pub(crate) mod comparison;
pub(crate) mod cross_check;
pub(crate) mod lower;
pub(crate) mod patch;
pub(crate) mod reference_value;
pub(crate) mod splice;
pub(crate) mod verify;

use crate::diagnostics::{Code, Diagnostic};
use crate::edit::cross_check::agree;
use crate::edit::lower::{LowerError, lower};
use crate::edit::patch::Patch;
use crate::edit::reference_value::ReferenceValue;
use crate::edit::splice::Splices;
use crate::edit::verify::{Refusal, verify};
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
    let splices =
        lower(patch, tree).map_err(|error| Refused { at: error.at(), diagnostic: not_editable(&error) })?;
    if splices.is_empty() {
        return Ok(None);
    }
    let edited = splices.apply(tree.source());
    let start = tree.root().map_or(0, |root| tree.start(root));
    let refuse = |refusal: Refusal| Refused { at: start, diagnostic: not_verified(&refusal) };
    let before = ReferenceValue::of(tree.source()).map_err(|error| refuse(Refusal::Before(error)))?;
    if !agree(tree, &before) {
        return Err(refuse(Refusal::Readers).into());
    }
    verify(before, patch, &edited).map_err(refuse)?;
    Ok(Some((edited, splices)))
}

/// The text has no safe place for the change.
fn not_editable(error: &LowerError) -> Diagnostic {
    let (rule, help) = match error {
        LowerError::AnchorInUse { .. } => (
            Code::SharedAnchor,
            "make the rule apply to every user of the anchor, or write the value out instead of the alias",
        ),
        LowerError::MergeKey { .. } => (Code::MergeKey, "write the field out in place of the merge key"),
        LowerError::DuplicateKey { .. } => (
            Code::DuplicateKey,
            "remove one of the two: Kubernetes takes the last, other readers refuse the document",
        ),
        LowerError::Text { .. } => {
            (Code::UnsafeEdit, "write the text as a literal block: a `|`, and lines below it")
        }
        LowerError::Unsupported { .. } => {
            (Code::UnsafeEdit, "write this part of the document in block style")
        }
    };
    Diagnostic::error(rule, format!("cannot edit the document here: {error}"), help)
}

/// The independent reader does not confirm the edit.
fn not_verified(refusal: &Refusal) -> Diagnostic {
    Diagnostic::error(
        Code::UnsafeEdit,
        format!("the edit was refused: {refusal}"),
        "please report the shape of this document, without its values",
    )
}
