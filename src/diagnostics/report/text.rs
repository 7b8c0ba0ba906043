//! For people: what, where, what to do.

use std::io::{self, Write};

use crate::diagnostics::{Diagnostic, Location};

pub(super) fn write(diagnostics: &[Diagnostic], writer: &mut dyn Write) -> io::Result<()> {
    for diagnostic in diagnostics {
        writeln!(writer, "{}[{}]: {}", diagnostic.severity, diagnostic.code, diagnostic.message)?;
        for line in places(&diagnostic.location) {
            writeln!(writer, "  at {line}")?;
        }
        writeln!(writer, "  help: {}", diagnostic.help)?;
    }
    Ok(())
}

/// The location, from the stream down to the path, one line for each kind of place.
fn places(location: &Location) -> Vec<String> {
    let mut place = location.file.clone().unwrap_or_default();
    if let Some(line) = location.line {
        place += &format!(":{line}");
    }
    if let Some(column) = location.column {
        place += &format!(":{column}");
    }
    if let Some(index) = location.index {
        place += &format!(", index {index}");
    }
    if let Some(document) = location.document {
        place += &format!(", document {document}");
    }
    if let Some(object) = &location.object {
        place += &format!(", {object}");
    }
    let template = location.template.as_ref().map(|template| format!("template {template}"));
    let lines = [Some(place), template, location.path.clone()];
    lines.into_iter().flatten().filter(|line| !line.is_empty()).collect()
}
