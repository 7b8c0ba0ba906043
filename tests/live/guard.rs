use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::clients;
use crate::cluster;
use crate::custom_kind::make_kind;
use crate::machine::{Major, RESECRET, Run, repository, text};
use crate::site::Site;
use crate::{BOTH, Scenario, Try};

/// What needs no Helm is tried once.
const ONE: &[Major] = &[Major::Three];

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "guard::forgotten_flag", majors: BOTH, run: forgotten_flag },
    Scenario { name: "guard::ratchet", majors: ONE, run: ratchet },
    Scenario { name: "guard::moved_keys", majors: ONE, run: moved_keys },
    Scenario { name: "guard::custom_resources", majors: ONE, run: custom_resources },
    Scenario { name: "guard::accounts", majors: ONE, run: accounts },
    Scenario { name: "guard::protect", majors: ONE, run: protect },
    Scenario { name: "guard::budget", majors: ONE, run: budget },
    Scenario { name: "guard::moved_budget", majors: ONE, run: moved_budget },
];

/// How long a policy may take until it is in force; the server compiles those of other scenarios at the same time.
const PATIENCE: Duration = Duration::from_secs(120);

/// Policies of a site, for its own namespace alone; they go with it.
struct Guard<'s> {
    site: &'s Site,
}

impl<'s> Guard<'s> {
    /// Compiles the configuration of the site, with these flags, and waits until it is in force.
    fn apply(site: &'s Site, render: Option<&str>, flags: &[&str]) -> Result<Self> {
        let file = render.map(|render| site.machine.write("guarded.yaml", render)).transpose()?;
        let render = file.as_deref().map(text).transpose()?;
        let policies = compile(site, &flags.iter().copied().chain(render).collect::<Vec<_>>())?;
        let guard = Self { site };
        // A server may see one binding and not the next one yet. The probe meets the binding that comes last.
        let is_probed =
            |manifest: &&str| manifest.contains("Binding\n") && manifest.contains("-workloads-deny\n");
        let (last, first): (Vec<&str>, Vec<&str>) = policies.split("---\n").partition(is_probed);
        for manifests in [first, last] {
            let file = site.machine.write("policies.yaml", &manifests.join("---\n"))?;
            site.kubectl(["apply", "-f", text(&file)?])?.succeeded()?;
        }
        let probe = site.machine.write("probe.yaml", PROBE)?;
        guard.until_refused(&["create", "--dry-run=server", "-f", text(&probe)?])?;
        Ok(guard)
    }

    /// The policies that the configuration gives now, as a file.
    fn print(&self, flags: &[&str]) -> Result<PathBuf> {
        self.site.machine.write("policies.yaml", &compile(self.site, flags)?)
    }

