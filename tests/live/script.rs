use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::adopt::{deployment, named_deployment};
use crate::adopted::{Adopted, After};
use crate::custom_kind::make_kind;
use crate::immutable::delete;
use crate::live::is_exact;
use crate::machine::{Major, text};
use crate::rollback::replace;
use crate::site::Site;
use crate::{BOTH, Scenario, Try, is_thorough, of_both};

const THREE: &[Major] = &[Major::Three];
const FOUR: &[Major] = &[Major::Four];

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "script::umbrella", majors: BOTH, run: umbrella },
    Scenario { name: "script::umbrella_of_helm3", majors: FOUR, run: |this| umbrella(&this.of_helm3()) },
    Scenario { name: "script::plain_values", majors: BOTH, run: plain_values },
    Scenario {
        name: "script::plain_values_of_helm3",
        majors: FOUR,
        run: |this| plain_values(&this.of_helm3()),
    },
    Scenario { name: "script::kinds_of_sources", majors: BOTH, run: kinds_of_sources },
    Scenario {
        name: "script::kinds_of_sources_of_helm3",
        majors: FOUR,
        run: |this| kinds_of_sources(&this.of_helm3()),
    },
    Scenario { name: "script::job_that_changes", majors: BOTH, run: job },
    Scenario { name: "script::job_that_changes_of_helm3", majors: FOUR, run: |this| job(&this.of_helm3()) },
    Scenario { name: "script::field_that_never_changes", majors: BOTH, run: never_changes },
    Scenario {
        name: "script::field_that_never_changes_of_helm3",
        majors: FOUR,
        run: |this| never_changes(&this.of_helm3()),
    },
    Scenario { name: "script::bound_claim", majors: BOTH, run: claim },
    Scenario { name: "script::bound_claim_of_helm3", majors: FOUR, run: |this| claim(&this.of_helm3()) },
    Scenario { name: "script::paused_and_upgraded_twice", majors: THREE, run: twice },
    Scenario { name: "script::literal_set_by_hand", majors: BOTH, run: by_hand },
    Scenario {
        name: "script::literal_set_by_hand_of_helm3",
        majors: FOUR,
        run: |this| by_hand(&this.of_helm3()),
    },
    Scenario { name: "script::same_name", majors: BOTH, run: same_name },
    Scenario { name: "script::same_name_of_helm3", majors: FOUR, run: |this| same_name(&this.of_helm3()) },
    Scenario { name: "script::filled_by_an_operator", majors: BOTH, run: operator },
    Scenario {
        name: "script::filled_by_an_operator_of_helm3",
        majors: FOUR,
        run: |this| operator(&this.of_helm3()),
    },
    Scenario { name: "script::rolled_back_and_again", majors: BOTH, run: rolled_back },
    Scenario {
        name: "script::rolled_back_and_again_of_helm3",
        majors: FOUR,
        run: |this| rolled_back(&this.of_helm3()),
    },
    Scenario { name: "script::there_and_back", majors: BOTH, run: there_and_back },
    Scenario {
        name: "script::there_and_back_of_helm3",
        majors: FOUR,
        run: |this| there_and_back(&this.of_helm3()),
    },
    Scenario { name: "script::waits_for_pods", majors: BOTH, run: pods },
    Scenario { name: "script::helm_is_killed", majors: BOTH, run: killed },
    Scenario { name: "script::stops", majors: FOUR, run: stops },
];

/// Scenarios of which others try the same on another way.
pub(crate) const THOROUGH: &[&str] = &[
    "script::kinds_of_sources_of_helm3",
    "script::job_that_changes_of_helm3",
    "script::field_that_never_changes_of_helm3",
    "script::bound_claim_of_helm3",
    "script::literal_set_by_hand_of_helm3",
    "script::same_name_of_helm3",
    "script::filled_by_an_operator_of_helm3",
    "script::rolled_back_and_again_of_helm3",
    "script::there_and_back_of_helm3",
];

/// Scenarios whose script does the same under both majors, beside the flags of the upgrade, which others try.
pub(crate) const ON_ONE_MAJOR: &[&str] = &[
    "script::plain_values",
    "script::kinds_of_sources",
    "script::literal_set_by_hand",
    "script::same_name",
    "script::filled_by_an_operator",
    "script::there_and_back",
    "script::waits_for_pods",
    "script::examples_of_first_hour",
    "script::renders_of_umbrella",
];

