use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::clients;
use crate::cluster;

use crate::machine::{Helm, Machine, Major, RESECRET, Run, repository, text};
use crate::said::Said;
use crate::table;

/// A chart that renders the file beside it as it is.
const CHART: &str = "apiVersion: v2\nname: app\nversion: 0.1.0\n";
const TEMPLATE: &str = "{{ .Files.Get \"manifest.yaml\" }}";

/// The name of a release, unless a page says another one.
pub(crate) const RELEASE: &str = "lf";

/// A release on a machine and in a namespace of its own.
pub(crate) struct Site {
    scenario: &'static str,
    /// Who installs the release; another one may upgrade it.
    installed_by: Major,
    pub(crate) machine: Machine,
    pub(crate) helm: Helm,
    kubectl: PathBuf,
    namespace: String,
    /// The release's name.
    pub(crate) release: String,
    /// The chart and its values.
    chart: Vec<String>,
    /// How `--post-renderer` is told what to run.
    post_renderer: Vec<String>,
}

impl Site {
    /// Makes the namespace; nothing is installed yet.
    pub(crate) fn new(scenario: &'static str, major: Major, installed_by: Major) -> Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let machine = Machine::new()?;
        let kubectl = clients::find("kubectl").map_err(anyhow::Error::msg)?;
        let kubeconfig = machine.path("kubeconfig");
        let helm = machine.helm(major)?.with("KUBECONFIG", &kubeconfig);
        let post_renderer = machine.post_renderer(&helm)?;
        let site = Self {
            scenario,
            installed_by,
            namespace: format!("resecret-{}-{number}", std::process::id()),
            release: RELEASE.to_owned(),
            chart: Vec::new(),
            post_renderer: vec!["--post-renderer".to_owned(), post_renderer],
            machine,
            helm,
            kubectl,
        };
        // A kubeconfig of its own, so that no command needs to say the namespace.
        let shared = cluster::kubeconfig()?;
        let flatten = ["config", "view", "--raw", "--flatten", "--minify", "--kubeconfig", text(&shared)?];
        site.machine.write("kubeconfig", &site.kubectl(flatten)?.succeeded()?.stdout)?;
        site.kubectl(["config", "set-context", "--current", "--namespace", &site.namespace])?.succeeded()?;
        site.kubectl(["create", "namespace", &site.namespace])?.succeeded()?;
        Ok(site)
    }

    /// The chart renders this manifest from now on.
    pub(crate) fn render(&mut self, manifest: &str) -> Result<()> {
        self.machine.write("chart/Chart.yaml", CHART)?;
        self.machine.write("chart/templates/all.yaml", TEMPLATE)?;
        self.machine.write("chart/manifest.yaml", manifest)?;
        self.chart = vec![text(&self.machine.path("chart"))?.to_owned()];
        Ok(())
    }

    /// The release is of the umbrella chart, as a Helm renders it that loses the null.
    pub(crate) fn umbrella(&mut self) -> Result<()> {
        let path = |name: &str| Ok::<_, anyhow::Error>(text(&repository(name))?.to_owned());
        self.chart =
            vec![path("tests/charts/umbrella")?, "-f".to_owned(), path("tests/charts/null-lost.yaml")?];
        Ok(())
    }

    /// The chart, and the values that follow it.
    pub(crate) fn chart(&self) -> &[String] {
        &self.chart
    }

    /// The release is of this folder's chart.
    pub(crate) fn chart_of(&mut self, folder: &str) -> Result<()> {
        self.chart = vec![text(&repository(folder))?.to_owned()];
        Ok(())
    }

    /// Adds a file of values.
    pub(crate) fn add_values(&mut self, file: &std::path::Path) -> Result<()> {
        self.chart.extend(["-f".to_owned(), text(file)?.to_owned()]);
        Ok(())
    }

    /// The rules of the filter. This text stands below `spec:`.
    pub(crate) fn rules(&mut self, spec: &str) -> Result<()> {
        let head = "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n";
        let config = self.machine.write("resecret.yaml", &format!("{head}{spec}"))?;
        self.post_renderer.truncate(2);
        self.post_renderer.push(format!("--post-renderer-args=--config={}", text(&config)?));
        Ok(())
    }

    /// Runs Helm.
    pub(crate) fn helm<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Run> {
        self.helm.run(arguments)
    }

    /// Runs kubectl.
    pub(crate) fn kubectl<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Run> {
        self.helm.run_by(&self.kubectl, arguments)
    }

    /// The namespace, for pages that say one of their own.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The program of kubectl, to put it on a PATH.
    pub(crate) fn kubectl_program(&self) -> &std::path::Path {
        &self.kubectl
    }

