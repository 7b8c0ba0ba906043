//! `resecret explain`: what a diagnostic means and how to act on it.

use std::io::{self, Write};

use anyhow::{Context, bail};
use resecret::Rule;

use super::args::ExplainArgs;

/// Prints the documentation of one rule, or a line for each.
pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<()> {
    let text = match &args.rule {
        None => Rule::ALL.iter().map(|rule| format!("{:<22} {}\n", rule.id(), summary(*rule))).collect(),
        Some(id) => match Rule::ALL.iter().find(|rule| rule.id() == id) {
            Some(rule) => format!("{}\n\n{}", rule.id(), text(*rule)),
            None => bail!("no rule is called `{id}`; `resecret explain` lists them"),
        },
    };
    io::stdout().lock().write_all(text.as_bytes()).context("cannot write standard output")
}

fn summary(rule: Rule) -> &'static str {
    rule.documentation().trim_start().lines().next().unwrap_or_default()
}

/// The documentation without the space that a doc comment's lines begin with, and without Markdown's marks.
fn text(rule: Rule) -> String {
    let lines = rule.documentation().lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines
        .map(|line| line.strip_prefix("# ").map_or(line.to_owned(), |title| format!("{title}:")) + "\n")
        .collect()
}
