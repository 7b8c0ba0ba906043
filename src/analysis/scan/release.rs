//! Names that begin with the release's name, as globs. The object itself must say its release by a label, and something
//! must be left of its name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::config::Pattern;
use crate::kube::object::Object;

/// The labels by which charts say the release.
const LABELS: [&str; 2] = ["app.kubernetes.io/instance", "release"];

/// The names of a stream's objects, by kind, with the glob for each that begins with its release's name.
#[derive(Clone, Debug, Default)]
pub(super) struct ObjectNames {
    globs: BTreeMap<(String, String), Option<String>>,
}

impl ObjectNames {
    /// Takes note of an object, also under the names that it had before Kustomize gave it this one.
    pub(super) fn add(&mut self, object: &Object<'_, '_>) {
        let Some(name) = object.name() else { return };
        let glob = LABELS.iter().find_map(|label| glob(name, object.label(label)?));
        self.put(&object.kind, name, glob);
        object.previous_names().for_each(|previous| self.put(&object.kind, previous, None));
    }

    /// Adds what another document holds.
    pub(super) fn extend(&mut self, other: Self) {
        for ((kind, name), glob) in other.globs {
            self.put(&kind, &name, glob);
        }
    }

    fn put(&mut self, kind: &str, name: &str, glob: Option<String>) {
        match self.globs.entry((kind.to_owned(), name.to_owned())) {
            Entry::Vacant(entry) => {
                entry.insert(glob);
            }
            // Of one name in two namespaces both must say the same.
            Entry::Occupied(mut entry) if *entry.get() != glob => {
                entry.insert(None);
            }
            Entry::Occupied(_) => {}
        }
    }

    /// The glob for a name, if its object says the release.
    pub(super) fn glob(&self, kind: &str, name: &str) -> Option<&str> {
        self.globs.get(&(kind.to_owned(), name.to_owned()))?.as_deref()
    }

    /// The names of all objects of a kind.
    pub(super) fn of_kind<'n>(&'n self, kind: &'n str) -> impl Iterator<Item = &'n str> {
        let names = self.globs.keys().filter(move |(of, _)| of == kind);
        names.map(|(_, name)| name.as_str())
    }
}

/// A name with `*` for the release in front of it; `None` where it does not begin with it, or nothing is left.
fn glob(name: &str, release: &str) -> Option<String> {
    let rest = name.strip_prefix(release)?;
    let word = rest.strip_prefix('-')?;
    let says_something = !release.is_empty() && word.contains(|c: char| c.is_ascii_alphabetic());
    says_something.then(|| format!("*{}", Pattern::escaped(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_says_more_than_that_there_is_a_release() {
        for (name, release, expected) in [
            ("prod-app-auth", "prod", Some("*-app-auth")),
            ("prod-eu-auth", "prod-eu", Some("*-auth")),
            ("prod", "prod", None),
            ("prod-", "prod", None),
            ("prod-2", "prod", None),
            ("product-auth", "prod", None),
            ("app-auth", "prod", None),
            ("-auth", "", None),
        ] {
            assert_eq!(glob(name, release).as_deref(), expected, "{name} of {release}");
        }
    }
}
