//! The command line. What stands here is the manual: help is printed from it.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use super::filter::FilterArgs;
use super::previous::UpgradeArgs;

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
  1  check, diff, scan or keys --against found something
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
    #[command(after_help = SCAN_HELP)]
    Scan(Box<ScanArgs>),
    /// Say what filtering would complain about, for CI: the same run without output.
    #[command(after_help = super::check::HELP)]
    Check(Box<CheckArgs>),
    /// Show what filtering would change, without the values.
    #[command(after_help = DIFF_HELP)]
    Diff(Box<DiffArgs>),
    /// Say what each vaulted Secret must hold and who reads it, or check one that exists.
    ///
    /// Filters manifests as `filter` does, and prints what the result needs: a table, JSON, or a manifest to start from.
    /// With --against, nothing is printed but what existing Secrets lack. No value is ever shown.
    #[command(after_help = KEYS_HELP)]
    Keys(Box<KeysArgs>),
    /// Print the run as patches, for places where this program cannot run.
    ///
    /// Filters manifests as `filter` does, and prints what it does to each object. The patches fit the render that they
    /// were made from: print them anew for each version of the chart. Applied to another one they fail: they test the
    /// names of all that they count through.
    #[command(after_help = PATCHES_HELP)]
    Patches(Box<PatchesArgs>),
    /// Say what a diagnostic means and what to do about it.
    Explain(ExplainArgs),
    /// Install or remove the exec plugin of Kustomize and kubectl.
    #[command(subcommand)]
    Kustomize(KustomizeCommand),
    /// Print the JSON Schema of resecret.yaml, for editors and CI.
    #[command(after_help = SCHEMA_HELP)]
    Schema,
    /// Print a script that completes commands and flags in a shell.
    #[command(after_help = COMPLETIONS_HELP)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write the pages of all commands to a folder.
    Man(ManArgs),
}

/// The commands of `kustomize`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum KustomizeCommand {
    /// Link this program into Kustomize's plugin home, so that `transformers:` finds it by kind Resecret.
    Install,
    /// Take the link away.
    Uninstall,
}

const SCAN_HELP: &str = "\
Lists Secrets with their keys, lengths and readers; variables that stand twice, with the entry that
wins; literals that look like credentials; checksum annotations; and fields of custom resources that
hold a Secret's name. Tokens that the cluster makes are left out. No value is shown.

With --write it proposes a configuration, after a run of the filter with it. A chart Secret goes to
a vaulted one of its own, NAME-vault, the literals of a chart to CHART-credentials. With --to all
of them go to one; keys that would meet there are given the chart Secret's name as prefix, and a
Secret whose keys cannot stand beside others (envFrom, types such as kubernetes.io/tls) keeps one
of its own. What no rule can vault is a comment at the end of the file.

Exit codes:
  0  nothing to report
  1  something was found
  2  error: wrong flags, input that is empty or cannot be read, or no configuration goes through

Examples:
  helm template lf ./chart | resecret scan
  helm template lf ./chart | resecret scan --write resecret.yaml --to langfuse-vault
  resecret scan --format json renders/ | jq '.credentials[].place.object.name'";

/// The arguments of `scan`.
#[derive(Debug, clap::Args)]
pub(super) struct ScanArgs {
    /// What to read.
    #[command(flatten)]
    pub(super) input: SourceArgs,

    /// Propose a configuration and write it to this file, which must not be there yet
    #[arg(long, value_name = "FILE")]
    pub(super) write: Option<PathBuf>,

    /// Vault all of it in this one Secret
    #[arg(long, value_name = "SECRET", requires = "write")]
    pub(super) to: Option<String>,

    /// Overwrite the file of --write
    #[arg(long, requires = "write")]
    pub(super) force: bool,

    /// How to write the inventory
    #[arg(long, value_enum, default_value_t = ScanFormat::Text)]
    pub(super) format: ScanFormat,

    /// Append diagnostics and summary to this file too, as text
    #[arg(long, value_name = "FILE", env = LOG, hide_env_values = true)]
    log_file: Option<PathBuf>,

    /// Leave the summary line out
    #[arg(short, long)]
    quiet: bool,
}

impl ScanArgs {
    /// How diagnostics are reported.
    pub(super) fn report(&self) -> ReportArgs {
        let format = match self.format {
            ScanFormat::Text => Format::Text,
            ScanFormat::Json => Format::Json,
        };
        ReportArgs { format, log_file: self.log_file.clone(), quiet: self.quiet }
    }
}

