use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::live::is_exact;
use crate::machine::{copy_folder, repository};
use crate::page::{Block, blocks};
use crate::results::is_in_the_table;
use crate::runbook::{run, tools};
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "examples::first_hour", majors: BOTH, run: |this| example(this, "first-hour") },
    Scenario { name: "examples::umbrella", majors: BOTH, run: |this| example(this, "langfuse-umbrella") },
    Scenario {
        name: "examples::external_secrets",
        majors: BOTH,
        run: |this| example(this, "langfuse-external-secrets"),
    },
    Scenario { name: "examples::dataspoke", majors: BOTH, run: |this| example(this, "dataspoke") },
    Scenario {
        name: "examples::from_compose",
        majors: BOTH,
        run: |this| example(this, "langfuse-from-compose"),
    },
    Scenario { name: "examples::aks", majors: BOTH, run: |this| example(this, "langfuse-aks") },
];

/// Runs every command of an example, those for a cluster too, and demands what the page says. A page without a
/// release on a cluster says that `helm upgrade --install` takes the flags of its `helm template`: that is tried.
fn example(this: &Try, folder: &'static str) -> Result<()> {
    let mut site = this.site()?;
    tools(&site)?;
    copy_folder(&repository("examples"), &site.machine.path("examples"))?;
    let path = site.machine.path("examples").join(folder);
    let page = fs::read_to_string(path.join("README.md"))?;
    // Tries run side by side, each in a namespace of its own.
    let page = page.replace("--namespace langfuse", &format!("--namespace {}", site.namespace()));
    let mut blocks = blocks(&page, &["cluster", this.major.client()]);
    let is_live = blocks.iter().any(|block| block.commands.contains("helm upgrade"));
    if !is_live {
        blocks.push(install(&blocks)?);
    }
    for (number, block) in blocks.iter().enumerate() {
        let run = run(&site, &path, block).with_context(|| format!("block {} failed", number + 1))?;
        block.shows(&run.stdout, this.major)?;
    }
    site.helm(["list", "--short"])?.succeeded()?.stdout.trim().clone_into(&mut site.release);
    is_exact(&site)?;
    ensure!(!site.manifest()?.contains("canary"), "a value is in the release");
    let cell = if is_live { format!("{} blocks", blocks.len()) } else { "installed".to_owned() };
    site.row(&format!("examples/{folder}"), "", &cell);
    is_in_the_table(folder, 3, &cell)
}

/// The first `helm template` of a page through the post-renderer, as an installation.
fn install(blocks: &[Block]) -> Result<Block> {
    let mut lines = blocks.iter().flat_map(|block| block.commands.lines());
    let template = lines.find(|line| line.contains("--post-renderer"));
    let (command, _) = template.and_then(|line| line.split_once(" > ")).context("the page has a release")?;
    let commands = command.replace("helm template", "helm upgrade --install");
    Ok(Block { commands: format!("{commands} > installed.txt\n"), prints: None })
}
