use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::clients;

/// The program under test.
pub(crate) const RESECRET: &str = env!("CARGO_BIN_EXE_resecret");

/// The rules of most trials, as a user gives them to a post-renderer.
pub(crate) const LANGFUSE: [&str; 4] =
    ["--post-renderer-args", "--preset=langfuse", "--post-renderer-args", "--to=langfuse-vault"];

/// The programs of the system that the plugin's hooks use, and the post-renderers of the trials. Nothing
/// else is on PATH, so that a Helm of the machine is never found by accident.
const TOOLS: [&str; 11] = ["find", "grep", "head", "ln", "readlink", "rm", "sed", "sh", "tee", "tr", "uname"];

/// A folder of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A home folder and a PATH that belong to one trial.
pub(crate) struct Machine {
    root: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Result<Self> {
        let machine = Self { root: TempDir::new()? };
        fs::create_dir(machine.path("home"))?;
        fs::create_dir(machine.path("tools"))?;
        for tool in TOOLS {
            let program = clients::on_path(tool).with_context(|| format!("{tool} is not on PATH"))?;
            machine.add_tool(tool, &program)?;
        }
        Ok(machine)
    }

    /// A path in the trial's own folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Puts a program on PATH under a name.
    pub(crate) fn add_tool(&self, name: &str, program: &Path) -> Result<()> {
        symlink(program, self.path("tools").join(name)).with_context(|| format!("cannot link {name}"))
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        fs::write(&path, text)?;
        Ok(path)
    }

    /// Writes a script for the shell.
    pub(crate) fn write_script(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.write(name, &format!("#!/bin/sh\n{text}"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }

    /// A folder as a release of the plugin holds it: its files and a binary, and no sources. The blank in
    /// its name is for the hooks.
    pub(crate) fn package(&self) -> Result<PathBuf> {
        let package = self.path("resecret package");
        copy_folder(&repository("plugin"), &package.join("plugin"))?;
        for file in ["completion.yaml", "plugin.yaml"] {
            fs::copy(repository(file), package.join(file))?;
        }
        fs::create_dir(package.join("bin"))?;
        symlink(RESECRET, package.join("bin/resecret"))?;
        Ok(package)
    }

    /// Helm of a major version, with folders of its own.
    pub(crate) fn helm(&self, major: Major) -> Result<Helm> {
        let data = self.path(&format!("{} data", major.client()));
        let helm = self.sharing_helm(major)?;
        Ok(helm.with("HELM_DATA_HOME", &data).with("HELM_CACHE_HOME", &data.join("cache")))
    }

    /// Helm of a major version, with the default folders: both majors have the same.
    pub(crate) fn sharing_helm(&self, major: Major) -> Result<Helm> {
        let program = clients::find(major.client()).map_err(anyhow::Error::msg)?;
        let environment = WITHOUT_GARBAGE.map(|(name, value)| (name, value.into())).to_vec();
        let helm = Helm { major, program, environment };
        Ok(helm
            .with("HOME", &self.path("home"))
            .with("PATH", &self.path("tools"))
            // No cluster: whatever the machine is logged in to stays out of the trials.
            .with("KUBECONFIG", &self.path("no-kubeconfig")))
    }

    /// Installs the plugin where Helm 4 needs it, and says what `--post-renderer` takes.
    pub(crate) fn post_renderer(&self, helm: &Helm) -> Result<String> {
        if helm.major == Major::Four {
            let package = self.package()?;
            helm.run(["plugin", "install", text(&package)?])?.succeeded()?;
        }
        Ok(helm.major.post_renderer().to_owned())
    }
}

/// Clients are Go programs that live for a second: without collecting garbage they need little more than half the
/// processor time.
pub(crate) const WITHOUT_GARBAGE: [(&str, &str); 2] = [("GOGC", "off"), ("GOMEMLIMIT", "512MiB")];

/// A path as an argument.
pub(crate) fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the path is not UTF-8")
}

/// Copies a folder with everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The two lines of Helm that are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Major {
    Three,
    Four,
}

impl Major {
    /// The client's name in `.ci/clients`.
    pub(crate) fn client(self) -> &'static str {
        match self {
            Self::Three => "helm3",
            Self::Four => "helm4",
        }
    }

    /// What `--post-renderer` takes: Helm 3 a program, Helm 4 the name of a plugin.
    pub(crate) fn post_renderer(self) -> &'static str {
        match self {
            Self::Three => RESECRET,
            Self::Four => "resecret-post-renderer",
        }
    }
}

/// A client with an environment that holds what the trial gave it, and nothing of the machine's.
#[derive(Clone)]
pub(crate) struct Helm {
    pub(crate) major: Major,
    program: PathBuf,
    environment: Vec<(&'static str, OsString)>,
}

impl Helm {
    /// The same client with one more variable.
    pub(crate) fn with(mut self, name: &'static str, value: &Path) -> Self {
        self.environment.retain(|(set, _)| *set != name);
        self.environment.push((name, value.into()));
        self
    }

    /// The folder that its plugins are in; empty for the default one.
    pub(crate) fn data_home(&self) -> OsString {
        let found = self.environment.iter().find(|(name, _)| *name == "HELM_DATA_HOME");
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The program, to put it on another one's PATH.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// The command, not started: for trials that need a standard error of their own.
    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        self.command_of(&self.program, arguments)
    }

    /// Another program, in Helm's environment.
    fn command_of<'a>(&self, program: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.environment.iter().cloned());
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Run> {
        Run::of(&mut self.command(arguments), "")
    }

    /// Runs another program in Helm's environment.
    pub(crate) fn run_by<'a>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Run> {
        Run::of(&mut self.command_of(program, arguments), "")
    }

    /// Runs with this text as standard input.
    pub(crate) fn run_with<'a>(
        &self,
        input: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Run> {
        Run::of(&mut self.command(arguments), input)
    }
}

/// What a command did.
pub(crate) struct Run {
    command: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(f, "{command}\nexit code {code:?}\nstandard output:\n{stdout}\nstandard error:\n{stderr}")
    }
}

impl Run {
    /// Runs a command, with both of its outputs read through pipes.
    pub(crate) fn of(command: &mut Command, input: &str) -> Result<Self> {
        let shown = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {shown}"))?;
        // Closed at the end of the statement. The inputs of these trials fit into a pipe.
        child.stdin.take().context("standard input is a pipe")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        Ok(Self {
            command: shown,
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    /// The run, if it ended with exit code 0.
    pub(crate) fn succeeded(self) -> Result<Self> {
        ensure!(self.code == Some(0), "the command failed: {self}");
        Ok(self)
    }

    /// The run, if it ended with an error.
    pub(crate) fn failed(self) -> Result<Self> {
        ensure!(self.code != Some(0), "the command did not fail: {self}");
        Ok(self)
    }

    /// Demands that the text stands in one of the outputs.
    pub(crate) fn says(&self, text: &str) -> Result<()> {
        ensure!(self.stdout.contains(text) || self.stderr.contains(text), "{text:?} is not said by {self}");
        Ok(())
    }

    /// Demands that the text stands in none of the outputs.
    pub(crate) fn does_not_say(&self, text: &str) -> Result<()> {
        ensure!(!self.stdout.contains(text) && !self.stderr.contains(text), "{text:?} is said by {self}");
        Ok(())
    }
}
