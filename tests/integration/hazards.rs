use serde_json::Value;

use crate::harness::{Output, Run, resecret};

/// The rules of every case: the chart's Secret goes, SALT is vaulted, of two entries the last one stays.
const CONFIG: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets:
  - {name: chart, to: vault, keys: {key: vaulted-key}, optional: true}
  env:
  - {to: vault, vars: {SALT: salt}, optional: true}
";

/// The chart's Secret, as every case renders it.
const SECRET: &str = "\
---
# Source: app/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: chart}
stringData: {key: canary-1, other: canary-2}
";

const LITERAL: &str = "{name: SALT, value: canary-3}";
const CHART: &str = "{name: KEY, valueFrom: {secretKeyRef: {name: chart, key: key}}}";
const OWN: &str = "{name: KEY, valueFrom: {secretKeyRef: {name: vault, key: vaulted-key}}}";
const FIELD: &str = "{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}";

/// A workload with these entries in its only container.
fn workload(kind: &str, entries: &[&str]) -> String {
    let version = if kind == "Rollout" { "argoproj.io/v1alpha1" } else { "apps/v1" };
    let entries = entries.iter().map(|entry| format!("        - {entry}\n")).collect::<String>();
    format!(
        "---\n# Source: app/templates/web.yaml\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\n\
         spec:\n  template:\n    spec:\n      containers:\n      - name: web\n        env:\n{entries}"
    )
}

fn deployment(entries: &[&str]) -> String {
    workload("Deployment", entries)
}

/// What the cluster holds, as `kubectl get -o yaml` prints it.
fn live(manifest: &str) -> String {
    manifest.replace("metadata: {", "metadata: {uid: 0-1-2, ")
}

/// A check of this render against the manifest of the last release.
fn check(previous: &str, render: &str) -> Run {
    resecret()
        .args(["check", "--previous", "previous.yaml"])
        .config(CONFIG)
        .file("previous.yaml", previous)
        .stdin(render)
}

/// The rules that a check found broken, in the order of the report.
fn rules(output: &Output) -> Vec<String> {
    let report: Value = serde_json::from_str(&output.text()).expect("a report in JSON");
    let results = report["results"].as_array().expect("results");
    results.iter().map(|result| result["tags"]["code"].as_str().expect("a rule").to_owned()).collect()
}

#[track_caller]
fn check_rules(previous: &str, render: &str, expected: &[&str]) {
    let output = check(previous, render).args(["--format", "json"]).run();
    assert_eq!(rules(&output), expected, "{}", output.text());
    assert_eq!(output.code, Some(i32::from(!expected.is_empty())));
    assert!(!output.text().contains("canary"));
}

mod variables {
    use super::*;

    #[test]
    fn two_entries_that_become_one_are_lost() {
        let duplicates = deployment(&[CHART, LITERAL, OWN]);
        let output = check(&duplicates, &(deployment(&[CHART, LITERAL, OWN]))).run();
        output.finds().is("hazards-lost");
    }

    #[test]
    fn a_literal_that_becomes_a_reference_is_no_hazard() {
        check_rules(&deployment(&[LITERAL, FIELD]), &deployment(&[LITERAL, FIELD]), &[]);
    }

    #[test]
    fn a_variable_that_is_new_or_goes_is_no_hazard() {
        check_rules(&deployment(&[OWN]), &deployment(&[LITERAL, OWN]), &[]);
        check_rules(&deployment(&[LITERAL, OWN]), &deployment(&[OWN]), &[]);
    }

    #[test]
    fn a_kind_whose_lists_are_replaced_whole_is_no_hazard() {
        check_rules(&workload("Rollout", &[CHART, OWN]), &workload("Rollout", &[CHART, OWN]), &[]);
    }

    #[test]
    fn containers_and_init_containers_of_one_name_are_told_apart() {
        let previous = deployment(&[CHART, OWN]).replace("containers:", "initContainers:");
        check_rules(&previous, &deployment(&[CHART, OWN]), &[]);
    }

    #[test]
    fn a_list_of_objects_holds_the_same_objects() {
        let item = deployment(&[CHART, OWN]).replace("---\n# Source: app/templates/web.yaml\n", "");
        let item = item.lines().map(|line| format!("  {line}\n")).collect::<String>().replacen("  ", "- ", 1);
        let list = format!("apiVersion: v1\nkind: List\nitems:\n{item}");
        check_rules(&list, &deployment(&[CHART, OWN]), &["lost-variable", "rollback-variable"]);
    }

