use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::adopt::{deployment, named_deployment};
use crate::clients;
use crate::cluster;
use crate::live::is_exact;
use crate::machine::{Major, RESECRET, Run, repository, text};
use crate::site::{RELEASE, Site};
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "script::umbrella", majors: BOTH, run: umbrella },
    Scenario { name: "script::helm3_release_under_helm4", majors: &[Major::Four], run: taken_over },
    Scenario { name: "script::kinds_of_sources", majors: &[Major::Four], run: kinds_of_sources },
    Scenario { name: "script::job_that_changes", majors: BOTH, run: job },
    Scenario { name: "script::paused_and_upgraded_twice", majors: &[Major::Three], run: twice },
    Scenario { name: "script::literal_set_by_hand", majors: BOTH, run: by_hand },
    Scenario { name: "script::same_name", majors: &[Major::Three], run: same_name },
    Scenario { name: "script::filled_by_an_operator", majors: &[Major::Four], run: operator },
    Scenario { name: "script::there_and_back", majors: BOTH, run: there_and_back },
    Scenario { name: "script::example_umbrella", majors: &[Major::Three], run: example_umbrella },
    Scenario { name: "script::example_aks", majors: &[Major::Four], run: example_aks },
    Scenario { name: "script::example_dataspoke", majors: &[Major::Four], run: example_dataspoke },
    Scenario { name: "script::stops", majors: &[Major::Four], run: stops },
];

/// What each value of these scenarios begins with, plain and in base64. The word alone is in the API's documentation.
const CANARIES: [&str; 2] = ["canary-", "Y2FuYXJ5L"];

/// The programs of a script, beside the shell.
const PROGRAMS: [&str; 3] = ["awk", "grep", "sed"];

const LANGFUSE: &str = "  presets:\n  - {name: langfuse, to: langfuse-vault}\n";

/// The umbrella chart with values that nobody may see.
const VALUES: &str = "langfuse: {langfuse: {nextauth: {secret: canary-nextauth}, salt: 'canary-\"$$salt'}}\n";
/// Its salt, as the kubelet hands it to the pods.
const SALT: &str = "canary-\"$salt";

/// A release whose script is watched.
struct Adopted {
    site: Site,
    /// The folder that the script runs in.
    work: PathBuf,
    /// The script.
    script: String,
    /// The cluster's audit log, and how long it was before.
    audit: Option<(PathBuf, usize)>,
}

impl Adopted {
    /// Makes the script of a release that is installed. The chart's render and the last manifest are files with values,
    /// as a user has them.
    fn new(site: Site, flags: &[&str]) -> Result<Self> {
        Self::with_live(site, "", flags)
    }

    /// The same with live objects behind the last manifest.
    fn with_live(site: Site, live: &str, flags: &[&str]) -> Result<Self> {
        let work = site.machine.path("work");
        fs::create_dir_all(&work)?;
        fs::copy(site.machine.path("resecret.yaml"), work.join("resecret.yaml"))?;
        let chart: Vec<String> = site.chart().to_vec();
        let (chart, rest) = chart.split_first().context("a chart")?;
        let words = || [chart.as_str()].into_iter().chain(rest.iter().map(String::as_str));
        let render =
            site.helm(["template", &site.release, "--no-hooks"].into_iter().chain(words()))?.succeeded()?;
        fs::write(work.join("render.yaml"), render.stdout)?;
        fs::write(work.join("previous.yaml"), format!("{}\n---\n{live}", site.manifest()?))?;
        let major = if site.helm.major == Major::Three { "3" } else { "4" };
        let render = text(&work.join("render.yaml"))?.to_owned();
        let (previous, config) =
            (text(&work.join("previous.yaml"))?.to_owned(), text(&work.join("resecret.yaml"))?.to_owned());
        let arguments =
            ["adopt", "--release", &site.release, "--helm", major, "--chart", chart, "--previous", &previous];
        let rest = rest.iter().map(String::as_str);
        let all = arguments
            .into_iter()
            .chain(["--config", &config])
            .chain(flags.iter().copied())
            .chain([render.as_str(), "--", "--no-hooks"])
            .chain(rest);
        let run = site.helm.run_by(RESECRET.as_ref(), all)?.succeeded()?;
        shows_nothing("the script", &run.stdout)?;
        watch(&site)?;
        let audit = cluster::audit_log()
            .map(|log| Ok::<_, anyhow::Error>((log.clone(), fs::read(log)?.len())))
            .transpose()?;
        Ok(Self { site, work, script: run.stdout, audit })
    }

