//! A plan as JSON, and as the patches of Kustomize and Flux.
//!
//! Kustomize silently ignores a patch whose `target` selects nothing. A strategic merge patch without a target names its object
//! itself, and is an error if that is missing. So such a patch deletes a Secret, and an empty one demands that an object
//! is there.
//!
//! Even an empty merge makes one port of two that share a number. So lists where this can happen are first copied to a
//! place that no schema knows, and moved back afterwards.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::analysis::patches::{ObjectChange, ObjectPatch, PatchTarget, Plan};
use crate::edit::patch::to_pointer;
use crate::yaml::Path;
use crate::yaml::scalar::{escaped_json, is_plain, one_line, plain_or_quoted};

impl Plan {
    /// One JSON object: for each object that changes its target, and `operations` or `delete`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let patches: Vec<Value> = self.patches.iter().map(json_patch).collect();
        json!({"patches": patches})
    }

    /// The `patches` of a Kustomization.
    #[must_use]
    pub fn to_kustomize(&self) -> String {
        self.block("")
    }

    /// The `postRenderers` of a Flux HelmRelease.
    #[must_use]
    pub fn to_flux(&self) -> String {
        format!("postRenderers:\n- kustomize:\n{}", self.block("    "))
    }

    fn block(&self, indentation: &str) -> String {
        if self.patches.is_empty() {
            return format!("{indentation}patches: []\n");
        }
        let mut text = format!("{indentation}patches:\n");
        for (patch, origin) in self.patches.iter().zip(&self.origins) {
            match &patch.change {
                ObjectChange::Delete => text += &merge(&patch.target, "$patch: delete\n", indentation),
                ObjectChange::Json6902(operations) => {
                    let (copies, moves) = around_merge(&origin.merged_lists);
                    let operations: Vec<Value> = operations.iter().cloned().chain(copies).collect();
                    text += &operate(&patch.target, &operations, indentation);
                    text += &format!(
                        "{indentation}# Fails where {} is gone.\n",
                        one_line(&patch.target.to_string())
                    );
                    text += &merge(&patch.target, "", indentation);
                    if !moves.is_empty() {
                        text += &format!(
                            "{indentation}# That merges entries of some lists: these are as they were before it.\n"
                        );
                        text += &operate(&patch.target, &moves, indentation);
                    }
                }
            }
        }
        text
    }
}

/// The operations that put lists aside, and those that put them back.
fn around_merge(lists: &[Path]) -> (Vec<Value>, Vec<Value>) {
    let aside = |position: usize| format!("/resecret-{position}");
    let operation = |op: &str, from: &str, path: &str| json!({"op": op, "from": from, "path": path});
    let lists = lists.iter().map(|list| to_pointer(list).to_string()).enumerate();
    lists
        .map(|(position, list)| {
            (operation("copy", &list, &aside(position)), operation("move", &aside(position), &list))
        })
        .unzip()
}

fn json_patch(patch: &ObjectPatch) -> Value {
    let PatchTarget { group, version, kind, name, namespace } = &patch.target;
    let mut target = json!({"group": group, "version": version, "kind": kind, "name": name});
    if let Some(namespace) = namespace {
        target["namespace"] = namespace.clone().into();
    }
    match &patch.change {
        ObjectChange::Delete => json!({"target": target, "delete": true}),
        ObjectChange::Json6902(operations) => json!({"target": target, "operations": operations}),
    }
}

/// A JSON Patch, one operation a line.
fn operate(target: &PatchTarget, operations: &[Value], indentation: &str) -> String {
    let mut text = format!("{indentation}- target:\n");
    let fields = [
        ("group", (!target.group.is_empty()).then(|| target.group.clone())),
        ("version", Some(target.version.clone())),
        ("kind", Some(target.kind.clone())),
        ("name", Some(pattern(&target.name))),
        ("namespace", target.namespace.as_deref().map(pattern)),
    ];
    for (field, value) in fields {
        if let Some(value) = value {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{indentation}    {field}: {}", plain_or_quoted(&value));
        }
    }
    text += &format!("{indentation}  patch: |-\n");
    for operation in operations {
        let _ = writeln!(text, "{indentation}    - {}", escaped_json(&operation.to_string()));
    }
    text
}

/// A strategic merge patch, which says itself what it is about.
fn merge(target: &PatchTarget, change: &str, indentation: &str) -> String {
    let namespace = target.namespace.as_ref();
    let namespace = namespace.map(|name| format!("  namespace: {}\n", plain_or_quoted(name)));
    let patch = format!(
        "{change}apiVersion: {}\nkind: {}\nmetadata:\n  name: {}\n{}",
        api_version(target),
        plain_or_quoted(&target.kind),
        plain_or_quoted(&target.name),
        namespace.unwrap_or_default()
    );
    let lines: String = patch.lines().map(|line| format!("{indentation}    {line}\n")).collect();
    format!("{indentation}- patch: |-\n{lines}")
}

/// `apiVersion`, without quotes where its two parts need none.
fn api_version(target: &PatchTarget) -> String {
    let text = target.api_version();
    if text.split('/').all(is_plain) { text } else { plain_or_quoted(&text) }
}

/// A name in the selectors of Kustomize, which are regular expressions.
fn pattern(name: &str) -> String {
    let special = |c: char| "\\.+*?()|[]{}^$".contains(c);
    name.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::patches::ObjectOrigin;

    #[test]
    fn a_name_is_no_pattern_and_begins_no_line() {
        assert_eq!(pattern("web-a.b"), r"web-a\.b");
        let target = PatchTarget {
            version: "v1".into(),
            kind: "Pod".into(),
            name: "a\nkind: Secret".into(),
            ..PatchTarget::default()
        };
        let patch = ObjectPatch { target, change: ObjectChange::Json6902(Vec::new()) };
        let origins = vec![ObjectOrigin::default()];
        let plan = Plan { patches: vec![patch], origins, ..Plan::default() };
        assert!(!plan.to_kustomize().contains("\nkind: Secret"), "{}", plan.to_kustomize());
    }
}