    #[test]
    fn another_order_of_apply_decides_only_in_long_lists() {
        let other: Vec<String> = (0..11).map(|n| format!("{{name: V{n}, value: v}}")).collect();
        let long = |entries: &[&'static str]| {
            let other = other.iter().map(String::as_str);
            deployment(&other.chain(entries.iter().copied()).collect::<Vec<_>>())
        };
        let render = long(&[LITERAL, LITERAL]);
        let salt = "{name: SALT, valueFrom: {secretKeyRef: {name: vault, key: salt}}}";
        check(&long(&[LITERAL, salt]), &render).run().finds().is("hazards-can-be-lost");
    }

    #[test]
    fn the_live_object_counts_more_than_the_manifest() {
        let manifest = deployment(&[OWN]);
        let by_hand = "{name: KEY, value: canary-4}";
        let previous = format!("{manifest}{}", live(&deployment(&[by_hand])));
        check(&previous, &manifest).run().finds().is("hazards-refused");
        // A field that the API server has filled in is no difference.
        let defaulted = live(&deployment(&[FIELD])).replace("fieldRef: {", "fieldRef: {apiVersion: v1, ");
        check_rules(&(deployment(&[FIELD]) + &defaulted), &deployment(&[FIELD]), &[]);
    }

    #[test]
    fn an_entry_that_somebody_has_added_by_hand_wins() {
        let manifest = deployment(&[OWN]);
        let by_hand = OWN.replace("vaulted-key", "other-key");
        let previous = format!("{manifest}{}", live(&deployment(&[OWN, &by_hand])));
        check(&previous, &manifest).run().finds().is("hazards-wrong");
    }

    #[test]
    fn an_object_that_cannot_be_replaced_changes_the_advice() {
        let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n";
        let manifest = deployment(&[CHART, OWN]) + claim;
        check(&manifest, &manifest).run().finds().is("hazards-not-replaceable");
        let manifest = workload("StatefulSet", &[CHART, OWN]) + claim;
        check(&manifest, &manifest).run().finds().is("hazards-not-replaceable-stateful-set");
    }
}

mod secrets {
    use super::*;

    #[test]
    fn a_dropped_secret_is_deleted_with_its_values() {
        let manifest = SECRET.to_owned() + &deployment(&[CHART]);
        check(&manifest, &manifest).run().finds().is("hazards-deleted-secret");
    }

    #[test]
    fn a_kept_one_is_not() {
        let manifest = SECRET.to_owned() + &deployment(&[CHART]);
        let keep = "metadata: {annotations: {helm.sh/resource-policy: keep}, ";
        let in_the_chart = manifest.replacen("metadata: {", keep, 1);
        check_rules(&in_the_chart, &manifest, &[]);
        let by_hand = format!("{manifest}{}", live(&SECRET.replacen("metadata: {", keep, 1)));
        check_rules(&by_hand, &manifest, &[]);
        check_rules(&format!("{manifest}{}", live(SECRET)), &manifest, &["deleted-secret"]);
    }

    #[test]
    fn one_of_the_vaulted_secrets_name_is_deleted_under_its_readers() {
        let config = CONFIG.replace("to: vault, keys: {key: vaulted-key}", "to: chart, sameName: true");
        let manifest = SECRET.to_owned() + &deployment(&[CHART]);
        let run = check(&manifest, &manifest).config(&config);
        run.run().finds().is("hazards-same-name");
    }

    #[test]
    fn a_hook_that_passes_by_the_filter_still_reads_it() {
        let hook = deployment(&[CHART]).replace(
            "metadata: {name: web}",
            "metadata: {name: hook, annotations: {helm.sh/hook: pre-upgrade}}",
        );
        let manifest = SECRET.to_owned() + &deployment(&[CHART]);
        check_rules(&(manifest.clone() + &hook), &manifest, &["deleted-secret-in-use"]);
    }

    #[test]
    fn namespaces_are_told_apart_where_both_are_known() {
        let other = SECRET.replace("{name: chart", "{namespace: b, name: chart");
        let stays = SECRET.replace("{name: chart", "{namespace: a, name: chart");
        let config = CONFIG.replace("name: chart, ", "name: chart, namespace: b, ");
        let run = check(&other, &stays).config(&config).args(["--allow-unmatched", "--format", "json"]);
        assert_eq!(rules(&run.run()), ["deleted-secret"]);
    }
}

mod flags {
    use super::*;

    const ACCEPT: &str = "lost-variable,rollback-variable";