    /// Runs a script in the folder; whatever it says holds no value.
    fn run(&self, script: &str, arguments: &[&str]) -> Result<Run> {
        let file = self.site.machine.write("adopt.sh", &format!("cd '{}'\n{script}", text(&self.work)?))?;
        let shell = clients::on_path("sh").context("sh is on PATH")?;
        let run =
            self.site.helm.run_by(&shell, [text(&file)?].into_iter().chain(arguments.iter().copied()))?;
        shows_nothing("the terminal", &run.to_string())?;
        Ok(run)
    }

    /// The script up to a step, as if it were interrupted there.
    fn until(&self, step: usize) -> Result<String> {
        let (before, _) = self.script.split_once(&format!("\nstep '{step} of ")).context("a step")?;
        Ok(format!("{before}\nexit 9\n"))
    }

    /// Runs the whole script.
    fn adopts(&self) -> Result<()> {
        self.run(&self.script, &[])?.succeeded()?.says("no old name is left")?;
        is_exact(&self.site)?;
        self.leaks_nothing()
    }

    /// Runs it once more, and demands that it changes nothing.
    fn adopts_no_more(&self) -> Result<()> {
        let before = self.versions()?;
        self.run(&self.script, &[])?.succeeded()?;
        self.run(&self.script, &["--dry-run"])?.succeeded()?;
        let after = self.versions()?;
        ensure!(after == before, "the second run has changed something: {before:?}, {after:?}");
        self.leaks_nothing()
    }

    /// The version of every object in the namespace, Helm's records included.
    fn versions(&self) -> Result<BTreeMap<String, String>> {
        let kinds = "secrets,configmaps,services,serviceaccounts,deployments,statefulsets,jobs,persistentvolumeclaims";
        let shown = "{range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{'\\n'}{end}";
        let list = self.site.kubectl(["get", kinds, "-o", &format!("jsonpath={shown}")])?.succeeded()?.stdout;
        let line =
            |line: &str| line.split_once(' ').map(|(name, version)| (name.to_owned(), version.to_owned()));
        Ok(list.lines().filter_map(line).collect())
    }

    /// No value went through an argument, the environment or a file, nor into a record of what was asked of the server.
    fn leaks_nothing(&self) -> Result<()> {
        self.shows_nothing()?;
        if let Some((log, length)) = &self.audit {
            let log = fs::read(log)?;
            let own = format!("\"namespace\":\"{}\"", self.site.namespace());
            let log = String::from_utf8_lossy(&log[*length..]).into_owned();
            let records: String = log.lines().filter(|line| line.contains(&own)).collect();
            ensure!(
                records.contains("\"verb\":\"patch\"") || records.contains("\"verb\":\"create\""),
                "the log holds no change"
            );
            shows_nothing("the audit log", &records)?;
        }
        Ok(())
    }

    /// No value went through an argument, the environment or a file.
    fn shows_nothing(&self) -> Result<()> {
        let calls = fs::read_to_string(self.site.machine.path("calls"))?;
        ensure!(calls.contains(" patch secret ") || !self.script.contains("\nfill "), "no call was seen");
        shows_nothing("an argument or the environment", &calls)?;
        let own = ["render.yaml", "previous.yaml", "values.yaml", "manifest.yaml"];
        for file in files(&self.site.machine.path(""))? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !own.contains(&name.as_str()) && !file.starts_with(self.site.machine.path("chart")) {
                shows_nothing(&name, &String::from_utf8_lossy(&fs::read(&file)?))?;
            }
        }
        Ok(())
    }

    /// Makes what the release reads and the script does not fill: Secrets that were there before it.
    fn fill_the_rest(&self) -> Result<()> {
        let (render, config) = (self.work.join("render.yaml"), self.work.join("resecret.yaml"));
        let keys = ["keys", "--quiet", "--output=json", "--config", text(&config)?, text(&render)?];
        let table = self.site.helm.run_by(RESECRET.as_ref(), keys)?.succeeded()?.stdout;
        let table: Value = serde_json::from_str(&table)?;
        for secret in table["secrets"].as_array().context("Secrets")? {
            let name = secret["name"].as_str().context("a name")?;
            let live = self.site.get(&format!("Secret/{name}"))?.unwrap_or_default();
            let keys =
                secret["keys"].as_array().context("keys")?.iter().filter_map(|key| key["name"].as_str());
            let is_filled = |key: &str| {
                let mut lines = self.script.lines().filter(|line| line.contains(&format!(" {name} {key} ")));
                lines.any(|line| !line.starts_with("fill spare") || line.contains(" variable "))
            };
            let missing = keys.filter(|key| !is_filled(key) && live["data"][*key].is_null());
            let literals: Vec<String> =
                missing.map(|key| format!("--from-literal={key}=canary-given")).collect();
            if !literals.is_empty() {
                let create = ["create", "secret", "generic", name];
                let literals = literals.iter().map(String::as_str);
                self.site.kubectl(create.into_iter().chain(literals))?.succeeded()?;
            }
        }
        Ok(())
    }

    /// What a live Secret holds under a key.
    fn value(&self, secret: &str, key: &str) -> Result<String> {
        let template = format!("go-template={{{{index .data \"{key}\" | base64decode}}}}");
        Ok(self.site.kubectl(["get", "secret", secret, "-o", &template])?.succeeded()?.stdout)
    }
}

