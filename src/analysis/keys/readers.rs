//! Finds what reads a vaulted Secret after the rewrite, and under which name it sees each key.

use std::fmt;

use crate::diagnostics::ObjectRef;
use crate::kube::object::Object;
use crate::kube::pods::{CONTAINER_LISTS, is_about_variables};
use crate::kube::references::is_env_from;
use crate::rules::secret_use::{KeyName, SecretUse};
use crate::yaml::{NodeId, Path, Step, Tree};

/// Who reads a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reader {
    /// The object.
    pub object: ObjectRef,
    /// The container, where one reads it.
    pub container: Option<String>,
    /// What it sees.
    pub access: Access,
}

/// What a reader sees of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// A variable of this name.
    Variable(String),
    /// A file at this path.
    File(String),
    /// What the program behind this field makes of it.
    Field(String),
}

impl Reader {
    /// The variable that it sees.
    pub(super) fn variable(&self) -> Option<&str> {
        match &self.access {
            Access::Variable(name) => Some(name),
            Access::File(_) | Access::Field(_) => None,
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(text) | Self::File(text) | Self::Field(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.container {
            Some(container) => write!(f, "{}, container {container}: {}", self.object, self.access),
            None => write!(f, "{}: {}", self.object, self.access),
        }
    }
}

/// One reader of one key, or of a Secret whose keys nobody can tell.
pub(crate) struct KeyUse {
    /// The key in the vaulted Secret.
    pub(crate) key: Option<String>,
    /// Who reads it.
    pub(crate) reader: Reader,
    /// Whether the reader starts without it.
    pub(crate) optional: bool,
}

/// Who reads, and what.
pub(crate) fn resolve(object: &Object<'_, '_>, read: &SecretUse) -> Vec<KeyUse> {
    let place = FieldTrail::of(object, &read.path);
    let optional = place.optional();
    let reading = |key: Option<&KeyName>, container: Option<&str>, access: Access| KeyUse {
        key: key.map(|key| key.vaulted.clone()),
        reader: Reader { object: object.reference(), container: container.map(str::to_owned), access },
        optional: optional && !key.is_some_and(|key| key.rendered),
    };
    // Keys that nobody can tell make one reading without a key.
    let keys: Vec<Option<&KeyName>> =
        if read.keys.is_empty() { vec![None] } else { read.keys.iter().map(Some).collect() };
    let field = || Access::Field(read.path.to_string());
    let mut found = Vec::new();
    for key in keys {
        if let Some(variable) = &read.added {
            let container = place.text(place.nodes[place.nodes.len() - 1], "name").unwrap_or_default();
            found.push(reading(key, Some(container), Access::Variable(variable.clone())));
            continue;
        }
        if let Some((container, variable)) = place.variable(key.map(|key| key.chart.as_str())) {
            found.push(reading(key, Some(container), variable.map_or_else(field, Access::Variable)));
            continue;
        }
        let files = place.files(key.map(|key| key.chart.as_str()));
        if files.is_empty() {
            found.push(reading(key, None, field()));
        }
        found.extend(
            files.into_iter().map(|(container, file)| reading(key, Some(container), Access::File(file))),
        );
    }
    found
}

/// A path with the node at each of its steps.
struct FieldTrail<'t, 'p> {
    tree: &'t Tree<'t>,
    steps: Vec<&'p Step>,
    /// One more than the steps: the first is where the object begins.
    nodes: Vec<NodeId>,
}

impl<'t, 'p> FieldTrail<'t, 'p> {
    fn of<'s: 't>(object: &Object<'t, 's>, path: &'p Path) -> Self {
        let tree = object.tree;
        let mut steps = path.steps_from(object.path.len());
        let mut nodes = vec![object.node];
        for step in &steps {
            match tree.child(nodes[nodes.len() - 1], step) {
                Some(next) => nodes.push(next),
                None => break,
            }
        }
        steps.truncate(nodes.len() - 1);
        Self { tree, steps, nodes }
    }

    fn text(&self, node: NodeId, key: &str) -> Option<&'t str> {
        self.tree.get(node, key).and_then(|value| self.tree.text(value))
    }

    fn object_name(&self) -> Option<&'t str> {
        self.tree.get_in(self.nodes[0], &["metadata", "name"]).and_then(|name| self.tree.text(name))
    }

