//! Random streams of Kubernetes objects, and random rules for them.

use crate::choices::Choices;
use crate::render::{Rendered, Spelling, Value, map, render};

/// A stream and what is known of it.
pub(crate) struct Stream {
    /// Its documents, as they were drawn.
    pub(crate) documents: Vec<Rendered>,
    /// Its text, with `\n` as line end.
    pub(crate) text: String,
}

/// Names of Secrets that a stream may render.
pub(crate) const CHART: [&str; 4] = ["lf-nextauth", "lf-app", "db-nextauth", "plain-creds"];
/// Names of Secrets from elsewhere.
pub(crate) const OUTSIDE: [&str; 3] = ["vault", "other-vault", "regcred"];
/// What every secret value holds and nothing else does.
pub(crate) const CANARY: &str = "canary";

const VARIABLES: [&str; 7] = ["SALT", "KEY_A", "KEY_B", "URL", "DEBUG", "LOG_LEVEL", "A"];
const KEYS: [&str; 5] = ["salt", "nextauth-secret", "tls.crt", "KEY_A", "key b"];
const NAMESPACES: [&str; 3] = ["", "one", "two"];

/// Draws a stream.
pub(crate) fn stream(choices: &mut Choices<'_>, spelling: Spelling) -> Stream {
    let mut documents = Vec::new();
    let mut text = String::new();
    if choices.once_in(12) {
        text.push('\u{feff}');
    }
    let count = 1 + choices.below(6);
    for number in 0..count {
        let value = document(choices, number);
        let mut rendered = match value {
            Some(value) => render(choices, &value, spelling, number),
            None => Rendered {
                text: "# nothing here\n".to_owned(),
                lasting_comments: vec!["# nothing here".to_owned()],
            },
        };
        // Nothing stands before a stream's first object in half of all streams.
        let marker = match choices.below(8) {
            0 if number == 0 => "",
            1 | 2 => "---\n# Source: chart/templates/x.yaml\n",
            3 => "--- # why\n",
            4 => "---  \n\n",
            5 if !rendered.text.starts_with([' ', '\n', '#']) && rendered.text.starts_with(['{', '[']) => {
                "--- "
            }
            _ => "---\n",
        };
        text.push_str(marker);
        text.push_str(&rendered.text);
        rendered.text.insert_str(0, marker);
        documents.push(rendered);
    }
    if choices.once_in(6) {
        let kept = text.trim_end_matches('\n').len();
        // What a block scalar that keeps its line breaks means would change.
        if !text.contains('+') {
            text.truncate(kept);
        }
    }
    Stream { documents, text }
}

fn document(choices: &mut Choices<'_>, number: usize) -> Option<Value> {
    match choices.below(16) {
        14 => None,
        15 => {
            let count = choices.below(4);
            let items = (0..count).map(|item| object(choices, number * 10 + item)).collect();
            let kind = if choices.once_in(4) { "ConfigMapList" } else { "List" };
            Some(map([("apiVersion", "v1".into()), ("kind", kind.into()), ("items", Value::List(items))]))
        }
        _ => Some(object(choices, number)),
    }
}

fn object(choices: &mut Choices<'_>, number: usize) -> Value {
    match choices.below(10) {
        0..=2 => secret(choices, number),
        3 => config_map(choices, number),
        4 => service_account(choices),
        5 => ingress(choices),
        _ => workload(choices, number),
    }
}

fn metadata(choices: &mut Choices<'_>, name: String) -> Value {
    let mut entries = vec![("name".to_owned(), Value::Text(name.clone()))];
    let namespace = choices.pick(&NAMESPACES);
    if !namespace.is_empty() && choices.once_in(3) {
        entries.push(("namespace".to_owned(), namespace.into()));
    }
    if choices.once_in(2) {
        // A Secret's name as a label is no reference.
        entries.push((
            "labels".to_owned(),
            map([("app.kubernetes.io/name", name.into()), ("helm.sh/chart", "langfuse-1".into())]),
        ));
    }
    if choices.once_in(4) {
        entries.push((
            "annotations".to_owned(),
            map([("note/x", odd_text(choices)), ("y", Value::Text(String::new()))]),
        ));
    }
    Value::Map(entries)
}

