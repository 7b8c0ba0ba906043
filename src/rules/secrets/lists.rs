//! Lists in which an entry must have its name once.

use std::collections::HashMap;

use crate::kube::references::{Reference, Takes};
use crate::yaml::Path;

/// Lists in which a Secret may be only once, with how many items will hold which name and namespace.
pub(super) struct Lists<'t> {
    items: HashMap<Path, HashMap<(String, Option<&'t str>), usize>>,
}

impl<'t> Lists<'t> {
    /// The lists of an object, as its references find them.
    pub(super) fn new(references: &[Reference<'t>]) -> Self {
        let mut lists = Self { items: HashMap::new() };
        for Reference { name, namespace, takes, .. } in references {
            if let Takes::ListItem { list, .. } | Takes::Shared(list) = takes {
                let names = lists.items.entry(list.clone()).or_default();
                *names.entry(((*name).to_owned(), *namespace)).or_default() += 1;
            }
        }
        lists
    }

    /// Whether an item other than this one is the Secret `name` already; if not, this one does from now on.
    pub(super) fn holds_another(&mut self, list: &Path, reference: &Reference<'t>, name: &str) -> bool {
        let names = self.items.entry(list.clone()).or_default();
        let old = (reference.name.to_owned(), reference.namespace);
        let new = (name.to_owned(), reference.namespace);
        let own = usize::from(old == new);
        let holders = names.entry(new).or_default();
        if *holders > own {
            return true;
        }
        *holders += 1 - own;
        if own == 0 {
            names.entry(old).and_modify(|holders| *holders = holders.saturating_sub(1));
        }
        false
    }
}
