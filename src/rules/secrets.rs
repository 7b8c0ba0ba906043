//! `spec.secrets`: every reference to a removed Secret goes to the vaulted one.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use crate::config::SecretsRule;
use crate::diagnostics::addition::add_to;
use crate::diagnostics::{Code, Finding, Severity};
use crate::edit::patch::{Op, TextEdit};
use crate::kube::references::{Reference, Takes};
use crate::rules::chart_secret::{ChartSecret, Share, looked_for};
use crate::rules::facts::{Resolution, vaulted_key};
use crate::rules::secret_use::SecretUse;
use crate::rules::split_readers::{Split, follow};
use crate::rules::{ConfigEntry, Context, ObjectView, Rule, RuleOutput, needs_whole_stream};
use crate::search::prefilter::Interest;
use crate::yaml::scalar::plain_or_quoted;
use crate::yaml::{NodeId, Path, Tree};

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
        let asks = "policy.external asks whether the stream renders a Secret, which only its end can say";
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
                    outcome.reads.push(SecretUse::existing(reference, &object.kind));
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
                            outcome.reads.push(SecretUse::redirected(reference, to, secret, rule));
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
                        outcome.reads.push(SecretUse::redirected(reference, to, secret, rule));
                        let goal = Goal { secret, rule, to, kind: &object.kind };
                        if reference.part.is_some() || matches!(reference.takes, Takes::KeyBeside(..)) {
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
    texts.rewrite(object.tree, outcome);
}

/// Texts that hold a name among other things, with what becomes of their parts.
#[derive(Default)]
struct Texts {
    edits: BTreeMap<Path, (NodeId, Vec<TextEdit>)>,
}

impl Texts {
    fn redirect(&mut self, reference: &Reference<'_>, goal: &Goal<'_>, outcome: &mut RuleOutput) {
        let renamed = renamed_keys(goal);
        let (_, edits) = self.edits.entry(reference.path.clone()).or_insert((reference.node, Vec::new()));
        if let Some(part) = &reference.part
            && reference.name != goal.to
        {
            edits.push((part.clone(), goal.to.to_owned()));
        }
        match &reference.takes {
            Takes::KeyBeside(part, key) => {
                let vaulted = vaulted_key(&goal.rule.keys, key);
                if vaulted != *key {
                    edits.push((part.clone(), vaulted.to_owned()));
                }
            }
            Takes::Key(path, key) => rename(goal.rule, path, key, outcome),
            _ if !renamed.is_empty() => outcome.findings.push(renamed_key(reference, &renamed)),
            _ => {}
        }
    }

    fn rewrite(self, tree: &Tree<'_>, outcome: &mut RuleOutput) {
        for (path, (node, mut edits)) in self.edits {
            let Some(text) = tree.text(node).filter(|_| !edits.is_empty()) else { continue };
            edits.sort_by_key(|(range, _)| range.start);
            let inside = "a name".to_owned();
            outcome.patch.push(Op::Rewrite { path, text: rewritten(text, &edits), edits, inside });
        }
    }
}

/// A text with parts of it replaced, in order.
pub(super) fn rewritten(text: &str, edits: &[TextEdit]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (range, new) in edits {
        result.push_str(&text[at..range.start]);
        result.push_str(new);
        at = range.end;
    }
    result + &text[at..]
}

/// The keys of the chart's Secret that have another name in the vault.
fn renamed_keys<'a>(Goal { secret, rule, .. }: &Goal<'a>) -> Vec<&'a String> {
    secret.keys.iter().filter(|key| vaulted_key(&rule.keys, key) != *key).collect()
}

/// Where a reference goes.
struct Goal<'a> {
    secret: &'a ChartSecret,
    rule: &'a SecretsRule,
    to: &'a str,
    /// The kind of the object that refers.
    kind: &'a str,
}

/// Gives the key at a path its name in the vault.
fn rename(rule: &SecretsRule, path: &Path, key: &str, outcome: &mut RuleOutput) {
    let vaulted = vaulted_key(&rule.keys, key);
    if vaulted != key {
        outcome.patch.push(Op::Replace { path: path.clone(), value: vaulted.into() });
    }
}

