//! The command line. Its doc comments are the help.

use clap::{Parser, Subcommand};

use crate::cli::adopt::{self, AdoptArgs};
use crate::cli::check::{self, CheckArgs};
use crate::cli::diff::{self, DiffArgs};
use crate::cli::explain::ExplainArgs;
use crate::cli::filter::FilterArgs;
use crate::cli::generate::{COMPLETIONS_HELP, CompletionsArgs};
use crate::cli::guard::{self, GuardArgs};
use crate::cli::keys::{self, KeysArgs};
use crate::cli::kustomize::KustomizeCommand;
use crate::cli::man::ManArgs;
use crate::cli::patches::{self, PatchesArgs};
use crate::cli::scan::{self, ScanArgs};
use crate::cli::schema;

/// Take a chart's own Secrets out of rendered manifests and point every reference at a Secret kept in a vault.
///
/// Reads manifests on standard input and writes them on standard output, as a Helm post-renderer does. What no rule
/// touches leaves byte for byte as it came. Either the whole stream is right, or nothing is written.
#[derive(Debug, Parser)]
#[command(version = env!("RESECRET_VERSION"), args_conflicts_with_subcommands = true, after_help = AFTER_HELP, max_term_width = 100)]
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
  1  check, diff, scan, keys --against, guard --check or adopt --verify found something
  2  error, and nothing was written: wrong flags, configuration or input, a rule that
     matched nothing, a document that cannot be edited safely; with --stream the last
     line says what was written

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
    /// List what a render holds that should not be in Git, and propose a configuration that vaults it.
    #[command(after_help = scan::HELP)]
    Scan(Box<ScanArgs>),
    /// Say what filtering would complain about, for CI: the same run without output.
    #[command(after_help = check::HELP)]
    Check(Box<CheckArgs>),
    /// Show what filtering would change, without the values.
    #[command(after_help = diff::HELP)]
    Diff(Box<DiffArgs>),
    /// Say what each vaulted Secret must hold and who reads it, or check one that exists.
    ///
    /// Filters manifests as `filter` does, and prints what the result needs: a table, JSON, or a manifest to start from.
    /// With --against, nothing is printed but what existing Secrets lack. No value is ever shown.
    #[command(after_help = keys::HELP)]
    Keys(Box<KeysArgs>),
    /// Print the run as patches, for places where this program cannot run.
    ///
    /// Filters manifests as `filter` does, and prints what it does to each object. The patches fit the render that they
    /// were made from: print new ones for each version of the chart. On another render they fail: each patch tests the names
    /// of the list items on its path.
    #[command(after_help = patches::HELP)]
    Patches(Box<PatchesArgs>),
    /// Print the configuration as policies of the API server, which refuse what the filter would change.
    ///
    /// A post-renderer works only when it runs. With these policies in the cluster, an upgrade without it is refused.
    #[command(after_help = guard::HELP)]
    Guard(Box<GuardArgs>),
    /// Write the first upgrade of a live release as a shell script that loses nothing.
    #[command(after_help = adopt::HELP)]
    Adopt(Box<AdoptArgs>),
    /// Say what a diagnostic means and what to do about it.
    Explain(ExplainArgs),
    /// Install or remove the exec plugin of Kustomize and kubectl.
    #[command(subcommand)]
    Kustomize(KustomizeCommand),
    /// Print the JSON Schema of resecret.yaml, for editors and CI.
    #[command(after_help = schema::HELP)]
    Schema,
    /// Print a script that completes commands and flags in a shell.
    #[command(after_help = COMPLETIONS_HELP)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write the pages of all commands to a folder.
    Man(ManArgs),
}
