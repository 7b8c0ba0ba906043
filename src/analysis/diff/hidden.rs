//! Finds the parts of a document that could hold a secret value.
//!
//! By their place: all of a Secret or ConfigMap except its names, `value` anywhere, variables, arguments, headers, annotations,
//! whatever is under a key that is about a credential, and what an alias brings there. By their looks: texts with
//! blanks, credentials, random characters, as values and as keys. Comments, anchors and tags of any kind. References are
//! always shown.

use std::collections::{BTreeSet, HashSet};

use crate::kube::credential::{is_name, is_opaque, value_reason};
use crate::kube::object::Object;
use crate::yaml::{Kind, NodeId, Span, Tree};

/// Fields of a reference. A mapping that holds no others is one.
const REFERENCE: [&str; 16] = [
    "apiGroup",
    "apiVersion",
    "containerName",
    "defaultMode",
    "divisor",
    "fieldPath",
    "items",
    "key",
    "kind",
    "mode",
    "name",
    "namespace",
    "optional",
    "path",
    "resource",
    "secretName",
];

/// Fields of an object, a container or a template whose text is a name.
const NAMES: [&str; 8] =
    ["apiVersion", "generateName", "image", "kind", "name", "namespace", "secretName", "serviceAccountName"];

/// Fields of a Secret or ConfigMap that are shown.
const OF_DATA: [&str; 5] = ["apiVersion", "immutable", "kind", "metadata", "type"];

/// Fields of its metadata that are looked at like those of any object.
const OF_METADATA: [&str; 5] = ["annotations", "generateName", "labels", "name", "namespace"];

/// Words of a key below which nothing is shown but references.
const HIDING: [&str; 16] = [
    "arg",
    "args",
    "binary",
    "cmd",
    "command",
    "commands",
    "data",
    "entrypoint",
    "env",
    "environment",
    "envs",
    "header",
    "headers",
    "literal",
    "value",
    "values",
];

/// Tags that say no more than what a scalar is.
const TAGS: [&str; 10] =
    ["!", "!!bool", "!!float", "!!int", "!!map", "!!merge", "!!null", "!!seq", "!!str", "!!timestamp"];

/// The parts of a document that are hidden, in order. `names` are shown wherever they are.
pub(super) fn hidden(tree: &Tree<'_>, objects: &[Object<'_, '_>], names: &BTreeSet<String>) -> Vec<Span> {
    let mut hidden = Hidden { names, tree, spans: comments(tree), aliased: HashSet::new() };
    for object in objects {
        hidden.object(object);
    }
    hidden.spans.extend(tree.ids().flat_map(|id| properties(tree, id)));
    hidden.spans.extend(directives(tree.source()));
    hidden.spans.sort();
    hidden.spans.dedup();
    hidden.spans
}

struct Hidden<'a, 't, 's> {
    names: &'a BTreeSet<String>,
    tree: &'t Tree<'s>,
    spans: Vec<Span>,
    /// What an alias has brought to a hidden place already.
    aliased: HashSet<NodeId>,
}

