//! A release's manifest, as far as an upgrade can lose something of it.

use serde_json::Value;

use super::merge::Entry;
use crate::config::Config;
use crate::diagnostic::{Diagnostic, Location};
use crate::error::Error;
use crate::facts::{selects, vaulted_key};
use crate::findings::Findings;
use crate::object::{Object, objects};
use crate::pods::{EnvList, Pods};
use crate::prefilter::Interest;
use crate::references::references;
use crate::refuse;
use crate::stream::{self, Document};
use crate::yaml::scalar::boolean_or_null;
use crate::yaml::{self, Kind, NodeId, Path, ScalarStyle, Step, Tree};

const HOOK: &str = "helm.sh/hook";
const POLICY: &str = "helm.sh/resource-policy";
const KEEP: &str = "keep";

/// The kinds whose lists of variables a client-side upgrade merges by name. Lists of other kinds are replaced whole.
const MERGED_BY_NAME: [(&str, &[&str]); 3] = [
    ("", &["Pod", "PodTemplate", "ReplicationController"]),
    ("apps", &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    ("batch", &["CronJob", "Job"]),
];

/// The kinds that cannot be replaced by what their manifest says: the cluster has filled in fields that never change.
const NOT_REPLACEABLE: [(&str, &[&str]); 2] = [("", &["PersistentVolumeClaim", "Pod"]), ("batch", &["Job"])];

/// The objects of a manifest.
pub(super) struct Release {
    objects: Vec<Member>,
}

/// An object of a release.
pub(super) struct Member {
    /// What it is and where it stands.
    pub(super) location: Location,
    /// The API group.
    group: String,
    /// Whether it is a hook: Helm makes it, and no upgrade takes it away.
    pub(super) is_hook: bool,
    /// Whether it is what the cluster holds, as `kubectl get` prints it, and not part of the manifest.
    is_live: bool,
    /// Whether it has the annotation that makes Helm keep it.
    pub(super) is_kept: bool,
    /// The lists of variables that a client-side upgrade merges.
    pub(super) env: Vec<EnvOf>,
    /// The names of the Secrets that it refers to.
    pub(super) reads: Vec<String>,
    /// What it holds, if it is a Secret.
    pub(super) secret: Option<SecretData>,
}

/// A container's variables.
pub(super) struct EnvOf {
    /// The steps from the object to the list of containers.
    list: Vec<Step>,
    /// The container's name.
    pub(super) container: String,
    /// The entries that have a name.
    pub(super) entries: Vec<Entry>,
    /// The line and column of each, and its path.
    pub(super) places: Vec<(usize, usize, Path)>,
}

/// A Secret's keys, and where the configuration vaults them.
pub(super) struct SecretData {
    /// The keys, in order.
    pub(super) keys: Vec<String>,
    /// The vaulted Secret and the keys' names there, where a rule leaves this Secret out.
    pub(super) vaulted: Option<(String, Vec<String>)>,
}

impl Release {
    /// Reads a manifest. `file` is what diagnostics call it.
    ///
    /// # Errors
    ///
    /// A document that is not UTF-8 or not YAML.
    pub(super) fn read(input: &[u8], file: Option<&str>, config: &Config) -> Result<Self, Error> {
        let findings = Findings::new(input);
        let reader = Reader { findings: &findings, file, config };
        let mut release = Self { objects: Vec::new() };
        for document in stream::documents(input) {
            reader.document(&document, &mut release).map_err(|diagnostic| {
                let mut diagnostic = *diagnostic;
                diagnostic.location.file = file.map(str::to_owned);
                Error::from(diagnostic)
            })?;
        }
        Ok(release)
    }

    /// The objects of the manifest, hooks included.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.objects.iter().filter(|member| !member.is_live)
    }

    /// The manifest's object of the same kind and name; an absent namespace equals any.
    pub(super) fn find(&self, other: &Member) -> Option<&Member> {
        self.members().find(|member| member.is_same(other))
    }

    /// What the cluster holds under that kind and name, where the input says it.
    pub(super) fn live(&self, other: &Member) -> Option<&Member> {
        self.objects.iter().find(|member| member.is_live && member.is_same(other))
    }
}

impl Member {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.location.object.as_ref().map_or("", |object| &object.name)
    }

    /// Its kind.
    pub(super) fn kind(&self) -> &str {
        self.location.object.as_ref().map_or("", |object| &object.kind)
    }

    /// Its namespace, where it says one.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.location.object.as_ref().and_then(|object| object.namespace.as_deref())
    }

    /// The list of the same container.
    pub(super) fn env_of(&self, other: &EnvOf) -> Option<&EnvOf> {
        self.env.iter().find(|env| env.list == other.list && env.container == other.container)
    }

    /// Whether a `PUT` of the manifest is refused.
    pub(super) fn is_not_replaceable(&self) -> bool {
        is_one_of(&NOT_REPLACEABLE, &self.group, self.kind())
    }

    fn is_same(&self, other: &Self) -> bool {
        let namespaces = self.namespace().zip(other.namespace());
        self.kind() == other.kind()
            && self.group == other.group
            && self.name() == other.name()
            && namespaces.is_none_or(|(one, another)| one == another)
    }
}

