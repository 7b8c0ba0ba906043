//! Messages for what cannot be decided before the end of the stream.

use crate::diagnostics::Diagnostic;
use crate::rules::needs_whole_stream;

const HELP: &str = "run without --stream";

/// A ResourceList is a single document, and its client wants all of it or nothing.
pub(super) fn resource_list() -> Diagnostic {
    needs_whole_stream("a ResourceList is one document with all objects", HELP)
}

/// A Secret with names that only Kustomize gives, which runs the program on a stream that it has in memory anyway.
pub(super) fn previous_names(name: &str) -> Diagnostic {
    needs_whole_stream(
        format!("Secret {name} has earlier names, by which documents already written may refer to it"),
        HELP,
    )
}

/// A Secret that is removed, and that the configuration takes to exist outside the stream.
pub(super) fn late(name: &str) -> Diagnostic {
    needs_whole_stream(
        format!(
            "Secret {name} is removed, and documents already written refer to it as one from outside the stream"
        ),
        "run without --stream, or let the Secret come first",
    )
}

/// Two Secrets of one name, of which one is removed, or whose references go to different Secrets.
pub(super) fn divided(name: &str) -> Diagnostic {
    needs_whole_stream(
        format!(
            "another Secret {name} came before, and the rules treat the two differently: documents already written may mean either"
        ),
        "run without --stream, or give the Secrets names or namespaces that tell them apart",
    )
}

/// More Secrets than are remembered.
pub(super) fn too_many() -> Diagnostic {
    needs_whole_stream(
        "the stream renders more Secrets than --stream remembers, and their labels, template or namespace decide whether they are removed",
        "run without --stream, or choose the Secrets by `name` alone",
    )
}