    fn filter(previous: &str) -> Run {
        let render = deployment(&[CHART, OWN]);
        resecret()
            .args(["--previous", "previous.yaml"])
            .config(CONFIG)
            .file("previous.yaml", previous)
            .stdin(render)
    }

    #[test]
    fn a_hazard_stops_the_filter() {
        filter(&deployment(&[CHART, OWN])).run().fails().is("hazards-filter");
    }

    #[test]
    fn an_accepted_one_does_not() {
        let previous = deployment(&[CHART, OWN]);
        let output = filter(&previous).args(["--accept-hazards", ACCEPT]).run().succeeds();
        output.is("hazards-accepted");
        let twice = ACCEPT.split(',').flat_map(|rule| ["--accept-hazards", rule]);
        assert_eq!(filter(&previous).args(twice).run().succeeds().stdout, output.stdout);
        filter(&previous).args(["--accept-hazards", "lost-variable"]).run().fails();
        check(&previous, &previous).args(["--accept-hazards", ACCEPT]).run().succeeds();
    }

    #[test]
    fn without_a_hazard_the_filter_says_nothing_of_it() {
        let output = filter(&deployment(&[OWN])).run().succeeds();
        assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    }

    #[test]
    fn one_can_be_accepted_at_one_object() {
        let previous = deployment(&[CHART, OWN]);
        let of = |object: &str| {
            ACCEPT.split(',').map(|rule| format!("{rule}:{object}")).collect::<Vec<_>>().join(",")
        };
        let secrets = "deleted-secret,rollback-secret";
        let accepted = format!("{secrets},{}", of("deployment/web"));
        filter(&previous).args(["--accept-hazards", &accepted]).run().succeeds();
        for other in ["Deployment/other", "StatefulSet/web"] {
            filter(&previous).args(["--accept-hazards", &format!("{secrets},{}", of(other))]).run().fails();
        }
        let run = filter(&previous).args(["--accept-hazards", "lost-variable:web"]).run().fails();
        assert!(run.stderr.contains("KIND/NAME"), "{}", run.stderr);
    }

    #[test]
    fn only_a_hazard_can_be_accepted() {
        let run = filter(&deployment(&[OWN])).args(["--accept-hazards", "unmatched"]);
        run.run().fails().is("hazards-accept-unknown");
    }

    #[test]
    fn an_empty_manifest_is_an_error() {
        filter("\n").run().fails().is("hazards-previous-empty");
        check(" ", &deployment(&[OWN])).run().fails();
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_an_error() {
        filter("kind: [\n").run().fails().is("hazards-previous-not-yaml");
        filter("kind: \u{1}").run().fails();
        resecret().config(CONFIG).args(["--previous", "absent.yaml"]).run().fails();
    }

    #[test]
    fn standard_input_is_read_once() {
        resecret().config(CONFIG).args(["--previous", "-"]).run().fails().is("hazards-previous-stdin");
        let previous = deployment(&[CHART, OWN]);
        let run = resecret().args(["check", "--previous", "-", "render.yaml"]).config(CONFIG);
        run.file("render.yaml", &previous).stdin(previous).run().finds();
    }

    #[test]
    fn one_release_has_one_render() {
        let render = deployment(&[OWN]);
        let run =
            check(&render, "").args(["a.yaml", "b.yaml"]).file("a.yaml", &render).file("b.yaml", &render);
        run.run().fails().is("hazards-several-renders");
    }
}

#[test]
fn repeated_ports_are_refused_by_the_server_too() {
    let ports =
        |ports: &str| deployment(&[]).replace("        env:\n", &format!("        ports: [{ports}]\n"));
    let one = ports("{containerPort: 80, name: a}");
    let twice = ports("{containerPort: 80}, {containerPort: 80}");
    check_rules(&one, &twice, &["refused-apply"]);
    check(&one, &twice).run().finds().is("hazards-refused-apply");
    check_rules(&one, &ports("{containerPort: 80}, {containerPort: 80, protocol: UDP}"), &[]);
}

mod what_the_api_server_never_changes {
    use super::*;

    fn refused(object: &str, kind: &str, field: &str, way_out: &str) {
        let previous = format!("---\n{object}");
        let next = previous.replace("OLD", "NEW");
        let render = format!("{SECRET}{next}");
        let output = check(&format!("{SECRET}{previous}"), &render).run().finds();
        let text = output.text();
        let message = format!(
            "error[refused-patch]: the upgrade fails at {kind}/x, when the rest of the release is upgraded: it changes {field}, which the API server never changes\n"
        );
        assert!(text.contains(&message), "{text}");
        assert!(text.contains(way_out), "{text}");
        // Nothing changes, nothing is said.
        check_rules(&format!("{SECRET}{next}"), &render, &["deleted-secret"]);
    }

