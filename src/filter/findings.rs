//! Diagnostics are gathered here, each with its place in the stream.

use std::collections::HashSet;

use crate::diagnostics::{Code, Diagnostic, Error, Finding, Location, Severity};
use crate::filter::allow;
use crate::filter::parse_document::parse_document;
use crate::kube::locator::Locator;
use crate::kube::object::Object;
use crate::search::prefilter::Interest;
use crate::stream::Document;
use crate::yaml::Tree;

/// What has been found so far.
pub(crate) struct Findings<'l> {
    /// Where bytes of the stream are.
    pub(crate) locator: &'l Locator<'l>,
    diagnostics: Vec<Diagnostic>,
    /// The paths of the variables that are reported as plain credentials.
    plaintext: HashSet<String>,
    /// Those of entries that a rule decides and cannot change.
    value_only: HashSet<String>,
}

/// The path of the variable that a path leads to, or to the value of.
fn variable(path: &str) -> &str {
    path.strip_suffix(".value").unwrap_or(path)
}

impl<'l> Findings<'l> {
    /// Nothing found yet.
    pub(crate) fn new(locator: &'l Locator<'l>) -> Self {
        Self { locator, diagnostics: Vec::new(), plaintext: HashSet::new(), value_only: HashSet::new() }
    }

    /// Adds a diagnostic that has its place already.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Adds diagnostics that have their places already.
    pub(crate) fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(diagnostics);
    }

    /// Parses a document, or says why that is not possible.
    pub(crate) fn parse<'d>(&mut self, document: &Document<'d>, interest: Interest) -> Option<Tree<'d>> {
        parse_document(document, interest, self.locator).map_err(|diagnostic| self.push(*diagnostic)).ok()
    }

    /// Adds what a rule has found in an object of the document at hand.
    pub(crate) fn add(&mut self, document: &Document<'_>, object: &Object<'_, '_>, finding: Finding) {
        let diagnostic = self.place(document, object, finding);
        let path = diagnostic.location.path.as_deref().unwrap_or_default();
        match diagnostic.code {
            // One place, one finding: what the rule says is more.
            Code::Plaintext if self.value_only.contains(variable(path)) => return,
            Code::Plaintext => self.plaintext.insert(path.to_owned()),
            Code::ValueOnly => self.value_only.insert(path.to_owned()),
            _ => false,
        };
        self.diagnostics.push(diagnostic);
    }

    /// A finding with its place.
    pub(crate) fn place(
        &self,
        document: &Document<'_>,
        object: &Object<'_, '_>,
        finding: Finding,
    ) -> Diagnostic {
        let at = object.tree.start(finding.node);
        let location = Location {
            path: Some(finding.path.to_string()),
            variable: allow::variable(object.tree, &finding.path),
            ..self.locator.locate_in(document, object, at)
        };
        finding.at(location)
    }

    /// Adds that a removed Secret's value is at a place. Where that is a plain credential already, the place gets one finding: of a
    /// variable the first, of anything else the one that matters more, or says whose value it is.
    pub(crate) fn add_leaked(&mut self, leaked: Diagnostic) {
        let path = leaked.location.path.as_deref().unwrap_or_default();
        if path.strip_suffix(".value").is_some_and(|variable| self.plaintext.contains(variable)) {
            return;
        }
        if self.plaintext.contains(path) {
            let is_here = |known: &Diagnostic| {
                known.code == Code::Plaintext
                    && known.location.path == leaked.location.path
                    && known.location.document == leaked.location.document
            };
            let Some(known) = self.diagnostics.iter().position(is_here) else { return };
            if self.diagnostics[known].severity > leaked.severity {
                return;
            }
            self.diagnostics.remove(known);
        }
        self.diagnostics.push(leaked);
    }

    /// All that was found, in the order in which it was.
    pub(crate) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }
}

/// Whether a document that a rule may need could not be read: then the rule may have missed what it looks for.
pub(crate) fn has_unreadable(diagnostics: &[Diagnostic]) -> bool {
    let unreadable = [Code::NotUtf8, Code::NotYaml, Code::TruncatedInput, Code::UnnamedSecret];
    let mut errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors.any(|diagnostic| unreadable.contains(&diagnostic.code))
}

/// All that a run has found, in the order of the stream.
pub(crate) fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| diagnostic.location.document.unwrap_or(usize::MAX));
    // Both passes may have tried to read a document.
    diagnostics.dedup();
    diagnostics
}

/// The end of a run that has found these.
///
/// # Errors
///
/// One of them is an error: all of them.
pub(crate) fn conclude(diagnostics: Vec<Diagnostic>) -> Result<Vec<Diagnostic>, Error> {
    let fails = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    if fails { Err(Error::new(diagnostics)) } else { Ok(diagnostics) }
}
