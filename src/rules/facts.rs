//! What must be known across documents: the chart's Secrets, and which of them are removed.

mod split;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use aho_corasick::AhoCorasick;

use crate::config::{Config, Pattern, SecretsRule};
use crate::diagnostics::Error;
use crate::kube::certificate::Certificate;
use crate::kube::object::{DataEntry, Object, distinct_keys};
use crate::rules::chart_secret::ChartSecret;
use crate::rules::checksums::Checksums;
use crate::rules::config_maps::ConfigMaps;
use crate::rules::leaked_values::{self, SecretValue};
use crate::rules::vaulted_values::VaultedValues;
use crate::search::prefilter::search_any;
use crate::yaml::Path;

/// How many words about removed Secrets are remembered of a stream that is not known to its end.
const MAX_CHECKSUM_WORDS: usize = 2048;

/// Everything that the first pass has learned. Rules see it; they cannot change it.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// By number, in the order of the stream.
    secrets: BTreeMap<usize, ChartSecret>,
    /// How many there were.
    count: usize,
    /// Whether more may come, or have been forgotten.
    partial: bool,
    by_name: HashMap<String, Vec<usize>>,
    /// The ConfigMaps, where rules move some keys of what holds them.
    pub(crate) config_maps: ConfigMaps,
    /// The Secrets that `spec.redirect` names and that have not come.
    named_only: HashMap<String, Vec<usize>>,
    /// Where the whole stream is seen: for each name the first Secret that each rule removes, and the first that stays.
    /// What a reference means depends on no other, however many Secrets have the name.
    by_fate: HashMap<String, Fates>,
    /// Finds the names of removed Secrets in a text, the longest first.
    removed_names: Option<AhoCorasick>,
    removed_names_hide: bool,
    /// Made for the first Secret.
    rules: Option<RulesByName>,
    /// The places of the Secret objects that are removed, document and path, and the rule that removes each.
    removed_objects: HashMap<(usize, Path), usize>,
    /// The values of removed Secrets.
    values: Vec<SecretValue>,
    /// What tells the annotations that hash one that is removed.
    pub(crate) checksums: Checksums,
    /// The certificates in removed Secrets, by the number of the Secret.
    certificates: BTreeMap<usize, Vec<Certificate>>,
    /// What vaulted Secrets are to hold of them.
    pub(crate) vaulted_values: VaultedValues,
    /// The rules of [`Config::secrets`] that matched a Secret.
    pub(crate) matched_rules: BTreeSet<usize>,
    /// The renames of a rule that some matched Secret has a key for.
    pub(crate) matched_keys: BTreeSet<(usize, String)>,
}

/// The first Secrets of a name for each rule, or none, in all namespaces and in each.
#[derive(Debug, Default)]
struct Fates {
    all: Vec<usize>,
    without_namespace: Vec<usize>,
    by_namespace: HashMap<String, Vec<usize>>,
}

/// The rules that remove Secrets: those for names that are written out, and the others.
#[derive(Debug)]
struct RulesByName {
    exact: HashMap<String, Vec<usize>>,
    others: Vec<usize>,
}

impl RulesByName {
    fn of(config: &Config) -> Self {
        let mut rules = Self { exact: HashMap::new(), others: Vec::new() };
        for (number, rule) in config.secrets.iter().enumerate() {
            if rule.name.is_empty() || rule.name.0.iter().any(Pattern::is_glob) {
                rules.others.push(number);
                continue;
            }
            for name in rule.name.0.iter().map(ToString::to_string) {
                rules.exact.entry(name).or_default().push(number);
            }
        }
        rules
    }

