use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use resecret::{Code, Config, Diagnostic, GuardAction, GuardOptions, Severity};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::api::Api;
use crate::machine::{Major, repository};
use crate::{Scenario, Try, table};

/// Only the server is tried, so one major of Helm is enough.
const ONE: &[Major] = &[Major::Three];

pub(crate) const ALL: &[Scenario] = &[Scenario { name: "guard::verdicts", majors: ONE, run: verdicts }];

/// How long a policy may take until it is in force; the server compiles hundreds at a time.
const PATIENCE: Duration = Duration::from_secs(300);

/// The largest object that is sent, in bytes.
const LARGEST: usize = 1_500_000;

/// Kinds of the API server: group and version, resource, whether in a namespace.
const KINDS: [(&str, &str, &str, bool); 22] = [
    ("Pod", "v1", "pods", true),
    ("PodTemplate", "v1", "podtemplates", true),
    ("ReplicationController", "v1", "replicationcontrollers", true),
    ("Secret", "v1", "secrets", true),
    ("ConfigMap", "v1", "configmaps", true),
    ("Service", "v1", "services", true),
    ("ServiceAccount", "v1", "serviceaccounts", true),
    ("PersistentVolume", "v1", "persistentvolumes", false),
    ("PersistentVolumeClaim", "v1", "persistentvolumeclaims", true),
    ("Namespace", "v1", "namespaces", false),
    ("Deployment", "apps/v1", "deployments", true),
    ("DaemonSet", "apps/v1", "daemonsets", true),
    ("ReplicaSet", "apps/v1", "replicasets", true),
    ("StatefulSet", "apps/v1", "statefulsets", true),
    ("Job", "batch/v1", "jobs", true),
    ("CronJob", "batch/v1", "cronjobs", true),
    ("Ingress", "networking.k8s.io/v1", "ingresses", true),
    ("Role", "rbac.authorization.k8s.io/v1", "roles", true),
    ("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings", true),
    ("ClusterRole", "rbac.authorization.k8s.io/v1", "clusterroles", false),
    ("StorageClass", "storage.k8s.io/v1", "storageclasses", false),
    ("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers", true),
];

/// What the filter knows by kind alone, for fixtures that say no more.
const CUSTOM: [(&str, &str); 7] = [
    ("Gateway", "gateway.networking.k8s.io/v1"),
    ("TriggerAuthentication", "keda.sh/v1alpha1"),
    ("ClusterTriggerAuthentication", "keda.sh/v1alpha1"),
    ("ServiceMonitor", "monitoring.coreos.com/v1"),
    ("PodMonitor", "monitoring.coreos.com/v1"),
    ("Probe", "monitoring.coreos.com/v1"),
    ("ScrapeConfig", "monitoring.coreos.com/v1alpha1"),
];

/// A render with rules for it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) config: Config,
    pub(crate) input: Vec<u8>,
    /// Where the policies come from a render of Secrets alone: this one, for custom resources that none shows.
    secrets: Option<Vec<u8>>,
}

impl Case {
    fn new(name: String, config: Config, input: Vec<u8>) -> Self {
        Self { name, config, input, secrets: None }
    }

    /// The render that the policies come from.
    fn render(&self) -> &[u8] {
        self.secrets.as_ref().unwrap_or(&self.input)
    }

    /// The same for custom resources that no render shows; none where there are none, or where no policy can be made.
    fn unseen(&self) -> Option<Self> {
        let all = objects(&self.input)?;
        let is_custom = |object: &Value| {
            let kind = object["kind"].as_str().unwrap_or_default();
            object["apiVersion"].as_str().is_some_and(|version| is_custom(version, kind))
        };
        all.iter().any(is_custom).then_some(())?;
        // As they are written: a comment may say the template.
        let text = String::from_utf8(self.input.clone()).ok()?;
        let documents = format!("\n{text}");
        let has_secrets_alone = |document: &&str| {
            objects(document.as_bytes())
                .is_some_and(|all| !all.is_empty() && all.iter().all(|object| object["kind"] == "Secret"))
        };
        let secrets: String =
            documents.split("\n---").filter(has_secrets_alone).map(|one| format!("---{one}\n")).collect();
        let mut config = self.config.clone();
        // What a rule is about may be in what is not shown.
        config.allow_unmatched();
        resecret::guard(Some(secrets.as_bytes()), &config, &GuardOptions::default()).ok()?;
        let (name, input) = (format!("{} unseen", self.name), self.input.clone());
        Some(Self { name, config, input, secrets: Some(secrets.into_bytes()) })
    }
}

