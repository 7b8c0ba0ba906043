//! The first pass: which Secrets the stream renders, and which of them a rule removes.

use crate::config::{Config, Origin};
use crate::diagnostics::{Code, Diagnostic, Error, Location};
use crate::filter::findings::Findings;
use crate::kube::object::{Object, objects};
use crate::rules::facts::{Facts, Resolution};
use crate::search::candidates::Candidates;
use crate::search::prefilter::Interest;
use crate::stream::Document;

/// The first pass: which Secrets the stream renders, and which of them go.
pub(crate) fn collect_secrets(
    survey: &Candidates<'_>,
    config: &Config,
    findings: &mut Findings<'_>,
) -> Result<Facts, Error> {
    let mut facts = Facts::default();
    for document in survey.secrets() {
        let Some(tree) = findings.open(document, Interest::Edit) else { continue };
        for object in objects(&tree).into_iter().filter(Object::is_secret) {
            collect_secret(document, &object, config, &mut facts, findings);
        }
    }
    findings.push_all(removed_targets(&facts, config));
    facts.index_names()?;
    Ok(facts)
}

/// A Secret that was learned of.
pub(crate) struct CollectedSecret<'t> {
    /// `metadata.name`.
    pub(crate) name: &'t str,
    /// Its number in the facts.
    pub(crate) number: usize,
    /// Where it stands.
    pub(crate) location: Location,
}

/// Learns of a Secret, and says what is wrong with it; `None` where it has no name to learn.
pub(crate) fn collect_secret<'t>(
    document: &Document<'_>,
    object: &Object<'t, '_>,
    config: &Config,
    facts: &mut Facts,
    findings: &mut Findings<'_>,
) -> Option<CollectedSecret<'t>> {
    let location = findings.locator.locate_in(document, object, object.tree.node(object.node).start);
    let Some(name) = object.name().filter(|name| !name.is_empty()) else {
        findings.push(unnamed_secret().at(location));
        return None;
    };
    let number = facts.add(document.number, object, name, config);
    let found = [same_name, hook_secret].map(|ask| ask(name, facts, object, config));
    for diagnostic in found.into_iter().flatten() {
        findings.push(diagnostic.at(location.clone()));
    }
    Some(CollectedSecret { name, number, location })
}

/// A Secret that no rule could ever match.
fn unnamed_secret() -> Diagnostic {
    Diagnostic::error(
        Code::UnnamedSecret,
        "a Secret has no metadata.name, so no rule can tell whether it must go",
        "give it a name in the chart's values, or leave it out there",
    )
}

/// The vaulted Secret has the name of a removed Secret.
fn same_name(name: &str, facts: &Facts, object: &Object<'_, '_>, config: &Config) -> Option<Diagnostic> {
    let Resolution::Removed(secret) = facts.target(name, object.namespace(), config) else { return None };
    let rule = &config.secrets[secret.rule?];
    if rule.to.as_deref() != Some(name) || rule.same_name {
        return None;
    }
    Some(Diagnostic::error(
        Code::SameName,
        format!("the vaulted Secret has the name of the chart's own Secret, {name}"),
        format!(
            "the upgrade would delete the live Secret. First copy its values into the vault and run `kubectl annotate secret {name} helm.sh/resource-policy=keep`; then set `sameName: true` on the rule"
        ),
    ))
}

/// A rule that needs a Secret which Helm 3 never shows it; `None` where nobody asks or the rule can do without.
fn hook_secret(name: &str, facts: &Facts, object: &Object<'_, '_>, config: &Config) -> Option<Diagnostic> {
    let severity = config.hooks.severity()?;
    let Resolution::Removed(secret) = facts.target(name, object.namespace(), config) else { return None };
    let optional = config.secrets[secret.rule?].optional;
    let diagnostic = Diagnostic::error(
        Code::HookSecret,
        format!(
            "Secret {name} is a hook, and a rule leaves it out: under Helm 3 it passes by the post-renderer"
        ),
        "set `optional: true` on the rule, or disable the hook in the chart's values",
    );
    (object.skips_post_renderer() && !optional).then(|| diagnostic.with_severity(severity))
}

/// Rules whose vaulted Secret is itself a chart Secret that another rule removes.
pub(crate) fn removed_targets(facts: &Facts, config: &Config) -> Vec<Diagnostic> {
    let secrets = config.secrets.iter().filter_map(|rule| Some((rule.to.as_deref()?, &rule.origin)));
    let env = config.env.iter().map(|rule| (rule.to.as_str(), &rule.origin));
    let removed = |name: &str| {
        facts.removed().filter(|secret| secret.name == name).any(|secret| {
            let to = secret.rule.and_then(|rule| config.secrets[rule].to.as_deref());
            to != Some(name)
        })
    };
    let diagnostic = |(name, origin): (&str, &Origin)| {
        let message = format!("the vaulted Secret {name} is a Secret of the chart that is itself removed");
        let help = "let `to` name a Secret that is made outside the chart";
        Diagnostic::error(Code::Dangling, message, help).at(origin.location(format!("{}.to", origin.path)))
    };
    secrets.chain(env).filter(|(name, _)| removed(name)).map(diagnostic).collect()
}
