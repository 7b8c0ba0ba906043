//! The independent oracle: another YAML reader must agree that the edited bytes mean what the patch says.
//!
//! This module knows neither the tree that the rules saw nor how splices are made. It reads the document before
//! and after with a reader of libyaml's lineage (as Kubernetes' own Go reader is), applies the JSON Patch to the
//! one and compares it with the other. So a wrong span, a wrong indentation or a disagreement between readers
//! stops the run; it never reaches the cluster.

use std::cell::Cell;

use crate::edit::comparison::ExpectedValue;
use crate::edit::patch::Patch;
use crate::edit::reference_value::{ReadError, ReferenceValue, read};

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

/// Confirms that `after` is `before` with `patch` applied.
///
/// # Errors
///
/// The edited text cannot be read, the patch does not apply, or the result differs.
pub(crate) fn verify(before: ReferenceValue, patch: &Patch, after: &str) -> Result<(), Refusal> {
    let mut expected = before.into_value();
    let operations: json_patch::Patch =
        serde_json::from_value(patch.to_json_patch()).map_err(|_| Refusal::Patch { operation: 0 })?;
    json_patch::patch(&mut expected, &operations)
        .map_err(|error| Refusal::Patch { operation: error.operation })?;
    let differs = Cell::new(false);
    read(after, ExpectedValue { value: Some(&expected), differs: &differs }).map_err(Refusal::After)?;
    if differs.get() { Err(Refusal::Different) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::patch::Op;
    use crate::yaml::Path;

    #[test]
    fn an_edit_is_confirmed_or_refused() {
        let before = "a: x\nb: y\n";
        let mut patch = Patch::default();
        patch.push(Op::Remove { path: Path::root().key("a") });
        let check = |after| verify(ReferenceValue::of(before).expect("readable"), &patch, after);
        assert!(check("b: y\n").is_ok());
        assert!(matches!(check("b: z\n"), Err(Refusal::Different)));
        assert!(matches!(check("b: [\n"), Err(Refusal::After(_))));
        let mut wrong = patch.clone();
        wrong.push(Op::Test { path: Path::root().key("b"), value: "z".into() });
        let refused = verify(ReferenceValue::of(before).expect("readable"), &wrong, "b: y\n");
        assert!(matches!(refused, Err(Refusal::Patch { operation: 0 })));
    }
}
