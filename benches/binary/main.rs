//! The released program: its size, its start, what takes the room, and what other ways to build it would give.
//!
//! `just binary` runs it and writes the tables of `docs/binary.md`. Every way to build is built (which takes its time, once) and all are
//! measured in turns; the fastest run counts. Words as arguments leave out the builds whose names
//! hold none of them.
#![allow(clippy::print_stdout)] // A benchmark is there to print.

/// Ways to build the program.
mod builds;
/// What takes the room.
mod room;

#[path = "../peers/measure.rs"]
mod measure;
#[path = "../peers/page.rs"]
mod page;
#[path = "../peers/streams.rs"]
#[expect(dead_code, reason = "every document here is one that rules touch")]
mod streams;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use self::builds::Build;
use self::measure::Sample;

/// How often each program runs; the fastest run counts.
const TURNS: usize = 40;
/// The same for the large stream.
const TURNS_LARGE: usize = 5;

/// A program in all that it is measured at.
struct Program {
    name: String,
    path: PathBuf,
    size: u64,
    /// `--version`, a stream of one document, the render of one release, and many of them.
    samples: [Option<Sample>; 4],
    /// Instructions for one release, where valgrind is there to count them.
    instructions: Option<u64>,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("measures nothing as a test: `just binary` does");
        return Ok(());
    }
    let wanted: Vec<String> = arguments.into_iter().filter(|word| !word.starts_with("--")).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().context("a folder for the streams")?;
    let render = streams::render()?;
    println!("render: {} ({} bytes)", render.origin, render.text.len());
    let document = "kind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, env: [{name: SALT, value: x}]}]}\n";
    let inputs = [
        streams::write(folder.path(), "nothing", 0, |_| Ok(()))?,
        streams::write(folder.path(), "one document", 0, |file| {
            std::io::Write::write_all(file, document.as_bytes())
        })?,
        streams::releases(folder.path(), &render, 1)?,
        streams::releases(folder.path(), &render, 160)?,
    ];
    let mut programs = vec![Program::new("/bin/true", "/bin/true".into())?];
    for build in Build::all(root)?.into_iter().filter(|build| wanted.is_empty() || build.is_one_of(&wanted)) {
        println!("building: {}", build.name);
        programs.push(Program::new(&build.name, build.run(root)?)?);
    }
    for (position, input) in inputs.iter().enumerate() {
        let turns = if position == 3 { TURNS_LARGE } else { TURNS };
        for _ in 0..turns {
            for program in programs.iter_mut().filter(|program| position < 3 || program.is_ours()) {
                let sample = measure::run(&mut program.command(position), &input.path, 0)?;
                let least = program.samples[position].map_or(sample, |least| least.least(sample));
                program.samples[position] = Some(least);
            }
        }
    }
    for program in programs.iter_mut().filter(|program| program.is_ours()) {
        program.instructions = instructions(&program.command(2), &inputs[2].path)?;
    }
    let tables = [("start", start(&programs, root)?), ("builds", table(&programs, inputs[3].bytes))];
    for (name, table) in &tables {
        println!("\n{name}\n\n{table}");
    }
    let room = room::table(root)?;
    println!("\nroom\n\n{room}");
    page::put("binary.md", &[tables.to_vec(), vec![("room", room)]].concat())
}

impl Program {
    fn new(name: &str, path: PathBuf) -> anyhow::Result<Self> {
        let size = path.metadata().with_context(|| path.display().to_string())?.len();
        Ok(Self { name: name.to_owned(), path, size, samples: [None; 4], instructions: None })
    }

    fn is_ours(&self) -> bool {
        self.name != "/bin/true"
    }

    fn command(&self, input: usize) -> Command {
        let mut command = Command::new(&self.path);
        if input == 0 {
            command.arg("--version");
        } else {
            command.args(["--quiet", "--preset", "langfuse", "--to", "langfuse-vault", "--allow-unmatched"]);
        }
        command
    }

    fn wall(&self, input: usize) -> f64 {
        self.samples[input].map_or(f64::NAN, |sample| sample.wall.as_secs_f64())
    }
}

/// The program as released, against the least that a process can take.
fn start(programs: &[Program], root: &Path) -> anyhow::Result<String> {
    let [least, ours, ..] = programs else { return Ok(String::new()) };
    let mut text = "| the program as released | |\n| --- | ---: |\n".to_owned();
    text += &format!("| size | {:.2} MB |\n", megabytes(ours.size));
    text += &format!("| crates in it, its own included | {} |\n", room::crates(root)?);
    for (input, what) in ["`resecret --version`", "the filter on one document", "the filter on one release"]
        .into_iter()
        .enumerate()
    {
        text += &format!("| {what} | {:.2} ms |\n", ours.wall(input) * 1e3);
    }
    text += &format!("| `/bin/true`, for comparison | {:.2} ms |\n", least.wall(0) * 1e3);
    Ok(text)
}

/// All builds beside each other.
fn table(programs: &[Program], large: u64) -> String {
    let mut text = "| build | size | `--version` | one release | its instructions | a stream of 10 MB |\n| --- | ---: | ---: | ---: | ---: | ---: |\n".to_owned();
    for program in programs.iter().filter(|program| program.is_ours()) {
        #[allow(clippy::cast_precision_loss)] // Below a billion.
        let count = program
            .instructions
            .map_or_else(|| "not counted".to_owned(), |count| format!("{:.1} million", count as f64 / 1e6));
        text += &format!(
            "| {} | {:.2} MB | {:.2} ms | {:.2} ms | {count} | {:.0} ms, {:.0} MB/s |\n",
            program.name,
            megabytes(program.size),
            program.wall(0) * 1e3,
            program.wall(2) * 1e3,
            program.wall(3) * 1e3,
            megabytes(large) / program.wall(3),
        );
    }
    text
}

/// Counts instructions with valgrind, on which no other work on the machine has an influence; `None` without it.
fn instructions(command: &Command, input: &Path) -> anyhow::Result<Option<u64>> {
    let file = std::fs::File::open(input)?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    valgrind.arg(command.get_program()).args(command.get_args()).stdin(file);
    let Ok(output) = valgrind.output() else { return Ok(None) };
    let report = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "valgrind failed:\n{report}");
    // `==1234== I   refs:      22,484,842`
    let count = report.lines().find_map(|line| line.split_once("refs:")).map(|(_, count)| count);
    Ok(count.and_then(|count| count.trim().replace(',', "").parse().ok()))
}

#[allow(clippy::cast_precision_loss)] // Bytes of a file.
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