fn secret(choices: &mut Choices<'_>, number: usize) -> Value {
    let name = choices.pick(&CHART);
    let mut data = Vec::new();
    for (position, key) in KEYS.iter().enumerate() {
        if position == 0 || choices.once_in(3) {
            data.push(((*key).to_owned(), Value::Text(format!("{CANARY}-{number}-{position}"))));
        }
    }
    Value::Map(vec![
        ("apiVersion".to_owned(), "v1".into()),
        ("kind".to_owned(), "Secret".into()),
        ("metadata".to_owned(), metadata(choices, name.to_owned())),
        (choices.pick(&["stringData", "stringData", "data"]).to_owned(), Value::Map(data)),
    ])
}

fn config_map(choices: &mut Choices<'_>, number: usize) -> Value {
    let mut data = Vec::new();
    for key in ["a", "b.yaml", "c d"].iter().take(choices.below(4)) {
        data.push(((*key).to_owned(), odd_text(choices)));
    }
    map([
        ("apiVersion", "v1".into()),
        ("kind", "ConfigMap".into()),
        ("metadata", metadata(choices, format!("config-{number}"))),
        ("data", Value::Map(data)),
    ])
}

/// Texts that look like something else.
fn odd_text(choices: &mut Choices<'_>) -> Value {
    choices
        .pick(&[
            "x",
            "env:\n- name: SALT\n  value: 1\n",
            "a\n\n  ---\nb\n",
            "no line break\nat the end",
            "{{ not: yaml",
            "# no comment",
            "- a",
            " leading",
            "trailing ",
            "tab\there",
            "quote \" and ' and \\",
            "ünï\u{2028}code \u{85} x",
            "&a *b !c",
            "yes",
            "0644",
            "",
            "\n",
            "keep\n\n\n",
            "kind: Secret\n",
            "long words that go on and on over the line and on",
        ])
        .into()
}

fn service_account(choices: &mut Choices<'_>) -> Value {
    map([
        ("apiVersion", "v1".into()),
        ("kind", "ServiceAccount".into()),
        ("metadata", metadata(choices, "web".to_owned())),
        ("secrets", names(choices)),
        ("imagePullSecrets", names(choices)),
    ])
}

