//! A run as data: what it does to each object, for places where the program itself cannot run.
//!
//! A patch is as blind as an index: it fits the render that it was made from. So each patch tests
//! the names of the list items on its path, and fails on another chart instead of changing something else.

mod kustomize;

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use serde_json::Value;

use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, Error, Location};
use crate::edit::patch::{Op, Patch};
use crate::filter::rewrite::RewrittenDocument;
use crate::filter::{self, Reach};
use crate::kube::list_keys::alike_by_first_field;
use crate::kube::object::Object;
use crate::kube::pods::Pods;
use crate::yaml::{Kind, NodeId, Path, ScalarStyle, Step, Tree, scalar};

/// What a run does to each object.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    patches: Vec<ObjectPatch>,
    /// For each patch where its object comes from, to name it together with those of other streams.
    origins: Vec<ObjectOrigin>,
    diagnostics: Vec<Diagnostic>,
    targets: TargetCounts,
}

/// What happens to one object.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectPatch {
    /// The object.
    pub target: PatchTarget,
    /// What happens to it.
    pub change: ObjectChange,
}

/// An object, as patches name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PatchTarget {
    /// The API group; empty for the core group.
    pub group: String,
    /// The API version.
    pub version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, where the object has one.
    pub namespace: Option<String>,
}

/// What happens to an object.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ObjectChange {
    /// It is removed.
    Delete,
    /// The operations of a JSON Patch (RFC 6902), one after the other.
    Json6902(Vec<Value>),
}

impl Plan {
    /// The objects that change, in the order of the stream.
    #[must_use]
    pub fn patches(&self) -> &[ObjectPatch] {
        &self.patches
    }

    /// Warnings of the run, in the order of the stream.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Says of everything in it that it is in this file.
    pub fn name_file(&mut self, name: &str) {
        let warnings = self.diagnostics.iter_mut().map(|diagnostic| &mut diagnostic.location);
        for location in warnings.chain(self.origins.iter_mut().map(|origin| &mut origin.location)) {
            location.file.get_or_insert_with(|| name.to_owned());
        }
    }