    #[test]
    fn each_kind_has_its_way_out() {
        let pod = "spec: {containers: [{name: c, image: i, env: [{name: A, value: OLD}]}]}";
        let job =
            format!("apiVersion: batch/v1\nkind: Job\nmetadata: {{name: x}}\nspec:\n  template: {{{pod}}}\n");
        refused(&job, "Job", "spec.template", "`kubectl delete job x`");
        let class = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: x}\nprovisioner: p\nparameters: {fsName: OLD}\n";
        refused(class, "StorageClass", "parameters", "`kubectl delete storageclass x`");
        let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x, namespace: n}\nspec:\n  volumeClaimTemplates: [{metadata: {name: OLD}}]\n";
        refused(
            set,
            "StatefulSet",
            "spec.volumeClaimTemplates",
            "`kubectl delete statefulset x --namespace n --cascade=orphan`",
        );
        let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\nimmutable: true\ndata: {a: OLD}\n";
        refused(map, "ConfigMap", "data", "`kubectl delete configmap x`");
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {clusterIP: OLD}\n";
        refused(service, "Service", "spec.clusterIP", "`kubectl delete service x`");
        let volume = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: x}\nspec:\n  csi: {driver: d, nodePublishSecretRef: {name: OLD}}\n";
        refused(volume, "PersistentVolume", "spec.csi", "keep its Secret");
    }

    #[test]
    fn what_may_change_or_is_filled_in_is_no_hazard() {
        let none = |old: &str, new: &str| check_rules(&format!("---\n{old}"), &format!("---\n{new}"), &[]);
        let pod =
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: c, image: i:1}]}\n";
        none(pod, &pod.replace("i:1", "i:2"));
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {type: ClusterIP}\n";
        none(service, &service.replace("{type", "{clusterIP: 10.0.0.1, type"));
        let headless = service.replace("{type", "{clusterIP: None, type");
        none(&headless, service);
        let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}\nspec: {serviceName: x}\n";
        none(set, &set.replace("{serviceName", "{podManagementPolicy: OrderedReady, serviceName"));
        let secret =
            "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nimmutable: true\ndata: {a: Y2FuYXJ5}\n";
        none(secret, &secret.replace("data: {a: Y2FuYXJ5}", "type: Opaque\nstringData: {a: canary}"));
        let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n";
        none(map, &format!("{map}immutable: true\n"));
    }
}

/// A patch that contradicts its own order is refused as a whole; the finding is about the variable that is the cause.
#[test]
fn a_refusal_belongs_to_the_entries_that_cause_it() {
    for count in [9, 12, 20] {
        let others: Vec<String> =
            (0..count).map(|number| format!("{{name: V{number:02}, value: v}}")).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let twice = ["{name: A, value: a}", "{name: B, value: c}", "{name: A, value: a2}"];
        let previous = deployment(&[&twice, others.as_slice()].concat());
        let next = deployment(&[&["{name: B, value: b}"], others.as_slice()].concat());
        let text = check(&previous, &next).run().finds().text();
        let found: Vec<&str> = text.lines().filter(|line| line.starts_with("error[")).collect();
        assert!(found.len() == 1 && found[0].contains("fail because of A in container web"), "{text}");
    }
}

#[test]
fn deleted_secrets_come_first() {
    let previous = format!("{}{SECRET}", deployment(&[LITERAL, CHART, LITERAL]));
    let next = format!("{}{SECRET}", deployment(&[LITERAL, CHART]));
    check_rules(&previous, &next, &["deleted-secret", "rollback-variable"]);
}

/// What this upgrade does comes before what a rollback would do, whatever objects stand in between.
#[test]
fn the_way_back_comes_last() {
    let named = |manifest: String, name: &str| {
        manifest.replace("metadata: {name: web}", &format!("metadata: {{name: {name}}}"))
    };
    let release = |entries: &[&str]| -> String {
        ["one", "two"].into_iter().map(|name| named(deployment(entries), name)).collect()
    };
    let next = release(&[CHART, LITERAL, OWN]);
    let previous = format!("{next}{SECRET}");
    let codes =
        ["deleted-secret", "lost-variable", "lost-variable", "rollback-variable", "rollback-variable"];
    check_rules(&previous, &next, &codes);
}
