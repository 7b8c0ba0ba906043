//! Replaces each value with its length.
//!
//! `hidden` finds what to hide by its place or its looks. This module masks that, and every other
//! spelling of a credential that the texts hold. What stays is what a reviewer must see: names, keys and references.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;

use crate::analysis::diff::hidden::hidden;
use crate::config::Config;
use crate::kube::credential::{NameContext, class, reason};
use crate::kube::object::objects;
use crate::rules::leaked_values::spellings;
use crate::search::prefilter::search_any;
use crate::yaml::{Kind, NodeId, Span, Tree, parse};

/// What texts are masked with.
pub(super) struct Mask {
    /// The names of Secrets: shown wherever they are.
    names: BTreeSet<String>,
    /// Every spelling of every credential that is in the texts.
    known: Option<AhoCorasick>,
}

impl Mask {
    /// Learns the credentials of all texts that are going to be shown.
    pub(super) fn new<'t>(texts: impl Iterator<Item = &'t str>, config: &Config) -> Self {
        let mut names = config.vault.clone();
        let mut known = BTreeSet::new();
        for text in texts {
            let Ok(tree) = parse(content(text)) else { continue };
            for object in objects(&tree) {
                if object.is_secret() {
                    names.extend(object.name().map(str::to_owned));
                    for entry in object.secret_data() {
                        let plain = entry.plain().and_then(|bytes| str::from_utf8(bytes).ok());
                        known.extend(plain.into_iter().flat_map(|plain| spellings(entry.key, plain)));
                    }
                }
                literals(&tree, object.node, &mut |name, value| known.extend(spellings(name, value)));
            }
        }
        known.retain(|value| !names.contains(value));
        Self { names, known: search_any(known.iter()).ok().flatten() }
    }

    /// A document without its values, line for line.
    pub(super) fn apply(&self, text: &str) -> String {
        let content = content(text);
        let marker = &text[..text.len() - content.len()];
        // A document that was edited can be parsed. Should one be none, nothing of it is shown.
        let masked = parse(content).map_or_else(|_| lines(content), |tree| self.tree(&tree));
        let masked = format!("{marker}{masked}");
        match &self.known {
            None => masked,
            Some(known) => {
                let mut result = String::with_capacity(masked.len());
                known.replace_all_with(&masked, &mut result, |_, value, result| {
                    result.push_str(&class(value));
                    true
                });
                result
            }
        }
    }

    fn tree(&self, tree: &Tree<'_>) -> String {
        let objects = objects(tree);
        if objects.is_empty() {
            return lines(tree.source());
        }
        let spans = hidden(tree, &objects, &self.names);
        let (mut masked, mut at) = (String::new(), 0);
        for Span { start, end } in spans {
            if start < at {
                continue;
            }
            masked.push_str(&tree.source()[at..start]);
            masked.push_str(&scalar(&tree.source()[start..end]));
            at = end;
        }
        masked + &tree.source()[at..]
    }
}

/// The literals of all variables below a node.
fn literals(tree: &Tree<'_>, node: NodeId, visit: &mut impl FnMut(&str, &str)) {
    match tree.kind(node) {
        Kind::Mapping(_, entries) => {
            let text = |key: &str| tree.get(node, key).and_then(|value| tree.text(value));
            if let (Some(name), Some(value)) = (text("name"), text("value"))
                && reason(name, value, NameContext::Flat).is_some()
            {
                visit(name, value);
            }
            for (_, value) in entries {
                literals(tree, *value, visit);
            }
        }
        Kind::Sequence(_, items) => {
            for item in items {
                literals(tree, *item, visit);
            }
        }
        Kind::Scalar(_) | Kind::Alias(_) => {}
    }
}