    /// Runs `helm COMMAND lf CHART FLAGS`.
    fn release(&self, command: &str, flags: &[&str]) -> Result<Run> {
        // Hooks are removed: nothing runs a pod here, and Helm would wait for it.
        let chart = self.chart.iter().map(String::as_str);
        let arguments = [command, &self.release, "--no-hooks"].into_iter().chain(chart);
        self.helm(arguments.chain(flags.iter().copied()))
    }

    /// Installs the chart as it is, as Helm 3 does and as every Helm did before server-side apply.
    pub(crate) fn install_plain(&self) -> Result<()> {
        if self.installed_by != self.helm.major {
            let helm =
                self.machine.helm(self.installed_by)?.with("KUBECONFIG", &self.machine.path("kubeconfig"));
            let chart = self.chart.iter().map(String::as_str);
            return helm
                .run(["install", &self.release, "--no-hooks"].into_iter().chain(chart))?
                .succeeded()
                .map(drop);
        }
        let flags: &[&str] = if self.helm.major == Major::Four { &["--server-side=false"] } else { &[] };
        self.release("install", flags)?.succeeded().map(drop)
    }

    /// Installs the chart as it is, with these flags.
    pub(crate) fn install(&self, flags: &[&str]) -> Result<Run> {
        self.release("install", flags)
    }

    /// Upgrades through the filter.
    pub(crate) fn upgrade(&self, flags: &[&str]) -> Result<Run> {
        let filter = self.post_renderer.iter().map(String::as_str);
        self.release("upgrade", &filter.chain(flags.iter().copied()).collect::<Vec<_>>())
    }

    /// Upgrades without the filter, as somebody does who forgets the flag.
    pub(crate) fn upgrade_plain(&self) -> Result<Run> {
        self.release("upgrade", &[])
    }

    /// Rolls back.
    pub(crate) fn rollback(&self, revision: &str, flags: &[&str]) -> Result<Run> {
        self.helm(
            ["rollback", &self.release, revision, "--no-hooks"].into_iter().chain(flags.iter().copied()),
        )
    }

    /// What `check --previous` says of an upgrade to what the chart renders now. `more` goes behind the manifest.
    pub(crate) fn check(&self, more: &str) -> Result<Said> {
        let chart = self.chart.iter().map(String::as_str);
        let render = self.helm(["template", RELEASE, "--no-hooks"].into_iter().chain(chart))?.succeeded()?;
        let previous = self.machine.write("previous.yaml", &format!("{}\n---\n{more}", self.manifest()?))?;
        let config = self.machine.path("resecret.yaml");
        let render = self.machine.write("render.yaml", &render.stdout)?;
        let arguments =
            ["check", "--format", "json", "--previous", text(&previous)?, "--config", text(&config)?];
        let run = self.helm.run_by(RESECRET.as_ref(), arguments.into_iter().chain([text(&render)?]))?;
        ensure!(matches!(run.code, Some(0 | 1)), "check failed: {run}");
        Said::read(&run.stdout)
    }

    /// The manifest of the last revision.
    pub(crate) fn manifest(&self) -> Result<String> {
        Ok(self.helm(["get", "manifest", &self.release])?.succeeded()?.stdout)
    }

    /// A live object, by `Kind/name`.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Value>> {
        let run = self.kubectl(["get", key, "-o", "json", "--ignore-not-found"])?.succeeded()?;
        if run.stdout.trim().is_empty() { Ok(None) } else { Ok(Some(serde_json::from_str(&run.stdout)?)) }
    }

    /// Makes Helm keep a live Secret, with the command that `check` shows.
    pub(crate) fn keep(&self, secret: &str) -> Result<()> {
        self.kubectl(["annotate", "secret", secret, "helm.sh/resource-policy=keep"])?.succeeded().map(drop)
    }

    /// Makes a Secret as the vault's operator would.
    pub(crate) fn vault(&self, secret: &str, key: &str, value: &str) -> Result<()> {
        let literal = format!("--from-literal={key}={value}");
        let dry = ["create", "secret", "generic", secret, &literal, "--dry-run=client", "-o", "yaml"];
        let manifest = self.kubectl(dry)?.succeeded()?.stdout;
        let file = self.machine.write("vault.yaml", &manifest)?;
        self.kubectl(["apply", "--server-side", "--force-conflicts", "-f", text(&file)?])?
            .succeeded()
            .map(drop)
    }

    /// Adds a row to the table.
    pub(crate) fn row(&self, done: &str, said: &str, live: &str) {
        let number = |major: Major| major.client().trim_start_matches("helm");
        let (from, to) = (number(self.installed_by), number(self.helm.major));
        let helm = if from == to { to.to_owned() } else { format!("{from}, {to}") };
        table::add([self.scenario, &helm, done, said, live].map(str::to_owned));
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // A cluster that someone lends is left clean; the one that is started here goes as a whole.
        let _ = self.kubectl(["delete", "namespace", &self.namespace, "--wait=false"]);
    }
}
