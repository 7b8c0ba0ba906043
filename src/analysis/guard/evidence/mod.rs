//! References in custom resources whose paths nobody has shown, told as the filter tells them: by the last keys on the way.
//!
//! CEL cannot walk down to any depth. But `format` prints a mapping or list of any depth as one text, keys in order and
//! texts in quotes as Go escapes them, so that no value can look like a key. There the name of a removed Secret is
//! searched for; what stands before it, read backwards by regular expressions, gives the keys above, and the catalogue
//! says of keys what they mean.

mod labels;
mod seen;

pub(super) use seen::{RemovedKeys, removed_keys, sees};

use serde_json::{Value, json};

use crate::analysis::guard::by_kind::{Side, is_kind};
use crate::analysis::guard::cel::{self, bind, joined, text};
use crate::analysis::guard::evidence::labels::{NOT, READ, REFER};
use crate::analysis::guard::kinds::GuardedKind;
use crate::analysis::guard::policy::{AdmissionPolicy, CelVariable, Check, Validation};
use crate::analysis::guard::removed::Removed;
use crate::catalogue::BUILT_IN;

/// What of an object is not searched: who it is, and what its controller writes.
pub(super) const NOT_SEARCHED: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];

/// The fields that hold a Secret's name and may have its namespace beside them.
const NAMES: [&str; 3] = ["secretName", "secret_name", "secretname"];

/// The groups of Kubernetes itself without a dot.
const PLAIN_GROUPS: [&str; 6] = ["", "apps", "autoscaling", "batch", "extensions", "policy"];

/// The characters before a name that are read.
const WINDOW: usize = 1500;

/// The same before a key, for the keys above it.
const ABOVE: usize = 500;

/// The characters behind it.
const BEHIND: usize = 300;

/// The names of one object that are looked at, and the places of each.
const MOST_NAMES: usize = 8;
const MOST_PLACES: usize = 16;

/// The longest text of an object times the count of names: to search costs a fifth of a unit for each.
const MOST_SEARCHED: usize = 4_000_000;

/// The same for the names that are there: to take a text apart costs as much again.
const MOST_SPLIT: usize = 1_000_000;

/// The same for globs, times the length of their expression: a fortieth of a unit.
const MOST_MATCHED: usize = 32_000_000;

/// A text in quotes, as it is printed.
const TEXT: &str = r#""(?:[^"\\]|\\.)*""#;

/// The expressions that read what is printed, backwards from a place.
struct Grammar {
    /// Entries of a mapping that is open there.
    entries: String,
    /// The key whose value is there, or the item of a list.
    key: String,
    /// The same in lists within lists.
    key_above: String,
    /// Behind a name: the rest of its mapping says that it is a ConfigMap's.
    of_config_map: String,
}

impl Grammar {
    fn new() -> Self {
        let mut nested = format!(r"[{{\[](?:{TEXT}|[^{{}}\[\]\x22])*[}}\]]");
        for _ in 0..2 {
            nested = format!(r"[{{\[](?:{TEXT}|[^{{}}\[\]\x22]|{nested})*[}}\]]");
        }
        let value = format!(r"(?:{TEXT}|[^{{}}\[\]\x22, ]+|{nested})");
        Self {
            entries: format!(r"\{{(?:{TEXT}:{value}, )*$"),
            key: format!(r"{TEXT}:(?:\[(?:{value}, )*)?$"),
            key_above: format!(r"{TEXT}:(?:\[(?:{value}, )*)*$"),
            of_config_map: format!(r"^(?:, {TEXT}:{value})*, .type.:.ConfigMap."),
        }
    }
}

/// The check of the kinds of a policy that are custom resources, for places that the policy's own fields do not show.
pub(super) fn of_kinds(kinds: &[&GuardedKind], removed: &Removed, keys: &RemovedKeys) -> Check {
    let kinds: Vec<&GuardedKind> = kinds.iter().copied().filter(|kind| kind.resource == "*").collect();
    if kinds.is_empty() || !removed.has_searched_names() {
        return Check::default();
    }
    let groups: Vec<&str> = kinds.iter().map(|kind| kind.group.as_str()).collect();
    let mut check = check(removed, keys, Some(&groups), |object| Some(is_kind(&kinds, object)));
    // What the fields show is said once.
    let found = "variables.newReads != '' ? '' : variables.newEvidence".to_owned();
    check.variables.push(CelVariable::new("newPlaces", found));
    check.validation = Some(Validation::empty("newPlaces", WHAT));
    check
}

const WHAT: &str = "reads a removed Secret";