/// An object of a case, as it goes to the server.
pub(crate) struct Sent {
    pub(crate) case: usize,
    pub(crate) key: String,
    pub(crate) path: String,
    pub(crate) object: Value,
    /// Whether the filter would change it; an object of the filtered render is none of those.
    at_fault: bool,
}

/// Over fixtures, renders and the corpus: the server refuses what `--check` says of the plain render, which is all that the
/// filter would change but for what it says that no policy looks at; and nothing of the filtered render.
fn verdicts(_: &Try) -> Result<()> {
    let api = Api::start()?;
    let mut cases = cases()?;
    let unseen: Vec<Case> = cases.iter().filter_map(Case::unseen).collect();
    cases.extend(unseen);
    let numbered: Vec<(usize, &Case)> = cases.iter().enumerate().collect();
    let sent = side_by_side(&numbered, |(number, case)| objects_of(*number, case))?;
    let sent: Vec<Sent> = sent.into_iter().flatten().collect();
    let custom: BTreeSet<(String, String)> = sent.iter().filter_map(custom).collect();
    define(&api, &custom)?;
    // What the server takes at all, judged by nobody: the guard's labels are put on the namespaces later.
    let namespaces: BTreeSet<(usize, String)> =
        sent.iter().filter_map(|one| namespace(one).map(|name| (one.case, name))).collect();
    for name in namespaces.iter().map(|(_, name)| name).collect::<BTreeSet<_>>() {
        let labels: BTreeMap<String, &str> = namespaces
            .iter()
            .filter(|(_, other)| other == name)
            .map(|(case, _)| (label(*case), "on"))
            .collect();
        let object =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        let mut made = api.send("POST", "/api/v1/namespaces", &object)?;
        if made.status == 409 {
            made = api.send("PATCH", &format!("/api/v1/namespaces/{name}"), &object)?;
        }
        ensure!(made.status < 300, "cannot make namespace {name}: {}", made.body);
    }
    let answers = side_by_side(&sent, |one| Ok(api.send("POST", &dry(&one.path), &one.object)?.status))?;
    let with_answers = sent.into_iter().zip(answers);
    let mut taken: Vec<Sent> =
        with_answers.filter(|(_, status)| *status == 201).map(|(one, _)| one).collect();
    let guarded: BTreeSet<usize> = taken.iter().filter(|one| one.at_fault).map(|one| one.case).collect();
    let numbers: Vec<usize> = guarded.iter().copied().collect();
    let policies = side_by_side(&numbers, |number| {
        let own = || taken.iter().filter(|one| one.case == *number);
        let kinds: BTreeSet<&str> = own().filter_map(|one| one.object["kind"].as_str()).collect();
        // In a namespace of several cases the policies of another one may be the first to refuse.
        let alone = own().all(|one| namespace(one).is_none_or(|name| name == format!("guard-{number}")));
        guard(&api, *number, &cases[*number], &kinds, alone)
    })?;
    let policies: usize = policies.into_iter().sum();
    taken.retain(|one| guarded.contains(&one.case));
    let wrong = judge(&api, &taken);
    // Other scenarios would wait for the server to go through them.
    for resource in ["validatingadmissionpolicybindings", "validatingadmissionpolicies"] {
        let path = format!("/apis/admissionregistration.k8s.io/v1/{resource}");
        side_by_side(&numbers, |number| {
            let of_case = format!("labelSelector=resecret.dev%2Fguard%3Dcase-{number}");
            api.send("DELETE", &format!("{path}?{of_case}"), &json!({}))
        })?;
    }
    let wrong = wrong?;
    let faults = taken.iter().filter(|one| one.at_fault).count();
    let told: Vec<String> = wrong
        .iter()
        .map(|(one, said)| {
            let wanted = if one.at_fault { "refused" } else { "accepted" };
            format!("{} {} should be {wanted}: {said}", cases[one.case].name, one.key)
        })
        .collect();
    let row = [
        "guard::verdicts",
        "-",
        "every object of fixtures, renders and examples, plain and filtered",
        &format!(
            "{} cases, {policies} policies, {faults} objects refused, {} accepted",
            guarded.len(),
            taken.len() - faults
        ),
        "the server refuses what `--check` says, and nothing that was filtered",
    ];
    table::add(row.map(str::to_owned));
    ensure!(wrong.is_empty(), "{}", told.join("\n"));
    ensure!(faults > 100 && taken.len() - faults > 100, "only {faults} of {} objects at fault", taken.len());
    Ok(())
}

