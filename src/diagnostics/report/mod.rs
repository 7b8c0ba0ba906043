//! Diagnostics for people and for machines.
//!
//! Every format takes the same diagnostics and any writer. None of them can show a secret value: a diagnostic holds
//! none.

mod github;
mod json;
mod sarif;
mod text;

use std::io::{self, Write};

use serde_json::Value;

use crate::diagnostics::Diagnostic;

/// How diagnostics are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For people, in the colours of a terminal.
    Coloured,
    /// One JSON object; each diagnostic has the shape of a KRM function result.
    Json,
    /// Workflow commands of GitHub Actions.
    Github,
    /// SARIF 2.1.0.
    Sarif,
}

/// Diagnostics as the results of a KRM function.
pub(crate) fn results(diagnostics: &[Diagnostic]) -> Vec<Value> {
    diagnostics.iter().map(Diagnostic::printable).map(|diagnostic| json::result(&diagnostic)).collect()
}

/// Writes diagnostics.
///
/// # Errors
///
/// The writer's own.
pub fn write_report(diagnostics: &[Diagnostic], format: Format, writer: &mut dyn Write) -> io::Result<()> {
    let diagnostics: &[Diagnostic] = &diagnostics.iter().map(Diagnostic::printable).collect::<Vec<_>>();
    match format {
        Format::Text => text::write(diagnostics, writer),
        Format::Coloured => text::write_coloured(diagnostics, writer),
        Format::Json => json::write(diagnostics, writer),
        Format::Github => github::write(diagnostics, writer),
        Format::Sarif => sarif::write(diagnostics, writer),
    }
}
