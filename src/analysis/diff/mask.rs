//! Values out, their lengths in.
//!
//! What could hold a secret goes by its place: the data of Secrets and ConfigMaps, literals of variables, arguments,
//! annotations, texts of several lines, fields whose key speaks of a credential. So does what looks like a credential
//! anywhere, and every other spelling of one. What stays is what a reviewer must see: names, keys and references.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::config::Config;
use crate::kube::credential::{is_name, reason, value_reason};
use crate::kube::object::{Object, objects};
use crate::rules::leaked_values::spellings;
use crate::yaml::{Kind, NodeId, Span, Tree, parse};

/// Keys that name a key of a Secret, not a secret key.
const KEYS_OF_KEYS: [&str; 2] = ["key", "keys"];

/// What texts are masked with.
pub(super) struct Mask {
    /// The names of Secrets: shown wherever they stand.
    names: BTreeSet<String>,
    /// Every spelling of every credential that stands in the texts.
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
                        let plain = entry.plain().and_then(|bytes| String::from_utf8(bytes).ok());
                        known.extend(plain.iter().flat_map(|plain| spellings(entry.key, plain)));
                    }
                }
                literals(&tree, object.node, &mut |name, value| known.extend(spellings(name, value)));
            }
        }
        known.retain(|value| !names.contains(value));
        let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&known);
        Self { names, known: search.ok().filter(|_| !known.is_empty()) }
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
        let mut hidden = Hidden { mask: self, tree, spans: comments(tree) };
        let objects = objects(tree);
        for object in &objects {
            hidden.object(object);
        }
        if objects.is_empty() {
            return lines(tree.source());
        }
        let mut spans = hidden.spans;
        spans.sort();
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

/// What of a document is hidden.
struct Hidden<'a, 't, 's> {
    mask: &'a Mask,
    tree: &'t Tree<'s>,
    spans: Vec<Span>,
}

impl Hidden<'_, '_, '_> {
    fn object(&mut self, object: &Object<'_, '_>) {
        if matches!(object.kind.as_str(), "Secret" | "ConfigMap") {
            for field in ["data", "stringData", "binaryData"] {
                if let Some(data) = self.tree.get(object.node, field) {
                    self.all(data);
                }
            }
        }
        self.some(object.node, "");
    }

    /// Hides every scalar below a node.
    fn all(&mut self, node: NodeId) {
        match &self.tree.node(node).kind {
            Kind::Scalar(scalar) => self.hide(node, &scalar.text),
            Kind::Sequence(_, items) => items.iter().for_each(|item| self.all(*item)),
            Kind::Mapping(_, entries) => entries.iter().for_each(|(_, value)| self.all(*value)),
            Kind::Alias(_) => {}
        }
    }

    /// Hides what could hold a secret below a node that stands under `key`.
    fn some(&mut self, node: NodeId, key: &str) {
        let tree = self.tree;
        match &tree.node(node).kind {
            Kind::Scalar(scalar) => {
                let long = scalar.text.contains('\n') || tree.source_of(node).contains('\n');
                let speaks = is_name(key) && !KEYS_OF_KEYS.contains(&key);
                if long || speaks || value_reason(&scalar.text).is_some() {
                    self.hide(node, &scalar.text);
                }
            }
            Kind::Sequence(_, _) if matches!(key, "args" | "command") => self.all(node),
            Kind::Sequence(_, items) => items.iter().for_each(|item| self.item(*item, key)),
            Kind::Mapping(_, entries) => {
                for (name, value) in entries {
                    let name = tree.text(*name).unwrap_or_default();
                    // Helm's own annotations say where a document comes from.
                    if key == "annotations" && !name.contains("helm.sh/") {
                        self.all(*value);
                    } else {
                        self.some(*value, name);
                    }
                }
            }
            Kind::Alias(_) => {}
        }
    }

    /// Hides what could hold a secret in an item of the list under `key`: of a variable, all of its literal.
    fn item(&mut self, item: NodeId, key: &str) {
        if key == "env"
            && let Some(value) = self.tree.get(item, "value")
        {
            self.all(value);
        }
        self.some(item, key);
    }

    fn hide(&mut self, node: NodeId, text: &str) {
        let switch = matches!(text, "" | "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "~");
        if !switch && !self.mask.names.contains(text) {
            self.spans.push(self.tree.node(node).content);
        }
    }
}

