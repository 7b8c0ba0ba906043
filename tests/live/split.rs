use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::adopted::{Adopted, After};
use crate::kubelet::{Seen, Store, pods};
use crate::machine::{Major, text};
use crate::site::Site;
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "split::secret", majors: BOTH, run: secret },
    Scenario { name: "split::config_map", majors: BOTH, run: config_map },
    Scenario { name: "split::redirected", majors: BOTH, run: redirected },
    Scenario { name: "split::adopted", majors: THREE, run: adopted },
    Scenario { name: "split::adopted_by_helm4", majors: FOUR, run: adopted },
    Scenario { name: "split::adopted_of_helm3", majors: FOUR, run: |this| adopted(&this.of_helm3()) },
];

/// Scenarios of which others try the same on another way.
pub(crate) const THOROUGH: &[&str] = &["split::adopted_by_helm4", "split::adopted_of_helm3"];

const THREE: &[Major] = &[Major::Three];
const FOUR: &[Major] = &[Major::Four];

/// A chart whose Secret holds settings and credentials, and every way in which pods take them.
const APP: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: app}
data: {TZ: RXRjL1VUQw==, PASSWORD: Y2FuYXJ5LXBhc3N3b3Jk, 1ST: Y2FuYXJ5LTFzdA==}
stringData: {TOKEN: canary-token, tls.crt: certificate}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {LEVEL: info, TOKEN: overridden}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
      - name: init
        image: example.org/init
        envFrom: [{secretRef: {name: app, optional: true}, prefix: APP_}]
      containers:
      - name: web
        image: example.org/web
        envFrom:
        - secretRef: {name: app}
        - configMapRef: {name: settings}
        env:
        - {name: URL, value: 'postgres://app:$(PASSWORD)@db/$(TZ)'}
        - {name: ZONE, valueFrom: {secretKeyRef: {name: app, key: TZ}}}
        - {name: KEY, valueFrom: {secretKeyRef: {name: app, key: PASSWORD}}}
        volumeMounts:
        - {name: all, mountPath: /all}
        - {name: all, mountPath: /one, subPath: TOKEN}
      volumes:
      - name: all
        secret: {secretName: app, defaultMode: 0440}
      - name: some
        secret:
          secretName: app
          items: [{key: PASSWORD, path: p, mode: 0400}, {key: TZ, path: z}]
      - name: both
        projected:
          sources:
          - secret: {name: app}
          - configMap: {name: settings}
";

/// A workload of another kind that takes all keys of one source.
fn nightly(source: &str) -> String {
    format!(
        "\
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly}}
spec:
  schedule: 0 0 * * *
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - name: job
            image: example.org/job
            envFrom: [{source}]
"
    )
}

const RULES: &str = "  secrets:\n  - {name: app, only: [PASSWORD, TOKEN, 1ST], to: app-vault, keys: {PASSWORD: db-password}}\n  policy: {plaintext: allow, texts: allow}\n";

/// What the vault's operator has made.
const VAULT: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: app-vault}
stringData: {db-password: canary-password, TOKEN: canary-token, 1ST: canary-1st, other: canary-other}
";

/// A chart whose ConfigMap holds a password.
const MAP: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: app-env}
data: {DB_HOST: db, DB_PASSWORD: canary-password, api.key: canary-key}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.org/web
        envFrom: [{configMapRef: {name: app-env}}]
        env:
        - {name: URL, value: 'postgres://app:$(DB_PASSWORD)@$(DB_HOST)'}
        - {name: KEY, valueFrom: {configMapKeyRef: {name: app-env, key: api.key}}}
      volumes:
      - name: all
        configMap: {name: app-env, defaultMode: 0440}
      - name: moved
        configMap: {name: app-env, items: [{key: DB_PASSWORD, path: p, mode: 0400}]}
      - name: both
        projected:
          sources:
          - configMap: {name: app-env, items: [{key: DB_HOST, path: h}, {key: api.key, path: k}]}
";

