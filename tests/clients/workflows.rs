use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::machine::{RESECRET, Run, repository, text};
use crate::{Case, clients};

pub(crate) const CASES: &[Case] = &[
    Case { name: "workflows::actionlint", needs: &["actionlint"], run: actionlint },
    Case { name: "workflows::zizmor", needs: &["zizmor"], run: zizmor },
    Case { name: "workflows::shellcheck", needs: &["shellcheck"], run: shellcheck },
];

/// Nothing in the workflows that an attacker could use, as far as that can be told without the network.
fn zizmor() -> Result<()> {
    let program = clients::find("zizmor").map_err(anyhow::Error::msg)?;
    let mut command = Command::new(program);
    let run = Run::of(command.args(["--offline", "--color", "never", "."]).current_dir(repository("")), "")?;
    run.succeeded()?.says("No findings")
}

/// The scripts of the repository, and those that `resecret adopt` writes for the umbrella chart, in every way to upgrade.
fn shellcheck() -> Result<()> {
    let program = clients::find("shellcheck").map_err(anyhow::Error::msg)?;
    let check = |scripts: &[&str]| {
        let mut command = Command::new(&program);
        Run::of(command.arg("--external-sources").args(scripts).current_dir(repository("")), "")?
            .succeeded()
            .map(drop)
    };
    let ours = scripts()?;
    check(&ours.iter().map(String::as_str).collect::<Vec<_>>())?;
    let folder = TempDir::new()?;
    let render = repository("tests/renders/umbrella-helm3.yaml");
    let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n";
    let claimed = folder.path().join("render.yaml");
    fs::write(&claimed, fs::read_to_string(&render)? + claim)?;
    let ways = [
        (&render, "--helm=3 --namespace=lf"),
        (&render, "--helm=4 --context=prod --fill=wait"),
        (&claimed, "--helm=3"),
        (&render, "--helm=4 --back --value=nextauth-secret=a.nextauth --value=salt=a.salt"),
    ];
    for (number, (render, flags)) in ways.iter().enumerate() {
        let mut adopt = Command::new(RESECRET);
        adopt.args(["adopt", "--release=lf", "--chart=./chart", "--preset=langfuse", "--to=langfuse-vault"]);
        adopt.args(flags.split(' ')).arg("--previous").arg(render).arg(render);
        let script = folder.path().join(format!("{number}.sh"));
        fs::write(&script, Run::of(&mut adopt, "")?.succeeded()?.stdout)?;
        check(&[text(&script)?])?;
    }
    Ok(())
}

/// Every file of these folders that is a script for a shell.
fn scripts() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in [".ci", "plugin", "tools", "tools/schemastore"] {
        for entry in fs::read_dir(repository(folder))? {
            let path = entry?.path();
            let is_script = path.is_file()
                && fs::read_to_string(&path)?
                    .lines()
                    .next()
                    .is_some_and(|first| ["#!/bin/sh", "#!/usr/bin/env bash"].contains(&first));
            found.extend(is_script.then(|| text(&path).map(str::to_owned)).transpose()?);
        }
    }
    ensure!(found.len() > 6, "only {found:?}");
    Ok(found)
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
