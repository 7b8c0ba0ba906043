//! Every way to a cluster that the examples show, each run as its client runs it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::client::Client;
use crate::clients;
use crate::machine::{Helm, Machine, Major, RESECRET, Run, copy_folder, repository, text};

/// Where the examples say that the program is, for clients that want a path.
const INSTALLED: &str = "/usr/local/bin/resecret";

/// What is rendered, and by which rules.
pub(crate) struct Scenario<'a> {
    /// A folder of `tests/charts`.
    pub(crate) chart: &'static str,
    /// The text below `spec:`; the example's own if absent.
    pub(crate) spec: Option<&'a str>,
}

/// A way from a chart to manifests.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// As the table of `docs/clients/README.md` names it.
    pub(crate) name: &'static str,
    /// The clients that take part, the one that the row is about first.
    pub(crate) needs: &'static [&'static str],
    /// Runs it on a machine that nothing has been installed on yet.
    pub(crate) run: fn(&Machine, &Scenario<'_>) -> Result<Run>,
}

pub(crate) const WAYS: [Way; 14] = [
    Way { name: "Pipe", needs: &["helm3"], run: pipe },
    Way { name: "Helm 3", needs: &["helm3"], run: |machine, scenario| helm(machine, scenario, Major::Three) },
    Way { name: "Helm 4", needs: &["helm4"], run: |machine, scenario| helm(machine, scenario, Major::Four) },
    Way { name: "Helm 3, behind another post-renderer", needs: &["helm3"], run: chain3 },
    Way { name: "Helm 4, behind another post-renderer", needs: &["helm4"], run: chain4 },
    Way { name: "helmfile with Helm 3", needs: &["helmfile", "helm3"], run: helmfile3 },
    Way { name: "helmfile with Helm 4", needs: &["helmfile", "helm4"], run: helmfile4 },
    Way { name: "Kustomize, KRM function, Helm 3", needs: &["kustomize", "helm3"], run: krm3 },
    Way { name: "Kustomize, KRM function, Helm 4", needs: &["kustomize", "helm4"], run: krm4 },
    Way { name: "Kustomize, KRM function, plain file", needs: &["kustomize", "helm3"], run: krm_file },
    Way { name: "Kustomize, exec plugin", needs: &["kustomize", "helm3"], run: exec_plugin },
    Way { name: "kubectl kustomize, exec plugin", needs: &["kubectl", "helm3"], run: kubectl },
    Way { name: "Argo CD, config management plugin", needs: &["helm3"], run: argo_plugin },
    Way { name: "Argo CD, Kustomize", needs: &["kustomize", "helm3"], run: argo_kustomize },
];

/// The name of the release: that of every example.
const RELEASE: &str = "lf";

/// The chart as it is without the program.
pub(crate) fn plain(machine: &Machine, chart: &'static str) -> Result<Run> {
    let folder = project(machine, "kustomize", &Scenario { chart, spec: None })?;
    let helm = machine.helm(Major::Three)?;
    helm.run(template(&folder)?.iter().map(String::as_str))?.succeeded()
}

/// Copies an example, with its chart, its values and these rules.
pub(crate) fn project(machine: &Machine, example: &str, scenario: &Scenario<'_>) -> Result<PathBuf> {
    let folder = machine.path(&format!("project of {example}"));
    copy_folder(&repository("examples").join(example), &folder)?;
    // Every example has its chart in this folder.
    let chart = folder.join("charts/umbrella");
    copy_folder(&repository("tests/charts").join(scenario.chart), &chart)?;
    fs::copy(repository("tests/charts/null-lost.yaml"), folder.join("values.yaml"))?;
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.is_file() {
            let text = fs::read_to_string(&path)?.replace(INSTALLED, RESECRET);
            fs::write(&path, text)?;
        }
    }
    let rules = folder.join("resecret.yaml");
    if !rules.exists() {
        fs::copy(repository("examples/kustomize-exec-plugin/resecret.yaml"), &rules)?;
    }
    if let Some(spec) = scenario.spec {
        let text = fs::read_to_string(&rules)?;
        let head = text.split("spec:\n").next().context("a configuration has a spec")?;
        fs::write(&rules, format!("{head}spec:\n{spec}"))?;
    }
    Ok(folder)
}

