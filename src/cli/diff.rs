//! `resecret diff`: what the filter would change, without the values.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use anyhow::Context;
use clap::ValueEnum;
use resecret::{Diagnostic, Diff, LineKind, Summary};

use crate::cli::exit::ExitStatus;
use crate::cli::flags::{ReportArgs, RuleArgs, SourceArgs};
use crate::cli::io::renders::{Renders, Worked};
use crate::cli::io::reporter::Reporter;
use crate::cli::io::stdout::stdout;
use crate::cli::load_config::Rules;

pub(super) const HELP: &str = "\
Only documents that change appear, each hunk under the name of its object. A value is shown as its
length, for example <8-15 characters>: the data of Secrets and ConfigMaps, literals of variables,
arguments, annotations, and whatever looks like a credential. If the filter would fail, its messages
are all there is.

Exit codes:
  0  no difference, or --exit-zero
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

    /// Exit with 0 although there is a difference
    #[arg(long)]
    pub(super) exit_zero: bool,

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

/// What filtering a render comes to.
struct Compared {
    diff: Diff,
    diagnostics: Vec<Diagnostic>,
    summary: Summary,
}

/// Writes the diff of every render, or, if one of them cannot be filtered, only why.
pub(super) fn run(args: &DiffArgs, reporter: &Reporter) -> anyhow::Result<ExitStatus> {
    let rules = Rules::read(&args.rules, None)?;
    let renders = Renders::find(&args.input.files)?;
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let mut all: Vec<Compared> = Vec::new();
    let mut failed = false;
    for Worked { name, outcome } in renders.each(|name, input| compare(name, input, &rules))? {
        match outcome {
            Ok(compared) => {
                diagnostics.extend(renders.place(&compared.diagnostics, &name));
                all.push(compared);
            }
            Err(failures) => {
                diagnostics.extend(failures);
                failed = true;
            }
        }
    }
    if failed {
        reporter.report(&diagnostics);
        return Ok(ExitStatus::Error);
    }
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
    reporter.success_with_count(&diagnostics, summary(&all));
    Ok(if same || args.exit_zero { ExitStatus::Success } else { ExitStatus::Findings })
}

/// What filtering does to a render.
///
/// # Errors
///
/// The rules are wrong, or there are none.
fn compare(name: &str, input: &[u8], rules: &Rules) -> anyhow::Result<Result<Compared, resecret::Error>> {
    let config = rules.of(input)?;
    config.check_rules()?;
    Ok(resecret::filter(input, &config).map(|filtered| Compared {
        diff: resecret::diff(&filtered, name, &config),
        diagnostics: filtered.diagnostics().to_vec(),
        summary: filtered.summary(),
    }))
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
fn summary(all: &[Compared]) -> String {
    let mut sum = Summary::default();
    for Compared { summary, .. } in all {
        sum.documents += summary.documents;
        sum.edited += summary.edited;
        sum.removed += summary.removed;
    }
    let files = if all.len() > 1 { format!(", in {} files", all.len()) } else { String::new() };
    format!("{sum}{files}")
}