    fn until_refused(&self, command: &[&str]) -> Result<()> {
        let begun = Instant::now();
        while self.site.kubectl(command.iter().copied())?.code == Some(0) {
            ensure!(begun.elapsed() < PATIENCE, "no policy is in force");
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

/// Runs `guard` with the configuration of a site, for its own namespace.
fn compile(site: &Site, flags: &[&str]) -> Result<String> {
    let selector = format!("kubernetes.io/metadata.name={}", site.namespace());
    let config = site.machine.path("resecret.yaml");
    let mut arguments =
        vec!["guard", "--action", "deny", "--namespace-selector", &selector, "--name", site.namespace()];
    arguments.extend(["--config", text(&config)?]);
    arguments.extend(flags);
    Ok(site.helm.run_by(RESECRET.as_ref(), arguments)?.succeeded()?.stdout)
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let label = format!("resecret.dev/guard={}", self.site.namespace());
        let kinds = "validatingadmissionpolicybindings,validatingadmissionpolicies";
        let _ = self.site.kubectl(["delete", kinds, "-l", &label]);
    }
}

/// What every configuration of these scenarios refuses: a variable twice.
const PROBE: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: probe}\nspec:\n  containers:\n  - {name: probe, image: x, env: [{name: A, value: a}, {name: A, value: b}]}\n";

const RULES: &str =
    "  secrets:\n  - {name: app-secret, to: vault}\n  env:\n  - {to: vault, vars: {SALT: salt, KEY: key}}\n";

/// A release that went through the filter, and then an upgrade without the flag.
fn forgotten_flag(this: &Try) -> Result<()> {
    let mut site = this.site()?;
    site.umbrella()?;
    site.rules("  presets:\n  - {name: langfuse, to: langfuse-vault}\n")?;
    let render = fs::read_to_string(repository("tests/renders/umbrella-helm3.yaml"))?;
    let _guard = Guard::apply(&site, Some(&render), &["--protect"])?;
    let keys = ["create", "secret", "generic", "langfuse-vault"];
    let literals = ["--from-literal=nextauth-secret=canary-1", "--from-literal=salt=canary-2"];
    // With a key that pods need and that is not there, it is refused.
    refused(&site.kubectl(keys.into_iter().chain([literals[0]]))?, "would have no value for salt")?;
    site.kubectl(keys.into_iter().chain(literals))?.succeeded()?;
    site.upgrade(&["--install"])?.succeeded()?;
    let before = deployments(&site)?;

    let upgrade = site.upgrade_plain()?;
    refused(
        &upgrade,
        "Secret lf-langfuse-nextauth is removed from the release, which reads Secret langfuse-vault",
    )?;
    upgrade.says("--post-renderer resecret")?;
    upgrade.does_not_say("changeme")?;
    ensure!(deployments(&site)? == before, "a live Deployment has changed");
    site.row(
        "`helm upgrade` without `--post-renderer`, after an installation with it",
        "",
        "exit 1, the message on the terminal, live objects untouched",
    );

    refused(&site.rollback("2", &[])?, "lf-langfuse-nextauth is removed from the release")?;
    ensure!(deployments(&site)? == before, "a live Deployment has changed");
    site.row("`helm rollback` to the plain revision", "", "exit 1, live objects untouched");

    site.upgrade(&[])?.succeeded()?;
    site.row("the next upgrade with the flag", "", "goes through");
    for command in [
        &["rollout", "restart", "deployment/lf-langfuse-web"][..],
        &["scale", "--replicas=2", "deployment/lf-langfuse-web"],
        &["set", "image", "deployment/lf-langfuse-web", "langfuse-web=langfuse/langfuse:4"],
    ] {
        site.kubectl(command.iter().copied())?.succeeded()?;
    }
    site.row("restart, scale, a new image of what went through", "", "go through");
    audit(&site, "the audit log, bodies aside")
}

/// Demands that the audit log tells of the refusals and holds no value.
fn audit(site: &Site, what: &str) -> Result<()> {
    let Some(log) = cluster::audit_log() else { return Ok(()) };
    let log = fs::read_to_string(log)?;
    // The tests' server also notes the bodies of requests, for other trials; what policies say is beside them.
    let without_body = |line: &str| -> Result<String> {
        let mut event: Value = serde_json::from_str(line)?;
        event.as_object_mut().context("an event")?.remove("requestObject");
        Ok(event.to_string())
    };
    let own = log.lines().filter(|line| line.contains(site.namespace()));
    let own: Vec<String> = own.map(without_body).collect::<Result<_>>()?;
    let noted = own.iter().filter(|line| line.contains("validation_failure")).count();
    ensure!(noted > 0, "the audit log of {} lines says nothing of a refusal", own.len());
    for value in ["changeme", "canary", "Y2hhbmdlbWU", "Y2FuYXJ5"] {
        ensure!(!own.iter().any(|line| line.contains(value)), "the audit log holds a value: {value}");
    }
    site.row(what, &noted.to_string(), "the refusals, no value");
    Ok(())
}

/// The Deployments as they are wanted.
fn deployments(site: &Site) -> Result<Vec<Value>> {
    let list: Value =
        serde_json::from_str(&site.kubectl(["get", "deployments", "-o", "json"])?.succeeded()?.stdout)?;
    let items = list["items"].as_array().context("a list")?;
    ensure!(!items.is_empty(), "there is no Deployment");
    Ok(items.iter().map(|item| json!([item["metadata"]["generation"], item["spec"]])).collect())
}

fn refused(run: &Run, message: &str) -> Result<()> {
    ensure!(run.code != Some(0), "not refused: {run}");
    run.says(message)?;
    run.says("resecret:")
}

/// A Deployment with these entries of `env`, as JSON.
fn deployment(env: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app"},
        "spec": {
            "selector": {"matchLabels": {"app": "app"}},
            "template": {
                "metadata": {"labels": {"app": "app"}},
                "spec": {"containers": [{"name": "app", "image": "x", "env": env}]},
            },
        },
    })
}

