//! What a reader says of a text, one node after the other.

use std::ops::Range;

use crate::yaml::error::ParseError;
use crate::yaml::{ScalarStyle, Style};

/// The readers, from the fastest to the one that is asked last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum YamlReader {
    /// That of what charts render.
    Rendered,
    /// That of YAML 1.2 and what of 1.1 is common.
    Common,
    /// That of libyaml's lineage, which is that of Kubernetes.
    Lineage,
}

/// What stands before a node's content.
#[derive(Default)]
pub(crate) struct Properties {
    /// The number of its anchor, counted from 1 in the order of the source; 0 where it has none.
    pub(crate) anchor: usize,
    /// Its tag, resolved.
    pub(crate) tag: Option<String>,
    /// Where they begin, if the reader says so.
    pub(crate) start: Option<usize>,
}

/// A collection, and how it is written.
#[derive(Clone, Copy)]
pub(crate) enum Collection {
    /// A sequence.
    Sequence(Style),
    /// A mapping, whose keys and values follow one another.
    Mapping(Style),
}

/// What is known of the nodes with an anchor, by its number.
pub(crate) struct ByAnchor<T>(Vec<Option<T>>);

impl<T> ByAnchor<T> {
    /// Nothing is known.
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// What is known of an anchor's node; nothing of 0, which is none.
    pub(crate) fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        self.0.get_mut(number.checked_sub(1)?)?.as_mut()
    }

    /// Takes note of an anchor's node; of 0 none.
    pub(crate) fn set(&mut self, number: usize, known: T) {
        let Some(position) = number.checked_sub(1) else { return };
        if position >= self.0.len() {
            self.0.resize_with(position + 1, || None);
        }
        self.0[position] = Some(known);
    }
}

/// Takes what a reader says.
pub(crate) trait EventSink {
    /// A scalar; one that is not written is empty and plain. The range of a block scalar begins at its header or at its text.
    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        range: Range<usize>,
        properties: Properties,
    ) -> Result<(), ParseError>;

    /// A collection begins.
    fn begin(
        &mut self,
        collection: Collection,
        range: Range<usize>,
        properties: Properties,
    ) -> Result<(), ParseError>;

    /// The collection ends; a flow collection ends here.
    fn end(&mut self, closing: usize);

    /// An alias, by the number of its anchor.
    fn alias(&mut self, number: usize, range: Range<usize>) -> Result<(), ParseError>;

    /// The name of an anchor whose node has begun, and where it stands.
    fn anchor(&mut self, _number: usize, _name: &str, _range: Range<usize>) -> Result<(), ParseError> {
        Ok(())
    }

    /// The first dash of a block sequence, for a sink to which the place that the second reader reports is not enough.
    fn first_dash(&self, reported: usize) -> usize {
        reported
    }
}
