//! The variables of a container as the filter would leave them: `spec.env`, duplicates, references.
//!
//! First the rule that decides each entry, then the place of each name that has several entries, then the new list.

use std::collections::BTreeSet;

use crate::analysis::guard::cel::{self, bind, text};
use crate::analysis::guard::duplicates;
use crate::analysis::guard::env_rules::Decided;
use crate::analysis::guard::mutate::targets::Targets;
use crate::analysis::guard::policy::CelVariable;
use crate::config::{Config, Duplicates, Pattern};

/// A container with more entries than this for names that have several is left alone.
const MOST: usize = 100;

/// The variables with the new lists.
pub(super) fn variables(config: &Config, targets: &Targets, secrets: &BTreeSet<String>) -> Vec<CelVariable> {
    let entries = Entries { config, targets, decided: Decided::all(config), secrets };
    let mut variables = Vec::new();
    let of_each = |value: &dyn Fn(&Decided<'_>) -> String| {
        let all: Vec<String> =
            entries.decided.iter().map(|rule| format!("'{}': {}", rule.number, value(rule))).collect();
        format!("{{{}}}", all.join(", "))
    };
    if !entries.decided.is_empty() {
        let keys = |rule: &Decided<'_>| cel::map(rule.keys.iter().map(|(name, key)| (*name, *key)));
        variables.push(CelVariable::new("vaultedKeys", of_each(&keys)));
        variables.push(CelVariable::new("vaults", of_each(&|rule| text(&rule.rule.to))));
    }
    variables.push(CelVariable::new(
        "decided",
        format!(
            "variables.lists.map(cs, cs.map(c, c.?env.orValue([]).map(e, [e.name].map(n,\n{})[0])))",
            entries.decision()
        ),
    ));
    variables.push(CelVariable::new("repeated", repeated()));
    variables.push(CelVariable::new("places", entries.places()));
    variables.push(CelVariable::new("env", entries.env()));
    variables
}

/// What the expressions are made from.
struct Entries<'a> {
    config: &'a Config,
    targets: &'a Targets,
    decided: Vec<Decided<'a>>,
    secrets: &'a BTreeSet<String>,
}

