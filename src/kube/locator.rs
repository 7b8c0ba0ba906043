//! Where a byte of a document is in the stream, for people.

use crate::diagnostics::Location;
use crate::kube::object::Object;
use crate::stream::{self, Document};
use crate::yaml::span::Lines;

/// Turns bytes of documents into places in the stream.
pub(crate) struct Locator<'i> {
    lines: Lines<'i>,
}

impl<'i> Locator<'i> {
    /// For a stream.
    pub(crate) fn new(input: &'i [u8]) -> Self {
        Self::starting_at(input, 1)
    }

    /// For bytes that begin with this line of a longer stream.
    pub(crate) fn starting_at(input: &'i [u8], line: usize) -> Self {
        Self { lines: Lines::starting_at(input, line) }
    }

    /// The place of a byte of a document's content.
    pub(crate) fn locate(&self, document: &Document<'_>, at: usize) -> Location {
        let (line, column) = self.lines.position(document.offset + document.body + at);
        Location {
            document: Some(document.number),
            template: stream::template(document.content()),
            line: Some(line),
            column: Some(column),
            ..Location::default()
        }
    }

    /// The place of a byte of an object.
    pub(crate) fn locate_in(&self, document: &Document<'_>, object: &Object<'_, '_>, at: usize) -> Location {
        Location {
            object: Some(object.reference()),
            template: object.template(),
            ..self.locate(document, at)
        }
    }
}
