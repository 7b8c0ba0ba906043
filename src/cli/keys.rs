//! `resecret keys`: what vaulted Secrets must hold, and whether existing ones do.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use resecret::{Manifest, SecretStore, Vault};

use super::args::{KeysArgs, KeysOutput, StoreKind};
use super::places::Joined;
use super::progress::Progress;
use super::rules::Rules;
use super::sinks::Sinks;
use super::sources::Source;
use crate::exit::ExitStatus;

/// Runs the command.
pub(super) fn run(args: &KeysArgs, sinks: &Sinks) -> anyhow::Result<ExitStatus> {
    let form = form(args)?;
    let stdin = Path::new("-");
    let reads_stdin = args.input.files.is_empty() || args.input.files.iter().any(|file| file == stdin);
    if reads_stdin && args.against.iter().any(|file| file == stdin) {
        bail!("standard input holds either manifests or Secrets: give the manifests as a file");
    }
    let Joined { bytes, places } = Joined::read(&args.input.files)?;
    sinks.places(places);
    let config = Rules::read(&args.rules, None)?.of(&bytes)?;
    let vault = resecret::vault(&bytes, &config)?;
    if !args.against.is_empty() {
        return check(&vault, args, sinks);
    }
    let text = match form {
        Some(form) => vault.to_manifests(&form),
        None if args.output == KeysOutput::Json => format!("{:#}\n", vault.to_json()),
        None => vault.to_table(),
    };
    io::stdout().lock().write_all(text.as_bytes()).context("cannot write standard output")?;
    sinks.success(vault.diagnostics(), Summary::of(&vault, None));
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
fn check(vault: &Vault, args: &KeysArgs, sinks: &Sinks) -> anyhow::Result<ExitStatus> {
    let progress = Progress::start(args.against.len());
    let read = |path: &PathBuf| {
        let source = Source::of(path);
        Ok((source.name(), source.read(&progress)?))
    };
    let files: Vec<_> = args.against.iter().map(read).collect::<anyhow::Result<_>>()?;
    drop(progress);
    let found = vault.check(&files)?;
    let all = [vault.diagnostics(), &found].concat();
    sinks.success(&all, Summary::of(vault, Some(found.len())));
    Ok(if found.is_empty() { ExitStatus::Success } else { ExitStatus::Findings })
}

/// The line at the end of a run.
struct Summary {
    keys: usize,
    secrets: usize,
    findings: Option<usize>,
}

impl Summary {
    fn of(vault: &Vault, findings: Option<usize>) -> Self {
        let keys = vault.secrets().iter().map(|secret| secret.keys.len()).sum();
        Self { keys, secrets: vault.secrets().len(), findings }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys, secrets, findings } = self;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        write!(f, "resecret: {keys} key{} of {secrets} vaulted Secret{} ", plural(*keys), plural(*secrets))?;
        match findings {
            None => f.write_str("read"),
            Some(0) => f.write_str("checked, nothing found"),
            Some(count) => write!(f, "checked, {count} finding{}", plural(*count)),
        }
    }
}
