//! Exit codes.

use std::process::ExitCode;

/// How a run ended. All other codes are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Done, or nothing to report.
    Success,
    /// A command that looks for something has found it.
    Findings,
    /// Nothing was written, or with `--stream` what its last line says: wrong flags or configuration, bad input, a rule
    /// that matched nothing, an edit that is not safe.
    Error,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Success => 0,
            ExitStatus::Findings => 1,
            ExitStatus::Error => 2,
        })
    }
}
