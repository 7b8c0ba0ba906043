//! Substitutes for the removed Secrets, put behind the manifests of `--check` so that the filter knows their names.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, SecretsRule};
use crate::kube::object::{Object, distinct_keys, objects};
use crate::kube::references::{Takes, references};
use crate::rules::facts::selects;
use crate::stream;
use crate::yaml::{self, NodeId, Tree};

/// A substitute for the value of a removed Secret: no manifest holds it.
const NO_VALUE: &str = "resecret-guard-check-stands-in-for-a-value";

/// Documents with the Secrets that references of the manifests can mean and that are not among them: those of the render,
/// else one for every name that a rule matches.
pub(super) fn stand_ins(manifests: &[u8], render: Option<&[u8]>, config: &Config) -> Vec<u8> {
    let mut found = WantedSecrets::default();
    for document in stream::documents(manifests) {
        let Ok(text) = stream::text(&document) else { continue };
        let Ok(tree) = yaml::parse(text) else { continue };
        for object in objects(&tree) {
            if let Some(holder) = holder_of(&object) {
                found.present.insert(holder);
            }
            if object.is_secret() {
                continue;
            }
            config_maps(&tree, object.node, &mut found.config_maps);
            for reference in references(&object, config, None).found {
                let keys = found.wanted.entry(reference.name.to_owned()).or_default();
                match reference.takes {
                    Takes::Key(_, key) => {
                        keys.insert(key.to_owned());
                    }
                    Takes::Items(items) => keys.extend(items.into_iter().map(|(_, key)| key.to_owned())),
                    _ => {}
                }
            }
        }
    }
    let mut documents = Vec::new();
    match render {
        Some(render) => found.of_render(render, config, &mut documents),
        None => found.of_rules(config, &mut documents),
    }
    documents
}

/// The manifests as if there were no Secrets and ConfigMaps that rules are about and that hold no moved key any more; none
/// where there are none of those.
pub(super) fn without_filtered_holders(manifests: &[u8], config: &Config) -> Option<Vec<u8>> {
    let is_filtered = |object: &Object<'_, '_>| {
        let keys = distinct_keys(&object.held_data());
        let name = object.name().unwrap_or_default();
        let is_about = |rule: &&SecretsRule| rule.splits() && selects(rule, object, name);
        let mut rules = config.secrets.iter().filter(is_about).peekable();
        rules.peek().is_some() && rules.all(|rule| !keys.iter().any(|key| rule.only.contains(key)))
    };
    let mut others = manifests.to_vec();
    for document in stream::documents(manifests) {
        let Ok(text) = stream::text(&document) else { continue };
        let Ok(tree) = yaml::parse(text) else { continue };
        let start = document.offset + document.body;
        for object in
            objects(&tree).iter().filter(|object| holder_of(object).is_some() && is_filtered(object))
        {
            hide(object, &mut others[start..]);
        }
    }
    (others != manifests).then_some(others)
}

/// Makes a kind that nothing is known of out of the kind of a Secret or ConfigMap, in the text of its document: every
/// place stays where it is. An item that has its kind from its list takes the others with it.
fn hide(object: &Object<'_, '_>, text: &mut [u8]) {
    let tree = object.tree;
    let own =
        tree.get(object.node, "kind").filter(|kind| tree.text(*kind).is_some_and(|kind| !kind.is_empty()));
    let Some(kind) = own.or_else(|| tree.get(tree.root()?, "kind")) else { return };
    let kind = tree.resolve(kind);
    if let Some(at) = tree.source_of(kind).find(&object.kind) {
        text[tree.content(kind).start + at] = b'X';
    }
}

/// The names of ConfigMaps that pods read.
fn config_maps(tree: &Tree<'_>, node: NodeId, names: &mut BTreeSet<String>) {
    for item in tree.items(node).unwrap_or_default() {
        config_maps(tree, *item, names);
    }
    for (key, value) in tree.entries(node).unwrap_or_default() {
        if matches!(tree.text(*key), Some("configMapKeyRef" | "configMapRef" | "configMap")) {
            names.extend(tree.get(*value, "name").and_then(|name| tree.text(name)).map(str::to_owned));
        }
        config_maps(tree, *value, names);
    }
}

/// A Secret or ConfigMap: whether it is the latter, and its name.
type HolderName = (bool, String);

