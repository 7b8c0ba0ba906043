//! Names in a proposal as globs, so that it fits the chart under another release's name too.
//!
//! Only where a glob reaches nothing else: no other object of the stream, no Secret that is read from outside it, no
//! vaulted Secret.

use std::collections::BTreeSet;

use crate::analysis::scan::Inventory;
use crate::analysis::scan::draft::Draft;

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
    fn a_glob_reaches_one_name() {
        let names = Endings::new(["prod-auth", "prod-db", "shared-db", "prod-x-auth2"].into_iter());
        assert!(names.is_only("prod-auth", "*-auth"));
        assert!(!names.is_only("prod-db", "*-db"));
    }
}
