use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::machine::{Helm, Machine, Major, Run, repository, text};
use crate::package::unpack;
use crate::page::{blocks, section};
use crate::plugin::{NAME, check_command, check_post_renderer, uninstall};
use crate::{Case, clients};

pub(crate) const CASES: &[Case] = &[
    Case { name: "dist::what_is_in_it", needs: &["dist", "tar"], run: contents },
    Case { name: "dist::the_program_is_a_release_build", needs: &["dist", "tar"], run: program },
    Case { name: "dist::it_names_the_commit", needs: &["dist", "tar", "git"], run: commit },
    Case { name: "dist::the_same_bytes_again", needs: &["dist", "tar", "bash", "jq"], run: again },
    Case { name: "dist::installed_as_the_readme_says::helm3", needs: &["dist", "helm3", "tar"], run: helm3 },
    Case { name: "dist::installed_as_the_readme_says::helm4", needs: &["dist", "helm4"], run: helm4 },
];

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn dist() -> Result<PathBuf> {
    clients::find("dist").map_err(anyhow::Error::msg)
}

/// The files of an archive, by their paths, without folders.
fn listed(archive: &Path) -> Result<Vec<String>> {
    let run = Run::of(Command::new("tar").arg("tzf").arg(archive), "")?.succeeded()?;
    Ok(run.stdout.lines().filter(|name| !name.ends_with('/')).map(str::to_owned).collect())
}

/// The platforms that there is a program for, such as `linux-amd64`.
fn platforms(dist: &Path) -> Result<Vec<String>> {
    let begins = format!("resecret-{VERSION}-");
    let mut platforms = Vec::new();
    for entry in fs::read_dir(dist)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        platforms.extend(
            name.strip_prefix(&begins).and_then(|rest| rest.strip_suffix(".tar.gz")).map(str::to_owned),
        );
    }
    platforms.sort();
    ensure!(!platforms.is_empty(), "no program in {}", dist.display());
    Ok(platforms)
}

/// How a program's name ends on a platform.
fn suffix(platform: &str) -> &'static str {
    if platform.starts_with("windows") { ".exe" } else { "" }
}

/// One folder of the name in each archive, and nothing in it that nobody meant to ship.
fn contents() -> Result<()> {
    let dist = dist()?;
    let platforms = platforms(&dist)?;
    let binaries =
        || platforms.iter().map(move |platform| format!("bin/resecret-{platform}{}", suffix(platform)));
    let paths = |name: &str, rest: &[&str]| {
        let rest = rest.iter().map(|file| (*file).to_owned());
        rest.map(|file| format!("{name}/{file}")).collect::<Vec<_>>()
    };

    let cli = binaries().map(|binary| format!("resecret/{binary}")).chain(paths(
        "resecret",
        &[
            "CHANGELOG.md",
            "completion.yaml",
            "LICENSE",
            "README.md",
            "plugin.yaml",
            "plugin/install.sh",
            "plugin/release.sh",
            "plugin/resecret-post-renderer/plugin.yaml",
        ],
    ));
    let found = listed(&dist.join(format!("resecret-{VERSION}.tgz")))?;
    ensure!(found.first().is_some_and(|first| first == "resecret/plugin.yaml"), "the first is {found:?}");
    same(found, cli.collect())?;

    let alone = binaries().map(|binary| format!("{NAME}/{binary}"));
    let alone = alone.chain(paths(NAME, &["LICENSE", "plugin.yaml"]));
    same(listed(&dist.join(format!("{NAME}-{VERSION}.tgz")))?, alone.collect())?;

    for platform in &platforms {
        let name = format!("resecret-{VERSION}-{platform}");
        let found = listed(&dist.join(format!("{name}.tar.gz")))?;
        let mut wanted = vec!["CHANGELOG.md", "LICENSE", "README.md"];
        let program = format!("resecret{}", suffix(platform));
        wanted.push(&program);
        wanted.extend(["completions/resecret.bash", "completions/resecret.fish"]);
        wanted.extend(["completions/_resecret", "completions/_resecret.ps1"]);
        let is_page = |path: &String| path.starts_with(&format!("{name}/man/resecret"));
        let (pages, rest): (Vec<_>, Vec<_>) = found.into_iter().partition(is_page);
        ensure!(pages.contains(&format!("{name}/man/resecret.1")) && pages.len() > 5, "the pages: {pages:?}");
        same(rest, paths(&name, &wanted))?;
    }
    Ok(())
}

fn same(mut found: Vec<String>, mut wanted: Vec<String>) -> Result<()> {
    found.sort();
    wanted.sort();
    ensure!(found == wanted, "in the archive:\n{found:#?}\nwanted:\n{wanted:#?}");
    Ok(())
}

