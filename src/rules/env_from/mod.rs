//! Moved keys that a container takes by `envFrom`: each gets an entry of `env` that reads the vault.
//!
//! An entry wins over `envFrom`, and of several sources the last one. So a key gets no entry where the container has one of
//! that name, or where a later source gives the variable. The entries come first, since others may expand them, as they may
//! expand what `envFrom` brings.

mod doubts;
mod entries;
mod sources;

use std::collections::HashMap;

use serde_json::Value;

use crate::diagnostics::Code;
use crate::rules::env::{Decision, decide};
use crate::rules::env_entries::{prepend, reading};
use crate::rules::env_from::doubts::{doubt, expanded_before, may_be_missing};
use crate::rules::env_from::entries::{own_entries, unsure_entries};
use crate::rules::env_from::sources::{EnvSource, sources};
use crate::rules::facts::vaulted_key;
use crate::rules::secret_use::{KeyName, SecretUse};
use crate::rules::{Context, ObjectView, Rule, RuleOutput};
use crate::search::prefilter::Interest;
use crate::yaml::{NodeId, Path};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "env_from",
    settings: &["secrets", "configMaps"],
    codes: &[Code::EnvFromOrder],
    words: |config, words| {
        if config.splits() {
            // What a later source overrides depends on its keys.
            words.add(&["ConfigMap"], Interest::Edit);
        }
    },
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    if !context.config.splits() {
        return;
    }
    for (path, container) in &subject.pods.containers {
        let sources = sources(subject, context, path, *container);
        if sources.iter().any(|source| source.split.is_some()) && !outcome.patch.decides(path) {
            Container { subject, context, path, node: *container, sources }.apply(outcome);
        }
    }
}

/// A container that takes a Secret of which some keys move.
struct Container<'a, 'o, 't, 's, 'f> {
    subject: &'a ObjectView<'o, 't, 's>,
    context: Context<'f>,
    path: &'a Path,
    node: NodeId,
    sources: Vec<EnvSource<'f>>,
}

impl Container<'_, '_, '_, '_, '_> {
    fn apply(&self, outcome: &mut RuleOutput) {
        let entries = self.entries(outcome);
        if !entries.is_empty() {
            prepend(self.subject.object.tree, self.node, self.path, entries, outcome);
        }
    }

    /// The entries for all moved keys that the container takes.
    fn entries(&self, outcome: &mut RuleOutput) -> Vec<Value> {
        let mut taken = own_entries(self.subject, self.context, self.path, self.node, outcome);
        let unsure = unsure_entries(self.subject, self.context, self.path, self.node);
        let path = self.path.key("env");
        let list = self.subject.pods.env.iter().find(|list| list.path == path);
        let mut last: HashMap<String, usize> = HashMap::new();
        for (position, source) in self.sources.iter().enumerate() {
            let keys = source.keys.iter().flatten();
            last.extend(keys.map(|key| (format!("{}{key}", source.prefix), position)));
        }
        let mut entries = Vec::new();
        for (position, source) in self.sources.iter().enumerate() {
            let Some((secret, rule)) = source.split.and_then(|secret| Some((secret, secret.rule?))) else {
                continue;
            };
            let rule = &self.context.config.secrets[rule];
            let to = rule.to.as_deref().unwrap_or_default();
            let mut used = Vec::new();
            for key in &secret.keys {
                let variable = format!("{}{key}", source.prefix);
                if last.get(&variable) != Some(&position) {
                    continue;
                }
                if !taken.insert(variable.clone()) {
                    let own = unsure.get(&variable);
                    outcome.findings.extend(own.map(|(node, path)| may_be_missing(&variable, *node, path)));
                    let expanded = list.and_then(|list| expanded_before(list, &variable, &outcome.patch));
                    outcome.findings.extend(expanded);
                    continue;
                }
                let own = (to, vaulted_key(&rule.keys, key));
                let Some((to, vaulted)) = self.decided(&variable, own, outcome) else { continue };
                outcome.findings.extend(doubt(&variable, source, &self.sources[position + 1..]));
                if (to, vaulted) == own {
                    let (vaulted, chart) = (vaulted.to_owned(), key.clone());
                    used.push(KeyName { vaulted, chart, rendered: true });
                } else {
                    outcome.read(|| SecretUse::of_added(to, vaulted, &variable, self.path.clone()));
                }
                entries.push(reading(&variable, to, vaulted, source.optional.then(|| true.into())));
            }
            if !used.is_empty() {
                outcome.read(|| SecretUse::of_keys(to, used, source.name.1.clone()));
            }
        }
        entries
    }

    /// The Secret and the key for a variable: its own, unless a rule of `spec.env` decides the variable, as it would an entry
    /// that read the chart's own key. `None` where that rule removes it.
    fn decided<'d>(
        &'d self,
        variable: &'d str,
        own: (&'d str, &'d str),
        outcome: &mut RuleOutput,
    ) -> Option<(&'d str, &'d str)> {
        let tree = self.subject.object.tree;
        let container = tree.get(self.node, "name").and_then(|name| tree.text(name)).unwrap_or_default();
        match decide(self.context.config, self.subject.object, container, variable, outcome) {
            None => Some(own),
            Some(Decision::Remove) => None,
            Some(Decision::Read(rule, _)) if rule.literals_only => Some(own),
            Some(Decision::Read(rule, key)) => Some((&rule.to, if key.is_empty() { variable } else { key })),
        }
    }
}
