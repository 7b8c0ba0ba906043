//! Diagnostics under Helm 4.
//!
//! Helm 4 collects a post-renderer's standard error and shows it to nobody, not even on failure. So a diagnostic also
//! goes to Helm's own standard error, which on Linux can be opened through procfs as the parent's descriptor 2 (that of
//! a script between Helm and us is Helm's pipe, as ours is); or else to the controlling terminal.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::Write;
#[cfg(target_os = "linux")]
use std::path::Path;

/// Set by Helm for its plugins. As a command (`helm resecret`) our standard error is Helm's own.
const PLUGIN_NAME: &str = "HELM_PLUGIN_NAME";
const COMMAND_PLUGIN: &str = "resecret";
/// The controlling terminal, as a file.
const TERMINAL: &str = if cfg!(windows) { "CONOUT$" } else { "/dev/tty" };
/// Helm, and the scripts that may be between it and us.
#[cfg(target_os = "linux")]
const MAX_CALLERS: usize = 8;

/// Whether Helm 4 runs this program as a post-renderer, whose standard error nobody sees.
pub(crate) fn hides_standard_error() -> bool {
    env::var_os(PLUGIN_NAME).is_some_and(|name| name != COMMAND_PLUGIN)
}

/// Shows a text to the person who runs Helm 4; does nothing elsewhere, or where there is no way to.
pub(crate) fn tell(text: &[u8]) {
    if !hides_standard_error() {
        return;
    }
    if let Some(mut place) = helm_stderr().or_else(terminal) {
        // Nobody is left to tell if this fails, and the exit code stands.
        let _ = place.write_all(text);
    }
}

fn terminal() -> Option<File> {
    OpenOptions::new().write(true).open(TERMINAL).ok()
}

/// Helm's standard error: the nearest above us that is not the pipe that Helm has given us.
#[cfg(target_os = "linux")]
fn helm_stderr() -> Option<File> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    let ours = Path::new("/proc/self/fd/2").metadata().ok()?;
    let (helm, theirs) = callers().into_iter().find_map(|process| {
        let theirs = Path::new(&process).join("fd/2").metadata().ok()?;
        // Where it is the same, we write there already.
        ((theirs.dev(), theirs.ino()) != (ours.dev(), ours.ino())).then_some((process, theirs))
    })?;
    let kind = theirs.file_type();
    // A regular file opened again has an offset of its own: only a parent that appends is not overwritten.
    let open = kind.is_fifo() || kind.is_char_device() || (kind.is_file() && appends(&helm));
    if open { OpenOptions::new().append(true).open(Path::new(&helm).join("fd/2")).ok() } else { None }
}

/// The processes above us up to Helm: the first that has not been given a plugin's environment.
#[cfg(target_os = "linux")]
fn callers() -> Vec<String> {
    let mut callers = Vec::new();
    let mut id = std::os::unix::process::parent_id().to_string();
    while callers.len() < MAX_CALLERS {
        let process = format!("/proc/{id}");
        let read = |file: &str| std::fs::read(Path::new(&process).join(file)).unwrap_or_default();
        let name = [PLUGIN_NAME.as_bytes(), b"="].concat();
        let is_plugin = read("environ").split(|byte| *byte == 0).any(|variable| variable.starts_with(&name));
        let status = String::from_utf8_lossy(&read("status")).into_owned();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        callers.push(process);
        match parent.filter(|_| is_plugin) {
            Some(parent) => parent.trim().clone_into(&mut id),
            None => break,
        }
    }
    callers
}

/// Whether Helm has opened its standard error for appending.
#[cfg(target_os = "linux")]
fn appends(parent: &str) -> bool {
    const O_APPEND: u32 = 0o2000;
    let info = std::fs::read_to_string(Path::new(parent).join("fdinfo/2")).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags
        .and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok())
        .is_some_and(|flags| flags & O_APPEND != 0)
}

#[cfg(not(target_os = "linux"))]
fn helm_stderr() -> Option<File> {
    None
}
