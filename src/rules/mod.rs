//! The rules: object, facts and configuration → patch.
//!
//! A rule is pure. It sees one object, what the first pass has learned, and the configuration, and adds operations
//! to the object's patch; what it cannot decide it reports. Rules run in the order of [`RULES`], and a later rule
//! leaves alone what an earlier one has decided ([`Patch::decides`]).

mod add_env;
pub(crate) mod already_filtered;
pub(crate) mod annotations;
pub(crate) mod checksums;
mod duplicates;
mod env;
pub(crate) mod facts;
mod hooks;
mod keep_one;
pub(crate) mod leaked_values;
pub(crate) mod left_behind;
mod list_duplicates;
pub(crate) mod plaintext;
mod removed_variables;
pub(crate) mod secret_use;
mod secrets;
pub(crate) mod unmatched;
pub(crate) mod vaulted_values;

use std::collections::{BTreeSet, HashSet};

use crate::config::Config;
use crate::diagnostics::{Doubtful, Finding};
use crate::edit::patch::Patch;
use crate::kube::object::Object;
use crate::kube::pods::Pods;
use crate::kube::references::{Reference, References, references};
use crate::rules::facts::Facts;
use crate::rules::secret_use::SecretUse;
use crate::rules::vaulted_values::VaultedValue;
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
    /// What reads a vaulted Secret once the patch is applied.
    pub(crate) reads: Vec<SecretUse>,
    /// Literals that a vaulted Secret is to hold, each with the node of its entry.
    pub(crate) literals: Vec<(VaultedValue, NodeId, Path)>,
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

/// A rule's only function.
type Apply = fn(&ObjectView<'_, '_, '_>, Context<'_>, &mut RuleOutput);

/// All rules, in the order in which they run.
const RULES: &[Apply] = &[
    list_duplicates::apply,
    env::apply,
    add_env::apply,
    duplicates::apply,
    removed_variables::apply,
    hooks::apply,
    secrets::apply,
    left_behind::apply,
    annotations::apply,
    plaintext::apply,
];

/// Runs every rule on one object that stays in the stream.
pub(crate) fn apply(object: &Object<'_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let (subject, matched) = ObjectView::of(object, context);
    outcome.matched.extend(matched.into_iter().map(ConfigEntry::Reference));
    for rule in RULES {
        rule(&subject, context, outcome);
    }
}
