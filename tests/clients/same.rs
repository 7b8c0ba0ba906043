use std::fs;
use std::sync::Mutex;

use anyhow::{Context as _, Result, ensure};

use crate::client::Client;
use crate::clients;
use crate::machine::{Machine, repository};
use crate::objects::{Objects, same};
use crate::ways::{self, Scenario, WAYS, Way};

/// A rule that matches nothing, as after a chart upgrade that renames the Secret.
const UNMATCHED: &str = "  secrets:\n  - {name: \"*-renamed\", to: langfuse-vault}\n";
/// What a diagnostic about it names.
const RULE: &str = "spec.secrets[0]";
/// Leaves out the only object of its chart.
const EVERYTHING: &str = "  secrets:\n  - {name: \"*-only\"}\n";
/// The line about a run that went through.
const SUMMARY: &str = "resecret: 1 Secret removed";
/// Values of the charts, in plain and in base64.
const VALUES: [&str; 4] = ["changeme", "Y2hhbmdlbWU", "not-a-real-token", "not-a-real-password"];

/// One trial for each way.
pub(crate) fn trials() -> impl Iterator<Item = (String, &'static [&'static str], impl Fn() -> Result<()>)> {
    WAYS.into_iter().map(|way| {
        let name = way.name.to_lowercase().replace(", ", "::").replace(' ', "_");
        (format!("same::{name}"), way.needs, move || check(&way))
    })
}

/// The same objects as by every other way, and the row of the table as it was measured.
fn check(way: &Way) -> Result<()> {
    let machine = Machine::new()?;
    let run = (way.run)(&machine, &Scenario { chart: "umbrella", spec: None })?.succeeded()?;
    let found = canonical(&machine, &run.stdout)?;
    let plain = canonical(&machine, &ways::plain(&machine, "umbrella")?.stdout)?;
    let wanted = plain.vaulted()?;
    ensure!(wanted.release.len() > 4 && wanted.hooks.len() == 1, "the chart has become another one");
    same(&found.release, &wanted.release)?;
    let hooks = if same(&found.hooks, &wanted.hooks).is_ok() {
        "edited"
    } else {
        same(&found.hooks, &plain.hooks)?;
        "not seen"
    };
    let said = if run.stderr.contains(SUMMARY) { "shown" } else { "hidden" };
    let row = format!(
        "| {} | {} | {hooks} | {said} | {} | {} |",
        way.name,
        versions(way)?,
        failure(way)?,
        everything(way)?
    );
    is_in_the_table(way, &row)
}

/// What becomes of the messages of a run that fails; nothing must come out of it, and no value be shown.
fn failure(way: &Way) -> Result<&'static str> {
    let machine = Machine::new()?;
    let run = (way.run)(&machine, &Scenario { chart: "umbrella", spec: Some(UNMATCHED) })?.failed()?;
    ensure!(run.stdout.is_empty(), "a run that fails has output: {run}");
    for value in VALUES {
        run.does_not_say(value)?;
    }
    Ok(if run.stderr.contains(RULE) { "shown" } else { "hidden" })
}

/// What becomes of a release of which nothing is left.
fn everything(way: &Way) -> Result<&'static str> {
    let machine = Machine::new()?;
    let run = (way.run)(&machine, &Scenario { chart: "only-secret", spec: Some(EVERYTHING) })?;
    if run.code != Some(0) {
        ensure!(run.stdout.is_empty(), "a run that fails has output: {run}");
        return Ok("an error");
    }
    let objects = Objects::read(&run.stdout)?;
    ensure!(objects.release.is_empty() && objects.hooks.is_empty(), "something is left: {run}");
    Ok("empty")
}

/// The objects as Kustomize prints them: it orders keys and resolves scalars, for every way alike.
fn canonical(machine: &Machine, stream: &str) -> Result<Objects> {
    machine.write("canonical/kustomization.yaml", "resources: [stream.yaml]\n")?;
    machine.write("canonical/stream.yaml", stream)?;
    let kustomize = Client::new(machine, "kustomize", &machine.path("canonical"))?;
    Objects::read(&kustomize.run(["build", "."])?.succeeded()?.stdout)
}

/// The pinned versions of the clients that take part.
fn versions(way: &Way) -> Result<String> {
    let version = |name: &&str| {
        let version = clients::version(name).with_context(|| format!("{name} is not in .ci/clients"))?;
        Ok(format!("{name} {}", version.trim_start_matches('v')))
    };
    Ok(way.needs.iter().map(version).collect::<Result<Vec<_>>>()?.join(", "))
}

/// The trials run side by side, and each has a row of one file.
static TABLE: Mutex<()> = Mutex::new(());

fn is_in_the_table(way: &Way, row: &str) -> Result<()> {
    let _guard = TABLE.lock();
    let path = repository("docs/clients/README.md");
    let page = fs::read_to_string(&path)?;
    let begins = format!("| {} |", way.name);
    let old = page.lines().find(|line| line.starts_with(&begins)).context("the table has no such row")?;
    if std::env::var("RESECRET_UPDATE").is_ok_and(|value| value == "1") {
        fs::write(&path, page.replace(old, row))?;
        return Ok(());
    }
    ensure!(
        old == row,
        "docs/clients/README.md says\n{old}\nand measured is\n{row}\nRESECRET_UPDATE=1 writes it"
    );
    Ok(())
}
