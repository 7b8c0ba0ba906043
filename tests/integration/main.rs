//! The program as it is run: its own binary, and invariants of the repository.

/// No secret value on standard error, in a log, or on standard output when the run fails.
mod canary;
/// `check`: findings without output.
mod check;
/// Flags, exit codes, standard streams: what a user meets.
mod cli;
/// `diff`: changes without values.
mod diff;
/// A run of the program in a folder and an environment of its own.
mod harness;
/// `--previous`: what the next upgrade would lose.
mod hazards;
/// Invariants of the repository that are cheap to check.
mod tidy;
