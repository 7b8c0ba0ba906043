//! `resecret patches`: the run as data.

use std::fmt;
use std::io::Write;

use anyhow::Context;
use clap::ValueEnum;
use resecret::{ObjectChange, Plan, escaped_json};

use crate::cli::exit::ExitStatus;
use crate::cli::flags::{ReportArgs, RuleArgs, SourceArgs};
use crate::cli::io::renders::{Renders, all};
use crate::cli::io::reporter::Reporter;
use crate::cli::io::stdout::stdout;
use crate::cli::load_config::Rules;

pub(super) const HELP: &str = "\
Each file is a render of its own, and every rule must match in each. The patches are for one
Kustomization or HelmRelease: each of them finds one object of all renders.

Exit codes:
  0  done
  2  error: wrong flags, configuration or input, a stream that cannot be filtered, or an
     object that a patch cannot name

Examples:
  helm template lf ./chart | resecret patches -o kustomize >> kustomization.yaml
  helm template lf ./chart | resecret patches -o flux    # for spec of a HelmRelease";

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

/// Runs the command.
pub(super) fn run(args: &PatchesArgs, reporter: &Reporter) -> anyhow::Result<ExitStatus> {
    let rules = Rules::read(&args.rules, None)?;
    let renders = Renders::find(&args.input.files)?;
    let plans = renders.each(|_, input| Ok(resecret::plan(input, &rules.of(input)?)))?;
    let Some(plans) = all(plans, reporter) else { return Ok(ExitStatus::Error) };
    let mut warnings = Vec::new();
    let mut named = Vec::new();
    for (name, mut plan) in plans {
        plan.name_file(&name);
        warnings.extend(renders.place(plan.diagnostics(), &name));
        named.push(plan);
    }
    let mut plan = Plan::default();
    plan.extend(named)?;
    let text = match args.output {
        PatchesOutput::Json6902 => escaped_json(&format!("{:#}\n", plan.to_json())),
        PatchesOutput::Kustomize => plan.to_kustomize(),
        PatchesOutput::Flux => plan.to_flux(),
    };
    stdout()?.write_all(text.as_bytes()).context("cannot write standard output")?;
    reporter.success_with_count(&warnings, PatchesSummary(&plan));
    Ok(ExitStatus::Success)
}

/// The line at the end of a run.
struct PatchesSummary<'a>(&'a Plan);

impl fmt::Display for PatchesSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (deleted, patched): (Vec<_>, Vec<_>) =
            self.0.patches().iter().partition(|patch| patch.change == ObjectChange::Delete);
        let objects = if patched.len() == 1 { "object" } else { "objects" };
        write!(f, "resecret: {} {objects} patched, {} deleted", patched.len(), deleted.len())
    }
}
