//! `resecret scan`: what a render holds, and a configuration that vaults it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use resecret::scan::{Generated, Inventory, Proposal, inventory, inventory_of_generated, propose};
use resecret::{Changes, Config, Diagnostic, escaped_json};

use crate::cli::again::{AgainArgs, Second};
use crate::cli::exit::ExitStatus;
use crate::cli::flags::{LOG, ReportArgs, ReportFormat, SourceArgs};
use crate::cli::io::renders::{Renders, all};
use crate::cli::io::reporter::Reporter;
use crate::cli::io::stdout::print;
use crate::cli::load_config::{add_file, default_file};

pub(super) const HELP: &str = "\
Lists Secrets with their keys, lengths and readers; variables with several entries, and the one that
wins; literals that look like credentials; checksum annotations; and fields of custom resources that
hold a Secret's name. Tokens that the cluster makes are left out. No value is shown.

It also lists references to Secrets that the chart does not render, which is no finding: what `to`
or spec.vault of a --config names is left out. spec.redirect sends them to another Secret.

With --write it proposes a configuration, after a run of the filter with it. A chart Secret goes to
a vaulted one of its own, NAME-vault, the literals of a chart to CHART-credentials. With --to all
of them go to one; keys that would meet there are given the chart Secret's name as prefix, and a
Secret whose keys cannot stand beside others (envFrom, types such as kubernetes.io/tls) keeps one
of its own. What no rule can vault is a comment at the end of the file.

With --again (a second render of the same chart and values), it lists instead what differs between
the two: what the render itself has generated, and what changes with it on every upgrade where
nothing looks at the cluster (Argo CD, Flux, pipes). With --write as well, whatever was generated
counts as a credential, and what changes with it is removed; the file ends with what still changes,
which `check --again` reports.

Exit codes:
  0  nothing to report, or --write has written its file, or --exit-zero
  1  something was found
  2  error: wrong flags, input that is empty or cannot be read, or no configuration goes through

Examples:
  helm template lf ./chart | resecret scan
  helm template lf ./chart | resecret scan --write resecret.yaml --to langfuse-vault
  helm template lf ./chart | resecret scan --again - render.yaml
  helm template lf ./chart | resecret scan --again - --write resecret.yaml render.yaml
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

    /// Do not list references to the Secrets that this configuration knows; repeat for several [default: resecret.yaml]
    #[arg(long, value_name = "FILE", conflicts_with = "again")]
    pub(super) config: Vec<PathBuf>,

    /// What to compare it with.
    #[command(flatten)]
    pub(super) again: AgainArgs,

    /// Overwrite the file of --write
    #[arg(long, requires = "write")]
    pub(super) force: bool,

    /// How to write the inventory
    #[arg(long, value_enum, default_value_t = ScanFormat::Text)]
    pub(super) format: ScanFormat,

    /// Append diagnostics and summary to this file too, as text
    #[arg(long, value_name = "FILE", env = LOG, hide_env_values = true)]
    log_file: Option<PathBuf>,

    /// Say nothing but errors: no warnings, no summary line
    #[arg(short, long)]
    quiet: bool,

    /// Exit with 0 also where something was found
    #[arg(long)]
    exit_zero: bool,
}

