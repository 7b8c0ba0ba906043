//! Bytes → tree, with the words for what stops that.

use std::fmt;

use crate::diagnostics::{Code, Diagnostic};
use crate::kube::locator::Locator;
use crate::search::prefilter::Interest;
use crate::stream::{self, Document};
use crate::yaml::{self, ParseError, Tree};

/// Parses a document that someone has an interest in.
///
/// # Errors
///
/// It is not UTF-8 or not YAML; how much that matters depends on the interest.
pub(crate) fn parse_document<'i>(
    document: &Document<'i>,
    interest: Interest,
    locator: &Locator<'_>,
) -> Result<Tree<'i>, Box<Diagnostic>> {
    let text = stream::text(document)
        .map_err(|at| not_utf8(interest).at(locator.locate(document, at - document.body)))?;
    let tree = yaml::parse(text)
        .map_err(|error| not_yaml(&error, text, interest).at(locator.locate(document, error.at())))?;
    Ok(tree)
}

/// A document that must be read and is not UTF-8.
fn not_utf8(interest: Interest) -> Diagnostic {
    unreadable(
        Code::NotUtf8,
        "the document is not UTF-8",
        interest,
        "find the template that emits these bytes; YAML that Kubernetes accepts is UTF-8",
    )
}

/// An error where a rule may need to edit the document; where only a policy asks about it, as strict as the policy.
fn unreadable(code: Code, what: impl fmt::Display, interest: Interest, help: &str) -> Diagnostic {
    match interest {
        Interest::Check(severity) => {
            let message = format!("{what}, so no policy could be checked in it");
            Diagnostic::error(code, message, help).with_severity(severity)
        }
        Interest::References => {
            let message = format!("{what}, and what it refers to must be known before it is written");
            Diagnostic::error(Code::NeedsWholeStream, message, format!("{help}; or run without --stream"))
        }
        Interest::Edit | Interest::Nothing => {
            Diagnostic::error(code, format!("{what}, and a rule may need to edit it"), help)
        }
    }
}

/// A document that must be read and is not YAML.
fn not_yaml(error: &ParseError, text: &str, interest: Interest) -> Diagnostic {
    // Only the last document of a stream can lack its line break.
    let truncated = error.is_unfinished() && !text.ends_with(['\n', '\r']);
    if truncated && interest != Interest::References {
        return Diagnostic::error(
            Code::TruncatedInput,
            format!("the input ends in the middle of a document: {error}"),
            "was the stream cut short? Look at the exit code of the command before the pipe",
        );
    }
    let help = match error {
        ParseError::SecondDocument { .. } => {
            "Helm reads only the first document between two `---` lines: begin the second one with `---`"
        }
        ParseError::ByteOrderMark { .. } => {
            "remove the character U+FEFF from the template that emits it; files were joined there"
        }
        ParseError::Aliases { .. } => "write the values out instead of aliases of aliases",
        ParseError::Binary { .. } => "write the text itself: Kubernetes has no use for the tag",
        ParseError::TooLong { .. } | ParseError::DocumentTooLong { .. } => {
            "the API server takes no object of that size: find the template that emits it"
        }
        ParseError::TooDeep { .. } => "Kubernetes objects are not that deep: find the template that emits it",
        ParseError::Syntax { .. } => "render the chart with `helm template --debug` and look at this line",
    };
    unreadable(Code::NotYaml, format!("the document is not YAML ({error})"), interest, help)
}
