//! The entries of `env` that win over `envFrom`, and those that may leave it as it is.

use std::collections::{HashMap, HashSet};

use crate::rules::{Context, ObjectView, RuleOutput};
use crate::yaml::scalar::kubernetes_boolean;
use crate::yaml::{NodeId, Path};

/// The variables that have an entry of their own, or get one by another rule. One that a rule removes shall not be there at all.
pub(super) fn own_entries(
    subject: &ObjectView<'_, '_, '_>,
    context: Context<'_>,
    path: &Path,
    container: NodeId,
    outcome: &RuleOutput,
) -> HashSet<String> {
    let (tree, list) = (subject.object.tree, path.key("env"));
    let items = tree.get(container, "env").and_then(|env| tree.items(env)).unwrap_or_default();
    let own = items.iter().filter_map(|item| tree.text(tree.get(*item, "name")?));
    let mut names: HashSet<String> = own.map(str::to_owned).collect();
    if context.config.env.iter().any(|rule| rule.add) {
        let added = outcome.patch.ops().iter().flat_map(|op| op.added_to(&list));
        names.extend(added.filter_map(|entry| Some(entry.get("name")?.as_str()?.to_owned())));
    }
    names
}

/// The entries that may give nothing, so that `envFrom` counts: optional ones, of a key that the stream does not hold.
pub(super) fn unsure_entries(
    subject: &ObjectView<'_, '_, '_>,
    context: Context<'_>,
    path: &Path,
    container: NodeId,
) -> HashMap<String, (NodeId, Path)> {
    let (tree, list) = (subject.object.tree, path.key("env"));
    let items = tree.get(container, "env").and_then(|env| tree.items(env)).unwrap_or_default();
    let text = |node: NodeId, key: &str| tree.get(node, key).and_then(|value| tree.text(value));
    let is_unsure = |item: NodeId| {
        let references = ["secretKeyRef", "configMapKeyRef"].into_iter();
        let reference = references
            .filter_map(|field| Some((field, tree.get_in(item, &["valueFrom", field])?)))
            .find(|(_, reference)| text(*reference, "optional").and_then(kubernetes_boolean) == Some(true));
        reference.is_some_and(|(field, reference)| {
            let (name, namespace) = (text(reference, "name").unwrap_or_default(), subject.object.namespace());
            let keys = if field == "secretKeyRef" {
                context.facts.keys_of(name, namespace)
            } else {
                context.facts.config_maps.keys_of(name, namespace)
            };
            let key = text(reference, "key").unwrap_or_default();
            !keys.is_some_and(|keys| keys.contains(&key))
        })
    };
    let unsure = items.iter().enumerate().filter(|(_, item)| is_unsure(**item));
    let named = unsure.filter_map(|(position, item)| {
        Some((text(*item, "name")?.to_owned(), (*item, list.index(position))))
    });
    named.collect()
}
