//! What a rule has found in an object, before its place in the stream is known.

use crate::diagnostics::{Code, Diagnostic, Location, Severity};
use crate::yaml::{NodeId, Path};

/// A diagnostic about a node, before its place in the stream is known.
pub(crate) struct Finding {
    pub(crate) code: Code,
    pub(crate) severity: Severity,
    pub(crate) message: String,
    pub(crate) help: String,
    pub(crate) path: Path,
    pub(crate) node: NodeId,
}

impl Finding {
    /// The diagnostic, once the place is known.
    pub(crate) fn at(self, location: Location) -> Diagnostic {
        let Self { code, severity, message, help, .. } = self;
        Diagnostic { code, severity, message, help, location }
    }
}

/// A finding that is only a warning where an object of the stream, besides removed Secrets, has this name.
pub(crate) struct Doubtful {
    /// The name.
    pub(crate) name: String,
    /// The finding, as it is where no object has the name.
    pub(crate) finding: Finding,
}