/// The arguments that make Helm render a project.
fn template(folder: &Path) -> Result<Vec<String>> {
    let (chart, values) = (folder.join("charts/umbrella"), folder.join("values.yaml"));
    let words = ["template", RELEASE, text(&chart)?, "--namespace", "default", "--values", text(&values)?];
    Ok(words.map(str::to_owned).to_vec())
}

/// Puts Helm on PATH under the name that clients look for.
fn helm_on_path(machine: &Machine, major: Major) -> Result<PathBuf> {
    let program = clients::find(major.client()).map_err(anyhow::Error::msg)?;
    machine.add_tool("helm", &program)?;
    Ok(program)
}

fn pipe(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    let folder = project(machine, "kustomize", scenario)?;
    helm_on_path(machine, Major::Three)?;
    let script = format!("helm \"$@\" | '{RESECRET}' --config '{}'", text(&folder.join("resecret.yaml"))?);
    let arguments = template(&folder)?;
    let words = ["-c", &script, "sh"].into_iter().chain(arguments.iter().map(String::as_str));
    Client::new(machine, "sh", &folder)?.run(words)
}

fn helm(machine: &Machine, scenario: &Scenario<'_>, major: Major) -> Result<Run> {
    let folder = project(machine, "kustomize", scenario)?;
    let helm = machine.helm(major)?;
    let post_renderer = machine.post_renderer(&helm)?;
    let config = format!("--post-renderer-args=--config={}", text(&folder.join("resecret.yaml"))?);
    let mut arguments = template(&folder)?;
    arguments.extend(["--post-renderer".to_owned(), post_renderer, config]);
    helm.run(arguments.iter().map(String::as_str))
}

fn chain3(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    let folder = project(machine, "chain", scenario)?;
    chain(machine, &folder, &machine.helm(Major::Three)?, text(&folder.join("chain.sh"))?)
}

fn chain4(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    let folder = project(machine, "chain", scenario)?;
    let helm = machine.helm(Major::Four)?;
    let plugin = PathBuf::from(helm.data_home()).join("plugins/chain");
    copy_folder(&repository("examples/chain"), &plugin)?;
    chain(machine, &folder, &helm, "chain")
}

/// The other post-renderer lets everything through and says something.
fn chain(machine: &Machine, folder: &Path, helm: &Helm, post_renderer: &str) -> Result<Run> {
    let other = machine.write_script("other", "echo 'the other post-renderer' >&2\ntee\n")?;
    machine.add_tool("other-post-renderer", &other)?;
    machine.add_tool("resecret", Path::new(RESECRET))?;
    let config = format!("--post-renderer-args=--config={}", text(&folder.join("resecret.yaml"))?);
    let mut arguments = template(folder)?;
    arguments.extend(["--post-renderer".to_owned(), post_renderer.to_owned(), config]);
    helm.run(arguments.iter().map(String::as_str))
}

fn helmfile3(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    let folder = project(machine, "helmfile", scenario)?;
    helmfile(machine, &machine.helm(Major::Three)?, &folder)
}

/// The example for Helm 4: the plugin's name in the place of the program.
fn helmfile4(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    let folder = project(machine, "helmfile", scenario)?;
    let helm = machine.helm(Major::Four)?;
    let (file, plugin) = (folder.join("helmfile.yaml"), machine.post_renderer(&helm)?);
    let example = fs::read_to_string(&file)?;
    fs::write(&file, example.replace("postRenderer: resecret ", &format!("postRenderer: {plugin} ")))?;
    helmfile(machine, &helm, &folder)
}

fn helmfile(machine: &Machine, helm: &Helm, folder: &Path) -> Result<Run> {
    machine.add_tool("resecret", Path::new(RESECRET))?;
    let client = Client::new(machine, "helmfile", folder)?.with("HELM_DATA_HOME", helm.data_home());
    client.run(["--helm-binary", text(helm.program())?, "template", "--skip-deps"])
}

fn krm3(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    krm(machine, scenario, Major::Three)
}

fn krm4(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    krm(machine, scenario, Major::Four)
}

fn krm(machine: &Machine, scenario: &Scenario<'_>, major: Major) -> Result<Run> {
    let folder = project(machine, "kustomize", scenario)?;
    let helm = clients::find(major.client()).map_err(anyhow::Error::msg)?;
    let flags = ["--enable-alpha-plugins", "--enable-exec", "--enable-helm", "--helm-command", text(&helm)?];
    Client::new(machine, "kustomize", &folder)?.run(["build", "."].into_iter().chain(flags))
}

