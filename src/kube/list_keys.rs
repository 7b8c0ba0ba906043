//! Lists in which a key may be there only once, because the API server merges them by key.
//!
//! Server-side apply refuses an object with two entries of one key. The table is made from the schema of the API
//! server itself (1.37, `x-kubernetes-list-map-keys` and `x-kubernetes-list-type: set`), without what only the cluster
//! writes (`status`) and without `env`, which has a rule of its own. Custom resources have schemas of their own.

use std::collections::HashMap;

use crate::kube::object::Object;
use crate::kube::object::group_of;
use crate::kube::pods::Pods;
use crate::yaml::{Kind, NodeId, Path, Scalar, ScalarStyle, Tree, scalar};

/// The fields that are the key of an entry, each with its default. None at all: the entry itself, in a set.
type KeyFields = &'static [(&'static str, Option<&'static str>)];

const NAME: KeyFields = &[("name", None)];
const SET: KeyFields = &[];

/// Lists of a pod.
const POD: [(&str, KeyFields); 11] = [
    ("containers", NAME),
    ("initContainers", NAME),
    ("ephemeralContainers", NAME),
    ("volumes", NAME),
    ("imagePullSecrets", NAME),
    ("hostAliases", &[("ip", None)]),
    ("topologySpreadConstraints", &[("topologyKey", None), ("whenUnsatisfiable", None)]),
    ("resourceClaims", NAME),
    ("resources.claims", NAME),
    ("schedulingGates", NAME),
    ("evictionResponders", NAME),
];

/// Lists of a container.
const CONTAINER: [(&str, KeyFields); 6] = [
    ("ports", &[("containerPort", None), ("protocol", Some("TCP"))]),
    ("restartPolicyRules.*.exitCodes.values", SET),
    ("volumeMounts", &[("mountPath", None)]),
    ("volumeMounts.*.bindMountOptions", SET),
    ("volumeDevices", &[("devicePath", None)]),
    ("resources.claims", NAME),
];

/// Lists of every object.
const OBJECT: [(&str, KeyFields); 2] =
    [("metadata.finalizers", SET), ("metadata.ownerReferences", &[("uid", None)])];

/// Lists of other kinds: API group, kind, path (`*` is every item), key.
const KINDS: [(&str, &str, &str, KeyFields); 28] = [
    ("", "Service", "spec.ports", &[("port", None), ("protocol", Some("TCP"))]),
    ("", "ServiceAccount", "secrets", NAME),
    (ADMISSION, "MutatingWebhookConfiguration", "webhooks", NAME),
    (ADMISSION, "MutatingWebhookConfiguration", "webhooks.*.matchConditions", NAME),
    (ADMISSION, "ValidatingWebhookConfiguration", "webhooks", NAME),
    (ADMISSION, "ValidatingWebhookConfiguration", "webhooks.*.matchConditions", NAME),
    (ADMISSION, "MutatingAdmissionPolicy", "spec.matchConditions", NAME),
    (ADMISSION, "ValidatingAdmissionPolicy", "spec.matchConditions", NAME),
    (ADMISSION, "ValidatingAdmissionPolicy", "spec.variables", NAME),
    (ADMISSION, "ValidatingAdmissionPolicyBinding", "spec.validationActions", SET),
    ("batch", "Job", "spec.podFailurePolicy.rules.*.onExitCodes.values", SET),
    ("batch", "Job", "spec.scheduling.resourceClaims", NAME),
    ("batch", "CronJob", "spec.jobTemplate.spec.podFailurePolicy.rules.*.onExitCodes.values", SET),
    ("batch", "CronJob", "spec.jobTemplate.spec.scheduling.resourceClaims", NAME),
    ("discovery.k8s.io", "EndpointSlice", "endpoints.*.addresses", SET),
    (FLOW, "FlowSchema", "spec.rules.*.nonResourceRules.*.nonResourceURLs", SET),
    (FLOW, "FlowSchema", "spec.rules.*.nonResourceRules.*.verbs", SET),
    (FLOW, "FlowSchema", "spec.rules.*.resourceRules.*.apiGroups", SET),
    (FLOW, "FlowSchema", "spec.rules.*.resourceRules.*.namespaces", SET),
    (FLOW, "FlowSchema", "spec.rules.*.resourceRules.*.resources", SET),
    (FLOW, "FlowSchema", "spec.rules.*.resourceRules.*.verbs", SET),
    (SCHEDULING, "PodGroup", "spec.resourceClaims", NAME),
    (SCHEDULING, "Workload", "spec.compositePodGroupTemplates", NAME),
    (SCHEDULING, "Workload", "spec.compositePodGroupTemplates.*.compositePodGroupTemplates", NAME),
    (SCHEDULING, "Workload", "spec.compositePodGroupTemplates.*.podGroupTemplates", NAME),
    (SCHEDULING, "Workload", "spec.podGroupTemplates", NAME),
    (SCHEDULING, "Workload", "spec.podGroupTemplates.*.resourceClaims", NAME),
    ("storage.k8s.io", "CSIDriver", "spec.volumeLifecycleModes", SET),
];
const ADMISSION: &str = "admissionregistration.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";
const SCHEDULING: &str = "scheduling.k8s.io";

