//! The pipeline.
//!
//! ```text
//! bytes → documents → prefilter → tree → objects → rules → patch → splices → verified → bytes
//! ```
//!
//! Two passes. The first learns which Secrets the stream renders and which of them go; the second edits. Nothing
//! is given out before the last document is through.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};

use crate::config::Config;
use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::diff::Diff;
use crate::error::Error;
use crate::facts::Facts;
use crate::findings::Findings;
use crate::frontend::Form;
use crate::object::{Object, objects};
use crate::observer::Observer;
use crate::output::{self, Change, Finished, Output};
use crate::pass::{Fate, Pass};
use crate::prefilter::Interest;
use crate::refuse;
use crate::stream::{self, Document};
use crate::survey::Survey;
use crate::survivors::Survivors;
use crate::unmatched;

/// A stream with every rule applied and every edit verified.
#[derive(Debug)]
pub struct Filtered<'i> {
    input: &'i [u8],
    pieces: Vec<Cow<'i, [u8]>>,
    changes: Vec<Change>,
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
    /// Secrets that were left out.
    pub dropped: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { documents, edited, dropped } = self;
        let secrets = if *dropped == 1 { "Secret" } else { "Secrets" };
        write!(f, "resecret: {dropped} {secrets} left out, {edited} of {documents} documents edited")
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

    /// What the run changed, for people: a unified diff without the values.
    ///
    /// `name` is what the diff calls the stream; `config` is what the stream was filtered with.
    #[must_use]
    pub fn diff(&self, name: &str, config: &Config) -> Diff {
        let after = |change: &Change| self.pieces[change.after.clone()].concat();
        let pairs = self.changes.iter().map(|change| (change.before.clone(), after(change)));
        Diff::new(name, self.input, pairs, config)
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
/// Everything that would make the result other than what the configuration says: see [`Rule`](crate::Rule). All that was found is
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
    let mut survey = Survey::of(input, config)?;
    let form = if survey.may_be_list() { Form::of(input)? } else { Form::Manifests };
    config.check_rules()?;
    let mut findings = Findings::new(input);
    let mut facts = learn(&survey, config, &mut findings)?;
    let survivors = Survivors::new(facts.take_values())?;
    survey.look_for([facts.dropped_names(), survivors.search()]);
    if observer.wants_every_document() {
        survey.look_at_all(Interest::Check(Severity::Warning));
    }
    let pass = Pass { input, config, form, facts: &facts, survivors: &survivors };
    let mut output = Output::new(input);
    let mut summary =
        Summary { documents: survey.documents, dropped: facts.dropped().count(), ..Summary::default() };
    let mut matched = BTreeSet::new();
    let mut marks = survey.marks.iter();
    for part in pass.over(&survey.marks, observer) {
        for (fate, mark) in part.fates.into_iter().zip(marks.by_ref()) {
            match fate {
                Fate::Keep => {}
                Fate::LeaveOut => output.leave_out(&mark.document),
                Fate::Edit(text) => {
                    summary.edited += 1;
                    output.replace(&mark.document, text);
                }
            }
        }
        matched.extend(part.matched);
        findings.extend(part.findings);
    }
    if !findings.has_unreadable() {
        unmatched::report(config, &facts, &matched, &mut findings);
    }
    let (diagnostics, fails) = findings.finish();
    let diagnostics = form.located(input, diagnostics);
    if fails {
        return Err(Error::new(diagnostics));
    }
    let Finished { pieces, changes } = form.with_results(input, output.finish(), &diagnostics)?;
    Ok(Filtered { input, pieces, changes, diagnostics, summary })
}

/// The first pass: which Secrets the stream renders, and which of them go.
pub(crate) fn learn(
    survey: &Survey<'_>,
    config: &Config,
    findings: &mut Findings<'_>,
) -> Result<Facts, Error> {
    let mut facts = Facts::default();
    for document in survey.secrets() {
        let Some(tree) = findings.open(document, Interest::Edit) else { continue };
        for object in objects(&tree).into_iter().filter(Object::is_secret) {
            learn_secret(document, &object, config, &mut facts, findings);
        }
    }
    for diagnostic in refuse::dropped_targets(&facts, config) {
        findings.push(diagnostic);
    }
    facts.seal()?;
    Ok(facts)
}

/// A Secret that was learned of.
pub(crate) struct Learned<'t> {
    /// `metadata.name`.
    pub(crate) name: &'t str,
    /// Its number in the facts.
    pub(crate) number: usize,
    /// Where it stands.
    pub(crate) location: Location,
}

/// Learns of a Secret, and says what is wrong with it; `None` where it has no name to learn.
pub(crate) fn learn_secret<'t>(
    document: &Document<'_>,
    object: &Object<'t, '_>,
    config: &Config,
    facts: &mut Facts,
    findings: &mut Findings<'_>,
) -> Option<Learned<'t>> {
    let location = findings.locate_in(document, object, object.tree.node(object.node).start);
    let Some(name) = object.name().filter(|name| !name.is_empty()) else {
        findings.push(refuse::unnamed_secret().at(location));
        return None;
    };
    let number = facts.add(document.number, object, name, config);
    let found = [refuse::same_name, refuse::hook_secret].map(|ask| ask(name, facts, object, config));
    for diagnostic in found.into_iter().flatten() {
        findings.push(diagnostic.at(location.clone()));
    }
    Some(Learned { name, number, location })
}
