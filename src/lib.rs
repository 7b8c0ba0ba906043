//! tmp
#![allow(dead_code, missing_docs)]
mod agree;
mod config;
mod diagnostic;
mod error;
mod facts;
mod filter;
mod findings;
mod lower;
mod object;
mod output;
mod patch;
mod pods;
mod prefilter;
mod references;
mod refuse;
mod report;
mod rules;
mod splice;
mod stream;
mod unmatched;
mod verify;
mod yaml;
pub use config::Config;
pub use diagnostic::*;
pub use error::Error;
pub use filter::{Filtered, Summary, filter};
pub use report::{Format, write_report};
