//! Names that begin with the release's name, as globs: a proposal then fits the chart under another name too.
//!
//! Only where it is safe. The object itself must say its release by a label, something must be left of its name, and the
//! glob may reach nothing else: no other object of the stream, no Secret that is read from outside it, no vaulted Secret.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::scan::Inventory;
use crate::analysis::scan::draft::Draft;
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

    fn glob(&self, kind: &str, name: &str) -> Option<&str> {
        self.globs.get(&(kind.to_owned(), name.to_owned()))?.as_deref()
    }

    fn of_kind<'n>(&'n self, kind: &'n str) -> impl Iterator<Item = &'n str> {
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

/// Names, by their ends.
struct Endings(BTreeSet<String>);

impl Endings {
    fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        Self(names.map(reversed).collect())
    }

    /// Whether a glob for this name matches no other one.
    fn is_only(&self, name: &str, glob: &str) -> bool {
        let ending = reversed(glob.trim_start_matches('*'));
        let matched = self.0.range(ending.clone()..).take_while(|other| other.starts_with(&ending));
        matched.into_iter().all(|other| *other == reversed(name))
    }
}

fn reversed(name: &str) -> String {
    name.chars().rev().collect()
}

impl Draft {
    /// Writes the release's name as a glob wherever that is safe.
    pub(super) fn fit_any_release(&mut self, inventory: &Inventory) {
        let names = &inventory.names;
        let vaulted = self.secrets.iter().map(|rule| &rule.to).chain(self.env.iter().map(|rule| &rule.to));
        let vaulted = vaulted.chain(self.config_maps.iter().map(|rule| &rule.to));
        let outside = inventory.named_only.iter().map(|found| &found.secret);
        let others = vaulted.chain(outside).map(String::as_str);
        let secrets = Endings::new(names.of_kind("Secret").chain(others));
        let config_maps = Endings::new(names.of_kind("ConfigMap"));
        let holders = Endings::new(inventory.variables.iter().map(|found| found.object.name.as_str()));
        let mut changed = false;
        let mut set = |name: &mut String, kind: &str, others: &Endings| {
            if let Some(glob) = names.glob(kind, name).filter(|glob| others.is_only(name, glob)) {
                glob.clone_into(name);
                changed = true;
            }
        };
        for rule in self.secrets.iter_mut().filter(|rule| !rule.same_name) {
            set(&mut rule.name, "Secret", &secrets);
        }
        self.config_maps.iter_mut().for_each(|rule| set(&mut rule.name, "ConfigMap", &config_maps));
        for name in self.env.iter_mut().flat_map(|rule| &mut rule.within.name) {
            let of_name = inventory.variables.iter().find(|found| found.object.name == *name);
            if let Some(found) = of_name {
                set(name, &found.object.kind, &holders);
            }
        }
        self.fits_any_release = changed;
    }
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

    #[test]
    fn a_glob_reaches_one_name() {
        let names = Endings::new(["prod-auth", "prod-db", "shared-db", "prod-x-auth2"].into_iter());
        assert!(names.is_only("prod-auth", "*-auth"));
        assert!(!names.is_only("prod-db", "*-db"));
    }
}
