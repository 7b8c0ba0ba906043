//! After the rewrite, no field may still name a removed Secret.
//!
//! Charts give a Secret the name of its Service, Deployment and labels, so the field decides, not the text: a field whose
//! key, or a parent's key, speaks of secrets can be a reference. One that is neither known nor declared stops the run. So
//! does any other field of a custom resource, as long as no other object has the name; else it is a warning. The same name
//! inside a longer text is for `policy.texts`, where that text speaks of secrets, or where the name is a word of its own and
//! no other object has it.

use std::collections::HashSet;

use aho_corasick::Match;

use crate::diagnostics::addition::add_to;
use crate::diagnostics::{Code, Doubtful, Finding, Severity};
use crate::edit::patch::Op;
use crate::kube::object::Object;
use crate::kube::references::Takes;
use crate::rules::facts::Resolution;
use crate::rules::{Context, ObjectView, Rule, RuleOutput};
use crate::yaml::scalar::plain_or_quoted;
use crate::yaml::{Kind, NodeId, Path, Span, Step, Trail};

/// What a key says when it speaks of secrets, in lower case.
const SPEAKS: [&str; 6] = ["secret", "credential", "keyref", "tls", "password", "passwd"];

/// Keys under which names are chosen freely, or are those of something else.
const FREE: [&str; 5] = ["apiVersion", "kind", "labels", "matchLabels", "namespace"];

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "left_behind",
    settings: &["policy.leftBehind", "policy.texts", "references"],
    codes: &[Code::LeftBehind, Code::NameInText],
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let texts = context.config.policy.texts.severity();
    for found in names(subject, context) {
        match (&found.place, texts) {
            (NameSite::Text(_), Some(severity)) if is_left(subject, context, &found, outcome) => {
                say(found, severity, subject, outcome);
            }
            (NameSite::Text(_), _) => {}
            (NameSite::Field(_) | NameSite::Key, _) => field(found, subject, context, outcome),
        }
    }
}

/// The same for what a text holds: its own texts are part of the whole one.
pub(super) fn fields(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    for found in names(subject, context) {
        if !matches!(found.place, NameSite::Text(_)) {
            field(found, subject, context, outcome);
        }
    }
}

fn field(
    found: NameLeft<'_>,
    subject: &ObjectView<'_, '_, '_>,
    context: Context<'_>,
    outcome: &mut RuleOutput,
) {
    // What another rule removes or replaces is not left.
    if let Some(severity) = context.config.policy.left_behind.severity()
        && !outcome.patch.decides(&found.path)
    {
        say(found, severity, subject, outcome);
    }
}

fn say(found: NameLeft<'_>, severity: Severity, subject: &ObjectView<'_, '_, '_>, outcome: &mut RuleOutput) {
    let doubtful = found.doubtful.then(|| found.name.to_owned());
    let finding = found.finding(severity, &subject.object.kind);
    match doubtful {
        Some(name) => outcome.doubtful.push(Doubtful { name, finding }),
        None => outcome.findings.push(finding),
    }
}

/// Whether a name is still in a text, as other rules have left it.
fn is_left(
    subject: &ObjectView<'_, '_, '_>,
    context: Context<'_>,
    found: &NameLeft<'_>,
    outcome: &RuleOutput,
) -> bool {
    let NameSite::Text(speaks) = found.place else { return false };
    let rewritten = outcome.patch.ops().iter().rev().find_map(|op| match op {
        Op::Rewrite { path, text, .. } if *path == found.path => Some(text),
        _ => None,
    });
    match rewritten {
        Some(text) => name_in(text, speaks, subject.object, context).is_some(),
        None => !outcome.patch.decides(&found.path),
    }
}

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
}

/// What holds the name of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameSite {
    /// A field, with its path as `spec.references` takes it.
    Field(String),
    /// The key of a mapping.
    Key,
    /// A longer text, and whether its key speaks of secrets.
    Text(bool),
}

