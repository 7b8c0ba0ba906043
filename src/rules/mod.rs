//! The rules: object, facts and configuration → patch.
//!
//! A rule is pure. It sees one object, what the first pass has learned, and the configuration, and adds operations
//! to the object's patch; what it cannot decide it reports. Rules run in the order of [`RULES`], and a later rule
//! leaves alone what an earlier one has decided ([`Patch::decides`]).

mod add_env;
pub(crate) mod already_filtered;
pub(crate) mod annotations;
mod ca_bundle;
pub(crate) mod chart_secret;
pub(crate) mod checksums;
mod config_map_keys;
mod config_map_references;
mod config_maps;
mod duplicates;
pub(crate) mod elsewhere;
mod embedded;
mod env;
mod env_entries;
mod env_from;
pub(crate) mod facts;
mod hooks;
mod keep_one;
pub(crate) mod leaked_values;
pub(crate) mod left_behind;
mod list_duplicates;
mod moved_keys;
pub(crate) mod plaintext;
mod removed_variables;
pub(crate) mod secret_use;
mod secrets;
mod split_readers;
pub(crate) mod unmatched;
pub(crate) mod vaulted_values;

use std::collections::{BTreeSet, HashSet};

pub(crate) use self::env::rule_of_variable;

use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, Doubtful, Finding};
use crate::edit::patch::Patch;
use crate::kube::object::Object;
use crate::kube::pods::Pods;
use crate::kube::references::{Reference, References, references};
use crate::rules::facts::Facts;
use crate::rules::secret_use::SecretUse;
use crate::rules::vaulted_values::VaultedValue;
use crate::search::prefilter::Words;
use crate::yaml::{NodeId, Path};

/// What a rule may see besides the object.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// What is wanted.
    pub(crate) config: &'a Config,
    /// What is known of the whole stream.
    pub(crate) facts: &'a Facts,
}

/// An object, with what rules ask about it: each found once.
pub(crate) struct ObjectView<'o, 't, 's> {
    /// The object.
    pub(crate) object: &'o Object<'t, 's>,
    /// Its pods.
    pub(crate) pods: Pods<'t>,
    /// Its fields that name a Secret.
    pub(crate) references: Vec<Reference<'t>>,
    /// Its texts that are known to be no references.
    pub(crate) others: HashSet<NodeId>,
    /// Whether it is a custom resource.
    pub(crate) is_custom: bool,
}

impl<'o, 't, 's> ObjectView<'o, 't, 's> {
    /// An object with what rules ask about it, and the lines of `spec.references` that found a field.
    pub(crate) fn of(object: &'o Object<'t, 's>, context: Context<'_>) -> (Self, BTreeSet<usize>) {
        let has_key =
            |name: &str, namespace: Option<&str>, key: &str| context.facts.removes_key(name, namespace, key);
        let References { found, declared, others, is_custom } =
            references(object, context.config, Some(&has_key));
        (Self { object, pods: Pods::of(object), references: found, others, is_custom }, declared)
    }
}

/// What the rules make of one object.
#[derive(Default)]
pub(crate) struct RuleOutput {
    /// What changes.
    pub(crate) patch: Patch,
    /// What is to be said.
    pub(crate) findings: Vec<Finding>,
    /// What is to be said, and how loudly the names of the whole stream tell.
    pub(crate) doubtful: Vec<Doubtful>,
    /// Which parts of the configuration found something.
    pub(crate) matched: BTreeSet<ConfigEntry>,
    /// What reads a vaulted Secret once the patch is applied; `None` where nobody asks.
    pub(crate) reads: Option<Vec<SecretUse>>,
    /// Literals that a vaulted Secret is to hold, each with the node of its entry.
    pub(crate) literals: Vec<(VaultedValue, NodeId, Path)>,
}

impl RuleOutput {
    /// Notes what reads a vaulted Secret, if somebody asks.
    pub(crate) fn read(&mut self, found: impl FnOnce() -> SecretUse) {
        if let Some(reads) = &mut self.reads {
            reads.push(found());
        }
    }
}

/// A part of the configuration that must match something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ConfigEntry {
    /// Rule of `spec.env`, and position in its `vars`.
    Variable(usize, usize),
    /// Rule of `spec.env`, and position in its `remove`.
    Remove(usize, usize),
    /// Line of `spec.references`.
    Reference(usize),
    /// Line of `spec.dropAnnotations`.
    Annotation(usize),
    /// Entry of `spec.allow`.
    Allow(usize),
    /// Rule of `spec.redirect`, by its position in [`Config::secrets`].
    Redirect(usize),
    /// Such a rule, and position in its `keys`.
    RedirectKey(usize, usize),
}

