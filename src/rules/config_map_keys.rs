//! `spec.configMaps`: readers of a moved key of a ConfigMap read the vault.
//!
//! A variable reads the vaulted Secret; volumes become projected ones, as with Secrets; what a container takes by `envFrom`
//! is for [`super::env_from`]. A ConfigMap that anything else names is taken as a whole: an error.

use serde_json::Value;

use crate::config::SecretsRule;
use crate::diagnostics::{Code, Finding, Severity};
use crate::edit::patch::Op;
use crate::kube::references::Takes;
use crate::rules::chart_secret::{ChartSecret, Share};
use crate::rules::config_map_references::{ConfigMapReference, references};
use crate::rules::env_entries::reading;
use crate::rules::facts::vaulted_key;
use crate::rules::secret_use::{KeyName, SecretUse};
use crate::rules::split_readers::{Split, follow};
use crate::rules::{Context, ObjectView, Rule, RuleOutput};
use crate::yaml::scalar::kubernetes_boolean;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "config_map_keys",
    settings: &["configMaps"],
    codes: &[Code::AmbiguousReference, Code::HookReference],
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    if context.facts.config_maps.split_names().is_none() {
        return;
    }
    let object = subject.object;
    for found in references(subject) {
        let reference = &found.reference;
        if outcome.patch.decides(&reference.path) {
            continue;
        }
        let map = match context.facts.config_maps.split(reference.name, object.namespace(), context.config) {
            Ok(Some(map)) => map,
            Ok(None) => continue,
            Err(_) => {
                outcome.findings.push(ambiguous(&found));
                continue;
            }
        };
        let Some(rule) = map.rule.map(|rule| &context.config.secrets[rule]) else { continue };
        let Some(to) = &rule.to else { continue };
        let share = map.share(reference, &object.kind);
        if share == Share::Nothing {
            continue;
        }
        outcome.findings.extend(hook(&found, subject, context));
        match (&found.entry, &reference.takes) {
            (Some(entry), Takes::Key(_, key)) => {
                let vaulted = vaulted_key(&rule.keys, key);
                let content = content(&found, (to, vaulted), subject);
                outcome.patch.push(Op::test(reference.path.clone(), reference.name));
                outcome.patch.push(Op::replace(entry.clone(), content));
                outcome.read(|| SecretUse::of_variable(to, vaulted, entry.clone()));
            }
            (_, takes) => {
                if !matches!(takes, Takes::Env) {
                    outcome.read(|| taken(takes, map, rule, to, &found));
                }
                follow(reference, Split { holder: map, rule, to }, subject, outcome);
            }
        }
    }
}

/// The entry of a variable that reads the vault.
fn content(
    found: &ConfigMapReference<'_>,
    (to, key): (&str, &str),
    subject: &ObjectView<'_, '_, '_>,
) -> Value {
    let tree = subject.object.tree;
    let optional = tree.get(found.holder, "optional").and_then(|optional| tree.text(optional));
    reading(found.variable, to, key, optional.and_then(kubernetes_boolean).map(Value::from))
}

/// The keys that a volume takes of the vaulted Secret from now on.
fn taken(
    takes: &Takes<'_>,
    map: &ChartSecret,
    rule: &SecretsRule,
    to: &str,
    found: &ConfigMapReference<'_>,
) -> SecretUse {
    let key = |key: &str| KeyName {
        vaulted: vaulted_key(&rule.keys, key).to_owned(),
        chart: key.to_owned(),
        rendered: true,
    };
    let keys = match takes {
        Takes::Items(items) => {
            let moved = items.iter().filter(|(_, taken)| map.keys.iter().any(|known| known == taken));
            moved.map(|(_, taken)| key(taken)).collect()
        }
        _ => map.keys.iter().map(|taken| key(taken)).collect(),
    };
    SecretUse::of_keys(to, keys, found.reference.path.clone())
}

/// A hook that reads a moved key, and that Helm 3 sends through no post-renderer; `None` where nobody asks.
fn hook(
    found: &ConfigMapReference<'_>,
    subject: &ObjectView<'_, '_, '_>,
    context: Context<'_>,
) -> Option<Finding> {
    let severity = context.config.hooks.severity()?;
    let hook = subject.object.hook().filter(|_| subject.object.skips_post_renderer())?;
    let reference = &found.reference;
    Some(Finding {
        code: Code::HookReference,
        severity,
        message: format!(
            "this {hook} hook reads ConfigMap {}, of which a rule moves some keys: Helm 3 sends no hook through the post-renderer, so the hook would not find them",
            reference.name
        ),
        help: "in the chart's values, point the hook at the vaulted Secret or disable it; or use Helm 4, which sends hooks through the post-renderer"
            .to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    })
}

fn ambiguous(found: &ConfigMapReference<'_>) -> Finding {
    let reference = &found.reference;
    Finding {
        code: Code::AmbiguousReference,
        severity: Severity::Error,
        message: format!(
            "`{}` could be ConfigMaps of different namespaces with different fates",
            reference.name
        ),
        help: "give this object its metadata.namespace, or select the ConfigMaps by `namespace` in spec.configMaps"
            .to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    }
}
