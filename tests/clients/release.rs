use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::machine::{Helm, Machine, Major, Run, copy_folder, repository, text};
use crate::plugin::{NAME, check_command, check_post_renderer, uninstall};
use crate::web::{Web, commit_all, platform};
use crate::{Case, clients};

const TOOLS: &[&str] = &["curl", "git", "sha256sum", "tar"];

pub(crate) const CASES: &[Case] = &[
    Case { name: "release::one_address", needs: &["sh"], run: one_address },
    Case { name: "release::notes", needs: &["sh", "awk"], run: notes },
    Case { name: "release::binstall", needs: &[], run: binstall },
    Case {
        name: "release::helm3_from_git",
        needs: &["helm3", "curl", "git", "sha256sum", "tar"],
        run: || from_git(Major::Three),
    },
    Case {
        name: "release::helm4_from_git",
        needs: &["helm4", "curl", "git", "sha256sum", "tar"],
        run: || from_git(Major::Four),
    },
    Case { name: "release::action", needs: &["bash", "curl", "sha256sum", "tar"], run: action },
    Case {
        name: "release::pre_commit",
        needs: &["pre-commit", "curl", "git", "sha256sum", "tar"],
        run: pre_commit,
    },
    Case {
        name: "release::registry",
        needs: &["helm4", "crane", "oras", "gpg", "bash", "jq"],
        run: registry,
    },
];

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Everything that needs the repository's address has it from Cargo.toml, and says so where it is not set.
fn one_address() -> Result<()> {
    let machine = Machine::new()?;
    let checkout = machine.path("checkout");
    for file in [".ci/repository", "tools/schemastore/entry"] {
        fs::create_dir_all(checkout.join(file).parent().context("a folder")?)?;
        fs::copy(repository(file), checkout.join(file))?;
    }
    let entry = || Run::of(&mut Command::new(checkout.join("tools/schemastore/entry")), "");
    fs::write(checkout.join("Cargo.toml"), "[package]\nname = \"resecret\"\n")?;
    entry()?.failed()?.says("Cargo.toml does not set")?;
    fs::write(checkout.join("Cargo.toml"), "[package]\nrepository = \"https://git.example/a/resecret/\"\n")?;
    let entry: Value = serde_json::from_str(&entry()?.succeeded()?.stdout)?;
    ensure!(entry["url"] == "https://git.example/a/resecret/releases/latest/download/resecret-schema.json");
    ensure!(entry["fileMatch"][0] == "resecret.yaml");
    Ok(())
}

/// The notes of a release are what the CHANGELOG says of its version, and there is no release without.
fn notes() -> Result<()> {
    let machine = Machine::new()?;
    fs::create_dir_all(machine.path("checkout/.ci"))?;
    let script = machine.path("checkout/.ci/release-notes");
    fs::copy(repository(".ci/release-notes"), &script)?;
    machine.write(
        "checkout/CHANGELOG.md",
        "# Changelog\n\nAbout.\n\n## Unreleased\n\n- New.\n\n## 1.2.0 – 2026-01-02\n\n- Two.\n\n### More\n\n- Lines.\n\n## 1.1.0 – 2026-01-01\n\n- One.\n",
    )?;
    let of = |version: &str| Run::of(Command::new(&script).arg(version), "");
    ensure!(of("1.2.0")?.succeeded()?.stdout == "- Two.\n\n### More\n\n- Lines.\n");
    ensure!(of("1.1.0")?.succeeded()?.stdout == "- One.\n");
    of("1.2")?.failed()?.says("says nothing of version 1.2")?;
    let mut ours = Command::new(repository(".ci/release-notes"));
    ensure!(!Run::of(ours.arg(VERSION), "")?.succeeded()?.stdout.is_empty());
    Ok(())
}