/// The policies of all other custom resources: in namespaces, and outside.
pub(super) fn policies(kinds: &[GuardedKind], removed: &Removed, keys: &RemovedKeys) -> Vec<AdmissionPolicy> {
    if !removed.has_searched_names() {
        return Vec::new();
    }
    let known: Vec<&GuardedKind> = kinds.iter().filter(|kind| kind.resource == "*").collect();
    let policy = |namespaced: bool| {
        let suffix = if namespaced { OTHERS } else { "others-cluster" };
        let mut policy = AdmissionPolicy::new(suffix, &[], namespaced);
        let scope = if namespaced { "Namespaced" } else { "Cluster" };
        policy.rules = vec![rule(&["*"], &["CREATE", "UPDATE"], scope)];
        let built_in: Vec<&str> = PLAIN_GROUPS.into_iter().chain(BUILT_IN).collect();
        policy.excluded = vec![rule(&built_in, &["*"], "*")];
        let is_custom = "object.apiVersion.split('/')[0].contains('.')".to_owned();
        policy.conditions.push(("custom-resources".to_owned(), is_custom));
        policy.conditions.push(("other-kinds".to_owned(), format!("!{}", is_kind(&known, "object"))));
        policy.variables.extend(removed.variables().into_iter().map(CelVariable::from));
        policy.check(check(removed, keys, None, |_| None));
        policy
    };
    [true, false].map(policy).into()
}

/// The policy of custom resources that nobody has shown.
pub(super) const OTHERS: &str = "others";

fn rule(groups: &[&str], operations: &[&str], scope: &str) -> Value {
    json!({
        "apiGroups": groups,
        "apiVersions": ["*"],
        "operations": operations,
        "resources": ["*"],
        "scope": scope,
    })
}

/// The references to removed Secrets that are told by the keys on the way to them.
fn check(
    removed: &Removed,
    keys: &RemovedKeys,
    groups: Option<&[&str]>,
    is_searched: impl Fn(&str) -> Option<String>,
) -> Check {
    let mut variables = Vec::new();
    if !keys.is_empty() {
        variables.push(CelVariable::new("removedKeys", keys_by_name(keys)));
    }
    let grammar = Grammar::new();
    variables.push(CelVariable::new("lines", labels::lines(groups)));
    for side in [Side::New, Side::Old] {
        let object = side.object();
        variables.extend(places(side, removed, is_searched(object)));
        variables.extend(above(side, &grammar));
        let reading = format!(
            "fs.filter(f, {}).map(f, ((f.k2 == '' ? '' : f.k2 + '.') + f.k1 + f.holder).replace('\"', '') + ' reads ' + f.name).join(', ')",
            is_reference(side, removed, keys, &grammar)
        );
        let found = joined(&format!("{}.map(fs, {reading})", side.variable("keyed3")));
        variables.push(CelVariable::new(&side.name("evidence"), found));
    }
    let (new, variable) = CelVariable::unlike_before("evidence");
    variables.push(new);
    Check { variables, validation: Some(Validation::empty(&variable, WHAT)) }
}

/// The object as one text, the removed names in it, and for each the places: a list of lists.
fn places(side: Side, removed: &Removed, is_searched: Option<String>) -> [CelVariable; 3] {
    let object = side.object();
    let printed = format!(
        "{object}.filter(k, !(k in {})).map(k, '%s'.format([{{k: {object}[k]}}])).join('')",
        cel::list(NOT_SEARCHED)
    );
    let printed = is_searched.map_or(printed.clone(), |is| format!("({is} ? {printed} : '')"));
    let printed = CelVariable::new(&side.name("printed"), side.guarded(&printed, "''"));
    let all = side.variable("printed");
    let mut lists = Vec::new();
    for map in removed.exact_names() {
        lists.push(format!(
            "({all}.size() * {map}.size() > {MOST_SEARCHED} ? [] : {map}.filter(n, {all}.contains(n + '\"')))"
        ));
    }
    if let Some(regex) = removed.quoted_globs() {
        let most = MOST_MATCHED / regex.len();
        lists.push(format!(
            "({all}.size() > {most} ? [] : {all}.findAll({}, 64).map(q, q.substring(1, q.size() - 1)))",
            text(&regex)
        ));
    }
    let names = CelVariable::new(&side.name("removedNames"), lists.join("\n+ "));
    let positions: Vec<String> = (0..MOST_PLACES).map(|n| n.to_string()).collect();
    let first: Vec<String> = (0..MOST_NAMES).map(|n| n.to_string()).collect();
    // What stands before a place, and behind a slash the namespace.
    let place = bind(
        "b",
        "(i > 1 ? ts[i - 2] + n + '\"' : '') + (i > 0 ? ts[i - 1] + n + '\"' : '') + ts[i]",
        &bind(
            "s",
            "b.endsWith('\"') ? '\"' : b.substring(b.size() > 100 ? b.size() - 100 : 0).find('\"[^\"/]+/$')",
            &format!(
                "{{'name': n, 'namespace': s.replace('\"', '').replace('/', ''),\n\
                 'after': ps[i + 1].substring(0, ps[i + 1].size() > {BEHIND} ? {BEHIND} : ps[i + 1].size()),\n\
                 'before': s == '' ? '' : b.substring(b.size() > {WINDOW} ? b.size() - {WINDOW} : 0, b.size() - s.size())}}"
            ),
        ),
    );
    // The ends first, so that nothing long is copied more than once.
    let each = format!("[{}].filter(i, i < ps.size() - 1)", positions.join(", "));
    let ends =
        format!("{each}.map(i, ps[i].substring(ps[i].size() > {WINDOW} ? ps[i].size() - {WINDOW} : 0))");
    let of_name =
        bind("ps", &format!("{all}.split(n + '\"')"), &bind("ts", &ends, &format!("{each}.map(i, {place})")));
    let found = side.variable("removedNames");
    let places = format!(
        "[{}].filter(j, j < {found}.size() && j * {all}.size() < {MOST_SPLIT} && {found}.indexOf({found}[j]) == j)\n\
         .map(j, {found}[j]).map(n,\n{of_name})",
        first.join(", ")
    );
    [printed, names, CelVariable::new(&side.name("places"), places)]
}

