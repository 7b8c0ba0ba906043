use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use libtest_mimic::Trial;
use resecret::Config;
use serde_yaml::Value;

use crate::model::{Document, documents, each_container, each_under, item_lines, line_changes, reference};
use crate::streaming;
use crate::vault;

const VAULT: &str = "langfuse-vault";
const PATHS: [&str; 4] =
    ["langfuse-0.10.0-default", "langfuse-0.10.0-umbrella", "langfuse-1.5.0", "langfuse-2.0.0"];
const HELM4_FILENAME: &str = "postrenderer.helm.sh/postrender-filename";

/// Variables of the preset `langfuse` and their keys.
const OWN: [(&str, &str); 3] =
    [("NEXTAUTH_SECRET", "nextauth-secret"), ("SALT", "salt"), ("ENCRYPTION_KEY", "encryption-key")];

/// Variables of the preset `langfuse-stores`. Their keys follow from their names: see [`store_key`].
const STORES: [&str; 19] = [
    "DATABASE_PASSWORD",
    "DATABASE_URL",
    "DIRECT_URL",
    "SHADOW_DATABASE_URL",
    "REDIS_CONNECTION_STRING",
    "REDIS_PASSWORD",
    "REDIS_AUTH",
    "CLICKHOUSE_PASSWORD",
    "LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID",
    "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY",
    "LANGFUSE_S3_MEDIA_UPLOAD_ACCESS_KEY_ID",
    "LANGFUSE_S3_MEDIA_UPLOAD_SECRET_ACCESS_KEY",
    "LANGFUSE_S3_BATCH_EXPORT_ACCESS_KEY_ID",
    "LANGFUSE_S3_BATCH_EXPORT_SECRET_ACCESS_KEY",
    "SMTP_CONNECTION_URL",
    "LANGFUSE_EE_LICENSE_KEY",
    "LANGFUSE_INIT_USER_PASSWORD",
    "LANGFUSE_INIT_PROJECT_SECRET_KEY",
    "LANGFUSE_SECRET_KEY",
];

/// Credentials that the charts render as literals, by the folder's name: after `langfuse-stores` none may be left.
const LITERALS: [(&str, &[&str]); 2] = [
    (
        "langfuse-0.10.0-default",
        &[
            "REDIS_CONNECTION_STRING",
            "CLICKHOUSE_PASSWORD",
            "LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID",
            "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY",
        ],
    ),
    (
        "langfuse-1.5.0",
        &[
            "DATABASE_PASSWORD",
            "REDIS_PASSWORD",
            "CLICKHOUSE_PASSWORD",
            "LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID",
            "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY",
            "LANGFUSE_S3_BATCH_EXPORT_ACCESS_KEY_ID",
            "LANGFUSE_S3_BATCH_EXPORT_SECRET_ACCESS_KEY",
            "LANGFUSE_S3_MEDIA_UPLOAD_ACCESS_KEY_ID",
            "LANGFUSE_S3_MEDIA_UPLOAD_SECRET_ACCESS_KEY",
        ],
    ),
];

/// One trial per render and set of presets; without the corpus one that is ignored and says so.
pub(crate) fn trials() -> Vec<Trial> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let required = std::env::var("RESECRET_REQUIRE_CORPUS").is_ok_and(|value| value == "1");
    if !root.is_dir() {
        let name = "corpus::no_renders_in_../shared/corpus_so_none_is_compared";
        let absent = || Err("there is no ../shared/corpus".into());
        return vec![Trial::test(name, absent).with_ignored_flag(!required)];
    }
    let mut trials = Vec::new();
    for (folder, client, stores) in PATHS.iter().flat_map(|folder| {
        [3, 4].into_iter().flat_map(move |client| [false, true].map(|stores| (*folder, client, stores)))
    }) {
        let file = root.join(folder).join(format!("helm{client}-stdin.yaml"));
        let with = if stores { "langfuse_and_stores" } else { "langfuse" };
        trials.push(Trial::test(format!("corpus::{folder}::helm{client}::{with}"), move || {
            check(&file, folder, stores).map_err(|error| format!("{error:#}").into())
        }));
    }
    trials
}

/// The key of a variable of `langfuse-stores`.
fn store_key(variable: &str) -> String {
    variable.strip_prefix("LANGFUSE_").unwrap_or(variable).to_lowercase().replace('_', "-")
}

