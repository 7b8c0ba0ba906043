//! Pods, wherever they are, the variables of their containers, and those that custom resources take.
//!
//! A pod is any mapping with a list under `containers`, `initContainers` or `ephemeralContainers`. So CronJobs,
//! Rollouts, Knative Services and operators' custom resources need no list of kinds. Other lists of variables are told by
//! their key and the shape of their items (`env`, `extraEnv`, `envVars`), or by the catalogue.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::catalogue::{Fields, Label};
use crate::kube::object::Object;
use crate::yaml::{Kind, NodeId, Path, Trail, Tree};

/// The lists of a pod's containers.
pub(crate) const CONTAINER_LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// A container's `env`, or another list of variables.
pub(crate) struct EnvList<'t> {
    /// The container's name; of another list, the nearest name above it.
    pub(crate) container: &'t str,
    /// Whether a variable of the list can read a Secret.
    pub(crate) reads_secrets: bool,
    /// The path of the list.
    pub(crate) path: Path,
    /// Its entries. Items without a name have none.
    pub(crate) entries: Vec<Option<Variable<'t>>>,
    /// The other texts of the container in which variables are expanded.
    pub(crate) texts: Vec<ContainerText<'t>>,
}

/// A text of a container in which variables are expanded: an item of `command` or `args`, a `subPathExpr`.
pub(crate) struct ContainerText<'t> {
    /// Its node.
    pub(crate) node: NodeId,
    /// Its path.
    pub(crate) path: Path,
    /// The text.
    pub(crate) text: &'t str,
}

/// An entry of `env`.
pub(crate) struct Variable<'t> {
    /// Its node.
    pub(crate) node: NodeId,
    /// The variable's name.
    pub(crate) name: &'t str,
    /// Where its value comes from.
    pub(crate) source: ValueSource<'t>,
}

/// Where a variable's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueSource<'t> {
    /// `value`, also an absent one (the empty text).
    Literal(&'t str),
    /// `valueFrom.secretKeyRef`.
    Secret {
        /// The Secret.
        name: &'t str,
        /// The key in it.
        key: &'t str,
        /// The node of `optional`, where it is written.
        optional: Option<NodeId>,
    },
    /// A ConfigMap, a field of the pod, or anything else.
    Other,
}

impl EnvList<'_> {
    /// The positions of the entries for each name, names in order of their first entry.
    pub(crate) fn groups(&self) -> Vec<(&str, Vec<usize>)> {
        let mut groups: Vec<(&str, Vec<usize>)> = Vec::with_capacity(self.entries.len());
        let mut known: HashMap<&str, usize> = HashMap::with_capacity(self.entries.len());
        for (position, variable) in self.entries.iter().enumerate() {
            let Some(variable) = variable else { continue };
            let group = *known.entry(variable.name).or_insert_with(|| {
                groups.push((variable.name, Vec::new()));
                groups.len() - 1
            });
            groups[group].1.push(position);
        }
        groups
    }

    /// Where each name is defined and expanded.
    pub(crate) fn names(&self) -> EntryNames<'_> {
        let mut names = EntryNames::default();
        for (position, variable) in self.entries.iter().enumerate() {
            let Some(variable) = variable else { continue };
            names.defined.entry(variable.name).or_default().push(position);
            if let ValueSource::Literal(value) = variable.source {
                for name in expansions(value) {
                    names.expanded.entry(name).or_default().push(position);
                }
            }
        }
        names
    }
}

/// Where a list's names are: positions of its entries, in order.
#[derive(Default)]
pub(crate) struct EntryNames<'l> {
    defined: HashMap<&'l str, Vec<usize>>,
    expanded: HashMap<&'l str, Vec<usize>>,
}

impl EntryNames<'_> {
    /// Whether an entry in this range defines the name.
    pub(crate) fn is_defined(&self, name: &str, range: Range<usize>) -> bool {
        within(&self.defined, name, range).next().is_some()
    }

    /// The entries in this range whose literal value expands the name (`$(NAME)`).
    pub(crate) fn expanded(&self, name: &str, range: Range<usize>) -> impl Iterator<Item = usize> {
        within(&self.expanded, name, range)
    }
}

fn within<'p>(
    positions: &'p HashMap<&str, Vec<usize>>,
    name: &str,
    range: Range<usize>,
) -> impl Iterator<Item = usize> + use<'p> {
    let positions = positions.get(name).map_or(&[][..], Vec::as_slice);
    let first = positions.partition_point(|position| *position < range.start);
    positions[first..].iter().copied().take_while(move |position| *position < range.end)
}

