//! The pipeline.
//!
//! ```text
//! bytes → documents → prefilter → tree → objects → rules → patch → splices → verified → bytes
//! ```
//!
//! Two passes. The first learns which Secrets the stream renders and which of them go; the second edits. Nothing
//! is given out before the last document is through.

pub(crate) mod collect;
pub(crate) mod findings;
pub(crate) mod observer;
pub(crate) mod parse_document;
pub(crate) mod rewrite;
pub(crate) mod streaming;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::ops::Range;

use crate::config::Config;
use crate::diagnostics::{Diagnostic, Error, Severity};
use crate::filter::findings::Findings;
use crate::filter::observer::Observer;
use crate::filter::rewrite::Rewriter;
use crate::krm::InputFormat;
use crate::rules::leaked_values::LeakedValues;
use crate::rules::unmatched;
use crate::search::candidates::Candidates;
use crate::search::prefilter::Interest;
use crate::stream;
use crate::stream::output::{self, Action, DocumentChange, Finished, Output};

/// A stream with every rule applied and every edit verified.
#[derive(Debug)]
pub struct Filtered<'i> {
    input: &'i [u8],
    pieces: Vec<Cow<'i, [u8]>>,
    changes: Vec<DocumentChange>,
    diagnostics: Vec<Diagnostic>,
    summary: Summary,
}

/// What a run did, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Documents in the stream.
    pub documents: usize,
    /// Documents that were edited.
    pub edited: usize,
    /// Secrets that were removed.
    pub removed: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { documents, edited, removed } = self;
        let secrets = if *removed == 1 { "Secret" } else { "Secrets" };
        write!(f, "resecret: {removed} {secrets} removed, {edited} of {documents} documents edited")
    }
}

impl Filtered<'_> {
    /// Writes the stream.
    ///
    /// # Errors
    ///
    /// The writer's own. A closed pipe is an error: its reader must not believe that it has the whole stream.
    pub fn write_to(&self, writer: impl Write) -> io::Result<()> {
        output::write_all(&self.pieces, writer)
    }

    /// The stream as one piece.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// The documents that changed: their bytes in the input, and what they became.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (Range<usize>, Vec<u8>)> {
        let after = |change: &DocumentChange| self.pieces[change.after.clone()].concat();
        self.changes.iter().map(move |change| (change.before.clone(), after(change)))
    }

    /// What the stream was before.
    pub(crate) fn input(&self) -> &[u8] {
        self.input
    }

    /// Warnings, in the order of the stream.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// What the run did.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary
    }
}

/// Applies a configuration to a stream of manifests.
///
/// # Errors
///
/// Everything that would make the result other than what the configuration says: see [`Code`](crate::Code). All that was found is
/// in the error; there is no partial result.
///
/// # Example
///
/// ```
/// let mut config = resecret::Config::default();
/// config.add_file("resecret.yaml", "
/// apiVersion: resecret.dev/v1alpha1
/// kind: Resecret
/// spec:
///   secrets:
///   - {name: '*-nextauth', to: langfuse-vault}
/// ")?;
/// let render = b"\
/// ---
/// apiVersion: v1
/// kind: Secret
/// metadata: {name: lf-nextauth}
/// stringData: {nextauth-secret: changeme}
/// ---
/// apiVersion: v1
/// kind: Pod
/// metadata: {name: web}
/// spec:
///   containers:
///   - name: web
///     env: [{name: NEXTAUTH_SECRET, valueFrom: {secretKeyRef: {name: lf-nextauth, key: nextauth-secret}}}]
/// ";
/// let filtered = resecret::filter(render, &config)?;
/// let text = String::from_utf8(filtered.to_vec()).unwrap();
/// assert!(!text.contains("changeme") && text.contains("{name: langfuse-vault, key: nextauth-secret}"));
/// # Ok::<(), resecret::Error>(())
/// ```
pub fn filter<'i>(input: &'i [u8], config: &Config) -> Result<Filtered<'i>, Error> {
    watched(input, config, &mut ())
}

/// The run of [`filter()`], with someone who looks on.
pub(crate) fn watched<'i>(
    input: &'i [u8],
    config: &Config,
    observer: &mut dyn Observer,
) -> Result<Filtered<'i>, Error> {
    stream::check(input)?;
    let mut survey = Candidates::of(input, config)?;
    let form = if survey.may_be_list() { InputFormat::of(input)? } else { InputFormat::Manifests };
    config.check_rules()?;
    let mut findings = Findings::new(input);
    let mut facts = collect::collect_secrets(&survey, config, &mut findings)?;
    let survivors = LeakedValues::new(facts.take_values())?;
    survey.look_for([facts.removed_names(), survivors.search()]);
    if observer.wants_every_document() {
        survey.look_at_all(Interest::Check(Severity::Warning));
    }
    let pass = Rewriter { input, config, form, facts: &facts, survivors: &survivors };
    let mut output = Output::new(input);
    let mut summary =
        Summary { documents: survey.documents, removed: facts.removed().count(), ..Summary::default() };
    let mut matched = BTreeSet::new();
    let mut marks = survey.marks.iter();
    for part in pass.over(&survey.marks, observer) {
        for (fate, mark) in part.fates.into_iter().zip(marks.by_ref()) {
            match fate {
                Action::Keep => {}
                Action::Remove => output.remove(&mark.document),
                Action::Replace(text) => {
                    summary.edited += 1;
                    output.replace(&mark.document, text);
                }
            }
        }
        matched.extend(part.matched);
        findings.extend(part.findings);
    }
    if !findings.has_unreadable() {
        findings.push_all(unmatched::unmatched(config, &facts, &matched));
    }
    let (diagnostics, fails) = findings.finish();
    let diagnostics = form.located(input, diagnostics);
    if fails {
        return Err(Error::new(diagnostics));
    }
    let Finished { pieces, changes } = form.with_results(input, output.finish(), &diagnostics)?;
    Ok(Filtered { input, pieces, changes, diagnostics, summary })
}
