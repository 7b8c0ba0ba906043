//! Finds where each value of a vaulted Secret is in the live release today.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::adopt::shell::words;
use crate::analysis::upgrade::merge::{self, Entry};
use crate::analysis::upgrade::release::{EnvOf, Member, Release};
use crate::config::Config;
use crate::kube::pods::CONTAINER_LISTS;
use crate::yaml::{Path, Step};

/// A live value for a key of a vaulted Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LiveValue {
    /// The namespace of the Secret and of the place, where an object says it.
    pub(super) namespace: Option<String>,
    /// The vaulted Secret.
    pub(super) secret: String,
    /// Its key.
    pub(super) key: String,
    /// Where the value is.
    pub(super) place: ValueSite,
    /// What the value means for the pods of today.
    pub(super) role: Role,
}

/// What a live value means for the pods of today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// None reads it.
    Spare,
    /// They read it.
    Read,
    /// They read it, and stored data was made with it.
    Same,
}

/// A place of a live value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ValueSite {
    /// A key of a Secret.
    Secret(String, String),
    /// A key of a ConfigMap.
    ConfigMap(String, String),
    /// The literal of a variable.
    Variable {
        /// The object, as kubectl names it.
        object: String,
        /// The list of containers, as a template finds it.
        containers: String,
        /// The container.
        container: String,
        /// The variable.
        name: String,
    },
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spare => "spare",
            Self::Read => "read",
            Self::Same => "same",
        })
    }
}

/// The words by which the script's functions know a place.
impl fmt::Display for ValueSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::Secret(name, key) => words(["secret", name, key]),
            Self::ConfigMap(name, key) => words(["configmap", name, key]),
            Self::Variable { object, containers, container, name } => {
                words(["variable", object, containers, container, name])
            }
        })
    }
}

/// Every live value that a vaulted Secret needs, by Secret and key; of one key, those first that pods read today. What is
/// in its place already is left out.
pub(super) fn live_values(previous: &Release<'_>, next: &Release<'_>, config: &Config) -> Vec<LiveValue> {
    let is_elsewhere =
        |value: &LiveValue| value.place != ValueSite::Secret(value.secret.clone(), value.key.clone());
    places(previous, next, config).into_iter().filter(is_elsewhere).collect()
}

/// Every place of a value that is in a vaulted Secret from now on.
pub(super) fn places(previous: &Release<'_>, next: &Release<'_>, config: &Config) -> Vec<LiveValue> {
    let mut values = LiveValues { config, found: BTreeMap::new() };
    for object in next.members().filter(|member| !member.is_hook) {
        let Some(before) = previous.find(object) else { continue };
        let live = previous.live(object).unwrap_or(before);
        for new in &object.env {
            let Some(old) = live.env_of(new) else { continue };
            values.of_container(object, new, old, next);
        }
    }
    for secret in previous.members().filter(|member| !member.is_hook) {
        values.of_secret(secret, previous, next.find(secret));
        values.of_config_map(secret, next.find(secret));
    }
    values.finish()
}

/// Namespace, Secret and key.
type VaultedPlace = (Option<String>, String, String);

struct LiveValues<'c> {
    config: &'c Config,
    /// The places of each key, in the order in which they were found.
    found: BTreeMap<VaultedPlace, Vec<(ValueSite, Role)>>,
}

