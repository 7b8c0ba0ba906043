//! Standard output, if it is open.
//!
//! Before `main` the Rust runtime opens the null device in the place of a standard stream that is closed, so every write
//! to it would succeed and be lost.

use std::io::{self, StdoutLock, Write};

use anyhow::{Context, bail};

/// Standard output, for a command whose result is what it writes.
///
/// # Errors
///
/// It was closed when the program started (`>&-`).
pub(crate) fn stdout() -> anyhow::Result<StdoutLock<'static>> {
    if is_closed() {
        bail!(
            "standard output is closed, or the null device opened for reading too: nothing would be written"
        );
    }
    Ok(io::stdout().lock())
}

/// Writes what people read. A pager or `head` that ends before the text does has seen enough.
///
/// # Errors
///
/// It was closed when the program started, or cannot be written.
pub(crate) fn print(text: &[u8]) -> anyhow::Result<()> {
    match stdout()?.write_all(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write standard output"),
    }
}

/// Whether standard output is what the runtime puts in the place of a closed one: the null device, opened for reading
/// too. `> /dev/null` opens it for writing alone.
#[cfg(unix)]
fn is_closed() -> bool {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let Ok(file) = io::stdout().as_fd().try_clone_to_owned().map(File::from) else { return true };
    let device = |metadata: io::Result<std::fs::Metadata>| metadata.ok().map(|metadata| metadata.rdev());
    let null = device(std::fs::metadata("/dev/null"));
    // Reading from what was opened for writing alone is an error; the null device is at its end at once.
    null.is_some() && device(file.metadata()) == null && (&file).read(&mut [0]).is_ok()
}

#[cfg(not(unix))]
fn is_closed() -> bool {
    false
}
