//! Pods and their templates at the places of a kind, in CEL.

use crate::analysis::guard::cel;
use crate::yaml::field_path::{FieldPath, FieldStep};

/// The pods at a place, as a list. Lists within lists are beyond the CEL of old versions.
pub(super) fn pods_at(object: &str, place: &FieldPath) -> Option<String> {
    let steps = place.steps();
    let key = |step: &FieldStep| match step {
        FieldStep::Key(key) => Some(key.clone()),
        FieldStep::AnyItem => None,
    };
    let keys: Vec<String> = steps.iter().map_while(key).collect();
    let rest = steps.get(keys.len() + 1..).unwrap_or_default();
    let below: Option<Vec<String>> = rest.iter().map(key).collect();
    let below = below?;
    if keys.len() == steps.len() {
        if keys.is_empty() {
            return Some(format!("[{object}]"));
        }
        return Some(format!("[?{}]", cel::optional(object, keys.iter().map(String::as_str))));
    }
    let list = cel::any_items(object, keys.iter().map(String::as_str));
    let pod = cel::optional("item", below.iter().map(String::as_str));
    Some(if below.is_empty() { list } else { format!("{list}.map(item, {pod}.orValue({{}}))") })
}

/// The annotations of the templates of the pods at a place; an object that is itself a pod has none.
pub(super) fn templates_at(object: &str, place: &FieldPath) -> Option<String> {
    let [template @ .., FieldStep::Key(_)] = place.steps() else { return None };
    if template.is_empty() {
        return None;
    }
    let template = FieldPath::of(template.iter().cloned());
    let templates = pods_at(object, &template)?;
    Some(format!("{templates}.map(t, t.?metadata.?annotations.orValue({{}}))"))
}
