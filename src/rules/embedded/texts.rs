//! Texts that may hold objects: where they are, what they hold, and what changes in them.

use crate::edit::patch::{TextEdit, common_begin, common_end};
use crate::kube::object::{Object, objects};
use crate::yaml::{Kind, NodeId, Path, Trail, Tree};

/// The texts that could hold objects; what is behind an alias is read where it is written.
pub(super) fn collect(tree: &Tree<'_>, node: NodeId, trail: Trail<'_>, found: &mut Vec<(NodeId, Path)>) {
    match tree.kind(node) {
        Kind::Mapping(_, entries) => {
            for (key, value) in entries {
                let Some(key) = tree.text(*key) else { continue };
                collect(tree, *value, Trail::Key(&trail, key), found);
            }
        }
        Kind::Sequence(_, items) => {
            for (position, item) in items.iter().enumerate() {
                collect(tree, *item, Trail::Index(&trail, position), found);
            }
        }
        Kind::Scalar(scalar) => {
            let text = scalar.text.trim_start();
            if text.starts_with(['{', '[']) || (text.contains('\n') && text.contains(':')) {
                found.push((node, trail.to_path()));
            }
        }
        Kind::Alias(_) => {}
    }
}

/// The same change without what stays at its ends, such as quotes.
pub(super) fn narrowed(text: &str, (range, new): TextEdit) -> TextEdit {
    let old = &text[range.clone()];
    let head = common_begin(old, &new);
    let tail = common_end(&old[head..], &new[head..]);
    (range.start + head..range.end - tail, new[head..new.len() - tail].to_owned())
}

/// The objects of a document, or what it holds instead.
pub(super) fn embedded_objects<'t, 's>(tree: &'t Tree<'s>) -> Vec<Object<'t, 's>> {
    let found = objects(tree);
    let list = tree.root().filter(|root| found.is_empty() && tree.items(*root).is_some());
    let whole =
        |node| Object { tree, node, path: Path::root(), kind: String::new(), api_version: String::new() };
    found.into_iter().chain(list.map(whole)).collect()
}
