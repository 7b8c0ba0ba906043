//! The program as it is run: its own binary, and invariants of the repository.

/// `resecret adopt`: the first upgrade of a live release as a script.
mod adopt;
/// `--again`: what changes on every render.
mod again;
/// The bar of the benchmark: what is good enough, and what fails it.
mod bar;
/// No secret value on standard error, in a log, or on standard output when the run fails.
mod canary;
/// `check`: findings without output.
mod check;
/// Flags, exit codes, standard streams: what a user meets.
mod cli;
/// `diff`: changes without values.
mod diff;
/// Where the fixtures are.
#[path = "../support/fixture_folders.rs"]
mod fixture_folders;
/// All or nothing where a stream, a log, a link or a name is not as it should be.
mod edges;
/// What is made from definitions: JSON Schema, completions, manual pages, the README's usage.
mod generated;
/// `resecret guard`: policies of the API server.
mod guard;
/// A run of the program in a folder and an environment of its own.
mod harness;
/// `--previous`: what the next upgrade would lose.
mod hazards;
/// Who imports whom in `src`.
mod imports;
/// `resecret keys`: what vaulted Secrets must hold, and whether existing ones do.
mod keys;
/// Kustomize: its exec plugin, and the configuration that it hands over.
mod kustomize;
/// The pages: their list, links, words, and what they show of the examples.
mod pages;
/// `resecret patches`: the run as data.
mod patches;
/// The pictures of the pages: what a terminal shows, and the flow.
mod pictures;
/// What the README shows of the program.
mod readme;
/// `scan`: what a render holds, and the configuration that is proposed for it.
mod scan;
/// `--stream`: what is written before the end, what is said of it, and memory.
mod stream;
/// Invariants of the repository that are cheap to check.
mod tidy;
