//! Secrets and ConfigMaps of which a rule is to move some keys: the ConfigMaps, and what cannot be split.

use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic};
use crate::filter::findings::Findings;
use crate::kube::object::{Object, TYPES_WITH_KEYS};
use crate::rules::chart_secret::ChartSecret;
use crate::rules::facts::Facts;
use crate::stream::Document;

/// Adds a ConfigMap to the facts, and says what is wrong with it.
pub(super) fn collect_config_map(
    document: &Document<'_>,
    object: &Object<'_, '_>,
    config: &Config,
    facts: &mut Facts,
    findings: &mut Findings<'_>,
) {
    let Some((map, vaulted)) = facts.add_config_map(object, config) else { return };
    let location = findings.locator.locate_in(document, object, object.tree.start(object.node));
    for diagnostic in not_splittable(&map, object, config).into_iter().chain(hook(&map, config)) {
        findings.push(diagnostic.at(location.clone()));
    }
    for value in vaulted {
        findings.extend(facts.vaulted_values.add(value, &location));
    }
}

/// A rule about a ConfigMap which Helm 3 never shows it; `None` where nobody asks.
fn hook(map: &ChartSecret, config: &Config) -> Option<Diagnostic> {
    let severity = config.hooks.severity().filter(|_| map.is_split && map.skips_post_renderer)?;
    let message = format!(
        "a rule moves keys of ConfigMap {}, which is a hook: Helm 3 does not send hooks through a post-renderer",
        map.name
    );
    let help = "disable the hook in the chart's values, or use Helm 4";
    Some(Diagnostic::error(Code::HookSecret, message, help).with_severity(severity))
}

/// What is wrong with a Secret or ConfigMap that is split. A ConfigMap may be left without data.
pub(super) fn not_splittable(
    secret: &ChartSecret,
    object: &Object<'_, '_>,
    config: &Config,
) -> Vec<Diagnostic> {
    let Some(number) = secret.rule.filter(|_| secret.is_split) else { return Vec::new() };
    let rule = &config.secrets[number];
    let (name, kind) = (&secret.name, secret.kind());
    let mut found = Vec::new();
    let mut say =
        |message: String, help: String| found.push(Diagnostic::error(Code::SplitSecret, message, help));
    if rule.to.as_ref() == Some(name) && !secret.is_config_map {
        say(
            format!("the vaulted Secret has the name of the chart's own Secret, {name}, which stays"),
            "let `to` name another Secret".to_owned(),
        );
    }
    if secret.kept.is_empty() && !secret.is_config_map {
        say(
            format!("`only` moves every key of Secret {name}, and nothing would stay in it"),
            "leave out `only`: then the Secret is removed, and what takes all of it reads the vaulted one"
                .to_owned(),
        );
        return found;
    }
    let of_type = object.secret_type().unwrap_or_default();
    let required =
        TYPES_WITH_KEYS.iter().find(|(known, _)| *known == of_type).map_or(&[][..], |(_, keys)| keys);
    if let Some(key) = required.iter().find(|key| secret.keys.iter().any(|moved| moved == *key)) {
        say(
            format!(
                "a Secret of type {of_type} must have key {key}, and a rule moves it out of Secret {name}"
            ),
            "leave out `only`, to move the whole Secret".to_owned(),
        );
    }
    if let Some(second) = secret.second_rule {
        let second = &config.secrets[second];
        let kept = secret.kept.iter().filter(|key| second.moves(key));
        let kept: Vec<&str> = kept.map(String::as_str).collect();
        say(
            format!(
                "two rules are about {kind} {name}: the first one moves {} and decides, so {} would stay, which {} moves",
                secret.keys.join(", "),
                kept.join(", "),
                second.origin.path
            ),
            "bring the keys into one rule, or write out the names of others in the second one".to_owned(),
        );
    }
    found
}
