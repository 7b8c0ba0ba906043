use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::clients;
use crate::machine::{Machine, RESECRET, Run, repository, text};

pub(crate) const CASES: &[Case] = &[
    Case { name: "patches::kustomize_makes_the_same_objects", needs: &["kustomize"], run: same_objects },
    Case { name: "patches::real_charts", needs: &["kustomize"], run: real_charts },
    Case { name: "patches::every_operation", needs: &["kustomize"], run: every_operation },
    Case { name: "patches::flux_makes_the_same_objects", needs: &["kustomize"], run: flux },
    Case { name: "patches::another_chart_fails", needs: &["kustomize"], run: another_chart_fails },
];

const LANGFUSE: [&str; 4] = ["--preset", "langfuse", "--to", "langfuse-vault"];

/// A stream that needs every kind of operation, with names that would be patterns of something else, and with objects
/// of one name in two namespaces.
const STREAM: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {password: canary-1, dsn: canary-2}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: app-env}
  stringData: {A: canary-3}
- apiVersion: v1
  kind: ServiceAccount
  metadata: {name: web}
  imagePullSecrets: [{name: app-env}, {name: other}]
  secrets: [{name: app}, {name: vault}]
- {apiVersion: v1, kind: ConfigMap, metadata: {name: untouched}, data: {mode: '0644'}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web.v1}
spec:
  template:
    metadata: {annotations: {checksum/secret~app: canary, other: stays}}
    spec:
      initContainers: [{name: wait, envFrom: [{secretRef: {name: app-env}}]}]
      containers:
      - {name: plain, env: [{name: KEEP, value: '1'}]}
      - name: web
        env:
        - {name: HOST, value: old}
        - {name: URL, value: 'http://$(HOST)/'}
        - {name: HOST, value: old}
        - {name: P, valueFrom: {secretKeyRef: {name: app, key: password}}}
        - {name: LICENSE, value: canary-4}
        - {name: SALT, value: canary-5}
        - {name: SALT, value: canary-6}
      volumes:
      - {name: v, secret: {secretName: app, defaultMode: 0644}}
      - {name: w, projected: {sources: [{secret: {name: app, items: [{key: dsn, path: d}]}}]}}
