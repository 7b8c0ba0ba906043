//! Bytes → tree, with the words for what stops that.

use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::prefilter::Interest;
use crate::refuse;
use crate::stream::{self, Document};
use crate::yaml::{self, Tree};

/// Parses a document that someone has an interest in.
///
/// # Errors
///
/// It is not UTF-8 or not YAML; how much that matters depends on the interest.
pub(crate) fn open<'i>(
    document: &Document<'i>,
    interest: Interest,
    findings: &Findings<'_>,
) -> Result<Tree<'i>, Box<Diagnostic>> {
    let text = stream::text(document)
        .map_err(|at| refuse::not_utf8(interest).at(findings.locate(document, at - document.body)))?;
    let tree = yaml::parse(text).map_err(|error| {
        refuse::not_yaml(&error, text, interest).at(findings.locate(document, error.at()))
    })?;
    Ok(tree)
}