    /// The position of the last key that is like this and is followed by an index.
    fn list(&self, is_like: impl Fn(&str) -> bool) -> Option<usize> {
        self.steps
            .windows(2)
            .rposition(|pair| matches!(pair, [Step::Key(key), Step::Index(_)] if is_like(key)))
    }

    /// The container, and the variable, where the place belongs to one; of `envFrom`, the variable that a key makes.
    fn variable(&self, key: Option<&str>) -> Option<(&'t str, Option<String>)> {
        let at = self.list(|key| is_about_variables(key) || is_env_from(key))?;
        // Of a list outside of containers, the nearest name above it.
        let mut names = self.nodes[..=at].iter().rev().filter_map(|node| self.text(*node, "name"));
        let container = names.next().or_else(|| self.object_name()).unwrap_or_default();
        let entry = self.nodes[at + 2];
        let variable = match &self.steps[at] {
            Step::Key(list) if is_about_variables(list) => self.text(entry, "name").map(str::to_owned),
            _ => key.map(|key| format!("{}{key}", self.text(entry, "prefix").unwrap_or_default())),
        };
        Some((container, variable))
    }

    /// The containers that mount the volume at this place, each with the path of the key's file, or of the folder.
    fn files(&self, key: Option<&str>) -> Vec<(&'t str, String)> {
        let Some(at) = self.list(|key| key == "volumes") else { return Vec::new() };
        let (pod, volume) = (self.nodes[at], self.nodes[at + 2]);
        let name = self.text(volume, "name");
        let file = key.map(|key| self.file_name(key));
        let containers = CONTAINER_LISTS
            .iter()
            .filter_map(|list| self.tree.get(pod, list).and_then(|list| self.tree.items(list)))
            .flatten();
        let mut found = Vec::new();
        for container in containers {
            let mounts = self.tree.get(*container, "volumeMounts").and_then(|list| self.tree.items(list));
            for mount in mounts.unwrap_or_default().iter().filter(|mount| self.text(**mount, "name") == name)
            {
                let folder = self.text(*mount, "mountPath").unwrap_or_default();
                let path = match (&file, self.text(*mount, "subPath").filter(|path| !path.is_empty())) {
                    (None, _) => folder.to_owned(),
                    (Some(file), None) => format!("{}/{file}", folder.trim_end_matches('/')),
                    (Some(file), Some(part)) if file == part => folder.to_owned(),
                    (Some(_), Some(_)) => continue,
                };
                found.push((self.text(*container, "name").unwrap_or_default(), path));
            }
        }
        found
    }

    /// The file that a volume makes of a key.
    fn file_name(&self, key: &str) -> String {
        let holder = self.nodes[self.nodes.len().saturating_sub(2)];
        let items = self.tree.get(holder, "items").and_then(|items| self.tree.items(items));
        let mut items = items.unwrap_or_default().iter();
        let item = items.find(|item| self.text(**item, "key") == Some(key));
        item.and_then(|item| self.text(*item, "path")).unwrap_or(key).to_owned()
    }

    /// Whether the reference, or the one that a variable had, is optional.
    fn optional(&self) -> bool {
        let last = self.nodes[self.nodes.len() - 1];
        let holder = match self.steps.last() {
            Some(Step::Index(_)) => self.tree.get_in(last, &["valueFrom", "secretKeyRef"]),
            _ => self.nodes.len().checked_sub(2).map(|at| self.nodes[at]),
        };
        holder.and_then(|holder| self.text(holder, "optional")) == Some("true")
    }
}
