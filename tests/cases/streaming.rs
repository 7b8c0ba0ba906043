use anyhow::Context;
use resecret::{Config, StreamError};

use crate::whole::{Outcome, compare};

/// Runs document by document and compares with the run on the whole: the same, or refused for a reason that only the whole
/// stream can do away with. Gives back what stopped the run.
pub(crate) fn check(config: &Config, input: &[u8]) -> anyhow::Result<Option<StreamError>> {
    let outcome = compare(config, input, input, secrets_come_first(input), |_| false);
    match outcome.map_err(anyhow::Error::msg)? {
        Outcome::Both | Outcome::NotSeen => Ok(None),
        Outcome::Refused(error) | Outcome::Neither(error) => Ok(Some(error)),
    }
}

/// Checks a render whose Secrets come first: nothing is refused.
pub(crate) fn goes_through(config: &Config, input: &[u8]) -> anyhow::Result<()> {
    match check(config, input)? {
        Some(error) => Err(error).context("document by document it is refused"),
        None => Ok(()),
    }
}

/// Whether every document with a Secret stands before all others.
fn secrets_come_first(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let holds_secret = |document: &&str| document.contains("kind: Secret");
    let filled = text.split("\n---").filter(|document| document.contains("kind:"));
    let others: Vec<&str> = filled.skip_while(holds_secret).collect();
    !others.iter().any(holds_secret)
}
