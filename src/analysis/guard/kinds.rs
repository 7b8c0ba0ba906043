//! The kinds that policies judge, and where their pods and their references are.
//!
//! The fields are the filter's own ([`crate::kube::references`], [`crate::kube::pods`]). This module adds what a server also needs:
//! groups, resources and the way to the pod in the built-in kinds.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::guard::built_in::{BUILT_IN, built_in_group};
use crate::analysis::guard::render::{Render, Shape};
use crate::catalogue::name_format::NameFormat;
use crate::config::{Config, ReferenceRule};
use crate::diagnostics::{Code, Diagnostic, Severity};
use crate::kube::object::group_of;
use crate::kube::references::places;
use crate::yaml::field_path::FieldPath;

/// A kind, with all that a policy must know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GuardedKind {
    /// The API group; empty for the core group.
    pub(super) group: String,
    /// The version; `*` for a custom resource.
    pub(super) version: String,
    /// The resource; `*` where only the kind is known, which a condition then asks for.
    pub(super) resource: String,
    /// `kind`.
    pub(super) kind: String,
    /// Whether its objects are in a namespace, and so behind a selector of namespaces; `None` where that is not known.
    pub(super) namespaced: Option<bool>,
    /// Where its pods are.
    pub(super) pods: BTreeSet<FieldPath>,
    /// Lists of variables outside of pods.
    pub(super) env: BTreeSet<FieldPath>,
    /// Fields that name a Secret, outside of pods.
    pub(super) fields: BTreeSet<FieldPath>,
    /// Fields with texts that hold more than a name.
    pub(super) formats: BTreeMap<FieldPath, NameFormat>,
}

/// What the filter finds in every kind by its key alone, where a built-in kind without pods has it.
const BY_KEY: [(&str, &str); 1] = [("ServiceAccount", "imagePullSecrets[*]")];

/// The groups of the custom resources that the filter knows by kind alone.
const GROUPS: [(&str, &[&str]); 3] = [
    ("gateway.networking.k8s.io", &["Gateway"]),
    ("keda.sh", &["TriggerAuthentication", "ClusterTriggerAuthentication"]),
    ("monitoring.coreos.com", &["ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig"]),
];

/// The kinds to judge: those that are built in, the custom resources that the filter knows, those of the render, and
/// those of `spec.references`.
pub(super) fn kinds(config: &Config, render: Option<&Render>) -> Result<Vec<GuardedKind>, Vec<Diagnostic>> {
    let mut kinds = Kinds::new();
    built_in(&mut kinds);
    known(&mut kinds);
    for shape in render.iter().flat_map(|render| &render.shapes) {
        rendered(shape, &mut kinds);
    }
    let errors: Vec<Diagnostic> =
        config.references.iter().filter_map(|rule| declared(rule, render, &mut kinds)).collect();
    if errors.is_empty() { Ok(kinds.into_values().collect()) } else { Err(errors) }
}

/// Kinds by group and name.
type Kinds = BTreeMap<(String, String), GuardedKind>;

fn built_in(kinds: &mut Kinds) {
    for (group, version, resource, kind, namespaced, pod) in BUILT_IN {
        let pods = pod.into_iter().filter_map(place).collect();
        let new = GuardedKind {
            version: version.to_owned(),
            resource: resource.to_owned(),
            namespaced: Some(namespaced),
            pods,
            ..custom(group, kind)
        };
        kinds.insert(key(group, kind), new);
    }
}

/// The fields that the filter knows by kind.
fn known(kinds: &mut Kinds) {
    let by_key = BY_KEY.iter().map(|(kind, field)| (*kind, (*field).to_owned()));
    for (kind, field) in places().chain(by_key) {
        let custom_group = GROUPS.iter().find(|(_, kinds)| kinds.contains(&kind)).map(|(group, _)| *group);
        let Some(group) = built_in_group(kind).or(custom_group) else { continue };
        let known = kinds.entry(key(group, kind)).or_insert_with(|| custom(group, kind));
        known.namespaced = known.namespaced.or(Some(!kind.starts_with("Cluster")));
        known.fields.extend(place(&field));
    }
}

/// What a render shows of a custom resource.
fn rendered(shape: &Shape, kinds: &mut Kinds) {
    let known = kinds.entry(key(&shape.group, &shape.kind));
    let known = known.or_insert_with(|| custom(&shape.group, &shape.kind));
    if known.resource != "*" {
        return;
    }
    known.namespaced = known.namespaced.or(Some(true).filter(|_| shape.namespaced));
    known.pods.extend(shape.pods.iter().cloned());
    known.env.extend(shape.env.iter().cloned());
    let is_known = |field: &&FieldPath| known.fields.iter().any(|known| field.is_below(known));
    let new: Vec<FieldPath> = shape.fields.iter().filter(|field| !is_known(field)).cloned().collect();
    known.fields.extend(new);
    known.formats.extend(shape.formats.iter().map(|(field, format)| (field.clone(), *format)));
}

