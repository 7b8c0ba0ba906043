//! Standard input or files, as one stream whose places are still those of the files.

use std::io::{self, IsTerminal, Read, StdinLock};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use resecret::Diagnostic;

/// The name of standard input among files.
const STDIN: &str = "-";

/// What was read.
#[derive(Debug)]
pub(super) struct Input {
    /// All of it, one file behind the other.
    pub(super) bytes: Vec<u8>,
    /// Where it came from.
    pub(super) places: Places,
}

/// Which lines of a stream came from which file.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// Names, and the number of lines before each.
    files: Vec<(String, usize)>,
}

impl Input {
    /// Reads files, or standard input where none is named.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or a terminal where manifests should come from.
    pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Self> {
        if files.is_empty() {
            return Ok(Self { bytes: stdin()?, places: Places::default() });
        }
        let mut bytes = Vec::new();
        let mut places = Places::default();
        for path in files {
            let (name, content) = file(path)?;
            if !bytes.is_empty() {
                if !bytes.ends_with(b"\n") {
                    bytes.push(b'\n');
                }
                if !content.starts_with(b"---") {
                    bytes.extend(b"---\n");
                }
            }
            let lines = memchr::memchr_iter(b'\n', &bytes).count();
            places.files.push((name, lines));
            bytes.extend(content);
        }
        Ok(Self { bytes, places })
    }
}

/// A file, or standard input for `-`, with the name that messages call it.
pub(super) fn file(path: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    if path.as_os_str() == STDIN {
        return Ok(("stdin".to_owned(), stdin()?));
    }
    let name = path.display().to_string();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
    Ok((name, bytes))
}

/// Whether standard input is one of these files.
pub(super) fn has_stdin(files: &[PathBuf]) -> bool {
    files.iter().any(|path| path.as_os_str() == STDIN)
}

/// All of standard input.
fn stdin() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    piped()?.read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(bytes)
}

/// Standard input, unless it is a terminal, at which nobody types manifests.
pub(super) fn piped() -> anyhow::Result<StdinLock<'static>> {
    let stdin = io::stdin().lock();
    if stdin.is_terminal() {
        bail!(
            "standard input is a terminal: pipe rendered manifests in, for example `helm template … | resecret`"
        );
    }
    Ok(stdin)
}

impl Places {
    /// The diagnostic with the file that its place is in, unless it names one already.
    pub(super) fn locate(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        let location = &mut diagnostic.location;
        if location.file.is_some() {
            return diagnostic;
        }
        let line = location.line.unwrap_or(1);
        match self.files.iter().rev().find(|(_, before)| *before < line) {
            Some((name, before)) => {
                location.file = Some(name.clone());
                location.line = location.line.map(|line| line - before);
                if self.files.len() > 1 {
                    // Its number in the stream is none that a reader of the file could count.
                    location.document = None;
                }
            }
            None => location.file = Some("stdin".to_owned()),
        }
        diagnostic
    }
}
