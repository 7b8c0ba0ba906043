//! Findings that the names of the whole stream decide: a field that equals a removed Secret's name refers to it, unless
//! another object has the name as well.

use std::collections::BTreeSet;

use crate::diagnostics::{Code, Diagnostic, Severity};

/// Findings that are only warnings where an object has their name, and the names that objects have.
#[derive(Default)]
pub(crate) struct Doubts {
    findings: Vec<(String, Diagnostic)>,
    /// The names of removed Secrets that other objects have as well.
    shared: BTreeSet<String>,
}

impl Doubts {
    /// Adds a finding, as it is where no object has the name.
    pub(crate) fn add(&mut self, name: String, diagnostic: Diagnostic) {
        self.findings.push((name, diagnostic));
    }

    /// Takes note of an object that has the name of a removed Secret.
    pub(crate) fn share(&mut self, name: &str) {
        self.shared.insert(name.to_owned());
    }

    /// Adds those of another document.
    pub(crate) fn extend(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.shared.extend(other.shared);
    }

    /// The findings, once the whole stream has been seen. A word of a text means the other object.
    pub(crate) fn settle(self) -> impl Iterator<Item = Diagnostic> {
        let Self { findings, shared } = self;
        findings.into_iter().filter_map(move |(name, diagnostic)| {
            let is_shared = shared.contains(&name);
            let severity = if is_shared { Severity::Warning } else { diagnostic.severity };
            let counts = !is_shared || diagnostic.code != Code::NameInText;
            counts.then(|| diagnostic.with_severity(severity))
        })
    }

    /// The findings of a stream that has not been seen to its end: what other documents would decide is refused.
    pub(crate) fn settle_early(mut self) -> impl Iterator<Item = Diagnostic> {
        for (name, diagnostic) in &mut self.findings {
            if diagnostic.severity == Severity::Error && !self.shared.contains(name) {
                diagnostic.code = Code::NeedsWholeStream;
                diagnostic.message =
                    format!("{}, and an object that is still to come may have the name", diagnostic.message);
                diagnostic.help = format!("run without --stream, or {}", diagnostic.help);
            }
        }
        self.settle()
    }
}
