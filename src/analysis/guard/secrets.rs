//! The policy of the chart's own Secrets.

use crate::analysis::guard::cel::{self, text};
use crate::analysis::guard::policy::{AdmissionPolicy, CelVariable, REMEDY, Validation, rule};
use crate::analysis::guard::removed::Removed;

/// Secrets that Helm and the API server make for themselves.
const NOT_A_CHARTS: &str =
    "!(object.?type.orValue('') in ['helm.sh/release.v1', 'kubernetes.io/service-account-token'])";

/// What a Secret is about did not change: a label, or the annotation that keeps a live one, may.
const VALUES_CHANGE: &str = "oldObject == null || object.?data.orValue({}) != oldObject.?data.orValue({}) || object.?type.orValue('') != oldObject.?type.orValue('')";

/// The policy; none where no rule removes a Secret.
pub(super) fn policy(removed: &Removed, exempt: &[String]) -> Option<AdmissionPolicy> {
    if removed.secrets.is_empty() {
        return None;
    }
    let mut policy = AdmissionPolicy::new("secrets", &[], true);
    policy.rules = vec![rule("", "v1", &["secrets"], &["CREATE", "UPDATE"], "Namespaced")];
    policy.conditions.push(("made-by-a-chart".to_owned(), NOT_A_CHARTS.to_owned()));
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
    for secret in &removed.secrets {
        let becomes = secret.to.as_ref().map_or_else(
            || "is removed from the release".to_owned(),
            |to| format!("is removed from the release, which reads Secret {to}"),
        );
        decided.push_str(&format!("{} ? {}\n: ", secret.condition, text(&becomes)));
    }
    policy.variables.push(CelVariable::new("removed", format!("{decided}''")));
    policy.validations.push(Validation {
        expression: "variables.removed == ''".to_owned(),
        message: format!(
            "'resecret: Secret ' + object.metadata.name + ' ' + variables.removed + '. {REMEDY}'"
        ),
    });
    Some(policy)
}
