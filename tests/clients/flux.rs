use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::client::Client;
use crate::machine::{Machine, Major, RESECRET, Run, repository, text};
use crate::objects::{Objects, same};

pub(crate) const CASES: &[Case] =
    &[Case { name: "flux::example", needs: &["helm3", "kustomize"], run: example }];

/// The example is what `patches` prints for the chart; and Kustomize, which is what Flux runs between Helm's render
/// and the cluster, makes the same objects with it as the program does.
fn example() -> Result<()> {
    let machine = Machine::new()?;
    let path = repository("examples/flux/helmrelease.yaml");
    let release = fs::read_to_string(&path)?;
    let (head, _) = release.split_once("  postRenderers:\n").context("a release with post-renderers")?;
    let printed: String = patches(&machine)?.lines().map(|line| format!("  {line}\n")).collect();
    let wanted = format!("{head}{printed}");
    if std::env::var("RESECRET_UPDATE").is_ok_and(|value| value == "1") {
        fs::write(&path, &wanted)?;
    }
    ensure!(
        fs::read_to_string(&path)? == wanted,
        "the example is not what `patches` prints; RESECRET_UPDATE=1 writes it"
    );
    let release: Value = serde_yaml::from_str(&wanted)?;
    let patches = release.pointer("/spec/postRenderers/0/kustomize/patches").context("patches")?;
    let plain = build(&machine, &json!({"resources": ["render.yaml"]}))?;
    let found = build(&machine, &json!({"resources": ["render.yaml"], "patches": patches}))?;
    same(&found.release, &plain.vaulted()?.release)
}

/// Hooks are removed: Helm 3 shows Flux none, and a patch for an object that is not there fails.
fn patches(machine: &Machine) -> Result<String> {
    let (chart, values) = (repository("tests/charts/umbrella"), repository("tests/charts/null-lost.yaml"));
    let command = ["template", "lf", text(&chart)?, "-f", text(&values)?, "--no-hooks"];
    let render = machine.helm(Major::Three)?.run(command)?.succeeded()?.stdout;
    let rules = repository("examples/kustomize-exec-plugin/resecret.yaml");
    let mut patches = Command::new(RESECRET);
    patches.args(["patches", "-q", "-o", "flux", "--config", text(&rules)?]).env_clear();
    Ok(Run::of(&mut patches, &render)?.succeeded()?.stdout)
}

/// What Helm 3 hands to a post-renderer, built with this kustomization.
fn build(machine: &Machine, kustomization: &Value) -> Result<Objects> {
    let render = fs::read_to_string(repository("tests/renders/umbrella-helm3.yaml"))?;
    machine.write("flux/render.yaml", &render)?;
    machine.write("flux/kustomization.yaml", &kustomization.to_string())?;
    let kustomize = Client::new(machine, "kustomize", &machine.path("flux"))?;
    Objects::read(&kustomize.run(["build", "."])?.succeeded()?.stdout)
}
