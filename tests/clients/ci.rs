use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::machine::{Machine, Major, RESECRET, Run, copy_folder, repository, text};
use crate::objects::{Objects, same};
use crate::{Case, clients};

pub(crate) const CASES: &[Case] = &[
    Case { name: "ci::gitlab", needs: &["helm4", "bash"], run: gitlab },
    Case { name: "ci::github", needs: &["actionlint"], run: github },
];

/// The scripts of the example for GitLab, each line by a shell in one folder, with the variables of the file.
fn gitlab() -> Result<()> {
    let file: Value =
        serde_yaml::from_str(&fs::read_to_string(repository("examples/gitlab-ci/gitlab-ci.yml"))?)?;
    let machine = Machine::new()?;
    let helm = machine.helm(Major::Four)?;
    machine.post_renderer(&helm)?;
    machine.add_tool("helm", helm.program())?;
    machine.add_tool("resecret", RESECRET.as_ref())?;
    let folder = machine.path("project");
    copy_folder(&repository("tests/charts/umbrella"), &folder.join("charts/umbrella"))?;
    fs::copy(repository("tests/charts/null-lost.yaml"), folder.join("values.yaml"))?;
    fs::copy(repository("examples/helmfile/resecret.yaml"), folder.join("resecret.yaml"))?;
    let bash = clients::find("bash").map_err(anyhow::Error::msg)?;
    let job = |name: &str| -> Result<String> {
        let lines = file[name]["script"].as_array().context("a script")?;
        let script: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
        // Without a cluster, a render stands for the upgrade.
        let script = script.context("lines")?.join("\n").replace("upgrade --install", "template");
        let log = file["variables"]["RESECRET_LOG"].as_str().context("a log")?;
        let script = format!("set -e\ncd '{}'\nexport RESECRET_LOG={log}\n{script}", text(&folder)?);
        Ok(helm.run_by(&bash, ["-c", &script])?.succeeded()?.stdout)
    };
    job("check")?;
    let plain = Objects::read(&fs::read_to_string(folder.join("render.yaml"))?)?;
    same(&Objects::read(&job("upgrade")?)?.release, &plain.vaulted()?.release)?;
    ensure!(fs::read_to_string(folder.join("resecret.log"))?.contains("1 Secret removed"));
    Ok(())
}

/// The example of a workflow is valid, and names inputs that the action has.
fn github() -> Result<()> {
    let path = repository("examples/github-actions/workflow.yml");
    let program = clients::find("actionlint").map_err(anyhow::Error::msg)?;
    Run::of(Command::new(program).arg("-no-color").arg(&path), "")?.succeeded()?;
    let read = |path| anyhow::Ok(serde_yaml::from_str::<Value>(&fs::read_to_string(path)?)?);
    let (workflow, action) = (read(path)?, read(repository("action.yml"))?);
    let steps = workflow.pointer("/jobs/resecret/steps").and_then(Value::as_array).context("steps")?;
    let ours = |step: &&Value| step["uses"].as_str().is_some_and(|uses| uses.contains("/resecret@"));
    let inputs = steps.iter().find(ours).context("a step of ours")?["with"].as_object().context("inputs")?;
    ensure!(!inputs.is_empty());
    for name in inputs.keys() {
        ensure!(action["inputs"].get(name).is_some(), "the action has no input {name}");
    }
    Ok(())
}
