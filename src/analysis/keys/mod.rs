//! What vaulted Secrets must hold, and who reads them: the filter's run, seen from the vault.

mod against;
mod found_by;
mod manifest;
mod namespaces;
pub(crate) mod readers;
mod table;

use std::collections::{BTreeMap, BTreeSet, HashSet};

pub use manifest::{Manifest, SecretStore};

use crate::analysis::keys::found_by::FoundBy;
use crate::analysis::keys::readers::{KeyUse, Reader, resolve};
use crate::config::Config;
use crate::config::key_format::KeyFormat;
use crate::diagnostics::{Diagnostic, Error, Severity};
use crate::filter::rewrite::RewrittenDocument;
use crate::filter::{self, Reach};
use crate::kube::object::TYPES_WITH_KEYS;
use crate::rules::facts::vaulted_key;
use crate::rules::unmatched;

/// Every vaulted Secret that a filtered stream reads.
#[derive(Clone, Debug, Default)]
pub struct Vault {
    secrets: Vec<VaultedSecret>,
    diagnostics: Vec<Diagnostic>,
}

/// A vaulted Secret.
#[derive(Clone, Debug)]
pub struct VaultedSecret {
    /// Its name.
    pub name: String,
    /// Its namespace; absent where its readers do not say, and the release's is meant.
    pub namespace: Option<String>,
    /// What it must hold, by name.
    pub keys: Vec<VaultedKey>,
    /// Those that name it without naming a key: they take all keys, or know themselves which.
    pub readers: Vec<Reader>,
    found_by: FoundBy,
}

/// A key that a vaulted Secret must hold.
#[derive(Clone, Debug)]
pub struct VaultedKey {
    /// Its name.
    pub name: String,
    /// What its value must look like, where that is known.
    pub format: Option<KeyFormat>,
    /// Whether every reader starts without it, and the chart's own Secret had none; or nothing in the stream reads it, although
    /// something reads the Secret.
    pub optional: bool,
    /// Whether its value must never change, because stored data was made with it.
    pub never_rotate: bool,
    /// Who reads it; nobody where the chart's own Secret had it and it is found by a label or its name, or not at all.
    pub readers: Vec<Reader>,
}

impl VaultedKey {
    /// Whether its value becomes that of a variable.
    fn is_variable(&self) -> bool {
        self.readers.iter().any(|reader| reader.variable().is_some())
    }
}

impl VaultedSecret {
    /// The `type` that its readers ask for, or that the chart's own Secret has.
    #[must_use]
    pub fn secret_type(&self) -> &str {
        let has = |name: &str| self.keys.iter().any(|key| key.name == name);
        let typed = TYPES_WITH_KEYS.iter().filter(|(_, keys)| keys.iter().all(|key| has(key)));
        let known = typed.map(|(name, _)| *name).next();
        // A type that demands other keys, as before their renaming, is refused.
        let own = self.found_by.kind().filter(|kind| TYPES_WITH_KEYS.iter().all(|(name, _)| name != kind));
        known.or(own).unwrap_or("Opaque")
    }

    /// Whether something in the stream reads it.
    fn is_read(&self) -> bool {
        !self.readers.is_empty() || self.keys.iter().any(|key| !key.readers.is_empty())
    }

    fn extend(&mut self, other: Self) {
        for key in other.keys {
            match self.keys.binary_search_by(|known| known.name.cmp(&key.name)) {
                Ok(known) => self.keys[known].extend(key),
                Err(place) => self.keys.insert(place, key),
            }
        }
        extend(&mut self.readers, other.readers);
        self.found_by.extend(other.found_by);
    }
}

impl VaultedKey {
    fn extend(&mut self, other: Self) {
        self.format = self.format.or(other.format);
        self.optional &= other.optional;
        self.never_rotate |= other.never_rotate;
        extend(&mut self.readers, other.readers);
    }
}

/// Adds readers, each once.
fn extend(readers: &mut Vec<Reader>, others: Vec<Reader>) {
    let known: HashSet<Reader> = readers.iter().cloned().collect();
    readers.extend(others.into_iter().filter(|reader| !known.contains(reader)));
}

impl Vault {
    /// The Secrets, by name and namespace.
    #[must_use]
    pub fn secrets(&self) -> &[VaultedSecret] {
        &self.secrets
    }

    /// Warnings of the run, in the order of the stream.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Adds what other streams read: a Secret of one name and namespace is one Secret.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Self>) {
        for other in others {
            for secret in other.secrets {
                self.add(secret);
            }
            self.diagnostics.extend(other.diagnostics);
        }
        self.settle(None);
    }

    fn add(&mut self, secret: VaultedSecret) {
        let id = |secret: &VaultedSecret| (secret.name.clone(), secret.namespace.clone());
        match self.secrets.binary_search_by_key(&id(&secret), id) {
            Ok(known) => self.secrets[known].extend(secret),
            Err(place) => self.secrets.insert(place, secret),
        }
    }
}