/// For each place the keys above it: what is the value of the nearest one, and two more.
fn above(side: Side, grammar: &Grammar) -> [CelVariable; 4] {
    let step = |from: &str, to: &str, map: String| {
        CelVariable::new(&side.name(to), format!("{}.map(fs, fs.map(f, {map}))", side.variable(from)))
    };
    let entries = text(&grammar.entries);
    let held = "'\"name\":'";
    let opened = bind(
        "b",
        "f.before.substring(0, f.before.size() - 7)",
        &format!(
            "{{'name': f.name, 'namespace': f.namespace, 'after': f.after, 'holder': '.name', 'entries': b.find({entries}), 'before': b}}"
        ),
    );
    let opened = format!(
        "f.before.endsWith({held}) ? {opened}\n\
         : {{'name': f.name, 'namespace': f.namespace, 'after': f.after, 'holder': '', 'entries': '', 'before': f.before}}"
    );
    let up = |before: &str, key: &str, rest: &str, others: &str| {
        let found = format!("{before}.find({})", text(key));
        let body = format!(
            "{{'name': f.name, 'namespace': f.namespace, 'after': f.after, 'holder': f.holder, 'entries': f.entries, {others}{rest}}}"
        );
        bind("b", before, &bind("u", &found.replace(before, "b"), &body))
    };
    let key_of = format!("u.find({})", text(&format!("^{TEXT}")));
    // Few fields are told by more than one key, and what is between keys is short.
    let rest = format!(
        "'before': b.substring(b.size() - u.size() > {ABOVE} ? b.size() - u.size() - {ABOVE} : 0, b.size() - u.size())"
    );
    let first = up(
        "f.before.substring(0, f.before.size() - f.entries.size())",
        &grammar.key,
        &rest,
        &format!("'list': u.endsWith(':') ? '' : 'list', 'k1': {key_of}, "),
    );
    // What stands before the key in its own mapping says the namespace of a name.
    let second = bind(
        "o",
        &format!("f.before.find({entries})"),
        &up(
            "f.before.substring(0, f.before.size() - o.size())",
            &grammar.key_above,
            &rest,
            &format!("'list': f.list, 'k1': f.k1, 'beside': o, 'k2': {key_of}, "),
        ),
    );
    let third = bind(
        "o",
        &format!("f.before.find({entries})"),
        &up(
            "f.before.substring(0, f.before.size() - o.size())",
            &grammar.key_above,
            &format!("'k3': {key_of}"),
            "'list': f.list, 'k1': f.k1, 'beside': f.beside, 'k2': f.k2, ",
        ),
    );
    [
        step("places", "opened", opened),
        step("opened", "keyed1", first),
        step("keyed1", "keyed2", second),
        step("keyed2", "keyed3", third),
    ]
}

