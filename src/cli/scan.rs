//! `resecret scan`: what a render holds, and a configuration that vaults it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use resecret::Diagnostic;
use resecret::inventory::{Inventory, Proposal, inventory, propose};

use super::args::{ScanArgs, ScanFormat};
use super::check::{place, unreadable};
use super::progress::Progress;
use super::sinks::Sinks;
use super::sources::{Source, sources};
use crate::exit::ExitStatus;

/// Writes the inventory of every stream, and the proposal if one is asked for.
pub(super) fn run(args: &ScanArgs, sinks: &Sinks) -> anyhow::Result<ExitStatus> {
    let sources = sources(&args.input.files)?;
    if let Some(path) = &args.write {
        ensure!(
            sources.len() == 1,
            "a configuration is proposed for one render: name one file, not {}",
            sources.len()
        );
        // Said before anything else is done; the file is not overwritten later either.
        if path.exists() && !args.force {
            bail!("{} is there already: name another file, or --force to overwrite it", path.display());
        }
    }
    let progress = Progress::start(sources.len());
    let scanned = sources.par_iter().map(|source| {
        let scanned = scan(source, args, sources.len() > 1, &progress);
        progress.step();
        scanned
    });
    let scanned: Vec<_> = scanned.collect();
    drop(progress);
    let mut all = Vec::new();
    let mut errors: Vec<Diagnostic> = Vec::new();
    for one in scanned {
        match one {
            Ok(scanned) => all.push(scanned),
            Err(diagnostics) => errors.extend(diagnostics),
        }
    }
    if !errors.is_empty() {
        sinks.report(&errors);
        if let Some(path) = &args.write {
            sinks.note(&format!("resecret: {} not written: see above", path.display()));
        }
        return Ok(ExitStatus::Error);
    }
    report(&all, args.format, sinks)?;
    if let (Some(path), [one]) = (&args.write, all.as_slice()) {
        write(path, one, args.force, sinks)?;
    }
    let nothing = all.iter().all(|one| one.found.is_empty());
    Ok(if nothing { ExitStatus::Success } else { ExitStatus::Findings })
}

/// A stream, and what is in it.
struct Scanned {
    name: String,
    found: Inventory,
    proposal: Option<Proposal>,
}

fn scan(
    source: &Source,
    args: &ScanArgs,
    several: bool,
    progress: &Progress,
) -> Result<Scanned, Vec<Diagnostic>> {
    let name = source.name();
    let input = source.read(progress).map_err(|error| vec![unreadable(&name, &error)])?;
    let failed = |error: resecret::Error| place(error.diagnostics(), &name, several);
    let mut found = inventory(&input).map_err(failed)?;
    let mut proposal = None;
    if args.write.is_some() {
        proposal = propose(&input, &found, args.to.as_deref()).map_err(failed)?;
    }
    found.name_file(&name);
    Ok(Scanned { name, found, proposal })
}

fn report(all: &[Scanned], format: ScanFormat, sinks: &Sinks) -> anyhow::Result<()> {
    let mut sum = Inventory::default();
    for one in all {
        sum.extend(one.found.clone());
    }
    let warnings: Vec<Diagnostic> =
        all.iter().flat_map(|one| place(&one.found.warnings, &one.name, all.len() > 1)).collect();
    sinks.report(&warnings);
    let text = match (format, all) {
        (ScanFormat::Json, _) => serde_json::to_string(&sum).context("cannot write JSON")? + "\n",
        (ScanFormat::Text, [one]) => one.found.to_string(),
        (ScanFormat::Text, _) => {
            let of_file = |one: &Scanned| format!("{}\n\n{}", one.name, one.found);
            let found = all.iter().filter(|one| !one.found.is_empty());
            found.map(of_file).collect::<Vec<_>>().join("\n")
        }
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        // A pager that was left has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.context("cannot write standard output")?,
    }
    let what = if let [one] = all { one.name.clone() } else { format!("{} files", all.len()) };
    sinks.note(&format!("resecret: {what} scanned: {}", sum.summary()));
    Ok(())
}

/// Writes the proposal, and says what it leaves.
fn write(path: &Path, scanned: &Scanned, force: bool, sinks: &Sinks) -> anyhow::Result<()> {
    let Some(proposal) = &scanned.proposal else {
        sinks.note(&format!(
            "resecret: {} not written: there is nothing that a rule could do",
            path.display()
        ));
        return Ok(());
    };
    let file =
        if force { File::create(path) } else { OpenOptions::new().write(true).create_new(true).open(path) };
    file.and_then(|mut file| file.write_all(proposal.text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    sinks.report(&place(&proposal.warnings, &scanned.name, false));
    let left = if proposal.left.is_empty() {
        "with it nothing is left to report".to_owned()
    } else {
        format!("no rule can vault what is left: {}", proposal.left.summary())
    };
    sinks.note(&format!("resecret: {} written: {left}", path.display()));
    Ok(())
}
