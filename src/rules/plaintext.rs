//! `policy.plaintext`: literals that look like credentials and that no rule covers.
//!
//! Looked for in variables, in the data of ConfigMaps, in arguments and in annotations. A finding names the place and
//! the reason, never the value.

use serde_json::Value;

use super::{Context, Finding, Outcome, Subject};
use crate::credential::{Reason, reason, value_reason};
use crate::diagnostic::Severity;
use crate::object::Object;
use crate::pods::ValueSource;
use crate::rule::Rule;
use crate::yaml::{NodeId, Path};

pub(super) fn apply(subject: &Subject<'_, '_, '_>, context: Context<'_>, outcome: &mut Outcome) {
    let Some(severity) = context.config.policy.plaintext.severity() else { return };
    let object = subject.object;
    let mut search = Search { severity, context, outcome };
    for list in &subject.pods.env {
        for (position, variable) in list.entries.iter().enumerate() {
            let Some(variable) = variable else { continue };
            let path = list.path.index(position);
            if let ValueSource::Literal(value) = variable.source
                && let Some(reason) = search.reason(variable.name, value)
                && !search.outcome.patch.decides(&path)
            {
                let what = format!("variable {} of container {}", variable.name, list.container);
                search.say(&what, reason, path, variable.node, "vault it by a rule in spec.env");
            }
        }
    }
    if object.kind == "ConfigMap" {
        search.entries(
            object,
            &["data"],
            "key",
            "move it from the ConfigMap to a Secret in the chart's values",
        );
    }
    search.entries(
        object,
        &["metadata", "annotations"],
        "annotation",
        "remove it: everyone who may read the object can read it",
    );
    for command in &subject.pods.commands {
        search.arguments(object, command);
    }
}

struct Search<'o> {
    severity: Severity,
    context: Context<'o>,
    outcome: &'o mut Outcome,
}

impl Search<'_> {
    /// Why a value looks like a credential; the name of a Secret does not.
    fn reason(&self, name: &str, value: &str) -> Option<Reason> {
        let names_a_secret = self.context.facts.renders(value) || self.context.config.vault.contains(value);
        if names_a_secret { None } else { reason(name, value) }
    }

    fn say(&mut self, what: &str, reason: Reason, path: Path, node: NodeId, help: &str) {
        self.outcome.findings.push(Finding {
            rule: Rule::Plaintext,
            severity: self.severity,
            message: format!("{what} looks like a plain credential: {reason}"),
            help: format!("{help}, or set policy.plaintext"),
            path,
            node,
        });
    }

    fn entries(&mut self, object: &Object<'_, '_>, keys: &[&str], what: &str, help: &str) {
        let tree = object.tree;
        let entries = tree.get_in(object.node, keys).and_then(|data| tree.entries(data));
        for (key, value) in entries.unwrap_or_default() {
            let (Some(name), Some(text)) = (tree.text(*key), tree.text(*value)) else { continue };
            // A file is judged by its content alone, a short value also by its key.
            let found = match serde_json::from_str::<Value>(text) {
                Ok(json @ (Value::Object(_) | Value::Array(_))) => self.in_json(&json),
                _ if text.contains('\n') => value_reason(text).map(|reason| (None, reason)),
                _ => self.reason(name, text).map(|reason| (None, reason)),
            };
            if let Some((inside, reason)) = found {
                let what = match inside {
                    Some(inside) => format!("{inside} inside {what} {name}"),
                    None => format!("{what} {name}"),
                };
                self.say(&what, reason, object.path.keys(keys).key(name), *value, help);
            }
        }
    }

    /// Inside JSON, such as the whole object that `kubectl apply` keeps in an annotation: by the key of a text, or by
    /// the name that stands beside a `value`.
    fn in_json(&self, json: &Value) -> Option<(Option<String>, Reason)> {
        match json {
            Value::Array(items) => items.iter().find_map(|item| self.in_json(item)),
            Value::Object(entries) => {
                let beside = entries.get("name").and_then(Value::as_str);
                entries.iter().find_map(|(key, value)| {
                    let (name, reason) = match value {
                        Value::String(text) if key == "value" => {
                            let name = beside.unwrap_or(key);
                            (name, self.reason(name, text))
                        }
                        // A name that is a value, such as the `key` of a reference, is no credential.
                        Value::String(text) if key == "key" || key == "name" => (&**key, value_reason(text)),
                        Value::String(text) => (&**key, self.reason(key, text)),
                        other => return self.in_json(other),
                    };
                    Some((Some(name.to_owned()), reason?))
                })
            }
            _ => None,
        }
    }

    /// `--password=x`, and `--password` followed by `x`; `-password=x` too.
    fn arguments(&mut self, object: &Object<'_, '_>, command: &(Path, NodeId)) {
        let (path, list) = command;
        let mut flag: Option<&str> = None;
        for (position, item) in object.tree.items(*list).unwrap_or_default().iter().enumerate() {
            let Some(text) = object.tree.text(*item) else { continue };
            let (name, value) = match (text.split_once('='), flag.take()) {
                (None, _) if text.starts_with("--") => {
                    flag = text.strip_prefix("--");
                    continue;
                }
                (Some((name, value)), _) if name.starts_with('-') => (name.trim_start_matches('-'), value),
                (_, Some(name)) => (name, text),
                (_, None) => ("", text),
            };
            // A script is judged by its content alone.
            let found =
                if value.contains(['\n', ' ']) { value_reason(value) } else { self.reason(name, value) };
            if let Some(found) = found {
                // Behind one dash a value can be part of the name (`-phunter2`), so only long names are shown.
                let what = if text.starts_with('-') && !text.starts_with("--") || name.is_empty() {
                    "an argument".to_owned()
                } else {
                    format!("argument --{name}")
                };
                self.say(&what, found, path.index(position), *item, "pass it as a variable from a Secret");
            }
        }
    }
}
