//! References in custom resources that no render shows. They are found as the filter finds them: by the last keys of the path.
//!
//! CEL cannot walk down to any depth. But `format` prints a mapping or list of any depth as one text, keys in order and
//! texts in quotes as Go escapes them, so that no value can look like a key. There the name of a removed Secret is
//! searched for; what is before it, read backwards by regular expressions, gives the keys above, and the catalogue
//! says of keys what they mean.

mod labels;
mod limits;
mod printed;
mod seen;

pub(super) use limits::is_beyond_limits;
pub(super) use seen::{RemovedKeys, removed_keys, sees};

use serde_json::{Value, json};

use crate::analysis::guard::by_kind::{Side, is_kind};
use crate::analysis::guard::cel::{self, joined, text};
use crate::analysis::guard::evidence::labels::{NOT, READ, REFER};
use crate::analysis::guard::evidence::printed::{Grammar, above, places};
use crate::analysis::guard::kinds::GuardedKind;
use crate::analysis::guard::policy::{AdmissionPolicy, CelVariable, Check, Validation};
use crate::analysis::guard::removed::Removed;
use crate::catalogue::BUILT_IN;

/// The fields that hold a Secret's name and may have its namespace beside them.
const NAMES: [&str; 3] = ["secretName", "secret_name", "secretname"];

/// The groups of Kubernetes itself without a dot.
const PLAIN_GROUPS: [&str; 6] = ["", "apps", "autoscaling", "batch", "extensions", "policy"];

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
