//! What the vault must hold, for people and for programs.

use serde_json::{Value, json};

use crate::analysis::keys::readers::{Access, Reader};
use crate::analysis::keys::{Vault, VaultedSecret};
use crate::yaml::scalar::one_line;

/// One line for each key and reader, in columns.
const TITLES: [&str; 7] = ["SECRET", "KEY", "FORMAT", "ROTATE", "OBJECT", "CONTAINER", "READ AS"];
/// Whether a value may change that stored data was made with.
const NEVER: &str = "never";
/// In place of what is not there.
const NONE: &str = "-";
/// In place of keys that nobody can tell.
const ALL: &str = "*";

impl Vault {
    /// A table: one line for each key and reader.
    #[must_use]
    pub fn to_table(&self) -> String {
        let mut lines = vec![TITLES.map(str::to_owned)];
        for secret in &self.secrets {
            let line = |key: &str, format: &str, rotate: &str, reader: Option<&Reader>| {
                let id = secret.id();
                let container = reader.and_then(|reader| reader.container.as_deref()).unwrap_or(NONE);
                let object = reader.map(|reader| format!("{}/{}", reader.object.kind, reader.object.name));
                let access = reader.map(|reader| reader.access.to_string());
                let [object, access] = [&object, &access].map(|text| text.as_deref().unwrap_or(NONE));
                [id.as_str(), key, format, rotate, object, container, access].map(one_line)
            };
            for key in &secret.keys {
                let format = key.format.map_or(NONE, crate::KeyFormat::id);
                let rotate = if key.never_rotate { NEVER } else { NONE };
                let readers = key.readers.iter().map(Some);
                let nobody = key.readers.is_empty().then_some(None);
                lines.extend(readers.chain(nobody).map(|reader| line(&key.name, format, rotate, reader)));
            }
            lines.extend(secret.readers.iter().map(|reader| line(ALL, NONE, NONE, Some(reader))));
        }
        let mut widths = [0; TITLES.len()];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.chars().count().max(*width);
            }
        }
        let line = |cells: &[String; TITLES.len()]| {
            let padded: Vec<String> =
                cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            padded.join("  ").trim_end().to_owned() + "\n"
        };
        lines.iter().map(line).collect()
    }

    /// One JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let secrets: Vec<Value> = self.secrets.iter().map(json_secret).collect();
        json!({"secrets": secrets})
    }
}

impl VaultedSecret {
    /// The name, behind the namespace where there is one.
    pub(super) fn id(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

fn json_secret(secret: &VaultedSecret) -> Value {
    let keys = secret.keys.iter().map(|key| {
        let mut value = json!({"name": key.name, "optional": key.optional});
        if let Some(format) = key.format {
            value["format"] = format.id().into();
        }
        if key.never_rotate {
            value["rotate"] = NEVER.into();
        }
        value["readers"] = key.readers.iter().map(json_reader).collect();
        value
    });
    let keys: Vec<Value> = keys.collect();
    let readers: Vec<Value> = secret.readers.iter().map(json_reader).collect();
    let mut value =
        json!({"name": secret.name, "type": secret.secret_type(), "keys": keys, "readers": readers});
    if let Some(namespace) = &secret.namespace {
        value["namespace"] = namespace.clone().into();
    }
    value
}

fn json_reader(reader: &Reader) -> Value {
    let mut value = json!({
        "apiVersion": reader.object.api_version,
        "kind": reader.object.kind,
        "name": reader.object.name,
    });
    if let Some(namespace) = &reader.object.namespace {
        value["namespace"] = namespace.clone().into();
    }
    if let Some(container) = &reader.container {
        value["container"] = container.clone().into();
    }
    let (field, text) = match &reader.access {
        Access::Variable(name) => ("variable", name),
        Access::File(path) => ("file", path),
        Access::Field(path) => ("field", path),
    };
    value[field] = text.clone().into();
    value
}
