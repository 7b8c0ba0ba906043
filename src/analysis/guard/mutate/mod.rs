//! The configuration as a MutatingAdmissionPolicy: the server changes pods as the filter would.
//!
//! It is for the built-in kinds with pods, and for what the filter does to variables, references and annotations there. It
//! replaces the whole list of variables of a container, so a second run changes nothing. The policies that validate run
//! after it, and refuse what no mutation can do.

mod entries;
mod fields;
mod targets;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::analysis::guard::GuardOptions;
use crate::analysis::guard::by_kind::by_kind;
use crate::analysis::guard::cel::{self, Names};
use crate::analysis::guard::kinds::{Family, GuardedKind};
use crate::analysis::guard::mutate::targets::Targets;
use crate::analysis::guard::pods::templates_at;
use crate::analysis::guard::policy::{AdmissionPolicy, CelVariable, rule};
use crate::analysis::guard::render::Render;
use crate::config::{Config, Duplicates};
use crate::diagnostics::{Code, Diagnostic, Error, Severity};
use crate::yaml::field_path::{FieldPath, FieldStep};

/// The lists of containers that an object has when it is created.
const LISTS: [&str; 2] = ["containers", "initContainers"];

/// Kinds whose pods cannot change once they are there.
const FIXED: [&str; 2] = ["Pod", "Job"];

/// The annotation that says what the policy leaves alone.
const LEFT: &str = "resecret.dev/not-mutated";

/// The policy and its binding, and what they leave alone.
pub(super) fn manifests(
    kinds: &[GuardedKind],
    config: &Config,
    render: Option<&Render>,
    options: &GuardOptions,
) -> Result<(Vec<Value>, Vec<Diagnostic>), Error> {
    let Some(version) = options.kubernetes.mutating_api() else {
        let message = format!("Kubernetes {} cannot take policies that rewrite", options.kubernetes);
        let help = "they need --kubernetes 1.36, or 1.33 to 1.35 where the feature gate MutatingAdmissionPolicy is on";
        return Err(Diagnostic::error(Code::Guard, message, help).into());
    };
    let kinds: Vec<&GuardedKind> = kinds.iter().filter(|kind| kind.is_of(Family::Workloads)).collect();
    let none = BTreeSet::new();
    let rendered = render.map_or(&none, |render| &render.secrets);
    let targets = Targets::of(config, render);
    let mut policy = policy(&kinds);
    policy.variables.extend(targets.variables());
    policy.variables.extend(entries::variables(config, &targets, rendered));
    policy.variables.extend(fields::variables(&targets));
    let mut patches = vec![of_containers("env")];
    patches.extend(fields::patches(&targets));
    if let Some((names, removals)) = annotations(&kinds, config) {
        policy.variables.push(names);
        patches.push(removals);
    }
    let name = policy.name(options);
    let left = left(config, &targets);
    let mut spec = policy.spec();
    spec.insert("reinvocationPolicy".to_owned(), "IfNeeded".into());
    spec.insert(
        "mutations".to_owned(),
        json!([{"patchType": "JSONPatch", "jsonPatch": {"expression": patches.join("\n+ ")}}]),
    );
    let manifest = |kind: &str, spec: Value| {
        json!({
            "apiVersion": format!("admissionregistration.k8s.io/{version}"),
            "kind": kind,
            "metadata": {"name": name, "annotations": {LEFT: left.join("\n")}},
            "spec": spec,
        })
    };
    let binding = json!({
        "policyName": name,
        "matchResources": {"namespaceSelector": options.mutated()},
    });
    let manifests = vec![
        manifest("MutatingAdmissionPolicy", spec.into()),
        manifest("MutatingAdmissionPolicyBinding", binding),
    ];
    Ok((manifests, vec![said(&left)]))
}

