use std::fs;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};

use crate::machine::repository;

static ROWS: Mutex<Vec<[String; 5]>> = Mutex::new(Vec::new());

const TITLES: [&str; 5] = ["scenario", "Helm", "done", "check said", "live"];

/// Adds a row.
pub(crate) fn add(row: [String; 5]) {
    ROWS.lock().unwrap_or_else(PoisonError::into_inner).push(row);
}

/// The page that has the rows of the guard.
const PAGE: &str = "docs/commands/guard.md";

/// The head of its table.
const HEAD: &str = "| done | Helm | what happens |\n| --- | --- | --- |\n";

/// Demands that the page of the guard says what has been seen, or with `RESECRET_UPDATE=1` writes its table; `whole` where
/// all scenarios of the guard have run.
pub(crate) fn compare_page(whole: bool) -> Result<()> {
    let rows = ROWS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let lines = lines(&rows);
    let path = repository(PAGE);
    let page = fs::read_to_string(&path)?;
    let (before, rest) = page.split_once(HEAD).with_context(|| format!("{PAGE} has no table"))?;
    let end = rest.find("\n\n").context("the table has an end")?;
    if whole && std::env::var("RESECRET_UPDATE").is_ok_and(|value| value == "1") {
        return Ok(fs::write(&path, format!("{before}{HEAD}{}{}", lines.join("\n"), &rest[end..]))?);
    }
    for line in &lines {
        ensure!(rest[..end].lines().any(|known| known == line), "{PAGE} does not say\n{line}");
    }
    if whole {
        for known in rest[..end].lines() {
            ensure!(lines.iter().any(|line| line == known), "{PAGE} says what no scenario has seen\n{known}");
        }
    }
    Ok(())
}

/// The rows of the guard for its page: what both majors of Helm have shown is one row.
fn lines(rows: &[[String; 5]]) -> Vec<String> {
    let mut rows: Vec<&[String; 5]> = rows.iter().filter(|row| row[0].starts_with("guard::")).collect();
    rows.sort_by(|a, b| a[..2].cmp(&b[..2]));
    let mut told: Vec<([&str; 2], Vec<&str>)> = Vec::new();
    for [_, helm, done, _, live] in rows {
        match told.iter_mut().find(|(row, _)| *row == [done, live]) {
            Some((_, helms)) => helms.push(helm),
            None => told.push(([done, live], vec![helm])),
        }
    }
    told.iter().map(|([done, live], helms)| format!("| {done} | {} | {live} |", helms.join(", "))).collect()
}

/// Prints all rows.
#[expect(clippy::print_stdout, reason = "the table is what this program is run for")]
pub(crate) fn print() {
    let mut rows = std::mem::take(&mut *ROWS.lock().unwrap_or_else(PoisonError::into_inner));
    if rows.is_empty() {
        return;
    }
    // Scenarios run side by side; within one, the order is that of what was done.
    rows.sort_by(|a, b| a[..2].cmp(&b[..2]));
    rows.insert(0, TITLES.map(str::to_owned));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..TITLES.len()).map(width).collect();
    println!();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}