fn kubectl_with(site: &Site, command: &[&str], object: &Value) -> Result<Run> {
    let file = site.machine.write("object.json", &object.to_string())?;
    site.kubectl(command.iter().copied().chain(["-f", text(&file)?]))
}

/// An object that was at fault before the guard stays operable, and cannot get worse.
fn ratchet(this: &Try) -> Result<()> {
    let mut site = this.site()?;
    site.rules(RULES)?;
    let salt = json!({"name": "SALT", "value": "canary-1"});
    let key = json!({"name": "KEY", "value": "canary-2"});
    let chart = json!({"name": "P", "valueFrom": {"secretKeyRef": {"name": "app-secret", "key": "p"}}});
    let port = json!({"name": "PORT", "value": "80"});
    kubectl_with(&site, &["create"], &deployment(&json!([salt, key, chart, port])))?.succeeded()?;
    let _guard = Guard::apply(&site, None, &[])?;
    for command in [
        &["rollout", "restart", "deployment/app"][..],
        &["scale", "--replicas=2", "deployment/app"],
        &["set", "image", "deployment/app", "app=y"],
        &["label", "deployment/app", "team=a"],
        // Nothing that the rules are about.
        &["set", "env", "deployment/app", "MODE=fast"],
        // One of the faults is mended, the others stay.
        &["set", "env", "deployment/app", "KEY-"],
    ] {
        site.kubectl(command.iter().copied())?.succeeded()?;
    }
    site.row(
        "restart, scale, image, label, another variable, one fault less of what was at fault before",
        "",
        "go through",
    );
    refused(
        &site.kubectl(["set", "env", "deployment/app", "KEY=canary-3"])?,
        "variable KEY must read key key of Secret vault",
    )?;
    refused(
        &site.kubectl(["set", "env", "deployment/app", "SALT=canary-4"])?,
        "variable SALT must read key salt of Secret vault",
    )?;
    let more = json!({"name": "Q", "valueFrom": {"secretKeyRef": {"name": "app-secret", "key": "q"}}});
    let replaced = kubectl_with(&site, &["replace"], &deployment(&json!([salt, chart, more])))?;
    refused(&replaced, "variable Q reads app-secret")?;
    site.row("a new fault in an old object, an old one with a new value", "", "refused");
    // What a controller makes of it was judged before.
    let mut pod = deployment(&json!([salt, chart]))["spec"]["template"].clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "app-1".into();
    refused(&kubectl_with(&site, &["create"], &pod)?, "reads a removed Secret")?;
    pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app", "uid": "1", "controller": true}]);
    kubectl_with(&site, &["create"], &pod)?.succeeded()?;
    site.row("a pod of an old ReplicaSet", "", "goes through");
    Ok(())
}

