//! CEL that finds readers of moved keys and names them.

use crate::analysis::guard::by_kind::{Side, by_kind};
use crate::analysis::guard::cel::{joined, text, together};
use crate::analysis::guard::env_rules;
use crate::analysis::guard::formats;
use crate::analysis::guard::kinds::GuardedKind;
use crate::analysis::guard::moved::{Asked, Moved};
use crate::analysis::guard::policy::{CelVariable, Check, Validation};
use crate::analysis::guard::reads::in_fields;
use crate::analysis::guard::removed::Removed;
use crate::config::Config;

/// The check of the kinds of one policy; an empty one where none can read a moved key.
pub(super) fn check(
    kinds: &[&GuardedKind],
    removed: &Removed,
    config: &Config,
    with_containers: bool,
) -> Check {
    let side = |side: Side| {
        let mut parts = Vec::new();
        if with_containers {
            let removes = env_rules::removes(config, "v");
            parts.extend(in_containers(side, &removed.moved, removes.as_deref()));
            parts.extend(in_volumes(side, &removed.moved));
        }
        let fields = by_kind(kinds, side.object(), "''", |kind| in_custom(kind, side.object(), removed));
        if fields != "''" {
            parts.push(format!("({fields})"));
        }
        let text = side.guarded(&together(&parts), "''");
        (!parts.is_empty()).then(|| CelVariable::new(&side.name("moved"), text))
    };
    let Some((now, before)) = side(Side::New).zip(side(Side::Old)) else { return Check::default() };
    let (new, variable) = CelVariable::unlike_before("moved");
    Check {
        variables: vec![now, before, new],
        validation: Some(Validation::empty(&variable, "reads a key that goes to the vault")),
    }
}

/// What containers read: variables, and what `envFrom` brings.
fn in_containers(side: Side, moved: &Moved, removes: Option<&str>) -> Option<String> {
    let mut parts = Vec::new();
    let lists = [
        ("secretKeyRef", moved.of_own_secret(Asked::Read, "r.?name.orValue('')")),
        ("configMapKeyRef", moved.of_own_config_map(Asked::Read, "r.?name.orValue('')")),
    ];
    for (field, keys) in lists {
        let Some(keys) = keys else { continue };
        parts.push(joined(&format!(
            "c.?env.orValue([]).map(e, [?e.?valueFrom.?{field}].filter(r, r.?key.orValue('') in {keys})\n\
             .map(r, 'container ' + c.name + ' variable ' + e.name + ' reads key ' + r.key + ' of ' + r.name).join(', '))"
        )));
    }
    parts.extend(from_sources(moved, removes));
    let of_pod = joined(&format!("cs.map(c,\n{})", together(&parts)));
    (!parts.is_empty()).then(|| joined(&format!("{}.map(cs, {of_pod})", side.variable("containers"))))
}

/// The keys of a source `s` of variables.
fn of_source(moved: &Moved, asked: Asked) -> Option<String> {
    let secret = moved.of_own_secret(asked, "s.secretRef.?name.orValue('')");
    let map = moved.of_own_config_map(asked, "s.configMapRef.?name.orValue('')");
    let cases = [("secretRef", secret), ("configMapRef", map)];
    let cases: Vec<String> = cases
        .into_iter()
        .filter_map(|(field, keys)| Some(format!("s.?{field}.hasValue() ? {} : ", keys?)))
        .collect();
    (!cases.is_empty()).then(|| format!("({}[])", cases.concat()))
}

/// What `envFrom` brings: a variable that has no entry, and that no later source gives.
fn from_sources(moved: &Moved, removes: Option<&str>) -> Option<String> {
    let taken = of_source(moved, Asked::Taken)?;
    let prefix = |source: &str| format!("{source}.?prefix.orValue('')");
    let given = of_source(moved, Asked::Given).filter(|_| moved.is_rendered);
    // Nobody knows what another source gives that no render shows: one behind may decide the variable.
    let decides = given.map_or_else(
        || format!("v.startsWith({})", prefix("s")),
        |given| format!("{given}.exists(g, {} + g == v)", prefix("s")),
    );
    let mut conditions = vec![
        "!c.?env.orValue([]).exists(e, e.name == v)".to_owned(),
        format!("[f.filter(s, {decides})].all(l, l[l.size() - 1] == s)"),
    ];
    conditions.extend(removes.map(|removes| format!("!{removes}")));
    let keys = format!("{taken}.filter(k, [{} + k].exists(v, {}))", prefix("s"), conditions.join("\n&& "));
    let name = "s.?secretRef.?name.orValue(s.?configMapRef.?name.orValue(''))";
    let of_sources = joined(&format!(
        "f.map(s, {keys}\n.map(k, 'container ' + c.name + ' envFrom takes key ' + k + ' of ' + {name}).join(', '))"
    ));
    Some(format!("[c.?envFrom.orValue([])].map(f, {of_sources})[0]"))
}

