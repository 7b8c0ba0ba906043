//! The renders that a command works on: each by itself, in parallel, reported in the order of their names.

use std::path::PathBuf;

use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use resecret::{Code, Diagnostic, Error, Location, Severity};

use crate::cli::io::progress::Progress;
use crate::cli::io::reporter::Reporter;
use crate::cli::io::source::{Source, sources};

/// The renders that arguments name, or standard input where they name nothing.
#[derive(Debug)]
pub(crate) struct Renders {
    sources: Vec<Source>,
}

/// What came of one render.
#[derive(Debug)]
pub(crate) struct Worked<T> {
    /// What messages call the render.
    pub(crate) name: String,
    /// What was made of it, or why nothing was.
    pub(crate) outcome: Result<T, Vec<Diagnostic>>,
}

impl Renders {
    /// Finds them; nothing is read yet.
    ///
    /// # Errors
    ///
    /// A path that is not there, or a folder that cannot be read or holds no manifests.
    pub(crate) fn find(files: &[PathBuf]) -> anyhow::Result<Self> {
        Ok(Self { sources: sources(files)? })
    }

    /// Where they come from.
    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether there are several, so that a message must say which one it is about.
    pub(crate) fn are_several(&self) -> bool {
        self.sources.len() > 1
    }

    /// What all of them are called together.
    pub(crate) fn name(&self) -> String {
        match self.sources.as_slice() {
            [source] => source.name(),
            sources => format!("{} files", sources.len()),
        }
    }

    /// Reads every render and hands its name and bytes to `work`, on all processors.
    ///
    /// # Errors
    ///
    /// What `work` cannot go on from, such as wrong rules. A render that cannot be read, or is refused, has its own
    /// outcome.
    pub(crate) fn each<T: Send>(
        &self,
        work: impl Fn(&str, &[u8]) -> anyhow::Result<Result<T, Error>> + Sync,
    ) -> anyhow::Result<Vec<Worked<T>>> {
        let progress = Progress::start(self.sources.len());
        let one = |source: &Source| {
            let name = source.name();
            let outcome = match source.read(&progress) {
                Ok(input) => work(&name, &input)?.map_err(|error| self.place(error.diagnostics(), &name)),
                Err(error) => Err(vec![unreadable(&name, &error)]),
            };
            progress.step();
            Ok(Worked { name, outcome })
        };
        self.sources.par_iter().map(one).collect()
    }

    /// The same diagnostics with the name of the render that they are about.
    pub(crate) fn place(&self, diagnostics: &[Diagnostic], name: &str) -> Vec<Diagnostic> {
        place(diagnostics, name, self.are_several())
    }
}

/// The same diagnostics with the name of the render that they are about, which is one of several.
pub(crate) fn place(diagnostics: &[Diagnostic], name: &str, are_several: bool) -> Vec<Diagnostic> {
    let mut placed = diagnostics.to_vec();
    for diagnostic in &mut placed {
        match &diagnostic.location.file {
            // A place in the configuration: the render in which it matches nothing is not clear by itself.
            Some(_) if are_several => diagnostic.message += &format!(", in {name}"),
            Some(_) => {}
            None => diagnostic.location.file = Some(name.to_owned()),
        }
    }
    placed
}

/// What was made of every render, with its name. `None` where one failed; then the reasons are reported.
pub(crate) fn all<T>(worked: Vec<Worked<T>>, reporter: &Reporter) -> Option<Vec<(String, T)>> {
    let mut made = Vec::new();
    let mut failures = Vec::new();
    for Worked { name, outcome } in worked {
        match outcome {
            Ok(one) => made.push((name, one)),
            Err(diagnostics) => failures.extend(diagnostics),
        }
    }
    reporter.report(&failures);
    failures.is_empty().then_some(made)
}

/// A render that cannot be read.
fn unreadable(name: &str, error: &anyhow::Error) -> Diagnostic {
    Diagnostic {
        code: Code::Io,
        severity: Severity::Error,
        message: format!("{error:#}"),
        help: "check that the file is there and can be read".to_owned(),
        location: Location { file: Some(name.to_owned()), ..Location::default() },
    }
}