/// Small, stripped, and without the paths of the machine that built it.
fn program() -> Result<()> {
    let (machine, dist) = (Machine::new()?, dist()?);
    let cli = unpack(&machine, &dist.join(format!("resecret-{VERSION}.tgz")))?;
    let home = std::env::var("HOME").unwrap_or_default();
    let places = [env!("CARGO_MANIFEST_DIR").to_owned(), format!("{home}/.cargo")];
    for platform in platforms(&dist)? {
        let bytes = fs::read(cli.join(format!("resecret/bin/resecret-{platform}{}", suffix(&platform))))?;
        ensure!(bytes.len() > 1 << 20 && bytes.len() < 16 << 20, "{platform}: {} bytes", bytes.len());
        for place in &places {
            let is_there = bytes.windows(place.len()).any(|window| window == place.as_bytes());
            ensure!(!is_there, "{platform}: the path {place} is in the program");
        }
    }
    Ok(())
}

/// The version of the program for this platform has the commit behind it. It may be of a few commits ago: `just package`
/// was then.
fn commit() -> Result<()> {
    let (machine, dist) = (Machine::new()?, dist()?);
    let cli = unpack(&machine, &dist.join(format!("resecret-{VERSION}.tgz")))?;
    let arch = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    let program = cli.join(format!("resecret/bin/resecret-{}-{arch}", std::env::consts::OS));
    let said = Run::of(Command::new(program).arg("--version"), "")?.succeeded()?.stdout;
    let commit = said
        .trim_end()
        .strip_prefix(&format!("resecret {VERSION} ("))
        .and_then(|rest| rest.strip_suffix(')'));
    let commit = commit.with_context(|| format!("no commit in {said}"))?;
    let mut git = Command::new(clients::find("git").map_err(anyhow::Error::msg)?);
    let object = Run::of(git.args(["cat-file", "-t", commit]).current_dir(repository("")), "")?;
    ensure!(object.succeeded()?.stdout == "commit\n");
    Ok(())
}

/// Packed once more from the same programs.
fn again() -> Result<()> {
    let (machine, dist) = (Machine::new()?, dist()?);
    let cli = unpack(&machine, &dist.join(format!("resecret-{VERSION}.tgz")))?;
    let second = machine.path("second");
    let mut command = Command::new(repository(".ci/package"));
    command.env("DIST", &second).env("BINARIES", cli.join("resecret/bin"));
    Run::of(command.env_remove("SIGN_KEY"), "")?.succeeded()?;
    let sums = |folder: &Path| -> Result<Vec<String>> {
        let sums = fs::read_to_string(folder.join("SHA256SUMS"))?;
        // A signature has its own time in it.
        Ok(sums.lines().filter(|line| !line.contains(".prov")).map(str::to_owned).collect())
    };
    let (first, second) = (sums(&dist)?, sums(&second)?);
    ensure!(first == second, "of {}: {first:#?}\nand again: {second:#?}", dist.display());
    Ok(())
}

fn helm3() -> Result<()> {
    let machine = Machine::new()?;
    let helm = machine.helm(Major::Three)?;
    installed(&machine, &helm)?;
    let plugins = machine.path("helm3 data/plugins");
    check_post_renderer(&helm, text(&plugins.join("resecret/bin/resecret"))?)?;
    uninstall(&helm, &plugins)
}

fn helm4() -> Result<()> {
    let machine = Machine::new()?;
    let helm = machine.helm(Major::Four)?;
    installed(&machine, &helm)?;
    check_post_renderer(&helm, NAME)
}

/// Types the README's commands for this Helm, in a folder with the files of the release.
fn installed(machine: &Machine, helm: &Helm) -> Result<()> {
    let (dist, folder) = (dist()?, machine.path("downloads"));
    fs::create_dir(&folder)?;
    for entry in fs::read_dir(dist)? {
        let entry = entry?;
        fs::copy(entry.path(), folder.join(entry.file_name()))?;
    }
    machine.add_tool("helm", helm.program())?;
    for tool in ["gzip", "sha256sum", "tar"] {
        machine.add_tool(tool, &clients::on_path(tool).with_context(|| format!("{tool} is on PATH"))?)?;
    }
    let page = fs::read_to_string(repository("README.md"))?;
    let blocks = blocks(section(&page, "Install")?, &[helm.major.client()]);
    ensure!(!blocks.is_empty(), "the README has no commands for {:?}", helm.major);
    for block in &blocks {
        let run = block.run(machine, helm, &folder)?;
        if block.commands.contains("helm plugin install") {
            run.says(&format!("resecret: found version {VERSION}"))?;
        }
        block.shows(&run.stdout, helm.major)?;
    }
    check_command(helm)
}
