//! The independent oracle: another YAML reader must agree that the edited bytes mean what the patch says.
//!
//! This module knows neither the tree that the rules saw nor how splices are made. It takes the document as another reader
//! reads it, applies the JSON Patch and compares what that reader makes of the edited text. So a wrong span, a wrong
//! indentation or a disagreement between readers stops the run; it never reaches the cluster.

use json_patch::patch_unsafe;

use crate::edit::comparison::{ExpectedValue, compare};
use crate::edit::fingerprint::Fingerprints;
use crate::edit::patch::Patch;
use crate::edit::reference_value::{ReadError, ReferenceValue};

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
    /// The patch does not fit what it reads.
    #[error(
        "the document is read differently by different YAML readers (operation {operation} of the patch does not apply)"
    )]
    Patch {
        /// Position of the operation in the JSON Patch, counted from 0.
        operation: usize,
    },
    /// The edited document means something else.
    #[error("the edited document would not mean what the rules say")]
    Different,
}

/// Confirms that the edited document is the one before with `patch` applied. `after` reads it.
///
/// # Errors
///
/// The edited text cannot be read, the patch does not apply, or the result differs.
pub(super) fn verify(
    before: ReferenceValue,
    patch: &Patch,
    fingerprints: &Fingerprints,
    after: impl FnOnce(ExpectedValue<'_>) -> Result<(), ReadError>,
) -> Result<(), Refusal> {
    let mut expected = before.into_value();
    for (position, operation) in patch.json_operations().enumerate() {
        // By itself, so that nothing is kept for going back.
        patch_unsafe(&mut expected, &[operation]).map_err(|_| Refusal::Patch { operation: position })?;
    }
    let is_same = compare(&expected, fingerprints, after).map_err(Refusal::After)?;
    if is_same { Ok(()) } else { Err(Refusal::Different) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::patch::Op;
    use crate::edit::reference_value::read;
    use crate::yaml::Path;

    #[test]
    fn an_edit_is_confirmed_or_refused() {
        let before = "a: x\nb: y\n";
        let mut patch = Patch::default();
        patch.push(Op::Remove { path: Path::root().key("a") });
        let verify = |patch: &Patch, after: &str| {
            let before = ReferenceValue::of(before).expect("readable");
            verify(before, patch, &Fingerprints::default(), |expected| read(after, expected))
        };
        let check = |after| verify(&patch, after);
        assert!(check("b: y\n").is_ok());
        assert!(matches!(check("b: z\n"), Err(Refusal::Different)));
        assert!(matches!(check("b: [\n"), Err(Refusal::After(_))));
        let mut wrong = patch.clone();
        wrong.push(Op::Test { path: Path::root().key("b"), value: "z".into() });
        let refused = verify(&wrong, "b: y\n");
        assert!(matches!(refused, Err(Refusal::Patch { operation: 0 })));
    }
}