/// What volumes bring as files.
fn in_volumes(side: Side, moved: &Moved) -> Option<String> {
    let mut conditions = Vec::new();
    let secret =
        |holder: &str, asked| moved.of_own_secret(asked, &format!("{holder}.?secretName.orValue('')"));
    let of_source = |holder: &str, asked| moved.of_own_secret(asked, &format!("{holder}.?name.orValue('')"));
    let map = |holder: &str, asked| moved.of_own_config_map(asked, &format!("{holder}.?name.orValue('')"));
    // By items, or all keys.
    let takes = |holder: &str, read: Option<String>, all: Option<String>| {
        let items = format!("{holder}.?items.orValue([])");
        let by_items = format!("{items}.exists(i, i.key in {})", read?);
        Some(match all {
            Some(all) => format!("({items}.size() == 0 ? {all} : {by_items})"),
            None => by_items,
        })
    };
    let own = |holder: &str, read: Option<String>, taken: Option<String>| {
        takes(holder, read, taken.map(|taken| format!("{taken} != []")))
    };
    let volume = |field: &str, test: Option<String>| Some(format!("(e.?{field}.hasValue() && {})", test?));
    conditions.extend(volume(
        "secret",
        own("e.secret", secret("e.secret", Asked::Read), secret("e.secret", Asked::Taken)),
    ));
    conditions.extend(volume(
        "configMap",
        own("e.configMap", map("e.configMap", Asked::Read), map("e.configMap", Asked::Taken)),
    ));
    // A projected volume may take all that stays, and the moved keys from the vaulted Secret beside it.
    let vaulted = moved.vaulted();
    let beside = format!(
        "e.projected.sources.exists(y, y.?secret.?name.orValue('') in {vaulted}\n\
         && y.?secret.?items.orValue([]).exists(i, i.path == k))"
    );
    let source = |field: &str, read: Option<String>, taken: Option<String>| {
        let beyond = taken.map(|taken| format!("{taken}.exists(k, !{beside})"));
        let test = takes(&format!("x.{field}"), read, beyond)?;
        Some(format!("(x.?{field}.hasValue() && {test})"))
    };
    let sources: Vec<String> = [
        source("secret", of_source("x.secret", Asked::Read), of_source("x.secret", Asked::Taken)),
        source("configMap", map("x.configMap", Asked::Read), map("x.configMap", Asked::Taken)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !sources.is_empty() {
        conditions.push(format!("e.?projected.?sources.orValue([]).exists(x, {})", sources.join("\n|| ")));
    }
    let found = format!(
        "pod.?volumes.orValue([]).filter(e, {}).map(e, 'volume ' + e.name).join(', ')",
        conditions.join("\n|| ")
    );
    (!conditions.is_empty()).then(|| joined(&format!("{}.map(pod, {found})", side.variable("pods"))))
}

/// The fields beside a name that say which key is taken.
const KEYS: [&str; 4] = ["key", "secretKey", "secret_key", "valuesKey"];

/// What the fields of a custom resource read that say a key.
fn in_custom(kind: &GuardedKind, object: &str, removed: &Removed) -> Option<String> {
    if kind.resource != "*" {
        return None;
    }
    let moved = removed.moved.of_secret(Asked::Read, "w[1]", "w[0]")?;
    let keys: Vec<String> = KEYS.iter().map(|key| format!("?r.?{key}")).collect();
    let field = |label: &str| {
        format!(
            "type(r) == string || r.?kind.orValue('Secret') != 'Secret' ? ''\n\
             : [[dyn(r.?namespace.orValue(r.?secretNamespace.orValue(variables.ownNamespace))), dyn(r.?name.orValue(r.?secretName.orValue('')))]]\n\
             .filter(w, [{}].exists(k, k in {moved})).map(w, {} + w[1]).join(', ')",
            keys.join(", "),
            text(&format!("{label} reads a key of "))
        )
    };
    let mut parts = in_fields(object, &kind.fields, &field);
    parts.extend(formats::keys_in_fields(object, &kind.formats, &removed.moved));
    (!parts.is_empty()).then(|| together(&parts))
}