const MAP_RULES: &str = "  configMaps:\n  - {name: app-env, only: [DB_PASSWORD, api.key], to: app-vault, keys: {DB_PASSWORD: db-password}}\n";

/// A chart whose pods read Secrets that it does not render.
const HOOKED: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.org/web
        envFrom: [{secretRef: {name: made-all}}]
        env:
        - {name: KEY, valueFrom: {secretKeyRef: {name: made, key: PASSWORD}}}
        - {name: URL, value: 'postgres://app:$(KEY)@db'}
      volumes:
      - name: some
        secret: {secretName: made, items: [{key: PASSWORD, path: p, mode: 0400}]}
      - name: both
        projected:
          sources:
          - secret: {name: made, items: [{key: PASSWORD, path: q}]}
          - secret: {name: made-all}
";

/// What a hook of the chart has made.
const MADE: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: made}
stringData: {PASSWORD: canary-password}
---
apiVersion: v1
kind: Secret
metadata: {name: made-all}
stringData: {TOKEN: canary-token, 1ST: canary-1st}
";

const REDIRECT: &str = "  redirect:\n  - {name: made, to: app-vault, keys: {PASSWORD: db-password}}\n  - {name: made-all, to: all-vault}\n";

/// The live objects that count.
fn objects(site: &Site, kinds: &str) -> Result<Vec<Value>> {
    let run = site.kubectl(["get", kinds, "-o", "json"])?.succeeded()?;
    let list: Value = serde_json::from_str(&run.stdout)?;
    list["items"].as_array().cloned().context("a list")
}

/// What the pods of the live objects see; without these keys of the chart's Secret, where they have moved.
fn seen(site: &Site, without: &[&str]) -> Result<Vec<Seen>> {
    let mut data = objects(site, "secrets,configmaps")?;
    for object in
        data.iter_mut().filter(|object| object["kind"] == "Secret" && object["metadata"]["name"] == "app")
    {
        let fields = object["data"].as_object_mut().context("data")?;
        fields.retain(|key, _| !without.contains(&key.as_str()));
    }
    let store = Store::of(data.iter());
    let workloads = objects(site, "deployments,cronjobs")?;
    Ok(workloads.iter().flat_map(pods).map(|pod| store.pod(pod)).collect())
}

/// A release of a chart with a workload beside it, and what its pods see.
fn installed(mut site: Site, chart: &str, source: &str, rules: &str) -> Result<(Site, Vec<Seen>)> {
    site.render(&(chart.to_owned() + &nightly(source)))?;
    site.rules(rules)?;
    site.install_plain()?;
    let before = seen(&site, &[])?;
    ensure!(before.len() == 2 && before.iter().all(|pod| !pod.variables.is_empty()), "{before:?}");
    Ok((site, before))
}

/// Makes the vaulted Secret.
fn fill(site: &Site, vault: &str) -> Result<()> {
    let vault = site.machine.write("vault.yaml", vault)?;
    site.kubectl(["apply", "--server-side", "-f", text(&vault)?])?.succeeded()?;
    Ok(())
}

/// The keys of a live object that stays.
fn live_keys(site: &Site, object: &str) -> Result<Vec<String>> {
    let live = site.get(object)?.with_context(|| format!("{object} stays"))?;
    Ok(live["data"].as_object().into_iter().flat_map(|data| data.keys().cloned()).collect())
}

/// Some keys of a Secret go to the vault: every pod sees what it saw.
fn secret(this: &Try) -> Result<()> {
    let (site, before) = installed(this.site()?, APP, "{secretRef: {name: app}}", RULES)?;
    let said = site.check("")?;
    ensure!(said.rules().is_empty(), "{said:?}");
    fill(&site, VAULT)?;
    for round in ["upgrade", "upgrade once more"] {
        site.upgrade(&[])?.succeeded()?;
        // A key of `stringData` stays in the live Secret, which holds `data` alone.
        let keys = live_keys(&site, "Secret/app")?;
        ensure!(keys == ["TOKEN", "TZ", "tls.crt"], "after {round}: {keys:?}");
        for without in [&[][..], &["TOKEN"]] {
            let after = seen(&site, without)?;
            ensure!(before == after, "after {round}: pods saw {before:?}\nand see {after:?}");
        }
        site.row(round, "nothing", "pods see the same, from the vault");
    }
    // The command of docs/part-vaulting.md.
    let patch = r#"--patch=[{"op": "remove", "path": "/data/TOKEN"}]"#;
    site.kubectl(["patch", "secret", "app", "--type=json", patch])?.succeeded()?;
    site.upgrade(&[])?.succeeded()?;
    ensure!(site.get("Secret/app")?.context("the Secret stays")?["data"]["TOKEN"].is_null());
    ensure!(before == seen(&site, &[])?, "after the patch");
    Ok(())
}

