//! CEL that finds references to removed Secrets and names them.

use std::collections::BTreeSet;

use crate::analysis::guard::by_kind::{Side, by_kind, shown};
use crate::analysis::guard::cel::{self, at_each, joined, text, together};
use crate::analysis::guard::formats;
use crate::analysis::guard::kinds::GuardedKind;
use crate::analysis::guard::pods::templates_at;
use crate::analysis::guard::removed::Removed;
use crate::kube::references::{CONTAINER_PLACES, PARAMETERS, POD_PLACES};
use crate::yaml::field_path::{FieldPath, FieldStep};

/// The text that names every reference to a removed Secret on one side.
pub(super) fn reads(kinds: &[&GuardedKind], removed: &Removed, side: Side, with_containers: bool) -> String {
    let mut parts = Vec::new();
    if with_containers {
        parts.push(in_containers(side, removed));
        parts.push(in_pods(side, removed));
        parts.push(formats::in_arguments(side, removed));
        parts.extend(renamed_keys(side, removed));
    }
    let object = side.object();
    parts.push(in_annotations(kinds, side, removed));
    let fields = by_kind(kinds, object, "''", |kind| {
        let mut parts = in_fields(object, &kind.fields, &|label| reference(label, removed));
        parts.extend(formats::in_fields(object, &kind.formats, removed));
        if kind.kind == "ConfigMap" {
            parts.push(formats::in_settings(object, removed));
        }
        parts.extend(special(kind, object, removed));
        (!parts.is_empty()).then(|| together(&parts))
    });
    if fields != "''" {
        parts.push(format!("({fields})"));
    }
    together(&parts)
}

/// Whether a kind has more fields that name Secrets than a list of places says.
fn has_special(kind: &GuardedKind) -> bool {
    matches!(
        (kind.group.as_str(), kind.kind.as_str()),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") | ("storage.k8s.io", "StorageClass")
    )
}

/// The names at places of an item, by the list that holds the item.
fn lists(places: &[FieldPath]) -> Vec<(&str, Vec<&[FieldStep]>)> {
    let mut lists: Vec<(&str, Vec<&[FieldStep]>)> = Vec::new();
    for place in places {
        let [FieldStep::Key(list), FieldStep::AnyItem, rest @ ..] = place.steps() else { continue };
        match lists.iter_mut().find(|(known, _)| known == list) {
            Some((_, rests)) => rests.push(rest),
            None => lists.push((list, vec![rest])),
        }
    }
    lists
}

/// The names that an item holds: a list, also of those in a list within.
fn names(item: &str, rests: &[&[FieldStep]]) -> String {
    let mut here = Vec::new();
    let mut within = Vec::new();
    for rest in rests {
        let position = rest.iter().position(|step| *step == FieldStep::AnyItem);
        let (before, behind) = position.map_or((*rest, &[][..]), |at| (&rest[..at], &rest[at + 1..]));
        if position.is_none() {
            here.push(format!("?{}", cel::optional(item, keys(before))));
        } else {
            within.push(format!(
                "{}.map(x, {})",
                cel::items(item, keys(before)),
                cel::word("x", keys(behind))
            ));
        }
    }
    within.insert(0, format!("[{}]", here.join(", ")));
    if here.is_empty() {
        within.remove(0);
    }
    if let [one] = within.as_slice() { one.clone() } else { format!("({})", within.join("\n+ ")) }
}

fn keys(steps: &[FieldStep]) -> Vec<&str> {
    steps.iter().filter_map(FieldStep::key).collect()
}

/// What places of a holder read, each item with a label of its own.
fn in_lists(holder: &str, places: &[&str], removed: &Removed, label: impl Fn(&str) -> String) -> String {
    let places: Vec<FieldPath> = places.iter().filter_map(|place| FieldPath::parse(place).ok()).collect();
    let parts: Vec<String> = lists(&places)
        .into_iter()
        .map(|(list, rests)| {
            let found = format!(
                "{}.filter(n, {}).map(n, {} + ' reads ' + n).join(', ')",
                names("e", &rests),
                removed.test("n", "variables.ownNamespace"),
                label(list),
            );
            joined(&format!("{}.map(e, {found})", cel::items(holder, [list])))
        })
        .collect();
    together(&parts)
}

