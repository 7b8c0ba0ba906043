//! The parts of a release's manifest that an upgrade can lose.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::analysis::upgrade::fixed_fields::{fixed_fields, json};
use crate::analysis::upgrade::merge::{self, Entry};
use crate::config::{Config, SecretsRule};
use crate::diagnostics::{Diagnostic, Error, Location};
use crate::filter::parse_document::parse_document;
use crate::kube::list_keys::{Repeated, merges_pods, repeated};
use crate::kube::locator::Locator;
use crate::kube::object::{DataEntry, Object, distinct_keys, objects};
use crate::kube::pods::{EnvList, Pods};
use crate::kube::references::references;
use crate::rules::facts::{selects, vaulted_key};
use crate::search::prefilter::Interest;
use crate::stream::{self, Document};
use crate::yaml::span::Lines;
use crate::yaml::{NodeId, Path, Step, Tree};

const POLICY: &str = "helm.sh/resource-policy";
const KEEP: &str = "keep";

/// The kinds that cannot be replaced by what their manifest says: the cluster has filled in fields that never change.
const NOT_REPLACEABLE: [(&str, &[&str]); 2] = [("", &["PersistentVolumeClaim", "Pod"]), ("batch", &["Job"])];

/// The objects of a manifest.
pub(crate) struct Release<'i> {
    input: &'i [u8],
    lines: Lines<'i>,
    /// What diagnostics call the manifest; `None` for the new one, which is no file that anyone could open.
    file: Option<String>,
    objects: Vec<Member>,
    /// The positions of objects by kind and name.
    by_name: HashMap<(String, String), Vec<usize>>,
}

/// An object of a release.
pub(crate) struct Member {
    /// What it is and where it is, except for line and column.
    location: Location,
    /// Where it begins in the stream.
    at: usize,
    /// The API group.
    group: String,
    /// Whether it is a hook: Helm makes it, and no upgrade takes it away.
    pub(crate) is_hook: bool,
    /// Whether it is what the cluster holds, as `kubectl get` prints it, and not part of the manifest.
    is_live: bool,
    /// Whether it has the annotation that makes Helm keep it.
    pub(crate) is_kept: bool,
    /// The lists of variables.
    pub(crate) env: Vec<EnvOf>,
    /// Entries of one key in other lists, for people, and where the last one is.
    pub(crate) repeated: Vec<(String, (usize, Path))>,
    /// The names of the Secrets that it refers to.
    pub(crate) reads: Vec<String>,
    /// Those of them that it names elsewhere than in a variable.
    reads_beside_env: Vec<String>,
    /// The fields that the API server never changes, by path.
    pub(crate) fixed: BTreeMap<String, Value>,
    /// Its replicas, where it says them.
    pub(crate) replicas: Option<String>,
    /// What it holds, if it is a Secret.
    pub(crate) secret: Option<SecretData>,
    /// What it holds, if it is a ConfigMap.
    pub(crate) config_map: Option<SecretData>,
}

/// A container's variables.
pub(crate) struct EnvOf {
    /// The path from the object to the list of containers, as far as its steps are keys.
    pub(crate) list: Path,
    /// The container's name.
    pub(crate) container: String,
    /// The entries that have a name.
    pub(crate) entries: Vec<Entry>,
    /// Where each begins in the stream, and its path.
    pub(crate) places: Vec<(usize, Path)>,
}

/// The keys of a Secret or ConfigMap, and where the configuration vaults them.
pub(crate) struct SecretData {
    /// The keys, in order.
    pub(crate) keys: Vec<String>,
    /// The values by key, for comparisons alone: they are never printed.
    values: Vec<(String, Vec<u8>)>,
    /// The vaulted Secret, and the keys that a rule moves there with their names there.
    pub(crate) vaulted: Option<(String, Vec<(String, String)>)>,
}

impl<'i> Release<'i> {
    /// Reads a manifest. `file` is what diagnostics call it.
    ///
    /// # Errors
    ///
    /// A document that is not UTF-8 or not YAML.
    pub(crate) fn read(input: &'i [u8], file: Option<&str>, config: &Config) -> Result<Self, Error> {
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
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.objects.iter().filter(|member| !member.is_live)
    }

    /// The objects as the cluster holds them.
    pub(crate) fn live_members(&self) -> impl Iterator<Item = &Member> {
        self.objects.iter().filter(|member| member.is_live)
    }

