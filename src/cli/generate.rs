//! `resecret completions` and `resecret man`: what is made from the definition of the command line.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Command;

use crate::cli::io::stdout::print;

pub(super) const COMPLETIONS_HELP: &str = "\
Examples:
  source <(resecret completions bash)
  resecret completions fish > ~/.config/fish/completions/resecret.fish";

/// The arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

/// The arguments of `man`.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Write resecret.1 and a page for each command to this folder
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

/// Prints a shell's completions of the command line that `command` defines.
pub(super) fn completions(args: &CompletionsArgs, mut command: Command) -> anyhow::Result<()> {
    let name = command.get_name().to_owned();
    // Generated into memory: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(&script)
}

/// Prints the manual page, or writes all of them.
pub(super) fn pages(args: &ManArgs, command: Command) -> anyhow::Result<()> {
    // The printed page lists the commands that have pages of their own; `help` has none.
    let command = command.disable_help_subcommand(true);
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).context("cannot make the manual page")?;
        return print(&page);
    };
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {shown}"))?;
    clap_mangen::generate_to(command, folder).with_context(|| format!("cannot write to {shown}"))
}
