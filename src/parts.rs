//! The parts of the pipeline one by one, for `benches/parts.rs`. The private feature `__parts` opens this module; it is no
//! part of the public API.

use crate::agree::agree;
use crate::config::Config;
use crate::error::Error;
use crate::facts::Facts;
use crate::filter::{learn, watched};
use crate::findings::Findings;
use crate::lower::lower;
use crate::object::objects;
use crate::observer::Observer;
use crate::patch::Patch;
use crate::prefilter::KnownWords;
use crate::rules::{self, Context, Outcome};
use crate::stream::{self, Document};
use crate::survey::Survey;
use crate::survivors::Survivors;
use crate::verify::{Reading, verify};
use crate::yaml::{self, Tree};

/// A stream on which each part can run alone: what the parts before it would hand over is ready.
pub struct Parts<'i> {
    input: &'i [u8],
    config: &'i Config,
    facts: Facts,
    survivors: Survivors,
    parsed: Vec<Tree<'i>>,
    edits: Vec<Edited<'i>>,
}

/// A document that changes.
struct Edited<'i> {
    tree: Tree<'i>,
    patch: Patch,
    after: String,
}

impl<'i> Parts<'i> {
    /// Runs all parts once.
    ///
    /// # Errors
    ///
    /// What stops the filter on this stream.
    pub fn of(input: &'i [u8], config: &'i Config) -> Result<Self, Error> {
        let mut facts = learn(&Survey::of(input, config)?, config, &mut Findings::new(input))?;
        let survivors = Survivors::new(facts.take_values())?;
        let survey = survey(input, config, &facts, &survivors)?;
        let parsed = survey.marks.iter().filter_map(|mark| tree(&mark.document)).collect();
        let mut patches = Patches::default();
        watched(input, config, &mut patches)?;
        let edited = |(number, patch): (usize, Patch)| {
            let mark = survey.marks.iter().find(|mark| mark.document.number == number)?;
            let tree = tree(&mark.document)?;
            // The document of a Secret that goes is left out before anything would be lowered.
            let after = lower(&patch, &tree).ok()?.apply(tree.source());
            Some(Edited { tree, patch, after })
        };
        let edits = patches.0.into_iter().filter_map(edited).collect();
        Ok(Self { input, config, facts, survivors, parsed, edits })
    }

    /// Bytes of the stream.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.input.len()
    }

    /// Bytes of the documents that are parsed, in one pass or in both.
    #[must_use]
    pub fn bytes_parsed(&self) -> usize {
        self.parsed.iter().map(|tree| tree.source().len()).sum()
    }

    /// Bytes of the documents that are edited.
    #[must_use]
    pub fn bytes_edited(&self) -> usize {
        self.edits.iter().map(|edited| edited.tree.source().len()).sum()
    }

    /// `stream`: the number of documents.
    #[must_use]
    pub fn split(&self) -> usize {
        stream::documents(self.input).count()
    }

    /// `prefilter`, the building of its first search: whether that was possible.
    #[must_use]
    pub fn build_prefilter(&self) -> bool {
        KnownWords::new(self.config).is_ok()
    }

    /// `prefilter` and `survey`: the number of documents that are worth a look.
    #[must_use]
    pub fn prefilter(&self) -> usize {
        let survey = survey(self.input, self.config, &self.facts, &self.survivors);
        survey.map_or(0, |survey| survey.marks.len())
    }

    /// `yaml`: the number of nodes.
    #[must_use]
    pub fn parse(&self) -> usize {
        let trees = self.parsed.iter().filter_map(|tree| yaml::parse(tree.source()).ok());
        trees.map(|tree| tree.ids().count()).sum()
    }

    /// `rules`, with the views that they ask: the number of documents that they would change.
    #[must_use]
    pub fn rules(&self) -> usize {
        let context = Context { config: self.config, facts: &self.facts };
        let changes = |tree: &&Tree<'_>| {
            let mut outcome = Outcome::default();
            for object in objects(tree) {
                rules::apply(&object, context, &mut outcome);
            }
            !outcome.patch.is_empty()
        };
        self.parsed.iter().filter(changes).count()
    }

    /// `lower` and `splice`: the bytes of the edited documents.
    #[must_use]
    pub fn lower_and_splice(&self) -> usize {
        let lowered = self.edits.iter().filter_map(|Edited { tree, patch, .. }| {
            Some(lower(patch, tree).ok()?.apply(tree.source()).len())
        });
        lowered.sum()
    }

    /// `verify` and `agree`: the number of documents whose edit is confirmed.
    #[must_use]
    pub fn verify(&self) -> usize {
        let confirmed = |Edited { tree, patch, after }: &&Edited<'_>| {
            Reading::of(tree.source())
                .is_ok_and(|before| agree(tree, &before) && verify(before, patch, after).is_ok())
        };
        self.edits.iter().filter(confirmed).count()
    }
}

/// What changes in each document.
#[derive(Default)]
struct Patches(Vec<(usize, Patch)>);

impl Observer for Patches {
    fn patched(&mut self, document: &Document<'_>, _tree: &Tree<'_>, patch: &Patch) {
        self.0.push((document.number, patch.clone()));
    }
}

/// The searches of both passes.
fn survey<'i>(
    input: &'i [u8],
    config: &Config,
    facts: &Facts,
    survivors: &Survivors,
) -> Result<Survey<'i>, Error> {
    let mut survey = Survey::of(input, config)?;
    survey.look_for([facts.dropped_names(), survivors.search()]);
    Ok(survey)
}

fn tree<'i>(document: &Document<'i>) -> Option<Tree<'i>> {
    yaml::parse(stream::text(document).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::filter;

    /// A benchmark of nothing would be fast.
    #[test]
    fn every_part_has_something_to_do_and_together_they_are_the_filter() {
        let input = b"\
---
apiVersion: v1
kind: Secret
metadata: {name: lf-nextauth}
stringData: {nextauth-secret: canary-1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: langfuse-web
    env: [{name: NEXTAUTH_SECRET, valueFrom: {secretKeyRef: {name: lf-nextauth, key: nextauth-secret}}}]
";
        let mut config = Config::default();
        let rules = "{apiVersion: resecret.dev/v1alpha1, kind: Resecret, spec: {secrets: [{name: '*-nextauth', to: vault}]}}";
        config.add_file("rules.yaml", rules).expect("rules");
        let parts = Parts::of(input, &config).expect("goes through");
        assert_eq!((parts.split(), parts.prefilter()), (3, 2));
        assert!(parts.build_prefilter());
        assert!(parts.parse() > 20);
        assert_eq!((parts.rules(), parts.verify()), (1, 1));
        assert!(parts.bytes() > parts.bytes_parsed() && parts.bytes_parsed() > parts.bytes_edited());
        let whole = filter(input, &config).expect("goes through").to_vec();
        let after = &parts.edits[0].after;
        assert!(whole.ends_with(after.as_bytes()), "the edit is the filter's");
        assert!(!whole.ends_with(parts.edits[0].tree.source().as_bytes()), "and it changes something");
        assert_eq!(parts.lower_and_splice(), after.len());
    }
}
