use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::clients;
use crate::live::is_exact;
use crate::machine::{Major, RESECRET, Run, copy_folder, repository, text};
use crate::page::{Block, blocks, section};
use crate::site::{RELEASE, Site};
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "runbook::adopting", majors: BOTH, run: adopting },
    Scenario { name: "runbook::step_by_step", majors: BOTH, run: step_by_step },
    Scenario { name: "runbook::commands", majors: BOTH, run: commands },
];

const COMMANDS: &str = include_str!("../../docs/commands/check.md");
const PAGE: &str = include_str!("../../docs/commands/adopt.md");
const STEPS: &str = include_str!("../../docs/upgrading.md");

/// What the shell of the pages needs beside Helm, kubectl and resecret.
const TOOLS: [&str; 7] = ["awk", "cat", "cp", "diff", "mkdir", "mv", "od"];

/// Writes the scripts of the page and runs them, there and back.
fn adopting(this: &Try) -> Result<()> {
    let site = release(this)?;
    let work = site.machine.path("work");
    let blocks = blocks(PAGE, &[this.major.client()]);
    ensure!(blocks.len() == 5, "{} blocks of commands", blocks.len());
    for (number, block) in blocks.iter().enumerate() {
        run(&site, &work, block).with_context(|| format!("block {} of the page failed", number + 1))?;
        if block.commands.contains("sh ") {
            is_exact(&site).with_context(|| format!("after block {}:\n{block}", number + 1))?;
        }
        let is_adopted = !site.manifest()?.contains("kind: Secret\nmetadata:\n  name: lf-langfuse-nextauth");
        ensure!(is_adopted == (number == 2 || number == 3), "after block {}", number + 1);
    }
    ensure!(site.get("Secret/lf-langfuse-nextauth")?.is_some());
    ensure!(site.get("Secret/langfuse-vault")?.is_some());
    site.row("docs/commands/adopt.md", "", "equal to the manifest, there and back");
    Ok(())
}

/// Runs every command of the page in its order, in one folder, as a reader would who copies them one by one.
fn step_by_step(this: &Try) -> Result<()> {
    let mut site = release(this)?;
    // What the reader knows: the salt in use.
    site.helm = site.helm.clone().with("SALT", Path::new("canary-salt"));
    let work = site.machine.path("work");
    let blocks = blocks(STEPS, &[this.major.client()]);
    ensure!(blocks.len() >= 10, "only {} blocks of commands", blocks.len());
    for (number, block) in blocks.iter().enumerate() {
        let commands = &block.commands;
        run(&site, &work, block).with_context(|| format!("block {} of the page failed", number + 1))?;
        if commands.contains("helm upgrade") || commands.contains("helm rollback") {
            is_exact(&site).with_context(|| format!("after block {}:\n{block}", number + 1))?;
        }
    }
    ensure!(site.get("Secret/lf-langfuse-nextauth")?.is_none());
    ensure!(site.get("Secret/langfuse-vault")?.is_some());
    site.row(
        &format!("the {} blocks of docs/upgrading.md", blocks.len()),
        "",
        "equal to the manifest after each change",
    );
    Ok(())
}

/// What the page about `check` shows of `check --previous`, for the same release.
fn commands(this: &Try) -> Result<()> {
    let site = release(this)?;
    let work = site.machine.path("work");
    let render =
        site.helm(["template", RELEASE, text(&work.join("chart"))?, "-f", text(&work.join("values.yaml"))?])?;
    fs::write(work.join("render.yaml"), render.succeeded()?.stdout)?;
    let blocks = blocks(section(COMMANDS, "Live releases")?, &[]);
    ensure!(!blocks.is_empty(), "the section has no commands");
    for block in &blocks {
        block.shows(&run(&site, &work, block)?.stdout, this.major)?;
    }
    site.row("docs/commands/check.md", "", "");
    Ok(())
}

/// Runs a block of a page in this folder; no value is shown.
pub(crate) fn run(site: &Site, folder: &Path, block: &Block) -> Result<Run> {
    let run = block.run(&site.machine, &site.helm, folder)?;
    run.does_not_say("canary")?;
    Ok(run)
}

/// Puts the programs of the pages on the PATH of the try.
pub(crate) fn tools(site: &Site) -> Result<()> {
    let programs: [(&str, PathBuf); 3] = [
        ("helm", site.helm.program().to_owned()),
        ("kubectl", site.kubectl_program().to_owned()),
        ("resecret", RESECRET.into()),
    ];
    for (name, program) in &programs {
        site.machine.add_tool(name, program)?;
    }
    for tool in TOOLS {
        let program = clients::on_path(tool).with_context(|| format!("{tool} is on PATH"))?;
        site.machine.add_tool(tool, &program)?;
    }
    Ok(())
}

/// The release of the page: installed long ago, without the filter.
fn release(this: &Try) -> Result<Site> {
    let mut site = this.site()?;
    let work = site.machine.path("work");
    copy_folder(&repository("tests/charts/umbrella"), &work.join("chart"))?;
    // Its hook is a Job, for which Helm would wait, and nothing runs a pod here.
    fs::remove_file(work.join("chart/charts/langfuse/templates/smoke-job.yaml"))?;
    fs::copy(repository("tests/charts/null-lost.yaml"), work.join("values.yaml"))?;
    tools(&site)?;
    site.umbrella()?;
    let (chart, values) = (work.join("chart"), work.join("values.yaml"));
    let method = (this.major == Major::Four).then_some("--server-side=false");
    let install = ["install", RELEASE, text(&chart)?, "-f", text(&values)?];
    site.helm(install.into_iter().chain(method))?.succeeded()?;
    Ok(site)
}
