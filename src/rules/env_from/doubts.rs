//! What the order of sources and entries leaves open.

use crate::diagnostics::{Code, Finding, Severity};
use crate::edit::patch::Patch;
use crate::kube::pods::{EnvList, Variable};
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

/// An entry that expands a variable before the container's own entry of that name has a value: it means what `envFrom` gives.
pub(super) fn expanded_before(list: &EnvList<'_>, variable: &str, patch: &Patch) -> Option<Finding> {
    let is_own = |entry: &Option<_>| matches!(entry, Some(Variable { name, .. }) if *name == variable);
    let own = list.entries.iter().position(is_own).unwrap_or(list.entries.len());
    let names = list.names();
    let mut before = names.expanded(variable, 0..own + 1);
    let position = before.find(|position| !patch.decides(&list.path.index(*position)))?;
    let user = list.entries[position].as_ref()?;
    Some(Finding {
        code: Code::EnvFromOrder,
        severity: Severity::Error,
        message: format!(
            "variable {} expands {variable} as envFrom gives it, and a rule moves that key to the vault; the container has an entry {variable} of its own, so none can be added before it",
            user.name
        ),
        help: format!("let {} read the vault by spec.env, or change it in the chart's values", user.name),
        path: list.path.index(position),
        node: user.node,
    })
}
