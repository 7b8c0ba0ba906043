//! `spec.env`: variables that must read the vaulted Secret, and variables that must go.

use serde_json::{Value, json};

use crate::config::{Config, Duplicates, EnvRule, Pattern};
use crate::diagnostics::{Code, Finding, ObjectRef, Severity};
use crate::edit::patch::Op;
use crate::kube::object::Object;
use crate::kube::pods::{EnvList, ValueSource, expansions};
use crate::rules::duplicates::LISTS_OF_VARIABLES;
use crate::rules::keep_one::keep_one;
use crate::rules::secret_use::SecretUse;
use crate::rules::vaulted_values::{Remedy, VaultedValue, number_of};
use crate::rules::{ConfigEntry, Context, ObjectView, Rule, RuleOutput, needs_whole_stream};
use crate::search::prefilter::Interest;
use crate::yaml::scalar::plain_or_quoted;
use crate::yaml::{Kind, NodeId, Path, Scalar, ScalarStyle, Tree, scalar};

/// What a rule decides for a variable.
pub(super) enum Decision<'c> {
    /// It reads this key of the rule's vaulted Secret.
    Read(&'c EnvRule, &'c str),
    /// It goes.
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
        let asks = "keepExisting asks whether the stream renders a Secret, which only its end can say";
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
                        outcome.patch.push(Op::Test { path: path.key("name"), value: name.to_owned() });
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
                        outcome.reads.push(SecretUse::of_variable(&rule.to, key, list.path.index(winner)));
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

/// The first rule that speaks of this variable here; every rule that does has found something.
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

/// The entry that stays: one from outside the chart where the rule respects it, else one that reads the vaulted Secret
/// already, else the one that `duplicates` names.
fn winner(list: &EnvList<'_>, positions: &[usize], rule: &EnvRule, context: Context<'_>) -> usize {
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
fn keeps(list: &EnvList<'_>, winner: usize, rule: &EnvRule, context: Context<'_>) -> bool {
    let Some(variable) = &list.entries[winner] else { return true };
    match variable.source {
        ValueSource::Secret { name, .. } if rule.keep_existing && !context.facts.renders(name) => true,
        ValueSource::Literal(value) => {
            rule.literals_only && (value.is_empty() || expansions(value).next().is_some())
        }
        ValueSource::Secret { .. } | ValueSource::Other => rule.literals_only,
    }
}

/// The entry that reads this key of the vaulted Secret; an `optional` that was there stays.
fn content(tree: &Tree<'_>, list: &EnvList<'_>, winner: usize, to: &str, key: &str) -> Value {
    let variable = list.entries[winner].as_ref();
    let name = variable.map(|variable| variable.name).unwrap_or_default();
    let mut reference = json!({"name": to, "key": key});
    if let Some(ValueSource::Secret { optional: Some(optional), .. }) =
        variable.map(|variable| variable.source)
    {
        reference["optional"] = boolean(tree, optional);
    }
    json!({"name": name, "valueFrom": {"secretKeyRef": reference}})
}

/// The literal of the winning entry, which the vaulted Secret is to hold; none that is empty or made of others.
fn literal(
    object: &Object<'_, '_>,
    list: &EnvList<'_>,
    winner: usize,
    to: &str,
    key: &str,
) -> Option<(VaultedValue, NodeId, Path)> {
    let variable = list.entries[winner].as_ref()?;
    let ValueSource::Literal(value) = variable.source else { return None };
    if value.is_empty() || expansions(value).next().is_some() {
        return None;
    }
    let (name, container, reference) = (variable.name, list.container, object.reference());
    let own = format!("{}-{key}", reference.name);
    let vaulted = VaultedValue {
        secret: to.to_owned(),
        key: key.to_owned(),
        namespace: object.namespace().map(str::to_owned),
        holder: format!("variable {name} of container {container} of {}/{}", reference.kind, reference.name),
        owner: None,
        remedy: Remedy::Rule(rule_of_variable((name, to, &own), &reference, container)),
        value: number_of(value.as_bytes()),
    };
    Some((vaulted, variable.node, list.path.index(winner)))
}

/// A rule for one variable of one container, in the form of the configuration. The variable is given by its name, the vaulted
/// Secret and the key there.
pub(crate) fn rule_of_variable(
    (name, to, key): (&str, &str, &str),
    object: &ObjectRef,
    container: &str,
) -> String {
    let within = [("kind", object.kind.as_str()), ("name", &object.name), ("container", container)];
    let within = within.into_iter().filter(|(_, text)| !text.is_empty());
    let within = within.map(|(field, text)| format!("{field}: {}", plain_or_quoted(&Pattern::escaped(text))));
    format!(
        "{{to: {}, vars: {{{}: {}}}, in: {{{}}}}}",
        plain_or_quoted(to),
        plain_or_quoted(name),
        plain_or_quoted(key),
        within.collect::<Vec<_>>().join(", ")
    )
}

fn boolean(tree: &Tree<'_>, node: NodeId) -> Value {
    match &tree.node(tree.resolve(node)).kind {
        Kind::Scalar(Scalar { text, style: ScalarStyle::Plain }) => {
            scalar::boolean_or_null(text).unwrap_or_else(|| text.as_ref().into())
        }
        _ => tree.text(node).into(),
    }
}
