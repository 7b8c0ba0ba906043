//! A place that changes on every render: what it is, and what would stop it.

use std::fmt;

use crate::config::{Config, Pattern};
use crate::diagnostics::addition::add_to;
use crate::diagnostics::{Location, ObjectRef};
use crate::kube::object::Object;
use crate::kube::pods::Pods;
use crate::rules::rule_of_variable;
use crate::yaml::scalar::plain_or_quoted;
use crate::yaml::{NodeId, Path, Step};

/// A place at which two renders of the same inputs differ.
#[derive(Clone, Debug)]
pub(super) struct RenderChange {
    /// What it is.
    pub(super) place: ChangedPlace,
    /// The render that has it, where the other one has nothing there.
    pub(super) only_in: Option<OnlyIn>,
    /// Whether it is an object, and no place in one.
    pub(super) is_object: bool,
    /// Where it is.
    pub(super) location: Location,
}

/// One of the two renders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnlyIn {
    First,
    Second,
}

impl OnlyIn {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }
}

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ChangedPlace {
    /// A Secret, or a key of it; with the reason if nobody can vault it.
    Secret { key: Option<String>, obstacle: Option<&'static str> },
    /// A key of a ConfigMap, and whether it is one of `data`.
    ConfigMapKey { key: String, is_text: bool },
    /// An annotation, of a pod template or anything else.
    Annotation { name: String, of_pods: bool },
    /// What a variable holds.
    Variable { name: String, container: String, reads_secrets: bool },
    /// An item of `command` or `args`.
    Argument { container: String },
    /// Anything else in an object.
    Field,
    /// An object.
    Object,
    /// Nothing in any object: comments, or the order of documents.
    Text,
}

impl ChangedPlace {
    /// What is at a path.
    pub(super) fn of(object: &Object<'_, '_>, pods: &Pods<'_>, path: &Path) -> Self {
        let own = &path.steps_from(object.path.len())[..];
        let data_key = match own {
            [Step::Key(field), Step::Key(key), ..]
                if ["data", "stringData", "binaryData"].contains(&field.as_str()) =>
            {
                Some((key.to_string(), field == "data"))
            }
            _ => None,
        };
        match (object.is_secret(), object.kind.as_str(), data_key) {
            (true, _, key) => {
                let key = key.map(|(key, _)| key);
                return Self::Secret { key, obstacle: object.not_to_be_vaulted() };
            }
            (false, "ConfigMap", Some((key, is_text))) => return Self::ConfigMapKey { key, is_text },
            _ if own.is_empty() => return Self::Object,
            _ => {}
        }
        Self::in_pods(object, pods, path).unwrap_or_else(|| match own {
            [.., Step::Key(metadata), Step::Key(field), Step::Key(name)]
                if metadata == "metadata" && field == "annotations" =>
            {
                let holder = path.first(path.len() - 3);
                let of_pods = pods.templates.iter().any(|(path, _)| path == holder);
                Self::Annotation { name: name.to_string(), of_pods }
            }
            _ => Self::Field,
        })
    }

    fn in_pods(object: &Object<'_, '_>, pods: &Pods<'_>, path: &Path) -> Option<Self> {
        for list in &pods.env {
            let [Step::Index(position), Step::Key(field), ..] = path.steps_behind(&list.path)[..] else {
                continue;
            };
            let variable = list.entries.get(*position)?.as_ref()?;
            let (name, container) = (variable.name.to_owned(), list.container.to_owned());
            let is_value = ["value", "valueFrom"].contains(&field.as_str());
            return is_value.then_some(Self::Variable { name, container, reads_secrets: list.reads_secrets });
        }
        pods.commands.iter().find(|(command, _)| path.starts_with(command))?;
        let is_in = |(container, _): &&(Path, NodeId)| path.starts_with(container);
        let (_, container) = pods.containers.iter().rfind(is_in)?;
        let name = object.tree.get(*container, "name").and_then(|name| object.tree.text(name));
        Some(Self::Argument { container: name.unwrap_or_default().to_owned() })
    }

    /// Its type and its name, for programs.
    pub(super) fn type_and_name(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Secret { key: Some(key), .. } => ("secretKey", Some(key)),
            Self::Secret { .. } => ("secret", None),
            Self::ConfigMapKey { key, .. } => ("configMapKey", Some(key)),
            Self::Annotation { name, .. } => ("annotation", Some(name)),
            Self::Variable { name, .. } => ("variable", Some(name)),
            Self::Argument { .. } => ("argument", None),
            Self::Field => ("field", None),
            Self::Object => ("object", None),
            Self::Text => ("text", None),
        }
    }

    /// Its container's name.
    pub(super) fn container(&self) -> Option<&str> {
        let (Self::Variable { container, .. } | Self::Argument { container }) = self else { return None };
        Some(container).filter(|container| !container.is_empty()).map(String::as_str)
    }
}

