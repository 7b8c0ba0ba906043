//! Says without a server which references the policies see in custom resources that no render shows.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::guard::render::Render;
use crate::catalogue::{Fields, Label};
use crate::config::Config;
use crate::kube::object::Object;
use crate::kube::references::{Reference, Takes};
use crate::yaml::{Path, Step, Trail};

/// What of an object is not searched: who it is, and what its controller writes.
pub(super) const NOT_SEARCHED: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];

/// The keys of removed Secrets, by name.
pub(in crate::analysis::guard) type RemovedKeys = BTreeMap<String, BTreeSet<String>>;

/// The keys that a render gives to the Secrets which rules remove.
pub(in crate::analysis::guard) fn removed_keys(config: &Config, render: Option<&Render>) -> RemovedKeys {
    let mut keys = RemovedKeys::new();
    for found in render.iter().flat_map(|render| &render.removed) {
        if config.secrets[found.rule].to.as_ref() != Some(&found.name) {
            keys.entry(found.name.clone()).or_default().extend(found.keys.iter().cloned());
        }
    }
    keys.retain(|_, keys| !keys.is_empty());
    keys
}

/// Whether the policies see a reference of a custom resource by the keys above it; `depth` is how far down its document the
/// object is.
pub(in crate::analysis::guard) fn sees(
    object: &Object<'_, '_>,
    reference: &Reference<'_>,
    keys: &RemovedKeys,
) -> bool {
    let Some(fields) = Fields::of(&object.api_version, &object.kind) else { return false };
    let steps = &reference.path.steps_from(object.path.len())[..];
    let is_searched =
        matches!(steps.first(), Some(Step::Key(first)) if !NOT_SEARCHED.contains(&first.as_str()));
    // `namespace/name` is seen; other texts that hold more than a name are not.
    let is_name = reference.part().is_none_or(|part| {
        let text = object.tree.text(reference.node).unwrap_or_default();
        let before = text.get(..part.start).and_then(|before| before.strip_suffix('/'));
        part.end == text.len() && before.is_some_and(|namespace| !namespace.contains(['/', '"']))
    });
    if !is_searched || !is_name || matches!(reference.takes, Takes::KeyBeside(..)) {
        return false;
    }
    let (holder, is_mapping) = match steps {
        [holder @ .., Step::Key(name)] if name == "name" => (holder, true),
        _ => (steps, false),
    };
    let (field, is_item) = match holder {
        [list @ .., Step::Index(_)] => (list, true),
        field => (field, false),
    };
    let Some(Step::Key(key)) = field.last() else { return false };
    let root = Path::root();
    let label = label(&fields, Trail::Start(&root), field, is_mapping);
    let by_key = is_mapping && (key == "secretKeyRef" || (key == "imagePullSecrets" && is_item));
    let text = |name: &str| {
        let holder = object.tree.at(reference.path.split_last()?.0)?;
        object.tree.text(object.tree.get(holder, name)?)
    };
    let takes_key = || {
        let known = keys.get(reference.name);
        text("key").zip(known).is_some_and(|(key, known)| known.contains(key))
    };
    match label {
        Some(Label::Make | Label::Other) => by_key,
        Some(Label::Read) => true,
        _ => by_key || (is_mapping && (text("kind") == Some("Secret") || takes_key())),
    }
}

fn label(fields: &Fields, trail: Trail<'_>, steps: &[&Step], is_mapping: bool) -> Option<Label> {
    match steps {
        [] => fields.label(trail, is_mapping),
        [Step::Key(key), rest @ ..] => label(fields, Trail::Key(&trail, key), rest, is_mapping),
        [Step::Index(at), rest @ ..] => label(fields, Trail::Index(&trail, *at), rest, is_mapping),
    }
}
