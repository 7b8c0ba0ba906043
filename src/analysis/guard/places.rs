//! Says which policy looks at a place of an object.

use crate::analysis::guard::credentials;
use crate::analysis::guard::evidence::{OTHERS, sees};
use crate::analysis::guard::kinds::{Family, GuardedKind};
use crate::analysis::guard::known::{KnownSecrets, SecretFate};
use crate::analysis::guard::moved_places::{TakingContainer, volume_of};
use crate::analysis::guard::render::{place, pod_of};
use crate::catalogue::name_format::{SETTING, of_annotation};
use crate::config::Config;
use crate::edit::patch::Op;
use crate::kube::object::Object;
use crate::kube::pods::{EnvList, Pods};
use crate::kube::references::{Reference, Takes, references};
use crate::yaml::field_path::FieldPath;
use crate::yaml::{Path, Step, Tree};

/// What of an object policies look at.
pub(super) struct JudgedPlaces<'o, 't, 's> {
    kind: Option<&'o GuardedKind>,
    /// How far down the stream's document the object is.
    depth: usize,
    env: Vec<EnvList<'t>>,
    references: Vec<Reference<'t>>,
    /// The paths of those that policies tell by the keys above them.
    evident: Vec<Path>,
    /// The Secrets that they name.
    secrets: &'o KnownSecrets<'o>,
    tree: &'t Tree<'s>,
    /// The containers that take keys which may be moved.
    taking: Vec<TakingContainer<'t>>,
}

/// A change, as it is told.
pub(super) struct Change {
    /// Where.
    pub(super) path: Path,
    /// What is at fault; no value.
    pub(super) what: String,
    /// The policy that looks at it.
    pub(super) policy: Option<&'static str>,
}

