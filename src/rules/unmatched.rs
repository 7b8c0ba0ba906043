//! Rules that matched nothing.
//!
//! A chart upgrade that renames a Secret must stop the release, not let the plaintext through. So every rule, every
//! variable and every renamed key must have found something, unless it says `optional`; and of a preset, whose parts are
//! all optional, at least one.

use std::cell::LazyCell;
use std::collections::{BTreeSet, HashSet};

use crate::config::{Config, EnvRule, FormatRule, Origin, Pattern, SecretsRule};
use crate::diagnostics::addition::keys_field;
use crate::diagnostics::{Code, Diagnostic, Severity};
use crate::rules::ConfigEntry;
use crate::rules::elsewhere::Elsewhere;
use crate::rules::facts::Facts;
use crate::yaml::scalar::plain_or_quoted;

/// What lets an entry of each list pass, and what that gives up.
const SECRETS: &str = "`optional: true` on the rule allows that; then a Secret that the chart renames stays in the release, and no run stops for it";
const REDIRECT: &str = "`optional: true` on the rule lets it pass; then a reader that names another Secret keeps reading that one, and no run stops for it";
const ENV: &str = "`optional: true` on the rule lets it pass; then a variable that the chart renames keeps the chart's value, and no run stops for it";
const REFERENCES: &str = "`optional: true` on the line allows that; then a field that the operator moves is a reference that is not declared";
const TAKE_OUT: &str = "if it is not needed any more, take it out of the configuration";

/// What matched nothing.
pub(crate) fn unmatched(
    config: &Config,
    facts: &Facts,
    matched: &BTreeSet<ConfigEntry>,
    elsewhere: &Elsewhere<'_>,
) -> Vec<Diagnostic> {
    let Some(severity) = config.policy.unmatched.severity() else { return Vec::new() };
    let mut found = Vec::new();
    let mut say = |origin: &Origin, path: String, message: String, way: &str| {
        found.push(diagnostic(origin, path, message, way, severity));
    };
    secrets(config, facts, matched, elsewhere, &mut say);
    for (number, rule) in config.env.iter().enumerate().filter(|(_, rule)| !rule.optional) {
        variables(number, rule, matched, elsewhere, &mut say);
    }
    lines(config, matched, &mut say);
    let used: BTreeSet<usize> = used_presets(config, facts, matched).collect();
    for (_, preset) in config.presets.iter().enumerate().filter(|(number, _)| !used.contains(number)) {
        let message = format!("preset {} matches nothing in the stream", preset.name);
        say(&preset.origin, preset.origin.path.clone(), message, TAKE_OUT);
    }
    found
}

/// Rules about Secrets and ConfigMaps that found none, or not all of their keys.
fn secrets(
    config: &Config,
    facts: &Facts,
    matched: &BTreeSet<ConfigEntry>,
    elsewhere: &Elsewhere<'_>,
    say: &mut impl FnMut(&Origin, String, String, &str),
) {
    let vaulted = LazyCell::new(|| {
        let own = config.secrets.iter().filter_map(|rule| rule.to.as_deref());
        own.chain(config.vault.iter().map(String::as_str)).collect::<HashSet<&str>>()
    });
    for (number, rule) in config.secrets.iter().enumerate().filter(|(_, rule)| !rule.optional) {
        let is_matched = facts.matched_rules.contains(&number);
        let path = &rule.origin.path;
        if rule.redirects {
            if !is_matched {
                redirect(number, rule, matched, say);
            }
        } else if is_matched {
            let is_missing = |key: &&String| !facts.matched_keys.contains(&(number, (*key).clone()));
            for key in rule.wanted_keys().filter(is_missing) {
                let message = format!("no {} that this rule matches has a key `{key}`", rule.kind());
                let place = if rule.splits() { format!("{path}.only") } else { format!("{path}.keys.{key}") };
                say(&rule.origin, place, message, SECRETS);
            }
        } else {
            let keys = if rule.splits() { " and a key of `only`" } else { "" };
            let message = format!("no {} of the stream has {rule}{keys}", rule.kind());
            let named = not_rendered(rule, facts, elsewhere, |name| vaulted.contains(name));
            if let Some((reader, way)) = named {
                say(&rule.origin, path.clone(), format!("{message}, but {reader}"), &way);
            } else {
                let near = near_glob(rule, facts).unwrap_or_default();
                say(&rule.origin, path.clone(), message + &near, SECRETS);
            }
        }
    }
}

