use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::Case;
use crate::machine::{Helm, Machine, Major, RESECRET, Run, repository, text};
use crate::plugin::{NAME, check_command, check_post_renderer, names};

pub(crate) const CASES: &[Case] = &[
    Case { name: "package::the_same_bytes_twice", needs: &["bash", "jq"], run: the_same_bytes_twice },
    Case { name: "package::helm4_verifies", needs: &["helm4", "bash", "jq", "gpg"], run: helm4_verifies },
    Case { name: "package::helm4_post_renderer_alone", needs: &["helm4", "bash", "jq"], run: alone },
    Case { name: "package::helm3_unpacked", needs: &["helm3", "bash", "jq"], run: helm3_unpacked },
    Case { name: "package::hook_on_other_systems", needs: &["helm3", "bash", "jq"], run: other_systems },
    Case { name: "package::for_another_machine", needs: &["helm3", "bash", "jq"], run: another_machine },
];

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes the packages around a script that runs the program under test: small, and quick to pack.
fn package(machine: &Machine, folder: &str, variables: &[(&str, &str)]) -> Result<PathBuf> {
    let program = machine.write_script("program", &format!("exec '{RESECRET}' \"$@\"\n"))?;
    let dist = machine.path(folder);
    let mut command = Command::new(repository(".ci/package"));
    command.env("DIST", &dist).env("BINARY", &program).env_remove("BINARIES").env_remove("SIGN_KEY");
    command.envs(variables.iter().copied());
    Run::of(&mut command, "")?.succeeded()?;
    Ok(dist)
}

/// Unpacks an archive into a folder of its own.
pub(crate) fn unpack(machine: &Machine, archive: &Path) -> Result<PathBuf> {
    let name = archive.file_name().and_then(|name| name.to_str()).context("an archive has a name")?;
    let folder = machine.path(&format!("unpacked/{name}"));
    fs::create_dir_all(&folder)?;
    Run::of(Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(&folder), "")?.succeeded()?;
    Ok(folder)
}

fn archive(dist: &Path, name: &str) -> PathBuf {
    dist.join(format!("{name}-{VERSION}.tgz"))
}

/// Another folder, another time of the files, the same bytes; and the checksums are those of the files.
fn the_same_bytes_twice() -> Result<()> {
    let machine = Machine::new()?;
    let first = package(&machine, "first", &[])?;
    let second = package(&machine, "second", &[])?;
    let sums = fs::read_to_string(first.join("SHA256SUMS"))?;
    ensure!(sums == fs::read_to_string(second.join("SHA256SUMS"))?);
    let names = ["resecret-schema.json".to_owned(), format!("{VERSION}.cdx.json")];
    let archives = [format!("resecret-{VERSION}.tgz"), format!("{NAME}-{VERSION}.tgz")];
    for end in names.into_iter().chain(archives) {
        ensure!(sums.contains(&end), "no {end} in\n{sums}");
    }
    let mut check = Command::new("sha256sum");
    Run::of(check.args(["--check", "--strict", "SHA256SUMS"]).current_dir(&first), "")?.succeeded()?;

    let schema = Run::of(Command::new(RESECRET).arg("schema"), "")?.succeeded()?.stdout;
    ensure!(fs::read_to_string(first.join("resecret-schema.json"))? == schema);

    let materials = fs::read_to_string(first.join(format!("resecret-{VERSION}.cdx.json")))?;
    let materials: serde_json::Value = serde_json::from_str(&materials)?;
    let components = materials["components"].as_array().context("there are components")?;
    let is_whole = |component: &serde_json::Value| {
        let sum = component.pointer("/hashes/0/content").and_then(serde_json::Value::as_str);
        sum.is_some_and(|sum| sum.len() == 64) && component["licenses"][0]["expression"] != ""
    };
    ensure!(components.len() > 20 && components.iter().all(is_whole));
    ensure!(components.iter().any(|component| component["name"] == "granit-parser"));
    ensure!(components.iter().all(|component| component["name"] != "proptest"), "what only tests need");
    Ok(())
}

