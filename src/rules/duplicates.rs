//! `spec.duplicates`: one entry per variable, for names that no `env` rule decides.

use crate::config::Duplicates;
use crate::diagnostics::{Code, Finding, Severity};
use crate::kube::pods::ValueSource;
use crate::rules::keep_one::keep_one;
use crate::rules::{Context, ObjectView, Rule, RuleOutput};
use crate::search::prefilter::Interest;

/// A document with a list of variables holds one of these.
pub(super) const LISTS_OF_VARIABLES: [&str; 2] = ["env", "Env"];

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "duplicates",
    settings: &["duplicates"],
    codes: &[Code::DuplicateEnv, Code::EnvOrder],
    words: |_, words| words.add(&LISTS_OF_VARIABLES, Interest::Edit),
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    for list in &subject.pods.env {
        let mut groups = list.groups();
        groups.retain(|(_, positions)| positions.len() > 1);
        if groups.is_empty() {
            continue;
        }
        let names = list.names();
        for (name, positions) in groups {
            let undecided = |position: &usize| !outcome.patch.decides(&list.path.index(*position));
            if !positions.iter().all(undecided) {
                continue;
            }
            let last = positions[positions.len() - 1];
            let reads_secret = |position: &&usize| {
                let source = list.entries[**position].as_ref().map(|variable| variable.source);
                matches!(source, Some(ValueSource::Secret { .. }))
            };
            let winner = match context.config.duplicates {
                Duplicates::Last => last,
                Duplicates::First => positions[0],
                Duplicates::PreferSecret => {
                    positions.iter().rev().find(reads_secret).copied().unwrap_or(last)
                }
                Duplicates::Error => {
                    outcome.findings.extend(list.entries[last].as_ref().map(|variable| Finding {
                        code: Code::DuplicateEnv,
                        severity: Severity::Error,
                        message: format!("container {} defines variable {name} {} times", list.container, positions.len()),
                        help: format!("decide by a rule: spec.env with {name} in `vars` or `remove`; or set spec.duplicates to last, first or prefer-secret"),
                        path: list.path.index(last),
                        node: variable.node,
                    }));
                    continue;
                }
            };
            keep_one(list, &names, &positions, winner, None, outcome);
        }
    }
}
