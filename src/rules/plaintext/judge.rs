//! Whether a value is a credential, by its name and by itself.

use serde_json::Value;

use crate::kube::credential::{NameContext, Reason, in_text, is_code, reason, value_reason};
use crate::rules::Context;

/// Whether it is inside a file, JSON or script, and why it looks like a credential.
pub(super) type Found = (bool, Reason);

/// Why a value looks like a credential. JSON and files are judged by what is in them.
pub(super) fn judge(context: Context<'_>, name: &str, value: &str, place: NameContext) -> Option<Found> {
    let json = value.trim_start().starts_with(['{', '[']).then(|| serde_json::from_str::<Value>(value));
    match json {
        Some(Ok(json @ (Value::Object(_) | Value::Array(_)))) => {
            in_json(context, &json, "").map(|reason| (true, reason))
        }
        _ if value.contains('\n') => in_lines(value, is_code(name, value)),
        _ => reason_of(context, name, value, place).map(|reason| (false, reason)),
    }
}

/// Why a value looks like a credential; the name of a Secret does not.
fn reason_of(context: Context<'_>, name: &str, value: &str, place: NameContext) -> Option<Reason> {
    if is_secret(context, value) { None } else { reason(name, value, place) }
}

/// Whether a text is the name of a Secret of the chart or of a vaulted one.
pub(super) fn is_secret(context: Context<'_>, value: &str) -> bool {
    context.facts.renders(value) || context.config.vault.contains(value)
}

/// Inside JSON, such as the whole object that `kubectl apply` keeps in an annotation: by the key of a text, or by
/// the name that is beside a `value`.
fn in_json(context: Context<'_>, json: &Value, name: &str) -> Option<Reason> {
    match json {
        Value::Array(items) => items.iter().find_map(|item| in_json(context, item, name)),
        Value::Object(entries) => {
            let beside = entries.get("name").and_then(Value::as_str);
            entries.iter().find_map(|(key, value)| {
                in_json(context, value, beside.filter(|_| key == "value").unwrap_or(key))
            })
        }
        // A name that is a value, such as the `key` of a reference, is no credential.
        Value::String(text) if matches!(name, "key" | "name") => value_reason(text),
        Value::String(text) => reason_of(context, name, text, NameContext::Field),
        _ => None,
    }
}

/// Why a text of several lines looks like a credential.
pub(super) fn in_lines(text: &str, code: bool) -> Option<Found> {
    in_text(text, code).first().map(|found| (true, found.reason))
}
