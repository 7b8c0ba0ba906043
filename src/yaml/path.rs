//! A place inside a document, by keys and positions.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// One step down: into a mapping by key, or into a sequence by position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// The value under this key of a mapping.
    Key(Key),
    /// The item at this position of a sequence, counted from 0.
    Index(usize),
}

/// The key of an entry. The paths of a document share their keys, and copies of a path all of it: there is a path or more for
/// each variable of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(Arc<str>);

impl Key {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(text.into())
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

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Steps from the root of a document.
///
/// Displayed as people write it (`spec.containers[0].env[2].valueFrom`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Path(Arc<[Step]>);

impl Path {
    /// The path of the document's root.
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// This path and one more key.
    pub(crate) fn key(&self, key: &str) -> Self {
        self.with([Step::Key(key.into())])
    }

    /// This path and one more position.
    pub(crate) fn index(&self, index: usize) -> Self {
        self.with([Step::Index(index)])
    }

    /// This path and several more keys.
    pub(crate) fn keys(&self, keys: &[&str]) -> Self {
        self.with(keys.iter().map(|key| Step::Key((*key).into())))
    }

    /// This path and one more step.
    pub(crate) fn step(&self, step: &Step) -> Self {
        self.with([step.clone()])
    }

    fn with(&self, steps: impl IntoIterator<Item = Step>) -> Self {
        Self(self.0.iter().cloned().chain(steps).collect())
    }

    /// The steps, from the root down.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The path without its last step, and that step; `None` for the root.
    pub(crate) fn split_last(&self) -> Option<(Self, &Step)> {
        let (last, rest) = self.0.split_last()?;
        Some((Self(rest.into()), last))
    }

    /// The path without its first `depth` steps.
    pub(crate) fn below(&self, depth: usize) -> Self {
        Self(self.0.get(depth..).unwrap_or_default().into())
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
        let mut steps = Vec::new();
        let mut at = &self;
        let start = loop {
            match at {
                Trail::Start(path) => break *path,
                Trail::Key(before, key) => {
                    steps.push(Step::Key((*key).into()));
                    at = before;
                }
                Trail::Index(before, index) => {
                    steps.push(Step::Index(*index));
                    at = before;
                }
            }
        };
        start.with(steps.into_iter().rev())
    }
}

/// A set of paths can be asked for a part of a path.
impl Borrow<[Step]> for Path {
    fn borrow(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
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
