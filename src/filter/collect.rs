//! The first pass: which documents are worth a look, which Secrets the stream renders, and which of them a rule removes.

pub(crate) mod settings;
mod split;

use std::collections::HashSet;

use crate::config::{Config, Origin, SecretsRule};
use crate::diagnostics::addition::{add_to, keys_field};
use crate::diagnostics::{Code, Diagnostic, Error, Location};
use crate::filter::findings::Findings;
use crate::krm::InputFormat;
use crate::kube::locator::Locator;
use crate::kube::object::{Object, objects};
use crate::rules::facts::{Facts, Resolution};
use crate::rules::leaked_values::LeakedValues;
use crate::rules::vaulted_values::of_secret;
use crate::rules::{self, RULES, Rule};
use crate::search::candidates::Candidates;
use crate::search::prefilter::Interest;
use crate::stream::{self, Document};
use crate::yaml::scalar::plain_or_quoted;

/// What must be known across documents before one of them is rewritten.
pub(crate) struct Collected<'i> {
    /// The documents that are worth a look.
    pub(crate) candidates: Candidates<'i>,
    /// How the client hands the stream over.
    pub(crate) format: InputFormat,
    /// The chart's Secrets.
    pub(crate) facts: Facts,
    /// The search for values of removed Secrets.
    pub(crate) leaked_values: LeakedValues,
    /// What was found on the way.
    pub(crate) findings: Vec<Diagnostic>,
}

/// Goes over a stream for the first time.
///
/// # Errors
///
/// The stream is empty or in an encoding that cannot be read, a ResourceList has other documents beside it, there is no rule,
/// or there are more names and values than a search can hold.
pub(crate) fn collect<'i>(input: &'i [u8], config: &Config, rules: &[Rule]) -> Result<Collected<'i>, Error> {
    stream::check(input)?;
    let mut candidates = Candidates::of(input, rules::words(rules, config))?;
    let format = if candidates.may_be_list() { InputFormat::of(input)? } else { InputFormat::Manifests };
    config.check_rules()?;
    let locator = Locator::new(input);
    let mut findings = Findings::new(&locator);
    let mut facts = Facts::new(config);
    for document in candidates.secrets() {
        let Some(tree) = findings.parse(document, Interest::Edit) else { continue };
        for object in objects(&tree).into_iter().filter(Object::is_secret) {
            collect_secret(document, &object, config, &mut facts, &mut findings);
        }
    }
    if config.splits() {
        for document in candidates.config_maps() {
            let Some(tree) = findings.parse(document, Interest::Edit) else { continue };
            for object in objects(&tree).into_iter().filter(Object::is_config_map) {
                split::collect_config_map(document, &object, config, &mut facts, &mut findings);
            }
        }
    }
    findings.extend(removed_targets(&facts, config));
    facts.index_names()?;
    let leaked_values = LeakedValues::new(facts.take_values())?;
    candidates.search_for([facts.removed_names(), leaked_values.search(), facts.config_maps.split_names()]);
    if facts.removed_names_hide() {
        candidates.add_all(Interest::Edit);
    }
    let conceal = |diagnostic| leaked_values.conceal(diagnostic);
    let findings = findings.into_diagnostics().into_iter().map(conceal).collect();
    Ok(Collected { candidates, format, facts, leaked_values, findings })
}

/// Rules that remove every Secret.
const EVERY_SECRET: &str = "
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec: {secrets: [{name: '*'}]}
";

/// The values of all Secrets of a stream.
///
/// # Errors
///
/// Those of [`collect`].
pub(crate) fn secret_values(input: &[u8]) -> Result<LeakedValues, Error> {
    let mut config = Config::default();
    config.add_file("every Secret", EVERY_SECRET)?;
    Ok(collect(input, &config, RULES)?.leaked_values)
}

/// A Secret that the first pass has met.
pub(crate) struct CollectedSecret<'t> {
    /// `metadata.name`.
    pub(crate) name: &'t str,
    /// Its number in the facts.
    pub(crate) number: usize,
    /// Its place.
    pub(crate) location: Location,
}

