//! What a proposed configuration says, before it is written down.

use std::collections::{HashMap, HashSet};

use crate::analysis::scan::config_maps::{ConfigMapsDraft, config_maps};
use crate::analysis::scan::generated::stem;
use crate::analysis::scan::naming::{Content, CredentialValue, Keys, SecretNames};
use crate::analysis::scan::{Checksum, CredentialVariable, Inventory, OutsideRead, Secret};
use crate::config::{Pattern, check_name};

/// Rules that vault all that rules can vault.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) secrets: Vec<SecretsDraft>,
    pub(super) config_maps: Vec<ConfigMapsDraft>,
    pub(super) env: Vec<EnvDraft>,
    /// Kind, path, and whether only hooks have it.
    pub(super) references: Vec<(String, String, bool)>,
    pub(super) annotations: Vec<String>,
    /// Other annotations that change on every render, each with whether it stays the same in other pods.
    pub(super) changing: Vec<(String, bool)>,
    /// The variables that are defined more than once, and entries of other lists.
    pub(super) duplicates: Vec<String>,
    /// Whether there are repeated entries that differ, which `spec.duplicates` would refuse.
    pub(super) differing: bool,
    /// Secrets that nobody can vault, and why.
    pub(super) left_alone: Vec<(String, &'static str)>,
    /// Whether `*` means the release's name in some rule.
    pub(super) fits_any_release: bool,
}

/// A rule of `spec.secrets`.
#[derive(Clone)]
pub(super) struct SecretsDraft {
    /// The name, or a glob where the render generates a part of it.
    pub(super) name: String,
    pub(super) to: String,
    pub(super) renames: Vec<(String, String)>,
    /// Whether it may be the chart Secret's own name.
    pub(super) same_name: bool,
    /// The keys that move, where the others are settings.
    pub(super) only: Vec<String>,
    pub(super) optional: bool,
    pub(super) comments: Vec<String>,
}

/// A rule of `spec.env`.
#[derive(Clone)]
pub(super) struct EnvDraft {
    pub(super) to: String,
    pub(super) vars: Vec<(String, String)>,
    pub(super) within: Within,
    pub(super) optional: bool,
    pub(super) comments: Vec<String>,
}

/// A selector: what it lists, or anything where it lists nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Within {
    pub(super) kind: Vec<String>,
    pub(super) name: Vec<String>,
    pub(super) container: Vec<String>,
}

impl Checksum {
    /// Whether it changes on every render, and there is more to say than that it hashes a Secret.
    fn changes_beside_secrets(&self) -> bool {
        self.changes && (self.evidence.is_none() || self.also_hashes_others)
    }
}

/// An object that stays with its settings.
pub(super) enum SplitDraft {
    /// The Secret of this rule, without these keys.
    Secret(usize, Vec<String>),
    /// A ConfigMap.
    ConfigMap(ConfigMapsDraft),
}

impl SecretsDraft {
    /// Whether it is about the Secret of this name.
    fn selects(&self, name: &str) -> bool {
        Pattern::new(&self.name).is_ok_and(|pattern| pattern.matches(name))
    }
}