/// What annotations read that are known to name Secrets, in the object and in the templates of its pods.
fn in_annotations(kinds: &[&GuardedKind], side: Side, removed: &Removed) -> String {
    let object = side.object();
    let templates = by_kind(kinds, object, "[]", |kind| {
        let lists: Vec<String> = kind.pods.iter().filter_map(|place| templates_at(object, place)).collect();
        (!lists.is_empty()).then(|| lists.join(" + "))
    });
    let all = format!("[{object}.metadata.?annotations.orValue({{}})]");
    let all = if templates == "[]" { all } else { format!("({all} + ({templates}))") };
    formats::in_annotations(&all, removed)
}

/// What the containers read: variables and `envFrom`.
fn in_containers(side: Side, removed: &Removed) -> String {
    let label = |list: &str| {
        let label = if list == "env" { "' variable ' + e.name" } else { "' envFrom'" };
        format!("'container ' + c.name + {label}")
    };
    let of_container = in_lists("c", &CONTAINER_PLACES, removed, label);
    let of_pod = joined(&format!("cs.map(c,\n{of_container})"));
    joined(&format!("{}.map(cs, {of_pod})", side.variable("containers")))
}

/// What the rest of a pod reads.
fn in_pods(side: Side, removed: &Removed) -> String {
    let label = |list: &str| if list == "volumes" { "'volume ' + e.name".to_owned() } else { text(list) };
    let of_pod = in_lists("pod", &POD_PLACES, removed, label);
    joined(&format!("{}.map(pod,\n{of_pod})", side.variable("pods")))
}

/// What still reads a key by the chart's name from a vaulted Secret of the same name: variables, and volumes, whose files
/// would have other names.
fn renamed_keys(side: Side, removed: &Removed) -> Vec<String> {
    let of_secret = |(secret, keys): &(String, Vec<String>)| {
        let (secret, keys) = (text(secret), cel::list(keys.iter().map(String::as_str)));
        let variables = format!(
            "c.?env.orValue([]).filter(e, e.?valueFrom.?secretKeyRef.?name.orValue('') == {secret}\n\
             && e.?valueFrom.?secretKeyRef.?key.orValue('') in {keys})\n\
             .map(e, 'container ' + c.name + ' variable ' + e.name + ' reads a renamed key of ' + {secret}).join(', ')"
        );
        let in_containers = format!(
            "{}.map(cs, {})",
            side.variable("containers"),
            joined(&format!("cs.map(c, {variables})"))
        );
        let takes = |source: &str| {
            format!("(!{source}.?items.hasValue() || {source}.items.exists(i, i.key in {keys}))")
        };
        let volumes = format!(
            "pod.?volumes.orValue([]).filter(v, (v.?secret.?secretName.orValue('') == {secret} && {})\n\
             || v.?projected.?sources.orValue([]).exists(x, x.?secret.?name.orValue('') == {secret} && {}))\n\
             .map(v, 'volume ' + v.name + ' reads a renamed key of ' + {secret}).join(', ')",
            takes("v.secret"),
            takes("x.secret")
        );
        let in_pods = format!("{}.map(pod, {volumes})", side.variable("pods"));
        [joined(&in_containers), joined(&in_pods)]
    };
    removed.renamed.iter().flat_map(of_secret).collect()
}

