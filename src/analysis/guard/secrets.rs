//! The policies of the chart's own Secrets, and of ConfigMaps that hold what goes to the vault.

use crate::analysis::guard::cel::{self, text};
use crate::analysis::guard::policy::{AdmissionPolicy, CelVariable, REMEDY, Validation, rule};
use crate::analysis::guard::removed::{Removed, RemovedCondition, holds};

/// Secrets that Helm and the API server make for themselves.
const NOT_A_CHARTS: &str =
    "!(object.?type.orValue('') in ['helm.sh/release.v1', 'kubernetes.io/service-account-token'])";

/// What a Secret holds did not change: a label, or the annotation that keeps a live one, may.
const VALUES_CHANGE: &str = "oldObject == null || object.?data.orValue({}) != oldObject.?data.orValue({}) || object.?type.orValue('') != oldObject.?type.orValue('')";

/// The policies of Secrets and of ConfigMaps, as far as rules are about them.
pub(super) fn policies(removed: &Removed, exempt: &[String]) -> Vec<AdmissionPolicy> {
    [false, true].into_iter().filter_map(|of_config_maps| policy(removed, of_config_maps, exempt)).collect()
}

fn policy(removed: &Removed, of_config_maps: bool, exempt: &[String]) -> Option<AdmissionPolicy> {
    let conditions: Vec<&RemovedCondition> =
        removed.secrets.iter().filter(|secret| secret.of_config_maps == of_config_maps).collect();
    if conditions.is_empty() {
        return None;
    }
    let (suffix, resource) =
        if of_config_maps { ("config-maps", "configmaps") } else { ("secrets", "secrets") };
    let mut policy = AdmissionPolicy::new(suffix, &[], true);
    policy.rules = vec![rule("", "v1", &[resource], &["CREATE", "UPDATE"], "Namespaced")];
    if !of_config_maps {
        policy.conditions.push(("made-by-a-chart".to_owned(), NOT_A_CHARTS.to_owned()));
    }
    policy.conditions.push(("values-change".to_owned(), VALUES_CHANGE.to_owned()));
    if !exempt.is_empty() {
        let users = cel::list(exempt.iter().map(String::as_str));
        policy.conditions.push((
            "not-by-who-fills-the-vault".to_owned(),
            format!("!(request.userInfo.username in {users})"),
        ));
    }
    // The first rule that matches decides, as in the filter.
    let mut decided = String::new();
    for secret in conditions {
        decided.push_str(&format!("{} ? {}\n: ", secret.condition, said(secret)));
    }
    policy.variables.push(CelVariable::new("removed", format!("{decided}''")));
    policy.validations.push(Validation {
        expression: "variables.removed == ''".to_owned(),
        message: format!(
            "'resecret: ' + object.kind + ' ' + object.metadata.name + ' ' + variables.removed + '. {REMEDY}'"
        ),
    });
    Some(policy)
}

/// What is said of an object that a rule is about; nothing, where the keys that it moves are as they were.
fn said(secret: &RemovedCondition) -> String {
    let reads = |to: &String| format!(", which reads Secret {to}");
    if secret.only.is_empty() {
        let reads = secret.to.as_ref().map(reads).unwrap_or_default();
        return text(&format!("is removed from the release{reads}"));
    }
    let keys = cel::list(secret.only.iter().map(String::as_str));
    let goes = secret.to.as_ref().map(|to| format!(", which goes to Secret {to}")).unwrap_or_default();
    format!(
        "{keys}.filter(k, ({})\n\
         && (oldObject == null || object.?data[?k] != oldObject.?data[?k]))\n\
         .map(k, 'holds key ' + k + {}).join(', ')",
        holds("k"),
        text(&goes)
    )
}
