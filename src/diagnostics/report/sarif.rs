//! SARIF 2.1.0, for code scanning.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::diagnostics::{Code, Diagnostic, Location};

pub(super) fn write(diagnostics: &[Diagnostic], writer: &mut dyn Write) -> io::Result<()> {
    let rules: BTreeSet<Code> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    let rules: Vec<Value> = rules.into_iter().map(rule).collect();
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

/// A rule with what `resecret explain` says about it.
fn rule(rule: Code) -> Value {
    let lines = rule.documentation().lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    let lines: Vec<&str> = lines.collect();
    let (short, all) = (lines.first().copied().unwrap_or_default(), lines.join("\n"));
    json!({"id": rule.id(), "shortDescription": {"text": short}, "help": {"text": all, "markdown": all}})
}

fn result(diagnostic: &Diagnostic) -> Value {
    json!({
        "ruleId": diagnostic.code.id(),
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
    let template = location.template.as_ref();
    let template = template.map(|template| json!({"name": template, "kind": "template"}));
    let logical: Vec<Value> = [object, path, template].into_iter().flatten().collect();
    if !logical.is_empty() {
        place["logicalLocations"] = logical.into();
    }
    place
}
