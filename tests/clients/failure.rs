use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::machine::{Helm, Machine, Major, repository, text};
use crate::objects::Objects;
use crate::{Case, clients};

pub(crate) const CASES: &[Case] = &[
    Case { name: "failure::helm3_shows_the_diagnostic", needs: &["helm3"], run: helm3 },
    Case { name: "failure::helm4_shows_the_diagnostic_on_a_pipe", needs: &["helm4"], run: pipe },
    Case {
        name: "failure::helm4_shows_the_diagnostic_on_a_terminal",
        needs: &["helm4", "script"],
        run: terminal,
    },
    Case { name: "failure::helm4_appends_the_diagnostic_to_a_file", needs: &["helm4"], run: appended_file },
    Case { name: "failure::helm4_leaves_another_file_alone", needs: &["helm4"], run: other_file },
    Case { name: "failure::helm3_drops_every_document", needs: &["helm3"], run: nothing_left_helm3 },
    Case { name: "failure::helm4_drops_every_document", needs: &["helm4"], run: nothing_left_helm4 },
];

/// What the diagnostic names: the only rule of the configuration, which matches nothing, as after a chart
/// upgrade that renames the Secret.
const RULE: &str = "spec.secrets[0]";

/// Values that the charts of these trials hold, in plain and in base64. No diagnostic may show one.
const VALUES: [&str; 4] = ["changeme", "Y2hhbmdlbWU", "not-a-real-token", "not-a-real-password"];

/// One trial: a machine with a configuration that fails, and where its log goes.
struct Failure {
    machine: Machine,
    helm: Helm,
    log: PathBuf,
    arguments: Vec<String>,
}

impl Failure {
    fn new(major: Major) -> Result<Self> {
        let machine = Machine::new()?;
        let helm = machine.helm(major)?;
        let config = config(&machine, "{name: \"*-renamed\", to: langfuse-vault}")?;
        let log = machine.path("resecret.log");
        let arguments = vec![
            "template".to_owned(),
            "lf".to_owned(),
            text(&repository("tests/charts/umbrella"))?.to_owned(),
            "--post-renderer".to_owned(),
            machine.post_renderer(&helm)?,
            format!("--post-renderer-args=--config={}", text(&config)?),
            format!("--post-renderer-args=--log-file={}", text(&log)?),
        ];
        Ok(Self { machine, helm, log, arguments })
    }

    fn arguments(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().map(String::as_str)
    }

    /// The log file has the diagnostic, wherever else it went.
    fn check_log(&self) -> Result<()> {
        check_diagnostic(&fs::read_to_string(&self.log)?)
    }
}

fn check_diagnostic(text: &str) -> Result<()> {
    ensure!(text.contains(RULE), "no diagnostic that names {RULE} in {text:?}");
    for value in VALUES {
        ensure!(!text.contains(value), "{value} is shown in {text:?}");
    }
    Ok(())
}

/// A configuration with one rule for Secrets.
fn config(machine: &Machine, rule: &str) -> Result<PathBuf> {
    let head = "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nmetadata: {name: trial}\n";
    machine.write("resecret.yaml", &format!("{head}spec:\n  secrets:\n  - {rule}\n"))
}

fn helm3() -> Result<()> {
    let failure = Failure::new(Major::Three)?;
    let run = failure.helm.run(failure.arguments())?.failed()?;
    ensure!(run.stdout.is_empty(), "{run}");
    check_diagnostic(&run.stderr)?;
    failure.check_log()
}

/// Helm 4 throws a post-renderer's standard error away. The diagnostic reaches Helm's own, ahead of
/// Helm's error.
fn pipe() -> Result<()> {
    let failure = Failure::new(Major::Four)?;
    let run = failure.helm.run(failure.arguments())?.failed()?;
    ensure!(run.stdout.is_empty(), "{run}");
    check_diagnostic(&run.stderr)?;
    let (diagnostic, error) = (run.stderr.find(RULE), run.stderr.find("exited with error"));
    ensure!(diagnostic < error, "Helm's error comes first, or is not there: {run}");
    failure.check_log()
}

/// `script` runs Helm on a terminal of its own and copies what appears there.
fn terminal() -> Result<()> {
    let failure = Failure::new(Major::Four)?;
    let words = [text(failure.helm.program())?].into_iter().chain(failure.arguments());
    let quoted: Vec<String> = words.map(|word| format!("'{word}'")).collect();
    let script = clients::find("script").map_err(anyhow::Error::msg)?;
    let run = failure.helm.run_by(&script, ["-q", "-e", "-c", &quoted.join(" "), "/dev/null"])?.failed()?;
    check_diagnostic(&run.stdout)?;
    run.says("exited with error")?;
    failure.check_log()
}

/// A file that was opened for appending takes lines from two writers.
fn appended_file() -> Result<()> {
    let failure = Failure::new(Major::Four)?;
    let path = failure.machine.write("stderr.txt", "what stood here before\n")?;
    let found = run_into(&failure, OpenOptions::new().append(true).open(&path)?, &path)?;
    check_diagnostic(&found)?;
    ensure!(found.starts_with("what stood here before\n"), "{found:?}");
    ensure!(found.contains("exited with error"), "{found:?}");
    failure.check_log()
}

/// Any other file has one writer's offset, and Helm's error would land on top of the diagnostic.
fn other_file() -> Result<()> {
    let failure = Failure::new(Major::Four)?;
    let path = failure.machine.path("stderr.txt");
    let found = run_into(&failure, File::create(&path)?, &path)?;
    ensure!(!found.contains(RULE), "{found:?}");
    ensure!(found.starts_with("Error: ") && found.contains("exited with error"), "{found:?}");
    failure.check_log()
}

/// Runs Helm with this file as standard error and returns what the file holds then.
fn run_into(failure: &Failure, stderr: File, path: &Path) -> Result<String> {
    let status = failure.helm.command(failure.arguments()).stderr(stderr).status()?;
    ensure!(!status.success(), "the command did not fail");
    Ok(fs::read_to_string(path)?)
}

fn nothing_left_helm3() -> Result<()> {
    nothing_left(Major::Three)
}

/// Helm 4 takes empty output for a mistake, so a comment is left in it.
fn nothing_left_helm4() -> Result<()> {
    nothing_left(Major::Four)
}

fn nothing_left(major: Major) -> Result<()> {
    let machine = Machine::new()?;
    let helm = machine.helm(major)?;
    let config = config(&machine, "{name: \"*-only\"}")?;
    let chart = repository("tests/charts/only-secret");
    let post_renderer = machine.post_renderer(&helm)?;
    let config = format!("--post-renderer-args=--config={}", text(&config)?);
    let command = ["template", "lf", text(&chart)?, "--post-renderer", &post_renderer, &config];
    let run = helm.run(command)?.succeeded()?;
    ensure!(Objects::read(&run.stdout)?.release.is_empty(), "{run}");
    Ok(())
}
