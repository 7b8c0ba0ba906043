//! `resecret check`: the run of the filter without its output, for CI.

use anyhow::Context;
use clap::ValueEnum;
use resecret::{Diagnostic, Severity};

use crate::cli::again::{AgainArgs, Second};
use crate::cli::exit::ExitStatus;
use crate::cli::flags::{ReportArgs, RuleArgs, SourceArgs, UpgradeArgs};
use crate::cli::io::renders::{Renders, Worked};
use crate::cli::io::reporter::Reporter;
use crate::cli::io::stdout::print;
use crate::cli::load_config::Rules;
use crate::cli::previous::Previous;

/// The arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// What to read.
    #[command(flatten)]
    pub(super) input: SourceArgs,

    /// What would change.
    #[command(flatten)]
    pub(super) rules: RuleArgs,

    /// What to compare with.
    #[command(flatten)]
    pub(super) upgrade: UpgradeArgs,

    /// What else to filter.
    #[command(flatten)]
    pub(super) again: AgainArgs,

    /// What to say.
    #[command(flatten)]
    pub(super) report: ReportArgs,

    /// The least that makes the exit code 1
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Warning, help_heading = "Report")]
    pub(super) fail_on: FailOn,

    /// Exit with 0 whatever was found; 2 stays 2
    #[arg(long, conflicts_with = "fail_on", help_heading = "Report")]
    pub(super) exit_zero: bool,
}

/// The least that makes a check fail.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum FailOn {
    /// Only what would make the filter fail
    Error,
    /// Anything
    Warning,
}

/// What `resecret check --help` ends with.
pub(super) const HELP: &str = "\
Each file is a render of its own, and every rule must match in each. Files are checked side by
side; the report is in the order of their names. It goes to standard output, the summary and what
prevents a check to standard error. Of a render in many files (helm template --output-dir) make one
stream: cat them.

With --previous (a file, or - for standard input), it also says which variables and Secrets of the
live release the next upgrade would lose, and the flags and commands that lose nothing.

With --again (a second render of the same chart and values), both renders are filtered, and each
place that still differs is a finding, with the rule that would stop it: Argo CD, Flux and pipes
have no cluster to look at, and change it on every upgrade.

Give it the output of `helm template`, which has the chart's hooks: Helm 3 never sends them through
a post-renderer, so one that reads a removed Secret is a finding here.

Exit codes:
  0  nothing to report, or nothing that --fail-on asks about, or --exit-zero
  1  something was found
  2  error: wrong flags or configuration, input that is empty or cannot be read

Examples:
  helm template lf ./chart | resecret check --config resecret.yaml
  resecret check --format sarif renders/ > resecret.sarif
  helm get manifest lf | resecret check --previous - render.yaml
  helm template lf ./chart | resecret check --again - render.yaml";

/// Checks every render and reports all that was found.
pub(super) fn run(args: &CheckArgs, reporter: &Reporter) -> anyhow::Result<ExitStatus> {
    let rules = Rules::read(&args.rules, None)?;
    let renders = Renders::find(&args.input.files)?;
    let previous = Previous::read(&args.upgrade, renders.sources())?;
    let second = Second::read(&args.again, renders.sources())?;
    let mut found: Vec<Diagnostic> = Vec::new();
    let check = |input: &[u8]| check(input, &rules, previous.as_ref(), second.as_ref());
    for Worked { name, outcome } in renders.each(|_, input| check(input))? {
        found.extend(outcome.map_or_else(|failures| failures, |found| renders.place(&found, &name)));
    }
    // Those a person has seen and accepted.
    found.retain(|found| !args.upgrade.accept_hazards.iter().any(|accepted| accepted.accepts(found)));
    if found.iter().any(prevents_judgement) {
        reporter.report(&found);
        return Ok(ExitStatus::Error);
    }
    let mut report = Vec::new();
    reporter.findings(&found, &mut report).context("cannot write the report")?;
    if !report.is_empty() {
        print(&report)?;
    }
    reporter.note(&summary(&renders, &found));
    Ok(if args.fails(&found) { ExitStatus::Findings } else { ExitStatus::Success })
}

impl CheckArgs {
    /// Whether these findings make the exit code 1.
    fn fails(&self, found: &[Diagnostic]) -> bool {
        let least = match self.fail_on {
            FailOn::Error => Severity::Error,
            FailOn::Warning => Severity::Warning,
        };
        !self.exit_zero && found.iter().any(|found| found.severity >= least)
    }
}

/// What the filter has to say about a render, what its upgrade would lose, and what changes in a second one.
///
/// # Errors
///
/// The rules are wrong, or there are none.
fn check(
    input: &[u8],
    rules: &Rules,
    previous: Option<&Previous>,
    second: Option<&Second>,
) -> anyhow::Result<Result<Vec<Diagnostic>, resecret::Error>> {
    let mut config = rules.of(input)?;
    config.warn_of_hooks();
    config.warn_of_settings();
    config.check_rules()?;
    let filtered = match resecret::filter(input, &config) {
        Ok(filtered) => filtered,
        Err(error) => return Ok(Err(error)),
    };
    let mut found = filtered.diagnostics().to_vec();
    if let Some(previous) = previous {
        let hazards = previous.hazards(&filtered.to_vec(), &config);
        found.extend(hazards.unwrap_or_else(|error| error.diagnostics().to_vec()));
    }
    if let Some(second) = second {
        found.extend(second.still_changing(&filtered, rules)?);
    }
    Ok(Ok(found))
}

fn prevents_judgement(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error && diagnostic.code.prevents_judgement()
}

fn summary(renders: &Renders, found: &[Diagnostic]) -> String {
    let count = |severity: Severity| found.iter().filter(|found| found.severity == severity).count();
    let counts: Vec<String> = [(count(Severity::Error), "error"), (count(Severity::Warning), "warning")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    let counts = if counts.is_empty() { "nothing to report".to_owned() } else { counts.join(", ") };
    format!("resecret: {} checked: {counts}", renders.name())
}
