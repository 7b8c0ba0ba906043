//! Pods and their templates at the places of a kind, in CEL.

use crate::analysis::guard::cel;
use crate::yaml::field_path::{FieldPath, FieldStep};

/// The pods at a place, as a list. Lists within lists are beyond the CEL of old versions.
pub(super) fn pods_at(object: &str, place: &FieldPath) -> Option<String> {
    let steps = place.steps();
    let keys: Vec<&str> = steps.iter().map_while(FieldStep::key).collect();
    let rest = steps.get(keys.len() + 1..).unwrap_or_default();
    let below: Option<Vec<&str>> = rest.iter().map(FieldStep::key).collect();
    let below = below?;
    if keys.len() == steps.len() {
        if keys.is_empty() {
            return Some(format!("[{object}]"));
        }
        return Some(format!("[?{}]", cel::optional(object, keys)));
    }
    let list = cel::any_items(object, keys);
    let pod = cel::optional("item", below.iter().copied());
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
