//! Texts that hold more than a Secret's name, taken apart in CEL: `namespace/name`, `name/key`, lists.

use std::collections::BTreeMap;

use crate::analysis::guard::by_kind::{Side, shown};
use crate::analysis::guard::cel::{self, at_each, joined, text};
use crate::analysis::guard::moved::{Asked, Moved};
use crate::analysis::guard::removed::Removed;
use crate::catalogue::name_format::{CONTROLLERS, NAME_OPTION, NameFormat, OF_INGRESSES, OPTION, SETTING};
use crate::yaml::field_path::FieldPath;

/// What the fields of a kind read.
pub(super) fn in_fields(
    object: &str,
    fields: &BTreeMap<FieldPath, NameFormat>,
    removed: &Removed,
) -> Vec<String> {
    let of_field = |(place, format): (&FieldPath, &NameFormat)| {
        let label = text(&format!("{} reads ", shown(place.steps())));
        at_each(object, place.steps(), 0, &|value| {
            format!("(type({value}) == string ? {} : '')", names(value, *format, removed, &label))
        })
    };
    fields.iter().map(of_field).collect()
}

/// The moved keys that the fields of a kind read.
pub(super) fn keys_in_fields(
    object: &str,
    fields: &BTreeMap<FieldPath, NameFormat>,
    moved: &Moved,
) -> Vec<String> {
    let of_field = |(place, format): (&FieldPath, &NameFormat)| {
        let own = moved.of_secret(Asked::Read, "w[0]", "variables.ownNamespace")?;
        let mut cases = vec![format!("(w.size() == 2 && w[1] in {own})")];
        match format {
            NameFormat::NameKey => {}
            NameFormat::NamespaceNameKey => {
                let full = moved.of_secret(Asked::Read, "w[1]", "w[0]")?;
                cases.push(format!("(w.size() == 3 && w[2] in {full})"));
            }
            NameFormat::Name | NameFormat::NamespaceName | NameFormat::List => return None,
        }
        let label = text(&format!("{} reads a key of ", shown(place.steps())));
        let condition = cel::any(&cases);
        Some(at_each(object, place.steps(), 0, &|value| {
            format!(
                "(type({value}) != string ? '' : [{value}.split('/')].filter(w, {condition})\n\
                 .map(w, {label} + w[w.size() - 2]).join(', '))"
            )
        }))
    };
    fields.iter().filter_map(of_field).collect()
}

/// What the settings of ingress-nginx read.
pub(super) fn in_settings(object: &str, removed: &Removed) -> String {
    let value = cel::word(object, ["data", SETTING]);
    names(&value, NameFormat::NamespaceName, removed, &text(&format!("key {SETTING} reads ")))
}

/// What the arguments of containers read.
pub(super) fn in_arguments(side: Side, removed: &Removed) -> String {
    let found = names(
        "a.substring(a.indexOf('=') + 1)",
        NameFormat::NamespaceName,
        removed,
        "'container ' + c.name + ' argument reads '",
    );
    let of_container = format!(
        "(c.?command.orValue([]) + c.?args.orValue([])).filter(a, a.startsWith('-') && a.matches({})).map(a, {found})",
        text(&format!("^(?:{OPTION}|-[^=]*{NAME_OPTION}=)"))
    );
    let of_pod = format!("cs.map(c, {})", joined(&of_container));
    joined(&format!("{}.map(cs, {})", side.variable("containers"), joined(&of_pod)))
}

/// What annotations read, in a list of their mappings.
pub(super) fn in_annotations(all: &str, removed: &Removed) -> String {
    // As `name_format::of_annotation` knows them; a list of one is that one.
    let known = format!(
        "^(?:secret[.]reloader[.]stakater[.]com/(?:reload|exclude)|konghq[.]com/client-cert|[^/]*/.*-from-secret\
         |[^/]*(?:{})[^/]*/(?:{}))$",
        CONTROLLERS.join("|"),
        OF_INGRESSES.join("|")
    );
    let found = names("a[k]", NameFormat::List, removed, "'annotation ' + k + ' reads '");
    let of_mapping = format!("a.filter(k, k.matches({})).map(k, {found})", text(&known));
    joined(&format!("{all}.map(a, {})", joined(&of_mapping)))
}

/// The text that names every removed Secret of a text, each behind a label.
fn names(value: &str, format: NameFormat, removed: &Removed, label: &str) -> String {
    // A resource of Envoy says what it is: `kubernetes://name`.
    let whole = "(t.contains('://') ? t.substring(t.indexOf('://') + 3) : t)";
    let items = match format {
        NameFormat::List => format!("{whole}.split(',').map(i, i.trim())"),
        _ => format!("[{whole}]"),
    };
    let plain = format!("w.size() == 1 && {}", removed.test("w[0]", "variables.ownNamespace"));
    let beside = format!("w.size() == 2 && {}", removed.test("w[1]", "w[0]"));
    let keyed = format!("w.size() == 2 && {}", removed.test("w[0]", "variables.ownNamespace"));
    let all = format!("w.size() == 3 && {}", removed.test("w[1]", "w[0]"));
    let cases = match format {
        NameFormat::Name => format!("{plain} ? w[0] : ''"),
        NameFormat::NamespaceName | NameFormat::List => format!("{plain} ? w[0] : {beside} ? w[1] : ''"),
        NameFormat::NameKey => format!("{keyed} ? w[0] : ''"),
        NameFormat::NamespaceNameKey => format!("{keyed} ? w[0] : {all} ? w[1] : ''"),
    };
    format!(
        "[{value}].map(t, {items}.map(i, i.split('/')).filter(w, !('' in w))\n\
         .map(w, {cases}).filter(n, n != '').map(n, {label} + n).join(', '))[0]"
    )
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::catalogue::name_format::of_annotation;

    #[test]
    fn the_pattern_of_annotations_is_what_the_filter_knows() {
        let removed = Removed::named("a");
        let expression = in_annotations("x", &removed);
        let pattern = expression.split("k.matches('").nth(1).and_then(|rest| rest.split("')").next());
        let pattern = Regex::new(pattern.expect("a pattern")).expect("a pattern");
        let domains = [
            "nginx.ingress.kubernetes.io",
            "haproxy.org",
            "cert-manager.io",
            "konghq.com",
            "secret.reloader.stakater.com",
        ];
        let names = [
            "auth-secret",
            "reload",
            "exclude",
            "client-cert",
            "inject-ca-from-secret",
            "server-ca",
            "other",
            "a/b-from-secret",
        ];
        for annotation in
            domains.iter().flat_map(|domain| names.iter().map(move |name| format!("{domain}/{name}")))
        {
            assert_eq!(pattern.is_match(&annotation), of_annotation(&annotation).is_some(), "{annotation}");
        }
        assert!(!pattern.is_match("auth-secret"));
    }
}
