//! The search for names of removed Secrets in one object.

use std::collections::HashSet;

use aho_corasick::Match;

use crate::kube::object::Object;
use crate::kube::references::Takes;
use crate::rules::left_behind::words::{
    is_dropped, is_free, is_split, name_in, speaks_of_config_maps, speaks_of_secrets,
};
use crate::rules::{Context, ObjectView};
use crate::yaml::field_path::item_named;
use crate::yaml::{Kind, NodeId, NodeSet, Path, Span, Step, Trail};

/// The name of a removed Secret, where no rule can redirect it.
pub(crate) struct NameLeft<'t> {
    /// The name.
    pub(crate) name: &'t str,
    /// What holds it.
    pub(crate) place: NameSite,
    /// Its path.
    pub(crate) path: Path,
    /// Its node.
    pub(crate) node: NodeId,
    /// Whether it may as well be the name of another object.
    pub(crate) doubtful: bool,
    /// Whether the Secret stays without some of its keys.
    pub(crate) is_split: bool,
}

/// What holds the name of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameSite {
    /// A field, with its path as `spec.references` takes it.
    Field(String),
    /// A word of a command, which no path means alone.
    Argument,
    /// The key of a mapping.
    Key,
    /// A longer text, and whether its key is about secrets.
    Text(bool),
}

/// Every name of a removed Secret that may be meant as a reference and is none that is known.
pub(crate) fn names<'t>(subject: &ObjectView<'_, 't, '_>, context: Context<'_>) -> Vec<NameLeft<'t>> {
    let object = subject.object;
    // A Secret of which some keys move has its own name, and no reference.
    let Some(names) = context
        .facts
        .removed_names()
        .filter(|_| context.facts.splitting_rule(object, context.config).is_none())
    else {
        return Vec::new();
    };
    let content = object.tree.content(object.tree.resolve(object.node));
    let text = &object.tree.source()[content.start..content.end];
    let place = |found: Match| Span::new(content.start + found.start(), content.start + found.end());
    let mut places: Vec<Span> = names.find_iter(text).map(place).collect();
    places.shrink_to_fit();
    if places.is_empty() && !has_disguise(text) && !context.facts.removed_names_hide() {
        return Vec::new();
    }
    // The keys that a reference takes are what they must be, whatever they are called.
    let keys = subject.references.iter().flat_map(|reference| match &reference.takes {
        Takes::Key(path, _) => vec![path],
        Takes::Items(items) => items.iter().map(|(path, _)| path).collect(),
        _ => Vec::new(),
    });
    let mut known: Vec<&Path> = subject.references.iter().map(|reference| &reference.path).collect();
    known.extend(keys);
    known.sort();
    // A merge key gives a field two paths; the node is the same.
    let mut nodes = NodeSet::default();
    for node in
        subject.references.iter().map(|reference| reference.node).chain(subject.others.iter().copied())
    {
        nodes.insert(node);
    }
    let mut search = NameSearch {
        object,
        context,
        content,
        places,
        is_custom: subject.is_custom,
        found: Vec::new(),
        known,
        nodes,
        aliased: HashSet::new(),
    };
    search.walk(object.node, Trail::Start(&object.path), false);
    search.found
}

/// Whether an escape in the object, or an alias to what is outside of it, could spell a name.
fn has_disguise(text: &str) -> bool {
    memchr::memchr2(b'\\', b'*', text.as_bytes()).is_some()
}

struct NameSearch<'a, 't, 's> {
    object: &'a Object<'t, 's>,
    context: Context<'a>,
    /// The bytes of the object, and where names are in them.
    content: Span,
    places: Vec<Span>,
    is_custom: bool,
    found: Vec<NameLeft<'t>>,
    /// The fields that are known to name a Secret, in order.
    known: Vec<&'a Path>,
    /// The scalars in those fields, and those that are known to be no references.
    nodes: NodeSet,
    /// Collections that have been searched through an alias: once is enough, and aliases can be many.
    aliased: HashSet<(NodeId, bool)>,
}