fn redirect<'t>(reference: &Reference<'t>, goal: &Goal<'_>, lists: &mut Lists<'t>, outcome: &mut RuleOutput) {
    let Goal { secret, rule, to, kind } = *goal;
    outcome.patch.push(Op::Test { path: reference.path.clone(), value: reference.name.to_owned() });
    match &reference.takes {
        Takes::ListItem { list, item } if lists.holds_another(list, reference, to) => {
            // The list would have its name twice, which the API server refuses where the list is keyed by name.
            return outcome.patch.push(Op::Remove { path: item.clone() });
        }
        Takes::Shared(list) => {
            // The old name may also be that of another resource in the rule, so it stays.
            if !lists.holds_another(list, reference, to) {
                outcome.patch.push(Op::Append { sequence: list.clone(), value: to.into() });
            }
            return;
        }
        _ => {}
    }
    if reference.name != to {
        outcome.patch.push(Op::Replace { path: reference.path.clone(), value: to.into() });
    }
    let renamed = renamed_keys(goal);
    match &reference.takes {
        Takes::Key(path, key) => rename(rule, path, key, outcome),
        Takes::Items(items) => items.iter().for_each(|(path, key)| rename(rule, path, key, outcome)),
        Takes::Files { volume, has_items } if !renamed.is_empty() => {
            let (path, value) = (volume.key("items"), items(secret, rule));
            outcome.patch.push(if *has_items {
                Op::Replace { path, value }
            } else {
                Op::Add { path, value }
            });
        }
        Takes::Env if !renamed.is_empty() => outcome.findings.push(renamed_env_from(reference, &renamed)),
        Takes::Whole | Takes::ListItem { .. } => {
            let known = looked_for(&reference.path, kind);
            let missed: Vec<&String> = renamed
                .into_iter()
                .filter(|key| known.is_none_or(|known| known.contains(&key.as_str())))
                .collect();
            if !missed.is_empty() {
                outcome.findings.push(renamed_key(reference, &missed));
            }
        }
        Takes::Files { .. } | Takes::Env | Takes::Shared(_) | Takes::KeyBeside(..) => {}
    }
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

/// Items that give every vaulted key the file name that the chart's key had.
fn items(secret: &ChartSecret, rule: &SecretsRule) -> Value {
    let item = |key: &String| json!({"key": vaulted_key(&rule.keys, key), "path": key});
    secret.keys.iter().map(item).collect()
}

/// What the reference means depends on documents that are still to come.
fn too_early(reference: &Reference<'_>, rule: &SecretsRule) -> Finding {
    Finding {
        code: Code::NeedsWholeStream,
        severity: Severity::Error,
        message: format!(
            "what this reference to Secret {} becomes is not known yet: a rule removes what has {rule}, and the Secret has not come, or too long ago",
            reference.name
        ),
        help: "run without --stream, or let the Secret come first; if it is made elsewhere, list it in spec.vault"
            .to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    }
}

fn ambiguous(reference: &Reference<'_>) -> Finding {
    Finding {
        code: Code::AmbiguousReference,
        severity: Severity::Error,
        message: format!(
            "`{}` could be Secrets of different namespaces with different fates",
            reference.name
        ),
        help: "give this object its metadata.namespace, or select the Secrets by `namespace` in spec.secrets"
            .to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    }
}

fn dangling(reference: &Reference<'_>, context: Context<'_>) -> Option<Finding> {
    Some(Finding {
        code: Code::Dangling,
        severity: context.config.policy.dangling.severity()?,
        message: format!("Secret {} is removed, and this still refers to it", reference.name),
        help: "give the rule in spec.secrets a `to`, or take the variable out by `remove` in spec.env"
            .to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    })
}

/// A name that neither the stream nor the configuration knows: perhaps a typing error.
fn external(reference: &Reference<'_>, context: Context<'_>) -> Option<Finding> {
    let severity = context.config.policy.external.severity()?;
    let known = context.facts.renders(reference.name) || context.config.vault.contains(reference.name);
    (!known).then(|| Finding {
        code: Code::External,
        severity,
        message: format!("Secret {} is neither in the stream nor in the configuration", reference.name),
        help: format!(
            "a typing error? If not, {}\nor send it to another Secret by spec.redirect",
            add_to("vault", &plain_or_quoted(reference.name))
        ),
        path: reference.path.clone(),
        node: reference.node,
    })
}

fn renamed_key(reference: &Reference<'_>, renamed: &[&String]) -> Finding {
    Finding {
        code: Code::RenamedKey,
        severity: Severity::Error,
        message: format!(
            "this reads Secret {} as a whole and looks for its keys by name, and `keys` renames {}",
            reference.name,
            names(renamed)
        ),
        help: "take them out of `keys`, and store the values under the chart's own key names, in a vaulted Secret of their own if need be"
            .to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    }
}

fn names(keys: &[&String]) -> String {
    keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ")
}

fn renamed_env_from(reference: &Reference<'_>, renamed: &[&String]) -> Finding {
    Finding {
        code: Code::RenamedEnvFrom,
        severity: Severity::Error,
        message: format!(
            "envFrom takes every key of {} as a variable of that name, and `keys` renames {}",
            reference.name,
            names(renamed)
        ),
        help: "store the values in the vault under the chart's own key names, or in a vaulted Secret of their own, and drop them from `keys`".to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    }
}

/// Lists in which a Secret may stand only once, with how many items will hold which name and namespace.
struct Lists<'t> {
    items: HashMap<Path, HashMap<(String, Option<&'t str>), usize>>,
}

impl<'t> Lists<'t> {
    fn new(references: &[Reference<'t>]) -> Self {
        let mut lists = Self { items: HashMap::new() };
        for Reference { name, namespace, takes, .. } in references {
            if let Takes::ListItem { list, .. } | Takes::Shared(list) = takes {
                let names = lists.items.entry(list.clone()).or_default();
                *names.entry(((*name).to_owned(), *namespace)).or_default() += 1;
            }
        }
        lists
    }

    /// Whether an item other than this one stands for the Secret `name` already; if not, this one does from now on.
    fn holds_another(&mut self, list: &Path, reference: &Reference<'t>, name: &str) -> bool {
        let names = self.items.entry(list.clone()).or_default();
        let old = (reference.name.to_owned(), reference.namespace);
        let new = (name.to_owned(), reference.namespace);
        let own = usize::from(old == new);
        let holders = names.entry(new).or_default();
        if *holders > own {
            return true;
        }
        *holders += 1 - own;
        if own == 0 {
            names.entry(old).and_modify(|holders| *holders = holders.saturating_sub(1));
        }
        false
    }
}
