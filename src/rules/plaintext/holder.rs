//! A literal that looks like a credential, and what holds it.

use std::fmt;

use crate::kube::credential::Reason;
use crate::yaml::{NodeId, Path};

/// A literal that looks like a credential.
pub(crate) struct Credential<'t> {
    /// What holds it.
    pub(crate) holder: Holder<'t>,
    /// Whether it is in a file, JSON or script that the holder holds. Its name there is no name of Kubernetes: it could be a value.
    pub(crate) is_inside: bool,
    /// Why it looks like one.
    pub(crate) reason: Reason,
    /// Its path: of a variable, that of the entry.
    pub(crate) path: Path,
    /// Its node.
    pub(crate) node: NodeId,
}

impl Credential<'_> {
    /// The key of a ConfigMap, where it holds nothing else.
    pub(crate) fn config_map_key(&self) -> Option<&str> {
        match self.holder {
            Holder::Key(name) if !self.is_inside => Some(name),
            _ => None,
        }
    }

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
    /// A field of a custom resource.
    Field(&'t str),
    /// An entry of `name` and `value`, such as a header.
    Entry(&'t str),
}

impl Holder<'_> {
    /// What to do about it.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Variable { reads_secrets: true, .. } => "vault it by a rule in spec.env",
            Self::Variable { .. } => {
                "this list takes no Secrets: look for another way in the operator's documentation"
            }
            Self::Key(_) => {
                "vault the key by a rule in spec.configMaps, or move it to a Secret in the chart's values"
            }
            Self::Annotation(_) => "remove it: everyone who may read the object can read it",
            Self::Argument => "pass it as a variable from a Secret",
            Self::Field(_) => "let the resource name a Secret instead, by the chart's values",
            Self::Entry(_) => "take it from a Secret, by the chart's values",
        }
    }
}

impl fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { container, name, reads_secrets: false } => {
                write!(f, "entry {name} of {container}")
            }
            Self::Variable { container, name, .. } => write!(f, "variable {name} of container {container}"),
            Self::Key(name) => write!(f, "key {name}"),
            Self::Annotation(name) => write!(f, "annotation {name}"),
            Self::Argument => f.write_str("an argument"),
            Self::Field(name) => write!(f, "field {name}"),
            Self::Entry(name) => write!(f, "entry {name}"),
        }
    }
}
