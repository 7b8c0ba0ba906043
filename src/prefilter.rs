//! Could a rule touch this document? May say yes wrongly, never no wrongly.
//!
//! Bytes are searched, nothing is parsed. Three things could hide a word from such a search, and each makes the
//! answer yes: an escape in double quotes (`"\u0053ecret"`), a line break that is escaped there, and `!!binary`.
//! Aliases and merge keys hide nothing: what they stand for is spelled out in the same document.

use aho_corasick::AhoCorasick;
use memchr::memmem;

use crate::config::{Config, Level};
use crate::diagnostic::Severity;
use crate::error::Error;
use crate::facts::{ChartSecret, Facts};
use crate::refuse;
use crate::survivors::Survivors;

/// What could spell a name differently from its bytes.
pub(crate) const DISGUISES: [&str; 7] = ["\\x", "\\u", "\\U", "\\\n", "\\\r", "!binary", ":binary"];

/// Every field that names a Secret has one of these in its key, or in that of a parent, or is a storage class'.
pub(crate) const REFERENCES: [&str; 5] = ["ecret", "Ref", "basicAuth", "credentials", "StorageClass"];

/// Whether a document could hold a Secret object.
pub(crate) struct SecretFilter(AhoCorasick);

impl SecretFilter {
    /// Builds the search.
    ///
    /// # Errors
    ///
    /// None in practice: the words are few and fixed.
    pub(crate) fn new() -> Result<Self, Error> {
        search(DISGUISES.iter().map(|word| (*word).to_owned())).map(Self)
    }

    /// `false` only if no object in the document can be of kind Secret.
    pub(crate) fn may_hold_secret(&self, document: &[u8]) -> bool {
        // `imagePullSecrets` and `ExternalSecret` are not the word.
        let begins_word = |at: usize| at == 0 || !document[at - 1].is_ascii_alphanumeric();
        memmem::find_iter(document, b"Secret").any(begins_word) || self.0.is_match(document)
    }
}

/// What a run may want from a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// No rule can touch it, no policy asks about it: its bytes pass.
    Nothing,
    /// A policy asks what stands in it; how much it matters where that cannot be said.
    Check(Severity),
    /// It may name Secrets that are not known yet.
    References,
    /// A rule could change it.
    Edit,
}

/// Whether a rule could change a document or a policy has something to say about it.
pub(crate) struct EditFilter {
    edits: AhoCorasick,
    checks: AhoCorasick,
    severity: Severity,
}

impl EditFilter {
    /// Builds the searches for what the configuration and the facts make interesting.
    ///
    /// # Errors
    ///
    /// More dropped Secrets than the search can hold (billions of bytes of names).
    pub(crate) fn new(config: &Config, facts: &Facts, survivors: &Survivors) -> Result<Self, Error> {
        // Duplicates are looked for in every list of variables, so `env` alone makes a document interesting.
        let mut edits: Vec<String> =
            DISGUISES.iter().chain(&["env"]).map(|word| (*word).to_owned()).collect();
        edits.extend(facts.dropped().flat_map(ChartSecret::names).map(str::to_owned));
        edits.extend(survivors.spellings().map(str::to_owned));
        edits.extend(config.references.iter().map(|rule| rule.kind.clone()));
        if !config.drop_annotations.is_empty() {
            edits.push("annotations".to_owned());
        }
        let mut checks: Vec<&str> = Vec::new();
        if config.policy.external != Level::Allow {
            checks.extend(REFERENCES);
        }
        if config.policy.plaintext != Level::Allow {
            checks.extend(["ConfigMap", "args", "command", "annotations"]);
        }
        let strict = [config.policy.external, config.policy.plaintext].contains(&Level::Error);
        let severity = if strict { Severity::Error } else { Severity::Warning };
        let checks = search(checks.into_iter().map(str::to_owned))?;
        Ok(Self { edits: search(edits.into_iter())?, checks, severity })
    }

    /// Less than [`Interest::Edit`] only if no rule can change the document, [`Interest::Nothing`] only if no policy
    /// has anything to say about it either.
    pub(crate) fn interest(&self, document: &[u8]) -> Interest {
        if self.edits.is_match(document) {
            Interest::Edit
        } else if self.checks.is_match(document) {
            Interest::Check(self.severity)
        } else {
            Interest::Nothing
        }
    }
}

/// A search for words.
pub(crate) fn search(words: impl Iterator<Item = String>) -> Result<AhoCorasick, Error> {
    AhoCorasick::new(words).map_err(|error| refuse::too_much(&error).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_secret_is_found() {
        let filter = SecretFilter::new().expect("a filter");
        for text in [
            "kind: Secret",
            "\"kind\":\"Secret\"",
            "kind: !!str Secret",
            "kind: &k Secret",
            "kind: SecretList",
            "\"kind\": \"\\u0053ecret\"",
            "kind: \"S\\x65cret\"",
            "kind: \"Sec\\\nret\"",
            "kind: !!binary U2VjcmV0",
            "kind: 'Secret'",
        ] {
            assert!(filter.may_hold_secret(text.as_bytes()), "{text}");
        }
        for text in ["imagePullSecrets: []", "kind: ExternalSecret", "secretKeyRef", "kind: ConfigMap"] {
            assert!(!filter.may_hold_secret(text.as_bytes()), "{text}");
        }
    }
}
