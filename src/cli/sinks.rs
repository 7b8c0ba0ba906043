//! Where a report goes: standard error, a log file, and under Helm 4 wherever a person can see it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};

use anyhow::Context;
use resecret::{Diagnostic, Format, Summary, write_report};

use super::args::ReportArgs;
use super::helm4;

/// The places that a report is written to.
///
/// A report that cannot be written changes nothing about the run: its exit code speaks for it.
#[derive(Debug, Default)]
pub(super) struct Sinks {
    format: Format,
    quiet: bool,
    log: Option<File>,
}

impl Sinks {
    /// Opens the log file, if one is named.
    ///
    /// # Errors
    ///
    /// The log file cannot be opened for appending.
    pub(super) fn open(args: &ReportArgs) -> anyhow::Result<Self> {
        let open = |path: &std::path::PathBuf| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.with_context(|| format!("cannot open the log file {}", path.display()))
        };
        let log = args.log_file.as_ref().map(open).transpose()?;
        Ok(Self { format: args.format.into(), quiet: args.quiet, log })
    }

    /// Reports a run that went through.
    pub(super) fn success(&self, diagnostics: &[Diagnostic], summary: Summary) {
        let summary = format!("{summary}\n");
        self.report(diagnostics);
        if !self.quiet && self.format == Format::Text {
            let _ = io::stderr().lock().write_all(summary.as_bytes());
        }
        self.log(&summary);
    }

    /// Reports a run that failed.
    pub(super) fn failure(&self, error: &anyhow::Error) {
        match error.downcast_ref::<resecret::Error>() {
            Some(error) => self.report(error.diagnostics()),
            None => self.complain(&format!("error: {error:#}\n")),
        }
    }

    /// Writes a text that is no diagnostic: wrong flags, a file that cannot be read.
    pub(super) fn complain(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
        self.log(text);
        helm4::tell(text.as_bytes());
    }

    fn report(&self, diagnostics: &[Diagnostic]) {
        if diagnostics.is_empty() {
            return;
        }
        let diagnostics: Vec<Diagnostic> = diagnostics.iter().cloned().map(in_stdin).collect();
        let mut text = Vec::new();
        // Writing to memory does not fail.
        let _ = write_report(&diagnostics, Format::Text, &mut text);
        let _ = write_report(&diagnostics, self.format, &mut io::stderr().lock());
        self.log(&String::from_utf8_lossy(&text));
        helm4::tell(&text);
    }

    fn log(&self, text: &str) {
        if let Some(mut log) = self.log.as_ref() {
            let _ = log.write_all(text.as_bytes());
        }
    }
}

/// What is not in a configuration file is in standard input.
fn in_stdin(mut diagnostic: Diagnostic) -> Diagnostic {
    diagnostic.location.file.get_or_insert_with(|| "stdin".to_owned());
    diagnostic
}
