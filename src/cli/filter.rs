//! `resecret filter`: standard input to standard output.

use std::io;

use anyhow::{Context, ensure};

use super::args::{FilterArgs, Format};
use super::input::piped;
use super::previous::Previous;
use super::progress::Progress;
use super::rules::Rules;
use super::sinks::Sinks;
use super::sources::Source;

/// Runs the filter.
pub(super) fn run(args: &FilterArgs, sinks: &Sinks) -> anyhow::Result<()> {
    let rules = Rules::read(&args.rules, args.plugin_config.as_deref())?;
    if args.stream {
        return stream(&rules, args.report.format, sinks);
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
    // Only now, with every document verified, does anything go out.
    filtered
        .write_to(io::stdout().lock())
        .context("cannot write standard output; its reader has only a part")?;
    sinks.success(&diagnostics, filtered.summary());
    Ok(())
}

/// Runs the filter with `--stream`: a document goes out before the next one is read.
fn stream(rules: &Rules, format: Format, sinks: &Sinks) -> anyhow::Result<()> {
    ensure!(
        !matches!(format, Format::Sarif),
        "--stream reports as it goes, and SARIF is one log of a whole run: take --format text, json or github"
    );
    // What a client hands over beside manifests is in a ResourceList, which is no stream.
    let config = rules.of(&[])?;
    let mut report = |diagnostics: &[_]| sinks.report(diagnostics);
    let summary = resecret::filter_stream(piped()?, io::stdout().lock(), &config, &mut report)?;
    sinks.success(&[], summary);
    Ok(())
}