/// cargo-binstall looks for what `.ci/package` makes, on each platform of the release workflow.
fn binstall() -> Result<()> {
    let manifest = fs::read_to_string(repository("Cargo.toml"))?;
    let workflow: Value =
        serde_yaml::from_str(&fs::read_to_string(repository(".github/workflows/release.yml"))?)?;
    let platforms = workflow.pointer("/jobs/build/strategy/matrix/include").and_then(Value::as_array);
    for row in platforms.context("platforms")? {
        let (target, platform) = (row["target"].as_str().context("a target")?, row["platform"].as_str());
        let name = format!("resecret-{{ version }}-{}", platform.context("a platform")?);
        let heading = format!("[package.metadata.binstall.overrides.{target}]\n");
        let (_, section) = manifest.split_once(&heading).with_context(|| format!("no {heading}"))?;
        let lines: Vec<&str> = section.lines().take_while(|line| !line.is_empty()).collect();
        let url = format!("pkg-url = \"{{ repo }}/releases/download/v{{ version }}/{name}.tar.gz\"");
        let program = format!("bin-dir = \"{name}/{{ bin }}{{ binary-ext }}\"");
        ensure!(lines == [url.as_str(), program.as_str()], "{target}: {lines:#?}");
    }
    ensure!(manifest.contains("[package.metadata.binstall]\npkg-fmt = \"tgz\"\n"));
    Ok(())
}

/// Puts the tools that take a release on the PATH of the trial.
fn add_tools(machine: &Machine) -> Result<()> {
    for tool in TOOLS.iter().chain(&["gzip", "mkdir", "mv"]) {
        machine.add_tool(tool, &clients::on_path(tool).with_context(|| format!("{tool} is not on PATH"))?)?;
    }
    Ok(())
}

/// `helm plugin install URL`: the hook takes the release's program, by its checksum, on a machine without Rust.
fn from_git(major: Major) -> Result<()> {
    let machine = Machine::new()?;
    add_tools(&machine)?;
    let web = Web::new(&machine)?;
    let origin = machine.path("resecret");
    copy_folder(&repository("plugin"), &origin.join("plugin"))?;
    for file in ["plugin.yaml", ".gitignore"] {
        fs::copy(repository(file), origin.join(file))?;
    }
    fs::write(origin.join("Cargo.toml"), web.manifest()?)?;
    let git = clients::find("git").map_err(anyhow::Error::msg)?;
    commit_all(&git, &origin)?;
    let helm = machine.helm(major)?;
    let plugins = machine.path(&format!("{} data/plugins", major.client()));
    let url = format!("file://{}", text(&origin)?);
    let unsigned = (major == Major::Four).then_some("--verify=false");
    let install = || helm.run(["plugin", "install", &url].into_iter().chain(unsigned));
    let release = format!("{}/releases/download/v{VERSION}", web.address);

    // No release yet, and no Rust.
    let run = install()?.failed()?;
    run.says(&format!("{release}/resecret-{VERSION}-{}.tar.gz cannot be had", platform()))?;
    run.says("and there is no cargo to build it with")?;
    uninstall(&helm, &plugins)?;

    web.publish(&machine)?;
    install()?.succeeded()?.says(&format!("resecret: took version {VERSION} from {release}"))?;
    check_command(&helm)?;
    if major == Major::Four {
        check_post_renderer(&helm, NAME)?;
    }
    helm.run(["plugin", "update", "resecret"])?.succeeded()?;
    check_command(&helm)?;
    uninstall(&helm, &plugins)?;

    // Somebody has changed the archive.
    let archive = web.release().join(format!("resecret-{VERSION}-{}.tar.gz", platform()));
    let mut bytes = fs::read(&archive)?;
    bytes.push(0);
    fs::write(&archive, bytes)?;
    machine.write_script("tools/cargo", "echo 'cargo must not run' >&2\nexit 1\n")?;
    let run = install()?.failed()?;
    run.says("is not the one in SHA256SUMS there")?;
    run.does_not_say("cargo must not run")?;
    uninstall(&helm, &plugins)
}

/// The parts of the repository that a checkout of it has for an action or a hook.
fn checkout(machine: &Machine, web: &Web) -> Result<PathBuf> {
    let checkout = machine.path("checkout");
    copy_folder(&repository("plugin"), &checkout.join("plugin"))?;
    fs::create_dir(checkout.join("tools"))?;
    for file in ["tools/run-release", "plugin.yaml", ".gitignore", ".pre-commit-hooks.yaml", "action.yml"] {
        fs::copy(repository(file), checkout.join(file))?;
    }
    fs::write(checkout.join("Cargo.toml"), web.manifest()?)?;
    Ok(checkout)
}

