//! `add: true` in `spec.env`: a variable for containers that have no entry for it.
//!
//! The entry comes last. A variable that `envFrom` brings is overridden, as Kubernetes does; what other entries expand
//! stays as it is, since they expand only entries before them.

use crate::config::EnvRule;
use crate::kube::object::Object;
use crate::rules::env_entries::{append, has_entry, reading};
use crate::rules::secret_use::SecretUse;
use crate::rules::{ConfigEntry, Context, ObjectView, Rule, RuleOutput};
use crate::search::prefilter::Interest;
use crate::yaml::{NodeId, Tree};

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
            outcome.read(|| SecretUse::of_added(&rule.to, key, &variable, path.clone()));
            entries.push(reading(&variable, &rule.to, key, None));
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
