//! Texts that hold a name among other things: `namespace/name`, `name/key`, lists with commas.

use std::collections::BTreeMap;

use crate::edit::patch::{Op, TextEdit, rewritten};
use crate::kube::references::{Reference, Takes};
use crate::rules::RuleOutput;
use crate::rules::facts::vaulted_key;
use crate::rules::secrets::redirect::{Goal, rename, renamed_key, renamed_keys};
use crate::yaml::{NodeId, Path, Tree};

/// Texts that hold a name among other things, with what becomes of their parts.
#[derive(Default)]
pub(super) struct Texts {
    edits: BTreeMap<Path, (NodeId, Vec<TextEdit>)>,
}

impl Texts {
    /// Notes what a reference in a text becomes.
    pub(super) fn redirect(&mut self, reference: &Reference<'_>, goal: &Goal<'_>, outcome: &mut RuleOutput) {
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

    /// Writes each text once, with all its changes.
    pub(super) fn rewrite(self, tree: &Tree<'_>, outcome: &mut RuleOutput) {
        for (path, (node, mut edits)) in self.edits {
            let Some(text) = tree.text(node).filter(|_| !edits.is_empty()) else { continue };
            edits.sort_by_key(|(range, _)| range.start);
            let inside = "a name".to_owned();
            outcome.patch.push(Op::Rewrite { path, text: rewritten(text, &edits), edits, inside });
        }
    }
}
