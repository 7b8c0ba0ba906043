//! `resecret filter`: standard input to standard output.

use std::io;

use anyhow::Context;

use super::args::FilterArgs;
use super::previous::Previous;
use super::progress::Progress;
use super::rules::Rules;
use super::sinks::Sinks;
use super::sources::Source;

/// Runs the filter.
pub(super) fn run(args: &FilterArgs, sinks: &Sinks) -> anyhow::Result<()> {
    let rules = Rules::read(&args.rules, args.plugin_config.as_deref())?;
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
    // Only now, with every document verified, does anything go out.
    filtered
        .write_to(io::stdout().lock())
        .context("cannot write standard output; its reader has only a part")?;
    sinks.success(&diagnostics, filtered.summary());
    Ok(())
}
