use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::machine::{Helm, LANGFUSE, Machine, Major, repository, text};
use crate::objects::{Objects, same};
use crate::{Case, api_server};

pub(crate) const CASES: &[Case] = &[
    Case { name: "dry_run::helm3", needs: &["helm3"], run: helm3 },
    Case { name: "dry_run::helm4", needs: &["helm4"], run: helm4 },
];

/// Helm 3 asks an API server which kinds there are, even for a dry run of the client's.
fn helm3() -> Result<()> {
    let server = api_server::start()?;
    let flags = ["--kube-apiserver", &server, "--disable-openapi-validation"];
    let machine = Machine::new()?;
    let (plain, installed) = check(&machine, &machine.helm(Major::Three)?, &flags)?;
    same(&installed.hooks, &plain.hooks)
}

/// Helm 4 needs no cluster for it.
fn helm4() -> Result<()> {
    let machine = Machine::new()?;
    let (plain, installed) = check(&machine, &machine.helm(Major::Four)?, &[])?;
    same(&installed.hooks, &plain.vaulted()?.hooks)
}

fn check(machine: &Machine, helm: &Helm, flags: &[&str]) -> Result<(Objects, Objects)> {
    let plain = install(helm, flags)?;
    ensure!(plain.release.contains_key("Secret lf-langfuse-nextauth"));
    let post_renderer = machine.post_renderer(helm)?;
    let flags = [flags, &["--post-renderer", &post_renderer], &LANGFUSE].concat();
    let installed = install(helm, &flags)?;
    same(&installed.release, &plain.vaulted()?.release)?;
    Ok((plain, installed))
}

/// The objects of the release that Helm would make.
fn install(helm: &Helm, flags: &[&str]) -> Result<Objects> {
    let chart = repository("tests/charts/umbrella");
    let values = repository("tests/charts/null-lost.yaml");
    let command = ["install", "lf", text(&chart)?, "-f", text(&values)?, "--dry-run=client", "-o", "json"];
    let run = helm.run(command.iter().chain(flags).copied())?.succeeded()?;
    let release: Value = serde_json::from_str(&run.stdout)?;
    let mut objects = Objects::read(release["manifest"].as_str().context("a release has a manifest")?)?;
    for hook in release["hooks"].as_array().into_iter().flatten() {
        let manifest = hook["manifest"].as_str().context("a hook has a manifest")?;
        objects.hooks.append(&mut Objects::read(manifest)?.hooks);
    }
    Ok(objects)
}
