//! `resecret keys`: what vaulted Secrets must hold, and whether existing ones do.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;
use resecret::{Diagnostic, Manifest, SecretStore, Vault, escaped_json};

use crate::cli::exit::ExitStatus;
use crate::cli::flags::{ReportArgs, RuleArgs, SourceArgs};
use crate::cli::io::progress::Progress;
use crate::cli::io::renders::{Renders, all};
use crate::cli::io::reporter::Reporter;
use crate::cli::io::source::Source;
use crate::cli::io::stdout::{print, stdout};
use crate::cli::load_config::Rules;

pub(super) const HELP: &str = "\
Each file is a render of its own, and every rule must match in each. A vaulted Secret that several
of them read is one Secret.

Exit codes:
  0  done, or nothing to report
  1  --against has found something missing, empty or in a wrong format
  2  error: wrong flags, configuration or input, or a stream that cannot be filtered

Examples:
  helm template lf ./chart | resecret keys
  helm template lf ./chart | resecret keys -o external-secret --store vault > secrets.yaml
  kubectl get secret langfuse-vault -o yaml | resecret keys render.yaml --against -";

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

    /// The release's namespace, for readers that do not say theirs
    #[arg(short, long, value_name = "NAME", env = "HELM_NAMESPACE")]
    pub(super) namespace: Option<String>,

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

/// Runs the command.
pub(super) fn run(args: &KeysArgs, reporter: &Reporter) -> anyhow::Result<ExitStatus> {
    let form = form(args)?;
    let stdin = Path::new("-");
    let reads_stdin = args.input.files.is_empty() || args.input.files.iter().any(|file| file == stdin);
    if reads_stdin && args.against.iter().any(|file| file == stdin) {
        bail!("standard input holds either manifests or Secrets: give the manifests as a file");
    }
    let rules = Rules::read(&args.rules, None)?;
    let renders = Renders::find(&args.input.files)?;
    let vaults = renders.each(|_, input| {
        let mut config = rules.of(input)?;
        if let Some(namespace) = &args.namespace {
            config.set_namespace(namespace);
        }
        Ok(resecret::vault(input, &config))
    })?;
    let Some(vaults) = all(vaults, reporter) else { return Ok(ExitStatus::Error) };
    let placed = vaults.iter().flat_map(|(name, one)| renders.place(one.diagnostics(), name));
    let warnings: Vec<Diagnostic> = placed.collect();
    let mut vault = Vault::default();
    vault.extend(vaults.into_iter().map(|(_, one)| one));
    if !args.against.is_empty() {
        return check(&vault, &warnings, args, reporter);
    }
    let text = match form {
        Some(form) => vault.to_manifests(&form),
        None if args.output == KeysOutput::Json => escaped_json(&format!("{:#}\n", vault.to_json())),
        None => vault.to_table(),
    };
    if args.output == KeysOutput::Table {
        print(text.as_bytes())?;
    } else {
        stdout()?.write_all(text.as_bytes()).context("cannot write standard output")?;
    }
    reporter.success_with_count(&warnings, KeysSummary::of(&vault, None));
    Ok(ExitStatus::Success)
}

/// The manifests to print; none where it is not manifests.
fn form(args: &KeysArgs) -> anyhow::Result<Option<Manifest>> {
    let remote_key = args.remote_key.clone();
    Ok(match args.output {
        KeysOutput::Table | KeysOutput::Json => None,
        KeysOutput::ExternalSecret => {
            let Some(name) = args.store.clone() else {
                bail!("an ExternalSecret needs the name of its SecretStore: --store NAME");
            };
            let cluster = args.store_kind == StoreKind::ClusterSecretStore;
            Some(Manifest::ExternalSecret { store: SecretStore { name, cluster }, remote_key })
        }
        KeysOutput::SealedSecret => Some(Manifest::SealedSecret),
        KeysOutput::VaultStaticSecret => {
            Some(Manifest::VaultStaticSecret { auth: args.store.clone(), remote_key })
        }
        KeysOutput::Secret => Some(Manifest::Secret),
    })
}

/// Checks existing Secrets.
fn check(
    vault: &Vault,
    warnings: &[Diagnostic],
    args: &KeysArgs,
    reporter: &Reporter,
) -> anyhow::Result<ExitStatus> {
    let progress = Progress::start(args.against.len());
    let read = |path: &PathBuf| {
        let source = Source::of(path);
        Ok((source.name(), source.read(&progress)?))
    };
    let files: Vec<_> = args.against.iter().map(read).collect::<anyhow::Result<_>>()?;
    drop(progress);
    let found = vault.check(&files)?;
    reporter.report(&found);
    reporter.success_with_count(warnings, KeysSummary::of(vault, Some(found.len())));
    Ok(if found.is_empty() { ExitStatus::Success } else { ExitStatus::Findings })
}

/// The line at the end of a run.
struct KeysSummary {
    keys: usize,
    secrets: usize,
    findings: Option<usize>,
}

impl KeysSummary {
    fn of(vault: &Vault, findings: Option<usize>) -> Self {
        let keys = vault.secrets().iter().map(|secret| secret.keys.len()).sum();
        Self { keys, secrets: vault.secrets().len(), findings }
    }
}

impl fmt::Display for KeysSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys, secrets, findings } = self;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        write!(f, "resecret: {keys} key{} of {secrets} vaulted Secret{} ", plural(*keys), plural(*secrets))?;
        match findings {
            None => f.write_str("listed"),
            Some(0) => f.write_str("checked, nothing found"),
            Some(count) => write!(f, "checked, {count} finding{}", plural(*count)),
        }
    }
}
