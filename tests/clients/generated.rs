use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::Case;
use crate::machine::{Machine, Major, RESECRET, repository, text};
use crate::objects::{Objects, same};

pub(crate) const CASES: &[Case] = &[
    Case { name: "generated::helm3", needs: &["helm3"], run: || check(Major::Three) },
    Case { name: "generated::helm4", needs: &["helm4"], run: || check(Major::Four) },
];

/// A chart that makes passwords, a certificate and names is another one on every render; with what two renders propose,
/// it is the same each time, and both checks agree.
fn check(major: Major) -> Result<()> {
    let machine = Machine::new()?;
    let helm = machine.helm(major)?;
    let chart = repository("tests/charts/generated");
    let render = |name: &str, more: &[&str]| -> Result<String> {
        let command = ["template", "shop", text(&chart)?];
        let output = helm.run(command.iter().chain(more).copied())?.succeeded()?.stdout;
        Ok(text(&machine.write(name, &output)?)?.to_owned())
    };
    let (one, other) = (render("one.yaml", &[])?, render("other.yaml", &[])?);
    let rules = machine.path("rules.yaml");
    let rules = text(&rules)?;
    let resecret = |arguments: &[&str]| helm.run_by(Path::new(RESECRET), arguments.iter().copied());
    resecret(&["scan", "--again", &other, &one, "--write", rules])?.succeeded()?;
    ensure!(!fs::read_to_string(rules)?.contains("still change"), "the file leaves something");
    resecret(&["check", "--config", rules, &one])?.succeeded()?.says("nothing to report")?;
    resecret(&["check", "--config", rules, "--again", &other, &one])?
        .succeeded()?
        .says("nothing to report")?;
    // Renders that the proposal has not seen.
    let post_renderer = machine.post_renderer(&helm)?;
    let config = format!("--config={rules}");
    let arguments = ["--post-renderer", &post_renderer, "--post-renderer-args", &config];
    let filtered = |name: &str| Objects::read(&fs::read_to_string(render(name, &arguments)?)?);
    same(&filtered("third.yaml")?.release, &filtered("fourth.yaml")?.release)
}
