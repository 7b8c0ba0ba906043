//! Kustomize's legacy exec plugins: a program that Kustomize finds by the kind of its configuration.
//!
//! Kustomize starts it with the path of the configuration as its first argument and the objects as a plain stream of
//! manifests on standard input. kubectl does the same.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;

use crate::cli::io::stdout::stdout;

/// The commands of `kustomize`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum KustomizeCommand {
    /// Link this program into Kustomize's plugin home, so that `transformers:` finds it by kind Resecret.
    Install,
    /// Take the link away.
    Uninstall,
}

/// Where Kustomize looks for the program of `apiVersion: resecret.dev/v1alpha1`, `kind: Resecret` in its plugin home.
const PLACE: [&str; 4] = ["resecret.dev", "v1alpha1", "resecret", "Resecret"];

/// Names the plugin home, for Kustomize as for us.
const HOME: &str = "KUSTOMIZE_PLUGIN_HOME";

/// Runs the command.
pub(super) fn run(command: KustomizeCommand) -> anyhow::Result<()> {
    let home = plugin_home()?;
    let plugin = PLACE.iter().fold(home.clone(), |path, name| path.join(name));
    match command {
        KustomizeCommand::Install => install(&plugin),
        KustomizeCommand::Uninstall => uninstall(&plugin, &home),
    }
}

/// The first plugin home that exists, as Kustomize looks for it; the one that it would look for first if none does.
fn plugin_home() -> anyhow::Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(home) = set(HOME) {
        return Ok(home);
    }
    let user = set("HOME").or_else(|| set("USERPROFILE"));
    let config = set("XDG_CONFIG_HOME").or_else(|| user.as_ref().map(|home| home.join(".config")));
    let homes: Vec<PathBuf> =
        [config, user].into_iter().flatten().map(|folder| folder.join("kustomize").join("plugin")).collect();
    let found = homes.iter().find(|home| home.is_dir()).or(homes.first());
    found.cloned().with_context(|| format!("no plugin home: set {HOME} or HOME"))
}

fn install(plugin: &Path) -> anyhow::Result<()> {
    let program = env::current_exe().context("cannot find this program's own file")?;
    let folder = plugin.parent().unwrap_or(plugin);
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    remove_link(plugin)?;
    fs::write(note(plugin), program.as_os_str().as_encoded_bytes())
        .with_context(|| format!("cannot write {}", note(plugin).display()))?;
    link(&program, plugin).with_context(|| format!("cannot write {}", plugin.display()))?;
    say(&format!("installed {}, a link to {}\n", plugin.display(), program.display()))
}

fn uninstall(plugin: &Path, home: &Path) -> anyhow::Result<()> {
    if !remove_link(plugin)? {
        return say(&format!("nothing to do: {} is not there\n", plugin.display()));
    }
    // The folders that the link needed; one that holds anything else stays, and so do those above it.
    let folders = plugin.ancestors().skip(1).take_while(|folder| *folder != home);
    for folder in folders {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    say(&format!("removed {}\n", plugin.display()))
}

/// Removes what an earlier installation has put there; false where there is nothing.
fn remove_link(plugin: &Path) -> anyhow::Result<bool> {
    if plugin.symlink_metadata().is_err() {
        return Ok(false);
    }
    if !is_ours(plugin) {
        bail!(
            "{} is not a link that `resecret kustomize install` has made: move it away first",
            plugin.display()
        );
    }
    fs::remove_file(plugin).with_context(|| format!("cannot remove {}", plugin.display()))?;
    // Left behind it would say nothing wrong: it counts only for a link to the same place.
    let _ = fs::remove_file(note(plugin));
    Ok(true)
}

/// The file that says where the link beside it led when it was made.
fn note(plugin: &Path) -> PathBuf {
    plugin.with_extension("link")
}

/// Whether an installation has made this: a link to this very program, or to where the note beside it says.
fn is_ours(plugin: &Path) -> bool {
    let noted = fs::read(note(plugin)).unwrap_or_default();
    match fs::read_link(plugin) {
        Ok(target) => {
            target.as_os_str().as_encoded_bytes() == noted
                || env::current_exe().is_ok_and(|program| program == target)
        }
        // A copy, where links need a privilege.
        Err(_) => cfg!(not(unix)) && !noted.is_empty(),
    }
}

#[cfg(unix)]
fn link(program: &Path, plugin: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(program, plugin)
}

/// Links need a privilege on other systems.
#[cfg(not(unix))]
fn link(program: &Path, plugin: &Path) -> io::Result<()> {
    fs::copy(program, plugin).map(|_| ())
}

fn say(text: &str) -> anyhow::Result<()> {
    use std::io::Write;

    stdout()?.write_all(text.as_bytes()).context("cannot write standard output")
}