/// The literals of all variables below a node.
fn literals(tree: &Tree<'_>, node: NodeId, visit: &mut impl FnMut(&str, &str)) {
    match &tree.node(node).kind {
        Kind::Mapping(_, entries) => {
            let text = |key: &str| tree.get(node, key).and_then(|value| tree.text(value));
            if let (Some(name), Some(value)) = (text("name"), text("value"))
                && reason(name, value).is_some()
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

/// The comments that could hold a secret: in a Secret all but Helm's own, elsewhere all but plain prose.
fn comments(tree: &Tree<'_>) -> Vec<Span> {
    let source = tree.source();
    let mut scalars: Vec<Span> = tree
        .ids()
        .filter(|id| matches!(tree.node(*id).kind, Kind::Scalar(_)))
        .map(|id| tree.node(id).content)
        .collect();
    scalars.sort();
    let secret = objects(tree).iter().any(|object| matches!(object.kind.as_str(), "Secret" | "ConfigMap"));
    let mut found = Vec::new();
    let mut gap = 0;
    for Span { start, end } in scalars.into_iter().chain([Span::new(source.len(), source.len())]) {
        let mut at = gap;
        while let Some(hash) = source[at..start.max(at)].find('#').map(|found| at + found) {
            let line_end = source[hash..].find(['\n', '\r']).map_or(source.len(), |end| hash + end);
            let text = source[hash..line_end].trim_start_matches(['#', ' ', '\t', '-']);
            if !text.is_empty() && !text.starts_with("Source: ") && (secret || speaks(text)) {
                found.push(Span::new(line_end - text.len(), line_end));
            }
            at = line_end;
        }
        gap = end.max(gap);
    }
    found
}

/// Whether a comment could hold a secret: it is not plain prose, or it speaks of credentials.
fn speaks(comment: &str) -> bool {
    let word = |word: &str| word.trim_matches(|c: char| c.is_ascii_punctuation()).to_owned();
    let words: Vec<String> = comment.split_whitespace().map(word).filter(|word| !word.is_empty()).collect();
    let plain =
        |word: &String| word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '-' | '/' | '.'));
    let prose = words.len() > 1 && words.iter().all(plain);
    let entry = comment.split_once([':', '=']).is_some_and(|(key, _)| key.trim() == "value");
    !prose || entry || words.iter().any(|word| is_name(word)) || value_reason(comment).is_some()
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
        return format!("{}{}", &written[..header], lines(&written[header..]));
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

/// How long a value is, roughly.
fn class(value: &str) -> String {
    let length = value.chars().count();
    let class = match length {
        0 => return String::new(),
        1..8 => "1-7",
        8..16 => "8-15",
        16..32 => "16-31",
        32..64 => "32-63",
        64..128 => "64-127",
        _ => "128 or more",
    };
    format!("<{class} characters>")
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
    fn only_prose_about_something_else_is_shown_of_comments() {
        for shown in
            ["Anonymous usage counts; see the documentation.", "yours, from additionalEnv: now the only one"]
        {
            assert!(!speaks(shown), "{shown}");
        }
        for hidden in
            ["hunter", "it is hunter2", "value: some words", "the password is correct horse", "a b=c1"]
        {
            assert!(speaks(hidden), "{hidden}");
        }
    }

    #[test]
    fn every_spelling_of_a_known_value_is_masked() {
        check(
            "kind: Pod\nspec:\n  note: s3cr3t-v4lue is it, and czNjcjN0LXY0bHVl\n  containers: [{env: [{name: TOKEN, value: s3cr3t-v4lue}]}]\n",
            "kind: Pod\nspec:\n  note: <8-15 characters> is it, and <16-31 characters>\n  containers: [{env: [{name: TOKEN, value: <8-15 characters>}]}]\n",
        );
    }
}
