//! Names the version that `resecret --version` prints: `0.1.0`, or `0.1.0 (1a2b3c4d5e)` where the commit is known.
//!
//! It is known to a release build of a checkout that has git, and to a packager who sets RESECRET_COMMIT. Other
//! builds do not ask, so that a commit during development builds nothing again.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=RESECRET_COMMIT");
    // Also where nothing else is named: without a path, Cargo watches every file of the package.
    println!("cargo:rerun-if-changed=build.rs");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let commit = match env::var("RESECRET_COMMIT") {
        Ok(commit) => Some(commit).filter(|commit| !commit.is_empty()),
        Err(_) if env::var("PROFILE").is_ok_and(|profile| profile == "release") => checked_out(),
        Err(_) => None,
    };
    let named = commit.map_or_else(|| version.clone(), |commit| format!("{version} ({commit})"));
    println!("cargo:rustc-env=RESECRET_VERSION={named}");
}

/// The commit of this checkout, and not that of another repository that the sources lie in.
fn checked_out() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    // What each commit and each checkout change.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo:rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=10", "HEAD"])
}

/// One line of an answer of git, which need not be there.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !answer.trim().is_empty()).then(|| answer.trim().to_owned())
}
