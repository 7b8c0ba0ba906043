//! `resecret schema`: the JSON Schema of the configuration.

use std::io::{self, Write};

use anyhow::Context;
use resecret::Config;

pub(super) const HELP: &str = "\
Examples:
  resecret schema > resecret.schema.json
  # yaml-language-server: $schema=resecret.schema.json    (first line of resecret.yaml)";

/// Prints the schema.
pub(super) fn run() -> anyhow::Result<()> {
    let text = format!("{:#}\n", Config::schema());
    io::stdout().lock().write_all(text.as_bytes()).context("cannot write standard output")
}
