use anyhow::{Result, ensure};

use crate::Case;
use crate::machine::{Helm, LANGFUSE, Machine, Major, repository, text};
use crate::objects::{Objects, entries, same};

pub(crate) const CASES: &[Case] = &[
    Case { name: "template::helm3", needs: &["helm3"], run: helm3 },
    Case { name: "template::helm4", needs: &["helm4"], run: helm4 },
    Case {
        name: "template::both_majors_render_the_same_objects",
        needs: &["helm3", "helm4"],
        run: both_majors_render_the_same_objects,
    },
];

/// Helm 3 never shows a hook to a post-renderer: the Job still reads the Secret that is gone. That is
/// Helm's limit, and stated here so that nobody takes it for ours.
fn helm3() -> Result<()> {
    let machine = Machine::new()?;
    let (plain, rendered) = check(&machine, &machine.helm(Major::Three)?)?;
    same(&rendered.hooks, &plain.hooks)?;
    let job = &rendered.hooks["Job lf-langfuse-smoke"];
    let entry = entries(job, "NEXTAUTH_SECRET")[0];
    ensure!(entry["valueFrom"]["secretKeyRef"]["name"] == "lf-langfuse-nextauth");
    Ok(())
}

/// Helm 4 passes hooks in the same stream: they read the vaulted Secret too.
fn helm4() -> Result<()> {
    let machine = Machine::new()?;
    let (plain, rendered) = check(&machine, &machine.helm(Major::Four)?)?;
    same(&rendered.hooks, &plain.vaulted()?.hooks)
}

/// Renders the chart without and with the post-renderer and compares the two.
fn check(machine: &Machine, helm: &Helm) -> Result<(Objects, Objects)> {
    let plain = render(helm, &[])?;
    for name in ["Deployment lf-langfuse-web", "Deployment lf-langfuse-worker"] {
        for variable in ["NEXTAUTH_SECRET", "SALT"] {
            let twice = entries(&plain.release[name], variable).len() == 2;
            ensure!(twice, "{variable} of {name} should stand twice before");
        }
    }
    let post_renderer = machine.post_renderer(helm)?;
    let rendered = render(helm, &[&["--post-renderer", &post_renderer], &LANGFUSE[..]].concat())?;
    same(&rendered.release, &plain.vaulted()?.release)?;
    Ok((plain, rendered))
}

/// The same configuration file for both, and both named in the same words.
fn both_majors_render_the_same_objects() -> Result<()> {
    let machine = Machine::new()?;
    let config = machine.write(
        "resecret.yaml",
        "apiVersion: resecret.dev/v1alpha1\n\
         kind: Resecret\n\
         metadata: {name: langfuse}\n\
         spec:\n\
        \x20 presets:\n\
        \x20 - {name: langfuse, to: langfuse-vault}\n",
    )?;
    let config = format!("--config={}", text(&config)?);
    let mut renders = Vec::new();
    for major in [Major::Three, Major::Four] {
        let helm = machine.helm(major)?;
        let post_renderer = machine.post_renderer(&helm)?;
        let arguments = ["--post-renderer", &post_renderer, "--post-renderer-args", &config];
        renders.push(render(&helm, &arguments)?.release);
    }
    ensure!(!renders[0].is_empty());
    same(&renders[0], &renders[1])
}

/// Renders the umbrella chart as a Helm does that loses the null.
fn render(helm: &Helm, arguments: &[&str]) -> Result<Objects> {
    let chart = repository("tests/charts/umbrella");
    let values = repository("tests/charts/null-lost.yaml");
    let command = ["template", "lf", text(&chart)?, "-f", text(&values)?];
    Objects::read(&helm.run(command.iter().chain(arguments).copied())?.succeeded()?.stdout)
}
