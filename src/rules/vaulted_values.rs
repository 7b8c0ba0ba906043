//! Values that would share one key of a vaulted Secret must be equal: of two that differ, one cannot log in.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::config::{Pattern, SecretsRule};
use crate::diagnostics::addition::{add_on_top_of, keys_field};
use crate::diagnostics::{Code, Diagnostic, Location, Severity};
use crate::kube::object::{DataEntry, Object};
use crate::yaml::scalar::plain_or_quoted;

/// A value that the run takes out and that is to be a key of a vaulted Secret. The value itself is not kept.
pub(crate) struct VaultedValue {
    /// The vaulted Secret.
    pub(crate) secret: String,
    /// Its key.
    pub(crate) key: String,
    /// The namespace of the object that holds the value.
    pub(crate) namespace: Option<String>,
    /// What holds it, for people: `key password of Secret db`.
    pub(crate) holder: String,
    /// The chart Secret, where it is one.
    pub(crate) owner: Option<String>,
    /// A rule that gives this value another key.
    pub(crate) remedy: Remedy,
    /// Which value it is; the same number for the same value.
    pub(crate) value: u64,
}

impl VaultedValue {
    /// A number that is the same for the same value under the same key.
    pub(crate) fn number(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.secret, &self.key, &self.namespace, self.value).hash(&mut hasher);
        hasher.finish()
    }
}

