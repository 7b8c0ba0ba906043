//! `spec.env`: variables that must read the vaulted Secret, and variables to remove.

mod entry;
mod winner;

pub(crate) use self::entry::rule_of_variable;

use crate::config::{Config, EnvRule};
use crate::diagnostics::{Code, Finding, Severity};
use crate::edit::patch::Op;
use crate::kube::object::Object;
use crate::kube::pods::EnvList;
use crate::rules::duplicates::LISTS_OF_VARIABLES;
use crate::rules::env::entry::{content, literal};
use crate::rules::env::winner::{keeps, winner};
use crate::rules::keep_one::keep_one;
use crate::rules::secret_use::SecretUse;
use crate::rules::{ConfigEntry, Context, ObjectView, Rule, RuleOutput, needs_whole_stream};
use crate::search::prefilter::Interest;

/// What a rule decides for a variable.
pub(super) enum Decision<'c> {
    /// It reads this key of the rule's vaulted Secret.
    Read(&'c EnvRule, &'c str),
    /// It is removed.
    Remove,
}

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "env",
    settings: &["env", "duplicates"],
    codes: &[Code::ValueOnly, Code::EnvOrder],
    words: |config, words| {
        if !config.env.is_empty() {
            words.add(&LISTS_OF_VARIABLES, Interest::Edit);
            words.add_groups_with_variables(Interest::Edit);
        }
    },
    needs_whole_stream: |config| {
        let keeping = config.env.iter().filter(|rule| rule.keep_existing);
        let place = |rule: &EnvRule| rule.origin.location(format!("{}.keepExisting", rule.origin.path));
        let asks =
            "keepExisting depends on whether the stream renders a Secret, which is known only at its end";
        keeping.map(|rule| needs_whole_stream(asks, "run without --stream").at(place(rule))).collect()
    },
    apply,
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    if context.config.env.is_empty() {
        return;
    }
    for list in &subject.pods.env {
        if outcome.patch.decides(&list.path) {
            continue;
        }
        let names = list.names();
        for (name, positions) in list.groups() {
            match decide(context.config, subject.object, list.container, name, outcome) {
                None => {}
                Some(Decision::Remove) => {
                    for position in positions {
                        let path = list.path.index(position);
                        outcome.patch.push(Op::test(path.key("name"), name));
                        outcome.patch.push(Op::Remove { path });
                    }
                }
                Some(Decision::Read(rule, key)) => {
                    let winner = winner(list, &positions, rule, context);
                    if !list.reads_secrets {
                        outcome.findings.extend(value_only(list, winner));
                        continue;
                    }
                    let key = if key.is_empty() { name } else { key };
                    let content = (!keeps(list, winner, rule, context))
                        .then(|| content(subject.object.tree, list, winner, &rule.to, key));
                    if content.is_some() {
                        outcome.literals.extend(literal(subject.object, list, winner, &rule.to, key));
                        outcome.read(|| SecretUse::of_variable(&rule.to, key, list.path.index(winner)));
                    }
                    if positions.len() > 1 || content.is_some() {
                        keep_one(list, &names, &positions, winner, content, outcome);
                    }
                }
            }
        }
    }
}

/// The list can only hold values.
fn value_only(list: &EnvList<'_>, position: usize) -> Option<Finding> {
    let variable = list.entries[position].as_ref()?;
    Some(Finding {
        code: Code::ValueOnly,
        severity: Severity::Error,
        message: format!("a rule decides variable {}, and this list of variables takes no Secrets", variable.name),
        help: "leave the object out of the rule by `in`; the operator's documentation may know another way to a Secret"
            .to_owned(),
        path: list.path.index(position),
        node: variable.node,
    })
}

/// The first rule for this variable here; every rule that does has found something.
pub(super) fn decide<'c>(
    config: &'c Config,
    object: &Object<'_, '_>,
    container: &str,
    name: &str,
    outcome: &mut RuleOutput,
) -> Option<Decision<'c>> {
    let mut decision = None;
    for (number, rule) in config.env.iter().enumerate() {
        let removes = rule.remove.iter().position(|pattern| pattern.matches(name));
        let reads = rule.vars.iter().position(|(pattern, _)| pattern.matches(name));
        let (part, this) = match (removes, reads) {
            (Some(position), _) => (ConfigEntry::Remove(number, position), Decision::Remove),
            (None, Some(position)) => {
                let key = rule.vars[position].1.as_deref();
                (ConfigEntry::Variable(number, position), Decision::Read(rule, key.unwrap_or_default()))
            }
            (None, None) => continue,
        };
        if rule.selects(object, container) {
            outcome.matched.insert(part);
            decision = decision.or(Some(this));
        }
    }
    decision
}