/// A rule: one file, which says what it looks for, what directs it, what it reports and what it does.
pub(crate) struct Rule {
    /// The name of its file.
    pub(crate) name: &'static str,
    /// The fields of `spec` that direct it.
    pub(crate) settings: &'static [&'static str],
    /// What it reports.
    pub(crate) codes: &'static [Code],
    /// The bytes of which a document holds some if the rule has to see it; beside those of the names and values of removed
    /// Secrets, which are looked for anyway.
    pub(crate) words: for<'c> fn(&'c Config, &mut Words<'c>),
    /// What it must know that only the end of a stream can say; a diagnostic for each place that asks for it.
    pub(crate) needs_whole_stream: fn(&Config) -> Vec<Diagnostic>,
    /// What it does to an object.
    pub(crate) apply: fn(&ObjectView<'_, '_, '_>, Context<'_>, &mut RuleOutput),
}

impl Rule {
    /// Looks for nothing of its own and needs nothing: what is left is to name it and to say what it does.
    pub(crate) const QUIET: Self = Self {
        name: "",
        settings: &[],
        codes: &[],
        words: |_, _| {},
        needs_whole_stream: |_| Vec::new(),
        apply: |_, _, _| {},
    };
}

/// All rules, in the order in which they run.
pub(crate) const RULES: &[Rule] = &[
    list_duplicates::RULE,
    env::RULE,
    add_env::RULE,
    duplicates::RULE,
    removed_variables::RULE,
    hooks::RULE,
    secrets::RULE,
    config_map_keys::RULE,
    env_from::RULE,
    moved_keys::RULE,
    embedded::RULE,
    left_behind::RULE,
    ca_bundle::RULE,
    annotations::RULE,
    plaintext::RULE,
];

/// What makes a document interesting to one of these rules.
pub(crate) fn words<'c>(rules: &[Rule], config: &'c Config) -> Words<'c> {
    let mut words = Words::default();
    for rule in rules {
        (rule.words)(config, &mut words);
    }
    words
}

/// Runs these rules on one object that stays in the stream.
pub(crate) fn apply(rules: &[Rule], object: &Object<'_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let (subject, matched) = ObjectView::of(object, context);
    outcome.matched.extend(matched.into_iter().map(ConfigEntry::Reference));
    for rule in rules {
        (rule.apply)(&subject, context, outcome);
    }
}

/// What a stream cannot be filtered for before its end is known.
pub(crate) fn needs_whole_stream(message: impl Into<String>, help: &str) -> Diagnostic {
    Diagnostic::error(Code::NeedsWholeStream, message, help)
}

/// The rules that report a code: the name of each, and the fields of `spec` that direct it. None for what no rule but the run
/// itself reports.
pub fn reported_by(code: Code) -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    RULES.iter().filter(move |rule| rule.codes.contains(&code)).map(|rule| (rule.name, rule.settings))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The sources of a rule: one file, or those of a folder.
    fn source(rule: &Rule) -> String {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
        let read = |file: &Path| fs::read_to_string(file).expect("a source file");
        let file = rules.join(rule.name).with_extension("rs");
        if file.is_file() {
            return read(&file);
        }
        let folder = fs::read_dir(rules.join(rule.name)).expect("a file or a folder of the rule's name");
        folder.map(|entry| read(&entry.expect("an entry").path())).collect()
    }

    #[test]
    fn every_rule_declares_what_it_reports() {
        for rule in RULES {
            let source = source(rule);
            for code in Code::ALL {
                let reports = source.match_indices(&format!("code: Code::{code:?},")).next().is_some();
                assert!(!reports || rule.codes.contains(code), "{} reports {code:?}", rule.name);
            }
            for code in rule.codes {
                let named = source.matches(&format!("Code::{code:?}")).count();
                let by_others = [Code::NeedsWholeStream, Code::EnvOrder].contains(code);
                assert!(named > 1 || by_others, "{} does not report {code:?}", rule.name);
            }
        }
    }

    const HEAD: &str = "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\n";

    #[test]
    fn every_setting_is_a_field_of_the_configuration() {
        let is_known = |setting: &str| {
            let text = match setting.split_once('.') {
                Some((field, inner)) => format!("{HEAD}spec: {{{field}: {{{inner}: {{}}}}}}"),
                None => format!("{HEAD}spec: {{{setting}: {{}}}}"),
            };
            let said = Config::default().add_file("rules.yaml", &text).err().map(|error| error.to_string());
            !said.is_some_and(|said| said.contains("unknown field"))
        };
        for rule in RULES {
            assert!(rule.settings.iter().all(|setting| is_known(setting)), "{}", rule.name);
        }
        assert!(!is_known("nonsense") && !is_known("policy.nonsense"), "unknown fields are told");
    }
}
