//! Proposed rules for ConfigMaps that hold credentials.

use std::collections::BTreeMap;

use crate::analysis::scan::generated::stem;
use crate::analysis::scan::naming::{Content, CredentialValue, Keys, SecretNames};
use crate::analysis::scan::{Inventory, PlainCredential};

/// A rule of `spec.configMaps`.
#[derive(Clone)]
pub(super) struct ConfigMapsDraft {
    pub(super) name: String,
    pub(super) only: Vec<String>,
    pub(super) to: String,
    pub(super) renames: Vec<(String, String)>,
}

/// A rule for each name: the keys that hold nothing but a credential.
pub(super) fn config_maps(
    inventory: &Inventory,
    to: Option<&str>,
    names: &mut SecretNames,
    keys: &mut Keys,
) -> Vec<ConfigMapsDraft> {
    let mut by_name: BTreeMap<&str, Vec<(&str, &PlainCredential)>> = BTreeMap::new();
    for found in &inventory.credentials {
        let object = &found.place.object;
        if let Some(key) = found.config_map_key.as_deref().filter(|_| object.kind == "ConfigMap") {
            by_name.entry(&object.name).or_default().push((key, found));
        }
    }
    let rule = |(name, found): (&str, Vec<(&str, &PlainCredential)>)| {
        let pattern = inventory.generated.pattern("ConfigMap", name);
        let to = to.map_or_else(|| names.claim(&format!("{}-vault", stem(&pattern))), str::to_owned);
        let mut rule = ConfigMapsDraft { name: pattern, only: Vec::new(), to, renames: Vec::new() };
        for (key, _) in &found {
            if rule.only.iter().any(|known| known == key) {
                continue;
            }
            let of_key = found.iter().filter(|(other, _)| other == key);
            let content = |(_, found): &(&str, &PlainCredential)| Content {
                namespace: found.place.object.namespace.clone(),
                value: CredentialValue::Key(format!("ConfigMap {name}"), (*key).to_owned()),
            };
            let contents: Vec<Content> = of_key.map(content).collect();
            let vaulted = keys.claim(&rule.to, key, name, &contents);
            if vaulted != *key {
                rule.renames.push(((*key).to_owned(), vaulted));
            }
            rule.only.push((*key).to_owned());
        }
        rule
    };
    by_name.into_iter().map(rule).collect()
}
