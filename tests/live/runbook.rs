use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::clients;
use crate::live::is_exact;
use crate::machine::{Major, RESECRET, copy_folder, repository, text};
use crate::site::{RELEASE, Site};
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[Scenario { name: "runbook::adopting", majors: BOTH, run: adopting }];

const PAGE: &str = include_str!("../../docs/adopting.md");

/// What the shell of the page needs beside Helm, kubectl and resecret.
const TOOLS: [&str; 2] = ["cat", "ls"];

/// Runs every command of the page in its order, in one folder, as a reader would who copies them one by one.
fn adopting(this: &Try) -> Result<()> {
    let site = release(this)?;
    let blocks = blocks(this.major);
    ensure!(blocks.len() >= 10, "only {} blocks of commands", blocks.len());
    for (number, block) in blocks.iter().enumerate() {
        let folder = text(&site.machine.path("work"))?.to_owned();
        let script = format!("set -eu\ncd '{folder}'\nSALT=canary-salt\n{block}");
        let file = site.machine.write("block.sh", &script)?;
        let shell = clients::on_path("sh").context("sh is on PATH")?;
        let run = site.helm.run_by(&shell, [text(&file)?])?;
        ensure!(run.code == Some(0), "block {} of the page failed:\n{block}\n{run}", number + 1);
        if block.contains("helm upgrade") || block.contains("helm rollback") {
            is_exact(&site).with_context(|| format!("after block {}:\n{block}", number + 1))?;
        }
        run.does_not_say("canary")?;
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

/// The release of the page: installed long ago, without the filter.
fn release(this: &Try) -> Result<Site> {
    let mut site = this.site()?;
    let work = site.machine.path("work");
    copy_folder(&repository("tests/charts/umbrella"), &work.join("chart"))?;
    // Its hook is a Job, for which Helm would wait, and nothing runs a pod here.
    fs::remove_file(work.join("chart/charts/langfuse/templates/smoke-job.yaml"))?;
    fs::copy(repository("tests/charts/null-lost.yaml"), work.join("values.yaml"))?;
    let programs: [(&str, PathBuf); 3] = [
        ("helm", site.helm.program().to_owned()),
        ("kubectl", site.kubectl_program().to_owned()),
        ("resecret", RESECRET.into()),
    ];
    for (name, program) in &programs {
        site.machine.add_tool(name, program)?;
    }
    for tool in TOOLS {
        site.machine
            .add_tool(tool, &clients::on_path(tool).with_context(|| format!("{tool} is on PATH"))?)?;
    }
    site.umbrella()?;
    let (chart, values) = (work.join("chart"), work.join("values.yaml"));
    let method = (this.major == Major::Four).then_some("--server-side=false");
    let install = ["install", RELEASE, text(&chart)?, "-f", text(&values)?];
    site.helm(install.into_iter().chain(method))?.succeeded()?;
    Ok(site)
}

/// The blocks of commands for a major: those for `sh`, and those for `sh helm3` or `sh helm4`.
fn blocks(major: Major) -> Vec<String> {
    let own = format!("```sh {}", major.client());
    let mut blocks: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in PAGE.lines() {
        if is_open && line == "```" {
            is_open = false;
        } else if is_open {
            if let Some(block) = blocks.last_mut() {
                *block += &format!("{line}\n");
            }
        } else if line == "```sh" || line == own {
            is_open = true;
            blocks.push(String::new());
        }
    }
    blocks
}
