//! Rules that move some keys of a Secret or ConfigMap, redirect readers of a Secret that is not in the stream, and add a
//! variable: what pods see before and after is the same, but for where it comes from and for what is added.

use proptest::prelude::prop_assert;
use proptest::test_runner::TestCaseError;
use resecret::{Code, Config, Severity, filter};
use serde_json::{Value as Json, json};

use crate::choices::Choices;
use crate::kubelet::{Store, pods};
use crate::laws::{Outcomes, cases, hold};
use crate::reader::{read, split};
use crate::render::{Spelling, Value, map, render};

const KEYS: [&str; 5] = ["PASSWORD", "TZ", "tls.key", "1ST", "TOKEN"];
const HOLDERS: [&str; 3] = ["app-one", "app-two", "app-absent"];
const PREFIXES: [&str; 4] = ["", "", "P_", "T"];

/// The vaulted Secret of an added variable, the key that it reads, and the value.
const ADDED: [&str; 3] = ["added-vault", "added-key", "canary-added"];

/// A variable that containers of one name get.
struct Addition {
    variable: &'static str,
    container: &'static str,
}

impl Addition {
    fn draw(choices: &mut Choices<'_>) -> Option<Self> {
        let variable = choices.pick(&["TOKEN", "P_TOKEN", "ADDED"]);
        choices.once_in(2).then_some(Self { variable, container: "c0" })
    }

    fn to_json(&self) -> Json {
        let [to, key, _] = ADDED;
        json!({"to": to, "vars": {self.variable: key}, "in": {"container": self.container}, "add": true})
    }

    /// What the rule means, on an object as a value: the variable reads the vault where it stands, or comes last.
    fn apply(&self, object: &mut Json) {
        match object {
            Json::Array(items) => items.iter_mut().for_each(|item| self.apply(item)),
            Json::Object(entries) => entries.values_mut().for_each(|entry| self.apply(entry)),
            _ => return,
        }
        if object["name"] != self.container || object.get("envFrom").is_none() {
            return;
        }
        let [to, key, _] = ADDED;
        let entry = json!({"name": self.variable, "valueFrom": {"secretKeyRef": {"name": to, "key": key}}});
        if object.get("env").is_none() {
            object["env"] = json!([]);
        }
        let Some(list) = object["env"].as_array_mut() else { return };
        match list.iter_mut().find(|other| other["name"] == self.variable) {
            Some(other) => {
                let optional = other["valueFrom"]["secretKeyRef"].get("optional").cloned();
                *other = entry;
                if let Some(optional) = optional {
                    other["valueFrom"]["secretKeyRef"]["optional"] = optional;
                }
            }
            None => list.push(entry),
        }
    }
}

/// A rule for one Secret or ConfigMap.
struct Rule {
    kind: &'static str,
    name: &'static str,
    only: Vec<&'static str>,
    renames: bool,
}

impl Rule {
    fn draw(choices: &mut Choices<'_>, kind: &'static str, name: &'static str) -> Self {
        let mut only: Vec<&str> = KEYS.into_iter().filter(|_| choices.once_in(3)).collect();
        if only.is_empty() {
            only.push(KEYS[0]);
        }
        Self { kind, name, only, renames: choices.once_in(2) }
    }

    fn to(&self) -> String {
        format!("{}-{}-vault", self.name, self.kind.to_lowercase())
    }

    fn vaulted(&self, key: &str) -> String {
        if self.renames { format!("own-{}", key.to_lowercase()) } else { key.to_owned() }
    }

    /// Whether the stream only names the Secret.
    fn redirects(&self) -> bool {
        self.kind == "Secret" && self.name == HOLDERS[2]
    }

    /// The object that the rule is about, where it is not in the stream: it exists in the cluster.
    fn elsewhere(&self) -> Json {
        let data: serde_json::Map<String, Json> =
            self.only.iter().map(|key| ((*key).to_owned(), value_of(self.name, key).into())).collect();
        json!({"kind": self.kind, "metadata": {"name": self.name}, "stringData": data})
    }

    fn to_json(&self) -> Json {
        let keys: serde_json::Map<String, Json> =
            self.only.iter().map(|key| ((*key).to_owned(), self.vaulted(key).into())).collect();
        let keys = if self.renames { keys } else { serde_json::Map::new() };
        if self.redirects() {
            return json!({"name": self.name, "to": self.to(), "keys": keys});
        }
        json!({"name": self.name, "only": self.only, "to": self.to(), "keys": keys})
    }
}

/// A value of a key that stands nowhere else.
fn value_of(holder: &str, key: &str) -> String {
    format!("canary-{holder}-{key}")
}

