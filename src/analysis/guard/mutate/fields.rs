//! References outside of variables: `envFrom`, volumes, `imagePullSecrets`.
//!
//! CEL changes no value. So a mapping is built from its own entries, with another one for the name.

use crate::analysis::guard::cel;
use crate::analysis::guard::mutate::targets::Targets;
use crate::analysis::guard::policy::CelVariable;
use crate::kube::references::SECRET_REF_VOLUMES;

/// The variables with the new lists.
pub(super) fn variables(targets: &Targets) -> Vec<CelVariable> {
    if targets.is_empty() {
        return Vec::new();
    }
    vec![
        CelVariable::new(
            "envFrom",
            format!(
                "variables.lists.map(cs, cs.map(c, c.?envFrom.orValue([]).map(f, {})))",
                below("f", "secretRef", &|reference| whole(targets, reference, "name"))
            ),
        ),
        CelVariable::new(
            "volumes",
            format!("variables.pod.?volumes.orValue([]).map(v,\n{})", volume(targets)),
        ),
        CelVariable::new("imagePullSecrets", image_pull_secrets(targets)),
    ]
}

/// The operations that put them into the object.
pub(super) fn patches(targets: &Targets) -> Vec<String> {
    if targets.is_empty() {
        return Vec::new();
    }
    let volumes = "variables.pod.?volumes.orValue([]).transformList(i, v, variables.volumes[i] != v,\n\
                   JSONPatch{op: 'replace', path: variables.at + '/volumes/' + string(i), value: variables.volumes[i]})";
    let image_pull_secrets = "[variables.imagePullSecrets].filter(l, l != variables.pod.?imagePullSecrets.orValue([]))\n\
         .map(l, JSONPatch{op: 'replace', path: variables.at + '/imagePullSecrets', value: l})";
    vec![super::of_containers("envFrom"), volumes.to_owned(), image_pull_secrets.to_owned()]
}

/// A mapping with another value for one key.
fn below(mapping: &str, key: &str, value: &dyn Fn(&str) -> String) -> String {
    below_any(mapping, &[key], value)
}

/// A mapping with other values for some keys.
fn below_any(mapping: &str, keys: &[&str], value: &dyn Fn(&str) -> String) -> String {
    let (key, inner) = (format!("{mapping}k"), format!("{mapping}v"));
    let test = match keys {
        [one] => format!("{key} == {}", cel::text(one)),
        more => format!("{key} in {}", cel::list(more.iter().copied())),
    };
    format!("{mapping}.transformMap({key}, {inner}, {test} ? dyn({}) : dyn({inner}))", value(&inner))
}

/// What names a Secret and takes all of it, by names of keys that its reader knows: none may have another.
fn whole(targets: &Targets, reference: &str, field: &str) -> String {
    let name = cel::word(reference, [field]);
    let moved = below(reference, field, &|_| "variables.to[r]".to_owned());
    targets.bound(&name, &format!("r == '' || r in variables.renaming ? dyn({reference}) : dyn({moved})"))
}

/// What names a Secret and takes keys of it as files.
fn files(targets: &Targets, source: &str, field: &str) -> String {
    let name = cel::word(source, [field]);
    let moved = below(source, field, &|_| "variables.to[r]".to_owned());
    let (key, value) = (format!("{source}k"), format!("{source}v"));
    let item = below("t", "key", &|key| format!("variables.keys[r][?{key}].orValue({key})"));
    let with_items = format!(
        "{source}.transformMap({key}, {value}, {key} == {} ? dyn(variables.to[r])\n\
         : {key} == 'items' ? dyn({value}.map(t, {item})) : dyn({value}))",
        cel::text(field)
    );
    let all = if targets.has_files() {
        // Without items each key is a file of its own name.
        format!(
            "r in variables.files ? dyn(({source}.map({key}, {key}).filter({key}, {key} != 'items') + ['items'])\n\
             .transformMapEntry(ti, {key}, {{{key}: {key} == {} ? dyn(variables.to[r]) : {key} == 'items' ? dyn(variables.files[r]) : dyn({source}[{key}])}}))\n: ",
            cel::text(field)
        )
    } else {
        String::new()
    };
    targets.bound(
        &name,
        &format!(
            "r == '' ? dyn({source})\n\
             : !(r in variables.renaming) ? dyn({moved})\n\
             : {source}.?items.orValue([]).size() > 0 ? dyn({with_items})\n\
             : {all}dyn({source})"
        ),
    )
}

/// A volume `v`.
fn volume(targets: &Targets) -> String {
    let projected = below("vv", "sources", &|sources| {
        format!("{sources}.map(p, {})", below("p", "secret", &|secret| files(targets, secret, "name")))
    });
    let csi = below("vv", "nodePublishSecretRef", &|reference| whole(targets, reference, "name"));
    let others = below("vv", "secretRef", &|reference| whole(targets, reference, "name"));
    format!(
        "v.transformMap(vk, vv, vk == 'secret' ? dyn({})\n: vk == 'projected' ? dyn({projected})\n\
         : vk == 'azureFile' ? dyn({})\n: vk == 'csi' ? dyn({csi})\n: vk in {} ? dyn({others})\n: dyn(vv))",
        files(targets, "vv", "secretName"),
        whole(targets, "vv", "secretName"),
        cel::list(SECRET_REF_VOLUMES)
    )
}

/// A Secret is in the list once: what would be named a second time is removed.
fn image_pull_secrets(targets: &Targets) -> String {
    let new = targets.bound("i.?name.orValue('')", "r == '' ? i.?name.orValue('') : variables.to[r]");
    let item = below("i", "name", &|_| "news[at]".to_owned());
    format!(
        "[variables.pod.?imagePullSecrets.orValue([])].map(l, [l.map(i, i.?name.orValue(''))].map(olds, [l.map(i, {new})].map(news,\n\
         l.transformList(at, i, olds[at] == news[at] || (!(news[at] in olds) && news.indexOf(news[at]) == at),\n\
         olds[at] == news[at] ? dyn(i) : dyn({item})))[0])[0])[0]"
    )
}
