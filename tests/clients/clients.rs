use std::path::PathBuf;
use std::process::Command;

/// The script that builds the clients. Its table names their versions, and is read here so that they
/// stand in one place.
const SCRIPT: &str = include_str!("../../.ci/clients");

/// The program of this name: a client in its pinned version, or else what is on PATH. `dist` is the folder with
/// the files of a release. The error is one line that says why there is none.
pub(crate) fn find(name: &str) -> Result<PathBuf, String> {
    if name == "dist" {
        return dist();
    }
    let Some((version, arguments)) = pinned(name) else {
        return on_path(name).ok_or_else(|| format!("{name} is not on PATH"));
    };
    let program = folder().join(name);
    if !program.exists() {
        let recipe = match name {
            "kyverno" => "just kyverno",
            "crane" | "oras" => "just registry",
            "flate" => "just gitops",
            _ => ".ci/clients",
        };
        return Err(format!("{name} {version} not found (run {recipe})"));
    }
    let answer = Command::new(&program)
        .args(arguments)
        .env("HELM_NO_PLUGINS", "1")
        .output()
        .map_err(|error| format!("{} does not run: {error}", program.display()))?;
    let answer = String::from_utf8_lossy(&answer.stdout);
    // Some say their version without the `v` of Go's.
    let is_version = |word: &str| {
        let word = word.split('+').next().unwrap_or_default();
        word.trim_start_matches('v') == version.trim_start_matches('v')
    };
    if answer.split_whitespace().any(is_version) {
        Ok(program)
    } else {
        Err(format!("{} is not {version} (run .ci/clients)", program.display()))
    }
}

/// Whether `.ci/clients` installs this program without being asked for it by name.
pub(crate) fn is_pinned(name: &str) -> bool {
    let by_name = SCRIPT
        .split_once("\nothers() {")
        .is_some_and(|(_, others)| others.lines().any(|line| line.split_whitespace().next() == Some(name)));
    !by_name && pinned(name).is_some()
}

/// The version of a client and the arguments that make it print that. `just compatibility` sets other versions
/// of Helm, by the variables that the script knows too.
fn pinned(name: &str) -> Option<(String, Vec<&'static str>)> {
    let instead = || std::env::var(format!("RESECRET_{}", name.to_uppercase())).ok();
    let table = SCRIPT.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    table.into_iter().find_map(|row| match row.as_slice() {
        [first, _package, version, arguments @ ..] if *first == name && version.starts_with('v') => {
            Some((instead().unwrap_or_else(|| (*version).to_owned()), arguments.to_vec()))
        }
        _ => None,
    })
}

/// The pinned version of a client.
pub(crate) fn version(name: &str) -> Option<String> {
    pinned(name).map(|(version, _)| version)
}

/// The folder that `just package` has filled.
fn dist() -> Result<PathBuf, String> {
    let folder = std::env::var_os("RESECRET_DIST").map(PathBuf::from);
    let folder = folder.ok_or("RESECRET_DIST does not name the folder that `just package` has filled")?;
    if folder.join("SHA256SUMS").is_file() {
        Ok(folder)
    } else {
        Err(format!("{} holds no release (run just package)", folder.display()))
    }
}

fn folder() -> PathBuf {
    std::env::var_os("RESECRET_CLIENTS").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/resecret/clients"),
        PathBuf::from,
    )
}

/// A program that the machine has, by its full path.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}