/// Every name of a removed Secret that may be meant as a reference and is none that is known.
pub(crate) fn names<'t>(subject: &ObjectView<'_, 't, '_>, context: Context<'_>) -> Vec<NameLeft<'t>> {
    let object = subject.object;
    let Some(names) = context.facts.removed_names() else { return Vec::new() };
    let content = object.tree.node(object.tree.resolve(object.node)).content;
    let text = &object.tree.source()[content.start..content.end];
    let place = |found: Match| Span::new(content.start + found.start(), content.start + found.end());
    let places: Vec<Span> = names.find_iter(text).map(place).collect();
    if places.is_empty() && !has_disguise(text) && !context.facts.removed_names_hide() {
        return Vec::new();
    }
    // The keys that a reference takes are what they must be, whatever they are called.
    let keys = subject.references.iter().flat_map(|reference| match &reference.takes {
        Takes::Key(path, _) => vec![path.clone()],
        Takes::Items(items) => items.iter().map(|(path, _)| path.clone()).collect(),
        _ => Vec::new(),
    });
    let known: HashSet<Path> =
        subject.references.iter().map(|reference| reference.path.clone()).chain(keys).collect();
    // A merge key gives a field two paths; the node is the same.
    let mut nodes: HashSet<NodeId> = subject.references.iter().map(|reference| reference.node).collect();
    nodes.extend(&subject.others);
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

impl NameLeft<'_> {
    fn finding(self, severity: Severity, kind: &str) -> Finding {
        let Self { name, place, path, node, .. } = self;
        let field = "this field holds the name of";
        let (code, message, help) = match place {
            NameSite::Field(declared) => (
                Code::LeftBehind,
                format!("{field} Secret {name}, which a rule removes, and no rule knows the field"),
                format!("if it refers to the Secret, {}", add_to("references", &declaration(kind, &declared))),
            ),
            NameSite::Key => (
                Code::LeftBehind,
                format!("{field} Secret {name}, which a rule removes, and no rule knows the field"),
                "no rule renames a key: change it in the chart's values".to_owned(),
            ),
            NameSite::Text(_) => (
                Code::NameInText,
                format!("this text names Secret {name}, which a rule removes"),
                "no rule knows this text: see whether a program reads the Secret by this name, and change it in the chart's values".to_owned(),
            ),
        };
        Finding { code, severity, message, help, path, node }
    }
}

/// The line of `spec.references` for a field.
fn declaration(kind: &str, declared: &str) -> String {
    format!("{{kind: {}, path: {}}}", plain_or_quoted(kind), plain_or_quoted(declared))
}

/// Whether an escape in the object, or an alias to what stands outside of it, could spell a name.
fn has_disguise(text: &str) -> bool {
    memchr::memchr2(b'\\', b'*', text.as_bytes()).is_some()
}

struct NameSearch<'a, 't, 's> {
    object: &'a Object<'t, 's>,
    context: Context<'a>,
    /// The bytes of the object, and where names stand in them.
    content: Span,
    places: Vec<Span>,
    is_custom: bool,
    found: Vec<NameLeft<'t>>,
    /// The fields that are known to name a Secret.
    known: HashSet<Path>,
    /// The scalars in those fields, and those that are known to be no references.
    nodes: HashSet<NodeId>,
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
        match &tree.node(target).kind {
            Kind::Mapping(_, entries) => {
                // A reference that says another kind is none; a variable's name says what its value is about.
                let kind = tree.get(target, "kind").and_then(|kind| tree.text(kind));
                let speaks = speaks && kind.is_none_or(|kind| kind == "Secret");
                let named =
                    tree.get(target, "name").and_then(|name| tree.text(name)).is_some_and(speaks_of_secrets);
                for (key, value) in entries {
                    let Some(text) = tree.text(*key).filter(|key| !is_bookkeeping(key)) else { continue };
                    let trail = Trail::Key(&trail, text);
                    if speaks && self.is_dropped(text) {
                        self.push(text, NameSite::Key, trail.to_path(), *key);
                    }
                    let begins = speaks_of_secrets(text) || (named && text == "value");
                    let speaks = (speaks || begins) && !speaks_of_config_maps(text);
                    self.walk(*value, trail, speaks);
                }
            }
            Kind::Sequence(_, items) => {
                for (position, item) in items.iter().enumerate() {
                    self.walk(*item, Trail::Index(&trail, position), speaks);
                }
            }
            Kind::Scalar(scalar) if self.may_hold_name(target) => {
                self.scalar(node, &scalar.text, trail, speaks);
            }
            Kind::Scalar(_) | Kind::Alias(_) => {}
        }
    }

    /// Whether a name stands in the bytes of a scalar, or could be spelled there in another way.
    fn may_hold_name(&self, scalar: NodeId) -> bool {
        let span = self.object.tree.node(scalar).content;
        let before = self.places.partition_point(|place| place.end <= span.start);
        self.places.get(before).is_some_and(|place| place.start < span.end)
            || !self.content.contains(span)
            || self.context.facts.removed_names_hide()
            || self.object.tree.source_of(scalar).contains('\\')
    }

    fn push(&mut self, name: &'t str, place: NameSite, path: Path, node: NodeId) {
        self.found.push(NameLeft { name, place, path, node, doubtful: false });
    }

    fn scalar(&mut self, node: NodeId, text: &'t str, trail: Trail<'_>, speaks: bool) {
        if self.is_dropped(text) {
            let path = trail.to_path();
            let counts = speaks || (self.is_custom && !is_free(trail));
            if counts && !self.known.contains(&path) && !self.nodes.contains(&node) {
                let place = NameSite::Field(declared(&path, &self.object.path));
                self.found.push(NameLeft { name: text, place, path, node, doubtful: !speaks });
            }
            return;
        }
        if let Some((name, certain)) = name_in(text, speaks, self.object, self.context) {
            let path = trail.to_path();
            if !self.known.contains(&path) && !is_free(trail) {
                self.push_text(name, speaks, !certain, path, node);
            }
        }
    }

    fn push_text(&mut self, name: &'t str, speaks: bool, doubtful: bool, path: Path, node: NodeId) {
        self.found.push(NameLeft { name, place: NameSite::Text(speaks), path, node, doubtful });
    }

    fn is_dropped(&self, name: &str) -> bool {
        is_dropped(name, self.object, self.context)
    }
}

