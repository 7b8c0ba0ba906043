//! Fields that the API server never changes: an upgrade that would change one fails at the object.

use serde_json::Value;

use crate::analysis::upgrade::release::{Member, Release};
use crate::analysis::upgrade::remedy::delete;
use crate::diagnostics::{Code, Diagnostic};

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

/// Fields that never change in what is immutable.
const OF_IMMUTABLES: [&str; 3] = ["binaryData", "data", "immutable"];

/// The first field that must stay and does not.
fn changed_field<'m>(before: &'m Member, object: &'m Member) -> Option<&'m str> {
    let is_immutable = before.fixed.contains_key("immutable");
    let differs = |field: &&str| match (*field, before.fixed.get(*field), object.fixed.get(*field)) {
        ("spec.clusterIP", old, new) => is_another_address(old, new),
        // The server goes on with the selector that there is; a claim without a class may get one.
        ("spec.selector", _, None) | ("spec.storageClassName", None, _) => false,
        // A Secret or ConfigMap may become immutable.
        (field, None, Some(_)) if !is_immutable && OF_IMMUTABLES.contains(&field) => false,
        (_, old, new) => old != new,
    };
    before.fixed.keys().chain(object.fixed.keys()).map(String::as_str).find(differs)
}

/// Whether a Service would get another address. A null is an absent one of a type that needs an address.
fn is_another_address(old: Option<&Value>, new: Option<&Value>) -> bool {
    let is_headless = |value: Option<&Value>| value.is_some_and(|value| value == "None");
    match new {
        // It keeps what it has.
        None => false,
        Some(Value::Null) => is_headless(old),
        Some(new) if new == "None" => !is_headless(old),
        Some(new) => old.is_some_and(|old| !old.is_null() && old != new),
    }
}

/// What makes room for the new object.
fn way_out(object: &Member) -> String {
    match deletion(object) {
        Ok((command, consequence)) if object.kind() == "Job" => {
            format!("when the Job has ended, run {command}, and the upgrade makes it again{consequence}")
        }
        Ok((command, consequence)) => {
            format!("run {command} and then the upgrade, which makes it again{consequence}")
        }
        Err(why) => why.to_owned(),
    }
}

/// The command that makes room for the new object, and what comes of it beside.
///
/// # Errors
///
/// What holds data makes no room: what to do instead.
pub(crate) fn deletion(object: &Member) -> Result<(String, &'static str), &'static str> {
    let (flags, consequence) = match object.kind() {
        "Job" => ("", "; or let its ttlSecondsAfterFinished pass first"),
        "StatefulSet" => (" --cascade=orphan", ": pods and volumes stay as they are"),
        "Deployment" | "DaemonSet" | "ReplicaSet" | "Pod" => ("", "; its pods stop until then"),
        "Service" => ("", "; it gets another address"),
        "StorageClass" => ("", "; volumes that exist go on reading the old Secret: keep it"),
        "PersistentVolume" => {
            return Err(
                "a bound volume cannot be made again: keep its Secret, with a rule that does not remove it",
            );
        }
        "PersistentVolumeClaim" => {
            return Err(
                "a claim that is made again has lost its data: write what it has today into the chart's values",
            );
        }
        _ => ("", ""),
    };
    Ok((delete(object, flags), consequence))
}
