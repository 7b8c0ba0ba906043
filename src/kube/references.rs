//! Where a Secret is named: every field that refers to one.
//!
//! Four ways to find them. By key alone, in every kind (`secretKeyRef`, `envFrom`, `volumes`, `imagePullSecrets`): these
//! keys mean the same everywhere. By kind and path, for fields whose keys say little ([`PLACES`], and `spec.references` of
//! the configuration). By code, where only a sibling tells (roles, storage classes). And in custom resources by the
//! catalogue, and by what can mean nothing else ([`custom`]).

mod custom;
mod reference;
mod texts;

use std::collections::{BTreeSet, HashSet};

use crate::catalogue::Fields;
use crate::catalogue::name_format::NameFormat;
use crate::config::Config;
use crate::kube::object::Object;
pub(crate) use crate::kube::references::reference::{Reference, Takes};
use crate::yaml::field_path::{FieldPath, FieldStep};
use crate::yaml::{Kind, NodeId, Path, Trail, Tree};

/// Fields that name a Secret, by kind. A scalar there is the name; a mapping holds it as `name` or `secretName`, with an
/// optional `key` and namespace.
const PLACES: [(&[&str], &[&str]); 8] = [
    (&["ServiceAccount"], &["secrets[*]"]),
    (&["Ingress"], &["spec.tls[*].secretName"]),
    (&["Gateway"], &["spec.listeners[*].tls.certificateRefs[*]"]),
    (&["TriggerAuthentication", "ClusterTriggerAuthentication"], &["spec.secretTargetRef[*]"]),
    (
        &["PersistentVolume"],
        &[
            "spec.csi.controllerPublishSecretRef",
            "spec.csi.controllerExpandSecretRef",
            "spec.csi.nodeStageSecretRef",
            "spec.csi.nodePublishSecretRef",
            "spec.csi.nodeExpandSecretRef",
            "spec.azureFile",
            "spec.cephfs.secretRef",
            "spec.flexVolume.secretRef",
            "spec.iscsi.secretRef",
            "spec.rbd.secretRef",
            "spec.scaleIO.secretRef",
            "spec.storageos.secretRef",
        ],
    ),
    (&["ServiceMonitor"], &["spec.endpoints[*]"]),
    (&["PodMonitor"], &["spec.podMetricsEndpoints[*]"]),
    (&["Probe", "ScrapeConfig"], &["spec"]),
];

/// Behind each place of a monitor: what an endpoint takes from Secrets.
const ENDPOINT: [&str; 12] = [
    "basicAuth.username",
    "basicAuth.password",
    "bearerTokenSecret",
    "authorization.credentials",
    "tlsConfig.ca.secret",
    "tlsConfig.cert.secret",
    "tlsConfig.keySecret",
    "oauth2.clientId.secret",
    "oauth2.clientSecret",
    "oauth2.tlsConfig.ca.secret",
    "oauth2.tlsConfig.cert.secret",
    "oauth2.tlsConfig.keySecret",
];
const MONITORS: [&str; 4] = ["ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig"];

/// Sources of a pod's volume that take a Secret by `secretRef.name`.
pub(crate) const SECRET_REF_VOLUMES: [&str; 6] =
    ["cephfs", "rbd", "flexVolume", "iscsi", "scaleIO", "storageos"];

/// Parameters of storage classes that name a Secret, and those that name its namespace.
pub(crate) const PARAMETERS: [(&str, &str); 6] = [
    ("-secret-name", "-secret-namespace"),
    ("secretName", "secretNamespace"),
    ("adminSecretName", "adminSecretNamespace"),
    ("userSecretName", "userSecretNamespace"),
    ("restsecretname", "restsecretnamespace"),
    ("adminsecretname", "adminsecretnamespace"),
];

/// What is found in a container by key: as places of names, for who must know them without an object.
pub(crate) const CONTAINER_PLACES: [&str; 2] =
    ["env[*].valueFrom.secretKeyRef.name", "envFrom[*].secretRef.name"];

/// The same for the rest of a pod.
pub(crate) const POD_PLACES: [&str; 11] = [
    "imagePullSecrets[*].name",
    "volumes[*].secret.secretName",
    "volumes[*].projected.sources[*].secret.name",
    "volumes[*].azureFile.secretName",
    "volumes[*].csi.nodePublishSecretRef.name",
    "volumes[*].cephfs.secretRef.name",
    "volumes[*].rbd.secretRef.name",
    "volumes[*].flexVolume.secretRef.name",
    "volumes[*].iscsi.secretRef.name",
    "volumes[*].scaleIO.secretRef.name",
    "volumes[*].storageos.secretRef.name",
];

