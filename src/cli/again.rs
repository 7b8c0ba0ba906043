//! `--again`: a second render of the same inputs, to see what changes on every render.

use std::path::PathBuf;

use anyhow::ensure;
use resecret::{Changes, Config, Diagnostic, Filtered};

use crate::cli::io::progress::Progress;
use crate::cli::io::renders::place;
use crate::cli::io::source::{Source, refuse_chart};
use crate::cli::load_config::Rules;

/// The flag.
#[derive(Debug, clap::Args)]
pub(super) struct AgainArgs {
    /// A second render of the same chart and values, or - for standard input: say what differs between the two
    #[arg(long, value_name = "SECOND")]
    again: Option<PathBuf>,
}

/// The second render.
pub(super) struct Second {
    name: String,
    bytes: Vec<u8>,
}

impl Second {
    /// Reads what the flag names; `None` without it. `renders` is what else the command reads.
    ///
    /// # Errors
    ///
    /// It cannot be read, standard input would be read twice, or it is not compared with exactly one render.
    pub(super) fn read(args: &AgainArgs, renders: &[Source]) -> anyhow::Result<Option<Self>> {
        let Some(path) = &args.again else { return Ok(None) };
        ensure!(
            renders.len() == 1,
            "--again compares two renders: name one file beside it, not {}",
            renders.len()
        );
        refuse_chart(path)?;
        let source = Source::of(path);
        let twice = [&source, &renders[0]].iter().all(|source| matches!(source, Source::Stdin));
        ensure!(!twice, "standard input is one render: write the other one to a file");
        Ok(Some(Self { name: source.name(), bytes: source.read(&Progress::start(1))? }))
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where it differs from another render.
    ///
    /// # Errors
    ///
    /// A render that is empty or cannot be read.
    pub(super) fn changes(&self, first: &[u8]) -> Result<Changes, resecret::Error> {
        resecret::changes(first, &self.bytes, &self.name)
    }

    /// Where it still differs from the other render when both are filtered, or what the filter has against it.
    ///
    /// # Errors
    ///
    /// The rules are wrong, or there are none.
    pub(super) fn still_changing(
        &self,
        first: &Filtered<'_>,
        rules: &Rules,
    ) -> anyhow::Result<Vec<Diagnostic>> {
        let config = rules.of(&self.bytes)?;
        config.check_rules()?;
        Ok(self.changes_with(first, &config))
    }

    /// The same with these rules.
    pub(super) fn changes_with(&self, first: &Filtered<'_>, config: &Config) -> Vec<Diagnostic> {
        let second = match resecret::filter(&self.bytes, config) {
            Ok(second) => second,
            Err(error) => return place(error.diagnostics(), &self.name, true),
        };
        let found = resecret::still_changing(first, &second, &self.name, config);
        found.unwrap_or_else(|error| error.diagnostics().to_vec())
    }
}
