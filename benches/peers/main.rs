//! Speed, memory and growth, side by side with programs that could do the same job.
//!
//! `just bench` runs it. All programs are measured in one run, in turns, so that what slows the machine down slows all of
//! them down: read the ratios, not the times. `--quick` leaves out the large streams; `--check` fails where a ratio falls
//! below half of its target; `--only-stream` prints what `--stream` takes, and measures nothing else.
#![allow(clippy::print_stdout)] // A benchmark is there to print.

/// The result as a picture.
mod chart;
/// How one program's effort grows with the size of one thing in a stream.
mod growth;
/// A child process: time, processor time, memory.
mod measure;
/// Tables and files.
mod report;
/// The streams that are measured.
mod streams;
/// The programs, and how each is told to do the job.
mod tools;

use std::process::ExitCode;

use anyhow::Context;

use self::measure::Sample;
use self::report::{Report, Row};
use self::streams::Render;
use self::tools::Tool;

/// Releases per stream. The render of one has some 64 KB where the corpus is there, 7 KB otherwise.
const RELEASES: [usize; 4] = [1, 16, 160, 800];
/// How often each program runs on a stream; the median counts.
const TURNS: usize = 7;
/// What goes through `--stream`.
const STREAMED: usize = 1 << 30;
/// Kustomize needs minutes above this.
const KUSTOMIZE_LIMIT: u64 = 2_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let result =
        if has("--only-stream") { stream(has("--quick")) } else { run(has("--quick"), has("--check")) };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures all; whether every ratio is good enough, where that was asked.
fn run(quick: bool, check: bool) -> anyhow::Result<bool> {
    let folder = tempfile::tempdir().context("a folder for the streams")?;
    let render = streams::render()?;
    println!("render: {} ({} bytes)", render.origin, render.text.len());
    let mut report = Report::new(&render);
    for releases in RELEASES.into_iter().filter(|releases| !quick || *releases <= 160) {
        let stream = streams::releases(folder.path(), &render, releases)?;
        let tools = Tool::all(&stream, folder.path())?;
        for row in compare(&tools, &stream)? {
            report.push(row);
        }
    }
    let untouched = streams::untouched(folder.path(), if quick { 64 << 20 } else { 512 << 20 })?;
    report.untouched = Some(compare(&Tool::plain(), &untouched)?);
    for growth in growth::all(folder.path(), quick)? {
        report.growth.push(growth);
    }
    report.streamed = Some(streamed(&render, quick)?);
    println!("{}", report.table());
    if !quick {
        report.write()?;
    }
    Ok(!check || report.is_good_enough())
}

/// Measures `--stream` alone, and writes nothing.
fn stream(quick: bool) -> anyhow::Result<bool> {
    let render = streams::render()?;
    let mut report = Report::new(&render);
    report.streamed = Some(streamed(&render, quick)?);
    println!("{}", report.table());
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
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); tools.len()];
    let turns = if stream.bytes > 50_000_000 { 3 } else { TURNS };
    for turn in 0..turns {
        for (tool, samples) in tools.iter().zip(&mut samples) {
            // A slow peer on a large stream has said enough by its first run.
            let slow = samples.first().is_some_and(|sample| sample.wall.as_secs() >= 10);
            if turn == 0 || !slow {
                samples.push(tool.run(&stream.path)?);
            }
        }
    }
    let row = |(tool, samples): (&Tool, &Vec<Sample>)| Row {
        tool: tool.name,
        stream: stream.name.clone(),
        bytes: stream.bytes,
        sample: Sample::median(samples),
    };
    Ok(tools.iter().zip(&samples).map(row).collect())
}
