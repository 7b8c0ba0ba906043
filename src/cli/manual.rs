//! `resecret completions` and `resecret man`: what is made from the definition of the command line.

use std::fs;
use std::io::{self, Write};

use anyhow::Context;
use clap::CommandFactory;

use super::args::{Args, CompletionsArgs, ManArgs};

/// Prints a shell's completions.
pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    // Generated into memory: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(&script)
}

/// Prints the manual page, or writes all of them.
pub(super) fn pages(args: &ManArgs) -> anyhow::Result<()> {
    // The printed page lists the commands that have pages of their own; `help` has none.
    let command = Args::command().disable_help_subcommand(true);
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).context("cannot make the manual page")?;
        return print(&page);
    };
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {shown}"))?;
    clap_mangen::generate_to(command, folder).with_context(|| format!("cannot write to {shown}"))
}

fn print(bytes: &[u8]) -> anyhow::Result<()> {
    io::stdout().lock().write_all(bytes).context("cannot write standard output")
}
