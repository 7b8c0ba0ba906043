//! What a run has to say: codes, diagnostics, findings, the error that ends a run, and the formats of reports.

pub(crate) mod addition;
mod code;
mod define;
mod diagnostic;
mod error;
mod finding;
mod hazard_code;
pub(crate) mod report;
mod split_code;

pub use self::code::Code;
pub use self::diagnostic::{Diagnostic, Location, ObjectRef, Severity};
pub use self::error::Error;
pub(crate) use self::finding::{Doubtful, Finding};
