//! `resecret filter`: standard input to standard output.

use std::io;
use std::path::Path;

use anyhow::Context;
use resecret::Config;

use super::args::{FilterArgs, RuleArgs};
use super::sinks::Sinks;
use super::{input, kustomize};

/// Read when no flag names any rule.
const DEFAULT_CONFIG: &str = "resecret.yaml";

/// Runs the filter.
pub(super) fn run(args: &FilterArgs, sinks: &Sinks) -> anyhow::Result<()> {
    let input = input::stdin()?;
    let config = config(&args.rules, args.plugin_config.as_deref(), &input)?;
    let filtered = resecret::filter(&input, &config)?;
    // Only now, with every document verified, does anything go out.
    filtered
        .write_to(io::stdout().lock())
        .context("cannot write standard output; its reader has only a part")?;
    sinks.success(filtered.diagnostics(), filtered.summary());
    Ok(())
}

/// The rules of all flags and of what the client hands over, or else of the default file.
pub(super) fn config(rules: &RuleArgs, plugin_config: Option<&Path>, input: &[u8]) -> anyhow::Result<Config> {
    let mut config = Config::default();
    for path in &rules.config {
        add_file(&mut config, path)?;
    }
    if let Some(path) = plugin_config {
        kustomize::add_plugin_config(&mut config, path)?;
    }
    for preset in &rules.preset {
        config.add_preset(preset, rules.to.as_deref().unwrap_or_default())?;
    }
    let brought = resecret::add_function_config(&mut config, input)?;
    let named = !rules.config.is_empty() || !rules.preset.is_empty() || plugin_config.is_some();
    let default = Path::new(DEFAULT_CONFIG);
    if !named && !brought && default.exists() {
        add_file(&mut config, default)?;
    }
    if rules.allow_unmatched {
        config.allow_unmatched();
    }
    Ok(config)
}

fn add_file(config: &mut Config, path: &Path) -> anyhow::Result<()> {
    let name = path.display().to_string();
    config.add_file(&name, &read_config(path)?)?;
    Ok(())
}

/// The text of a configuration file.
pub(super) fn read_config(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read the configuration {}", path.display()))
}
