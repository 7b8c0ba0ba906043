use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::live::is_exact;
use crate::machine::{copy_folder, repository};
use crate::page::{Block, blocks, section};
use crate::runbook::{run, tools};
use crate::site::Site;
use crate::{BOTH, Major, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "walk::readme", majors: BOTH, run: |this| readme(this, major(this)) },
    Scenario { name: "walk::readme_by_kubectl", majors: &[Major::Three], run: |this| readme(this, KUBECTL) },
    Scenario { name: "walk::quick_start", majors: BOTH, run: quick_start },
];

const README: &str = include_str!("../../README.md");
const QUICK_START: &str = include_str!("../../docs/quickstart.md");

/// The remarks behind the commands of which a reader types one.
const KUBECTL: &str = "# anywhere else";
const WAYS: [&str; 3] = ["# Helm 3", "# Helm 4", KUBECTL];

fn major(this: &Try) -> &'static str {
    if this.major == Major::Three { WAYS[0] } else { WAYS[1] }
}

/// Types every command of README's quick start, in a clone, as somebody does who sees the program for the first time.
/// Only the values are written in between.
fn readme(this: &Try, way: &str) -> Result<()> {
    let site = this.site()?;
    tools(&site)?;
    let clone = site.machine.path("clone");
    copy_folder(&repository("examples"), &clone.join("examples"))?;
    let mut folder = clone.clone();
    let begun = Instant::now();
    let blocks = blocks(section(README, "Quick start")?, &[]);
    let lines = blocks.iter().flat_map(|block| block.commands.lines()).filter(|line| !line.is_empty());
    let is_another = |line: &&str| WAYS.iter().any(|other| *other != way && line.ends_with(other));
    let mut count = 0;
    for command in lines.filter(|line| !is_another(line)) {
        if command.starts_with("kubectl apply -f vault.yaml") {
            fill(&folder.join("vault.yaml"))?;
        }
        // A diff ends with 1 where there is one.
        let code = u8::from(command.starts_with("resecret diff"));
        let commands = format!("set +e\n{command}\ntest $? -eq {code}\n");
        run(&site, &folder, &Block { commands, prints: None }).with_context(|| command.to_owned())?;
        // Each command has a shell of its own.
        if let Some((_, entered)) = command.split_once("&& cd ") {
            folder = folder.join(entered);
        }
        count += 1;
    }
    ensure!(count == 8, "the quick start has {count} commands");
    let seconds = begun.elapsed().as_secs_f64();
    if way != KUBECTL {
        is_exact(&site)?;
    }
    is_vaulted(&site, "lf-langfuse-nextauth", "langfuse-vault")?;
    site.row(&format!("README's quick start {way}"), "", &format!("{count} commands in {seconds:.1} s"));
    Ok(())
}

/// Writes values into the manifest that `keys` has printed.
fn fill(path: &Path) -> Result<()> {
    let manifest = fs::read_to_string(path)?;
    ensure!(manifest.contains("CHANGE-ME"), "there is nothing to fill in {manifest}");
    Ok(fs::write(path, manifest.replace("CHANGE-ME", "canary-value"))?)
}

/// Demands that the chart's Secret is not live, and that pods read the vaulted one.
fn is_vaulted(site: &Site, removed: &str, vaulted: &str) -> Result<()> {
    ensure!(site.get(&format!("Secret/{removed}"))?.is_none(), "{removed} is live");
    ensure!(site.get(&format!("Secret/{vaulted}"))?.is_some(), "{vaulted} is not there");
    let web = site.get("Deployment/lf-langfuse-web")?.context("the release has a Deployment")?.to_string();
    ensure!(web.contains(&format!("\"name\":\"{vaulted}\"")), "no pod reads {vaulted}");
    ensure!(!web.contains(removed), "a pod reads {removed}");
    Ok(())
}

/// Goes on where the transcripts of the page on the quick start end, on a cluster.
fn quick_start(this: &Try) -> Result<()> {
    let site = this.site()?;
    tools(&site)?;
    let work = site.machine.path("work");
    copy_folder(&repository("tests/charts/umbrella"), &work.join("chart"))?;
    // Its hook is a Job, for which Helm would wait, and nothing runs a pod here.
    fs::remove_file(work.join("chart/charts/langfuse/templates/smoke-job.yaml"))?;
    fs::copy(repository("tests/charts/null-lost.yaml"), work.join("values.yaml"))?;
    fs::copy(repository("tests/renders/umbrella-helm3.yaml"), work.join("render.yaml"))?;
    let rules =
        QUICK_START.split("```yaml\n# resecret.yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    fs::write(work.join("resecret.yaml"), rules.context("the page has rules")?)?;
    for block in blocks(section(QUICK_START, "The first upgrade")?, &[this.major.client()]) {
        if block.commands.contains("vault.yaml\n") && work.join("vault.yaml").is_file() {
            fill(&work.join("vault.yaml"))?;
        }
        let run = run(&site, &work, &block)?;
        block.shows(&run.stdout, this.major)?;
    }
    is_exact(&site)?;
    is_vaulted(&site, "lf-langfuse-nextauth", "langfuse-vault")?;
    site.row("docs/quickstart.md", "", "deployed");
    Ok(())
}
