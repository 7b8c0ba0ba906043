//! `spec.duplicates`, for the lists other than `env` that the API server merges by key.
//!
//! Server-side apply refuses two entries of one key. Which of two variables counts is known; of two ports or mounts it
//! is not. So entries that mean the same become one, and entries that differ are an error at each of their places.

use crate::config::Duplicates;
use crate::diagnostics::{Code, Finding, Severity};
use crate::edit::patch::Op;
use crate::kube::list_keys::{Repeated, repeated};
use crate::rules::{Context, ObjectView, Rule, RuleOutput};
use crate::search::prefilter::Interest;

/// A document with a list that the API server merges by key (`kube::list_keys`) holds one of these.
const KEYED_LISTS: [&str; 10] = [
    "ontainers",
    "finalizers",
    "ownerReferences",
    "Service",
    "WebhookConfiguration",
    "AdmissionPolicy",
    "EndpointSlice",
    "odGroup",
    "CSIDriver",
    "FlowSchema",
];

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "list_duplicates",
    settings: &["duplicates"],
    codes: &[Code::DuplicateItem],
    words: |config, words| {
        if config.repairs_lists() {
            words.add(&KEYED_LISTS, Interest::Edit);
        }
    },
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    if !context.config.repairs_lists() {
        return;
    }
    for found in repeated(subject.object, &subject.pods) {
        if outcome.patch.decides(&found.list) {
            continue;
        }
        let is_refused = !found.equal || context.config.duplicates == Duplicates::Error;
        if is_refused {
            outcome.findings.extend((0..found.positions.len()).map(|number| finding(&found, number)));
            continue;
        }
        for position in &found.positions[1..] {
            outcome.patch.push(Op::Remove { path: found.list.index(*position) });
        }
    }
}

/// What is wrong with one of the entries: it names the others by path.
fn finding(found: &Repeated, number: usize) -> Finding {
    let others = found.positions.iter().enumerate().filter(|(other, _)| *other != number);
    let others: Vec<String> = others.map(|(_, position)| found.list.index(*position).to_string()).collect();
    let (several, Repeated { field, key, .. }) = (others.len() > 1, found);
    let entries = if several { "other entries" } else { "another entry" };
    let others = others.join(" and ");
    let (message, help) = if found.equal {
        (
            format!("`{field}` has {entries} for {key} at {others}, and spec.duplicates is `error`"),
            "set spec.duplicates to last, first or prefer-secret: these are equal, and one stays",
        )
    } else {
        (
            format!(
                "`{field}` has {entries} for {key} at {others}, they differ, and server-side apply takes only one"
            ),
            "decide in the chart's values which one stays: only equal entries become one by themselves",
        )
    };
    Finding {
        code: Code::DuplicateItem,
        severity: Severity::Error,
        message,
        help: help.to_owned(),
        path: found.list.index(found.positions[number]),
        node: found.nodes[number],
    }
}
