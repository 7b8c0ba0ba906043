//! An inventory for people.

use std::fmt;

use crate::analysis::scan::{Inventory, Secret, SecretReader, Site, ValueOrigin};
use crate::diagnostics::ObjectRef;
use crate::yaml::scalar::one_line;

impl fmt::Display for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections = [
            (["SECRET", "KEY", "BYTES", "READ BY"], self.secrets.iter().flat_map(secret).collect()),
            (["DUPLICATE", "IN", "ENTRIES", "WINS"], self.duplicate_rows()),
            (["REPEATED ENTRY", "IN", "ENTRIES", "MEANING"], self.entry_rows()),
            (["PLAIN CREDENTIAL", "IN", "LINE", "WHY"], self.credential_rows()),
            (["CHECKSUM ANNOTATION", "IN", "LINE", ""], self.checksum_rows()),
            (["UNKNOWN REFERENCE", "IN", "LINE", "FIELD"], self.reference_rows()),
            (["SECRET NOT RENDERED", "KEY", "LINE", "READ BY"], self.named_only_rows()),
        ];
        let sections = sections.into_iter().filter(|(_, rows): &(_, Vec<Row>)| !rows.is_empty());
        let tables: Vec<String> = sections.map(|(titles, rows)| table(titles, rows)).collect();
        f.write_str(&tables.join("\n"))
    }
}

type Row = [String; 4];

/// Columns as wide as their widest cell; the last one as wide as it is.
fn table(titles: [&str; 4], rows: Vec<Row>) -> String {
    let rows: Vec<Row> = [titles.map(str::to_owned)].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2)];
    let line = |row: &Row| {
        let [a, b, c, d] = row;
        let [one, two, three] = widths;
        let line = format!("{a:<one$}  {b:<two$}  {c:>three$}  {d}");
        // A name could hold anything, and a terminal would obey it.
        let line = one_line(&line);
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// A Secret: a line for each key and reader.
fn secret(secret: &Secret) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut name = secret.name.clone();
    if let Some(namespace) = &secret.place.object.namespace {
        name = format!("{name} in {namespace}");
    }
    if secret.hook.is_some() {
        name += " (hook)";
    }
    let mut push = |key: &str, bytes: String, readers: &[SecretReader]| {
        let mut readers: Vec<String> = readers.iter().map(reader).collect();
        readers.dedup();
        if readers.is_empty() {
            readers.push("-".to_owned());
        }
        let (mut key, mut bytes) = (key.to_owned(), bytes);
        for reader in readers {
            // What is in the line above is not said again.
            rows.push([
                std::mem::take(&mut name),
                std::mem::take(&mut key),
                std::mem::take(&mut bytes),
                reader,
            ]);
        }
    };
    if !secret.readers.is_empty() || secret.keys.is_empty() {
        push("(all keys)", String::new(), &secret.readers);
    }
    for key in &secret.keys {
        let bytes = match key.bytes {
            Some(bytes) => bytes.to_string(),
            None if key.missing => "missing".to_owned(),
            None => "unreadable".to_owned(),
        };
        let setting = if key.setting { " (setting)" } else { "" };
        push(&format!("{}{setting}", key.name), bytes, &key.readers);
    }
    rows
}

fn reader(reader: &SecretReader) -> String {
    format!("{}: {}", object(&reader.place), reader.access)
}

/// The object, with the container where there is one.
fn object(place: &Site) -> String {
    let ObjectRef { kind, name, namespace, .. } = &place.object;
    let container = place.container.as_deref().filter(|container| !container.is_empty());
    let container = container.map(|container| format!("/{container}")).unwrap_or_default();
    let namespace = namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
    format!("{kind}/{name}{container}{namespace}")
}

fn line(place: &Site) -> String {
    place.line.map(|line| line.to_string()).unwrap_or_default()
}

impl Inventory {
    fn duplicate_rows(&self) -> Vec<Row> {
        let wins = |source: Option<&ValueOrigin>| match source {
            Some(ValueOrigin::Secret { name, key }) => format!("reads {key} of Secret {name}"),
            Some(ValueOrigin::Literal) => "a literal".to_owned(),
            Some(ValueOrigin::Other) | None => "neither a literal nor a Secret".to_owned(),
        };
        let row = |found: &super::Duplicate| {
            let last = format!("line {}: {}", line(&found.place), wins(found.entries.get(found.wins)));
            [found.variable.clone(), object(&found.place), found.entries.len().to_string(), last]
        };
        self.duplicates.iter().map(row).collect()
    }

    fn entry_rows(&self) -> Vec<Row> {
        let row = |found: &super::RepeatedEntry| {
            let meaning = if found.equal { "the same: one stays" } else { "different: no rule decides" };
            let last = format!("line {}: {meaning}", line(&found.place));
            [format!("{}: {}", found.list, found.key), object(&found.place), found.count.to_string(), last]
        };
        self.entries.iter().map(row).collect()
    }

    fn credential_rows(&self) -> Vec<Row> {
        let row = |found: &super::PlainCredential| {
            // The container is in the next column.
            let holder = found.holder.split(" of container ").next().unwrap_or_default().to_owned();
            [holder, object(&found.place), line(&found.place), found.reason.clone()]
        };
        self.credentials.iter().map(row).collect()
    }

    fn checksum_rows(&self) -> Vec<Row> {
        let row = |found: &super::Checksum| {
            [found.annotation.clone(), object(&found.place), line(&found.place), String::new()]
        };
        self.checksums.iter().map(row).collect()
    }

    fn reference_rows(&self) -> Vec<Row> {
        let row = |found: &super::UnknownReference| {
            [found.secret.clone(), object(&found.place), line(&found.place), found.declare.clone()]
        };
        self.references.iter().map(row).collect()
    }

    fn named_only_rows(&self) -> Vec<Row> {
        let row = |found: &super::NamedOnly| {
            let keys = if found.keys.is_empty() { "(all keys)".to_owned() } else { found.keys.join(", ") };
            [found.secret.clone(), keys, line(&found.reader.place), reader(&found.reader)]
        };
        self.named_only.iter().map(row).collect()
    }
}
