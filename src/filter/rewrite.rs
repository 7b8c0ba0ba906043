//! The second pass: what becomes of each document.
//!
//! Everything that depends on more than one document is known by now, so that documents can be looked at in any order,
//! and at the same time.

use std::collections::BTreeSet;

use rayon::prelude::{ParallelIterator, ParallelSlice};

use crate::config::Config;
use crate::diagnostics::Location;
use crate::edit::edit;
use crate::edit::patch::Op;
use crate::filter::findings::Findings;
use crate::filter::observer::Observer;
use crate::krm::{InputFormat, is_configuration};
use crate::kube::object::{Object, objects};
use crate::rules::facts::Facts;
use crate::rules::leaked_values::{LeakedValue, LeakedValues};
use crate::rules::{self, ConfigEntry, Context, RuleOutput};
use crate::search::candidates::{Candidate, LARGE};
use crate::search::prefilter::Interest;
use crate::stream::Document;
use crate::stream::output::Action;

/// What the pass knows, the same for every document.
pub(crate) struct Rewriter<'a, 'i> {
    /// The stream.
    pub(crate) input: &'i [u8],
    /// The rules.
    pub(crate) config: &'a Config,
    /// The form of the stream.
    pub(crate) form: InputFormat,
    /// What the first pass has learned.
    pub(crate) facts: &'a Facts,
    /// The search for values that must not go out.
    pub(crate) survivors: &'a LeakedValues,
}

/// What came of consecutive documents.
pub(crate) struct ChunkResult<'i> {
    /// What becomes of each.
    pub(crate) fates: Vec<Action>,
    /// What was found in them.
    pub(crate) findings: Findings<'i>,
    /// The parts of rules that matched.
    pub(crate) matched: BTreeSet<ConfigEntry>,
}