/// Keys that `only` moves, in a Secret and a ConfigMap that were at fault before, and in a pod that reads them.
fn moved_keys(this: &Try) -> Result<()> {
    let mut site = this.site()?;
    site.rules(
        "  secrets:\n  - {name: app, only: [password], to: vault}\n  configMaps:\n  - {name: settings, only: [db-url], to: vault}\n",
    )?;
    let secret = ["secret", "generic", "app", "--from-literal=tz=UTC", "--from-literal=password=canary-1"];
    let map = ["configmap", "settings", "--from-literal=level=info", "--from-literal=db-url=canary-2"];
    site.kubectl(["create"].into_iter().chain(secret))?.succeeded()?;
    site.kubectl(["create"].into_iter().chain(map))?.succeeded()?;
    let reader = json!([{"name": "P", "valueFrom": {"secretKeyRef": {"name": "app", "key": "password"}}}]);
    let mut object = deployment(&reader);
    let container = "/spec/template/spec/containers/0";
    object.pointer_mut(container).context("a container")?["envFrom"] =
        json!([{"configMapRef": {"name": "settings"}}]);
    kubectl_with(&site, &["create"], &object)?.succeeded()?;
    let _guard = Guard::apply(&site, None, &[])?;
    for command in [
        &["label", "secret/app", "team=a"][..],
        &["patch", "secret/app", "--type=merge", "--patch={\"stringData\": {\"tz\": \"CET\"}}"],
        &["patch", "configmap/settings", "--type=merge", "--patch={\"data\": {\"level\": \"debug\"}}"],
        &["rollout", "restart", "deployment/app"],
        &["set", "image", "deployment/app", "app=y"],
    ] {
        site.kubectl(command.iter().copied())?.succeeded()?;
    }
    site.row("`only`: other keys, restart, image of what held or read moved keys before", "", "go through");
    let patch = "--patch={\"stringData\": {\"password\": \"canary-3\"}}";
    let run = site.kubectl(["patch", "secret/app", "--type=merge", patch])?;
    refused(&run, "Secret app holds key password, which goes to Secret vault")?;
    run.does_not_say("canary")?;
    let patch = "--patch={\"data\": {\"db-url\": \"canary-4\"}}";
    let run = site.kubectl(["patch", "configmap/settings", "--type=merge", patch])?;
    refused(&run, "ConfigMap settings holds key db-url")?;
    object["metadata"]["name"] = "other".into();
    let run = kubectl_with(&site, &["create", "--dry-run=server"], &object)?;
    refused(&run, "variable P reads key password of app")?;
    run.says("envFrom takes key db-url of settings")?;
    let stays = json!([{"name": "TZ", "valueFrom": {"secretKeyRef": {"name": "app", "key": "tz"}}}]);
    let mut reads = deployment(&stays);
    reads["metadata"]["name"] = "stays".into();
    kubectl_with(&site, &["create", "--dry-run=server"], &reads)?.succeeded()?;
    site.row(
        "`only`: a new value of a moved key, a new reader of one; a reader of another key",
        "",
        "refused, refused; goes through",
    );
    Ok(())
}