const LANGFUSE: &str = "  presets:\n  - {name: langfuse, to: langfuse-vault}\n";

/// The umbrella chart with values that nobody may see.
const VALUES: &str = "langfuse: {langfuse: {nextauth: {secret: canary-nextauth}, salt: 'canary-\"$$salt'}}\n";
/// Its salt, as the kubelet hands it to the pods.
const SALT: &str = "canary-\"$salt";

/// How often a script is interrupted.
fn interruptions() -> After {
    if is_thorough() { After::Change } else { After::Step }
}

/// The umbrella chart's release, as a client-side Helm has made it.
fn langfuse(this: &Try) -> Result<Site> {
    let mut site = this.site()?;
    site.umbrella()?;
    let values = site.machine.write("values.yaml", VALUES)?;
    site.add_values(&values)?;
    site.rules(LANGFUSE)?;
    Ok(site)
}

/// The umbrella chart's vaulted Secret after it.
fn langfuse_is_vaulted(adopted: &Adopted) -> Result<()> {
    ensure!(adopted.value("langfuse-vault", "salt")? == SALT);
    ensure!(adopted.value("langfuse-vault", "nextauth-secret")? == "canary-nextauth");
    ensure!(
        adopted.value("lf-langfuse-nextauth", "nextauth-secret")? == "canary-nextauth",
        "the chart's Secret is kept"
    );
    Ok(())
}

/// NEXTAUTH_SECRET and SALT are there twice in web and worker. Interrupted after each change and started again, the
/// script ends where it should.
fn umbrella(this: &Try) -> Result<()> {
    let site = langfuse(this)?;
    site.install_plain()?;
    let adopted = Adopted::new(site, &[])?;
    let run = adopted.only_asks()?;
    for words in
        ["would keep Secret lf-langfuse-nextauth", "would make Secret langfuse-vault", "would upgrade lf"]
    {
        run.says(words)?;
    }
    let end = adopted.adopts(interruptions())?;
    for words in [
        "can go to what has gone through the filter: revision 2",
        "key nextauth-secret of Secret langfuse-vault\n  kubectl --namespace",
        "rollout restart deployment/lf-langfuse-web deployment/lf-langfuse-worker",
        "with others.\n  key salt of Secret langfuse-vault",
    ] {
        end.says(words)?;
    }
    langfuse_is_vaulted(&adopted)?;
    adopted.site.row("adopt.sh, interrupted after each change, and again", "", "equal to the manifest");
    Ok(())
}

/// Literals that become references, in lists that hold no name twice.
fn plain_values(this: &Try) -> Result<()> {
    let entries = [
        "{name: PORT, value: '80'}",
        "{name: SALT, value: canary-salt}",
        "{name: URL, value: 'http://$(SALT)'}",
    ];
    let site = app(this, &deployment(&entries), "  env:\n  - {to: vault, vars: {SALT: salt}}\n")?;
    let adopted = Adopted::new(site, &[])?;
    adopted.adopts(After::Step)?;
    ensure!(adopted.value("vault", "salt")? == "canary-salt");
    adopted.site.row("adopt.sh, a literal alone", "", "equal to the manifest");
    Ok(())
}

