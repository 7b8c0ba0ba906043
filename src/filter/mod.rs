//! The run: collect, rewrite, write.
//!
//! ```text
//! bytes → documents → search → tree → objects → rules → patch → splices → verified → bytes
//! ```
//!
//! The first pass collects which Secrets the stream renders and which of them a rule removes. The second one rewrites each
//! document. Nothing is written before the last document is verified.

pub(crate) mod parse_document;
pub(crate) mod doubts;
pub(crate) mod allow;
pub(crate) mod findings;
pub(crate) mod collect;
pub(crate) mod rewrite;
pub(crate) mod filtered;
pub(crate) mod streaming;

use std::collections::BTreeSet;

use crate::config::Config;
use crate::diagnostics::addition::join;
use crate::diagnostics::{Diagnostic, Error, Severity};
use crate::filter::collect::{Collected, collect};
use crate::filter::doubts::Doubts;
use crate::filter::filtered::{Filtered, Summary};
use crate::filter::findings::{conclude, has_unreadable, in_order};
use crate::filter::rewrite::{Rewriter, RewrittenDocument, rewrite_all};
use crate::krm::InputFormat;
use crate::rules::already_filtered;
use crate::rules::elsewhere::Elsewhere;
use crate::rules::unmatched::unmatched;
use crate::rules::vaulted_values::VaultedValues;
use crate::rules::{RULES, Rule};
use crate::search::prefilter::Interest;
use crate::stream::output::{Action, Finished, Output};

/// Applies a configuration to a stream of manifests.
///
/// # Errors
///
/// Everything that would make the result other than what the configuration says: see [`Code`](crate::Code). All that was found is
/// in the error; there is no partial result.
///
/// # Example
///
/// ```
/// let mut config = resecret::Config::default();
/// config.add_file("resecret.yaml", "
/// apiVersion: resecret.dev/v1alpha1
/// kind: Resecret
/// spec:
///   secrets:
///   - {name: '*-nextauth', to: langfuse-vault}
/// ")?;
/// let render = b"\
/// ---
/// apiVersion: v1
/// kind: Secret
/// metadata: {name: lf-nextauth}
/// stringData: {nextauth-secret: changeme}
/// ---
/// apiVersion: v1
/// kind: Pod
/// metadata: {name: web}
/// spec:
///   containers:
///   - name: web
///     env: [{name: NEXTAUTH_SECRET, valueFrom: {secretKeyRef: {name: lf-nextauth, key: nextauth-secret}}}]
/// ";
/// let filtered = resecret::filter(render, &config)?;
/// let text = String::from_utf8(filtered.to_vec()).unwrap();
/// assert!(!text.contains("changeme") && text.contains("{name: langfuse-vault, key: nextauth-secret}"));
/// # Ok::<(), resecret::Error>(())
/// ```
pub fn filter<'i>(input: &'i [u8], config: &Config) -> Result<Filtered<'i>, Error> {
    run(input, config, Reach::Candidates, |_| ()).map(|(filtered, _)| filtered)
}

/// Which documents a run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those that a rule or a policy could concern.
    Candidates,
    /// All of them.
    Every,
}

/// The run of [`filter()`], and what `view` makes of each document that it looks at, in the order of the stream.
///
/// # Errors
///
/// Those of [`filter()`].
pub(crate) fn run<'i, T: Send>(
    input: &'i [u8],
    config: &Config,
    reach: Reach,
    view: impl Fn(&RewrittenDocument<'_, '_, '_>) -> T + Sync,
) -> Result<(Filtered<'i>, Vec<T>), Error> {
    run_rules(RULES, input, config, reach, view)
}

/// [`run`] with these rules.
fn run_rules<'i, T: Send>(
    rules: &[Rule],
    input: &'i [u8],
    config: &Config,
    reach: Reach,
    view: impl Fn(&RewrittenDocument<'_, '_, '_>) -> T + Sync,
) -> Result<(Filtered<'i>, Vec<T>), Error> {
    let Judged { format, output, summary, found, views } = judge(rules, input, config, reach, view)?;
    let diagnostics = conclude(found)?;
    let Finished { pieces, changes } = format.with_results(input, output.finish(), &diagnostics)?;
    Ok((Filtered { input, pieces, changes, diagnostics, summary }, views))
}

