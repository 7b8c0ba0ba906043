use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

/// Names the kubeconfig of a cluster that may be filled with rubbish.
const OWN_CLUSTER: &str = "RESECRET_TEST_KUBECONFIG";

/// The audit log of a server, in its folder.
const AUDIT_LOG: &str = "audit.log";

/// The longest that a server lives which nobody stops.
const LIFE: &str = "2h";

/// What the server writes down: who asked for what, and with which body unless it is that of a Secret or ConfigMap.
const AUDIT: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, resources: [{group: '', resources: [secrets, configmaps]}]}
- {level: Request}
";

/// Before 1.36 a server knows policies that rewrite only if it is told to.
const MUTATING: [&str; 2] = [
    "--feature-gates=MutatingAdmissionPolicy=true",
    "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
];

/// Where a cluster comes from.
pub(crate) enum Source {
    /// A kubeconfig.
    Kubeconfig(PathBuf),
    /// The API server as one program.
    Program(PathBuf),
}

/// A server that this run has started, in its folder.
struct Server {
    program: PathBuf,
    folder: TempDir,
    kubeconfig: PathBuf,
}

static SERVER: Mutex<Option<Server>> = Mutex::new(None);

/// Where the cluster comes from. The error is one line that says why there is none.
pub(crate) fn find() -> Result<Source, String> {
    if let Some(kubeconfig) = std::env::var_os(OWN_CLUSTER) {
        return Ok(Source::Kubeconfig(kubeconfig.into()));
    }
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let program = home.join(".cache/resecret/kubeapi");
    if program.is_file() {
        Ok(Source::Program(program))
    } else {
        Err(format!(
            "no API server (set {OWN_CLUSTER}, or run .ci/run where it can build {})",
            program.display()
        ))
    }
}

/// The kubeconfig of the cluster, which is started if need be.
pub(crate) fn kubeconfig() -> Result<PathBuf> {
    let program = match find().map_err(anyhow::Error::msg)? {
        Source::Kubeconfig(path) => return Ok(path),
        Source::Program(program) => program,
    };
    let mut server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = &*server {
        return Ok(server.kubeconfig.clone());
    }
    let folder = TempDir::new()?;
    fs::write(folder.path().join("audit.yaml"), AUDIT)?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let policy = format!("--audit-policy-file={}", path("audit.yaml"));
    let log = format!("--audit-log-path={}", path(AUDIT_LOG));
    let arguments = ["-max", LIFE, "--", &policy, &log].into_iter().chain(MUTATING);
    run(&program, "start", &arguments.collect::<Vec<_>>(), folder.path())?;
    let kubeconfig = folder.path().join("run/kubeconfig");
    ensure!(kubeconfig.is_file(), "{} is not there", kubeconfig.display());
    *server = Some(Server { program, folder, kubeconfig: kubeconfig.clone() });
    Ok(kubeconfig)
}

/// The audit log of the server that this run has started.
pub(crate) fn audit_log() -> Option<PathBuf> {
    let server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    server.as_ref().map(|server| server.folder.path().join(AUDIT_LOG))
}

/// Stops the server that this run has started.
pub(crate) fn stop() {
    let server = SERVER.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(server) = server {
        // One that does not stop ends itself after a while.
        let _ = run(&server.program, "stop", &[], server.folder.path());
    }
}

fn run(program: &Path, command: &str, arguments: &[&str], folder: &Path) -> Result<()> {
    let status = Command::new(program)
        .arg(command)
        .args(["-dir", "run"])
        .args(arguments)
        .current_dir(folder)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(status.success(), "{} {command} failed", program.display());
    Ok(())
}