/// Adopted, one value rotated in the vault, and back: the chart's objects are as its own manifest says, duplicates
/// included, with the values of the vault.
fn there_and_back(this: &Try) -> Result<()> {
    let site = langfuse(this)?;
    site.install_plain()?;
    let adopted = Adopted::new(site, &[])?;
    adopted.run(&adopted.script, &[])?.succeeded()?;
    let rotated = "{\"stringData\": {\"nextauth-secret\": \"canary-rotated\"}}";
    adopted
        .site
        .kubectl(["patch", "secret", "langfuse-vault", "--type=merge", "-p", rotated])?
        .succeeded()?;
    let Adopted { site, .. } = adopted;
    let salt = "--value=langfuse-vault/salt=langfuse.langfuse.salt";
    let wrong = Adopted::new(site, &["--back", salt, "--value=nextauth-secret=langfuse.no.such.value"])?;
    wrong.run(&wrong.script, &[])?.failed()?.says("the chart renders another value for secret")?;
    let Adopted { site, .. } = wrong;
    let nextauth = "--value=nextauth-secret=langfuse.langfuse.nextauth.secret";
    let back = Adopted::new(site, &["--back", nextauth, salt])?;
    back.only_asks()?.says("would upgrade lf")?;
    back.comes_to_its_end(interruptions())?;
    back.changes_nothing_more()?;
    is_exact(&back.site)?;
    back.loses_nothing()?;
    ensure!(back.value("lf-langfuse-nextauth", "nextauth-secret")? == "canary-rotated");
    let manifest = back.site.manifest()?;
    ensure!(manifest.matches("name: SALT").count() == 4, "the chart's own manifest, duplicates included");
    back.shows_nothing()?;
    back.site.row(
        "adopt.sh, rotate, back.sh, and again",
        "",
        "the chart's own manifest, with the vault's values",
    );
    Ok(())
}

const APP: &str = "{name: KEY, valueFrom: {secretKeyRef: {name: app, key: key}}}";
const VAULT: &str = "{name: KEY, valueFrom: {secretKeyRef: {name: vault, key: key}}}";
const SECRET: &str = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: app}\ndata: {key: Y2FuYXJ5LWNoYXJ0, raw: Y2FuYXJ5Lf/+}\n";
const TO_THE_VAULT: &str = "  secrets:\n  - {name: app, to: vault}\n";

fn app(this: &Try, manifest: &str, rules: &str) -> Result<Site> {
    let mut site = this.site()?;
    site.render(manifest)?;
    site.rules(rules)?;
    site.install_plain()?;
    Ok(site)
}

/// Values of every kind arrive as the pods have them: bytes of a Secret, a ConfigMap's key, a literal with all that a
/// shell or YAML could take for its own.
fn kinds_of_sources(this: &Try) -> Result<()> {
    let literal = r#"canary-"q" 'a' \n $$HOME `x` é: {y}, #z"#;
    let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {token: \"canary-token\\nline\"}\n";
    let entries = [
        APP,
        "{name: TOKEN, valueFrom: {configMapKeyRef: {name: settings, key: token}}}",
        &format!("{{name: LITERAL, value: '{}'}}", literal.replace('\'', "''")),
        "{name: NUMBER, value: '1e3'}",
        "{name: URL, value: 'http://$(LITERAL)'}",
    ];
    let tls = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: web-tls}\ntype: kubernetes.io/tls\n\
               data: {tls.crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCmNhbmFyeS1jcnQKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=, tls.key: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCmNhbmFyeS1rZXkKLS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo=}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\n\
               metadata: {name: web}\nspec: {tls: [{secretName: web-tls}], defaultBackend: {service: {name: web, port: {number: 80}}}}\n";
    let rules = format!(
        "{TO_THE_VAULT}  - {{name: web-tls, to: vault-tls}}\n  env:\n  - {{to: vault, vars: {{TOKEN: token, LITERAL: literal, NUMBER: number}}}}\n  policy: {{plaintext: allow}}\n"
    );
    let site = app(this, &(SECRET.to_owned() + map + tls + &deployment(&entries)), &rules)?;
    let adopted = Adopted::new(site, &[])?;
    adopted.adopts(After::Step)?;
    ensure!(adopted.value("vault", "key")? == "canary-chart");
    ensure!(adopted.value("vault", "token")? == "canary-token\nline");
    ensure!(adopted.value("vault", "literal")? == literal.replace("$$", "$"));
    ensure!(adopted.value("vault", "number")? == "1e3");
    let raw = adopted.site.get("Secret/vault")?.context("the vault")?;
    let tls = adopted.site.get("Secret/vault-tls")?.context("the vault")?;
    ensure!(
        tls["type"] == "kubernetes.io/tls"
            && tls["data"]["tls.key"].as_str().is_some_and(|key| key.starts_with("LS0tLS1CRUdJTiBQUk"))
    );
    ensure!(raw["data"]["raw"] == "Y2FuYXJ5Lf/+", "bytes that are no text");
    adopted.site.row("adopt.sh, values of every kind", "", "equal to the manifest");
    Ok(())
}

