//! A stream that the filter has been over already: its output, or `helm get manifest` of a release that it made.
//!
//! There every rule would report that it matches nothing. This reports the one cause, once.

use std::collections::BTreeSet;

use crate::config::{Config, SecretsRule};
use crate::diagnostics::{Code, Diagnostic, Location};
use crate::rules::elsewhere::Elsewhere;
use crate::search::prefilter::search;

/// The findings of rules that matched nothing in a stream that no rule has changed; one finding in their place where the
/// stream reads the vaulted Secrets of all rules already.
pub(crate) fn recognize(
    unmatched: Vec<Diagnostic>,
    input: &[u8],
    config: &Config,
    elsewhere: &Elsewhere<'_>,
) -> Vec<Diagnostic> {
    let rules = || config.secrets.iter().filter(|rule| !rule.redirects && !rule.optional);
    let vaulted: BTreeSet<&str> = rules().filter_map(vaulted).collect();
    let Some(severity) = unmatched.iter().map(|diagnostic| diagnostic.severity).max() else {
        return unmatched;
    };
    if vaulted.is_empty() || !names_all(input, &vaulted) {
        return unmatched;
    }
    // The filter leaves no reference to a Secret of its rules.
    if rules().any(|rule| elsewhere.reader(&rule.name, |name| vaulted.contains(name)).is_some()) {
        return unmatched;
    }
    let names: Vec<&str> = vaulted.into_iter().collect();
    let message = format!(
        "the stream is already filtered, as it seems: no rule changes it, and it names {} of the rules",
        names.join(", ")
    );
    let rest: Vec<&str> = unmatched.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    let help = format!(
        "filter what `helm template` prints, not what the filter or `helm get manifest` has printed; if it is that, {}",
        rest.join("; ")
    );
    vec![Diagnostic::error(Code::Unmatched, message, help).with_severity(severity).at(Location::default())]
}

/// The vaulted Secret of a rule, where it has another name than the chart's.
fn vaulted(rule: &SecretsRule) -> Option<&str> {
    rule.to.as_deref().filter(|_| !rule.same_name)
}

/// Whether each of these names is somewhere in the stream, as a word.
fn names_all(input: &[u8], names: &BTreeSet<&str>) -> bool {
    let Ok(search) = search(names.iter()) else { return false };
    let is_part =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(byte));
    let before = |start: usize| start.checked_sub(1).and_then(|before| input.get(before));
    let words = search
        .find_iter(input)
        .filter(|found| !is_part(before(found.start())) && !is_part(input.get(found.end())));
    let found: BTreeSet<usize> = words.map(|found| found.pattern().as_usize()).collect();
    found.len() == names.len()
}