/// The kinds with pods of their own: API group and kinds.
const WORKLOADS: [(&str, &[&str]); 3] = [
    ("", &["Pod", "PodTemplate", "ReplicationController"]),
    ("apps", &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    ("batch", &["CronJob", "Job"]),
];

/// Whether the API server merges the lists in an object's pods by key. In custom resources it rather replaces them whole.
pub(crate) fn merges_pods(api_version: &str, kind: &str) -> bool {
    let group = group_of(api_version);
    WORKLOADS.iter().any(|(of, kinds)| *of == group && kinds.contains(&kind))
}

/// Several entries of one key in a list.
pub(crate) struct Repeated {
    /// The list.
    pub(crate) list: Path,
    /// Its field: `ports`.
    pub(crate) field: &'static str,
    /// The key, for people: `containerPort 80, protocol TCP`.
    pub(crate) key: String,
    /// The positions of the entries.
    pub(crate) positions: Vec<usize>,
    /// Their nodes.
    pub(crate) nodes: Vec<NodeId>,
    /// Whether all of them mean the same.
    pub(crate) equal: bool,
}

/// The repeated entries of an object's lists, `env` aside.
pub(crate) fn repeated(object: &Object<'_, '_>, pods: &Pods<'_>) -> Vec<Repeated> {
    follow(object, pods, ListFinder { tree: object.tree, by_first_field: false, found: Vec::new() })
}

/// The lists in which entries share the first field of their key. Kustomize, which knows no defaults, may take such
/// entries for one: a port of UDP and another that says no protocol.
pub(crate) fn alike_by_first_field(object: &Object<'_, '_>, pods: &Pods<'_>) -> Vec<Path> {
    let finder = ListFinder { tree: object.tree, by_first_field: true, found: Vec::new() };
    let mut lists: Vec<Path> = follow(object, pods, finder).into_iter().map(|found| found.list).collect();
    lists.sort_unstable();
    lists.dedup();
    lists
}

fn follow(object: &Object<'_, '_>, pods: &Pods<'_>, mut finder: ListFinder<'_, '_>) -> Vec<Repeated> {
    for (path, key) in OBJECT {
        finder.follow(object.node, &object.path, path, key);
    }
    let group = object.group();
    for (_, _, path, key) in KINDS.iter().filter(|(of, kind, ..)| *of == group && *kind == object.kind) {
        finder.follow(object.node, &object.path, path, key);
    }
    if merges_pods(&object.api_version, &object.kind) {
        for (path, template) in &pods.templates {
            for (list, key) in OBJECT {
                finder.follow(*template, path, list, key);
            }
        }
        for (path, pod) in &pods.specs {
            for (list, key) in POD {
                finder.follow(*pod, path, list, key);
            }
        }
        for (path, container) in &pods.containers {
            for (list, key) in CONTAINER {
                finder.follow(*container, path, list, key);
            }
        }
    }
    finder.found
}

struct ListFinder<'t, 's> {
    tree: &'t Tree<'s>,
    by_first_field: bool,
    found: Vec<Repeated>,
}

impl ListFinder<'_, '_> {
    /// Looks at the lists at the end of a way.
    fn follow(&mut self, node: NodeId, path: &Path, way: &'static str, key: KeyFields) {
        let (step, rest) = way.split_once('.').map_or((way, None), |(step, rest)| (step, Some(rest)));
        if step == "*" {
            let items = self.tree.items(node).unwrap_or_default();
            for (position, item) in items.iter().enumerate() {
                self.follow(*item, &path.index(position), rest.unwrap_or_default(), key);
            }
            return;
        }
        let Some(next) = self.tree.get(node, step) else { return };
        match rest {
            Some(rest) => self.follow(next, &path.key(step), rest, key),
            None => self.list(next, &path.key(step), step, key),
        }
    }

    fn list(&mut self, list: NodeId, path: &Path, field: &'static str, key: KeyFields) {
        let key = if self.by_first_field { &key[..key.len().min(1)] } else { key };
        let items = self.tree.items(list).unwrap_or_default();
        if items.len() < 2 {
            return;
        }
        let mut by_key: HashMap<Vec<&str>, usize> = HashMap::new();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (position, item) in items.iter().enumerate() {
            let Some(text) = key_of(self.tree, *item, key) else { continue };
            let group = *by_key.entry(text).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push(position);
        }
        for positions in groups.into_iter().filter(|positions| positions.len() > 1) {
            let nodes: Vec<NodeId> = positions.iter().map(|position| items[*position]).collect();
            self.found.push(Repeated {
                list: path.clone(),
                field,
                key: describe(self.tree, nodes[0], key),
                equal: nodes[1..].iter().all(|other| same_item(self.tree, nodes[0], *other, key)),
                positions,
                nodes,
            });
        }
    }
}

/// The key of an entry; `None` where its first field is missing.
fn key_of<'t>(tree: &'t Tree<'_>, item: NodeId, key: KeyFields) -> Option<Vec<&'t str>> {
    if key.is_empty() {
        return tree.text(item).map(|text| vec![text]);
    }
    let field = |(field, default): &(&str, Option<&'t str>)| {
        tree.get(item, field).and_then(|value| tree.text(value)).or(*default)
    };
    key.iter().map(field).collect()
}

fn describe(tree: &Tree<'_>, item: NodeId, key: KeyFields) -> String {
    let texts = key_of(tree, item, key).unwrap_or_default();
    let named = key.iter().zip(&texts).map(|((field, _), text)| format!("{field} {text}"));
    if key.is_empty() { texts.concat() } else { named.collect::<Vec<_>>().join(", ") }
}

/// Whether two entries mean the same. A field of the key that only one of them has says no more than its default.
fn same_item(tree: &Tree<'_>, one: NodeId, other: NodeId, key: KeyFields) -> bool {
    let default = |field: &str| key.iter().find(|(name, _)| *name == field).and_then(|(_, default)| *default);
    match (fields(tree, one), fields(tree, other)) {
        (Some(fields), Some(others)) => {
            fields.iter().chain(&others).all(|field| match (tree.get(one, field), tree.get(other, field)) {
                (Some(one), Some(other)) => same(tree, one, other),
                (Some(only), None) | (None, Some(only)) => {
                    default(field).is_some_and(|default| tree.text(only) == Some(default))
                }
                (None, None) => true,
            })
        }
        _ => same(tree, one, other),
    }
}

/// Whether two nodes surely mean the same. Numbers that are written in different ways count as different.
fn same(tree: &Tree<'_>, one: NodeId, other: NodeId) -> bool {
    let (one, other) = (tree.resolve(one), tree.resolve(other));
    match (tree.kind(one), tree.kind(other)) {
        _ if one == other => true,
        _ if tree.tag(one) != tree.tag(other) => false,
        (Kind::Scalar(one), Kind::Scalar(other)) => {
            one.text == other.text && is_string(&one) == is_string(&other)
        }
        (Kind::Sequence(_, ones), Kind::Sequence(_, others)) => {
            ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| same(tree, *one, *other))
        }
        (Kind::Mapping(..), Kind::Mapping(..)) => same_item(tree, one, other, SET),
        _ => false,
    }
}

