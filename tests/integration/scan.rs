use std::fs;

use serde_json::Value;

use crate::harness::{Output, RENDER, Run, resecret};

/// One of everything that is worth listing.
const RICH: &str = "\
---
# Source: shop/charts/db/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: shop-db, namespace: shop}
type: Opaque
data: {password: Y2FuYXJ5LWRi, user: Y2FuYXJ5LXVzZXI=, broken: '*'}
---
# Source: shop/charts/cache/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: shop-cache, namespace: shop}
stringData: {password: canary-cache}
---
# Source: shop/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: shop-env, namespace: shop}
stringData: {API_TOKEN: canary-token}
---
# Source: shop/templates/files.yaml
apiVersion: v1
kind: Secret
metadata: {name: shop-files, namespace: shop}
stringData: {app.ini: canary-ini}
---
# Source: shop/templates/tls.yaml
apiVersion: v1
kind: Secret
metadata: {name: shop-tls, namespace: shop}
type: kubernetes.io/tls
stringData: {tls.crt: canary-crt, tls.key: canary-key}
---
# Source: shop/templates/token.yaml
apiVersion: v1
kind: Secret
metadata: {name: shop-token, namespace: shop}
type: kubernetes.io/service-account-token
---
# Source: shop/templates/hook-secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: shop-hook, namespace: shop, annotations: {helm.sh/hook: pre-install}}
stringData: {seed: canary-seed}
---
# Source: shop/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: shop, namespace: shop}
data: {db-password: canary-config}
---
# Source: shop/templates/ingress.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec: {tls: [{secretName: shop-tls}]}
---
# Source: shop/templates/cluster.yaml
apiVersion: example.com/v1
kind: Cluster
metadata: {name: shop, namespace: shop}
spec: {users: [{login: {name: shop-cache, field: password}}]}
---
# Source: shop/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata:
      annotations: {checksum/secret: abc, checksum/config: def}
    spec:
      containers:
      - name: web
        args: ['--admin-password=canary-arg']
        env:
        - {name: SESSION_KEY, value: canary-session}
        - {name: DB_URL, value: 'postgres://u:canary-url@$(DB_HOST)/x'}
        - {name: API_KEY, value: canary-one}
        - {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: shop-db, key: password}}}
        - {name: LOG, value: info}
        - {name: LOG, value: debug}
        envFrom: [{secretRef: {name: shop-env}}]
      volumes:
      - {name: files, secret: {secretName: shop-files}}
---
# Source: shop/templates/worker.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker, namespace: shop}
spec:
  template:
    spec:
      containers:
      - name: worker
        env:
        - {name: SESSION_KEY, value: canary-session}
        - {name: API_KEY, value: canary-two}
        - {name: CACHE_PASSWORD, valueFrom: {secretKeyRef: {name: shop-cache, key: password}}}
        - {name: GONE, valueFrom: {secretKeyRef: {name: shop-db, key: absent, optional: true}}}
---
# Source: shop/templates/hook.yaml
apiVersion: batch/v1
kind: Job
metadata: {name: seed, namespace: shop, annotations: {helm.sh/hook: pre-install}}
spec:
  template:
    spec:
      containers:
      - name: seed
        env:
        - {name: SEED, valueFrom: {secretKeyRef: {name: shop-hook, key: seed}}}
        - {name: SEED_TOKEN, value: canary-hook}
";

fn scan() -> Run {
    resecret().args(["scan"])
}

/// The inventory as JSON.
fn json(output: &Output) -> Value {
    serde_json::from_str(&output.text()).expect("standard output is JSON")
}

#[test]
fn everything_that_is_worth_listing_is_in_a_table() {
    scan().stdin(RICH).run().finds().is("scan");
}

#[test]
fn a_render_with_nothing_in_it_is_no_finding() {
    let plain = "kind: ConfigMap\nmetadata: {name: c}\ndata: {interval: '30'}\n";
    scan().stdin(plain).run().succeeds().is("scan-nothing");
    assert_eq!(scan().stdin(plain).args(["-q"]).run().succeeds().stderr, "");
}