/// What a run has come to, before errors end it.
pub(crate) struct Judged<'i, T> {
    format: InputFormat,
    output: Output<'i>,
    summary: Summary,
    /// All that was found, errors too, in the order of the stream.
    pub(crate) found: Vec<Diagnostic>,
    /// What the view made of each document.
    pub(crate) views: Vec<T>,
}

/// The run, for who also wants to see what an error belongs to.
///
/// # Errors
///
/// A stream that nobody can look into.
pub(crate) fn judge<'i, T: Send>(
    rules: &[Rule],
    input: &'i [u8],
    config: &Config,
    reach: Reach,
    view: impl Fn(&RewrittenDocument<'_, '_, '_>) -> T + Sync,
) -> Result<Judged<'i, T>, Error> {
    let Collected { mut candidates, format, facts, leaked_values, mut findings } =
        collect(input, config, rules)?;
    if reach == Reach::Every {
        candidates.add_all(Interest::Check(Severity::Warning));
    }
    let notes_reads = reach == Reach::Every;
    let rewriter =
        Rewriter { rules, config, format, facts: &facts, leaked_values: &leaked_values, notes_reads };
    let rewrites = rewrite_all(&rewriter, input, &candidates.found, &view);

    let mut output = Output::new(input);
    let mut summary = Summary { documents: candidates.documents, edited: 0, removed: facts.removed_count() };
    let (mut matched, mut views, mut doubts) = (BTreeSet::new(), Vec::new(), Doubts::default());
    let mut literals = VaultedValues::default();
    for (document, mut rewrite) in rewrites {
        rewrite.hold(&mut literals, &leaked_values);
        summary.edited += usize::from(matches!(rewrite.action, Action::Replace(_)));
        output.put(&document, rewrite.action);
        findings.extend(rewrite.findings);
        doubts.extend(rewrite.doubts);
        matched.extend(rewrite.matched);
        views.extend(rewrite.view);
    }
    findings.extend(doubts.settle().map(|diagnostic| leaked_values.conceal(diagnostic)));
    matched.extend(allow::apply(&mut findings, config));
    if !has_unreadable(&findings) {
        let elsewhere = Elsewhere::of(input, config);
        let mut unmatched = unmatched(config, &facts, &matched, &elsewhere);
        if summary.edited == 0 && summary.removed == 0 {
            unmatched = already_filtered::recognize(unmatched, input, config, &elsewhere);
        }
        findings.extend(unmatched);
    }
    let mut findings = in_order(findings);
    join(&mut findings);
    let found = format.located(input, findings);
    Ok(Judged { format, output, summary, found, views })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::{Code, Finding};
    use crate::edit::patch::Op;

    /// A rule in the way that CONTRIBUTING describes: what it looks for, what it reports, what it does.
    const TOY: Rule = Rule {
        name: "toy",
        codes: &[Code::NameInText],
        words: |_, words| words.add(&["toy"], Interest::Edit),
        apply: |subject, _, outcome| {
            let object = subject.object;
            let Some(toy) = object.tree.get(object.node, "toy") else { return };
            let path = object.path.key("toy");
            if object.tree.text(toy) == Some("broken") {
                let (message, help) = ("the toy is broken".to_owned(), "mend it".to_owned());
                let (code, severity) = (Code::NameInText, Severity::Warning);
                outcome.findings.push(Finding { code, severity, message, help, path, node: toy });
            } else {
                outcome.patch.push(Op::replace(path, "ball"));
            }
        },
        ..Rule::QUIET
    };

    #[test]
    fn a_rule_is_all_that_a_new_behaviour_takes() {
        let mut config = Config::default();
        config.add_preset("langfuse", "vault").expect("a preset");
        config.allow_unmatched();
        let input = b"kind: Box\ntoy: doll # old\n---\nkind: Box\ntoy: broken\n---\nkind: Box\ngame: chess\n";
        let run = |rules: &[Rule]| {
            run_rules(rules, input, &config, Reach::Candidates, |_| ()).expect("the run goes through").0
        };
        let filtered = run(&[TOY]);
        let expected =
            "kind: Box\ntoy: ball # old\n---\nkind: Box\ntoy: broken\n---\nkind: Box\ngame: chess\n";
        assert_eq!(String::from_utf8_lossy(&filtered.to_vec()), expected);
        let said: Vec<&str> = filtered.diagnostics().iter().map(|found| found.message.as_str()).collect();
        assert_eq!(said, ["the toy is broken"]);
        assert_eq!(run(RULES).to_vec(), input, "without it no rule looks at toys");
    }
}
