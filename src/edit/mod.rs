//! A patch made: lowered to splices, applied, and confirmed by the independent reader.

mod comparison;
pub(crate) mod cross_check;
mod events;
mod fingerprint;
pub(crate) mod lower;
pub(crate) mod patch;
mod plain;
mod reference_value;
pub(crate) mod splice;
mod touched;
mod tree_value;
mod verify;

use crate::diagnostics::{Code, Diagnostic};
use crate::edit::cross_check::agree;
use crate::edit::events::read_events;
use crate::edit::fingerprint::Fingerprints;
use crate::edit::lower::{LowerError, lower};
use crate::edit::patch::Patch;
use crate::edit::reference_value::{ReadPart, ReferenceValue, read};
use crate::edit::splice::Splices;
use crate::edit::touched::TouchedPlaces;
use crate::edit::tree_value::is_value;
pub(crate) use crate::edit::verify::Refusal;
use crate::edit::verify::verify;
use crate::yaml::{Tree, is_rendered};

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
    prove(tree, patch, &edited)
        .map_err(|refusal| Refused { at: start, diagnostic: not_verified(&refusal) })?;
    Ok(Some((edited, splices)))
}

/// Confirms with a reader that has no part in the tree that the edited text is the tree's with the patch applied.
///
/// # Errors
///
/// It is not, or that reader cannot tell.
fn prove(tree: &Tree<'_>, patch: &Patch, edited: &str) -> Result<(), Refusal> {
    if tree.is_rendered() && is_rendered(edited) {
        prove_rendered(tree, patch, edited)
    } else {
        prove_any(tree, patch, edited)
    }
}

/// For texts that charts render: with a reader that keeps nothing, and no more of the document than the patch touches.
pub(crate) fn prove_rendered(tree: &Tree<'_>, patch: &Patch, edited: &str) -> Result<(), Refusal> {
    let fingerprints = Fingerprints::default();
    let places = TouchedPlaces::of(patch);
    let part = ReadPart { touched: places.at_root(), fingerprints: &fingerprints };
    let before =
        ReferenceValue::reduced(part, |part| read_events(tree.source(), part)).map_err(Refusal::Before)?;
    if !is_value(tree, before.value(), &fingerprints) {
        return Err(Refusal::Readers);
    }
    verify(before, patch, &fingerprints, |expected| read_events(edited, expected))
}

/// For any text: with a reader of libyaml's lineage, as Kubernetes' own is.
pub(crate) fn prove_any(tree: &Tree<'_>, patch: &Patch, edited: &str) -> Result<(), Refusal> {
    let before = ReferenceValue::of(tree.source()).map_err(Refusal::Before)?;
    if !agree(tree, &before) {
        return Err(Refusal::Readers);
    }
    verify(before, patch, &Fingerprints::default(), |expected| read(edited, expected))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::patch::Op;
    use crate::yaml::{Path, parse};

    /// Both proofs of an edit, which must say the same.
    #[track_caller]
    fn is_proven(before: &str, patch: &Patch, after: &str) -> bool {
        let tree = parse(before).expect("YAML");
        let proven = prove_rendered(&tree, patch, after).is_ok();
        assert_eq!(proven, prove_any(&tree, patch, after).is_ok(), "{after:?}");
        proven
    }

    #[test]
    fn a_header_at_the_indentation_of_its_key_has_no_room_for_another_text() {
        let tree = parse("a:\n|  ").expect("YAML");
        let mut patch = Patch::default();
        patch.push(Op::Replace { path: Path::root().key("a"), value: "vault".into() });
        let Err(refused) = edit(&tree, &patch) else { panic!("it is edited") };
        assert!(refused.diagnostic.message.starts_with("cannot edit"), "{}", refused.diagnostic.message);
    }

    #[test]
    fn an_edit_is_proven_where_it_was_made_and_everywhere_else() {
        let before = "a: {b: c, d: [e, {f: g}, h]}\ni:\n- j\n- k: l\n  m: n\no: |\n  p\n";
        let mut patch = Patch::default();
        patch.push(Op::Remove { path: Path::root().key("a").key("d").index(0) });
        patch.push(Op::Replace { path: Path::root().key("i").index(1).key("k"), value: "new".into() });
        patch.push(Op::Append { sequence: Path::root().key("i"), value: serde_json::json!({"q": true}) });
        let right = "a: {b: c, d: [{f: g}, h]}\ni:\n- j\n- k: new\n  m: n\n- q: true\no: |\n  p\n";
        assert!(is_proven(before, &patch, right));
        // A change anywhere, also of what the patch does not touch, is found.
        for (from, to) in [
            ("b: c", "b: x"),
            ("b: c", "x: c"),
            ("{f: g}", "{f: x}"),
            ("{f: g}", "{f: [g]}"),
            (", h", ""),
            ("- j", "- x"),
            ("new", "old"),
            ("m: n", "m: x"),
            ("true", "'true'"),
            ("  p", "  x"),
            ("o: |\n  p\n", ""),
            ("{f: g}, h", "h, {f: g}"),
        ] {
            let wrong = right.replace(from, to);
            assert!(wrong != right && !is_proven(before, &patch, &wrong), "{wrong}");
        }
    }
}