#[test]
fn json_has_the_same_for_programs() {
    let output = scan().stdin(RICH).args(["--format", "json"]).run().finds();
    let found = json(&output);
    let secret = &found["secrets"][0];
    assert_eq!((&secret["name"], &secret["type"]), (&"shop-db".into(), &"Opaque".into()));
    assert_eq!(secret["place"]["template"], "shop/charts/db/templates/secret.yaml");
    let key = &secret["keys"][0];
    assert_eq!((&key["name"], &key["bytes"]), (&"password".into(), &9.into()));
    let reader = &key["readers"][0];
    assert_eq!((&reader["as"], &reader["place"]["container"]), (&"DB_PASSWORD".into(), &"web".into()));
    assert_eq!(reader["place"]["object"]["kind"], "Deployment");
    assert_eq!(reader["place"]["file"], "stdin");
    let line = reader["place"]["line"].as_u64().and_then(|line| usize::try_from(line).ok()).expect("a line");
    assert!(RICH.lines().nth(line - 1).is_some_and(|line| line.contains("DB_PASSWORD")));
    assert_eq!(secret["keys"][3]["missing"], true);
    assert!(secret["keys"][2]["bytes"].is_null(), "its base64 is wrong");
    let names: Vec<&str> =
        found["secrets"].as_array().expect("a list").iter().filter_map(|s| s["name"].as_str()).collect();
    assert!(!names.contains(&"shop-token"), "the cluster makes it");
    assert_eq!(found["duplicates"][0]["variable"], "LOG");
    assert_eq!(
        (&found["duplicates"][0]["wins"], &found["duplicates"][0]["entries"][1]["from"]),
        (&1.into(), &"literal".into())
    );
    assert_eq!(found["checksums"][0]["annotation"], "checksum/secret");
    assert_eq!(found["references"][0]["declare"], "spec.users[*].login");
    assert_eq!(found["credentials"].as_array().map(Vec::len), Some(8));
    assert_eq!(output.stderr, "", "no line of text beside JSON");
}

#[test]
fn of_two_secrets_of_one_name_the_last_is_read() {
    let output = scan().stdin(format!("{RENDER}{RENDER}")).args(["--format", "json"]).run().finds();
    let found = json(&output);
    let readers = |position: usize| found["secrets"][position]["keys"][0]["readers"].as_array().map(Vec::len);
    assert_eq!((readers(0), readers(1)), (Some(0), Some(2)));
}

#[test]
fn secrets_of_one_name_in_two_namespaces_are_read_apart() {
    let apart =
        |namespace: &str| RENDER.replace("metadata: {", &format!("metadata: {{namespace: {namespace}, "));
    let render = apart("a") + &apart("b");
    let output = scan().stdin(render.clone()).args(["--format", "json"]).run().finds();
    for position in [0, 1] {
        let secret = &json(&output)["secrets"][position];
        let reader = &secret["keys"][0]["readers"][0]["place"]["object"]["namespace"];
        assert_eq!((reader, &secret["place"]["object"]["namespace"]), (reader, reader));
        assert_eq!(secret["keys"][0]["readers"].as_array().map(Vec::len), Some(1));
    }
    let output = filtered(&render, &["--to", "vault"]);
    assert_eq!(output.matches("{name: vault, key: password}").count(), 2, "one rule for both: {output}");
}

#[test]
fn a_configuration_is_proposed_with_a_vaulted_secret_for_each() {
    let output = scan().stdin(RICH).args(["--write", "resecret.yaml"]).run().succeeds();
    output.file_is("resecret.yaml", "scan-write-each");
    let note = "resecret: resecret.yaml written: no rule can vault what is left: 1 plain credential\n";
    assert!(output.stderr.ends_with(note), "{}", output.stderr);
}

#[test]
fn a_configuration_is_proposed_with_one_vaulted_secret() {
    let output = scan().stdin(RICH).args(["--write", "resecret.yaml", "--to", "vault"]).run().succeeds();
    output.file_is("resecret.yaml", "scan-write-one");
}

/// The output of the filter with what is proposed.
fn filtered(render: &str, args: &[&str]) -> String {
    let output = scan().stdin(render).args(["--write", "resecret.yaml"]).args(args.to_vec()).run().succeeds();
    resecret().config(&output.file("resecret.yaml")).stdin(render).run().succeeds().text()
}

