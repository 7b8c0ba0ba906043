use std::collections::BTreeSet;

use serde::Deserialize as _;
use serde_json::Value;

use crate::harness::{CONFIG, Output, RENDER, resecret};

/// The manifests that a run prints.
fn manifests(output: &Output) -> Vec<Value> {
    let text = output.text();
    let documents = serde_yaml::Deserializer::from_str(&text);
    documents.map(|document| Value::deserialize(document).expect("YAML")).collect()
}

fn named<'v>(manifests: &'v [Value], kind: &str, name: &str) -> &'v Value {
    let found = manifests.iter().find(|one| one["kind"] == kind && one["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

const POLICY: &str = "ValidatingAdmissionPolicy";
const BINDING: &str = "ValidatingAdmissionPolicyBinding";

#[test]
fn the_policies_are_what_a_user_sees() {
    let args = ["guard", "--action", "deny", "--preset", "langfuse", "--to", "langfuse-vault"];
    resecret().args(args).run().succeeds().is("guard-preset");
    let args = ["guard", "--action", "deny", "--protect", "-"];
    resecret().args(args).config(CONFIG).run().succeeds().is("guard-render");
}

#[test]
fn each_action_is_a_binding_for_namespaces_with_its_label() {
    let all = manifests(&resecret().args(["guard", "--name", "app"]).config(CONFIG).run().succeeds());
    for (action, actions) in
        [("deny", &["Deny", "Audit"][..]), ("warn", &["Warn", "Audit"]), ("audit", &["Audit"])]
    {
        let binding = named(&all, BINDING, &format!("resecret-app-secrets-{action}"));
        assert_eq!(binding["spec"]["validationActions"], Value::from(actions));
        let label =
            &binding["spec"]["matchResources"]["namespaceSelector"]["matchLabels"]["resecret.dev/guard"];
        assert_eq!(label, action);
        // Plain credentials are a warning in the configuration, and never refused.
        let binding = named(&all, BINDING, &format!("resecret-app-credentials-{action}"));
        assert_ne!(binding["spec"]["validationActions"][0], "Deny");
    }
}

#[test]
fn plain_credentials_are_as_severe_as_the_configuration_says() {
    let with = |level: &str| {
        let config = format!("{CONFIG}  policy: {{plaintext: {level}}}\n");
        manifests(&resecret().args(["guard", "--name", "app"]).config(&config).run().succeeds())
    };
    let deny = "resecret-app-credentials-deny";
    assert_eq!(named(&with("error"), BINDING, deny)["spec"]["validationActions"][0], "Deny");
    assert_eq!(named(&with("warn"), BINDING, deny)["spec"]["validationActions"][0], "Warn");
    assert!(with("allow").iter().all(|one| one["metadata"]["name"] != deny));
}

#[test]
fn namespaces_are_chosen_in_the_words_of_kubectl() {
    let args = ["guard", "--action", "warn", "--namespace-selector", "team=a,stage in (prod, test)"];
    let all = manifests(&resecret().args(args).config(CONFIG).run().succeeds());
    let selector =
        &named(&all, BINDING, "resecret-vault-secrets-warn")["spec"]["matchResources"]["namespaceSelector"];
    assert_eq!(selector["matchLabels"]["team"], "a");
    assert_eq!(selector["matchExpressions"][0]["values"], Value::from(vec!["prod", "test"]));
    // Without an action the label is what tells the bindings apart.
    resecret().args(["guard", "--namespace-selector", "team=a"]).config(CONFIG).run().fails();
    let args = ["guard", "--action", "deny", "--namespace-selector", "a b"];
    resecret().args(args).config(CONFIG).run().fails();
}

#[test]
fn an_account_can_be_exempt() {
    let args = ["guard", "--exempt", "vault/filler", "--exempt", "alice"];
    let all = manifests(&resecret().args(args).config(CONFIG).run().succeeds());
    let conditions = named(&all, POLICY, "resecret-vault-secrets")["spec"]["matchConditions"].to_string();
    for user in [
        "'system:serviceaccount:vault:filler'",
        "'alice'",
        "system:serviceaccount:external-secrets:external-secrets",
    ] {
        assert!(conditions.contains(user), "{conditions}");
    }
}

#[test]
fn the_name_is_that_of_the_configuration() {
    let config = CONFIG.replace("kind: Resecret\n", "kind: Resecret\nmetadata: {name: shop}\n");
    let all = manifests(&resecret().args(["guard"]).config(&config).run().succeeds());
    named(&all, POLICY, "resecret-shop-secrets");
    resecret().args(["guard", "--name", "Not A Name"]).config(CONFIG).run().fails();
}

#[test]
fn the_hash_tells_configurations_apart() {
    let hash = |config: &str| {
        let all = manifests(&resecret().args(["guard"]).config(config).run().succeeds());
        all[0]["metadata"]["labels"]["resecret.dev/hash"].as_str().expect("a hash").to_owned()
    };
    assert_eq!(hash(CONFIG), hash(CONFIG));
    assert_eq!(hash(CONFIG), hash(&format!("# a comment\n{CONFIG}")));
    assert_ne!(hash(CONFIG), hash(&CONFIG.replace("app-secret", "other-secret")));
}

#[test]
fn what_only_a_render_can_say_asks_for_one() {
    let source = CONFIG.replace("name: app-secret", "source: '*/templates/secret.yaml'");
    resecret().args(["guard"]).config(&source).run().fails().is("guard-source");
    let all = manifests(&resecret().args(["guard", "-"]).config(&source).run().succeeds());
    let policy = named(&all, POLICY, "resecret-vault-secrets")["spec"].to_string();
    assert!(policy.contains("object.metadata.name == 'app-secret'"), "{policy}");

    let keep = format!("{CONFIG}  env:\n  - {{to: vault, vars: {{A: a}}, keepExisting: true}}\n");
    resecret().args(["guard"]).config(&keep).run().fails().is("guard-keep-existing");
    resecret().args(["guard", "-"]).config(&keep).run().succeeds();

    let field = format!("{CONFIG}  references:\n  - {{kind: Backup, path: spec.secret}}\n");
    resecret().args(["guard"]).config(&field).run().fails().is("guard-reference");
    let known = field.replace("kind: Backup", "kind: Backup, apiVersion: example.org/v1");
    resecret().args(["guard"]).config(&known).run().succeeds();
}

#[test]
fn labels_of_a_secret_leave_references_open_and_say_so() {
    let config = CONFIG.replace("name: app-secret", "name: app-*, labels: {chart: app}");
    resecret().args(["guard", "--action", "deny"]).config(&config).run().succeeds().is("guard-labels");
}

#[test]
fn a_custom_resource_of_the_render_is_guarded() {
    let rollout = "---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {template: {spec: \
                   {containers: [{name: c, env: [{name: P, valueFrom: {secretKeyRef: {name: app-secret, key: password}}}]}]}}}\n";
    let run = resecret().args(["guard", "-"]).config(CONFIG).stdin(format!("{RENDER}{rollout}")).run();
    let all = manifests(&run.succeeds());
    let policy = &named(&all, POLICY, "resecret-vault-custom")["spec"];
    let groups = policy["matchConstraints"]["resourceRules"].to_string();
    assert!(groups.contains("argoproj.io"), "{groups}");
    let variables = policy["variables"].to_string();
    assert!(variables.contains("object.?spec.?template.?spec"), "{variables}");
}

#[test]
fn a_render_that_cannot_be_filtered_is_an_error() {
    let config = CONFIG.replace("app-secret", "absent");
    resecret().args(["guard", "-"]).config(&config).run().fails();
}

#[test]
fn a_version_without_stable_policies_is_refused() {
    let output = resecret().args(["guard", "--kubernetes", "1.29"]).config(CONFIG).run().fails();
    assert!(output.stderr.contains("stable since Kubernetes 1.30"), "{}", output.stderr);
}

#[test]
fn a_mutation_is_what_a_user_sees() {
    let config =
        format!("{CONFIG}  env:\n  - {{to: vault, vars: {{A: a}}}}\n  dropAnnotations: [\"checksum/*\"]\n");
    let config = format!("{config}  policy: {{unmatched: warn}}\n");
    resecret().args(["guard", "-o", "mutate", "-"]).config(&config).run().succeeds().is("guard-mutate");
}

#[test]
fn a_mutation_has_the_api_of_the_server() {
    for (version, api) in
        [(Some("1.33"), "v1alpha1"), (Some("1.34"), "v1beta1"), (Some("1.36"), "v1"), (None, "v1")]
    {
        let flags = version.into_iter().flat_map(|version| ["--kubernetes", version]);
        let args = ["guard", "-o", "mutate"].into_iter().chain(flags);
        let all = manifests(&resecret().args(args).config(CONFIG).run().succeeds());
        let wanted = format!("admissionregistration.k8s.io/{api}");
        assert!(all.iter().all(|one| one["apiVersion"] == wanted.as_str()), "{version:?} {all:?}");
    }
    let old = resecret().args(["guard", "-o", "mutate", "--kubernetes", "1.32"]).config(CONFIG).run().fails();
    assert!(old.stderr.contains("--kubernetes 1.36"), "{}", old.stderr);
}

#[test]
fn a_mutation_takes_no_flag_of_what_refuses() {
    for flags in [&["--action", "deny"][..], &["--protect"], &["--exempt", "a/b"], &["--check", "f.yaml"]] {
        let args = ["guard", "-o", "mutate"].iter().chain(flags);
        let run = resecret().args(args).config(CONFIG).file("f.yaml", RENDER).run().fails();
        assert!(run.stderr.contains("means nothing with -o mutate"), "{}", run.stderr);
    }
    let args = ["guard", "-o", "mutate", "--namespace-selector", "team=a"];
    let all = manifests(&resecret().args(args).config(CONFIG).run().succeeds());
    assert_eq!(all[1]["spec"]["matchResources"]["namespaceSelector"]["matchLabels"]["team"], "a");
}

#[test]
fn a_mutation_leaves_alone_what_it_could_do_twice() {
    let config = CONFIG.replace("to: vault", "to: app-secret, sameName: true, keys: {a: b, b: c}");
    let run = resecret().args(["guard", "-o", "mutate"]).config(&config).run().succeeds();
    assert!(run.stderr.contains("keeps its name"), "{}", run.stderr);
    let config = CONFIG.replace("to: vault", "to: vault, keys: {password: pw}");
    let run = resecret().args(["guard", "-o", "mutate"]).config(&config).run().succeeds();
    assert!(run.stderr.contains("only a render says which keys"), "{}", run.stderr);
    let run = resecret().args(["guard", "-o", "mutate", "-"]).config(&config).run().succeeds();
    assert!(!run.stderr.contains("only a render says"), "{}", run.stderr);
}

#[test]
fn kyverno_has_a_policy_for_each_action() {
    let all = manifests(&resecret().args(["guard", "-o", "kyverno", "-"]).config(CONFIG).run().succeeds());
    for (action, actions) in
        [("deny", &["Deny", "Audit"][..]), ("warn", &["Warn", "Audit"]), ("audit", &["Audit"])]
    {
        let policy = &named(&all, "ValidatingPolicy", &format!("resecret-vault-workloads-{action}"))["spec"];
        assert_eq!(policy["validationActions"], Value::from(actions));
        let labels = &policy["matchConstraints"]["namespaceSelector"]["matchLabels"];
        assert_eq!(labels["resecret.dev/guard"], action);
        let text = policy.to_string();
        // The request is a map there, and an object that was not there may be an empty one.
        assert!(!text.contains("request.namespace") && !text.contains("oldObject == null ?"), "{text}");
    }
    // A label of namespaces says nothing of objects outside of them.
    let cluster = &named(&all, "ValidatingPolicy", "resecret-vault-cluster-audit")["spec"];
    assert!(cluster["matchConstraints"].get("namespaceSelector").is_none(), "{cluster}");
}

#[test]
fn texts_that_hold_more_than_a_name_are_taken_apart() {
    let config = format!(
        "{CONFIG}  references:\n  - {{kind: Feed, apiVersion: example.org/v1, path: spec.source, format: name/key}}\n"
    );
    let run = resecret().args(["guard", "--name", "app"]).config(&config).run().succeeds();
    let all = manifests(&run);
    let policy = named(&all, POLICY, "resecret-app-custom")["spec"].to_string();
    assert!(policy.contains("spec.source reads "), "{policy}");
    let objects = "\
apiVersion: example.org/v1
kind: Feed
metadata: {name: reads}
spec: {source: app-secret/password}
---
apiVersion: example.org/v1
kind: Feed
metadata: {name: other}
spec: {source: other/app-secret}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: annotated, annotations: {nginx.ingress.kubernetes.io/auth-secret: web/app-secret}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: unseen, annotations: {cert-manager.io/inject-ca-from-secret: web/app-secret}}
";
    let args = ["guard", "--check", "manifests.yaml"];
    let text = resecret().args(args).config(&config).file("manifests.yaml", objects).run().finds().text();
    assert!(text.contains("spec.source reads removed Secret app-secret"), "{text}");
    assert!(text.contains("auth-secret\"] reads removed Secret app-secret"), "{text}");
    assert!(!text.contains("Feed/other"), "{text}");
    let unseen =
        text.lines().position(|line| line.contains("unseen")).expect("the configuration of a webhook");
    assert!(text.lines().nth(unseen - 1).is_some_and(|line| line.contains("no policy looks")), "{text}");
}

/// Manifests that are checked: at fault in several ways, or not at all.
const MANIFESTS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: reads}
spec: {containers: [{name: c, image: x, env: [{name: P, valueFrom: {secretKeyRef: {name: app-secret, key: password}}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: twice}
spec: {containers: [{name: c, image: x, env: [{name: A, value: a}, {name: A, value: b}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: innocent}
spec: {containers: [{name: c, image: x, env: [{name: P, valueFrom: {secretKeyRef: {name: vault, key: password}}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: made, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: r, uid: u, controller: true}]}
spec: {containers: [{name: c, image: x, env: [{name: A, value: a}, {name: A, value: b}]}]}
---
apiVersion: example.org/v1
kind: Feed
metadata: {name: feed}
spec: {feed: {name: app-secret, key: password}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: jobs}
data: {pod.yaml: '{kind: Pod, spec: {imagePullSecrets: [{name: app-secret}]}}'}
";

#[test]
fn manifests_are_judged_without_a_server() {
    let run = |manifests: &str| {
        let args = ["guard", "render.yaml", "--check", "manifests.yaml"];
        resecret().args(args).config(CONFIG).file("render.yaml", RENDER).file("manifests.yaml", manifests)
    };
    run(MANIFESTS).run().finds().is("guard-check");
    let filtered = resecret().args(["filter"]).config(CONFIG).run().succeeds().text();
    let output = run(&filtered).run().succeeds();
    assert_eq!(output.text(), "", "{}", output.stderr);
    assert!(output.stderr.contains("the policies refuse no object"), "{}", output.stderr);
    // The plain render has the Secret too.
    let output = run(RENDER).run().finds();
    assert!(output.text().contains("the policy `secrets` refuses it"), "{}", output.text());
    run("a: [").run().fails();
}

#[test]
fn without_a_render_a_name_is_that_of_a_rule() {
    let args = ["guard", "--check", "manifests.yaml"];
    let config = CONFIG.replace("name: app-secret", "name: app-*");
    let output = resecret().args(args).config(&config).file("manifests.yaml", MANIFESTS).run().finds();
    assert!(output.text().contains("reads removed Secret app-secret"), "{}", output.text());
    // What is refused without a render is refused here too.
    let source = CONFIG.replace("name: app-secret", "source: '*/templates/secret.yaml'");
    resecret().args(args).config(&source).file("manifests.yaml", MANIFESTS).run().fails();
}

#[test]
fn what_only_the_filter_guards_in_a_render_is_said() {
    let text = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: jobs}\ndata:\n  pod.yaml: |\n    kind: Pod\n    spec: {imagePullSecrets: [{name: app-secret}]}\n";
    let run =
        resecret().args(["guard", "-"]).config(CONFIG).stdin(format!("{RENDER}{text}")).run().succeeds();
    let said = "no policy looks at this: the filter changes data[\"pod.yaml\"]";
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

#[test]
fn a_secret_that_is_only_named_is_not_refused_itself() {
    let config = "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  redirect:\n  - {name: app-secret, to: vault}\n";
    let render =
        RENDER.split("---\n").filter(|document| !document.contains("kind: Secret")).collect::<Vec<_>>();
    let all = manifests(
        &resecret().args(["guard", "-"]).config(config).stdin(render.join("---\n")).run().succeeds(),
    );
    assert!(
        all.iter().all(|one| !one["metadata"]["name"].as_str().is_some_and(|name| name.contains("secrets")))
    );
    let policy = all
        .iter()
        .find(|one| one["metadata"]["name"].as_str().is_some_and(|name| name.ends_with("-workloads")));
    assert!(policy.expect("a policy")["spec"].to_string().contains("'app-secret'"));
}

/// Rules that move keys.
const ONLY: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets:
  - {name: app, only: [password], to: vault}
  configMaps:
  - {name: settings, only: [db-url], to: vault}
";

const HOLDERS: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: app}
stringData: {tz: UTC, password: canary-password}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {level: info, db-url: canary-url}
";

/// One reader of each kind, and who reads what stays.
const READERS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: takes}
spec: {containers: [{name: c, image: x, envFrom: [{secretRef: {name: app}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: mounts}
spec: {containers: [{name: c, image: x}], volumes: [{name: v, configMap: {name: settings}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: projects}
spec: {containers: [{name: c, image: x}], volumes: [{name: v, projected: {sources: [{secret: {name: app}}, {configMap: {name: other}}]}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: reads}
spec: {containers: [{name: c, image: x, env: [{name: U, valueFrom: {configMapKeyRef: {name: settings, key: db-url}}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: innocent}
spec: {containers: [{name: c, image: x, env: [{name: L, valueFrom: {configMapKeyRef: {name: settings, key: level}}}]}]}
";

#[test]
fn readers_of_moved_keys_are_judged_without_what_holds_them() {
    let render = format!("{HOLDERS}---\n{READERS}");
    let filtered = resecret().args(["filter"]).config(ONLY).stdin(render.clone()).run().succeeds().text();
    let (holders, readers) = filtered.split_once("name: takes").expect("the readers");
    let holders = holders.rsplit_once("---").expect("a document before").0;
    let readers = format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: takes{readers}");
    let check = |manifests: &str, with_render: bool| {
        let render_file = with_render.then_some("render.yaml");
        let args = ["guard"].into_iter().chain(render_file).chain(["--check", "manifests.yaml"]);
        let run = resecret().args(args.collect::<Vec<_>>()).config(ONLY).file("manifests.yaml", manifests);
        run.file("render.yaml", &render).run()
    };
    for with_render in [true, false] {
        let said = check(READERS, with_render).finds().text();
        for name in ["takes", "mounts", "projects", "reads"] {
            assert!(said.contains(&format!("Pod/{name}")), "{name}: {said}");
        }
        assert!(!said.contains("Pod/innocent"), "{said}");
        let said = check(HOLDERS, with_render).finds().text();
        assert!(said.contains("`secrets` refuses it: it holds keys"), "{said}");
        assert!(said.contains("`config-maps` refuses it: it holds keys"), "{said}");
        let output = check(&readers, with_render).succeeds();
        assert_eq!(output.text(), "", "{}", output.stderr);
        check(&filtered, with_render).succeeds();
        // Each object is judged by itself: readers are at fault beside filtered holders too.
        let said = check(&format!("{holders}---\n{READERS}"), with_render).finds().text();
        for name in ["takes", "mounts", "projects", "reads"] {
            assert!(said.contains(&format!("Pod/{name}")), "{name}: {said}");
        }
        assert!(!said.contains("Pod/innocent") && !said.contains("it holds keys"), "{said}");
    }
}

/// Documents as the items of a list.
fn list(documents: &str) -> String {
    let item = |document: &str| document.trim().replace('\n', "\n  ");
    let items: Vec<String> = documents.split("---\n").map(|one| format!("- {}\n", item(one))).collect();
    format!("apiVersion: v1\nkind: List\nitems:\n{}", items.concat())
}

#[test]
fn holders_in_a_list_are_judged_as_those_in_documents_of_their_own() {
    let render = format!("{HOLDERS}---\n{READERS}");
    let filtered = resecret().args(["filter"]).config(ONLY).stdin(HOLDERS).run().succeeds().text();
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {level: info}\n";
    let beside = format!("{other}---\n{filtered}");
    let typed = "apiVersion: v1\nkind: SecretList\nitems:\n- {metadata: {name: app}, stringData: {tz: UTC}}\n- {metadata: {name: else}, stringData: {a: canary}}\n";
    let settings = filtered.split("---\n").find(|one| one.contains("ConfigMap")).expect("a ConfigMap");
    for manifests in [
        list(&format!("{filtered}---\n{READERS}")),
        list(&format!("{READERS}---\n{filtered}")),
        format!("{}---\n{READERS}", list(&beside)),
        format!("{typed}---\n{settings}---\n{READERS}"),
        READERS.to_owned(),
    ] {
        for render in [&render, &list(&render), &list(&format!("{other}---\n{render}"))]
            .map(Some)
            .into_iter()
            .chain([None])
        {
            let render_file = render.map(|_| "render.yaml");
            let args = ["guard"].into_iter().chain(render_file).chain(["--check", "manifests.yaml"]);
            let run = resecret().args(args.collect::<Vec<_>>()).config(ONLY);
            let run =
                run.file("manifests.yaml", &manifests).file("render.yaml", render.map_or("", String::as_str));
            let said = run.run().finds().text();
            let refused: BTreeSet<&str> =
                said.lines().filter_map(|line| line.split_once("Pod/").map(|(_, name)| name)).collect();
            assert_eq!(refused, ["mounts", "projects", "reads", "takes"].into(), "{manifests}\n{said}");
            assert!(!said.contains("it holds keys") && !said.contains("warning"), "{said}");
        }
    }
}

#[test]
fn what_takes_all_keys_asks_for_a_render() {
    let stderr = |config: &str, args: &[&str]| {
        let run = resecret().args(args.iter().copied()).config(config).stdin(HOLDERS);
        run.run().succeeds().stderr
    };
    let said = stderr(ONLY, &["guard"]);
    assert!(said.contains("another source behind, is not looked at"), "{said}");
    let optional = ONLY.replace("only: [password]", "only: [password], optional: true");
    assert!(
        stderr(&optional, &["guard"]).contains("takes all keys of Secrets with name app is not looked at")
    );
    let said = stderr(ONLY, &["guard", "-"]);
    assert!(!said.contains("not looked at"), "{said}");
    let source = ONLY.replace("name: app", "source: '*/secret.yaml'");
    resecret().args(["guard"]).config(&source).run().fails();
}

#[test]
fn custom_resources_of_other_kinds_ask_for_a_render() {
    let run = |args: &[&str]| resecret().args(args.iter().copied()).config(CONFIG).run().succeeds().stderr;
    let said = "in custom resources only references to removed Secrets are guarded";
    assert!(run(&["guard"]).contains(said));
    assert!(!run(&["guard", "-"]).contains(said));
    let moves = resecret().args(["guard"]).config(ONLY).run().succeeds().stderr;
    assert!(moves.contains("of custom resources only those are guarded that the filter knows"), "{moves}");
}

/// Custom resources that no render shows: readers of a removed Secret, and others.
const UNSEEN: &str = "\
apiVersion: example.org/v1
kind: Database
metadata: {name: reads}
spec: {users: [{name: a, passwordSecret: {name: app-secret, key: password}}]}
---
apiVersion: example.org/v1
kind: Database
metadata: {name: mounts}
spec: {tls: {secretName: default/app-secret}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: makes}
spec: {secretName: app-secret}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: fills}
spec: {target: {name: app-secret}}
---
apiVersion: example.org/v1
kind: Database
metadata: {name: others}
spec: {passwordSecret: {name: vault}, service: {name: app-secret}, parent: {kind: Secret, group: example.org, name: app-secret}}
status: {secretRef: {name: app-secret}}
";

#[test]
fn references_in_custom_resources_need_no_render() {
    let config =
        "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  secrets: [{name: 'app-*', to: vault}]\n";
    let run = |args: &[&str], stdin: &str| {
        let args: Vec<&str> = args.iter().copied().chain(["--check", "unseen.yaml"]).collect();
        resecret().args(args).config(config).file("unseen.yaml", UNSEEN).stdin(stdin).run()
    };
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: app-secret}\nstringData: {password: canary}\n";
    for (args, stdin) in [(&["guard"][..], ""), (&["guard", "-"], secret)] {
        let said = run(args, stdin).finds().text();
        let refused: Vec<&str> = said.lines().filter(|line| line.starts_with("error")).collect();
        assert_eq!(refused.len(), 2, "{said}");
        for place in ["spec.users[0].passwordSecret.name", "spec.tls.secretName"] {
            let wanted = format!("the policy `others` refuses it: {place} reads removed Secret app-secret");
            assert!(said.contains(&wanted), "{said}");
        }
    }
}

#[test]
fn a_mutation_says_that_it_leaves_declared_references_alone() {
    let said = |config: &str| {
        resecret()
            .args(["guard", "-o", "mutate"])
            .config(config)
            .run()
            .succeeds()
            .stderr
            .contains("`spec.references`")
    };
    assert!(!said(CONFIG));
    let declared = "{kind: Deployment, path: 'spec.template.spec.containers[*].env[name=S].value'}";
    assert!(said(&format!("{CONFIG}  references: [{declared}]\n")));
}

#[test]
fn a_custom_resource_may_hold_more_than_a_server_looks_at() {
    let config =
        "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  secrets: [{name: 'app-*', to: vault}]\n";
    let reader = |names: usize, places: usize, text: &str| {
        let user = |n: usize| format!("{{passwordSecret: {{name: app-{}}}}}", n % names);
        let users: Vec<String> = (0..places).map(user).collect();
        format!(
            "apiVersion: example.org/v1\nkind: Database\nmetadata: {{name: d}}\nspec: {{text: '{text}', users: [{}]}}\n",
            users.join(", ")
        )
    };
    let short = "a line";
    let long = "a line ".repeat(150_000);
    for (names, places, text, is_beyond) in [
        (1, 16, short, false),
        (1, 17, short, true),
        (4, 32, short, false),
        (4, 33, short, true),
        (8, 32, short, false),
        (9, 9, short, true),
        (1, 1, &long, false),
        (2, 2, &long, true),
    ] {
        let run = resecret().args(["guard", "--check", "d.yaml"]).config(config);
        let said = run.file("d.yaml", reader(names, places, text)).run().finds().text();
        let warning = "the policy `others` may not look at every removed Secret that it names";
        assert_eq!(said.contains(warning), is_beyond, "{names} names, {places} places: {said}");
        assert!(said.contains("the policy `others` refuses it"), "{said}");
    }
}

#[test]
fn other_custom_resources_are_judged_in_and_outside_of_namespaces() {
    let all = manifests(&resecret().args(["guard", "--name", "app"]).config(CONFIG).run().succeeds());
    for (suffix, scope) in [("others", "Namespaced"), ("others-cluster", "Cluster")] {
        let policy = named(&all, POLICY, &format!("resecret-app-{suffix}"));
        let constraints = &policy["spec"]["matchConstraints"];
        assert_eq!(constraints["resourceRules"][0]["scope"], scope);
        let excluded = constraints["excludeResourceRules"][0]["apiGroups"].as_array().expect("a list");
        assert!(["", "apps", "networking.k8s.io"].iter().all(|group| excluded.contains(&(*group).into())));
        // Known kinds have a policy of their own.
        let conditions = policy["spec"]["matchConditions"].to_string();
        assert!(conditions.contains("ServiceMonitor"), "{conditions}");
    }
}

#[test]
fn references_to_what_labels_choose_need_a_render() {
    let rule = "{name: 'app-*', labels: {part: db}, to: vault}";
    let config = format!("apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  secrets: [{rule}]\n");
    let secret = |name: &str, part: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, labels: {{part: {part}}}}}\nstringData: {{password: canary}}\n---\n"
        )
    };
    let reader = |name: &str, secret: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: c, image: x, envFrom: [{{secretRef: {{name: {secret}}}}}]}}]}}\n---\n"
        )
    };
    let custom = "apiVersion: example.org/v1\nkind: Database\nmetadata: {name: custom}\nspec: {passwordSecret: {name: app-db}}\n";
    let secrets = secret("app-db", "db") + &secret("app-web", "web");
    let readers = reader("reads", "app-db") + &reader("reads-what-stays", "app-web") + custom;
    let check = |args: &[&str], manifests: &str| {
        let args = ["guard"].iter().chain(args).chain(&["--check", "manifests.yaml"]);
        let run = resecret().args(args.copied().collect::<Vec<_>>()).config(&config);
        let said = run.file("render.yaml", &secrets).file("manifests.yaml", manifests).run().text();
        let lines: Vec<&str> = said.lines().collect();
        let found = lines.windows(2).filter_map(|two| {
            let severity = two[0].split([':', '[']).next()?;
            let object = two[1].rsplit(' ').next()?;
            ["error", "warning"].contains(&severity).then(|| format!("{severity} {object}"))
        });
        found.collect::<BTreeSet<String>>()
    };
    let set = |all: &[&str]| all.iter().map(ToString::to_string).collect::<BTreeSet<String>>();
    let all = secrets.clone() + &readers;
    let refused = ["error Pod/reads", "error Database/custom"];
    assert_eq!(check(&["render.yaml"], &readers), set(&refused));
    assert_eq!(check(&["render.yaml"], &all), set(&["error Secret/app-db", refused[0], refused[1]]));
    // Without a render the Secret says itself what it is. Its readers do not: printing the policies warns of them.
    assert_eq!(check(&[], &readers), set(&[]));
    let only_the_filter = ["warning Pod/reads", "warning Database/custom"];
    assert_eq!(check(&[], &all), set(&["error Secret/app-db", only_the_filter[0], only_the_filter[1]]));
}

/// A Secret and a ConfigMap with a label, and their readers: by key, by a volume of one key, and of all keys.
const LABELLED: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: app-db, labels: {part: db}}
stringData: {tz: UTC, password: canary-password}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: app-settings, labels: {part: db}}
data: {level: info, db-url: canary-url}
";

const THEIR_READERS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: secret-key}
spec: {containers: [{name: c, image: x, env: [{name: P, valueFrom: {secretKeyRef: {name: app-db, key: password}}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: setting}
spec: {containers: [{name: c, image: x, env: [{name: U, valueFrom: {configMapKeyRef: {name: app-settings, key: db-url}}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: file}
spec: {containers: [{name: c, image: x}], volumes: [{name: v, secret: {secretName: app-db, items: [{key: password, path: p}]}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: whole-env}
spec: {containers: [{name: c, image: x, envFrom: [{secretRef: {name: app-db}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: whole-volume}
spec: {containers: [{name: c, image: x}], volumes: [{name: v, configMap: {name: app-settings}}]}
";

#[test]
fn readers_are_refused_where_the_policies_know_what_is_moved() {
    let by_key = ["Pod/secret-key", "Pod/setting", "Pod/file"];
    let whole = ["Pod/whole-env", "Pod/whole-volume"];
    let check = |more: &str, names: [&str; 2], render: &[&str], manifests: &str| {
        let rule = |name: &str, key: &str| format!("  - {{name: {name}, only: [{key}], to: vault{more}}}\n");
        let rules = [rule(names[0], "password"), rule(names[1], "db-url")];
        let config = format!(
            "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  secrets:\n{}  configMaps:\n{}",
            rules[0], rules[1]
        );
        let args = ["guard"].iter().chain(render).chain(&["--check", "manifests.yaml"]);
        let run = resecret().args(args.copied().collect::<Vec<_>>()).config(&config);
        let render = format!("{LABELLED}---\n{THEIR_READERS}");
        let said = run.file("render.yaml", &render).file("manifests.yaml", manifests).run().text();
        // A finding and the object behind it.
        let lines: Vec<&str> = said.lines().collect();
        let of = |severity: &str, pod: &str| {
            lines.windows(2).any(|two| two[0].starts_with(severity) && two[1].ends_with(pod))
        };
        by_key
            .iter()
            .chain(&whole)
            .map(|pod| (*pod, of("error", pod), of("warning", pod)))
            .collect::<Vec<_>>()
    };
    let whole_stream = format!("{LABELLED}---\n{THEIR_READERS}");
    let exact = ["app-db", "app-settings"];
    let globs = ["app-d*", "'app-s*'"];
    // A render says all, exact names too.
    for manifests in [THEIR_READERS, &whole_stream] {
        for (more, names, render) in [
            ("", globs, &["render.yaml"][..]),
            (", optional: true", exact, &["render.yaml"]),
            ("", exact, &[]),
        ] {
            for (pod, refused, warned) in check(more, names, render, manifests) {
                assert!(refused && !warned, "{pod} {more} {names:?} {render:?}");
            }
        }
    }
    // Without one a name with a key is enough, where only names are asked for; who takes all keys passes.
    for (more, names) in [("", globs), (", optional: true", exact)] {
        for (pod, refused, _) in check(more, names, &[], &whole_stream) {
            assert_eq!(refused, by_key.contains(&pod), "{pod} {more} {names:?}");
        }
        for (pod, refused, _) in check(more, names, &[], THEIR_READERS) {
            assert_eq!(refused, by_key.contains(&pod), "{pod} {more} {names:?}");
        }
    }
    // A rule with labels says no name; what the filter changes then is a warning.
    for (pod, refused, warned) in check(", labels: {part: db}", globs, &[], &whole_stream) {
        assert!(!refused && warned, "{pod}");
    }
}