impl<'i> Rewriter<'_, 'i> {
    /// Goes over documents: in one go, or a large stream in parts on all processors. The results have the order of the
    /// documents either way, and no document depends on another.
    pub(crate) fn over(&self, marks: &[Candidate<'i>], observer: &mut dyn Observer) -> Vec<ChunkResult<'i>> {
        if self.input.len() < LARGE || observer.is_someone() {
            return vec![self.part(marks, observer)];
        }
        // More parts than processors, since some documents take longer than others.
        let parts = 4 * rayon::current_num_threads();
        let length = marks.len().div_ceil(parts).max(1);
        marks.par_chunks(length).map(|part| self.part(part, &mut ())).collect()
    }

    /// Goes over one document that somebody has an interest in, adding to what was found in it before.
    pub(crate) fn one(
        &self,
        document: &Document<'i>,
        interest: Interest,
        findings: Findings<'i>,
        observer: &mut dyn Observer,
    ) -> ChunkResult<'i> {
        let mut run = ChunkRewriter { pass: self, findings, matched: BTreeSet::new(), observer };
        let fates = vec![run.document(document, interest)];
        ChunkResult { fates, findings: run.findings, matched: run.matched }
    }

    fn part(&self, marks: &[Candidate<'i>], observer: &mut dyn Observer) -> ChunkResult<'i> {
        let mut run = ChunkRewriter {
            pass: self,
            findings: Findings::new(self.input),
            matched: BTreeSet::new(),
            observer,
        };
        let fates = marks.iter().map(|mark| run.fate(mark)).collect();
        ChunkResult { fates, findings: run.findings, matched: run.matched }
    }
}

/// The pass over one part of the stream.
struct ChunkRewriter<'a, 'i> {
    pass: &'a Rewriter<'a, 'i>,
    findings: Findings<'i>,
    matched: BTreeSet<ConfigEntry>,
    observer: &'a mut dyn Observer,
}

impl ChunkRewriter<'_, '_> {
    fn fate(&mut self, mark: &Candidate<'_>) -> Action {
        match mark.hits.interest {
            Interest::Nothing => Action::Keep,
            interest => self.document(&mark.document, interest),
        }
    }

    fn document(&mut self, document: &Document<'_>, interest: Interest) -> Action {
        let Some(tree) = self.findings.open(document, interest) else { return Action::Keep };
        let mut outcome = RuleOutput::default();
        let (mut kept, mut removed) = (0, 0);
        let objects = objects(&tree);
        for object in &objects {
            self.observer.object(object);
            if self.pass.facts.removes(document.number, object) {
                removed += 1;
                outcome.patch.push(Op::Remove { path: object.path.clone() });
                continue;
            }
            kept += 1;
            if is_configuration(object) {
                continue;
            }
            rules::apply(object, Context { config: self.pass.config, facts: self.pass.facts }, &mut outcome);
            for finding in outcome.findings.drain(..) {
                self.findings.add(document, object, finding);
            }
            for read in outcome.reads.drain(..) {
                self.observer.reads(object, &read);
            }
        }
        if !outcome.patch.is_empty() {
            self.observer.patched(document, &tree, &outcome.patch);
        }
        self.matched.append(&mut outcome.matched);
        if removed > 0 && kept == 0 && self.pass.form == InputFormat::Manifests {
            return Action::Remove;
        }
        match edit(&tree, &outcome.patch) {
            Ok(None) => {
                self.survivors(document, &objects, tree.source(), |at| at);
                Action::Keep
            }
            Ok(Some((edited, splices))) => {
                self.survivors(document, &objects, &edited, |at| splices.original(at));
                Action::Replace(edited)
            }
            Err(refused) => {
                let location = self.locate(document, &objects, refused.at);
                self.findings.push(refused.diagnostic.at(location));
                Action::Keep
            }
        }
    }

    /// Reports the values of removed Secrets in a text that would go out.
    fn survivors(
        &mut self,
        document: &Document<'_>,
        objects: &[Object<'_, '_>],
        text: &str,
        original: impl Fn(usize) -> usize,
    ) {
        for LeakedValue { at, finding } in self.pass.survivors.find(text, self.pass.config) {
            let location = self.locate(document, objects, original(at));
            let path = Some(finding.path.to_string()).filter(|path| !path.is_empty());
            if self.findings.has_plaintext(document, path.as_deref()) {
                continue;
            }
            self.findings.push(finding.at(Location { path, ..location }));
        }
    }

    /// The place of a byte, with the object that it belongs to.
    fn locate(&self, document: &Document<'_>, objects: &[Object<'_, '_>], at: usize) -> Location {
        match objects.iter().find(|object| object.tree.node(object.node).content.end >= at) {
            Some(object) => self.findings.locator.locate_in(document, object, at),
            None => self.findings.locator.locate(document, at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{filter, watched};

    /// Sees nothing, but is there.
    struct Someone;

    impl Observer for Someone {}

    #[test]
    fn the_parts_of_a_large_stream_add_up() {
        let filler = format!("# {}\n", "x".repeat(4000));
        let document = |number: usize| {
            format!(
                "---\n{filler}kind: Pod\nmetadata: {{name: p{number}}}\nspec:\n  containers:\n  - name: c\n    env:\n    - {{name: SALT, value: canary-{number}}}\n    - {{name: API_KEY, value: canary-{number}}}\n"
            )
        };
        let stream: String = (0..300).map(document).collect();
        assert!(stream.len() > LARGE);
        let mut config = Config::default();
        let rules = "{apiVersion: resecret.dev/v1alpha1, kind: Resecret, spec: {env: [{to: vault, vars: {SALT: salt}}]}}";
        config.add_file("rules.yaml", rules).expect("rules");
        let parts = filter(stream.as_bytes(), &config).expect("goes through");
        let whole = watched(stream.as_bytes(), &config, &mut Someone).expect("goes through");
        assert_eq!(parts.to_vec(), whole.to_vec());
        assert_eq!(parts.diagnostics(), whole.diagnostics());
        assert_eq!(parts.summary(), whole.summary());
        assert_eq!(parts.diagnostics().len(), 300, "a credential that no rule covers, in each");
    }
}