#[test]
fn the_proposal_keeps_apart_what_is_not_the_same() {
    let output = filtered(RICH, &["--to", "vault"]);
    for line in [
        "{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: vault-shop-db, key: password}}}",
        "{name: CACHE_PASSWORD, valueFrom: {secretKeyRef: {name: vault-shop-cache, key: password}}}",
        "{name: API_KEY, valueFrom: {secretKeyRef: {name: vault, key: API_KEY}}}",
        "{name: API_KEY, valueFrom: {secretKeyRef: {name: vault, key: worker-API_KEY}}}",
        "envFrom: [{secretRef: {name: vault-shop-env}}]",
        "{name: files, secret: {secretName: vault, items: [{key: shop-files-app.ini, path: app.ini}]}}",
        "login: {name: vault-shop-cache, field: password}",
        "secretName: vault-shop-tls",
    ] {
        assert!(output.contains(line), "{line} is not in:\n{output}");
    }
}

#[test]
fn keys_that_would_meet_in_one_secret_are_given_a_prefix() {
    let second = RENDER.replace("app-secret", "other-secret").replace("name: web", "name: worker");
    let output = filtered(&format!("{RENDER}{second}"), &["--to", "vault"]);
    assert!(output.contains("{secretKeyRef: {name: vault, key: password}}"), "{output}");
    assert!(output.contains("{secretKeyRef: {name: vault, key: other-secret-password}}"), "{output}");
}

/// A Pod whose variables read the keys of the Secret `vault`.
fn reads_vault(variables: &[(&str, &str)]) -> String {
    let entry = |(name, key): &(&str, &str)| {
        format!("    - {{name: {name}, valueFrom: {{secretKeyRef: {{name: vault, key: {key}}}}}}}\n")
    };
    let entries: String = variables.iter().map(entry).collect();
    format!(
        "---\nkind: Pod\nmetadata: {{name: reader}}\nspec:\n  containers:\n  - name: r\n    env:\n{entries}"
    )
}

#[test]
fn a_key_that_is_read_already_is_shared_only_by_variables_of_the_same_name() {
    let other = reads_vault(&[("OTHER", "password"), ("B", "A")]);
    let output = filtered(&format!("{RENDER}{other}"), &["--to", "vault"]);
    assert!(output.contains("{name: vault, key: app-secret-password}"), "{output}");
    let same = reads_vault(&[("P", "password")]);
    let output = filtered(&format!("{RENDER}{same}"), &["--to", "vault"]);
    assert!(!output.contains("app-secret-password"), "{output}");
    let token = |value: &str| RENDER.replace("name: A", "name: TOKEN").replace("canary-2", value);
    let output = filtered(&(token("canary-2") + &reads_vault(&[("TOKEN", "the-token")])), &["--to", "vault"]);
    assert_eq!(output.matches("key: the-token").count(), 2, "{output}");
    let output = filtered(&(token("canary-2") + &reads_vault(&[("ELSE", "TOKEN")])), &["--to", "vault"]);
    assert!(output.contains("key: web-TOKEN"), "{output}");
}

#[test]
fn a_vaulted_secret_is_none_that_is_read_already() {
    let reader = reads_vault(&[("OTHER", "password")]).replace("name: vault", "name: app-secret-vault");
    let output = filtered(&format!("{RENDER}{reader}"), &[]);
    assert!(output.contains("{name: app-secret-vault-2, key: password}"), "{output}");
}

#[test]
fn one_variable_with_two_values_in_containers_of_one_name_is_told_apart_by_the_object() {
    let pod = |name: &str, value: &str| {
        format!(
            "---\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: c, env: [{{name: TOKEN, value: {value}}}]}}]}}\n"
        )
    };
    let render = pod("a", "canary-a") + &pod("b", "canary-b") + &pod("c", "'true'");
    let output = filtered(&render, &["--to", "vault"]);
    assert!(
        output.contains("name: vault, key: TOKEN}") && output.contains("name: vault, key: b-TOKEN}"),
        "{output}"
    );
    assert!(output.contains("{name: TOKEN, value: 'true'}"), "what is no credential stays: {output}");
}

