//! A field that names a removed Secret gets the name of the vaulted one, and its keys get theirs.

use serde_json::{Value, json};

use crate::config::SecretsRule;
use crate::diagnostics::{Code, Finding, Severity};
use crate::edit::patch::Op;
use crate::kube::references::{Reference, Takes};
use crate::rules::RuleOutput;
use crate::rules::chart_secret::{ChartSecret, looked_for};
use crate::rules::facts::vaulted_key;
use crate::rules::secrets::lists::Lists;
use crate::yaml::Path;

/// The keys of the chart's Secret that have another name in the vault.
pub(super) fn renamed_keys<'a>(Goal { secret, rule, .. }: &Goal<'a>) -> Vec<&'a String> {
    secret.keys.iter().filter(|key| vaulted_key(&rule.keys, key) != *key).collect()
}

/// Where a reference goes.
pub(super) struct Goal<'a> {
    /// The chart's Secret.
    pub(super) secret: &'a ChartSecret,
    /// The rule that removes it.
    pub(super) rule: &'a SecretsRule,
    /// The vaulted Secret.
    pub(super) to: &'a str,
    /// The kind of the object that refers.
    pub(super) kind: &'a str,
}

/// Gives the key at a path its name in the vault.
pub(super) fn rename(rule: &SecretsRule, path: &Path, key: &str, outcome: &mut RuleOutput) {
    let vaulted = vaulted_key(&rule.keys, key);
    if vaulted != key {
        outcome.patch.push(Op::replace(path.clone(), vaulted));
    }
}

/// Sends a reference to the vaulted Secret.
pub(super) fn redirect<'t>(
    reference: &Reference<'t>,
    goal: &Goal<'_>,
    lists: &mut Lists<'t>,
    outcome: &mut RuleOutput,
) {
    let Goal { secret, rule, to, kind } = *goal;
    outcome.patch.push(Op::test(reference.path.clone(), reference.name));
    match &reference.takes {
        Takes::ListItem { list, item } if lists.holds_another(list, reference, to) => {
            // The list would have its name twice, which the API server refuses where the list is keyed by name.
            return outcome.patch.push(Op::Remove { path: item.clone() });
        }
        Takes::Shared(list) => {
            // The old name may also be that of another resource in the rule, so it stays.
            if !lists.holds_another(list, reference, to) {
                outcome.patch.push(Op::append(list.clone(), to));
            }
            return;
        }
        _ => {}
    }
    if reference.name != to {
        outcome.patch.push(Op::replace(reference.path.clone(), to));
    }
    let renamed = renamed_keys(goal);
    match &reference.takes {
        Takes::Key(path, key) => rename(rule, path, key, outcome),
        Takes::Items(items) => items.iter().for_each(|(path, key)| rename(rule, path, key, outcome)),
        Takes::Files { volume, has_items } if !renamed.is_empty() => {
            let (path, value) = (volume.key("items"), items(secret, rule));
            outcome.patch.push(if *has_items { Op::replace(path, value) } else { Op::add(path, value) });
        }
        Takes::Env if !renamed.is_empty() => outcome.findings.push(renamed_env_from(reference, &renamed)),
        Takes::Whole | Takes::ListItem { .. } => {
            let known = looked_for(&reference.path, kind);
            let missed: Vec<&String> = renamed
                .into_iter()
                .filter(|key| known.is_none_or(|known| known.contains(&key.as_str())))
                .collect();
            if !missed.is_empty() {
                outcome.findings.push(renamed_key(reference, &missed));
            }
        }
        Takes::Files { .. } | Takes::Env | Takes::Shared(_) | Takes::KeyBeside(..) => {}
    }
}

/// Items that give every vaulted key the file name that the chart's key had.
fn items(secret: &ChartSecret, rule: &SecretsRule) -> Value {
    let item = |key: &String| json!({"key": vaulted_key(&rule.keys, key), "path": key});
    secret.keys.iter().map(item).collect()
}

pub(super) fn renamed_key(reference: &Reference<'_>, renamed: &[&String]) -> Finding {
    Finding {
        code: Code::RenamedKey,
        severity: Severity::Error,
        message: format!(
            "this reads Secret {} as a whole and looks for its keys by name, and `keys` renames {}",
            reference.name,
            names(renamed)
        ),
        help: "take them out of `keys`, and store the values under the chart's own key names, in a vaulted Secret of their own if need be"
            .to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    }
}

fn names(keys: &[&String]) -> String {
    keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ")
}

fn renamed_env_from(reference: &Reference<'_>, renamed: &[&String]) -> Finding {
    Finding {
        code: Code::RenamedEnvFrom,
        severity: Severity::Error,
        message: format!(
            "envFrom takes every key of {} as a variable of that name, and `keys` renames {}",
            reference.name,
            names(renamed)
        ),
        help: "store the values in the vault under the chart's own key names, or in a vaulted Secret of their own, and drop them from `keys`".to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    }
}