impl<'o, 't, 's> JudgedPlaces<'o, 't, 's> {
    /// Of an object.
    pub(super) fn of(
        object: &Object<'t, 's>,
        config: &Config,
        kinds: &'o [GuardedKind],
        secrets: &'o KnownSecrets<'_>,
    ) -> Self {
        let pods = Pods::of(object);
        let removed = &secrets.fates;
        // A name with a key is a reference where the policies know the key: from the render.
        let has_key = |name: &str, _: Option<&str>, key: &str| {
            secrets.keys.get(name).is_some_and(|keys| keys.contains(key))
        };
        let mut references = references(object, config, Some(&has_key)).found;
        references.retain(|reference| removed.contains_key(reference.name));
        let is_evident = |reference: &&Reference<'_>| {
            removed.get(reference.name) == Some(&SecretFate::Removed)
                && sees(object, reference, &secrets.keys)
        };
        let evident = references.iter().filter(is_evident).map(|found| found.path.clone()).collect();
        Self {
            // Where nobody says the version, a server would not take it, and the kind alone decides.
            kind: kinds.iter().find(|kind| {
                kind.kind == object.kind && (kind.group == object.group() || object.api_version.is_empty())
            }),
            depth: object.path.len(),
            taking: TakingContainer::all(&pods, object, config, secrets),
            env: pods.env,
            references,
            evident,
            secrets,
            tree: object.tree,
        }
    }

    /// What a change means, and who looks there.
    pub(super) fn find(&self, op: &Op) -> Change {
        let path = op.path();
        let found = self.reference(op).or_else(|| self.moved(op)).or_else(|| self.variable(op));
        let found = found.or_else(|| self.annotation(op));
        found.unwrap_or_else(|| {
            let what = format!("the filter changes {}", path.below(self.depth));
            Change { path: path.clone(), what, policy: None }
        })
    }

    /// A reader of keys that go to the vault, which gets a variable or another volume.
    fn moved(&self, op: &Op) -> Option<Change> {
        let path = op.path();
        let taking = self.taking.iter().find_map(|container| Some((container.name, container.gets(op)?)));
        let (what, is_judged) = if let Some((container, (variable, is_known))) = taking {
            let what = format!(
                "container {container} takes variable {variable} by envFrom, which goes to the vault"
            );
            (what, is_known && self.judges_list(&list_of(path)))
        } else {
            let steps = path.steps_from(self.depth);
            let (pod, position) = volume_of(&steps)?;
            let what = format!("volume {position} takes a key that goes to the vault");
            let volume = self.tree.at(path.first(self.depth + pod.len() + 2));
            let is_known = volume.is_some_and(|volume| self.secrets.knows_volume(self.tree, volume));
            (what, is_known && self.kind.is_some_and(|kind| judges_pod(kind, pod)))
        };
        Some(Change { path: path.clone(), what, policy: self.family().filter(|_| is_judged) })
    }

    /// An entry of a list of variables, or a part of one.
    fn variable(&self, op: &Op) -> Option<Change> {
        let path = op.path();
        let list = self.env.iter().find(|list| path.starts_with(&list.path))?;
        let below = path.steps_behind(&list.path);
        let Some(Step::Index(position)) = below.first() else {
            let what = format!("container {} lacks a variable that a rule adds", list.container);
            return Some(Change { path: path.clone(), what, policy: None });
        };
        let name = list.entries.get(*position)?.as_ref().map_or("", |variable| variable.name);
        let is_repeated = list.entries.iter().flatten().filter(|other| other.name == name).count() > 1;
        let what = match op {
            Op::Remove { .. } if below.len() == 1 && is_repeated => "is defined more than once",
            Op::Remove { .. } if below.len() == 1 => "must not be there",
            _ => "must read the vault",
        };
        let is_unknown = self
            .tree
            .at(&list.path.index(*position))
            .is_some_and(|entry| self.secrets.reads_unknown(self.tree, entry));
        let policy = (self.judges_list(&list.path) && !is_unknown).then(|| self.family()).flatten();
        let what = format!("container {} variable {name} {what}", list.container);
        Some(Change { path: path.clone(), what, policy })
    }

    /// A field that names a Secret, or what is beside the name.
    fn reference(&self, op: &Op) -> Option<Change> {
        let path = op.path();
        let is_about = |reference: &&Reference<'_>| {
            let name = &reference.path;
            let is_beside = |(holder, _): (&Path, _)| path.starts_with(holder) && path.len() > holder.len();
            match &reference.takes {
                Takes::Shared(list) => list == path || path == name,
                Takes::ListItem { item, .. } if item == path => true,
                _ => path == name || name.split_last().is_some_and(is_beside),
            }
        };
        let reference = self.references.iter().find(is_about)?;
        let by_field = self.judges_field(&reference.path).then(|| self.family()).flatten();
        let by_evidence = || self.evident.contains(&reference.path).then(|| self.evidence_policy());
        let policy = by_field.or_else(by_evidence).filter(|_| self.secrets.knows(reference.name));
        let reads = match self.secrets.fates.get(reference.name) {
            Some(SecretFate::Split) => "a moved key of",
            _ => "removed",
        };
        let what = format!("{} reads {reads} Secret {}", reference.path.below(self.depth), reference.name);
        Some(Change { path: path.clone(), what, policy })
    }

    /// An annotation of a pod template.
    fn annotation(&self, op: &Op) -> Option<Change> {
        let steps = op.path().steps_from(self.depth);
        let [template @ .., Step::Key(metadata), Step::Key(annotations), Step::Key(name)] = &steps[..] else {
            return None;
        };
        if metadata != "metadata" || annotations != "annotations" {
            return None;
        }
        let template = place(template);
        let is_template =
            |pod: &FieldPath| pod.steps().split_last().is_some_and(|(_, above)| above == template.steps());
        let policy = self.kind.filter(|kind| kind.pods.iter().any(is_template)).and_then(|_| self.family());
        let what = format!("annotation {name} must not be in the pod template");
        Some(Change { path: op.path().clone(), what, policy })
    }

    /// Whether the policy of credentials looks at the object.
    pub(super) fn may_hold_credentials(&self) -> bool {
        self.kind.is_some_and(|kind| credentials::is_judged(kind) && kind.namespaced != Some(false))
    }

    /// Whether policies tell a reference by the keys above it alone.
    pub(super) fn needs_evidence(&self) -> bool {
        self.evident.iter().any(|path| !self.judges_field(path))
    }

    /// The policy that tells references by the keys above them.
    pub(super) fn evidence_policy(&self) -> &'static str {
        self.family().unwrap_or(OTHERS)
    }

    /// The policy of the object's kind.
    fn family(&self) -> Option<&'static str> {
        let kind = self.kind?;
        Family::ALL.into_iter().find(|family| kind.is_of(*family)).map(Family::suffix)
    }

    /// Whether a policy knows the list of variables at a path.
    pub(super) fn judges_list(&self, path: &Path) -> bool {
        let steps = &path.steps_from(self.depth)[..];
        let Some(kind) = self.kind else { return false };
        match pod_of(steps) {
            Some(pod) => judges_pod(kind, pod),
            None => {
                kind.env.contains(&place(steps)) && !steps.iter().any(|step| matches!(step, Step::Index(_)))
            }
        }
    }

    /// Whether a policy knows the field at a path.
    fn judges_field(&self, path: &Path) -> bool {
        let steps = &path.steps_from(self.depth)[..];
        let Some(kind) = self.kind else { return false };
        let at = place(steps);
        // A place is that of the name, or of a mapping that holds it.
        let is_field = |field: &FieldPath| at.is_below(field) && at.steps().len() <= field.steps().len() + 1;
        kind.fields.iter().any(is_field)
            || kind.formats.keys().any(|field| at.is_below(field) && field.is_below(&at))
            || has_known_format(kind, steps)
            || (0..steps.len()).any(|length| judges_pod(kind, &steps[..length]))
            || matches!(kind.kind.as_str(), "Role" | "ClusterRole" | "StorageClass")
    }
}

/// The list that a path is, or is an item of.
fn list_of(path: &Path) -> Path {
    match path.split_last() {
        Some((list, Step::Index(_))) => list.clone(),
        _ => path.clone(),
    }
}

/// Whether a policy knows the format of the text at these steps by its key.
fn has_known_format(kind: &GuardedKind, steps: &[&Step]) -> bool {
    match steps {
        [above @ .., Step::Key(metadata), Step::Key(annotations), Step::Key(annotation)]
            if metadata == "metadata"
                && annotations == "annotations"
                && of_annotation(annotation).is_some() =>
        {
            let is_template =
                |pod: &FieldPath| pod.steps().split_last().is_some_and(|(_, t)| t == place(above).steps());
            above.is_empty() || kind.pods.iter().any(is_template)
        }
        [Step::Key(data), Step::Key(key)] => kind.kind == "ConfigMap" && data == "data" && key == SETTING,
        _ => false,
    }
}

/// Whether a policy knows the pod at these steps. Lists within lists are beyond it.
fn judges_pod(kind: &GuardedKind, steps: &[&Step]) -> bool {
    let lists = steps.iter().filter(|step| matches!(step, Step::Index(_))).count();
    lists < 2 && kind.pods.contains(&place(steps))
}
