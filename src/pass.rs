//! The second pass: what becomes of each document.
//!
//! Everything that depends on more than one document is known by now, so that documents can be looked at in any order,
//! and at the same time.

use std::collections::BTreeSet;

use rayon::prelude::{ParallelIterator, ParallelSlice};

use crate::config::Config;
use crate::diagnostic::Location;
use crate::edit::edit;
use crate::facts::Facts;
use crate::findings::Findings;
use crate::frontend::{Form, is_configuration};
use crate::object::{Object, objects};
use crate::observer::Observer;
use crate::patch::Op;
use crate::prefilter::Interest;
use crate::rules::{self, Context, Outcome, Part};
use crate::stream::Document;
use crate::survey::{LARGE, Mark};
use crate::survivors::{Survivor, Survivors};

/// What becomes of a document.
pub(crate) enum Fate {
    /// It goes out as it came.
    Keep,
    /// It does not go out.
    LeaveOut,
    /// Its content becomes this.
    Edit(String),
}

/// What the pass knows, the same for every document.
pub(crate) struct Pass<'a, 'i> {
    /// The stream.
    pub(crate) input: &'i [u8],
    /// The rules.
    pub(crate) config: &'a Config,
    /// The form of the stream.
    pub(crate) form: Form,
    /// What the first pass has learned.
    pub(crate) facts: &'a Facts,
    /// The search for values that must not go out.
    pub(crate) survivors: &'a Survivors,
}

/// What came of consecutive documents.
pub(crate) struct Done<'i> {
    /// What becomes of each.
    pub(crate) fates: Vec<Fate>,
    /// What was found in them.
    pub(crate) findings: Findings<'i>,
    /// The parts of rules that matched.
    pub(crate) matched: BTreeSet<Part>,
}

impl<'i> Pass<'_, 'i> {
    /// Goes over documents: in one go, or a large stream in parts on all processors. The results have the order of the
    /// documents either way, and no document depends on another.
    pub(crate) fn over(&self, marks: &[Mark<'i>], observer: &mut dyn Observer) -> Vec<Done<'i>> {
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
    ) -> Done<'i> {
        let mut run = Run { pass: self, findings, matched: BTreeSet::new(), observer };
        let fates = vec![run.document(document, interest)];
        Done { fates, findings: run.findings, matched: run.matched }
    }

    fn part(&self, marks: &[Mark<'i>], observer: &mut dyn Observer) -> Done<'i> {
        let mut run =
            Run { pass: self, findings: Findings::new(self.input), matched: BTreeSet::new(), observer };
        let fates = marks.iter().map(|mark| run.fate(mark)).collect();
        Done { fates, findings: run.findings, matched: run.matched }
    }
}

/// The pass over one part of the stream.
struct Run<'a, 'i> {
    pass: &'a Pass<'a, 'i>,
    findings: Findings<'i>,
    matched: BTreeSet<Part>,
    observer: &'a mut dyn Observer,
}

impl Run<'_, '_> {
    fn fate(&mut self, mark: &Mark<'_>) -> Fate {
        match mark.sign.interest {
            Interest::Nothing => Fate::Keep,
            interest => self.document(&mark.document, interest),
        }
    }

    fn document(&mut self, document: &Document<'_>, interest: Interest) -> Fate {
        let Some(tree) = self.findings.open(document, interest) else { return Fate::Keep };
        let mut outcome = Outcome::default();
        let (mut kept, mut dropped) = (0, 0);
        let objects = objects(&tree);
        for object in &objects {
            self.observer.object(object);
            if self.pass.facts.drops(document.number, object) {
                dropped += 1;
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
        if dropped > 0 && kept == 0 && self.pass.form == Form::Manifests {
            return Fate::LeaveOut;
        }
        match edit(&tree, &outcome.patch) {
            Ok(None) => {
                self.survivors(document, &objects, tree.source(), |at| at);
                Fate::Keep
            }
            Ok(Some((edited, splices))) => {
                self.survivors(document, &objects, &edited, |at| splices.original(at));
                Fate::Edit(edited)
            }
            Err(refused) => {
                let location = self.locate(document, &objects, refused.at);
                self.findings.push(refused.diagnostic.at(location));
                Fate::Keep
            }
        }
    }

    /// Reports the values of dropped Secrets in a text that would go out.
    fn survivors(
        &mut self,
        document: &Document<'_>,
        objects: &[Object<'_, '_>],
        text: &str,
        original: impl Fn(usize) -> usize,
    ) {
        for Survivor { at, finding } in self.pass.survivors.find(text, self.pass.config) {
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
            Some(object) => self.findings.locate_in(document, object, at),
            None => self.findings.locate(document, at),
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