---
# The dot in the name above is none of a pattern.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-v1}
spec: {template: {spec: {containers: [{name: web, env: [{name: HOST, value: a}]}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: twin}
spec: {containers: [{name: c, env: [{name: SALT, value: canary-7}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: twin, namespace: other}
spec:
  # One number, two ports; one address, two entries.
  hostAliases: [{ip: 192.0.2.1, hostnames: [a]}, {ip: 192.0.2.1, hostnames: [b]}]
  containers:
  - name: c
    ports: [{name: udp, containerPort: 53, protocol: UDP}, {name: tcp, containerPort: 53}]
    env: [{name: SALT, value: canary-8}, {name: X, value: x}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: 'system:app'}
rules:
- {apiGroups: [''], resources: [secrets, configmaps], resourceNames: [app], verbs: [get]}
- {apiGroups: [''], resources: [secrets], resourceNames: [app, vault], verbs: [get]}
---
apiVersion: example.org/v1
kind: Database
metadata: {name: db}
spec: {auth: {name: app, key: password}, duplicates: [{name: a}, {name: a}]}
";

const RULES: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets:
  - {name: app, to: vault, keys: {password: db-password}}
  - {name: app-env, to: vault-env}
  env:
  - {to: vault, vars: {SALT: salt}, remove: [LICENSE]}
  references:
  - {kind: Database, path: spec.auth}
  dropAnnotations: ['checksum/secret*']
";

fn same_objects() -> Result<()> {
    for render in ["umbrella-helm3.yaml", "umbrella-helm4.yaml"] {
        let render = fs::read_to_string(repository("tests/renders").join(render))?;
        let trial = Trial::new(&render, &LANGFUSE)?;
        trial.kustomize_agrees(&trial.patches("kustomize")?)?;
    }
    Ok(())
}

/// Real charts, where they lie beside the repository.
fn real_charts() -> Result<()> {
    for folder in fs::read_dir(repository("../shared/corpus")).into_iter().flatten().flatten() {
        for render in ["helm3-stdin.yaml", "helm4-stdin.yaml"] {
            let Ok(render) = fs::read_to_string(folder.path().join(render)) else { continue };
            let stores = ["--preset", "langfuse-stores"];
            let trial = Trial::new(&render, &[&LANGFUSE[..], &stores].concat())?;
            let patches = trial.resecret(&["patches"])?;
            trial.kustomize_agrees(&patches).with_context(|| folder.path().display().to_string())?;
        }
    }
    Ok(())
}

fn every_operation() -> Result<()> {
    let trial = Trial::new(STREAM, &["--config", "rules.yaml"])?;
    let patches = trial.patches("kustomize")?;
    for needed in ["\"op\":\"add\"", "\"op\":\"replace\"", "\"op\":\"remove\"", "$patch: delete"] {
        ensure!(patches.contains(needed), "no {needed} in\n{patches}");
    }
    trial.kustomize_agrees(&patches)
}

/// Flux hands the same fields to the same library.
fn flux() -> Result<()> {
    let trial = Trial::new(STREAM, &["--config", "rules.yaml"])?;
    let release: Value = serde_yaml::from_str(&trial.patches("flux")?)?;
    let patches = release.pointer("/postRenderers/0/kustomize/patches").context("a block of Flux")?;
    for patch in patches.as_array().context("patches")? {
        ensure!(patch["patch"].is_string(), "a patch of Flux is a text: {patch}");
    }
    trial.kustomize_agrees(&json!({ "patches": patches }).to_string())
}

/// A patch that no longer fits must stop the build: what it leaves alone would reach the cluster.
fn another_chart_fails() -> Result<()> {
    let trial = Trial::new(STREAM, &["--config", "rules.yaml"])?;
    let patches = trial.patches("kustomize")?;
    for (what, from, to) in [
        ("a Secret is renamed", "metadata: {name: app}\nstringData", "metadata: {name: app2}\nstringData"),
        ("a Deployment is renamed", "metadata: {name: web.v1}", "metadata: {name: web.v2}"),
        ("a Pod moves to another namespace", "twin, namespace: other", "twin, namespace: another"),
        (
            "a variable comes in between",
            "        - {name: P,",
            "        - {name: NEW, value: n}\n        - {name: P,",
        ),
        ("a container is another one", "      - name: web\n", "      - name: sidecar\n"),
        ("a reference names another Secret", "secretName: app,", "secretName: app2,"),
        ("an annotation is gone", "checksum/secret~app: canary, ", ""),
    ] {
        let changed = STREAM.replacen(from, to, 1);
        ensure!(changed != STREAM, "{from} is in the stream");
        trial.build(&changed, &patches)?.failed().with_context(|| what.to_owned())?;
    }
    Ok(())
}

/// A stream, and rules for it.
struct Trial {
    machine: Machine,
    stream: String,
    rules: Vec<String>,
}

impl Trial {
    fn new(stream: &str, rules: &[&str]) -> Result<Self> {
        let machine = Machine::new()?;
        machine.write("rules.yaml", RULES)?;
        let rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
        Ok(Self { machine, stream: stream.to_owned(), rules })
    }

    fn resecret(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(RESECRET);
        command.args(arguments).args(&self.rules).current_dir(self.machine.path("."));
        Ok(Run::of(&mut command, &self.stream)?.succeeded()?.stdout)
    }

    fn patches(&self, output: &str) -> Result<String> {
        let patches = self.resecret(&["patches", "-o", output])?;
        ensure!(!patches.contains("canary"), "a patch holds a value:\n{patches}");
        Ok(patches)
    }

    /// Kustomize, on a stream with patches.
    fn build(&self, stream: &str, patches: &str) -> Result<Run> {
        let kustomize = clients::find("kustomize").map_err(anyhow::Error::msg)?;
        self.machine.write("build/stream.yaml", stream)?;
        let kustomization: Value = serde_yaml::from_str(patches)?;
        let kustomization = json!({"resources": ["stream.yaml"], "patches": kustomization["patches"]});
        self.machine.write("build/kustomization.yaml", &kustomization.to_string())?;
        Run::of(Command::new(kustomize).args(["build", text(&self.machine.path("build"))?]), "")
    }

    /// Demands that the patched stream is the filtered one, both printed by Kustomize.
    fn kustomize_agrees(&self, patches: &str) -> Result<()> {
        let filtered = self.build(&self.resecret(&["filter"])?, "patches: []")?.succeeded()?.stdout;
        let patched = self.build(&self.stream, patches)?.succeeded()?.stdout;
        ensure!(patched.len() > 100, "Kustomize prints nothing");
        ensure!(patched == filtered, "patched:\n{patched}\nfiltered:\n{filtered}\npatches:\n{patches}");
        Ok(())
    }
}
