//! Keys that rules move out of Secrets and ConfigMaps which stay (`only`), as a server can know them: by name.
//!
//! Who reads one key names it. Who takes all keys names none, so it must be known which keys are moved: a render says so,
//! and without one a rule of exact names that is not optional.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::guard::cel::{self, Names, text};
use crate::analysis::guard::render::Render;
use crate::config::{Config, SecretsRule};

/// All keys that are moved.
#[derive(Default)]
pub(super) struct Moved {
    pub(super) secrets: MovedKeys,
    pub(super) config_maps: MovedKeys,
    /// Whether a render says what other sources of variables give.
    pub(super) is_rendered: bool,
    /// The vaulted Secrets.
    vault: BTreeSet<String>,
}

/// The keys of Secrets, or of ConfigMaps.
#[derive(Default)]
pub(super) struct MovedKeys {
    /// All that may be moved.
    read: KeysByName,
    /// Those that surely are.
    taken: KeysByName,
    /// Of a render: keys by which a source of variables may decide a moved one, also those that stay.
    given: KeysByName,
}

/// Keys, by the name of what holds them.
#[derive(Default, PartialEq, Eq)]
struct KeysByName {
    /// By name, or by namespace, slash and name.
    exact: BTreeMap<String, BTreeSet<String>>,
    globs: Vec<GlobKeys>,
}

/// Keys of what globs name.
#[derive(PartialEq, Eq)]
struct GlobKeys {
    names: Names,
    namespace: Names,
    keys: BTreeSet<String>,
}

/// Which keys of a holder are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Those that somebody reads by name.
    Read,
    /// Those that somebody takes with all others.
    Taken,
    /// Those that a source of variables gives.
    Given,
}

/// What a server calls the namespace of a pod.
const OWN: &str = "variables.ownNamespace";

impl Moved {
    /// Nothing that is moved, and what other sources give.
    pub(super) fn new(config: &Config, render: Option<&Render>) -> Self {
        let mut moved = Self {
            is_rendered: render.is_some(),
            vault: config.vault.iter().cloned().collect(),
            ..Self::default()
        };
        let only: BTreeSet<&String> = config.secrets.iter().flat_map(|rule| &rule.only).collect();
        for holder in render.iter().flat_map(|render| &render.holders) {
            // A prefix makes one variable of two keys of which one ends with the other.
            let decides = |key: &&String| only.iter().any(|own| own.ends_with(*key) || key.ends_with(*own));
            let keys: BTreeSet<String> = holder.keys.iter().filter(decides).cloned().collect();
            moved.of_kind(holder.is_config_map).given.add(&holder.name, holder.namespace.as_deref(), &keys);
        }
        moved
    }

    /// The keys that a rule moves, as a render shows them.
    pub(super) fn add_rendered(&mut self, number: usize, rule: &SecretsRule, render: &Render) {
        for holder in render.holders.iter().filter(|holder| holder.rule == Some(number)) {
            let keys: BTreeSet<String> = holder.keys.iter().filter(|key| rule.moves(key)).cloned().collect();
            let known = self.of_kind(rule.of_config_maps);
            for names in [&mut known.read, &mut known.taken] {
                names.add(&holder.name, holder.namespace.as_deref(), &keys);
            }
        }
    }

    /// The keys that a rule moves, as it says itself; whether it says all.
    pub(super) fn add_rule(&mut self, rule: &SecretsRule) -> bool {
        let (names, namespace) = (Names::of(&rule.name.0), Names::of(&rule.namespace.0));
        let is_sure = !names.is_empty() && names.globs.is_empty() && !rule.optional;
        let vault = self.vault.clone();
        let known = self.of_kind(rule.of_config_maps);
        for keys in [Some(&mut known.read), Some(&mut known.taken).filter(|_| is_sure)].into_iter().flatten()
        {
            if namespace.globs.is_empty() {
                for name in names.exact.iter().filter(|name| !vault.contains(*name)) {
                    if namespace.exact.is_empty() {
                        keys.add(name, None, &rule.only);
                    }
                    namespace.exact.iter().for_each(|namespace| keys.add(name, Some(namespace), &rule.only));
                }
            }
            if !(namespace.globs.is_empty() && names.globs.is_empty() && !names.exact.is_empty()) {
                let names = if namespace.globs.is_empty() {
                    Names { exact: Vec::new(), ..names.clone() }
                } else {
                    names.clone()
                };
                keys.globs.push(GlobKeys { names, namespace: namespace.clone(), keys: rule.only.clone() });
            }
        }
        is_sure
    }

