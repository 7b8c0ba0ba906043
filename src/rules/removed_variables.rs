//! What still expands a variable that `spec.env` removes: it would read `$(NAME)` as it is written.

use crate::diagnostics::{Code, Finding, Severity};
use crate::kube::pods::{EnvList, expansions};
use crate::rules::{Context, ObjectView, Rule, RuleOutput};
use crate::yaml::{NodeId, Path};

/// The rule.
pub(super) const RULE: Rule =
    Rule { name: "removed_variables", settings: &["env"], codes: &[Code::EnvOrder], apply, ..Rule::QUIET };

/// Runs when every list of variables has its last form: an entry that is itself removed, or reads
/// the vault, expands nothing.
fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    if context.config.env.iter().all(|rule| rule.remove.is_empty()) {
        return;
    }
    for list in &subject.pods.env {
        let removed = |position: &usize| outcome.patch.removes(&list.path.index(*position));
        let mut groups = list.groups();
        groups.retain(|(_, positions)| positions.iter().all(removed));
        if groups.is_empty() {
            continue;
        }
        let names = list.names();
        for (name, positions) in groups {
            let entries = names.expanded(name, positions[0] + 1..list.entries.len());
            let stays = |position: &usize| !outcome.patch.decides(&list.path.index(*position));
            let entries = entries.filter(stays).filter_map(|position| {
                let variable = list.entries[position].as_ref()?;
                Some((format!("variable {}", variable.name), list.path.index(position), variable.node))
            });
            let texts = list.texts.iter().filter(|text| expansions(text.text).any(|used| used == name));
            let texts =
                texts.map(|text| ("a command, argument or path".to_owned(), text.path.clone(), text.node));
            outcome.findings.extend(entries.chain(texts).map(|place| still_expanded(list, name, place)));
        }
    }
}

fn still_expanded(list: &EnvList<'_>, name: &str, (user, path, node): (String, Path, NodeId)) -> Finding {
    Finding {
        code: Code::EnvOrder,
        severity: Severity::Error,
        message: format!(
            "a rule removes variable {name} of container {}, and {user} of the container still expands it",
            list.container
        ),
        help: format!(
            "let it read the vault: spec.env with {name} in `vars` instead of `remove`; or change what expands it in the chart's values"
        ),
        path,
        node,
    }
}