/// A Job whose pod template changes is made again, unless it runs.
fn job(this: &Try) -> Result<()> {
    let job = format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{name: migrate}}\nspec:\n  template:\n    spec:\n\
         \x20     restartPolicy: Never\n      containers: [{{name: migrate, image: 'web:1', env: [{APP}]}}]\n"
    );
    let site = app(this, &(SECRET.to_owned() + &job + &deployment(&[APP, VAULT])), TO_THE_VAULT)?;
    let adopted = Adopted::new(site, &[])?;
    let status = |active: &str| {
        ["patch", "job", "migrate", "--subresource=status", "--type=merge", "-p", active].map(str::to_owned)
    };
    let set = |active: &str| adopted.site.kubectl(status(active).iter().map(String::as_str))?.succeeded();
    set("{\"status\":{\"active\":1}}")?;
    adopted.run(&adopted.script, &[])?.failed()?.says("Job migrate is running")?;
    set("{\"status\":{\"active\":0}}")?;
    adopted.adopts(interruptions())?;
    adopted.site.row("adopt.sh, with a Job that changes", "", "equal to the manifest, the Job made again");
    Ok(())
}

/// Objects of which the upgrade changes a field that never changes: the script stops at each until a person has decided
/// and deleted it, and does not ask again of those that a failed upgrade has made again.
fn never_changes(this: &Try) -> Result<()> {
    let objects = |claim: &str, address: &str, text: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: store}}\nspec:\n  selector: {{matchLabels: {{app: store}}}}\n\
             \x20 volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: {claim}}}}}}}}}]\n\
             \x20 template:\n    metadata: {{labels: {{app: store}}}}\n    spec: {{containers: [{{name: store, image: 'web:1', env: [{APP}]}}]}}\n\
             ---\napiVersion: v1\nkind: Service\nmetadata: {{name: store}}\nspec: {{{address}ports: [{{port: 80}}]}}\n\
             ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: fixed}}\nimmutable: true\ndata: {{text: {text}}}\n"
        ) + SECRET
            + &deployment(&[APP, VAULT])
    };
    let mut site = app(this, &objects("1Gi", "", "old"), TO_THE_VAULT)?;
    // A wrong port lets the first upgrade fail at the last object.
    let next = objects("2Gi", "clusterIP: None, ", "new");
    site.render(&next.replace(
        "name: web\n        image: web:1\n",
        "name: web\n        image: web:1\n        ports: [{containerPort: 0}]\n",
    ))?;
    let mut adopted = Adopted::new(site, &[])?;
    adopted.only_asks()?.says("would stop, since the upgrade changes data of configmap/fixed")?;
    for (object, field, command) in [
        ("configmap/fixed", "data", "delete configmap fixed"),
        ("service/store", "spec.clusterIP", "delete service store"),
        ("statefulset.apps/store", "spec.volumeClaimTemplates", "delete statefulset store --cascade=orphan"),
    ] {
        let stopped = adopted.run(&adopted.script, &[])?.failed()?;
        stopped
            .says(&format!("the upgrade changes {field} of {object}, which the API server never changes"))?;
        stopped.says(&format!("run `kubectl {command}` and this script"))?;
        delete(&adopted.site, command)?;
    }
    adopted.run(&adopted.script, &[])?.failed()?.says("could not upgrade lf")?;
    // A script that is made of the failed revision says which one Helm upgrades from.
    adopted.site.render(&next)?;
    let Adopted { site, script, .. } = adopted;
    let adopted = Adopted::new(site, &[])?;
    adopted.run(&adopted.script, &[])?.failed()?.says("helm get manifest lf --revision 1")?;
    adopted.run(&script, &[])?.succeeded()?.says("statefulset.apps/store has been made again")?;
    is_exact(&adopted.site)?;
    adopted.loses_nothing()?;
    adopted.leaks_nothing()?;
    let before = adopted.versions()?;
    adopted.run(&script, &[])?.succeeded()?;
    ensure!(adopted.versions()? == before, "the next run has changed something");
    adopted.site.row(
        "adopt.sh, with fields that never change",
        "",
        "stopped until a person has decided, then equal to the manifest",
    );
    Ok(())
}