/// Some keys of a ConfigMap go to the vault.
fn config_map(this: &Try) -> Result<()> {
    let (site, before) =
        installed(this.site()?, MAP, "{configMapRef: {name: app-env}, prefix: APP_}", MAP_RULES)?;
    fill(&site, &VAULT.replace("TOKEN: canary-token", "api.key: canary-key"))?;
    for round in ["upgrade", "upgrade once more"] {
        site.upgrade(&[])?.succeeded()?;
        let keys = live_keys(&site, "ConfigMap/app-env")?;
        ensure!(keys == ["DB_HOST"], "after {round}: {keys:?}");
        let after = seen(&site, &[])?;
        ensure!(before == after, "after {round}: pods saw {before:?}\nand see {after:?}");
        site.row(round, "nothing", "pods see the same, from the vault");
    }
    Ok(())
}

/// Secrets that no document renders: every pod sees the same from the vault, and needs the old ones no more.
fn redirected(this: &Try) -> Result<()> {
    let site = this.site()?;
    fill(&site, MADE)?;
    let source = "{secretRef: {name: made-all}, prefix: APP_}";
    let (site, before) = installed(site, HOOKED, source, REDIRECT)?;
    let all = MADE.replace("made-all", "all-vault").replace("name: made}", "name: app-vault}");
    fill(&site, &all.replace("PASSWORD:", "db-password:"))?;
    site.upgrade(&[])?.succeeded()?;
    site.kubectl(["delete", "secret", "made", "made-all"])?.succeeded()?;
    let after = seen(&site, &[])?;
    ensure!(before == after, "pods saw {before:?}\nand see {after:?}");
    site.row("redirect, and the old Secrets deleted", "", "pods see the same, from the vault");
    Ok(())
}

/// The script of an adoption copies the moved keys of a Secret and of a ConfigMap, and every pod sees what it saw.
fn adopted(this: &Try) -> Result<()> {
    let map = MAP.replace("{name: web}", "{name: api}").replace("app-vault", "map-vault");
    let map_rules = MAP_RULES.replace("app-vault", "map-vault");
    let chart = format!("{APP}---\n{map}");
    let rules = format!("{map_rules}{RULES}");
    let mut site = this.site()?;
    site.render(&(chart + &nightly("{secretRef: {name: app}}")))?;
    site.rules(&rules)?;
    site.install_plain()?;
    let before = seen(&site, &[])?;
    let adopted = Adopted::new(site, &[])?;
    adopted.adopts(After::Step)?;
    for (secret, key, value) in [
        ("app-vault", "db-password", "canary-password"),
        ("app-vault", "TOKEN", "canary-token"),
        ("app-vault", "1ST", "canary-1st"),
        ("map-vault", "db-password", "canary-password"),
        ("map-vault", "api.key", "canary-key"),
    ] {
        ensure!(adopted.value(secret, key)? == value, "{key} of {secret}");
    }
    let site = &adopted.site;
    for without in [&[][..], &["TOKEN"]] {
        let after = seen(site, without)?;
        ensure!(before == after, "pods saw {before:?}\nand see {after:?}");
    }
    ensure!(live_keys(site, "ConfigMap/app-env")? == ["DB_HOST"]);
    site.row("adopt.sh, keys of a Secret and of a ConfigMap", "", "pods see the same, from the vault");
    Ok(())
}