/// The fields of other kinds that name a Secret, by kind.
pub(crate) fn places() -> impl Iterator<Item = (&'static str, String)> {
    PLACES.iter().flat_map(|(kinds, places)| {
        kinds.iter().flat_map(move |kind| {
            let rests: &[&str] = if MONITORS.contains(kind) { &ENDPOINT } else { &[""] };
            let place = |(place, rest): (&&str, &&str)| match *rest {
                "" => (*place).to_owned(),
                rest => format!("{place}.{rest}"),
            };
            let all = places.iter().flat_map(move |place| rests.iter().map(move |rest| (place, rest)));
            all.map(move |pair| (*kind, place(pair)))
        })
    })
}

/// What an object says about Secrets.
#[derive(Default)]
pub(crate) struct References<'t> {
    /// The fields that refer to one.
    pub(crate) found: Vec<Reference<'t>>,
    /// The lines of `spec.references` that found a field.
    pub(crate) declared: BTreeSet<usize>,
    /// Texts that are known to be no references: names of Secrets that are made, and of other things.
    pub(crate) others: HashSet<NodeId>,
    /// Whether it is a custom resource.
    pub(crate) is_custom: bool,
}

/// Tells whether a removed Secret of this name and namespace has this key.
pub(crate) type HasKey<'f> = &'f dyn Fn(&str, Option<&str>, &str) -> bool;

/// Every reference in an object. Where nobody knows the keys of removed Secrets only what a field's place says counts.
pub(crate) fn references<'t>(
    object: &Object<'t, '_>,
    config: &Config,
    has_key: Option<HasKey<'_>>,
) -> References<'t> {
    let is_custom = !object.kind.is_empty() || !object.api_version.is_empty();
    let fields =
        if is_custom { Fields::of(&object.api_version, &object.kind) } else { Some(Fields::of_any()) };
    let mut finder = Finder {
        tree: object.tree,
        found: Vec::new(),
        fields: fields.as_ref(),
        has_key,
        namespace: object.namespace(),
        others: HashSet::new(),
    };
    finder.walk(object.node, Trail::Start(&object.path));
    let kind = object.kind.as_str();
    for (_, places) in PLACES.iter().filter(|(kinds, _)| kinds.contains(&kind)) {
        for place in *places {
            if MONITORS.contains(&kind) {
                for rest in ENDPOINT {
                    finder.find(object, &format!("{place}.{rest}"));
                }
            } else {
                finder.find(object, place);
            }
        }
    }
    match kind {
        "Role" | "ClusterRole" => finder.grants(object),
        "StorageClass" => finder.parameters(object),
        _ => {}
    }
    let mut declared = BTreeSet::new();
    for (position, rule) in config.references.iter().enumerate() {
        let version = rule.api_version.as_ref().is_none_or(|version| *version == object.api_version);
        if rule.kind == kind
            && version
            && finder.at(object.node, &object.path, rule.place.steps(), rule.format)
        {
            declared.insert(position);
        }
    }
    let mut seen = BTreeSet::new();
    finder.found.retain(|reference| seen.insert((reference.path.clone(), reference.begin)));
    let Finder { mut found, others, .. } = finder;
    found.shrink_to_fit();
    References { found, declared, others, is_custom: is_custom && fields.is_some() }
}

struct Finder<'t, 's, 'f> {
    tree: &'t Tree<'s>,
    found: Vec<Reference<'t>>,
    /// What is known of the kind, of a custom resource.
    fields: Option<&'f Fields>,
    has_key: Option<HasKey<'f>>,
    /// The object's namespace.
    namespace: Option<&'t str>,
    others: HashSet<NodeId>,
}

impl<'t> Finder<'t, '_, '_> {
    fn walk(&mut self, node: NodeId, trail: Trail<'_>) {
        let tree = self.tree;
        match tree.kind(tree.resolve(node)) {
            Kind::Mapping(_, entries) => {
                self.typed(node, trail);
                for (key, value) in entries {
                    let Some(key) = tree.text(*key) else { continue };
                    let trail = Trail::Key(&trail, key);
                    self.by_key(key, *value, trail);
                    self.custom(node, *value, trail);
                    self.walk(*value, trail);
                }
            }
            Kind::Sequence(_, items) => {
                for (position, item) in items.iter().enumerate() {
                    self.walk(*item, Trail::Index(&trail, position));
                }
            }
            _ => {}
        }
    }

    fn by_key(&mut self, key: &str, value: NodeId, trail: Trail<'_>) {
        match key {
            "secretKeyRef" => self.mapping(value, &trail.to_path(), None),
            "envFrom" => self.env_from(value, trail),
            "imagePullSecrets" => {
                let list = trail.to_path();
                self.each(value, &list, |finder, item, path| finder.mapping(item, path, Some(&list)));
            }
            "volumes" => self.each(value, &trail.to_path(), Self::volume),
            "args" | "command" => self.arguments(value, trail),
            _ if self.fields.is_some() && is_env_from(key) => self.env_from(value, trail),
            _ => self.by_format(key, value, trail),
        }
    }

