use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize as _;
use serde_json::{Value, json};

/// The objects of a stream, each under its kind and name; hooks apart, because Helm 3 keeps them to itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Objects {
    pub(crate) release: BTreeMap<String, Value>,
    pub(crate) hooks: BTreeMap<String, Value>,
}

impl Objects {
    /// Reads a stream of manifests. Documents without content do not count, nor do empty annotations:
    /// Helm 4 adds an annotation for the post-renderer and takes it out again, with the mapping if that is
    /// empty then.
    pub(crate) fn read(stream: &str) -> Result<Self> {
        let mut objects = Self::default();
        for document in serde_yaml::Deserializer::from_str(stream) {
            let mut object = Value::deserialize(document)?;
            if object.is_null() {
                continue;
            }
            if let Some(metadata) = object.pointer_mut("/metadata").and_then(Value::as_object_mut)
                && metadata.get("annotations") == Some(&json!({}))
            {
                metadata.remove("annotations");
            }
            let word = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
            let kind = word("/kind").context("an object without a kind")?;
            let name = word("/metadata/name").context("an object without a name")?;
            let key = format!("{kind} {name}");
            let is_hook = word("/metadata/annotations/helm.sh~1hook").is_some();
            let map = if is_hook { &mut objects.hooks } else { &mut objects.release };
            ensure!(map.insert(key.clone(), object).is_none(), "{key} stands twice");
        }
        Ok(objects)
    }

    /// The same objects after the rule that every trial is about, worked out here a second time: the
    /// chart's Secret is gone, and each container has one entry per variable, the last, with the vaulted
    /// Secret in NEXTAUTH_SECRET and SALT.
    pub(crate) fn vaulted(&self) -> Result<Self> {
        Ok(Self { release: vaulted(&self.release)?, hooks: vaulted(&self.hooks)? })
    }
}

fn vaulted(objects: &BTreeMap<String, Value>) -> Result<BTreeMap<String, Value>> {
    let mut objects = objects.clone();
    objects.remove("Secret lf-langfuse-nextauth");
    for object in objects.values_mut() {
        let containers = object.pointer_mut("/spec/template/spec/containers");
        for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) {
                *env = one_entry_each(env)?;
            }
        }
    }
    Ok(objects)
}

fn one_entry_each(env: &[Value]) -> Result<Vec<Value>> {
    let mut entries: Vec<(&str, Value)> = Vec::new();
    for entry in env {
        let name = entry["name"].as_str().context("a variable without a name")?;
        entries.retain(|(kept, _)| *kept != name);
        let entry = match name {
            "NEXTAUTH_SECRET" => vault_entry(name, "nextauth-secret"),
            "SALT" => vault_entry(name, "salt"),
            _ => entry.clone(),
        };
        entries.push((name, entry));
    }
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

fn vault_entry(name: &str, key: &str) -> Value {
    json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "langfuse-vault", "key": key}}})
}

/// Demands that two sets of objects are equal, and names the first object that differs.
pub(crate) fn same(found: &BTreeMap<String, Value>, wanted: &BTreeMap<String, Value>) -> Result<()> {
    for (key, object) in wanted {
        match found.get(key) {
            None => bail!("{key} is missing"),
            Some(other) => ensure!(other == object, "{key} is\n{other:#}\nand should be\n{object:#}"),
        }
    }
    match found.keys().find(|key| !wanted.contains_key(*key)) {
        Some(key) => bail!("{key} should not be there"),
        None => Ok(()),
    }
}

/// The entries of a variable, in the only container of a pod template.
pub(crate) fn entries<'a>(object: &'a Value, name: &str) -> Vec<&'a Value> {
    let env = object.pointer("/spec/template/spec/containers/0/env").and_then(Value::as_array);
    env.into_iter().flatten().filter(|entry| entry["name"] == name).collect()
}
