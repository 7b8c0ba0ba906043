//! The second pass: decides whether to keep, remove or edit each document.
//!
//! Everything that depends on more than one document is known by now, so that documents can be rewritten in any order,
//! and at the same time. The result of each is data; a command that needs more than the filter takes it with a view.

use std::collections::{BTreeSet, HashSet};

use rayon::prelude::{ParallelIterator, ParallelSlice};

use crate::config::Config;
use crate::diagnostics::{Diagnostic, Doubtful, Location};
use crate::edit::edit;
use crate::edit::patch::{Op, Patch};
use crate::filter::doubts::Doubts;
use crate::filter::findings::Findings;
use crate::krm::{InputFormat, is_configuration};
use crate::kube::locator::Locator;
use crate::kube::object::{Object, objects};
use crate::rules::facts::Facts;
use crate::rules::leaked_values::{LeakedValue, LeakedValues};
use crate::rules::secret_use::SecretUse;
use crate::rules::vaulted_values::{VaultedValue, VaultedValues};
use crate::rules::{self, ConfigEntry, Context, Rule, RuleOutput};
use crate::search::candidates::{Candidate, LARGE};
use crate::search::prefilter::Interest;
use crate::stream::Document;
use crate::stream::output::Action;
use crate::yaml::Tree;

/// What the pass knows, the same for every document.
pub(crate) struct Rewriter<'a> {
    /// What is done to each object, in order.
    pub(crate) rules: &'a [Rule],
    /// What is wanted.
    pub(crate) config: &'a Config,
    /// How the client hands the stream over.
    pub(crate) format: InputFormat,
    /// What the first pass has collected.
    pub(crate) facts: &'a Facts,
    /// The search for values that must not go out.
    pub(crate) leaked_values: &'a LeakedValues,
    /// Whether the view asks what reads vaulted Secrets.
    pub(crate) notes_reads: bool,
}

/// What comes of one document.
pub(crate) struct Rewrite<T> {
    /// What to write for it.
    pub(crate) action: Action,
    /// What there is to say about it.
    pub(crate) findings: Vec<Diagnostic>,
    /// What other documents decide.
    pub(crate) doubts: Doubts,
    /// The entries of the configuration that matched in it.
    pub(crate) matched: BTreeSet<ConfigEntry>,
    /// Its literals that a vaulted Secret is to hold.
    pub(crate) literals: Vec<(VaultedValue, Location)>,
    /// What the view made of it; `None` for a document that cannot be parsed.
    pub(crate) view: Option<T>,
}

impl<T> Rewrite<T> {
    /// Adds its literals to those of the documents before, and what differs from them to its findings.
    pub(crate) fn hold(&mut self, held: &mut VaultedValues, leaked_values: &LeakedValues) {
        let differing = self.literals.drain(..).filter_map(|(value, place)| held.add(value, &place));
        self.findings.extend(differing.map(|diagnostic| leaked_values.conceal(diagnostic)));
    }
}

/// A document with all that the rules have decided about it, for views of a run.
pub(crate) struct RewrittenDocument<'a, 't, 's> {
    /// The document.
    pub(crate) document: &'a Document<'a>,
    /// Where its bytes are in the stream.
    pub(crate) locator: &'a Locator<'a>,
    /// Its objects, removed ones included.
    pub(crate) objects: &'a [Object<'t, 's>],
    /// What changes. A removed object is removed at its own path.
    pub(crate) patch: &'a Patch,
    /// What reads a vaulted Secret once the patch is applied, with the position of the object in `objects`.
    pub(crate) uses: &'a [(usize, SecretUse)],
    /// The removed Secrets, and those of which some keys move, by their positions in `objects`, and the positions in
    /// [`Config::secrets`] of the rules that do it.
    pub(crate) removed: &'a [(usize, usize)],
    /// The search for values of removed Secrets, none of which a view may show.
    pub(crate) leaked_values: &'a LeakedValues,
}