/// Signed with a key of the trial: Helm 4 verifies both plugins, installs them from the archives, and
/// refuses one that someone has touched.
fn helm4_verifies() -> Result<()> {
    let machine = Machine::new()?;
    let (dist, keyring) = signed(&machine)?;
    let helm = machine.helm(Major::Four)?;
    for plugin in ["resecret", NAME] {
        let archive = archive(&dist, plugin);
        let run =
            helm.run(["plugin", "verify", text(&archive)?, "--keyring", text(&keyring)?])?.succeeded()?;
        run.says("Trial")?;
    }
    let secret = machine.path("secret.gpg");
    gpg(&machine, &["--export-secret-keys", "--output", text(&secret)?])?;
    helm_signs_the_same(&machine, &helm, &dist, [&keyring, &secret])?;
    let cli = archive(&dist, "resecret");
    let install = ["plugin", "install", text(&cli)?, "--keyring", text(&keyring)?];
    let run = helm.run(install)?.succeeded()?;
    run.says(&format!("resecret: found version {VERSION}"))?;
    run.says(&format!("resecret: linked {NAME}"))?;
    check_command(&helm)?;
    check_post_renderer(&helm, NAME)?;
    helm.run(["plugin", "list"])?.succeeded()?.says("postrenderer/v1")?;
    helm.run(["plugin", "uninstall", "resecret"])?.succeeded()?;
    let left = names(&machine.path("helm4 data/plugins"))?;
    ensure!(left.iter().all(|name| name.contains(".tgz")), "left behind: {left:?}");

    let mut bytes = fs::read(&cli)?;
    bytes.push(0);
    fs::write(&cli, bytes)?;
    helm.run(install)?.failed()?;
    end_agent(&machine);
    Ok(())
}

/// The agent that gpg has started; without one there is nothing to end.
pub(crate) fn end_agent(machine: &Machine) {
    let mut end = Command::new("gpgconf");
    let _ = end.env("GNUPGHOME", machine.path("gnupg")).args(["--kill", "all"]).status();
}

fn gpg(machine: &Machine, arguments: &[&str]) -> Result<Run> {
    let mut command = Command::new("gpg");
    Run::of(command.env("GNUPGHOME", machine.path("gnupg")).arg("--batch").args(arguments), "")?.succeeded()
}

/// The packages, signed with a key of the trial, and the keyring that knows it.
pub(crate) fn signed(machine: &Machine) -> Result<(PathBuf, PathBuf)> {
    let home = machine.path("gnupg");
    fs::create_dir(&home)?;
    Run::of(Command::new("chmod").arg("700").arg(&home), "")?.succeeded()?;
    let name = "Trial <trial@localhost>";
    gpg(machine, &["--passphrase", "", "--quick-gen-key", name, "rsa2048", "sign", "never"])?;
    let keyring = machine.path("keyring.gpg");
    gpg(machine, &["--export", "--output", text(&keyring)?])?;
    let dist = package(machine, "dist", &[("GNUPGHOME", text(&home)?), ("SIGN_KEY", name)])?;
    Ok((dist, keyring))
}

