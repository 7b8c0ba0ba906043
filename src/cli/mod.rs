//! The edge: arguments, files, environment, standard streams. Nothing else in the program touches them.

mod args;
mod check;
mod diff;
mod explain;
mod filter;
mod helm4;
mod keys;
mod kustomize;
mod manual;
mod patches;
mod places;
mod previous;
mod progress;
mod rules;
mod scan;
mod schema;
mod sinks;
mod sources;
mod whole;

use clap::Parser;

use self::args::{Args, Command, ReportArgs};
use self::sinks::Sinks;
use crate::exit::ExitStatus;

/// Reads the arguments and runs the command.
pub(crate) fn run() -> ExitStatus {
    let args = match parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            // Also a wrong flag must reach the person, who under Helm 4 never sees our standard error.
            Sinks::without_flags().complain(&error.to_string());
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
        None => reporting(&filter.report, |sinks| filter::run(&filter, sinks).map(done)),
        Some(Command::Filter(args)) => reporting(&args.report, |sinks| filter::run(&args, sinks).map(done)),
        Some(Command::Scan(args)) => reporting(&args.report(), |sinks| scan::run(&args, sinks)),
        Some(Command::Check(args)) => reporting(&args.report, |sinks| check::run(&args, sinks)),
        Some(Command::Diff(args)) => reporting(&args.report, |sinks| diff::run(&args, sinks)),
        Some(Command::Keys(args)) => reporting(&args.report, |sinks| keys::run(&args, sinks)),
        Some(Command::Patches(args)) => reporting(&args.report, |sinks| patches::run(&args, sinks)),
        Some(Command::Explain(args)) => plain(explain::run(&args)),
        Some(Command::Kustomize(command)) => plain(kustomize::run(command)),
        Some(Command::Schema) => plain(schema::run()),
        Some(Command::Completions(shell)) => plain(manual::completions(&shell)),
        Some(Command::Man(args)) => plain(manual::pages(&args)),
    }
}

fn parse() -> Result<Args, clap::Error> {
    let args = Args::try_parse()?;
    match &args.command {
        None => args.filter.check()?,
        Some(Command::Filter(filter)) => filter.check()?,
        Some(_) => {}
    }
    Ok(args)
}

/// How a command ends that went through.
fn done((): ()) -> ExitStatus {
    ExitStatus::Success
}

/// Ends a command that has nothing to report but errors.
fn plain(result: anyhow::Result<()>) -> ExitStatus {
    finish(result.map(done), &Sinks::default())
}

/// Runs a command that reports as its flags say.
fn reporting(args: &ReportArgs, command: impl FnOnce(&Sinks) -> anyhow::Result<ExitStatus>) -> ExitStatus {
    match Sinks::open(args) {
        Ok(sinks) => finish(command(&sinks), &sinks),
        Err(error) => {
            Sinks::default().complain(&format!("error: {error:#}\n"));
            ExitStatus::Error
        }
    }
}

fn finish(result: anyhow::Result<ExitStatus>, sinks: &Sinks) -> ExitStatus {
    result.unwrap_or_else(|error| {
        sinks.failure(&error);
        ExitStatus::Error
    })
}
