//! What a run has to say: what is wrong, where, and what to do about it.

use std::fmt;

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

/// What a diagnostic is about. The id reads well behind "allow".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// A configuration that cannot be read or makes no sense.
    InvalidConfig,
    /// A run without any rule.
    NoRules,
    /// Nothing on standard input.
    EmptyInput,
    /// A document that must be read and is not UTF-8, or a stream in UTF-16 or UTF-32.
    NotUtf8,
    /// A document that must be read and is not YAML.
    NotYaml,
    /// The stream ends in the middle of something.
    TruncatedInput,
    /// A Secret without a name: no rule could ever match it.
    UnnamedSecret,
    /// A rule, or a part of it, that matches nothing.
    Unmatched,
    /// The vaulted Secret has the name of the chart Secret that is left out.
    SameName,
    /// A reference to a dropped Secret that has nowhere to go.
    Dangling,
    /// A reference that could mean a dropped Secret or another one of the same name.
    AmbiguousReference,
    /// A reference to a Secret that nobody has heard of.
    External,
    /// Renamed keys on a reference that takes all keys under their own names.
    RenamedEnvFrom,
    /// A variable that stands twice, where `duplicates: error` asks for a decision.
    DuplicateEnv,
    /// A variable that cannot keep one entry without changing what another one expands to.
    EnvOrder,
    /// An anchor that other parts of the document use.
    SharedAnchor,
    /// A field that comes from a merge key.
    MergeKey,
    /// A key that stands twice in one mapping.
    DuplicateKey,
    /// A document that must be edited and cannot be edited safely.
    UnsafeEdit,
    /// A dropped Secret's name in a field that speaks of secrets and that no rule knows.
    LeftBehind,
    /// A dropped Secret's name inside a text that speaks of secrets.
    NameInText,
    /// A value of a dropped Secret, somewhere else in the stream.
    ValueLeftBehind,
    /// An annotation of a pod template that hashes a dropped Secret.
    ChecksumAnnotation,
    /// A literal that looks like a credential and that no rule covers.
    Plaintext,
}

impl Rule {
    /// The id, in kebab case.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::InvalidConfig => "invalid-config",
            Self::NoRules => "no-rules",
            Self::EmptyInput => "empty-input",
            Self::NotUtf8 => "not-utf8",
            Self::NotYaml => "not-yaml",
            Self::TruncatedInput => "truncated-input",
            Self::UnnamedSecret => "unnamed-secret",
            Self::Unmatched => "unmatched",
            Self::SameName => "same-name",
            Self::Dangling => "dangling",
            Self::AmbiguousReference => "ambiguous-reference",
            Self::External => "external",
            Self::RenamedEnvFrom => "renamed-env-from",
            Self::DuplicateEnv => "duplicate-env",
            Self::EnvOrder => "env-order",
            Self::SharedAnchor => "shared-anchor",
            Self::MergeKey => "merge-key",
            Self::DuplicateKey => "duplicate-key",
            Self::UnsafeEdit => "unsafe-edit",
            Self::LeftBehind => "left-behind",
            Self::NameInText => "name-in-text",
            Self::ValueLeftBehind => "value-left-behind",
            Self::ChecksumAnnotation => "checksum-annotation",
            Self::Plaintext => "plaintext",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A Kubernetes object, by what names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectRef {
    /// `apiVersion`, as it stands there.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, where the object has one.
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
    /// Position of the document in the stream, counted from 1.
    pub document: Option<usize>,
    /// The object.
    pub object: Option<ObjectRef>,
    /// The chart template that the document came from.
    pub template: Option<String>,
    /// The path in the document (`spec.template.spec.containers[0].env[2]`), or in the configuration.
    pub path: Option<String>,
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
    pub rule: Rule,
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
    pub(crate) fn error(rule: Rule, message: impl Into<String>, help: impl Into<String>) -> Self {
        let location = Location::default();
        Self { rule, severity: Severity::Error, message: message.into(), help: help.into(), location }
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
