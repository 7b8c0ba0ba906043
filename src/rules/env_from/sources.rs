//! What a container takes by `envFrom`.

use crate::rules::chart_secret::ChartSecret;
use crate::rules::facts::Resolution;
use crate::rules::{Context, ObjectView};
use crate::yaml::scalar::kubernetes_boolean;
use crate::yaml::{NodeId, Path};

/// A source of `envFrom`.
pub(super) struct EnvSource<'f> {
    /// What comes before each key.
    pub(super) prefix: String,
    /// The keys that it gives; `None` where nobody knows.
    pub(super) keys: Option<Vec<&'f str>>,
    /// The Secret or ConfigMap, where some of its keys go to the vault.
    pub(super) split: Option<&'f ChartSecret>,
    /// Whether it may be missing.
    pub(super) optional: bool,
    /// What it is, for people.
    pub(super) what: String,
    /// The node and the path of its name.
    pub(super) name: (NodeId, Path),
}

/// The sources of a container, in order. One of neither kind gives nothing.
pub(super) fn sources<'f>(
    subject: &ObjectView<'_, '_, '_>,
    context: Context<'f>,
    path: &Path,
    container: NodeId,
) -> Vec<EnvSource<'f>> {
    let (tree, namespace) = (subject.object.tree, subject.object.namespace());
    let items = tree.get(container, "envFrom").and_then(|list| tree.items(list)).unwrap_or_default();
    let text = |node: NodeId, key: &str| tree.get(node, key).and_then(|value| tree.text(value));
    let mut sources = Vec::new();
    for (position, item) in items.iter().enumerate() {
        for (field, kind) in [("secretRef", "Secret"), ("configMapRef", "ConfigMap")] {
            let Some(reference) = tree.get(*item, field) else { continue };
            let Some(name_node) = tree.get(reference, "name") else { continue };
            let Some(name) = tree.text(name_node).filter(|name| !name.is_empty()) else { continue };
            let is_secret = kind == "Secret";
            let split = if is_secret {
                match context.facts.target(name, namespace, context.config) {
                    Resolution::Removed(secret) => Some(secret).filter(|secret| secret.is_split),
                    Resolution::Untouched | Resolution::Ambiguous => None,
                }
            } else {
                context.facts.config_maps.split(name, namespace, context.config).ok().flatten()
            };
            let keys = if is_secret {
                context.facts.keys_of(name, namespace)
            } else {
                context.facts.config_maps.keys_of(name, namespace)
            };
            sources.push(EnvSource {
                prefix: text(*item, "prefix").unwrap_or_default().to_owned(),
                keys,
                split,
                optional: text(reference, "optional").and_then(kubernetes_boolean) == Some(true),
                what: format!("{kind} {name}"),
                name: (name_node, path.key("envFrom").index(position).keys(&[field, "name"])),
            });
        }
    }
    sources
}
