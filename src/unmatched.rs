//! Rules that matched nothing.
//!
//! A chart upgrade that renames a Secret must stop the release, not let the plaintext through. So every rule, every
//! variable and every renamed key must have found something, unless it says `optional`; and of a preset, whose parts are
//! all optional, at least one.

use std::collections::BTreeSet;

use crate::config::{Config, FormatRule, Origin};
use crate::diagnostic::{Diagnostic, Severity};
use crate::facts::Facts;
use crate::findings::Findings;
use crate::rule::Rule;
use crate::rules::Part;

/// Reports what matched nothing.
pub(crate) fn report(config: &Config, facts: &Facts, matched: &BTreeSet<Part>, findings: &mut Findings<'_>) {
    let Some(severity) = config.policy.unmatched.severity() else { return };
    let mut say = |origin: &Origin, path: String, message: String| {
        findings.push(diagnostic(origin, path, message, severity));
    };
    for (number, rule) in config.secrets.iter().enumerate().filter(|(_, rule)| !rule.optional) {
        let path = &rule.origin.path;
        if !facts.matched_rules.contains(&number) {
            say(&rule.origin, path.clone(), format!("no Secret of the stream has {rule}"));
            continue;
        }
        for key in rule.keys.keys().filter(|key| !facts.matched_keys.contains(&(number, (*key).clone()))) {
            let message = format!("no Secret that this rule matches has a key `{key}`");
            say(&rule.origin, format!("{path}.keys.{key}"), message);
        }
    }
    for (number, rule) in config.env.iter().enumerate().filter(|(_, rule)| !rule.optional) {
        let path = &rule.origin.path;
        for (position, (variable, _)) in rule.vars.iter().enumerate() {
            if !matched.contains(&Part::Variable(number, position)) {
                let message = format!("no selected container has a variable {variable}");
                say(&rule.origin, format!("{path}.vars.{variable}"), message);
            }
        }
        for (position, variable) in rule.remove.iter().enumerate() {
            if !matched.contains(&Part::Remove(number, position)) {
                let message = format!("no selected container has a variable {variable}");
                say(&rule.origin, format!("{path}.remove[{position}]"), message);
            }
        }
    }
    for (number, rule) in config.references.iter().enumerate().filter(|(_, rule)| !rule.optional) {
        if !matched.contains(&Part::Reference(number)) {
            let message = format!("no {} of the stream has this field", rule.kind);
            say(&rule.origin, rule.origin.path.clone(), message);
        }
    }
    for (number, rule) in config.drop_annotations.iter().enumerate() {
        if !matched.contains(&Part::Annotation(number)) {
            let message = format!("no pod template has an annotation {}", rule.annotation);
            say(&rule.origin, rule.origin.path.clone(), message);
        }
    }
    let used: BTreeSet<usize> = used_presets(config, facts, matched).collect();
    for (_, preset) in config.presets.iter().enumerate().filter(|(number, _)| !used.contains(number)) {
        let message = format!("preset {} matches nothing in the stream", preset.name);
        say(&preset.origin, preset.origin.path.clone(), message);
    }
}

/// The lines of `spec.formats` that speak of nothing that a vaulted Secret must hold; a preset's may.
pub(crate) fn formats(config: &Config, used: &BTreeSet<usize>) -> Vec<Diagnostic> {
    let Some(severity) = config.policy.unmatched.severity() else { return Vec::new() };
    let rules = config.formats.iter().enumerate();
    let unused = rules.filter(|(number, rule)| rule.origin.preset.is_none() && !used.contains(number));
    let diagnostic = |(_, rule): (usize, &FormatRule)| {
        let message = format!("no vaulted Secret has a key {0}, and no variable {0} reads one", rule.name);
        diagnostic(&rule.origin, rule.origin.path.clone(), message, severity)
    };
    unused.map(diagnostic).collect()
}

fn used_presets<'a>(
    config: &'a Config,
    facts: &'a Facts,
    matched: &'a BTreeSet<Part>,
) -> impl Iterator<Item = usize> + 'a {
    let secrets = facts.matched_rules.iter().filter_map(|rule| config.secrets[*rule].origin.preset);
    let env = matched.iter().filter_map(|part| match part {
        Part::Variable(rule, _) | Part::Remove(rule, _) => config.env[*rule].origin.preset,
        Part::Reference(_) | Part::Annotation(_) => None,
    });
    secrets.chain(env)
}

fn diagnostic(origin: &Origin, path: String, message: String, severity: Severity) -> Diagnostic {
    let help = "has the chart changed? Compare the render with the rule; `optional: true` on a rule, or --allow-unmatched for the run, lets it pass";
    Diagnostic::error(Rule::Unmatched, message, help).with_severity(severity).at(origin.location(path))
}