/// Adds a Secret to the facts, and says what is wrong with it; `None` where it has no name.
pub(crate) fn collect_secret<'t>(
    document: &Document<'_>,
    object: &Object<'t, '_>,
    config: &Config,
    facts: &mut Facts,
    findings: &mut Findings<'_>,
) -> Option<CollectedSecret<'t>> {
    let location = findings.locator.locate_in(document, object, object.tree.start(object.node));
    let Some(name) = object.name().filter(|name| !name.is_empty()) else {
        findings.push(unnamed_secret().at(location));
        return None;
    };
    if let Some(rule) = facts.redirect(name) {
        findings.push(rendered(name, &config.secrets[rule]).at(location.clone()));
    }
    let data = object.secret_data();
    let number = facts.add(document.number, object, &data, name, config);
    let found = [same_name, hook_secret, not_vaultable].map(|ask| ask(name, facts, object, config));
    let secret = facts.secret(number);
    let split = secret.into_iter().flat_map(|secret| split::not_splittable(secret, object, config));
    let stale = secret.and_then(|secret| settings::gone_stale(secret, &data, config));
    for diagnostic in found.into_iter().flatten().chain(split).chain(stale) {
        findings.push(diagnostic.at(location.clone()));
    }
    let rule = facts.secret(number).and_then(|secret| secret.rule).and_then(|rule| config.secrets.get(rule));
    for vaulted in rule.map(|rule| of_secret(object, &data, name, rule)).unwrap_or_default() {
        findings.extend(facts.vaulted_values.add(vaulted, &location));
    }
    Some(CollectedSecret { name, number, location })
}

/// A Secret that the chart renders, although a rule says that it is only named.
fn rendered(name: &str, rule: &SecretsRule) -> Diagnostic {
    let to = rule.to.as_deref().unwrap_or_default();
    let keys = keys_field(rule.keys.iter());
    Diagnostic::error(
        Code::RenderedRedirect,
        format!("the chart renders Secret {name}, and spec.redirect is for Secrets that it only names"),
        format!(
            "take the entry out of spec.redirect; to remove the Secret, {}",
            add_to(
                "secrets",
                &format!("{{name: {}, to: {}{keys}}}", plain_or_quoted(name), plain_or_quoted(to))
            )
        ),
    )
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
    if rule.to.as_deref() != Some(name) || rule.same_name || secret.is_split {
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

/// A rule about a Secret which Helm 3 never shows it; `None` where nobody asks.
fn hook_secret(name: &str, facts: &Facts, object: &Object<'_, '_>, config: &Config) -> Option<Diagnostic> {
    let severity = config.hooks.severity()?;
    let Resolution::Removed(secret) = facts.target(name, object.namespace(), config) else { return None };
    if !object.skips_post_renderer() {
        return None;
    }
    let stays = "the plain Secret stays and its readers keep reading it";
    let help = if config.secrets[secret.rule?].optional {
        format!("under Helm 3 {stays}: disable the hook in the chart's values, or use Helm 4")
    } else {
        format!(
            "disable the hook in the chart's values, or use Helm 4; with `optional: true` on the rule Helm 3 continues, but there {stays}"
        )
    };
    let message = format!(
        "a rule removes Secret {name}, which is a hook: Helm 3 does not send hooks through a post-renderer"
    );
    Some(Diagnostic::error(Code::HookSecret, message, help).with_severity(severity))
}

/// A rule that would vault what only the cluster or a controller can fill.
fn not_vaultable(name: &str, facts: &Facts, object: &Object<'_, '_>, config: &Config) -> Option<Diagnostic> {
    let why = object.not_to_be_vaulted()?;
    let Resolution::Removed(secret) = facts.target(name, object.namespace(), config) else { return None };
    config.secrets[secret.rule?].to.as_ref()?;
    Some(Diagnostic::error(
        Code::NotVaultable,
        format!("a rule would vault Secret {name}, and there is nothing to vault: {why}"),
        "exclude it: write out the names of the other Secrets in the rule's `name`",
    ))
}

/// Rules whose vaulted Secret is itself a chart Secret that another rule removes.
pub(crate) fn removed_targets(facts: &Facts, config: &Config) -> Vec<Diagnostic> {
    let secrets = config.secrets.iter().filter_map(|rule| Some((rule.to.as_deref()?, &rule.origin)));
    let env = config.env.iter().map(|rule| (rule.to.as_str(), &rule.origin));
    let removed = facts.removed().filter(|secret| {
        let to = secret.rule.and_then(|rule| config.secrets[rule].to.as_deref());
        to != Some(&secret.name)
    });
    let removed: HashSet<&str> = removed.map(|secret| secret.name.as_str()).collect();
    let diagnostic = |(name, origin): (&str, &Origin)| {
        let message = format!("the vaulted Secret {name} is a Secret of the chart that is itself removed");
        let help = "let `to` name a Secret that is made outside the chart";
        Diagnostic::error(Code::Dangling, message, help).at(origin.location(format!("{}.to", origin.path)))
    };
    secrets.chain(env).filter(|(name, _)| removed.contains(name)).map(diagnostic).collect()
}
