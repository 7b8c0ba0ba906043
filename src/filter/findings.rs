//! Diagnostics are gathered here, each with its place in the stream.

use std::collections::HashSet;

use crate::diagnostics::{Code, Diagnostic, Error, Finding, Location, Severity};
use crate::filter::parse_document::parse_document;
use crate::kube::locator::Locator;
use crate::kube::object::Object;
use crate::search::prefilter::Interest;
use crate::stream::Document;
use crate::yaml::Tree;

/// What a run has found so far.
pub(crate) struct Findings<'i> {
    /// Where bytes of the stream are.
    pub(crate) locator: Locator<'i>,
    diagnostics: Vec<Diagnostic>,
    /// Document and path of the variables that are reported as plain credentials.
    plaintext: HashSet<(usize, String)>,
}

impl<'i> Findings<'i> {
    /// Nothing found yet.
    pub(crate) fn new(input: &'i [u8]) -> Self {
        Self::starting_at(input, 1)
    }

    /// Nothing found yet in bytes that begin with this line of a longer stream.
    pub(crate) fn starting_at(input: &'i [u8], line: usize) -> Self {
        let locator = Locator::starting_at(input, line);
        Self { locator, diagnostics: Vec::new(), plaintext: HashSet::new() }
    }

    /// Adds a diagnostic that has its place already.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Adds diagnostics that have their places already.
    pub(crate) fn push_all(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(diagnostics);
    }

    /// Parses a document, or says why that is not possible.
    pub(crate) fn open<'d>(&mut self, document: &Document<'d>, interest: Interest) -> Option<Tree<'d>> {
        parse_document(document, interest, &self.locator).map_err(|diagnostic| self.push(*diagnostic)).ok()
    }

    /// Adds what was found in other documents of the same stream.
    pub(crate) fn extend(&mut self, other: Self) {
        self.diagnostics.extend(other.diagnostics);
        self.plaintext.extend(other.plaintext);
    }

    /// Adds what a rule has found in an object.
    pub(crate) fn add(&mut self, document: &Document<'_>, object: &Object<'_, '_>, finding: Finding) {
        let at = object.tree.node(finding.node).start;
        let location =
            Location { path: Some(finding.path.to_string()), ..self.locator.locate_in(document, object, at) };
        if finding.code == Code::Plaintext {
            self.plaintext.insert((document.number, finding.path.to_string()));
        }
        self.diagnostics.push(finding.at(location));
    }

    /// Whether the variable at a path, without its `value`, is reported as a plain credential already.
    pub(crate) fn has_plaintext(&self, document: &Document<'_>, path: Option<&str>) -> bool {
        let variable = path.and_then(|path| path.strip_suffix(".value"));
        variable.is_some_and(|path| self.plaintext.contains(&(document.number, path.to_owned())))
    }

    /// Whether a document that a rule may need could not be read: then the rule may have missed what it looks for.
    pub(crate) fn has_unreadable(&self) -> bool {
        let unreadable = [Code::NotUtf8, Code::NotYaml, Code::TruncatedInput, Code::UnnamedSecret];
        let errors = self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        errors.map(|diagnostic| diagnostic.code).any(|rule| unreadable.contains(&rule))
    }

    /// All that was found, in the order of the stream, and whether the run fails for it.
    pub(crate) fn finish(mut self) -> (Vec<Diagnostic>, bool) {
        let place = |diagnostic: &Diagnostic| diagnostic.location.document.unwrap_or(usize::MAX);
        self.diagnostics.sort_by_key(place);
        // Both passes may have tried to read a document.
        self.diagnostics.dedup();
        let fails = self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        (self.diagnostics, fails)
    }

    /// The same as the end of a run.
    ///
    /// # Errors
    ///
    /// One of them is an error: all of them.
    pub(crate) fn into_result(self) -> Result<Vec<Diagnostic>, Error> {
        let (diagnostics, fails) = self.finish();
        if fails { Err(Error::new(diagnostics)) } else { Ok(diagnostics) }
    }
}
