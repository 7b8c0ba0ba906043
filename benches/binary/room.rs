use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::builds;

/// Rows of the table.
const ROWS: usize = 16;
/// The crates of the standard library.
const STANDARD: [&str; 9] = [
    "std",
    "core",
    "alloc",
    "hashbrown",
    "compiler_builtins",
    "gimli",
    "addr2line",
    "rustc_demangle",
    "miniz_oxide",
];

/// The crates in the program, its own included.
pub(crate) fn crates(root: &Path) -> anyhow::Result<usize> {
    let text = output(
        Command::new(env!("CARGO")).args(["tree", "--locked", "--edges", "normal", "--prefix", "none"]),
        root,
    )?;
    let names: BTreeSet<&str> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    Ok(names.len())
}

/// Machine code by crate, and the sections; needs `nm` and `size`.
pub(crate) fn table(root: &Path) -> anyhow::Result<String> {
    let folder = builds::folder(root);
    // Only the last step again: the same program with its symbols.
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["rustc", "--quiet", "--release", "--locked", "--bin", "resecret", "--", "-C", "strip=none"]);
    output(cargo.env("CARGO_TARGET_DIR", &folder), root)?;
    let program = folder.join("release/resecret");
    let symbols = output(Command::new("nm").args(["--print-size", "--demangle"]).arg(&program), root)?;
    let mut room: BTreeMap<&str, u64> = BTreeMap::new();
    for (owner, size) in symbols.lines().filter_map(code) {
        *room.entry(owner).or_default() += size;
    }
    let total: u64 = room.values().sum();
    let mut room: Vec<(&str, u64)> = room.into_iter().collect();
    room.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let rest: u64 = room.iter().skip(ROWS).map(|(_, size)| size).sum();
    room.truncate(ROWS);
    let mut text = "| machine code of | size | share |\n| --- | ---: | ---: |\n".to_owned();
    for (name, size) in room.into_iter().chain([("the others", rest), ("all", total)]) {
        text += &format!("| {name} | {} KB | {} % |\n", size / 1000, size * 100 / total.max(1));
    }
    text += "\n| section | size |\n| --- | ---: |\n";
    for line in output(Command::new("size").arg("--format=sysv").arg(&program), root)?.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(Ok(size))) = (words.next(), words.next().map(str::parse::<u64>))
            && name.starts_with('.')
            && !name.starts_with(".debug")
            && size >= 10_000
        {
            text += &format!("| `{name}` | {} KB |\n", size / 1000);
        }
    }
    Ok(text)
}

/// The crate and size of a function, from a line of `nm`: address, size, kind, name.
fn code(line: &str) -> Option<(&str, u64)> {
    let (_, rest) = line.split_once(' ')?;
    let (size, rest) = rest.split_once(' ')?;
    let name = rest.strip_prefix("t ").or_else(|| rest.strip_prefix("T "))?;
    let size = u64::from_str_radix(size, 16).ok()?;
    let path = name.trim_start_matches(['<', '&', '*', '[', '(']);
    let path = ["mut ", "const ", "dyn "].iter().fold(path, |path, word| path.trim_start_matches(word));
    let Some((owner, _)) = path.split_once("::") else { return Some(("no crate", size)) };
    // `<T as core::…>` is an instance of the trait's own code.
    let owner = owner.rsplit([' ', '<']).next().unwrap_or(owner).trim_end_matches('>');
    Some((if STANDARD.contains(&owner) { "the standard library" } else { owner }, size))
}

fn output(command: &mut Command, root: &Path) -> anyhow::Result<String> {
    let output = command.current_dir(root).output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