fn check(file: &PathBuf, folder: &str, stores: bool) -> anyhow::Result<()> {
    let input = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut config = Config::default();
    config.add_preset("langfuse", VAULT)?;
    if stores {
        config.add_preset("langfuse-stores", VAULT)?;
    }
    vault::round_trip(&config, input.as_bytes())?;
    // Helm 3 sorts by kind, and Secrets come before what refers to these; Helm 4 sorts by template.
    if file.ends_with("helm3-stdin.yaml") {
        streaming::goes_through(&config, input.as_bytes())?;
    } else {
        streaming::check(&config, input.as_bytes())?;
    }
    let filtered = resecret::filter(input.as_bytes(), &config)?;
    let output = String::from_utf8(filtered.to_vec())?;

    let before = documents(&input)?;
    let dropped: BTreeSet<String> = before
        .iter()
        .filter(|d| is_chart_secret(d))
        .map(|d| d.field(&["metadata", "name"]).to_owned())
        .collect();
    ensure!(dropped.len() == 1, "the render should hold one Secret of the chart's own, not {dropped:?}");
    ensure!(filtered.summary().removed == 1, "one Secret is removed");
    let kept: Vec<&Document> = before.iter().filter(|d| !is_chart_secret(d)).collect();
    let after = documents(&output)?;
    ensure!(after.len() == kept.len(), "{} documents go out, {} should", after.len(), kept.len());
    let mut edited = 0;
    for (before, after) in kept.into_iter().zip(&after) {
        let expected = Expected::of(&before.value, &dropped, stores);
        let id = format!("{}/{}", before.field(&["kind"]), before.field(&["metadata", "name"]));
        if expected.value == before.value {
            ensure!(after.text == before.text, "{id} should pass byte for byte");
            continue;
        }
        edited += 1;
        ensure!(after.value == expected.value, "{id} is not what it should be:\n{}", after.text);
        check_lines(before, after, &expected).with_context(|| id.clone())?;
        let template = |d: &Document| d.field(&["metadata", "annotations", HELM4_FILENAME]).to_owned();
        ensure!(template(before) == template(after), "{id} has lost Helm 4's annotation");
    }
    ensure!(filtered.summary().edited == edited, "{edited} documents should be edited");
    ensure!(edited >= 2, "web and worker should be edited");
    check_charts(folder, stores, &before, &after)
}

