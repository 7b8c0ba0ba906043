//! Of several entries of one variable, the one that stays; and whether it stays as it is.

use crate::config::{Duplicates, EnvRule};
use crate::kube::pods::{EnvList, ValueSource, expansions};
use crate::rules::Context;

/// The entry that stays: one from outside the chart where the rule respects it, else one that reads the vaulted Secret
/// already, else the one that `duplicates` names.
pub(super) fn winner(list: &EnvList<'_>, positions: &[usize], rule: &EnvRule, context: Context<'_>) -> usize {
    let last_where = |test: &dyn Fn(&ValueSource<'_>) -> bool| {
        let source = |position: &&usize| list.entries[**position].as_ref().map(|variable| variable.source);
        positions.iter().rev().find(|position| source(position).is_some_and(|source| test(&source))).copied()
    };
    let reads_vault =
        |source: &ValueSource<'_>| matches!(source, ValueSource::Secret { name, .. } if *name == rule.to);
    let external = |source: &ValueSource<'_>| matches!(source, ValueSource::Secret { name, .. } if !context.facts.renders(name));
    let existing = if rule.keep_existing { last_where(&external) } else { None };
    existing.or_else(|| last_where(&reads_vault)).unwrap_or_else(|| match context.config.duplicates {
        Duplicates::First => positions[0],
        Duplicates::PreferSecret => last_where(&|source| matches!(source, ValueSource::Secret { .. }))
            .unwrap_or(positions[positions.len() - 1]),
        Duplicates::Last | Duplicates::Error => positions[positions.len() - 1],
    })
}

/// Whether the winning entry stays as it is.
pub(super) fn keeps(list: &EnvList<'_>, winner: usize, rule: &EnvRule, context: Context<'_>) -> bool {
    let Some(variable) = &list.entries[winner] else { return true };
    match variable.source {
        ValueSource::Secret { name, .. } if rule.keep_existing && !context.facts.renders(name) => true,
        ValueSource::Literal(value) => {
            rule.literals_only && (value.is_empty() || expansions(value).next().is_some())
        }
        ValueSource::Secret { .. } | ValueSource::Other => rule.literals_only,
    }
}
