//! Mutations that make readers of moved keys read the vault: new variables for what `envFrom` brought, and volumes.

use std::collections::BTreeMap;

use crate::analysis::guard::known::KnownSecrets;
use crate::config::Config;
use crate::edit::patch::Op;
use crate::kube::object::Object;
use crate::kube::pods::Pods;
use crate::yaml::{NodeId, Path, Step, Tree};

/// A container that takes keys which may be moved.
pub(super) struct TakingContainer<'t> {
    path: Path,
    pub(super) name: &'t str,
    /// The variables that moved keys may be, each with whether a policy can know that it is one.
    variables: BTreeMap<String, bool>,
}

impl<'t> TakingContainer<'t> {
    /// The containers of an object. Without a render a source behind may give any variable.
    pub(super) fn all(
        pods: &Pods<'t>,
        object: &Object<'t, '_>,
        config: &Config,
        secrets: &KnownSecrets<'_>,
    ) -> Vec<Self> {
        if !config.splits() {
            return Vec::new();
        }
        let of = |(path, node): &(Path, NodeId)| Self::of(path, *node, object.tree, config, secrets);
        pods.containers.iter().filter_map(of).collect()
    }

    fn of(
        path: &Path,
        node: NodeId,
        tree: &'t Tree<'_>,
        config: &Config,
        secrets: &KnownSecrets<'_>,
    ) -> Option<Self> {
        let sources = tree.items(tree.get(node, "envFrom")?)?;
        let text = |node: NodeId, key: &str| tree.get(node, key).and_then(|value| tree.text(value));
        let prefixes: Vec<&str> =
            sources.iter().map(|source| text(*source, "prefix").unwrap_or_default()).collect();
        let mut variables = BTreeMap::new();
        for (position, prefix) in prefixes.iter().enumerate() {
            let is_known = secrets.knows_source(tree, sources[position]);
            for key in config.secrets.iter().flat_map(|rule| &rule.only) {
                let variable = format!("{prefix}{key}");
                let is_last = !prefixes[position + 1..].iter().any(|later| variable.starts_with(later));
                *variables.entry(variable).or_insert(false) |= is_known && (secrets.is_rendered() || is_last);
            }
        }
        Some(Self { path: path.clone(), name: text(node, "name").unwrap_or_default(), variables })
    }

    /// The variable that an operation brings for a moved key, and whether a policy can know that it is one.
    pub(super) fn gets(&self, op: &Op) -> Option<(&str, bool)> {
        let list = self.path.key("env");
        let entries = match op {
            Op::Insert { path, value } if *path == list.index(0) => std::slice::from_ref(&**value),
            _ => op.added_to(&list),
        };
        let names = entries.iter().filter_map(|entry| entry.get("name")?.as_str());
        let mut found = names.filter_map(|name| self.variables.get_key_value(name));
        found.next().map(|(name, known)| (name.as_str(), *known))
    }
}

/// The pod, and the position of the volume in it, that a path leads into.
pub(super) fn volume_of<'a, 'p>(steps: &'a [&'p Step]) -> Option<(&'a [&'p Step], usize)> {
    let at = steps.iter().rposition(|step| matches!(step, Step::Key(key) if key == "volumes"))?;
    match &steps[at + 1..] {
        [Step::Index(position), _, ..] => Some((&steps[..at], *position)),
        _ => None,
    }
}
