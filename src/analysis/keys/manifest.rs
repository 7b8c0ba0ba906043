//! Manifests to start from. They hold names and comments, never a value: a chart's default is not a secret.

use crate::analysis::keys::found_by::FoundBy;
use crate::analysis::keys::{Vault, VaultedKey, VaultedSecret};
use crate::yaml::scalar::{one_line, plain_or_quoted};

/// In place of every value; `keys --against` knows it.
pub(super) const PLACEHOLDER: &str = "CHANGE-ME";

/// The annotation that lists the keys that must never change.
const NEVER_ROTATE: &str = "resecret.dev/never-rotate";

/// A form in which a vaulted Secret can be made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Manifest {
    /// `ExternalSecret` of External Secrets (`external-secrets.io/v1`).
    ExternalSecret {
        /// Where the values are.
        store: SecretStore,
        /// The name of the entry in the store; `{name}` is the Secret's.
        remote_key: String,
    },
    /// `SealedSecret` of Sealed Secrets (`bitnami.com/v1alpha1`), to be filled with what `kubeseal --raw` prints.
    SealedSecret,
    /// `VaultStaticSecret` of the Vault Secrets Operator (`secrets.hashicorp.com/v1beta1`).
    VaultStaticSecret {
        /// The `VaultAuth`; the operator's default if absent.
        auth: Option<String>,
        /// Mount and path in a key-value store of version 2 (`secret/apps/{name}`); `{name}` is the Secret's.
        remote_key: String,
    },
    /// A plain `Secret`, with placeholders.
    Secret,
}

/// A store of External Secrets.
#[derive(Clone, Debug)]
pub struct SecretStore {
    /// Its name.
    pub name: String,
    /// Whether it is a `ClusterSecretStore`.
    pub cluster: bool,
}

/// Where a key-value store is mounted unless somebody says so.
const DEFAULT_MOUNT: &str = "secret";

impl Vault {
    /// A manifest for each Secret, one after the other.
    #[must_use]
    pub fn to_manifests(&self, form: &Manifest) -> String {
        self.secrets.iter().map(|secret| format!("---\n{}", manifest(secret, form))).collect()
    }
}

fn manifest(secret: &VaultedSecret, form: &Manifest) -> String {
    let (api_version, kind, body) = match form {
        Manifest::ExternalSecret { store, remote_key } => {
            ("external-secrets.io/v1", "ExternalSecret", external_secret(secret, store, remote_key))
        }
        Manifest::SealedSecret => ("bitnami.com/v1alpha1", "SealedSecret", sealed_secret(secret)),
        Manifest::VaultStaticSecret { auth, remote_key } => (
            "secrets.hashicorp.com/v1beta1",
            "VaultStaticSecret",
            vault_static_secret(secret, auth.as_deref(), remote_key),
        ),
        Manifest::Secret => ("v1", "Secret", plain_secret(secret)),
    };
    let mut comments: String = secret
        .readers
        .iter()
        .map(|reader| format!("# Read as a whole by {}\n", one_line(&reader.to_string())))
        .collect();
    if !secret.is_read() {
        comments += "# Nothing in the render refers to it: it is found by its labels, or by its name.\n";
    }
    let never = never_rotate(secret);
    let never = Some((NEVER_ROTATE, never.as_str())).filter(|(_, keys)| !keys.is_empty());
    // What makes a Secret is found by nobody: the Secret that it makes is.
    let found_by = matches!(form, Manifest::Secret).then_some(&secret.found_by);
    let labels = found_by.map(FoundBy::labels).unwrap_or_default();
    let annotations = found_by.map(FoundBy::annotations).unwrap_or_default().into_iter().chain(never);
    format!(
        "{comments}apiVersion: {api_version}\nkind: {kind}\nmetadata:\n{}{}{}{body}",
        metadata(secret, "  "),
        marks("  ", "labels", labels),
        marks("  ", "annotations", annotations),
    )
}

/// Comments do not reach the cluster: everyone who rotates there finds the annotation.
fn never_rotate(secret: &VaultedSecret) -> String {
    let keys = secret.keys.iter().filter(|key| key.never_rotate).map(|key| key.name.as_str());
    keys.collect::<Vec<_>>().join(" ")
}

/// The labels and annotations by which the Secret is found that something else makes.
fn found_by(secret: &VaultedSecret, indentation: &str) -> String {
    marks(indentation, "labels", secret.found_by.labels())
        + &marks(indentation, "annotations", secret.found_by.annotations())
}

/// A name behind a domain, which needs no quotes for its slash.
fn qualified(name: &str) -> String {
    let is_plain = |part: &str| plain_or_quoted(part) == part;
    match name.split_once('/') {
        Some((domain, name)) if is_plain(domain) && is_plain(name) => format!("{domain}/{name}"),
        _ => plain_or_quoted(name),
    }
}

fn marks<'m>(
    indentation: &str,
    field: &str,
    entries: impl IntoIterator<Item = (&'m str, &'m str)>,
) -> String {
    let entry = |(key, value)| format!("{indentation}  {}: {}\n", qualified(key), plain_or_quoted(value));
    let entries: String = entries.into_iter().map(entry).collect();
    if entries.is_empty() { entries } else { format!("{indentation}{field}:\n{entries}") }
}

