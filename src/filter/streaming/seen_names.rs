//! Names of Secrets whose name alone does not say what happens to them.
//!
//! The Secrets themselves are forgotten. But where one of them was removed and another one of that name stays, a reference
//! could mean either, and documents that refer to them may have been written. A mark is a hash of a few bytes: of a
//! name, a namespace and a fate.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::config::Config;

/// How many marks there can be: one for each Secret, and one more if it has a namespace.
const MAX_MARKS: usize = 50_000;

/// Which names have met which fates, in which namespaces.
pub(super) struct SeenNames {
    /// What each rule does with a Secret: the first rule that does the same.
    fates: Vec<usize>,
    hasher: RandomState,
    seen: HashSet<u64>,
}

/// Where a name has met a fate.
#[derive(Clone, Copy, Hash)]
enum Scope<'n> {
    /// In this namespace, or in one that is not said.
    In(Option<&'n str>),
    /// In any that is said.
    InOne,
}

impl SeenNames {
    /// No Secret is marked.
    pub(super) fn new(config: &Config) -> Self {
        let mut first = BTreeMap::new();
        let rules = config.secrets.iter().enumerate();
        let fates =
            rules.map(|(number, rule)| *first.entry((&rule.to, &rule.keys)).or_insert(number)).collect();
        Self { fates, hasher: RandomState::new(), seen: HashSet::new() }
    }

    /// SeenNames a Secret that this rule removes, or that stays; false if there are too many of them.
    pub(super) fn add(&mut self, name: &str, namespace: Option<&str>, rule: Option<usize>) -> bool {
        let fate = self.fate(rule);
        self.seen.insert(self.mark(name, Scope::In(namespace), fate));
        if namespace.is_some() {
            self.seen.insert(self.mark(name, Scope::InOne, fate));
        }
        self.seen.len() <= MAX_MARKS
    }

    /// Whether a reference that can mean this Secret can also mean one with another fate.
    pub(super) fn conflicts(&self, name: &str, namespace: Option<&str>, rule: Option<usize>) -> bool {
        // A Secret or a reference without a namespace can be in any.
        let scopes = match namespace {
            Some(_) => [Scope::In(namespace), Scope::In(None)],
            None => [Scope::InOne, Scope::In(None)],
        };
        let fate = self.fate(rule);
        let all: BTreeSet<Option<usize>> = self.fates.iter().copied().map(Some).chain([None]).collect();
        let mut others = all.into_iter().filter(|other| *other != fate);
        others.any(|other| scopes.iter().any(|scope| self.seen.contains(&self.mark(name, *scope, other))))
    }

    fn fate(&self, rule: Option<usize>) -> Option<usize> {
        rule.and_then(|rule| self.fates.get(rule)).copied()
    }

    fn mark(&self, name: &str, scope: Scope<'_>, fate: Option<usize>) -> u64 {
        self.hasher.hash_one((name, scope, fate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen_names() -> SeenNames {
        let mut config = Config::default();
        let rules = "{apiVersion: resecret.dev/v1alpha1, kind: Resecret, spec: {secrets: [{name: a, to: v}, {name: b, to: v}, {name: c, to: w}]}}";
        config.add_file("rules.yaml", rules).expect("rules");
        SeenNames::new(&config)
    }

    #[track_caller]
    fn check(before: (Option<&str>, Option<usize>), after: (Option<&str>, Option<usize>), expected: bool) {
        let mut seen_names = seen_names();
        assert!(seen_names.add("s", before.0, before.1));
        assert_eq!(seen_names.conflicts("s", after.0, after.1), expected, "{before:?} {after:?}");
        assert!(!seen_names.conflicts("t", after.0, after.1), "another name");
    }

    #[test]
    fn fates_contradict_where_a_reference_could_mean_both_secrets() {
        check((None, None), (None, Some(0)), true);
        check((Some("one"), None), (None, Some(0)), true);
        check((None, Some(0)), (Some("one"), None), true);
        check((Some("one"), Some(0)), (Some("one"), Some(2)), true);
        check((Some("one"), Some(0)), (Some("two"), Some(2)), false);
        check((None, Some(0)), (None, Some(1)), false);
        check((None, None), (Some("one"), None), false);
    }

    #[test]
    fn marks_are_bounded() {
        let mut seen_names = seen_names();
        let refused = (0..=MAX_MARKS).find(|number| !seen_names.add(&format!("s{number}"), None, None));
        assert_eq!(refused, Some(MAX_MARKS));
    }
}
