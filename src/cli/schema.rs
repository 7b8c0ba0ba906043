//! `resecret schema`: the JSON Schema of the configuration.

use resecret::Config;

use crate::cli::io::stdout::print;

pub(super) const HELP: &str = "\
Examples:
  resecret schema > resecret.schema.json
  # yaml-language-server: $schema=resecret.schema.json    (first line of resecret.yaml)";

/// Prints the schema.
pub(super) fn run() -> anyhow::Result<()> {
    let text = format!("{:#}\n", Config::schema());
    print(text.as_bytes())
}
