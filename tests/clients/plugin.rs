use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::machine::{Helm, LANGFUSE, Machine, Major, RESECRET, Run, copy_folder, repository, text};
use crate::objects::Objects;
use crate::{Case, clients};

pub(crate) const CASES: &[Case] = &[
    Case { name: "plugin::helm3", needs: &["helm3"], run: helm3 },
    Case { name: "plugin::helm4", needs: &["helm4"], run: helm4 },
    Case { name: "plugin::helm3_says_the_same", needs: &["helm3"], run: || says_the_same(Major::Three) },
    Case { name: "plugin::helm4_says_the_same", needs: &["helm4"], run: || says_the_same(Major::Four) },
    Case { name: "plugin::helm4_beside_helm3_in_one_folder", needs: &["helm3", "helm4"], run: beside },
    Case { name: "plugin::helm3_after_helm4_in_one_folder", needs: &["helm3", "helm4"], run: after },
    Case { name: "plugin::helm4_after_helm3_in_one_folder", needs: &["helm3", "helm4"], run: before },
    Case { name: "plugin::helm4_with_helm_plugins_set", needs: &["helm4"], run: helm_plugins },
    Case { name: "plugin::helm4_with_helm_bin_set", needs: &["helm4"], run: helm_bin },
    Case { name: "plugin::helm4_with_a_foreign_folder", needs: &["helm4"], run: foreign_folder },
    Case { name: "plugin::no_binary", needs: &["helm3", "helm4"], run: no_binary },
    Case { name: "plugin::no_cargo", needs: &["helm3", "helm4"], run: no_cargo },
    Case { name: "plugin::broken_binary", needs: &["helm3", "helm4"], run: broken_binary },
    Case { name: "plugin::another_version", needs: &["helm3", "helm4"], run: another_version },
    Case { name: "plugin::not_writable", needs: &["helm3", "helm4"], run: not_writable },
    Case { name: "plugin::from_git", needs: &["helm3", "helm4", "git"], run: from_git },
    Case { name: "plugin::built_by_cargo", needs: &["helm4"], run: built_by_cargo },
];

pub(crate) const NAME: &str = "resecret-post-renderer";

