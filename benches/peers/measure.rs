use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
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
    /// Each median by itself.
    pub(crate) fn median(samples: &[Self]) -> Self {
        Self {
            wall: middle(samples.iter().map(|sample| sample.wall)),
            cpu: middle(samples.iter().map(|sample| sample.cpu)),
            memory: middle(samples.iter().map(|sample| sample.memory)),
        }
    }
}

fn middle<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort();
    values[values.len() / 2]
}

/// Runs a program on a file as its standard input; its output goes nowhere.
pub(crate) fn run(command: &mut Command, input: &Path) -> anyhow::Result<Sample> {
    let file = File::open(input).with_context(|| input.display().to_string())?;
    command.stdin(file);
    let start = Instant::now();
    let child = spawn(command)?;
    end(command, child, start)
}

/// Runs a program behind a pipe that a stream is written to as it is made.
pub(crate) fn run_behind(
    command: &mut Command,
    stream: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> anyhow::Result<Sample> {
    command.stdin(Stdio::piped());
    let start = Instant::now();
    let mut child = spawn(command)?;
    let mut pipe = child.stdin.take().context("standard input is a pipe")?;
    let writer = thread::spawn(move || stream(&mut pipe));
    let sample = end(command, child, start)?;
    writer.join().map_err(|_| anyhow!("the stream could not be made"))??;
    Ok(sample)
}

fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().with_context(|| format!("{command:?}"))
}

fn end(command: &Command, mut child: Child, start: Instant) -> anyhow::Result<Sample> {
    let mut report = child.stderr.take().context("standard error is a pipe")?;
    let text = io::read_to_string(&mut report)?;
    let used = child.wait4()?;
    let wall = start.elapsed();
    ensure!(used.status.success(), "{command:?} failed:\n{text}");
    Ok(Sample { wall, cpu: used.rusage.utime + used.rusage.stime, memory: used.rusage.maxrss })
}
