//! What a pod sees: a small model of what the kubelet makes of variables and volumes, over objects as JSON.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;

/// The Secrets and ConfigMaps of a namespace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    secrets: BTreeMap<String, BTreeMap<String, String>>,
    config_maps: BTreeMap<String, BTreeMap<String, String>>,
}

/// What the containers of a pod see. What cannot be resolved keeps the pod from starting, and is part of it as a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// By container: variables.
    pub(crate) variables: BTreeMap<String, BTreeMap<String, String>>,
    /// By volume: files with their contents and modes.
    pub(crate) files: BTreeMap<String, BTreeMap<String, (String, i64)>>,
}

impl Store {
    /// The data of objects.
    pub(crate) fn of<'v>(objects: impl Iterator<Item = &'v Value>) -> Self {
        let mut store = Self::default();
        for object in objects {
            let name = text(&object["metadata"]["name"]).to_owned();
            match object["kind"].as_str() {
                Some("Secret") => drop(store.secrets.insert(name, secret_data(object))),
                Some("ConfigMap") => drop(store.config_maps.insert(name, entries(&object["data"]))),
                _ => {}
            }
        }
        store
    }

    /// The value of a key of a Secret or ConfigMap.
    pub(crate) fn value(&self, kind: &str, name: &str, key: &str) -> Option<&str> {
        self.data(kind, name)?.get(key).map(String::as_str)
    }

    fn data(&self, kind: &str, name: &str) -> Option<&BTreeMap<String, String>> {
        if kind == "Secret" { self.secrets.get(name) } else { self.config_maps.get(name) }
    }

    /// What a pod sees.
    pub(crate) fn pod(&self, specification: &Value) -> Seen {
        let mut seen = Seen::default();
        for list in ["initContainers", "containers"] {
            for container in items(&specification[list]) {
                let name = text(&container["name"]).to_owned();
                seen.variables.insert(name, self.variables(container));
            }
        }
        for volume in items(&specification["volumes"]) {
            seen.files.insert(text(&volume["name"]).to_owned(), self.files(volume));
        }
        seen
    }

    fn variables(&self, container: &Value) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for source in items(&container["envFrom"]) {
            let prefix = text(&source["prefix"]);
            for (field, kind) in [("secretRef", "Secret"), ("configMapRef", "ConfigMap")] {
                let Some(reference) = source.get(field) else { continue };
                match self.data(kind, text(&reference["name"])) {
                    Some(data) => {
                        found.extend(
                            data.iter().map(|(key, value)| (format!("{prefix}{key}"), value.clone())),
                        );
                    }
                    None if is_optional(reference) => {}
                    None => drop(found.insert("?".to_owned(), format!("no {}", text(&reference["name"])))),
                }
            }
        }
        for entry in items(&container["env"]) {
            let name = text(&entry["name"]).to_owned();
            let from = &entry["valueFrom"];
            for (field, kind) in [("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")] {
                let Some(reference) = from.get(field) else { continue };
                match self.value(kind, text(&reference["name"]), text(&reference["key"])) {
                    Some(value) => drop(found.insert(name.clone(), value.to_owned())),
                    None if is_optional(reference) => {}
                    None => drop(found.insert(name.clone(), "?".to_owned())),
                }
            }
            if from.is_null() {
                let value = expanded(text(&entry["value"]), &found);
                found.insert(name, value);
            }
        }
        found
    }

    fn files(&self, volume: &Value) -> BTreeMap<String, (String, i64)> {
        let mut found = BTreeMap::new();
        if let Some(source) = volume.get("secret") {
            self.project("Secret", source, "secretName", mode(&source["defaultMode"]), &mut found);
        }
        if let Some(source) = volume.get("configMap") {
            self.project("ConfigMap", source, "name", mode(&source["defaultMode"]), &mut found);
        }
        let projected = &volume["projected"];
        for source in items(&projected["sources"]) {
            for (field, kind) in [("secret", "Secret"), ("configMap", "ConfigMap")] {
                if let Some(source) = source.get(field) {
                    self.project(kind, source, "name", mode(&projected["defaultMode"]), &mut found);
                }
            }
        }
        found
    }

    fn project(
        &self,
        kind: &str,
        source: &Value,
        field: &str,
        default: Option<i64>,
        found: &mut BTreeMap<String, (String, i64)>,
    ) {
        let default = default.unwrap_or(0o644);
        let name = text(&source[field]);
        let Some(data) = self.data(kind, name) else {
            if !is_optional(source) {
                found.insert("?".to_owned(), (format!("no {name}"), 0));
            }
            return;
        };
        if items(&source["items"]).next().is_none() {
            found.extend(data.iter().map(|(key, value)| (key.clone(), (value.clone(), default))));
        }
        for item in items(&source["items"]) {
            let mode = mode(&item["mode"]).unwrap_or(default);
            match data.get(text(&item["key"])) {
                Some(value) => drop(found.insert(text(&item["path"]).to_owned(), (value.clone(), mode))),
                None if is_optional(source) => {}
                None => drop(found.insert("?".to_owned(), (format!("no {}", text(&item["key"])), 0))),
            }
        }
    }
}

/// The specification of every pod in an object.
pub(crate) fn pods(object: &Value) -> Vec<&Value> {
    match object {
        Value::Object(fields) if fields.get("containers").is_some_and(Value::is_array) => vec![object],
        Value::Object(fields) => fields.values().flat_map(pods).collect(),
        Value::Array(items) => items.iter().flat_map(pods).collect(),
        _ => Vec::new(),
    }
}

fn secret_data(secret: &Value) -> BTreeMap<String, String> {
    let decode = |value: String| {
        let bytes = BASE64_STANDARD.decode(&value).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    };
    let mut data: BTreeMap<String, String> =
        entries(&secret["data"]).into_iter().map(|(key, value)| (key, decode(value))).collect();
    data.extend(entries(&secret["stringData"]));
    data
}

fn entries(data: &Value) -> BTreeMap<String, String> {
    let fields = data.as_object().into_iter().flatten();
    fields.map(|(key, value)| (key.clone(), text(value).to_owned())).collect()
}

/// A text with `$(NAME)` replaced where the name is defined; `$$` is a dollar sign.
fn expanded(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result += before;
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|open| open.split_once(')')) {
            match variables.get(name) {
                Some(value) => result += value,
                None => result += &format!("$({name})"),
            }
            rest = after;
        } else {
            result.push('$');
        }
    }
    result + rest
}

/// A mode; a reader of YAML 1.2 takes `0400` for a text.
fn mode(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| i64::from_str_radix(value.as_str()?, 8).ok())
}

fn is_optional(reference: &Value) -> bool {
    reference["optional"] == true
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
