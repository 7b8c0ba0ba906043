//! The rules of a run: what flags name, what a client hands over in the input, or else the default file.

use std::env;
use std::fs::{self, File};
use std::path::Path;

use anyhow::Context;
use resecret::Config;

use crate::cli::flags::RuleArgs;
use crate::cli::io::read;

/// Set by Kustomize for its exec plugins: the directory of the kustomization that names the transformer.
const ROOT: &str = "KUSTOMIZE_PLUGIN_CONFIG_ROOT";

/// Read when nothing names any rule.
pub(super) const DEFAULT_CONFIG: &str = "resecret.yaml";

/// The rules that are known before the input is.
pub(super) struct Rules {
    config: Config,
    named: bool,
    duplicates: Option<String>,
    allow_unmatched: bool,
}

impl Rules {
    /// Reads what the flags name, and the file that Kustomize names to an exec plugin.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or a configuration that makes no sense.
    pub(super) fn read(args: &RuleArgs, plugin_config: Option<&Path>) -> anyhow::Result<Self> {
        let mut config = Config::default();
        for path in &args.config {
            add_file(&mut config, path)?;
        }
        if let Some(path) = plugin_config {
            add_plugin_config(&mut config, path)?;
        }
        for preset in &args.preset {
            config.add_preset(preset, args.to.as_deref().unwrap_or_default())?;
        }
        let named = !args.config.is_empty() || !args.preset.is_empty() || plugin_config.is_some();
        let duplicates = args.duplicates.clone();
        Ok(Self { config, named, duplicates, allow_unmatched: args.allow_unmatched })
    }

    /// The rules for an input: those that it brings come behind those of the flags, and the default file counts only
    /// where there is nothing else.
    ///
    /// # Errors
    ///
    /// As for [`Rules::read`].
    pub(super) fn of(&self, input: &[u8]) -> anyhow::Result<Config> {
        let mut config = self.config.clone();
        let brought = resecret::add_function_config(&mut config, input)?;
        if let Some(default) = default_file().filter(|_| !self.named && !brought) {
            add_file(&mut config, default)?;
        }
        if let Some(duplicates) = &self.duplicates {
            config.set_duplicates(duplicates)?;
        }
        if self.allow_unmatched {
            config.allow_unmatched();
        }
        Ok(config)
    }
}

/// The file that is read when nothing names any rule, if it is there.
pub(super) fn default_file() -> Option<&'static Path> {
    Some(Path::new(DEFAULT_CONFIG)).filter(|path| path.exists())
}

/// Adds the rules of a file.
///
/// # Errors
///
/// A file that cannot be read, or a configuration that makes no sense.
pub(super) fn add_file(config: &mut Config, path: &Path) -> anyhow::Result<()> {
    let name = path.display().to_string();
    config.add_file(&name, &read_config(path)?)?;
    Ok(())
}

/// The text of a configuration file.
fn read_config(path: &Path) -> anyhow::Result<String> {
    File::open(path)
        .and_then(read::small_text)
        .with_context(|| format!("cannot read the configuration {}", path.display()))
}

/// Whether a file named without a flag is a configuration: Kustomize names one, and says so in the environment too.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn is_configuration(path: &Path) -> anyhow::Result<bool> {
    if env::var_os(ROOT).is_some() {
        return Ok(true);
    }
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8_lossy(&text);
    let is_ours = |line: &str| {
        line.trim_start_matches(['{', ' ', '"']).starts_with("apiVersion") && line.contains("resecret.dev/")
    };
    let at_top = |line: &&str| !line.starts_with(' ') || text.trim_start().starts_with('{');
    Ok(text.lines().filter(at_top).any(is_ours))
}

/// Adds the configuration that Kustomize has given to its exec plugin.
fn add_plugin_config(config: &mut Config, path: &Path) -> anyhow::Result<()> {
    let text = read_config(path)?;
    // Kustomize writes the transformer to a temporary file, whose name nobody has seen.
    let name = match env::var_os(ROOT) {
        Some(root) => format!("transformer Resecret of {}", Path::new(&root).display()),
        None => path.display().to_string(),
    };
    config.add_file(&name, &text)?;
    Ok(())
}
