use std::process::Command;

use crate::harness::{Output, Run, resecret};

/// The rules of every case: a Secret and a literal go to the vault.
const CONFIG: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets:
  - {name: chart, to: vault, keys: {key: vaulted-key}, optional: true}
  env:
  - {to: vault, vars: {SALT: salt, TOKEN: token}, optional: true}
";

const SECRET: &str = "\
---
apiVersion: v1
kind: Secret
metadata: {name: chart}
stringData: {key: canary-1, other: canary-2}
";

const CHART: &str = "{name: KEY, valueFrom: {secretKeyRef: {name: chart, key: key}}}";
const OWN: &str = "{name: KEY, valueFrom: {secretKeyRef: {name: vault, key: vaulted-key}}}";
const LITERAL: &str = "{name: SALT, value: canary-3}";
const TOKEN: &str = "{name: TOKEN, valueFrom: {configMapKeyRef: {name: settings, key: token}}}";

const CLAIM: &str = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n";

/// A workload with these entries in its only container.
fn workload(kind: &str, entries: &[&str]) -> String {
    let version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    let entries = entries.iter().map(|entry| format!("        - {entry}\n")).collect::<String>();
    format!(
        "---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n  replicas: 2\n  template:\n    spec:\n\
         \x20     containers:\n      - name: web\n        env:\n{entries}"
    )
}

/// The script for a release of this render; what is live is the same, unfiltered.
fn adopt(render: &str) -> Run {
    adopt_from(render, render)
}

fn adopt_from(previous: &str, render: &str) -> Run {
    adopt_with(CONFIG, previous, render)
}

fn adopt_with(config: &str, previous: &str, render: &str) -> Run {
    resecret()
        .args(["adopt", "--release", "lf", "--chart", "./chart", "--previous", "-"])
        .config(config)
        .file("render.yaml", render)
        .stdin(previous)
        .args(["render.yaml"])
}

/// A script without the functions that all scripts share; it is one that a shell can read, and shows no value.
fn own_part(output: &Output) -> String {
    let script = output.text();
    assert!(!script.contains("canary"), "{script}");
    std::fs::write(output.path("adopt.sh"), &script).expect("a file in a private folder");
    let shell = Command::new("/bin/sh").arg("-n").arg(output.path("adopt.sh")).output().expect("a shell");
    assert!(shell.status.success(), "{}", String::from_utf8_lossy(&shell.stderr));
    let (head, rest) = script.split_once("# ==== what the steps are made of").expect("functions");
    let (_, steps) = rest.split_once("# ==== the steps").expect("steps");
    format!("{head}[…]\n# ==== the steps{steps}")
}

#[track_caller]
fn is(run: Run, name: &str) {
    let output = run.run().succeeds();
    let own = own_part(&output);
    std::fs::write(output.path("own.sh"), own).expect("a file in a private folder");
    output.file_is("own.sh", name);
}