/// Rewrites the candidates that somebody has an interest in. The result has the order of the stream.
///
/// `view` sees each document; it is a pure function, as the rules are.
pub(crate) fn rewrite_all<'i, T: Send>(
    rewriter: &Rewriter<'_>,
    input: &'i [u8],
    candidates: &[Candidate<'i>],
    view: &(impl Fn(&RewrittenDocument<'_, '_, '_>) -> T + Sync),
) -> Vec<(Document<'i>, Rewrite<T>)> {
    for_each(input, candidates, |document, interest, locator| {
        (*document, rewriter.rewrite(document, interest, locator, view))
    })
}

/// What `of_document` makes of each candidate that somebody has an interest in, in the order of the stream; of a large stream,
/// on all processors.
pub(crate) fn for_each<'i, T: Send>(
    input: &'i [u8],
    candidates: &[Candidate<'i>],
    of_document: impl Fn(&Document<'i>, Interest, &Locator<'_>) -> T + Sync,
) -> Vec<T> {
    let chunk = |candidates: &[Candidate<'i>]| {
        let locator = Locator::new(input);
        let wanted = candidates.iter().filter(|candidate| candidate.hits.interest != Interest::Nothing);
        let of_candidate =
            |Candidate { document, hits }: &Candidate<'i>| of_document(document, hits.interest, &locator);
        wanted.map(of_candidate).collect::<Vec<_>>()
    };
    if input.len() < LARGE {
        return chunk(candidates);
    }
    // More chunks than processors, since some documents take longer than others.
    let chunks = 4 * rayon::current_num_threads();
    let length = candidates.len().div_ceil(chunks).max(1);
    candidates.par_chunks(length).flat_map_iter(chunk).collect()
}

impl Rewriter<'_> {
    /// Rewrites one document.
    pub(crate) fn rewrite<T>(
        &self,
        document: &Document<'_>,
        interest: Interest,
        locator: &Locator<'_>,
        view: &impl Fn(&RewrittenDocument<'_, '_, '_>) -> T,
    ) -> Rewrite<T> {
        let mut findings = Findings::new(locator);
        let Some(tree) = findings.parse(document, interest) else {
            let findings = findings.into_diagnostics();
            let (doubts, matched) = Default::default();
            let literals = Vec::new();
            return Rewrite { action: Action::Keep, findings, doubts, matched, literals, view: None };
        };
        let objects = objects(&tree);
        let Decisions { patch, uses, removed, matched, doubts, literals, is_removed } =
            self.decide(document, &objects, &mut findings);
        let view = view(&RewrittenDocument {
            document,
            locator,
            objects: &objects,
            patch: &patch,
            uses: &uses,
            removed: &removed,
            leaked_values: self.leaked_values,
        });
        let action = if is_removed {
            Action::Remove
        } else {
            self.edit(document, &tree, &objects, &patch, &mut findings)
        };
        let conceal = |diagnostic| self.leaked_values.conceal(diagnostic);
        let findings = findings.into_diagnostics().into_iter().map(conceal).collect();
        Rewrite { action, findings, doubts, matched, literals, view: Some(view) }
    }

    /// Runs the rules on every object that stays.
    fn decide(
        &self,
        document: &Document<'_>,
        objects: &[Object<'_, '_>],
        findings: &mut Findings<'_>,
    ) -> Decisions {
        let reads = self.notes_reads.then(Vec::new);
        let mut output = RuleOutput { reads, ..RuleOutput::default() };
        let (mut uses, mut literals, mut doubts) = (Vec::new(), Vec::new(), Doubts::default());
        let (mut kept, mut removed, mut split) = (0, Vec::new(), Vec::new());
        let mut given = HashSet::new();
        for (position, object) in objects.iter().enumerate() {
            if let Some(rule) = self.facts.removed_by(document.number, object) {
                removed.push((position, rule));
                output.patch.push(Op::Remove { path: object.path.clone() });
                continue;
            }
            kept += 1;
            let splitting = self.facts.splitting_rule(object, self.config);
            split.extend(splitting.map(|rule| (position, rule)));
            if is_configuration(object) {
                continue;
            }
            let context = Context { config: self.config, facts: self.facts };
            rules::apply(self.rules, object, context, &mut output);
            for finding in output.findings.drain(..) {
                findings.add(document, object, finding);
            }
            for Doubtful { name, finding } in output.doubtful.drain(..) {
                doubts.add(name, findings.place(document, object, finding));
            }
            let is_other = |name: &&str| self.facts.removes_name(name) && splitting.is_none();
            if let Some(name) = object.name().filter(is_other) {
                doubts.share(name);
            }
            // What one document gives to a key again and again is said once.
            let is_new = |(vaulted, ..): &(VaultedValue, _, _)| given.insert(vaulted.number());
            for (vaulted, node, path) in output.literals.drain(..).filter(is_new) {
                let location = findings.locator.locate_in(document, object, object.tree.start(node));
                literals.push((vaulted, Location { path: Some(path.to_string()), ..location }));
            }
            let reads = output.reads.iter_mut().flat_map(|reads| reads.drain(..));
            uses.extend(reads.map(|found| (position, found)));
        }
        output.patch.shrink();
        let is_removed = !removed.is_empty() && kept == 0 && self.format == InputFormat::Manifests;
        removed.extend(split);
        Decisions {
            patch: output.patch,
            uses,
            removed,
            matched: output.matched,
            doubts,
            literals,
            is_removed,
        }
    }

    /// Edits a document that stays, and looks for values of removed Secrets in what would go out.
    fn edit(
        &self,
        document: &Document<'_>,
        tree: &Tree<'_>,
        objects: &[Object<'_, '_>],
        patch: &Patch,
        findings: &mut Findings<'_>,
    ) -> Action {
        match edit(tree, patch) {
            Ok(None) => {
                self.find_leaks(document, objects, tree.source(), |at| at, findings);
                Action::Keep
            }
            Ok(Some((edited, splices))) => {
                self.find_leaks(document, objects, &edited, |at| splices.original(at), findings);
                Action::Replace(edited)
            }
            Err(refused) => {
                let location = locate(findings.locator, document, objects, refused.at);
                findings.push(refused.diagnostic.at(location));
                Action::Keep
            }
        }
    }

    /// Reports the values of removed Secrets in a text that would go out.
    fn find_leaks(
        &self,
        document: &Document<'_>,
        objects: &[Object<'_, '_>],
        text: &str,
        original: impl Fn(usize) -> usize,
        findings: &mut Findings<'_>,
    ) {
        for LeakedValue { at, finding } in self.leaked_values.find(text, self.config) {
            let location = locate(findings.locator, document, objects, original(at));
            let path = Some(finding.path.to_string()).filter(|path| !path.is_empty());
            findings.add_leaked(finding.at(Location { path, ..location }));
        }
    }
}

/// What the rules make of a document.
struct Decisions {
    patch: Patch,
    uses: Vec<(usize, SecretUse)>,
    removed: Vec<(usize, usize)>,
    matched: BTreeSet<ConfigEntry>,
    doubts: Doubts,
    literals: Vec<(VaultedValue, Location)>,
    /// Whether all of it is removed.
    is_removed: bool,
}

/// The place of a byte, with the object that it belongs to.
fn locate(locator: &Locator<'_>, document: &Document<'_>, objects: &[Object<'_, '_>], at: usize) -> Location {
    let before = objects.partition_point(|object| object.tree.content(object.node).end < at);
    match objects.get(before) {
        Some(object) => locator.locate_in(document, object, at),
        None => locator.locate(document, at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Reach, filter, run};

    #[test]
    fn the_chunks_of_a_large_stream_add_up() {
        let filler = format!("# {}\n", "x".repeat(4000));
        let document = |number: usize| {
            format!(
                "---\n{filler}kind: Pod\nmetadata: {{name: p{number}}}\nspec:\n  containers:\n  - name: c\n    env:\n    - {{name: SALT, value: canary}}\n    - {{name: API_KEY, value: canary-{number}}}\n"
            )
        };
        let documents: Vec<String> = (0..300).map(document).collect();
        let stream = documents.concat();
        assert!(stream.len() > LARGE);
        let mut config = Config::default();
        let rules = "{apiVersion: resecret.dev/v1alpha1, kind: Resecret, spec: {env: [{to: vault, vars: {SALT: salt}}]}}";
        config.add_file("rules.yaml", rules).expect("rules");
        let whole = filter(stream.as_bytes(), &config).expect("goes through");
        let alone = |text: &String| filter(text.as_bytes(), &config).expect("goes through").to_vec();
        assert_eq!(whole.to_vec(), documents.iter().map(alone).collect::<Vec<_>>().concat());
        assert_eq!(whole.diagnostics().len(), 300, "a credential that no rule covers, in each");
        let numbers = run(stream.as_bytes(), &config, Reach::Candidates, |seen| seen.document.number);
        let (_, views) = numbers.expect("goes through");
        assert_eq!(views, (1..=300).collect::<Vec<_>>(), "views have the order of the stream");
    }
}