/// A chart that puts its release's name before all names, and what two releases of it share.
fn chart(release: &str) -> String {
    let object = |kind: &str, name: &str, rest: &str| {
        format!(
            "---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, labels: {{app.kubernetes.io/instance: {release}}}}}\n{rest}\n"
        )
    };
    let secret = |name: &str| object("Secret", name, "stringData: {password: canary-1}");
    let reads = |variable: &str, name: &str| {
        format!("{{name: {variable}, valueFrom: {{secretKeyRef: {{name: {name}, key: password}}}}}}")
    };
    let pod = |name: &str, env: &str| {
        object("Pod", name, &format!("spec: {{containers: [{{name: c, env: [{env}]}}]}}"))
    };
    let app = format!("{release}-app");
    let reader = [
        reads("A", &format!("{app}-auth")),
        reads("B", &format!("{release}-db")),
        reads("C", "team-cache"),
        "{name: TOKEN, value: canary-2-token}".to_owned(),
    ];
    [
        secret(&format!("{app}-auth")),
        // `*-db` would reach the next one, `*-cache` one that is only named, `*` all.
        secret(&format!("{release}-db")),
        secret("shared-db"),
        secret(&format!("{release}-cache")),
        secret(release),
        object("ConfigMap", &format!("{app}-config"), "data: {password: canary-3, mode: fast}"),
        pod(&app, &reader.join(", ")),
        // The same variable with another value, so that the objects tell them apart.
        pod(&format!("{release}-worker"), "{name: TOKEN, value: canary-4-token}"),
    ]
    .concat()
}

#[test]
fn a_proposal_fits_another_release_where_that_is_safe() {
    let output = scan().stdin(chart("prod")).args(["--write", "resecret.yaml"]).run().succeeds();
    output.file_is("resecret.yaml", "scan-write-release");
    // What has to be exact says so, with the glob, and the rest fits.
    let config = output.file("resecret.yaml");
    let other = resecret().config(&config).stdin(chart("staging")).run().fails();
    other.is("scan-write-release-other");
    let fits = config.replace("name: prod-db", "name: '*-db'").replace("name: prod-cache", "name: '*-cache'");
    let fits = fits
        .replace("name: prod\n", "name: staging\n")
        .replace("  - name: shared-db\n    to: shared-db-vault\n", "");
    let [first, second] = ["prod", "staging"].map(|release| {
        resecret()
            .config(&fits.replace("name: staging", &format!("name: {release}")))
            .stdin(chart(release))
            .run()
            .succeeds()
            .text()
    });
    assert_eq!(first.replace("prod", "R"), second.replace("staging", "R").replace("prod", "R"));
}

#[test]
fn a_secret_that_nothing_refers_to_keeps_its_name() {
    let secret = |name: &str, labels: &str| {
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, labels: {{helm.sh/chart: c-1, {labels}}}}}\nstringData: {{password: canary-1}}\n"
        )
    };
    let render = secret("repo", "argocd.argoproj.io/secret-type: repository")
        + &secret("alertmanager-main", "app: alertmanager");
    for to in [&[][..], &["--to", "one-vault"]] {
        let run =
            resecret().args(["scan", "--write", "r.yaml"]).args(to.iter().copied()).stdin(render.as_str());
        let text = run.run().succeeds().file("r.yaml");
        assert!(text.contains("programs find it by label argocd.argoproj.io/secret-type"), "{text}");
        assert!(text.contains("kubectl annotate secret repo helm.sh/resource-policy=keep"), "{text}");
        for name in ["repo", "alertmanager-main"] {
            assert!(
                text.contains(&format!("  - name: {name}\n    to: {name}\n    sameName: true\n")),
                "{text}"
            );
        }
    }
}

#[test]
fn what_would_be_left_behind_is_a_warning_with_its_place() {
    let repeated =
        format!("{RENDER}---\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{note: canary-1 is it}}\n");
    let output = scan().stdin(repeated).args(["--write", "resecret.yaml"]).run().succeeds();
    output.file_is("resecret.yaml", "scan-write-left-behind");
    assert!(output.stderr.contains("warning[value-left-behind]"), "{}", output.stderr);
    assert!(output.stderr.ends_with("1 finding is left, `resecret check` shows it\n"), "{}", output.stderr);
}

