//! Why a run ended before its stream did.

use std::fmt;
use std::io;

use crate::diagnostics::Error;
use crate::stream::writer::Written;

/// The failure of a run that writes documents as they come.
///
/// [`Display`](fmt::Display) says where it stopped and what had been written by then, [`StreamError::cause`] why.
#[derive(Debug)]
pub struct StreamError {
    pub(super) cause: Cause,
    pub(super) place: StopPoint,
    pub(super) written: Written,
}

/// What made a run fail.
#[derive(Debug)]
pub enum Cause {
    /// A document or the configuration was refused.
    Refused(Error),
    /// The stream could not be read.
    Read(io::Error),
    /// The result could not be written.
    Write(io::Error),
}

/// Where a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopPoint {
    /// Before the first document.
    Start,
    /// In this document, counted from 1.
    Document(usize),
    /// When all documents had been written.
    End,
}

impl StreamError {
    /// Why the run failed.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// What had been written: all of it right by what was known then, and not to be used.
    #[must_use]
    pub fn written(&self) -> Written {
        self.written
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            StopPoint::Start => f.write_str("stopped before the first document")?,
            StopPoint::Document(number) => write!(f, "stopped in document {number}")?,
            StopPoint::End => f.write_str("stopped at the end of the stream")?,
        }
        write!(f, ": {} had been written", self.written)?;
        if self.written.bytes > 0 { f.write_str("; the output must not be used") } else { Ok(()) }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Read(error) => write!(f, "cannot read the stream: {error}"),
            Self::Write(error) => write!(f, "cannot write the stream: {error}"),
        }
    }
}

impl std::error::Error for StreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Refused(error) => Some(error),
            Cause::Read(error) | Cause::Write(error) => Some(error),
        }
    }
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
