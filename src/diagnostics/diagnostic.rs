//! What a run has to say: what is wrong, where, and what to do about it.

use std::fmt;

use serde::Serialize;

use crate::diagnostics::Code;
use crate::yaml::scalar::one_line;

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The run goes on; a person should look at it.
    Warning,
    /// The run fails and writes nothing.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A Kubernetes object, by what names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// `apiVersion`, as it is written there.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, where the object has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{} in namespace {namespace}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

/// Where something was found. What does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The file, or `<stdin>`.
    pub file: Option<String>,
    /// Position of the object in the file, counted from 0, as a KRM client says it.
    pub index: Option<usize>,
    /// Position of the document in the stream, counted from 1.
    pub document: Option<usize>,
    /// The object.
    pub object: Option<ObjectRef>,
    /// The chart template that the document came from.
    pub template: Option<String>,
    /// The path in the document (`spec.template.spec.containers[0].env[2]`), or in the configuration.
    pub path: Option<String>,
    /// The variable, where the path leads into its entry.
    pub variable: Option<String>,
    /// Line in the file or stream, counted from 1.
    pub line: Option<usize>,
    /// Column in characters, counted from 1.
    pub column: Option<usize>,
}

/// One thing that a run has to say.
///
/// No part of a diagnostic holds a secret value: messages name keys, paths and lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What it is about.
    pub code: Code,
    /// Whether the run fails for it.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Where.
    pub location: Location,
}

impl Diagnostic {
    /// A diagnostic that fails the run.
    pub(crate) fn error(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        let location = Location::default();
        Self { code, severity: Severity::Error, message: message.into(), help: help.into(), location }
    }

    /// The same diagnostic with every text changed.
    pub(crate) fn map_texts(mut self, change: impl Fn(&str) -> String) -> Self {
        let Location { file, object, template, path, variable, .. } = &mut self.location;
        let object = object.iter_mut().flat_map(|ObjectRef { api_version, kind, name, namespace }| {
            [Some(api_version), Some(kind), Some(name), namespace.as_mut()].into_iter().flatten()
        });
        let place =
            [file.as_mut(), template.as_mut(), path.as_mut(), variable.as_mut()].into_iter().flatten();
        for text in [&mut self.message, &mut self.help].into_iter().chain(place).chain(object) {
            *text = change(text);
        }
        self
    }

    /// The same diagnostic as it may be shown: names come from a chart, and could hold what a terminal or the log of a
    /// CI system obeys.
    pub(crate) fn printable(&self) -> Self {
        // A help can have several lines. None of them begins as a command to GitHub Actions does: one that would is
        // the second half of a name.
        let line = |line: &str| {
            if line.trim_start().starts_with("::") {
                "\u{fffd}".to_owned() + &one_line(line)
            } else {
                one_line(line)
            }
        };
        let help = self.help.split('\n').map(line).collect::<Vec<_>>().join("\n");
        Self { help, ..self.clone().map_texts(one_line) }
    }

    /// The same diagnostic at a place.
    pub(crate) fn at(mut self, location: Location) -> Self {
        self.location = location;
        self
    }

    /// The same diagnostic with another weight.
    pub(crate) fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

impl Code {
    /// What `spec.allow` can allow: findings about what stays in the stream. An edit that cannot be made is none.
    pub(crate) const ALLOWABLE: [Self; 13] = [
        Self::CaBundle,
        Self::ChecksumAnnotation,
        Self::Dangling,
        Self::DuplicateItem,
        Self::EnvFromOrder,
        Self::External,
        Self::HookReference,
        Self::LeftBehind,
        Self::NameInText,
        Self::Plaintext,
        Self::StaleSettings,
        Self::ValueLeftBehind,
        Self::WholeReader,
    ];

    /// Whether an error about this means that the input could not be judged at all: wrong flags, a configuration or an
    /// input that cannot be read. All others say something about manifests that were read.
    #[must_use]
    pub fn prevents_judgement(self) -> bool {
        use Code::{EmptyInput, InvalidConfig, Io, MixedInput, NoRules, NotUtf8, NotYaml, TruncatedInput};
        let of_input = matches!(self, EmptyInput | MixedInput | NotUtf8 | NotYaml | TruncatedInput);
        of_input || matches!(self, InvalidConfig | NoRules | Io)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
