//! `resecret filter`: standard input to standard output.

use std::path::PathBuf;

use anyhow::Context;

use crate::cli::flags::{ReportArgs, ReportFormat, RuleArgs, UpgradeArgs};
use crate::cli::io::helm4;
use crate::cli::io::progress::Progress;
use crate::cli::io::reporter::Reporter;
use crate::cli::io::source::{Source, piped};
use crate::cli::io::stdout::stdout;
use crate::cli::load_config::Rules;
use crate::cli::previous::Previous;

/// The flags of `filter`.
#[derive(Debug, clap::Args)]
pub(super) struct FilterArgs {
    /// The same as --config, for Kustomize, which names the file to an exec plugin like this; with a `/` in it
    #[arg(value_name = "PATH")]
    pub(super) plugin_config: Option<PathBuf>,

    /// Write each document before the next one is read: bounded memory, not all or nothing
    ///
    /// For streams of any length. Secrets must come before what refers to them; what needs the whole stream is refused.
    /// When a run fails, documents before the place of the error have been written: the exit code is 2, and the last
    /// line on standard error says how many they were. Helm throws such output away, `kubectl apply` behind a pipe does not.
    #[arg(long, conflicts_with_all = ["plugin_config", "previous", "accept_hazards"])]
    pub(super) stream: bool,

    /// What to change.
    #[command(flatten)]
    pub(super) rules: RuleArgs,

    /// What to compare with.
    #[command(flatten)]
    pub(super) upgrade: UpgradeArgs,

    /// What to say.
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

impl FilterArgs {
    /// Why these flags do not go together, where that depends on their values: SARIF is one log of a whole run.
    pub(super) fn conflict(&self) -> Option<&'static str> {
        (self.stream && matches!(self.report.format, ReportFormat::Sarif)).then_some(
            "--stream reports as it goes, and SARIF is one log of a whole run: take --format text, json or github",
        )
    }

    /// The first argument, if it has no `/` and so cannot be a file that Kustomize names: a misspelt command.
    pub(super) fn unknown_command(&self) -> Option<&str> {
        let word = self.plugin_config.as_ref()?.to_str()?;
        (!word.contains(std::path::is_separator)).then_some(word)
    }
}

/// Runs the filter.
pub(super) fn run(args: &FilterArgs, sinks: &Reporter) -> anyhow::Result<()> {
    let rules = Rules::read(&args.rules, args.plugin_config.as_deref())?;
    if args.stream {
        return stream(&rules, sinks);
    }
    let progress = Progress::start(1);
    let input = Source::Stdin.read(&progress)?;
    let config = rules.of(&input)?;
    let filtered = resecret::filter(&input, &config)?;
    drop(progress);
    let mut diagnostics = filtered.diagnostics().to_vec();
    if let Some(previous) = Previous::read(&args.upgrade, &[Source::Stdin])? {
        let found = previous.hazards(&filtered.to_vec(), &config)?;
        diagnostics.extend(resecret::accept_hazards(found, &args.upgrade.accept_hazards)?);
    }
    // Before the output: under Helm 4 a warning that reaches nobody stops the run.
    sinks.report(&diagnostics);
    if helm4::hides_standard_error() {
        sinks.check_log()?;
    }
    // Only now, with every document verified, does anything go out.
    filtered.write_to(stdout()?).context("cannot write standard output; its reader has only a part")?;
    sinks.note(&filtered.summary().to_string());
    Ok(())
}

/// Runs the filter with `--stream`: a document goes out before the next one is read.
fn stream(rules: &Rules, sinks: &Reporter) -> anyhow::Result<()> {
    // What a client hands over beside manifests is in a ResourceList, which is no stream.
    let config = rules.of(&[])?;
    let mut report = |diagnostics: &[_]| sinks.report(diagnostics);
    let summary = resecret::filter_stream(piped()?, stdout()?, &config, &mut report)?;
    sinks.note(&summary.to_string());
    Ok(())
}