/// `helm plugin package --sign` takes the unpacked plugin, and names its archive in the same form.
fn helm_signs_the_same(machine: &Machine, helm: &Helm, dist: &Path, keyrings: [&Path; 2]) -> Result<()> {
    let [public, secret] = keyrings;
    let ours = archive(dist, NAME);
    let (plugin, out) = (unpack(machine, &ours)?.join(NAME), machine.path("signed by helm"));
    let package = ["plugin", "package", text(&plugin)?, "--sign", "--key", "Trial"];
    let flags = ["--keyring", text(secret)?, "--destination", text(&out)?];
    fs::create_dir(&out)?;
    helm.run(package.into_iter().chain(flags))?.succeeded()?;
    let theirs = archive(&out, NAME);
    helm.run(["plugin", "verify", text(&theirs)?, "--keyring", text(public)?])?.succeeded()?.says("Trial")?;
    let statement = |archive: &Path| -> Result<String> {
        let signed = fs::read_to_string(format!("{}.prov", text(archive)?))?;
        // In front of it stands the metadata, which Helm prints in another order.
        let (_, rest) = signed.split_once("\n...\n").context("the end of the metadata")?;
        let (files, _) = rest.split_once(" sha256:").context("a checksum")?;
        Ok(files.to_owned())
    };
    let (ours, theirs) = (statement(&ours)?, statement(&theirs)?);
    ensure!(ours == theirs, "signed here:\n{ours}\nby helm:\n{theirs}");
    Ok(())
}

/// The second plugin without the first.
fn alone() -> Result<()> {
    let machine = Machine::new()?;
    let dist = package(&machine, "dist", &[])?;
    let helm = machine.helm(Major::Four)?;
    let package = archive(&dist, NAME);
    helm.run(["plugin", "install", text(&package)?, "--verify=false"])?.succeeded()?;
    check_post_renderer(&helm, NAME)
}

/// Unpacks the CLI plugin, into one folder of its name.
fn unpacked(machine: &Machine) -> Result<PathBuf> {
    let dist = package(machine, "dist", &[])?;
    let folder = unpack(machine, &archive(&dist, "resecret"))?;
    ensure!(names(&folder)? == ["resecret"]);
    Ok(folder.join("resecret"))
}

/// Helm 3 installs from a folder; neither cargo nor the network is there.
fn helm3_unpacked() -> Result<()> {
    let machine = Machine::new()?;
    let folder = unpacked(&machine)?;
    let helm = machine.helm(Major::Three)?;
    helm.run(["plugin", "install", text(&folder)?])?.succeeded()?.says("resecret: found version")?;
    check_command(&helm)?;
    let binary = machine.path("helm3 data/plugins/resecret/bin/resecret");
    check_post_renderer(&helm, text(&binary)?)
}

/// A package without a binary for this machine.
fn another_machine() -> Result<()> {
    let machine = Machine::new()?;
    let folder = unpacked(&machine)?;
    for name in names(&folder.join("bin"))? {
        fs::rename(folder.join("bin").join(&name), folder.join("bin/resecret-plan9-mips"))?;
    }
    let helm = machine.helm(Major::Three)?;
    let run = helm.run(["plugin", "install", text(&folder)?])?.failed()?;
    run.says("resecret: not installed: there is no ")?;
    run.says("Take a release of resecret that holds a binary for this machine")
}

/// What the hook does where `uname` says something else: the names, not the programs, can be tried here.
fn other_systems() -> Result<()> {
    let systems = [
        ("Darwin", "arm64", "resecret-darwin-arm64", "bin/resecret"),
        ("Linux", "aarch64", "resecret-linux-arm64", "bin/resecret"),
        ("MINGW64_NT-10.0", "x86_64", "resecret-windows-amd64.exe", "bin/resecret.exe"),
    ];
    for (system, processor, packaged, binary) in systems {
        let machine = Machine::new()?;
        let folder = unpacked(&machine)?;
        for name in names(&folder.join("bin"))? {
            fs::rename(folder.join("bin").join(&name), folder.join("bin").join(packaged))?;
        }
        fs::remove_file(machine.path("tools/uname"))?;
        let answer = format!("[ \"$1\" = -s ] && echo '{system}' || echo '{processor}'\n");
        machine.write_script("tools/uname", &answer)?;
        let helm = machine.helm(Major::Three)?;
        let run = helm.run(["plugin", "install", text(&folder)?])?.succeeded()?;
        run.says(&format!("resecret: found version {VERSION}"))?;
        ensure!(folder.join(binary).is_file(), "{system} has no {binary}");
    }
    Ok(())
}
