use std::fs;

use serde::Deserialize as _;
use serde_json::Value;

use crate::harness::{Run, resecret, root};

/// A chart whose Secret is read in every way there is.
const RENDER: &str = "\
---
apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {password: canary-1, dsn: canary-2, unread: canary-3}
---
apiVersion: v1
kind: Secret
metadata: {name: app-env, namespace: jobs}
stringData: {A: canary-4, B: canary-5}
---
apiVersion: v1
kind: Secret
metadata: {name: app-tls}
type: kubernetes.io/tls
stringData: {tls.crt: canary-6, tls.key: canary-7}
---
apiVersion: v1
kind: Secret
metadata: {name: app-pull}
type: kubernetes.io/dockerconfigjson
stringData: {.dockerconfigjson: canary-8}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      imagePullSecrets: [{name: app-pull}]
      initContainers:
      - name: wait
        volumeMounts: [{name: files, mountPath: /run/one, subPath: db.txt}]
      containers:
      - name: web
        env:
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: app, key: password}}}
        - {name: SALT, value: canary-9}
        - {name: MAYBE, valueFrom: {secretKeyRef: {name: vault, key: maybe, optional: true}}}
        volumeMounts: [{name: files, mountPath: /run/files/}, {name: all, mountPath: /run/all}]
      volumes:
      - {name: files, projected: {sources: [{secret: {name: app, items: [{key: dsn, path: db.txt}]}}]}}
      - {name: all, secret: {secretName: app-tls}}
      - {name: unmounted, secret: {secretName: app, items: [{key: password, path: p}]}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: job, namespace: jobs}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers: [{name: job, envFrom: [{prefix: APP_, secretRef: {name: app-env}}, {secretRef: {name: more}}]}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {tls: [{secretName: app-tls}, {secretName: other-tls}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
secrets: [{name: app}]
---
apiVersion: example.org/v1
kind: Database
metadata: {name: db}
spec: {auth: {name: app, key: password}}
";

const RULES: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets:
  - {name: app, to: vault, keys: {password: db-password}}
  - {name: app-env, to: vault-env}
  - {name: app-tls, to: vault-tls}
  - {name: app-pull, to: vault-pull}
  env:
  - {to: vault, vars: {SALT: app.salt}}
  references:
  - {kind: Database, path: spec.auth}
  formats: {SALT: hex64, '*dsn': url, db-password: url-safe}
  vault: [other-tls, more]
";

fn keys(args: &[&str]) -> Run {
    resecret().args(["keys"]).args(args.iter().copied()).config(RULES).stdin(RENDER)
}

#[test]
fn a_table_says_which_keys_and_who_reads_them() {
    keys(&[]).run().succeeds().is("keys-table");
}

#[test]
fn json_says_the_same() {
    let output = keys(&["-o", "json"]).run().succeeds();
    output.is("keys-json");
    let value: Value = serde_json::from_str(&output.text()).expect("JSON");
    let key = &value["secrets"][2]["keys"][0];
    assert_eq!((&key["name"], &key["format"]), (&"app.salt".into(), &"hex64".into()));
}

#[test]
fn each_file_is_a_render_of_its_own_and_one_secret_is_one() {
    let second = RENDER.replace("name: web}", "name: admin}").replace("key: dsn", "key: extra-dsn");
    let files = |names: &[&str], second: &str| {
        let run = resecret().args(["keys"]).args(names.iter().copied()).config(RULES).stdin("");
        run.file("r/a.yaml", RENDER).file("r/b.yaml", second).run()
    };
    let output = files(&["r"], &second).succeeds();
    output.is("keys-two-renders");
    assert_eq!(
        files(&["r/a.yaml", "r/b.yaml"], &second).succeeds().stdout,
        output.stdout,
        "a folder is its files"
    );
    assert_eq!(
        files(&["r"], RENDER).succeeds().stdout,
        keys(&[]).run().stdout,
        "what is read twice is said once"
    );
    // A rule must find something in each of them.
    let (secrets, rest) = RENDER.split_once("---\napiVersion: apps/v1").expect("a Deployment");
    files(&["r"], secrets).fails().is("keys-two-files-unmatched");
    files(&["r"], &format!("apiVersion: apps/v1{rest}").replace("prefix: APP_", "prefix: [APP_"))
        .fails()
        .is("keys-two-files");
    resecret().args(["keys", "absent.yaml"]).config(RULES).run().fails().is("keys-absent");
}

#[test]
fn a_stream_that_cannot_be_filtered_is_an_error() {
    let rules = RULES.replace("name: app-env,", "name: app-enf,");
    resecret().args(["keys"]).config(&rules).stdin(RENDER).run().fails();
}

#[test]
fn a_format_that_speaks_of_nothing_is_an_error() {
    let rules = RULES.replace("SALT: hex64", "SALZ: hex64");
    resecret().args(["keys"]).config(&rules).stdin(RENDER).run().fails().is("keys-format-unmatched");
    resecret().args(["keys", "--allow-unmatched"]).config(&rules).stdin(RENDER).run().succeeds();
    // The filter itself has no use for formats.
    resecret().config(&rules).stdin(RENDER).run().succeeds();
    resecret().config(&RULES.replace("hex64", "hex65")).run().fails().is("config-format");
}

#[test]
fn a_value_that_data_was_made_with_is_never_to_be_rotated() {
    let never = |formats: &str| {
        let rules = RULES.replace("SALT: hex64", formats);
        let output =
            resecret().args(["keys", "-q", "-o", "json"]).config(&rules).stdin(RENDER).run().succeeds();
        let value: Value = serde_json::from_str(&output.text()).expect("JSON");
        let secrets = value["secrets"].as_array().expect("Secrets").iter();
        let keys = secrets.flat_map(|secret| secret["keys"].as_array().expect("keys"));
        let marked = keys.filter(|key| key["rotate"] == "never");
        marked.map(|key| key["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(never("SALT: hex64"), ["app.salt"], "by its name");
    assert_eq!(never("SALT: {rotate: allowed}"), [""; 0]);
    assert_eq!(never("SALT: {rotate: allowed}, maybe: fernet"), ["maybe"]);
    assert_eq!(
        never("SALT: {format: hex64, rotate: never}, PASSWORD: {rotate: never}"),
        ["app.salt", "db-password"]
    );
    for wrong in ["SALT: {}", "SALT: {rotate: seldom}", "SALT: {rotates: never}", "SALT: [never]"] {
        resecret().config(&RULES.replace("SALT: hex64", wrong)).run().fails();
    }
    resecret()
        .config(&RULES.replace("SALT: hex64", "SALT: {rotate: neve}"))
        .run()
        .fails()
        .is("config-rotate");
    resecret().config(&RULES.replace("SALT: hex64", "SALT: {}")).run().fails().is("config-format-empty");
}

#[test]
fn the_presets_know_their_formats() {
    let render = fs::read(root().join("tests/renders/umbrella-helm4.yaml")).expect("a render");
    let run = resecret().args(["keys", "--preset", "langfuse", "--to", "langfuse-vault"]).stdin(render);
    run.run().succeeds().is("keys-preset");
}

mod manifests {
    use super::*;

    /// What the schema of this name has against the manifests in a text.
    #[track_caller]
    fn is_valid(name: &str, text: &str, count: usize) {
        let schema = fs::read_to_string(root().join(format!("tests/schemas/{name}.yaml"))).expect("a schema");
        let schema: Value = serde_yaml::from_str(&schema).expect("YAML");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let documents = serde_yaml::Deserializer::from_str(text);
        let manifests: Vec<Value> =
            documents.map(|document| Value::deserialize(document).expect("YAML")).collect();
        assert_eq!(manifests.len(), count, "{text}");
        for manifest in manifests {
            let errors: Vec<_> = validator.iter_errors(&manifest).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}\n{manifest:#}");
        }
    }

    #[track_caller]
    fn check(form: &str, args: &[&str]) {
        let output = keys(&[&["-o", form], args].concat()).run().succeeds();
        is_valid(form, &output.text(), 6);
        assert!(!output.text().contains("canary"));
        output.is(&format!("keys-{form}"));
    }

    #[test]
    fn an_external_secret_is_valid() {
        check("external-secret", &["--store", "vault-backend"]);
    }

    #[test]
    fn the_store_and_its_entry_are_told() {
        let args = ["-o", "external-secret", "--store", "s", "--store-kind", "ClusterSecretStore"];
        let text = keys(&[&args[..], &["--remote-key", "apps/{name}"]].concat()).run().succeeds().text();
        is_valid("external-secret", &text, 6);
        assert!(
            text.contains("kind: ClusterSecretStore") && text.contains("key: \"apps/vault-tls\""),
            "{text}"
        );
        keys(&["-o", "external-secret"]).run().fails().is("keys-no-store");
    }

    #[test]
    fn a_sealed_secret_is_valid() {
        check("sealed-secret", &[]);
    }

    #[test]
    fn a_vault_static_secret_is_valid() {
        check("vault-static-secret", &["--store", "default", "--remote-key", "kv/apps/{name}"]);
        let text = keys(&["-o", "vault-static-secret"]).run().succeeds().text();
        is_valid("vault-static-secret", &text, 6);
    }

    #[test]
    fn a_secret_is_valid_and_holds_placeholders_which_against_finds() {
        check("secret", &[]);
        let text = keys(&["-o", "secret"]).run().succeeds().text();
        let output = keys(&["--against", "s.yaml"]).file("s.yaml", text).run();
        assert_eq!(output.code, Some(1));
        let lines: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("error[")).collect();
        assert!(lines.iter().all(|line| line.contains("still holds the placeholder")), "{lines:#?}");
        assert_eq!(lines.len(), 11);
    }
}

#[test]
fn names_of_the_stream_begin_no_line_of_a_manifest() {
    let odd = |name: &str| RENDER.replace("name: SALT", &format!("name: {name}"));
    let rules = RULES.replace("vars: {SALT: app.salt}", "vars: {'S*': '*'}").replace("SALT: hex64, ", "");
    for name in [r#""S\nkind: Pod""#, r#""S\u2028kind: Pod""#, r#""S\rkind: Pod""#] {
        let run = resecret().args(["keys", "-o", "secret"]).config(&rules).stdin(odd(name)).run().succeeds();
        for document in serde_yaml::Deserializer::from_str(&run.text()) {
            let manifest = Value::deserialize(document).expect("YAML");
            assert_eq!(manifest["kind"], "Secret", "{}", run.text());
        }
        let table = resecret().args(["keys"]).config(&rules).stdin(odd(name)).run().succeeds().text();
        assert!(table.lines().all(|line| !line.starts_with("kind")), "{table}");
    }
}

mod against {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// The Secrets that [`RENDER`] needs, as `kubectl get secret -o yaml` prints several.
    fn secrets() -> String {
        format!(
            "\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {{name: vault, namespace: default}}
  stringData: {{app.salt: '{HEX}', dsn: 'postgres://u:canary@db/x', db-password: canary-1}}
- apiVersion: v1
  kind: Secret
  metadata: {{name: vault-env, namespace: jobs}}
  data: {{A: Y2FuYXJ5, B: Y2FuYXJ5}}
- apiVersion: v1
  kind: Secret
  metadata: {{name: vault-tls}}
  stringData:
    tls.crt: |
      -----BEGIN CERTIFICATE-----
      canary
      -----END CERTIFICATE-----
    tls.key: |
      -----BEGIN KEY-----
      canary
      -----END KEY-----
- apiVersion: v1
  kind: Secret
  metadata: {{name: other-tls}}
  stringData: {{tls.crt: \"-----BEGIN A-----\\n-----END A-----\", tls.key: \"-----BEGIN A-----\\n-----END A-----\"}}
- apiVersion: v1
  kind: Secret
  metadata: {{name: vault-pull}}
  type: kubernetes.io/dockerconfigjson
  stringData: {{.dockerconfigjson: '{{\"auths\": {{}}}}'}}
- apiVersion: v1
  kind: Secret
  metadata: {{name: more}}
"
        )
    }

    fn against(secrets: &str, args: &[&str]) -> Run {
        keys(&[&["--against", "secrets.yaml"], args].concat()).file("secrets.yaml", secrets)
    }

    #[track_caller]
    fn finds(from: &str, to: &str, expected: &str) {
        let changed = secrets().replace(from, to);
        assert_ne!(changed, secrets(), "{from} is there");
        let output = against(&changed, &[]).run();
        assert_eq!(output.code, Some(1), "{}", output.stderr);
        assert!(output.stdout.is_empty());
        let lines: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("error[")).collect();
        assert_eq!(lines, [expected]);
        assert!(!output.stderr.contains("canary"), "{}", output.stderr);
    }

    #[test]
    fn secrets_that_hold_what_they_must_are_fine() {
        let output = against(&secrets(), &[]).run().succeeds();
        assert!(output.stdout.is_empty());
        output.is("keys-against-fine");
    }

    #[test]
    fn what_is_missing_or_empty_is_found() {
        finds(
            "name: vault-tls",
            "name: vault-ssl",
            "error[missing-secret]: Secret vault-tls is not in secrets.yaml",
        );
        finds(
            "db-password: canary-1",
            "password: canary-1",
            "error[missing-key]: Secret vault has no key db-password, which Deployment/web, container web: PASSWORD reads",
        );
        finds(
            "db-password: canary-1",
            "db-password: ''",
            "error[empty-value]: key db-password of Secret vault is empty",
        );
        finds("A: Y2FuYXJ5", "A: ", "error[empty-value]: key A of Secret vault-env is empty");
        finds(
            "namespace: jobs",
            "namespace: prod",
            "error[missing-secret]: Secret vault-env is not in secrets.yaml",
        );
    }

    #[test]
    fn what_has_a_wrong_format_is_found() {
        finds(
            HEX,
            &HEX[32..],
            "error[wrong-format]: key app.salt of Secret vault should be 64 hexadecimal digits: it has 32 characters",
        );
        finds(
            "u:canary@db",
            "u:canary#1@db",
            "error[wrong-format]: key dsn of Secret vault should be a URL with a host, special characters percent-encoded: a `/`, `?` or `#` is before the `@`: a special character of user or password is not percent-encoded",
        );
        finds(
            "db-password: canary-1",
            "db-password: canary/1",
            "error[wrong-format]: key db-password of Secret vault should be only characters that mean nothing in a URL: one of its characters has a meaning in URLs",
        );
        finds(
            "A: Y2FuYXJ5",
            "A: Y2FuYXJ5Cg==",
            "error[wrong-format]: key A of Secret vault-env ends with a line break, which a variable keeps",
        );
        finds("A: Y2FuYXJ5", "A: canary!", "error[wrong-format]: key A of Secret vault-env is not base64");
        finds(
            "-----BEGIN KEY-----",
            "canary",
            "error[wrong-format]: key tls.key of Secret vault-tls should be PEM: it has no line that begins with -----BEGIN",
        );
        finds(
            "'{\"auths\": {}}'",
            "canary",
            "error[wrong-format]: key .dockerconfigjson of Secret vault-pull should be JSON: it is not JSON from line 1, column 1",
        );
        finds(
            "type: kubernetes.io/dockerconfigjson",
            "type: Opaque",
            "error[wrong-format]: Secret vault-pull is of type Opaque; images are pulled with kubernetes.io/dockerconfigjson only",
        );
    }

    #[test]
    fn every_format_of_reports_is_there() {
        let wrong = secrets().replace(HEX, "canary").replace("name: vault-tls", "name: gone");
        for format in ["text", "json", "github", "sarif"] {
            let output = against(&wrong, &["--format", format, "-q"]).run();
            assert_eq!(output.code, Some(1), "{}", output.stderr);
            output.is(&format!("keys-against-{format}"));
            assert!(!output.stderr.contains("canary"));
        }
    }

    #[test]
    fn several_files_and_standard_input_are_taken() {
        let (one, two) = (secrets(), secrets());
        let (one, two) = (one.replace("name: vault,", "name: x,"), two.replace("name: vault-tls", "name: y"));
        let args = ["keys", "render.yaml", "--against", "one.yaml", "--against", "-"];
        let run = resecret().args(args).config(RULES).file("render.yaml", RENDER).file("one.yaml", one);
        run.stdin(two).run().succeeds();
        keys(&["--against", "-"]).run().fails().is("keys-against-stdin-twice");
        keys(&["--against", "secrets.yaml", "-o", "json"]).run().fails();
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error() {
        against("a: [canary\n", &[]).run().fails().is("keys-against-not-yaml");
        keys(&["--against", "absent.yaml"]).run().fails();
        let latin: &[u8] = b"canary: \xe4\n";
        keys(&["--against", "s.yaml"]).file("s.yaml", latin).run().fails();
    }
}

/// Secrets that a program finds by a label, or by a name that the render does not say.
mod found_by {
    use super::*;

    const RENDER: &str = "\
---
apiVersion: v1
kind: Secret
metadata:
  name: repo
  labels: {argocd.argoproj.io/secret-type: repository, app.kubernetes.io/part-of: argocd, helm.sh/chart: argo-cd-9}
  annotations: {managed-by: argocd.argoproj.io, meta.helm.sh/release-name: cd, note: canary-password-1}
stringData: {url: https://git.example.org, password: canary-password-1}
---
apiVersion: v1
kind: Secret
metadata: {name: user, labels: {konghq.com/credential: key-auth}, annotations: {note: canary-key-2}}
type: example.org/key
stringData: {key: canary-key-2}
---
apiVersion: configuration.konghq.com/v1
kind: KongConsumer
metadata: {name: user}
credentials: [user]
";
    const RULES: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets: [{name: repo, to: repo, sameName: true}, {name: user, to: kong-vault}]
  references: [{kind: KongConsumer, path: 'credentials[*]'}]
";

    fn keys(args: &[&str]) -> Run {
        resecret().args(["keys"]).args(args.iter().copied()).config(RULES).stdin(RENDER)
    }

    #[test]
    fn every_key_is_listed_with_or_without_a_reader() {
        keys(&[]).run().succeeds().is("keys-found-by-table");
    }

    #[test]
    fn manifests_carry_what_they_are_found_by_and_no_value() {
        for form in ["secret", "external-secret", "sealed-secret", "vault-static-secret"] {
            let store: &[&str] = if form == "external-secret" { &["--store", "vault"] } else { &[] };
            let output = keys(&[&["-o", form], store].concat()).run().succeeds();
            output.is(&format!("keys-found-by-{form}"));
        }
    }

    #[test]
    fn what_nothing_reads_must_have_all_its_keys() {
        let held = "apiVersion: v1\nkind: Secret\nmetadata: {name: repo}\nstringData: {url: https://x.example.org}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: kong-vault}\nstringData: {other: canary}\n";
        keys(&["--against", "s.yaml"]).file("s.yaml", held).run().is("keys-found-by-against");
    }
}

/// In which namespace a vaulted Secret is, of which some readers say nothing.
mod namespaces {
    use super::*;

    /// A pod that reads a key, in a namespace or in the release's.
    fn pod(name: &str, namespace: Option<&str>, key: &str) -> String {
        let namespace = namespace.map(|name| format!(", namespace: {name}")).unwrap_or_default();
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}{namespace}}}\nspec:\n  containers:\n  - name: c\n    env:\n    - {{name: V, valueFrom: {{secretKeyRef: {{name: chart, key: {key}}}}}}}\n"
        )
    }

    const SECRET: &str = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: chart}\nstringData: {a: canary-1, b: canary-2}\n";
    const ROLE: &str = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\nrules: [{apiGroups: [''], resources: [secrets], resourceNames: [chart], verbs: [get]}]\n";
    const TO_VAULT: &str =
        "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec: {secrets: [{name: chart, to: vault}]}\n";

    /// The vaulted Secrets as NAMESPACE/NAME: KEYS.
    fn secrets(render: &str, run: impl FnOnce(Run) -> Run) -> Vec<String> {
        let keys =
            resecret().args(["keys", "-o", "json"]).config(TO_VAULT).stdin(format!("{SECRET}{render}"));
        let value: Value = serde_json::from_str(&run(keys).run().succeeds().text()).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let secrets = value["secrets"].as_array().expect("Secrets").iter();
        let described = secrets.map(|secret| {
            let keys = secret["keys"].as_array().expect("keys").iter();
            let keys: Vec<String> = keys.map(|key| text(&key["name"])).collect();
            format!("{}/{}: {}", text(&secret["namespace"]), text(&secret["name"]), keys.join(" "))
        });
        described.collect()
    }

    #[test]
    fn an_unknown_one_is_the_only_known_one() {
        let render = pod("p", None, "a") + &pod("q", Some("lf"), "b");
        assert_eq!(secrets(&render, |run| run), ["lf/vault: a b"]);
        assert_eq!(secrets(&pod("p", None, "a"), |run| run), ["-/vault: a b"]);
    }

    #[test]
    fn the_release_says_which() {
        let render = pod("p", None, "a") + &pod("q", Some("lf"), "b") + &pod("r", Some("other"), "b");
        assert_eq!(secrets(&render, |run| run), ["-/vault: a b", "lf/vault: b", "other/vault: b"]);
        let expected = ["lf/vault: a b", "other/vault: b"];
        assert_eq!(secrets(&render, |run| run.args(["--namespace", "lf"])), expected);
        assert_eq!(secrets(&render, |run| run.env("HELM_NAMESPACE", "lf")), expected);
        let new = ["apps/vault: a b", "lf/vault: b", "other/vault: b"];
        assert_eq!(secrets(&render, |run| run.args(["-n", "apps"]).env("HELM_NAMESPACE", "lf")), new);
    }

    #[test]
    fn an_object_of_the_whole_cluster_makes_no_second_secret() {
        let render = pod("q", Some("lf"), "b") + ROLE;
        assert_eq!(secrets(&render, |run| run), ["lf/vault: a b"]);
        assert_eq!(
            secrets(&(render + &pod("r", Some("other"), "a")), |run| run),
            ["lf/vault: a b", "other/vault: a b"]
        );
        let secret = SECRET.replace("{name: chart}", "{name: chart, namespace: lf}");
        let run = resecret().args(["keys", "-o", "json"]).config(TO_VAULT).env("HELM_NAMESPACE", "release");
        let text = run.stdin(format!("{secret}{ROLE}")).run().succeeds().text();
        assert!(text.contains("\"namespace\": \"lf\"") && !text.contains("release"), "{text}");
    }

    #[test]
    fn a_key_that_the_charts_secret_had_is_missed_although_its_reader_is_optional() {
        let optional = |key: &str| {
            pod("p", None, key).replace(&format!("key: {key}"), &format!("key: {key}, optional: true"))
        };
        let run = |key: &str| {
            let run = resecret().args(["keys", "--against", "vault.yaml"]).config(TO_VAULT);
            let run = run.file("vault.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: vault}\n");
            run.stdin(format!("{SECRET}{}", optional(key))).run()
        };
        assert!(run("a").finds().stderr.contains("error[missing-key]: Secret vault has no key a"));
        run("other").succeeds();
    }
}