/// A scalar as it is written → its mask, on as many lines; quotes and the header of a block stay.
fn scalar(written: &str) -> String {
    let quote = |quote| written.len() > 1 && written.starts_with(quote) && written.ends_with(quote);
    if !written.contains(['\n', '\r']) {
        return if quote('"') || quote('\'') {
            let (open, close) = (&written[..1], &written[written.len() - 1..]);
            format!("{open}{}{close}", class(&written[1..written.len() - 1]))
        } else {
            class(written)
        };
    }
    if written.starts_with(['|', '>']) {
        let header = written.find(['\n', '\r']).unwrap_or(written.len());
        let comment = written[..header].find('#').unwrap_or(header);
        let shown = written[..comment].trim_end();
        return format!("{shown}{}{}", lines(&written[shown.len()..header]), lines(&written[header..]));
    }
    lines(written)
}

/// Every line's text → its mask.
fn lines(text: &str) -> String {
    let mask = |line: &str| {
        let inner = line.trim();
        let start = line.len() - line.trim_start().len();
        match inner {
            "" => line.to_owned(),
            _ => format!("{}{}{}", &line[..start], class(inner), &line[start + inner.len()..]),
        }
    };
    text.split_inclusive('\n').map(mask).collect()
}

/// A document's text behind its marker.
pub(super) fn content(text: &str) -> &str {
    text.strip_prefix("---").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document and what is shown of it.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mask = Mask::new([text].into_iter(), &Config::default());
        assert_eq!(mask.apply(text), expected);
    }

    #[test]
    fn the_data_of_a_secret_is_masked_line_for_line() {
        check(
            "---\n# Source: a/b.yaml\n# old: x\nkind: Secret\nmetadata: {name: s}\ndata:\n  a: aHVudGVyMg==\nstringData:\n  b: \"hunter2\"\n  c: |-\n    one\n\n    second line\n  d: 'it''s\n    long'\n",
            "---\n# Source: a/b.yaml\n# <1-7 characters>\nkind: Secret\nmetadata: {name: s}\ndata:\n  a: <8-15 characters>\nstringData:\n  b: \"<1-7 characters>\"\n  c: |-\n    <1-7 characters>\n\n    <8-15 characters>\n  d: <1-7 characters>\n    <1-7 characters>\n",
        );
    }

    #[test]
    fn variables_keep_their_names_and_references() {
        check(
            "kind: Pod\nspec:\n  containers:\n  - name: c\n    args: [-p, hunter2]\n    env:\n    - {name: A, value: plain} # value: x\n    - {name: T, value: \"true\"}\n    - name: B\n      valueFrom: {secretKeyRef: {name: s, key: password}}\n",
            "kind: Pod\nspec:\n  containers:\n  - name: c\n    args: [<1-7 characters>, <1-7 characters>]\n    env:\n    - {name: A, value: <1-7 characters>} # <8-15 characters>\n    - {name: T, value: \"true\"}\n    - name: B\n      valueFrom: {secretKeyRef: {name: s, key: password}}\n",
        );
    }

    #[test]
    fn what_looks_like_a_credential_is_masked_wherever_it_stands() {
        check(
            "kind: Custom\nmetadata:\n  annotations: {a: b, helm.sh/hook: test}\nspec:\n  password: hunter2\n  url: postgres://u:hunter2@db\n  script: |\n    echo\n",
            "kind: Custom\nmetadata:\n  annotations: {a: <1-7 characters>, helm.sh/hook: test}\nspec:\n  password: <1-7 characters>\n  url: <16-31 characters>\n  script: |\n    <1-7 characters>\n",
        );
    }

    #[test]
    fn every_spelling_of_a_known_value_is_masked() {
        check(
            "kind: Pod\nmetadata: {name: s3cr3t-v4lue.czNjcjN0LXY0bHVl}\nspec:\n  containers: [{env: [{name: TOKEN, value: s3cr3t-v4lue}]}]\n",
            "kind: Pod\nmetadata: {name: <8-15 characters>.<16-31 characters>}\nspec:\n  containers: [{env: [{name: TOKEN, value: <8-15 characters>}]}]\n",
        );
    }
}
