//! Prints what differs between two renders as a table.

use std::fmt;

use crate::analysis::again::Changes;
use crate::analysis::again::change::RenderChange;
use crate::diagnostics::ObjectRef;
use crate::yaml::scalar::one_line;

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = ["GENERATED", "CHANGES ELSEWHERE"];
        let tables = titles.into_iter().zip(self.parts()).filter(|(_, part)| !part.is_empty());
        let tables: Vec<String> = tables.map(|(title, part)| table(title, &part)).collect();
        f.write_str(&tables.join("\n"))
    }
}

/// Columns as wide as their widest cell.
fn table(title: &str, changes: &[&RenderChange]) -> String {
    let titles = [title, "IN", "LINE", "PATH"].map(str::to_owned);
    let rows: Vec<[String; 4]> =
        [titles].into_iter().chain(changes.iter().map(|change| row(change))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (one, two, three) = (width(0), width(1), width(2));
    let line = |[a, b, c, d]: &[String; 4]| {
        // A name could hold anything, and a terminal would obey it.
        one_line(&format!("{a:<one$}  {b:<two$}  {c:>three$}  {d}")).trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn row(change: &RenderChange) -> [String; 4] {
    let mut what = change.place.to_string();
    if let Some(side) = change.only_in {
        what += &format!(", only in the {}", side.name());
    }
    let location = &change.location;
    let place = location.object.as_ref().map(|ObjectRef { kind, name, namespace, .. }| {
        let container = change.place.container().map(|name| format!("/{name}")).unwrap_or_default();
        let namespace = namespace.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        format!("{kind}/{name}{container}{namespace}")
    });
    let line = location.line.map(|line| line.to_string()).unwrap_or_default();
    [what, place.unwrap_or_default(), line, location.path.clone().unwrap_or_default()]
}
