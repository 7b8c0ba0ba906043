//! `resecret patches`: the run as data.

use std::fmt;
use std::io::{self, Write};

use anyhow::Context;
use resecret::{Change, Plan};

use super::args::{PatchesArgs, PatchesOutput};
use super::places::Joined;
use super::rules::Rules;
use super::sinks::Sinks;
use crate::exit::ExitStatus;

/// Runs the command.
pub(super) fn run(args: &PatchesArgs, sinks: &Sinks) -> anyhow::Result<ExitStatus> {
    let Joined { bytes, places } = Joined::read(&args.input.files)?;
    sinks.places(places);
    let config = Rules::read(&args.rules, None)?.of(&bytes)?;
    let plan = resecret::plan(&bytes, &config)?;
    let text = match args.output {
        PatchesOutput::Json6902 => format!("{:#}\n", plan.to_json()),
        PatchesOutput::Kustomize => plan.to_kustomize(),
        PatchesOutput::Flux => plan.to_flux(),
    };
    io::stdout().lock().write_all(text.as_bytes()).context("cannot write standard output")?;
    sinks.success(plan.diagnostics(), Summary(&plan));
    Ok(ExitStatus::Success)
}

/// The line at the end of a run.
struct Summary<'a>(&'a Plan);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (deleted, patched): (Vec<_>, Vec<_>) =
            self.0.patches().iter().partition(|patch| patch.change == Change::Delete);
        let objects = if patched.len() == 1 { "object" } else { "objects" };
        write!(f, "resecret: {} {objects} patched, {} deleted", patched.len(), deleted.len())
    }
}
