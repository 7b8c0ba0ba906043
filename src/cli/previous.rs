//! `--previous`: the manifest of the last release, to see what the next upgrade would lose.

use anyhow::ensure;
use resecret::{Config, Diagnostic};

use crate::cli::flags::UpgradeArgs;
use crate::cli::io::progress::Progress;
use crate::cli::io::source::Source;

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
