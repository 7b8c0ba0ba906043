//! The rules: object, facts and configuration → patch.
//!
//! A rule is pure. It sees one object, what the first pass has learned, and the configuration, and adds operations
//! to the object's patch; what it cannot decide it reports. Rules run in the order of [`RULES`], and a later rule
//! leaves alone what an earlier one has decided ([`Patch::decides`]).

pub(crate) mod annotations;
mod duplicates;
mod env;
mod hooks;
mod keep_one;
pub(crate) mod left_behind;
pub(crate) mod plaintext;
mod secrets;

use std::collections::BTreeSet;

use crate::config::Config;
use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::facts::Facts;
use crate::object::Object;
use crate::patch::Patch;
use crate::pods::Pods;
use crate::reads::Read;
use crate::references::{Reference, references};
use crate::rule::Rule;
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
pub(crate) struct Subject<'o, 't, 's> {
    /// The object.
    pub(crate) object: &'o Object<'t, 's>,
    /// Its pods.
    pub(crate) pods: Pods<'t>,
    /// Its fields that name a Secret.
    pub(crate) references: Vec<Reference<'t>>,
}

impl<'o, 't, 's> Subject<'o, 't, 's> {
    /// An object with what rules ask about it, and the lines of `spec.references` that found a field.
    pub(crate) fn of(object: &'o Object<'t, 's>, config: &Config) -> (Self, BTreeSet<usize>) {
        let (references, matched) = references(object, config);
        (Self { object, pods: Pods::of(object), references }, matched)
    }
}

/// What the rules make of one object.
#[derive(Default)]
pub(crate) struct Outcome {
    /// What changes.
    pub(crate) patch: Patch,
    /// What is to be said.
    pub(crate) findings: Vec<Finding>,
    /// Which parts of the configuration found something.
    pub(crate) matched: BTreeSet<Part>,
    /// What reads a vaulted Secret once the patch is applied.
    pub(crate) reads: Vec<Read>,
}

/// A part of the configuration that must match something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Rule of `spec.env`, and position in its `vars`.
    Variable(usize, usize),
    /// Rule of `spec.env`, and position in its `remove`.
    Remove(usize, usize),
    /// Line of `spec.references`.
    Reference(usize),
    /// Line of `spec.dropAnnotations`.
    Annotation(usize),
}

/// A diagnostic about a node, before its place in the stream is known.
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    pub(crate) severity: Severity,
    pub(crate) message: String,
    pub(crate) help: String,
    pub(crate) path: Path,
    pub(crate) node: NodeId,
}

impl Finding {
    /// The diagnostic, once the place is known.
    pub(crate) fn at(self, location: Location) -> Diagnostic {
        let Self { rule, severity, message, help, .. } = self;
        Diagnostic { rule, severity, message, help, location }
    }
}

/// A rule's only function.
type Apply = fn(&Subject<'_, '_, '_>, Context<'_>, &mut Outcome);

/// All rules, in the order in which they run.
const RULES: [Apply; 7] = [
    env::apply,
    duplicates::apply,
    hooks::apply,
    secrets::apply,
    left_behind::apply,
    annotations::apply,
    plaintext::apply,
];

/// Runs every rule on one object that stays in the stream.
pub(crate) fn apply(object: &Object<'_, '_>, context: Context<'_>, outcome: &mut Outcome) {
    let (subject, matched) = Subject::of(object, context.config);
    outcome.matched.extend(matched.into_iter().map(Part::Reference));
    for rule in RULES {
        rule(&subject, context, outcome);
    }
}