/// A Secret or ConfigMap with some keys.
fn holder(choices: &mut Choices<'_>, kind: &str, name: &str) -> Value {
    let mut data = Vec::new();
    for (position, key) in KEYS.iter().enumerate() {
        if position < 2 || choices.once_in(2) {
            data.push(((*key).to_owned(), Value::Text(value_of(&format!("{kind}-{name}"), key))));
        }
    }
    let field = if kind == "Secret" { "stringData" } else { "data" };
    map([
        ("apiVersion", "v1".into()),
        ("kind", kind.into()),
        ("metadata", map([("name", name.into())])),
        (field, Value::Map(data)),
    ])
}

/// The field of a reference to a Secret or ConfigMap, and its name.
fn any_holder(
    choices: &mut Choices<'_>,
    fields: (&'static str, &'static str),
) -> (&'static str, &'static str) {
    let field = if choices.once_in(3) { fields.1 } else { fields.0 };
    // What is not in the stream gives no way to tell what it overrides: not too often.
    let name = if choices.once_in(12) { HOLDERS[2] } else { choices.pick(&HOLDERS[..2]) };
    (field, name)
}

fn optional(choices: &mut Choices<'_>, entries: &mut Vec<(String, Value)>) {
    if choices.once_in(4) {
        entries.push(("optional".to_owned(), Value::Raw(choices.pick(&["true", "false"]))));
    }
}

fn pod(choices: &mut Choices<'_>, number: usize) -> Value {
    let containers = (0..=choices.below(2)).map(|position| container(choices, position)).collect();
    let volumes = (0..choices.below(3)).map(|position| volume(choices, position)).collect();
    let spec = map([("containers", Value::List(containers)), ("volumes", Value::List(volumes))]);
    let template = map([("spec", spec.clone())]);
    let (kind, spec) = match choices.below(3) {
        0 => ("Pod", spec),
        1 => ("CronJob", map([("jobTemplate", map([("spec", map([("template", template)]))]))])),
        _ => ("Deployment", map([("template", template)])),
    };
    map([
        ("apiVersion", "v1".into()),
        ("kind", kind.into()),
        ("metadata", map([("name", Value::Text(format!("w{number}")))])),
        ("spec", spec),
    ])
}

fn container(choices: &mut Choices<'_>, number: usize) -> Value {
    let mut entries = vec![("name".to_owned(), Value::Text(format!("c{number}")))];
    let sources: Vec<Value> = (0..choices.below(4))
        .map(|_| {
            let (field, name) = any_holder(choices, ("secretRef", "configMapRef"));
            let mut reference = vec![("name".to_owned(), name.into())];
            optional(choices, &mut reference);
            let mut source = vec![(field.to_owned(), Value::Map(reference))];
            let prefix = choices.pick(&PREFIXES);
            if !prefix.is_empty() {
                source.insert(choices.below(2), ("prefix".to_owned(), prefix.into()));
            }
            Value::Map(source)
        })
        .collect();
    entries.push(("envFrom".to_owned(), Value::List(sources)));
    if !choices.once_in(3) {
        let variables = (0..choices.below(5)).map(|position| variable(choices, position)).collect();
        entries.insert(choices.below(2), ("env".to_owned(), Value::List(variables)));
    }
    Value::Map(entries)
}

fn variable(choices: &mut Choices<'_>, number: usize) -> Value {
    let name = if choices.once_in(3) { choices.pick(&KEYS).to_owned() } else { format!("V{number}") };
    // A name stands once: duplicates are for other rules.
    let name = format!("{}{name}", if number > 0 && !name.starts_with('V') { "P_" } else { "" });
    let name = if number > 1 && !name.starts_with('V') { format!("V{number}") } else { name };
    let content = match choices.below(4) {
        0 => ("value", Value::Text(format!("plain-{number}"))),
        1 => ("value", Value::Text(format!("x-$({}{})-y", choices.pick(&PREFIXES), choices.pick(&KEYS)))),
        _ => {
            let (field, name) = any_holder(choices, ("secretKeyRef", "configMapKeyRef"));
            let mut reference =
                vec![("name".to_owned(), name.into()), ("key".to_owned(), choices.pick(&KEYS).into())];
            optional(choices, &mut reference);
            ("valueFrom", map([(field, Value::Map(reference))]))
        }
    };
    map([("name", name.into()), content])
}

fn volume(choices: &mut Choices<'_>, number: usize) -> Value {
    let name = ("name", Value::Text(format!("v{number}")));
    if choices.once_in(2) {
        let sources = (0..=choices.below(3))
            .map(|position| {
                let (field, source) = volume_source(choices, "name", position);
                map([(field, Value::Map(source))])
            })
            .collect();
        return map([
            name,
            ("projected", map([("sources", Value::List(sources)), ("defaultMode", Value::Raw("288"))])),
        ]);
    }
    let (field, mut source) = volume_source(choices, "secretName", 0);
    if choices.once_in(2) {
        source.insert(0, ("defaultMode".to_owned(), Value::Raw(choices.pick(&["256", "420"]))));
    }
    map([name, (field, Value::Map(source))])
}

