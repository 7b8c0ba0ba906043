use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use resecret::{Code, Config, Diagnostic, GuardAction, GuardForm, GuardOptions, Severity};
use serde_json::{Value, json};

use crate::Case;
use crate::client::Client;
use crate::machine::{Machine, repository, text};

pub(crate) const CASES: &[Case] = &[
    Case { name: "kyverno::same_verdicts", needs: &["kyverno"], run: same_verdicts },
    Case { name: "kyverno::same_credentials", needs: &["kyverno"], run: same_credentials },
];

/// The namespace of objects that say none, with the label that the policies ask for.
const VALUES: &str = "\
apiVersion: cli.kyverno.io/v1alpha1
kind: Values
metadata: {name: values}
namespaceSelector:
- {name: default, labels: {resecret.dev/guard: deny}}
";

/// Rules with faults of every kind.
const CONFIG: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets:
  - {name: 'app-*', to: vault, keys: {user: db-user}}
  - {name: registry, to: registry-vault}
  env:
  - {to: vault, vars: {SALT: salt}, remove: [OLD]}
  references:
  - {kind: Feed, apiVersion: example.org/v1, path: spec.secret}
  - {kind: Feed, apiVersion: example.org/v1, path: spec.source, format: name/key}
  dropAnnotations: ['checksum/secret*']
";

