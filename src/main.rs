//! The program: arguments in, exit code out.

mod cli;
mod exit;

use std::process::ExitCode;

/// Of the static program for Linux: musl's own allocator takes as long as all the rest.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    cli::run().into()
}
