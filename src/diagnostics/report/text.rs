//! For people: what, where, what to do.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::diagnostics::{Diagnostic, Location, Severity};

/// How the parts of a diagnostic look.
#[derive(Default)]
struct Styles {
    severity: Style,
    message: Style,
    label: Style,
}

impl Styles {
    /// Those of compilers: errors red, warnings yellow.
    fn coloured(severity: Severity) -> Self {
        let colour = match severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
        };
        let bold = Style::new().bold();
        Self { severity: colour.on_default().bold(), message: bold, label: AnsiColor::Cyan.on_default() }
    }
}

/// Writes diagnostics without colour.
pub(super) fn write(diagnostics: &[Diagnostic], writer: &mut dyn Write) -> io::Result<()> {
    diagnostics.iter().try_for_each(|diagnostic| write_one(diagnostic, &Styles::default(), writer))
}

/// Writes diagnostics in colour.
pub(super) fn write_coloured(diagnostics: &[Diagnostic], writer: &mut dyn Write) -> io::Result<()> {
    let mut each = diagnostics.iter().map(|diagnostic| (diagnostic, Styles::coloured(diagnostic.severity)));
    each.try_for_each(|(diagnostic, styles)| write_one(diagnostic, &styles, writer))
}

fn write_one(diagnostic: &Diagnostic, styles: &Styles, writer: &mut dyn Write) -> io::Result<()> {
    let Styles { severity, message, label } = styles;
    write!(writer, "{severity}{}[{}]{severity:#}", diagnostic.severity, diagnostic.code)?;
    writeln!(writer, "{message}: {}{message:#}", diagnostic.message)?;
    for line in places(&diagnostic.location) {
        writeln!(writer, "  {label}at{label:#} {line}")?;
    }
    writeln!(writer, "  {label}help:{label:#} {}", diagnostic.help.replace('\n', "\n        "))
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
