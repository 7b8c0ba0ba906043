//! The entry that reads the vault, and the one that it replaces.

use serde_json::Value;

use crate::config::Pattern;
use crate::diagnostics::ObjectRef;
use crate::kube::object::Object;
use crate::kube::pods::{EnvList, ValueSource, expansions};
use crate::rules::env_entries::reading;
use crate::rules::vaulted_values::{Remedy, VaultedValue, number_of};
use crate::yaml::scalar::{self, plain_or_quoted};
use crate::yaml::{Kind, NodeId, Path, Scalar, ScalarStyle, Tree};

/// The entry that reads this key of the vaulted Secret; an `optional` that was there stays.
pub(super) fn content(tree: &Tree<'_>, list: &EnvList<'_>, winner: usize, to: &str, key: &str) -> Value {
    let variable = list.entries[winner].as_ref();
    let name = variable.map(|variable| variable.name).unwrap_or_default();
    let optional = match variable.map(|variable| variable.source) {
        Some(ValueSource::Secret { optional, .. }) => optional.map(|optional| boolean(tree, optional)),
        _ => None,
    };
    reading(name, to, key, optional)
}

/// The literal of the winning entry, which the vaulted Secret is to hold; none that is empty or made of others.
pub(super) fn literal(
    object: &Object<'_, '_>,
    list: &EnvList<'_>,
    winner: usize,
    to: &str,
    key: &str,
) -> Option<(VaultedValue, NodeId, Path)> {
    let variable = list.entries[winner].as_ref()?;
    let ValueSource::Literal(value) = variable.source else { return None };
    if value.is_empty() || expansions(value).next().is_some() {
        return None;
    }
    let (name, container, reference) = (variable.name, list.container, object.reference());
    let own = format!("{}-{key}", reference.name);
    let vaulted = VaultedValue {
        secret: to.to_owned(),
        key: key.to_owned(),
        namespace: object.namespace().map(str::to_owned),
        holder: format!("variable {name} of container {container} of {}/{}", reference.kind, reference.name),
        owner: None,
        remedy: Remedy::Rule(rule_of_variable((name, to, &own), &reference, container)),
        value: number_of(value.as_bytes()),
    };
    Some((vaulted, variable.node, list.path.index(winner)))
}

/// A rule for one variable of one container, in the form of the configuration. The variable is given by its name, the vaulted
/// Secret and the key there.
pub(crate) fn rule_of_variable(
    (name, to, key): (&str, &str, &str),
    object: &ObjectRef,
    container: &str,
) -> String {
    let within = [("kind", object.kind.as_str()), ("name", &object.name), ("container", container)];
    let within = within.into_iter().filter(|(_, text)| !text.is_empty());
    let within = within.map(|(field, text)| format!("{field}: {}", plain_or_quoted(&Pattern::escaped(text))));
    format!(
        "{{to: {}, vars: {{{}: {}}}, in: {{{}}}}}",
        plain_or_quoted(to),
        plain_or_quoted(name),
        plain_or_quoted(key),
        within.collect::<Vec<_>>().join(", ")
    )
}

fn boolean(tree: &Tree<'_>, node: NodeId) -> Value {
    match tree.kind(tree.resolve(node)) {
        Kind::Scalar(Scalar { text, style: ScalarStyle::Plain }) => {
            scalar::boolean_or_null(text).unwrap_or_else(|| text.into())
        }
        _ => tree.text(node).into(),
    }
}
