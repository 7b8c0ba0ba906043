//! A field that names a Secret, and what it takes of it.

use std::ops::Range;

use crate::yaml::{NodeId, Path};

/// A field that names a Secret.
#[derive(Clone, Debug)]
pub(crate) struct Reference<'t> {
    /// The scalar that holds the name.
    pub(crate) node: NodeId,
    /// Its path.
    pub(crate) path: Path,
    /// The name.
    pub(crate) name: &'t str,
    /// The Secret's namespace, where the field can say.
    pub(crate) namespace: Option<&'t str>,
    /// Where the name begins in the text, where the text holds more.
    pub(crate) begin: Option<usize>,
    /// What it takes from the Secret.
    pub(crate) takes: Takes<'t>,
}

impl Reference<'_> {
    /// The part of the text that is the name, where the text holds more.
    pub(crate) fn part(&self) -> Option<Range<usize>> {
        self.begin.map(|begin| begin..begin + self.name.len())
    }
}

/// What a reference takes from the Secret.
#[derive(Clone, Debug)]
pub(crate) enum Takes<'t> {
    /// The one key at this path.
    Key(Path, &'t str),
    /// The one key, which begins here in the text that holds the name.
    KeyBeside(usize, &'t str),
    /// All keys, as variables of their own names.
    Env,
    /// The keys of these items (path of `key`, key), as files of a volume.
    Items(Vec<(Path, &'t str)>),
    /// All keys, as files of their own names.
    Files {
        /// The mapping that can take `items`.
        volume: Path,
        /// Whether it has some that say nothing (`[]`, null).
        has_items: bool,
    },
    /// The Secret as a whole, with keys that its consumer knows (`tls.crt`, `.dockerconfigjson`).
    Whole,
    /// The Secret as a whole, by an item of a list that takes a name only once.
    ListItem {
        /// The list.
        list: Path,
        /// The item.
        item: Path,
    },
    /// Access to what bears this name, Secrets among other resources: the list that names them.
    Shared(Path),
}