/// A claim that is bound, and a Job that stays as it is: neither can be replaced.
fn claim(this: &Try) -> Result<()> {
    let job = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec:\n  template:\n    spec:\n\
               \x20     restartPolicy: Never\n      containers: [{name: migrate, image: 'web:1'}]\n";
    for obstacle in of_both(this, [job, CLAIM]) {
        let site = app(this, &(SECRET.to_owned() + obstacle + &deployment(&[APP, VAULT])), TO_THE_VAULT)?;
        if obstacle == CLAIM {
            bind(&site)?;
        }
        let adopted = Adopted::new(site, &[])?;
        adopted.adopts(After::Step)?;
        let kind = if obstacle == CLAIM { "a claim" } else { "a Job" };
        adopted.site.row(&format!("adopt.sh, with {kind} that stays"), "", "equal to the manifest");
    }
    Ok(())
}

const CLAIM: &str = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n\
                     \x20 accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n";

fn bind(site: &Site) -> Result<()> {
    site.kubectl(["patch", "pvc", "data", "--type=merge", "-p", "{\"spec\":{\"volumeName\":\"disk\"}}"])?
        .succeeded()
        .map(drop)
}

/// Helm 3 cannot replace a bound claim: pause, upgrade twice, resume. Interrupted in between, it goes on.
fn twice(this: &Try) -> Result<()> {
    let site = app(
        this,
        &(SECRET.to_owned()
            + CLAIM
            + &deployment(&[APP, VAULT])
            + &named_deployment("worker", &[APP, VAULT])),
        TO_THE_VAULT,
    )?;
    bind(&site)?;
    // Somebody has paused this one, and it stays so.
    site.kubectl(["rollout", "pause", "deployment", "worker"])?.succeeded()?;
    let adopted = Adopted::new(site, &[])?;
    let first = adopted.script.replace("act \"upgrade $release once more\" upgrade", "exit 9");
    ensure!(first != adopted.script, "the script does not upgrade twice");
    ensure!(adopted.run(&first, &[])?.code == Some(9));
    let paused = |name: &str| -> Result<bool> {
        let web = adopted.site.get(&format!("Deployment/{name}"))?.context("a Deployment")?;
        Ok(web["spec"]["paused"] == true)
    };
    ensure!(paused("web")?, "a pod could start without its variable");
    adopted.adopts(interruptions())?;
    ensure!(!paused("web")? && paused("worker")?);
    adopted.site.row("adopt.sh: pause, upgrade twice, resume", "", "equal to the manifest");
    Ok(())
}

/// A literal that somebody has set on the live object. The script that did not know of it stops.
fn by_hand(this: &Try) -> Result<()> {
    let rules = "  env:\n  - {to: vault, vars: {KEY: key}}\n";
    let site = app(this, &deployment(&["{name: PORT, value: '80'}", APP]), rules)?;
    site.vault("app", "key", "canary-chart")?;
    let adopted = Adopted::new(site, &[])?;
    adopted.site.kubectl(["set", "env", "deployment/web", "KEY=canary-by-hand"])?.succeeded()?;
    let stopped = adopted.run(&adopted.script, &[])?.failed()?;
    stopped.says("refused-patch")?;
    let live = adopted.site.get("Deployment/web")?.context("a Deployment")?.to_string();
    ensure!(live.contains("canary-by-hand"), "it has upgraded all the same");
    adopted.site.row("adopt.sh after kubectl set env", "refused-patch", "stopped, nothing upgraded");

    let live = adopted.site.kubectl(["get", "deployment", "web", "-o", "yaml"])?.succeeded()?.stdout;
    let Adopted { site, .. } = adopted;
    let adopted = Adopted::with_live(site, &live, &[])?;
    // The vault has what the first script copied, from what the chart's pods read; the pods of today read another value.
    adopted.run(&adopted.script, &[])?.succeeded()?.says("with another value than")?;
    is_exact(&adopted.site)?;
    adopted.site.row("adopt.sh, made with the live object", "", "equal to the manifest");
    Ok(())
}

/// The vault fills a Secret of the chart Secret's own name.
fn same_name(this: &Try) -> Result<()> {
    let rules = "  secrets:\n  - {name: app, to: app, sameName: true}\n";
    let site = app(this, &(SECRET.to_owned() + &deployment(&[APP])), rules)?;
    let adopted = Adopted::new(site, &[])?;
    adopted.adopts(After::Step)?;
    ensure!(adopted.value("app", "key")? == "canary-chart");
    adopted.site.row("adopt.sh, a vaulted Secret of the same name", "", "the Secret has its value");
    Ok(())
}

