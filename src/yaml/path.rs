//! A place inside a document, by keys and positions.

use std::borrow::Borrow;
use std::fmt;

/// One step down: into a mapping by key, or into a sequence by position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// The value under this key of a mapping.
    Key(String),
    /// The item at this position of a sequence, counted from 0.
    Index(usize),
}

/// Steps from the root of a document.
///
/// Displayed as people write it (`spec.containers[0].env[2].valueFrom`); [`Path::to_pointer`] gives RFC 6901.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Path(Vec<Step>);

impl Path {
    /// The path of the document's root.
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// This path and one more key.
    pub(crate) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// This path and one more position.
    pub(crate) fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// This path and several more keys.
    pub(crate) fn keys(&self, keys: &[&str]) -> Self {
        let mut path = self.clone();
        path.0.extend(keys.iter().map(|key| Step::Key((*key).to_owned())));
        path
    }

    /// This path and one more step.
    pub(crate) fn step(&self, step: &Step) -> Self {
        self.with(step.clone())
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = Vec::with_capacity(self.0.len() + 1);
        steps.extend_from_slice(&self.0);
        steps.push(step);
        Self(steps)
    }

    /// The steps, from the root down.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The path without its last step, and that step; `None` for the root.
    pub(crate) fn split_last(&self) -> Option<(Self, &Step)> {
        let (last, rest) = self.0.split_last()?;
        Some((Self(rest.to_vec()), last))
    }

    /// The path without its first `depth` steps.
    pub(crate) fn below(&self, depth: usize) -> Self {
        Self(self.0.get(depth..).unwrap_or_default().to_vec())
    }

    /// The path as a JSON Pointer (RFC 6901).
    pub(crate) fn to_pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.0 {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Step::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
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
                    steps.push(Step::Key((*key).to_owned()));
                    at = before;
                }
                Trail::Index(before, index) => {
                    steps.push(Step::Index(*index));
                    at = before;
                }
            }
        };
        Path(start.0.iter().cloned().chain(steps.into_iter().rev()).collect())
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
                Step::Key(key) => write!(f, "[{key:?}]")?,
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
    fn a_path_prints_for_people_and_as_a_pointer() {
        let path = Path::root().key("metadata").key("annotations").key("a.io/b~c").index(3);
        assert_eq!(path.to_string(), "metadata.annotations[\"a.io/b~c\"][3]");
        assert_eq!(path.to_pointer(), "/metadata/annotations/a.io~1b~0c/3");
    }
}
