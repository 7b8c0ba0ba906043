//! After the rewrite, no field may still name a removed Secret.
//!
//! Charts give a Secret the name of its Service, Deployment and labels, so the field decides, not the text: a field whose
//! key, or a parent's key, is about secrets can be a reference. One that is neither known nor declared stops the run. So
//! does any other field of a custom resource, as long as no other object has the name; else it is a warning. The same name
//! inside a longer text is for `policy.texts`, where that text is about secrets, or where the name is a word of its own and
//! no other object has it.

mod names;
mod words;

pub(crate) use self::names::{NameSite, names};

use self::names::NameLeft;
use self::words::name_in;
use crate::diagnostics::addition::add_to;
use crate::diagnostics::{Code, Doubtful, Finding, Severity};
use crate::edit::patch::Op;
use crate::rules::{Context, ObjectView, Rule, RuleOutput};
use crate::yaml::scalar::plain_or_quoted;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "left_behind",
    settings: &["policy.leftBehind", "policy.texts", "references"],
    codes: &[Code::LeftBehind, Code::NameInText],
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let texts = context.config.policy.texts.severity();
    for found in names(subject, context) {
        match (&found.place, texts) {
            (NameSite::Text(_), Some(severity)) if is_left(subject, context, &found, outcome) => {
                say(found, severity, subject, outcome);
            }
            (NameSite::Text(_), _) => {}
            (NameSite::Field(_) | NameSite::Argument | NameSite::Key, _) => {
                field(found, subject, context, outcome);
            }
        }
    }
}

/// The same for what a text holds: its own texts are part of the whole one.
pub(super) fn fields(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    for found in names(subject, context) {
        if !matches!(found.place, NameSite::Text(_)) {
            field(found, subject, context, outcome);
        }
    }
}

fn field(
    found: NameLeft<'_>,
    subject: &ObjectView<'_, '_, '_>,
    context: Context<'_>,
    outcome: &mut RuleOutput,
) {
    // What another rule removes or replaces is not left.
    if let Some(severity) = context.config.policy.left_behind.severity()
        && !outcome.patch.decides(&found.path)
    {
        say(found, severity, subject, outcome);
    }
}

fn say(found: NameLeft<'_>, severity: Severity, subject: &ObjectView<'_, '_, '_>, outcome: &mut RuleOutput) {
    let doubtful = found.doubtful.then(|| found.name.to_owned());
    let finding = found.finding(severity, &subject.object.kind);
    match doubtful {
        Some(name) => outcome.doubtful.push(Doubtful { name, finding }),
        None => outcome.findings.push(finding),
    }
}

/// Whether a name is still in a text, as other rules have left it.
fn is_left(
    subject: &ObjectView<'_, '_, '_>,
    context: Context<'_>,
    found: &NameLeft<'_>,
    outcome: &RuleOutput,
) -> bool {
    let NameSite::Text(speaks) = found.place else { return false };
    let rewritten = outcome.patch.ops().iter().rev().find_map(|op| match op {
        Op::Rewrite { path, rewriting } if *path == found.path => Some(&rewriting.text),
        _ => None,
    });
    match rewritten {
        Some(text) => name_in(text, speaks, subject.object, context).is_some(),
        None => !outcome.patch.decides(&found.path),
    }
}

impl NameLeft<'_> {
    fn finding(self, severity: Severity, kind: &str) -> Finding {
        let Self { name, place, path, node, is_split, .. } = self;
        let field = "this field holds the name of";
        let fate =
            if is_split { "of which a rule moves some keys to the vault" } else { "which a rule removes" };
        let (code, message, help) = match place {
            NameSite::Field(declared) => (
                Code::LeftBehind,
                format!("{field} Secret {name}, {fate}, and no rule knows the field"),
                format!("if it refers to the Secret, {}", add_to("references", &declaration(kind, &declared))),
            ),
            NameSite::Argument => (
                Code::LeftBehind,
                format!("this argument names Secret {name}, {fate}"),
                "change it in the chart's values: of an option `--…secret-name=NAME`, in one word, the name follows by itself".to_owned(),
            ),
            NameSite::Key => (
                Code::LeftBehind,
                format!("{field} Secret {name}, {fate}, and no rule knows the field"),
                "no rule renames a key: change it in the chart's values".to_owned(),
            ),
            NameSite::Text(_) => (
                Code::NameInText,
                format!("this text names Secret {name}, {fate}"),
                "no rule knows this text: see whether a program reads the Secret by this name, and change it in the chart's values".to_owned(),
            ),
        };
        Finding { code, severity, message, help, path, node }
    }
}

/// The line of `spec.references` for a field.
fn declaration(kind: &str, declared: &str) -> String {
    format!("{{kind: {}, path: {}}}", plain_or_quoted(kind), plain_or_quoted(declared))
}
