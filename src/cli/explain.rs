//! `resecret explain`: what a diagnostic means and how to act on it.

use anyhow::bail;
use resecret::{Code, reported_by};

use crate::cli::io::stdout::print;
use crate::cli::known;

/// The arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// The code between brackets in a diagnostic; without one, a line for each code
    #[arg(value_parser = known::codes(), hide_possible_values = true)]
    pub(super) code: Option<String>,
}

/// Prints the documentation of one code, or a line for each.
pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<()> {
    let text = match &args.code {
        None => Code::ALL.iter().map(|code| format!("{:<23} {}\n", code.id(), summary(*code))).collect(),
        Some(id) => match Code::ALL.iter().find(|code| code.id() == id) {
            Some(code) => format!("{}\n\n{}{}", code.id(), text(*code), rules(*code)),
            None => bail!("there is no code `{id}`; `resecret explain` lists them"),
        },
    };
    print(text.as_bytes())
}

fn summary(code: Code) -> &'static str {
    code.documentation().trim_start().lines().next().unwrap_or_default()
}

/// The documentation without the space that a doc comment's lines begin with, and without Markdown's marks.
fn text(code: Code) -> String {
    let lines = code.documentation().lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines
        .map(|line| line.strip_prefix("# ").map_or(line.to_owned(), |title| format!("{title}:")) + "\n")
        .collect()
}

/// The rules that report a code, with the fields of a configuration that direct them.
fn rules(code: Code) -> String {
    let rules = reported_by(code).map(|(rule, settings)| {
        let settings: Vec<String> = settings.iter().map(|setting| format!("spec.{setting}")).collect();
        format!("{rule} ({})", settings.join(", "))
    });
    let rules: Vec<String> = rules.collect();
    if rules.is_empty() { String::new() } else { format!("\nReported by:\n\n{}\n", rules.join("\n")) }
}
