//! Texts that hold a name among other things: `namespace/name`, `name/key`, lists with commas.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use crate::edit::patch::{Op, Rewriting, TextEdit, rewritten};
use crate::kube::references::{Reference, Takes};
use crate::rules::RuleOutput;
use crate::rules::facts::vaulted_key;
use crate::rules::secrets::redirect::{Goal, rename, renamed_key, renamed_keys};
use crate::yaml::{NodeId, Path, Tree};

/// Texts that hold a name among other things, with what happens to their parts.
#[derive(Default)]
pub(super) struct Texts {
    edits: BTreeMap<Path, (NodeId, Vec<TextEdit>)>,
}

impl Texts {
    /// Notes what a reference in a text becomes.
    pub(super) fn redirect(&mut self, reference: &Reference<'_>, goal: &Goal<'_>, outcome: &mut RuleOutput) {
        let renamed = renamed_keys(goal);
        let (_, edits) = self.edits.entry(reference.path.clone()).or_insert((reference.node, Vec::new()));
        if let Some(part) = reference.part()
            && reference.name != goal.to
        {
            edits.push((part, goal.to.to_owned()));
        }
        match &reference.takes {
            Takes::KeyBeside(begin, key) => {
                let vaulted = vaulted_key(&goal.rule.keys, key);
                if vaulted != *key {
                    edits.push((*begin..begin + key.len(), vaulted.to_owned()));
                }
            }
            Takes::Key(path, key) => rename(goal.rule, path, key, outcome),
            _ if !renamed.is_empty() => outcome.findings.push(renamed_key(reference, &renamed)),
            _ => {}
        }
    }

    /// Writes each text once, with all its changes. `references` are all of the object, `namespace` is its own.
    pub(super) fn rewrite(
        self,
        references: &[Reference<'_>],
        namespace: Option<&str>,
        tree: &Tree<'_>,
        outcome: &mut RuleOutput,
    ) {
        if self.edits.is_empty() {
            return;
        }
        let mut named: HashMap<&Path, Vec<NamedSecret<'_>>> = HashMap::new();
        for reference in references {
            let Some(part) = reference.part() else { continue };
            let Reference { path, name, namespace: of, .. } = reference;
            named.entry(path).or_default().push(NamedSecret { part, name, namespace: of.or(namespace) });
        }
        for (path, (node, mut edits)) in self.edits {
            let Some(text) = tree.text(node).filter(|_| !edits.is_empty()) else { continue };
            name_once(text, named.get(&path).map(Vec::as_slice).unwrap_or_default(), &mut edits);
            edits.sort_by_key(|(range, _)| range.start);
            let inside = "a name".to_owned();
            let rewriting = Rewriting { text: rewritten(text, &edits), edits, inside };
            outcome.patch.push(Op::Rewrite { path, rewriting: rewriting.into() });
        }
    }
}

/// A Secret that a text names, and where.
struct NamedSecret<'r> {
    part: Range<usize>,
    name: &'r str,
    namespace: Option<&'r str>,
}

/// Takes out of a list with commas what would name a vaulted Secret another time: two removed Secrets may have become one.
fn name_once(text: &str, named: &[NamedSecret<'_>], edits: &mut Vec<TextEdit>) {
    if named.len() < 2 {
        return;
    }
    let becomes: HashMap<usize, String> =
        edits.iter().map(|(part, name)| (part.start, name.clone())).collect();
    let targets: HashSet<&str> = becomes.values().map(String::as_str).collect();
    let mut seen = HashSet::new();
    for NamedSecret { part, name, namespace } in named {
        let name = becomes.get(&part.start).map_or(*name, String::as_str);
        if targets.contains(name) && !seen.insert((name, *namespace)) {
            let item = item(text, part);
            edits.retain(|(range, _)| !item.contains(&range.start));
            edits.push((item, String::new()));
        }
    }
}

/// An item of a list that is not the first one, with the comma before it.
fn item(text: &str, part: &Range<usize>) -> Range<usize> {
    let start = text[..part.start].rfind(',').unwrap_or(part.start);
    let end = text[part.end..].find(',').map_or(text.trim_end().len(), |comma| part.end + comma);
    start..end
}
