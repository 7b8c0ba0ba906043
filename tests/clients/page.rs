use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::clients;
use crate::machine::{Helm, Machine, Major, Run, text};

/// A block of commands of a page, and what the page says that it prints.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) commands: String,
    pub(crate) prints: Option<String>,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.commands)
    }
}

impl Block {
    /// Runs the commands by a shell in this folder, with this Helm. Both outputs come together, as on a terminal.
    pub(crate) fn run(&self, machine: &Machine, helm: &Helm, folder: &Path) -> Result<Run> {
        let script = format!("exec 2>&1\nset -eu\ncd '{}'\n{self}", text(folder)?);
        let script = machine.write("block.sh", &script)?;
        let shell = clients::on_path("sh").context("sh is on PATH")?;
        let run = helm.run_by(&shell, [text(&script)?])?;
        ensure!(run.code == Some(0), "a block of the page failed:\n{self}\n{run}");
        Ok(run)
    }

    /// Demands that the page says what has been shown. Line numbers are those of the pinned Helm 4: others render
    /// some blank lines less, so that with them all figures may be others of the same width.
    pub(crate) fn shows(&self, shown: &str, major: Major) -> Result<()> {
        let Some(prints) = &self.prints else { return Ok(()) };
        let is_pinned = major == Major::Four && std::env::var_os("RESECRET_HELM4").is_none();
        let figures = |text: &str| text.replace(|c: char| c.is_ascii_digit() && !is_pinned, "0");
        ensure!(
            figures(shown) == figures(prints),
            "the page says that\n{self}\nshows\n{prints}\nand it shows\n{shown}"
        );
        Ok(())
    }
}

/// The text of a page below a heading, up to the next one.
pub(crate) fn section<'a>(page: &'a str, heading: &str) -> Result<&'a str> {
    let heading = format!("\n## {heading}\n");
    let Some((_, rest)) = page.split_once(&heading) else { bail!("the page has no{heading}") };
    Ok(rest.split("\n## ").next().unwrap_or_default())
}

/// The blocks that a reader runs who has all of `has`, in the order of the page: those for `sh`, whose
/// further words are all in `has`. The block of `text` after one is what its commands print. Any other block
/// is not run.
pub(crate) fn blocks(page: &str, has: &[&str]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = page.lines();
    let mut is_run = false;
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let text: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        let mut words = language.split(' ');
        let is_last_run = std::mem::replace(&mut is_run, false);
        match words.next() {
            Some("sh") if words.all(|word| has.contains(&word)) => {
                is_run = true;
                blocks.push(Block { commands: text, prints: None });
            }
            Some("text") if is_last_run && let Some(block) = blocks.last_mut() => block.prints = Some(text),
            _ => {}
        }
    }
    blocks
}
