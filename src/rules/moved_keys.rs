//! `only`: the keys that go to the vault leave the Secret or ConfigMap, which stays with the others.

use crate::diagnostics::Code;
use crate::edit::patch::Op;
use crate::rules::{Context, ObjectView, Rule, RuleOutput, needs_whole_stream};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "moved_keys",
    settings: &["secrets", "configMaps"],
    codes: &[Code::NeedsWholeStream],
    needs_whole_stream: |config| {
        let splitting = config.secrets.iter().filter(|rule| rule.splits());
        let asks = "`only` depends on which keys the Secrets and ConfigMaps of the stream have, which is known only at its end";
        let at =
            |rule: &crate::config::SecretsRule| rule.origin.location(format!("{}.only", rule.origin.path));
        splitting.map(|rule| needs_whole_stream(asks, "run without --stream").at(at(rule))).collect()
    },
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let object = subject.object;
    let Some(rule) = context.facts.splitting_rule(object, context.config) else { return };
    let rule = &context.config.secrets[rule];
    let fields: &[&str] = if rule.of_config_maps { &["data"] } else { &["data", "stringData"] };
    for field in fields {
        let path = object.path.key(field);
        let entries = object.tree.get(object.node, field).map(|data| object.tree.members(data));
        let keys: Vec<&str> =
            entries.unwrap_or_default().iter().filter_map(|(key, _)| object.tree.text(*key)).collect();
        let moved: Vec<&str> = keys.iter().copied().filter(|key| rule.moves(key)).collect();
        if moved.is_empty() {
            continue;
        }
        if moved.len() == keys.len() {
            outcome.patch.push(Op::Remove { path });
        } else {
            outcome.patch.extend(moved.iter().map(|key| Op::Remove { path: path.key(key) }));
        }
    }
}
