//! `add: true` in `spec.env`: a variable for containers that have no entry for it.
//!
//! The entry comes last. A variable that `envFrom` brings is overridden, as Kubernetes does; what other entries expand
//! stays as it is, since they expand only entries before them.

use serde_json::{Value, json};

use crate::config::EnvRule;
use crate::edit::patch::Op;
use crate::kube::object::Object;
use crate::rules::secret_use::SecretUse;
use crate::rules::{ConfigEntry, Context, ObjectView, Rule, RuleOutput};
use crate::search::prefilter::Interest;
use crate::yaml::{NodeId, Path, Tree};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "add_env",
    settings: &["env"],
    words: |config, words| {
        if config.env.iter().any(|rule| rule.add) {
            words.add(&["ontainers"], Interest::Edit);
        }
    },
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    if !context.config.env.iter().any(|rule| rule.add) {
        return;
    }
    for (path, container) in &subject.pods.containers {
        if outcome.patch.decides(path) {
            continue;
        }
        let mut added: Vec<(&EnvRule, String, &str)> = Vec::new();
        for (number, rule) in context.config.env.iter().enumerate().filter(|(_, rule)| rule.add) {
            if !rule.selects(subject.object, name(subject.object.tree, *container)) {
                continue;
            }
            for (position, (variable, key)) in rule.vars.iter().enumerate() {
                let variable = variable.to_string();
                let is_added = added.iter().any(|(_, other, _)| *other == variable);
                if is_added || has_entry(subject.object.tree, *container, &variable) {
                    continue;
                }
                outcome.matched.insert(ConfigEntry::Variable(number, position));
                added.push((rule, variable, key.as_deref().unwrap_or_default()));
            }
        }
        let mut entries = Vec::new();
        for (rule, variable, key) in added {
            let key = if key.is_empty() { variable.as_str() } else { key };
            outcome.reads.push(SecretUse::of_added(&rule.to, key, &variable, path.clone()));
            entries.push(
                json!({"name": variable, "valueFrom": {"secretKeyRef": {"name": rule.to, "key": key}}}),
            );
        }
        append(subject.object.tree, *container, path, entries, outcome);
    }
}

impl EnvRule {
    /// Whether the rule is about this container.
    pub(super) fn selects(&self, object: &Object<'_, '_>, container: &str) -> bool {
        self.kind.matches(&object.kind)
            && self.object.matches(object.name().unwrap_or_default())
            && self.container.matches(container)
    }
}

/// The name of a container.
fn name<'t>(tree: &'t Tree<'_>, container: NodeId) -> &'t str {
    tree.get(container, "name").and_then(|name| tree.text(name)).unwrap_or_default()
}

/// Whether a container has an entry of this name.
fn has_entry(tree: &Tree<'_>, container: NodeId, variable: &str) -> bool {
    let items = tree.get(container, "env").and_then(|env| tree.items(env)).unwrap_or_default();
    let mut names = items.iter().filter_map(|item| tree.text(tree.get(*item, "name")?));
    names.any(|name| name == variable)
}

/// Puts entries behind the others of a container, in a new list where it has none.
fn append(tree: &Tree<'_>, container: NodeId, path: &Path, entries: Vec<Value>, outcome: &mut RuleOutput) {
    if entries.is_empty() {
        return;
    }
    let list = path.key("env");
    match tree.get(container, "env") {
        None => outcome.patch.push(Op::Add { path: list, value: entries.into() }),
        Some(env) if tree.items(env).is_some() => {
            for value in entries {
                outcome.patch.push(Op::Append { sequence: list.clone(), value });
            }
        }
        // `env:` and nothing behind it.
        Some(_) => outcome.patch.push(Op::Replace { path: list, value: entries.into() }),
    }
}
