//! The ConfigMaps of a stream, where rules must know the keys of what containers take beside Secrets.

use std::collections::HashMap;

use crate::kube::object::Object;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct ConfigMaps {
    by_name: HashMap<String, Vec<ConfigMapKeys>>,
}

/// A ConfigMap.
#[derive(Debug)]
struct ConfigMapKeys {
    namespace: Option<String>,
    /// The keys that become variables.
    keys: Vec<String>,
}

impl ConfigMaps {
    /// Learns of a ConfigMap.
    pub(crate) fn add(&mut self, object: &Object<'_, '_>) {
        let Some(name) = object.name() else { return };
        let tree = object.tree;
        let entries = tree.get(object.node, "data").map(|data| tree.members(data)).unwrap_or_default();
        let keys = entries.iter().filter_map(|(key, _)| tree.text(*key)).map(str::to_owned).collect();
        let namespace = object.namespace().map(str::to_owned);
        self.by_name.entry(name.to_owned()).or_default().push(ConfigMapKeys { namespace, keys });
    }

    /// The keys of the ConfigMap that `name` means in `namespace`, where the stream renders it and leaves no doubt.
    pub(crate) fn keys_of<'f>(&'f self, name: &str, namespace: Option<&str>) -> Option<Vec<&'f str>> {
        let meets = |map: &&ConfigMapKeys| {
            map.namespace.as_deref().zip(namespace).is_none_or(|(own, other)| own == other)
        };
        let mut candidates = self.by_name.get(name)?.iter().filter(meets);
        let first = candidates.next()?;
        let is_one = candidates.all(|other| other.keys == first.keys);
        is_one.then(|| first.keys.iter().map(String::as_str).collect())
    }
}
