//! What the run remembers of the documents that have passed. The memory is bounded.
//!
//! Of recent Secrets it keeps everything: what references to them mean, their names and values. Of older ones it keeps only a mark,
//! where the name alone does not say what happens to the Secret. [`Facts::unsettled`] makes that safe: a reference that
//! depends on a Secret that has not come yet, or is forgotten, is refused.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use crate::config::{Config, SecretsRule};
use crate::diagnostics::{Diagnostic, Error};
use crate::filter::collect::{CollectedSecret, collect_secret, removed_targets};
use crate::filter::findings::Findings;
use crate::filter::streaming::needs_whole_stream;
use crate::filter::streaming::seen_names::SeenNames;
use crate::kube::object::{Object, objects};
use crate::rules::facts::{Facts, first_for};
use crate::rules::leaked_values::{LeakedValues, SecretValue};
use crate::search::escapes::may_hide;
use crate::search::incremental::PatternSet;
use crate::search::prefilter::Interest;
use crate::stream::Document;

/// How many Secrets that go are remembered, and how many others.
const MAX_SECRETS: usize = 256;
/// How many bytes of names and values are looked for, unless one Secret alone has more.
const MAX_BYTES: usize = 1 << 20;

/// What is remembered.
pub(super) struct Memory {
    /// The Secrets that are remembered.
    pub(super) facts: Facts,
    /// How many Secrets have been removed.
    pub(super) removed_count: usize,
    /// Names and values of removed Secrets.
    watch: PatternSet<Watched>,
    /// The Secrets that go, the oldest first, and the bytes of what is looked for.
    removed: VecDeque<RemovedSecret>,
    bytes: usize,
    /// The Secrets that stay, the oldest first.
    staying: VecDeque<usize>,
    seen_names: SeenNames,
    /// Secrets from outside the stream that documents refer to: no more than the configuration names.
    outside: BTreeSet<String>,
}

/// A Secret that is removed, and what is looked for because of it.
struct RemovedSecret {
    secret: usize,
    texts: Range<usize>,
    bytes: usize,
}

/// What must not be in a document unseen.
enum Watched {
    /// The name of a removed Secret.
    Name(String),
    /// A value of it.
    Value(SecretValue),
}

impl Watched {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Value(_) => None,
        }
    }

    fn value(&self) -> Option<&SecretValue> {
        match self {
            Self::Name(_) => None,
            Self::Value(value) => Some(value),
        }
    }
}

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Name(name) => name.as_bytes(),
            Self::Value(value) => value.spelling().as_bytes(),
        }
    }
}

impl Memory {
    /// Nothing has passed.
    pub(super) fn new(config: &Config) -> Self {
        let facts = Facts::incomplete(config);
        let mut watch = PatternSet::new();
        for secret in facts.removed() {
            watch.add(Watched::Name(secret.name.clone()));
        }
        Self {
            facts,
            removed_count: 0,
            watch,
            removed: VecDeque::new(),
            bytes: 0,
            staying: VecDeque::new(),
            seen_names: SeenNames::new(config),
            outside: BTreeSet::new(),
        }
    }

    /// Learns of the Secrets in a document.
    pub(super) fn collect_secrets(
        &mut self,
        document: &Document<'_>,
        config: &Config,
        findings: &mut Findings<'_>,
    ) {
        let Some(tree) = findings.parse(document, Interest::Edit) else { return };
        for object in objects(&tree).into_iter().filter(Object::is_secret) {
            let Some(learned) = collect_secret(document, &object, config, &mut self.facts, findings) else {
                continue;
            };
            for diagnostic in self.comes_too_late(&object, learned.name, learned.number, config) {
                findings.push(diagnostic.at(learned.location.clone()));
            }
            self.remember(&learned, config, findings);
        }
    }

    /// What is wrong with a Secret, now that documents before it have been written.
    fn comes_too_late(
        &mut self,
        object: &Object<'_, '_>,
        name: &str,
        number: usize,
        config: &Config,
    ) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let rule = self.facts.secret(number).and_then(|secret| secret.rule);
        if object.previous_names().next().is_some() {
            found.push(needs_whole_stream::previous_names(name));
        }
        if rule.is_some() && self.outside.contains(name) {
            found.push(needs_whole_stream::late(name));
        }
        if first_for(name, config).is_some_and(SecretsRule::has_conditions) {
            if self.seen_names.conflicts(name, object.namespace(), rule) {
                found.push(needs_whole_stream::divided(name));
            }
            if !self.seen_names.add(name, object.namespace(), rule) {
                found.push(needs_whole_stream::too_many());
            }
        }
        found
    }

    fn remember(&mut self, learned: &CollectedSecret<'_>, config: &Config, findings: &mut Findings<'_>) {
        let CollectedSecret { name, number, .. } = learned;
        let values = self.facts.take_values();
        if self.facts.secret(*number).is_none_or(|secret| secret.rule.is_none()) {
            return self.staying.push_back(*number);
        }
        self.removed_count += 1;
        if config.vault.contains(*name) {
            findings.extend(removed_targets(&self.facts, config));
        }
        let watched: Vec<Watched> = [Watched::Name((*name).to_owned())]
            .into_iter()
            .chain(values.into_iter().map(Watched::Value))
            .collect();
        let bytes = watched.iter().map(|text| text.as_ref().len()).sum();
        let numbers: Vec<usize> = watched.into_iter().map(|text| self.watch.add(text)).collect();
        let texts = numbers[0]..numbers[numbers.len() - 1] + 1;
        self.bytes += bytes;
        self.removed.push_back(RemovedSecret { secret: *number, texts, bytes });
    }

    /// Forgets the places in the document that has passed, and the oldest of too many Secrets.
    pub(super) fn forget(&mut self) {
        self.facts.next_document();
        while self.staying.len() > MAX_SECRETS {
            self.staying.pop_front().into_iter().for_each(|secret| self.facts.forget(secret));
        }
        while self.removed.len() > MAX_SECRETS || (self.removed.len() > 1 && self.bytes > MAX_BYTES) {
            let Some(RemovedSecret { secret, texts, bytes }) = self.removed.pop_front() else { return };
            self.facts.forget(secret);
            texts.for_each(|text| self.watch.remove(text));
            self.bytes -= bytes;
        }
    }

    /// Which names and values of removed Secrets are in a document.
    pub(super) fn find(&self, document: &Document<'_>) -> FoundTexts {
        FoundTexts(self.watch.find(document.bytes))
    }

    /// Makes the facts ready for a document that holds these; the search for the values among them.
    ///
    /// # Errors
    ///
    /// More of them than a search can hold.
    pub(super) fn recall(
        &mut self,
        document: &Document<'_>,
        found: &FoundTexts,
    ) -> Result<LeakedValues, Error> {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for watched in found.0.iter().filter_map(|number| self.watch.text(*number)) {
            match watched {
                Watched::Name(name) => names.push(name.as_str()),
                Watched::Value(value) => values.push(value.clone()),
            }
        }
        if may_hide(document.bytes) {
            // A name or value can be spelled in a way that no search of bytes finds.
            names = self.watch.texts().filter_map(Watched::name).collect();
            values = self.watch.texts().filter_map(Watched::value).cloned().collect();
        }
        self.facts.index_only(&names)?;
        LeakedValues::new(values)
    }

    /// Remembers that a document refers to these Secrets from outside the stream.
    pub(super) fn refers_to(&mut self, outside: Vec<String>) {
        self.outside.extend(outside);
    }
}

/// The names and values that are in a document.
pub(super) struct FoundTexts(Vec<usize>);

impl FoundTexts {
    /// Whether none does.
    pub(super) fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }
}