impl Draft {
    /// A rule for everything in an inventory that a rule can vault; into the Secret `to` what can share one, else into
    /// a Secret for each chart Secret.
    pub(super) fn new(inventory: &Inventory, to: Option<&str>) -> Self {
        let rendered = inventory.secrets.iter().map(|secret| secret.name.clone());
        let outside = inventory.outside.iter().map(|outside| outside.secret.clone());
        let mut names = SecretNames::new(rendered.chain(outside).chain(to.map(str::to_owned)));
        let mut keys = Keys::default();
        for OutsideRead { secret, key, .. } in &inventory.outside {
            keys.hold(secret, key, &[Content { namespace: None, value: CredentialValue::Outside }]);
        }
        let mut draft = Self {
            secrets: secrets(inventory, to, &mut names, &mut keys),
            env: env(inventory, to, &mut names, &mut keys),
            config_maps: config_maps(inventory, to, &mut names, &mut keys),
            references: Vec::new(),
            annotations: Vec::new(),
            changing: Vec::new(),
            duplicates: Vec::new(),
            differing: false,
            left_alone: inventory.left_alone.clone(),
            fits_any_release: false,
        };
        draft.fit_any_release(inventory);
        for found in &inventory.references {
            let (kind, path) = (&found.place.object.kind, &found.declare);
            match draft.references.iter_mut().find(|known| known.0 == *kind && known.1 == *path) {
                Some(known) => known.2 &= found.skips_post_renderer,
                None => draft.references.push((kind.clone(), path.clone(), found.skips_post_renderer)),
            }
        }
        let (changing, checksums): (Vec<&Checksum>, Vec<&Checksum>) =
            inventory.checksums.iter().partition(|found| found.changes_beside_secrets());
        let checksums = checksums.into_iter().filter(|found| !found.also_hashes_others);
        let names = distinct(checksums.map(|found| found.annotation.as_str()));
        for name in distinct(changing.iter().map(|found| found.annotation.as_str())) {
            let of_others = changing.iter().any(|found| found.annotation == name && found.also_hashes_others);
            if !names.contains(&name) {
                draft.changing.push((Pattern::escaped(&name), of_others));
            }
        }
        draft.annotations = names.iter().map(|name| Pattern::escaped(name)).collect();
        // Beside other rules, entries that differ need not stop the run.
        let differ = inventory.entries.iter().any(|found| !found.equal) && !draft.is_empty();
        let entries = inventory.entries.iter().filter(|_| !differ);
        let lists: Vec<String> = entries.map(|found| format!("{} {}", found.list, found.key)).collect();
        let variables = inventory.duplicates.iter().map(|found| found.variable.as_str());
        draft.duplicates = distinct(variables.chain(lists.iter().map(String::as_str)));
        draft.differing = differ;
        draft
    }

    /// Whether some object stays with its settings.
    pub(super) fn splits(&self) -> bool {
        !self.config_maps.is_empty() || self.secrets.iter().any(|rule| !rule.only.is_empty())
    }

    /// Whether this Secret does.
    pub(super) fn splits_secret(&self, name: &str) -> bool {
        self.secrets.iter().any(|rule| !rule.only.is_empty() && rule.selects(name))
    }

    /// The same with every Secret as a whole and every ConfigMap as it is, and the steps from there to this one.
    pub(super) fn unsplit(&self) -> (Self, Vec<SplitDraft>) {
        let mut whole = self.clone();
        let secrets = whole.secrets.iter_mut().enumerate().filter(|(_, rule)| !rule.only.is_empty());
        let secrets =
            secrets.map(|(position, rule)| SplitDraft::Secret(position, std::mem::take(&mut rule.only)));
        let mut splits: Vec<SplitDraft> = secrets.collect();
        splits.extend(std::mem::take(&mut whole.config_maps).into_iter().map(SplitDraft::ConfigMap));
        (whole, splits)
    }

    /// The same with these objects that stay with their settings.
    pub(super) fn with<'s>(&self, splits: impl Iterator<Item = &'s SplitDraft>) -> Self {
        let mut draft = self.clone();
        for split in splits {
            match split {
                SplitDraft::ConfigMap(rule) => draft.config_maps.push(rule.clone()),
                SplitDraft::Secret(position, only) => {
                    if let Some(rule) = draft.secrets.get_mut(*position) {
                        rule.only.clone_from(only);
                    }
                }
            }
        }
        draft
    }

    /// Whether there is nothing that a rule could do.
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty()
            && self.config_maps.is_empty()
            && self.env.is_empty()
            && self.annotations.is_empty()
            && self.changing.is_empty()
            && self.duplicates.is_empty()
    }
}

/// Each text once, in order.
pub(super) fn distinct<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut known = HashSet::new();
    texts.filter(|text| known.insert(*text)).map(str::to_owned).collect()
}