/// How many requests are under way at a time.
const AT_ONCE: usize = 4;

/// What `work` makes of each item, in order.
fn side_by_side<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> Result<T> + Sync) -> Result<Vec<T>> {
    let share = items.len().div_ceil(AT_ONCE).max(1);
    let of_share = |items: &[I]| items.iter().map(&work).collect::<Result<Vec<T>>>();
    std::thread::scope(|scope| {
        let threads: Vec<_> = items.chunks(share).map(|items| scope.spawn(|| of_share(items))).collect();
        let mut made = Vec::new();
        for thread in threads {
            made.extend(thread.join().expect("a share of the work")?);
        }
        Ok(made)
    })
}

/// The cases with places that no policy looks at, and why.
const ONLY_THE_FILTER: [(&str, &str); 14] = [
    ("custom-resources/kind-secret", OWNER),
    ("duplicates/lists", EQUAL_ENTRIES),
    ("duplicates/lists-and-rules", EQUAL_ENTRIES),
    ("env/add", ADDED),
    ("env/add-crlf", ADDED),
    ("env/outside-containers", "variables in a list within a list"),
    ("only/list-and-embedded", EMBEDDED),
    ("only/with-added", ADDED),
    ("texts/formats", "a webhook configuration, which a server shows to no policy"),
    ("texts/last-applied", EMBEDDED),
    ("texts/pod-template", EMBEDDED),
    ("texts/renamed-keys", EMBEDDED),
    ("texts/settings", EMBEDDED),
    ("texts/styles", EMBEDDED),
];

const OWNER: &str = "an owner of a ConfigMap: no field of its own kind";
const EQUAL_ENTRIES: &str = "equal entries of lists that hold no variables";
const ADDED: &str = "a variable that is not there, which a rule adds";
const EMBEDDED: &str = "an object in a text";

/// The cases with custom resources that no render shows in which the filter changes more than references.
const UNSEEN: [(&str, &str); 2] = [
    ("references/workloads unseen", "variables, and duplicates of them"),
    (
        "texts/formats unseen",
        "a name and key in one text that only a key nearby tells; a webhook configuration",
    ),
];

/// Fixtures, renders and the corpus, where the filter goes through.
pub(crate) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let mut folders = vec![repository("tests/fixtures")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
            // What differs in the writing alone is the same to a server.
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let differs_in_writing =
                ["anchors", "errors", "krm", "reader", "streams", "styles"].contains(&name.as_str());
            if differs_in_writing {
                continue;
            }
            folders.push(entry.clone());
            let Ok(text) = fs::read_to_string(entry.join("config.yaml")) else { continue };
            let mut config = Config::default();
            if config.add_file("config.yaml", &text).is_ok() {
                let input = fs::read(entry.join("input.yaml"))?;
                cases.push(Case::new(entry.display().to_string(), config, input));
            }
        }
    }
    let mut renders = vec![repository("tests/renders")];
    // Beside the repository, on machines that have it.
    renders.extend(
        fs::read_dir(repository("../shared/corpus")).into_iter().flatten().flatten().map(|e| e.path()),
    );
    for folder in renders {
        for file in fs::read_dir(&folder)?.flatten().map(|entry| entry.path()) {
            if file.file_name().is_some_and(|name| name == "values.yaml") {
                continue;
            }
            for presets in [&["langfuse"][..], &["langfuse", "langfuse-stores"]] {
                let mut config = Config::default();
                for preset in presets {
                    config.add_preset(preset, "langfuse-vault")?;
                }
                let input = fs::read(&file)?;
                cases.push(Case::new(format!("{} {}", file.display(), presets.join("+")), config, input));
            }
        }
    }
    cases.extend(examples()?);
    cases.retain(|case| resecret::filter(&case.input, &case.config).is_ok());
    // What no policy can say is refused with the reason.
    let options = GuardOptions::default();
    cases.retain(|case| resecret::guard(Some(&case.input), &case.config, &options).is_ok());
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