#[test]
fn a_file_that_is_there_is_overwritten_only_by_force() {
    let run = |args: &[&str]| {
        scan().file("resecret.yaml", "mine\n").args(["--write", "resecret.yaml"]).args(args.to_vec()).run()
    };
    let output = run(&[]).fails();
    output.is("scan-write-exists");
    assert_eq!(output.file("resecret.yaml"), "mine\n");
    assert!(run(&["--force"]).succeeds().file("resecret.yaml").starts_with("# Editors know"));
}

#[test]
fn what_is_written_is_only_what_goes_through() {
    let shared = "\
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: c
    env:
    - {name: P, value: x}
    - {name: P, value: '$(P):y'}
";
    let output = scan().stdin(shared).args(["--write", "resecret.yaml"]).run().fails();
    output.is("scan-write-not-editable");
    assert!(!output.path("resecret.yaml").exists());
    let annotated = "kind: Service\nmetadata: {name: c, annotations: {password: canary-c}}\n";
    let output = scan().stdin(annotated).args(["--write", "resecret.yaml"]).run().finds();
    assert!(!output.path("resecret.yaml").exists() && output.stderr.contains("nothing that a rule could do"));
}

/// A reader that takes one ConfigMap as a whole keeps no other one from being split.
#[test]
fn a_proposal_splits_what_can_be_split() {
    let render = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: whole}
data: {PASSWORD: canary-w}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: apart}
data: {PASSWORD: canary-a, LANG: C}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: apart-too}
data: {PASSWORD: canary-a}
---
apiVersion: v1
kind: Secret
metadata: {name: mixed}
stringData: {PASSWORD: canary-m, PORT: '5432', TZ: Etc/UTC}
---
apiVersion: example.com/v1
kind: App
metadata: {name: app}
spec: {configMapRef: {name: whole}}
";
    let output = scan().stdin(render).args(["--write", "resecret.yaml"]).run().succeeds();
    let rules = output.file("resecret.yaml");
    let (_, rules) = rules.split_once("\nspec:\n").expect("a configuration");
    assert!(rules.contains("  - name: apart\n    only: [PASSWORD]"), "{rules}");
    assert!(rules.contains("  - name: apart-too\n    only: [PASSWORD]"), "{rules}");
    assert!(rules.contains("    only: [PASSWORD]    # the others are settings, and stay"), "{rules}");
    assert!(!rules.contains("  - name: whole"), "{rules}");
}

#[test]
fn a_proposal_needs_one_render_and_a_secret_from_outside_it() {
    let run = scan().file("a.yaml", RENDER).file("b.yaml", RENDER);
    run.args(["a.yaml", "b.yaml", "--write", "resecret.yaml"]).run().fails().is("scan-write-several");
    scan().args(["--write", "resecret.yaml", "--to", "app-secret"]).run().fails().is("scan-write-to-own");
    scan().args(["--write", "resecret.yaml", "--to", "Not_A_Name"]).run().fails();
    scan().args(["--to", "vault"]).run().fails().is("scan-to-without-write");
    scan().args(["--force"]).run().fails();
    scan().args(["--write", "no/such/folder/resecret.yaml"]).run();
}

#[test]
fn several_files_are_listed_one_after_the_other() {
    let run = || scan().file("a.yaml", RENDER).file("b.yaml", RENDER).args(["b.yaml", "a.yaml"]);
    run().run().finds().is("scan-files");
    let found = json(&run().args(["--format", "json"]).run().finds());
    assert_eq!(
        (&found["secrets"][0]["place"]["file"], &found["secrets"][1]["place"]["file"]),
        (&"b.yaml".into(), &"a.yaml".into())
    );
}

#[test]
fn what_cannot_be_read_is_an_error() {
    scan().stdin("").run().fails();
    scan().stdin("kind: Secret\nmetadata: {name: [\n").run().fails();
    scan().args(["absent.yaml"]).run().fails();
    assert!(fs::metadata("resecret.yaml").is_err(), "nothing is written beside the tests");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    assert_eq!(scan().closed_stdout().run().code, Some(1));
}

#[test]
fn findings_are_no_failure_where_a_flag_says_so() {
    scan().args(["--exit-zero"]).run().succeeds();
    scan().args(["--exit-zero"]).stdin("").run().fails();
}
