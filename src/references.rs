//! Where a Secret is named: every field that refers to one.
//!
//! Three ways to find them. By key alone, wherever it stands (`secretKeyRef`, `envFrom`, `volumes`,
//! `imagePullSecrets`): these keys mean the same in every kind. By kind and path, for fields whose keys say little
//! ([`PLACES`]). And by code, where the field is one of several names (roles) or only its key tells (storage classes).

use crate::object::Object;
use crate::yaml::{Kind, NodeId, Path, Tree};

/// A field that names a Secret.
#[derive(Clone, Debug)]
pub(crate) struct Reference<'t> {
    /// The scalar that holds the name.
    pub(crate) node: NodeId,
    /// Its path.
    pub(crate) path: Path,
    /// The name.
    pub(crate) name: &'t str,
    /// The Secret's namespace, where the field can say.
    pub(crate) namespace: Option<&'t str>,
    /// What it takes from the Secret.
    pub(crate) takes: Takes<'t>,
}

/// What a reference takes from the Secret.
#[derive(Clone, Debug)]
pub(crate) enum Takes<'t> {
    /// The one key at this path.
    Key(Path, &'t str),
    /// All keys, as variables of their own names.
    Env,
    /// The keys of these items (path of `key`, key), as files of a volume.
    Items(Vec<(Path, &'t str)>),
    /// All keys, as files of their own names; the path is the mapping that can take `items`.
    Files(Path),
    /// The Secret as a whole, with keys that its consumer knows (`tls.crt`, `.dockerconfigjson`).
    Whole,
    /// The Secret as a whole; the path is the list that holds it, in which a name must not stand twice.
    ListItem(Path),
}

/// Fields that name a Secret: kinds, path (`[*]` is every item), and what the node there is.
///
/// A scalar is the name. A mapping holds it as `name`, with an optional `key` and `namespace`.
const PLACES: [(&[&str], &str); 4] = [
    (&["ServiceAccount"], "secrets[*]"),
    (&["Ingress"], "spec.tls[*].secretName"),
    (&["Gateway"], "spec.listeners[*].tls.certificateRefs[*]"),
    (&["TriggerAuthentication", "ClusterTriggerAuthentication"], "spec.secretTargetRef[*]"),
];

/// Every reference in an object.
pub(crate) fn references<'t>(object: &Object<'t, '_>) -> Vec<Reference<'t>> {
    let mut finder = Finder { tree: object.tree, found: Vec::new() };
    finder.walk(object.node, &object.path);
    for (kinds, place) in PLACES {
        if kinds.contains(&object.kind.as_str()) {
            finder.at(object.node, &object.path, place, place.ends_with("secrets[*]"));
        }
    }
    finder.found
}

struct Finder<'t, 's> {
    tree: &'t Tree<'s>,
    found: Vec<Reference<'t>>,
}

impl<'t> Finder<'t, '_> {
    fn walk(&mut self, node: NodeId, path: &Path) {
        match &self.tree.node(self.tree.resolve(node)).kind {
            Kind::Mapping(_, entries) => {
                for (key, value) in entries {
                    let Some(key) = self.tree.text(*key) else { continue };
                    let path = path.key(key);
                    self.by_key(key, *value, &path);
                    self.walk(*value, &path);
                }
            }
            Kind::Sequence(_, items) => {
                for (position, item) in items.iter().enumerate() {
                    self.walk(*item, &path.index(position));
                }
            }
            _ => {}
        }
    }

    fn by_key(&mut self, key: &str, value: NodeId, path: &Path) {
        match key {
            "secretKeyRef" => self.named(value, path, false),
            "envFrom" => self.each(value, path, |finder, item, path| {
                if let Some(reference) = finder.tree.get(item, "secretRef") {
                    finder.push(reference, &path.key("secretRef"), "name", |_, _, _| Takes::Env);
                }
            }),
            "imagePullSecrets" => self.each(value, path, |finder, item, path| finder.named(item, path, true)),
            "volumes" => self.each(value, path, Self::volume),
            _ => {}
        }
    }

    fn volume(&mut self, volume: NodeId, path: &Path) {
        if let Some(secret) = self.tree.get(volume, "secret") {
            self.push(secret, &path.key("secret"), "secretName", Self::files);
        }
        let sources = self.tree.get_in(volume, &["projected", "sources"]);
        let sources_path = path.keys(&["projected", "sources"]);
        for (position, source) in sources.and_then(|s| self.tree.items(s)).unwrap_or_default().iter().enumerate() {
            if let Some(secret) = self.tree.get(*source, "secret") {
                self.push(secret, &sources_path.index(position).key("secret"), "name", Self::files);
            }
        }
    }

    /// What a volume takes: the keys of its `items`, or all.
    fn files(&self, secret: NodeId, path: &Path) -> Takes<'t> {
        let Some(items) = self.tree.get(secret, "items") else { return Takes::Files(path.clone()) };
        let items = self.tree.items(items).unwrap_or_default().iter().enumerate();
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

    /// A mapping with `name`, and `key` or `namespace` where it has them.
    fn named(&mut self, mapping: NodeId, path: &Path, in_list: bool) {
        self.push(mapping, path, "name", |finder, mapping, path| {
            let key = finder.tree.get(mapping, "key").and_then(|key| finder.tree.text(key));
            match (key, path.split_last()) {
                (Some(key), _) => Takes::Key(path.key("key"), key),
                (None, Some((list, _))) if in_list => Takes::ListItem(list),
                (None, _) => Takes::Whole,
            }
        });
    }

    fn push(
        &mut self,
        mapping: NodeId,
        path: &Path,
        field: &str,
        takes: impl FnOnce(&Self, NodeId, &Path) -> Takes<'t>,
    ) {
        let Some(node) = self.tree.get(mapping, field) else { return };
        let Some(name) = self.tree.text(node).filter(|name| !name.is_empty()) else { return };
        let namespace = self.tree.get(mapping, "namespace").and_then(|namespace| self.tree.text(namespace));
        let takes = takes(self, mapping, path);
        self.found.push(Reference { node, path: path.key(field), name, namespace, takes });
    }

    /// The references at a path with `[*]`.
    fn at(&mut self, node: NodeId, path: &Path, place: &str, in_list: bool) {
        if place.is_empty() {
            if let Some(name) = self.tree.text(node).filter(|name| !name.is_empty()) {
                let takes = Takes::Whole;
                self.found.push(Reference { node, path: path.clone(), name, namespace: None, takes });
            } else if self.refers_to_a_secret(node) {
                self.named(node, path, in_list);
            }
        } else if let Some(rest) = place.strip_prefix("[*]") {
            self.each(node, path, |finder, item, path| finder.at(item, path, rest.trim_start_matches('.'), in_list));
        } else {
            let end = place.find(['.', '[']).unwrap_or(place.len());
            let (key, rest) = place.split_at(end);
            if let Some(value) = self.tree.get(node, key) {
                self.at(value, &path.key(key), rest.trim_start_matches('.'), in_list);
            }
        }
    }

    /// A reference that says its kind must say Secret.
    fn refers_to_a_secret(&self, reference: NodeId) -> bool {
        let text = |key: &str| self.tree.get(reference, key).and_then(|value| self.tree.text(value));
        text("kind").is_none_or(|kind| kind == "Secret") && text("group").is_none_or(str::is_empty)
    }
}