/// Rules of which one matches nothing, so that there is something to report.
const ABSENT: &str =
    "apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  secrets:\n  - {name: absent, to: vault}\n";

/// The steps of the action, as a runner runs them: inputs with their defaults in the environment, and each script by bash.
struct Action {
    file: Value,
    checkout: PathBuf,
    tools: PathBuf,
}

impl Action {
    fn run(&self, folder: &Path, inputs: &[(&str, &str)]) -> Result<Run> {
        let value = |expression: &str| -> Result<String> {
            let name = expression.trim().strip_prefix("inputs.").context("an input")?;
            let given = inputs.iter().find(|(input, _)| *input == name).map(|(_, value)| *value);
            let input = self.file["inputs"].get(name).with_context(|| format!("no input {name}"))?;
            Ok(given.or(input["default"].as_str()).context("a value")?.to_owned())
        };
        let mut last = None;
        for step in self.file["runs"]["steps"].as_array().context("steps")? {
            let script = step["run"].as_str().context("a script")?;
            ensure!(step["shell"] == "bash" && !script.contains("${{"), "{step}");
            let mut command = Command::new(clients::find("bash").map_err(anyhow::Error::msg)?);
            command.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]).current_dir(folder);
            command.env_clear().env("PATH", &self.tools).env("GITHUB_ACTION_PATH", &self.checkout);
            for (name, text) in step["env"].as_object().into_iter().flatten() {
                let text = text.as_str().context("a text")?;
                let input = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
                command.env(name, input.map_or(Ok(text.to_owned()), value)?);
            }
            let run = Run::of(&mut command, "")?;
            let failed = run.code != Some(0);
            last = Some(run);
            if failed {
                break;
            }
        }
        last.context("a step")
    }
}

fn action() -> Result<()> {
    let machine = Machine::new()?;
    add_tools(&machine)?;
    machine.add_tool("bash", &clients::find("bash").map_err(anyhow::Error::msg)?)?;
    machine.add_tool("dirname", &clients::on_path("dirname").context("dirname is on PATH")?)?;
    let web = Web::new(&machine)?;
    web.publish(&machine)?;
    let file = serde_yaml::from_str(&fs::read_to_string(repository("action.yml"))?)?;
    let action = Action { file, checkout: checkout(&machine, &web)?, tools: machine.path("tools") };
    let folder = machine.path("workspace");
    fs::create_dir_all(folder.join("renders"))?;
    fs::copy(repository("tests/renders/umbrella-helm3.yaml"), folder.join("renders/my chart.yaml"))?;

    fs::write(folder.join("absent.yaml"), ABSENT)?;
    let langfuse = [("preset", "langfuse"), ("to", "langfuse-vault")];
    let with = |more: &[(&'static str, &'static str)]| [&langfuse[..], more].concat();
    action.run(&folder, &with(&[("files", "renders")]))?.succeeded()?;
    let run =
        action.run(&folder, &[("files", "renders"), ("config", "absent.yaml"), ("sarif", "out.sarif")])?;
    ensure!(run.code == Some(1), "{run}");
    run.says("::error ")?;
    let log: Value = serde_json::from_str(&fs::read_to_string(folder.join("out.sarif"))?)?;
    ensure!(
        log["version"] == "2.1.0" && log["runs"][0]["results"].as_array().is_some_and(|all| !all.is_empty())
    );
    let run = [("files", "renders"), ("config", "absent.yaml"), ("fail-on", "nothing")];
    action.run(&folder, &run)?.succeeded()?.says("::error ")?;
    action.run(&folder, &with(&[("files", " \n")]))?.failed()?.says("names no render")?;
    action.run(&folder, &with(&[("files", "renders"), ("fail-on", "never")]))?.failed()?.says("fail-on")?;
    ensure!(action.run(&folder, &[("files", "renders")])?.code == Some(2), "there is no configuration");
    Ok(())
}

