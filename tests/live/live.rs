use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::said::Variable;
use crate::site::Site;

/// The objects of a manifest, each under `Kind/name`; hooks are removed, since no upgrade touches them.
pub(crate) fn objects(manifest: &str) -> Result<BTreeMap<String, Value>> {
    let mut objects = BTreeMap::new();
    for document in serde_yaml::Deserializer::from_str(manifest) {
        let object = Value::deserialize(document)?;
        let word = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let (Some(kind), Some(name)) = (word("/kind"), word("/metadata/name")) else { continue };
        if word("/metadata/annotations/helm.sh~1hook").is_none() {
            objects.insert(format!("{kind}/{name}"), object.clone());
        }
    }
    Ok(objects)
}

/// The containers' variables of a workload, with the name of each container.
pub(crate) fn containers(object: &Value) -> Vec<(String, Vec<Value>)> {
    let mut found = Vec::new();
    for list in ["initContainers", "containers"] {
        let containers = object.pointer(&format!("/spec/template/spec/{list}")).and_then(Value::as_array);
        for container in containers.into_iter().flatten() {
            let env = container["env"].as_array().cloned().unwrap_or_default();
            found.push((container["name"].as_str().unwrap_or_default().to_owned(), env));
        }
    }
    found
}

/// Demands that each object of the last revision's manifest is live and has every field that the manifest gives it,
/// lists whole and in order.
pub(crate) fn is_exact(site: &Site) -> Result<()> {
    for (key, wanted) in objects(&site.manifest()?)? {
        let live = site.get(&key)?.with_context(|| format!("{key} is not live"))?;
        includes(&live, &wanted)
            .map_err(|error| error.context(format!("{key} is not what the manifest says")))?;
    }
    Ok(())
}

/// The variables whose live entries are not what the last revision's manifest says. The last entry of a name counts,
/// as it does for the kubelet.
pub(crate) fn damage(site: &Site) -> Result<BTreeSet<Variable>> {
    let mut damage = BTreeSet::new();
    for (key, wanted) in objects(&site.manifest()?)? {
        let wanted = containers(&wanted);
        if wanted.is_empty() {
            continue;
        }
        let live = containers(&site.get(&key)?.with_context(|| format!("{key} is not live"))?);
        for ((name, wanted), (live_name, live)) in wanted.iter().zip(&live) {
            ensure!(name == live_name, "{key} has other containers");
            let missing = wanted.iter().filter(|entry| {
                let last =
                    |list: &[Value]| list.iter().rfind(|other| other["name"] == entry["name"]).map(stored);
                last(live) != last(wanted)
            });
            let name = |entry: &Value| entry["name"].as_str().unwrap_or_default().to_owned();
            damage.extend(missing.map(|entry| (key.clone(), name(entry))));
        }
    }
    Ok(damage)
}

/// A value as the API server stores it: without empty texts and nulls.
pub(crate) fn stored(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let full = fields.iter().filter(|(_, value)| !value.is_null() && *value != "");
            full.map(|(key, value)| (key.clone(), stored(value))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn includes(live: &Value, wanted: &Value) -> Result<()> {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            for (key, wanted) in wanted {
                let place = || format!("at {key}");
                match live.get(key) {
                    // Quantities are stored in another writing, and a null in a map of annotations is none.
                    Some(_) if key == "resources" || wanted.is_null() => {}
                    Some(live) => includes(live, wanted).with_context(place)?,
                    // What is written once is stored elsewhere, and what is empty not at all.
                    None if key == "stringData" || wanted.is_null() || *wanted == "" => {}
                    None if wanted.as_object().is_some_and(Map::is_empty) => {}
                    None if wanted.as_array().is_some_and(Vec::is_empty) || *wanted == false => {}
                    None => bail!("{key} is missing"),
                }
            }
        }
        (Value::Array(live), Value::Array(wanted)) => {
            ensure!(live.len() == wanted.len(), "{live:?} should be {wanted:?}");
            for (live, wanted) in live.iter().zip(wanted) {
                includes(live, wanted)?;
            }
        }
        // Kubernetes reads YAML 1.1, where a number with a leading zero is octal.
        (Value::Number(live), Value::String(wanted)) if wanted.starts_with('0') => {
            ensure!(live.as_u64() == u64::from_str_radix(wanted, 8).ok(), "{live} should be {wanted}");
        }
        _ => ensure!(live == wanted, "{live} should be {wanted}"),
    }
    Ok(())
}
