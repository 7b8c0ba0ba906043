//! `spec.dropAnnotations`, and annotations that would roll pods on a value nobody reads any more.
//!
//! When a Secret is removed, the hash of its template still changes with values that no pod reads.

use crate::config::Pattern;
use crate::diagnostics::addition::add_to;
use crate::diagnostics::{Code, Finding, Severity};
use crate::edit::patch::Op;
use crate::rules::{ConfigEntry, Context, ObjectView, Rule, RuleOutput};
use crate::search::prefilter::Interest;
use crate::yaml::scalar::plain_or_quoted;
use crate::yaml::{NodeId, Path};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "annotations",
    settings: &["dropAnnotations"],
    codes: &[Code::ChecksumAnnotation],
    words: |config, words| {
        if !config.drop_annotations.is_empty() {
            words.add(&["annotations"], Interest::Edit);
        }
    },
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let redirected = !outcome.patch.is_empty();
    for Annotation { name, value, path, node } in template_annotations(subject) {
        let rules = context.config.drop_annotations.iter().enumerate();
        let matching: Vec<usize> =
            rules.filter(|(_, rule)| rule.annotation.matches(name)).map(|(number, _)| number).collect();
        if !matching.is_empty() {
            outcome.matched.extend(matching.into_iter().map(ConfigEntry::Annotation));
            outcome.patch.push(Op::Remove { path });
        } else if redirected && context.facts.checksums.find(name, value).is_some() {
            outcome.findings.push(Finding {
                code: Code::ChecksumAnnotation,
                severity: Severity::Warning,
                message: format!(
                    "annotation {name} seems to hash a removed Secret: it would still roll the pods"
                ),
                help: add_to("dropAnnotations", &plain_or_quoted(&Pattern::escaped(name))),
                path,
                node,
            });
        }
    }
}

/// An annotation of a pod template.
pub(crate) struct Annotation<'t> {
    /// Its name.
    pub(crate) name: &'t str,
    /// Its value; empty where it is none.
    pub(crate) value: &'t str,
    /// Its path.
    pub(crate) path: Path,
    /// The node of its name.
    pub(crate) node: NodeId,
}

/// The annotations of an object's pod templates.
pub(crate) fn template_annotations<'t>(subject: &ObjectView<'_, 't, '_>) -> Vec<Annotation<'t>> {
    let tree = subject.object.tree;
    let keys = ["metadata", "annotations"];
    let mut found = Vec::new();
    for (path, template) in &subject.pods.templates {
        let entries = tree.get_in(*template, &keys).and_then(|annotations| tree.entries(annotations));
        for (key, value) in entries.unwrap_or_default() {
            let Some(name) = tree.text(*key) else { continue };
            let value = tree.text(*value).unwrap_or_default();
            found.push(Annotation { name, value, path: path.keys(&keys).key(name), node: *key });
        }
    }
    found
}