/// Whether every reader takes a scalar for a string; a path and an IP address are no number either.
fn is_string(scalar: &Scalar<'_>) -> bool {
    let text = &scalar.text;
    let plain = || scalar::is_plain(text) || text.starts_with('/') || text.matches('.').count() > 1;
    scalar.style != ScalarStyle::Plain || plain()
}

/// The keys of a mapping, with those that a merge key brings in; `None` for anything else.
fn fields<'t>(tree: &'t Tree<'_>, node: NodeId) -> Option<Vec<&'t str>> {
    tree.entries(node)?;
    Some(tree.members(node).into_iter().filter_map(|(key, _)| tree.text(key)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::object::objects;
    use crate::yaml::parse;

    fn found(text: &str) -> Vec<String> {
        let tree = parse(text).expect("YAML");
        let object = &objects(&tree)[0];
        let found = repeated(object, &Pods::of(object)).into_iter();
        found.map(|r| format!("{} {} {:?} {}", r.list, r.key, r.positions, r.equal)).collect()
    }

    #[test]
    fn a_default_of_the_key_is_the_key() {
        let service =
            |ports: &str| found(&format!("apiVersion: v1\nkind: Service\nspec: {{ports: [{ports}]}}\n"));
        assert_eq!(
            service("{port: 53}, {port: 53, protocol: UDP}, {port: 53, protocol: TCP}"),
            ["spec.ports port 53, protocol TCP [0, 2] true"]
        );
        assert_eq!(
            service("{port: 80, name: a}, {port: 80, name: b}"),
            ["spec.ports port 80, protocol TCP [0, 1] false"]
        );
        assert_eq!(service("{port: 80, targetPort: 80}, {port: 80, targetPort: '80'}").len(), 1);
        assert!(service("{name: a}, {name: a}").is_empty());
    }

    #[test]
    fn pods_of_built_in_kinds_and_no_others() {
        let pod = "spec: {containers: [{name: a, volumeMounts: [{name: t, mountPath: /t}, {mountPath: \"/t\", name: 't'}]}]}\n";
        assert_eq!(
            found(&format!("apiVersion: v1\nkind: Pod\n{pod}")),
            ["spec.containers[0].volumeMounts mountPath /t [0, 1] true"]
        );
        assert!(found(&format!("apiVersion: example.org/v1\nkind: Pod\n{pod}")).is_empty());
    }

    #[test]
    fn sets_and_lists_of_lists() {
        assert_eq!(
            found("kind: X\nmetadata: {finalizers: [a/b, c/d, a/b]}\n"),
            ["metadata.finalizers a/b [0, 2] true"]
        );
        assert_eq!(
            found(
                "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nwebhooks: [{name: a, matchConditions: [{name: x, expression: a}, {name: x, expression: b}]}]\n"
            ),
            ["webhooks[0].matchConditions name x [0, 1] false"]
        );
    }
}
