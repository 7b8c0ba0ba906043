//! Flags that several commands share.

use std::path::PathBuf;

use clap::ValueEnum;
use resecret::AcceptedHazard;

use crate::cli::known;

/// The variable that can name the log file: some clients pass no flags.
pub(super) const LOG: &str = "RESECRET_LOG";

/// Flags that say which renders are read.
#[derive(Debug, clap::Args)]
pub(super) struct SourceArgs {
    /// Renders to read: files, or folders with *.yaml, *.yml and *.json files at any depth [default: standard input]
    pub(super) files: Vec<PathBuf>,
}

/// Flags that say what to change.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rules")]
pub(super) struct RuleArgs {
    /// Read rules from this file; repeat for several [default: resecret.yaml, if there is no --preset]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Vec<PathBuf>,

    /// Add a built-in rule set (langfuse, langfuse-stores); repeat for several
    #[arg(long, value_name = "NAME", requires = "to", value_parser = known::presets(), hide_possible_values = true)]
    pub(super) preset: Vec<String>,

    /// The vaulted Secret that the presets' rules point at
    #[arg(long, value_name = "SECRET", requires = "preset")]
    pub(super) to: Option<String>,

    /// Keep one entry of each key in lists that server-side apply takes only so: `env`, `ports` and others. Needs no
    /// other rule
    #[arg(long, value_name = "WHICH", value_parser = ["last", "first", "prefer-secret", "error"])]
    pub(super) duplicates: Option<String>,

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

    /// Go on although the upgrade meets these hazards, everywhere or at one object; repeat, or separate by commas
    #[arg(long, value_name = "CODE[:KIND/NAME]", value_delimiter = ',', requires = "previous",
          value_parser = known::hazards(), hide_possible_values = true)]
    pub(super) accept_hazards: Vec<AcceptedHazard>,
}

/// Flags that say how to report.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Report")]
pub(super) struct ReportArgs {
    /// How to write diagnostics
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(super) format: ReportFormat,

    /// Append diagnostics and summary to this file too, as text
    #[arg(long, value_name = "FILE", env = LOG, hide_env_values = true)]
    pub(super) log_file: Option<PathBuf>,

    /// Say nothing but errors: no warnings, no summary line
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// The formats of a report.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people
    Text,
    /// For programs; each diagnostic has the shape of a KRM function result
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0
    Sarif,
}

impl From<ReportFormat> for resecret::Format {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Text => Self::Text,
            ReportFormat::Json => Self::Json,
            ReportFormat::Github => Self::Github,
            ReportFormat::Sarif => Self::Sarif,
        }
    }
}
