//! The edge: arguments, files, environment, standard streams. Nothing else in the program touches them.

mod args;
mod explain;
mod filter;
mod helm4;
mod input;
mod keys;
mod kustomize;
mod manual;
mod patches;
mod schema;
mod sinks;

use clap::Parser;

use self::args::{Args, Command, ReportArgs};
use self::sinks::Sinks;
use crate::exit::ExitStatus;

/// Reads the arguments and runs the command.
pub(crate) fn run() -> ExitStatus {
    let args = match Args::try_parse() {
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
    let filter = match command {
        Some(Command::Filter(filter)) => *filter,
        Some(Command::Keys(keys)) => return reporting(&keys.report, |sinks| keys::run(&keys, sinks)),
        Some(Command::Patches(patches)) => {
            return reporting(&patches.report, |sinks| patches::run(&patches, sinks));
        }
        Some(Command::Explain(explain)) => return plain(explain::run(&explain)),
        Some(Command::Kustomize(command)) => return plain(kustomize::run(command)),
        Some(Command::Schema) => return plain(schema::run()),
        Some(Command::Completions(shell)) => return plain(manual::completions(&shell)),
        Some(Command::Man(man)) => return plain(manual::pages(&man)),
        None => filter,
    };
    reporting(&filter.report, |sinks| filter::run(&filter, sinks).map(|()| ExitStatus::Success))
}

/// Runs a command that reports as its flags say.
fn reporting(report: &ReportArgs, command: impl FnOnce(&Sinks) -> anyhow::Result<ExitStatus>) -> ExitStatus {
    match Sinks::open(report) {
        Ok(sinks) => finish(command(&sinks), &sinks),
        Err(error) => {
            Sinks::default().complain(&format!("error: {error:#}\n"));
            ExitStatus::Error
        }
    }
}

/// Ends a command that has nothing to report but errors.
fn plain(result: anyhow::Result<()>) -> ExitStatus {
    finish(result.map(|()| ExitStatus::Success), &Sinks::default())
}

fn finish(result: anyhow::Result<ExitStatus>, sinks: &Sinks) -> ExitStatus {
    match result {
        Ok(status) => status,
        Err(error) => {
            sinks.failure(&error);
            ExitStatus::Error
        }
    }
}