fn volume_source(
    choices: &mut Choices<'_>,
    secret_field: &'static str,
    number: usize,
) -> (&'static str, Vec<(String, Value)>) {
    let (field, name) = any_holder(choices, ("secret", "configMap"));
    let own = if field == "secret" { secret_field } else { "name" };
    let mut entries = vec![(own.to_owned(), name.into())];
    if choices.once_in(2) {
        let items = (0..=choices.below(2)).map(|item| {
            let mut entries = vec![
                ("key".to_owned(), Value::from(choices.pick(&KEYS))),
                ("path".to_owned(), Value::Text(format!("f{number}-{item}"))),
            ];
            if choices.once_in(3) {
                entries.push(("mode".to_owned(), Value::Raw("384")));
            }
            Value::Map(entries)
        });
        let items = items.collect();
        entries.push(("items".to_owned(), Value::List(items)));
    }
    optional(choices, &mut entries);
    (field, entries)
}

/// Pods see the same variables and files, whatever the way of writing, or the run stops for a reason that is one.
#[test]
fn pods_see_the_same() {
    let outcomes = Outcomes::default();
    let total = cases(500);
    hold(total, |bytes| {
        let mut choices = Choices::new(bytes);
        let mut rules: Vec<Rule> = Vec::new();
        for kind in ["Secret", "ConfigMap"] {
            let names = HOLDERS[..choices.below(3)].iter();
            rules.extend(names.map(|name| Rule::draw(&mut choices, kind, name)));
        }
        if rules.is_empty() {
            rules.push(Rule::draw(&mut choices, "Secret", HOLDERS[0]));
        }
        if choices.once_in(2) {
            rules.push(Rule::draw(&mut choices, "Secret", HOLDERS[2]));
        }
        let addition = Addition::draw(&mut choices);
        let mut values = Vec::new();
        for name in &HOLDERS[..2] {
            values.push(holder(&mut choices, "Secret", name));
            values.push(holder(&mut choices, "ConfigMap", name));
        }
        values.extend((0..=choices.below(2)).map(|number| pod(&mut choices, number)));
        let spelling = Spelling { unsafe_edits: choices.once_in(2), disguises: choices.once_in(8) };
        let text: String = values
            .iter()
            .enumerate()
            .map(|(number, value)| format!("---\n{}", render(&mut choices, value, spelling, number).text))
            .collect();
        let config_text = config(&rules, addition.as_ref());
        let shown = || format!("{config_text}\n{text}");
        let mut config = Config::default();
        config
            .add_file("rules.yaml", &config_text)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        config.allow_unmatched();
        let before = objects(&text).map_err(|why| TestCaseError::fail(format!("{why}\n{}", shown())))?;
        match filter(text.as_bytes(), &config) {
            Ok(filtered) => {
                let output = String::from_utf8(filtered.to_vec()).expect("the input was UTF-8");
                let after =
                    objects(&output).map_err(|why| TestCaseError::fail(format!("{why}\n{}", shown())))?;
                check(&rules, addition.as_ref(), &before, &after)
                    .map_err(|why| TestCaseError::fail(format!("{why}\n{}\n→\n{output}", shown())))?;
                let again = filter(output.as_bytes(), &config);
                prop_assert!(
                    again.is_ok_and(|again| again.to_vec() == output.as_bytes()),
                    "again\n{}",
                    shown()
                );
                outcomes.count(if output == text { "unchanged" } else { "edited" });
            }
            Err(error) => {
                for found in error.diagnostics().iter().filter(|found| found.severity == Severity::Error) {
                    let id = found.code.id();
                    let is_spelling =
                        [Code::SharedAnchor, Code::MergeKey, Code::DuplicateKey, Code::UnsafeEdit];
                    let justified = match found.code {
                        Code::SplitSecret => moves_all(&rules, &before),
                        Code::RenamedEnvFrom => rules.iter().any(|rule| rule.redirects() && rule.renames),
                        Code::TwoValues => addition.is_some(),
                        Code::EnvFromOrder => {
                            text.contains(HOLDERS[2])
                                || text.contains("optional")
                                || spelling.disguises
                                || before.iter().any(|object| expands_later(object, addition.as_ref()))
                        }
                        code => spelling.unsafe_edits && is_spelling.contains(&code),
                    };
                    prop_assert!(justified, "{id}: {error}\n{}", shown());
                    outcomes.count(id);
                }
                outcomes.count("refused");
            }
        }
        Ok(())
    });
    assert!(outcomes.of("edited") > total / 3, "most streams are edited: {}", outcomes.of("edited"));
    for id in ["split-secret", "env-from-order", "renamed-env-from"] {
        assert!(outcomes.of(id) > 0, "{id} is tried");
    }
}

