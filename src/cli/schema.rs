//! `resecret schema`: the JSON Schema of the configuration.

use std::io::Write;

use anyhow::Context;
use resecret::Config;

use crate::cli::io::stdout::stdout;

pub(super) const HELP: &str = "\
Examples:
  resecret schema > resecret.schema.json
  # yaml-language-server: $schema=resecret.schema.json    (first line of resecret.yaml)";

/// Prints the schema.
pub(super) fn run() -> anyhow::Result<()> {
    let text = format!("{:#}\n", Config::schema());
    stdout()?.write_all(text.as_bytes()).context("cannot write standard output")
}