/// The chart's own Secret: `<fullname>-nextauth`, later `<fullname>-app`, with the chart's label.
fn is_chart_secret(document: &Document) -> bool {
    let name = document.field(&["metadata", "name"]);
    let chart = document.field(&["metadata", "labels", "helm.sh/chart"]);
    document.field(&["kind"]) == "Secret"
        && (name.ends_with("-nextauth") || name.ends_with("-app"))
        && chart
            .strip_prefix("langfuse-")
            .is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

/// What becomes of a document, by a second implementation that knows only values.
struct Expected {
    value: Value,
    /// The variables that a rule decides, or of which duplicates go, with the lines that may come for them.
    decided: BTreeMap<String, String>,
    /// Names of removed Secrets to which this document referred.
    redirected: BTreeSet<String>,
}

impl Expected {
    fn of(before: &Value, dropped: &BTreeSet<String>, stores: bool) -> Self {
        let mut value = before.clone();
        let (mut decided, mut redirected) = (BTreeMap::new(), BTreeSet::new());
        each_container(&mut value, &mut |container, fields| {
            let langfuse = container == "langfuse" || container.starts_with("langfuse-");
            let Some(env) = fields.get_mut("env").and_then(Value::as_sequence_mut) else { return };
            let names: BTreeSet<String> = env.iter().map(name_of).collect();
            for name in names {
                let own = OWN.iter().find(|(variable, _)| langfuse && *variable == name).map(|(_, key)| *key);
                let store = (langfuse && stores && STORES.contains(&name.as_str())).then(|| store_key(&name));
                let key = own.map(str::to_owned).or_else(|| store.clone());
                let at: Vec<usize> = (0..env.len()).filter(|at| name_of(&env[*at]) == name).collect();
                let reads_vault = |at: &&usize| secret_of(&env[**at]) == Some(VAULT);
                let last = at[at.len() - 1];
                let winner = if key.is_some() {
                    at.iter().rev().find(reads_vault).copied().unwrap_or(last)
                } else {
                    last
                };
                if let Some(key) = &key
                    && (store.is_none() || is_literal(&env[winner]))
                {
                    let new = reference(&name, VAULT, key);
                    if env[winner] != new {
                        env[winner] = new;
                        decided.insert(name.clone(), key.clone());
                    }
                }
                if at.len() > 1 {
                    decided.entry(name).or_default();
                    let mut number = 0;
                    env.retain(|_| {
                        number += 1;
                        number - 1 == winner || !at.contains(&(number - 1))
                    });
                }
            }
        });
        each_under(&mut value, "secretKeyRef", &mut |selector| {
            let name = selector.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            if dropped.contains(&name) {
                selector.insert("name".into(), VAULT.into());
                redirected.insert(name);
            }
        });
        Self { value, decided, redirected }
    }
}

fn name_of(entry: &Value) -> String {
    entry.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn secret_of(entry: &Value) -> Option<&str> {
    entry.get("valueFrom")?.get("secretKeyRef")?.get("name")?.as_str()
}

fn is_literal(entry: &Value) -> bool {
    let value = entry.get("value").and_then(Value::as_str).unwrap_or_default();
    entry.get("valueFrom").is_none() && !value.is_empty() && !value.contains("$(")
}

/// The output is the input without lines of decided entries, and with lines that an entry for the vault has.
fn check_lines(before: &Document, after: &Document, expected: &Expected) -> anyhow::Result<()> {
    let (removed, inserted) = line_changes(&before.text, &after.text);
    let mut may_go: Vec<&str> =
        expected.decided.keys().flat_map(|name| item_lines(&before.text, name)).collect();
    may_go.extend(before.text.split_inclusive('\n').filter(|line| {
        let name = line.trim().strip_prefix("name:").map(|name| name.trim().trim_matches(['"', '\'']));
        name.is_some_and(|name| expected.redirected.contains(name))
    }));
    for line in &removed {
        let Some(at) = may_go.iter().position(|known| known == line) else {
            bail!("this line should have stayed:\n{line}");
        };
        may_go.swap_remove(at);
    }
    let mut may_come = BTreeSet::from(["valueFrom:".to_owned(), "secretKeyRef:".to_owned()]);
    for name in [VAULT.to_owned(), format!("\"{VAULT}\""), format!("'{VAULT}'")] {
        may_come.insert(format!("name: {name}"));
    }
    for key in expected.decided.values() {
        may_come.extend([format!("key: {key}"), format!("key: \"{key}\"")]);
    }
    for line in &inserted {
        ensure!(
            line.ends_with('\n') && may_come.contains(line.trim()),
            "this line should not have come:\n{line}"
        );
    }
    Ok(())
}

/// What is promised for these very charts, in so many words.
fn check_charts(folder: &str, stores: bool, before: &[Document], after: &[Document]) -> anyhow::Result<()> {
    let langfuse = |after: &[Document]| {
        let mut lists: Vec<Vec<Value>> = Vec::new();
        for document in after {
            each_container(&mut document.value.clone(), &mut |name, fields| {
                let env = fields.get("env").and_then(Value::as_sequence);
                lists.extend(env.filter(|_| name.starts_with("langfuse")).cloned());
            });
        }
        lists
    };
    let (lists_before, lists) = (langfuse(before), langfuse(after));
    ensure!(lists.len() == 2, "web and worker have a list of variables each");
    for (list_before, list) in lists_before.iter().zip(&lists) {
        let entry = |name: &str| list.iter().find(|entry| name_of(entry) == name);
        for (variable, _) in
            OWN.iter().filter(|(variable, _)| list_before.iter().any(|e| name_of(e) == *variable))
        {
            let entries = list.iter().filter(|entry| name_of(entry) == *variable).count();
            ensure!(entries == 1, "{variable} should stand once, not {entries} times");
            ensure!(entry(variable).and_then(secret_of) == Some(VAULT), "{variable} should read {VAULT}");
        }
        let literals =
            LITERALS.iter().find(|(name, _)| stores && *name == folder).map_or(&[][..], |(_, all)| all);
        for variable in literals {
            ensure!(
                list_before.iter().any(|e| name_of(e) == *variable && is_literal(e)),
                "{variable} was a literal"
            );
            ensure!(entry(variable).and_then(secret_of) == Some(VAULT), "{variable} should read {VAULT}");
        }
        if folder == "langfuse-0.10.0-umbrella" {
            for variable in ["NEXTAUTH_SECRET", "SALT"] {
                let users_own = list_before.iter().rev().find(|entry| name_of(entry) == variable);
                ensure!(
                    entry(variable) == users_own,
                    "the user's own {variable} should be the one that stays"
                );
                let follows = |list: &[Value]| {
                    let at = list.iter().rposition(|entry| name_of(entry) == variable);
                    at.and_then(|at| list.get(at + 1)).map(name_of)
                };
                ensure!(
                    follows(list) == follows(list_before),
                    "the user's own {variable} should stay in its place"
                );
            }
        }
    }
    let helm4 = |documents: &[Document]| {
        documents.iter().filter(|d| !d.field(&["metadata", "annotations", HELM4_FILENAME]).is_empty()).count()
    };
    let lost = helm4(before) - helm4(after);
    ensure!(helm4(before) == 0 || lost == 1, "only the Secret's own annotation of Helm 4 goes, not {lost}");
    Ok(())
}
