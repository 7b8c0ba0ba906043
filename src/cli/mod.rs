//! The edge: arguments, files, environment, standard streams. Nothing else in the program touches them.

mod adopt;
mod again;
mod args;
mod check;
mod diff;
mod exit;
mod explain;
mod filter;
mod flags;
mod generate;
mod guard;
mod io;
mod keys;
mod known;
mod kustomize;
mod load_config;
mod man;
mod patches;
mod previous;
mod scan;
mod schema;

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use crate::cli::args::{Args, Command};
use crate::cli::exit::ExitStatus;
use crate::cli::filter::is_like_a_command;
use crate::cli::flags::ReportArgs;
use crate::cli::io::reporter::Reporter;

/// Reads the arguments and runs the command.
pub(crate) fn run() -> ExitStatus {
    let args = match parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            // Also a wrong flag must reach the person, who under Helm 4 never sees our standard error.
            Reporter::without_flags().complain(&error.to_string());
            return ExitStatus::Error;
        }
        Err(help) => {
            // `--help` and `--version`; if standard output is closed there is nobody to tell.
            let _ = help.print();
            return ExitStatus::Success;
        }
    };
    let Args { command, filter } = args;
    match command {
        None => reporting(&filter.report, |reporter| filter::run(&filter, reporter).map(done)),
        Some(Command::Filter(args)) => {
            reporting(&args.report, |reporter| filter::run(&args, reporter).map(done))
        }
        Some(Command::Scan(args)) => reporting(&args.report(), |reporter| scan::run(&args, reporter)),
        Some(Command::Check(args)) => reporting(&args.report, |reporter| check::run(&args, reporter)),
        Some(Command::Diff(args)) => reporting(&args.report, |reporter| diff::run(&args, reporter)),
        Some(Command::Keys(args)) => reporting(&args.report, |reporter| keys::run(&args, reporter)),
        Some(Command::Patches(args)) => reporting(&args.report, |reporter| patches::run(&args, reporter)),
        Some(Command::Guard(args)) => reporting(&args.report, |reporter| guard::run(&args, reporter)),
        Some(Command::Adopt(args)) => reporting(&args.report, |reporter| adopt::run(&args, reporter)),
        Some(Command::Explain(args)) => plain(explain::run(&args)),
        Some(Command::Kustomize(command)) => plain(kustomize::run(command)),
        Some(Command::Schema) => plain(schema::run()),
        Some(Command::Completions(shell)) => plain(generate::completions(&shell, Args::command())),
        Some(Command::Man(args)) => plain(man::pages(&args, Args::command())),
    }
}

fn parse() -> Result<Args, clap::Error> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let args = Args::try_parse_from(&words).or_else(|error| as_meant(&words, error))?;
    let filter = match &args.command {
        None => &args.filter,
        Some(Command::Filter(filter)) => filter,
        Some(_) => return Ok(args),
    };
    if let Some(word) = filter.unknown_command() {
        return command_first(&words)
            .unwrap_or_else(|| Err(Args::command().error(ErrorKind::InvalidSubcommand, unrecognized(word))));
    }
    if let Some(message) = filter.conflict() {
        return Err(Args::command().error(ErrorKind::ArgumentConflict, message));
    }
    Ok(args)
}

/// The arguments once more, where flags or a file came before another word.
///
/// # Errors
///
/// What is wrong with them, in words about commands and files.
fn as_meant(words: &[OsString], error: clap::Error) -> Result<Args, clap::Error> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return Err(error);
    };
    if let Some(args) = command_first(words) {
        return args;
    }
    let message = match words.get(1).and_then(|word| word.to_str()) {
        Some(first) if is_like_a_command(Path::new(first)) => unrecognized(first),
        _ => format!("a run filters one stream, and `{word}` is one more: `cat FILES | resecret`"),
    };
    Err(Args::command().error(ErrorKind::InvalidSubcommand, message))
}

/// The arguments with the first word that is a command before its flags (`resecret -q check`); `None` where there is none.
fn command_first(words: &[OsString]) -> Option<Result<Args, clap::Error>> {
    let commands = Args::command();
    let place = words.iter().skip(1).position(|word| commands.find_subcommand(word).is_some())? + 1;
    let mut words = words.to_vec();
    words[1..=place].rotate_right(1);
    (place > 1).then(|| Args::try_parse_from(&words))
}

/// What to say of a word that is no command, with the command that is spelled most like it.
fn unrecognized(word: &str) -> String {
    let commands = Args::command();
    let similarity = |name: &str| strsim::jaro_winkler(name, word);
    let names = commands.get_subcommands().map(clap::Command::get_name);
    let near = names.max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    match near.filter(|near| similarity(near) > 0.75) {
        Some(near) => format!("unrecognized command `{word}`, did you mean `{near}`?"),
        None => format!("unrecognized command `{word}`"),
    }
}

/// How a command ends that went through.
fn done((): ()) -> ExitStatus {
    ExitStatus::Success
}

/// Ends a command that has nothing to report but errors.
fn plain(result: anyhow::Result<()>) -> ExitStatus {
    finish(result.map(done), &Reporter::default())
}

/// Runs a command that reports as its flags say.
fn reporting(args: &ReportArgs, command: impl FnOnce(&Reporter) -> anyhow::Result<ExitStatus>) -> ExitStatus {
    match Reporter::open(args) {
        Ok(reporter) => finish(command(&reporter), &reporter),
        Err(error) => {
            Reporter::default().failure(&error);
            ExitStatus::Error
        }
    }
}

fn finish(result: anyhow::Result<ExitStatus>, reporter: &Reporter) -> ExitStatus {
    let failed = |error| {
        reporter.failure(&error);
        ExitStatus::Error
    };
    let status = result.unwrap_or_else(failed);
    reporter.check_log().map_or_else(failed, |()| status)
}