/// An operator fills the vaulted Secret: the script says what goes where, waits, and compares what came.
fn operator(this: &Try) -> Result<()> {
    let rules = format!("{TO_THE_VAULT}  env:\n  - {{to: vault, vars: {{SALT: salt}}}}\n");
    let salted = "{name: SALT, value: canary-salt}";
    let site = app(this, &(SECRET.to_owned() + &deployment(&[APP, VAULT, salted])), &rules)?;
    let adopted = Adopted::new(site, &["--fill", "wait"])?;
    adopted.only_asks()?.says("would wait for key salt of Secret vault")?;
    let impatient = adopted.script.replace("\npatience=300\n", "\npatience=0\n");
    let stopped = adopted.run(&impatient, &[])?.failed()?;
    stopped.says("still to do: the value of secret app key -> key key of Secret vault")?;
    stopped.says("still to do: the value of variable deployment.apps/web .spec.template.spec.containers web SALT -> key salt")?;
    stopped.says("key key of Secret vault has not come in 0 seconds")?;
    let given = |key: &str, value: &str| {
        let patch = format!("{{\"stringData\":{{\"{key}\":\"{value}\"}}}}");
        adopted
            .site
            .kubectl(["patch", "secret", "vault", "--type=merge", "-p", &patch])?
            .succeeded()
            .map(drop)
    };
    adopted.site.vault("vault", "key", "canary-chart")?;
    given("salt", "canary-another")?;
    adopted
        .run(&adopted.script, &[])?
        .failed()?
        .says("Secret vault has another salt than pods read today")?;
    given("salt", "canary-salt")?;
    given("raw", "canary-raw")?;
    adopted.adopts(After::Step)?;
    adopted.site.row("adopt.sh --fill wait", "", "equal to the manifest");
    Ok(())
}

/// Rolled back with the flags that the script ends with, to before the adoption, and adopted again: the same script does it.
fn rolled_back(this: &Try) -> Result<()> {
    for duplicate in of_both(this, [APP, "{name: KEY, value: canary-literal}"]) {
        let rules = format!("{TO_THE_VAULT}  env:\n  - {{to: vault, vars: {{KEY: key}}}}\n");
        let entries = ["{name: PORT, value: '80'}", duplicate, VAULT];
        let site = app(this, &(SECRET.to_owned() + &deployment(&entries)), &rules)?;
        let adopted = Adopted::new(site, &[])?;
        let flags = replace(this.major);
        let command = format!("rollback lf REVISION {}", flags.join(" "));
        adopted.adopts(After::Step)?.says(&command)?;
        adopted.site.rollback("1", flags)?.succeeded()?;
        adopted.comes_to_its_end(interruptions())?.says("the filter: revision 2 4")?;
        adopted.changes_nothing_more()?;
        adopted.loses_nothing()?;
        // Between revisions that have gone through the filter nothing is lost either, and no flag is needed.
        adopted.site.rollback("2", &[])?.succeeded()?;
        is_exact(&adopted.site)?;
        adopted.loses_nothing()?;
        adopted.changes_nothing_more()?;
        adopted.site.row("adopt.sh, rollback, adopt.sh", "", "equal to the manifest");
    }
    Ok(())
}

