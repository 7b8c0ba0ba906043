//! Why a text is not one YAML document that rules can rely on.

use granit_parser::{ErrorKind, ScanError};

/// Why a text is not one YAML document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ParseError {
    /// The parser's own words, and where.
    #[error("{message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Byte offset in the source.
        at: usize,
        /// Whether the source ends where more was to come.
        unfinished: bool,
    },
    /// Text after the end of the document, which Kubernetes would not read.
    #[error("the YAML document ends before this text, and no `---` line begins another one")]
    SecondDocument {
        /// Byte offset in the source.
        at: usize,
    },
    /// A byte order mark where a line begins, but not the stream. It can be one to Kubernetes or part of a key, which depends
    /// on the documents before it, of which some may be removed.
    #[error("there is a byte order mark in the middle of the stream")]
    ByteOrderMark {
        /// Byte offset in the source.
        at: usize,
    },
    /// Aliases that multiply into a document too large to read, or that contain themselves.
    #[error("aliases make the document too large to read")]
    Aliases {
        /// Byte offset in the source.
        at: usize,
    },
    /// A scalar whose text is encoded: no rule could see what it says, and Kubernetes' reader decodes it.
    #[error("a `!!binary` scalar hides its text from the rules")]
    Binary {
        /// Byte offset in the source.
        at: usize,
    },
    /// A scalar that no Kubernetes object could hold.
    #[error("a scalar is longer than {limit} bytes")]
    TooLong {
        /// How long it may be.
        limit: usize,
        /// Byte offset in the source.
        at: usize,
    },
    /// A document that no cluster would take, and no tree has room for.
    #[error("a document is longer than {limit} bytes")]
    DocumentTooLong {
        /// How long it may be.
        limit: usize,
        /// Byte offset in the source.
        at: usize,
    },
    /// Too many nested collections.
    #[error("collections are nested more than {limit} deep")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
        /// Byte offset in the source.
        at: usize,
    },
}

impl ParseError {
    /// The parser's error, for a source whose collections may be `limit` deep.
    pub(super) fn new(source: &str, error: &ScanError, limit: usize) -> Self {
        let at = error.marker().byte_offset().unwrap_or(source.len()).min(source.len());
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            return Self::TooDeep { limit, at };
        }
        let unfinished = match error.kind() {
            // A quote or bracket is reported where it is opened.
            ErrorKind::UnclosedQuotedScalar
            | ErrorKind::UnclosedFlowCollection { .. }
            | ErrorKind::UnclosedVerbatimTag
            | ErrorKind::UnexpectedEof
            | ErrorKind::UnexpectedEofFlowSequence
            | ErrorKind::UnexpectedEofFlowMapping
            | ErrorKind::UnexpectedEofImplicitFlowMapping
            | ErrorKind::UnexpectedEofBlockSequence
            | ErrorKind::UnexpectedEofBlockMapping => true,
            _ => at >= source.trim_end().len(),
        };
        Self::Syntax { message: error.info(), at, unfinished }
    }

    /// An alias without an anchor before it.
    pub(crate) fn unknown_alias(at: usize) -> Self {
        let message = "the alias refers to an anchor that is not there".to_owned();
        Self::Syntax { message, at, unfinished: false }
    }

    /// The byte offset in the source at which parsing stopped.
    pub(crate) fn at(&self) -> usize {
        match self {
            Self::Syntax { at, .. }
            | Self::SecondDocument { at }
            | Self::ByteOrderMark { at }
            | Self::Aliases { at }
            | Self::Binary { at }
            | Self::TooLong { at, .. }
            | Self::DocumentTooLong { at, .. }
            | Self::TooDeep { at, .. } => *at,
        }
    }

    /// Whether the source ends where more was to come.
    pub(crate) fn is_unfinished(&self) -> bool {
        matches!(self, Self::Syntax { unfinished: true, .. })
    }
}
