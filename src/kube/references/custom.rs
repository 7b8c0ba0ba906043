//! Fields of custom resources that name a Secret: those that the catalogue knows, and those that can mean nothing else.

use crate::catalogue::{Fields, Label};
use crate::kube::references::{Finder, Takes};
use crate::yaml::{Kind, NodeId, Path, Trail};

/// The fields beside a name that say which key is taken.
const KEYS: [&str; 4] = ["key", "secretKey", "secret_key", "valuesKey"];

/// The fields that hold a Secret's name and have its key and namespace beside them.
const NAMES: [&str; 3] = ["secretName", "secret_name", "secretname"];

impl<'t> Finder<'t, '_, '_> {
    /// The references in the value of a key, as the catalogue labels it; items of a list are labelled as the list is.
    pub(super) fn custom(&mut self, holder: NodeId, value: NodeId, trail: Trail<'_>) {
        let Some(fields) = self.fields else { return };
        if let Kind::Sequence(_, items) = self.tree.kind(self.tree.resolve(value)) {
            for (position, item) in items.iter().enumerate() {
                self.labelled(fields, (item, trail), Some(trail), Trail::Index(&trail, position), holder);
            }
        } else {
            self.labelled(fields, (&value, trail), None, trail, holder);
        }
    }

    fn labelled(
        &mut self,
        fields: &Fields,
        (node, key): (&NodeId, Trail<'_>),
        list: Option<Trail<'_>>,
        trail: Trail<'_>,
        holder: NodeId,
    ) {
        let is_mapping = self.tree.entries(*node).is_some();
        match fields.label(key, is_mapping) {
            Some(Label::Read) if !is_mapping => self.is_name(*node, holder, trail, list),
            Some(Label::Read) if self.refers_to_a_secret(*node) => self.holds_name(*node, trail, list),
            Some(Label::Read) => {}
            Some(Label::Make | Label::Other) => {
                let name = if is_mapping { self.tree.get(*node, "name") } else { Some(*node) };
                self.others.extend(name);
            }
            _ if is_mapping && self.takes_a_key(*node) => self.holds_name(*node, trail, list),
            _ => {}
        }
    }

    /// A mapping that says the kind of what it names, below an object of any kind.
    pub(super) fn typed(&mut self, mapping: NodeId, trail: Trail<'_>) {
        let Some(kind) = self.text(mapping, "kind").filter(|_| !matches!(trail, Trail::Start(_))) else {
            return;
        };
        if kind == "Secret" && self.refers_to_a_secret(mapping) {
            let list = if let Trail::Index(list, _) = trail { Some(*list) } else { None };
            self.holds_name(mapping, trail, list);
        } else if kind.starts_with(|letter: char| letter.is_ascii_uppercase()) {
            self.others.extend(self.tree.get(mapping, "name"));
        }
    }

    /// Whether a mapping of a name and a key can mean nothing but a removed Secret that has the key.
    fn takes_a_key(&self, mapping: NodeId) -> bool {
        let taken = self.text(mapping, "name").zip(self.text(mapping, "key"));
        let namespace = self.text(mapping, "namespace").or(self.namespace);
        taken.zip(self.has_key).is_some_and(|((name, key), has_key)| has_key(name, namespace, key))
    }

    /// A mapping with a `name`.
    fn holds_name(&mut self, mapping: NodeId, trail: Trail<'_>, list: Option<Trail<'_>>) {
        if self.tree.get(mapping, "name").is_none() {
            return;
        }
        let path = trail.to_path();
        let takes = match (self.key_beside(mapping, &path), list) {
            (Some(takes), _) => takes,
            (None, Some(list)) if self.is_only_a_name(mapping) => {
                Takes::ListItem { list: list.to_path(), item: path.clone() }
            }
            (None, _) => self.as_volume(mapping, &path, trail),
        };
        self.push(mapping, &path, "name", takes);
    }

    /// A text that is a name, in a list or beside other fields.
    fn is_name(&mut self, node: NodeId, holder: NodeId, trail: Trail<'_>, list: Option<Trail<'_>>) {
        let path = trail.to_path();
        if let Some(list) = list {
            let takes = Takes::ListItem { list: list.to_path(), item: path.clone() };
            return self.scalar(node, path, None, takes);
        }
        let Some((parent, _)) = path.split_last() else { return };
        let has_company = trail.keys().next().is_some_and(|key| NAMES.contains(&key));
        let namespace = self.text(holder, "secretNamespace");
        if has_company {
            let namespace = namespace.or_else(|| self.text(holder, "namespace"));
            let takes = self.key_beside(holder, parent);
            let takes = takes.unwrap_or_else(|| self.as_volume(holder, parent, trail));
            self.scalar(node, path, namespace, takes);
        } else {
            self.scalar(node, path, namespace, Takes::Whole);
        }
    }

    fn key_beside(&self, mapping: NodeId, path: &Path) -> Option<Takes<'t>> {
        KEYS.iter().find_map(|field| Some(Takes::Key(path.key(field), self.text(mapping, field)?)))
    }

    /// Whether the mapping says no more than which Secret is meant.
    fn is_only_a_name(&self, mapping: NodeId) -> bool {
        let entries = self.tree.entries(mapping).unwrap_or_default();
        let says =
            |key: &NodeId| matches!(self.tree.text(*key), Some("name" | "namespace" | "kind" | "group"));
        entries.iter().all(|(key, _)| says(key))
    }

    /// What the source of a volume takes; of what is none, all.
    fn as_volume(&self, mapping: NodeId, path: &Path, trail: Trail<'_>) -> Takes<'t> {
        let in_volumes = trail.keys().any(|key| key.contains("olume"));
        let is_source = in_volumes && trail.keys().take(2).any(|key| key == "secret");
        if is_source { self.files(mapping, path) } else { Takes::Whole }
    }
}