/// The examples with a chart of their own.
fn examples() -> Result<Vec<Case>> {
    let machine = crate::machine::Machine::new()?;
    let helm = machine.helm(Major::Three)?;
    let mut cases = Vec::new();
    for folder in [
        "dataspoke",
        "langfuse-umbrella",
        "langfuse-from-compose",
        "langfuse-external-secrets",
        "langfuse-aks",
    ] {
        let path = repository("examples").join(folder);
        let chart = if path.join("Chart.yaml").is_file() {
            path.clone()
        } else {
            repository("examples/charts/langfuse")
        };
        let word = |path: &Path| path.display().to_string();
        let arguments = [
            "template".to_owned(),
            "lf".to_owned(),
            word(&chart),
            "-f".to_owned(),
            word(&path.join("values.yaml")),
        ];
        let render = helm.run(arguments.iter().map(String::as_str))?.succeeded()?;
        let mut config = Config::default();
        config.add_file("resecret.yaml", &fs::read_to_string(path.join("resecret.yaml"))?)?;
        config.allow_unmatched();
        cases.push(Case::new(format!("examples/{folder}"), config, render.stdout.into_bytes()));
    }
    Ok(cases)
}

/// The objects of a stream, those of lists apart; none where Kubernetes would not read it.
pub(crate) fn objects(stream: &[u8]) -> Option<Vec<Value>> {
    let stream = std::str::from_utf8(stream).ok()?;
    let mut found = Vec::new();
    for document in serde_yaml::Deserializer::from_str(stream.trim_start_matches('\u{feff}')) {
        collect(Value::deserialize(document).ok()?, &mut found);
    }
    Some(found)
}

fn collect(object: Value, found: &mut Vec<Value>) {
    let is_list = object["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match object {
        Value::Object(mut fields) if is_list && fields.get("items").is_some_and(Value::is_array) => {
            for item in fields.remove("items").and_then(|items| items.as_array().cloned()).unwrap_or_default()
            {
                collect(item, found);
            }
        }
        Value::Object(_) => found.push(object),
        _ => {}
    }
}

/// What tells an object from others of its stream.
pub(crate) fn key_of(object: &Value) -> String {
    let word = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    [word("/kind"), word("/metadata/namespace"), word("/metadata/name")].join("/")
}

