//! `policy.plaintext`: literals that look like credentials and that no rule covers.
//!
//! Looked for in variables, in the data of ConfigMaps, in arguments, in annotations, in headers of probes and in the
//! fields of custom resources. A finding names the place and the reason, never the value; a place gets one finding.

mod holder;
mod search;

pub(crate) use self::holder::Credential;
use self::holder::Holder;
pub(crate) use self::search::{credentials, literal};
use crate::diagnostics::{Code, Finding};
use crate::rules::{Context, ObjectView, RuleOutput};

pub(super) fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let Some(severity) = context.config.policy.plaintext.severity() else { return };
    for found in credentials(subject, context) {
        let what = found.what();
        let Credential { holder, reason, path, node, .. } = found;
        if matches!(holder, Holder::Variable { .. }) && outcome.patch.decides(&path) {
            continue;
        }
        outcome.findings.push(Finding {
            code: Code::Plaintext,
            severity,
            message: format!("{what} looks like a plain credential: {reason}"),
            help: format!("{}, or set policy.plaintext", holder.remedy()),
            path,
            node,
        });
    }
}