/// A name in a text, and whether what stands around it speaks of secrets. Else it must be a word of its own, and could be
/// the name of something else.
fn name_in<'t>(
    text: &'t str,
    speaks: bool,
    object: &Object<'_, '_>,
    context: Context<'_>,
) -> Option<(&'t str, bool)> {
    let names = context.facts.removed_names()?;
    let mut doubtful = None;
    for found in names.find_iter(text).filter(|found| is_whole_name(text, found.start(), found.end())) {
        let name = &text[found.range()];
        let line_start = text[..found.start()].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[found.end()..].find('\n').map_or(text.len(), |at| found.end() + at);
        let certain = speaks || speaks_of_secrets(&text[line_start..line_end]);
        if (!certain && doubtful.is_some()) || !is_dropped(name, object, context) {
            continue;
        }
        if certain {
            return Some((name, true));
        }
        doubtful = is_word(text, found.start(), found.end()).then_some((name, false)).or(doubtful);
    }
    doubtful
}

/// Whether a name is a word of its own, perhaps with its namespace before it; in a path or an address it is none.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    let divides = |c: char| c.is_whitespace() || "\"'`=,;()[]{}<>|".contains(c);
    let before = text[..start].rsplit(divides).next().unwrap_or_default();
    let after = text[end..].split(divides).next().unwrap_or_default();
    let namespace =
        before.strip_suffix('/').is_some_and(|name| !name.is_empty() && !name.contains(['/', ':']));
    (before.is_empty() || namespace) && after.is_empty()
}

fn is_dropped(name: &str, object: &Object<'_, '_>, Context { facts, config }: Context<'_>) -> bool {
    match facts.target(name, object.namespace(), config) {
        Resolution::Removed(secret) => {
            let rule = secret.rule.map(|rule| &config.secrets[rule]);
            rule.is_some_and(|rule| rule.to.as_deref() != Some(name))
        }
        Resolution::Untouched | Resolution::Ambiguous => false,
    }
}

/// Whether an annotation is Kustomize's own note of what an object is and was called; it never leaves Kustomize.
fn is_bookkeeping(annotation: &str) -> bool {
    annotation == "kustomize.config.k8s.io/id" || annotation.starts_with("internal.config.kubernetes.io/")
}

/// Whether a text stands where its author is free, or where the name of a namespace or label stands.
fn is_free(trail: Trail<'_>) -> bool {
    let keys: Vec<&str> = trail.keys().collect();
    let of_object = keys.last() == Some(&"metadata") && !keys.contains(&"annotations");
    of_object
        || keys.iter().any(|key| FREE.contains(key))
        || keys.first().is_some_and(|key| key.ends_with("amespace"))
}

/// Whether a key or a line of text speaks of secrets.
fn speaks_of_secrets(text: &str) -> bool {
    let text = text.as_bytes();
    let speaks = |at: usize| {
        let first = text[at].to_ascii_lowercase();
        let mut words = SPEAKS.iter().map(|word| word.as_bytes()).filter(|word| word[0] == first);
        words.any(|word| text[at..].get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
    };
    (0..text.len()).any(speaks)
}

/// Whether a key refers to a ConfigMap, as `configMapKeyRef` does.
fn speaks_of_config_maps(key: &str) -> bool {
    key.get(.."configmap".len()).is_some_and(|start| start.eq_ignore_ascii_case("configmap"))
}

/// Whether the bytes of a name are not part of a longer one; a dot between letters is part of a name.
fn is_whole_name(text: &str, start: usize, end: usize) -> bool {
    let letter =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let bytes = text.as_bytes();
    let before = |steps: usize| start.checked_sub(steps).and_then(|at| bytes.get(at));
    let part = |near: Option<&u8>, far: Option<&u8>| letter(near) || (near == Some(&b'.') && letter(far));
    !part(before(1), before(2)) && !part(bytes.get(end), bytes.get(end + 1))
}

/// The path as `spec.references` takes it: below the object, with `[*]` for every position. Where a mapping holds `name` and
/// `key`, the mapping.
fn declared(path: &Path, object: &Path) -> String {
    let mut steps = &path.steps()[object.steps().len()..];
    if let [parents @ .., Step::Key(last)] = steps
        && last == "name"
    {
        steps = parents;
    }
    let mut text = String::new();
    for step in steps {
        match step {
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
