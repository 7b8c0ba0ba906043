//! What a render generates: values that count as credentials whatever their names are, and names that differ in every
//! render.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::analysis::scan::Inventory;
use crate::config::Pattern;
use crate::diagnostics::{Location, ObjectRef};
use crate::edit::patch::{common_begin, common_end};
use crate::yaml::Path;

/// What a render generates, as a comparison with a second one has found.
#[derive(Clone, Debug, Default)]
pub struct Generated {
    /// Paths, by the document.
    places: HashMap<usize, HashSet<String>>,
    /// Globs for names, by kind and name.
    names: BTreeMap<(String, String), String>,
}

impl Generated {
    /// `places` are those of values in the first render. `alone` are the objects that only one of the renders has, of
    /// the first and of the second: a name with a generated part.
    #[must_use]
    pub fn new<'p>(places: impl IntoIterator<Item = &'p Location>, alone: [Vec<&ObjectRef>; 2]) -> Self {
        let mut this = Self { names: names(alone), ..Self::default() };
        for place in places {
            if let (Some(document), Some(path)) = (place.document, &place.path) {
                this.places.entry(document).or_default().insert(path.clone());
            }
        }
        this
    }

    /// Whether the value at a path of a document is generated.
    pub(super) fn has(&self, document: usize, path: &Path) -> bool {
        let paths = self.places.get(&document);
        paths.is_some_and(|paths| paths.contains(&path.to_string()))
    }

    /// What selects an object in every render, as a glob: its name, with `*` where a part of it is generated.
    pub(super) fn pattern(&self, kind: &str, name: &str) -> String {
        let known = self.names.get(&(kind.to_owned(), name.to_owned()));
        known.cloned().unwrap_or_else(|| Pattern::escaped(name))
    }
}

impl Inventory {
    /// What selects the Secrets of a name in every render, and no other Secret.
    pub(super) fn secret_pattern(&self, name: &str) -> String {
        let pattern = self.generated.pattern("Secret", name);
        let is_of_others = Pattern::new(&pattern).ok().filter(Pattern::is_glob).is_some_and(|glob| {
            self.secrets.iter().any(|other| other.name != name && glob.matches(&other.name))
        });
        if is_of_others { Pattern::escaped(name) } else { pattern }
    }
}

/// A name without its generated part, for another one that is made of it.
pub(super) fn stem(pattern: &str) -> String {
    let parts = pattern.split('*').map(|part| part.trim_matches(['-', '.']));
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// A glob for each object of the first render for which the second one has one with another name.
fn names([firsts, seconds]: [Vec<&ObjectRef>; 2]) -> BTreeMap<(String, String), String> {
    let mut seconds = seconds;
    let mut found = BTreeMap::new();
    for first in firsts {
        let is_like = |second: &&ObjectRef| {
            second.kind == first.kind
                && second.namespace == first.namespace
                && common(&first.name, &second.name).is_some()
        };
        let Some(position) = seconds.iter().position(is_like) else { continue };
        let second = seconds.remove(position);
        if let Some(glob) = common(&first.name, &second.name) {
            found.insert((first.kind.clone(), first.name.clone()), glob);
        }
    }
    found
}

/// A glob that matches both names, whose fixed parts are whole words; `None` where they have none in common.
fn common(one: &str, other: &str) -> Option<String> {
    let is_between = |c: char| c == '-' || c == '.';
    let begin = common_begin(one, other);
    let begin = one[..begin].rfind(is_between).map_or(0, |at| at + 1);
    let end = common_end(&one[begin..], &other[begin..]);
    let end = &one[one.len() - end..];
    let end = end.find(is_between).map_or("", |at| &end[at..]);
    let fixed = begin + end.len();
    (fixed > 0).then(|| format!("{}*{}", Pattern::escaped(&one[..begin]), Pattern::escaped(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_another_each_time_is_a_glob() {
        for (one, other, glob) in [
            ("run-x7k2q", "run-b81xx", Some("run-*")),
            ("run-x7k2q", "run-x81xx", Some("run-*")),
            ("app-a1-db", "app-b1-db", Some("app-*-db")),
            ("one-db", "two-db", Some("*-db")),
            ("one", "two", None),
            ("a-1", "a-1-2", Some("a-*")),
        ] {
            assert_eq!(common(one, other).as_deref(), glob, "{one} {other}");
        }
        assert_eq!(stem("app-*-db"), "app-db");
        assert_eq!(stem("run-*"), "run");
        assert_eq!(stem("run"), "run");
    }
}
