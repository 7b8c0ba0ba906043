//! `spec.secrets`: every reference to a removed Secret goes to the vaulted one.

mod findings;
mod lists;
mod redirect;
mod texts;

use crate::config::SecretsRule;
use crate::diagnostics::Code;
use crate::kube::references::{Reference, Takes};
use crate::rules::chart_secret::Share;
use crate::rules::facts::Resolution;
use crate::rules::secret_use::SecretUse;
use crate::rules::secrets::findings::{ambiguous, dangling, external, too_early};
use crate::rules::secrets::lists::Lists;
use crate::rules::secrets::redirect::{Goal, redirect};
use crate::rules::secrets::texts::Texts;
use crate::rules::split_readers::{Split, follow};
use crate::rules::{ConfigEntry, Context, ObjectView, Rule, RuleOutput, needs_whole_stream};
use crate::search::prefilter::Interest;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "secrets",
    settings: &["secrets", "references", "redirect", "policy.dangling", "policy.external"],
    codes: &[
        Code::AmbiguousReference,
        Code::Dangling,
        Code::External,
        Code::NeedsWholeStream,
        Code::RenamedEnvFrom,
        Code::RenamedKey,
    ],
    words: |config, words| {
        if let Some(severity) = config.policy.external.severity() {
            words.add_references(Interest::Check(severity));
        }
        for rule in &config.references {
            words.add(&[&rule.kind], Interest::Edit);
        }
    },
    needs_whole_stream: |config| {
        let asks =
            "policy.external depends on whether the stream renders a Secret, which is known only at its end";
        let help = "run without --stream, or set spec.policy.external to allow";
        config.policy.external.severity().map(|_| needs_whole_stream(asks, help)).into_iter().collect()
    },
    apply,
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let ObjectView { object, references, .. } = subject;
    let mut lists = Lists::new(references);
    let mut texts = Texts::default();
    for reference in references {
        if outcome.patch.decides(&reference.path) {
            continue;
        }
        let namespace = reference.namespace.or_else(|| object.namespace());
        if let Some(rule) = context.facts.unsettled(reference.name, namespace, context.config) {
            outcome.findings.push(too_early(reference, rule));
            continue;
        }
        match context.facts.target(reference.name, namespace, context.config) {
            Resolution::Untouched => {
                if context.config.vault.contains(reference.name) {
                    outcome.read(|| SecretUse::existing(reference, &object.kind));
                }
                outcome.findings.extend(external(reference, context));
            }
            Resolution::Ambiguous => outcome.findings.push(ambiguous(reference)),
            Resolution::Removed(secret) => {
                let Some(number) = secret.rule else { continue };
                let rule = &context.config.secrets[number];
                match (secret.share(reference, &object.kind), &rule.to) {
                    (Share::Nothing, _) => continue,
                    (Share::Part, Some(to)) => {
                        let split = Split { holder: secret, rule, to };
                        if !matches!(reference.takes, Takes::Env) {
                            outcome.read(|| SecretUse::redirected(reference, to, secret, rule));
                        }
                        follow(reference, split, subject, outcome);
                        continue;
                    }
                    _ => {}
                }
                if rule.redirects {
                    outcome.matched.extend(redirect_entries(reference, rule, number));
                }
                match &rule.to {
                    Some(to) => {
                        outcome.read(|| SecretUse::redirected(reference, to, secret, rule));
                        let goal = Goal { secret, rule, to, kind: &object.kind };
                        if reference.begin.is_some() || matches!(reference.takes, Takes::KeyBeside(..)) {
                            texts.redirect(reference, &goal, outcome);
                        } else {
                            redirect(reference, &goal, &mut lists, outcome);
                        }
                    }
                    None => outcome.findings.extend(dangling(reference, context)),
                }
            }
        }
    }
    texts.rewrite(references, object.namespace(), object.tree, outcome);
}

/// The parts of a rule of `spec.redirect` that a reference is a match for.
fn redirect_entries(reference: &Reference<'_>, rule: &SecretsRule, number: usize) -> Vec<ConfigEntry> {
    let takes = |key: &str| match &reference.takes {
        Takes::Key(_, taken) | Takes::KeyBeside(_, taken) => *taken == key,
        Takes::Items(items) => items.iter().any(|(_, taken)| *taken == key),
        Takes::Env | Takes::Files { .. } => true,
        _ => false,
    };
    let keys = rule.keys.keys().enumerate().filter(|(_, key)| takes(key));
    let keys = keys.map(|(position, _)| ConfigEntry::RedirectKey(number, position));
    [ConfigEntry::Redirect(number)].into_iter().chain(keys).collect()
}