/// Adds a line of `spec.references` in each API group that has the kind; an error where none is known.
fn declared(rule: &ReferenceRule, render: Option<&Render>, kinds: &mut Kinds) -> Option<Diagnostic> {
    let mut groups: BTreeSet<&str> = BTreeSet::new();
    if let Some(version) = &rule.api_version {
        groups.insert(group_of(version));
    } else {
        groups.extend(built_in_group(&rule.kind));
        let shapes = render.iter().flat_map(|render| &render.shapes);
        groups.extend(shapes.filter(|shape| shape.kind == rule.kind).map(|shape| shape.group.as_str()));
    }
    if groups.is_empty() && !rule.optional {
        let message = format!("the API group of kind {} is not known, and a policy must name it", rule.kind);
        let help = "give the line an `apiVersion`, or name a render that holds such an object";
        let place = rule.origin.location(rule.origin.path.clone());
        return Some(Diagnostic::error(Code::Guard, message, help).at(place));
    }
    for group in groups {
        let known = kinds.entry(key(group, &rule.kind)).or_insert_with(|| custom(group, &rule.kind));
        if rule.format == NameFormat::Name {
            known.fields.insert(rule.place.clone());
        } else {
            known.formats.insert(rule.place.clone(), rule.format);
        }
    }
    None
}

/// What policies do not look at in custom resources without a render; `by_name` where rules remove Secrets of known names.
pub(super) fn others_need_a_render(by_name: bool) -> Diagnostic {
    let message = if by_name {
        "in custom resources only references to removed Secrets are guarded that the keys above a name tell: variables, moved keys and a name with one of its Secret's keys need a render"
    } else {
        "of custom resources only those are guarded that the filter knows by kind or `spec.references` names: a policy needs the paths of variables and of references to moved keys"
    };
    let help = "name a render, which shows the paths: resecret guard render.yaml";
    Diagnostic::error(Code::Guard, message, help).with_severity(Severity::Warning)
}

fn key(group: &str, kind: &str) -> (String, String) {
    (group.to_owned(), kind.to_owned())
}

fn custom(group: &str, kind: &str) -> GuardedKind {
    GuardedKind {
        group: group.to_owned(),
        version: "*".to_owned(),
        resource: "*".to_owned(),
        kind: kind.to_owned(),
        namespaced: None,
        pods: BTreeSet::new(),
        env: BTreeSet::new(),
        fields: BTreeSet::new(),
        formats: BTreeMap::new(),
    }
}

/// A constant of the tables as a place; tests read them all.
fn place(text: &str) -> Option<FieldPath> {
    FieldPath::parse(text).ok()
}

impl GuardedKind {
    /// Whether it is judged by the policy of a family. Where it is not known whether a kind is in a namespace, two are for
    /// it, one for each.
    pub(super) fn is_of(&self, family: Family) -> bool {
        let is_custom = self.resource == "*";
        let in_namespace = self.namespaced != Some(false);
        match family {
            Family::Workloads => !is_custom && in_namespace && !self.pods.is_empty(),
            Family::References => !is_custom && in_namespace && self.pods.is_empty(),
            Family::Cluster => self.namespaced != Some(true),
            Family::Custom => is_custom && in_namespace,
        }
    }
}

/// The kinds of one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    /// Built-in kinds with pods.
    Workloads,
    /// Other built-in kinds in a namespace.
    References,
    /// Objects outside of namespaces, which no selector of namespaces reaches.
    Cluster,
    /// Custom resources in a namespace.
    Custom,
}

impl Family {
    /// All, in the order in which they are printed.
    pub(super) const ALL: [Self; 4] = [Self::Workloads, Self::References, Self::Cluster, Self::Custom];

    /// The end of the policy's name.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Workloads => "workloads",
            Self::References => "references",
            Self::Cluster => "cluster",
            Self::Custom => "custom",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_the_filter_knows_belongs_to_a_kind() {
        let kinds = kinds(&Config::default(), None).expect("kinds");
        for (kind, field) in places() {
            let field = place(&field).expect("a place");
            let known = kinds.iter().any(|known| known.kind == kind && known.fields.contains(&field));
            assert!(known, "the guard knows no group for {kind}");
        }
    }
}
