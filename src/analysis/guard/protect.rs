//! `--protect`: Secrets that pods still need must stay.
//!
//! The policy refuses to delete the chart's live Secret or a vaulted one, and to take keys away from the latter. An annotation on
//! the Secret lifts that.

use crate::analysis::guard::cel::{self, text};
use crate::analysis::guard::policy::{AdmissionPolicy, CelVariable, Validation, rule};
use crate::analysis::guard::removed::Removed;
use crate::config::Config;

/// Lifts the protection of one Secret.
const RELEASED: &str = "resecret.dev/released";

/// Who empties a namespace that is deleted.
const NAMESPACE_CONTROLLER: &str = "system:serviceaccount:kube-system:namespace-controller";

/// The policy; none where no Secret is removed and none is vaulted.
pub(super) fn policy(
    config: &Config,
    removed: &Removed,
    keys: &[(String, Vec<String>)],
) -> Option<AdmissionPolicy> {
    let vaulted: Vec<&str> = config.vault.iter().map(String::as_str).collect();
    let is_vaulted = format!("request.name in {}", cel::list(vaulted.iter().copied()));
    // Conditions on a Secret read `object`, which is absent when it is deleted.
    let removed: Vec<String> = removed
        .secrets
        .iter()
        .filter(|secret| secret.only.is_empty())
        .map(|secret| secret.condition.replace("object.", "oldObject."))
        .collect();
    if vaulted.is_empty() && removed.is_empty() {
        return None;
    }
    let mut policy = AdmissionPolicy::new("protect", &[], true);
    policy.conditions.clear();
    policy.rules = vec![rule("", "v1", &["secrets"], &["CREATE", "UPDATE", "DELETE"], "Namespaced")];
    policy.conditions.push((
        "not-with-the-namespace".to_owned(),
        format!("request.userInfo.username != {}", text(NAMESPACE_CONTROLLER)),
    ));
    let deleted = format!("(request.operation == 'DELETE' && {})", cel::any(&removed));
    policy.conditions.push(("protected".to_owned(), format!("{is_vaulted} || {deleted}")));
    policy.conditions.push((
        "not-released".to_owned(),
        format!(
            "oldObject == null || !({} in oldObject.metadata.?annotations.orValue({{}}))",
            text(RELEASED)
        ),
    ));
    policy.validations.push(Validation {
        expression: "request.operation != 'DELETE'".to_owned(),
        message: format!(
            "'resecret: pods may still read Secret ' + request.name + '. To delete it: kubectl annotate secret ' + request.name + ' {RELEASED}='"
        ),
    });
    policy.variables.extend(variables(keys));
    policy.validations.push(Validation {
        expression: "variables.missing == ''".to_owned(),
        message: format!(
            "'resecret: Secret ' + request.name + ' would have no value for ' + variables.missing + ', which pods read. To do so all the same: kubectl annotate secret ' + request.name + ' {RELEASED}='"
        ),
    });
    Some(policy)
}

/// The keys that must keep a value, and those of them that an update would leave without one.
fn variables(keys: &[(String, Vec<String>)]) -> [CelVariable; 3] {
    let known = keys.iter().map(|(name, keys)| {
        format!("request.name == {} ? {}\n: ", text(name), cel::list(keys.iter().map(String::as_str)))
    });
    [
        CelVariable::new(
            "keys",
            format!("request.operation == 'DELETE' ? [] : {}[]", known.collect::<String>()),
        ),
        // What had a value must keep one, also where nobody has said that it is needed.
        CelVariable::new(
            "had",
            "request.operation != 'UPDATE' ? [] : [oldObject.?data.orValue({})].map(d, d.filter(k, d[k].size() > 0))[0]".to_owned(),
        ),
        CelVariable::new(
            "missing",
            "(variables.keys + variables.had.filter(k, !(k in variables.keys)))\n\
             .filter(k, request.operation != 'DELETE' && object.?data[?k].orValue('').size() == 0).join(', ')"
                .to_owned(),
        ),
    ]
}
