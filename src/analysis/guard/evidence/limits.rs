//! How far a server looks into a custom resource for the names of removed Secrets, told without a server.

use std::collections::BTreeMap;

use crate::analysis::guard::evidence::printed::{
    MOST_NAMES, MOST_PLACES, MOST_READ, MOST_SEARCHED, MOST_SPLIT,
};
use crate::analysis::guard::evidence::seen::NOT_SEARCHED;
use crate::kube::object::Object;
use crate::yaml::{NodeId, Tree};

/// Whether a custom resource holds more than a server looks at: names, places of them, or text. `removed` are the names
/// of the removed Secrets.
pub(in crate::analysis::guard) fn is_beyond_limits(object: &Object<'_, '_>, removed: &[&str]) -> bool {
    let mut found = FoundNames { tree: object.tree, removed, places: BTreeMap::new(), size: 0 };
    for (key, value) in object.tree.entries(object.node).unwrap_or_default() {
        if object.tree.text(*key).is_some_and(|key| !NOT_SEARCHED.contains(&key)) {
            found.search(*value);
        }
    }
    let FoundNames { places, size, .. } = found;
    let names = places.len();
    size * removed.len() > MOST_SEARCHED
        || names > MOST_NAMES
        || names.saturating_sub(1) * size >= MOST_SPLIT
        || places.values().any(|count| *count > MOST_PLACES || (*count - 1) * names >= MOST_READ)
}

/// The removed names in a custom resource.
struct FoundNames<'a, 's> {
    tree: &'a Tree<'s>,
    removed: &'a [&'a str],
    /// How often each name ends a text or key.
    places: BTreeMap<&'a str, usize>,
    /// About how many characters a server prints.
    size: usize,
}

impl FoundNames<'_, '_> {
    fn search(&mut self, node: NodeId) {
        // An alias may mean much.
        if self.size > MOST_SEARCHED {
            return;
        }
        let tree = self.tree;
        for item in tree.items(node).unwrap_or_default() {
            self.search(*item);
        }
        for (key, value) in tree.members(node) {
            self.text(tree.text(key).unwrap_or_default());
            self.search(value);
        }
        self.text(tree.text(node).unwrap_or_default());
    }

    fn text(&mut self, text: &str) {
        // With quotes, and what separates it from the next one.
        self.size += text.len() + 4;
        for name in self.removed.iter().filter(|name| text.ends_with(**name)) {
            *self.places.entry(name).or_default() += 1;
        }
    }
}