    fn of_kind(&mut self, is_config_map: bool) -> &mut MovedKeys {
        if is_config_map { &mut self.config_maps } else { &mut self.secrets }
    }

    /// Whether no key is moved.
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.read.is_empty() && self.config_maps.read.is_empty()
    }

    /// The vaulted Secrets, as a list.
    pub(super) fn vaulted(&self) -> String {
        cel::list(self.vault.iter().map(String::as_str))
    }

    /// The variables that lookups read.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let of_kind = |(kind, known): (&str, &MovedKeys)| {
            let all = [Asked::Read, Asked::Taken, Asked::Given].map(|asked| (known.asked(asked), asked));
            let mut found: Vec<(String, String)> = Vec::new();
            for (keys, asked) in all {
                let name = known.variable(kind, asked);
                if !keys.exact.is_empty() && found.iter().all(|(other, _)| *other != name) {
                    found.push((name, keys.as_map()));
                }
            }
            found
        };
        [(SECRETS, &self.secrets), (CONFIG_MAPS, &self.config_maps)].into_iter().flat_map(of_kind).collect()
    }

    /// The list of the keys of Secret `name` in `namespace`, or of none.
    pub(super) fn of_secret(&self, asked: Asked, name: &str, namespace: &str) -> Option<String> {
        self.secrets.list(SECRETS, asked, name, namespace)
    }

    /// The same of a Secret in the pod's own namespace.
    pub(super) fn of_own_secret(&self, asked: Asked, name: &str) -> Option<String> {
        self.of_secret(asked, name, OWN)
    }

    /// The same of a ConfigMap.
    pub(super) fn of_own_config_map(&self, asked: Asked, name: &str) -> Option<String> {
        self.config_maps.list(CONFIG_MAPS, asked, name, OWN)
    }
}

/// The ends of variables' names.
const SECRETS: &str = "Secrets";
const CONFIG_MAPS: &str = "ConfigMaps";

impl MovedKeys {
    fn asked(&self, asked: Asked) -> &KeysByName {
        match asked {
            Asked::Read => &self.read,
            Asked::Taken => &self.taken,
            Asked::Given => &self.given,
        }
    }

    /// The variable with the keys; one where two would be the same.
    fn variable(&self, kind: &str, asked: Asked) -> String {
        match asked {
            Asked::Given => format!("givenBy{kind}"),
            Asked::Taken if self.taken != self.read => format!("takenOf{kind}"),
            _ => format!("movedOf{kind}"),
        }
    }

    fn list(&self, kind: &str, asked: Asked, name: &str, namespace: &str) -> Option<String> {
        let keys = self.asked(asked);
        let mut list = "[]".to_owned();
        for GlobKeys { names, namespace: within, keys } in keys.globs.iter().rev() {
            let mut conditions = Vec::new();
            if !names.is_empty() {
                conditions.push(names.test(name));
            }
            if !within.is_empty() {
                conditions.push(within.test(namespace));
            }
            let keys = cel::list(keys.iter().map(String::as_str));
            list = format!("({} ? {keys} : {list})", cel::all(&conditions));
        }
        if !keys.exact.is_empty() {
            let variable = format!("variables.{}", self.variable(kind, asked));
            let full = format!("{namespace} + '/' + {name}");
            let within = keys.exact.keys().any(|name| name.contains('/'));
            if within {
                list = format!("({full} in {variable} ? {variable}[{full}] : {list})");
            }
            list = format!("({name} in {variable} ? {variable}[{name}] : {list})");
        }
        (!keys.is_empty()).then_some(list)
    }
}

impl KeysByName {
    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.globs.is_empty()
    }

    fn add(&mut self, name: &str, namespace: Option<&str>, keys: &BTreeSet<String>) {
        if keys.is_empty() {
            return;
        }
        let name = namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"));
        self.exact.entry(name).or_default().extend(keys.iter().cloned());
    }

    fn as_map(&self) -> String {
        let entry = |(name, keys): (&String, &BTreeSet<String>)| {
            format!("{}: {}", text(name), cel::list(keys.iter().map(String::as_str)))
        };
        format!("{{{}}}", self.exact.iter().map(entry).collect::<Vec<_>>().join(", "))
    }
}