    /// The manifest's object of the same kind and name; an absent namespace equals any.
    pub(crate) fn find(&self, other: &Member) -> Option<&Member> {
        self.same(other).find(|member| !member.is_live)
    }

    /// What the cluster holds under that kind and name, where the input says it.
    pub(crate) fn live(&self, other: &Member) -> Option<&Member> {
        self.same(other).find(|member| member.is_live)
    }

    fn same(&self, other: &Member) -> impl Iterator<Item = &Member> {
        let positions = self.by_name.get(&(other.kind().to_owned(), other.name().to_owned()));
        let members = positions.into_iter().flatten().map(|position| &self.objects[*position]);
        members.filter(|member| member.is_same(other))
    }

    /// Whether it renders a Secret of this name for a reader in this namespace.
    pub(crate) fn renders_secret(&self, name: &str, namespace: Option<&str>) -> bool {
        let secrets = self.members().filter(|member| member.secret.is_some() && member.name() == name);
        secrets.into_iter().any(|secret| is_same_or_absent(secret.namespace(), namespace))
    }

    /// Whether an object of it names a Secret.
    pub(crate) fn reads(&self, secret: &Member) -> bool {
        self.members().any(|object| object.reads(secret))
    }

    /// The place of an object of this manifest, or of one of its variables.
    pub(crate) fn locate(&self, member: &Member, variable: Option<&(usize, Path)>) -> Location {
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
    pub(crate) fn name(&self) -> &str {
        self.location.object.as_ref().map_or("", |object| &object.name)
    }

    /// Its kind.
    pub(crate) fn kind(&self) -> &str {
        self.location.object.as_ref().map_or("", |object| &object.kind)
    }

    /// Its namespace, where it says one.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.location.object.as_ref().and_then(|object| object.namespace.as_deref())
    }

    /// What kubectl calls it: kind, group and name.
    pub(crate) fn resource(&self) -> String {
        let kind = self.kind().to_lowercase();
        let dot = if self.group.is_empty() { "" } else { "." };
        format!("{kind}{dot}{}/{}", self.group, self.name())
    }

    /// Whether it has variables or names a Secret.
    pub(crate) fn has_variables_or_secrets(&self) -> bool {
        !self.env.is_empty() || !self.reads.is_empty()
    }

    /// Whether it names a Secret.
    pub(crate) fn reads(&self, secret: &Self) -> bool {
        is_same_or_absent(self.namespace(), secret.namespace())
            && self.reads.iter().any(|name| name == secret.name())
    }

    /// Whether it names a Secret elsewhere than in a variable.
    pub(crate) fn reads_beside_env(&self, secret: &Self) -> bool {
        is_same_or_absent(self.namespace(), secret.namespace())
            && self.reads_beside_env.iter().any(|name| name == secret.name())
    }

    /// The value of a key, if it is the Secret of this name.
    pub(crate) fn secret_value(&self, secret: &str, key: &str) -> Option<&[u8]> {
        let data = self.secret.as_ref().filter(|_| self.name() == secret)?;
        data.values.iter().rfind(|(known, _)| known == key).map(|(_, value)| value.as_slice())
    }

    /// The list of the same container.
    pub(crate) fn env_of(&self, other: &EnvOf) -> Option<&EnvOf> {
        self.env.iter().find(|env| env.list == other.list && env.container == other.container)
    }

    /// Whether a client-side upgrade merges its lists of variables by name.
    pub(crate) fn is_merged(&self) -> bool {
        let object = self.location.object.as_ref();
        object.is_some_and(|object| merges_pods(&object.api_version, &object.kind))
    }

    /// Whether a list of variables has a name several times.
    pub(crate) fn has_repeated_variable(&self) -> bool {
        self.env.iter().any(|env| {
            let mut known = HashSet::new();
            !env.entries.iter().all(|entry| known.insert(merge::name(entry)))
        })
    }

    /// Whether a `PUT` of the manifest is refused.
    pub(crate) fn is_not_replaceable(&self) -> bool {
        is_one_of(&NOT_REPLACEABLE, &self.group, self.kind())
    }

    /// Whether it is the same object.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.kind() == other.kind()
            && self.group == other.group
            && self.name() == other.name()
            && is_same_or_absent(self.namespace(), other.namespace())
    }
}

