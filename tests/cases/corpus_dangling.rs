use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use libtest_mimic::Trial;
use resecret::Config;
use serde_yaml::Value;

use crate::model::{Document, documents};
use crate::streaming;

const VAULT: &str = "one-vault";

/// Every Secret of the stream goes, the charts' dependencies' included, and one vaulted Secret takes their place.
const RULES: &str = "
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets: [{name: '*', to: one-vault}]
  references: [{kind: ClickHouseCluster, path: spec.settings.defaultUserPassword.secret}]
  policy: {unmatched: allow}
";

/// One trial per render of the corpus.
pub(crate) fn trials() -> Vec<Trial> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folders = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = folders
        .flat_map(|folder| ["helm3-stdin.yaml", "helm4-stdin.yaml"].map(|name| folder.join(name)))
        .filter(|file| file.is_file())
        .collect();
    files.sort();
    let trial = |file: std::path::PathBuf| {
        let name = |path: Option<&Path>| {
            path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().replace("-stdin.yaml", "")
        };
        let name = format!("corpus::{}::{}::nothing_left_behind", name(file.parent()), name(Some(&file)));
        Trial::test(name, move || check(&file).map_err(|error| format!("{error:#}").into()))
    };
    files.into_iter().map(trial).collect()
}

fn check(file: &Path) -> anyhow::Result<()> {
    let input = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut config = Config::default();
    config.add_file("rules.yaml", RULES)?;
    streaming::check(&config, input.as_bytes())?;
    let output = String::from_utf8(resecret::filter(input.as_bytes(), &config)?.to_vec())?;

    let is_secret = |document: &&Document| document.field(&["kind"]) == "Secret";
    let (before, after) = (documents(&input)?, documents(&output)?);
    let secrets: BTreeSet<String> = before
        .iter()
        .filter(is_secret)
        .map(|secret| secret.field(&["metadata", "name"]).to_owned())
        .collect();
    ensure!(!secrets.is_empty(), "the render holds no Secret");
    ensure!(!after.iter().any(|document| is_secret(&document)), "a Secret is still there");
    ensure!(
        after.len() == before.iter().filter(|document| !is_secret(document)).count(),
        "more than Secrets went"
    );

    let named_before = all_names(before.iter().filter(|document| !is_secret(document)));
    let named = all_names(after.iter());
    let dangling: Vec<_> = named.iter().filter(|(_, name)| secrets.contains(name)).collect();
    ensure!(dangling.is_empty(), "these still name a Secret that is gone: {dangling:?}");
    // Duplicates share their path, since it holds no positions.
    let wanted: BTreeSet<_> =
        named_before.iter().filter(|(_, name)| secrets.contains(name)).map(|(path, _)| path).collect();
    let found: BTreeSet<_> = named.iter().filter(|(_, name)| name == VAULT).map(|(path, _)| path).collect();
    ensure!(
        !wanted.is_empty() && found == wanted,
        "these named a Secret: {wanted:?}; these name {VAULT}: {found:?}"
    );
    Ok(())
}

fn all_names<'d>(documents: impl Iterator<Item = &'d Document>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for document in documents {
        let object = format!("{}/{}", document.field(&["kind"]), document.field(&["metadata", "name"]));
        names(&document.value, &object, false, &mut found);
    }
    found
}

/// Every text below a key that speaks of secrets, with its path.
fn names(value: &Value, path: &str, speaks: bool, found: &mut Vec<(String, String)>) {
    match value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                let key = key.as_str().unwrap_or_default();
                let speaks = speaks || key.to_lowercase().contains("secret");
                names(value, &format!("{path}.{key}"), speaks, found);
            }
        }
        Value::Sequence(items) => {
            for item in items {
                names(item, &format!("{path}[]"), speaks, found);
            }
        }
        Value::String(text) if speaks => found.push((path.to_owned(), text.clone())),
        _ => {}
    }
}
