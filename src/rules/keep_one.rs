//! One entry per variable: which place the survivor takes.

use serde_json::Value;

use crate::diagnostics::{Code, Finding, Severity};
use crate::edit::patch::Op;
use crate::kube::pods::{EntryNames, EnvList, ValueSource, Variable, expansions};
use crate::rules::RuleOutput;

/// Keeps the entry at `winner` of the entries at `positions`, all for one name, with `content` if given.
///
/// The winner stays where it is. Only if an entry between the first one and it expands the variable does its
/// content take the first place: what expanded before must still expand.
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
    if content.is_none() && loses_an_expansion(list, names, first, winner, place) {
        outcome.findings.push(Finding {
            code: Code::EnvOrder,
            severity: Severity::Error,
            message: format!(
                "variable {} of container {} stands twice, and neither place keeps what other variables expand to",
                variable.name, list.container
            ),
            help: format!("decide by a rule: spec.env with {} in `vars`, or in `remove`", variable.name),
            path: list.path.index(winner),
            node: variable.node,
        });
        return;
    }
    for position in positions {
        let name = list.path.index(*position).key("name");
        outcome.patch.push(Op::Test { path: name, value: variable.name.to_owned() });
    }
    let moves = place != winner && content.is_none();
    match content {
        Some(value) => outcome.patch.push(Op::Replace { path: list.path.index(place), value }),
        None if moves => {
            outcome.patch.push(Op::Move { sequence: list.path.clone(), from: winner, to: first });
        }
        None => {}
    }
    for position in
        positions.iter().filter(|position| **position != place && !(moves && **position == winner))
    {
        outcome.patch.push(Op::Remove { path: list.path.index(*position) });
    }
}

/// Whether the winner's own value expands a variable that will not be defined before it any more: its own earlier
/// entry, or, if it moves up, one between its new and its old place.
fn loses_an_expansion(
    list: &EnvList<'_>,
    names: &EntryNames<'_>,
    first: usize,
    winner: usize,
    place: usize,
) -> bool {
    let Some(Variable { name, source: ValueSource::Literal(value), .. }) = &list.entries[winner] else {
        return false;
    };
    expansions(value).any(|used| {
        let itself = used == *name && winner != first;
        let between =
            place != winner && !names.is_defined(used, 0..first) && names.is_defined(used, first..winner);
        itself || between
    })
}
