//! `resecret filter`: standard input to standard output.

use std::io;
use std::path::Path;

use anyhow::Context;
use resecret::Config;

use super::args::{FilterArgs, RuleArgs};
use super::input::Source;
use super::previous::Previous;
use super::progress::Progress;
use super::sinks::Sinks;

/// Read when no flag names any rule.
const DEFAULT_CONFIG: &str = "resecret.yaml";

/// Runs the filter.
pub(super) fn run(args: &FilterArgs, sinks: &Sinks) -> anyhow::Result<()> {
    let config = config(&args.rules)?;
    let progress = Progress::start(1);
    let input = Source::Stdin.read(&progress)?;
    let filtered = resecret::filter(&input, &config)?;
    drop(progress);
    let mut diagnostics = filtered.diagnostics().to_vec();
    if let Some(previous) = Previous::read(&args.upgrade, &[Source::Stdin])? {
        let found = previous.hazards(&filtered.to_vec(), &config)?;
        diagnostics.extend(resecret::accept_hazards(found, &args.upgrade.accept_hazards)?);
    }
    // Only now, with every document verified, does anything go out.
    filtered
        .write_to(io::stdout().lock())
        .context("cannot write standard output; its reader has only a part")?;
    sinks.success(&diagnostics, filtered.summary());
    Ok(())
}

/// The rules of all flags, or of the default file.
pub(super) fn config(args: &RuleArgs) -> anyhow::Result<Config> {
    let mut config = Config::default();
    for path in &args.config {
        add_file(&mut config, path)?;
    }
    for preset in &args.preset {
        config.add_preset(preset, args.to.as_deref().unwrap_or_default())?;
    }
    let default = Path::new(DEFAULT_CONFIG);
    if args.config.is_empty() && args.preset.is_empty() && default.exists() {
        add_file(&mut config, default)?;
    }
    if args.allow_unmatched {
        config.allow_unmatched();
    }
    Ok(config)
}

fn add_file(config: &mut Config, path: &Path) -> anyhow::Result<()> {
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the configuration {name}"))?;
    config.add_file(&name, &text)?;
    Ok(())
}
