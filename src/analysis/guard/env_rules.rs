//! `spec.env` as checks: variables that must read the vault, and variables that must not be there.
//!
//! The first rule that names a variable decides, as in the filter. So the check of a rule leaves out what an earlier
//! one decides: by name where that is known now, by a condition where only the object can tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::guard::cel::{self, Names, text};
use crate::analysis::guard::policy::{CelVariable, Check, Validation};
use crate::analysis::guard::render::Render;
use crate::config::{Config, EnvRule, Pattern};
use crate::diagnostics::{Code, Diagnostic};

/// What a rule says of variables, its globs in their order of precedence.
pub(super) struct Decided<'c> {
    pub(super) rule: &'c EnvRule,
    pub(super) number: usize,
    /// Names and keys.
    pub(super) keys: BTreeMap<&'c str, &'c str>,
    /// Globs of variables whose key is their own name.
    pub(super) globs: Names,
    /// What is removed.
    pub(super) removed: Names,
}

/// The checks of all rules.
pub(super) fn checks(config: &Config, secrets: &BTreeSet<String>) -> Vec<Check> {
    let decided = Decided::all(config);
    decided.iter().map(|this| this.check(&decided[..this.number], secrets)).collect()
}

/// The condition that a rule removes the variable of this name from the container `c`; none where no rule removes any.
pub(super) fn removes(config: &Config, name: &str) -> Option<String> {
    let decided = Decided::all(config);
    let last = decided.iter().rposition(|rule| !rule.removed.is_empty())?;
    let mut condition = "false".to_owned();
    for rule in decided[..=last].iter().rev() {
        let mut applies = rule.applies();
        applies.push(parenthesized(&Names::of(rule.patterns()).test(name)));
        condition = format!("{} ? {} : {condition}", cel::all(&applies), rule.removed.test(name));
    }
    Some(format!("({condition})"))
}

/// What keeps rules from being policies.
pub(super) fn refusals(config: &Config, render: Option<&Render>) -> Vec<Diagnostic> {
    let rules = config.env.iter().filter(|rule| rule.keep_existing && render.is_none());
    rules
        .map(|rule| {
            let message = "`keepExisting` keeps what reads a Secret from outside of the chart, and a policy cannot know which Secrets are the chart's";
            let help = "name a render, from which the names are taken: resecret guard render.yaml";
            let path = format!("{}.keepExisting", rule.origin.path);
            Diagnostic::error(Code::Guard, message, help).at(rule.origin.location(path))
        })
        .collect()
}

impl<'c> Decided<'c> {
    /// What all rules say.
    pub(super) fn all(config: &'c Config) -> Vec<Self> {
        config.env.iter().enumerate().map(|(number, rule)| Self::of(number, rule)).collect()
    }

    fn of(number: usize, rule: &'c EnvRule) -> Self {
        let removes = |name: &str| rule.remove.iter().any(|pattern| pattern.matches(name));
        let mut keys = BTreeMap::new();
        let mut globs = Vec::new();
        for (position, (pattern, key)) in rule.vars.iter().enumerate() {
            match pattern {
                Pattern::Glob(_) => globs.push(pattern),
                Pattern::Exact(name) if removes(name) => {}
                Pattern::Exact(name) => {
                    // A glob that is before the name decides it.
                    let earlier =
                        rule.vars[..position].iter().any(|(glob, _)| glob.is_glob() && glob.matches(name));
                    let key = key.as_deref().filter(|_| !earlier).unwrap_or(name);
                    keys.insert(name.as_str(), key);
                }
            }
        }
        Self { rule, number, keys, globs: Names::of(globs), removed: Names::of(&rule.remove) }
    }

    fn check(&self, earlier: &[Self], secrets: &BTreeSet<String>) -> Check {
        let earlier: Vec<&Self> = earlier.iter().filter(|other| other.may_name_the_same(self)).collect();
        let certain =
            |name: &str| earlier.iter().any(|other| other.is_everywhere() && other.names_variable(name));
        let keys = format!("keys{}", self.number);
        let mut variables = Vec::new();
        let known: Vec<(&str, &str)> =
            self.keys.iter().map(|(name, key)| (*name, *key)).filter(|(name, _)| !certain(name)).collect();
        let mut reads = Vec::new();
        if !known.is_empty() {
            variables.push(CelVariable::new(&keys, cel::map(known.iter().copied())));
            reads.push(format!("e.name in variables.{keys}"));
        }
        reads.extend(self.globs.glob_test("e.name"));
        let kept: Vec<String> = (!self.removed.is_empty())
            .then(|| parenthesized(&self.removed.test("e.name")))
            .into_iter()
            .collect();
        let key = match (known.is_empty(), self.globs.is_empty()) {
            (false, false) => format!("(e.name in variables.{keys} ? variables.{keys}[e.name] : e.name)"),
            (false, true) => format!("variables.{keys}[e.name]"),
            (true, _) => "e.name".to_owned(),
        };
        let mut cases = Vec::new();
        if !reads.is_empty() {
            let mut conditions = vec![cel::any(&reads)];
            conditions.extend(kept.iter().map(|removed| format!("!{removed}")));
            conditions.push(self.is_wrong(&key, secrets));
            let must = format!("' must read key ' + {key} + ' of Secret ' + {}", text(&self.rule.to));
            cases.push((cel::all(&conditions), must));
        }
        cases.extend(kept.into_iter().map(|removed| (removed, text(" must not be set"))));
        let Some(found) = self.found(&cases, &earlier) else { return Check::default() };
        let name = format!("rule{}", self.number);
        variables.push(CelVariable::new(&name, found));
        Check { variables, validation: Some(Validation::empty(&name, "breaks spec.env")) }
    }

