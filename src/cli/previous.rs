//! `--previous`: the manifest of the last release, to see what the next upgrade would lose.

use std::path::PathBuf;

use anyhow::ensure;
use resecret::{Config, Diagnostic, HAZARDS, Rule};

use super::progress::Progress;
use super::sources::Source;

/// Flags about the live release.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Live release")]
pub(super) struct UpgradeArgs {
    /// What `helm get manifest` prints, alone or with `helm get hooks` behind it: also say what this upgrade would
    /// lose of the live release
    #[arg(long, value_name = "FILE")]
    pub(super) previous: Option<PathBuf>,

    /// Go on although the upgrade meets these hazards; repeat, or separate by commas
    #[arg(long, value_name = "RULE", value_delimiter = ',', requires = "previous", value_parser = hazard)]
    pub(super) accept_hazards: Vec<Rule>,
}

/// A rule that can be accepted, by its id.
fn hazard(id: &str) -> Result<Rule, String> {
    let ids = || HAZARDS.iter().map(|rule| rule.id()).collect::<Vec<_>>().join(", ");
    HAZARDS.into_iter().find(|rule| rule.id() == id).ok_or_else(|| format!("a hazard is one of {}", ids()))
}

/// The manifest of the last release.
pub(super) struct Previous {
    name: String,
    bytes: Vec<u8>,
}

impl Previous {
    /// Reads what the flag names; `None` without it. `renders` is what else the command reads.
    ///
    /// # Errors
    ///
    /// It cannot be read, standard input would be read twice, or there are several renders for one release.
    pub(super) fn read(args: &UpgradeArgs, renders: &[Source]) -> anyhow::Result<Option<Self>> {
        let Some(path) = &args.previous else { return Ok(None) };
        ensure!(renders.len() == 1, "--previous is about one release: check one render at a time");
        let source = Source::of(path);
        let twice = [&source, &renders[0]].iter().all(|source| matches!(source, Source::Stdin));
        ensure!(
            !twice,
            "standard input is the render already: write `helm get manifest` to a file for --previous"
        );
        Ok(Some(Self { name: source.name(), bytes: source.read(&Progress::start(1))? }))
    }

    /// What the upgrade to this filtered stream would lose.
    ///
    /// # Errors
    ///
    /// A manifest that is empty or cannot be read.
    pub(super) fn hazards(
        &self,
        filtered: &[u8],
        config: &Config,
    ) -> Result<Vec<Diagnostic>, resecret::Error> {
        resecret::hazards(&self.bytes, &self.name, filtered, config)
    }
}
