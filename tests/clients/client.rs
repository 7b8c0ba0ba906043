use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::clients;
use crate::machine::{Machine, Run, WITHOUT_GARBAGE};

/// A client other than Helm: it runs in a folder of the trial, with an environment of the trial's own.
pub(crate) struct Client {
    program: PathBuf,
    folder: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Client {
    pub(crate) fn new(machine: &Machine, name: &str, folder: &Path) -> Result<Self> {
        let program = clients::find(name).map_err(anyhow::Error::msg)?;
        let environment = WITHOUT_GARBAGE.map(|(name, value)| (name.into(), value.into())).to_vec();
        let client = Self { program, folder: folder.to_owned(), environment };
        Ok(client.with("HOME", machine.path("home")).with("PATH", machine.path("tools")))
    }

    /// The same client with one more variable.
    pub(crate) fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub(crate) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Run> {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.folder).env_clear().envs(self.environment.iter().cloned());
        Run::of(&mut command, "")
    }
}
