//! Where a report goes: standard error, a log file, and under Helm 4 wherever a person can see it.

use std::cell::OnceCell;
use std::env;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use anyhow::Context;
use resecret::{Cause, Code, Diagnostic, Format, Location, Severity, StreamError, one_line, write_report};

use crate::cli::flags::{LOG, ReportArgs};
use crate::cli::io::helm4;
use crate::cli::io::joined_input::Places;

/// The places that a report is written to.
///
/// What standard error does not take changes nothing about the run: its exit code speaks for it. A log that cannot be
/// written is a warning, and an error under Helm 4, where it may be the only place that a person can look at.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    format: Format,
    quiet: bool,
    log: Option<Log>,
    /// Where the input came from, once it is read.
    places: OnceCell<Places>,
}

/// The log file.
#[derive(Debug)]
struct Log {
    file: File,
    name: String,
    /// Why it could not be written; what comes then is not tried.
    failure: OnceCell<io::Error>,
}

impl Reporter {
    /// Opens the log file, if one is named.
    ///
    /// # Errors
    ///
    /// The log file cannot be opened for appending.
    pub(crate) fn open(args: &ReportArgs) -> anyhow::Result<Self> {
        let open = |path: &PathBuf| {
            Log::open(path).with_context(|| format!("cannot open the log file {}", path.display()))
        };
        let log = args.log_file.as_ref().map(open).transpose()?;
        Ok(Self { format: args.format.into(), quiet: args.quiet, log, ..Self::default() })
    }

    /// The places that are known where the flags could not be read.
    pub(crate) fn without_flags() -> Self {
        let log = env::var_os(LOG).and_then(|path| Log::open(Path::new(&path)).ok());
        Self { log, ..Self::default() }
    }

    /// Says which files the places of all further diagnostics are in.
    pub(crate) fn places(&self, places: Places) {
        // Set twice, the first stays: there is one input.
        let _ = self.places.set(places);
    }

    /// Reports a run that went through.
    pub(crate) fn success(&self, diagnostics: &[Diagnostic], summary: impl fmt::Display) {
        self.report(diagnostics);
        self.note(&summary.to_string());
    }

    /// Reports a run whose warnings `check` shows: people get their number here, programs all of them.
    pub(crate) fn success_with_count(&self, diagnostics: &[Diagnostic], summary: impl fmt::Display) {
        match diagnostics.len() {
            count if count == 0 || self.format != Format::Text => self.success(diagnostics, summary),
            1 => self.note(&format!("{summary}; 1 warning, `resecret check` shows it")),
            count => self.note(&format!("{summary}; {count} warnings, `resecret check` shows them")),
        }
    }

    /// Reports a run that failed.
    pub(crate) fn failure(&self, error: &anyhow::Error) {
        match (error.downcast_ref::<resecret::Error>(), error.downcast_ref::<StreamError>()) {
            (Some(error), _) => self.report(error.diagnostics()),
            (None, Some(error)) => self.stopped(error),
            (None, None) if self.format == Format::Text => {
                self.complain(&format!("error: {}\n", one_line(&format!("{error:#}"))));
            }
            (None, None) => self.report(&[io_error(format!("{error:#}"))]),
        }
    }

    /// Reports a run that failed while it wrote; last what had been written by then.
    fn stopped(&self, error: &StreamError) {
        let text = self.format == Format::Text;
        let mut diagnostics = match error.cause() {
            Cause::Refused(error) => error.diagnostics().to_vec(),
            cause if text => return self.complain(&format!("error: {cause}\nresecret: {error}\n")),
            cause => vec![io_error(cause.to_string())],
        };
        if text {
            self.report(&diagnostics);
            return self.complain(&format!("resecret: {error}\n"));
        }
        let help = "throw the output away; where its reader would act on a part of it, run without --stream";
        diagnostics.push(failure(Code::PartialOutput, error.to_string(), help));
        self.report(&diagnostics);
    }

