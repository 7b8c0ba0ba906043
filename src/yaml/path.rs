//! A place inside a document, by keys and positions.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

/// One step down: into a mapping by key, or into a sequence by position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// The value under this key of a mapping.
    Key(Key),
    /// The item at this position of a sequence, counted from 0.
    Index(usize),
}

/// The key of an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(Arc<str>);

impl Key {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Keys that most paths have, kept once for all of them.
static COMMON: LazyLock<[Arc<str>; 8]> = LazyLock::new(|| {
    ["name", "env", "spec", "containers", "valueFrom", "secretKeyRef", "key", "value"].map(Arc::from)
});

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        let common = COMMON.iter().find(|key| ***key == *text);
        Self(common.map_or_else(|| text.into(), Arc::clone))
    }
}

impl Deref for Key {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Key {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for Key {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Steps from the root of a document.
///
/// A path holds its last step and the path before it, which it shares with others: there is a path or more for each line of a
/// list. Displayed as people write it (`spec.containers[0].env[2].valueFrom`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Path(Option<Arc<LastStep>>);

#[derive(Debug)]
struct LastStep {
    before: Path,
    step: Step,
}

impl Path {
    /// The path of the document's root.
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// This path and one more key.
    pub(crate) fn key(&self, key: &str) -> Self {
        self.clone().with(Step::Key(key.into()))
    }

    /// This path and one more position.
    pub(crate) fn index(&self, index: usize) -> Self {
        self.clone().with(Step::Index(index))
    }

    /// This path and several more keys.
    pub(crate) fn keys(&self, keys: &[&str]) -> Self {
        keys.iter().fold(self.clone(), |path, key| path.with(Step::Key((*key).into())))
    }

    /// This path and one more step.
    pub(crate) fn step(&self, step: &Step) -> Self {
        self.clone().with(step.clone())
    }

    fn with(self, step: Step) -> Self {
        Self(Some(Arc::new(LastStep { before: self, step })))
    }

    /// How many steps it has.
    pub(crate) fn len(&self) -> usize {
        self.upwards().count() - 1
    }

    /// Whether it is that of the root.
    pub(crate) fn is_root(&self) -> bool {
        self.0.is_none()
    }

    /// The last step; `None` for the root.
    pub(crate) fn last(&self) -> Option<&Step> {
        self.0.as_ref().map(|last| &last.step)
    }

    /// The path without its last step, and that step; `None` for the root.
    pub(crate) fn split_last(&self) -> Option<(&Self, &Step)> {
        self.0.as_ref().map(|last| (&last.before, &last.step))
    }

    /// The path, the one before its last step, the one before that, up to the root.
    pub(crate) fn upwards(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |path| path.split_last().map(|(before, _)| before))
    }

    /// Its first steps, `length` of them or all.
    pub(crate) fn first(&self, length: usize) -> &Self {
        self.upwards().nth(self.len().saturating_sub(length)).unwrap_or(self)
    }

    /// Whether it is this path or leads further.
    pub(crate) fn starts_with(&self, other: &Self) -> bool {
        self.first(other.len()) == other
    }

    /// The steps, from the root down.
    pub(crate) fn steps(&self) -> Vec<&Step> {
        let mut steps: Vec<&Step> = Vec::with_capacity(self.len());
        steps.extend(self.upwards().filter_map(Self::last));
        steps.reverse();
        steps
    }

    /// The steps without the first `depth` ones; none where there are fewer.
    pub(crate) fn steps_from(&self, depth: usize) -> Vec<&Step> {
        let mut steps = self.steps();
        steps.drain(..depth.min(steps.len()));
        steps
    }

    /// The steps that lead further than another path; none where it does not.
    pub(crate) fn steps_behind(&self, other: &Self) -> Vec<&Step> {
        if self.starts_with(other) { self.steps_from(other.len()) } else { Vec::new() }
    }

    /// The path without its first `depth` steps.
    pub(crate) fn below(&self, depth: usize) -> Self {
        self.steps_from(depth).into_iter().collect()
    }
}

impl<'s> FromIterator<&'s Step> for Path {
    fn from_iter<I: IntoIterator<Item = &'s Step>>(steps: I) -> Self {
        steps.into_iter().fold(Self::root(), |path, step| path.with(step.clone()))
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        let (mut one, mut other) = (&self.0, &other.0);
        loop {
            match (one, other) {
                (None, None) => return true,
                (Some(a), Some(b)) if Arc::ptr_eq(a, b) => return true,
                (Some(a), Some(b)) if a.step == b.step => (one, other) = (&a.before.0, &b.before.0),
                _ => return false,
            }
        }
    }
}

impl Eq for Path {}

/// By the first step in which two paths differ.
impl Ord for Path {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, others) = (self.len(), other.len());
        let length = own.min(others);
        let common = self.first(length).cmp_of_one_length(other.first(length));
        common.then_with(|| own.cmp(&others))
    }
}

impl Path {
    fn cmp_of_one_length(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) if !Arc::ptr_eq(a, b) => {
                a.before.cmp_of_one_length(&b.before).then_with(|| a.step.cmp(&b.step))
            }
            _ => Ordering::Equal,
        }
    }
}

impl PartialOrd for Path {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Path {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.upwards().filter_map(Self::last).for_each(|step| step.hash(state));
        state.write_u8(u8::MAX);
    }
}

/// A path while a walk is on its way: each step knows the one before, on the stack. A [`Path`] is made of it only
/// where something is found.
#[derive(Clone, Copy)]
pub(crate) enum Trail<'a> {
    /// Where the walk began.
    Start(&'a Path),
    /// One key further.
    Key(&'a Self, &'a str),
    /// One position further.
    Index(&'a Self, usize),
}

impl<'a> Trail<'a> {
    /// The keys on the way, the last one first; positions are left out.
    pub(crate) fn keys(self) -> impl Iterator<Item = &'a str> {
        let mut at = Some(self);
        std::iter::from_fn(move || {
            loop {
                match at? {
                    Trail::Start(_) => return None,
                    Trail::Index(before, _) => at = Some(*before),
                    Trail::Key(before, key) => {
                        at = Some(*before);
                        return Some(key);
                    }
                }
            }
        })
    }

    /// The path.
    pub(crate) fn to_path(self) -> Path {
        match self {
            Trail::Start(path) => path.clone(),
            Trail::Key(before, key) => before.to_path().key(key),
            Trail::Index(before, index) => before.to_path().index(index),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.steps().into_iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if is_word(key) && position == 0 => f.write_str(key)?,
                Step::Key(key) if is_word(key) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, "[{:?}]", key.as_str())?,
            }
        }
        Ok(())
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_is_a_path_on_its_way() {
        let start = Path::root().key("items").index(1);
        let (trail, spec) = (Trail::Start(&start), "spec");
        let trail = Trail::Key(&trail, spec);
        assert_eq!(Trail::Index(&trail, 2).to_path(), start.key("spec").index(2));
    }

    #[test]
    fn a_path_prints_for_people() {
        let path = Path::root().key("metadata").key("annotations").key("a.io/b~c").index(3);
        assert_eq!(path.to_string(), "metadata.annotations[\"a.io/b~c\"][3]");
    }
}