/// Variables of a rule of `spec.env` that no container has.
fn variables(
    number: usize,
    rule: &EnvRule,
    matched: &BTreeSet<ConfigEntry>,
    elsewhere: &Elsewhere<'_>,
    say: &mut impl FnMut(&Origin, String, String, &str),
) {
    let path = &rule.origin.path;
    for (position, (variable, key)) in rule.vars.iter().enumerate() {
        if !matched.contains(&ConfigEntry::Variable(number, position)) {
            let message = format!("no selected container has a variable {variable}");
            let path = format!("{path}.vars.{variable}");
            match held(variable, key.as_deref(), rule, elsewhere) {
                Some((holder, way)) => say(&rule.origin, path, format!("{message}, but {holder}"), &way),
                None => say(&rule.origin, path, message, ENV),
            }
        }
    }
    for (position, variable) in rule.remove.iter().enumerate() {
        if !matched.contains(&ConfigEntry::Remove(number, position)) {
            let message = format!("no selected container has a variable {variable}");
            say(&rule.origin, format!("{path}.remove[{position}]"), message, ENV);
        }
    }
}

/// Lines of `references`, `dropAnnotations` and `allow`.
fn lines(
    config: &Config,
    matched: &BTreeSet<ConfigEntry>,
    say: &mut impl FnMut(&Origin, String, String, &str),
) {
    for (number, rule) in config.references.iter().enumerate().filter(|(_, rule)| !rule.optional) {
        if !matched.contains(&ConfigEntry::Reference(number)) {
            let message = format!("no {} of the stream has this field", rule.kind);
            say(&rule.origin, rule.origin.path.clone(), message, REFERENCES);
        }
    }
    for (number, rule) in config.drop_annotations.iter().enumerate() {
        if !matched.contains(&ConfigEntry::Annotation(number)) {
            let message = format!("no pod template has an annotation {}", rule.annotation);
            say(&rule.origin, rule.origin.path.clone(), message, TAKE_OUT);
        }
    }
    for (number, rule) in config.allow.iter().enumerate() {
        if !matched.contains(&ConfigEntry::Allow(number)) {
            let message =
                format!("there is no {} finding at this place, so there is nothing to allow", rule.code);
            say(&rule.origin, rule.origin.path.clone(), message, TAKE_OUT);
        }
    }
}

/// What to say where the chart names a Secret that it does not render: who reads it, and the rule for that.
fn not_rendered(
    rule: &SecretsRule,
    facts: &Facts,
    elsewhere: &Elsewhere<'_>,
    is_vaulted: impl Fn(&str) -> bool,
) -> Option<(String, String)> {
    let to = rule.to.as_deref().filter(|_| !rule.of_config_maps && !rule.has_conditions())?;
    let (name, reader) = elsewhere.reader(&rule.name, |name| facts.renders(name) || is_vaulted(name))?;
    let keys = keys_field(rule.keys.iter().filter(|(key, own)| key != own));
    let entry = format!("{{name: {}, to: {}{keys}}}", plain_or_quoted(name), plain_or_quoted(to));
    let way =
        format!("to send such references to the vault, make of this rule one in spec.redirect: {entry}");
    Some((format!("{reader} refers to {name}"), format!("{way}\n{SECRETS}")))
}

