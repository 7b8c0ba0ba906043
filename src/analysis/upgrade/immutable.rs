//! Fields that the API server never changes: an upgrade that would change one fails at the object.

use crate::analysis::upgrade::release::{Member, Release};
use crate::analysis::upgrade::remedy::delete;
use crate::diagnostics::{Code, Diagnostic};

/// Fields that the API server fills in where a manifest leaves them out: only two that are written can differ.
const FILLED_IN: [&str; 3] = ["spec.clusterIP", "spec.podManagementPolicy", "spec.serviceName"];

/// The objects of both manifests that the API server would refuse, whether they are patched or replaced.
pub(super) fn on_the_way_up(previous: &Release<'_>, next: &Release<'_>) -> Vec<Diagnostic> {
    let refused = unchangeable(previous, next).map(|(before, object, field)| {
        let name = format!("{}/{}", object.kind(), object.name());
        let message = format!(
            "the upgrade fails at {name}, when the rest of the release is upgraded: it changes {field}, which the API server \
             never changes"
        );
        Diagnostic::error(Code::RefusedPatch, message, way_out(object)).at(previous.locate(before, None))
    });
    refused.collect()
}

/// The objects of both manifests of which a field changes that must stay: before, after, and the field.
pub(crate) fn unchangeable<'p, 'n>(
    previous: &'p Release<'_>,
    next: &'n Release<'_>,
) -> impl Iterator<Item = (&'p Member, &'n Member, String)> {
    let objects = next.members().filter(|member| !member.is_hook);
    objects.filter_map(|object| {
        let before = previous.find(object)?;
        Some((before, object, changed_field(before, object)?.to_owned()))
    })
}

/// The first field that must stay and does not.
fn changed_field<'m>(before: &'m Member, object: &'m Member) -> Option<&'m str> {
    // A Secret that is not immutable yet may become so.
    if before.fixed.is_empty() {
        return None;
    }
    let is_filled_in = |field: &&str| FILLED_IN.contains(field);
    let differs = |field: &&str| match (before.fixed.get(*field), object.fixed.get(*field)) {
        (Some(old), Some(new)) => old != new,
        _ => !is_filled_in(field),
    };
    before.fixed.keys().chain(object.fixed.keys()).map(String::as_str).find(differs)
}

/// What makes room for the new object.
fn way_out(object: &Member) -> String {
    match object.kind() {
        "Job" => format!(
            "when the Job has ended, run {}, and the upgrade makes it again; or let its ttlSecondsAfterFinished pass first",
            delete(object, "")
        ),
        "StatefulSet" => format!(
            "run {} and then the upgrade, which makes it again: pods and volumes stay as they are",
            delete(object, " --cascade=orphan")
        ),
        "StorageClass" => format!(
            "run {} and then the upgrade, which makes it again; volumes that exist go on reading the old Secret: keep it",
            delete(object, "")
        ),
        "PersistentVolume" => {
            "a bound volume cannot be made again: keep its Secret, with a rule that does not remove it"
                .to_owned()
        }
        _ => format!("run {} and then the upgrade, which makes it again", delete(object, "")),
    }
}