fn config(rules: &[Rule], addition: Option<&Addition>) -> String {
    let all = |holds: &dyn Fn(&Rule) -> bool| {
        rules.iter().filter(|rule| holds(rule)).map(Rule::to_json).collect::<Vec<Json>>()
    };
    let of = |kind: &str| all(&|rule| rule.kind == kind && !rule.redirects());
    let policy = json!({"plaintext": "allow", "texts": "allow"});
    json!({
        "apiVersion": "resecret.dev/v1alpha1", "kind": "Resecret",
        "spec": {"secrets": of("Secret"), "configMaps": of("ConfigMap"), "policy": policy, "redirect": all(&Rule::redirects),
                 "env": addition.map(Addition::to_json).into_iter().collect::<Vec<Json>>()},
    })
    .to_string()
}

fn objects(text: &str) -> Result<Vec<Json>, String> {
    let documents = split(text).into_iter().filter(|document| !document.trim().is_empty());
    documents.map(|document| read(document).map_err(|error| error.to_string())).collect()
}

/// Whether a rule moves every key of its Secret.
fn moves_all(rules: &[Rule], objects: &[Json]) -> bool {
    rules.iter().filter(|rule| rule.kind == "Secret" && !rule.redirects()).any(|rule| {
        let secret = objects
            .iter()
            .find(|object| object["kind"] == "Secret" && object["metadata"]["name"] == rule.name);
        let keys = secret.and_then(|secret| secret["stringData"].as_object());
        keys.is_some_and(|keys| keys.keys().all(|key| rule.only.contains(&key.as_str())))
    })
}

/// Whether an entry expands a variable before that one's own entry has a value, be it one that is added.
fn expands_later(value: &Json, addition: Option<&Addition>) -> bool {
    let children: Vec<&Json> = match value {
        Json::Array(items) => items.iter().collect(),
        Json::Object(entries) => entries.values().collect(),
        _ => return false,
    };
    let mut later: Vec<String> = Vec::new();
    if let Some(addition) = addition.filter(|addition| value["name"] == addition.container) {
        later.push(format!("$({})", addition.variable));
    }
    for entry in value["env"].as_array().into_iter().flatten().rev() {
        let content = entry["value"].as_str().unwrap_or_default();
        later.push(format!("$({})", entry["name"].as_str().unwrap_or_default()));
        if later.iter().any(|expansion| content.contains(expansion)) {
            return true;
        }
    }
    children.into_iter().any(|child| expands_later(child, addition))
}

/// Compares what pods see, and looks for moved values in what goes out.
fn check(rules: &[Rule], addition: Option<&Addition>, before: &[Json], after: &[Json]) -> Result<(), String> {
    let elsewhere: Vec<Json> = rules.iter().filter(|rule| rule.redirects()).map(Rule::elsewhere).collect();
    let [name, key, value] = ADDED;
    let added = [json!({"kind": "Secret", "metadata": {"name": name}, "stringData": {key: value}})];
    let own = Store::of(before.iter().chain(&elsewhere).chain(&added));
    let stays = Store::of(after.iter());
    let mut vault = Vec::new();
    for rule in rules {
        let mut data = serde_json::Map::new();
        for key in &rule.only {
            let Some(value) = own.value(rule.kind, rule.name, key) else { continue };
            if stays.value(rule.kind, rule.name, key).is_some() {
                return Err(format!("key {key} of {} is still there", rule.name));
            }
            data.insert(rule.vaulted(key), value.into());
        }
        vault.push(json!({"kind": "Secret", "metadata": {"name": rule.to()}, "stringData": data}));
    }
    let vaulted = Store::of(after.iter().chain(&vault).chain(&added));
    if before.len() != after.len() {
        return Err("an object is missing".to_owned());
    }
    for (before, after) in before.iter().zip(after) {
        let mut before = before.clone();
        if let Some(addition) = addition {
            addition.apply(&mut before);
        }
        let seen =
            |store: &Store, object| pods(object).into_iter().map(|pod| store.pod(pod)).collect::<Vec<_>>();
        let (saw, sees) = (seen(&own, &before), seen(&vaulted, after));
        if saw != sees {
            return Err(format!("a pod saw {saw:?}\nand sees {sees:?}"));
        }
    }
    Ok(())
}