/// Whether a place `f` holds a reference to a removed Secret.
fn is_reference(side: Side, removed: &Removed, keys: &RemovedKeys, grammar: &Grammar) -> String {
    let object = side.object();
    let label = format!(
        "variables.lines.filter(l, (f.holder != '' || l[0] != '{REFER}') && ({object}.kind + f.k3 + f.k2 + f.k1).matches(l[1]))\n\
         .map(l, l[0])"
    );
    let says = |field: &str, value: &str| {
        let alone = format!("\"{field}\":\"{value}\"");
        let found = format!("f.entries.find({})", text(&format!("\"{field}\":\"[^\"]*\"")));
        format!("{found} in ['', {}, {}]", text(&alone), text(&format!("\"{field}\":\"\"")))
    };
    // As `Finder::refers_to_a_secret`.
    let refers = cel::all(&[
        says("kind", "Secret"),
        says("apiVersion", "v1"),
        format!("!f.entries.matches({})", text("\"(?:group|apiGroup)\":\"[^\"]")),
        format!("!f.after.matches({})", text(&grammar.of_config_map)),
    ]);
    let is_typed = "f.holder != '' && f.entries.contains('\"kind\":\"Secret\"')";
    let mut cases = vec![
        format!("l in ['{READ}', '{REFER}'] && (f.holder == '' || {refers})"),
        format!("{is_typed} && {refers}"),
    ];
    if !keys.is_empty() {
        cases.push(format!(
            "f.holder != '' && !(l in ['{READ}', '{REFER}'])\n\
             && f.entries.find({}) in variables.removedKeys[?f.name].orValue([])",
            text("\"key\":\"[^\"]*\"")
        ));
    }
    let by_key =
        "f.holder != '' && (f.k1 == '\"secretKeyRef\"' || (f.k1 == '\"imagePullSecrets\"' && f.list != ''))";
    let cases: Vec<String> = cases.iter().map(|case| format!("({case})")).collect();
    let is_read = format!(
        "[{label} + ['']].exists(ls, [ls[0]].exists(l, l != '{NOT}' && {})) || ({by_key})",
        cel::any(&cases)
    );
    let namespace = format!(
        "[f.namespace, f.after.find({}), f.k1 in {} ? f.beside.find({}) : '']\n\
         .filter(s, s != '').map(s, s.contains('\"') ? s.split('\"')[3] : s)",
        text("^, \"(?:namespace|secretNamespace)\":\"[^\"]+\""),
        cel::list(NAMES.map(|name| format!("\"{name}\"")).iter().map(String::as_str)),
        text("\"namespace\":\"[^\"]+\""),
    );
    let test = removed.test("f.name", "ns");
    format!("f.k1 != '' && ({is_read})\n&& [({namespace} + [variables.ownNamespace])[0]].exists(ns, {test})")
}

/// The keys of removed Secrets, as they are printed beside a name.
fn keys_by_name(keys: &RemovedKeys) -> String {
    let of_name = |(name, keys): (&String, &std::collections::BTreeSet<String>)| {
        let printed: Vec<String> = keys.iter().map(|key| format!("\"key\":\"{key}\"")).collect();
        format!("{}: {}", text(name), cel::list(printed.iter().map(String::as_str)))
    };
    format!("{{{}}}", keys.iter().map(of_name).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    /// The end of a text that an expression finds, and what stands before it.
    fn split<'a>(text: &'a str, expression: &str) -> (&'a str, &'a str) {
        let found = Regex::new(expression).expect("an expression").find(text);
        found.map_or((text, ""), |found| text.split_at(found.start()))
    }

    #[track_caller]
    fn keys(before: &str, keys: [&str; 3]) {
        let grammar = Grammar::new();
        let mut rest = before;
        if let Some(holder) = before.strip_suffix("\"name\":") {
            rest = split(holder, &grammar.entries).0;
        }
        for (number, key) in keys.into_iter().enumerate() {
            if number > 0 {
                rest = split(rest, &grammar.entries).0;
            }
            let (above, found) = split(rest, if number == 0 { &grammar.key } else { &grammar.key_above });
            assert_eq!(found.split('"').nth(1).unwrap_or_default(), key, "{before}");
            rest = above;
        }
    }

    #[test]
    fn keys_are_read_backwards() {
        keys(r#"{"spec":{"secretName":"#, ["secretName", "spec", ""]);
        keys(
            r#"{"spec":{"a":1, "list":[{"b":[{}, {"c":[1.500000, null]}], "ref":{"key":"k", "name":"#,
            ["ref", "list", "spec"],
        );
        keys(r#"{"spec":{"secrets":["a", {"b":{"c":{}}}, "#, ["secrets", "spec", ""]);
        keys(r#"{"spec":{"lists":[[{"a":{"name":"#, ["a", "lists", "spec"]);
        // A window begins anywhere.
        keys(r#"ay \"hi\"", "x":{"secretRef":{"name":"#, ["secretRef", "x", ""]);
    }

    #[test]
    fn no_value_looks_like_a_key() {
        keys(r#"{"spec":{"text":"{\"secretRef\":{\"name\":\""#, ["", "", ""]);
        keys(r#"{"spec":{"text":"a{b[c\\", "host":"#, ["host", "spec", ""]);
        keys(r#"{"spec":{"text":"\"secretName\":", "host":"#, ["host", "spec", ""]);
    }
}
