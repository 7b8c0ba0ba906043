use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

/// Names the kubeconfig of a cluster that may be filled with rubbish.
const OWN_CLUSTER: &str = "RESECRET_TEST_KUBECONFIG";

/// The audit log of a server, in its folder.
const AUDIT_LOG: &str = "audit.log";

/// Names the program of the API server, for `.ci/api-server` too.
const PROGRAM: &str = "RESECRET_API_SERVER";

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(200);

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

/// A server that this run has started, in its folder. It ends with its standard input, so with this run.
struct Server {
    process: Child,
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
    let usual = || home.join(".cache/resecret/api-server");
    let program = std::env::var_os(PROGRAM).map_or_else(usual, PathBuf::from);
    if program.is_file() {
        Ok(Source::Program(program))
    } else {
        Err(format!(
            "no API server (set {OWN_CLUSTER}, or run .ci/api-server to build {})",
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
    let kubeconfig = folder.path().join("run/kubeconfig");
    let log = fs::File::create(folder.path().join("log"))?;
    let mut process = Command::new(&program)
        .arg(folder.path().join("run"))
        .arg(format!("--audit-policy-file={}", path("audit.yaml")))
        .arg(format!("--audit-log-path={}", path(AUDIT_LOG)))
        .args(MUTATING)
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let answers = wait_for(&kubeconfig, &mut process)?;
    if !answers {
        let _ = process.kill();
        let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        let end: Vec<&str> = log.lines().rev().take(5).collect();
        bail!("the API server does not answer: {end:?}");
    }
    *server = Some(Server { process, folder, kubeconfig: kubeconfig.clone() });
    Ok(kubeconfig)
}

/// Waits for the file that a server writes when it answers.
fn wait_for(kubeconfig: &Path, server: &mut Child) -> Result<bool> {
    let begun = Instant::now();
    while !kubeconfig.is_file() {
        if server.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
            return Ok(false);
        }
        sleep(Duration::from_millis(50));
    }
    Ok(true)
}

/// The audit log of the server that this run has started.
pub(crate) fn audit_log() -> Option<PathBuf> {
    let server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    server.as_ref().map(|server| server.folder.path().join(AUDIT_LOG))
}

/// Stops the server that this run has started.
pub(crate) fn stop() {
    let server = SERVER.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut server) = server {
        let _ = server.process.kill();
        let _ = server.process.wait();
    }
}
