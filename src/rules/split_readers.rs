//! Readers of a whole Secret or ConfigMap of which some keys move to the vault.
//!
//! A volume becomes a `projected` one of both, with the same files; a source of such a volume gets a second one behind it.
//! What a container takes by `envFrom` is for [`super::env_from`]. Any other reader is an error: it cannot read two objects.

use serde_json::{Map, Value, json};

use crate::config::SecretsRule;
use crate::diagnostics::{Code, Finding, Severity};
use crate::edit::means;
use crate::edit::patch::Op;
use crate::kube::references::{Reference, Takes};
use crate::rules::chart_secret::ChartSecret;
use crate::rules::facts::vaulted_key;
use crate::rules::{ObjectView, RuleOutput};
use crate::yaml::scalar::{kubernetes_boolean, kubernetes_integer};
use crate::yaml::{Kind, NodeId, Path, Scalar, ScalarStyle, Step, Tree};

/// A Secret or ConfigMap of which some keys go to the vault.
#[derive(Clone, Copy)]
pub(super) struct Split<'a> {
    /// It.
    pub(super) holder: &'a ChartSecret,
    /// The rule that moves them.
    pub(super) rule: &'a SecretsRule,
    /// The vaulted Secret.
    pub(super) to: &'a str,
}

/// Lets a reader of some moved keys and others have both.
pub(super) fn follow(
    reference: &Reference<'_>,
    split: Split<'_>,
    subject: &ObjectView<'_, '_, '_>,
    outcome: &mut RuleOutput,
) {
    let made = match (&reference.takes, ReaderShape::of(&reference.path, subject)) {
        (Takes::Env, Some(ReaderShape::Container)) => Some(()),
        (Takes::Items(_) | Takes::Files { .. }, Some(ReaderShape::Volume(volume))) => {
            project(subject.object.tree, volume, split, outcome)
        }
        (Takes::Items(_) | Takes::Files { .. }, Some(ReaderShape::Source(sources, position))) => {
            add_source(subject.object.tree, (sources, position), split, outcome)
        }
        _ => None,
    };
    if made.is_none() {
        outcome.findings.push(whole_reader(reference, split));
    }
}

