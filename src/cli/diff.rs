//! `resecret diff`: what the filter would change, without the values.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use anyhow::Context;
use clap::ValueEnum;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use resecret::{Diagnostic, Diff, LineKind, Summary};

use crate::cli::check::{place, unreadable};
use crate::cli::exit::ExitStatus;
use crate::cli::flags::{ReportArgs, RuleArgs, SourceArgs};
use crate::cli::io::progress::Progress;
use crate::cli::io::reporter::Reporter;
use crate::cli::io::source::{Source, sources};
use crate::cli::io::stdout::stdout;
use crate::cli::load_config::Rules;

pub(super) const HELP: &str = "\
Only documents that change appear, each hunk under the name of its object. A value is shown as its
length, for example <8-15 characters>: the data of Secrets and ConfigMaps, literals of variables,
arguments, annotations, and whatever looks like a credential. If the filter would fail, its messages
are all there is.

Exit codes:
  0  no difference
  1  there is a difference
  2  error: wrong flags or configuration, or the filter would fail

Examples:
  helm template lf ./chart | resecret diff --preset langfuse --to langfuse-vault
  resecret diff --config resecret.yaml --color always render.yaml | less -R";

/// The arguments of `diff`.
#[derive(Debug, clap::Args)]
pub(super) struct DiffArgs {
    /// What to read.
    #[command(flatten)]
    pub(super) input: SourceArgs,

    /// When to use colour; `auto` is on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(super) color: Color,

    /// What would change.
    #[command(flatten)]
    pub(super) rules: RuleArgs,

    /// What to say.
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also into a pipe or file
    Always,
    /// Not at all
    Never,
}

/// What filtering a stream comes to.
struct Compared {
    diff: Diff,
    diagnostics: Vec<Diagnostic>,
    /// None where the filter would fail.
    summary: Option<Summary>,
}

/// Writes the diff of every stream, or, if one of them cannot be filtered, only why.
pub(super) fn run(args: &DiffArgs, sinks: &Reporter) -> anyhow::Result<ExitStatus> {
    let rules = Rules::read(&args.rules, None)?;
    let sources = sources(&args.input.files)?;
    let progress = Progress::start(sources.len());
    let all = sources.par_iter().map(|source| {
        let compared = compare(source, &rules, sources.len() > 1, &progress);
        progress.step();
        compared
    });
    let all: Vec<Compared> = all.collect::<anyhow::Result<_>>()?;
    drop(progress);
    let diagnostics: Vec<Diagnostic> = all.iter().flat_map(|one| one.diagnostics.iter().cloned()).collect();
    let Some(summaries) = all.iter().map(|one| one.summary).collect::<Option<Vec<Summary>>>() else {
        sinks.report(&diagnostics);
        return Ok(ExitStatus::Error);
    };
    let same = all.iter().all(|one| one.diff.is_empty());
    if !same {
        let mut stdout = AutoStream::new(stdout()?, choice(args.color));
        let written = all.iter().try_for_each(|one| write(&one.diff, &mut stdout));
        match written.and_then(|()| stdout.flush()) {
            // A pager that was left has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written.context("cannot write standard output")?,
        }
    }
    sinks.success_with_count(&diagnostics, summary(&summaries));
    Ok(if same { ExitStatus::Success } else { ExitStatus::Findings })
}

/// What filtering does to a stream; `several` are being compared.
///
/// # Errors
///
/// The rules are wrong, or there are none.
fn compare(source: &Source, rules: &Rules, several: bool, progress: &Progress) -> anyhow::Result<Compared> {
    let name = source.name();
    let failed = |diagnostics| Compared { diff: Diff::default(), diagnostics, summary: None };
    let input = match source.read(progress) {
        Ok(input) => input,
        Err(error) => return Ok(failed(vec![unreadable(&name, &error)])),
    };
    let config = rules.of(&input)?;
    config.check_rules()?;
    Ok(match resecret::filter(&input, &config) {
        Ok(filtered) => Compared {
            diff: resecret::diff(&filtered, &name, &config),
            diagnostics: place(filtered.diagnostics(), &name, several),
            summary: Some(filtered.summary()),
        },
        Err(error) => failed(place(error.diagnostics(), &name, several)),
    })
}

fn write(diff: &Diff, place: &mut impl Write) -> io::Result<()> {
    for (kind, line) in diff.lines() {
        let style = style(kind);
        writeln!(place, "{style}{line}{style:#}")?;
    }
    Ok(())
}

/// The colours of `git diff`.
fn style(kind: LineKind) -> Style {
    match kind {
        LineKind::Stream => Style::new().bold(),
        LineKind::Hunk => AnsiColor::Cyan.on_default(),
        LineKind::Removed => AnsiColor::Red.on_default(),
        LineKind::Added => AnsiColor::Green.on_default(),
        _ => Style::new(),
    }
}

fn choice(color: Color) -> ColorChoice {
    match color {
        // Asks the terminal and NO_COLOR.
        Color::Auto => AutoStream::choice(&io::stdout()),
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}

/// The filter's own line, for all streams together.
fn summary(all: &[Summary]) -> String {
    let mut sum = Summary::default();
    for one in all {
        sum.documents += one.documents;
        sum.edited += one.edited;
        sum.removed += one.removed;
    }
    let files = if all.len() > 1 { format!(", in {} files", all.len()) } else { String::new() };
    format!("{sum}{files}")
}
