use std::fs;

use anyhow::{Result, ensure};

use crate::Case;
use crate::machine::{Machine, Major, repository, text};

pub(crate) const CASES: &[Case] = &[
    Case { name: "renders::helm3", needs: &["helm3"], run: helm3 },
    Case { name: "renders::helm4", needs: &["helm4"], run: helm4 },
];

/// A plugin around `tee`, because Helm 4 takes no program as a post-renderer.
pub(crate) const TEE: &str = "\
apiVersion: v1
type: postrenderer/v1
name: tee
version: 0.1.0
runtime: subprocess
runtimeConfig:
  platformCommand:
    - command: tee
";

fn helm3() -> Result<()> {
    let values = repository("tests/charts/null-lost.yaml");
    check(&render(&Machine::new()?, Major::Three, &["-f", text(&values)?])?, "umbrella-helm3.yaml")
}

/// The render is the same with and without the values that give the default back: Helm 4 loses the null.
fn helm4() -> Result<()> {
    let machine = Machine::new()?;
    let values = repository("tests/charts/null-lost.yaml");
    check(&render(&machine, Major::Four, &[])?, "umbrella-helm4.yaml")?;
    check(&render(&machine, Major::Four, &["-f", text(&values)?])?, "umbrella-helm4.yaml")
}

/// What the post-renderer reads.
fn render(machine: &Machine, major: Major, arguments: &[&str]) -> Result<String> {
    machine.write("helm4 data/plugins/tee/plugin.yaml", TEE)?;
    let helm = machine.helm(major)?;
    let chart = repository("tests/charts/umbrella");
    let kept = machine.path("kept.yaml");
    let command = ["template", "lf", text(&chart)?, "--post-renderer", "tee", "--post-renderer-args"];
    helm.run(command.into_iter().chain([text(&kept)?]).chain(arguments.iter().copied()))?.succeeded()?;
    Ok(fs::read_to_string(kept)?)
}

fn check(render: &str, name: &str) -> Result<()> {
    let path = repository("tests/renders").join(name);
    if std::env::var("RESECRET_UPDATE").is_ok_and(|value| value == "1") {
        fs::write(&path, render)?;
    }
    ensure!(
        fs::read_to_string(path)? == render,
        "tests/renders/{name} is not what Helm renders; RESECRET_UPDATE=1 writes it"
    );
    Ok(())
}