/// Where a controller looks after the objects, the script waits for it. The trial is the controller.
fn pods(this: &Try) -> Result<()> {
    let by_hand = named_deployment("by-hand", &[APP]);
    let by_node = format!(
        "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: by-node}}\nspec:\n  updateStrategy: {{type: OnDelete}}\n\
         \x20 selector: {{matchLabels: {{app: by-node}}}}\n  template:\n    metadata: {{labels: {{app: by-node}}}}\n\
         \x20   spec: {{containers: [{{name: web, image: 'web:1', env: [{APP}]}}]}}\n"
    );
    let site = app(this, &(SECRET.to_owned() + &deployment(&[APP]) + &by_hand + &by_node), TO_THE_VAULT)?;
    site.kubectl(["rollout", "pause", "deployment", "by-hand"])?.succeeded()?;
    let rolls_out = |site: &Site, name: &str, is_done: bool| -> Result<()> {
        let live = site.get(name)?.context("an object")?;
        let (generation, pods) = (&live["metadata"]["generation"], i32::from(is_done));
        let status = format!(
            "{{\"status\":{{\"observedGeneration\":{generation},\"replicas\":1,\"updatedReplicas\":{pods},\"readyReplicas\":{pods},\"availableReplicas\":{pods}}}}}"
        );
        let patch = ["patch", name, "--subresource=status", "--type=merge", "-p", &status];
        site.kubectl(patch)?.succeeded().map(drop)
    };
    rolls_out(&site, "deployment/web", true)?;
    let seen = "{\"status\":{\"observedGeneration\":1}}";
    site.kubectl(["patch", "daemonset/by-node", "--subresource=status", "--type=merge", "-p", seen])?
        .succeeded()?;
    let adopted = Adopted::new(site, &[])?;
    adopted.only_asks()?.says("would wait for the pods of deployment.apps/web")?;
    let impatient = adopted.script.replace("\npatience=300\n", "\npatience=3\n");
    adopted.run(&impatient, &[])?.failed()?.says("the new pods of deployment.apps/web are not ready")?;
    rolls_out(&adopted.site, "deployment/web", false)?;
    adopted.run(&impatient, &[])?.failed()?.says("the new pods of deployment.apps/web are not ready")?;
    rolls_out(&adopted.site, "deployment/web", true)?;
    let run = adopted.run(&adopted.script, &[])?.succeeded()?;
    run.says("successfully rolled out")?;
    run.says("deployment.apps/by-hand is paused")?;
    run.says("daemonset.apps/by-node has the strategy OnDelete")?;
    adopted.site.row("adopt.sh, with a controller", "", "stopped until the pods are ready");
    Ok(())
}

/// Helm is killed in the middle of the upgrade: the script says how to go on, and does.
fn killed(this: &Try) -> Result<()> {
    let hook = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-upgrade}}\nspec:\n  template:\n\
                \x20   spec: {restartPolicy: Never, containers: [{name: hook, image: 'web:1'}]}\n";
    let site = app(this, &(SECRET.to_owned() + hook + &deployment(&[APP, VAULT])), TO_THE_VAULT)?;
    let adopted = Adopted::new(site, &[])?;
    // Its hook never ends here, so that it is killed while it waits.
    let helm = adopted.site.machine.path("tools/helm");
    let usual = fs::read_to_string(&helm)?;
    let program = text(adopted.site.helm.program())?.to_owned();
    let timeout = crate::clients::on_path("timeout").context("timeout is on PATH")?;
    let kills = format!(
        "case \"$*\" in\n*upgrade*) exec '{}' -s KILL 8 '{program}' \"$@\" ;;\n*) exec '{program}' \"$@\" ;;\nesac\n",
        text(&timeout)?
    );
    fs::remove_file(&helm)?;
    adopted.site.machine.write_script("tools/helm", &kills)?;
    let with_hooks = adopted.script.replace(" --no-hooks", "");
    ensure!(with_hooks != adopted.script);
    adopted.run(&with_hooks, &[])?.failed()?.says("could not upgrade lf")?;
    fs::write(&helm, usual)?;
    let stopped = adopted.run(&adopted.script, &[])?.failed()?;
    stopped.says("revision 2 of lf is pending-upgrade")?;
    let said = stopped.to_string();
    let command =
        said.split("`kubectl ").nth(1).and_then(|rest| rest.split('`').next()).context("a command")?;
    adopted.site.kubectl(command.split(' '))?.succeeded()?;
    adopted.run(&adopted.script, &[])?.succeeded()?;
    is_exact(&adopted.site)?;
    adopted.loses_nothing()?;
    adopted.changes_nothing_more()?;
    adopted.site.row("adopt.sh, helm killed in the middle, and again", "", "equal to the manifest");
    Ok(())
}