impl ScanArgs {
    /// How diagnostics are reported.
    pub(super) fn report(&self) -> ReportArgs {
        let format = match self.format {
            ScanFormat::Text => ReportFormat::Text,
            ScanFormat::Json => ReportFormat::Json,
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

/// Writes what a render holds, or what differs in a second one, and the proposal if one is asked for.
pub(super) fn run(args: &ScanArgs, reporter: &Reporter) -> anyhow::Result<ExitStatus> {
    let renders = Renders::find(&args.input.files)?;
    if let Some(path) = &args.write {
        ensure!(
            !renders.are_several(),
            "a configuration is proposed for one render: name one file, not {}",
            renders.sources().len()
        );
        // Said before anything else is done; the file is not overwritten later either.
        if path.exists() && !args.force {
            bail!("{} is there already: name another file, or --force to overwrite it", path.display());
        }
    }
    let second = Second::read(&args.again, renders.sources())?;
    let done = match &second {
        Some(second) => compare(args, &renders, second, reporter)?,
        None => take_stock(args, &renders, reporter)?,
    };
    Ok(match done {
        None => {
            if let Some(path) = &args.write {
                reporter.note(&format!("resecret: {} not written: see above", path.display()));
            }
            ExitStatus::Error
        }
        Some(true) => ExitStatus::Success,
        Some(false) if args.exit_zero => ExitStatus::Success,
        Some(false) => ExitStatus::Findings,
    })
}

/// Writes the inventory of every render, and the proposal if one is asked for. Whether nothing is left to report; `None`
/// where a render cannot be judged.
fn take_stock(args: &ScanArgs, renders: &Renders, reporter: &Reporter) -> anyhow::Result<Option<bool>> {
    let mut known = Config::default();
    let default =
        default_file().filter(|file| args.config.is_empty() && args.write.as_deref() != Some(*file));
    for path in args.config.iter().map(PathBuf::as_path).chain(default) {
        add_file(&mut known, path)?;
    }
    let scanned = renders.each(|name, input| Ok(scan(name, input, &known, args)))?;
    let Some(scanned) = all(scanned, reporter) else { return Ok(None) };
    report(renders, &scanned, args.format, reporter)?;
    let mut done = scanned.iter().all(|(_, one)| one.found.is_empty());
    if let (Some(path), [(name, one)]) = (&args.write, scanned.as_slice()) {
        done |= hand_over(path, one.proposal.as_ref(), (renders, name), args.force, reporter)?;
    }
    Ok(Some(done))
}

/// Writes what differs between two renders of the same inputs, and the proposal if one is asked for. As for [`take_stock`].
fn compare(
    args: &ScanArgs,
    renders: &Renders,
    second: &Second,
    reporter: &Reporter,
) -> anyhow::Result<Option<bool>> {
    let compared = renders.each(|name, input| Ok(compare_one(name, input, second, args)))?;
    let Some(compared) = all(compared, reporter) else { return Ok(None) };
    let mut done = compared.iter().all(|(_, one)| one.changes.is_empty());
    for (name, ComparedRenders { changes, proposal }) in &compared {
        let text = match args.format {
            ScanFormat::Json => escaped_json(&changes.to_json()) + "\n",
            ScanFormat::Text => changes.to_string(),
        };
        print(text.as_bytes())?;
        reporter.note(&format!("resecret: {name} and {} compared: {}", second.name(), changes.summary()));
        if let Some(path) = &args.write {
            done |= hand_over(path, proposal.as_ref(), (renders, name), args.force, reporter)?;
        }
    }
    Ok(Some(done))
}

/// Writes a proposal to its file and says what it leaves. Whether there is one.
fn hand_over(
    path: &Path,
    proposal: Option<&Proposal>,
    (renders, name): (&Renders, &str),
    force: bool,
    reporter: &Reporter,
) -> anyhow::Result<bool> {
    write(path, proposal, force)?;
    if let Some(proposal) = proposal {
        reporter.report(&renders.place(&proposal.warnings, name));
    }
    reporter.note(&written(path, proposal));
    Ok(proposal.is_some())
}

/// What differs between two renders.
struct ComparedRenders {
    changes: Changes,
    proposal: Option<Proposal>,
}

/// What differs between a render and a second one, and a proposal that was tried on both.
fn compare_one(
    name: &str,
    input: &[u8],
    second: &Second,
    args: &ScanArgs,
) -> Result<ComparedRenders, resecret::Error> {
    let mut changes = second.changes(input)?;
    let mut proposal = None;
    if args.write.is_some() {
        let generated = Generated::new(changes.places(), changes.alone());
        proposal = propose(input, &inventory_of_generated(input, generated)?, args.to.as_deref())?;
    }
    if let Some(proposal) = &mut proposal {
        let config = proposal.config()?;
        let changes = second.changes_with(&resecret::filter(input, &config)?, &config);
        proposal.note_changes(&changes);
    }
    changes.name_file(name);
    Ok(ComparedRenders { changes, proposal })
}

/// What is in a render.
struct Scanned {
    found: Inventory,
    proposal: Option<Proposal>,
}

/// What is in a render, without what a configuration knows already.
fn scan(name: &str, input: &[u8], known: &Config, args: &ScanArgs) -> Result<Scanned, resecret::Error> {
    let mut found = inventory(input)?;
    let proposal = match args.write {
        Some(_) => propose(input, &found, args.to.as_deref())?,
        None => None,
    };
    found.name_file(name);
    found.leave_out_known(known, args.to.as_deref());
    Ok(Scanned { found, proposal })
}

fn report(
    renders: &Renders,
    all: &[(String, Scanned)],
    format: ScanFormat,
    reporter: &Reporter,
) -> anyhow::Result<()> {
    let mut sum = Inventory::default();
    for (_, one) in all {
        sum.extend(one.found.clone());
    }
    let warnings: Vec<Diagnostic> =
        all.iter().flat_map(|(name, one)| renders.place(&one.found.warnings, name)).collect();
    reporter.report(&warnings);
    let text = match (format, all) {
        (ScanFormat::Json, _) => {
            escaped_json(&serde_json::to_string(&sum).context("cannot write JSON")?) + "\n"
        }
        (ScanFormat::Text, [(_, one)]) => one.found.to_string(),
        (ScanFormat::Text, _) => {
            let of_file = |(name, one): &(String, Scanned)| format!("{name}\n\n{}", one.found);
            let found = all.iter().filter(|(_, one)| !one.found.is_empty());
            found.map(of_file).collect::<Vec<_>>().join("\n")
        }
    };
    print(text.as_bytes())?;
    reporter.note(&format!("resecret: {} scanned: {}", renders.name(), sum.summary()));
    Ok(())
}

/// Writes the proposal, if there is one.
fn write(path: &Path, proposal: Option<&Proposal>, force: bool) -> anyhow::Result<()> {
    let Some(proposal) = proposal else { return Ok(()) };
    let file =
        if force { File::create(path) } else { OpenOptions::new().write(true).create_new(true).open(path) };
    file.and_then(|mut file| file.write_all(proposal.text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// What was written, and what it leaves.
fn written(path: &Path, proposal: Option<&Proposal>) -> String {
    let path = path.display();
    let Some(proposal) = proposal else {
        return format!("resecret: {path} not written: there is nothing that a rule could do");
    };
    let mut left = match (proposal.left.is_empty(), proposal.findings) {
        (false, _) => format!("no rule can vault what is left: {}", proposal.left.summary()),
        (true, 0) => "with it nothing is left to report".to_owned(),
        (true, 1) => "1 finding is left, `resecret check` shows it".to_owned(),
        (true, count) => format!("{count} findings are left, `resecret check` shows them"),
    };
    match proposal.changes {
        0 => {}
        1 => left += "; 1 place still changes, `resecret check --again` shows it",
        count => left += &format!("; {count} places still change, `resecret check --again` shows them"),
    }
    format!("resecret: {path} written: {left}")
}
