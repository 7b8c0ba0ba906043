//! Which Secrets and ConfigMaps the policies know by name, told without a server: a render says all, the rules say some.

use std::collections::BTreeMap;

use crate::analysis::guard::evidence::RemovedKeys;
use crate::analysis::guard::render::Render;
use crate::analysis::guard::stand_ins::is_by_name;
use crate::config::{Config, Pattern, SecretsRule};
use crate::yaml::{NodeId, Tree};

/// What happens to a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretFate {
    /// It is removed.
    Removed,
    /// It stays, and some of its keys go to the vault.
    Split,
}

/// What is known of the Secrets that rules are about.
pub(super) struct KnownSecrets<'a> {
    /// What happens to them, by name.
    pub(super) fates: BTreeMap<String, SecretFate>,
    /// The keys that the render gives those that are removed.
    pub(super) keys: RemovedKeys,
    config: &'a Config,
    /// What the policies are made from beside the configuration.
    render: Option<&'a Render>,
}

impl<'a> KnownSecrets<'a> {
    /// Of manifests, of which `all` are the Secrets, stand-ins included.
    pub(super) fn of(all: Render, config: &'a Config, render: Option<&'a Render>, keys: RemovedKeys) -> Self {
        let redirected = config.secrets.iter().filter(|rule| rule.redirects).flat_map(|rule| &rule.name.0);
        let split = all.holders.into_iter().filter(|holder| holder.rule.is_some() && !holder.is_config_map);
        let removed =
            all.removed.into_iter().map(|secret| secret.name).chain(redirected.map(ToString::to_string));
        let removed = removed.map(|name| (name, SecretFate::Removed));
        let fates = split.map(|holder| (holder.name, SecretFate::Split)).chain(removed).collect();
        Self { fates, keys, config, render }
    }

    /// Whether the policies come from a render.
    pub(super) fn is_rendered(&self) -> bool {
        self.render.is_some()
    }

    /// Whether the policies know that a reference to this Secret is at fault.
    pub(super) fn knows(&self, name: &str) -> bool {
        match self.fates.get(name) {
            Some(SecretFate::Split) => self.reads(false, name),
            Some(SecretFate::Removed) => {
                let redirects = |rule: &SecretsRule| rule.redirects && rule.name.matches(name);
                self.config.secrets.iter().any(redirects)
                    || self.render.map_or_else(
                        || self.config.secrets.iter().any(|rule| !rule.splits() && is_about(rule, name)),
                        |render| render.removed.iter().any(|secret| secret.name == name),
                    )
            }
            None => false,
        }
    }

    /// The names of removed Secrets that the policies know.
    pub(super) fn removed_names(&self) -> Vec<&str> {
        let removed = self.fates.iter().filter(|(_, fate)| **fate == SecretFate::Removed);
        removed.map(|(name, _)| name.as_str()).filter(|name| self.knows(name)).collect()
    }

    /// Whether the policies know that some keys of a Secret or ConfigMap are moved, where a reader names the key.
    pub(super) fn reads(&self, is_config_map: bool, name: &str) -> bool {
        self.is_split(is_config_map, name, |_| true)
    }

    /// The same where a reader takes all keys: only the chart knows whether what a glob matches has them.
    fn takes(&self, is_config_map: bool, name: &str) -> bool {
        let is_sure = |rule: &SecretsRule| !rule.optional && !rule.name.0.iter().any(Pattern::is_glob);
        self.is_split(is_config_map, name, is_sure)
    }

    fn is_split(&self, is_config_map: bool, name: &str, is_sure: impl Fn(&SecretsRule) -> bool) -> bool {
        if let Some(render) = self.render {
            let mut holders = render.holders.iter();
            return holders.any(|holder| {
                holder.is_config_map == is_config_map && holder.name == name && holder.rule.is_some()
            });
        }
        let is_about = |rule: &&SecretsRule| {
            rule.splits() && rule.of_config_maps == is_config_map && is_about(rule, name)
        };
        self.config.secrets.iter().filter(is_about).any(is_sure)
    }

    /// Whether the policies know what a source of `envFrom` brings.
    pub(super) fn knows_source(&self, tree: &Tree<'_>, source: NodeId) -> bool {
        let holder = |key: &str| tree.get_in(source, &[key, "name"]).and_then(|name| tree.text(name));
        [(false, "secretRef"), (true, "configMapRef")]
            .into_iter()
            .any(|(is_config_map, key)| holder(key).is_some_and(|name| self.takes(is_config_map, name)))
    }

    /// Whether the policies know that a volume, or one of its sources, takes a moved key.
    pub(super) fn knows_volume(&self, tree: &Tree<'_>, volume: NodeId) -> bool {
        let sources = tree.get_in(volume, &["projected", "sources"]).and_then(|list| tree.items(list));
        let all = [volume].into_iter().chain(sources.unwrap_or_default().iter().copied());
        all.into_iter().any(|source| {
            [(false, "secret"), (true, "configMap")].into_iter().any(|(is_config_map, key)| {
                let Some(holder) = tree.get(source, key) else { return false };
                let name =
                    ["secretName", "name"].iter().find_map(|field| tree.text(tree.get(holder, field)?));
                let items = tree.get(holder, "items").and_then(|items| tree.items(items));
                name.is_some_and(|name| match items {
                    Some([_, ..]) => self.reads(is_config_map, name),
                    _ => self.takes(is_config_map, name),
                })
            })
        })
    }

    /// Whether a variable reads a key of what a rule moves keys out of, and the policies do not know it.
    pub(super) fn reads_unknown(&self, tree: &Tree<'_>, entry: NodeId) -> bool {
        [(false, "secretKeyRef"), (true, "configMapKeyRef")].into_iter().any(|(is_config_map, source)| {
            let name = tree.get_in(entry, &["valueFrom", source, "name"]).and_then(|name| tree.text(name));
            let is_about = |name: &str| {
                let mut rules =
                    self.config.secrets.iter().filter(|rule| rule.of_config_maps == is_config_map);
                rules.any(|rule| rule.splits() && rule.name.matches(name))
            };
            name.is_some_and(|name| is_about(name) && !self.reads(is_config_map, name))
        })
    }
}

/// Whether a rule is about this name, and asks for nothing else.
fn is_about(rule: &SecretsRule, name: &str) -> bool {
    is_by_name(rule) && rule.name.matches(name)
}
