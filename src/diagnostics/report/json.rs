//! One JSON object, for programs.
//!
//! A result has the fields of a KRM function result (kustomize, `kyaml/fn/framework`): `message`, `severity`,
//! `resourceRef`, `field`, `file`, `tags`. What that shape has no field for is in `tags`, as text.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::diagnostics::Diagnostic;

pub(super) fn write(diagnostics: &[Diagnostic], writer: &mut dyn Write) -> io::Result<()> {
    let results: Vec<Value> = diagnostics.iter().map(result).collect();
    writeln!(writer, "{}", json!({"results": results}))
}

/// A diagnostic as a KRM function result.
pub(super) fn result(diagnostic: &Diagnostic) -> Value {
    let location = &diagnostic.location;
    let mut result = Map::new();
    result.insert("message".to_owned(), diagnostic.message.clone().into());
    result.insert("severity".to_owned(), diagnostic.severity.to_string().into());
    if let Some(object) = &location.object {
        let mut reference =
            json!({"apiVersion": object.api_version, "kind": object.kind, "name": object.name});
        if let Some(namespace) = &object.namespace {
            reference["namespace"] = namespace.clone().into();
        }
        result.insert("resourceRef".to_owned(), reference);
    }
    if let Some(path) = &location.path {
        result.insert("field".to_owned(), json!({"path": path}));
    }
    if let Some(file) = &location.file {
        let mut place = json!({"path": file});
        let index = location.index.or_else(|| location.document?.checked_sub(1));
        if let Some(index) = index {
            place["index"] = index.into();
        }
        result.insert("file".to_owned(), place);
    }
    let tags = [
        ("code", Some(diagnostic.code.id().to_owned())),
        ("help", Some(diagnostic.help.clone())),
        ("template", location.template.clone()),
        ("line", location.line.map(|line| line.to_string())),
        ("column", location.column.map(|column| column.to_string())),
    ];
    let tags = tags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    result.insert("tags".to_owned(), tags.collect::<Map<_, _>>().into());
    result.into()
}