/// Whether two namespaces can be one: an absent one equals any.
fn is_same_or_absent(one: Option<&str>, another: Option<&str>) -> bool {
    one.zip(another).is_none_or(|(one, another)| one == another)
}

fn is_one_of(kinds: &[(&str, &[&str])], group: &str, kind: &str) -> bool {
    kinds.iter().any(|(of, kinds)| *of == group && kinds.contains(&kind))
}

fn member(document: &Document<'_>, object: &Object<'_, '_>, config: &Config) -> Member {
    let group = object.group().to_owned();
    let uid = object.tree.get_in(object.node, &["metadata", "uid"]);
    let pods = Pods::of(object);
    let env = pods.env.iter().map(|list| env(document, object, list)).collect();
    let last = |found: Repeated| {
        let at = found.positions.len() - 1;
        let what = format!("`{}` has {} entries for {}", found.field, found.positions.len(), found.key);
        (what, (place(document, object.tree, found.nodes[at]), found.list.index(found.positions[at])))
    };
    let repeated = repeated(object, &pods).into_iter().map(last).collect();
    let found = references(object, config, None).found;
    let beside_env = found.iter().filter(|found| !is_in_env(&found.path));
    Member {
        location: Location {
            document: Some(document.number),
            object: Some(object.reference()),
            template: object.template(),
            ..Location::default()
        },
        at: place(document, object.tree, object.node),
        fixed: fixed_fields(object, &group),
        group,
        is_hook: object.hook().is_some(),
        is_live: uid.is_some_and(|uid| object.tree.text(uid).is_some()),
        is_kept: object.annotation(POLICY) == Some(KEEP),
        env,
        repeated,
        reads_beside_env: beside_env.map(|found| found.name.to_owned()).collect(),
        reads: found.iter().map(|found| found.name.to_owned()).collect(),
        replicas: text(object, &["spec", "replicas"]),
        secret: object.is_secret().then(|| secret(object, &object.secret_data(), config)),
        config_map: object.is_config_map().then(|| secret(object, &object.config_map_data(), config)),
    }
}

/// Whether a reference is one of a variable.
fn is_in_env(path: &Path) -> bool {
    let is_env = |pair: &[&Step]| matches!(pair, [Step::Key(key), Step::Index(_)] if key == "env");
    path.steps().windows(2).any(is_env)
}

fn text(object: &Object<'_, '_>, path: &[&str]) -> Option<String> {
    let node = object.tree.get_in(object.node, path)?;
    object.tree.text(node).map(str::to_owned)
}

/// Where a node begins in the stream.
fn place(document: &Document<'_>, tree: &Tree<'_>, node: NodeId) -> usize {
    document.offset + document.body + tree.start(node)
}

fn env(document: &Document<'_>, object: &Object<'_, '_>, list: &EnvList<'_>) -> EnvOf {
    let tree = object.tree;
    // The path ends with the container's position and `env`.
    let steps = list.path.steps_from(object.path.len()).into_iter();
    let mut env = EnvOf {
        list: steps.take_while(|step| matches!(step, Step::Key(_))).collect(),
        container: list.container.to_owned(),
        entries: Vec::new(),
        places: Vec::new(),
    };
    for (position, variable) in list.entries.iter().enumerate() {
        let Some(variable) = variable else { continue };
        let Value::Object(entry) = json(tree, variable.node) else { continue };
        env.entries.push(entry);
        env.places.push((place(document, tree, variable.node), list.path.index(position)));
    }
    env
}

fn secret(object: &Object<'_, '_>, data: &[DataEntry<'_>], config: &Config) -> SecretData {
    let keys = distinct_keys(data);
    let name = object.name().unwrap_or_default();
    let is_about =
        |rule: &&SecretsRule| selects(rule, object, name) && keys.iter().any(|key| rule.moves(key));
    let vaulted = config.secrets.iter().find(is_about).and_then(|rule| {
        let moved = keys.iter().filter(|key| rule.moves(key));
        let names = moved.map(|key| (key.clone(), vaulted_key(&rule.keys, key).to_owned())).collect();
        Some((rule.to.clone()?, names))
    });
    // Of one key the last value counts: `stringData` comes last.
    let value = |entry: &DataEntry<'_>| Some((entry.key.to_owned(), entry.plain()?.to_vec()));
    SecretData { keys, values: data.iter().filter_map(value).collect(), vaulted }
}