    /// The text that names every variable at fault.
    fn found(&self, cases: &[(String, String)], earlier: &[&Self]) -> Option<String> {
        if cases.is_empty() {
            return None;
        }
        let faults: Vec<String> = cases.iter().map(|(condition, _)| condition.clone()).collect();
        let mut conditions = vec![cel::any(&faults)];
        for other in earlier {
            let mut decided = other.applies();
            decided.push(other.names_test());
            conditions.push(format!("!{}", cel::all(&decided)));
        }
        conditions.push(WAS_NOT_THERE.to_owned());
        let said = match cases {
            [(_, said)] => said.clone(),
            [(condition, said), rest @ ..] => {
                let last = rest.last().map_or(said, |(_, said)| said);
                format!("({condition} ? {said} : {last})")
            }
            [] => return None,
        };
        let of_container = format!(
            "{}.filter(e, {}).map(e, 'container ' + c.name + ' variable ' + e.name + {said}).join(', ')",
            cel::items("c", ["env"]),
            conditions.join("\n&& ")
        );
        let mut applies = self.applies();
        let object = applies.iter().position(|condition| condition.contains("c.name"));
        let container = object.map(|at| applies.remove(at));
        let passes = match container {
            Some(condition) => format!("!{condition} || {UNCHANGED}"),
            None => UNCHANGED.to_owned(),
        };
        let of_container = format!("{passes} ? '' :\n{of_container}");
        let all = format!(
            "variables.containers.map(cs, cs.map(c, {of_container}).filter(s, s != '').join(', ')).filter(s, s != '').join(', ')"
        );
        Some(if applies.is_empty() { all } else { format!("!{} ? '' :\n{all}", cel::all(&applies)) })
    }

    /// Where the rule applies: conditions on the object, and one on its container.
    pub(super) fn applies(&self) -> Vec<String> {
        let EnvRule { kind, object, container, .. } = self.rule;
        let named = [(kind, "object.kind"), (object, "object.metadata.name"), (container, "c.name")];
        let named = named.into_iter().filter(|(patterns, _)| !patterns.is_empty());
        named.map(|(patterns, value)| parenthesized(&Names::of(&patterns.0).test(value))).collect()
    }

    fn is_everywhere(&self) -> bool {
        self.applies().is_empty()
    }

    fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.rule.vars.iter().map(|(pattern, _)| pattern).chain(&self.rule.remove)
    }

    fn names_variable(&self, name: &str) -> bool {
        self.patterns().any(|pattern| pattern.matches(name))
    }

    fn may_name_the_same(&self, other: &Self) -> bool {
        self.patterns().any(|mine| {
            other.patterns().any(|theirs| match (mine, theirs) {
                (mine, Pattern::Exact(name)) => mine.matches(name),
                (Pattern::Exact(name), theirs) => theirs.matches(name),
                (Pattern::Glob(_), Pattern::Glob(_)) => true,
            })
        })
    }

    /// Whether the rule names a variable, or has a glob for it.
    fn names_test(&self) -> String {
        parenthesized(&Names::of(self.patterns()).test("e.name"))
    }

    /// Whether the rule would change this entry, whose variable it names.
    fn is_wrong(&self, key: &str, secrets: &BTreeSet<String>) -> String {
        let secret = cel::word("e", ["valueFrom", "secretKeyRef", "name"]);
        let its_key = cel::word("e", ["valueFrom", "secretKeyRef", "key"]);
        let mut conditions = vec![format!("!({secret} == {} && {its_key} == {key})", text(&self.rule.to))];
        if self.rule.keep_existing {
            let ours = cel::list(secrets.iter().map(String::as_str));
            conditions.push(format!("!(e.?valueFrom.?secretKeyRef.hasValue() && !({secret} in {ours}))"));
        }
        if self.rule.literals_only {
            // Only a literal is replaced that is neither empty nor made of other variables.
            let value = "e.?value.orValue('')";
            conditions.push(format!(
                "!e.?valueFrom.hasValue() && {value} != ''\n\
                 && !({value}.contains('$(') && {value}.replace('$$', '').matches('\\\\$\\\\([^)]*\\\\)'))"
            ));
        }
        cel::all(&conditions)
    }
}

/// Whether a container's variables are those that it had before: then they need not be looked at one by one.
const UNCHANGED: &str = "variables.oldContainers.exists(os, os.exists(o, o.name == c.name && o.?env.orValue([]) == c.?env.orValue([])))";

/// Whether an entry is not one that the same container had before.
const WAS_NOT_THERE: &str =
    "!variables.oldContainers.exists(os, os.exists(o, o.name == c.name && e in o.?env.orValue([])))";

/// A condition that can follow a `!`.
fn parenthesized(condition: &str) -> String {
    if condition.starts_with('(') { condition.to_owned() } else { format!("({condition})") }
}
