//! The law of `filter_stream`, on one stream: it says what `filter` says, or refuses for what only the whole stream
//! can say.

use std::io::Read;

use resecret::{Cause, Code, Config, Diagnostic, Error, Severity, StreamError, filter, filter_stream};

/// What is judged by the Secrets that have come so far.
const LOOKED_FOR: [Code; 5] =
    [Code::LeftBehind, Code::NameInText, Code::ValueLeftBehind, Code::ChecksumAnnotation, Code::Plaintext];

/// What came of a stream, the whole and document by document.
pub(crate) enum Outcome {
    /// Both go through, and are the same.
    Both,
    /// The whole goes through, and the stream is refused for what only the whole can say.
    Refused(StreamError),
    /// The whole is refused for what the stream has not seen.
    NotSeen,
    /// Both are refused.
    Neither(StreamError),
}

/// Compares both runs; the reader gives the bytes of the input. Where Secrets come first, nothing is judged too early.
/// Else the stream may also miss errors that are `excused`.
///
/// # Errors
///
/// How the law is broken.
pub(crate) fn compare(
    config: &Config,
    input: &[u8],
    reader: impl Read,
    secrets_first: bool,
    excused: impl Fn(&Diagnostic) -> bool,
) -> Result<Outcome, String> {
    let lasting = |diagnostics: &[Diagnostic]| -> Vec<Diagnostic> {
        let lasts = |diagnostic: &&Diagnostic| secrets_first || !LOOKED_FOR.contains(&diagnostic.code);
        // Whether another object has a name that a text holds, only the whole stream says.
        let lasts = |diagnostic: &&Diagnostic| lasts(diagnostic) && diagnostic.code != Code::NameInText;
        // The first of several findings says what all of them ask for, and a stream knows only what has come.
        let alone = |diagnostic: &Diagnostic| {
            let lines = diagnostic.help.lines().filter(|line| !line.starts_with("for all "));
            Diagnostic { help: lines.collect::<Vec<_>>().join("\n"), ..diagnostic.clone() }
        };
        diagnostics.iter().filter(lasts).map(alone).collect()
    };
    let whole = filter(input, config);
    let (mut output, mut said) = (Vec::new(), Vec::new());
    let mut report = |found: &[Diagnostic]| said.extend_from_slice(found);
    match (whole, filter_stream(reader, &mut output, config, &mut report)) {
        (Ok(whole), Ok(summary)) => {
            demand(whole.to_vec() == output, || {
                format!("another output:\n{}", String::from_utf8_lossy(&output))
            })?;
            demand(whole.summary() == summary, || format!("another summary: {summary}"))?;
            demand(lasting(whole.diagnostics()) == lasting(&said), || format!("{said:?} is said"))?;
            Ok(Outcome::Both)
        }
        (Ok(whole), Err(error)) => {
            let reasons: Vec<Code> = errors(refusal(&error)?).map(|found| found.code).collect();
            let only_whole = reasons.iter().all(|rule| *rule == Code::NeedsWholeStream);
            demand(only_whole, || format!("refused for {reasons:?}"))?;
            demand(whole.to_vec().starts_with(&output), || "what was written is another output".to_owned())?;
            let written = error.written().bytes;
            demand(written == output.len() as u64, || format!("{written} bytes are said to be written"))?;
            Ok(Outcome::Refused(error))
        }
        (Err(error), Ok(_)) => {
            let known = |found: &&Diagnostic| LOOKED_FOR.contains(&found.code) || excused(found);
            let missed = errors(&error).any(|found| secrets_first || !known(&found));
            demand(!missed, || format!("{:?} not seen", error.diagnostics()))?;
            Ok(Outcome::NotSeen)
        }
        (Err(_), Err(error)) => {
            refusal(&error)?;
            Ok(Outcome::Neither(error))
        }
    }
}

fn demand(holds: bool, broken: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("document by document: {}", broken())) }
}

fn errors(error: &Error) -> impl Iterator<Item = &Diagnostic> {
    error.diagnostics().iter().filter(|found| found.severity == Severity::Error)
}

fn refusal(error: &StreamError) -> Result<&Error, String> {
    match error.cause() {
        Cause::Refused(error) => Ok(error),
        other => Err(format!("memory can be read and written: {other:?}")),
    }
}
