//! Names for vaulted Secrets and for the keys in them, each for one thing only.

use std::collections::{BTreeMap, BTreeSet};

/// A Secret's name is a DNS subdomain, and leaves room for an ending.
const LONGEST: usize = 240;

/// Names of Secrets, none of which is that of a chart Secret.
pub(super) struct SecretNames {
    taken: BTreeSet<String>,
}

impl SecretNames {
    /// Begins with the names that are taken.
    pub(super) fn new(taken: impl Iterator<Item = String>) -> Self {
        Self { taken: taken.collect() }
    }

    /// A name like this one that nobody else has.
    pub(super) fn claim(&mut self, wanted: &str) -> String {
        let valid = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let name: String =
            wanted.chars().map(|c| if c == '.' { c } else { valid(c) }).take(LONGEST).collect();
        let name = name.trim_matches(['-', '.']);
        let name = if name.is_empty() { "vault" } else { name };
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let free = [name.to_owned()].into_iter().chain(numbered).find(|name| !self.taken.contains(name));
        let name = free.unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }
}

/// What a key holds. The same key may hold two things in Secrets of two namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// The namespace of the Secret; none could be any.
    pub(super) namespace: Option<String>,
    /// What it is.
    pub(super) value: CredentialValue,
}

/// A value, told from others without being looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CredentialValue {
    /// That of a key of a chart Secret.
    Key(String, String),
    /// A literal, by its number.
    Literal(usize),
    /// Whatever somebody reads there already.
    Outside,
}

/// The keys of all vaulted Secrets.
#[derive(Default)]
pub(super) struct Keys {
    held: BTreeMap<(String, String), Vec<Content>>,
}

impl Keys {
    /// Takes note of a key and what it holds.
    pub(super) fn hold(&mut self, secret: &str, key: &str, contents: &[Content]) {
        self.held.entry((secret.to_owned(), key.to_owned())).or_default().extend_from_slice(contents);
    }

    /// A key of `secret` for these contents: `key`, or with `prefix` if that holds something else already.
    pub(super) fn claim(&mut self, secret: &str, key: &str, prefix: &str, contents: &[Content]) -> String {
        let prefixed = format!("{prefix}-{key}");
        let numbered = (2..).map(|number| format!("{prefixed}-{number}"));
        let mut candidates = [key.to_owned(), prefixed.clone()].into_iter().chain(numbered);
        let free = candidates.find(|key| {
            let held = self.held.get(&(secret.to_owned(), key.clone()));
            !held.into_iter().flatten().any(|held| contents.iter().any(|content| conflict(held, content)))
        });
        let key = free.unwrap_or_default();
        self.hold(secret, &key, contents);
        key
    }
}

fn conflict(a: &Content, b: &Content) -> bool {
    let apart = a.namespace.as_ref().zip(b.namespace.as_ref()).is_some_and(|(a, b)| a != b);
    !apart && a.value != b.value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_valid_and_its_own() {
        let mut names = SecretNames::new(["a-vault".to_owned()].into_iter());
        assert_eq!([names.claim("a-vault"), names.claim("a-vault")], ["a-vault-2", "a-vault-3"]);
        assert_eq!([names.claim("My_Chart."), names.claim("--")], ["my-chart", "vault"]);
        assert_eq!(names.claim(&"x".repeat(300)).len(), LONGEST);
    }

    #[test]
    fn a_key_holds_one_thing_in_a_namespace() {
        let literal = |namespace: &str, number| Content {
            namespace: Some(namespace.to_owned()).filter(|n| !n.is_empty()),
            value: CredentialValue::Literal(number),
        };
        let mut keys = Keys::default();
        let mut claim = |content: Content| keys.claim("vault", "PASSWORD", "web", &[content]);
        assert_eq!(claim(literal("a", 1)), "PASSWORD");
        assert_eq!(claim(literal("a", 1)), "PASSWORD", "the same value");
        assert_eq!(claim(literal("b", 2)), "PASSWORD", "another namespace");
        assert_eq!(claim(literal("a", 3)), "web-PASSWORD");
        assert_eq!(claim(literal("", 4)), "web-PASSWORD-2", "any namespace");
    }
}