/// A number that is the same for the same value.
pub(crate) fn number_of(value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The values of a Secret that a rule moves to a vaulted one, each under its new key. Empty ones are still to be filled.
pub(crate) fn of_secret(
    object: &Object<'_, '_>,
    data: &[DataEntry<'_>],
    name: &str,
    rule: &SecretsRule,
) -> Vec<VaultedValue> {
    let Some(to) = &rule.to else { return Vec::new() };
    let filled = |entry: &'_ DataEntry<'_>| {
        rule.moves(entry.key) && entry.plain().is_some_and(|plain| !plain.is_empty())
    };
    // `stringData` comes second and wins.
    let last: HashMap<&str, usize> = data
        .iter()
        .enumerate()
        .filter(|(_, entry)| filled(entry))
        .map(|(position, entry)| (entry.key, position))
        .collect();
    let own_key = |key: &str| rule.keys.get(key).map_or(key, String::as_str).to_owned();
    let renamed = Arc::new(SecretKeys {
        name: name.to_owned(),
        namespace: object.namespace().map(str::to_owned),
        to: to.clone(),
        keys: last.keys().map(|key| ((*key).to_owned(), own_key(key))).collect(),
        only: rule.only.iter().cloned().collect(),
        list: if rule.of_config_maps { "configMaps" } else { "secrets" },
    });
    let vaulted = |(key, plain): (&str, &[u8])| VaultedValue {
        secret: to.clone(),
        key: own_key(key),
        namespace: object.namespace().map(str::to_owned),
        holder: format!("key {key} of {} {name}", rule.kind()),
        owner: Some(format!("{} {name}", rule.kind())),
        remedy: Remedy::Secret(Arc::clone(&renamed)),
        value: number_of(plain),
    };
    let values = data.iter().enumerate().filter(|(position, entry)| last.get(entry.key) == Some(position));
    values.filter_map(|(_, entry)| Some((entry.key, entry.plain()?))).map(vaulted).collect()
}

/// A rule that keeps two values apart, written down only where somebody needs it.
pub(crate) enum Remedy {
    /// A rule of `spec.env`, which gives the value a key of its own.
    Rule(String),
    /// A rule for this Secret or ConfigMap alone.
    Secret(Arc<SecretKeys>),
}

/// A Secret or ConfigMap, and what a rule makes of its keys.
pub(crate) struct SecretKeys {
    name: String,
    namespace: Option<String>,
    to: String,
    /// What each key that is moved is called in the vaulted Secret.
    keys: BTreeMap<String, String>,
    /// The keys that the rule moves; none where it moves all.
    only: Vec<String>,
    /// The list of the configuration that the rule is in.
    list: &'static str,
}

impl Remedy {
    /// What to do. `is_renamed` where the two are keys of one Secret; any other two are two Secrets, and one of them gets a vaulted
    /// Secret of its own: then who takes it as a whole finds every key under its name.
    fn words(&self, is_renamed: bool) -> String {
        let (own, words) = match self {
            Self::Rule(rule) => ("key", add_on_top_of("env", rule)),
            Self::Secret(secret) if is_renamed => {
                ("key", add_on_top_of(secret.list, &secret.with_own_keys()))
            }
            Self::Secret(secret) => ("Secret", add_on_top_of(secret.list, &secret.with_own_secret())),
        };
        format!("give one of them a {own} of its own: {words}")
    }
}

impl SecretKeys {
    /// The rule, with a name of its own for each key that would meet another one.
    fn with_own_keys(&self) -> String {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for vaulted in self.keys.values() {
            *counts.entry(vaulted).or_default() += 1;
        }
        let own = |(key, vaulted): (&String, &String)| {
            let meets_another = key != vaulted && counts[vaulted.as_str()] > 1;
            let own = if meets_another { format!("{}-{key}", self.name) } else { vaulted.clone() };
            (key.clone(), own)
        };
        self.rule(&self.to, &self.keys.iter().map(own).collect())
    }

    /// The rule, with another vaulted Secret.
    fn with_own_secret(&self) -> String {
        self.rule(&format!("{}-{}", self.to, self.name), &self.keys)
    }

    fn rule(&self, to: &str, keys: &BTreeMap<String, String>) -> String {
        let Self { name, namespace, only, .. } = self;
        let keys = keys_field(keys.iter().filter(|(key, own)| key != own));
        let exactly = |text: &str| plain_or_quoted(&Pattern::escaped(text));
        let namespace = namespace.as_deref().map(|namespace| format!(", namespace: {}", exactly(namespace)));
        let only: Vec<String> = only.iter().map(|key| plain_or_quoted(key)).collect();
        let only = if only.is_empty() { String::new() } else { format!(", only: [{}]", only.join(", ")) };
        let (name, namespace) = (exactly(name), namespace.unwrap_or_default());
        format!("{{name: {name}{namespace}{only}, to: {}{keys}}}", plain_or_quoted(to))
    }
}

/// The values that vaulted Secrets are to hold.
#[derive(Debug, Default)]
pub(crate) struct VaultedValues {
    by_key: HashMap<(String, String), HeldKey>,
}

/// What one key is to hold.
#[derive(Debug, Default)]
struct HeldKey {
    /// The first value of each namespace.
    by_namespace: HashMap<String, Held>,
    /// The first value without one.
    anywhere: Option<Held>,
    /// The first two that differ, of whatever namespaces.
    first: Vec<Held>,
}

/// A value under a key, by number.
#[derive(Clone, Debug)]
struct Held {
    value: u64,
    holder: String,
    owner: Option<String>,
}

impl HeldKey {
    /// The values that a namespace may see; an absent one equals any.
    fn seen_from(&self, namespace: Option<&str>) -> Vec<&Held> {
        match namespace {
            None => self.first.iter().collect(),
            Some(namespace) => self.by_namespace.get(namespace).into_iter().chain(&self.anywhere).collect(),
        }
    }

    fn hold(&mut self, namespace: Option<String>, this: Held) {
        if self.first.len() < 2 && self.first.iter().all(|held| held.value != this.value) {
            self.first.push(this.clone());
        }
        match namespace {
            None => _ = self.anywhere.get_or_insert(this),
            Some(namespace) => _ = self.by_namespace.entry(namespace).or_insert(this),
        }
    }
}

impl VaultedValues {
    /// Adds a value; what there is to say if the key holds another one already, in the same namespace.
    pub(crate) fn add(&mut self, vaulted: VaultedValue, location: &Location) -> Option<Diagnostic> {
        let VaultedValue { secret, key, namespace, holder, owner, remedy, value } = vaulted;
        let held = self.by_key.entry((secret.clone(), key.clone())).or_default();
        // A Secret that is rendered again replaces the one before.
        let seen = held.seen_from(namespace.as_deref());
        let other = seen.into_iter().find(|held| held.value != value && held.holder != holder);
        let diagnostic = other.map(|other| {
            let message = format!(
                "{holder} and {} have different values, and both would become key {key} of Secret {secret}",
                other.holder
            );
            // Keys of one Secret meet by a rename alone, and nobody means that. Two Secrets may hold what never mattered.
            let renamed = owner.is_some() && owner == other.owner;
            let severity = if renamed { Severity::Error } else { Severity::Warning };
            Diagnostic::error(Code::TwoValues, message, remedy.words(renamed))
                .with_severity(severity)
                .at(location.clone())
        });
        held.hold(namespace, Held { value, holder, owner });
        diagnostic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_holds_one_value_in_a_namespace() {
        let mut values = VaultedValues::default();
        let mut add = |holder: &str, namespace: &str, value: &[u8]| {
            let vaulted = VaultedValue {
                secret: "vault".to_owned(),
                key: "password".to_owned(),
                namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
                holder: holder.to_owned(),
                owner: None,
                remedy: Remedy::Rule(String::new()),
                value: number_of(value),
            };
            values.add(vaulted, &Location::default()).is_some()
        };
        assert!(!add("a", "one", b"x"));
        assert!(!add("b", "one", b"x"), "the same value");
        assert!(!add("c", "two", b"y"), "another namespace");
        assert!(add("d", "two", b"x"), "another value in one namespace");
        assert!(!add("a", "one", b"z"), "a Secret that is rendered again");
        assert!(add("e", "", b"y"), "no namespace equals any");
    }
}
