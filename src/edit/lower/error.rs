//! Why a document that must be edited cannot be edited safely.

use crate::edit::splice::Overlap;

/// Why a document that must be edited cannot be edited safely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LowerError {
    /// Another part of the document would change with it.
    #[error("the anchor `{anchor}` is also used where the same change is not wanted")]
    AnchorInUse {
        /// The anchor's name.
        anchor: String,
        /// Where the anchored node begins.
        at: usize,
    },
    /// The field comes from another mapping.
    #[error("`{key}` comes from a merge key (`<<`)")]
    MergeKey {
        /// The field.
        key: String,
        /// Where the mapping with the merge key begins.
        at: usize,
    },
    /// Which of them is meant depends on the reader.
    #[error("the mapping has the key `{key}` twice")]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where the second one begins.
        at: usize,
    },
    /// A text that names Secrets is written in a style in which they cannot be changed.
    #[error("the text names what a rule changes ({inside}), and its style has no room for that")]
    Text {
        /// Where the names are in what the text holds.
        inside: String,
        /// Where the text begins.
        at: usize,
    },
    /// The text at this place has no room for the change.
    #[error("this way of writing cannot take the change")]
    Unsupported {
        /// Where it begins.
        at: usize,
    },
}

impl LowerError {
    /// The byte offset in the document.
    pub(crate) fn at(&self) -> usize {
        match self {
            Self::AnchorInUse { at, .. }
            | Self::MergeKey { at, .. }
            | Self::DuplicateKey { at, .. }
            | Self::Text { at, .. }
            | Self::Unsupported { at } => *at,
        }
    }
}

impl From<Overlap> for LowerError {
    fn from(overlap: Overlap) -> Self {
        Self::Unsupported { at: overlap.at }
    }
}