/// A list in which each name stands once, as the API server wants.
fn names(choices: &mut Choices<'_>) -> Value {
    let mut names: Vec<&str> = Vec::new();
    for _ in 0..choices.below(4) {
        let name = any_secret(choices);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Value::List(names.into_iter().map(|name| map([("name", name.into())])).collect())
}

fn any_secret(choices: &mut Choices<'_>) -> &'static str {
    if choices.once_in(4) { choices.pick(&OUTSIDE) } else { choices.pick(&CHART) }
}

fn ingress(choices: &mut Choices<'_>) -> Value {
    let tls = (0..choices.below(3))
        .map(|_| map([("hosts", Value::List(vec!["h".into()])), ("secretName", any_secret(choices).into())]));
    let tls = Value::List(tls.collect());
    map([
        ("apiVersion", "networking.k8s.io/v1".into()),
        ("kind", "Ingress".into()),
        ("metadata", metadata(choices, "web".to_owned())),
        ("spec", map([("tls", tls), ("rules", Value::List(Vec::new()))])),
    ])
}

fn workload(choices: &mut Choices<'_>, number: usize) -> Value {
    let pod = pod(choices);
    let template =
        map([("metadata", map([("labels", map([("app", "web".into())]))])), ("spec", pod.clone())]);
    let (kind, spec) = match choices.below(5) {
        0 => ("Pod", pod),
        1 => ("CronJob", map([("jobTemplate", map([("spec", map([("template", template)]))]))])),
        2 => ("Widget", map([("nested", Value::List(vec![map([("podTemplate", template)])]))])),
        _ => ("Deployment", map([("replicas", Value::Raw("1")), ("template", template)])),
    };
    let version = if kind == "Pod" { "v1" } else { "apps/v1" };
    map([
        ("apiVersion", version.into()),
        ("kind", kind.into()),
        ("metadata", metadata(choices, format!("w{number}"))),
        ("spec", spec),
    ])
}

fn pod(choices: &mut Choices<'_>) -> Value {
    let mut entries = Vec::new();
    let count = 1 + choices.below(3);
    let containers: Vec<Value> = (0..count).map(|n| container(choices, n)).collect();
    if choices.once_in(4) {
        entries.push(("initContainers".to_owned(), Value::List(vec![container(choices, 9)])));
    }
    if choices.once_in(3) {
        entries.push(("imagePullSecrets".to_owned(), names(choices)));
    }
    entries.push(("containers".to_owned(), Value::List(containers)));
    if choices.once_in(2) {
        entries.push(("volumes".to_owned(), volumes(choices)));
    }
    entries.push(("restartPolicy".to_owned(), "Always".into()));
    Value::Map(entries)
}

fn container(choices: &mut Choices<'_>, number: usize) -> Value {
    let name = choices.pick(&["web", "worker", "side"]);
    let mut entries = vec![
        ("name".to_owned(), Value::Text(format!("{name}-{number}"))),
        ("image".to_owned(), "example.com/web:1".into()),
    ];
    if choices.once_in(3) {
        let prefix = ("prefix".to_owned(), "P_".into());
        let mut item = vec![("secretRef".to_owned(), map([("name", any_secret(choices).into())]))];
        if choices.once_in(2) {
            item.insert(0, prefix);
        }
        let other = map([("configMapRef", map([("name", "lf-app".into())]))]);
        entries.push(("envFrom".to_owned(), Value::List(vec![other, Value::Map(item)])));
    }
    if choices.once_in(3) {
        entries.push(("ports".to_owned(), ports(choices)));
    }
    if !choices.once_in(6) {
        let variables = (0..choices.below(9)).map(|_| variable(choices));
        entries.push(("env".to_owned(), Value::List(variables.collect())));
    }
    if choices.once_in(3) {
        entries.push(("args".to_owned(), Value::List(vec!["--x".into(), odd_text(choices)])));
    }
    if choices.once_in(3) {
        entries.push(("resources".to_owned(), Value::Map(Vec::new())));
        entries.push((
            "mode".to_owned(),
            Value::Raw(choices.pick(&["0644", "1", "yes", "~", "1e3", "1_000", "true", "null"])),
        ));
    }
    Value::Map(entries)
}

fn variable(choices: &mut Choices<'_>) -> Value {
    let name = choices.pick(&VARIABLES);
    let mut entries = vec![("name".to_owned(), Value::Text(name.to_owned()))];
    match choices.below(8) {
        0..=1 => entries.push(("value".to_owned(), Value::Text(format!("{CANARY} {}", choices.below(100))))),
        2 => {
            let used = choices.pick(&VARIABLES);
            entries.push(("value".to_owned(), Value::Text(format!("http://$({used})@host"))));
        }
        3 => {}
        4 => entries
            .push(("valueFrom".to_owned(), map([("fieldRef", map([("fieldPath", "status.podIP".into())]))]))),
        _ => {
            let mut reference = vec![
                ("name".to_owned(), Value::from(any_secret(choices))),
                ("key".to_owned(), choices.pick(&KEYS).into()),
            ];
            if choices.once_in(4) {
                reference.push(("optional".to_owned(), Value::Raw("true")));
            }
            if choices.once_in(2) {
                reference.reverse();
            }
            entries.push(("valueFrom".to_owned(), map([("secretKeyRef", Value::Map(reference))])));
        }
    }
    if choices.once_in(8) {
        entries.reverse();
    }
    Value::Map(entries)
}

/// Ports, the same one several times now and then, as equals or not.
fn ports(choices: &mut Choices<'_>) -> Value {
    let mut ports = Vec::new();
    for _ in 0..choices.below(4) {
        let mut port = vec![("containerPort".to_owned(), Value::Raw(choices.pick(&["80", "81", "82"])))];
        if choices.once_in(2) {
            port.push(("protocol".to_owned(), choices.pick(&["TCP", "UDP"]).into()));
        }
        if choices.once_in(6) {
            port.insert(0, ("name".to_owned(), "http".into()));
        }
        ports.push(Value::Map(port));
    }
    Value::List(ports)
}

fn volumes(choices: &mut Choices<'_>) -> Value {
    let mut volumes = Vec::new();
    for number in 0..choices.below(4) {
        let source = match choices.below(3) {
            0 => ("emptyDir", Value::Map(Vec::new())),
            1 => ("secret", secret_source(choices, "secretName")),
            _ => {
                let sources = vec![
                    map([("secret", secret_source(choices, "name"))]),
                    map([("downwardAPI", Value::Map(Vec::new()))]),
                ];
                ("projected", map([("sources", Value::List(sources)), ("defaultMode", Value::Raw("0644"))]))
            }
        };
        volumes.push(map([("name", Value::Text(format!("v{number}"))), source]));
    }
    Value::List(volumes)
}

fn secret_source(choices: &mut Choices<'_>, field: &str) -> Value {
    let mut entries = vec![(field.to_owned(), Value::from(any_secret(choices)))];
    if choices.once_in(3) {
        let items = (0..=choices.below(2))
            .map(|_| map([("key", choices.pick(&KEYS).into()), ("path", "file".into())]));
        entries.push(("items".to_owned(), Value::List(items.collect())));
    }
    Value::Map(entries)
}

/// A configuration, as data that a model can follow.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// `spec.secrets`.
    pub(crate) secrets: Vec<SecretsRule>,
    /// `spec.env`.
    pub(crate) env: Vec<EnvRule>,
    /// `spec.duplicates`.
    pub(crate) duplicates: &'static str,
}

/// One entry of `spec.secrets`.
#[derive(Clone, Debug)]
pub(crate) struct SecretsRule {
    /// A name, or `*` and the end of one.
    pub(crate) name: &'static str,
    /// The vaulted Secret.
    pub(crate) to: Option<&'static str>,
    /// Chart key → vaulted key.
    pub(crate) keys: Vec<(&'static str, &'static str)>,
}

/// One entry of `spec.env`.
#[derive(Clone, Debug)]
pub(crate) struct EnvRule {
    /// The vaulted Secret.
    pub(crate) to: &'static str,
    /// Variable → key.
    pub(crate) vars: Vec<(&'static str, &'static str)>,
    /// Variables that go.
    pub(crate) remove: Vec<&'static str>,
    /// Only this kind.
    pub(crate) kind: Option<&'static str>,
    /// `keepExisting`.
    pub(crate) keep_existing: bool,
}

/// Draws rules.
pub(crate) fn rules(choices: &mut Choices<'_>) -> Rules {
    let mut secrets: Vec<SecretsRule> = (0..choices.below(3))
        .map(|_| SecretsRule {
            name: choices.pick(&["lf-nextauth", "*-nextauth", "lf-app", "*"]),
            to: if choices.once_in(12) { None } else { Some(choices.pick(&OUTSIDE)) },
            keys: if choices.once_in(3) { vec![("salt", "SALT-2"), ("tls.crt", "1")] } else { Vec::new() },
        })
        .collect();
    for rule in &mut secrets {
        if rule.to.is_none() {
            rule.keys.clear();
        }
    }
    let env = (0..choices.below(3))
        .map(|_| EnvRule {
            to: choices.pick(&OUTSIDE),
            vars: choices
                .pick::<&[(&str, &str)]>(&[
                    &[("SALT", "salt")],
                    &[("KEY_*", "*")],
                    &[("SALT", "*"), ("URL", "the.url")],
                    &[("*", "*")],
                ])
                .to_vec(),
            remove: choices.pick::<&[&str]>(&[&[], &[], &["DEBUG"], &["LOG_*"]]).to_vec(),
            kind: choices.pick(&[None, None, None, Some("Deployment")]),
            keep_existing: choices.once_in(4),
        })
        .collect::<Vec<_>>();
    if secrets.is_empty() && env.is_empty() {
        secrets.push(SecretsRule { name: "*-nextauth", to: Some("vault"), keys: Vec::new() });
    }
    Rules { secrets, env, duplicates: choices.pick(&["last", "first", "prefer-secret", "error"]) }
}

impl Rules {
    /// The configuration file.
    pub(crate) fn to_yaml(&self) -> String {
        let mut secrets = Vec::new();
        for SecretsRule { name, to, keys } in &self.secrets {
            let mut rule = serde_json::json!({"name": name, "keys": mapping(keys)});
            if let Some(to) = to {
                rule["to"] = (*to).into();
            }
            secrets.push(rule);
        }
        let env = self.env.iter().map(|rule| {
            let within =
                rule.kind.map_or_else(|| serde_json::json!({}), |kind| serde_json::json!({"kind": kind}));
            serde_json::json!({
                "to": rule.to, "vars": mapping(&rule.vars), "remove": rule.remove, "in": within,
                "keepExisting": rule.keep_existing,
            })
        });
        let env: Vec<_> = env.collect();
        // JSON is YAML.
        serde_json::json!({
            "apiVersion": "resecret.dev/v1alpha1",
            "kind": "Resecret",
            "spec": {"secrets": secrets, "env": env, "duplicates": self.duplicates},
        })
        .to_string()
    }

    /// The configuration, with rules that match nothing allowed.
    pub(crate) fn config(&self) -> resecret::Config {
        let mut config = resecret::Config::default();
        config
            .add_file("rules.yaml", &self.to_yaml())
            .unwrap_or_else(|error| panic!("{error}: {}", self.to_yaml()));
        config.allow_unmatched();
        config
    }
}

fn mapping(pairs: &[(&str, &str)]) -> serde_json::Value {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