/// A rule for each name: Secrets of one name in several namespaces share it.
fn secrets(
    inventory: &Inventory,
    to: Option<&str>,
    names: &mut SecretNames,
    keys: &mut Keys,
) -> Vec<SecretsDraft> {
    let all = distinct(inventory.secrets.iter().map(|secret| secret.name.as_str()));
    let mut by_name: HashMap<&str, Vec<&Secret>> = HashMap::new();
    for secret in &inventory.secrets {
        by_name.entry(&secret.name).or_default().push(secret);
    }
    let rule = |name: String| {
        let of_name: Vec<&Secret> = by_name.remove(name.as_str()).unwrap_or_default();
        let mut comments: Vec<String> = of_name.iter().map(|secret| describe(secret)).collect();
        let generated = of_name.iter().flat_map(|secret| &secret.keys).filter(|key| key.generated);
        let generated = distinct(generated.map(|key| key.name.as_str())).join(", ");
        if !generated.is_empty() {
            comments.push(format!("generated on every render: {generated}"));
        }
        let pattern = inventory.secret_pattern(&name);
        let apart = of_name.iter().find_map(|secret| own_secret(secret));
        let same_name = of_name.iter().all(|secret| secret.is_found()) && check_name(&name).is_ok();
        let (to, shared) = match (to, apart) {
            _ if same_name => {
                let label = of_name.iter().find_map(|secret| secret.found_by.as_ref());
                comments.push(match label {
                    Some(label) => format!(
                        "nothing in the render refers to it: programs find it by label {label}, which `resecret keys -o` prints"
                    ),
                    None => "nothing in the render refers to it: its operator knows its name, so the name stays".to_owned(),
                });
                comments.push(format!(
                    "before the first upgrade: kubectl annotate secret {name} helm.sh/resource-policy=keep"
                ));
                (name.clone(), false)
            }
            (None, _) => (names.claim(&format!("{}-vault", stem(&pattern))), false),
            (Some(to), None) => (to.to_owned(), true),
            (Some(to), Some(why)) => {
                comments.push(format!("in a Secret of its own: {why}"));
                (names.claim(&format!("{to}-{}", stem(&pattern))), false)
            }
        };
        let renames = if shared { renames(&to, &of_name, &inventory.outside, keys) } else { Vec::new() };
        let optional = of_name.iter().all(|secret| secret.skips_post_renderer);
        if optional {
            comments.push(
                "a hook: Helm 3 sends it past the post-renderer, so there the rule finds nothing".to_owned(),
            );
        }
        let only = if same_name { Vec::new() } else { only(&of_name) };
        SecretsDraft { name: pattern, to, renames, same_name, only, optional, comments }
    };
    all.into_iter().map(rule).collect()
}

/// The credentials of Secrets that also hold settings, where every reader can take two Secrets.
fn only(secrets: &[&Secret]) -> Vec<String> {
    let settings = |secret: &&&Secret| secret.keys.iter().filter(|key| key.setting).count();
    let reads_one = |secret: &&Secret| secret.use_of.whole || secret.found_by.is_some() || is_typed(secret);
    let [secret] = secrets else { return Vec::new() };
    if settings(&secret) == 0 || reads_one(secret) {
        return Vec::new();
    }
    let moved = secret.keys.iter().filter(|key| !key.setting && !key.missing);
    moved.map(|key| key.name.clone()).collect()
}

/// Whether a Secret's type says which keys it has.
fn is_typed(secret: &Secret) -> bool {
    secret.kind.as_deref().is_some_and(|kind| kind != "Opaque" && !kind.is_empty())
}

/// Why the keys of a Secret cannot be beside others, if they cannot.
fn own_secret(secret: &Secret) -> Option<String> {
    let why = if secret.use_of.env_from {
        Some("envFrom makes a variable of every key")
    } else if is_typed(secret) {
        Some("its type says which keys it has")
    } else if secret.use_of.whole {
        Some("it is read as a whole")
    } else if secret.keys.iter().any(|key| key.missing) {
        Some("a key is read that it does not have, and could be another's")
    } else if secret.use_of.files && secret.keys.is_empty() {
        Some("it is mounted as it is, and is empty")
    } else {
        None
    };
    let found_by = secret.found_by.as_ref().map(|label| format!("label {label} is how it is found"));
    why.map(str::to_owned).or(found_by)
}

