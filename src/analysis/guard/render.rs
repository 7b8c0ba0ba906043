//! What only a render can say: the names of the Secrets in it, and the shapes of its custom resources.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::guard::built_in::is_built_in;
use crate::catalogue::name_format::{NameFormat, of_annotation};
use crate::config::{Config, ReferenceRule, SecretsRule};
use crate::kube::object::{Object, distinct_keys, objects};
use crate::kube::pods::{CONTAINER_LISTS, Pods};
use crate::kube::references::{Reference, Takes, references};
use crate::rules::facts::selects;
use crate::stream;
use crate::yaml::field_path::{FieldPath, FieldStep};
use crate::yaml::{self, Path, Step};

/// The group of webhook configurations and policies.
const ADMISSION: &str = "admissionregistration.k8s.io";

/// What was read of a render.
#[derive(Default)]
pub(super) struct Render {
    /// The Secrets that rules remove.
    pub(super) removed: Vec<RemovedInRender>,
    /// Where rules move keys: all that holds some.
    pub(super) holders: Vec<RenderedHolder>,
    /// The names of all Secrets.
    pub(super) secrets: BTreeSet<String>,
    /// The custom resources.
    pub(super) shapes: Vec<Shape>,
}

/// A Secret of the render that a rule removes.
pub(super) struct RemovedInRender {
    /// `metadata.name`.
    pub(super) name: String,
    /// `metadata.namespace`.
    pub(super) namespace: Option<String>,
    /// The position of the rule in [`Config::secrets`].
    pub(super) rule: usize,
    /// The keys of its data.
    pub(super) keys: Vec<String>,
}

/// A Secret or ConfigMap of the render.
pub(super) struct RenderedHolder {
    pub(super) is_config_map: bool,
    /// `metadata.name`.
    pub(super) name: String,
    /// `metadata.namespace`.
    pub(super) namespace: Option<String>,
    /// The keys of its data.
    pub(super) keys: Vec<String>,
    /// The position of the rule in [`Config::secrets`] that moves some of them.
    pub(super) rule: Option<usize>,
}

/// Where the objects of a kind have pods, variables and references.
#[derive(Default)]
pub(super) struct Shape {
    pub(super) group: String,
    pub(super) kind: String,
    /// Whether an object of the kind says its namespace.
    pub(super) namespaced: bool,
    pub(super) pods: BTreeSet<FieldPath>,
    pub(super) env: BTreeSet<FieldPath>,
    pub(super) fields: BTreeSet<FieldPath>,
    /// Fields with texts that hold more than a name.
    pub(super) formats: BTreeMap<FieldPath, NameFormat>,
}

impl Render {
    /// Reads a render, which the filter has read before: what is no YAML has been an error there.
    pub(super) fn read(input: &[u8], config: &Config) -> Self {
        let mut render = Self::default();
        let mut shapes: BTreeMap<(String, String), Shape> = BTreeMap::new();
        for document in stream::documents(input) {
            let Ok(text) = stream::text(&document) else { continue };
            let Ok(tree) = yaml::parse(text) else { continue };
            for object in objects(&tree) {
                if object.is_secret() {
                    render.learn(&object, config);
                } else if object.is_config_map() {
                    render.learn_keys(&object, config);
                } else if !is_built_in(object.group(), &object.kind) {
                    let group = object.group().to_owned();
                    let shape = shapes.entry((group.clone(), object.kind.clone())).or_insert_with(|| Shape {
                        group,
                        kind: object.kind.clone(),
                        ..Shape::default()
                    });
                    shape.learn(&object, config);
                }
            }
        }
        // A group without a dot is Kubernetes' own: of its other kinds none has a pod or names a Secret. What configures
        // admission no policy gets to see.
        let is_judged = |shape: &Shape| shape.group.contains('.') && shape.group != ADMISSION;
        render.shapes = shapes.into_values().filter(is_judged).collect();
        render
    }

    fn learn(&mut self, object: &Object<'_, '_>, config: &Config) {
        let Some(name) = object.name().filter(|name| !name.is_empty()) else { return };
        self.secrets.insert(name.to_owned());
        let rule = self.learn_keys(object, config);
        if let Some(rule) = rule.filter(|rule| !config.secrets[*rule].splits()) {
            self.removed.push(RemovedInRender {
                name: name.to_owned(),
                namespace: object.namespace().map(str::to_owned),
                rule,
                keys: distinct_keys(&object.secret_data()),
            });
        }
    }