    /// The rules that a Secret with one of these names could meet, in their order.
    fn possible<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<usize> {
        let exact = names.filter_map(|name| self.exact.get(name)).flatten();
        let mut rules: Vec<usize> = self.others.iter().chain(exact).copied().collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// The rules for a Secret with this name and these keys, in their order.
    fn matching(
        &self,
        object: &Object<'_, '_>,
        name: &str,
        keys: &HashSet<&str>,
        config: &Config,
    ) -> Vec<usize> {
        let mut rules = self.possible(object.previous_names().chain([name]));
        rules.retain(|rule| {
            let rule = &config.secrets[*rule];
            let has_some = || rule.only.iter().any(|key| keys.contains(key.as_str()));
            selects(rule, object, name) && (!rule.splits() || has_some())
        });
        rules
    }
}

/// What happens to a reference to a name.
pub(crate) enum Resolution<'f> {
    /// The name is no removed Secret's.
    Untouched,
    /// It is a removed one's.
    Removed(&'f ChartSecret),
    /// It could be a removed one's or that of a Secret that stays or goes elsewhere.
    Ambiguous,
}

fn may_hide(name: &str) -> bool {
    !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

impl Facts {
    /// Facts of a stream of which nothing has been seen: what `spec.redirect` says of Secrets that do not come.
    pub(crate) fn new(config: &Config) -> Self {
        let mut facts = Self::default();
        for (number, rule) in config.secrets.iter().enumerate().filter(|(_, rule)| rule.redirects) {
            for name in rule.name.0.iter().map(ToString::to_string) {
                facts.by_name.entry(name.clone()).or_default().push(facts.count);
                facts.named_only.entry(name.clone()).or_default().push(facts.count);
                let secret = ChartSecret {
                    name,
                    previous_names: Vec::new(),
                    namespace: None,
                    skips_post_renderer: false,
                    keys: rule.keys.keys().cloned().collect(),
                    kept: Vec::new(),
                    rule: Some(number),
                    is_split: false,
                    second_rule: None,
                    is_config_map: false,
                    is_named_only: true,
                };
                facts.note_fate(facts.count, &secret);
                facts.secrets.insert(facts.count, secret);
                facts.count += 1;
            }
        }
        facts
    }

    /// The same for a stream that will not be known to its end.
    pub(crate) fn incomplete(config: &Config) -> Self {
        Self { partial: true, ..Self::new(config) }
    }

    /// Learns of a Secret; its number.
    pub(crate) fn add(
        &mut self,
        document: usize,
        object: &Object<'_, '_>,
        data: &[DataEntry<'_>],
        name: &str,
        config: &Config,
    ) -> usize {
        self.is_rendered(name);
        let number = self.count;
        self.count += 1;
        let rules = self.rules.get_or_insert_with(|| RulesByName::of(config));
        let keys = distinct_keys(data);
        let known: HashSet<&str> = keys.iter().map(String::as_str).collect();
        let matching = rules.matching(object, name, &known, config);
        self.note_matches(&matching, &known, config);
        let first = matching.first().map(|rule| &config.secrets[*rule]);
        let is_split = first.is_some_and(SecretsRule::splits);
        if let Some(rule) = first {
            self.note_values(number, data, name, rule);
        }
        if let Some(removing) = matching.first().filter(|_| !is_split) {
            self.removed_objects.insert((document, object.path.clone()), *removing);
            // What is remembered of a stream is bounded.
            if self.partial && self.checksums.len() > MAX_CHECKSUM_WORDS {
                self.checksums = Checksums::default();
            }
            self.checksums.add(object, data, name, object.template().as_deref());
        }
        let previous: BTreeSet<&str> = object.previous_names().filter(|previous| *previous != name).collect();
        for name in previous.iter().copied().chain([name]) {
            self.by_name.entry(name.to_owned()).or_default().push(number);
        }
        // Of one that stays nobody asks more than its name, unless rules split Secrets.
        let tells = !matching.is_empty() || config.splits();
        let keys = if tells { keys } else { Vec::new() };
        let (keys, kept) = keys.into_iter().partition(|key| first.is_some_and(|rule| rule.moves(key)));
        let kept: Vec<String> = kept;
        let moves_more = |rule: &&usize| kept.iter().any(|key| config.secrets[**rule].moves(key));
        let second_rule = matching.iter().skip(1).find(moves_more).copied().filter(|_| is_split);
        let secret = ChartSecret {
            name: name.to_owned(),
            previous_names: previous.into_iter().map(str::to_owned).collect(),
            namespace: object.namespace().map(str::to_owned),
            skips_post_renderer: object.skips_post_renderer(),
            keys,
            kept,
            rule: matching.first().copied(),
            is_split,
            second_rule,
            is_config_map: false,
            is_named_only: false,
        };
        if !self.partial {
            self.note_fate(number, &secret);
        }
        self.secrets.insert(number, secret);
        number
    }

    /// Takes note of the values that a rule moves: those to look for elsewhere, and certificates.
    fn note_values(&mut self, number: usize, data: &[DataEntry<'_>], name: &str, rule: &SecretsRule) {
        let moved = data.iter().filter(|entry| rule.moves(entry.key));
        let pem = moved.clone().filter_map(|entry| str::from_utf8(entry.plain()?).ok());
        let certificates: Vec<Certificate> = pem.flat_map(Certificate::all).collect();
        if !certificates.is_empty() {
            self.certificates.insert(number, certificates);
        }
        self.values.extend(leaked_values::values(moved, ("Secret", name), rule.splits()));
    }

    /// Takes note of a Secret, if it is the first of its name that this rule removes, or that none does.
    fn note_fate(&mut self, number: usize, secret: &ChartSecret) {
        let Self { secrets, by_fate, .. } = self;
        let note = |numbers: &mut Vec<usize>| {
            let is_known = |known: &ChartSecret| known.rule == secret.rule && known.parts() == secret.parts();
            // Two that differ say all that a reference can mean.
            let is_enough = secret.is_split && numbers.len() > 1;
            if !is_enough && !numbers.iter().any(|known| secrets.get(known).is_some_and(is_known)) {
                numbers.push(number);
            }
        };
        for name in secret.names() {
            let Fates { all, without_namespace, by_namespace } = by_fate.entry(name.to_owned()).or_default();
            note(all);
            note(match &secret.namespace {
                None => without_namespace,
                Some(namespace) => by_namespace.entry(namespace.clone()).or_default(),
            });
        }
    }

    /// A Secret that was said to be named only has come: it is not sent anywhere, and the run is refused.
    fn is_rendered(&mut self, name: &str) {
        for number in self.named_only.remove(name).unwrap_or_default() {
            self.matched_rules.extend(self.secret(number).and_then(|secret| secret.rule));
            self.forget(number);
        }
    }

    /// Forgets a Secret. What is asked about it from now on is answered as if it were still to come.
    pub(crate) fn forget(&mut self, number: usize) {
        self.certificates.remove(&number);
        let Some(secret) = self.secrets.remove(&number) else { return };
        for name in secret.names() {
            let Some(numbers) = self.by_name.get_mut(name) else { continue };
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.by_name.remove(name);
            }
        }
    }

    /// Ends the first pass.
    ///
    /// # Errors
    ///
    /// More names than a search can hold.
    pub(crate) fn index_names(&mut self) -> Result<(), Error> {
        self.config_maps.index_names()?;
        self.removed_names = search_any(self.removed().flat_map(ChartSecret::names))?;
        let hide = self.removed().flat_map(ChartSecret::names).any(may_hide);
        self.removed_names_hide = hide;
        Ok(())
    }

    /// Turns to a document that can hold no names of removed Secrets but these.
    ///
    /// # Errors
    ///
    /// More names than a search can hold.
    pub(crate) fn index_only(&mut self, names: &[&str]) -> Result<(), Error> {
        self.removed_names = search_any(names.iter())?;
        self.removed_names_hide = names.iter().any(|name| may_hide(name));
        Ok(())
    }

    /// Leaves a document behind, with the places of the Secrets in it.
    pub(crate) fn next_document(&mut self) {
        self.removed_objects.clear();
    }

    /// Takes the values of removed Secrets, which must not survive elsewhere.
    pub(crate) fn take_values(&mut self) -> Vec<SecretValue> {
        std::mem::take(&mut self.values)
    }

    /// Finds the names of removed Secrets in a text; `None` where none is removed.
    pub(crate) fn removed_names(&self) -> Option<&AhoCorasick> {
        self.removed_names.as_ref()
    }

    /// Whether one of these names may be spelled otherwise than its bytes, without an escape: a blank may be a line break, a
    /// quote two of them. The API server takes no such name.
    pub(crate) fn removed_names_hide(&self) -> bool {
        self.removed_names_hide
    }

    /// How many Secrets of the stream are removed.
    pub(crate) fn removed_count(&self) -> usize {
        self.removed().filter(|secret| !secret.is_named_only && !secret.is_split).count()
    }

    /// The rule of `spec.redirect` for a name.
    pub(crate) fn redirect(&self, name: &str) -> Option<usize> {
        self.secret(*self.named_only.get(name)?.first()?)?.rule
    }

    /// The removed Secrets, and those that are named only: nothing may name them any more.
    pub(crate) fn removed(&self) -> impl Iterator<Item = &ChartSecret> {
        self.secrets.values().filter(|secret| secret.rule.is_some())
    }

    /// A Secret that is not forgotten.
    pub(crate) fn secret(&self, number: usize) -> Option<&ChartSecret> {
        self.secrets.get(&number)
    }

    /// The names of the Secrets that the stream renders.
    pub(crate) fn rendered_names(&self) -> impl Iterator<Item = &str> {
        let rendered = self.secrets.values().filter(|secret| !secret.is_named_only);
        rendered.map(|secret| secret.name.as_str())
    }

    /// Whether the stream renders a Secret of this name.
    pub(crate) fn renders(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The removed Secret with a certificate that one of these has signed.
    pub(crate) fn signed_by(&self, authorities: &[Certificate]) -> Option<&str> {
        let signed = |found: &Certificate| authorities.iter().any(|ca| found.belongs_to(ca));
        let (number, _) = self.certificates.iter().find(|(_, found)| found.iter().any(signed))?;
        self.secret(*number).map(|secret| secret.name.as_str())
    }

    /// Whether more Secrets may come, or have been forgotten.
    pub(crate) fn is_partial(&self) -> bool {
        self.partial
    }

    /// Whether a Secret of this name is removed.
    pub(crate) fn removes_name(&self, name: &str) -> bool {
        self.candidates(name, None).any(|secret| secret.rule.is_some())
    }

    /// What a reference from `namespace` to `name` means. An absent namespace equals any.
    pub(crate) fn target(&self, name: &str, namespace: Option<&str>, config: &Config) -> Resolution<'_> {
        let mut candidates = self.candidates(name, namespace);
        let Some(first) = candidates.next() else { return Resolution::Untouched };
        if candidates.any(|other| other.fate(config) != first.fate(config)) {
            return Resolution::Ambiguous;
        }
        if first.rule.is_some() { Resolution::Removed(first) } else { Resolution::Untouched }
    }

    /// Whether a Secret that `name` can mean in `namespace` is removed or split, and has this key.
    pub(crate) fn removes_key(&self, name: &str, namespace: Option<&str>, key: &str) -> bool {
        self.candidates(name, namespace).any(|secret| secret.rule.is_some() && secret.has(key))
    }

    /// The Secrets that a reference from `namespace` to `name` can mean.
    fn candidates<'f>(
        &'f self,
        name: &str,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = &'f ChartSecret> {
        let mut numbers: Vec<usize> = Vec::new();
        if self.partial {
            numbers.extend(self.by_name.get(name).into_iter().flatten());
        } else if let Some(Fates { all, without_namespace, by_namespace }) = self.by_fate.get(name) {
            match namespace {
                None => numbers.extend(all),
                Some(namespace) => {
                    let own = by_namespace.get(namespace).into_iter().flatten();
                    numbers.extend(own.chain(without_namespace));
                    numbers.sort_unstable();
                }
            }
        }
        let meets = move |secret: &&ChartSecret| match (secret.namespace.as_deref(), namespace) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        numbers.into_iter().filter_map(|number| self.secrets.get(&number)).filter(meets)
    }

    /// The rule by which a Secret that is not known, or no longer, could change what a reference means; none, where the
    /// whole stream has been seen. What the configuration knows to exist outside the stream is taken not to come.
    pub(crate) fn unsettled<'c>(
        &self,
        name: &str,
        namespace: Option<&str>,
        config: &'c Config,
    ) -> Option<&'c SecretsRule> {
        if !self.partial {
            return None;
        }
        let rule = first_for(name, config)?;
        let mut candidates = self.candidates(name, namespace).peekable();
        let unknown = candidates.peek().is_none() && !config.vault.contains(name);
        // One of the same name in another namespace may have another fate, and the reference would mean both.
        let one_of_many = rule.has_conditions() && namespace.is_none() && candidates.peek().is_some();
        let unsettled = unknown || (one_of_many && candidates.all(|secret| secret.namespace.is_some()));
        unsettled.then_some(rule)
    }