/// The keys of a Secret that need another name beside those of others.
fn renames(to: &str, secrets: &[&Secret], outside: &[OutsideRead], keys: &mut Keys) -> Vec<(String, String)> {
    // A volume without `items` shows every key of the vaulted Secret, unless the rule has to rename some.
    let all = secrets.iter().any(|secret| secret.use_of.files);
    let mut renames = Vec::new();
    for key in distinct(secrets.iter().flat_map(|secret| &secret.keys).map(|key| key.name.as_str())) {
        let contents: Vec<Content> = secrets
            .iter()
            .map(|secret| Content {
                namespace: secret.place.object.namespace.clone(),
                value: CredentialValue::Key(secret.name.clone(), key.clone()),
            })
            .collect();
        let prefix = &secrets[0].name;
        let wanted = if all { format!("{prefix}-{key}") } else { key.clone() };
        // A variable that reads this key of the vaulted Secret elsewhere means the same here.
        let of_key = secrets.iter().flat_map(|secret| &secret.keys).filter(|known| known.name == key);
        let means_the_same = of_key.flat_map(|known| &known.readers).any(|reader| {
            let reads =
                |other: &OutsideRead| other.secret == to && other.key == key && other.access == reader.access;
            outside.iter().any(reads)
        });
        let vaulted = if means_the_same && !all {
            keys.hold(to, &key, &contents);
            key.clone()
        } else {
            keys.claim(to, &wanted, prefix, &contents)
        };
        if vaulted != key {
            renames.push((key, vaulted));
        }
    }
    renames
}

fn describe(secret: &Secret) -> String {
    let place = match (&secret.place.template, &secret.place.object.namespace) {
        (Some(template), Some(namespace)) => format!("{template} in namespace {namespace}"),
        (Some(template), None) => template.clone(),
        (None, _) => secret.place.object.to_string(),
    };
    let keys: Vec<String> =
        secret.keys.iter().filter(|key| !key.missing).map(|key| key.name.clone()).collect();
    let keys = if keys.is_empty() { "no keys".to_owned() } else { keys.join(", ") };
    format!("{place}: {keys}")
}

fn env(inventory: &Inventory, to: Option<&str>, names: &mut SecretNames, keys: &mut Keys) -> Vec<EnvDraft> {
    let mut rules: Vec<EnvDraft> = Vec::new();
    let mut vaults: Vec<(String, String)> = Vec::new();
    let credentials = inventory.variables.iter().filter(|variable| variable.credential.is_some());
    let mut by_name: HashMap<&str, Vec<&CredentialVariable>> = HashMap::new();
    for variable in &inventory.variables {
        by_name.entry(&variable.name).or_default().push(variable);
    }
    for name in distinct(credentials.map(|variable| variable.name.as_str())) {
        let all = by_name.remove(name.as_str()).unwrap_or_default();
        let mut values: Vec<usize> = all.iter().filter_map(|variable| Some(variable.credential?.0)).collect();
        values.sort_unstable();
        values.dedup();
        // Then a variable of this name that reads the vaulted Secret elsewhere says which key it is.
        let values_are_one = values.len() == 1;
        for value in values {
            let holds = |variable: &&&CredentialVariable| {
                variable.credential.is_some_and(|(number, _)| number == value)
            };
            let holders: Vec<&CredentialVariable> = all.iter().filter(holds).copied().collect();
            let own_name = inventory.generated.pattern(&holders[0].object.kind, &holders[0].object.name);
            let chart = holders[0].chart.clone().unwrap_or_else(|| stem(&own_name));
            let to = to.map_or_else(|| vault_of(chart, &mut vaults, names), str::to_owned);
            let content = |holder: &&CredentialVariable| Content {
                namespace: holder.object.namespace.clone(),
                value: CredentialValue::Literal(value),
            };
            let contents: Vec<Content> = holders.iter().map(content).collect();
            let elsewhere = inventory.outside.iter().find(|other| other.secret == to && other.access == name);
            let key = match elsewhere {
                Some(other) if values_are_one => other.key.clone(),
                _ => keys.claim(&to, &name, &holders[0].object.name, &contents),
            };
            for (within, holders) in selectors(&holders, &all, inventory) {
                add(&mut rules, &to, (&name, &key), &within, &holders);
            }
        }
    }
    rules
}

