//! Diagnostics under Helm 4.
//!
//! Helm 4 collects a post-renderer's standard error and shows it to nobody, not even on failure. So a diagnostic also
//! goes to Helm's own standard error, which on Linux can be opened through procfs as the parent's descriptor 2; or
//! else to the controlling terminal.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Set by Helm for its plugins. As a command (`helm resecret`) our standard error is Helm's own.
const PLUGIN_NAME: &str = "HELM_PLUGIN_NAME";
const COMMAND_PLUGIN: &str = "resecret";

/// Shows a text to the person who runs Helm 4; does nothing elsewhere, or where there is no way to.
pub(super) fn tell(text: &[u8]) {
    let plugin = env::var_os(PLUGIN_NAME);
    if plugin.is_none_or(|name| name == COMMAND_PLUGIN) {
        return;
    }
    if let Some(mut place) = parent_stderr().or_else(terminal) {
        // Nobody is left to tell if this fails, and the exit code stands.
        let _ = place.write_all(text);
    }
}

fn terminal() -> Option<File> {
    OpenOptions::new().write(true).open("/dev/tty").ok()
}

#[cfg(target_os = "linux")]
fn parent_stderr() -> Option<File> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    let parent = format!("/proc/{}", std::os::unix::process::parent_id());
    let path = Path::new(&parent).join("fd/2");
    let theirs = path.metadata().ok()?;
    let ours = Path::new("/proc/self/fd/2").metadata().ok()?;
    if (theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino()) {
        // We write there already.
        return None;
    }
    let kind = theirs.file_type();
    // A regular file opened anew has an offset of its own: only a parent that appends is not overwritten.
    let open = kind.is_fifo() || kind.is_char_device() || (kind.is_file() && appends(&parent));
    if open { OpenOptions::new().append(true).open(path).ok() } else { None }
}

/// Whether the parent has opened its standard error for appending.
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
fn parent_stderr() -> Option<File> {
    None
}