/// A place of a pod from which two objects can be read.
enum ReaderShape<'p> {
    /// `envFrom` of a container.
    Container,
    /// The volume.
    Volume(&'p Path),
    /// The sources of a projected volume, and the position of this one.
    Source(&'p Path, usize),
}

impl<'p> ReaderShape<'p> {
    fn of(path: &'p Path, subject: &ObjectView<'_, '_, '_>) -> Option<Self> {
        let is = |step: &Step, key: &str| matches!(step, Step::Key(own) if own == key);
        let is_pod = |pod: &Path| subject.pods.specs.iter().any(|(path, _)| path == pod);
        let is_container = |pod: &Path| subject.pods.containers.iter().any(|(path, _)| path == pod);
        match path.steps()[..] {
            [ref container @ .., list, Step::Index(_), _, _] if is(list, "envFrom") => {
                is_container(path.first(container.len())).then_some(Self::Container)
            }
            [ref pod @ .., volumes, Step::Index(_), projected, sources, Step::Index(position), _, _]
                if is(volumes, "volumes") && is(projected, "projected") && is(sources, "sources") =>
            {
                let sources = path.first(path.len() - 3);
                is_pod(path.first(pod.len())).then_some(Self::Source(sources, *position))
            }
            [ref pod @ .., volumes, Step::Index(_), _, _] if is(volumes, "volumes") => {
                is_pod(path.first(pod.len())).then_some(Self::Volume(path.first(path.len() - 2)))
            }
            _ => None,
        }
    }
}

/// Makes a volume of one object a projected one of two.
fn project(tree: &Tree<'_>, volume: &Path, split: Split<'_>, outcome: &mut RuleOutput) -> Option<()> {
    let (field, name) = split.holder.volume_field();
    let source = tree.get(tree.at(volume)?, field)?;
    let parts = Parts::of(tree, source, split)?;
    let mut projected = Map::new();
    if let Some(mode) = tree.get(source, "defaultMode") {
        projected.insert("defaultMode".to_owned(), number(tree, mode)?);
    }
    let own = tree.get(source, name).and_then(|name| tree.text(name))?;
    let is_kept = parts.kept.as_ref().is_none_or(|kept| !kept.is_empty());
    let mut kept = json!({"name": own});
    if let Some(items) = parts.kept {
        kept["items"] = items.into_iter().map(|(_, item)| item).collect();
    }
    if let Some(optional) = &parts.optional {
        kept["optional"] = optional.clone();
    }
    let sources = if is_kept { json!([{field: kept}, parts.moved]) } else { json!([parts.moved]) };
    projected.insert("sources".to_owned(), sources);
    outcome.patch.push(Op::Remove { path: volume.key(field) });
    outcome.patch.push(Op::add(volume.key("projected"), projected));
    Some(())
}

/// Gives a projected volume a source for the moved keys, beside the one that had them.
fn add_source(
    tree: &Tree<'_>,
    (path, position): (&Path, usize),
    split: Split<'_>,
    outcome: &mut RuleOutput,
) -> Option<()> {
    let (field, _) = split.holder.volume_field();
    let items = tree.at(path).and_then(|sources| tree.items(sources))?;
    let source = tree.get(*items.get(position)?, field)?;
    let Parts { kept, moved, moved_items, .. } = Parts::of(tree, source, split)?;
    if kept.as_ref().is_some_and(Vec::is_empty) {
        // Nothing of it stays.
        outcome.patch.push(Op::Remove { path: path.index(position).key(field) });
        outcome.patch.push(Op::add(path.index(position).key("secret"), moved["secret"].clone()));
    } else if kept.is_some() {
        // All files are named, so which source comes first makes no difference; behind the items that go is no room.
        let items = path.index(position).keys(&[field, "items"]);
        outcome.patch.extend(moved_items.into_iter().map(|item| Op::Remove { path: items.index(item) }));
        outcome.patch.push(Op::insert(path.index(position), moved));
    } else if items.get(position + 1).is_some_and(|next| means(tree, *next, &moved)) {
        // It is there already.
    } else if position + 1 < items.len() {
        outcome.patch.push(Op::insert(path.index(position + 1), moved));
    } else {
        outcome.patch.push(Op::append(path.clone(), moved));
    }
    Some(())
}

/// What a volume takes, in two parts.
struct Parts {
    /// The items that stay, each with its position; none where all keys are taken.
    kept: Option<Vec<(usize, Value)>>,
    /// The source for the moved keys.
    moved: Value,
    /// The positions of the items that go.
    moved_items: Vec<usize>,
    /// Whether the object may be missing, where it is said.
    optional: Option<Value>,
}

impl Parts {
    fn of(tree: &Tree<'_>, source: NodeId, Split { holder, rule, to }: Split<'_>) -> Option<Self> {
        let items = tree.get(source, "items").and_then(|items| tree.items(items)).unwrap_or_default();
        let optional = tree.get(source, "optional").filter(|optional| !tree.is_null(*optional));
        let optional = match optional {
            Some(node) => Some(Value::from(kubernetes_boolean(plain(tree, node)?)?)),
            None => None,
        };
        let (mut kept, mut moved, mut moved_items) = (Vec::new(), Vec::new(), Vec::new());
        for (position, item) in items.iter().enumerate() {
            let text = |key: &str| tree.get(*item, key).and_then(|value| tree.text(value));
            let (key, file) = (text("key")?, text("path")?);
            let is_moved = holder.keys.iter().any(|known| known == key);
            let mut value =
                json!({"key": if is_moved { vaulted_key(&rule.keys, key) } else { key }, "path": file});
            if let Some(mode) = tree.get(*item, "mode") {
                value["mode"] = number(tree, mode)?;
            }
            if is_moved {
                moved_items.push(position);
                moved.push(value);
            } else {
                kept.push((position, value));
            }
        }
        let is_whole = items.is_empty();
        if is_whole {
            let item = |key: &String| json!({"key": vaulted_key(&rule.keys, key), "path": key});
            moved = holder.keys.iter().map(item).collect();
        }
        let mut secret = json!({"name": to, "items": moved});
        if let Some(optional) = &optional {
            secret["optional"] = optional.clone();
        }
        let kept = (!is_whole).then_some(kept);
        Some(Self { kept, moved: json!({"secret": secret}), moved_items, optional })
    }
}

/// The text of a plain scalar.
fn plain<'t>(tree: &'t Tree<'_>, node: NodeId) -> Option<&'t str> {
    match tree.kind(tree.resolve(node)) {
        Kind::Scalar(Scalar { text, style: ScalarStyle::Plain }) => Some(text),
        _ => None,
    }
}

fn number(tree: &Tree<'_>, node: NodeId) -> Option<Value> {
    if tree.is_null(node) {
        Some(Value::Null)
    } else {
        kubernetes_integer(plain(tree, node)?).map(Value::from)
    }
}

/// Who reads one object alone, and would miss what goes to the vault.
fn whole_reader(reference: &Reference<'_>, Split { holder, to, .. }: Split<'_>) -> Finding {
    Finding {
        code: Code::WholeReader,
        severity: Severity::Error,
        message: format!(
            "this takes {} {} as a whole, and a rule moves only some of its keys to the vault: {}",
            holder.kind(),
            reference.name,
            holder.keys.join(", ")
        ),
        help: if holder.is_config_map {
            format!(
                "let it read Secret {to} in the chart's values, or take the keys that it needs out of `only`"
            )
        } else {
            format!(
                "leave out `only` of the rule, which moves all keys; or let it read {to} in the chart's values"
            )
        },
        path: reference.path.clone(),
        node: reference.node,
    }
}
