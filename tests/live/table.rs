use std::sync::{Mutex, PoisonError};

static ROWS: Mutex<Vec<[String; 5]>> = Mutex::new(Vec::new());

const TITLES: [&str; 5] = ["scenario", "Helm", "done", "check said", "live"];

/// Adds a row.
pub(crate) fn add(row: [String; 5]) {
    ROWS.lock().unwrap_or_else(PoisonError::into_inner).push(row);
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
