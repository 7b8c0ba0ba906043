//! Texts that hold a Secret's name, and those that hold more: the namespace, the key, several names.

use std::ops::Range;

use crate::catalogue::name_format::{self, NameFormat, Part};
use crate::kube::references::{Finder, Reference, Takes};
use crate::yaml::field_path::FieldStep;
use crate::yaml::{NodeId, Path, Trail};

impl Reference<'_> {
    /// Whether it holds a name, if perhaps a wrong one. Lines, templates and what is expanded mean something else.
    pub(crate) fn is_word(&self) -> bool {
        self.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    }
}

impl<'t> Finder<'t, '_, '_> {
    /// A text that is a name.
    pub(super) fn scalar(&mut self, node: NodeId, path: Path, namespace: Option<&'t str>, takes: Takes<'t>) {
        let Some(text) = self.tree.text(node).filter(|name| !name.is_empty() && !self.others.contains(&node))
        else {
            return;
        };
        // No name holds a slash: what has one names the namespace too.
        let parts = if text.contains('/') { NameFormat::NamespaceName.parts(text) } else { Vec::new() };
        match parts.as_slice() {
            [Part { namespace: Some(of), name, .. }] => {
                let (namespace, begin) = (Some(&text[of.clone()]), Some(name.start));
                let name = &text[name.clone()];
                self.found.push(Reference { node, path, name, namespace, begin, takes });
            }
            _ => self.found.push(Reference { node, path, name: text, namespace, begin: None, takes }),
        }
    }

    /// Whether a step to items of a sequence means this one.
    pub(super) fn is_meant(&self, item: NodeId, step: &FieldStep) -> bool {
        match step {
            FieldStep::ItemNamed(name) => self.text(item, "name") == Some(name),
            _ => true,
        }
    }

    /// A text of a format that can hold more than a name.
    pub(super) fn formatted(&mut self, node: NodeId, path: &Path, format: NameFormat) {
        if let Some(text) = self.tree.text(node).filter(|_| !self.others.contains(&node)) {
            self.parts(node, path, text, format, 0);
        }
    }

    /// The Secrets that a text names from this byte on.
    fn parts(&mut self, node: NodeId, path: &Path, text: &'t str, format: NameFormat, from: usize) {
        let shift = |range: &Range<usize>| range.start + from..range.end + from;
        for found in format.parts(&text[from..]) {
            let name = shift(&found.name);
            let takes = found
                .key
                .as_ref()
                .map(shift)
                .map_or(Takes::Whole, |key| Takes::KeyBeside(key.start, &text[key]));
            let begin = (name.len() < text.len()).then_some(name.start);
            let namespace = found.namespace.as_ref().map(|range| &text[shift(range)]);
            let (name, path) = (&text[name], path.clone());
            self.found.push(Reference { node, path, name, namespace, begin, takes });
        }
    }

    /// The value of a key whose texts have a format that everybody knows.
    pub(super) fn by_format(&mut self, key: &str, value: NodeId, trail: Trail<'_>) {
        let is_annotation = trail.keys().nth(1) == Some("annotations");
        let format = is_annotation.then(|| name_format::of_annotation(key)).flatten();
        if let Some(format) = format.or_else(|| name_format::of_key(key)) {
            self.formatted(value, &trail.to_path(), format);
        }
    }

    /// Arguments that name a Secret.
    pub(super) fn arguments(&mut self, list: NodeId, trail: Trail<'_>) {
        let tree = self.tree;
        for (position, item) in tree.items(list).unwrap_or_default().iter().enumerate() {
            if let Some(text) = tree.text(*item)
                && let Some((format, from)) = name_format::of_argument(text)
            {
                self.parts(*item, &Trail::Index(&trail, position).to_path(), text, format, from);
            }
        }
    }
}
