//! Hooks that read a removed Secret.
//!
//! Helm 3 sends no hook through a post-renderer, so the run never changes it there.
//! [`Config::warn_of_hooks`](crate::Config::warn_of_hooks) asks for the warning: only `helm template` shows hooks beside the release.

use crate::diagnostics::{Code, Finding};
use crate::rules::chart_secret::Share;
use crate::rules::facts::Resolution;
use crate::rules::{Context, ObjectView, Rule, RuleOutput};

/// The rule.
pub(super) const RULE: Rule =
    Rule { name: "hooks", settings: &["secrets"], codes: &[Code::HookReference], apply, ..Rule::QUIET };

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let Some(severity) = context.config.hooks.severity() else { return };
    let object = subject.object;
    let Some(hook) = object.hook().filter(|_| object.skips_post_renderer()) else { return };
    for reference in &subject.references {
        let namespace = reference.namespace.or_else(|| object.namespace());
        let Resolution::Removed(secret) = context.facts.target(reference.name, namespace, context.config)
        else {
            continue;
        };
        // A Secret that is a hook itself stays beside its readers; one that is only named was never the chart's.
        if secret.is_named_only || secret.skips_post_renderer {
            continue;
        }
        let share = secret.share(reference, &object.kind);
        if share == Share::Nothing {
            continue;
        }
        let fate = if secret.is_split { "of which a rule moves some keys" } else { "which a rule removes" };
        outcome.findings.push(Finding {
            code: Code::HookReference,
            severity,
            message: format!(
                "this {hook} hook reads Secret {}, {fate}: Helm 3 sends no hook through the post-renderer, so the hook would not find it",
                reference.name
            ),
            help: "in the chart's values, point the hook at the vaulted Secret or disable it; or use Helm 4, which sends hooks through the post-renderer"
                .to_owned(),
            path: reference.path.clone(),
            node: reference.node,
        });
    }
}