impl Entries<'_> {
    /// What happens to the variable `n` of container `c`: the number of the rule by which it reads the vault, `-` where it
    /// is removed, an empty text where no rule decides it.
    fn decision(&self) -> String {
        let mut cases = String::new();
        for rule in &self.decided {
            let case = |test: String, decision: &str| {
                let mut conditions = rule.applies();
                conditions.insert(0, test);
                format!("{} ? {decision}\n: ", cel::all(&conditions))
            };
            if !rule.removed.is_empty() {
                cases.push_str(&case(rule.removed.test("n"), "'-'"));
            }
            let number = rule.number;
            let exact = (!rule.keys.is_empty()).then(|| format!("n in variables.vaultedKeys['{number}']"));
            let named: Vec<String> = exact.into_iter().chain(rule.globs.glob_test("n")).collect();
            if !named.is_empty() {
                cases.push_str(&case(cel::any(&named), &format!("'{number}'")));
            }
        }
        format!("{cases}''")
    }

    /// For each container and each name with several entries: the one that wins, and the place that it takes; -1 where all
    /// must stay, since what other variables expand to would change.
    fn places(&self) -> String {
        let of_name = bind("ps", "positions.filter(p, names[p] == n)", &self.place());
        // What is asked of each name looks at the entries of such names, and at those that expand anything.
        let of_container = bind(
            "names",
            "c.?env.orValue([]).map(e, e.name)",
            &bind(
                "positions",
                "[repeated.transformMapEntry(i, n, {n: i})].map(m, names.transformList(j, n, n in m, j))[0]",
                &bind(
                    "users",
                    "c.?env.orValue([]).transformList(j, x, x.?value.orValue('').contains('$('), j)",
                    &format!("repeated.transformMapEntry(i, n, {{n: {of_name}}})"),
                ),
            ),
        );
        format!(
            "variables.lists.transformList(a, cs, cs.transformList(b, c,\n{}))",
            bind(
                "ds",
                "variables.decided[a][b]",
                &bind("repeated", "variables.repeated[a][b]", &of_container)
            )
        )
    }

    /// Winner and place of the name `n` with entries at `ps`.
    fn place(&self) -> String {
        let last =
            |test: &str| format!("[ps.filter(p, {test})].map(x, x.size() == 0 ? -1 : x[x.size() - 1])[0]");
        let reads = "c.env[p].?valueFrom.?secretKeyRef.hasValue()";
        let secret = "c.env[p].?valueFrom.?secretKeyRef.?name.orValue('')";
        let mut candidates = Vec::new();
        let keeping = self.numbers(|rule| rule.rule.keep_existing);
        if !keeping.is_empty() {
            let ours = cel::list(self.secrets.iter().map(String::as_str));
            let external = format!("{reads} && !({secret} in {ours})");
            candidates.push(format!("d in {} ? {} : -1", list(&keeping), last(&external)));
        }
        if !self.decided.is_empty() {
            candidates.push(format!(
                "d in variables.vaults ? {} : -1",
                last(&format!("{secret} == variables.vaults[d]"))
            ));
        }
        if self.config.duplicates == Duplicates::PreferSecret {
            candidates.push(last(reads));
        }
        candidates.push(
            if self.config.duplicates == Duplicates::First { "ps[0]" } else { "ps[ps.size() - 1]" }
                .to_owned(),
        );
        let winner = match candidates.as_slice() {
            [one] => one.clone(),
            more => format!("[{}].filter(x, x >= 0)[0]", more.join(", ")),
        };
        let used = format!(
            "users.exists(j, j > ps[0] && j < w && names[j] != n && {})",
            expands("c.env[j].value", "n")
        );
        let same = "!c.env[w].?value.orValue('').contains('$(')\n\
             && ps.all(p, p >= w || (c.env[p] == c.env[w] && (!c.env[p].?valueFrom.hasValue()\n\
             || (c.env[p].?valueFrom.?secretKeyRef.hasValue() && !c.env[p].valueFrom.secretKeyRef.?optional.hasValue()))))";
        let undecided = if self.config.duplicates == Duplicates::Error { "d == '' ? -1 : " } else { "" };
        let place = format!(
            "{undecided}{} ? (u ? ps[0] : w)\n: u ? ({same} ? ps[0] : -1)\n: w != ps[0] && {} ? -1 : w",
            self.has_content("c.env[w]", "d"),
            expands("c.env[w].?value.orValue('')", "n")
        );
        bind(
            "d",
            "ds[ps[0]]",
            &bind("w", &format!("({winner})"), &bind("u", &used, &format!("[w, {place}]"))),
        )
    }

    /// The new lists.
    fn env(&self) -> String {
        // The winner's content, at the place that it takes.
        let winner = "(e.name in at ? c.env[at[e.name][0]] : e)";
        let content = bind(
            "w",
            winner,
            &format!("{} ? {} : {}", self.has_content("w", "ds[i]"), content(), self.redirected()),
        );
        let stays = "e.name in at && at[e.name][1] == -1";
        let value = if self.decided.is_empty() {
            self.redirected()
        } else {
            format!("ds[i] == '' || ({stays}) ? {}\n: {content}", self.redirected())
        };
        let removes = self.decided.iter().any(|rule| !rule.removed.is_empty());
        // What is still expanded stays: the filter stops there.
        let still = format!(
            "c.env.transformList(j, x, ds[j] == '' && {}, j).size() > 0\n\
             || (c.?command.orValue([]) + c.?args.orValue([])).exists(x, {})\n\
             || c.?volumeMounts.orValue([]).exists(x, {})",
            expands("x.?value.orValue('')", "e.name"),
            expands("x", "e.name"),
            expands("x.?subPathExpr.orValue('')", "e.name")
        );
        let here = "(!(e.name in at) || at[e.name][1] == i || at[e.name][1] == -1)";
        let condition =
            if removes { format!("{here} && (ds[i] != '-' || {still})") } else { here.to_owned() };
        let list = format!(
            "c.?env.orValue([]).transformList(i, e, {condition},\n{value})\n{}",
            self.added().iter().map(|added| format!("+ {added}\n")).collect::<String>()
        );
        format!(
            "variables.lists.transformList(a, cs, cs.transformList(b, c,\n{}))",
            bind("ds", "variables.decided[a][b]", &bind("at", "variables.places[a][b]", &list))
        )
    }

    /// Whether an entry that a rule decides gets new content.
    fn has_content(&self, entry: &str, decision: &str) -> String {
        if self.decided.is_empty() {
            return "false".to_owned();
        }
        let mut conditions = vec![format!("{decision} in variables.vaults")];
        let keeping = self.numbers(|rule| rule.rule.keep_existing);
        if !keeping.is_empty() {
            let ours = cel::list(self.secrets.iter().map(String::as_str));
            conditions.push(format!(
                "!({decision} in {} && {entry}.?valueFrom.?secretKeyRef.hasValue()\n\
                 && !({} in {ours}))",
                list(&keeping),
                cel::word(entry, ["valueFrom", "secretKeyRef", "name"])
            ));
        }
        let literals = self.numbers(|rule| rule.rule.literals_only);
        if !literals.is_empty() {
            let value = format!("{entry}.?value.orValue('')");
            conditions.push(format!(
                "!({decision} in {} && ({entry}.?valueFrom.hasValue() || {value} == ''\n\
                 || ({value}.contains('$(') && {value}.replace('$$', '').matches('\\\\$\\\\([^)]*\\\\)'))))",
                list(&literals)
            ));
        }
        cel::all(&conditions)
    }

    /// The entry `e`, which reads the vaulted Secret in the place of a removed one.
    fn redirected(&self) -> String {
        if self.targets.is_empty() {
            return "dyn(e)".to_owned();
        }
        let moved = "dyn({'name': dyn(e.name), 'valueFrom': dyn({'secretKeyRef': e.valueFrom.secretKeyRef.transformMap(k, x,\n\
             k == 'name' ? dyn(variables.to[r]) : k == 'key' ? dyn(variables.keys[r][?x].orValue(x)) : dyn(x))})})";
        let bound = self.targets.bound(
            &cel::word("e", ["valueFrom", "secretKeyRef", "name"]),
            &format!("r == '' ? dyn(e) : {moved}"),
        );
        format!("(e.?valueFrom.?secretKeyRef.hasValue() ? {bound} : dyn(e))")
    }

    /// The entries that `add` puts behind the others, each as a list of its own.
    fn added(&self) -> Vec<String> {
        let mut added: Vec<(&Decided<'_>, String)> = Vec::new();
        let mut lists = Vec::new();
        for rule in self.decided.iter().filter(|rule| rule.rule.add) {
            for (variable, key) in &rule.rule.vars {
                let Pattern::Exact(name) = variable else { continue };
                let key = key.as_deref().unwrap_or(name);
                let mut conditions = rule.applies();
                let others = added.iter().filter(|(_, other)| other == name);
                conditions.extend(others.map(|(other, _)| format!("!({})", cel::all(&other.applies()))));
                conditions.push(format!("!c.?env.orValue([]).exists(e, e.name == {})", text(name)));
                lists.push(format!(
                    "({} ? [dyn({})] : [])",
                    cel::all(&conditions),
                    entry(&text(name), &text(&rule.rule.to), &text(key))
                ));
                added.push((rule, name.clone()));
            }
        }
        lists
    }

    /// The numbers of some rules.
    fn numbers(&self, test: impl Fn(&Decided<'_>) -> bool) -> Vec<String> {
        self.decided.iter().filter(|rule| test(rule)).map(|rule| rule.number.to_string()).collect()
    }
}

/// For each container the names that have several entries.
fn repeated() -> String {
    let distinct = format!(
        "[found.map(e, e.name)].map(ns, ns.size() > {MOST} ? [] : ns.transformList(i, n, ns.indexOf(n) == i, n))[0]"
    );
    format!(
        "variables.lists.map(cs, cs.map(c, c.?env.orValue([]).size() < 2 ? [] :\n{}))",
        duplicates::repeated("[]", &distinct)
    )
}

fn list(numbers: &[String]) -> String {
    cel::list(numbers.iter().map(String::as_str))
}

/// Whether a literal expands a variable: `$(NAME)`, not `$$(NAME)`.
fn expands(value: &str, name: &str) -> String {
    let used = format!("'$(' + {name} + ')'");
    format!("({value}.contains({used}) && {value}.replace('$$', '').contains({used}))")
}

/// An entry that reads a key of a Secret.
fn entry(name: &str, secret: &str, key: &str) -> String {
    format!(
        "{{'name': dyn({name}), 'valueFrom': dyn({{'secretKeyRef': dyn({{'name': {secret}, 'key': {key}}})}})}}"
    )
}

/// What the entry `w` becomes where rule `ds[i]` decides it; an `optional` that was there stays.
fn content() -> String {
    let key = "variables.vaultedKeys[ds[i]][?w.name].orValue(w.name)";
    let optional = "w.?valueFrom.?secretKeyRef.?optional";
    format!(
        "dyn({{'name': dyn(w.name), 'valueFrom': dyn({{'secretKeyRef': {optional}.hasValue()\n\
         ? dyn({{'name': dyn(variables.vaults[ds[i]]), 'key': dyn({key}), 'optional': dyn({optional}.orValue(false))}})\n\
         : dyn({{'name': dyn(variables.vaults[ds[i]]), 'key': dyn({key})}})}})}})"
    )
}
