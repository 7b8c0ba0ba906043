//! Several inputs as one stream whose places are still those of the inputs.

use std::path::PathBuf;

use resecret::Diagnostic;

use crate::cli::io::progress::Progress;
use crate::cli::io::source::{Source, sources};

/// What was read.
#[derive(Debug)]
pub(crate) struct Joined {
    /// All of it, one input behind the other.
    pub(crate) bytes: Vec<u8>,
    /// Where it came from.
    pub(crate) places: Places,
}

/// Which lines of a stream came from which input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// Names, and the number of lines before each.
    inputs: Vec<(String, usize)>,
}

impl Joined {
    /// Reads what arguments name, or standard input where they name nothing.
    ///
    /// # Errors
    ///
    /// What cannot be read, or a terminal where manifests should come from.
    pub(crate) fn read(files: &[PathBuf]) -> anyhow::Result<Self> {
        let sources = sources(files)?;
        let progress = Progress::start(sources.len());
        let mut joined = Self { bytes: Vec::new(), places: Places::default() };
        for source in &sources {
            joined.add(source, source.read(&progress)?);
            progress.step();
        }
        Ok(joined)
    }

    fn add(&mut self, source: &Source, content: Vec<u8>) {
        if self.bytes.is_empty() {
            self.places.inputs.push((source.name(), 0));
            self.bytes = content;
            return;
        }
        if !self.bytes.ends_with(b"\n") {
            self.bytes.push(b'\n');
        }
        if !content.starts_with(b"---") {
            self.bytes.extend(b"---\n");
        }
        let lines = memchr::memchr_iter(b'\n', &self.bytes).count();
        self.places.inputs.push((source.name(), lines));
        self.bytes.extend(content);
    }
}

impl Places {
    /// Those of one input.
    pub(crate) fn of(name: String) -> Self {
        Self { inputs: vec![(name, 0)] }
    }

    /// The diagnostic with the file that its place is in, unless it names one already.
    pub(crate) fn locate(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        let location = &mut diagnostic.location;
        if location.file.is_some() {
            return diagnostic;
        }
        let line = location.line.unwrap_or(1);
        match self.inputs.iter().rev().find(|(_, before)| *before < line) {
            Some((name, before)) => {
                location.file = Some(name.clone());
                location.line = location.line.map(|line| line - before);
                if self.inputs.len() > 1 {
                    // Its number in the stream is none that a reader of the file could count.
                    location.document = None;
                }
            }
            None => location.file = Some("stdin".to_owned()),
        }
        diagnostic
    }
}