/// What the fields of a kind read, as `found` says of a value `r` under a label: a text is the name, a mapping holds it, and
/// its namespace where it can say.
///
/// Fields of one mapping, or of the items of one list, share one test: what a server checks before it takes a policy
/// grows with the text.
pub(super) fn in_fields(
    object: &str,
    fields: &BTreeSet<FieldPath>,
    found: &dyn Fn(&str) -> String,
) -> Vec<String> {
    let mut groups: Vec<(&[FieldStep], Vec<&[FieldStep]>)> = Vec::new();
    for place in fields {
        let steps = place.steps();
        let last = steps.iter().rposition(FieldStep::is_item).map_or(0, |at| at + 1);
        let (holder, rest) = steps.split_at(last);
        match groups.iter_mut().find(|(known, _)| *known == holder) {
            Some((_, rests)) => rests.push(rest),
            None => groups.push((holder, vec![rest])),
        }
    }
    let of_group = |(holder, rests): (&[FieldStep], Vec<&[FieldStep]>)| {
        let label = match rests.as_slice() {
            [one] => shown(&[holder, one].concat()),
            _ if holder.is_empty() => shown(&common(&rests)),
            _ => shown(holder),
        };
        at_each(object, holder, 0, &|item| {
            // The mark of what may be absent is before optional values alone: before another, servers crash.
            let value = |rest: &&[FieldStep]| {
                let mark = if rest.is_empty() { "" } else { "?" };
                format!("{mark}{}", cel::optional(item, keys(rest)))
            };
            let values: Vec<String> = rests.iter().map(value).collect();
            let values = format!("[{}]", values.join(", "));
            joined(&format!("{values}.map(r, {})", found(&label)))
        })
    };
    groups.into_iter().map(of_group).collect()
}

/// The steps that all begin with.
fn common(rests: &[&[FieldStep]]) -> Vec<FieldStep> {
    let Some((first, others)) = rests.split_first() else { return Vec::new() };
    let same = |at: usize| others.iter().all(|other| other.get(at) == first.get(at));
    (0..first.len()).take_while(|at| same(*at)).map(|at| first[at].clone()).collect()
}

/// The text for a reference `r` to a removed Secret.
fn reference(label: &str, removed: &Removed) -> String {
    let name = "type(r) == string ? r : r.?name.orValue(r.?secretName.orValue(''))";
    let namespace = "(type(r) == string ? variables.ownNamespace : r.?namespace.orValue(r.?secretNamespace.orValue(variables.ownNamespace)))";
    let is_secret =
        "type(r) == string || (r.?kind.orValue('') in ['', 'Secret'] && r.?group.orValue('') == '')";
    // No name holds a slash: what has one names the namespace too. The parts are bound, since a test asks for them more
    // than once.
    format!(
        "{is_secret} ? [[dyn({namespace}), dyn({name})]].map(w, w[1].matches('^[^/]+/[^/]+$') ? w[1].split('/') : w)\n\
         .filter(w, {}).map(w, {} + w[1]).join(', ') : ''",
        removed.test("w[1]", "w[0]"),
        text(&format!("{label} reads "))
    )
}

/// What only a sibling tells: roles and storage classes.
fn special(kind: &GuardedKind, object: &str, removed: &Removed) -> Option<String> {
    match kind.kind.as_str() {
        _ if !has_special(kind) => None,
        "StorageClass" => {
            let parameters = format!("{object}.?parameters.orValue({{}})");
            let parts: Vec<String> = PARAMETERS
                .iter()
                .map(|(name, namespace)| {
                    let beside = format!(
                        "{parameters}[?k.substring(0, k.size() - {}) + {}].orValue(variables.ownNamespace)",
                        name.len(),
                        text(namespace)
                    );
                    let test = removed.test(&format!("{parameters}[k]"), &beside);
                    format!("(k.endsWith({}) && {test})", text(name))
                })
                .collect();
            Some(format!(
                "{parameters}.filter(k, {}).map(k, 'parameter ' + k + ' reads ' + {parameters}[k]).join(', ')",
                parts.join("\n|| ")
            ))
        }
        _ => {
            // In a rule about other resources too, the old name may mean one of them; the vaulted one must be beside it.
            let vaulted = cel::list(removed.targets());
            let beside = format!("{}.exists(m, m in {vaulted})", cel::any_items("r", ["resourceNames"]));
            let of_rule = format!(
                "r.?resources.orValue([]) != ['secrets'] && {beside} ? ''\n\
                 : {}.filter(n, {}).map(n, 'resourceNames holds ' + n).join(', ')",
                cel::any_items("r", ["resourceNames"]),
                removed.test("n", "variables.ownNamespace"),
            );
            Some(joined(&format!(
                "{}.filter(r, r.?resources.orValue([]).exists(x, x in ['secrets', '*']))\n.map(r, {of_rule})",
                cel::any_items(object, ["rules"]),
            )))
        }
    }
}
