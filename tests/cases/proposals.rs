use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use libtest_mimic::Trial;
use resecret::scan::{Generated, Inventory, inventory, inventory_of_generated, propose};
use resecret::{Code, Config, Severity};

use crate::canary;
use crate::fixture::Fixture;

/// What a proposal cannot mend: documents that no rule can edit, variables that no rule can decide.
const NOT_EDITABLE: [Code; 6] = [
    Code::DuplicateItem,
    Code::SharedAnchor,
    Code::MergeKey,
    Code::DuplicateKey,
    Code::UnsafeEdit,
    Code::EnvOrder,
];

/// Three trials per fixture, render of the repository, and render of the corpus: what is proposed for it, into a vaulted
/// Secret for each of the chart's or into one, goes through and leaves nothing to vault; and what is proposed for it with a
/// second render leaves no change that a rule could stop.
pub(crate) fn trials(fixtures: &[Fixture]) -> Vec<Trial> {
    let fixtures =
        fixtures.iter().map(|fixture| (format!("fixtures::{}", fixture.name()), fixture.input_file(), false));
    let named = |path: PathBuf| {
        let name = path.iter().rev().take(2).map(|part| part.to_string_lossy().into_owned());
        (name.collect::<Vec<_>>().join("_of_"), path, true)
    };
    let all = fixtures.chain(renders().into_iter().map(named));
    all.flat_map(|(name, path, real)| {
        let again = {
            let path = path.clone();
            move || check_again(&path).map_err(|error| format!("{error:#}").into())
        };
        let again = Trial::test(format!("proposals::{name}::again"), again);
        let of_one = [None, Some("one-vault")].map(|to| {
            let (path, with) = (path.clone(), to.map_or("each", |_| "one"));
            let check = move || check(&path, to, real).map_err(|error| format!("{error:#}").into());
            Trial::test(format!("proposals::{name}::{with}"), check)
        });
        of_one.into_iter().chain([again])
    })
    .collect()
}

/// The renders of the repository and of the corpus.
pub(crate) fn renders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own =
        ["umbrella-helm3.yaml", "umbrella-helm4.yaml"].map(|name| root.join("tests/renders").join(name));
    own.into_iter().chain(files(&root.join("../shared/corpus"))).collect()
}

fn files(corpus: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(corpus).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = folders
        .flat_map(|folder| ["helm3-stdin.yaml", "helm4-stdin.yaml"].map(|name| folder.join(name)))
        .filter(|file| file.is_file())
        .collect();
    files.sort();
    files
}

fn check(path: &Path, to: Option<&str>, real: bool) -> anyhow::Result<()> {
    let input = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let found = match inventory(&input) {
        Ok(found) => found,
        Err(error) => {
            let unreadable = error.code().prevents_judgement() || error.code() == Code::UnnamedSecret;
            ensure!(unreadable && !real, "only what cannot be read has no inventory: {error}");
            return Ok(());
        }
    };
    let json = serde_json::to_string(&found)?;
    canary::check("the inventory", &format!("{found}{json}{found:?}"))?;
    let proposal = match propose(&input, &found, to) {
        Ok(Some(proposal)) => proposal,
        Ok(None) => {
            ensure!(found.secrets.is_empty() && found.duplicates.is_empty(), "there is something to propose");
            ensure!(found.credentials.iter().all(no_rule_can_vault), "there is a variable to vault");
            return Ok(());
        }
        Err(error) => {
            let mut errors = error.diagnostics().iter().filter(|found| found.severity == Severity::Error);
            let editable = errors.any(|found| !NOT_EDITABLE.contains(&found.code));
            ensure!(!editable && !real, "a configuration should go through: {error}");
            return Ok(());
        }
    };
    canary::check("the proposal", &proposal.text)?;
    let mut config = Config::default();
    config.add_file("proposed.yaml", &proposal.text)?;
    let output = resecret::filter(&input, &config).context("the proposal goes through")?.to_vec();
    let mut left = inventory(&output).context("the output can be read")?;
    // A Secret of which the credentials have gone stays with its settings.
    let is_setting = |name: &str, key: &str| {
        let secret = found.secrets.iter().find(|secret| secret.name == name);
        secret.is_some_and(|secret| secret.keys.iter().any(|known| known.name == key && known.setting))
    };
    left.secrets.retain(|secret| !secret.keys.iter().all(|key| is_setting(&secret.name, &key.name)));
    let Inventory { secrets, duplicates, checksums, references, credentials, .. } = &left;
    ensure!(secrets.is_empty() && references.is_empty(), "Secrets are left: {left}");
    ensure!(duplicates.is_empty() && checksums.is_empty(), "something is left: {left}");
    ensure!(credentials.iter().all(no_rule_can_vault), "variables are left: {left}");
    ensure!(!real || left.is_empty(), "nothing should be left of a real render: {left}");
    ensure!(serde_json::to_string(&left)? == serde_json::to_string(&proposal.left)?, "it says what is left");
    for credential in credentials {
        ensure!(proposal.text.contains(&credential.holder), "the file names what it leaves");
    }
    let mut secrets = proposal.text.lines().filter_map(|line| line.trim().strip_prefix("to: "));
    let is_read = |secret: &resecret::scan::Secret| {
        !secret.readers.is_empty() || secret.keys.iter().any(|key| !key.readers.is_empty())
    };
    let own = |name: &str| found.secrets.iter().any(|secret| secret.name == name && is_read(secret));
    ensure!(!secrets.any(own), "only a Secret that nothing reads keeps its name");
    ensure!(!proposal.text.starts_with("# yaml-language-server"), "no file is named that is not there");
    Ok(())
}

/// A second render has other values where the first one has values of Secrets and credentials.
fn check_again(path: &Path) -> anyhow::Result<()> {
    let input = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Ok(input) = String::from_utf8(input) else { return Ok(()) };
    let second = input.replace("canary", "canArY").replace("Y2FuYXJ5", "Y2FuQXJZ");
    let Ok(changes) = resecret::changes(input.as_bytes(), second.as_bytes(), "second") else { return Ok(()) };
    let generated = Generated::new(changes.places(), changes.alone());
    let Ok(found) = inventory_of_generated(input.as_bytes(), generated) else { return Ok(()) };
    let Ok(Some(mut proposal)) = propose(input.as_bytes(), &found, None) else { return Ok(()) };
    canary::check("the inventory", &format!("{found:?}"))?;
    let mut config = Config::default();
    config.add_file("proposed.yaml", &proposal.text)?;
    let first = resecret::filter(input.as_bytes(), &config).context("the proposal goes through")?;
    let other = resecret::filter(second.as_bytes(), &config).context("so does it on the second render")?;
    let changes = resecret::still_changing(&first, &other, "second", &config)?;
    let stoppable = changes.iter().find(|change| change.help.contains("add to spec"));
    ensure!(stoppable.is_none(), "a rule could stop this: {stoppable:?} with {}", proposal.text);
    proposal.note_changes(&changes);
    canary::check("the proposal", &proposal.text)?;
    let mut again = Config::default();
    again.add_file("proposed.yaml", &proposal.text).context("comments are comments")
}

/// A literal that is no variable's value.
fn no_rule_can_vault(credential: &resecret::scan::PlainCredential) -> bool {
    !credential.holder.starts_with("variable ")
}