/// What an object is, where it is one of both.
fn holder_of(object: &Object<'_, '_>) -> Option<HolderName> {
    let is_holder = object.is_secret() || object.is_config_map();
    is_holder.then(|| (object.is_config_map(), object.name().unwrap_or_default().to_owned()))
}

/// The Secrets of manifests.
#[derive(Default)]
struct WantedSecrets {
    /// Those that are there, and ConfigMaps.
    present: BTreeSet<HolderName>,
    /// Names that references hold, and the keys that they take.
    wanted: BTreeMap<String, BTreeSet<String>>,
    /// Names of ConfigMaps that readers hold.
    config_maps: BTreeSet<String>,
}

impl WantedSecrets {
    /// The documents of a render that hold Secrets, and where keys are moved, ConfigMaps; without those that are present.
    fn of_render(&self, render: &[u8], config: &Config, documents: &mut Vec<u8>) {
        for document in stream::documents(render) {
            let Ok(text) = stream::text(&document) else { continue };
            let Ok(tree) = yaml::parse(text) else { continue };
            let all = objects(&tree);
            let is_wanted = |object: &Object<'_, '_>| {
                holder_of(object).is_some_and(|holder| {
                    !holder.1.is_empty() && !self.present.contains(&holder) && (!holder.0 || config.splits())
                })
            };
            if all.iter().any(is_wanted) {
                documents.extend(b"\n---\n");
                let start = documents.len();
                documents.extend(text.as_bytes());
                let is_present = |object: &&Object<'_, '_>| {
                    holder_of(object).is_some_and(|holder| self.present.contains(&holder))
                };
                for object in all.iter().filter(is_present) {
                    hide(object, &mut documents[start..]);
                }
            }
        }
    }

    /// The names of Secrets or ConfigMaps that readers hold.
    fn readable(&self, of_config_maps: bool) -> Box<dyn Iterator<Item = &str> + '_> {
        if of_config_maps {
            Box::new(self.config_maps.iter().map(String::as_str))
        } else {
            Box::new(self.wanted.keys().map(String::as_str))
        }
    }

    /// A document for each name that a rule without a render means.
    fn of_rules(&self, config: &Config, documents: &mut Vec<u8>) {
        let means = |rule: &SecretsRule, name: &str| {
            let is_own = rule.same_name && rule.to.as_deref() == Some(name);
            !rule.redirects
                && !rule.splits()
                && is_by_name(rule)
                && rule.name.matches(name)
                && (is_own || !config.vault.contains(name))
        };
        for (name, keys) in
            self.wanted.iter().filter(|(name, _)| !self.present.contains(&(false, (*name).clone())))
        {
            if config.secrets.iter().any(|rule| means(rule, name)) {
                let all: BTreeMap<&str, &str> =
                    keys.iter().map(String::as_str).chain(["x"]).map(|key| (key, NO_VALUE)).collect();
                document(documents, (false, name), &all);
            }
        }
        for rule in config.secrets.iter().filter(|rule| rule.splits() && is_by_name(rule)) {
            let exact = rule.name.0.iter().filter(|name| !name.is_glob()).map(ToString::to_string);
            // What a glob matches and a reader names.
            let read = self.readable(rule.of_config_maps).filter(|name| rule.name.matches(name));
            let names: BTreeSet<String> = exact.chain(read.map(str::to_owned)).collect();
            for name in names.into_iter().filter(|name| !config.vault.contains(name)) {
                if !self.present.contains(&(rule.of_config_maps, name.clone())) {
                    let keys = rule.only.iter().map(String::as_str).chain([STAYS]);
                    document(
                        documents,
                        (rule.of_config_maps, &name),
                        &keys.map(|key| (key, NO_VALUE)).collect(),
                    );
                }
            }
        }
    }
}

/// Whether a name is all that a rule asks for.
pub(super) fn is_by_name(rule: &SecretsRule) -> bool {
    rule.labels.is_empty() && rule.source.is_empty()
}

/// A substitute for the keys that stay where some are moved.
const STAYS: &str = "resecret-stands-in-for-what-stays";

/// Adds a Secret or ConfigMap.
fn document(documents: &mut Vec<u8>, (is_config_map, name): (bool, &str), data: &BTreeMap<&str, &str>) {
    let (kind, field) = if is_config_map { ("ConfigMap", "data") } else { ("Secret", "stringData") };
    let object =
        serde_json::json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, field: data});
    documents.extend(format!("\n---\n{object}\n").bytes());
}