impl Hidden<'_, '_, '_> {
    fn object(&mut self, object: &Object<'_, '_>) {
        if !matches!(object.kind.as_str(), "Secret" | "ConfigMap") {
            return self.some(object.node, "");
        }
        self.only(object.node, &OF_DATA);
        for (key, value) in self.tree.entries(object.node).unwrap_or_default() {
            if self.tree.text(*key) == Some("metadata") {
                self.only(*value, &OF_METADATA);
            }
        }
    }

    /// Shows these fields of a mapping as far as those of any object, and hides all others.
    fn only(&mut self, mapping: NodeId, shown: &[&str]) {
        for (key, value) in self.tree.entries(mapping).unwrap_or_default() {
            match self.tree.text(*key) {
                Some(name) if shown.contains(&name) => self.some(*value, name),
                _ => {
                    self.key(*key);
                    self.all(*value);
                }
            }
        }
    }

    /// Hides every scalar below a node, except for references.
    fn all(&mut self, node: NodeId) {
        let tree = self.tree;
        match tree.kind(node) {
            Kind::Scalar(scalar) => self.hide(node, scalar.text),
            Kind::Sequence(_, items) => items.iter().for_each(|item| self.all(*item)),
            Kind::Mapping(_, entries) => {
                let is_reference = entries.iter().all(|(key, _)| is_one_of(tree.text(*key), &REFERENCE));
                // What a merge key brings beside a name is its value.
                let is_variable = entries.iter().any(|(key, _)| {
                    is_one_of(tree.text(*key), &["value", "valueFrom"]) || tree.is_merge_key(*key)
                });
                for (key, value) in entries {
                    let name = tree.text(*key);
                    let shown = (is_reference && is_one_of(name, &REFERENCE))
                        || (is_variable && name == Some("name"));
                    self.key(*key);
                    if !(shown && tree.text(*value).is_some_and(is_plain_name)) {
                        self.all(*value);
                    }
                }
            }
            Kind::Alias(target) => {
                if self.aliased.insert(target) {
                    self.all(target);
                }
            }
        }
    }

    /// Hides what could hold a secret below a node that is under `key`.
    fn some(&mut self, node: NodeId, key: &str) {
        let tree = self.tree;
        match tree.kind(node) {
            Kind::Scalar(scalar) => {
                let is_random = is_opaque(scalar.text) && !NAMES.contains(&key);
                if is_random || is_text(scalar.text) || tree.source_of(node).contains('\n') {
                    self.hide(node, scalar.text);
                }
            }
            Kind::Sequence(_, items) => items.iter().for_each(|item| self.some(*item, key)),
            Kind::Mapping(_, entries) => {
                for (name, value) in entries {
                    self.key(*name);
                    let name = tree.text(*name).unwrap_or_default();
                    // Helm's own annotations say where a document comes from.
                    let annotation = key == "annotations" && !name.contains("helm.sh/");
                    if annotation || hides(name) {
                        self.all(*value);
                    } else {
                        self.some(*value, name);
                    }
                }
            }
            Kind::Alias(_) => {}
        }
    }

    /// Hides a key that is more than a name.
    fn key(&mut self, key: NodeId) {
        let Some(text) = self.tree.text(key) else { return self.all(key) };
        if is_opaque(text) || is_text(text) {
            self.hide(key, text);
        }
    }

    fn hide(&mut self, node: NodeId, text: &str) {
        let switch = matches!(text, "" | "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "~");
        if !switch && !self.names.contains(text) {
            self.spans.push(self.tree.content(node));
        }
    }
}

/// Whether nothing below this key is shown but references.
fn hides(key: &str) -> bool {
    let words = crate::kube::credential::words(key);
    words.iter().any(|word| HIDING.contains(&word.as_str())) || is_name(key)
}

fn is_one_of(text: Option<&str>, words: &[&str]) -> bool {
    text.is_some_and(|text| words.contains(&text))
}

/// Whether a text can be no name: it has blanks, or looks like a credential.
fn is_text(text: &str) -> bool {
    text.contains(char::is_whitespace) || value_reason(text).is_some()
}

/// Whether a text is a name, of an object or a key, and not random characters.
fn is_plain_name(text: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    text.len() <= 253 && text.chars().all(name) && !is_opaque(text) && !is_text(text)
}

/// The names of an anchor or alias, and a tag that is the document's own.
fn properties(tree: &Tree<'_>, id: NodeId) -> Vec<Span> {
    let content = tree.content(id);
    if matches!(tree.kind(id), Kind::Alias(_)) {
        return vec![Span::new(content.start + 1, content.end)];
    }
    let mut found = Vec::new();
    let mut at = tree.start(id);
    for word in tree.source()[at..content.start].split_inclusive(char::is_whitespace) {
        let text = word.trim_end();
        if text.len() > 1 && text.starts_with(['&', '!']) && !TAGS.contains(&text) {
            found.push(Span::new(at + 1, at + text.len()));
        }
        at += word.len();
    }
    found
}

