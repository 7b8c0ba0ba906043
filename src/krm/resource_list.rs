//! The wrapper of the KRM function specification: its `results`, and the files that its items came from.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::diagnostics::{Diagnostic, Error, Location, report};
use crate::edit::edit;
use crate::edit::patch::{Op, Patch};
use crate::krm::{is_resource_list, resource_list};
use crate::kube::object::{Object, objects};
use crate::stream;
use crate::yaml::{self, Kind, NodeId, Path, Step, Tree};

const RESULTS: &str = "results";

/// The annotations that name an item's file and its position there; clients write the second pair for older functions.
const FILE: [&str; 2] = ["internal.config.kubernetes.io/path", "config.kubernetes.io/path"];
const INDEX: [&str; 2] = ["internal.config.kubernetes.io/index", "config.kubernetes.io/index"];

/// The diagnostics with the files that the items came from, and with paths inside the item.
///
/// Lines and columns are those of the ResourceList, which its client makes and throws away: where the file is known,
/// they would mislead.
pub(super) fn located(input: &[u8], diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    if diagnostics.is_empty() {
        return diagnostics;
    }
    let Ok(Some((_, tree))) = resource_list(input) else { return diagnostics };
    let items = objects(&tree);
    let locate = |diagnostic: Diagnostic| {
        let location = in_file(diagnostic.location.clone(), &items);
        diagnostic.at(location)
    };
    diagnostics.into_iter().map(locate).collect()
}

fn in_file(mut location: Location, items: &[Object<'_, '_>]) -> Location {
    let Some(reference) = location.object.clone() else { return location };
    let path = location.path.clone().unwrap_or_default();
    // Two items may have the same name, but a path belongs to one.
    let holds = |item: &&Object<'_, '_>| {
        let item_path = item.path.to_string();
        path.strip_prefix(&item_path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let named = |item: &&Object<'_, '_>| item.reference() == reference;
    let Some(item) = items.iter().find(holds).or_else(|| items.iter().find(named)) else { return location };
    location.path = location.path.map(|path| inside_item(&path, &item.path));
    if let Some(file) = first(item, FILE) {
        location.file = Some(file.to_owned());
        location.index = first(item, INDEX).and_then(|index| index.parse().ok());
        (location.document, location.line, location.column) = (None, None, None);
    }
    location
}

fn first<'t>(item: &Object<'t, '_>, annotations: [&str; 2]) -> Option<&'t str> {
    annotations.into_iter().find_map(|annotation| item.annotation(annotation))
}

/// A path without the steps that lead to the item: `items[3].spec` is `spec` to the reader of the item's file.
fn inside_item(path: &str, item: &Path) -> String {
    let wrapper = match item.first(2).steps()[..] {
        [Step::Key(items), Step::Index(index)] => format!("{items}[{index}]"),
        _ => return path.to_owned(),
    };
    path.strip_prefix(&wrapper).map_or(path, |rest| rest.trim_start_matches('.')).to_owned()
}

/// The ResourceList with these diagnostics as its results, behind those of earlier functions.
///
/// # Errors
///
/// The wrapper cannot be edited safely.
pub(super) fn with_results(bytes: &[u8], diagnostics: &[Diagnostic]) -> Result<Vec<u8>, Error> {
    let mut output = Vec::with_capacity(bytes.len());
    for document in stream::documents(bytes) {
        let (marker, content) = document.bytes.split_at(document.body);
        output.extend_from_slice(marker);
        let tree = std::str::from_utf8(content).ok().and_then(|text| yaml::parse(text).ok());
        match tree.filter(is_resource_list) {
            Some(tree) => {
                let edited =
                    edit(&tree, &results(&tree, diagnostics)).map_err(|refused| refused.diagnostic)?;
                let text = edited.map_or_else(|| tree.source().to_owned(), |(text, _)| text);
                output.extend_from_slice(text.as_bytes());
            }
            None => output.extend_from_slice(content),
        }
    }
    Ok(output)
}

/// The diagnostic without the lines of a ResourceList that is gone by the time somebody reads the results.
fn lasting(mut diagnostic: Diagnostic) -> Diagnostic {
    let location = &mut diagnostic.location;
    if location.file.is_none() {
        (location.document, location.line, location.column) = (None, None, None);
    }
    diagnostic
}

/// What is not among the results yet: a function that runs on its own output has nothing new to say.
fn results(tree: &Tree<'_>, diagnostics: &[Diagnostic]) -> Patch {
    let mut patch = Patch::default();
    let path = Path::root().key(RESULTS);
    let mut results = report::results(&diagnostics.iter().cloned().map(lasting).collect::<Vec<_>>());
    let earlier = tree.root().and_then(|root| tree.get(root, RESULTS));
    match earlier.map(|node| tree.kind(tree.resolve(node))) {
        None => patch.push(Op::add(path, Value::Array(results))),
        Some(Kind::Sequence(_, items)) => {
            let known: HashSet<String> = items.iter().map(|item| node_key(tree, *item)).collect();
            results.retain(|result| !known.contains(&value_key(result)));
            for value in results {
                patch.push(Op::append(path.clone(), value));
            }
        }
        Some(_) => patch.push(Op::replace(path, Value::Array(results))),
    }
    patch
}

/// A text that two results share exactly if they are the same. Only scalars count as texts: a result of ours holds
/// nothing that its reader could take for anything else.
fn value_key(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => format!("[{}]", joined(items.iter().map(value_key))),
        Value::Object(fields) => {
            fields_key(fields.iter().map(|(key, value)| (format!("{key:?}"), value_key(value))))
        }
        other => format!("{:?}", other.to_string()),
    }
}

/// The same for a result that is in the list already.
fn node_key(tree: &Tree<'_>, node: NodeId) -> String {
    match tree.kind(tree.resolve(node)) {
        Kind::Sequence(_, items) => format!("[{}]", joined(items.iter().map(|item| node_key(tree, *item)))),
        Kind::Mapping(_, entries) => {
            fields_key(entries.iter().map(|(key, value)| (node_key(tree, *key), node_key(tree, *value))))
        }
        Kind::Scalar(scalar) => format!("{:?}", scalar.text),
        // An alias of an alias is none that YAML knows.
        Kind::Alias(_) => String::new(),
    }
}

fn fields_key(fields: impl Iterator<Item = (String, String)>) -> String {
    let fields: BTreeMap<String, String> = fields.collect();
    format!("{{{}}}", joined(fields.into_iter().map(|(key, value)| format!("{key}: {value}"))))
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}
