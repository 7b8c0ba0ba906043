use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use wait4::Wait4;

/// What a run of a program took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// From start to end.
    pub(crate) wall: Duration,
    /// Processor time of the program and the system for it.
    pub(crate) cpu: Duration,
    /// The largest resident set, in bytes. A child begins with what this process has, so this process stays small.
    pub(crate) memory: u64,
}

impl Sample {
    /// The least of both, of each by itself: other work on the machine only ever adds to it.
    #[must_use]
    pub(crate) fn least(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            memory: self.memory.min(other.memory),
        }
    }
}

/// Runs a program on a file as its standard input, until it ends with this exit code; its output goes nowhere.
pub(crate) fn run(command: &mut Command, input: &Path, code: i32) -> anyhow::Result<Sample> {
    let file = File::open(input).with_context(|| input.display().to_string())?;
    command.stdin(file);
    let start = Instant::now();
    let child = spawn(command)?;
    end(command, child, start, code)
}

/// Starts a program whose standard input is set; its output goes nowhere.
pub(crate) fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().with_context(|| format!("{command:?}"))
}

/// Waits for a program's end with this exit code.
pub(crate) fn end(command: &Command, mut child: Child, start: Instant, code: i32) -> anyhow::Result<Sample> {
    let mut report = child.stderr.take().context("standard error is a pipe")?;
    let text = io::read_to_string(&mut report)?;
    let used = child.wait4()?;
    let wall = start.elapsed();
    ensure!(used.status.code() == Some(code), "{command:?} ended with {:?}:\n{text}", used.status);
    Ok(Sample { wall, cpu: used.rusage.utime + used.rusage.stime, memory: used.rusage.maxrss })
}
