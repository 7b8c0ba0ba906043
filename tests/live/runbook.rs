use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::clients;
use crate::live::is_exact;
use crate::machine::{Major, RESECRET, Run, copy_folder, repository, text};
use crate::page::blocks;
use crate::site::{RELEASE, Site};
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "runbook::adopting", majors: BOTH, run: adopting },
    Scenario { name: "runbook::aks", majors: BOTH, run: aks },
];

const PAGE: &str = include_str!("../../docs/adopting.md");

/// What the shell of the pages needs beside Helm, kubectl and resecret.
const TOOLS: [&str; 3] = ["cat", "diff", "ls"];

/// Runs every command of the page in its order, in one folder, as a reader would who copies them one by one.
fn adopting(this: &Try) -> Result<()> {
    let site = release(this)?;
    let blocks = blocks(PAGE, &[this.major.client()]);
    ensure!(blocks.len() >= 10, "only {} blocks of commands", blocks.len());
    for (number, block) in blocks.iter().enumerate() {
        let commands = &block.commands;
        run(&site, &site.machine.path("work"), &format!("SALT=canary-salt\n{commands}"))
            .with_context(|| format!("block {} of the page failed", number + 1))?;
        if commands.contains("helm upgrade") || commands.contains("helm rollback") {
            is_exact(&site).with_context(|| format!("after block {}:\n{block}", number + 1))?;
        }
    }
    ensure!(site.get("Secret/lf-langfuse-nextauth")?.is_none());
    ensure!(site.get("Secret/langfuse-vault")?.is_some());
    site.row(
        &format!("the {} blocks of docs/adopting.md", blocks.len()),
        "",
        "equal to the manifest after each change",
    );
    Ok(())
}

/// Runs a block of a page in this folder; no value is shown.
fn run(site: &Site, folder: &Path, commands: &str) -> Result<Run> {
    let script = format!("set -eu\ncd '{}'\n{commands}", text(folder)?);
    let file = site.machine.write("block.sh", &script)?;
    let shell = clients::on_path("sh").context("sh is on PATH")?;
    let run = site.helm.run_by(&shell, [text(&file)?])?.succeeded()?;
    run.does_not_say("canary")?;
    Ok(run)
}

/// Runs every command of the example, those for a cluster too, and demands what the page says.
fn aks(this: &Try) -> Result<()> {
    let site = this.site()?;
    tools(&site)?;
    copy_folder(&repository("examples"), &site.machine.path("examples"))?;
    let folder = site.machine.path("examples/langfuse-aks");
    let page = fs::read_to_string(folder.join("README.md"))?;
    // Tries run side by side, each in a namespace of its own.
    let page = page.replace("--namespace langfuse", &format!("--namespace {}", site.namespace()));
    let blocks = blocks(&page, &["cluster", this.major.client()]);
    ensure!(blocks.len() >= 10, "only {} blocks of commands", blocks.len());
    for (number, block) in blocks.iter().enumerate() {
        let run = run(&site, &folder, &block.commands)
            .with_context(|| format!("block {} of the page failed", number + 1))?;
        if let Some(prints) = &block.prints {
            ensure!(
                run.stdout == *prints,
                "the page says that\n{block}\nprints\n{prints}\nnot\n{}",
                run.stdout
            );
        }
    }
    ensure!(site.get("Secret/langfuse-nextauth")?.is_some(), "the kept Secret is gone");
    site.row(&format!("the {} blocks of examples/langfuse-aks", blocks.len()), "", "no variable lost");
    Ok(())
}

/// Puts the programs of the pages on the PATH of the try.
fn tools(site: &Site) -> Result<()> {
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