/// The names in a plugins folder, dangling links included.
pub(crate) fn names(plugins: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(plugins).with_context(|| format!("cannot read {}", plugins.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

pub(crate) fn uninstall(helm: &Helm, plugins: &Path) -> Result<()> {
    helm.run(["plugin", "uninstall", "resecret"])?.succeeded()?;
    let left = names(plugins)?;
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

/// Runs the filter as `helm resecret`.
pub(crate) fn check_command(helm: &Helm) -> Result<()> {
    let render = fs::read_to_string(repository("tests/renders/umbrella-helm3.yaml"))?;
    let run = helm.run_with(&render, ["resecret", "--preset", "langfuse", "--to", "langfuse-vault"])?;
    let found = Objects::read(&run.succeeded()?.stdout)?;
    ensure!(found == Objects::read(&render)?.vaulted()?);
    Ok(())
}

/// What a shell would ask Helm for.
fn check_completion(helm: &Helm) -> Result<()> {
    for (typed, wanted) in
        [("expl", "explain"), ("explain two-", "two-values"), ("check --acc", "--accept-hazards")]
    {
        let words = ["__complete", "resecret"].into_iter().chain(typed.split(' '));
        helm.run(words)?.succeeded()?.says(wanted)?;
    }
    Ok(())
}

/// Renders the umbrella chart with this post-renderer.
pub(crate) fn check_post_renderer(helm: &Helm, post_renderer: &str) -> Result<()> {
    let chart = repository("tests/charts/umbrella");
    let command = ["template", "lf", text(&chart)?, "--post-renderer", post_renderer];
    let run = helm.run(command.into_iter().chain(LANGFUSE))?.succeeded()?;
    run.does_not_say("name: lf-langfuse-nextauth\n  labels")
}

fn helm3() -> Result<()> {
    let machine = Machine::new()?;
    let helm = machine.helm(Major::Three)?;
    let package = machine.package()?;
    let run = helm.run(["plugin", "install", text(&package)?])?.succeeded()?;
    let plugins = machine.path("helm3 data/plugins");
    let binary = plugins.join("resecret package/bin/resecret");
    run.says(&format!("resecret: found version {}, {}", env!("CARGO_PKG_VERSION"), binary.display()))?;
    run.says(&format!("--post-renderer \"{}\"", binary.display()))?;
    run.does_not_say(NAME)?;
    ensure!(names(&plugins)? == ["resecret package"]);

    let list = helm.run(["plugin", "list"])?.succeeded()?;
    list.says("resecret")?;
    list.says(env!("CARGO_PKG_VERSION"))?;
    check_command(&helm)?;
    check_completion(&helm)?;
    check_post_renderer(&helm, text(&binary)?)?;
    uninstall(&helm, &plugins)
}

fn helm4() -> Result<()> {
    let machine = Machine::new()?;
    let helm = machine.helm(Major::Four)?;
    let package = machine.package()?;
    let run = helm.run(["plugin", "install", text(&package)?])?.succeeded()?;
    run.says(&format!("resecret: found version {}", env!("CARGO_PKG_VERSION")))?;
    run.says(&format!("--post-renderer {NAME}"))?;
    let plugins = machine.path("helm4 data/plugins");
    ensure!(names(&plugins)? == ["resecret package", NAME]);

    let list = helm.run(["plugin", "list"])?.succeeded()?;
    list.says("cli/v1")?;
    list.says("postrenderer/v1")?;
    check_command(&helm)?;
    check_completion(&helm)?;
    check_post_renderer(&helm, NAME)?;
    uninstall(&helm, &plugins)
}

/// `helm resecret` and `resecret`: the same bytes on both outputs and the same exit code, but for Helm's own last line
/// about a plugin that fails. Helm names its namespace and context to a plugin, by variables that the program reads too.
fn says_the_same(major: Major) -> Result<()> {
    let machine = Machine::new()?;
    let helm = machine.helm(major)?;
    helm.run(["plugin", "install", text(&machine.package()?)?])?.succeeded()?;
    let render = repository("tests/renders/umbrella-helm3.yaml");
    let render = text(&render)?;
    let rules = ["--preset=langfuse", "--to=langfuse-vault", render];
    let adopt = ["adopt", "--release=lf", "--chart=./chart", "--previous", render];
    let commands: [&[&str]; 18] = [
        &["--version"],
        &["--help"],
        &["diff", "-h"],
        &["--bad"],
        &["nonsense"],
        &["explain", "two-values"],
        &["schema"],
        &["man"],
        &["completions", "zsh"],
        &["scan", render],
        &["check", render],
        &[&["check", "--format=sarif"], &rules[..]].concat(),
        &[&["diff"], &rules[..]].concat(),
        &[&["keys", "-o", "secret"], &rules[..]].concat(),
        &[&["patches"], &rules[..]].concat(),
        &[&["guard"], &rules[..]].concat(),
        &[&adopt[..], &rules].concat(),
        &rules,
    ];
    let of_helm = [("HELM_NAMESPACE", "default")];
    for command in commands {
        let by_helm = helm.run(["resecret"].into_iter().chain(command.iter().copied()))?;
        same_run(&by_helm, &alone(command, &of_helm)?)?;
    }
    // Helm takes these two out of the arguments.
    let flags = ["resecret", "--namespace", "langfuse", "--kube-context=prod"];
    let script = helm.run(flags.into_iter().chain(adopt).chain(rules))?.succeeded()?;
    let flags = ["--namespace=langfuse", "--context=prod"];
    let words: Vec<&str> = adopt.into_iter().chain(flags).chain(rules).collect();
    same_run(&script, &alone(&words, &[])?)?;
    let keys = ["keys", "-o", "secret", "-n", "langfuse"];
    let words: Vec<&str> = keys.into_iter().chain(rules).collect();
    let by_helm = helm.run(["resecret"].into_iter().chain(words.iter().copied()))?;
    by_helm.says("namespace: langfuse")?;
    same_run(&by_helm, &alone(&words, &[])?)
}

/// The program without Helm, in an environment that holds these variables.
fn alone(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Run> {
    let mut command = Command::new(RESECRET);
    Run::of(command.args(arguments).env_clear().envs(variables.iter().copied()), "")
}

fn same_run(by_helm: &Run, alone: &Run) -> Result<()> {
    let helms_line = "Error: plugin \"resecret\" exited with error\n";
    let stderr = by_helm.stderr.strip_suffix(helms_line).unwrap_or(&by_helm.stderr);
    ensure!(
        by_helm.code == alone.code && by_helm.stdout == alone.stdout,
        "by Helm: {by_helm}\nalone: {alone}"
    );
    ensure!(stderr == alone.stderr, "by Helm: {by_helm}\nalone: {alone}");
    Ok(())
}

/// Helm 3 would load no plugin any more, so Helm 4's second plugin is not linked, and the message says
/// how to get both.
fn beside() -> Result<()> {
    let machine = Machine::new()?;
    let (helm3, helm4) = (machine.sharing_helm(Major::Three)?, machine.sharing_helm(Major::Four)?);
    machine.add_tool("helm", helm3.program())?;
    let package = machine.package()?;
    let run = helm4.run(["plugin", "install", text(&package)?])?.succeeded()?;
    let shared = machine.path("home/.local/share/helm/plugins");
    run.says(&format!("resecret: not linked: {NAME}"))?;
    run.says(&format!("Helm 3 ({})", machine.path("tools/helm").display()))?;
    run.says("export HELM_DATA_HOME=")?;
    ensure!(names(&shared)? == ["resecret package"]);
    for helm in [&helm3, &helm4] {
        helm.run(["plugin", "list"])?.succeeded()?.does_not_say("failed to load")?;
        check_command(helm)?;
    }

    // The first remedy, typed as it is printed, where `helm` is Helm 3.
    let said = run.to_string();
    let remedy = said.split("a folder of its own:\n").nth(1).and_then(|rest| rest.split("or, if").next());
    let remedy = remedy.context("a remedy")?.replace("SOURCE", &format!("'{}'", text(&package)?));
    let shell = clients::on_path("sh").context("sh is on PATH")?;
    let typed = helm4.run_by(&shell, ["-c", &format!("set -e\n{remedy}")])?.succeeded()?;
    typed.says(&format!("resecret: linked {NAME}"))?;
    let data = machine.path("home/.local/share/helm4");
    let own = helm4.clone().with("HELM_DATA_HOME", &data);
    check_post_renderer(&own, NAME)?;
    uninstall(&own, &data.join("plugins"))?;

    // The same with the plugin of Helm 3, which stays.
    helm3.run(["plugin", "install", text(&package)?])?.succeeded()?;
    let run = own.run(["plugin", "install", text(&package)?])?.succeeded()?;
    run.says(&format!("resecret: linked {NAME}"))?;
    run.says("do not run Helm 3")?;
    check_post_renderer(&own, NAME)?;
    check_command(&helm3)?;
    uninstall(&own, &data.join("plugins"))?;
    check_command(&helm3)?;

    // The second: the link, all the same. It goes with the plugin, although the user made it.
    let second = shared.join("resecret package/plugin").join(NAME);
    helm4.run(["plugin", "install", text(&second)?])?.succeeded()?;
    check_post_renderer(&helm4, NAME)?;
    uninstall(&helm4, &shared)
}

/// Where no Helm 3 is to be seen, Helm 4 gets both plugins. A Helm 3 that comes later complains about a
/// file, and that file says what to do.
fn after() -> Result<()> {
    let machine = Machine::new()?;
    let (helm3, helm4) = (machine.sharing_helm(Major::Three)?, machine.sharing_helm(Major::Four)?);
    let package = machine.package()?;
    helm4.run(["plugin", "install", text(&package)?])?.succeeded()?.says("resecret: linked")?;
    let shared = machine.path("home/.local/share/helm/plugins");
    let file = shared.join(NAME).join("plugin.yaml");
    let run = helm3.run(["plugin", "list"])?.failed()?;
    run.says(text(&file)?)?;
    ensure!(fs::read_to_string(file)?.contains("HELM_DATA_HOME"));
    // Other commands of Helm 3 complain, and work.
    check_post_renderer(&helm3, RESECRET)?;

    uninstall(&helm4, &shared)?;
    helm3.run(["plugin", "list"])?.succeeded()?.does_not_say("failed to load")
}

/// Helm 4 finds Helm 3's plugin, but no post-renderer: Helm 3's hook says so in advance.
fn before() -> Result<()> {
    let machine = Machine::new()?;
    let (helm3, helm4) = (machine.sharing_helm(Major::Three)?, machine.sharing_helm(Major::Four)?);
    machine.add_tool("helm4", helm4.program())?;
    let package = machine.package()?;
    let run = helm3.run(["plugin", "install", text(&package)?])?.succeeded()?;
    run.says("resecret: Helm 4 needs an installation of its own")?;
    run.says("HELM_DATA_HOME=")?;
    check_command(&helm4)?;
    let chart = repository("tests/charts/umbrella");
    let run = helm4.run(["template", "lf", text(&chart)?, "--post-renderer", NAME])?.failed()?;
    run.says("not found")?;
    uninstall(&helm4, &machine.path("home/.local/share/helm/plugins"))
}

/// Helm 4 installs a folder where HELM_DATA_HOME says, and looks where HELM_PLUGINS says.
fn helm_plugins() -> Result<()> {
    let machine = Machine::new()?;
    let helm = machine.helm(Major::Four)?;
    let package = machine.package()?;
    let elsewhere = helm.clone().with("HELM_PLUGINS", &machine.path("elsewhere"));
    let run = elsewhere.run(["plugin", "install", text(&package)?])?.succeeded()?;
    run.says("resecret: HELM_PLUGINS is set")?;
    uninstall(&helm, &machine.path("helm4 data/plugins"))?;

    let there = helm.with("HELM_PLUGINS", &machine.path("helm4 data/plugins"));
    let run = there.run(["plugin", "install", text(&package)?])?.succeeded()?;
    run.does_not_say("HELM_PLUGINS is set")
}

/// HELM_BIN alone does not make a Helm 3: someone may have exported it.
fn helm_bin() -> Result<()> {
    let machine = Machine::new()?;
    let helm = machine.helm(Major::Four)?;
    let helm = helm.clone().with("HELM_BIN", helm.program());
    let package = machine.package()?;
    helm.run(["plugin", "install", text(&package)?])?.succeeded()?.says("resecret: linked")
}

/// A folder of that name that is no link is not the hook's, and neither hook touches it.
fn foreign_folder() -> Result<()> {
    let machine = Machine::new()?;
    let helm = machine.helm(Major::Four)?;
    let package = machine.package()?;
    let folder = format!("helm4 data/plugins/{NAME}");
    let file = machine.write(&format!("{folder}/notes.txt"), "mine\n")?;
    let run = helm.run(["plugin", "install", text(&package)?])?.succeeded()?;
    run.says(&format!("resecret: left {} alone", machine.path(&folder).display()))?;
    helm.run(["plugin", "uninstall", "resecret"])?.succeeded()?;
    ensure!(fs::read_to_string(file)? == "mine\n");
    Ok(())
}

fn no_binary() -> Result<()> {
    check_refusal("there is no ", |_, package| Ok(fs::remove_file(package.join("bin/resecret"))?))
}

/// A checkout on a machine without Rust.
fn no_cargo() -> Result<()> {
    check_refusal("and there is no cargo to build it with", |_, package| {
        fs::remove_file(package.join("bin/resecret"))?;
        fs::copy(repository("Cargo.toml"), package.join("Cargo.toml"))?;
        Ok(())
    })
}

/// A binary for another machine, or one that wants a newer system library.
fn broken_binary() -> Result<()> {
    check_refusal("does not run here: no such library", |machine, package| {
        let broken = machine.write_script("broken", "echo 'no such library' >&2\nexit 1\n")?;
        Ok(fs::rename(broken, package.join("bin/resecret"))?)
    })
}

fn another_version() -> Result<()> {
    let reason = format!("is resecret {} and not resecret 99.0.0", env!("CARGO_PKG_VERSION"));
    check_refusal(&reason, |_, package| {
        let metadata = fs::read_to_string(package.join("plugin.yaml"))?;
        let version = format!("version: {}", env!("CARGO_PKG_VERSION"));
        ensure!(metadata.contains(&version));
        Ok(fs::write(package.join("plugin.yaml"), metadata.replace(&version, "version: 99.0.0"))?)
    })
}

/// A folder that cannot be written, for everybody: `ln` fails. What it says itself helps nobody.
fn not_writable() -> Result<()> {
    let machine = Machine::new()?;
    let package = machine.package()?;
    let refuses = |machine: &Machine| -> Result<()> {
        fs::remove_file(machine.path("tools/ln"))?;
        machine.write_script("tools/ln", "echo 'ln: failed to create symbolic link' >&2\nexit 1\n").map(drop)
    };
    refuses(&machine)?;
    let helm4 = machine.helm(Major::Four)?;
    let run = helm4.run(["plugin", "install", text(&package)?])?.succeeded()?;
    run.says(&format!("resecret: not linked: {NAME}"))?;
    run.says("plugins cannot be written")?;
    run.does_not_say("failed to create")?;
    uninstall(&helm4, &machine.path("helm4 data/plugins"))?;

    // A package that holds a binary for each platform links this one's.
    let platform = format!(
        "resecret-{}-{}",
        std::env::consts::OS,
        if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" }
    );
    fs::rename(package.join("bin/resecret"), package.join("bin").join(platform))?;
    for major in [Major::Three, Major::Four] {
        let helm = machine.helm(major)?;
        let run = helm.run(["plugin", "install", text(&package)?])?.failed()?;
        run.says("bin cannot be written. Make it writable")?;
        run.does_not_say("failed to create")?;
        uninstall(&helm, &machine.path(&format!("{} data/plugins", major.client())))?;
    }
    Ok(())
}

/// Spoils the package and demands that both majors fail with a reason and a remedy, and that the plugin
/// can be uninstalled.
fn check_refusal(reason: &str, spoil: fn(&Machine, &Path) -> Result<()>) -> Result<()> {
    let machine = Machine::new()?;
    let package = machine.package()?;
    spoil(&machine, &package)?;
    for major in [Major::Three, Major::Four] {
        let helm = machine.helm(major)?;
        let run = helm.run(["plugin", "install", text(&package)?])?.failed()?;
        run.says("resecret: not installed: ")?;
        run.says(reason)?;
        let helm_program = helm.program().display();
        run.says(&format!("\"{helm_program}\" plugin install \"{}\"", package.display()))?;
        uninstall(&helm, &machine.path(&format!("{} data/plugins", major.client())))?;
    }
    Ok(())
}

/// From a repository Helm makes a clone, and an update cleans it, ignored files and all: the hook has to
/// build once more. Cargo is played by a script here.
fn from_git() -> Result<()> {
    let machine = Machine::new()?;
    let git = clients::find("git").map_err(anyhow::Error::msg)?;
    for (tool, program) in [("git", Some(git.clone())), ("mkdir", clients::on_path("mkdir"))] {
        machine.add_tool(tool, &program.with_context(|| format!("{tool} is not on PATH"))?)?;
    }
    let log = machine.path("cargo.log");
    machine.write_script(
        "tools/cargo",
        &format!("echo \"$*\" >>'{}'\nmkdir -p bin\nln -sf '{RESECRET}' bin/resecret\n", log.display()),
    )?;
    let origin = machine.path("resecret");
    copy_folder(&machine.package()?.join("plugin"), &origin.join("plugin"))?;
    fs::copy(repository("plugin.yaml"), origin.join("plugin.yaml"))?;
    fs::copy(repository(".gitignore"), origin.join(".gitignore"))?;
    fs::copy(repository("Cargo.toml"), origin.join("Cargo.toml"))?;
    let commit = |helm: &Helm, subject: &str| {
        let repository = ["-C", text(&origin)?, "-c", "user.name=trial", "-c", "user.email=trial@localhost"];
        let run = |words: &[&str]| helm.run_by(&git, repository.iter().chain(words).copied())?.succeeded();
        run(&["init", "-q"])?;
        run(&["add", "--all"])?;
        run(&["commit", "-q", "--allow-empty", "-m", subject])
    };
    let url = format!("file://{}", text(&origin)?);
    for (major, unsigned) in [(Major::Three, None), (Major::Four, Some("--verify=false"))] {
        let helm = machine.helm(major)?;
        fs::write(&log, "")?;
        commit(&helm, "one")?;
        let install = ["plugin", "install", &url].into_iter().chain(unsigned);
        helm.run(install)?.succeeded()?.says("resecret: built version")?;
        commit(&helm, "two")?;
        let run = helm.run(["plugin", "update", "resecret"])?.succeeded()?;
        run.says("resecret: built version")?;
        ensure!(fs::read_to_string(&log)?.lines().all(|line| line.contains("--locked")));
        ensure!(fs::read_to_string(&log)?.lines().count() == 2);
        check_command(&helm)?;
        if major == Major::Four {
            check_post_renderer(&helm, NAME)?;
        }
        uninstall(&helm, &machine.path(&format!("{} data/plugins", major.client())))?;
    }
    Ok(())
}

/// From a checkout, with the real cargo. The settings make the build cheap, and the target folder keeps
/// what was built for the next time.
fn built_by_cargo() -> Result<()> {
    let machine = Machine::new()?;
    let checkout = machine.path("checkout");
    for folder in ["plugin", "src"] {
        copy_folder(&repository(folder), &checkout.join(folder))?;
    }
    for file in ["Cargo.toml", "Cargo.lock", "build.rs", "plugin.yaml"] {
        fs::copy(repository(file), checkout.join(file))?;
    }
    let home = |variable: &str, default: &str| {
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        std::env::var_os(variable).map_or_else(|| home.join(default), PathBuf::from)
    };
    let helm = machine
        .helm(Major::Four)?
        .with("PATH", Path::new(&std::env::var_os("PATH").unwrap_or_default()))
        .with("CARGO_HOME", &home("CARGO_HOME", ".cargo"))
        .with("RUSTUP_HOME", &home("RUSTUP_HOME", ".rustup"))
        .with("CARGO_TARGET_DIR", &Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin"))
        .with("CARGO_PROFILE_RELEASE_OPT_LEVEL", Path::new("0"))
        .with("CARGO_PROFILE_RELEASE_LTO", Path::new("off"))
        .with("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", Path::new("16"));
    let install = ["plugin", "install", text(&checkout)?];
    helm.run(install)?.succeeded()?.says("resecret: built version")?;
    check_post_renderer(&helm, NAME)?;
    uninstall(&helm, &machine.path("helm4 data/plugins"))?;
    // Now the binary is there, and newer than the sources.
    helm.run(install)?.succeeded()?.says("resecret: found version")?;
    uninstall(&helm, &machine.path("helm4 data/plugins"))
}