    /// The rule that removes the object at this place of the stream; `None` where it stays.
    pub(crate) fn removed_by(&self, document: usize, object: &Object<'_, '_>) -> Option<usize> {
        if self.removed_objects.is_empty() {
            return None;
        }
        self.removed_objects.get(&(document, object.path.clone())).copied()
    }
}

/// The first rule that could choose a Secret of this name. If it has no other conditions, it decides for all of them.
pub(crate) fn first_for<'c>(name: &str, config: &'c Config) -> Option<&'c SecretsRule> {
    config.secrets.iter().find(|rule| rule.name.matches(name))
}

/// Whether a rule selects a Secret.
pub(crate) fn selects(rule: &SecretsRule, object: &Object<'_, '_>, name: &str) -> bool {
    let is_kind = if rule.of_config_maps { object.is_config_map() } else { object.is_secret() };
    if rule.redirects || !is_kind {
        return false;
    }
    let labels = rule.labels.iter().all(|(label, glob)| object.label(label).is_some_and(|v| glob.matches(v)));
    labels
        && (rule.name.matches(name) || object.previous_names().any(|previous| rule.name.matches(previous)))
        && (rule.source.is_empty()
            || object.template().is_some_and(|template| rule.source.matches(&template)))
        && (rule.namespace.is_empty() || object.namespace().is_none_or(|n| rule.namespace.matches(n)))
}

/// The vaulted name of a chart key.
pub(crate) fn vaulted_key<'k>(keys: &'k BTreeMap<String, String>, key: &'k str) -> &'k str {
    keys.get(key).map_or(key, String::as_str)
}
