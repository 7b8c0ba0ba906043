//! The independent oracle: another YAML reader must agree that the edited bytes mean what the patch says.
//!
//! This module does not know how splices are made. The document as another reader reads it must mean what the tree means, and
//! the edited text what the tree means with the patch applied. So a wrong span, a wrong indentation or a disagreement between
//! readers stops the run; it never reaches the cluster.

use crate::edit::digest::{Digest, DigestKey};
use crate::edit::libyaml;
use crate::edit::patch::Patch;
use crate::edit::patched_tree::{Meanings, Unfit, meanings};
use crate::edit::read_digest::{ReadError, digest};
use crate::yaml::events::YamlReader;
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

/// Confirms with a reader that has no part in the tree that the edited text is the tree's with the patch applied.
///
/// # Errors
///
/// It is not, or no such reader can tell.
pub(crate) fn verify(tree: &Tree<'_>, patch: &Patch, edited: &str) -> Result<(), Refusal> {
    let key = DigestKey::default();
    let meanings = meanings(tree, patch, &key).map_err(|Unfit| Refusal::Patch)?;
    let proof = Proof { before: tree.source(), edited, meanings };
    let common = |text: &str| digest(&key, text, read_common);
    let lineage = |text: &str| digest(&key, text, read_lineage);
    match tree.reader() {
        YamlReader::Rendered if is_rendered(edited) => proof.confirm(common),
        YamlReader::Rendered | YamlReader::Common => proof.confirm(lineage),
        YamlReader::Lineage => match proof.confirm(common) {
            // Who cannot read the document cannot tell.
            Err(Refusal::Before(_) | Refusal::Readers) => {
                if !libyaml::is_affordable(tree.ids().len(), edited.len()) {
                    return Err(Refusal::Large);
                }
                proof.confirm(|text| libyaml::digest(&key, text))
            }
            // Kubernetes' own meaning of the edited text counts too.
            confirmed => confirmed.and_then(|()| proof.confirm_after(lineage)),
        },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::patch::Op;
    use crate::yaml::{Path, parse};

    #[track_caller]
    fn check(before: &str, op: Op, edited: &str) -> Result<(), Refusal> {
        let mut patch = Patch::default();
        patch.push(op);
        verify(&parse(before).expect("YAML"), &patch, edited)
    }

    fn remove(key: &str) -> Op {
        Op::Remove { path: Path::root().key(key) }
    }

    #[test]
    fn an_edit_is_confirmed_or_refused_by_every_reader() {
        // What charts render; what is for granit-parser, for the reader of Kubernetes' lineage, and for libyaml too.
        for first in ["a: x\n", "a: &a [x, *b]\n", "a: !t x\n", "a: x\u{85}\n"] {
            let rest = "b: &b y\n".replace("&b ", if first.contains('&') { "&b " } else { "" });
            let before =
                if first.contains('&') { format!("{rest}{first}") } else { format!("{first}{rest}") };
            let check = |edited: &str| check(&before, remove("a"), edited);
            assert!(check(&rest).is_ok(), "{before:?}");
            assert!(matches!(check(&rest.replace('y', "z")), Err(Refusal::Different)), "{before:?}");
            assert!(matches!(check("b: ["), Err(Refusal::After(_))), "{before:?}");
        }
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused() {
        let test = |value| Op::test(Path::root().key("b"), value);
        let before = "a: x\nb: y\n";
        assert!(check(before, test("y"), before).is_ok());
        for op in [test("z"), remove("c"), Op::add(Path::root().key("b"), "y")] {
            assert!(matches!(check(before, op, before), Err(Refusal::Patch)));
        }
    }

    /// Libyaml keeps each value of a document in memory.
    #[test]
    fn what_only_libyaml_reads_must_not_be_too_large() {
        let of_items = |count: usize| format!("c: [{}x]\n", "x,".repeat(count));
        let check =
            |rest: String| check(&format!("a: x\u{85}\nb: y\n{rest}"), remove("a"), &format!("b: y\n{rest}"));
        assert!(check(of_items(1_000)).is_ok());
        assert!(matches!(check(of_items(150_000)), Err(Refusal::Large)));
    }
}
