//! The pipeline for streams of any length: a document goes out before the next one is looked at.
//!
//! The same rules, edits and verification as in [`filter`](crate::filter()), in bounded memory. The price is
//! that it is not all or nothing, and that a Secret must come before what refers to it. Whatever the whole stream could
//! decide in another way is refused, with [`Code::NeedsWholeStream`](crate::Code::NeedsWholeStream).
//!
//! - `memory` holds what is known of the documents that have passed, `seen_names` the names that they refer to.
//! - `needs_whole_stream` has the words for what cannot be known, `error` for where a run has stopped.

mod error;
mod memory;
mod needs_whole_stream;
mod seen_names;

use std::collections::BTreeSet;
use std::io::{Read, Write};

use crate::config::Config;
use crate::diagnostics::{Diagnostic, Error};
use crate::filter::allow;
use crate::filter::filtered::Summary;
use crate::filter::findings::{Findings, conclude, in_order};
use crate::filter::rewrite::{Rewrite, Rewriter, RewrittenDocument};
use crate::filter::streaming::error::StopPoint;
pub use crate::filter::streaming::error::{Cause, StreamError};
use crate::filter::streaming::memory::Memory;
use crate::krm::InputFormat;
use crate::kube::locator::Locator;
use crate::rules::elsewhere::Elsewhere;
use crate::rules::unmatched::unmatched;
use crate::rules::vaulted_values::VaultedValues;
use crate::rules::{self, ConfigEntry, RULES};
use crate::search::prefilter::{ConfigMatcher, HitIter, Hits, Interest};
use crate::stream::output::{Action, line_break};
use crate::stream::reader::Documents;
use crate::stream::writer::StreamWriter;
use crate::stream::{self, Document};

/// Applies a configuration to a stream of manifests of any length, in bounded memory.
///
/// Each document is written before the next one is looked at, and before that `report` is given what there is to say about
/// it. The result is that of [`filter()`](crate::filter()) on the same bytes, or an error. Only what is looked for
/// everywhere (values and names of removed Secrets in texts and unknown fields, checksum annotations, literals that name a
/// Secret) is judged by the last hundreds of Secrets that have come by then.
///
/// Memory: twice the largest document and some megabytes; a document that must be parsed takes a dozen times its size
/// while it is looked at.
///
/// # Errors
///
/// Those of [`filter()`](crate::filter()), and what needs the whole stream:
/// [`Code::NeedsWholeStream`](crate::Code::NeedsWholeStream). Documents before the place of the error have been written
/// by then, and a rule that matches nothing is known at the end only: what was written before an error must not be used.
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
/// kind: ServiceAccount
/// metadata: {name: web}
/// secrets: [{name: lf-nextauth}]
/// ";
/// let mut filtered = Vec::new();
/// let summary = resecret::filter_stream(&render[..], &mut filtered, &config, &mut |_warnings| {})?;
/// assert_eq!((summary.removed, summary.edited), (1, 1));
/// assert!(filtered.ends_with(b"secrets: [{name: langfuse-vault}]\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn filter_stream(
    reader: impl Read,
    writer: impl Write,
    config: &Config,
    report: &mut dyn FnMut(&[Diagnostic]),
) -> Result<Summary, StreamError> {
    let mut documents = Documents::new(reader);
    let mut outlet = StreamWriter::new(writer);
    let mut place = StopPoint::Start;
    run(&mut documents, &mut outlet, config, report, &mut place).map_err(|cause| {
        // What went before is right as far as it goes, and its length is to be said.
        let _ = outlet.flush();
        StreamError { cause, place, written: outlet.written() }
    })
}

fn run(
    documents: &mut Documents<impl Read>,
    outlet: &mut StreamWriter<impl Write>,
    config: &Config,
    report: &mut dyn FnMut(&[Diagnostic]),
    place: &mut StopPoint,
) -> Result<Summary, Cause> {
    let mut run = StreamRun::new(config)?;
    let mut more = true;
    loop {
        let next = if more { documents.complete() } else { documents.last() };
        if let Some(document) = next {
            *place = StopPoint::Document(document.number);
            let (fate, diagnostics) = run.document(&document)?;
            report(&diagnostics);
            outlet.document(&document, &fate).map_err(Cause::Write)?;
        } else if more {
            *place = StopPoint::Document(documents.count() + 1);
            outlet.flush().map_err(Cause::Write)?;
            more = documents.read().map_err(Cause::Read)?;
            if documents.count() == 0 {
                // What is no UTF-8 has no `---` either, and would be read to its end for nothing.
                stream::check_encoding(documents.ahead())?;
            }
        } else {
            break;
        }
    }
    *place = StopPoint::End;
    report(&run.end()?);
    outlet.finish(run.line_break).map_err(Cause::Write)?;
    Ok(run.summary())
}

