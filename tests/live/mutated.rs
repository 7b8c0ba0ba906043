use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use resecret::{Config, GuardForm, GuardOptions};
use serde_json::{Value, json};

use crate::api::Api;
use crate::machine::Major;
use crate::verdicts::{Case, Sent, cases, dry, key_of, namespace, objects, pod_template, send_as};
use crate::{Scenario, Try, table};

/// Only the server is tried, so one major of Helm is enough.
const ONE: &[Major] = &[Major::Three];

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "guard::mutated", majors: ONE, run: mutated },
    Scenario { name: "guard::mutated_budget", majors: ONE, run: budget },
];

/// How long a policy may take until it is in force.
const PATIENCE: Duration = Duration::from_secs(120);

/// The version of the API of policies that rewrite, on the tests' server.
const API: &str = "/apis/admissionregistration.k8s.io/v1beta1";

/// A plain object and the filtered one, with what the server makes of the latter.
struct Pair {
    plain: Sent,
    filtered: Sent,
    wanted: Value,
    /// The places that the filter changes in it.
    places: usize,
}

/// Over fixtures, renders and examples: a plain object comes back from the server as the filtered one does.
fn mutated(_: &Try) -> Result<()> {
    let api = Api::start()?;
    let mut cases = cases()?;
    // Readers of keys that `only` moves, and a name that `spec.references` declares in a variable, are left as they are, and
    // the annotation of the policy says so.
    cases.retain(|case| {
        !["/only/", "/config-maps/", "/left-behind/declared-by-name"]
            .iter()
            .any(|folder| case.name.contains(folder))
    });
    let mut pairs = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        pairs.extend(pairs_of(&api, number, case)?);
    }
    let guarded: BTreeSet<usize> = pairs.iter().map(|pair| pair.plain.case).collect();
    for number in &guarded {
        let selector = format!("{}=on", label(*number));
        let selector = Some(selector.parse().map_err(anyhow::Error::msg)?);
        let name = format!("case-{number}");
        let case = &cases[*number];
        apply(&api, Some(&case.input), &case.config, &name, selector)
            .with_context(|| format!("no mutation for {}", case.name))?;
    }
    for pair in &pairs {
        let name = namespace(&pair.plain).context("a pod has a namespace")?;
        let labels = json!({"metadata": {"labels": {label(pair.plain.case): "on"}}});
        let answer = api.send("PATCH", &format!("/api/v1/namespaces/{name}"), &labels)?;
        ensure!(answer.status == 200, "{}", answer.body);
    }
    let wrong = judge(&api, &pairs);
    for number in &guarded {
        remove(&api, &format!("case-{number}"))?;
    }
    let told: Vec<String> = wrong?
        .iter()
        .map(|(pair, said)| format!("{} {}: {said}", cases[pair.plain.case].name, pair.plain.key))
        .collect();
    let places: usize = pairs.iter().map(|pair| pair.places).sum();
    let row = [
        "guard::mutated",
        "-",
        "`-o mutate`: every pod of fixtures, renders and examples that the filter changes, sent plain",
        &format!("{} cases, {} objects, {places} places", guarded.len(), pairs.len()),
        "stored as the filter would have sent it",
    ];
    table::add(row.map(str::to_owned));
    ensure!(told.is_empty(), "{}", told.join("\n"));
    ensure!(places > 100, "only {places} places of {} objects", pairs.len());
    Ok(())
}

fn label(case: usize) -> String {
    format!("mutated.example.org/case-{case}")
}