/// What the vaulted Secrets must hold for a stream that is filtered with a configuration.
///
/// # Errors
///
/// Those of [`filter()`](crate::filter()): for a stream that cannot be filtered there is nothing to say. And a line of
/// `spec.formats` that match nothing.
///
/// # Example
///
/// ```
/// let mut config = resecret::Config::default();
/// config.add_preset("langfuse", "langfuse-vault")?;
/// let render = b"\
/// kind: Pod
/// metadata: {name: web}
/// spec:
///   containers:
///   - {name: langfuse-web, env: [{name: ENCRYPTION_KEY, value: changeme}]}
/// ";
/// let vault = resecret::vault(render, &config)?;
/// let secret = &vault.secrets()[0];
/// let key = &secret.keys[0];
/// assert_eq!((secret.name.as_str(), key.name.as_str()), ("langfuse-vault", "encryption-key"));
/// assert_eq!(key.readers[0].to_string(), "Pod/web, container langfuse-web: ENCRYPTION_KEY");
/// # Ok::<(), resecret::Error>(())
/// ```
pub fn vault(input: &[u8], config: &Config) -> Result<Vault, Error> {
    let (filtered, documents) = filter::run(input, config, Reach::Every, |seen| document(seen, config))?;
    let mut found: BTreeMap<Id, UsedSecret> = BTreeMap::new();
    for DocumentUses { uses, removed } in documents {
        for (id, keys) in uses {
            let secret = found.entry(id).or_default();
            for key in keys {
                secret.add(key);
            }
        }
        for (id, keys, found_by) in removed {
            let secret = found.entry(id).or_default();
            for key in keys {
                secret.keys.entry(key).or_default();
            }
            secret.found_by.extend(found_by);
        }
    }
    let mut used = BTreeSet::new();
    let secrets: Vec<VaultedSecret> =
        found.into_iter().map(|(id, found)| secret(id, found, config, &mut used)).collect();
    let mut diagnostics = filtered.diagnostics().to_vec();
    diagnostics.extend(unmatched::formats(config, &used));
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(Error::new(diagnostics));
    }
    let mut vault = Vault { secrets, diagnostics };
    vault.settle(config.namespace.as_deref());
    Ok(vault)
}

/// Name and namespace.
type Id = (String, Option<String>);

#[derive(Default)]
struct UsedSecret {
    keys: BTreeMap<String, UsedKey>,
    readers: Readers,
    found_by: FoundBy,
}

#[derive(Default)]
struct UsedKey {
    readers: Readers,
    required: bool,
}

/// Readers, each once, in order.
#[derive(Default)]
struct Readers {
    all: Vec<Reader>,
    known: HashSet<Reader>,
}

/// What one document says of vaulted Secrets.
struct DocumentUses {
    /// What it reads: the Secret, and each key of it with its reader.
    uses: Vec<(Id, Vec<KeyUse>)>,
    /// The removed and split Secrets in it, each by its vaulted one: the keys there, and how others find it.
    removed: Vec<(Id, Vec<String>, FoundBy)>,
}

fn document(seen: &RewrittenDocument<'_, '_, '_>, config: &Config) -> DocumentUses {
    let uses = seen.uses.iter().map(|(position, found)| {
        let object = &seen.objects[*position];
        let namespace = found.namespace.clone().or_else(|| object.namespace().map(str::to_owned));
        ((found.secret.clone(), namespace), resolve(object, found))
    });
    let removed = seen.removed.iter().filter_map(|(position, rule)| {
        let (object, rule) = (&seen.objects[*position], &config.secrets[*rule]);
        let id = (rule.to.clone()?, object.namespace().map(str::to_owned));
        let data = object.secret_data();
        let moved = data.iter().filter(|entry| rule.moves(entry.key));
        let keys = moved.map(|entry| vaulted_key(&rule.keys, entry.key).to_owned()).collect();
        // What finds a Secret by its labels finds the one that stays.
        let stays = rule.splits();
        let found_by = if stays { FoundBy::default() } else { FoundBy::of(object, seen.leaked_values) };
        Some((id, keys, found_by))
    });
    DocumentUses { uses: uses.collect(), removed: removed.collect() }
}

impl UsedSecret {
    fn add(&mut self, found: KeyUse) {
        let readers = match found.key {
            Some(key) => {
                let key = self.keys.entry(key).or_default();
                key.required |= !found.optional;
                &mut key.readers
            }
            None => &mut self.readers,
        };
        readers.add(found.reader);
    }
}

impl Readers {
    fn add(&mut self, reader: Reader) {
        if self.known.insert(reader.clone()) {
            self.all.push(reader);
        }
    }
}

fn secret(id: Id, found: UsedSecret, config: &Config, used: &mut BTreeSet<usize>) -> VaultedSecret {
    let (name, namespace) = id;
    let keys = found.keys.into_iter().map(|(key, UsedKey { readers, required })| {
        let readers = readers.all;
        let variables = readers.iter().filter_map(Reader::variable);
        let names: Vec<&str> = variables.chain([key.as_str()]).collect();
        used.extend(config.format_rules(&name, &names).map(|(position, _)| position));
        let format = config.format_rules(&name, &names).find_map(|(_, rule)| rule.format);
        let format = format.or_else(|| KeyFormat::of_known_key(&key));
        let never_rotate = config.never_rotates(&name, &names);
        VaultedKey { format, optional: !required, never_rotate, readers, name: key }
    });
    VaultedSecret {
        keys: keys.collect(),
        namespace,
        readers: found.readers.all,
        found_by: found.found_by,
        name,
    }
}