/// The objects of both renders. Where two have one name, nobody can say which of them changes.
fn objects_of(number: usize, case: &Case) -> Result<Vec<Sent>> {
    let Ok(filtered) = resecret::filter(&case.input, &case.config) else { return Ok(Vec::new()) };
    let output = filtered.to_vec();
    let (Some(plain), Some(filtered)) = (objects(&case.input), objects(&output)) else {
        return Ok(Vec::new());
    };
    let key = key_of;
    let keys: BTreeSet<String> = plain.iter().map(key).collect();
    if keys.len() < plain.len() {
        return Ok(Vec::new());
    }
    let (refused, mut only_filter) = told(case, &case.input);
    let is_unseen = case.secrets.is_some();
    let custom: BTreeSet<String> =
        plain.iter().filter(|object| is_sent(object, is_unseen)).map(key).collect();
    only_filter.retain(|key| custom.contains(key));
    let is_known = |list: &[(&str, &str)]| list.iter().any(|(known, _)| case.name.ends_with(known));
    let is_known = if is_unseen { is_known(&UNSEEN) } else { is_known(&ONLY_THE_FILTER) };
    ensure!(
        only_filter.is_empty() != is_known,
        "{}: no policy looks at {only_filter:?}; listed: {is_known}",
        case.name
    );
    let said = told(case, &output).0;
    ensure!(said.is_empty(), "{}: refused after the filter: {said:?}", case.name);
    // Which namespace an object lands in decides, where the Secrets of a case say theirs.
    let says = |object: &Value| object.pointer("/metadata/namespace").is_some();
    let decides = plain.iter().any(|object| object["kind"] == "Secret" && says(object));
    let after: BTreeMap<String, &Value> = filtered.iter().map(|object| (key(object), object)).collect();
    let mut sent = Vec::new();
    let open = |object: &&Value| !decides || says(object);
    let is_judged = |object: &&Value| is_sent(object, is_unseen);
    for object in plain.iter().filter(open).filter(is_judged) {
        let is_changed = after.get(&key(object)) != Some(&object);
        let at_fault = refused.contains(&key(object));
        let is_told = at_fault || only_filter.contains(&key(object));
        // An item of a list may have its kind from there.
        let has_kind = object["kind"].is_string();
        ensure!(
            is_changed == is_told || !has_kind,
            "{} {}: is_changed is {is_changed}",
            case.name,
            key(object)
        );
        sent.extend(send_as(number, key(object), object, at_fault));
    }
    for object in filtered.iter().filter(open).filter(is_judged) {
        sent.extend(send_as(number, key(object), object, false));
    }
    Ok(sent)
}

/// The objects that `--check` says are refused, and those with a place at which only the filter looks.
fn told(case: &Case, manifests: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let said = resecret::check_guarded(manifests, Some(case.render()), &case.config).expect("can be read");
    let key = |found: &Diagnostic| {
        let object = found.location.object.clone().unwrap_or_default();
        [object.kind, object.namespace.unwrap_or_default(), object.name].join("/")
    };
    let said = said.iter().filter(|found| found.code != Code::Plaintext);
    let (refused, only_filter): (Vec<_>, Vec<_>) = said.partition(|found| found.severity == Severity::Error);
    (refused.into_iter().map(key).collect(), only_filter.into_iter().map(key).collect())
}

/// An object as the server takes it: fixtures leave out what they do not show.
pub(crate) fn send_as(case: usize, key: String, object: &Value, at_fault: bool) -> Option<Sent> {
    let mut object = object.clone();
    let kind = object["kind"].as_str()?.to_owned();
    // Before Kustomize has corrected the names, there is no server yet.
    let annotations = object.pointer("/metadata/annotations");
    if annotations.is_some_and(|all| all.to_string().contains("internal.config.kubernetes.io")) {
        return None;
    }
    let known = KINDS.iter().find(|row| row.0 == kind);
    let given = object["apiVersion"].as_str().map(str::to_owned);
    let by_kind = || CUSTOM.iter().find(|row| row.0 == kind).map(|row| row.1);
    let version = given.or_else(|| known.map(|row| row.1).or_else(by_kind).map(str::to_owned))?;
    object["apiVersion"] = version.clone().into();
    complete(&mut object, &kind);
    let (resource, namespaced) = match known.filter(|row| row.1 == version) {
        Some(row) => (row.2.to_owned(), row.3),
        None if version.contains('.') => (format!("{}s", kind.to_lowercase()), !kind.starts_with("Cluster")),
        None => return None,
    };
    let prefix = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let path = if namespaced {
        let own = object.pointer("/metadata/namespace").and_then(Value::as_str).filter(|own| !own.is_empty());
        let namespace = own.map_or_else(|| format!("guard-{case}"), str::to_owned);
        format!("{prefix}/namespaces/{namespace}/{resource}")
    } else {
        format!("{prefix}/{resource}")
    };
    // The server hangs up on more.
    (object.to_string().len() < LARGEST).then_some(Sent { case, key, path, object, at_fault })
}

/// Where a kind has its pod, with the pod's metadata.
pub(crate) fn pod_template(kind: &str) -> Option<&'static str> {
    match kind {
        "Pod" => Some(""),
        "PodTemplate" => Some("/template"),
        "CronJob" => Some("/spec/jobTemplate/spec/template"),
        "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet" | "Job" | "ReplicationController" => {
            Some("/spec/template")
        }
        _ => None,
    }
}