/// pre-commit clones the hooks' repository, and runs them in one that holds renders.
fn pre_commit() -> Result<()> {
    let machine = Machine::new()?;
    let web = Web::new(&machine)?;
    web.publish(&machine)?;
    let git = clients::find("git").map_err(anyhow::Error::msg)?;
    let hooks = checkout(&machine, &web)?;
    let revision = commit_all(&git, &hooks)?;
    let folder = machine.path("work");
    fs::create_dir_all(folder.join("rendered"))?;
    fs::copy(repository("tests/renders/umbrella-helm3.yaml"), folder.join("rendered/lf.yaml"))?;
    let config = |hook: &str, args: &str| {
        let hook = format!("  - {{id: {hook}, files: ^rendered/, args: [{args}]}}\n");
        let text = format!("repos:\n- repo: {}\n  rev: {revision}\n  hooks:\n{hook}", hooks.display());
        fs::write(folder.join(".pre-commit-config.yaml"), text)
    };
    config("resecret-check", "--preset=langfuse, --to=langfuse-vault")?;
    commit_all(&git, &folder)?;
    let run = || {
        let mut command = Command::new(clients::find("pre-commit").map_err(anyhow::Error::msg)?);
        command.args(["run", "--all-files", "--verbose", "--color=never"]).current_dir(&folder);
        command.env("PRE_COMMIT_HOME", machine.path("pre-commit")).env("HOME", machine.path("home"));
        Run::of(&mut command, "")
    };
    run()?.succeeded()?.says("resecret check")?;
    fs::write(folder.join("absent.yaml"), ABSENT)?;
    config("resecret-check", "--config=absent.yaml")?;
    run()?.failed()?.says("error[")?;
    config("resecret-scan", "")?;
    run()?.failed()?.says("lf-langfuse-nextauth")
}

/// A registry on this machine, which ends with the trial.
struct Registry {
    server: Child,
    address: String,
}

impl Registry {
    fn start(machine: &Machine) -> Result<Self> {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(clients::find("crane").map_err(anyhow::Error::msg)?);
        command
            .args(["registry", "serve", "--address", &address])
            .env_clear()
            .env("HOME", machine.path("home"));
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let registry = Self { server, address };
        for _ in 0..200 {
            if std::net::TcpStream::connect(&registry.address).is_ok() {
                return Ok(registry);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the registry does not answer at {}", registry.address)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The plugins as artifacts of a registry, pushed as the release workflow does it: Helm 4 verifies and installs them from
/// there, and the same release pushed again has the same digest.
fn registry() -> Result<()> {
    let machine = Machine::new()?;
    let registry = Registry::start(&machine)?;
    let (dist, keyring) = crate::package::signed(&machine)?;
    let target = format!("{}/owner/resecret/plugins", registry.address);
    let oras = clients::find("oras").map_err(anyhow::Error::msg)?;
    let push = || {
        let mut command = Command::new(repository(".ci/push-plugins"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = oras.parent().map(Path::to_owned).into_iter().chain(std::env::split_paths(&path));
        command
            .env("PATH", std::env::join_paths(folders)?)
            .env("DIST", &dist)
            .env("HOME", machine.path("home"));
        Run::of(command.args([target.as_str(), "--plain-http"]), "")?.succeeded()
    };
    let digests = |run: &Run| {
        run.stdout.lines().filter(|line| line.starts_with("Digest:")).map(str::to_owned).collect::<Vec<_>>()
    };
    let (first, second) = (digests(&push()?), digests(&push()?));
    ensure!(first.len() == 2 && first == second, "{first:?} and {second:?}");

    let helm: Helm = machine.helm(Major::Four)?;
    let url = format!("oci://{target}/resecret:{VERSION}");
    let install = ["plugin", "install", &url, "--plain-http", "--keyring", text(&keyring)?];
    let run = helm.run(install)?.succeeded()?;
    run.says("Trial")?;
    run.says(&format!("resecret: found version {VERSION}"))?;
    check_command(&helm)?;
    check_post_renderer(&helm, NAME)?;
    helm.run(["plugin", "uninstall", "resecret"])?.succeeded()?;
    let alone = format!("oci://{target}/{NAME}:{VERSION}");
    helm.run(["plugin", "install", &alone, "--plain-http", "--keyring", text(&keyring)?])?.succeeded()?;
    check_post_renderer(&helm, NAME)?;
    // Without the signature there is nothing to verify by.
    fs::remove_file(dist.join(format!("resecret-{VERSION}.tgz.prov")))?;
    push()?;
    helm.run(install)?.failed()?;
    crate::package::end_agent(&machine);
    Ok(())
}
