//! The command line. What stands here is the manual: help is printed from it.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use resecret::{HAZARDS, Rule};

/// Take a chart's own Secrets out of rendered manifests and point every reference at a Secret kept in a vault.
///
/// Reads manifests on standard input and writes them on standard output, as a Helm post-renderer does. What no rule
/// touches leaves byte for byte as it came. Either the whole stream is right, or nothing is written.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = AFTER_HELP, max_term_width = 100)]
pub(super) struct Args {
    /// What to do; without a command, `filter`.
    #[command(subcommand)]
    pub(super) command: Option<Command>,

    /// The flags of `filter`.
    #[command(flatten)]
    pub(super) filter: FilterArgs,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  done, or nothing to report
  1  check, diff or scan found something
  2  error, and nothing was written: wrong flags, configuration or input, a rule that
     matched nothing, a document that cannot be edited safely

Examples:
  helm upgrade lf ./chart --post-renderer resecret \\
    --post-renderer-args --preset=langfuse --post-renderer-args --to=langfuse-vault  # Helm 3
  helm upgrade lf ./chart --post-renderer resecret-post-renderer …                   # Helm 4
  helm template lf ./chart | resecret --config resecret.yaml";

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Filter manifests from standard input to standard output.
    #[command(after_help = AFTER_HELP)]
    Filter(Box<FilterArgs>),
    /// Say what filtering would complain about, for CI: the same run without output.
    #[command(after_help = CHECK_HELP)]
    Check(Box<CheckArgs>),
    /// Show what filtering would change, without the values.
    #[command(after_help = DIFF_HELP)]
    Diff(Box<DiffArgs>),
    /// Say what a diagnostic means and what to do about it.
    Explain(ExplainArgs),
}

const CHECK_HELP: &str = "\
Each file is a render of its own, and every rule must match in each. Files are checked side by
side; the report is in the order of their names. It goes to standard output, the summary and what
prevents a check to standard error.

With --previous (a file, or - for standard input), it also says which variables and Secrets of the
live release the next upgrade would lose, and the flags and commands that lose nothing.

Give it the output of `helm template`, which has the chart's hooks: Helm 3 never sends them through
a post-renderer, so one that reads a dropped Secret is a finding here.

Exit codes:
  0  nothing to report
  1  something was found
  2  error: wrong flags or configuration, input that is empty or cannot be read

Examples:
  helm template lf ./chart | resecret check --config resecret.yaml
  resecret check --format sarif renders/ > resecret.sarif
  helm get manifest lf | resecret check --previous - render.yaml";

/// The arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// What to read.
    #[command(flatten)]
    pub(super) input: InputArgs,

    /// What would change.
    #[command(flatten)]
    pub(super) rules: RuleArgs,

    /// What to compare with.
    #[command(flatten)]
    pub(super) upgrade: UpgradeArgs,

    /// What to say.
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

const DIFF_HELP: &str = "\
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
    pub(super) input: InputArgs,

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

/// What a command reads.
#[derive(Debug, clap::Args)]
pub(super) struct InputArgs {
    /// Renders to read: files, or folders with *.yaml, *.yml and *.json files at any depth [default: standard input]
    pub(super) files: Vec<PathBuf>,
}

/// The arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// The rule, as it stands between brackets in a diagnostic; all of them, a line each, if absent
    pub(super) rule: Option<String>,
}

/// The flags of `filter`.
#[derive(Debug, clap::Args)]
pub(super) struct FilterArgs {
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

/// Flags that say what to change.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rules")]
pub(super) struct RuleArgs {
    /// Read rules from this file; repeat for several [default: resecret.yaml, if there is no --preset]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Vec<PathBuf>,

    /// Add a built-in rule set (langfuse, langfuse-stores); repeat for several
    #[arg(long, value_name = "NAME", requires = "to")]
    pub(super) preset: Vec<String>,

    /// The vaulted Secret that the presets' rules point at
    #[arg(long, value_name = "SECRET", requires = "preset")]
    pub(super) to: Option<String>,

    /// Let a rule match nothing
    #[arg(long)]
    pub(super) allow_unmatched: bool,
}

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

/// The variable that can name the log file: some clients pass no flags.
pub(super) const LOG: &str = "RESECRET_LOG";

/// Flags that say how to report.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Report")]
pub(super) struct ReportArgs {
    /// How to write diagnostics
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,

    /// Append diagnostics and summary to this file too, as text
    #[arg(long, value_name = "FILE", env = LOG, hide_env_values = true)]
    pub(super) log_file: Option<PathBuf>,

    /// Leave the summary line out
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// The formats of a report.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs; each diagnostic has the shape of a KRM function result
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0
    Sarif,
}

impl From<Format> for resecret::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
            Format::Github => Self::Github,
            Format::Sarif => Self::Sarif,
        }
    }
}
