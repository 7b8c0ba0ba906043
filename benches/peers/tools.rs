use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

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
}

impl Tool {
    /// The program of this repository.
    pub(crate) fn resecret(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { name: "resecret", program: env!("CARGO_BIN_EXE_resecret").into(), arguments }
    }

    fn cat() -> Self {
        Self { name: "cat", program: "cat".into(), arguments: Vec::new() }
    }

    /// Those that need no setting up: resecret with its presets, and `cat` as the least that a filter can cost.
    pub(crate) fn plain() -> Vec<Self> {
        let ours = Self::resecret(&["--preset", "langfuse", "--to", "langfuse-vault", "--allow-unmatched"]);
        vec![ours, Self::cat()]
    }

    /// All that can do the job on a stream of releases; says which cannot.
    pub(crate) fn all(stream: &Stream, folder: &Path) -> anyhow::Result<Vec<Self>> {
        let mut tools = Self::plain();
        match client("yq") {
            Some(program) => tools.push(Self { name: "yq", program, arguments: vec![YQ.to_owned()] }),
            None => println!("skipped yq: it is not there, `just clients` builds it"),
        }
        match client("kustomize") {
            None => println!("skipped kustomize: it is not there, `just clients` builds it"),
            Some(_) if stream.bytes > KUSTOMIZE_LIMIT => {
                println!("skipped kustomize on {}: it needs minutes above 2 MB", stream.name);
            }
            Some(program) => {
                let build = kustomization(folder, stream)?;
                let arguments = vec!["build".to_owned(), build.display().to_string()];
                tools.push(Self { name: "kustomize", program, arguments });
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
        let text = render.text.clone();
        let stream = move |pipe: &mut dyn Write| {
            (0..releases).try_for_each(|number| pipe.write_all(streams::renamed(&text, number).as_bytes()))
        };
        measure::run_behind(Command::new(&self.program).args(&self.arguments), stream)
    }

    /// Runs it on a stream.
    pub(crate) fn run(&self, input: &Path) -> anyhow::Result<Sample> {
        measure::run(Command::new(&self.program).args(&self.arguments), input)
    }
}

/// A pinned client, where `.ci/clients` puts them.
fn client(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("RESECRET_CLIENTS").map(PathBuf::from);
    let home = || std::env::home_dir().map(|home| home.join(".cache/resecret/clients"));
    folder.or_else(home).map(|folder| folder.join(name)).filter(|path| path.is_file())
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