/// A run over a stream.
struct StreamRun<'c> {
    config: &'c Config,
    /// What makes a document interesting, except for what is in the memory.
    words: ConfigMatcher,
    memory: Memory,
    /// The line that the next document begins with.
    line: usize,
    line_break: &'static [u8],
    matched: BTreeSet<ConfigEntry>,
    /// What vaulted Secrets are to hold of the literals so far.
    literals: VaultedValues,
    documents: usize,
    edited: usize,
}

impl<'c> StreamRun<'c> {
    fn new(config: &'c Config) -> Result<Self, Error> {
        config.check_rules()?;
        let refused: Vec<Diagnostic> =
            RULES.iter().flat_map(|rule| (rule.needs_whole_stream)(config)).collect();
        if !refused.is_empty() {
            return Err(Error::new(refused));
        }
        Ok(Self {
            config,
            words: words(config)?,
            memory: Memory::new(config),
            line: 1,
            line_break: b"\n",
            matched: BTreeSet::new(),
            literals: VaultedValues::default(),
            documents: 0,
            edited: 0,
        })
    }

    /// What to do with the next document, and what there is to say about it.
    fn document(&mut self, document: &Document<'_>) -> Result<(Action, Vec<Diagnostic>), Error> {
        if document.number == 1 {
            stream::check(document.bytes)?;
            self.line_break = line_break(document.bytes);
        }
        let hits = HitIter::new(&self.words, document.bytes, 0..document.bytes.len()).of(document);
        let locator = Locator::starting_at(document.bytes, self.line);
        if hits.list && InputFormat::of(document.bytes)? == InputFormat::ResourceList {
            return Err(needs_whole_stream::resource_list().at(locator.locate(document, 0)).into());
        }
        self.memory.forget();
        let mut findings = Findings::new(&locator);
        if hits.secret {
            self.memory.collect_secrets(document, self.config, &mut findings);
        }
        let mut findings = findings.into_diagnostics();
        let action = match self.rewrite(document, hits, &locator)? {
            None => Action::Keep,
            Some(rewrite) => {
                findings.extend(rewrite.findings);
                findings.extend(rewrite.doubts.settle_early());
                self.matched.extend(rewrite.matched);
                self.memory.refers_to(rewrite.view.unwrap_or_default());
                rewrite.action
            }
        };
        self.matched.extend(allow::apply(&mut findings, self.config));
        let diagnostics = conclude(in_order(findings))?;
        self.line += memchr::memchr_iter(b'\n', document.bytes).count();
        self.documents += usize::from(!document.is_blank());
        self.edited += usize::from(matches!(action, Action::Replace(_)));
        Ok((action, diagnostics))
    }

    /// Rewrites a document that somebody has an interest in, and notes the Secrets from outside the stream that it refers to.
    fn rewrite(
        &mut self,
        document: &Document<'_>,
        hits: Hits,
        locator: &Locator<'_>,
    ) -> Result<Option<Rewrite<Vec<String>>>, Error> {
        let found = self.memory.find(document);
        let interest = if found.is_nothing() { hits.interest } else { Interest::Edit };
        if interest == Interest::Nothing {
            return Ok(None);
        }
        let leaked_values = self.memory.recall(document, &found)?;
        let rewriter = Rewriter {
            rules: RULES,
            config: self.config,
            format: InputFormat::Manifests,
            facts: &self.memory.facts,
            leaked_values: &leaked_values,
            notes_reads: true,
        };
        let mut rewrite = rewriter.rewrite(document, interest, locator, &outside);
        rewrite.hold(&mut self.literals, &leaked_values);
        Ok(Some(rewrite))
    }

    /// What there is to say when all documents have been seen.
    fn end(&self) -> Result<Vec<Diagnostic>, Error> {
        conclude(unmatched(self.config, &self.memory.facts, &self.matched, &Elsewhere::unknown()))
    }

    fn summary(&self) -> Summary {
        Summary { documents: self.documents, edited: self.edited, removed: self.memory.removed_count }
    }
}

/// What makes a document interesting; where Secrets can go, also what may refer to one that has not come.
fn words(config: &Config) -> Result<ConfigMatcher, Error> {
    let mut words = rules::words(RULES, config);
    if !config.secrets.is_empty() {
        words.add_references(Interest::References);
    }
    ConfigMatcher::new(words)
}

/// The Secrets from outside the stream that a document refers to.
fn outside(seen: &RewrittenDocument<'_, '_, '_>) -> Vec<String> {
    let existing = seen.uses.iter().filter(|(_, found)| found.existed);
    existing.map(|(_, found)| found.secret.clone()).collect()
}