/// Demands that a text holds no value.
fn shows_nothing(what: &str, text: &str) -> Result<()> {
    let line = text.lines().find(|line| CANARIES.iter().any(|canary| line.contains(canary)));
    let line = line.map(|line| line.chars().take(300).collect::<String>());
    ensure!(line.is_none(), "{what} shows a value: {line:?}");
    Ok(())
}

/// Every file below a folder; links are not followed.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => found.extend(files(&entry.path())?),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    Ok(found)
}

/// Puts the programs of a script on the PATH, each behind a note of its arguments and its environment.
fn watch(site: &Site) -> Result<()> {
    let mut programs: Vec<(String, PathBuf)> = vec![
        ("helm".to_owned(), site.helm.program().to_owned()),
        ("kubectl".to_owned(), site.kubectl_program().to_owned()),
        ("resecret".to_owned(), RESECRET.into()),
    ];
    for program in PROGRAMS {
        let path = clients::on_path(program).with_context(|| format!("{program} is on PATH"))?;
        programs.push((program.to_owned(), path));
    }
    let calls = site.machine.path("calls");
    for (name, program) in programs {
        let tool = format!("tools/{name}");
        let _ = fs::remove_file(site.machine.path(&tool));
        let (program, calls) = (text(&program)?, text(&calls)?);
        let body = format!("{{ echo \"{name} $*\"; export -p; }} >>'{calls}'\nexec '{program}' \"$@\"\n");
        site.machine.write_script(&tool, &body)?;
    }
    Ok(())
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

/// NEXTAUTH_SECRET and SALT are there twice in web and worker. Interrupted before each step and started again, the script
/// ends where it should.
fn umbrella(this: &Try) -> Result<()> {
    let site = langfuse(this)?;
    site.install_plain()?;
    let adopted = Adopted::new(site, &[])?;
    let before = adopted.versions()?;
    let run = adopted.run(&adopted.script, &["--dry-run"])?.succeeded()?;
    ensure!(adopted.versions()? == before, "a dry run has changed something");
    for words in
        ["would keep Secret lf-langfuse-nextauth", "would make Secret langfuse-vault", "would upgrade lf"]
    {
        run.says(words)?;
    }
    for step in 2..=7 {
        let run = adopted.run(&adopted.until(step)?, &[])?;
        ensure!(run.code == Some(9), "before step {step}: {run}");
    }
    adopted.adopts()?;
    adopted.adopts_no_more()?;
    langfuse_is_vaulted(&adopted)?;
    adopted.site.row("adopt.sh, interrupted before each step, and again", "", "equal to the manifest");
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
    let before = back.versions()?;
    back.run(&back.script, &["--dry-run"])?.succeeded()?.says("would upgrade lf")?;
    ensure!(back.versions()? == before, "a dry run has changed something");
    for step in 2..=6 {
        ensure!(back.run(&back.until(step)?, &[])?.code == Some(9), "before step {step}");
    }
    back.run(&back.script, &[])?.succeeded()?;
    is_exact(&back.site)?;
    ensure!(back.value("lf-langfuse-nextauth", "nextauth-secret")? == "canary-rotated");
    let manifest = back.site.manifest()?;
    ensure!(manifest.matches("name: SALT").count() == 4, "the chart's own manifest, duplicates included");
    let before = back.versions()?;
    back.run(&back.script, &[])?.succeeded()?;
    ensure!(back.versions()? == before, "the second run has changed something");
    back.shows_nothing()?;
    back.site.row(
        "adopt.sh, rotate, back.sh, and again",
        "",
        "the chart's own manifest, with the vault's values",
    );
    Ok(())
}

/// An example's release, live for long, through the script alone.
fn example(this: &Try, folder: &str, release: &str, chart: &str, values: Option<&str>) -> Result<()> {
    let mut site = this.site()?;
    release.clone_into(&mut site.release);
    site.chart_of(chart)?;
    if let Some(values) = values {
        site.add_values(&repository(values))?;
    }
    let rules = fs::read_to_string(repository(folder).join("resecret.yaml"))?;
    site.machine.write("resecret.yaml", &rules)?;
    site.install_plain()?;
    let adopted = Adopted::new(site, &[])?;
    adopted.fill_the_rest()?;
    adopted.adopts()?;
    adopted.site.row(&format!("adopt.sh for {folder}"), "", "equal to the manifest");
    Ok(())
}

fn example_umbrella(this: &Try) -> Result<()> {
    example(this, "examples/langfuse-umbrella", RELEASE, "examples/langfuse-umbrella", None)
}

fn example_aks(this: &Try) -> Result<()> {
    let values = Some("examples/langfuse-aks/values.yaml");
    example(this, "examples/langfuse-aks", "langfuse", "examples/charts/langfuse", values)
}

fn example_dataspoke(this: &Try) -> Result<()> {
    example(this, "examples/dataspoke", "dataspoke", "examples/dataspoke", None)
}

/// A release that Helm 3 made, adopted by Helm 4.
fn taken_over(this: &Try) -> Result<()> {
    let site = langfuse(this)?;
    let helm3 = site.machine.helm(Major::Three)?.with("KUBECONFIG", &site.machine.path("kubeconfig"));
    let chart = site.chart().iter().map(String::as_str);
    helm3.run(["install", RELEASE, "--no-hooks"].into_iter().chain(chart))?.succeeded()?;
    let adopted = Adopted::new(site, &[])?;
    adopted.adopts()?;
    langfuse_is_vaulted(&adopted)?;
    adopted.site.row("adopt.sh", "", "equal to the manifest");
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
    adopted.adopts()?;
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
    adopted.adopts()?;
    adopted.site.row("adopt.sh, with a Job that changes", "", "equal to the manifest, the Job made again");
    Ok(())
}

/// Helm 3 cannot replace a bound claim: pause, upgrade twice, resume. Interrupted in between, it goes on.
fn twice(this: &Try) -> Result<()> {
    let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n\
                 \x20 accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n";
    let site = app(
        this,
        &(SECRET.to_owned()
            + claim
            + &deployment(&[APP, VAULT])
            + &named_deployment("worker", &[APP, VAULT])),
        TO_THE_VAULT,
    )?;
    site.kubectl(["patch", "pvc", "data", "--type=merge", "-p", "{\"spec\":{\"volumeName\":\"disk\"}}"])?
        .succeeded()?;
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
    adopted.adopts()?;
    adopted.adopts_no_more()?;
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
    adopted.adopts()?;
    ensure!(adopted.value("app", "key")? == "canary-chart");
    adopted.site.row("adopt.sh, a vaulted Secret of the same name", "", "the Secret has its value");
    Ok(())
}

/// An operator fills the vaulted Secret: the script says what goes where, and waits.
fn operator(this: &Try) -> Result<()> {
    let site = app(this, &(SECRET.to_owned() + &deployment(&[APP, VAULT])), TO_THE_VAULT)?;
    let adopted = Adopted::new(site, &["--fill", "wait"])?;
    let impatient = adopted.script.replace("\npatience=300\n", "\npatience=0\n");
    let stopped = adopted.run(&impatient, &[])?.failed()?;
    stopped.says("still to do: the value of secret app key -> key key of Secret vault")?;
    stopped.says("key key of Secret vault has not come in 0 seconds")?;
    adopted.site.vault("vault", "key", "canary-vault")?;
    adopted
        .site
        .kubectl(["patch", "secret", "vault", "--type=merge", "-p", "{\"data\":{\"raw\":\"Y2FuYXJ5Lf/+\"}}"])?
        .succeeded()?;
    adopted.run(&adopted.script, &[])?.succeeded()?;
    is_exact(&adopted.site)?;
    adopted.site.row("adopt.sh --fill wait", "", "equal to the manifest");
    Ok(())
}

/// What a person must decide first.
fn stops(this: &Try) -> Result<()> {
    // A script that copies leaves an operator's Secret alone.
    let site = app(this, &(SECRET.to_owned() + &deployment(&[APP])), TO_THE_VAULT)?;
    site.vault("vault", "key", "canary-vault")?;
    let owner = r#"{"metadata":{"ownerReferences":[{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","name":"vault","uid":"0"}]}}"#;
    site.kubectl(["patch", "secret", "vault", "--type=merge", "-p", owner])?.succeeded()?;
    let adopted = Adopted::new(site, &[])?;
    adopted.run(&adopted.script, &[])?.failed()?.says("Secret vault is made by ExternalSecret vault")?;

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