/// A custom resource that no render shows.
fn custom(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "guard.example.org/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// Custom resources that no render shows: at fault before and after, makers of Secrets, and as large as they get.
fn custom_resources(this: &Try) -> Result<()> {
    let mut site = this.site()?;
    let name = format!("chart-{}", site.namespace());
    site.rules(&format!("  secrets:\n  - {{name: [{name}, '{name}-*'], to: vault}}\n"))?;
    for (kind, scope) in [("Store", "Namespaced"), ("Realm", "Cluster")] {
        make_kind(&site, "guard.example.org", kind, "v1", scope)?;
    }
    let reads = json!({"size": 1, "users": [{"password": "canary-1", "passwordSecret": {"key": "p", "name": name}, "url": "http://a:canary-2@c"}]});
    kubectl_with(&site, &["create"], &custom("Store", "old", &reads))?.succeeded()?;
    let filler = json!([{"x": ["a", "b"]}, {"y": 1.5}, null]);
    let items = |count: usize, item: &dyn Fn(usize) -> Value| json!({"items": (0..count).map(item).collect::<Vec<Value>>()});
    let named = |n: usize| json!({"host": {"key": "k", "name": format!("{name}-{}", n % 40)}, "v": filler});
    let mut large = items(9_000, &named);
    large["aFirst"] = reads.clone();
    let many = items(320, &|n| json!({"passwordSecret": {"name": format!("{name}-{}", n % 8)}, "v": filler}));
    kubectl_with(&site, &["create"], &custom("Store", "many-old", &many))?.succeeded()?;
    kubectl_with(&site, &["create"], &custom("Store", "large-old", &large))?.succeeded()?;
    let _guard = Guard::apply(&site, None, &[])?;
    for command in [
        &["label", "store/old", "team=a"][..],
        &["patch", "store/old", "--type=merge", "--patch={\"spec\": {\"size\": 2}}"],
        &["label", "store/large-old", "team=a"],
    ] {
        site.kubectl(command.iter().copied())?.succeeded()?;
    }
    let more = format!("--patch={{\"spec\": {{\"tls\": {{\"secretName\": \"{name}-tls\"}}}}}}");
    let run = site.kubectl(["patch", "store/old", "--type=merge", &more])?;
    refused(&run, &format!("Store old reads a removed Secret: tls.secretName reads {name}-tls"))?;
    run.does_not_say("passwordSecret")?;
    run.does_not_say("canary")?;
    site.row(
        "a custom resource that no render shows and that was at fault before: label, another field; one more reference",
        "",
        "go through; refused",
    );
    let dry = ["create", "--dry-run=server"];
    let run = kubectl_with(&site, &dry, &custom("Store", "new", &reads))?;
    refused(&run, &format!("users.passwordSecret.name reads {name}"))?;
    run.does_not_say("canary")?;
    let run = kubectl_with(
        &site,
        &dry,
        &custom(
            "Realm",
            &name,
            &json!({"key": "canary-3", "secretRef": {"name": name, "token": "canary-4"}}),
        ),
    )?;
    refused(&run, "secretRef.name reads")?;
    run.does_not_say("canary")?;
    for innocent in [
        json!({"passwordSecret": {"name": "vault"}, "writeConnectionSecretToRef": {"name": name}}),
        json!({"service": {"name": name}, "owner": {"kind": "Secret", "group": "example.org", "name": name}}),
        json!({"text": format!("{{\"secretRef\":{{\"name\":\"{name}\"}}}}, \"secretName\":\"{name}\"")}),
    ] {
        kubectl_with(&site, &dry, &custom("Store", "innocent", &innocent))?.succeeded()?;
    }
    site.row(
        "one that reads a removed Secret, in a namespace and outside; one that makes it, or has its name elsewhere or in a text",
        "",
        "refused; go through",
    );
    // Texts, shallow lists, and removed names wherever they can stand.
    let line = format!("see \"{name}\" or {{mail}} to [a@example.org] ");
    for large in [
        json!({"text": line.repeat(1_000_000 / line.len())}),
        items(14_000, &|n| json!({"name": format!("x{n}"), "value": n, "deep": filler})),
        items(9_000, &|_| json!({"host": {"key": "k", "name": name}, "v": filler})),
        items(9_000, &named),
    ] {
        let mut object = custom("Store", "large", &large);
        kubectl_with(&site, &dry, &object)?.succeeded()?;
        object["spec"]["aFirst"] = json!({"passwordSecret": {"name": name}});
        refused(&kubectl_with(&site, &dry, &object)?, &format!("aFirst.passwordSecret.name reads {name}"))?;
    }
    site.row("a custom resource of 1 MiB; one reference more", "", "stored; refused");
    // As many places as are looked at, with as much before each as is read.
    let text = "a line of text ".repeat(100);
    let many = items(
        320,
        &|n| json!({"text": text, "w": {"passwordSecret": {"name": format!("{name}-{}", n % 40)}}}),
    );
    refused(&kubectl_with(&site, &dry, &custom("Store", "many", &many))?, "passwordSecret.name reads")?;
    let patch = "--patch={\"spec\": {\"size\": 2}}";
    site.kubectl(["patch", "store/many-old", "--type=merge", patch])?.succeeded()?;
    site.row(
        "320 references to 40 Secrets; another field of such an object from before",
        "",
        "refused; goes through",
    );
    within_budget(&site)?;
    audit(&site, "the audit log of refused custom resources, bodies aside")
}

/// Pods and ConfigMaps as large as they get, where `only` moves some of many keys.
fn moved_budget(this: &Try) -> Result<()> {
    let mut site = this.site()?;
    site.rules(
        "  secrets:\n  - {name: app, only: [password], to: vault}\n  configMaps:\n  - {name: settings, only: [db-url], to: vault}\n",
    )?;
    let _guard = Guard::apply(&site, None, &[])?;
    let answer = |object: &Value| kubectl_with(&site, &["create", "--dry-run=server"], object);
    let of = |source: &str, holder: &str, key: &str, number: usize| {
        let from = json!({"name": holder, "key": key});
        json!({"name": format!("APP_FEATURE_{number:04}"), "valueFrom": {source: from}})
    };
    let sources = [("secretKeyRef", "app", "password"), ("configMapKeyRef", "settings", "db-url")];
    let stays = |number: usize| of(sources[number % 2].0, sources[number % 2].1, "stays", number);
    let many: Vec<Value> = (0..1000).map(stays).collect();
    answer(&deployment(&json!(many)))?.succeeded()?;
    for (source, holder, key) in sources {
        let mut all = many.clone();
        all[999] = of(source, holder, key, 999);
        refused(
            &answer(&deployment(&json!(all)))?,
            &format!("APP_FEATURE_0999 reads key {key} of {holder}"),
        )?;
    }
    site.row(
        "`only`: 1,000 variables that read other keys; one that reads a moved one",
        "",
        "stored; refused",
    );
    let map = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data});
    answer(&map(json!({"file": "a line of text ".repeat(65_000)})))?.succeeded()?;
    let mut keys: serde_json::Map<String, Value> =
        (0..1000).map(|key| (format!("file-{key}"), "a line of text ".repeat(65).into())).collect();
    answer(&map(keys.clone().into()))?.succeeded()?;
    keys.insert("db-url".to_owned(), "canary".into());
    refused(&answer(&map(keys.into()))?, "ConfigMap settings holds key db-url")?;
    site.row(
        "`only`: a ConfigMap of 1 MiB, one key, 1,000 keys; one moved key more",
        "",
        "stored, stored; refused",
    );
    within_budget(&site)
}

