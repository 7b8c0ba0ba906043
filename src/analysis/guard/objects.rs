//! The policy of a family of kinds: references to removed Secrets, variables that must read the vault, duplicates,
//! annotations that must not be there.
//!
//! Each check is a text that names what is at fault, empty where nothing is. What an object had before, in the same
//! container or field, is at fault no more: scale, restart and a new image of what is live go through.

use std::collections::BTreeSet;

use crate::analysis::guard::by_kind::{Side, by_kind};
use crate::analysis::guard::cel::{self, joined};
use crate::analysis::guard::duplicates;
use crate::analysis::guard::env_rules;
use crate::analysis::guard::evidence::{self, RemovedKeys};
use crate::analysis::guard::kinds::{Family, GuardedKind};
use crate::analysis::guard::moved_reads;
use crate::analysis::guard::pods::{pods_at, templates_at};
use crate::analysis::guard::policy::{AdmissionPolicy, CelVariable, Check, Validation};
use crate::analysis::guard::reads::reads;
use crate::analysis::guard::removed::Removed;
use crate::config::Config;
use crate::kube::pods::CONTAINER_LISTS;
use crate::yaml::field_path::FieldStep;

/// The policy of the kinds of one family; none where there is nothing to judge.
pub(super) fn policy(
    family: Family,
    kinds: &[GuardedKind],
    config: &Config,
    removed: &Removed,
    rendered: &BTreeSet<String>,
    keys: &RemovedKeys,
) -> Option<AdmissionPolicy> {
    let kinds: Vec<&GuardedKind> =
        kinds.iter().filter(|kind| kind.is_of(family) && is_judged(kind, removed)).collect();
    if kinds.is_empty() {
        return None;
    }
    let with_containers = kinds.iter().any(|kind| !kind.pods.is_empty() || !kind.env.is_empty());
    let mut policy = AdmissionPolicy::new(family.suffix(), &kinds, family != Family::Cluster);
    if with_containers {
        for side in [Side::New, Side::Old] {
            policy.variables.extend(containers(&kinds, side));
        }
    }
    if removed.has_names() {
        policy.variables.extend(removed.variables().into_iter().map(CelVariable::from));
        policy.check(removed_reads(&kinds, removed, with_containers));
        policy.check(evidence::of_kinds(&kinds, removed, keys));
    }
    let moved = moved_reads::check(&kinds, removed, config, with_containers);
    if moved.validation.is_some() {
        if !removed.has_names() {
            policy.variables.push(Removed::own_namespace().into());
        }
        policy.variables.extend(removed.moved.variables().into_iter().map(CelVariable::from));
        policy.check(moved);
    }
    if with_containers {
        for check in env_rules::checks(config, rendered) {
            policy.check(check);
        }
        policy.check(duplicates());
        policy.check(annotations(&kinds, config));
    }
    (!policy.validations.is_empty()).then_some(policy)
}

/// Whether anything of a kind can be at fault.
fn is_judged(kind: &GuardedKind, removed: &Removed) -> bool {
    // Every object can have an annotation that names a Secret.
    !kind.pods.is_empty() || !kind.env.is_empty() || removed.has_names() || !removed.moved.is_empty()
}

/// The variables with pods and containers: a list of pods, and a list of containers for each.
pub(super) fn containers(kinds: &[&GuardedKind], side: Side) -> Vec<CelVariable> {
    let object = side.object();
    let pods = by_kind(kinds, object, "[]", |kind| {
        let lists: Vec<String> = kind.pods.iter().filter_map(|place| pods_at(object, place)).collect();
        (!lists.is_empty()).then(|| lists.join(" + "))
    });
    let pods = CelVariable::new(&side.name("pods"), side.guarded(&format!("({pods})"), "[]"));
    let all: Vec<String> = CONTAINER_LISTS.iter().map(|list| cel::items("pod", [*list])).collect();
    let of_pods = format!("{}.map(pod, {})", side.variable("pods"), all.join("\n+ "));
    // Lists of variables outside of pods, each as a container with the nearest name above it.
    let loose = by_kind(kinds, object, "[]", |kind| {
        let lists: Vec<String> = kind
            .env
            .iter()
            .filter(|place| !place.steps().contains(&FieldStep::AnyItem))
            .map(|place| {
                let name = nearest_name(object, place.steps());
                format!("{{'name': dyn({name}), 'env': dyn({})}}", list_at(object, place.steps()))
            })
            .collect();
        (!lists.is_empty()).then(|| format!("[{}]", lists.join(", ")))
    });
    let loose = if kinds.iter().any(|kind| !kind.env.is_empty()) {
        format!("\n+ [{}]", side.guarded(&format!("({loose})"), "[]"))
    } else {
        String::new()
    };
    vec![pods, CelVariable::new(&side.name("containers"), format!("{of_pods}{loose}"))]
}

