use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::client::Client;
use crate::machine::{Machine, Major, RESECRET, Run, copy_folder, repository, text};
use crate::objects::{Objects, same};
use crate::web::commit_all;
use crate::{Case, clients};

pub(crate) const CASES: &[Case] = &[
    Case { name: "flux::example", needs: &["helm4", "kustomize"], run: example },
    Case { name: "flux::by_its_own_libraries", needs: &["flate", "git"], run: by_its_own_libraries },
];

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
    ensure!(
        release.pointer("/spec/postRenderStrategy") == Some(&json!("combined")),
        "hooks are in the patches"
    );
    let wanted = plain.vaulted()?;
    ensure!(!wanted.hooks.is_empty(), "the chart has a hook that reads the Secret");
    same(&found.hooks, &wanted.hooks)?;
    same(&found.release, &wanted.release)
}

/// With the chart's hooks: Flux's Helm 4 sends them through its post-renderers.
fn patches(machine: &Machine) -> Result<String> {
    let (chart, values) = (repository("tests/charts/umbrella"), repository("tests/charts/null-lost.yaml"));
    let command = ["template", "lf", text(&chart)?, "-f", text(&values)?];
    let render = machine.helm(Major::Four)?.run(command)?.succeeded()?.stdout;
    let rules = repository("examples/kustomize-exec-plugin/resecret.yaml");
    let mut patches = Command::new(RESECRET);
    patches.args(["patches", "-q", "-o", "flux", "--config", text(&rules)?]).env_clear();
    Ok(Run::of(&mut patches, &render)?.succeeded()?.stdout)
}

/// What Helm 4 hands to a post-renderer, built with this kustomization.
fn build(machine: &Machine, kustomization: &Value) -> Result<Objects> {
    let render = fs::read_to_string(repository("tests/renders/umbrella-helm4.yaml"))?;
    machine.write("flux/render.yaml", &render)?;
    machine.write("flux/kustomization.yaml", &kustomization.to_string())?;
    let kustomize = Client::new(machine, "kustomize", &machine.path("flux"))?;
    Objects::read(&kustomize.run(["build", "."])?.succeeded()?.stdout)
}

/// The example as flate renders it, with Flux's own libraries: hooks, labels and all, it is the release without the patches,
/// vaulted. With patches made without hooks, the hook reads a Secret that is not there.
fn by_its_own_libraries() -> Result<()> {
    let machine = Machine::new()?;
    let git = clients::find("git").map_err(anyhow::Error::msg)?;
    machine.add_tool("git", &git)?;
    let release = fs::read_to_string(repository("examples/flux/helmrelease.yaml"))?;
    let (plain, _) = release.split_once("  postRenderStrategy:").context("the strategy")?;
    let build = |name: &str, release: &str| -> Result<Run> {
        let folder = machine.path(name);
        copy_folder(&repository("tests/charts/umbrella"), &folder.join("charts/umbrella"))?;
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "apps", "namespace": "default"},
            "spec": {"interval": "1h", "url": format!("file://{}", text(&folder)?), "ref": {"branch": "master"}},
        });
        fs::write(folder.join("source.yaml"), source.to_string())?;
        fs::write(folder.join("release.yaml"), release)?;
        commit_all(&git, &folder)?;
        let mut rename = Command::new(&git);
        Run::of(rename.args(["-C", text(&folder)?, "branch", "-M", "master"]), "")?.succeeded()?;
        let flate = Client::new(&machine, "flate", &folder)?.with("XDG_CACHE_HOME", machine.path("cache"));
        flate.run([
            "build",
            "hr",
            "--path",
            ".",
            "--skip-secrets=false",
            "--no-progress",
            "--log-level=error",
        ])
    };
    let wanted = Objects::read(&build("plain", plain)?.succeeded()?.stdout)?.vaulted()?;
    let found = Objects::read(&build("patched", &release)?.succeeded()?.stdout)?;
    ensure!(!wanted.hooks.is_empty(), "the chart has a hook that reads the Secret");
    same(&found.hooks, &wanted.hooks)?;
    same(&found.release, &wanted.release)?;
    let (without_hook, _) =
        release.split_once("      - target:\n          group: batch\n").context("the hook")?;
    let run = build("without", without_hook)?.succeeded()?;
    run.says("lf-langfuse-nextauth")
}