/// The vaulted Secret for the literals of a chart.
fn vault_of(chart: String, vaults: &mut Vec<(String, String)>, names: &mut SecretNames) -> String {
    if let Some((_, vault)) = vaults.iter().find(|(known, _)| *known == chart) {
        return vault.clone();
    }
    let vault = names.claim(&format!("{chart}-credentials"));
    vaults.push((chart, vault.clone()));
    vault
}

fn add(
    rules: &mut Vec<EnvDraft>,
    to: &str,
    (variable, key): (&str, &str),
    within: &Within,
    holders: &[&CredentialVariable],
) {
    let optional = holders.iter().all(|holder| holder.skips_post_renderer);
    let expands = holders.iter().any(|holder| holder.credential.is_some_and(|(_, expands)| expands));
    let same = |rule: &EnvDraft| rule.to == to && rule.within == *within && rule.optional == optional;
    let known = rules.iter().position(same);
    let position = known.unwrap_or_else(|| {
        let objects: Vec<String> = holders.iter().map(|holder| holder.object.to_string()).collect();
        let objects = distinct(objects.iter().map(String::as_str)).join(", ");
        let mut comments = vec![format!("literals of {objects}")];
        if optional {
            comments.push("hooks: Helm 3 sends them past the post-renderer".to_owned());
        }
        let (to, vars) = (to.to_owned(), Vec::new());
        rules.push(EnvDraft { to, vars, within: within.clone(), optional, comments });
        rules.len() - 1
    });
    let rule = &mut rules[position];
    rule.vars.push((variable.to_owned(), key.to_owned()));
    if expands {
        rule.comments.push(format!(
            "{variable} is made of other variables, and a Secret's value is taken as it is: write them out in the vault"
        ));
    }
}

/// Selectors that together select these containers and no other that has the variable.
fn selectors<'v>(
    holders: &[&'v CredentialVariable],
    all: &[&CredentialVariable],
    inventory: &Inventory,
) -> Vec<(Within, Vec<&'v CredentialVariable>)> {
    let pattern =
        |holder: &CredentialVariable| inventory.generated.pattern(&holder.object.kind, &holder.object.name);
    let kind = distinct(holders.iter().map(|holder| holder.object.kind.as_str()));
    let name: Vec<String> = holders.iter().map(|holder| pattern(holder)).collect();
    let name = distinct(name.iter().map(String::as_str));
    let container = distinct(holders.iter().map(|holder| holder.container.as_str()));
    let none = Within::default;
    let candidates = [
        Within { container: container.clone(), ..none() },
        Within { name: name.clone(), container: container.clone(), ..none() },
        Within { kind, name, container },
    ];
    let held = |variable: &CredentialVariable| holders.iter().any(|holder| std::ptr::eq(*holder, variable));
    let exact = |within: &Within| all.iter().all(|variable| held(variable) || !within.selects(variable));
    if let Some(within) = candidates.into_iter().find(exact) {
        return vec![(within, holders.to_vec())];
    }
    let each = |holder: &&'v CredentialVariable| {
        let within = Within {
            kind: vec![holder.object.kind.clone()],
            name: vec![pattern(holder)],
            container: vec![holder.container.clone()],
        };
        (within, vec![*holder])
    };
    holders.iter().map(each).collect()
}

impl Within {
    fn selects(&self, variable: &CredentialVariable) -> bool {
        let lists = |list: &[String], text: &str| list.is_empty() || list.iter().any(|item| item == text);
        let is_named = |name: &String| {
            name == &variable.object.name
                || Pattern::new(name).is_ok_and(|pattern| pattern.matches(&variable.object.name))
        };
        lists(&self.kind, &variable.object.kind)
            && (self.name.is_empty() || self.name.iter().any(is_named))
            && lists(&self.container, &variable.container)
    }
}