/// The formats of an inventory.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ScanFormat {
    /// Tables
    Text,
    /// One JSON object
    Json,
}

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

/// Flags that say which renders are read.
#[derive(Debug, clap::Args)]
pub(super) struct SourceArgs {
    /// Renders to read: files, or folders with *.yaml, *.yml and *.json files at any depth [default: standard input]
    pub(super) files: Vec<PathBuf>,
}

const KEYS_HELP: &str = "\
Exit codes:
  0  done, or nothing to report
  1  --against has found something missing, empty or in a wrong format
  2  error: wrong flags, configuration or input, or a stream that cannot be filtered

Examples:
  helm template lf ./chart | resecret keys
  helm template lf ./chart | resecret keys -o external-secret --store vault > secrets.yaml
  kubectl get secret langfuse-vault -o yaml | resecret keys render.yaml --against -";

const PATCHES_HELP: &str = "\
Exit codes:
  0  done
  2  error: wrong flags, configuration or input, a stream that cannot be filtered, or an
     object that a patch cannot name

Examples:
  helm template lf ./chart | resecret patches -o kustomize >> kustomization.yaml
  helm template lf ./chart | resecret patches -o flux    # for spec of a HelmRelease";

const SCHEMA_HELP: &str = "\
Examples:
  resecret schema > resecret.schema.json
  # yaml-language-server: $schema=resecret.schema.json    (first line of resecret.yaml)";

const COMPLETIONS_HELP: &str = "\
Examples:
  source <(resecret completions bash)
  resecret completions fish > ~/.config/fish/completions/resecret.fish";

/// The arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

/// The arguments of `man`.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Write resecret.1 and a page for each command to this folder
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

/// The arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// The rule, as it stands between brackets in a diagnostic; all of them, a line each, if absent
    pub(super) rule: Option<String>,
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

/// The arguments of `keys`.
#[derive(Debug, clap::Args)]
pub(super) struct KeysArgs {
    /// What to read.
    #[command(flatten)]
    pub(super) input: SourceArgs,

    /// What to print
    #[arg(short, long, value_enum, default_value_t = KeysOutput::Table)]
    pub(super) output: KeysOutput,

    /// external-secret: the SecretStore; vault-static-secret: the VaultAuth
    #[arg(long, value_name = "NAME")]
    pub(super) store: Option<String>,

    /// external-secret: the kind of the store
    #[arg(long, value_name = "KIND", value_enum, default_value_t = StoreKind::SecretStore)]
    pub(super) store_kind: StoreKind,

    /// external-secret: the entry in the store; vault-static-secret: MOUNT/PATH; {name} is the Secret's name
    #[arg(long, value_name = "KEY", default_value = "{name}")]
    pub(super) remote_key: String,

    /// Check the Secrets in this file instead, `-` for standard input; repeat for several
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "store", "store_kind", "remote_key"])]
    pub(super) against: Vec<PathBuf>,

    /// What to change.
    #[command(flatten)]
    pub(super) rules: RuleArgs,

    /// What to say.
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

/// The arguments of `patches`.
#[derive(Debug, clap::Args)]
pub(super) struct PatchesArgs {
    /// What to read.
    #[command(flatten)]
    pub(super) input: SourceArgs,

    /// What to print
    #[arg(short, long, value_enum, default_value_t = PatchesOutput::Kustomize)]
    pub(super) output: PatchesOutput,

    /// What to change.
    #[command(flatten)]
    pub(super) rules: RuleArgs,

    /// What to say.
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

/// What `patches` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PatchesOutput {
    /// JSON: the JSON Patch (RFC 6902) of each object, and which objects go
    Json6902,
    /// The patches of a Kustomization
    Kustomize,
    /// The postRenderers of a Flux HelmRelease
    Flux,
}

/// What `keys` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum KeysOutput {
    /// One line for each key and reader
    Table,
    /// The same for programs
    Json,
    /// ExternalSecret of External Secrets, external-secrets.io/v1
    ExternalSecret,
    /// SealedSecret of Sealed Secrets, bitnami.com/v1alpha1, to be filled
    SealedSecret,
    /// VaultStaticSecret of the Vault Secrets Operator, secrets.hashicorp.com/v1beta1
    VaultStaticSecret,
    /// A Secret with placeholders
    Secret,
}

/// Kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(super) enum StoreKind {
    /// In the Secret's own namespace
    SecretStore,
    /// For the whole cluster
    ClusterSecretStore,
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