    fn env_from(&mut self, list: NodeId, trail: Trail<'_>) {
        self.each(list, &trail.to_path(), |finder, item, path| {
            finder.below(item, path, &["secretRef"], "name", |_, _, _| Takes::Env);
        });
    }

    fn volume(&mut self, volume: NodeId, path: &Path) {
        let whole = |_: &Self, _: NodeId, _: &Path| Takes::Whole;
        self.below(volume, path, &["secret"], "secretName", Self::files);
        self.below(volume, path, &["azureFile"], "secretName", whole);
        self.below(volume, path, &["csi", "nodePublishSecretRef"], "name", whole);
        for source in SECRET_REF_VOLUMES {
            self.below(volume, path, &[source, "secretRef"], "name", whole);
        }
        if let Some(sources) = self.tree.get_in(volume, &["projected", "sources"]) {
            self.each(sources, &path.keys(&["projected", "sources"]), |finder, source, path| {
                finder.below(source, path, &["secret"], "name", Self::files);
            });
        }
    }

    /// What a volume takes: the keys of its `items`, or all.
    fn files(&self, secret: NodeId, path: &Path) -> Takes<'t> {
        let field = self.tree.get(secret, "items");
        let items = field.and_then(|items| self.tree.items(items)).unwrap_or_default().iter().enumerate();
        if items.len() == 0 {
            return Takes::Files { volume: path.clone(), has_items: field.is_some() };
        }
        let key = |(position, item): (usize, &NodeId)| {
            let key = self.tree.get(*item, "key").and_then(|key| self.tree.text(key))?;
            Some((path.key("items").index(position).key("key"), key))
        };
        Takes::Items(items.filter_map(key).collect())
    }

    fn each(&mut self, list: NodeId, path: &Path, mut visit: impl FnMut(&mut Self, NodeId, &Path)) {
        for (position, item) in self.tree.items(list).unwrap_or_default().iter().enumerate() {
            visit(self, *item, &path.index(position));
        }
    }

    /// A name under fixed keys of a mapping.
    fn below(
        &mut self,
        node: NodeId,
        path: &Path,
        keys: &[&str],
        field: &str,
        takes: impl FnOnce(&Self, NodeId, &Path) -> Takes<'t>,
    ) {
        let Some(mapping) = self.tree.get_in(node, keys) else { return };
        let path = path.keys(keys);
        let takes = takes(self, mapping, &path);
        self.push(mapping, &path, field, takes);
    }

    /// A mapping with `name`, and `key` or `namespace` where it has them; `list` holds it as an item.
    fn mapping(&mut self, mapping: NodeId, path: &Path, list: Option<&Path>) {
        let key = self.tree.get(mapping, "key").and_then(|key| self.tree.text(key));
        let takes = match (key, list) {
            (Some(key), _) => Takes::Key(path.key("key"), key),
            (None, Some(list)) => Takes::ListItem { list: list.clone(), item: path.clone() },
            (None, None) => Takes::Whole,
        };
        let field = if self.tree.get(mapping, "name").is_some() { "name" } else { "secretName" };
        self.push(mapping, path, field, takes);
    }

    fn push(&mut self, mapping: NodeId, path: &Path, field: &str, takes: Takes<'t>) {
        let Some(node) = self.tree.get(mapping, field) else { return };
        let namespace = self.text(mapping, "namespace").or_else(|| self.text(mapping, "secretNamespace"));
        self.scalar(node, path.key(field), namespace, takes);
    }

    fn text(&self, mapping: NodeId, key: &str) -> Option<&'t str> {
        self.tree.get(mapping, key).and_then(|value| self.tree.text(value)).filter(|text| !text.is_empty())
    }

    fn find(&mut self, object: &Object<'t, '_>, place: &str) {
        // The places are constants, and a test reads them all.
        if let Ok(place) = FieldPath::parse(place) {
            self.at(object.node, &object.path, place.steps(), NameFormat::Name);
        }
    }

    /// The references at a place; whether there is a field.
    fn at(&mut self, node: NodeId, path: &Path, steps: &[FieldStep], format: NameFormat) -> bool {
        match steps {
            [] if self.tree.entries(node).is_some() => {
                if self.refers_to_a_secret(node) {
                    self.mapping(node, path, None);
                }
                true
            }
            [] => {
                match format {
                    NameFormat::Name => self.scalar(node, path.clone(), None, Takes::Whole),
                    _ => self.formatted(node, path, format),
                }
                true
            }
            [FieldStep::Key(key), rest @ ..] => match self.tree.get(node, key) {
                Some(value) => self.at(value, &path.key(key), rest, format),
                None => false,
            },
            [step] => {
                let items = self.tree.items(node).unwrap_or_default();
                for (position, item) in items.iter().enumerate() {
                    let item_path = path.index(position);
                    if !self.is_meant(*item, step) {
                        continue;
                    }
                    if self.tree.entries(*item).is_none() {
                        self.at(*item, &item_path, &[], format);
                    } else if self.refers_to_a_secret(*item) {
                        self.mapping(*item, &item_path, Some(path));
                    }
                }
                !items.is_empty()
            }
            [step, rest @ ..] => {
                let mut found = false;
                self.each(node, path, |finder, item, path| {
                    found |= finder.is_meant(item, step) && finder.at(item, path, rest, format);
                });
                found
            }
        }
    }

    /// A reference that says its kind must say Secret.
    fn refers_to_a_secret(&self, reference: NodeId) -> bool {
        let is = |field, kind| self.text(reference, field).is_none_or(|text| text == kind);
        is("kind", "Secret")
            && is("apiVersion", "v1")
            && self.text(reference, "type") != Some("ConfigMap")
            && ["group", "apiGroup"].iter().all(|field| self.text(reference, field).is_none())
    }

    /// `rules[].resourceNames` of roles, where the rule is about Secrets.
    fn grants(&mut self, object: &Object<'t, '_>) {
        let Some(rules) = self.tree.get(object.node, "rules") else { return };
        self.each(rules, &object.path.key("rules"), |finder, rule, path| {
            let resources = finder.tree.get(rule, "resources").and_then(|list| finder.tree.items(list));
            let resources: Vec<_> =
                resources.unwrap_or_default().iter().map(|r| finder.tree.text(*r)).collect();
            let about_secrets = resources.iter().any(|r| matches!(r, Some("secrets" | "*")));
            let Some(names) = finder.tree.get(rule, "resourceNames").filter(|_| about_secrets) else {
                return;
            };
            let list = path.key("resourceNames");
            finder.each(names, &list, |finder, name, item| {
                let takes = match resources.as_slice() {
                    [Some("secrets")] => Takes::ListItem { list: list.clone(), item: item.clone() },
                    _ => Takes::Shared(list.clone()),
                };
                finder.scalar(name, item.clone(), None, takes);
            });
        });
    }

    /// Parameters of a storage class.
    fn parameters(&mut self, object: &Object<'t, '_>) {
        let Some(parameters) = self.tree.get(object.node, "parameters") else { return };
        for (key, value) in self.tree.entries(parameters).unwrap_or_default() {
            let Some(key) = self.tree.text(*key) else { continue };
            let Some((name, namespace)) = PARAMETERS.iter().find(|(name, _)| key.ends_with(name)) else {
                continue;
            };
            let namespace = format!("{}{namespace}", key.strip_suffix(name).unwrap_or_default());
            let namespace = self.text(parameters, &namespace);
            self.scalar(*value, object.path.key("parameters").key(key), namespace, Takes::Whole);
        }
    }
}

