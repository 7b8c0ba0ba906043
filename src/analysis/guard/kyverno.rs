//! The same policies for Kyverno: a ValidatingPolicy has no binding, so there is one for each action.
//!
//! Its CEL is that of the API server, with two differences. The request is a map without its empty fields. And where no request
//! brought the object (in reports, and on the command line), the old object is empty.

use serde_json::{Value, json};

use crate::analysis::guard::options::{GuardAction, GuardOptions};
use crate::analysis::guard::policy::AdmissionPolicy;

/// What is read in another way. The longer text comes first.
const READ: [(&str, &str); 5] = [
    ("oldObject == null", "(oldObject == null || !has(oldObject.kind))"),
    ("has(request.namespace) ? request.namespace : ''", "request.?namespace.orValue('')"),
    ("request.namespace", "request.?namespace.orValue('')"),
    ("request.name", "request.?name.orValue('')"),
    ("request.userInfo.username", "request.?userInfo.?username.orValue('')"),
];

/// The manifests of a policy.
pub(super) fn manifests(policy: &AdmissionPolicy, options: &GuardOptions) -> Vec<Value> {
    policy.actions(options).into_iter().map(|action| manifest(policy, action, options)).collect()
}

fn manifest(policy: &AdmissionPolicy, action: GuardAction, options: &GuardOptions) -> Value {
    let mut spec = policy.spec();
    if policy.namespaced
        && let Some(constraints) = spec.get_mut("matchConstraints")
    {
        constraints["namespaceSelector"] = options.selector(action);
    }
    spec.insert("validations".to_owned(), policy.validations());
    spec.insert("validationActions".to_owned(), policy.validation_actions(action).into());
    // The policy names the controllers of pods itself.
    spec.insert("autogen".to_owned(), json!({"podControllers": {"controllers": []}}));
    let mut spec = Value::from(spec);
    rewrite(&mut spec);
    json!({
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ValidatingPolicy",
        "metadata": {"name": format!("{}-{}", policy.name(options), action.word())},
        "spec": spec,
    })
}

/// Rewrites every expression.
fn rewrite(value: &mut Value) {
    match value {
        Value::String(text) => {
            for (known, other) in READ {
                *text = text.replace(known, other);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rewrite),
        Value::Object(fields) => fields.values_mut().for_each(rewrite),
        _ => {}
    }
}