/// The kinds with pods, and where theirs are.
fn policy(kinds: &[&GuardedKind]) -> AdmissionPolicy {
    let is_fixed = |kind: &&&GuardedKind| FIXED.contains(&kind.kind.as_str());
    let (fixed, others): (Vec<&GuardedKind>, Vec<&GuardedKind>) =
        kinds.iter().partition(|kind| is_fixed(kind));
    let mut policy = AdmissionPolicy::new("mutate", &others, true);
    let fixed = fixed.into_iter();
    policy.rules.extend(
        fixed.map(|kind| rule(&kind.group, &kind.version, &[&kind.resource], &["CREATE"], "Namespaced")),
    );
    let pod = by_kind(kinds, "object", "{}", |kind| {
        let keys = keys(kind.pods.first()?);
        Some(format!("{}.orValue({{}})", cel::optional("object", keys)))
    });
    let at = by_kind(kinds, "object", "''", |kind| {
        Some(cel::text(&format!("/{}", keys(kind.pods.first()?).join("/"))))
    });
    let lists = LISTS.map(|list| format!("variables.pod.?{list}.orValue([])")).join(", ");
    policy.variables.push(CelVariable::new("pod", pod));
    policy.variables.push(CelVariable::new("at", at));
    policy.variables.push(CelVariable::new("lists", format!("[{lists}]")));
    policy
}

/// The keys of a place.
fn keys(place: &FieldPath) -> Vec<&str> {
    place.steps().iter().filter_map(FieldStep::key).collect()
}

/// The operations that put the new lists of a variable into the containers.
fn of_containers(field: &str) -> String {
    let of_list = |(number, list): (usize, &&str)| {
        let new = format!("variables.{field}[{number}][i]");
        format!(
            "variables.lists[{number}].transformList(i, c, {new} != c.?{field}.orValue([]),\n\
             JSONPatch{{op: 'add', path: variables.at + '/{list}/' + string(i) + '/{field}', value: {new}}})"
        )
    };
    LISTS.iter().enumerate().map(of_list).collect::<Vec<_>>().join("\n+ ")
}

/// The annotations of the pod template that `dropAnnotations` removes: the variable with their names, and the operations.
fn annotations(kinds: &[&GuardedKind], config: &Config) -> Option<(CelVariable, String)> {
    let globs = Names::of(config.drop_annotations.iter().map(|rule| &rule.annotation));
    if globs.is_empty() {
        return None;
    }
    let templates = by_kind(kinds, "object", "[]", |kind| templates_at("object", kind.pods.first()?));
    let names = format!("[{templates}].map(l, l.size() == 0 ? [] : l[0].filter(k, {}))[0]", globs.test("k"));
    // The pod is the template's `spec`.
    let template = "variables.at.substring(0, variables.at.lastIndexOf('/'))";
    let patches = format!(
        "variables.annotations.map(k, JSONPatch{{op: 'remove',\n\
         path: {template} + '/metadata/annotations/' + jsonpatch.escapeKey(k)}})"
    );
    Some((CelVariable::new("annotations", names), patches))
}

/// What the policy leaves alone, for people.
fn left(config: &Config, targets: &Targets) -> Vec<String> {
    let mut left = Vec::new();
    if config.secrets.iter().any(|rule| !rule.redirects) {
        left.push("removed Secrets: a mutation removes no object".to_owned());
    }
    left.push("objects without pods, custom resources, and names in texts".to_owned());
    if !config.references.is_empty() {
        left.push("names where `spec.references` says that they are a Secret's".to_owned());
    }
    left.extend(targets.left.iter().cloned());
    if config.secrets.iter().any(|rule| rule.to.is_none()) {
        left.push("references to removed Secrets without `to`".to_owned());
    }
    let undecided = match config.duplicates {
        Duplicates::Error => "variables defined more than once that no rule decides",
        _ => {
            "variables defined more than once where what others expand to would change, and more than 100 of them in a container"
        }
    };
    left.push(undecided.to_owned());
    left.push("equal entries of other lists".to_owned());
    left
}

fn said(left: &[String]) -> Diagnostic {
    let message = format!("a mutation leaves alone: {}", left.join("; "));
    let help = "let the policies that refuse guard the same namespaces: resecret guard without -o mutate";
    Diagnostic::error(Code::Guard, message, help).with_severity(Severity::Warning)
}
