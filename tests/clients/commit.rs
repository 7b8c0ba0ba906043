use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::machine::{Machine, Run, repository, text};
use crate::{Case, clients};

pub(crate) const CASES: &[Case] =
    &[Case { name: "commit::what_a_build_names", needs: &["git", "rustc"], run: what_a_build_names }];

/// The build script of the program, run as Cargo runs it.
struct Script {
    program: PathBuf,
    git: PathBuf,
}

impl Script {
    fn built(machine: &Machine) -> Result<Self> {
        let [rustc, git] = ["rustc", "git"].map(clients::find);
        let (rustc, git) = (rustc.map_err(anyhow::Error::msg)?, git.map_err(anyhow::Error::msg)?);
        let program = machine.path("build-script");
        let mut compile = Command::new(rustc);
        compile.args(["--edition", "2024", "-o"]).arg(&program).arg(repository("build.rs"));
        Run::of(&mut compile, "")?.succeeded()?;
        Ok(Self { program, git })
    }

    /// The version that it names in this folder.
    fn names(&self, folder: &Path, profile: &str, variables: &[(&str, &str)]) -> Result<String> {
        let path = self.git.parent().context("git is in a folder")?;
        let mut command = Command::new(&self.program);
        command.current_dir(folder).env_clear().env("PATH", path).env("CARGO_PKG_VERSION", "1.2.3");
        command.env("PROFILE", profile).envs(variables.iter().copied());
        let run = Run::of(&mut command, "")?.succeeded()?;
        let named =
            run.stdout.lines().find_map(|line| line.strip_prefix("cargo:rustc-env=RESECRET_VERSION="));
        Ok(named.context("a version")?.to_owned())
    }
}

/// A release of a checkout names its commit; anything else is the version alone, and no build needs git.
fn what_a_build_names() -> Result<()> {
    let machine = Machine::new()?;
    let script = Script::built(&machine)?;
    let outer = machine.path("checkout");
    let inner = outer.join("vendor/resecret");
    std::fs::create_dir_all(&inner)?;
    let git = |words: &[&str]| {
        let mut command = Command::new(&script.git);
        command.arg("-C").arg(&outer).args(["-c", "user.name=trial", "-c", "user.email=trial@localhost"]);
        Run::of(command.args(words), "")?.succeeded()
    };
    ensure!(script.names(&outer, "release", &[])? == "1.2.3", "no repository");
    git(&["init", "-q"])?;
    ensure!(script.names(&outer, "release", &[])? == "1.2.3", "a repository without a commit");
    git(&["commit", "-q", "--allow-empty", "-m", "one"])?;
    let commit = git(&["rev-parse", "HEAD"])?.stdout;
    let named = format!("1.2.3 ({})", commit.get(..10).context("a commit")?);
    ensure!(script.names(&outer, "release", &[])? == named);
    ensure!(script.names(&outer, "debug", &[])? == "1.2.3", "a build for tests");
    ensure!(script.names(&inner, "release", &[])? == "1.2.3", "sources inside another repository");
    let empty = machine.path("tools");
    ensure!(script.names(&outer, "release", &[("PATH", text(&empty)?)])? == "1.2.3", "no git");
    let given = [("RESECRET_COMMIT", "abc")];
    ensure!(script.names(&inner, "debug", &given)? == "1.2.3 (abc)", "a packager's word");
    ensure!(script.names(&outer, "release", &[("RESECRET_COMMIT", "")])? == "1.2.3", "an empty word");
    Ok(())
}