/// Adds what a kind needs and a fixture leaves out.
fn complete(object: &mut Value, kind: &str) {
    let Some(template) = pod_template(kind) else { return };
    if kind == "CronJob" && object["spec"]["schedule"].is_null() {
        object["spec"]["schedule"] = "0 0 * * *".into();
    }
    if let Some(template) = object.pointer_mut(template).filter(|template| template.is_object()) {
        for list in ["containers", "initContainers"] {
            for (number, container) in template["spec"][list].as_array_mut().into_iter().flatten().enumerate()
            {
                if container["image"].is_null() {
                    container["image"] = "x".into();
                }
                if container["name"].is_null() {
                    container["name"] = format!("c{number}").into();
                }
            }
        }
        if template["spec"]["initContainers"].is_null() {
            template["spec"].as_object_mut().map(|spec| spec.remove("initContainers"));
        }
        if template["spec"]["containers"].is_null() {
            template["spec"]["containers"] = json!([{"name": "c", "image": "x"}]);
        }
        if matches!(kind, "Job" | "CronJob") && template["spec"]["restartPolicy"].is_null() {
            template["spec"]["restartPolicy"] = "Never".into();
        }
        if matches!(kind, "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet")
            && template["metadata"]["labels"].is_null()
        {
            template["metadata"]["labels"] = json!({"app": "x"});
        }
    }
    if matches!(kind, "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet")
        && object["spec"]["selector"].is_null()
    {
        let labels = object.pointer("/spec/template/metadata/labels").cloned();
        object["spec"]["selector"] = json!({"matchLabels": labels});
    }
    if kind == "StatefulSet" && object["spec"]["serviceName"].is_null() {
        object["spec"]["serviceName"] = "x".into();
    }
}

pub(crate) fn namespace(one: &Sent) -> Option<String> {
    let (_, rest) = one.path.split_once("/namespaces/")?;
    rest.split('/').next().map(str::to_owned)
}

fn label(case: usize) -> String {
    format!("guard.example.org/case-{case}")
}

pub(crate) fn dry(path: &str) -> String {
    format!("{path}?dryRun=All")
}

/// The group and version, and kind, of a custom resource.
fn custom(one: &Sent) -> Option<(String, String)> {
    let (version, kind) = (one.object["apiVersion"].as_str()?, one.object["kind"].as_str()?);
    is_custom(version, kind).then(|| (version.to_owned(), kind.to_owned()))
}

fn is_custom(version: &str, kind: &str) -> bool {
    let built_in = KINDS.iter().any(|row| (row.0, row.1) == (kind, version));
    !built_in && version.contains('.')
}

/// Whether an object of a case is sent: of an unseen one custom resources alone.
fn is_sent(object: &Value, is_unseen: bool) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default();
    !is_unseen || object["apiVersion"].as_str().is_some_and(|version| is_custom(version, kind))
}

/// Defines custom resources that take any field.
fn define(api: &Api, kinds: &BTreeSet<(String, String)>) -> Result<()> {
    for (version, kind) in kinds {
        let (group, version) = version.split_once('/').context("a custom resource has a group")?;
        let plural = format!("{}s", kind.to_lowercase());
        let scope = if kind.starts_with("Cluster") { "Cluster" } else { "Namespaced" };
        let schema =
            json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": format!("{plural}.{group}"),
                "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
            },
            "spec": {
                "group": group,
                "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
                "scope": scope,
                "versions": [{"name": version, "served": true, "storage": true, "schema": schema}],
            },
        });
        // Another version of a kind that is defined already is left out: its objects are not taken.
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        api.send("POST", path, &definition)?;
    }
    std::thread::sleep(Duration::from_secs(2));
    Ok(())
}

