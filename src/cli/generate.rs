//! `resecret completions`: what shells and Helm complete, made from the definition of the command line.

use clap::{Command, ValueEnum};
use clap_complete::Shell;

use crate::cli::io::stdout::print;

pub(super) const COMPLETIONS_HELP: &str = "\
Examples:
  source <(resecret completions bash)
  resecret completions fish > ~/.config/fish/completions/resecret.fish

`completions helm` is the plugin's completion.yaml, by which Helm completes `helm resecret`.";

/// The arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: Completer,
}

/// Who completes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Completer {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
    Helm,
}

/// Prints a shell's completions of the command line that `command` defines.
pub(super) fn completions(args: &CompletionsArgs, mut command: Command) -> anyhow::Result<()> {
    let name = command.get_name().to_owned();
    // Generated into memory: the generator panics where it cannot write.
    let mut script = Vec::new();
    let shell = match args.shell {
        Completer::Bash => Shell::Bash,
        Completer::Elvish => Shell::Elvish,
        Completer::Fish => Shell::Fish,
        Completer::PowerShell => Shell::PowerShell,
        Completer::Zsh => Shell::Zsh,
        Completer::Helm => {
            command.build();
            return print(&for_helm(&command).into_bytes());
        }
    };
    clap_complete::generate(shell, &mut command, name, &mut script);
    if matches!(args.shell, Completer::Fish) {
        script.extend(fish_arguments(&command).into_bytes());
    }
    print(&script)
}

/// What fish completes of a command's arguments, which the generator leaves out.
fn fish_arguments(command: &Command) -> String {
    let name = command.get_name();
    let of = |inner: &Command| {
        let arguments = inner.get_positionals().flat_map(clap::Arg::get_possible_values);
        let words: Vec<String> = arguments.map(|value| value.get_name().to_owned()).collect();
        let condition = format!("__fish_{name}_using_subcommand {}", inner.get_name());
        (!words.is_empty())
            .then(|| format!("complete -c {name} -n \"{condition}\" -f -a \"{}\"\n", words.join(" ")))
    };
    command.get_subcommands().filter_map(of).collect()
}

/// What Helm completes for a plugin, in its format.
fn for_helm(command: &Command) -> String {
    let head = "# What `helm resecret` completes. Made by `resecret completions helm`.\n";
    format!("{head}name: {}\n{}", command.get_name(), node(command, ""))
}

/// Flags, arguments and commands of a command, each list on a line of its own.
fn node(command: &Command, indent: &str) -> String {
    let shown = || command.get_arguments().filter(|argument| !argument.is_hide_set());
    let flags = shown().flat_map(|argument| {
        let short = argument.get_short().map(|letter| letter.to_string());
        argument.get_long().map(str::to_owned).into_iter().chain(short)
    });
    let values = shown().filter(|argument| argument.is_positional());
    let values = values.flat_map(clap::Arg::get_possible_values);
    let values = values.map(|value| value.get_name().to_owned());
    let mut text = String::new();
    for (name, list) in [("flags", flags.collect::<Vec<_>>()), ("validArgs", values.collect())] {
        if !list.is_empty() {
            text += &format!("{indent}{name}: [{}]\n", list.join(", "));
        }
    }
    let commands: Vec<&Command> =
        command.get_subcommands().filter(|command| !command.is_hide_set()).collect();
    if !commands.is_empty() {
        text += &format!("{indent}commands:\n");
    }
    for command in commands {
        text += &format!("{indent}- name: {}\n{}", command.get_name(), node(command, &format!("{indent}  ")));
    }
    text
}
