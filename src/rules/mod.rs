//! The rules: object, facts and configuration → patch.
//!
//! A rule is pure. It sees one object, what the first pass has learned, and the configuration, and adds operations
//! to the object's patch; what it cannot decide it reports. Rules run in the order of [`RULES`], and a later rule
//! leaves alone what an earlier one has decided ([`Patch::decides`]).

mod duplicates;
mod env;
mod keep_one;
mod secrets;

use std::collections::BTreeSet;

use crate::config::Config;
use crate::diagnostic::{Rule, Severity};
use crate::facts::Facts;
use crate::object::Object;
use crate::patch::Patch;
use crate::yaml::{NodeId, Path};

/// What a rule may see besides the object.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// What is wanted.
    pub(crate) config: &'a Config,
    /// What is known of the whole stream.
    pub(crate) facts: &'a Facts,
}

/// What the rules make of one object.
#[derive(Default)]
pub(crate) struct Outcome {
    /// What changes.
    pub(crate) patch: Patch,
    /// What is to be said.
    pub(crate) findings: Vec<Finding>,
    /// Which parts of which `env` rules found their variables.
    pub(crate) matched: BTreeSet<EnvPart>,
}

/// A part of an `env` rule that must match something: a variable, or a name to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EnvPart {
    /// Rule and position in `vars`.
    Variable(usize, usize),
    /// Rule and position in `remove`.
    Remove(usize, usize),
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

/// A rule's only function.
type Apply = fn(&Object<'_, '_>, Context<'_>, &mut Outcome);

/// All rules, in the order in which they run.
const RULES: [Apply; 3] = [env::apply, duplicates::apply, secrets::apply];

/// Runs every rule on one object that stays in the stream.
pub(crate) fn apply(object: &Object<'_, '_>, context: Context<'_>, outcome: &mut Outcome) {
    for rule in RULES {
        rule(object, context, outcome);
    }
}
