//! `resecret man`: manual pages, made from the definition of the command line.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context;
use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::cli::io::stdout::print;

/// The arguments of `man`.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Write resecret.1 and a page for each command to this folder
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

/// Prints the manual page, or writes all of them.
pub(super) fn pages(args: &ManArgs, command: Command) -> anyhow::Result<()> {
    // The printed page lists the commands that have pages of their own; `help` has none.
    let mut command = with_headings(command.disable_help_subcommand(true));
    command.build();
    let Some(folder) = &args.out else {
        let page = page(&command, &commands(&command)).context("cannot make the manual page")?;
        return print(&page);
    };
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {shown}"))?;
    write(&command, &commands(&command), folder).with_context(|| format!("cannot write to {shown}"))
}

/// The same command, with a heading for what it takes without a flag.
fn with_headings(command: Command) -> Command {
    let is_named = |argument: &Arg| argument.get_long().is_some() || argument.get_short().is_some();
    let command = command
        .mut_args(|argument| if is_named(&argument) { argument } else { argument.help_heading("Arguments") });
    command.mut_subcommands(with_headings)
}

/// Writes the page of a command and those of the commands below it. `others` are pages to see also.
fn write(command: &Command, others: &[String], folder: &Path) -> io::Result<()> {
    fs::write(folder.join(format!("{}.1", name(command))), page(command, others)?)?;
    let below = commands(command);
    for child in command.get_subcommands() {
        let beside = below.iter().filter(|other| **other != name(child)).cloned();
        let others: Vec<String> = [name(command)].into_iter().chain(beside).collect();
        let further: Vec<String> = commands(child).into_iter().chain(others).collect();
        write(child, &further, folder)?;
    }
    Ok(())
}

/// The page's name, such as `resecret-scan`.
fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

/// The pages of the commands below this one.
fn commands(command: &Command) -> Vec<String> {
    command.get_subcommands().map(name).collect()
}

/// One page: what `clap_mangen` makes of the command, then the help's last part in sections, and other pages.
fn page(command: &Command, others: &[String]) -> io::Result<Vec<u8>> {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let man = Man::new(command.clone().subcommand_help_heading("Commands").override_usage(usage))
        .source(concat!("resecret ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut rest = Roff::new();
    if let Some(help) = command.get_after_help() {
        last_part(&mut rest, &help.to_string());
    }
    rest.control("SH", ["SEE ALSO"]);
    let others: Vec<String> = others.iter().map(|other| format!("{other}(1)")).collect();
    rest.text([roman(others.join(", "))]);
    rest.to_writer(&mut text)?;
    // Each part begins with the same definition of an apostrophe.
    let definition = Roff::new().render();
    let text = String::from_utf8_lossy(&text).replace(&definition, "");
    Ok(format!("{definition}{text}").into_bytes())
}

/// The text behind the options: its two lists are sections, indented lines stay as they are.
fn last_part(roff: &mut Roff, help: &str) {
    let mut is_kept = false;
    for (number, line) in help.lines().enumerate() {
        let is_indented = line.starts_with(' ');
        if is_kept != is_indented {
            roff.control(if is_indented { "nf" } else { "fi" }, []);
            is_kept = is_indented;
        }
        match line {
            "Exit codes:" => roff.control("SH", ["EXIT STATUS"]),
            "Examples:" => roff.control("SH", ["EXAMPLES"]),
            "" => roff.control("PP", []),
            _ if number == 0 => roff.control("SH", ["NOTES"]).text([roman(line)]),
            _ => roff.text([roman(line)]),
        };
    }
    if is_kept {
        roff.control("fi", []);
    }
}