/// The objects with pods that the filter changes and the server takes, plain and filtered.
fn pairs_of(api: &Api, number: usize, case: &Case) -> Result<Vec<Pair>> {
    let Ok(filtered) = resecret::filter(&case.input, &case.config) else { return Ok(Vec::new()) };
    let (Some(plain), Some(filtered)) = (objects(&case.input), objects(&filtered.to_vec())) else {
        return Ok(Vec::new());
    };
    let keys: BTreeSet<String> = plain.iter().map(key_of).collect();
    if keys.len() < plain.len() {
        return Ok(Vec::new());
    }
    let after: BTreeMap<String, &Value> = filtered.iter().map(|object| (key_of(object), object)).collect();
    // Where Secrets say their namespace, that of an object decides, and here they get one of their own.
    let says = |object: &Value| object.pointer("/metadata/namespace").is_some();
    if plain.iter().any(|object| object["kind"] == "Secret" && says(object)) {
        return Ok(Vec::new());
    }
    let mut pairs = Vec::new();
    for object in &plain {
        let Some(filtered) = after.get(&key_of(object)).filter(|filtered| **filtered != object) else {
            continue;
        };
        let name = format!("mutated-{number}");
        let send = |object: &Value| {
            let mut object = object.clone();
            object["metadata"]["namespace"] = name.clone().into();
            send_as(number, key_of(&object), &object, true)
        };
        let (Some(plain), Some(filtered)) = (send(object), send(filtered)) else { continue };
        make_namespace(api, &name)?;
        let stored = |sent: &Sent| -> Result<Option<Value>> {
            let answer = api.send("POST", &dry(&sent.path), &sent.object)?;
            Ok(if answer.status == 201 { pod(&serde_json::from_str(&answer.body)?) } else { None })
        };
        if let (Some(before), Some(wanted)) = (stored(&plain)?, stored(&filtered)?) {
            let places = differences(&before, &wanted);
            pairs.extend((places > 0).then_some(Pair { plain, filtered, wanted, places }));
        }
    }
    Ok(pairs)
}

/// The pod of an object, with the annotations of its template.
fn pod(object: &Value) -> Option<Value> {
    let template = pod_template(object["kind"].as_str()?)?;
    let pod = object.pointer(template)?;
    let annotations = if template.is_empty() { &Value::Null } else { &pod["metadata"]["annotations"] };
    Some(json!({"annotations": annotations, "spec": pod["spec"]}))
}

fn make_namespace(api: &Api, name: &str) -> Result<()> {
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let made = api.send("POST", "/api/v1/namespaces", &object)?;
    ensure!(made.status == 201 || made.status == 409, "cannot make namespace {name}: {}", made.body);
    Ok(())
}

/// How many places of the lists that a mutation is for differ in two pods.
fn differences(before: &Value, after: &Value) -> usize {
    let of_pod = ["volumes", "imagePullSecrets"]
        .map(|list| (before["spec"][list].clone(), after["spec"][list].clone()));
    let mut lists: Vec<(Value, Value)> = of_pod.into_iter().collect();
    for list in ["containers", "initContainers"] {
        let of = |template: &Value| template["spec"][list].as_array().cloned().unwrap_or_default();
        for (before, after) in of(before).iter().zip(of(after)) {
            lists.extend(["env", "envFrom"].map(|list| (before[list].clone(), after[list].clone())));
        }
    }
    let without = |one: &Value, other: &Value| -> usize {
        let items = |list: &Value| list.as_array().cloned().unwrap_or_default();
        let other = items(other);
        items(one).iter().filter(|item| !other.contains(item)).count()
    };
    // What is removed of equal entries shows in the length alone.
    let length = |list: &Value| list.as_array().map_or(0, Vec::len);
    let of_list = |(before, after): &(Value, Value)| {
        let changed = without(before, after).max(without(after, before));
        changed.max(length(before).abs_diff(length(after)))
    };
    lists.iter().map(of_list).sum()
}

/// Puts the policies of a configuration into force.
fn apply(
    api: &Api,
    render: Option<&[u8]>,
    config: &Config,
    name: &str,
    namespaces: Option<resecret::NamespaceSelector>,
) -> Result<()> {
    let mut options = GuardOptions { name: name.to_owned(), namespaces, ..GuardOptions::default() };
    options.form = GuardForm::Mutating;
    options.kubernetes = "1.35".parse().map_err(anyhow::Error::msg)?;
    for manifest in resecret::guard(render, config, &options)?.manifests() {
        let resource = resource(manifest["kind"].as_str().unwrap_or_default());
        let made = api.send("POST", &format!("{API}/{resource}"), manifest)?;
        ensure!(made.status == 201, "it is not taken: {}", made.body);
    }
    Ok(())
}

fn resource(kind: &str) -> &'static str {
    if kind.ends_with("Binding") { "mutatingadmissionpolicybindings" } else { "mutatingadmissionpolicies" }
}

fn remove(api: &Api, name: &str) -> Result<()> {
    for kind in ["Binding", "Policy"] {
        let path = format!("{API}/{}?labelSelector=resecret.dev%2Fguard%3D{name}", resource(kind));
        api.send("DELETE", &path, &json!({}))?;
    }
    Ok(())
}

