use std::fs;
use std::sync::Mutex;

use anyhow::{Context as _, Result, ensure};

use crate::machine::repository;

/// The page with the table of what the tests run.
const PAGE: &str = "examples/README.md";

/// The trials run side by side, and each has a cell of one file.
static GUARD: Mutex<()> = Mutex::new(());

/// Demands that the row of an example says this in a column, the first being its name. With `RESECRET_UPDATE=1`
/// the cell is written instead.
pub(crate) fn is_in_the_table(example: &str, column: usize, cell: &str) -> Result<()> {
    let _guard = GUARD.lock();
    let path = repository(PAGE);
    let page = fs::read_to_string(&path)?;
    let begins = format!("| {example} |");
    let row = page.lines().find(|line| line.starts_with(&begins));
    let row = row.with_context(|| format!("{PAGE} has no row `{begins}`"))?;
    let mut cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
    let old = cells.get_mut(column).with_context(|| format!("{PAGE}: no column {column} in {row}"))?;
    if *old == cell {
        return Ok(());
    }
    ensure!(
        std::env::var("RESECRET_UPDATE").is_ok_and(|value| value == "1"),
        "{PAGE} says `{old}` of {example}, and it is `{cell}`; RESECRET_UPDATE=1 writes it"
    );
    *old = cell;
    Ok(fs::write(&path, page.replace(row, &format!("| {} |", cells.join(" | "))))?)
}
