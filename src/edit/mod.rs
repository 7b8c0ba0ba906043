//! A patch made: lowered to splices, applied, and confirmed by the independent reader.

mod digest;
mod libyaml;
pub(crate) mod lower;
#[cfg(any(test, fuzzing))]
pub(crate) mod oracle;
pub(crate) mod patch;
mod patched_tree;
mod plain;
mod read_digest;
pub(crate) mod splice;
mod verify;

use crate::diagnostics::{Code, Diagnostic};
use crate::edit::lower::{LowerError, lower};
use crate::edit::patch::Patch;
pub(crate) use crate::edit::patched_tree::means;
use crate::edit::splice::Splices;
pub(crate) use crate::edit::verify::{Refusal, verify};
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
    verify(tree, patch, &edited)
        .map_err(|refusal| Refused { at: start, diagnostic: not_verified(&refusal) })?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::oracle::judge;
    use crate::edit::patch::Op;
    use crate::yaml::{Path, parse};

    /// Whether an edit is verified, as the oracle says.
    #[track_caller]
    fn is_proven(before: &str, patch: &Patch, after: &str) -> bool {
        let tree = parse(before).expect("YAML");
        let proven = verify(&tree, patch, after).is_ok();
        assert_eq!(proven, judge(before, patch, after).is_ok(), "{after:?}");
        proven
    }

    #[test]
    fn a_header_at_the_indentation_of_its_key_has_no_room_for_another_text() {
        let tree = parse("a:\n|  ").expect("YAML");
        let mut patch = Patch::default();
        patch.push(Op::replace(Path::root().key("a"), "vault"));
        let Err(refused) = edit(&tree, &patch) else { panic!("it is edited") };
        assert!(refused.diagnostic.message.starts_with("cannot edit"), "{}", refused.diagnostic.message);
    }

    #[test]
    fn an_edit_is_proven_where_it_was_made_and_everywhere_else() {
        let before = "a: {b: c, d: [e, {f: g}, h]}\ni:\n- j\n- k: l\n  m: n\no: |\n  p\n";
        let mut patch = Patch::default();
        patch.push(Op::Remove { path: Path::root().key("a").key("d").index(0) });
        patch.push(Op::replace(Path::root().key("i").index(1).key("k"), "new"));
        patch.push(Op::append(Path::root().key("i"), serde_json::json!({"q": true})));
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
