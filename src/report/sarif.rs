//! SARIF 2.1.0, for code scanning.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Location};

pub(super) fn write(diagnostics: &[Diagnostic], writer: &mut dyn Write) -> io::Result<()> {
    let rules: BTreeSet<&str> = diagnostics.iter().map(|diagnostic| diagnostic.rule.id()).collect();
    let rules: Vec<Value> = rules.into_iter().map(|id| json!({"id": id})).collect();
    let results: Vec<Value> = diagnostics.iter().map(result).collect();
    let driver = json!({
        "name": env!("CARGO_PKG_NAME"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    });
    writeln!(writer, "{log}")
}

fn result(diagnostic: &Diagnostic) -> Value {
    json!({
        "ruleId": diagnostic.rule.id(),
        "level": diagnostic.severity.to_string(),
        "message": {"text": format!("{}. Help: {}", diagnostic.message, diagnostic.help)},
        "locations": [location(&diagnostic.location)],
    })
}

fn location(location: &Location) -> Value {
    let mut place = json!({});
    if let Some(file) = &location.file {
        place["physicalLocation"] = json!({"artifactLocation": {"uri": file}});
        if let Some(line) = location.line {
            let column = location.column.unwrap_or(1);
            place["physicalLocation"]["region"] = json!({"startLine": line, "startColumn": column});
        }
    }
    let object = location.object.as_ref().map(|object| json!({"name": object.to_string(), "kind": "object"}));
    let path = location.path.as_ref().map(|path| json!({"fullyQualifiedName": path, "kind": "member"}));
    let logical: Vec<Value> = [object, path].into_iter().flatten().collect();
    if !logical.is_empty() {
        place["logicalLocations"] = logical.into();
    }
    place
}