const STREAM: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: app-secret}
stringData: {password: canary, user: canary}
---
apiVersion: v1
kind: Secret
metadata: {name: registry}
stringData: {.dockerconfigjson: canary}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: pulls}
imagePullSecrets: [{name: registry}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: annotated, annotations: {nginx.ingress.kubernetes.io/auth-secret: default/registry}}
spec: {rules: [{host: a.example.org}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: innocent, annotations: {nginx.ingress.kubernetes.io/auth-secret: default/other}}
spec: {rules: [{host: a.example.org}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: literal}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x, env: [{name: SALT, value: canary}, {name: A, value: a}]}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: annotated}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}, annotations: {checksum/secret: canary}}, spec: {containers: [{name: c, image: x}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: reads}
spec: {serviceName: x, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x, env: [{name: P, valueFrom: {secretKeyRef: {name: app-secret, key: password}}}]}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: twice}
spec: {schedule: '0 0 * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x, env: [{name: A, value: a}, {name: A, value: b}]}]}}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: mounts}
spec: {containers: [{name: c, image: x}], volumes: [{name: v, secret: {secretName: app-secret}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: innocent}
spec: {containers: [{name: c, image: x, env: [{name: A, value: a}, {name: SALT, valueFrom: {secretKeyRef: {name: vault, key: salt}}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: removed}
spec: {containers: [{name: c, image: x, env: [{name: OLD, value: a}]}]}
---
apiVersion: example.org/v1
kind: Feed
metadata: {name: reads}
spec: {secret: registry, source: app-secret/user}
---
apiVersion: example.org/v1
kind: Feed
metadata: {name: innocent}
spec: {secret: other, source: other/user}
";

/// Custom resources that the render does not show: readers of a removed Secret, and others.
const UNSEEN: &str = "\
apiVersion: example.org/v1
kind: Database
metadata: {name: reads}
spec: {users: [{name: a, passwordSecret: {name: app-secret, key: password}}], tls: {secretName: default/registry}}
---
apiVersion: example.org/v1
kind: Database
metadata: {name: by-key}
spec: {feed: {name: app-secret, key: user}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: makes}
spec: {secretName: app-secret}
---
apiVersion: example.org/v1
kind: Database
metadata: {name: others}
spec: {passwordSecret: {name: vault}, service: {name: app-secret}, text: 'secretName: \"app-secret\"'}
";

/// Kyverno's command line says of every object, plain and filtered, what `guard --check` says.
fn same_verdicts() -> Result<()> {
    let machine = Machine::new()?;
    let client = Client::new(&machine, "kyverno", &machine.path(""))?;
    let values = machine.write("values.yaml", VALUES)?;
    let mut own = Config::default();
    own.add_file("resecret.yaml", CONFIG)?;
    let mut cases = vec![("own".to_owned(), STREAM.as_bytes().to_vec(), own)];
    for entry in fs::read_dir(repository("tests/renders"))? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name == "values.yaml") {
            continue;
        }
        let mut config = Config::default();
        config.add_preset("langfuse", "langfuse-vault")?;
        let input = fs::read(&path)?;
        if resecret::filter(&input, &config).is_ok() {
            cases.push((path.display().to_string(), input, config));
        }
    }
    let mut refused_at_all = 0;
    for (name, input, config) in cases {
        let mut options = GuardOptions { form: GuardForm::Kyverno, ..GuardOptions::default() };
        options.actions = vec![GuardAction::Deny];
        let guard = resecret::guard(Some(&input), &config, &options)?;
        let policies = machine.write("policies.yaml", &policies(&guard, &Aspect::Rules)?)?;
        let filtered = resecret::filter(&input, &config)?.to_vec();
        let unseen = if name == "own" { UNSEEN.as_bytes().to_vec() } else { Vec::new() };
        let mut streams = vec![("plain", &input), ("filtered", &filtered), ("unseen", &unseen)];
        streams.retain(|(_, stream)| !stream.is_empty());
        for (which, manifests) in streams {
            let file = machine.write("manifests.yaml", std::str::from_utf8(manifests)?)?;
            let arguments = ["apply", text(&policies)?, "-r", text(&file)?, "-f", text(&values)?];
            let report = ["--policy-report", "--output-format", "json"];
            let run = client.run(arguments.into_iter().chain(report))?;
            let refused =
                refused(&run.stdout, &Aspect::Rules).with_context(|| format!("{name} {which}: {run}"))?;
            let wanted = wanted(manifests, Some(&input), &config, &Aspect::Rules)?;
            ensure!(refused == wanted, "{name} {which}: {refused:?} instead of {wanted:?}");
            ensure!(which != "filtered" || refused.is_empty(), "{name}: filtered, and refused: {refused:?}");
            refused_at_all += refused.len();
        }
        if name == "own" {
            // An update is to the command line an object that is what it was: what was at fault before passes.
            let update = format!("{VALUES}globalValues: {{request.operation: UPDATE}}\n");
            let values = machine.write("update.yaml", &update)?;
            let all = format!("{}---\n{UNSEEN}", std::str::from_utf8(&input)?);
            let file = machine.write("manifests.yaml", &all)?;
            let arguments = ["apply", text(&policies)?, "-r", text(&file)?, "-f", text(&values)?];
            let report = ["--policy-report", "--output-format", "json"];
            let run = client.run(arguments.into_iter().chain(report))?;
            let refused = refused(&run.stdout, &Aspect::Rules).with_context(|| run.to_string())?;
            ensure!(refused.is_empty(), "refused although nothing has changed: {refused:?}");
        }
    }
    ensure!(refused_at_all > 15, "only {refused_at_all} objects are refused");
    Ok(())
}

/// Which policies are compared.
#[derive(PartialEq)]
enum Aspect {
    Rules,
    Credentials,
}

/// The policies that are compared, as a stream: Kyverno compiles all that it is given for each object.
fn policies(guard: &resecret::Guard, aspect: &Aspect) -> Result<String> {
    let is_about = |manifest: &&Value| {
        let name = manifest.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        name.contains("-credentials-") == (*aspect == Aspect::Credentials)
    };
    let chosen: Vec<&Value> = guard.manifests().iter().filter(is_about).collect();
    ensure!(!chosen.is_empty(), "there is no policy");
    Ok(chosen.iter().map(|manifest| format!("---\n{manifest}\n")).collect())
}

/// The objects that a report says are refused.
fn refused(report: &str, aspect: &Aspect) -> Result<BTreeSet<String>> {
    let start = report.find('{').context("there is no report")?;
    let report: Value = serde_json::from_str(&report[start..])?;
    let mut refused = BTreeSet::new();
    ensure!(report["results"].as_array().is_some_and(|all| !all.is_empty()), "nothing was judged");
    for result in report["results"].as_array().context("a report has results")? {
        let word = |pointer: &str| result.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        ensure!(word("/result") != "error", "a policy failed: {}", word("/message"));
        let is_about = word("/policy").contains("-credentials-") == (*aspect == Aspect::Credentials);
        if word("/result") == "fail" && is_about {
            refused.insert(format!("{}/{}", word("/resources/0/kind"), word("/resources/0/name")));
        }
    }
    Ok(refused)
}

/// The objects that `--check` says are refused.
fn wanted(
    manifests: &[u8],
    render: Option<&[u8]>,
    config: &Config,
    aspect: &Aspect,
) -> Result<BTreeSet<String>> {
    let said = resecret::check_guarded(manifests, render, config)?;
    let is_about = |found: &&Diagnostic| (found.code == Code::Plaintext) == (*aspect == Aspect::Credentials);
    let is_refused = |found: &&Diagnostic| found.severity == Severity::Error && is_about(found);
    let key = |found: &Diagnostic| {
        let object = found.location.object.clone().unwrap_or_default();
        format!("{}/{}", object.kind, object.name)
    };
    Ok(said.iter().filter(is_refused).map(key).collect())
}

/// Values that could be credentials, by the name that they stand under.
const LITERALS: [(&str, &str); 34] = [
    ("DB_PASSWORD", "canary"),
    ("adminPassword", "canary"),
    ("spring.datasource.password", "canary"),
    ("AWS_ACCESS_KEY_ID", "canary"),
    ("AWS_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE"),
    ("KEY_ID", "canary"),
    ("TOKEN_TTL", "canary"),
    ("DB_PASSWORD_FILE", "canary"),
    ("NEXT_PUBLIC_API_KEY", "canary"),
    ("API_KEY", "true"),
    ("API_KEY", " off "),
    ("API_KEY", "80"),
    ("API_KEY", "5m"),
    ("API_KEY", "1e5"),
    ("API_KEY", "/run/key"),
    ("API_KEY", "./key"),
    ("API_KEY", "~/key"),
    ("API_KEY", "<key>"),
    ("API_KEY", "$(OTHER)"),
    ("API_KEY", "${OTHER}"),
    ("API_KEY", "https://example.org/"),
    ("API_KEY", "vault"),
    ("API_KEY", "two words"),
    ("URL", "postgres://user:canary@host/db"),
    ("URL", "redis://:1234@host"),
    ("URL", "postgres://user:$(PASSWORD)@host/db"),
    ("URL", "see http://a:true@b and http://c:canary@d"),
    ("A", "ghp_abcdefghijklmnopqrstuvwxyz"),
    ("A", "disk-abcdefghijklmnopqrstuvwxyz"),
    ("A", "x sk-abcdefghijklmnopqrstuvwxyz"),
    ("A", "xoxb-1234567890-abc"),
    ("A", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.abc"),
    ("A", "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----"),
    ("ALLOWED_PASSWORD", "canary"),
];

/// The policy of credentials refuses what `--check` says: variables, arguments, data, annotations.
fn same_credentials() -> Result<()> {
    let machine = Machine::new()?;
    let client = Client::new(&machine, "kyverno", &machine.path(""))?;
    let mut config = Config::default();
    let allow = "  allow:\n  - {code: plaintext, variable: ALLOWED_PASSWORD}\n  - {code: plaintext, kind: ConfigMap, key: ALLOWED_PASSWORD}\n";
    let rules = "  secrets: [{name: app-secret, to: vault}]\n  policy: {plaintext: error}\n";
    let text_of = format!("apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n{rules}{allow}");
    config.add_file("resecret.yaml", &text_of)?;
    let mut objects: Vec<Value> = Vec::new();
    for (number, (name, value)) in LITERALS.into_iter().enumerate() {
        let pod = |what: &str, container: Value, annotations: Value| {
            json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": format!("{what}-{number}"), "annotations": annotations},
                "spec": {"containers": [container]},
            })
        };
        let container = |field: &str, list: Value| json!({"name": "c", "image": "x", field: list});
        objects.push(pod("variable", container("env", json!([{"name": name, "value": value}])), json!({})));
        let argument = json!([format!("--{name}={value}"), format!("{name}={value}")]);
        objects.push(pod("argument", container("args", argument), json!({})));
        objects.push(pod("annotation", container("args", json!([])), json!({name: value})));
        let metadata = json!({"name": format!("data-{number}")});
        let data = json!({name: value});
        objects.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}));
    }
    let manifests: String = objects.iter().map(|object| format!("---\n{object}\n")).collect();
    let mut options = GuardOptions { form: GuardForm::Kyverno, ..GuardOptions::default() };
    options.actions = vec![GuardAction::Deny];
    let guard = resecret::guard(None, &config, &options)?;
    let policies = machine.write("policies.yaml", &policies(&guard, &Aspect::Credentials)?)?;
    let (values, file) =
        (machine.write("values.yaml", VALUES)?, machine.write("manifests.yaml", &manifests)?);
    let arguments = ["apply", text(&policies)?, "-r", text(&file)?, "-f", text(&values)?];
    let run = client.run(arguments.into_iter().chain(["--policy-report", "--output-format", "json"]))?;
    let refused = refused(&run.stdout, &Aspect::Credentials).with_context(|| run.to_string())?;
    let wanted = wanted(manifests.as_bytes(), None, &config, &Aspect::Credentials)?;
    let more: Vec<_> = refused.difference(&wanted).collect();
    let less: Vec<_> = wanted.difference(&refused).collect();
    ensure!(refused == wanted, "refused without --check: {more:?}; not refused: {less:?}");
    ensure!(refused.len() > 40 && refused.len() < objects.len() - 40, "{} are refused", refused.len());
    Ok(())
}
