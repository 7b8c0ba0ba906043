use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::machine::{Machine, RESECRET, Run, text};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A server on this machine that holds a repository's releases.
pub(crate) struct Web {
    /// What `repository` in Cargo.toml says.
    pub(crate) address: String,
    folder: PathBuf,
}

impl Web {
    /// Serves the files of a folder of the trial, until the trials end.
    pub(crate) fn new(machine: &Machine) -> Result<Self> {
        let folder = machine.path("web");
        fs::create_dir_all(&folder)?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = format!("http://{}/owner/resecret", listener.local_addr()?);
        let root = folder.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away early is no concern of the trial.
                let _ = answer(stream, &root);
            }
        });
        Ok(Self { address, folder })
    }

    /// Where the files of this version's release are.
    pub(crate) fn release(&self) -> PathBuf {
        self.folder.join(format!("owner/resecret/releases/download/v{VERSION}"))
    }

    /// A release with the program under test for this platform: an archive as `.ci/package` makes it, and its checksum.
    pub(crate) fn publish(&self, machine: &Machine) -> Result<()> {
        let name = format!("resecret-{VERSION}-{}", platform());
        machine.write_script(&format!("programs/{name}/resecret"), &format!("exec '{RESECRET}' \"$@\"\n"))?;
        fs::create_dir_all(self.release())?;
        let archive = format!("{name}.tar.gz");
        let mut pack = Command::new("tar");
        pack.arg("czf").arg(self.release().join(&archive)).arg("-C").arg(machine.path("programs")).arg(&name);
        Run::of(&mut pack, "")?.succeeded()?;
        let mut sum = Command::new("sha256sum");
        let sums = Run::of(sum.arg(&archive).current_dir(self.release()), "")?.succeeded()?.stdout;
        Ok(fs::write(self.release().join("SHA256SUMS"), sums)?)
    }

    /// Cargo.toml of the repository, with the address of this server.
    pub(crate) fn manifest(&self) -> Result<String> {
        let manifest = fs::read_to_string(crate::machine::repository("Cargo.toml"))?;
        let lines = manifest.lines().filter(|line| !line.starts_with("repository = "));
        let lines = lines.map(|line| match line {
            "[package]" => format!("[package]\nrepository = \"{}\"\n", self.address),
            line => format!("{line}\n"),
        });
        Ok(lines.collect())
    }
}

/// This machine in the words of a release.
pub(crate) fn platform() -> String {
    let arch = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    format!("{}-{arch}", std::env::consts::OS.replace("macos", "darwin"))
}

fn answer(mut stream: TcpStream, root: &Path) -> Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().context("a request")??;
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let (status, body) =
        fs::read(root.join(path)).map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    Ok(stream.write_all(&body)?)
}

/// Makes a repository of git in a folder, with all its files in one commit, and says which.
pub(crate) fn commit_all(git: &Path, folder: &Path) -> Result<String> {
    let run = |words: &[&str]| {
        let mut command = Command::new(git);
        command.args(["-C", text(folder)?, "-c", "user.name=trial", "-c", "user.email=trial@localhost"]);
        Run::of(command.args(words), "")?.succeeded()
    };
    run(&["init", "-q"])?;
    run(&["add", "--all"])?;
    run(&["commit", "-q", "-m", "one"])?;
    Ok(run(&["rev-parse", "HEAD"])?.stdout.trim().to_owned())
}
