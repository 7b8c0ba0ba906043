//! One entry per variable: decides at which place it stays.

use serde_json::Value;

use crate::diagnostics::{Code, Finding, Severity};
use crate::edit::patch::Op;
use crate::kube::pods::{EntryNames, EnvList, ValueSource, expansions};
use crate::rules::RuleOutput;
use crate::yaml::{Path, Step};

/// Keeps the entry at `winner` of the entries at `positions`, all for one name, with `content` if given.
///
/// The winner stays where it is. Where an entry between the first one and it expands the variable, it means what is
/// before it: if a rule decides the variable (`content`), that takes the first place, so that all read the vault; if none
/// does, the first one stays instead, which must say the same.
pub(super) fn keep_one(
    list: &EnvList<'_>,
    names: &EntryNames<'_>,
    positions: &[usize],
    winner: usize,
    content: Option<Value>,
    outcome: &mut RuleOutput,
) {
    let first = positions[0];
    let Some(variable) = &list.entries[winner] else { return };
    let mut users = names.expanded(variable.name, first + 1..winner);
    let used = users.any(|user| positions.binary_search(&user).is_err());
    let place = if used { first } else { winner };
    if content.is_none() && changes_an_expansion(list, names, positions, winner, used) {
        outcome.findings.push(Finding {
            code: Code::EnvOrder,
            severity: Severity::Error,
            message: format!(
                "variable {} of container {} is defined {} times, and with one entry other variables would expand to something else",
                variable.name, list.container, positions.len()
            ),
            help: format!("decide by a rule: spec.env with {} in `vars`, or in `remove`", variable.name),
            path: list.path.index(winner),
            node: variable.node,
        });
        return;
    }
    let entries: Vec<Path> = positions.iter().map(|position| list.path.index(*position)).collect();
    for entry in &entries {
        outcome.patch.push(Op::test(entry.key("name"), variable.name));
    }
    if let Some(value) = content {
        outcome.patch.push(Op::replace(list.path.index(place), value));
    }
    let is_kept = |path: &Path| path.last() == Some(&Step::Index(place));
    outcome.patch.extend(entries.into_iter().filter(|path| !is_kept(path)).map(|path| Op::Remove { path }));
}

/// Whether what expands would expand to something else: the winner's own earlier entry, which it means by its own name;
/// or, with `used`, what is in front of the winner and expands an earlier entry that differs from it.
fn changes_an_expansion(
    list: &EnvList<'_>,
    names: &EntryNames<'_>,
    positions: &[usize],
    winner: usize,
    used: bool,
) -> bool {
    let source = |position: usize| list.entries[position].as_ref().map(|variable| variable.source);
    let first = positions[0];
    let mut expanded = match source(winner) {
        Some(ValueSource::Literal(value)) => expansions(value).collect(),
        _ => Vec::new(),
    };
    if !used {
        let name = list.entries[winner].as_ref().map(|variable| variable.name);
        return winner != first && expanded.iter().any(|used| Some(*used) == name);
    }
    expanded.retain(|used| names.is_defined(used, first..winner));
    let mut earlier = positions.iter().take_while(|position| **position < winner);
    !expanded.is_empty() || earlier.any(|position| !says_the_same(source(*position), source(winner)))
}

/// Whether two entries surely give a variable the same value.
fn says_the_same(one: Option<ValueSource<'_>>, other: Option<ValueSource<'_>>) -> bool {
    match one {
        Some(ValueSource::Literal(_) | ValueSource::Secret { optional: None, .. }) => one == other,
        _ => false,
    }
}
