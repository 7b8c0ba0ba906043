use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, anyhow, ensure};

use crate::measure::{self, Sample};
use crate::streams::{self, Render, Stream};
use crate::{KUSTOMIZE_LIMIT, RELEASES};

/// Leaves the Secret out and makes the variables read the vaulted one.
const YQ: &str = r#"select(.kind != "Secret" or (.metadata.name | test("-nextauth$") | not))
  | (.spec.template.spec.containers[]? | select(.name | test("^langfuse")) | .env) |= unique_by(.name)
  | (.spec.template.spec.containers[]? | select(.name | test("^langfuse")) | .env[] | select(.name == "SALT"))
      = {"name": "SALT", "valueFrom": {"secretKeyRef": {"name": "langfuse-vault", "key": "salt"}}}
  | (.spec.template.spec.containers[]? | select(.name | test("^langfuse")) | .env[] | select(.name == "NEXTAUTH_SECRET"))
      = {"name": "NEXTAUTH_SECRET", "valueFrom": {"secretKeyRef": {"name": "langfuse-vault", "key": "nextauth-secret"}}}"#;

/// A program and its arguments.
pub(crate) struct Tool {
    /// How a table calls it.
    pub(crate) name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    /// The exit code that it must end with.
    code: i32,
}

impl Tool {
    fn new(name: &'static str, program: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { name, program: program.into(), arguments, code: 0 }
    }

    /// The program of this repository, or the one that the variable BINARY names.
    pub(crate) fn resecret(arguments: &[&str]) -> Self {
        let program = std::env::var_os("BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_resecret").into());
        Self::new("resecret", program, arguments)
    }

    /// The same where it must end with this exit code.
    pub(crate) fn that_ends_with(self, code: i32) -> Self {
        Self { code, ..self }
    }

    /// Those that need no setting up: resecret with its presets, and `cat` as the least that a filter can cost.
    pub(crate) fn plain() -> Vec<Self> {
        vec![Self::ours(), Self::new("cat", "cat", &[])]
    }

    /// The program of this repository with its presets.
    pub(crate) fn ours() -> Self {
        Self::resecret(&["--preset", "langfuse", "--to", "langfuse-vault", "--allow-unmatched"])
    }

    /// All that can do the job on a stream of releases; says which cannot.
    pub(crate) fn all(stream: &Stream, folder: &Path) -> anyhow::Result<Vec<Self>> {
        let mut tools = Self::plain();
        if let Some(program) = client("yq")? {
            tools.push(Self::new("yq", program, &[YQ]));
        }
        match client("kustomize")? {
            None => {}
            Some(_) if stream.bytes > KUSTOMIZE_LIMIT => {
                println!("skipped kustomize on {}: it needs minutes above 2 MB", stream.name);
            }
            Some(program) => {
                let build = kustomization(folder, stream)?;
                tools.push(Self::new("kustomize", program, &["build", &build.display().to_string()]));
            }
        }
        Ok(tools)
    }

    /// The program of this repository, document by document.
    pub(crate) fn streaming() -> Self {
        let tool = Self::resecret(&["--stream", "--preset", "langfuse", "--to", "langfuse-vault"]);
        Self { name: "resecret --stream", ..tool }
    }

    /// Runs it behind a pipe, on releases that are made as it reads them.
    pub(crate) fn run_behind(&self, render: &Render, releases: usize) -> anyhow::Result<Sample> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped());
        let start = Instant::now();
        let mut child = measure::spawn(&mut command)?;
        let mut pipe = child.stdin.take().context("standard input is a pipe")?;
        let render = render.clone();
        let writer = thread::spawn(move || {
            streams::texts(&render, releases).try_for_each(|text| pipe.write_all(text.as_bytes()))
        });
        let sample = measure::end(&command, child, start, self.code)?;
        writer.join().map_err(|_| anyhow!("the stream could not be made"))??;
        Ok(sample)
    }

    /// The instructions of a run on one processor; `None` where valgrind, which counts them, is missing.
    pub(crate) fn instructions(&self, input: &Path) -> anyhow::Result<Option<u64>> {
        let mut command = Command::new("valgrind");
        command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
        command.arg(&self.program).args(&self.arguments).env("RAYON_NUM_THREADS", "1");
        command.stdin(File::open(input)?).stdout(Stdio::null());
        let output = match command.output() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            output => output.context("valgrind")?,
        };
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.code() == Some(self.code),
            "{command:?} ended with {:?}:\n{text}",
            output.status
        );
        let count = text.lines().find_map(|line| line.split_once("refs:"));
        let digits: String =
            count.context("valgrind counts")?.1.chars().filter(char::is_ascii_digit).collect();
        Ok(Some(digits.parse()?))
    }

    /// Runs it on a stream.
    pub(crate) fn run(&self, input: &Path) -> anyhow::Result<Sample> {
        measure::run(Command::new(&self.program).args(&self.arguments), input, self.code)
    }

    /// The peak memory of a run, in bytes. A process begins with the peak of the one that starts it, so that this one, which has
    /// held streams, must not.
    pub(crate) fn peak(&self, input: &Path) -> anyhow::Result<u64> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([PEAK, &self.code.to_string()]).arg(&self.program).args(&self.arguments);
        let output = command.stdin(File::open(input)?).output()?;
        ensure!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    }
}

/// What tells the benchmark to be the parent that [`Tool::peak`] needs.
pub(crate) const PEAK: &str = "--peak";

/// A pinned client, where `.ci/clients` puts them; says so where it is missing, and fails where none may be.
fn client(name: &str) -> anyhow::Result<Option<PathBuf>> {
    let folder = std::env::var_os("RESECRET_CLIENTS").map(PathBuf::from);
    let home = || std::env::home_dir().map(|home| home.join(".cache/resecret/clients"));
    let found = folder.or_else(home).map(|folder| folder.join(name)).filter(|path| path.is_file());
    let required = std::env::var_os("RESECRET_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
    ensure!(found.is_some() || !required, "{name} is not there: `just clients` builds it");
    if found.is_none() {
        println!("skipped {name}: it is not there, `just clients` builds it");
    }
    Ok(found)
}

/// The same job for Kustomize: a strategic merge patch for each object.
fn kustomization(folder: &Path, stream: &Stream) -> anyhow::Result<PathBuf> {
    debug_assert!(RELEASES.contains(&stream.releases), "a stream of releases");
    let folder = folder.join(format!("kustomize-{}", stream.releases));
    fs::create_dir_all(&folder)?;
    fs::copy(&stream.path, folder.join("stream.yaml"))?;
    let mut text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [stream.yaml]\npatches:\n".to_owned();
    for number in 0..stream.releases {
        text += &format!(
            "- patch: |-\n    {{apiVersion: v1, kind: Secret, metadata: {{name: lf{number}-langfuse-nextauth}}, $patch: delete}}\n"
        );
        for part in ["web", "worker"] {
            text += &format!(
                "- patch: |-\n    {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: lf{number}-langfuse-{part}}}, spec: {{template: {{spec: {{containers: [{{name: langfuse-{part}, env: [{}, {}]}}]}}}}}}}}\n",
                variable("SALT", "salt"),
                variable("NEXTAUTH_SECRET", "nextauth-secret"),
            );
        }
    }
    fs::write(folder.join("kustomization.yaml"), text)?;
    Ok(folder)
}

fn variable(name: &str, key: &str) -> String {
    format!(
        "{{name: {name}, value: null, valueFrom: {{secretKeyRef: {{name: langfuse-vault, key: {key}}}}}}}"
    )
}
