//! New entries in the `env` of a container, behind the others or before them.

use serde_json::{Map, Value};

use crate::edit::patch::Op;
use crate::rules::RuleOutput;
use crate::yaml::{NodeId, Path, Tree};

/// Whether a container has an entry of this name.
pub(super) fn has_entry(tree: &Tree<'_>, container: NodeId, variable: &str) -> bool {
    let items = tree.get(container, "env").and_then(|env| tree.items(env)).unwrap_or_default();
    let mut names = items.iter().filter_map(|item| tree.text(tree.get(*item, "name")?));
    names.any(|name| name == variable)
}

/// The entry of a variable that reads a key of a Secret.
pub(super) fn reading(variable: &str, secret: &str, key: &str, optional: Option<Value>) -> Value {
    // Maps of just this size: those that grow take three times the room, and there may be one for each line of a document.
    let name = |name: &str| ("name".to_owned(), Value::from(name));
    let mut reference = vec![name(secret), ("key".to_owned(), key.into())];
    reference.extend(optional.map(|optional| ("optional".to_owned(), optional)));
    let source = Map::from_iter([("secretKeyRef".to_owned(), to_map(reference).into())]);
    to_map(vec![name(variable), ("valueFrom".to_owned(), source.into())]).into()
}

fn to_map(entries: Vec<(String, Value)>) -> Map<String, Value> {
    let mut map = Map::with_capacity(entries.len());
    map.extend(entries);
    map
}

/// Puts entries behind the others of a container, in a new list where it has none.
pub(super) fn append(
    tree: &Tree<'_>,
    container: NodeId,
    path: &Path,
    entries: Vec<Value>,
    outcome: &mut RuleOutput,
) {
    if entries.is_empty() {
        return;
    }
    let list = path.key("env");
    match tree.get(container, "env") {
        None => outcome.patch.push(Op::add(list, entries)),
        Some(env) if tree.items(env).is_some() => {
            for value in entries {
                outcome.patch.push(Op::append(list.clone(), value));
            }
        }
        // `env:` and nothing behind it.
        Some(_) => outcome.patch.push(Op::replace(list, entries)),
    }
}

/// Puts entries before the others of a container: what these expand is defined before them.
pub(super) fn prepend(
    tree: &Tree<'_>,
    container: NodeId,
    path: &Path,
    entries: Vec<Value>,
    outcome: &mut RuleOutput,
) {
    let list = path.key("env");
    let env = tree.get(container, "env").and_then(|env| tree.items(env));
    if env.is_some_and(|items| !items.is_empty()) {
        let first = list.index(0);
        outcome.patch.extend(entries.into_iter().map(|value| Op::insert(first.clone(), value)));
    } else if let Some(others) = outcome.patch.new_list(&list) {
        // Another rule makes the list.
        others.splice(0..0, entries);
    } else if env.is_some() {
        outcome.patch.append_first(&list, entries);
    } else {
        append(tree, container, path, entries, outcome);
    }
}
