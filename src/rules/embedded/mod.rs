//! Objects that are embedded as YAML or JSON in a text: a pod template in a ConfigMap, settings of Argo CD, what kubectl
//! notes of the last apply.
//!
//! They are read like objects of the stream, and the references in them are redirected in the text: its bytes stay except
//! for the names. Findings are reported at the text, with the place inside.

mod texts;

use crate::diagnostics::{Code, Doubtful, Finding, Severity};
use crate::edit::edit;
use crate::edit::patch::{Op, Rewriting, rewritten};
use crate::kube::object::Object;
use crate::rules::embedded::texts::{collect, embedded_objects, narrowed};
use crate::rules::{Context, ObjectView, Rule, RuleOutput, config_map_keys, env_from, left_behind, secrets};
use crate::stream;
use crate::yaml::{NodeId, Path, Trail, Tree, parse};

/// How deep texts that hold texts are read.
const DEPTH: usize = 3;

/// The rule. What it reports are findings of others, inside a text.
pub(super) const RULE: Rule = Rule {
    name: "embedded",
    settings: &["secrets", "configMaps", "redirect", "references"],
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    in_object(subject.object, context, outcome, DEPTH);
}

fn in_object(object: &Object<'_, '_>, context: Context<'_>, outcome: &mut RuleOutput, depth: usize) {
    let searches = [context.facts.removed_names(), context.facts.config_maps.split_names()];
    let names = |text: &str| searches.iter().flatten().any(|names| names.is_match(text));
    if depth == 0 || searches.iter().all(Option::is_none) {
        return;
    }
    let mut texts = Vec::new();
    if names(object.tree.source_of(object.tree.resolve(object.node))) {
        collect(object.tree, object.node, Trail::Start(&object.path), &mut texts);
    }
    for (node, path) in texts {
        let text = object.tree.text(node).unwrap_or_default();
        if names(text) && !outcome.patch.decides(&path) {
            Embedded { context, node, path, text, depth }.apply(outcome);
        }
    }
}

/// A text of an object that may hold others.
struct Embedded<'a, 't> {
    context: Context<'a>,
    node: NodeId,
    path: Path,
    text: &'t str,
    depth: usize,
}

impl Embedded<'_, '_> {
    fn apply(&self, outcome: &mut RuleOutput) {
        let documents: Option<Vec<(usize, Tree<'_>)>> = stream::documents(self.text.as_bytes())
            .map(|document| {
                let tree = parse(stream::text(&document).ok()?).ok()?;
                Some((document.offset + document.body, tree))
            })
            .collect();
        let (mut edits, mut inside) = (Vec::new(), Vec::new());
        for (offset, tree) in documents.iter().flatten() {
            let reads = outcome.reads.as_ref().map(|_| Vec::new());
            let mut inner = RuleOutput { reads, ..RuleOutput::default() };
            for object in embedded_objects(tree) {
                self.object(&object, &mut inner, outcome);
            }
            match edit(tree, &inner.patch) {
                Ok(None) => {}
                Ok(Some((_, splices))) => {
                    edits.extend(splices.shifted(*offset).map(|edit| narrowed(self.text, edit)));
                    let places = inner.patch.ops().iter().filter(|op| !matches!(op, Op::Test { .. }));
                    inside.extend(places.map(|op| op.path().to_string()));
                }
                Err(refused) => outcome.findings.push(Finding {
                    code: refused.diagnostic.code,
                    severity: refused.diagnostic.severity,
                    message: format!("in what this text holds: {}", refused.diagnostic.message),
                    help: refused.diagnostic.help,
                    path: self.path.clone(),
                    node: self.node,
                }),
            }
        }
        if !edits.is_empty() {
            let text = rewritten(self.text, &edits);
            let rewriting = Rewriting { text, edits, inside: inside.join(", ") };
            outcome.patch.push(Op::Rewrite { path: self.path.clone(), rewriting: rewriting.into() });
        }
    }

    /// Reads one object; what changes in it is for `inner`, what there is to say for `outcome`.
    fn object(&self, object: &Object<'_, '_>, inner: &mut RuleOutput, outcome: &mut RuleOutput) {
        let (view, matched) = ObjectView::of(object, self.context);
        outcome.matched.extend(matched.into_iter().map(super::ConfigEntry::Reference));
        (secrets::RULE.apply)(&view, self.context, inner);
        (config_map_keys::RULE.apply)(&view, self.context, inner);
        (env_from::RULE.apply)(&view, self.context, inner);
        in_object(object, self.context, inner, self.depth - 1);
        if !object.kind.is_empty() {
            left_behind::fields(&view, self.context, inner);
        }
        let place = |finding: Finding| self.place(object, finding);
        outcome.findings.extend(inner.findings.drain(..).map(place));
        let doubtful = inner.doubtful.drain(..);
        outcome
            .doubtful
            .extend(doubtful.map(|found| Doubtful { finding: self.place(object, found.finding), ..found }));
        outcome.matched.append(&mut inner.matched);
        for mut read in inner.reads.iter_mut().flat_map(|reads| reads.drain(..)) {
            read.namespace = read.namespace.or_else(|| object.namespace().map(str::to_owned));
            read.path = self.path.clone();
            outcome.read(|| read);
        }
    }

    /// A finding inside, said at the text.
    fn place(&self, object: &Object<'_, '_>, finding: Finding) -> Finding {
        let what = object.reference();
        let what = if what.kind.is_empty() { String::new() } else { format!("{}/{} ", what.kind, what.name) };
        let message = format!("in what this text holds, at {what}{}: {}", finding.path, finding.message);
        // What is only a warning of a text stays one; what names an object's field is as strict as there.
        let severity = if finding.code == Code::NameInText { Severity::Warning } else { finding.severity };
        Finding { message, severity, path: self.path.clone(), node: self.node, ..finding }
    }
}
