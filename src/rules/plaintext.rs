//! `policy.plaintext`: literals that look like credentials and that no rule covers.
//!
//! Looked for in variables, in the data of ConfigMaps, in arguments and in annotations. A finding names the place and
//! the reason, never the value.

use std::fmt;

use serde_json::Value;

use crate::diagnostics::{Code, Finding};
use crate::kube::credential::{Reason, reason, value_reason};
use crate::kube::object::Object;
use crate::kube::pods::ValueSource;
use crate::rules::{Context, ObjectView, RuleOutput};
use crate::yaml::{NodeId, Path};

pub(super) fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let Some(severity) = context.config.policy.plaintext.severity() else { return };
    for found in credentials(subject, context) {
        let what = found.what();
        let Credential { holder, reason, path, node, .. } = found;
        if matches!(holder, Holder::Variable { .. }) && outcome.patch.decides(&path) {
            continue;
        }
        outcome.findings.push(Finding {
            code: Code::Plaintext,
            severity,
            message: format!("{what} looks like a plain credential: {reason}"),
            help: format!("{}, or set policy.plaintext", holder.remedy()),
            path,
            node,
        });
    }
}

/// A literal that looks like a credential.
pub(crate) struct Credential<'t> {
    /// What holds it.
    pub(crate) holder: Holder<'t>,
    /// Whether it stands in JSON that the holder holds. Its name there is no name of Kubernetes: it could be a value.
    pub(crate) is_inside: bool,
    /// Why it looks like one.
    pub(crate) reason: Reason,
    /// Its path: of a variable, that of the entry.
    pub(crate) path: Path,
    /// Its node.
    pub(crate) node: NodeId,
}

impl Credential<'_> {
    /// What it is, by name.
    pub(crate) fn what(&self) -> String {
        if self.is_inside { format!("a text inside {}", self.holder) } else { self.holder.to_string() }
    }
}

/// What holds a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder<'t> {
    /// A variable.
    Variable {
        /// Its container's name.
        container: &'t str,
        /// Its own.
        name: &'t str,
        /// Whether it can read a Secret.
        reads_secrets: bool,
    },
    /// A key of a ConfigMap.
    Key(&'t str),
    /// An annotation.
    Annotation(&'t str),
    /// An argument. Where its name ends and its value begins only its program knows, so it has no name here.
    Argument,
}

impl Holder<'_> {
    fn remedy(&self) -> &'static str {
        match self {
            Self::Variable { reads_secrets: true, .. } => "vault it by a rule in spec.env",
            Self::Variable { .. } => {
                "this list takes no Secrets: look for another way in the operator's documentation"
            }
            Self::Key(_) => "move it from the ConfigMap to a Secret in the chart's values",
            Self::Annotation(_) => "remove it: everyone who may read the object can read it",
            Self::Argument => "pass it as a variable from a Secret",
        }
    }
}

impl fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { container, name, reads_secrets: true } => {
                write!(f, "variable {name} of container {container}")
            }
            Self::Variable { container, name, .. } => write!(f, "entry {name} of {container}"),
            Self::Key(name) => write!(f, "key {name}"),
            Self::Annotation(name) => write!(f, "annotation {name}"),
            Self::Argument => f.write_str("an argument"),
        }
    }
}

/// Every literal of an object that looks like a credential.
pub(crate) fn credentials<'t>(subject: &ObjectView<'_, 't, '_>, context: Context<'_>) -> Vec<Credential<'t>> {
    let object = subject.object;
    let mut search = CredentialSearch { context, found: Vec::new() };
    for list in &subject.pods.env {
        for (position, variable) in list.entries.iter().enumerate() {
            let Some(variable) = variable else { continue };
            if let ValueSource::Literal(value) = variable.source
                && let Some(reason) = search.reason(variable.name, value)
            {
                let holder = Holder::Variable {
                    container: list.container,
                    name: variable.name,
                    reads_secrets: list.reads_secrets,
                };
                search.push(holder, reason, list.path.index(position), variable.node);
            }
        }
    }
    if object.kind == "ConfigMap" {
        search.entries(object, &["data"], Holder::Key);
    }
    search.entries(object, &["metadata", "annotations"], Holder::Annotation);
    for command in &subject.pods.commands {
        search.arguments(object, command);
    }
    search.found
}

struct CredentialSearch<'a, 't> {
    context: Context<'a>,
    found: Vec<Credential<'t>>,
}

impl<'t> CredentialSearch<'_, 't> {
    /// Why a value looks like a credential; the name of a Secret does not.
    fn reason(&self, name: &str, value: &str) -> Option<Reason> {
        let names_a_secret = self.context.facts.renders(value) || self.context.config.vault.contains(value);
        if names_a_secret { None } else { reason(name, value) }
    }

    fn push(&mut self, holder: Holder<'t>, reason: Reason, path: Path, node: NodeId) {
        self.found.push(Credential { holder, is_inside: false, reason, path, node });
    }

    fn entries(&mut self, object: &Object<'t, '_>, keys: &[&str], holder: fn(&'t str) -> Holder<'t>) {
        let tree = object.tree;
        let entries = tree.get_in(object.node, keys).and_then(|data| tree.entries(data));
        for (key, value) in entries.unwrap_or_default() {
            let (Some(name), Some(text)) = (tree.text(*key), tree.text(*value)) else { continue };
            // A file is judged by its content alone, a short value also by its key.
            let found = match serde_json::from_str::<Value>(text) {
                Ok(json @ (Value::Object(_) | Value::Array(_))) => {
                    self.in_json(&json).map(|reason| (true, reason))
                }
                _ if text.contains('\n') => value_reason(text).map(|reason| (false, reason)),
                _ => self.reason(name, text).map(|reason| (false, reason)),
            };
            if let Some((is_inside, reason)) = found {
                let path = object.path.keys(keys).key(name);
                self.found.push(Credential { holder: holder(name), is_inside, reason, path, node: *value });
            }
        }
    }

    /// Inside JSON, such as the whole object that `kubectl apply` keeps in an annotation: by the key of a text, or by
    /// the name that stands beside a `value`.
    fn in_json(&self, json: &Value) -> Option<Reason> {
        match json {
            Value::Array(items) => items.iter().find_map(|item| self.in_json(item)),
            Value::Object(entries) => {
                let beside = entries.get("name").and_then(Value::as_str);
                entries.iter().find_map(|(key, value)| match value {
                    Value::String(text) if key == "value" => self.reason(beside.unwrap_or(key), text),
                    // A name that is a value, such as the `key` of a reference, is no credential.
                    Value::String(text) if key == "key" || key == "name" => value_reason(text),
                    Value::String(text) => self.reason(key, text),
                    other => self.in_json(other),
                })
            }
            _ => None,
        }
    }

    /// `--password=x`, and `--password` followed by `x`; `-password=x` too.
    fn arguments(&mut self, object: &Object<'t, '_>, command: &(Path, NodeId)) {
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
                self.push(Holder::Argument, found, path.index(position), *item);
            }
        }
    }
}