/// The lines before a document that tell its reader something (`%TAG`).
fn directives(source: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in source.split_inclusive('\n') {
        let text = line.trim_end();
        if text.len() > 1 && text.starts_with('%') {
            found.push(Span::new(at + 1, at + text.len()));
        }
        at += line.len();
    }
    found
}

/// The texts of all comments but those by which Helm says where a document comes from.
fn comments(tree: &Tree<'_>) -> Vec<Span> {
    let source = tree.source();
    let mut scalars: Vec<Span> = tree
        .ids()
        .filter(|id| matches!(tree.kind(*id), Kind::Scalar(_)))
        .map(|id| tree.content(id))
        .collect();
    scalars.sort();
    let mut found = Vec::new();
    let mut gap = 0;
    for Span { start, end } in scalars.into_iter().chain([Span::new(source.len(), source.len())]) {
        let mut at = gap;
        while let Some(hash) = source[at..start.max(at)].find('#').map(|found| at + found) {
            let line_end = source[hash..].find(['\n', '\r']).map_or(source.len(), |end| hash + end);
            let text = source[hash..line_end].trim_start_matches(['#', ' ', '\t', '-']);
            if !text.is_empty() && !text.strip_prefix("Source: ").is_some_and(is_plain_name) {
                found.push(Span::new(line_end - text.len(), line_end));
            }
            at = line_end;
        }
        gap = end.max(gap);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::object::objects;
    use crate::yaml::parse;

    /// What of a document is hidden.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let tree = parse(text).expect("YAML");
        let spans = hidden(&tree, &objects(&tree), &BTreeSet::from(["vault".to_owned()]));
        let found: Vec<&str> = spans.iter().map(|span| &text[span.start..span.end]).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn all_of_a_secret_is_hidden_but_its_names() {
        check(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s, labels: {app: x}, note: a}\nstringData: {k: b}\nstringData: {k: c, Zq7vXw9k: d}\nData: {k: e}\n",
            &["a", "b", "c", "Zq7vXw9k", "d", "e"],
        );
        check("kind: ConfigMap\nmetadata: {name: c}\n<<: {data: {k: a}}\n", &["a"]);
    }

    #[test]
    fn references_are_shown_and_what_stands_beside_them_is_not() {
        check(
            "kind: Pod\nspec:\n  containers:\n  - name: c\n    env:\n    - {name: A, value: a}\n    - {name: B, valueFrom: {secretKeyRef: {name: chart, key: password}}}\n    livenessProbe: {httpGet: {httpHeaders: [{name: Authorization, value: Basic b}]}}\n  volumes: [{name: v, secret: {secretName: s, items: [{key: k, path: p}]}}]\n",
            &["a", "Basic b"],
        );
        check(
            "kind: X\nauth: {user: a, secretRef: {name: s}, passwordSecret: {name: Zq7vXw9k, key: k}}\n",
            &["a", "Zq7vXw9k"],
        );
    }

    #[test]
    fn what_an_alias_brings_is_hidden_where_it_comes_from() {
        check(
            "kind: X\nnote: &x hunter\nbase: &y {value: b}\nenv: [{name: A, value: *x}, {name: B, <<: *y}]\n",
            &["x", "hunter", "y", "b", "x", "y"],
        );
    }

    #[test]
    fn comments_anchors_and_tags_are_hidden() {
        check(
            "# Source: app/templates/web.yaml\n# Source: it is hunter2\nkind: X # hunter2\na: &hunter2 !hunter2 b\nc: !!str d\n",
            &["Source: it is hunter2", "hunter2", "hunter2", "hunter2"],
        );
    }
}
