//! `policy.plaintext`: literals that look like credentials and that no rule covers.
//!
//! Looked for in variables, in the data of ConfigMaps, in arguments, in annotations, in headers of probes and in the
//! fields of custom resources. A finding names the place and the reason, never the value; a place gets one finding.

mod holder;
mod judge;
mod may_hold;
mod search;

pub(crate) use self::holder::Credential;
use self::holder::Holder;
use self::may_hold::{ANNOTATIONS, CREDENTIALS, may_hold};
pub(crate) use self::search::{credentials, literal};
use crate::diagnostics::{Code, Finding};
use crate::rules::{Context, ObjectView, Rule, RuleOutput};
use crate::search::prefilter::Interest;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "plaintext",
    settings: &["policy.plaintext"],
    codes: &[Code::Plaintext],
    words: |config, words| {
        if let Some(severity) = config.policy.plaintext.severity() {
            let check = Interest::Check(severity);
            words.add(&["ConfigMap", "args", "command"], check);
            words.suspect(&CREDENTIALS, check, may_hold);
            words.suspect(&[ANNOTATIONS], check, may_hold);
        }
    },
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let Some(severity) = context.config.policy.plaintext.severity() else { return };
    for found in credentials(subject, context) {
        let what = found.what();
        let Credential { holder, reason, path, node, .. } = found;
        if matches!(holder, Holder::Variable { .. } | Holder::Key(_)) && outcome.patch.decides(&path) {
            continue;
        }
        outcome.findings.push(Finding {
            code: Code::Plaintext,
            severity,
            message: format!("{what} looks like a plain credential: {reason}"),
            help: format!(
                "{}\nto look for no plain credentials at all, set spec.policy.plaintext to allow",
                holder.remedy()
            ),
            path,
            node,
        });
    }
}
