//! The edge: arguments, files, environment, standard streams. Nothing else in the program touches them.

mod args;
mod explain;
mod filter;
mod helm4;
mod manual;
mod schema;
mod sinks;

use clap::Parser;

use self::args::{Args, Command};
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
        Some(Command::Explain(explain)) => return finish(explain::run(&explain), &Sinks::default()),
        Some(Command::Schema) => return finish(schema::run(), &Sinks::default()),
        Some(Command::Completions(shell)) => return finish(manual::completions(&shell), &Sinks::default()),
        Some(Command::Man(man)) => return finish(manual::pages(&man), &Sinks::default()),
        None => filter,
    };
    let sinks = match Sinks::open(&filter.report) {
        Ok(sinks) => sinks,
        Err(error) => {
            Sinks::default().complain(&format!("error: {error:#}\n"));
            return ExitStatus::Error;
        }
    };
    finish(filter::run(&filter, &sinks), &sinks)
}

fn finish(result: anyhow::Result<()>, sinks: &Sinks) -> ExitStatus {
    match result {
        Ok(()) => ExitStatus::Success,
        Err(error) => {
            sinks.failure(&error);
            ExitStatus::Error
        }
    }
}