    /// Adds what the runs over other streams do: one set of patches for all objects.
    ///
    /// # Errors
    ///
    /// An object that changes and cannot be told from one of another stream.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Self>) -> Result<(), Error> {
        for other in others {
            for (target, count) in other.targets.0 {
                *self.targets.0.entry(target).or_default() += count;
            }
            self.patches.extend(other.patches);
            self.origins.extend(other.origins);
            self.diagnostics.extend(other.diagnostics);
        }
        self.resolve()
    }

    /// Names the objects, in view of all that are known.
    fn resolve(&mut self) -> Result<(), Error> {
        let mut refused = Vec::new();
        for (patch, origin) in self.patches.iter_mut().zip(&self.origins) {
            match origin.resolve(&self.targets) {
                Ok(target) => patch.target = target,
                Err(diagnostic) => refused.push(*diagnostic),
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        Err(Error::new(self.diagnostics.iter().cloned().chain(refused).collect()))
    }
}

impl fmt::Display for PatchTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{} in namespace {namespace}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

/// What [`filter()`](crate::filter()) would do, object by object.
///
/// # Errors
///
/// Those of the filter; and an object that changes and cannot be told from another one by kind, name and namespace.
///
/// # Example
///
/// ```
/// let mut config = resecret::Config::default();
/// config.add_preset("langfuse", "langfuse-vault")?;
/// let render = b"\
/// apiVersion: v1
/// kind: Pod
/// metadata: {name: web}
/// spec:
///   containers:
///   - {name: langfuse-web, env: [{name: SALT, value: changeme}]}
/// ";
/// let plan = resecret::plan(render, &config)?;
/// assert_eq!(plan.patches()[0].target.to_string(), "Pod/web");
/// # Ok::<(), resecret::Error>(())
/// ```
pub fn plan(input: &[u8], config: &Config) -> Result<Plan, Error> {
    let (filtered, documents) = filter::run(input, config, Reach::Every, planned)?;
    let mut plan = Plan { diagnostics: filtered.diagnostics().to_vec(), ..Plan::default() };
    for (targets, planned) in documents {
        for target in targets {
            plan.targets.add(target);
        }
        for (change, origin) in planned {
            plan.patches.push(ObjectPatch { target: PatchTarget::default(), change });
            plan.origins.push(origin);
        }
    }
    plan.resolve()?;
    Ok(plan)
}

/// An object that changes, whose name may be another one's too.
#[derive(Clone, Debug, Default)]
struct ObjectOrigin {
    target: Option<PatchTarget>,
    location: Location,
    /// The lists whose entries Kustomize would merge.
    merged_lists: Vec<Path>,
}

/// What happens to an object.
type Planned = (ObjectChange, ObjectOrigin);

/// What one document brings: what names its objects, and what happens to those that change.
fn planned(seen: &RewrittenDocument<'_, '_, '_>) -> (Vec<PatchTarget>, Vec<Planned>) {
    let targets = seen.objects.iter().filter_map(PatchTarget::of).collect();
    let changes = if seen.patch.is_empty() { Vec::new() } else { changes(seen) };
    (targets, changes)
}

fn changes(seen: &RewrittenDocument<'_, '_, '_>) -> Vec<Planned> {
    let mut planned = Vec::new();
    let numbers: HashMap<&Path, usize> =
        seen.objects.iter().enumerate().map(|(number, object)| (&object.path, number)).collect();
    let mut ops_of: Vec<Vec<&Op>> = vec![Vec::new(); seen.objects.len()];
    for op in seen.patch.ops() {
        // No object is inside another one.
        let number = op.path().upwards().find_map(|path| numbers.get(path));
        if let Some(number) = number {
            ops_of[*number].push(op);
        }
    }
    for (object, ops) in seen.objects.iter().zip(ops_of) {
        if ops.iter().all(|op| matches!(op, Op::Test { .. })) {
            continue;
        }
        let is_removed = |op: &&Op| matches!(op, Op::Remove { path } if *path == object.path);
        let change = if ops.iter().any(is_removed) {
            ObjectChange::Delete
        } else {
            ObjectChange::Json6902(operations(object, &ops))
        };
        let at = object.tree.start(object.node);
        let location = seen.locator.locate_in(seen.document, object, at);
        let merged_lists = merged_lists(object, &ops);
        planned.push((change, ObjectOrigin { target: PatchTarget::of(object), location, merged_lists }));
    }
    planned
}

/// The lists of an object whose entries a strategic merge takes for one, also if it changes nothing; of nested ones the
/// outer one.
fn merged_lists(object: &Object<'_, '_>, ops: &[&Op]) -> Vec<Path> {
    let is_removed =
        |list: &Path| ops.iter().any(|op| matches!(op, Op::Remove { path } if list.starts_with(path)));
    let mut lists: Vec<Path> = Vec::new();
    for list in alike_by_first_field(object, &Pods::of(object)) {
        let is_inside = lists.last().is_some_and(|outer| list.starts_with(outer));
        if !is_inside && !is_removed(&list) {
            lists.push(list);
        }
    }
    let depth = object.path.len();
    lists.iter().map(|list| list.below(depth)).collect()
}

impl ObjectOrigin {
    /// What names it, if that can mean no other object.
    fn resolve(&self, all: &TargetCounts) -> Result<PatchTarget, Box<Diagnostic>> {
        let help = "give it a name or namespace of its own in the chart's values, or run the filter itself";
        let Some(target) = &self.target else {
            let message = "a patch finds its object by apiVersion, kind and metadata.name, and this one lacks one of them";
            return Err(Diagnostic::error(Code::Untargetable, message, help)
                .at(self.location.clone())
                .into());
        };
        let count = |target: &PatchTarget| all.selected_by(target);
        // Kustomize takes `default` for an absent namespace: needed only where another object has the name in its own.
        let strict = || {
            let namespace = target.namespace.clone().or_else(|| Some(DEFAULT_NAMESPACE.to_owned()));
            Some(PatchTarget { namespace, ..target.clone() }).filter(|strict| count(strict) == 1)
        };
        let unique = Some(target.clone()).filter(|target| count(target) == 1).or_else(strict);
        if let Some(target) = unique {
            return Ok(target);
        }
        let message = format!("a patch for {target} would change {} objects", count(target));
        Err(Diagnostic::error(Code::Untargetable, message, help).at(self.location.clone()).into())
    }
}

const DEFAULT_NAMESPACE: &str = "default";

impl PatchTarget {
    /// What names an object; `None` where something is missing for that, also a `kind` that only its list implies.
    fn of(object: &Object<'_, '_>) -> Option<Self> {
        let name = object.name().filter(|name| !name.is_empty())?;
        let own = |field: &str| {
            let node = object.tree.get(object.node, field)?;
            object.tree.text(node).filter(|text| !text.is_empty())
        };
        let (kind, api_version) = (own("kind")?, own("apiVersion")?);
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Some(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: object.namespace().map(str::to_owned),
        })
    }

    /// `apiVersion`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// How many objects a patch would change, for every way to name them: with or without group and namespace.
#[derive(Clone, Debug, Default)]
struct TargetCounts(HashMap<PatchTarget, usize>);

impl TargetCounts {
    fn add(&mut self, mut object: PatchTarget) {
        object.namespace.get_or_insert_with(|| DEFAULT_NAMESPACE.to_owned());
        let any_group = PatchTarget { group: String::new(), ..object.clone() };
        let mut ways = vec![PatchTarget { namespace: None, ..any_group.clone() }, any_group];
        if !object.group.is_empty() {
            ways.push(PatchTarget { namespace: None, ..object.clone() });
            ways.push(object);
        }
        for way in ways {
            *self.0.entry(way).or_default() += 1;
        }
    }

    /// What the target leaves open fits anything.
    fn selected_by(&self, target: &PatchTarget) -> usize {
        self.0.get(target).copied().unwrap_or_default()
    }
}

/// The operations on one object, behind a test of every name that they count through.
fn operations(object: &Object<'_, '_>, ops: &[&Op]) -> Vec<Value> {
    let depth = object.path.len();
    let mut patch = Patch::default();
    let mut tested = BTreeSet::new();
    let own = ops.iter().filter_map(|op| match op {
        Op::Test { path, value } => Some((path.below(depth), String::from(&**value))),
        _ => None,
    });
    let names = ops.iter().flat_map(|op| names(object, &op.path().below(depth)));
    for (path, value) in names.chain(own) {
        if tested.insert(path.clone()) {
            patch.push(Op::test(path, &value));
        }
    }
    for op in ops.iter().filter(|op| !matches!(op, Op::Test { .. })) {
        patch.push(op.below(depth));
    }
    match patch.to_json_patch() {
        Value::Array(operations) => operations,
        _ => Vec::new(),
    }
}

/// The names of the items that a path counts through: containers, variables, volumes.
fn names(object: &Object<'_, '_>, path: &Path) -> Vec<(Path, String)> {
    let tree = object.tree;
    let mut found = Vec::new();
    let (mut node, mut here) = (object.node, Path::root());
    for step in path.steps() {
        let Some(next) = tree.child(node, step) else { break };
        here = here.step(step);
        if matches!(step, Step::Index(_)) {
            found.extend(name(tree, next).map(|name| (here.key("name"), name)));
        }
        node = next;
    }
    found
}

/// An item's name, if every reader takes it for a string.
fn name(tree: &Tree<'_>, item: NodeId) -> Option<String> {
    let node = tree.get(item, "name")?;
    let text = tree.text(node)?;
    let is_string = match tree.kind(tree.resolve(node)) {
        Kind::Scalar(found) => found.style != ScalarStyle::Plain || scalar::is_plain(text),
        _ => false,
    };
    is_string.then(|| text.to_owned())
}
