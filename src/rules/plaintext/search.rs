//! The search for literals that look like credentials, in one object.

use crate::kube::credential::{NameContext, arguments, is_plain_name, is_script};
use crate::kube::object::Object;
use crate::kube::pods::{ValueSource, Variable};
use crate::rules::plaintext::holder::{Credential, Holder};
use crate::rules::plaintext::judge::{Found, in_lines, is_secret, judge};
use crate::rules::plaintext::may_hold::{is_own_group, may_be_credential};
use crate::rules::{Context, ObjectView};
use crate::yaml::{Kind, NodeId, NodeSet, Path, Step, Trail, Tree};

/// Custom resources whose fields hold names of keys, encrypted values or descriptions.
const NO_VALUES: [&str; 16] = [
    "CustomResourceDefinition",
    "SealedSecret",
    "SopsSecret",
    "ExternalSecret",
    "ClusterExternalSecret",
    "PushSecret",
    "SecretStore",
    "ClusterSecretStore",
    "SecretProviderClass",
    "VaultStaticSecret",
    "VaultDynamicSecret",
    "VaultPKISecret",
    "VaultAuth",
    "VaultConnection",
    "PrometheusRule",
    "GrafanaDashboard",
];

/// Every literal of an object that looks like a credential.
pub(crate) fn credentials<'t>(subject: &ObjectView<'_, 't, '_>, context: Context<'_>) -> Vec<Credential<'t>> {
    let object = subject.object;
    let mut search = CredentialSearch { context, object, found: Vec::new(), done: NodeSet::default() };
    search.variables(subject);
    if object.kind == "ConfigMap" {
        search.entries(&["data"], NameContext::Flat, Holder::Key);
    }
    search.entries(&["metadata", "annotations"], NameContext::Annotation, Holder::Annotation);
    let mut program = None;
    for (path, list) in &subject.pods.commands {
        let words = search.words(*list);
        search.arguments(program.filter(|_| is_key(path, "args")), path, *list, &words);
        program = words.first().copied().filter(|_| is_key(path, "command"));
    }
    if !matches!(object.kind.as_str(), "ConfigMap" | "Secret") {
        search.fields(is_custom(object));
    }
    search.found
}

/// A variable's `value`, also beside `valueFrom`, which the API server refuses and people write; empty where it has none.
pub(crate) fn literal<'t>(tree: &'t Tree<'_>, variable: &Variable<'t>) -> &'t str {
    match variable.source {
        ValueSource::Literal(value) => value,
        _ => tree.get(variable.node, "value").and_then(|value| tree.text(value)).unwrap_or_default(),
    }
}

fn is_key(path: &Path, key: &str) -> bool {
    path.split_last().is_some_and(|(_, last)| matches!(last, Step::Key(last) if last == key))
}

/// Whether the fields of an object are a program's own settings.
fn is_custom(object: &Object<'_, '_>) -> bool {
    is_own_group(object.group()) && !NO_VALUES.contains(&object.kind.as_str())
}

struct CredentialSearch<'a, 't, 's> {
    context: Context<'a>,
    object: &'a Object<'t, 's>,
    found: Vec<Credential<'t>>,
    /// Nodes that have been judged, and collections that have been walked through an alias.
    done: NodeSet,
}

impl<'t> CredentialSearch<'_, 't, '_> {
    fn variables(&mut self, subject: &ObjectView<'_, 't, '_>) {
        let tree = self.object.tree;
        for list in &subject.pods.env {
            for (position, variable) in list.entries.iter().enumerate() {
                let Some(variable) = variable else { continue };
                self.done.insert(variable.node);
                let value = literal(tree, variable);
                if let Some(found) = judge(self.context, variable.name, value, NameContext::Flat) {
                    let holder = Holder::Variable {
                        container: list.container,
                        name: variable.name,
                        reads_secrets: list.reads_secrets,
                    };
                    self.push(holder, found, list.path.index(position), variable.node);
                }
            }
        }
    }

    fn entries(&mut self, keys: &[&str], place: NameContext, holder: fn(&'t str) -> Holder<'t>) {
        let (tree, object) = (self.object.tree, self.object);
        let entries = tree.get_in(object.node, keys).and_then(|data| tree.entries(data));
        for (key, value) in entries.unwrap_or_default() {
            let (Some(name), Some(text)) = (tree.text(*key), tree.text(*value)) else { continue };
            if let Some(found) = judge(self.context, name, text, place) {
                self.push(holder(name), found, object.path.keys(keys).key(name), *value);
            }
        }
    }

    /// The words of a command; what is no text is an empty one.
    fn words(&self, list: NodeId) -> Vec<&'t str> {
        let tree = self.object.tree;
        let items = tree.items(list).unwrap_or_default();
        items.iter().map(|item| tree.text(*item).unwrap_or_default()).collect()
    }