/// The names that a literal value expands: `$(NAME)`, not `$$(NAME)`.
pub(crate) fn expansions(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find('$')?;
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                rest = after;
            } else if let Some(open) = rest.strip_prefix('(') {
                // Without an end here there is none behind it either.
                let (name, after) = open.split_once(')')?;
                rest = after;
                return Some(name);
            }
        }
    })
}

/// What rules ask about the pods of an object.
#[derive(Default)]
pub(crate) struct Pods<'t> {
    /// The variables of every container.
    pub(crate) env: Vec<EnvList<'t>>,
    /// The `command` and `args` of every container.
    pub(crate) commands: Vec<(Path, NodeId)>,
    /// The mappings that hold a pod's `metadata` and `spec`, as a workload's `template` does. An object that is itself a
    /// pod has none.
    pub(crate) templates: Vec<(Path, NodeId)>,
    /// The mappings that have a list of containers: each a pod's `spec`.
    pub(crate) specs: Vec<(Path, NodeId)>,
    /// Every container.
    pub(crate) containers: Vec<(Path, NodeId)>,
}

impl<'t> Pods<'t> {
    /// Finds the pods of an object.
    pub(crate) fn of(object: &Object<'t, '_>) -> Self {
        let mut pods = Self::default();
        pods.find(object.tree, object.node, Trail::Start(&object.path), None);
        if let Some(fields) = Fields::of(&object.api_version, &object.kind) {
            let known = pods.env.iter().map(|list| list.path.clone()).collect();
            let mut lists = VariableLists { tree: object.tree, fields, known, found: Vec::new() };
            lists.find(object.node, Trail::Start(&object.path), object.name().unwrap_or_default());
            pods.env.append(&mut lists.found);
        }
        pods
    }

