//! Words for a place: its container, its chart, and what a reference there becomes.

use crate::kube::object::Object;
use crate::kube::pods::CONTAINER_LISTS;
use crate::kube::references::is_env_from;
use crate::rules::ObjectView;
use crate::yaml::{Path, Step};

/// What a reference becomes in its object.
pub(super) fn access(subject: &ObjectView<'_, '_, '_>, path: &Path) -> String {
    let steps = path.steps();
    for list in &subject.pods.env {
        if let [Step::Index(position), ..] = path.steps_behind(&list.path)[..]
            && let Some(Some(variable)) = list.entries.get(*position)
        {
            return variable.name.to_owned();
        }
    }
    let is_key = |step: &Step, name: &str| matches!(step, Step::Key(key) if key == name);
    if steps.iter().any(|step| matches!(step, Step::Key(key) if is_env_from(key))) {
        return "envFrom".to_owned();
    }
    if let Some(at) = steps.iter().position(|step| is_key(step, "volumes")) {
        let volume = subject.object.tree.at(path.first(at + 2));
        let name = volume.and_then(|volume| subject.object.tree.get(volume, "name"));
        let name = name.and_then(|name| subject.object.tree.text(name));
        return format!("volume {}", name.unwrap_or_default());
    }
    path.below(subject.object.path.len()).to_string()
}

/// The container that holds a path.
pub(super) fn container<'t>(object: &Object<'t, '_>, path: &Path) -> Option<&'t str> {
    let steps = path.steps();
    let is_list = |pair: &[&Step]| matches!(pair, [Step::Key(key), Step::Index(_)] if CONTAINER_LISTS.contains(&key.as_str()));
    let at = steps.windows(2).rposition(is_list)?;
    let container = object.tree.at(path.first(at + 2))?;
    object.tree.get(container, "name").and_then(|name| object.tree.text(name))
}

/// The key that the mapping at a path takes, where it says so.
pub(super) fn key_beside(object: &Object<'_, '_>, path: &Path) -> Option<String> {
    let mapping = object.tree.at(path)?;
    let key = object.tree.get(mapping, "key")?;
    object.tree.text(key).map(str::to_owned)
}

/// The chart that an object is of: by its template, else by its label.
pub(super) fn chart(object: &Object<'_, '_>) -> Option<String> {
    if let Some(template) = object.template() {
        let of_subchart = template.rsplit_once("charts/").map_or(template.as_str(), |(_, inner)| inner);
        return of_subchart.split('/').next().map(str::to_owned);
    }
    let label = object.label("helm.sh/chart")?;
    Some(label.rsplit_once('-').map_or(label, |(name, _)| name).to_owned())
}
