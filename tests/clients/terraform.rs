use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::Case;
use crate::machine::{Machine, Major, RESECRET, repository, text};
use crate::objects::{Objects, same};

pub(crate) const CASES: &[Case] = &[Case { name: "terraform::arguments", needs: &["helm3"], run: arguments }];

/// The provider calls the post-renderer as Helm 3 does: with the program and the arguments of the example.
fn arguments() -> Result<()> {
    let example = fs::read_to_string(repository("examples/terraform/main.tf"))?;
    let field = |name: &str| {
        let line = example.lines().find(|line| line.trim_start().starts_with(name));
        let words = line.with_context(|| format!("the example has no {name}"))?.split('"').skip(1).step_by(2);
        anyhow::Ok(words.map(str::to_owned).collect::<Vec<_>>())
    };
    ensure!(field("binary_path")? == ["resecret"]);
    // What makes a change of the rules a change of the release.
    let args = field("args ")?;
    let [config] = args.as_slice() else { anyhow::bail!("the example has the arguments {args:?}") };
    let file = config.strip_prefix("--config=").context("the rules are a file")?;
    ensure!(example.contains(&format!("description = \"resecret ${{filesha256(\"{file}\")}}\"")));
    let rules = repository("examples/helmfile/resecret.yaml");
    let machine = Machine::new()?;
    let helm = machine.helm(Major::Three)?;
    let (chart, values) = (repository("tests/charts/umbrella"), repository("tests/charts/null-lost.yaml"));
    let mut command = ["template", "lf", text(&chart)?, "-f", text(&values)?].map(str::to_owned).to_vec();
    let render = |command: &[String]| {
        Objects::read(&helm.run(command.iter().map(String::as_str))?.succeeded()?.stdout)
    };
    let plain = render(&command)?;
    command.extend(["--post-renderer".to_owned(), RESECRET.to_owned()]);
    command.push(format!("--post-renderer-args=--config={}", text(&rules)?));
    same(&render(&command)?.release, &plain.vaulted()?.release)
}
