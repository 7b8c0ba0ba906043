//! How programs find a Secret that nothing refers to: by a label, an annotation or its type. The vaulted one needs them too.

use std::collections::BTreeMap;

use crate::kube::bookkeeping::is_bookkeeping;
use crate::kube::object::Object;
use crate::rules::leaked_values::LeakedValues;

/// Types that say nothing.
const OPAQUE: [&str; 2] = ["", "Opaque"];

/// A mapping in which what two Secrets disagree on is `None`.
type Agreed = BTreeMap<String, Option<String>>;

/// Labels, annotations and the type of removed Secrets, as far as all that go into one vaulted Secret agree.
#[derive(Clone, Debug, Default)]
pub(super) struct FoundBy {
    labels: Agreed,
    annotations: Agreed,
    /// The types, each once.
    kinds: Vec<String>,
}

impl FoundBy {
    /// What a removed Secret has, unless a value of one is in it.
    pub(super) fn of(secret: &Object<'_, '_>, values: &LeakedValues) -> Self {
        Self {
            labels: marks(secret, "labels", values),
            annotations: marks(secret, "annotations", values),
            kinds: vec![secret.secret_type().unwrap_or_default().to_owned()],
        }
    }

    /// Adds what another removed Secret has.
    pub(super) fn extend(&mut self, other: Self) {
        agree(&mut self.labels, other.labels);
        agree(&mut self.annotations, other.annotations);
        for kind in other.kinds {
            if !self.kinds.contains(&kind) {
                self.kinds.push(kind);
            }
        }
    }

    /// The labels that the vaulted Secret needs.
    pub(super) fn labels(&self) -> Vec<(&str, &str)> {
        agreed(&self.labels)
    }

    /// The annotations that it needs.
    pub(super) fn annotations(&self) -> Vec<(&str, &str)> {
        agreed(&self.annotations)
    }

    /// The only type of all of them, where it says something.
    pub(super) fn kind(&self) -> Option<&str> {
        match self.kinds.as_slice() {
            [kind] if !OPAQUE.contains(&kind.as_str()) => Some(kind),
            _ => None,
        }
    }
}

fn marks(secret: &Object<'_, '_>, field: &str, values: &LeakedValues) -> Agreed {
    let tree = secret.tree;
    let entries = tree.get_in(secret.node, &["metadata", field]).map(|entries| tree.members(entries));
    let entries = entries.unwrap_or_default().into_iter();
    let entries = entries.filter_map(|(key, value)| Some((tree.text(key)?, tree.text(value)?)));
    let is_harmless = |text: &str| values.conceal_text(text) == text;
    let entries =
        entries.filter(|(key, value)| !is_bookkeeping(key) && is_harmless(key) && is_harmless(value));
    entries.map(|(key, value)| (key.to_owned(), Some(value.to_owned()))).collect()
}

fn agree(known: &mut Agreed, others: Agreed) {
    for (key, value) in others {
        let entry = known.entry(key).or_insert_with(|| value.clone());
        if *entry != value {
            *entry = None;
        }
    }
}

fn agreed(entries: &Agreed) -> Vec<(&str, &str)> {
    entries.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_deref()?))).collect()
}
