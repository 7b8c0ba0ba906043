//! Secrets of which a rule is to move some keys, and cannot.

use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic};
use crate::kube::object::Object;
use crate::rules::chart_secret::ChartSecret;

/// The keys that a Secret of each type must have.
const REQUIRED: [(&str, &[&str]); 4] = [
    ("kubernetes.io/tls", &["tls.crt", "tls.key"]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("kubernetes.io/dockercfg", &[".dockercfg"]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"]),
];

/// What is wrong with a Secret that is split.
pub(super) fn not_splittable(
    secret: &ChartSecret,
    object: &Object<'_, '_>,
    config: &Config,
) -> Vec<Diagnostic> {
    let Some(number) = secret.rule.filter(|_| secret.is_split) else { return Vec::new() };
    let rule = &config.secrets[number];
    let name = &secret.name;
    let mut found = Vec::new();
    let mut say =
        |message: String, help: String| found.push(Diagnostic::error(Code::SplitSecret, message, help));
    if rule.to.as_ref() == Some(name) {
        say(
            format!("the vaulted Secret has the name of the chart's own Secret, {name}, which stays"),
            "let `to` name another Secret".to_owned(),
        );
    }
    if secret.kept.is_empty() {
        say(
            format!("`only` moves every key of Secret {name}, and nothing would stay in it"),
            "leave out `only`: then the Secret is removed, and whoever takes all of it reads the vaulted one"
                .to_owned(),
        );
        return found;
    }
    let kind =
        object.tree.get(object.node, "type").and_then(|kind| object.tree.text(kind)).unwrap_or_default();
    let required = REQUIRED.iter().find(|(known, _)| *known == kind).map_or(&[][..], |(_, keys)| keys);
    if let Some(key) = required.iter().find(|key| secret.keys.iter().any(|moved| moved == *key)) {
        say(
            format!("a Secret of type {kind} must have key {key}, and a rule moves it out of Secret {name}"),
            "leave out `only`, to move the whole Secret".to_owned(),
        );
    }
    if let Some(second) = secret.second_rule {
        let second = &config.secrets[second];
        let kept = secret.kept.iter().filter(|key| second.moves(key));
        let kept: Vec<&str> = kept.map(String::as_str).collect();
        say(
            format!(
                "two rules are about Secret {name}: the first one moves {} and decides, so {} would stay, which {} moves",
                secret.keys.join(", "),
                kept.join(", "),
                second.origin.path
            ),
            "bring the keys into one rule, or write out the names of other Secrets in the second one"
                .to_owned(),
        );
    }
    found
}
