//! A release's manifest, as far as an upgrade can lose something of it.

use std::collections::HashMap;

use serde_json::Value;

use crate::analysis::upgrade::merge::Entry;
use crate::config::Config;
use crate::diagnostics::{Diagnostic, Error, Location};
use crate::filter::parse_document::parse_document;
use crate::kube::list_keys::{Repeated, merges_pods, repeated};
use crate::kube::locator::Locator;
use crate::kube::object::{Object, objects};
use crate::kube::pods::{EnvList, Pods};
use crate::kube::references::references;
use crate::rules::facts::{selects, vaulted_key};
use crate::search::prefilter::Interest;
use crate::stream::{self, Document};
use crate::yaml::scalar::boolean_or_null;
use crate::yaml::span::Lines;
use crate::yaml::{Kind, NodeId, Path, ScalarStyle, Step, Tree};

const POLICY: &str = "helm.sh/resource-policy";
const KEEP: &str = "keep";

/// The kinds that cannot be replaced by what their manifest says: the cluster has filled in fields that never change.
const NOT_REPLACEABLE: [(&str, &[&str]); 2] = [("", &["PersistentVolumeClaim", "Pod"]), ("batch", &["Job"])];

/// The objects of a manifest.
pub(super) struct Release<'i> {
    input: &'i [u8],
    lines: Lines<'i>,
    /// What diagnostics call the manifest; `None` for the new one, which is no file that anyone could open.
    file: Option<String>,
    objects: Vec<Member>,
    /// The positions of objects by kind and name.
    by_name: HashMap<(String, String), Vec<usize>>,
}

/// An object of a release.
pub(super) struct Member {
    /// What it is and where it stands, but for line and column.
    location: Location,
    /// Where it begins in the stream.
    at: usize,
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
    /// Entries of one key in other lists, for people, and where the last one is.
    pub(super) repeated: Vec<(String, (usize, Path))>,
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
    /// Where each begins in the stream, and its path.
    pub(super) places: Vec<(usize, Path)>,
}

/// A Secret's keys, and where the configuration vaults them.
pub(super) struct SecretData {
    /// The keys, in order.
    pub(super) keys: Vec<String>,
    /// The vaulted Secret and the keys' names there, where a rule leaves this Secret out.
    pub(super) vaulted: Option<(String, Vec<String>)>,
}

impl<'i> Release<'i> {
    /// Reads a manifest. `file` is what diagnostics call it.
    ///
    /// # Errors
    ///
    /// A document that is not UTF-8 or not YAML.
    pub(super) fn read(input: &'i [u8], file: Option<&str>, config: &Config) -> Result<Self, Error> {
        let file = file.map(str::to_owned);
        let mut release =
            Self { input, lines: Lines::new(input), file, objects: Vec::new(), by_name: HashMap::new() };
        for document in stream::documents(input) {
            if let Err(diagnostic) = release.document(&document, config) {
                let mut diagnostic = *diagnostic;
                diagnostic.location.file = release.file;
                return Err(diagnostic.into());
            }
        }
        Ok(release)
    }

    fn document(&mut self, document: &Document<'_>, config: &Config) -> Result<(), Box<Diagnostic>> {
        let locator = Locator::new(self.input);
        let tree = parse_document(document, Interest::Edit, &locator)?;
        for object in objects(&tree) {
            let member = member(document, &object, config);
            let key = (member.kind().to_owned(), member.name().to_owned());
            self.by_name.entry(key).or_default().push(self.objects.len());
            self.objects.push(member);
        }
        Ok(())
    }

    /// The objects of the manifest, hooks included.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.objects.iter().filter(|member| !member.is_live)
    }

    /// The manifest's object of the same kind and name; an absent namespace equals any.
    pub(super) fn find(&self, other: &Member) -> Option<&Member> {
        self.same(other).find(|member| !member.is_live)
    }

    /// What the cluster holds under that kind and name, where the input says it.
    pub(super) fn live(&self, other: &Member) -> Option<&Member> {
        self.same(other).find(|member| member.is_live)
    }

    fn same(&self, other: &Member) -> impl Iterator<Item = &Member> {
        let positions = self.by_name.get(&(other.kind().to_owned(), other.name().to_owned()));
        let members = positions.into_iter().flatten().map(|position| &self.objects[*position]);
        members.filter(|member| member.is_same(other))
    }

    /// The place of an object of this manifest, or of one of its variables.
    pub(super) fn locate(&self, member: &Member, variable: Option<&(usize, Path)>) -> Location {
        let mut location = member.location.clone();
        location.path = variable.map(|(_, path)| path.to_string());
        if self.file.is_some() {
            let at = variable.map_or(member.at, |(at, _)| *at);
            let (line, column) = self.lines.position(at);
            (location.line, location.column) = (Some(line), Some(column));
            location.file.clone_from(&self.file);
        } else {
            location.document = None;
        }
        location
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

fn member(document: &Document<'_>, object: &Object<'_, '_>, config: &Config) -> Member {
    let group = object.api_version.split_once('/').map_or("", |(group, _)| group).to_owned();
    let uid = object.tree.get_in(object.node, &["metadata", "uid"]);
    let pods = Pods::of(object);
    let env = if merges_pods(&object.api_version, &object.kind) {
        pods.env.iter().map(|list| env(document, object, list)).collect()
    } else {
        Vec::new()
    };
    let last = |found: Repeated| {
        let at = found.positions.len() - 1;
        let what = format!("`{}` has {} entries for {}", found.field, found.positions.len(), found.key);
        (what, (place(document, object.tree, found.nodes[at]), found.list.index(found.positions[at])))
    };
    let repeated = repeated(object, &pods).into_iter().map(last).collect();
    Member {
        location: Location {
            document: Some(document.number),
            object: Some(object.reference()),
            template: object.template(),
            ..Location::default()
        },
        at: place(document, object.tree, object.node),
        group,
        is_hook: object.hook().is_some(),
        is_live: uid.is_some_and(|uid| object.tree.text(uid).is_some()),
        is_kept: object.annotation(POLICY) == Some(KEEP),
        env,
        repeated,
        reads: references(object, config, None).found.iter().map(|found| found.name.to_owned()).collect(),
        secret: object.is_secret().then(|| secret(object, config)),
    }
}

/// Where a node begins in the stream.
fn place(document: &Document<'_>, tree: &Tree<'_>, node: NodeId) -> usize {
    document.offset + document.body + tree.node(node).start
}

fn env(document: &Document<'_>, object: &Object<'_, '_>, list: &EnvList<'_>) -> EnvOf {
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
        env.entries.push(entry);
        env.places.push((place(document, tree, variable.node), list.path.index(position)));
    }
    env
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
        Kind::Mapping(..) => {
            let field = |key: &str| Some((key.to_owned(), value(tree, tree.get(node, key)?)));
            let keys = tree.members(node).into_iter();
            Value::Object(keys.filter_map(|(key, _)| field(tree.text(key)?)).collect())
        }
        Kind::Alias(target) => value(tree, *target),
    }
}
