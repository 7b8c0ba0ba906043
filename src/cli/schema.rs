//! `resecret schema`: the JSON Schema of the configuration.

use std::io::{self, Write};

use anyhow::Context;
use resecret::Config;

/// Prints the schema.
pub(super) fn run() -> anyhow::Result<()> {
    let text = format!("{:#}\n", Config::schema());
    io::stdout().lock().write_all(text.as_bytes()).context("cannot write standard output")
}
