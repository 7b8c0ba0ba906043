//! What avoids a hazard: the words of the remedies.
//!
//! Every command here is run against a real API server by `tests/live`.

use crate::analysis::upgrade::release::{Member, Release};

/// What this upgrade meets when it replaces objects instead of patching them.
pub(super) struct Replacement {
    /// Objects of both manifests that cannot be replaced.
    obstacles: Vec<String>,
}

/// What a client-side upgrade does to an object, as far as the remedy depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Damage {
    /// A variable is not what the manifest says, until the same upgrade runs once more.
    UntilNextTime,
    /// The object stays as it was: the API server refuses it.
    Refused,
}

impl Replacement {
    /// Looks for objects that a replacing upgrade would fail at.
    pub(super) fn of(previous: &Release<'_>, next: &Release<'_>) -> Self {
        let name = |member: &Member| format!("{}/{}", member.kind(), member.name());
        Self { obstacles: not_replaceable(previous, next).map(name).collect() }
    }

    /// How the live object gets exactly what the manifest says.
    pub(super) fn advice(&self, object: &Member, damage: Damage) -> String {
        match (damage, self.obstacles.first()) {
            (Damage::UntilNextTime, None) => format!("{HELM4}; with Helm 3, add --force"),
            (Damage::UntilNextTime, Some(obstacle)) => {
                format!("{HELM4}; with Helm 3, {}", twice(object, obstacle))
            }
            (Damage::Refused, None) => {
                "with Helm 4, add --server-side=false --force-replace; with Helm 3, add --force".to_owned()
            }
            (Damage::Refused, Some(obstacle)) => format!(
                "replacing objects would mend it, but fails at {obstacle}: take the entry out of the live object first, \
                 with `kubectl edit {} {}{}`",
                object.kind().to_lowercase(),
                object.name(),
                namespace(object)
            ),
        }
    }
}

/// The objects of both manifests that cannot be replaced.
pub(crate) fn not_replaceable<'n>(
    previous: &Release<'_>,
    next: &'n Release<'_>,
) -> impl Iterator<Item = &'n Member> {
    let stays = |member: &&Member| !member.is_hook && previous.find(member).is_some();
    next.members().filter(stays).filter(|member| member.is_not_replaceable())
}

/// What Helm 4 needs where a variable would be lost, whatever the release holds.
const HELM4: &str = "with Helm 4, add --server-side=true --force-conflicts";

/// The way around `--force`: the second upgrade mends what the first one breaks, and no pod may start in between.
fn twice(object: &Member, obstacle: &str) -> String {
    let (name, namespace) = (object.name(), namespace(object));
    match object.kind() {
        "Deployment" => format!(
            "--force would fail at {obstacle}: run `kubectl rollout pause deployment {name}{namespace}`, this upgrade \
             twice, and `kubectl rollout resume deployment {name}{namespace}`"
        ),
        _ => format!(
            "--force would fail at {obstacle}: the same upgrade once more mends it, but pods that start in between run \
             without the variable"
        ),
    }
}

/// The way back that loses nothing.
pub(super) const ROLL_FORWARD: &str = "go back by an upgrade to the old chart and values with the same rules, and leave \
    --atomic (Helm 4: --rollback-on-failure) out of this one; `helm rollback` is right only with --force (Helm 3) or \
    --server-side=false --force-replace (Helm 4), which fail at Jobs and bound volume claims";

/// The command that makes Helm keep a live object.
pub(super) fn keep(secret: &Member) -> String {
    format!("`kubectl annotate secret {}{} helm.sh/resource-policy=keep`", secret.name(), namespace(secret))
}

/// The command that makes room for an object that cannot be changed.
pub(crate) fn delete(object: &Member, flags: &str) -> String {
    let kind = object.kind().to_lowercase();
    format!("`kubectl delete {kind} {}{}{flags}`", object.name(), namespace(object))
}

/// The flag for kubectl, where the object says its namespace.
fn namespace(object: &Member) -> String {
    object.namespace().map(|namespace| format!(" --namespace {namespace}")).unwrap_or_default()
}