/// A render in a file, as a resource of the kustomization.
fn krm_file(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    let folder = project(machine, "kustomize", scenario)?;
    let helm = machine.helm(Major::Three)?;
    let render = helm.run(template(&folder)?.iter().map(String::as_str))?.succeeded()?.stdout;
    fs::write(folder.join("render.yaml"), render)?;
    fs::write(
        folder.join("kustomization.yaml"),
        "resources: [render.yaml]\ntransformers: [resecret.yaml]\n",
    )?;
    Client::new(machine, "kustomize", &folder)?.run(["build", ".", "--enable-alpha-plugins", "--enable-exec"])
}

/// Installs the exec plugin as a user does.
pub(crate) fn install_exec_plugin(machine: &Machine) -> Result<()> {
    let program = Client::new(machine, "sh", &machine.path("home"))?;
    program.run(["-c", &format!("'{RESECRET}' kustomize install")])?.succeeded()?;
    Ok(())
}

fn exec_plugin(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    install_exec_plugin(machine)?;
    let folder = project(machine, "kustomize-exec-plugin", scenario)?;
    let helm = clients::find("helm3").map_err(anyhow::Error::msg)?;
    let flags = ["--enable-alpha-plugins", "--enable-helm", "--helm-command", text(&helm)?];
    Client::new(machine, "kustomize", &folder)?.run(["build", "."].into_iter().chain(flags))
}

fn kubectl(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    install_exec_plugin(machine)?;
    let folder = project(machine, "kustomize-exec-plugin", scenario)?;
    let helm = clients::find("helm3").map_err(anyhow::Error::msg)?;
    let flags = ["--enable-alpha-plugins", "--enable-helm", "--helm-command", text(&helm)?];
    Client::new(machine, "kubectl", &folder)?.run(["kustomize", "."].into_iter().chain(flags))
}

/// As Argo CD's plugin server runs it: in the application's folder, with the sidecar's environment and the
/// application's, standard error kept for the error message.
fn argo_plugin(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    let folder = project(machine, "argocd", scenario)?;
    helm_on_path(machine, Major::Three)?;
    machine.add_tool("resecret", Path::new(RESECRET))?;
    let plugin: Value = serde_yaml::from_str(&fs::read_to_string(folder.join("plugin.yaml"))?)?;
    let generate = plugin.pointer("/spec/generate").context("the plugin generates")?;
    let words = |field: &str| generate[field].as_array().into_iter().flatten().filter_map(Value::as_str);
    let command: Vec<&str> = words("command").chain(words("args")).collect();
    let (program, arguments) = command.split_first().context("a command")?;
    // The application's folder is the chart's.
    let chart = folder.join("charts/umbrella");
    for file in ["resecret.yaml", "values.yaml"] {
        let name = if file == "values.yaml" { "argocd-values.yaml" } else { file };
        fs::copy(folder.join(file), chart.join(name))?;
    }
    Client::new(machine, program, &chart)?
        .with("ARGOCD_APP_NAME", RELEASE)
        .with("ARGOCD_APP_NAMESPACE", "default")
        .with("ARGOCD_APP_SOURCE_PATH", "charts/umbrella")
        .with("ARGOCD_ENV_VALUES", "argocd-values.yaml")
        .with("KUBE_VERSION", "1.37.0")
        .with("KUBE_API_VERSIONS", "v1,apps/v1,batch/v1")
        .run(arguments.iter().copied())
}

/// As Argo CD's repository server runs Kustomize: with the options of its ConfigMap.
fn argo_kustomize(machine: &Machine, scenario: &Scenario<'_>) -> Result<Run> {
    let folder = project(machine, "kustomize", scenario)?;
    helm_on_path(machine, Major::Three)?;
    let settings: Value =
        serde_yaml::from_str(&fs::read_to_string(repository("examples/argocd/argocd-cm.yaml"))?)?;
    let options = settings["data"]["kustomize.buildOptions"].as_str().context("build options")?;
    let words = ["build", "."].into_iter().chain(options.split_whitespace());
    Client::new(machine, "kustomize", &folder)?.run(words)
}
