//! A Secret or ConfigMap of the stream, as the rules know it.

use std::collections::BTreeMap;

use crate::config::{Config, SecretsRule};
use crate::kube::references::{Reference, Takes};
use crate::yaml::{Path, Step};

/// A Secret that the stream renders.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct ChartSecret {
    /// `metadata.name`.
    pub(crate) name: String,
    /// Other names by which the stream still names it.
    pub(crate) previous_names: Vec<String>,
    /// `metadata.namespace`.
    pub(crate) namespace: Option<String>,
    /// Whether it is a hook that does not go through a post-renderer.
    pub(crate) skips_post_renderer: bool,
    /// The keys of its data that go to the vault, in order.
    pub(crate) keys: Vec<String>,
    /// The keys that stay, of one that is split. Where rules split Secrets, also those of one that stays.
    pub(crate) kept: Vec<String>,
    /// The position in [`Config::secrets`] of the rule that leaves it out, or that moves some of its keys.
    pub(crate) rule: Option<usize>,
    /// Whether it stays with some of its keys.
    pub(crate) is_split: bool,
    /// Another rule that would have moved keys which stay.
    pub(crate) second_rule: Option<usize>,
    /// Whether it is a ConfigMap, of which only `data` counts.
    pub(crate) is_config_map: bool,
    /// Whether the stream only names it: `spec.redirect` sends its readers elsewhere.
    pub(crate) is_named_only: bool,
}

impl ChartSecret {
    /// Every name by which the stream names it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        [&self.name].into_iter().chain(&self.previous_names).map(String::as_str)
    }

    /// What it is, for people.
    pub(crate) fn kind(&self) -> &'static str {
        if self.is_config_map { "ConfigMap" } else { "Secret" }
    }

    /// The field of a volume that takes it, and in there the field of its name.
    pub(super) fn volume_field(&self) -> (&'static str, &'static str) {
        if self.is_config_map { ("configMap", "name") } else { ("secret", "secretName") }
    }

    /// The keys that the chart gives it.
    fn all_keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().chain(&self.kept).map(String::as_str)
    }

    /// Whether the chart gives it this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.all_keys().any(|known| known == key)
    }

    /// The keys of these, where all have the same; `None` also where there are none.
    pub(super) fn agreed_keys<'f>(mut all: impl Iterator<Item = &'f Self>) -> Option<Vec<&'f str>> {
        let first = all.next()?;
        all.all(|other| other.all_keys().eq(first.all_keys())).then(|| first.all_keys().collect())
    }

    /// What a reference to it becomes: two Secrets for which this is the same are one to everything that refers to them.
    pub(super) fn fate<'f>(&'f self, config: &'f Config) -> Option<Fate<'f>> {
        let SecretsRule { to, keys, .. } = &config.secrets[self.rule?];
        Some((to.as_deref(), keys, self.parts()))
    }

    /// The keys that go and those that stay, where it is split.
    pub(super) fn parts(&self) -> Option<(&[String], &[String])> {
        self.is_split.then_some((self.keys.as_slice(), self.kept.as_slice()))
    }

    /// How much of what a reference takes goes to the vault. `kind` is that of the object that refers.
    pub(crate) fn share(&self, reference: &Reference<'_>, kind: &str) -> Share {
        let moved = |key: &str| self.keys.iter().any(|known| known == key);
        match &reference.takes {
            _ if !self.is_split => Share::All,
            Takes::Key(_, key) | Takes::KeyBeside(_, key) => Share::of([moved(key)].into_iter()),
            Takes::Items(items) => Share::of(items.iter().map(|(_, key)| moved(key))),
            Takes::Env | Takes::Files { .. } => Share::Part,
            Takes::Whole | Takes::ListItem { .. } | Takes::Shared(_) => {
                // Who may read a Secret by its name reads keys that nobody knows.
                let known = looked_for(&reference.path, kind).filter(|_| !kind.ends_with("Role"));
                let touched = known.is_none_or(|known| known.iter().any(|key| moved(key)));
                if touched { Share::Part } else { Share::Nothing }
            }
        }
    }
}

/// The vaulted Secret, the renamed keys, and of a Secret that is split its parts.
type Fate<'f> = (Option<&'f str>, &'f BTreeMap<String, String>, Option<(&'f [String], &'f [String])>);

/// How much of what a reference takes goes to the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// Nothing: the reference stays.
    Nothing,
    /// Some of it.
    Part,
    /// All of it.
    All,
}

impl Share {
    /// Of keys that are moved or not.
    fn of(mut moved: impl Iterator<Item = bool>) -> Self {
        match moved.next() {
            Some(first) if moved.all(|moved| moved == first) => {
                if first {
                    Self::All
                } else {
                    Self::Nothing
                }
            }
            Some(_) => Self::Part,
            None => Self::Nothing,
        }
    }
}

/// The keys that a reader of the whole Secret looks for; none, where naming a Secret is not reading it. `None` where
/// nobody can tell.
pub(super) fn looked_for(path: &Path, kind: &str) -> Option<&'static [&'static str]> {
    let has = |wanted: &str| path.steps().iter().any(|step| matches!(step, Step::Key(key) if key == wanted));
    match kind {
        "ReferenceGrant" | "Role" | "ClusterRole" => Some(&[]),
        _ if has("ownerReferences") => Some(&[]),
        _ if has("imagePullSecrets") => Some(&[".dockerconfigjson", ".dockercfg"]),
        "ServiceAccount" => Some(&[]),
        "Ingress" | "Gateway" => Some(&["tls.crt", "tls.key", "ca.crt"]),
        _ => None,
    }
}
