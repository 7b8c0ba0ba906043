//! `spec.dropAnnotations`, and annotations that would roll pods on a value nobody reads any more.
//!
//! Charts put the hash of a Secret's template into the pod template (`checksum/secret`), so that pods restart when it
//! changes. When the Secret is removed, the hash still changes with values that no pod reads.

use crate::diagnostics::{Code, Finding, Severity};
use crate::edit::patch::Op;
use crate::rules::{ConfigEntry, Context, ObjectView, RuleOutput};
use crate::yaml::{NodeId, Path};

pub(super) fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let redirected = !outcome.patch.is_empty();
    for Annotation { name, path, node } in template_annotations(subject) {
        let rules = context.config.drop_annotations.iter().enumerate();
        let matching: Vec<usize> =
            rules.filter(|(_, rule)| rule.annotation.matches(name)).map(|(number, _)| number).collect();
        if !matching.is_empty() {
            outcome.matched.extend(matching.into_iter().map(ConfigEntry::Annotation));
            outcome.patch.push(Op::Remove { path });
        } else if redirected && hashes_a_removed_secret(name, context) {
            outcome.findings.push(Finding {
                code: Code::ChecksumAnnotation,
                severity: Severity::Warning,
                message: format!(
                    "annotation {name} seems to hash a removed Secret: it would still roll the pods"
                ),
                help: format!("add to spec: dropAnnotations: [{name:?}]"),
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
    /// Its path.
    pub(crate) path: Path,
    /// The node of its name.
    pub(crate) node: NodeId,
}

/// The annotations of an object's pod templates that seem to hash a removed Secret.
pub(crate) fn checksums<'t>(subject: &ObjectView<'_, 't, '_>, context: Context<'_>) -> Vec<Annotation<'t>> {
    let annotations = template_annotations(subject).into_iter();
    annotations.filter(|annotation| hashes_a_removed_secret(annotation.name, context)).collect()
}

fn template_annotations<'t>(subject: &ObjectView<'_, 't, '_>) -> Vec<Annotation<'t>> {
    let tree = subject.object.tree;
    let keys = ["metadata", "annotations"];
    let mut found = Vec::new();
    for (path, template) in &subject.pods.templates {
        let entries = tree.get_in(*template, &keys).and_then(|annotations| tree.entries(annotations));
        for (key, _) in entries.unwrap_or_default() {
            let Some(name) = tree.text(*key) else { continue };
            found.push(Annotation { name, path: path.keys(&keys).key(name), node: *key });
        }
    }
    found
}

/// Whether `checksum/…` names a removed Secret: by the word, by the end of its name, or by the name of its template.
fn hashes_a_removed_secret(annotation: &str, context: Context<'_>) -> bool {
    let Some(subject) = annotation.strip_prefix("checksum/") else { return false };
    let mut removed = context.facts.removed().peekable();
    if removed.peek().is_none() {
        return false;
    }
    let stem = subject.trim_end_matches(".yaml");
    let ending = format!("-{stem}");
    subject.contains("secret")
        || subject.contains("credential")
        || removed.any(|secret| {
            let template = secret.template.as_deref().and_then(|path| path.rsplit('/').next());
            secret.name == stem
                || secret.name.ends_with(&ending)
                || template.is_some_and(|file| file.trim_end_matches(".yaml") == stem)
        })
}
