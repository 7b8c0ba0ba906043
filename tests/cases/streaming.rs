use anyhow::{Context, bail, ensure};
use resecret::{Cause, Config, Diagnostic, Rule, Severity, StreamError};

/// What is judged by the Secrets that have come so far.
const LOOKED_FOR: [Rule; 5] =
    [Rule::LeftBehind, Rule::NameInText, Rule::ValueLeftBehind, Rule::ChecksumAnnotation, Rule::Plaintext];

/// Runs document by document and compares with the run on the whole: the same, or refused for a reason that only the whole
/// stream can do away with. Gives back what stopped the run.
pub(crate) fn check(config: &Config, input: &[u8]) -> anyhow::Result<Option<StreamError>> {
    let whole = resecret::filter(input, config);
    let (mut output, mut said) = (Vec::new(), Vec::new());
    let mut report = |found: &[Diagnostic]| said.extend_from_slice(found);
    let streamed = resecret::filter_stream(input, &mut output, config, &mut report);
    match (whole, streamed) {
        (Ok(whole), Ok(summary)) => {
            ensure!(whole.to_vec() == output, "document by document the output is another one");
            ensure!(whole.summary() == summary, "document by document the summary is {summary}");
            let early = !secrets_come_first(input);
            let same = lasting(whole.diagnostics(), early) == lasting(&said, early);
            ensure!(same, "document by document {said:?} is said");
            Ok(None)
        }
        (whole, Err(error)) => {
            let Cause::Refused(refused) = error.cause() else {
                bail!("memory can be read and written: {error}")
            };
            if let Ok(whole) = whole {
                let errors = errors(refused.diagnostics());
                let reason = errors.iter().all(|rule| *rule == Rule::NeedsWholeStream);
                ensure!(reason, "document by document it is refused for {errors:?}");
                ensure!(
                    whole.to_vec().starts_with(&output),
                    "what was written before an error is another output"
                );
            }
            Ok(Some(error))
        }
        (Err(whole), Ok(_)) => {
            let errors = errors(whole.diagnostics());
            let unseen = errors.iter().all(|rule| LOOKED_FOR.contains(rule));
            ensure!(
                unseen && !secrets_come_first(input),
                "document by document it goes through, and should be refused for {errors:?}"
            );
            Ok(None)
        }
    }
}

/// Checks a render whose Secrets come first: nothing is refused.
pub(crate) fn goes_through(config: &Config, input: &[u8]) -> anyhow::Result<()> {
    match check(config, input)? {
        Some(error) => Err(error).context("document by document it is refused"),
        None => Ok(()),
    }
}

fn errors(diagnostics: &[Diagnostic]) -> Vec<Rule> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors.map(|diagnostic| diagnostic.rule).collect()
}

/// What is said whatever the order of the documents is; all of it, where nothing is judged too early.
fn lasting(diagnostics: &[Diagnostic], early: bool) -> Vec<&Diagnostic> {
    let lasts = |diagnostic: &&Diagnostic| !early || !LOOKED_FOR.contains(&diagnostic.rule);
    diagnostics.iter().filter(lasts).collect()
}

/// Whether every document with a Secret stands before all others.
fn secrets_come_first(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let holds_secret = |document: &&str| document.contains("kind: Secret");
    let filled = text.split("\n---").filter(|document| document.contains("kind:"));
    let others: Vec<&str> = filled.skip_while(holds_secret).collect();
    !others.iter().any(holds_secret)
}
