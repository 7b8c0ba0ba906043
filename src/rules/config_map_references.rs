//! Where a ConfigMap is named: in pods, and under keys about one.

use std::collections::HashSet;

use crate::kube::references::{Reference, Takes};
use crate::rules::ObjectView;
use crate::yaml::{Kind, NodeId, Path, Step, Trail, Tree};

/// A field that names a ConfigMap.
pub(super) struct ConfigMapReference<'t> {
    /// The field, and what it takes.
    pub(super) reference: Reference<'t>,
    /// The mapping that holds the name.
    pub(super) holder: NodeId,
    /// The entry of a list of variables that reads the key, and the variable.
    pub(super) entry: Option<Path>,
    /// The variable's name.
    pub(super) variable: &'t str,
}

/// Every field that names a ConfigMap.
pub(super) fn references<'t>(subject: &ObjectView<'_, 't, '_>) -> Vec<ConfigMapReference<'t>> {
    let object = subject.object;
    let mut finder = ConfigMapFinder { tree: object.tree, found: Vec::new(), lists: Vec::new() };
    finder
        .lists
        .extend(subject.pods.env.iter().filter(|list| list.reads_secrets).map(|list| list.path.clone()));
    finder.walk(object.node, Trail::Start(&object.path));
    let mut seen = HashSet::new();
    finder.found.retain(|found| seen.insert(found.reference.path.clone()));
    finder.found
}

struct ConfigMapFinder<'t, 's> {
    tree: &'t Tree<'s>,
    found: Vec<ConfigMapReference<'t>>,
    /// The lists of variables that can read a Secret.
    lists: Vec<Path>,
}

impl<'t> ConfigMapFinder<'t, '_> {
    fn walk(&mut self, node: NodeId, trail: Trail<'_>) {
        let tree = self.tree;
        match tree.kind(tree.resolve(node)) {
            Kind::Mapping(..) => {
                // What a merge key brings counts as the mapping's own.
                for (key, value) in tree.members(node) {
                    let Some(key) = tree.text(key) else { continue };
                    let trail = Trail::Key(&trail, key);
                    if speaks_of_config_maps(key) {
                        self.names(value, trail);
                    } else if key == "name" && self.text(node, "kind") == Some("ConfigMap") {
                        self.push(value, node, trail.to_path(), Takes::Whole);
                    } else if key == "resourceNames" && self.grants_config_maps(node) {
                        self.names(value, trail);
                    }
                    self.walk(value, trail);
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

    /// Whether a rule of a role is about ConfigMaps.
    fn grants_config_maps(&self, rule: NodeId) -> bool {
        let resources = self.tree.get(rule, "resources").and_then(|list| self.tree.items(list));
        resources
            .unwrap_or_default()
            .iter()
            .any(|name| matches!(self.tree.text(*name), Some("configmaps" | "*")))
    }

    /// What is under a key about ConfigMaps: a name, a mapping with one, or several of either.
    fn names(&mut self, value: NodeId, trail: Trail<'_>) {
        let tree = self.tree;
        if let Some(items) = tree.items(value) {
            for (position, item) in items.iter().enumerate() {
                self.names(*item, Trail::Index(&trail, position));
            }
        } else if tree.entries(value).is_some() {
            let Some(name) = tree.get(value, "name") else { return };
            let path = trail.to_path();
            let takes = self.takes(value, &path);
            self.push(name, value, path.key("name"), takes);
        } else {
            self.push(value, value, trail.to_path(), Takes::Whole);
        }
    }

    /// What the mapping at a path takes.
    fn takes(&self, mapping: NodeId, path: &Path) -> Takes<'t> {
        let is = |step: Option<&Step>, key: &str| matches!(step, Some(Step::Key(own)) if own == key);
        let steps = path.steps();
        let above = |count: usize| steps.len().checked_sub(count).map(|at| steps[at]);
        if let Some(key) = self.text(mapping, "key") {
            return Takes::Key(path.key("key"), key);
        }
        if is(above(1), "configMapRef") && is(above(3), "envFrom") {
            return Takes::Env;
        }
        let is_volume = is(above(1), "configMap") && (is(above(3), "volumes") || is(above(3), "sources"));
        if !is_volume {
            return Takes::Whole;
        }
        let field = self.tree.get(mapping, "items");
        let items = field.and_then(|items| self.tree.items(items)).unwrap_or_default();
        if items.is_empty() {
            return Takes::Files { volume: path.clone(), has_items: field.is_some() };
        }
        let key = |(position, item): (usize, &NodeId)| {
            Some((path.key("items").index(position).key("key"), self.text(*item, "key")?))
        };
        Takes::Items(items.iter().enumerate().filter_map(key).collect())
    }

    fn text(&self, mapping: NodeId, key: &str) -> Option<&'t str> {
        self.tree.get(mapping, key).and_then(|value| self.tree.text(value))
    }

    fn push(&mut self, node: NodeId, holder: NodeId, path: Path, takes: Takes<'t>) {
        let Some(name) = self.tree.text(node).filter(|name| !name.is_empty()) else { return };
        let entry = self.entry(&path);
        let variable = entry.as_ref().and_then(|entry| self.text(self.tree.at(entry)?, "name"));
        let reference = Reference { node, path, name, namespace: None, begin: None, takes };
        self.found.push(ConfigMapReference {
            reference,
            holder,
            variable: variable.unwrap_or_default(),
            entry,
        });
    }

    /// The entry of a list of variables whose `valueFrom.configMapKeyRef.name` is at this path.
    fn entry(&self, path: &Path) -> Option<Path> {
        let entry = path.first(path.len().checked_sub(3)?);
        let (list, Step::Index(_)) = entry.split_last()? else { return None };
        let is_reference = *path == entry.keys(&["valueFrom", "configMapKeyRef", "name"]);
        (is_reference && self.lists.contains(list)).then(|| entry.clone())
    }
}

/// Whether a key says that it names a ConfigMap, as `configMapKeyRef` and `config_map` do.
fn speaks_of_config_maps(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('_', "");
    key.starts_with("configmap") || key.ends_with("configmap")
}
