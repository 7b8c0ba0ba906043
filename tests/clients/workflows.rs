use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::machine::{Run, repository};
use crate::{Case, clients};

pub(crate) const CASES: &[Case] = &[
    Case { name: "workflows::actionlint", needs: &["actionlint"], run: actionlint },
    Case { name: "workflows::zizmor", needs: &["zizmor"], run: zizmor },
];

/// Nothing in the workflows that an attacker could use, as far as that can be told without the network.
fn zizmor() -> Result<()> {
    let program = clients::find("zizmor").map_err(anyhow::Error::msg)?;
    let mut command = Command::new(program);
    let run = Run::of(command.args(["--offline", "--color", "never", "."]).current_dir(repository("")), "")?;
    run.succeeded()?.says("No findings")
}

/// The workflows are valid, and every action is pinned to a commit, with its version behind it.
fn actionlint() -> Result<()> {
    let program = clients::find("actionlint").map_err(anyhow::Error::msg)?;
    Run::of(Command::new(program).arg("-no-color").current_dir(repository("")), "")?.succeeded()?;
    let mut count = 0;
    for entry in fs::read_dir(repository(".github/workflows"))? {
        for line in fs::read_to_string(entry?.path())?.lines() {
            let Some((_, action)) = line.split_once("uses: ") else { continue };
            let (commit, version) = action
                .split_once('@')
                .and_then(|(_, pin)| pin.split_once(" # v"))
                .with_context(|| format!("{action} is not pinned"))?;
            let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            ensure!(is_commit && !version.is_empty(), "{action} is not pinned");
            count += 1;
        }
    }
    ensure!(count > 5, "the workflows use {count} actions");
    Ok(())
}
