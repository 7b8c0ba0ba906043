//! What the order of sources and entries leaves open.

use crate::diagnostics::{Code, Finding, Severity};
use crate::rules::env_from::sources::EnvSource;
use crate::yaml::{NodeId, Path};

/// A later source of which nobody knows whether it gives the variable too.
pub(super) fn doubt(variable: &str, source: &EnvSource<'_>, later: &[EnvSource<'_>]) -> Option<Finding> {
    let may_give = |later: &&EnvSource<'_>| later.keys.is_none() && variable.starts_with(&later.prefix);
    let later = later.iter().find(may_give)?;
    let (node, path) = later.name.clone();
    Some(Finding {
        code: Code::EnvFromOrder,
        severity: Severity::Error,
        message: format!(
            "{} is not in the stream and comes behind {}: it may override variable {variable}, which a rule moves to the vault",
            later.what, source.what
        ),
        help:
            "give the container an entry for the variable in the chart's values, or let the source come first"
                .to_owned(),
        path,
        node,
    })
}

/// An entry that wins over a moved key only where it gives a value.
pub(super) fn may_be_missing(variable: &str, node: NodeId, path: &Path) -> Finding {
    Finding {
        code: Code::EnvFromOrder,
        severity: Severity::Error,
        message: format!(
            "this entry is optional and reads a key that is not in the stream: where it is missing, variable {variable} comes from envFrom, and a rule moves that to the vault"
        ),
        help: "take `optional` off the entry in the chart's values, or remove the entry by spec.env"
            .to_owned(),
        path: path.clone(),
        node,
    }
}