    /// Learns what moves out of an object; the rule that decides it.
    fn learn_keys(&mut self, object: &Object<'_, '_>, config: &Config) -> Option<usize> {
        let name = object.name().filter(|name| !name.is_empty())?;
        let is_config_map = object.is_config_map();
        let keys = distinct_keys(&object.held_data());
        let has_some = |rule: &SecretsRule| keys.iter().any(|key| rule.only.contains(key));
        let decides = |rule: &SecretsRule| selects(rule, object, name) && (!rule.splits() || has_some(rule));
        let rule = config.secrets.iter().position(decides);
        if config.splits() {
            self.holders.push(RenderedHolder {
                is_config_map,
                name: name.to_owned(),
                namespace: object.namespace().map(str::to_owned),
                keys,
                rule: rule.filter(|rule| config.secrets[*rule].splits()),
            });
        }
        rule
    }
}

impl Shape {
    fn learn(&mut self, object: &Object<'_, '_>, config: &Config) {
        self.namespaced |= object.namespace().is_some();
        let depth = object.path.len();
        for list in Pods::of(object).env {
            let steps = list.path.steps_from(depth);
            match pod_of(&steps) {
                Some(pod) => self.pods.insert(place(pod)),
                None => self.env.insert(place(&steps)),
            };
        }
        for reference in references(object, config, None).found {
            let steps = &reference.path.steps_from(depth)[..];
            let at = place(steps);
            let is_declared = |rule: &ReferenceRule| {
                rule.kind == object.kind && rule.place.names_items() && at.is_below(&rule.place)
            };
            if is_known_annotation(steps) || config.references.iter().any(is_declared) {
                // It is looked for in every object, or in the items of this name alone.
            } else if let Some(format) = format_of(&reference) {
                self.formats.insert(place(steps), format);
            } else if let Some(pod) = pods_above(object, steps) {
                self.pods.insert(place(pod));
            } else if reference.namespace.is_some()
                || has_kind(object, &reference.path)
                || (config.splits() && matches!(reference.takes, Takes::Key(..)))
            {
                // The mapping says more than the name: whose it is, or that it is no Secret's.
                self.fields.insert(place(&steps[..steps.len().saturating_sub(1)]));
            } else {
                self.fields.insert(place(steps));
            }
        }
    }
}

/// Whether a place is an annotation of the object that is known to name Secrets.
fn is_known_annotation(steps: &[&Step]) -> bool {
    matches!(steps, [Step::Key(metadata), Step::Key(annotations), Step::Key(annotation)]
        if metadata == "metadata" && annotations == "annotations" && of_annotation(annotation).is_some())
}

/// The format of a text that holds more than a name, as far as it matters. A slash alone is looked for in every name.
fn format_of(reference: &Reference<'_>) -> Option<NameFormat> {
    match (&reference.takes, reference.begin) {
        (Takes::KeyBeside(..), _) => Some(NameFormat::NamespaceNameKey),
        (_, Some(_)) => Some(NameFormat::List),
        _ => None,
    }
}

/// Whether a kind is beside a name.
fn has_kind(object: &Object<'_, '_>, name: &Path) -> bool {
    let Some((holder, _)) = name.split_last() else { return false };
    let holder = object.tree.at(holder);
    holder.is_some_and(|holder| object.tree.get(holder, "kind").is_some())
}

/// The path of the pod that holds a list of variables: what is before `containers[0].env`.
pub(super) fn pod_of<'a, 'p>(steps: &'a [&'p Step]) -> Option<&'a [&'p Step]> {
    match steps {
        [pod @ .., Step::Key(list), Step::Index(_), Step::Key(_)]
            if CONTAINER_LISTS.contains(&list.as_str()) =>
        {
            Some(pod)
        }
        _ => None,
    }
}

/// The path of the pod that a field belongs to: the nearest mapping above it with containers.
fn pods_above<'a, 'p>(object: &Object<'_, '_>, steps: &'a [&'p Step]) -> Option<&'a [&'p Step]> {
    let mut node = object.node;
    let mut found = None;
    for (position, step) in steps.iter().enumerate() {
        let has_containers = CONTAINER_LISTS
            .iter()
            .any(|list| object.tree.get(node, list).is_some_and(|list| object.tree.items(list).is_some()));
        if has_containers {
            found = Some(&steps[..position]);
        }
        node = object.tree.child(node, step)?;
    }
    found
}

/// A path as a place: every position is any.
pub(super) fn place(steps: &[&Step]) -> FieldPath {
    FieldPath::of(steps.iter().map(|step| match step {
        Step::Key(key) => FieldStep::Key(key.to_string()),
        Step::Index(_) => FieldStep::AnyItem,
    }))
}