fn is_one_of(kinds: &[(&str, &[&str])], group: &str, kind: &str) -> bool {
    kinds.iter().any(|(of, kinds)| *of == group && kinds.contains(&kind))
}

struct Reader<'a, 'i> {
    findings: &'a Findings<'i>,
    file: Option<&'a str>,
    config: &'a Config,
}

impl Reader<'_, '_> {
    fn document(&self, document: &Document<'_>, release: &mut Release) -> Result<(), Box<Diagnostic>> {
        let text = stream::text(document).map_err(|at| {
            let location = self.findings.locate(document, at - document.body);
            refuse::not_utf8(Interest::Edit).at(location)
        })?;
        let tree = yaml::parse(text).map_err(|error| {
            let location = self.findings.locate(document, error.at());
            refuse::not_yaml(&error, text, Interest::Edit).at(location)
        })?;
        for object in objects(&tree) {
            release.objects.push(self.member(document, &object));
        }
        Ok(())
    }

    fn member(&self, document: &Document<'_>, object: &Object<'_, '_>) -> Member {
        let location = self.findings.locate_in(document, object, object.tree.node(object.node).start);
        let group = object.api_version.split_once('/').map_or("", |(group, _)| group).to_owned();
        let metadata = |keys: &[&str]| {
            let found = object.tree.get_in(object.node, &[&["metadata"], keys].concat());
            found.and_then(|node| object.tree.text(node))
        };
        let env = if is_one_of(&MERGED_BY_NAME, &group, &object.kind) {
            Pods::of(object).env.iter().map(|list| self.env(document, object, list)).collect()
        } else {
            Vec::new()
        };
        Member {
            location: self.place(location),
            group,
            is_hook: metadata(&["annotations", HOOK]).is_some(),
            is_live: metadata(&["uid"]).is_some(),
            is_kept: metadata(&["annotations", POLICY]) == Some(KEEP),
            env,
            reads: references(object, self.config).0.iter().map(|found| found.name.to_owned()).collect(),
            secret: object.is_secret().then(|| secret(object, self.config)),
        }
    }

    /// In a file of its own an object has a line; the new manifest is no file that anyone could open.
    fn place(&self, location: Location) -> Location {
        match self.file {
            Some(file) => Location { file: Some(file.to_owned()), ..location },
            None => Location { document: None, line: None, column: None, ..location },
        }
    }

    fn env(&self, document: &Document<'_>, object: &Object<'_, '_>, list: &EnvList<'_>) -> EnvOf {
        let tree = object.tree;
        // The path ends with the container's position and `env`.
        let steps = list.path.steps().iter().skip(object.path.steps().len());
        let mut env = EnvOf {
            list: steps.take_while(|step| matches!(step, Step::Key(_))).cloned().collect(),
            container: list.container.to_owned(),
            entries: Vec::new(),
            places: Vec::new(),
        };
        for (position, variable) in list.entries.iter().enumerate() {
            let Some(variable) = variable else { continue };
            let Value::Object(entry) = value(tree, variable.node) else { continue };
            let location = self.findings.locate(document, tree.node(variable.node).start);
            let (line, column) = (location.line.unwrap_or_default(), location.column.unwrap_or_default());
            env.entries.push(entry);
            env.places.push((line, column, list.path.index(position)));
        }
        env
    }
}

fn secret(object: &Object<'_, '_>, config: &Config) -> SecretData {
    let keys = object.secret_keys();
    let name = object.name().unwrap_or_default();
    let rule = config.secrets.iter().find(|rule| selects(rule, object, name));
    let vaulted = rule.and_then(|rule| {
        let names = keys.iter().map(|key| vaulted_key(&rule.keys, key).to_owned()).collect();
        Some((rule.to.clone()?, names))
    });
    SecretData { keys, vaulted }
}

/// A node as JSON. Numbers stay text: where Kubernetes wants a text, nothing else is accepted anyway.
fn value(tree: &Tree<'_>, node: NodeId) -> Value {
    match &tree.node(tree.resolve(node)).kind {
        Kind::Scalar(scalar) if scalar.style == ScalarStyle::Plain => {
            boolean_or_null(&scalar.text).unwrap_or_else(|| scalar.text.as_ref().into())
        }
        Kind::Scalar(scalar) => scalar.text.as_ref().into(),
        Kind::Sequence(_, items) => items.iter().map(|item| value(tree, *item)).collect(),
        Kind::Mapping(_, entries) => {
            let merged: Vec<NodeId> = tree.merged(node).collect();
            let inherited = merged.iter().filter_map(|base| tree.entries(*base)).flatten();
            let keys = entries.iter().chain(inherited).filter(|(key, _)| !tree.is_merge_key(*key));
            let field = |key: &str| Some((key.to_owned(), value(tree, tree.get(node, key)?)));
            Value::Object(keys.filter_map(|(key, _)| field(tree.text(*key)?)).collect())
        }
        Kind::Alias(target) => value(tree, *target),
    }
}