/// Who may write the Secrets, and where.
fn accounts(this: &Try) -> Result<()> {
    let mut site = this.site()?;
    site.rules(RULES)?;
    let create =
        ["create", "secret", "generic", "app-secret", "--from-literal=p=canary-1", "--dry-run=server"];
    let guard = Guard::apply(&site, None, &["--exempt", "vault/filler"])?;
    let run = site.kubectl(create)?;
    refused(&run, "Secret app-secret is removed from the release")?;
    run.does_not_say("canary")?;
    for user in [
        "external-secrets:external-secrets",
        "kube-system:sealed-secrets-controller",
        "vault-secrets-operator-system:vault-secrets-operator-controller-manager",
        "vault:filler",
    ] {
        let user = format!("--as=system:serviceaccount:{user}");
        site.kubectl(create.into_iter().chain([user.as_str()]))?.succeeded()?;
    }
    site.kubectl(create.into_iter().chain(["--type=helm.sh/release.v1"]))?.succeeded()?;
    site.kubectl(create.into_iter().chain(["--namespace=default"]))?.succeeded()?;
    site.row(
        "a removed Secret by External Secrets, Sealed Secrets, the Vault Secrets Operator, by an account of `--exempt`, in a namespace that is not guarded; Helm's own storage",
        "",
        "go through",
    );
    // The configuration changes, and with it the policies: as a difference first, then in force.
    let before = site.kubectl(["get", "validatingadmissionpolicies", "-o", "name"])?.succeeded()?.stdout;
    let changed = format!(
        "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n{RULES}  dropAnnotations: ['checksum/*']\n"
    );
    site.machine.write("resecret.yaml", &changed)?;
    let file = guard.print(&["--exempt", "vault/filler"])?;
    site.machine.add_tool("diff", &clients::on_path("diff").context("there is no diff")?)?;
    let difference = site.kubectl(["diff", "-f", text(&file)?])?;
    ensure!(difference.code == Some(1), "no difference: {difference}");
    for sign in ["-    resecret.dev/hash: ", "+    resecret.dev/hash: ", "checksum/"] {
        difference.says(sign)?;
    }
    site.kubectl(["apply", "-f", text(&file)?])?.succeeded()?;
    site.kubectl(["diff", "-f", text(&file)?])?.succeeded()?;
    let after = site.kubectl(["get", "validatingadmissionpolicies", "-o", "name"])?.succeeded()?.stdout;
    let own = |all: &str| all.lines().filter(|name| name.contains(site.namespace())).count();
    ensure!(own(&before) == own(&after), "a policy more or less: {before} {after}");
    site.row(
        "`kubectl diff` of the policies of a changed configuration; once more after `kubectl apply`",
        "",
        "shows the change and another `resecret.dev/hash`; shows nothing",
    );
    Ok(())
}

/// Secrets that must stay.
fn protect(this: &Try) -> Result<()> {
    let mut site = this.site()?;
    site.rules(RULES)?;
    let secret = |name: &str, keys: &[&str]| {
        let literals: Vec<String> = keys.iter().map(|key| format!("--from-literal={key}=canary")).collect();
        let arguments = ["create", "secret", "generic", name].into_iter();
        site.kubectl(arguments.chain(literals.iter().map(String::as_str)).collect::<Vec<_>>())
    };
    secret("app-secret", &["p"])?.succeeded()?;
    let _guard = Guard::apply(&site, None, &["--protect"])?;
    secret("vault", &["salt", "key"])?.succeeded()?;
    refused(&site.kubectl(["delete", "secret", "app-secret"])?, "pods may still read Secret app-secret")?;
    refused(&site.kubectl(["delete", "secret", "vault"])?, "pods may still read Secret vault")?;
    let patch = ["patch", "secret", "vault", "--type=merge", "--patch={\"data\": {\"salt\": null}}"];
    refused(&site.kubectl(patch)?, "would have no value for salt")?;
    site.kubectl(["annotate", "secret", "app-secret", "helm.sh/resource-policy=keep"])?.succeeded()?;
    site.kubectl(["annotate", "secret", "app-secret", "resecret.dev/released="])?.succeeded()?;
    site.kubectl(["delete", "secret", "app-secret"])?.succeeded()?;
    site.row(
        "`--protect`: delete, take a key away; delete after the annotation",
        "",
        "refused, refused; deleted",
    );
    Ok(())
}

