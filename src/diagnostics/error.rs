//! Why a run failed.

use std::fmt;

use crate::diagnostics::{Code, Diagnostic, Severity};
use crate::yaml::scalar::one_line;

/// The failure of a run: at least one diagnostic of severity error, and whatever else was found on the way.
///
/// Nothing has been written when a function of this crate returns it.
#[derive(Debug)]
pub struct Error {
    diagnostics: Box<[Diagnostic]>,
}

impl Error {
    /// An error of these diagnostics.
    pub(crate) fn new(diagnostics: Vec<Diagnostic>) -> Self {
        debug_assert!(diagnostics.iter().any(|d| d.severity == Severity::Error), "an error without an error");
        Self { diagnostics: diagnostics.into_boxed_slice() }
    }

    /// All that was found, in the order of the stream.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// What the first diagnostic of severity error is about.
    #[must_use]
    pub fn code(&self) -> Code {
        let first = self.diagnostics.iter().find(|d| d.severity == Severity::Error);
        first.map_or(Code::InvalidConfig, |d| d.code)
    }
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::new(vec![diagnostic])
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = self.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        if let Some(first) = errors.next() {
            f.write_str(&one_line(&first.message))?;
        }
        match errors.count() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl std::error::Error for Error {}
