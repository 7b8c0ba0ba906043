use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use resecret::{Config, KeyFormat, Manifest, SecretStore, Vault, VaultedKey};
use serde::Deserialize as _;
use serde_yaml::{Mapping, Value};

/// Name and namespace, and the keys.
type Secrets = BTreeMap<(String, Option<String>), BTreeSet<String>>;

/// What each form of manifest holds is what the stream reads, each Secret once; filled in, it passes `keys --against`.
pub(crate) fn round_trip(config: &Config, input: &[u8]) -> anyhow::Result<()> {
    // What cannot be filtered has no keys.
    let Ok(vault) = resecret::vault(input, config) else { return Ok(()) };
    let wanted: Secrets = vault
        .secrets()
        .iter()
        .map(|secret| {
            let keys = secret.keys.iter().map(|key| key.name.clone()).collect();
            ((secret.name.clone(), secret.namespace.clone()), keys)
        })
        .collect();
    ensure!(wanted.len() == vault.secrets().len(), "a Secret is listed twice");
    let remote_key = "secret/{name}".to_owned();
    let store = SecretStore { name: "store".to_owned(), cluster: false };
    for form in [
        Manifest::Secret,
        Manifest::SealedSecret,
        Manifest::ExternalSecret { store, remote_key: remote_key.clone() },
        Manifest::VaultStaticSecret { auth: None, remote_key },
    ] {
        let text = vault.to_manifests(&form);
        let held = held(&text).with_context(|| format!("{form:?}:\n{text}"))?;
        for (id, keys) in &wanted {
            let held =
                held.get(id).with_context(|| format!("{form:?}: Secret {id:?} is missing:\n{text}"))?;
            // Of a Secret that is read as a whole this one takes all that the vault has.
            let takes_all = matches!(form, Manifest::VaultStaticSecret { .. }) && held.is_empty();
            ensure!(takes_all || held == keys, "{form:?}: {id:?} holds {held:?}, and {keys:?} are read");
        }
        ensure!(held.len() == wanted.len(), "{form:?} has Secrets that nobody reads:\n{text}");
    }
    let filled = fill(&vault)?;
    let found = vault.check(&[("filled.yaml".to_owned(), filled.clone().into_bytes())])?;
    ensure!(
        found.is_empty(),
        "what `keys -o secret` prints does not pass when filled in: {found:#?}\n{filled}"
    );
    Ok(())
}

/// What manifests make: each Secret with its keys.
fn held(text: &str) -> anyhow::Result<Secrets> {
    let mut secrets = Secrets::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = Value::deserialize(document)?;
        if value.is_null() {
            continue;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let metadata = value.get("metadata").context("metadata")?;
        let id = (
            metadata.get("name").and_then(text).context("a name")?,
            metadata.get("namespace").and_then(text),
        );
        let spec = value.get("spec");
        let mapping = value.get("stringData").or_else(|| spec?.get("encryptedData"));
        let names =
            mapping.and_then(Value::as_mapping).map(|mapping| mapping.keys().filter_map(text).collect());
        let data = spec.and_then(|spec| spec.get("data")).and_then(Value::as_sequence);
        let listed =
            data.map(|data| data.iter().filter_map(|entry| entry.get("secretKey").and_then(text)).collect());
        let includes = spec
            .and_then(|spec| spec.get("destination")?.get("transformation")?.get("includes")?.as_sequence());
        let patterns = includes
            .map(|includes| includes.iter().filter_map(text).map(|pattern| key_of(&pattern)).collect());
        let keys: BTreeSet<String> = names.or(listed).or(patterns).unwrap_or_default();
        ensure!(
            secrets.insert(id.clone(), keys).is_none(),
            "{id:?} is there twice: the second replaces the first"
        );
    }
    Ok(secrets)
}

/// The key that a pattern of VaultStaticSecret is for.
fn key_of(pattern: &str) -> String {
    pattern.trim_start_matches('^').trim_end_matches('$').replace("\\.", ".")
}

/// What `keys -o secret` prints, with a value of the right format in place of each placeholder.
fn fill(vault: &Vault) -> anyhow::Result<String> {
    let mut filled = String::new();
    for (secret, document) in
        vault.secrets().iter().zip(serde_yaml::Deserializer::from_str(&vault.to_manifests(&Manifest::Secret)))
    {
        let mut value = Value::deserialize(document)?;
        let values: Mapping =
            secret.keys.iter().map(|key| (key.name.clone().into(), example(key).into())).collect();
        value.as_mapping_mut().context("a Secret")?.insert("stringData".into(), values.into());
        filled += &format!("---\n{}", serde_yaml::to_string(&value)?);
    }
    Ok(filled)
}

/// A value that its reader understands.
fn example(key: &VaultedKey) -> &'static str {
    match key.format {
        Some(KeyFormat::Hex64) => "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        Some(KeyFormat::Url) => "postgres://user:canary@host/name",
        Some(KeyFormat::Pem) => "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n",
        Some(KeyFormat::Fernet) => "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        Some(KeyFormat::Json) => "{\"auths\": {}}",
        _ => "canary",
    }
}