/// The nearest name above a list: of a mapping on the way, else of the object.
fn nearest_name(object: &str, steps: &[FieldStep]) -> String {
    let mut name = format!("{object}.metadata.name");
    let mut keys: Vec<&str> = Vec::new();
    for step in &steps[..steps.len().saturating_sub(1)] {
        let FieldStep::Key(key) = step else { break };
        keys.push(key);
        let own = cel::optional(object, keys.iter().copied().chain(["name"]));
        name = format!("{own}.orValue({name})");
    }
    name
}

/// A list at a place without lists on the way.
fn list_at(object: &str, steps: &[FieldStep]) -> String {
    cel::any_items(object, steps.iter().map_while(FieldStep::key))
}

/// References to removed Secrets.
fn removed_reads(kinds: &[&GuardedKind], removed: &Removed, with_containers: bool) -> Check {
    let side = |side: Side| {
        let text = reads(kinds, removed, side, with_containers);
        CelVariable::new(&side.name("reads"), side.guarded(&text, "''"))
    };
    let (new, variable) = CelVariable::unlike_before("reads");
    Check {
        variables: vec![side(Side::New), side(Side::Old), new],
        validation: Some(Validation::empty(&variable, "reads a removed Secret")),
    }
}

/// Variables of one name in one container.
fn duplicates() -> Check {
    let side = |side: Side| {
        let of_container = duplicates::of_container();
        let of_pod = joined(&format!("cs.filter(c, c.?env.orValue([]).size() > 1).map(c,\n{of_container})"));
        let variable = joined(&format!("{}.map(cs, {of_pod})", side.variable("containers")));
        CelVariable::new(&side.name("duplicates"), variable)
    };
    let (new, variable) = CelVariable::unlike_before("duplicates");
    Check {
        variables: vec![side(Side::New), side(Side::Old), new],
        validation: Some(Validation::empty(&variable, "defines a variable more than once")),
    }
}

/// Annotations of pod templates that `dropAnnotations` removes.
fn annotations(kinds: &[&GuardedKind], config: &Config) -> Check {
    let globs = cel::Names::of(config.drop_annotations.iter().map(|rule| &rule.annotation));
    if globs.is_empty() {
        return Check::default();
    }
    let side = |side: Side| {
        let object = side.object();
        let templates = by_kind(kinds, object, "[]", |kind| {
            let lists: Vec<String> =
                kind.pods.iter().filter_map(|place| templates_at(object, place)).collect();
            (!lists.is_empty()).then(|| lists.join(" + "))
        });
        let found = format!(
            "({templates}).map(a, a.filter(k, {}).map(k, {{'name': k, 'value': a[k]}}))",
            globs.test("k")
        );
        CelVariable::new(&side.name("annotations"), side.guarded(&found, "[]"))
    };
    let new = CelVariable::new(
        "newAnnotations",
        "variables.annotations.map(l, l.filter(a, !variables.oldAnnotations.exists(o, a in o))\n\
         .map(a, 'annotation ' + a.name).join(', ')).filter(s, s != '').join(', ')"
            .to_owned(),
    );
    Check {
        variables: vec![side(Side::New), side(Side::Old), new],
        validation: Some(Validation::empty("newAnnotations", "has in its pod template")),
    }
}