/// The objects that do not come back as wanted. Policies take a moment to be in force.
fn judge<'p>(api: &Api, pairs: &'p [Pair]) -> Result<Vec<(&'p Pair, String)>> {
    let begun = Instant::now();
    let mut open: Vec<&Pair> = pairs.iter().collect();
    loop {
        let mut wrong = Vec::new();
        for pair in &open {
            let filtered = api.send("POST", &dry(&pair.filtered.path), &pair.filtered.object)?;
            let again = pod(&serde_json::from_str(&filtered.body)?);
            ensure!(
                again.as_ref() == Some(&pair.wanted),
                "{}: filtered, and rewritten again",
                pair.plain.key
            );
            let answer = api.send("POST", &dry(&pair.plain.path), &pair.plain.object)?;
            let found = pod(&serde_json::from_str(&answer.body)?);
            if found.as_ref() != Some(&pair.wanted) {
                let said =
                    found.map_or(answer.body, |found| format!("{found}\nand should be\n{}", pair.wanted));
                wrong.push((*pair, said));
            }
        }
        if wrong.is_empty() || begun.elapsed() > PATIENCE {
            return Ok(wrong);
        }
        open = wrong.iter().map(|(pair, _)| *pair).collect();
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Pods with 1,000 variables: rewritten within the server's budget.
fn budget(_: &Try) -> Result<()> {
    let api = Api::start()?;
    let mut config = Config::default();
    config.add_file("config.yaml", BUDGET)?;
    let name = "mutated-budget";
    make_namespace(&api, name)?;
    let selector = format!("kubernetes.io/metadata.name={name}");
    apply(&api, None, &config, name, Some(selector.parse().map_err(anyhow::Error::msg)?))?;
    let tried = try_budget(&api, &config, name);
    remove(&api, name)?;
    tried?;
    let row = [
        "guard::mutated_budget",
        "-",
        "`-o mutate`: 1,000 variables, all literals that must read the vault, all references, 50 duplicates",
        "",
        "stored as the filter would have sent them",
    ];
    table::add(row.map(str::to_owned));
    Ok(())
}

const BUDGET: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets: [{name: 'app-*', to: vault, keys: {key: other}}]
  env:
  - {to: vault, vars: {SALT: salt, 'APP_*_PASSWORD': '*'}, keepExisting: false}
  - {to: vault, vars: {KEY: key}, remove: [OLD], in: {kind: Pod, container: app}}
";

fn try_budget(api: &Api, config: &Config, name: &str) -> Result<()> {
    let plain = |n: usize| json!({"name": format!("APP_FEATURE_{n:04}_ENABLED"), "value": format!("v{n}")});
    let literal =
        |n: usize| json!({"name": format!("APP_FEATURE_{n:04}_PASSWORD"), "value": format!("canary-{n}")});
    let reference = |n: usize| json!({"name": format!("APP_FEATURE_{n:04}_REFERENCE"), "valueFrom": {"secretKeyRef": {"name": "app-secret", "key": "key"}}});
    let twice = |n: usize| if n < 950 { plain(n) } else { plain(n - 950) };
    let makers: [(&str, &dyn Fn(usize) -> Value); 4] =
        [("plain", &plain), ("literals", &literal), ("references", &reference), ("duplicates", &twice)];
    for (what, maker) in makers {
        let env: Vec<Value> = (0..1000).map(maker).collect();
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"},
            "spec": {"containers": [{"name": "app", "image": "x", "env": env}]},
        });
        let secret =
            "---\napiVersion: v1\nkind: Secret\nmetadata: {name: app-secret}\nstringData: {key: canary}\n";
        let input = format!("{pod}\n{secret}");
        let mut lenient = config.clone();
        lenient.allow_unmatched();
        let filtered = resecret::filter(input.as_bytes(), &lenient)?.to_vec();
        let wanted = objects(&filtered).context("it can be read")?.remove(0);
        let begun = Instant::now();
        loop {
            let path = format!("/api/v1/namespaces/{name}/pods");
            let answer = api.send("POST", &dry(&path), &pod)?;
            let object: Value = serde_json::from_str(&answer.body)?;
            let env = &object["spec"]["containers"][0]["env"];
            if *env == wanted["spec"]["containers"][0]["env"] {
                break;
            }
            // A policy that fails is in force.
            ensure!(answer.status == 201 && begun.elapsed() < PATIENCE, "{what}: {}", &answer.body);
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    Ok(())
}
