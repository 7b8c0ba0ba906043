//! What is read from vaulted Secrets once the rewrite is done.
//!
//! Rules note a [`SecretUse`] where they decide that a field names a vaulted Secret, or find that it does already. Who that
//! is and what it sees is worked out only for commands that ask.

use crate::config::SecretsRule;
use crate::kube::references::{Reference, Takes};
use crate::rules::chart_secret::ChartSecret;
use crate::rules::facts::vaulted_key;
use crate::yaml::{Path, Step};

/// A field that names a vaulted Secret.
pub(crate) struct SecretUse {
    /// The vaulted Secret.
    pub(crate) secret: String,
    /// Its namespace, where the field can say.
    pub(crate) namespace: Option<String>,
    /// Whether the field named it before the rewrite.
    pub(crate) existed: bool,
    /// The keys that it takes, as far as they are known.
    pub(crate) keys: Vec<KeyName>,
    /// The place in the document as it came in: the name of the Secret, or an entry of `env`.
    pub(crate) path: Path,
    /// The variable, where the rewrite adds its entry to the container at the place.
    pub(crate) added: Option<String>,
}

/// A key, by its name in the vaulted Secret and by the name that the chart knows.
pub(crate) struct KeyName {
    /// In the vaulted Secret.
    pub(crate) vaulted: String,
    /// In the chart.
    pub(crate) chart: String,
    /// Whether the chart's own Secret has it: then its reader expects it, although it would start without.
    pub(crate) rendered: bool,
}

impl KeyName {
    fn same(name: &str) -> Self {
        Self { vaulted: name.to_owned(), chart: name.to_owned(), rendered: false }
    }
}

/// The keys of a TLS Secret, and of one that images are pulled with.
const TLS: [&str; 2] = ["tls.crt", "tls.key"];
const PULL: [&str; 1] = [".dockerconfigjson"];

impl SecretUse {
    /// A variable that a rule has decided.
    pub(crate) fn of_variable(secret: &str, key: &str, entry: Path) -> Self {
        let keys = vec![KeyName::same(key)];
        Self { secret: secret.to_owned(), namespace: None, existed: false, keys, path: entry, added: None }
    }

    /// A variable that a rule has added to a container.
    pub(crate) fn of_added(secret: &str, key: &str, variable: &str, container: Path) -> Self {
        Self { added: Some(variable.to_owned()), ..Self::of_variable(secret, key, container) }
    }

    /// Moved keys that a source of `envFrom` gives; the place is that of its name.
    pub(crate) fn of_keys(secret: &str, keys: Vec<KeyName>, path: Path) -> Self {
        Self { secret: secret.to_owned(), namespace: None, existed: false, keys, path, added: None }
    }

    /// A reference that goes from a chart Secret to the vaulted one.
    pub(crate) fn redirected(
        reference: &Reference<'_>,
        to: &str,
        secret: &ChartSecret,
        rule: &SecretsRule,
    ) -> Self {
        let key = |name: &str| KeyName {
            vaulted: vaulted_key(&rule.keys, name).to_owned(),
            chart: name.to_owned(),
            rendered: !secret.is_named_only && secret.keys.iter().any(|key| key == name),
        };
        let keys = match &reference.takes {
            Takes::Key(_, name) | Takes::KeyBeside(_, name) => vec![key(name)],
            Takes::Items(items) => {
                let moved = items.iter().filter(|(_, name)| rule.moves(name));
                moved.map(|(_, name)| key(name)).collect()
            }
            Takes::Env | Takes::Files { .. } | Takes::Whole => {
                secret.keys.iter().map(|name| key(name)).collect()
            }
            Takes::ListItem { list, .. } if known_by(list).is_empty() => Vec::new(),
            Takes::ListItem { .. } => secret.keys.iter().map(|name| key(name)).collect(),
            Takes::Shared(_) => Vec::new(),
        };
        Self::new(reference, to, keys)
    }

    /// A reference that names a vaulted Secret already.
    pub(crate) fn existing(reference: &Reference<'_>, kind: &str) -> Self {
        let same = |names: &[&str]| names.iter().map(|name| KeyName::same(name)).collect();
        let keys = match &reference.takes {
            Takes::Key(_, name) | Takes::KeyBeside(_, name) => vec![KeyName::same(name)],
            Takes::Items(items) => items.iter().map(|(_, name)| KeyName::same(name)).collect(),
            Takes::Whole if kind == "Ingress" => same(&TLS),
            Takes::ListItem { list, .. } => same(known_by(list)),
            Takes::Env | Takes::Files { .. } | Takes::Whole | Takes::Shared(_) => Vec::new(),
        };
        Self { existed: true, ..Self::new(reference, reference.name, keys) }
    }

    fn new(reference: &Reference<'_>, secret: &str, keys: Vec<KeyName>) -> Self {
        let namespace = reference.namespace.map(str::to_owned);
        let path = reference.path.clone();
        Self { secret: secret.to_owned(), namespace, existed: false, keys, path, added: None }
    }
}

/// The keys that the items of a list are read by; none where naming a Secret is not reading it.
fn known_by(list: &Path) -> &'static [&'static str] {
    match list.steps().last() {
        Some(Step::Key(key)) if key == "imagePullSecrets" => &PULL,
        Some(Step::Key(key)) if key == "certificateRefs" => &TLS,
        _ => &[],
    }
}