/// What to say where a variable is a key of a Secret or ConfigMap, which containers take by `envFrom`: the rule for that.
fn held(
    variable: &Pattern,
    key: Option<&str>,
    rule: &EnvRule,
    elsewhere: &Elsewhere<'_>,
) -> Option<(String, String)> {
    let Pattern::Exact(variable) = variable else { return None };
    let (kind, name) = elsewhere.holder(variable)?;
    let list = if kind == "ConfigMap" { "configMaps" } else { "secrets" };
    let renamed = key.map(|key| (variable.as_str(), key)).filter(|(key, own)| key != own);
    let keys = keys_field(renamed.into_iter());
    let (name, to) = (plain_or_quoted(&Pattern::escaped(name)), plain_or_quoted(&rule.to));
    let entry = format!("{{name: {name}, only: [{}], to: {to}{keys}}}", plain_or_quoted(variable));
    let way = format!("to move that key to the vault, make of this line a rule in spec.{list}: {entry}");
    Some((format!("{kind} {name} has a key of that name"), format!("{way}\n{ENV}")))
}

/// What to say where the one name of a rule differs from that of a Secret by the release's prefix: the glob for both.
fn near_glob(rule: &SecretsRule, facts: &Facts) -> Option<String> {
    let [Pattern::Exact(wanted)] = rule.name.0.as_slice() else { return None };
    let parts = wanted.match_indices('-').map(|(dash, _)| &wanted[dash..]);
    let whole = format!("-{wanted}");
    for ending in std::iter::once(whole.as_str()).chain(parts) {
        let mut rendered = facts.rendered_names().filter(|name| name.ends_with(ending));
        match (rendered.next(), rendered.next()) {
            (None, _) => {}
            (Some(name), None) => {
                return Some(format!("; the chart renders {name}, which `name: '*{ending}'` matches"));
            }
            // Which one is meant nobody knows.
            (Some(_), Some(_)) => return None,
        }
    }
    None
}

/// A rule of `spec.redirect` whose Secret nothing names, or whose keys nobody takes.
fn redirect(
    number: usize,
    rule: &SecretsRule,
    matched: &BTreeSet<ConfigEntry>,
    say: &mut impl FnMut(&Origin, String, String, &str),
) {
    let path = &rule.origin.path;
    if !matched.contains(&ConfigEntry::Redirect(number)) {
        return say(
            &rule.origin,
            path.clone(),
            format!("nothing in the stream refers to a Secret with {rule}"),
            REDIRECT,
        );
    }
    for (position, key) in rule.keys.keys().enumerate() {
        if !matched.contains(&ConfigEntry::RedirectKey(number, position)) {
            let message = format!("no reference to this Secret takes its key `{key}`");
            say(&rule.origin, format!("{path}.keys.{key}"), message, REDIRECT);
        }
    }
}

/// The lines of `spec.formats` that match nothing that a vaulted Secret must hold; a preset's may.
pub(crate) fn formats(config: &Config, used: &BTreeSet<usize>) -> Vec<Diagnostic> {
    let Some(severity) = config.policy.unmatched.severity() else { return Vec::new() };
    let rules = config.formats.iter().enumerate();
    let unused = rules.filter(|(number, rule)| rule.origin.preset.is_none() && !used.contains(number));
    let diagnostic = |(_, rule): (usize, &FormatRule)| {
        let message = format!("no vaulted Secret has a key {0}, and no variable {0} reads one", rule.name);
        diagnostic(&rule.origin, rule.origin.path.clone(), message, TAKE_OUT, severity)
    };
    unused.map(diagnostic).collect()
}

fn used_presets<'a>(
    config: &'a Config,
    facts: &'a Facts,
    matched: &'a BTreeSet<ConfigEntry>,
) -> impl Iterator<Item = usize> + 'a {
    let secrets = facts.matched_rules.iter().filter_map(|rule| config.secrets[*rule].origin.preset);
    let env = matched.iter().filter_map(|part| match part {
        ConfigEntry::Variable(rule, _) | ConfigEntry::Remove(rule, _) => config.env[*rule].origin.preset,
        _ => None,
    });
    secrets.chain(env)
}

fn diagnostic(origin: &Origin, path: String, message: String, way: &str, severity: Severity) -> Diagnostic {
    let help = format!(
        "has the chart changed? Compare the render with the configuration\n{way}\n--allow-unmatched lets everything pass that matches nothing, for one run"
    );
    Diagnostic::error(Code::Unmatched, message, help).with_severity(severity).at(origin.location(path))
}