/// The kinds of operators that make Secrets: group, kind, and what says which Secret an object makes.
const MAKERS: [(&str, &str, &str); 4] = [
    ("external-secrets.io", "ExternalSecret", "metadata: {name: to-come}\nspec: {target: {name: vault}}"),
    (
        "secrets.hashicorp.com",
        "VaultStaticSecret",
        "metadata: {name: to-come}\nspec: {destination: {name: vault}}",
    ),
    (
        "secrets.hashicorp.com",
        "VaultDynamicSecret",
        "metadata: {name: to-come}\nspec: {destination: {name: vault}}",
    ),
    ("bitnami.com", "SealedSecret", "metadata: {name: vault}\nspec: {template: {type: Opaque}}"),
];

/// What a person must decide first.
fn stops(this: &Try) -> Result<()> {
    // A script that copies leaves an operator's Secret alone.
    let site = app(this, &(SECRET.to_owned() + &deployment(&[APP])), TO_THE_VAULT)?;
    site.vault("vault", "key", "canary-vault")?;
    let owner = r#"{"metadata":{"ownerReferences":[{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","name":"vault","uid":"0"}]}}"#;
    site.kubectl(["patch", "secret", "vault", "--type=merge", "-p", owner])?.succeeded()?;
    let adopted = Adopted::new(site, &[])?;
    adopted.run(&adopted.script, &[])?.failed()?.says("Secret vault is made by ExternalSecret vault")?;

    // So does one that comes before the operator has made it.
    for (group, kind, object) in MAKERS {
        let site = app(this, &(SECRET.to_owned() + &deployment(&[APP])), TO_THE_VAULT)?;
        let (definition, version) = make_kind(&site, group, kind, "v1", "Namespaced")?;
        let object = format!("apiVersion: {group}/{version}\nkind: {kind}\n{object}\n");
        let object = site.machine.write("object.yaml", &object)?;
        site.kubectl(["apply", "-f", text(&object)?])?.succeeded()?;
        let adopted = Adopted::new(site, &[])?;
        let stopped = adopted.run(&adopted.script, &[])?.failed()?;
        stopped.says(&format!("Secret vault is made by {kind} "))?;
        stopped.says("--fill wait")?;
        // Who may not see them does not take that for none.
        let kubectl = adopted.site.machine.path("tools/kubectl");
        let usual = fs::read_to_string(&kubectl)?;
        fs::remove_file(&kubectl)?;
        let blind = format!("case \"$*\" in\n*\"get {definition}\"*) exit 1 ;;\nesac\n{usual}");
        adopted.site.machine.write_script("tools/kubectl", &blind)?;
        let stopped = adopted.run(&adopted.script, &[])?.failed()?;
        stopped.says(&format!("one of {definition} may make Secret vault"))?;
    }

    let salted = "{name: SALT, value: canary-salt}";
    let rules = "  env:\n  - {to: vault, vars: {SALT: salt}}\n";
    let site = app(this, &deployment(&[salted]), rules)?;
    site.vault("vault", "salt", "canary-other")?;
    let adopted = Adopted::new(site, &[])?;
    adopted
        .run(&adopted.script, &[])?
        .failed()?
        .says("Secret vault has another salt than pods read today")?;
    let helm3 = adopted.script.replace("\nv4.*) ;;", "\nv3.*) ;;");
    adopted.run(&helm3, &[])?.failed()?.says("this script is for Helm 4, and helm is v4")?;
    let absent = adopted.script.replace("\nrelease=lf\n", "\nrelease=absent\n");
    adopted.run(&absent, &[])?.failed()?.says("the cluster does not answer")?;
    // A killed Helm leaves a revision behind that is neither deployed nor failed.
    let history = "- description: Upgrade\n  revision: 1\n  status: deployed\n- revision: 2\n  status: pending-upgrade\n";
    let pretend = format!(
        "case \"$*\" in\n*history*) printf %s '{history}' ;;\n*plugin*) echo 'resecret-post-renderer 1' ;;\n*) echo v4.0.0 ;;\nesac\n"
    );
    fs::remove_file(adopted.site.machine.path("tools/helm"))?;
    adopted.site.machine.write_script("tools/helm", &pretend)?;
    adopted.run(&adopted.script, &[])?.failed()?.says("kubectl delete secret sh.helm.release.v1.lf.v2")?;
    adopted.site.row("adopt.sh with another salt in the vault", "", "stopped, nothing upgraded");
    Ok(())
}
