//! `resecret check`: the run of the filter without its output, for CI.

use std::io;

use anyhow::Context;
use resecret::{Config, Diagnostic, Location, Rule, Severity};

use super::args::CheckArgs;
use super::filter::config;
use super::input::{Source, sources};
use super::parallel;
use super::previous::Previous;
use super::progress::Progress;
use super::sinks::Sinks;
use crate::exit::ExitStatus;

/// Checks every stream and reports all that was found.
pub(super) fn run(args: &CheckArgs, sinks: &Sinks) -> anyhow::Result<ExitStatus> {
    let mut config = config(&args.rules)?;
    config.warn_of_hooks();
    config.check_rules()?;
    let sources = sources(&args.input.files)?;
    let previous = Previous::read(&args.upgrade, &sources)?;
    let progress = Progress::start(sources.len());
    let found = parallel::map(&sources, |source| {
        let mut found = check(source, &config, previous.as_ref(), sources.len() > 1, &progress);
        found.retain(|found| !args.upgrade.accept_hazards.contains(&found.rule));
        progress.step();
        found
    });
    drop(progress);
    let found: Vec<Diagnostic> = found.into_iter().flatten().collect();
    if found.iter().any(prevents_judgement) {
        sinks.complaints(&found);
        return Ok(ExitStatus::Error);
    }
    sinks.findings(&found, &mut io::stdout().lock()).context("cannot write standard output")?;
    sinks.note(&summary(&sources, &found));
    Ok(if found.is_empty() { ExitStatus::Success } else { ExitStatus::Found })
}

/// What the filter has to say about a stream, and what its upgrade would lose; `several` are being checked.
fn check(
    source: &Source,
    config: &Config,
    previous: Option<&Previous>,
    several: bool,
    progress: &Progress,
) -> Vec<Diagnostic> {
    let name = source.name();
    let input = match source.read(progress) {
        Ok(input) => input,
        Err(error) => return vec![unreadable(&name, &error)],
    };
    let filtered = match resecret::filter(&input, config) {
        Ok(filtered) => filtered,
        Err(error) => return place(error.diagnostics(), &name, several),
    };
    let mut found = place(filtered.diagnostics(), &name, several);
    if let Some(previous) = previous {
        let hazards = previous.hazards(&filtered.to_vec(), config);
        let hazards = hazards.unwrap_or_else(|error| error.diagnostics().to_vec());
        found.extend(place(&hazards, &name, several));
    }
    found
}

/// The same diagnostics with the name of the stream that they are about.
pub(super) fn place(diagnostics: &[Diagnostic], name: &str, several: bool) -> Vec<Diagnostic> {
    let mut placed = diagnostics.to_vec();
    for diagnostic in &mut placed {
        match &diagnostic.location.file {
            // A place in the configuration: the stream in which it matches nothing is not clear by itself.
            Some(_) if several => diagnostic.message += &format!(", in {name}"),
            Some(_) => {}
            None => diagnostic.location.file = Some(name.to_owned()),
        }
    }
    placed
}

/// A stream that cannot be read.
pub(super) fn unreadable(name: &str, error: &anyhow::Error) -> Diagnostic {
    Diagnostic {
        rule: Rule::Io,
        severity: Severity::Error,
        message: format!("{error:#}"),
        help: "check that the file is there and can be read".to_owned(),
        location: Location { file: Some(name.to_owned()), ..Location::default() },
    }
}

fn prevents_judgement(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error && diagnostic.rule.prevents_judgement()
}

fn summary(sources: &[Source], found: &[Diagnostic]) -> String {
    let what = match sources {
        [source] => source.name(),
        _ => format!("{} files", sources.len()),
    };
    let count = |severity: Severity| found.iter().filter(|found| found.severity == severity).count();
    let counts: Vec<String> = [(count(Severity::Error), "error"), (count(Severity::Warning), "warning")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    let counts = if counts.is_empty() { "nothing found".to_owned() } else { counts.join(", ") };
    format!("resecret: {what} checked: {counts}")
}