/// Objects as large as they get, innocent and at fault: an answer within the server's budget.
fn budget(this: &Try) -> Result<()> {
    let mut site = this.site()?;
    site.rules(&format!("{RULES}  policy: {{plaintext: error}}\n"))?;
    let _guard = Guard::apply(&site, None, &[])?;
    let entry = |number: usize| json!({"name": format!("APP_FEATURE_{number:04}_ENABLED"), "value": format!("v{number}")});
    let many: Vec<Value> = (0..1000).map(entry).collect();
    let answer = |object: &Value| kubectl_with(&site, &["create", "--dry-run=server"], object);
    answer(&deployment(&json!(many)))?.succeeded()?;
    let with = |more: Value| {
        let mut all = many.clone();
        all[999] = more;
        deployment(&json!(all))
    };
    refused(&answer(&with(entry(0)))?, "variable APP_FEATURE_0000_ENABLED")?;
    // A number is no credential: where two policies refuse, the server shows the message of either.
    refused(&answer(&with(json!({"name": "SALT", "value": "80"})))?, "variable SALT must read")?;
    refused(&answer(&with(json!({"name": "DB_PASSWORD", "value": "canary"})))?, "variable DB_PASSWORD")?;
    site.row("1,000 variables: innocent; one duplicate, one literal, one credential", "", "stored; refused");
    let map = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": data});
    let line = "see http://example.org/ or mail to a@example.org ";
    let one = line.repeat(1_000_000 / line.len());
    answer(&map(json!({"file": one})))?.succeeded()?;
    let mut keys: serde_json::Map<String, Value> =
        (0..250).map(|key| (format!("file-{key}"), line.repeat(80).into())).collect();
    answer(&map(keys.clone().into()))?.succeeded()?;
    keys.insert("db-password".to_owned(), "canary".into());
    refused(&answer(&map(keys.into()))?, "key db-password")?;
    site.row("a ConfigMap of 1 MiB: one key, 250 keys; one credential more", "", "stored, stored; refused");
    // As much as is searched, of what is dear to search: names that speak, and the beginnings of all credentials.
    let dear =
        "http://a:b@c eyJhbGciOiJIUzI1NiJ9.eyJzdWIi ghp_ AKIA sk- xoxb- github_pat_ glpat- npm_ A_b-c ";
    for (count, size) in [(50, 4096), (100, 2048), (250, 1024), (500, 512), (1000, 256)] {
        let value: String = dear.chars().cycle().take(size).collect();
        let keys = (0..count).map(|n| (format!("app.secret-x{n:04}.password"), value.clone().into()));
        let variable = |n| json!({"name": format!("APP_SECRET_{n:04}_PASSWORD"), "value": value});
        let variables: Vec<Value> = (0..count).map(variable).collect();
        for object in [map(keys.collect::<serde_json::Map<_, _>>().into()), deployment(&json!(variables))] {
            let answer = answer(&object)?;
            refused(&answer, "what looks like a plain credential")
                .with_context(|| format!("{} with {count} values", object["kind"]))?;
        }
    }
    site.row("50 to 1,000 credentials, as long as is searched", "", "refused");
    within_budget(&site)
}

/// Demands that no expression was too dear.
fn within_budget(site: &Site) -> Result<()> {
    if let Some(log) = cluster::audit_log() {
        // The policies of other scenarios are in the same log.
        let log = fs::read_to_string(log)?;
        let own = log.lines().filter(|line| line.contains(site.namespace()));
        let dear = own.filter(|line| line.contains("cost limit exceeded") || line.contains("cost budget"));
        ensure!(dear.count() == 0, "an expression was too dear");
    }
    Ok(())
}