impl<'t> NameSearch<'_, 't, '_> {
    fn walk(&mut self, node: NodeId, trail: Trail<'_>, speaks: bool) {
        let tree = self.object.tree;
        let target = tree.resolve(node);
        if target != node && !self.aliased.insert((target, speaks)) {
            return;
        }
        match tree.kind(target) {
            Kind::Mapping(_, entries) => {
                // A reference that says another kind is none; a variable's name says what its value is about.
                let kind = tree.get(target, "kind").and_then(|kind| tree.text(kind));
                let speaks = speaks && kind.is_none_or(|kind| kind == "Secret");
                let named =
                    tree.get(target, "name").and_then(|name| tree.text(name)).is_some_and(speaks_of_secrets);
                for (key, value) in entries {
                    let Some(text) = tree.text(*key).filter(|key| !is_note_of_kustomize(key)) else {
                        continue;
                    };
                    let trail = Trail::Key(&trail, text);
                    if speaks && is_dropped(text, self.object, self.context) {
                        self.push(text, NameSite::Key, false, trail.to_path(), *key);
                    }
                    let begins = speaks_of_secrets(text) || (named && text == "value");
                    let speaks = (speaks || begins) && !speaks_of_config_maps(text);
                    self.walk(*value, trail, speaks);
                }
            }
            Kind::Sequence(_, items) => {
                // Behind an option that is alone its value follows: `--secret-name`, `NAME`.
                let mut takes_secret = false;
                for (position, item) in items.iter().enumerate() {
                    self.walk(*item, Trail::Index(&trail, position), speaks || takes_secret);
                    takes_secret = tree.text(*item).is_some_and(is_option_about_secrets);
                }
            }
            Kind::Scalar(scalar) if self.may_hold_name(target) => {
                self.scalar(node, scalar.text, trail, speaks);
            }
            Kind::Scalar(_) | Kind::Alias(_) => {}
        }
    }

    /// Whether a name is in the bytes of a scalar, or could be spelled there in another way.
    fn may_hold_name(&self, scalar: NodeId) -> bool {
        let span = self.object.tree.content(scalar);
        let before = self.places.partition_point(|place| place.end <= span.start);
        self.places.get(before).is_some_and(|place| place.start < span.end)
            || !self.content.contains(span)
            || self.context.facts.removed_names_hide()
            || self.object.tree.source_of(scalar).contains('\\')
    }

    fn is_known(&self, path: &Path) -> bool {
        self.known.binary_search(&path).is_ok()
    }

    fn push(&mut self, name: &'t str, place: NameSite, doubtful: bool, path: Path, node: NodeId) {
        let is_split = is_split(name, self.object, self.context);
        self.found.push(NameLeft { name, place, path, node, doubtful, is_split });
    }

    fn scalar(&mut self, node: NodeId, text: &'t str, trail: Trail<'_>, speaks: bool) {
        if is_dropped(text, self.object, self.context) {
            let path = trail.to_path();
            let counts = speaks || (self.is_custom && !is_free(trail));
            if counts && !self.is_known(&path) && !self.nodes.contains(node) {
                let place = if is_argument(&path) {
                    NameSite::Argument
                } else {
                    NameSite::Field(declared(&path, self.object))
                };
                self.push(text, place, !speaks, path, node);
            }
            return;
        }
        if let Some((name, certain)) = name_in(text, speaks, self.object, self.context) {
            let path = trail.to_path();
            if !self.is_known(&path) && !is_free(trail) {
                self.push(name, NameSite::Text(speaks), !certain, path, node);
            }
        }
    }
}

/// Whether a path is that of a word of a command.
fn is_argument(path: &Path) -> bool {
    let Some((list, Step::Index(_))) = path.split_last() else { return false };
    matches!(list.last(), Some(Step::Key(list)) if matches!(list.as_str(), "args" | "command"))
}

/// Whether a word is an option without a value, and about a Secret.
fn is_option_about_secrets(word: &str) -> bool {
    word.starts_with('-') && !word.contains(['=', ' ']) && speaks_of_secrets(word)
}

/// Whether an annotation is Kustomize's own note of what an object is and was called; it never leaves Kustomize.
fn is_note_of_kustomize(annotation: &str) -> bool {
    annotation == "kustomize.config.k8s.io/id" || annotation.starts_with("internal.config.kubernetes.io/")
}

/// The path as `spec.references` takes it: below the object, with `[*]` for every position. Where a mapping holds `name` and
/// `key`, the mapping. The `value` beside a name is that of this name alone: others may hold the names of other things.
fn declared(path: &Path, object: &Object<'_, '_>) -> String {
    let mut steps = &path.steps_from(object.path.len())[..];
    if let [parents @ .., Step::Key(last)] = steps
        && last == "name"
    {
        steps = parents;
    }
    let mut text = String::new();
    let named = name_beside(object, steps).and_then(item_named);
    for (position, step) in steps.iter().enumerate() {
        match step {
            Step::Index(_) if position + 2 == steps.len() && named.is_some() => {
                text.push_str(named.as_deref().unwrap_or_default());
            }
            Step::Index(_) => text.push_str("[*]"),
            Step::Key(key) if key.is_empty() || key.contains(['.', '[', '/']) => {
                text.push_str(&format!("[\"{key}\"]"));
            }
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.push_str(&format!(".{key}")),
        }
    }
    text
}

/// The name beside a value: in `env[0].value` that of the variable.
fn name_beside<'t>(object: &Object<'t, '_>, steps: &[&Step]) -> Option<&'t str> {
    let [above @ .., Step::Index(_), Step::Key(last)] = steps else { return None };
    let item = &steps[..=above.len()];
    let start = (last == "value").then_some(object.node)?;
    let item = item.iter().try_fold(start, |node, step| object.tree.child(node, step))?;
    object.tree.get(item, "name").and_then(|name| object.tree.text(name))
}