/// Puts the policies of a case into force that are for kinds of its objects; how many there are.
fn guard(api: &Api, number: usize, case: &Case, kinds: &BTreeSet<&str>, alone: bool) -> Result<usize> {
    let mut options = GuardOptions { name: format!("case-{number}"), ..GuardOptions::default() };
    options.actions = vec![GuardAction::Deny];
    options.namespaces = Some(format!("{}=on", label(number)).parse().map_err(anyhow::Error::msg)?);
    let guard = resecret::guard(Some(case.render()), &case.config, &options);
    let guard = guard.with_context(|| format!("no policies for {}", case.name))?;
    let is_for = |name: &str| {
        let suffix = name.rsplit('-').next().unwrap_or_default();
        let built_in = |kind: &&&str| KINDS.iter().find(|row| row.0 == **kind);
        match suffix {
            "credentials" => false,
            "secrets" => kinds.contains("Secret"),
            "custom" | "others" => kinds.iter().any(|kind| built_in(&kind).is_none()),
            "cluster" => kinds.iter().any(|kind| built_in(&kind).is_none_or(|row| !row.3)),
            _ => kinds.iter().any(|kind| built_in(&kind).is_some_and(|row| row.3)),
        }
    };
    let mut count = 0;
    for manifest in guard.manifests() {
        let mut manifest = manifest.clone();
        let policy = manifest.pointer("/spec/policyName").or(manifest.pointer("/metadata/name"));
        let policy = policy.and_then(Value::as_str).unwrap_or_default().to_owned();
        if !is_for(&policy) {
            continue;
        }
        let kind = manifest["kind"].as_str().unwrap_or_default().to_owned();
        let resource = if kind.ends_with("Binding") {
            "validatingadmissionpolicybindings"
        } else {
            "validatingadmissionpolicies"
        };
        count += usize::from(!kind.ends_with("Binding"));
        if kind.ends_with("Binding") && (!alone || policy.ends_with("-cluster")) {
            // No selector for namespaces tells the cases apart here, but the name of the policy in a warning does.
            manifest["spec"]["validationActions"] = json!(["Warn"]);
        }
        if kind.ends_with("Binding") && policy.ends_with("-cluster") {
            // A server cuts warnings off where those of all cases would be too many for one answer.
            manifest["spec"]["matchResources"]["objectSelector"] =
                json!({"matchLabels": {label(number): "on"}});
        }
        let made =
            api.send("POST", &format!("/apis/admissionregistration.k8s.io/v1/{resource}"), &manifest)?;
        ensure!(made.status == 201, "{}: {policy} is not taken: {}", case.name, made.body);
    }
    Ok(count)
}

/// An object as the policies of its case find it: one that is in no namespace has the label itself.
fn labelled(one: &Sent) -> Value {
    let mut object = one.object.clone();
    if namespace(one).is_none() && object["metadata"].is_object() {
        if !object["metadata"]["labels"].is_object() {
            object["metadata"]["labels"] = json!({});
        }
        object["metadata"]["labels"][label(one.case)] = "on".into();
    }
    object
}

/// The objects whose verdict is wrong, with what was said. Policies take a moment to be in force.
fn judge<'s>(api: &Api, sent: &'s [Sent]) -> Result<Vec<(&'s Sent, String)>> {
    let begun = Instant::now();
    let mut open: Vec<&Sent> = sent.iter().collect();
    loop {
        let answers = side_by_side(&open, |one| verdict(api, one))?;
        let wrong: Vec<(&Sent, String)> =
            open.iter().copied().zip(answers).filter_map(|(one, said)| Some((one, said?))).collect();
        if wrong.is_empty() || begun.elapsed() > PATIENCE {
            return Ok(wrong);
        }
        open = wrong.iter().map(|(one, _)| *one).collect();
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// What was said of an object, where its verdict is wrong.
fn verdict(api: &Api, one: &Sent) -> Result<Option<String>> {
    let answer = api.send("POST", &dry(&one.path), &labelled(one))?;
    let policy = format!("'resecret-case-{}-", one.case);
    let warned = answer.warnings.iter().any(|warning| warning.contains(&policy));
    let refused = warned || (answer.status == 403 && answer.body.contains(&policy));
    // A policy that only warns says there that it failed.
    let said = answer.warnings.iter().chain([&answer.body]);
    let failed: Vec<&String> = said.filter(|said| said.contains("resulted in error")).collect();
    ensure!(failed.is_empty(), "{}: a policy failed: {failed:?}", one.key);
    Ok((refused != one.at_fault).then(|| format!("{} {}", answer.status, answer.body)))
}