    fn arguments(&mut self, program: Option<&str>, path: &Path, list: NodeId, words: &[&str]) {
        self.done.insert(list);
        let items = self.object.tree.items(list).unwrap_or_default();
        for argument in arguments(program, words) {
            let Some(item) = items.get(argument.position) else { continue };
            let names_a_secret = words.get(argument.position).is_some_and(|word| {
                let value = word.split_once('=').map_or(*word, |(_, value)| value);
                // `a=key,b=key`: what names a Secret is a finding about the name.
                value.split([',', '=', '/']).any(|part| is_secret(self.context, part))
            });
            if !names_a_secret {
                let found = (false, argument.reason);
                self.push(Holder::Argument, found, path.index(argument.position), *item);
            }
        }
        for (position, word) in words.iter().enumerate().filter(|(_, word)| is_script(word)) {
            if let Some((found, item)) = in_lines(word, true).zip(items.get(position)) {
                self.push(Holder::Argument, found, path.index(position), *item);
            }
        }
    }

    /// The fields of a custom resource; of other objects the headers and commands of probes.
    fn fields(&mut self, custom: bool) {
        let tree = self.object.tree;
        let path = &self.object.path;
        let start = Trail::Start(path);
        for (key, value) in tree.entries(self.object.node).unwrap_or_default() {
            let Some(name) = tree.text(*key).filter(|name| !matches!(*name, "metadata" | "status")) else {
                continue;
            };
            self.walk(*value, Trail::Key(&start, name), name, custom);
        }
    }

    /// `name` is the key above, also of a list's items.
    fn walk(&mut self, node: NodeId, trail: Trail<'_>, name: &'t str, custom: bool) {
        let tree = self.object.tree;
        let target = tree.resolve(node);
        if self.done.contains(target) || (target != node && !self.done.insert(target)) {
            return;
        }
        match tree.kind(target) {
            Kind::Mapping(_, entries) => {
                let pair = self.pair(node, trail);
                // Beside a Secret's name, `password: token` says which key of it is meant.
                let names_secret = tree.get(target, "secretName").is_some();
                let is_key = |value: &NodeId| names_secret && tree.text(*value).is_some_and(is_plain_name);
                for (key, value) in entries.iter().filter(|(_, value)| !is_key(value)) {
                    let Some(key) = tree.text(*key).filter(|key| !(pair && *key == "value")) else {
                        continue;
                    };
                    self.walk(*value, Trail::Key(&trail, key), key, custom);
                }
            }
            Kind::Sequence(_, items) if name == "command" => {
                let words = self.words(node);
                if items.iter().any(|item| tree.text(*item).is_some()) {
                    self.arguments(None, &trail.to_path(), node, &words);
                }
            }
            Kind::Sequence(_, items) => {
                for (position, item) in items.iter().enumerate() {
                    self.walk(*item, Trail::Index(&trail, position), name, custom);
                }
            }
            Kind::Scalar(_) if custom => {
                let text = tree.text(node).unwrap_or_default();
                let stem = may_be_credential(name) || may_be_credential(text);
                if let Some(found) =
                    stem.then(|| judge(self.context, name, text, NameContext::Field)).flatten()
                {
                    self.push(Holder::Field(name), found, trail.to_path(), node);
                }
            }
            _ => {}
        }
    }

    /// A mapping of `name` and `value`, such as a header. Whether it is one.
    fn pair(&mut self, node: NodeId, trail: Trail<'_>) -> bool {
        let tree = self.object.tree;
        let text = |key: &str| tree.get(node, key).and_then(|value| tree.text(value));
        let (Some(name), Some(value)) = (text("name"), text("value")) else { return false };
        let stem = may_be_credential(name) || may_be_credential(value);
        if let Some(found) = stem.then(|| judge(self.context, name, value, NameContext::Flat)).flatten() {
            self.push(Holder::Entry(name), found, trail.to_path(), node);
        }
        true
    }

    fn push(&mut self, holder: Holder<'t>, (is_inside, reason): Found, path: Path, node: NodeId) {
        self.found.push(Credential { holder, is_inside, reason, path, node });
    }
}