/// Whether a key holds sources of variables: `envFrom`, and in custom resources `extraEnvFrom` and `env_from`.
pub(crate) fn is_env_from(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.ends_with("envfrom") || key.ends_with("env_from")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_places_are_paths() {
        for place in PLACES.iter().flat_map(|(_, places)| *places).chain(&ENDPOINT) {
            assert!(FieldPath::parse(place).is_ok(), "{place}");
        }
    }

    /// An object that holds `leaf` at a place.
    fn built(steps: &[FieldStep], leaf: &str) -> String {
        match steps {
            [] => leaf.to_owned(),
            [FieldStep::Key(key), rest @ ..] => format!("{{{key}: {}}}", built(rest, leaf)),
            [_, rest @ ..] => format!("[{}]", built(rest, leaf)),
        }
    }

    #[test]
    fn the_places_of_a_pod_are_what_is_found_in_one() {
        let container = CONTAINER_PLACES.iter().map(|place| format!("containers[*].{place}"));
        for place in container.chain(POD_PLACES.map(str::to_owned)) {
            let parsed = FieldPath::parse(&place).expect("a place");
            let text = format!("kind: Pod\nspec: {}\n", built(parsed.steps(), "a"));
            let tree = crate::yaml::parse(&text).expect("YAML");
            let objects = crate::kube::object::objects(&tree);
            let found = references(&objects[0], &Config::default(), None).found;
            assert_eq!(found.iter().map(|found| found.name).collect::<Vec<_>>(), ["a"], "{text}");
        }
        for source in SECRET_REF_VOLUMES {
            let place = format!("volumes[*].{source}.secretRef.name");
            assert!(POD_PLACES.contains(&place.as_str()), "{place}");
        }
    }
}