    /// Writes diagnostics that are the result of a command, and the log; a machine's format also where there are none.
    ///
    /// # Errors
    ///
    /// The place cannot be written.
    pub(crate) fn findings(&self, diagnostics: &[Diagnostic], place: &mut dyn Write) -> io::Result<()> {
        write_report(diagnostics, self.on(AutoStream::choice(&io::stdout())), place)?;
        let mut text = Vec::new();
        write_report(diagnostics, Format::Text, &mut text)?;
        self.log(&String::from_utf8_lossy(&text));
        Ok(())
    }

    /// Writes a line about a run, unless it is to be quiet.
    pub(crate) fn note(&self, line: &str) {
        let line = one_line(line) + "\n";
        if !self.quiet && self.format == Format::Text {
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
        self.log(&line);
    }

    /// Writes a text that is no diagnostic: wrong flags, a file that cannot be read.
    pub(crate) fn complain(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
        self.log(text);
        helm4::tell(text.as_bytes());
    }

    /// Writes diagnostics to standard error and wherever else a person may look.
    pub(crate) fn report(&self, diagnostics: &[Diagnostic]) {
        if diagnostics.is_empty() {
            return;
        }
        let mut diagnostics: Vec<Diagnostic> =
            diagnostics.iter().cloned().map(|diagnostic| self.locate(diagnostic)).collect();
        // Writing to memory does not fail.
        let text = |diagnostics: &[_]| {
            let mut text = Vec::new();
            let _ = write_report(diagnostics, Format::Text, &mut text);
            text
        };
        self.log(&String::from_utf8_lossy(&text(&diagnostics)));
        if self.quiet && self.format == Format::Text {
            diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
        }
        if !diagnostics.is_empty() {
            self.write(&diagnostics);
            helm4::tell(&text(&diagnostics));
        }
    }

    /// Writes diagnostics to standard error.
    fn write(&self, diagnostics: &[Diagnostic]) {
        let format = self.on(AutoStream::choice(&io::stderr()));
        let _ = write_report(diagnostics, format, &mut AutoStream::auto(io::stderr().lock()));
    }

    /// The format for a place that takes colour or does not.
    fn on(&self, choice: ColorChoice) -> Format {
        if self.format == Format::Text && choice != ColorChoice::Never {
            Format::Coloured
        } else {
            self.format
        }
    }

    /// What is not in a configuration file is in the input.
    fn locate(&self, diagnostic: Diagnostic) -> Diagnostic {
        if matches!(diagnostic.code, Code::Io | Code::PartialOutput) {
            return diagnostic;
        }
        self.places.get_or_init(Places::default).locate(diagnostic)
    }

    fn log(&self, text: &str) {
        if let Some(log) = &self.log {
            log.write(text);
        }
    }

    /// What there is to say of a log that could not be written, once: an error under Helm 4, where nobody sees the
    /// warnings of this run without it.
    ///
    /// # Errors
    ///
    /// Helm 4 hides standard error, and the log could not be written.
    pub(crate) fn check_log(&self) -> anyhow::Result<()> {
        let Some((log, failure)) = self.log.as_ref().and_then(|log| Some((log, log.failure.get()?))) else {
            return Ok(());
        };
        let message = format!("cannot write the log file {}: {failure}", log.name);
        if helm4::hides_standard_error() {
            return Err(anyhow::Error::msg(message));
        }
        let warning = Diagnostic { severity: Severity::Warning, ..io_error(message) };
        self.write(&[warning]);
        Ok(())
    }
}

impl Log {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file, name: path.display().to_string(), failure: OnceCell::new() })
    }

    fn write(&self, text: &str) {
        if self.failure.get().is_none()
            && let Err(error) = (&self.file).write_all(text.as_bytes())
        {
            // Asked before: nothing is set yet.
            let _ = self.failure.set(error);
        }
    }
}

/// Something that the operating system refused.
fn io_error(message: String) -> Diagnostic {
    failure(Code::Io, message, "check that the file or pipe is there and can be read and written")
}

fn failure(code: Code, message: String, help: &str) -> Diagnostic {
    let location = Location::default();
    Diagnostic { code, severity: Severity::Error, message, help: help.to_owned(), location }
}
