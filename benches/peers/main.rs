//! Speed, memory and growth, side by side with programs that could do the same job.
//!
//! `just bench` runs it. All programs are measured in one run, in turns, so that what slows the machine down slows all of
//! them down: read the ratios, not the times. Instructions do not depend on the machine's other work: where valgrind is
//! there they are counted too. `--quick` removes the large streams, and counts instructions for growth too; `--check` fails
//! where a target is missed by more than its bar allows or growth is not linear, in two runs one after the other;
//! `--only-stream` prints what `--stream` takes, and measures nothing else.
#![allow(clippy::print_stdout, clippy::print_stderr)] // A benchmark is there to print.

/// The result as a picture.
mod chart;
/// How one program's effort grows with the size of one thing in a stream.
mod growth;
/// A child process: time, processor time, memory.
mod measure;
/// What a document takes that is edited.
mod memory;
/// The pages that tables are put into.
mod page;
/// Tables and files.
mod report;
/// What was measured, and how far that is from what is wanted.
mod results;
/// The streams that are measured.
mod streams;
/// The programs, and how each is told to do the job.
mod tools;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::Context;

use self::results::{Count, Results, Row};
use self::streams::Render;
use self::tools::Tool;

/// Releases per stream. The render of one has some 64 KB where the corpus is there, 7 KB otherwise.
const RELEASES: [usize; 4] = [1, 16, 160, 800];
/// How often each program runs on a stream; the fastest run counts.
const TURNS: u32 = 7;
/// What goes through `--stream`.
const STREAMED: usize = 1 << 30;
/// Kustomize needs minutes above this.
const KUSTOMIZE_LIMIT: u64 = 2_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, code, program, rest @ ..] = arguments.as_slice()
        && flag == tools::PEAK
    {
        return print_peak(code, program, rest);
    }
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if !has("--bench") {
        println!("measures nothing as a test: `just bench` does");
        return ExitCode::SUCCESS;
    }
    let result = if has("--only-stream") {
        only_streamed(has("--quick"))
    } else {
        run(has("--quick"), has("--check"))
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a program on standard input and prints its peak memory, for [`Tool::peak`].
fn print_peak(code: &str, program: &str, arguments: &[String]) -> ExitCode {
    let mut command = Command::new(program);
    let mut run = || {
        let child = measure::spawn(command.args(arguments))?;
        measure::end(&command, child, Instant::now(), code.parse()?)
    };
    match run() {
        Ok(sample) => println!("{}", sample.memory),
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Measures all; whether that is good enough, where it was asked.
fn run(quick: bool, check: bool) -> anyhow::Result<bool> {
    let render = streams::render()?;
    println!("render: {} ({} bytes)", render.origin, render.text.len());
    let mut results = measure(&render, quick)?;
    if check && !is_good_enough(&results) {
        println!("measured once more, in case that something else kept the machine busy");
        results = measure(&render, quick)?;
    }
    println!("{}", report::table(&render, &results));
    if !quick {
        report::write(&render, &results)?;
    }
    Ok(!check || is_good_enough(&results))
}

/// Says what fails the check, if anything does.
fn is_good_enough(results: &Results) -> bool {
    let poor = results.poor();
    for line in &poor {
        println!("{line}");
    }
    poor.is_empty()
}

fn measure(render: &Render, quick: bool) -> anyhow::Result<Results> {
    let folder = tempfile::tempdir().context("a folder for the streams")?;
    let folder = folder.path();
    let mut rows = Vec::new();
    for releases in RELEASES.into_iter().filter(|releases| !quick || *releases <= 160) {
        let stream = streams::releases(folder, render, releases)?;
        rows.extend(compare(&Tool::all(&stream, folder)?, &stream)?);
    }
    let counts = count(folder, render)?;
    let untouched = streams::untouched(folder, if quick { 64 << 20 } else { 512 << 20 })?;
    let untouched = compare(&Tool::plain(), &untouched)?;
    let largest_document = render.largest_document() as u64;
    let streamed = vec![streamed(render, quick)?];
    Ok(Results {
        rows,
        counts,
        untouched,
        streamed,
        largest_document,
        growth: growth::all(folder, render, quick)?,
        memory: memory::all(folder, &growth::rules(folder)?)?,
    })
}

/// Counts instructions on streams that are long enough for that.
fn count(folder: &Path, render: &Render) -> anyhow::Result<Vec<Count>> {
    let mut counts = Vec::new();
    let streams = [
        streams::releases(folder, render, 1)?,
        streams::releases(folder, render, 16)?,
        streams::untouched(folder, 8 << 20)?,
    ];
    for stream in streams {
        let Some(instructions) = Tool::ours().instructions(&stream.path)? else {
            println!("skipped the instructions: valgrind is missing");
            break;
        };
        counts.push(Count { stream: stream.name, bytes: stream.bytes, instructions });
    }
    Ok(counts)
}

/// Measures `--stream` alone, and writes nothing.
fn only_streamed(quick: bool) -> anyhow::Result<bool> {
    let render = streams::render()?;
    let streamed = vec![streamed(&render, quick)?];
    let largest_document = render.largest_document() as u64;
    let results = Results { streamed, largest_document, ..Results::default() };
    println!("{}", report::table(&render, &results));
    Ok(true)
}

/// A stream of releases through a pipe, once: it is as long as many.
fn streamed(render: &Render, quick: bool) -> anyhow::Result<Row> {
    let bytes = if quick { STREAMED / 16 } else { STREAMED };
    let releases = bytes / render.text.len();
    let tool = Tool::streaming();
    let sample = tool.run_behind(render, releases)?;
    let stream = format!("{releases} releases through a pipe");
    Ok(Row { tool: tool.name, stream, bytes: (releases * render.text.len()) as u64, sample })
}

/// Runs the programs in turns on one stream.
fn compare(tools: &[Tool], stream: &streams::Stream) -> anyhow::Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for tool in tools {
        let sample = tool.run(&stream.path)?;
        rows.push(Row { tool: tool.name, stream: stream.name.clone(), bytes: stream.bytes, sample });
    }
    let turns = if stream.bytes > 50_000_000 { 3 } else { TURNS };
    for turn in 1..turns {
        // What is slow has said enough by its first runs.
        let goes_on = |row: &Row| f64::from(turn) * row.wall() < 5.0;
        for (tool, row) in tools.iter().zip(&mut rows).filter(|(_, row)| goes_on(row)) {
            row.sample = row.sample.least(tool.run(&stream.path)?);
        }
    }
    Ok(rows)
}