/// The line of the upgrade, and the functions that its steps call.
fn way(run: Run) -> String {
    let own = own_part(&run.run().succeeds());
    let words =
        ["helm upgrade", "hold ", "again ", "act \"upgrade $release once more", "replicas ", "resume "];
    let lines = own
        .lines()
        .map(|line| line.trim().trim_start_matches("hushed "))
        .filter(|line| words.iter().any(|word| line.starts_with(word)));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_script_says_what_it_does_and_why() {
    let render = SECRET.to_owned() + &workload("Deployment", &[CHART, LITERAL, TOKEN, OWN]);
    is(adopt(&render).args(["--", "-f", "values.yaml"]), "adopt");
}

#[test]
fn names_of_contexts_namespaces_and_files_reach_their_programs() {
    let render = (SECRET.to_owned() + &workload("Deployment", &[CHART]))
        .replace("metadata: {", "metadata: {namespace: apps, ");
    let run = adopt(&render).args([
        "--helm",
        "3",
        "--namespace",
        "own apps",
        "--context",
        "it's prod",
        "--fill",
        "wait",
    ]);
    is(run.args(["--", "-f", "my values.yaml", "--version=1.2.3"]), "adopt-quoted");
}

#[test]
fn a_release_without_hazards_is_upgraded_as_always() {
    let render = workload("Deployment", &[LITERAL]);
    for helm in ["3", "4"] {
        assert_eq!(
            way(adopt(&render).args(["--helm", helm])),
            "helm upgrade \"$release\" ./chart \\\n",
            "Helm {helm}"
        );
    }
}

#[test]
fn the_way_depends_on_helm_and_on_what_cannot_be_replaced() {
    let render = SECRET.to_owned() + &workload("Deployment", &[CHART, OWN]);
    let three = |render: &str| way(adopt(render).args(["--helm", "3"]));
    let four = |render: &str| way(adopt(render).args(["--helm", "4"]));
    assert_eq!(
        three(&render),
        "helm upgrade \"$release\" ./chart --force \\\nreplicas deployment.apps/web 2\n"
    );
    let claimed = render.clone() + CLAIM;
    let twice = "helm upgrade \"$release\" ./chart \\\nhold web\nact \"upgrade $release once more\" upgrade\nresume web\n";
    assert_eq!(three(&claimed), twice);
    let server = "helm upgrade \"$release\" ./chart --server-side=true --force-conflicts \\\nreplicas deployment.apps/web 2\n";
    assert_eq!(four(&render), server);
    assert_eq!(four(&claimed), server);
}

#[test]
fn a_literal_set_by_hand_needs_a_replacement() {
    let render = workload("Deployment", &[OWN]).replace("name: vault", "name: old");
    let live = workload("Deployment", &["{name: KEY, value: canary-4}"])
        .replace("metadata: {", "metadata: {uid: 0-1-2, ");
    let rules = CONFIG.replace("vars: {SALT", "vars: {KEY: vaulted-key, SALT");
    let run = |helm: &str, render: &str| {
        adopt_from(&format!("{render}{live}"), render).file("config.yaml", &rules).args(["--helm", helm])
    };
    assert!(way(run("3", &render)).contains("./chart --force"));
    assert!(way(run("4", &render)).contains("--server-side=false --force-replace"));
    run("4", &(render + CLAIM)).run().fails().is("adopt-refused");
}

#[test]
fn a_job_that_changes_is_made_again() {
    let render = SECRET.to_owned() + &workload("Job", &[CHART]);
    assert_eq!(way(adopt(&render)), "helm upgrade \"$release\" ./chart \\\nagain web\n");
    // Of this Job alone the refusal is accepted.
    let script = adopt(&render).run().succeeds().text();
    assert!(script.contains("refused-patch:Job/web"), "{script}");
}

#[test]
fn a_person_decides_about_what_else_never_changes() {
    let class = "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: x\n\
                 parameters: {csi.storage.k8s.io/node-stage-secret-name: chart}\n";
    // A storage class looks for the keys that it knows, so none is renamed.
    let (config, render) = (CONFIG.replace("keys: {key: vaulted-key}, ", ""), SECRET.to_owned() + class);
    let script = adopt_with(&config, &render, &render).run().succeeds().text();
    let line = "        gone storageclass.storage.k8s.io/fast 'the upgrade changes parameters of storageclass.storage.k8s.io/fast, which the API \
                server never changes' 'leave the field as it is in the chart'\\''s values' 'run `kubectl delete storageclass fast` and this script, which makes it \
                again; volumes that exist go on reading the old Secret: keep it'\n";
    assert!(script.contains(line), "{script}");
    assert!(script.contains("refused-patch:StorageClass/fast"), "{script}");
}

#[test]
fn what_has_no_safe_way_gets_no_script() {
    let set = SECRET.to_owned() + &workload("StatefulSet", &[CHART, OWN]) + CLAIM;
    adopt(&set).args(["--helm", "3"]).run().fails().is("adopt-not-paused");
    adopt(&set).args(["--helm", "4"]).run().succeeds();
    let volume = "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: disk}\nspec:\n  csi: {driver: d, nodePublishSecretRef: {name: chart}}\n";
    let (config, render) = (CONFIG.replace("keys: {key: vaulted-key}, ", ""), SECRET.to_owned() + volume);
    adopt_with(&config, &render, &render).run().fails().is("adopt-fixed");
    let twice = workload("Deployment", &["{name: A, value: a}", "{name: A, value: b}", LITERAL]);
    let kept = CONFIG.replace("spec:\n", "spec:\n  duplicates: error\n");
    let output = adopt(&twice).file("config.yaml", kept).run().fails();
    assert!(output.stderr.contains("duplicate"), "{}", output.stderr);
}

#[test]
fn what_takes_the_safety_away_is_refused() {
    let render = SECRET.to_owned() + &workload("Deployment", &[CHART]);
    for (argument, said) in [
        ("--set=a=canary-5", "values file"),
        ("--set-string", "values file"),
        ("--atomic", "loses variables"),
        ("--rollback-on-failure", "loses variables"),
        ("--force", "chooses how to upgrade"),
        ("--server-side=false", "chooses how to upgrade"),
        ("--post-renderer=other", "as the post-renderer"),
        ("--wait", "waits for the pods itself"),
        ("--dry-run=server", "flag of its own"),
        ("--namespace=x", "before the `--`"),
        ("--kube-context", "before the `--`"),
    ] {
        let output = adopt(&render).args(["--", argument]).run().fails();
        assert!(output.stderr.contains(said), "{argument}: {}", output.stderr);
        assert!(!output.stderr.contains("canary"), "{}", output.stderr);
    }
    let output =
        resecret().args(["adopt", "--release", "lf", "--chart", "c", "--previous", "p", "-"]).run().fails();
    assert!(output.stderr.contains("the render must be a file"), "{}", output.stderr);
}

/// Live objects, as `kubectl get -o yaml` prints them.
fn live(manifest: &str) -> String {
    manifest.replace("metadata: {", "metadata: {uid: 0-1-2, ")
}

fn verify(manifest: &str, live: &str) -> Output {
    let render = SECRET.to_owned() + &workload("Deployment", &[CHART, LITERAL]);
    let state = format!("{manifest}{live}");
    resecret()
        .args(["adopt", "--verify", "-", "render.yaml"])
        .config(CONFIG)
        .file("render.yaml", render)
        .stdin(state)
        .run()
}

#[test]
fn live_objects_that_are_what_the_manifest_says_are_no_finding() {
    let salt = "{name: SALT, valueFrom: {secretKeyRef: {name: vault, key: salt}}}";
    let manifest = workload("Deployment", &[OWN, salt]);
    let output = verify(&manifest, &live(&manifest)).succeeds();
    assert!(output.stdout.is_empty(), "{}", output.text());
}

#[test]
fn every_difference_of_live_objects_is_a_finding_without_a_value() {
    let salt = "{name: SALT, valueFrom: {secretKeyRef: {name: vault, key: salt}}}";
    let manifest = workload("Deployment", &[OWN, salt]);
    let check = |entries: &[&str], said: &str| {
        let output = verify(&manifest, &live(&workload("Deployment", entries))).finds();
        assert!(output.text().contains(said), "{}", output.text());
        assert!(!output.text().contains("canary"), "{}", output.text());
    };
    check(&[OWN], "has no variable SALT in container web");
    check(&[salt, OWN], "has the variables in another order in container web");
    check(&[OWN, LITERAL], "has another variable SALT in container web");
    check(&[OWN, salt, "{name: B, value: canary-6}"], "has a variable B that the manifest does not have");
    check(&[CHART, salt], "still reads Secret chart");
    verify(&manifest, "").finds().is("adopt-not-live");
}

/// The way back of a release that has gone through the filter.
fn back(render: &str, values: &[&str]) -> Run {
    let values = values.iter().map(|value| format!("--value={value}"));
    adopt(render).args(["--back"]).args(values)
}

#[test]
fn the_way_back_gives_the_chart_the_values_of_the_vault() {
    let render = SECRET.to_owned() + &workload("Deployment", &[CHART, LITERAL]);
    let values = ["vault/vaulted-key=app.auth.key", "other=app.auth.other", "salt=app.salt"];
    is(back(&render, &values).args(["--helm", "3", "--", "-f", "values.yaml"]), "adopt-back");
    back(&render, &["salt=app.salt", "absent=app.x"]).run().fails().is("adopt-back-keys");
    for value in ["salt", "salt=", "salt=a..b", "salt=a[0]"] {
        assert!(back(&render, &[value]).run().fails().stderr.contains("--value"), "{value}");
    }
}

#[test]
fn the_way_back_to_duplicates_replaces_objects() {
    let render = SECRET.to_owned() + &workload("Deployment", &[CHART, OWN]);
    let filtered = workload("Deployment", &[OWN]);
    let run = |helm: &str, render: &str| {
        let values = ["--back", "--value=vaulted-key=a.key", "--value=other=a.other"];
        adopt_from(&filtered, render).args(values).args(["--helm", helm])
    };
    assert!(own_part(&run("3", &render).run().succeeds()).contains("-f - --force >/dev/null"));
    let four = own_part(&run("4", &render).run().succeeds());
    assert!(four.contains("-f - --server-side=false --force-replace >/dev/null"), "{four}");
    // Where something cannot be replaced, a person decides about the Deployment.
    let job = workload("Job", &["{name: A, value: a}"]).replace("name: web}", "name: job}");
    let (filtered, render) = (filtered.clone() + &job, render + &job);
    let script = |helm: &str| {
        let values = ["--back", "--value=vaulted-key=a.key", "--value=other=a.other"];
        adopt_from(&filtered, &render).args(values).args(["--helm", helm]).run().succeeds()
    };
    let three = script("3");
    assert!(own_part(&three).contains("-f - >/dev/null"), "{}", three.text());
    assert!(own_part(&script("4")).contains("-f - --server-side=false >/dev/null"));
    let line = "gone deployment.apps/web 'deployment.apps/web gets a variable several times, which only a new object takes' \
                'have each variable once in the chart'\\''s values' \
                'run `kubectl delete deployment web --cascade=orphan` and this script";
    assert!(three.text().contains(line), "{}", three.text());
    // Nobody looks after the pods of this one.
    let of_no_controller = |text: &str| text.replace("kind: Deployment", "kind: ReplicaSet");
    let values = ["--back", "--value=vaulted-key=a.key", "--value=other=a.other"];
    let run = adopt_from(&of_no_controller(&filtered), &of_no_controller(&render)).args(values);
    run.run().fails().is("adopt-back-refused");
}

#[test]
fn a_value_that_the_chart_would_not_put_back_is_a_finding() {
    let render = SECRET.to_owned() + &workload("Deployment", &[CHART, LITERAL]);
    let vault = "---\nkind: Secret\napiVersion: v1\nmetadata: {uid: 0-1, name: vault}\n\
                 stringData: {vaulted-key: canary-1, other: canary-2, salt: canary-3}\n";
    let verify = |state: &str| {
        let run = resecret().args(["adopt", "--back", "--verify", "-", "render.yaml"]).config(CONFIG);
        run.file("render.yaml", &render).stdin(format!("{state}{vault}")).run()
    };
    verify(&render).succeeds();
    verify(&render.replace("canary-3", "canary-4").replace("other: canary-2", "extra: x"))
        .finds()
        .is("adopt-not-restored");
    // The kubelet expands this one.
    let output = verify(&render.replace("canary-3", "canary-3$(KEY)")).finds();
    assert!(output.text().contains("SALT"), "{}", output.text());
}