impl fmt::Display for ChangedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret { key: Some(key), .. } | Self::ConfigMapKey { key, .. } => write!(f, "key {key}"),
            Self::Secret { .. } => f.write_str("the Secret"),
            Self::Annotation { name, .. } => write!(f, "annotation {name}"),
            Self::Variable { name, .. } => write!(f, "variable {name}"),
            Self::Argument { .. } => f.write_str("an argument"),
            Self::Field => f.write_str("a field"),
            Self::Object => f.write_str("the object"),
            Self::Text => f.write_str("a comment, or the order of documents,"),
        }
    }
}

impl RenderChange {
    /// The object and the key in it, if it is one that a rule can move.
    pub(super) fn moving_key(&self) -> Option<(&ObjectRef, &str)> {
        let (ChangedPlace::Secret { key: Some(key), obstacle: None }
        | ChangedPlace::ConfigMapKey { key, is_text: true }) = &self.place
        else {
            return None;
        };
        // A rule that moves a key must find it in both renders.
        if self.only_in.is_some() {
            return None;
        }
        Some((self.location.object.as_ref()?, key))
    }

    /// The rule that would stop it, as an entry that can be pasted, or what else would. `keys` are all keys of its object
    /// that change: one rule moves them.
    pub(super) fn help(&self, config: &Config, keys: &[&str]) -> String {
        const VALUES: &str = "set it in the chart's values";
        let object = self.location.object.clone().unwrap_or_default();
        if let Some((_, key)) = self.moving_key()
            && let Some(list) = self.list_of_keys(config, &object)
        {
            return add_to(&list, &plain_or_quoted(key));
        }
        // Of a vaulted Secret that no rule names yet, the name is the user's choice.
        let own = format!("{}-vault", object.name);
        let mut known = config.vault.iter();
        let to = match (known.next(), known.next()) {
            (Some(only), None) => only,
            _ => &own,
        };
        let name = plain_or_quoted(&Pattern::escaped(&object.name));
        match &self.place {
            ChangedPlace::Secret { obstacle: Some(obstacle), .. } => {
                format!("no rule can vault this Secret: {obstacle}; {VALUES}")
            }
            ChangedPlace::Secret { key: None, .. } if self.only_in.is_some() => {
                "name it in the chart's values; or remove it by a rule in spec.secrets with a glob as name"
                    .to_owned()
            }
            ChangedPlace::Secret { .. } => {
                add_to("secrets", &format!("{{name: {name}, to: {}}}", plain_or_quoted(&own)))
            }
            ChangedPlace::ConfigMapKey { is_text: true, .. } if self.only_in.is_none() => {
                let keys: Vec<String> = keys.iter().map(|key| plain_or_quoted(key)).collect();
                let rule =
                    format!("{{name: {name}, only: [{}], to: {}}}", keys.join(", "), plain_or_quoted(&own));
                add_to("configMaps", &rule)
            }
            ChangedPlace::Annotation { name, of_pods: true } => {
                add_to("dropAnnotations", &plain_or_quoted(&Pattern::escaped(name)))
            }
            ChangedPlace::Variable { name, container, reads_secrets: true } => {
                add_to("env", &rule_of_variable((name, to, name), &object, container))
            }
            ChangedPlace::ConfigMapKey { .. } => {
                format!("no rule can stop it: {VALUES}, or move it to a Secret there")
            }
            ChangedPlace::Argument { .. } => {
                format!("no rule can stop it: {VALUES}, or pass it as a variable from a Secret")
            }
            ChangedPlace::Text => {
                "no cluster reads it, but every diff shows it: look for the template that prints it"
                    .to_owned()
            }
            _ => format!("no rule can stop it: {VALUES}"),
        }
    }

    /// The list of keys of a rule that moves others of the same object: a second rule would not get this one.
    fn list_of_keys(&self, config: &Config, object: &ObjectRef) -> Option<String> {
        let of_config_maps = matches!(self.place, ChangedPlace::ConfigMapKey { .. });
        let rule = config.secrets.iter().find(|rule| {
            rule.splits()
                && rule.of_config_maps == of_config_maps
                && rule.name.matches(&object.name)
                && object.namespace.as_ref().is_none_or(|namespace| rule.namespace.matches(namespace))
        })?;
        Some(format!("{}.only", rule.origin.path.strip_prefix("spec.")?))
    }
}