fn metadata(secret: &VaultedSecret, indentation: &str) -> String {
    let namespace = secret.namespace.as_ref();
    let namespace = namespace.map(|name| format!("{indentation}namespace: {}\n", plain_or_quoted(name)));
    format!("{indentation}name: {}\n{}", plain_or_quoted(&secret.name), namespace.unwrap_or_default())
}

fn external_secret(secret: &VaultedSecret, store: &SecretStore, remote_key: &str) -> String {
    let kind = if store.cluster { "ClusterSecretStore" } else { "SecretStore" };
    let mut text = format!(
        "spec:\n  refreshInterval: 1h\n  secretStoreRef:\n    kind: {kind}\n    name: {}\n  target:\n    name: {}\n",
        plain_or_quoted(&store.name),
        plain_or_quoted(&secret.name)
    );
    let kind = Some(secret.secret_type()).filter(|kind| *kind != "Opaque");
    let kind = kind.map(|kind| format!("      type: {}\n", qualified(kind))).unwrap_or_default();
    let found_by = found_by(secret, "        ");
    if !kind.is_empty() || !found_by.is_empty() {
        text += &format!("    template:\n{kind}");
    }
    if !found_by.is_empty() {
        text += &format!("      metadata:\n{found_by}");
    }
    let remote = plain_or_quoted(&remote(secret, remote_key));
    if !secret.keys.is_empty() {
        text += "  data:\n";
    }
    for key in &secret.keys {
        let name = plain_or_quoted(&key.name);
        text += &comments(key, "  ");
        text +=
            &format!("  - secretKey: {name}\n    remoteRef:\n      key: {remote}\n      property: {name}\n");
    }
    if secret.keys.is_empty() {
        text += &format!("  dataFrom:\n  - extract:\n      key: {remote}\n");
    }
    text
}

fn sealed_secret(secret: &VaultedSecret) -> String {
    let namespace = secret.namespace.as_deref().unwrap_or("NAMESPACE");
    let mut text = format!(
        "spec:\n  # Each value is what this prints for it:\n  # printf %s VALUE | kubeseal --raw --name {} --namespace {}\n",
        one_line(&secret.name),
        one_line(namespace)
    );
    text += &values(secret, "  ", "encryptedData");
    text + &format!(
        "  template:\n    metadata:\n{}{}    type: {}\n",
        metadata(secret, "      "),
        found_by(secret, "      "),
        qualified(secret.secret_type())
    )
}

fn vault_static_secret(secret: &VaultedSecret, auth: Option<&str>, remote_key: &str) -> String {
    let remote = remote(secret, remote_key);
    let (mount, path) = remote.split_once('/').unwrap_or((DEFAULT_MOUNT, &remote));
    let auth = auth.map(|auth| format!("  vaultAuthRef: {}\n", plain_or_quoted(auth))).unwrap_or_default();
    let mut text = format!(
        "spec:\n{auth}  mount: {}\n  path: {}\n  type: kv-v2\n  refreshAfter: 1h\n  destination:\n    name: {}\n    create: true\n    overwrite: false\n    type: {}\n{}    transformation:\n      excludeRaw: true\n",
        plain_or_quoted(mount),
        plain_or_quoted(path),
        plain_or_quoted(&secret.name),
        qualified(secret.secret_type()),
        found_by(secret, "    ")
    );
    // Who takes all keys takes them all; else the Secret holds what is read and nothing more. A key has no character
    // that means something in a pattern but the dot.
    if secret.readers.is_empty() && !secret.keys.is_empty() {
        text += "      includes:\n";
        for key in &secret.keys {
            text += &comments(key, "      ");
            text += &format!("      - {}\n", plain_or_quoted(&format!("^{}$", key.name.replace('.', "\\."))));
        }
    }
    text
}

fn plain_secret(secret: &VaultedSecret) -> String {
    format!("type: {}\n{}", qualified(secret.secret_type()), values(secret, "", "stringData"))
}

/// A mapping of every key to the placeholder.
fn values(secret: &VaultedSecret, indentation: &str, field: &str) -> String {
    if secret.keys.is_empty() {
        return format!("{indentation}{field}: {{}}\n");
    }
    let inner = format!("{indentation}  ");
    let mut text = format!("{indentation}{field}:\n");
    for key in &secret.keys {
        text += &comments(key, &inner);
        text += &format!("{inner}{}: {PLACEHOLDER}\n", plain_or_quoted(&key.name));
    }
    text
}

/// What must be there, and who reads it.
fn comments(key: &VaultedKey, indentation: &str) -> String {
    let optional = if key.optional { ", optional" } else { "" };
    let format = key.format.map(|format| format!("{indentation}# {}{optional}\n", format.description()));
    let readers = key.readers.iter().map(|reader| one_line(&reader.to_string()));
    let readers: String = readers.map(|reader| format!("{indentation}# {reader}\n")).collect();
    let never = if key.never_rotate {
        format!("{indentation}# Never rotate it: stored data was made with it.\n")
    } else {
        String::new()
    };
    let nobody = if readers.is_empty() {
        format!("{indentation}# Nothing in the render reads it.\n")
    } else {
        readers
    };
    format.unwrap_or_default() + &never + &nobody
}

fn remote(secret: &VaultedSecret, remote_key: &str) -> String {
    remote_key.replace("{name}", &secret.name)
}