    fn find(
        &mut self,
        tree: &'t Tree<'_>,
        node: NodeId,
        trail: Trail<'_>,
        holder: Option<(Trail<'_>, NodeId)>,
    ) {
        match tree.kind(tree.resolve(node)) {
            Kind::Mapping(_, entries) => {
                self.pod(tree, node, trail, holder);
                for (key, value) in entries {
                    let Some(key) = tree.text(*key) else { continue };
                    self.find(tree, *value, Trail::Key(&trail, key), Some((trail, node)));
                }
            }
            Kind::Sequence(_, items) => {
                for (position, item) in items.iter().enumerate() {
                    self.find(tree, *item, Trail::Index(&trail, position), None);
                }
            }
            _ => {}
        }
    }

    /// Takes note of a mapping's containers, if it has any.
    fn pod(
        &mut self,
        tree: &'t Tree<'_>,
        pod: NodeId,
        trail: Trail<'_>,
        holder: Option<(Trail<'_>, NodeId)>,
    ) {
        let may_list = |key: &NodeId| {
            tree.text(*key).is_some_and(|key| CONTAINER_LISTS.contains(&key)) || tree.is_merge_key(*key)
        };
        if !tree.entries(pod).unwrap_or_default().iter().any(|(key, _)| may_list(key)) {
            return;
        }
        let mut is_pod = false;
        for key in CONTAINER_LISTS {
            let Some(containers) = tree.get(pod, key).and_then(|list| tree.items(list)) else { continue };
            is_pod = true;
            let list = trail.to_path().key(key);
            for (position, container) in containers.iter().enumerate() {
                let path = list.index(position);
                self.env.extend(env_list(tree, *container, &path));
                let command = |key| Some((path.key(key), tree.get(*container, key)?));
                self.commands.extend(["command", "args"].into_iter().filter_map(command));
                self.containers.push((path, *container));
            }
        }
        if is_pod {
            self.specs.push((trail.to_path(), pod));
        }
        if let Some((trail @ (Trail::Key(..) | Trail::Index(..)), node)) = holder.filter(|_| is_pod) {
            self.templates.push((trail.to_path(), node));
        }
    }
}

fn env_list<'t>(tree: &'t Tree<'_>, container: NodeId, path: &Path) -> Option<EnvList<'t>> {
    let items = tree.get(container, "env").and_then(|env| tree.items(env))?;
    let name = tree.get(container, "name").and_then(|name| tree.text(name)).unwrap_or_default();
    let entries = items.iter().map(|item| variable(tree, *item)).collect();
    let texts = container_texts(tree, container, path);
    Some(EnvList { container: name, reads_secrets: true, path: path.key("env"), entries, texts })
}

/// The lists of variables of a custom resource that are no container's `env`.
struct VariableLists<'t, 's> {
    tree: &'t Tree<'s>,
    fields: Fields,
    /// The lists of containers.
    known: HashSet<Path>,
    found: Vec<EnvList<'t>>,
}

impl<'t> VariableLists<'t, '_> {
    /// Looks below a node; `name` is the nearest one above.
    fn find(&mut self, node: NodeId, trail: Trail<'_>, name: &'t str) {
        match self.tree.kind(self.tree.resolve(node)) {
            Kind::Mapping(_, entries) => {
                let own = self.tree.get(node, "name").and_then(|name| self.tree.text(name));
                let name = own.filter(|own| !own.is_empty()).unwrap_or(name);
                for (key, value) in entries {
                    let Some(key) = self.tree.text(*key) else { continue };
                    let trail = Trail::Key(&trail, key);
                    self.list(key, *value, trail, name);
                    self.find(*value, trail, name);
                }
            }
            Kind::Sequence(_, items) => {
                for (position, item) in items.iter().enumerate() {
                    self.find(*item, Trail::Index(&trail, position), name);
                }
            }
            _ => {}
        }
    }

    fn list(&mut self, key: &str, value: NodeId, trail: Trail<'_>, name: &'t str) {
        let Kind::Sequence(_, items) = self.tree.kind(self.tree.resolve(value)) else { return };
        let known = self.fields.list(trail);
        if (known.is_none() && !is_about_variables(key)) || !self.holds_variables(items) {
            return;
        }
        let path = trail.to_path();
        if self.known.contains(&path) {
            return;
        }
        let entries = items.iter().map(|item| variable(self.tree, *item)).collect();
        let reads_secrets = known != Some(Label::Values);
        self.found.push(EnvList { container: name, reads_secrets, path, entries, texts: Vec::new() });
    }

    /// Whether each item has a name and no more than a variable has, and one of them a value.
    fn holds_variables(&self, items: &[NodeId]) -> bool {
        let has = |item: &NodeId, key| self.tree.get(*item, key).is_some();
        let is_variable = |item: &NodeId| {
            let entries = self.tree.entries(*item).unwrap_or_default();
            let known =
                |key: &NodeId| matches!(self.tree.text(*key), Some("name" | "value" | "valueFrom" | "<<"));
            has(item, "name") && entries.iter().all(|(key, _)| known(key))
        };
        let has_value = |item: &NodeId| has(item, "value") || has(item, "valueFrom");
        items.iter().any(has_value) && items.iter().all(is_variable)
    }
}

/// Whether a key says that it holds variables: `env`, `envVars`, `extraEnv`, `environment`; not `envFrom`.
pub(crate) fn is_about_variables(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("env") && !key.ends_with("from")
}

fn container_texts<'t>(tree: &'t Tree<'_>, container: NodeId, path: &Path) -> Vec<ContainerText<'t>> {
    let mut found = Vec::new();
    for (list, field) in [("command", None), ("args", None), ("volumeMounts", Some("subPathExpr"))] {
        let items = tree.get(container, list).and_then(|list| tree.items(list)).unwrap_or_default();
        for (position, item) in items.iter().enumerate() {
            let path = path.key(list).index(position);
            let (node, path) = match field {
                None => (Some(*item), path),
                Some(field) => (tree.get(*item, field), path.key(field)),
            };
            if let Some((node, text)) = node.and_then(|node| Some((node, tree.text(node)?))) {
                found.push(ContainerText { node, path, text });
            }
        }
    }
    found
}

fn variable<'t>(tree: &'t Tree<'_>, node: NodeId) -> Option<Variable<'t>> {
    let name = tree.get(node, "name").and_then(|name| tree.text(name))?;
    let text = |node: NodeId, key: &str| tree.get(node, key).and_then(|value| tree.text(value));
    let reference = tree.get_in(node, &["valueFrom", "secretKeyRef"]);
    let reference = reference.filter(|reference| tree.entries(*reference).is_some());
    let source = match reference {
        Some(reference) => ValueSource::Secret {
            name: text(reference, "name").unwrap_or_default(),
            key: text(reference, "key").unwrap_or_default(),
            optional: tree.get(reference, "optional").filter(|optional| !tree.is_null(*optional)),
        },
        None if tree.get(node, "valueFrom").is_some_and(|from| tree.entries(from).is_some()) => {
            ValueSource::Other
        }
        None => ValueSource::Literal(text(node, "value").unwrap_or_default()),
    };
    Some(Variable { node, name, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansions_are_names_in_parentheses() {
        let names = |value| expansions(value).collect::<Vec<_>>();
        assert_eq!(names("redis://$(USER):$(PASS)@h"), ["USER", "PASS"]);
        assert_eq!(names("$$(A) $(B) $C $(open"), ["B"]);
        assert_eq!(names("100$"), [""; 0]);
    }
}
