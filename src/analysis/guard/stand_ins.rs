//! Secrets behind manifests that are checked, so that the filter knows which names are those of removed ones.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, SecretsRule};
use crate::kube::object::objects;
use crate::kube::references::{Takes, references};
use crate::stream;
use crate::yaml;

/// What stands for the value of a removed Secret: no manifest holds it.
const NO_VALUE: &str = "resecret-guard-check-stands-in-for-a-value";

/// Documents with the Secrets that references of the manifests can mean and that are not among them: those of the render,
/// else one for every name that a rule matches.
pub(super) fn stand_ins(manifests: &[u8], render: Option<&[u8]>, config: &Config) -> Vec<u8> {
    let mut found = WantedSecrets::default();
    for document in stream::documents(manifests) {
        let Ok(text) = stream::text(&document) else { continue };
        let Ok(tree) = yaml::parse(text) else { continue };
        for object in objects(&tree) {
            if object.is_secret() {
                found.present.insert(object.name().unwrap_or_default().to_owned());
                continue;
            }
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
        Some(render) => found.of_render(render, &mut documents),
        None => found.of_rules(config, &mut documents),
    }
    documents
}

/// The Secrets of manifests.
#[derive(Default)]
struct WantedSecrets {
    /// Those that are there.
    present: BTreeSet<String>,
    /// Names that references hold, and the keys that they take.
    wanted: BTreeMap<String, BTreeSet<String>>,
}

impl WantedSecrets {
    /// The documents of a render that hold Secrets.
    fn of_render(&self, render: &[u8], documents: &mut Vec<u8>) {
        for document in stream::documents(render) {
            let Ok(text) = stream::text(&document) else { continue };
            let Ok(tree) = yaml::parse(text) else { continue };
            let all = objects(&tree);
            let is_new = |name: Option<&str>| name.is_some_and(|name| !self.present.contains(name));
            if !all.is_empty() && all.iter().all(|object| object.is_secret() && is_new(object.name())) {
                documents.extend(b"\n---\n");
                documents.extend(text.as_bytes());
            }
        }
    }

    /// A document for each name that a rule without a render means.
    fn of_rules(&self, config: &Config, documents: &mut Vec<u8>) {
        let means = |rule: &SecretsRule, name: &str| {
            let is_own = rule.same_name && rule.to.as_deref() == Some(name);
            !rule.redirects
                && !rule.splits()
                && rule.labels.is_empty()
                && rule.source.is_empty()
                && rule.name.matches(name)
                && (is_own || !config.vault.contains(name))
        };
        for (name, keys) in self.wanted.iter().filter(|(name, _)| !self.present.contains(*name)) {
            if config.secrets.iter().any(|rule| means(rule, name)) {
                let all: BTreeMap<&str, &str> =
                    keys.iter().map(String::as_str).chain(["x"]).map(|key| (key, NO_VALUE)).collect();
                let secret = serde_json::json!({
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": name},
                    "stringData": all,
                });
                documents.extend(format!("\n---\n{secret}\n").bytes());
            }
        }
    }
}