impl LiveValues<'_> {
    /// The variables of a container that read a Secret from now on.
    fn of_container(&mut self, object: &Member, new: &EnvOf, old: &EnvOf, next: &Release<'_>) {
        for entry in &new.entries {
            let name = merge::name(entry);
            let Some((secret, key)) = reference(entry, "secretKeyRef") else { continue };
            if next.renders_secret(secret, object.namespace()) {
                continue;
            }
            let entries = old.entries.iter().rev().filter(|entry| merge::name(entry) == name);
            for (position, entry) in entries.enumerate() {
                let Some(place) = place(entry, object, new) else { continue };
                // The first one met is the last one written, which the kubelet takes.
                let role = if position > 0 { Role::Spare } else { self.role(secret, &[key, name]) };
                self.add(object.namespace(), secret, key, place, role);
            }
        }
    }

    /// The keys of a Secret that leave the release, with the Secret or without it.
    fn of_secret(&mut self, secret: &Member, previous: &Release<'_>, next: Option<&Member>) {
        let Some((to, names)) = secret.secret.as_ref().and_then(|data| data.vaulted.as_ref()) else { return };
        let kept = next.and_then(|next| next.secret.as_ref()).map(|data| data.keys.as_slice());
        let leaves = |key: &String| kept.is_none_or(|kept| !kept.contains(key));
        let is_read = previous.members().any(|object| object.reads_beside_env(secret));
        for (key, name) in names.iter().filter(|(key, _)| leaves(key)) {
            let place = ValueSite::Secret(secret.name().to_owned(), key.clone());
            let role = if is_read { self.role(to, &[name, key]) } else { Role::Spare };
            self.add(secret.namespace(), to, name, place, role);
        }
    }

    /// The keys of a ConfigMap that leave the release, and that pods are taken to read.
    fn of_config_map(&mut self, map: &Member, next: Option<&Member>) {
        let Some((to, names)) = map.config_map.as_ref().and_then(|data| data.vaulted.as_ref()) else {
            return;
        };
        let kept = next.and_then(|next| next.config_map.as_ref()).map(|data| data.keys.as_slice());
        for (key, name) in names.iter().filter(|(key, _)| kept.is_none_or(|kept| !kept.contains(key))) {
            let place = ValueSite::ConfigMap(map.name().to_owned(), key.clone());
            let role = self.role(to, &[name, key]);
            self.add(map.namespace(), to, name, place, role);
        }
    }

    /// What a value means that is read under these names.
    fn role(&self, secret: &str, names: &[&str]) -> Role {
        if self.config.never_rotates(secret, names) { Role::Same } else { Role::Read }
    }

    fn add(&mut self, namespace: Option<&str>, secret: &str, key: &str, place: ValueSite, role: Role) {
        let id = (namespace.map(str::to_owned), secret.to_owned(), key.to_owned());
        let places = self.found.entry(id).or_default();
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, known)) => *known = role.max(*known),
            None => places.push((place, role)),
        }
    }

    fn finish(self) -> Vec<LiveValue> {
        let of_key = |((namespace, secret, key), mut places): (_, Vec<(ValueSite, Role)>)| {
            places.sort_by_key(|(_, role)| std::cmp::Reverse(*role));
            let value = move |(place, role)| LiveValue {
                namespace: Option::clone(&namespace),
                secret: String::clone(&secret),
                key: String::clone(&key),
                place,
                role,
            };
            places.into_iter().map(value).collect::<Vec<_>>()
        };
        self.found.into_iter().flat_map(of_key).collect()
    }
}

/// Where an entry's value is, if the script can read it there.
fn place(entry: &Entry, object: &Member, env: &EnvOf) -> Option<ValueSite> {
    let owned = |(name, key): (&str, &str)| (name.to_owned(), key.to_owned());
    if let Some((name, key)) = reference(entry, "secretKeyRef").map(owned) {
        return Some(ValueSite::Secret(name, key));
    }
    if let Some((name, key)) = reference(entry, "configMapKeyRef").map(owned) {
        return Some(ValueSite::ConfigMap(name, key));
    }
    let has_value = entry.get("value").and_then(Value::as_str).is_some_and(|value| !value.is_empty());
    let name = merge::name(entry);
    // A template could not say these.
    let is_odd = |text: &str| text.contains(['"', '\\', '`']) || text.contains(char::is_control);
    if !has_value || is_odd(name) || is_odd(&env.container) {
        return None;
    }
    Some(ValueSite::Variable {
        object: object.resource(),
        containers: template_path(&env.list)?,
        container: env.container.clone(),
        name: name.to_owned(),
    })
}

/// The path of a list of containers as a template writes it; `None` where it leads through another list.
fn template_path(list: &Path) -> Option<String> {
    let key = |step: &Step| match step {
        Step::Key(key) if key.chars().all(|c| c.is_ascii_alphanumeric()) => Some(format!(".{key}")),
        _ => None,
    };
    let is_whole = matches!(list.last(), Some(Step::Key(key)) if CONTAINER_LISTS.contains(&key.as_str()));
    if is_whole { list.steps().into_iter().map(key).collect() } else { None }
}

/// The name and the key that an entry's reference holds.
fn reference<'e>(entry: &'e Entry, kind: &str) -> Option<(&'e str, &'e str)> {
    let reference = entry.get("valueFrom")?.get(kind)?;
    Some((reference.get("name")?.as_str()?, reference.get("key")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_finds_lists_of_containers_alone() {
        let steps = |keys: &[&str]| Path::root().keys(keys);
        let deployment = steps(&["spec", "template", "spec", "containers"]);
        assert_eq!(template_path(&deployment).as_deref(), Some(".spec.template.spec.containers"));
        assert_eq!(template_path(&steps(&["spec", "pools"])), None);
        assert_eq!(template_path(&steps(&["a-b", "containers"])), None);
    }
}
