//! Findings about a reference that stays as it is.

use crate::config::{SecretsRule, check_name};
use crate::diagnostics::addition::add_to;
use crate::diagnostics::{Code, Finding, Severity};
use crate::kube::references::Reference;
use crate::rules::Context;
use crate::yaml::scalar::plain_or_quoted;

/// What the reference means depends on documents that are still to come.
pub(super) fn too_early(reference: &Reference<'_>, rule: &SecretsRule) -> Finding {
    Finding {
        code: Code::NeedsWholeStream,
        severity: Severity::Error,
        message: format!(
            "cannot tell yet whether Secret {} is removed: a rule removes Secrets with {rule}, and this one has not appeared yet, or is no longer remembered",
            reference.name
        ),
        help: "run without --stream, or let the Secret come first; if it is made elsewhere, list it in spec.vault"
            .to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    }
}

pub(super) fn ambiguous(reference: &Reference<'_>) -> Finding {
    Finding {
        code: Code::AmbiguousReference,
        severity: Severity::Error,
        message: format!(
            "`{}` could be Secrets of different namespaces, which the rules treat differently",
            reference.name
        ),
        help: "give this object its metadata.namespace, or select the Secrets by `namespace` in spec.secrets"
            .to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    }
}

pub(super) fn dangling(reference: &Reference<'_>, context: Context<'_>) -> Option<Finding> {
    Some(Finding {
        code: Code::Dangling,
        severity: context.config.policy.dangling.severity()?,
        message: format!("Secret {} is removed, and this still refers to it", reference.name),
        help: "give the rule in spec.secrets a `to`, or take the variable out by `remove` in spec.env"
            .to_owned(),
        path: reference.path.clone(),
        node: reference.node,
    })
}

/// A name that neither the stream nor the configuration knows: perhaps a typing error.
pub(super) fn external(reference: &Reference<'_>, context: Context<'_>) -> Option<Finding> {
    let severity = context.config.policy.external.severity()?;
    let known = context.facts.renders(reference.name) || context.config.vault.contains(reference.name);
    (!known && reference.is_word()).then(|| Finding {
        code: Code::External,
        severity,
        message: format!("Secret {} is neither in the stream nor in the configuration", reference.name),
        help: match check_name(reference.name) {
            Ok(()) => format!(
                "a typing error? If not, {}\nor send it to another Secret by spec.redirect",
                add_to("vault", &plain_or_quoted(reference.name))
            ),
            Err(_) => "no Secret can have this name: lower-case letters, digits, `-` and `.` only\ncorrect it in the chart's values".to_owned(),
        },
        path: reference.path.clone(),
        node: reference.node,
    })
}
