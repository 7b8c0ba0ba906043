use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A render with a Secret, and a Pod that reads it.
pub(crate) const RENDER: &str = "\
---
# Source: app/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: app-secret}
stringData: {password: canary-1}
---
# Source: app/templates/web.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    env:
    - name: A
      value: canary-2
    - name: P
      valueFrom: {secretKeyRef: {name: app-secret, key: password}}
";

/// A configuration that fits [`RENDER`].
pub(crate) const CONFIG: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets:
  - {name: app-secret, to: vault}
";

/// One that matches nothing in it.
pub(crate) const UNMATCHED: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets:
  - {name: absent, to: vault}
";

/// A run of the program: in a folder of its own, with an environment of its own.
pub(crate) struct Run {
    folder: TempDir,
    args: Vec<OsString>,
    environment: Vec<(String, OsString)>,
    stdin: Vec<u8>,
    stdout: Option<Stdio>,
    stdout_is_closed: bool,
}

/// What came of it.
pub(crate) struct Output {
    /// Exit code; none where a signal ended the program.
    pub(crate) code: Option<i32>,
    /// Standard output; empty where the run put it elsewhere.
    pub(crate) stdout: Vec<u8>,
    /// Standard error.
    pub(crate) stderr: String,
    folder: TempDir,
}

/// The program, with [`RENDER`] on its standard input.
pub(crate) fn resecret() -> Run {
    Run {
        folder: tempfile::tempdir().expect("a private folder"),
        args: Vec::new(),
        environment: Vec::new(),
        stdin: RENDER.into(),
        stdout: None,
        stdout_is_closed: false,
    }
}

impl Run {
    /// Adds arguments.
    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Puts an argument before the others: a command.
    pub(crate) fn first_arg(mut self, arg: &str) -> Self {
        self.args.insert(0, arg.into());
        self
    }

    /// Sets a variable; nothing else is set.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Puts a file into the working directory.
    pub(crate) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder in a private folder");
        fs::write(path, text).expect("a file in a private folder");
        self
    }

    /// Puts a configuration there and names it.
    pub(crate) fn config(self, text: &str) -> Self {
        self.file("config.yaml", text).args(["--config", "config.yaml"])
    }

    /// What goes in.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Standard output goes there.
    pub(crate) fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// Standard output is a pipe whose reader has gone.
    pub(crate) fn closed_stdout(mut self) -> Self {
        self.stdout_is_closed = true;
        self
    }

    /// Runs it.
    pub(crate) fn run(self) -> Output {
        let program = Command::new(env!("CARGO_BIN_EXE_resecret"));
        self.run_as(program, Stdio::piped())
    }

    /// Runs it through a shell, whose script finds the program and its arguments in `"$@"`.
    #[cfg(target_os = "linux")]
    pub(crate) fn run_in_shell(self, script: &str, stderr: impl Into<Stdio>) -> Output {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_resecret")]);
        self.run_as(shell, stderr.into())
    }

    fn run_as(self, mut command: Command, stderr: Stdio) -> Output {
        command.args(&self.args).current_dir(self.folder.path()).env_clear().envs(self.environment);
        command.stdin(Stdio::piped()).stdout(self.stdout.unwrap_or_else(Stdio::piped)).stderr(stderr);
        let mut child = command.spawn().expect("the program starts");
        if self.stdout_is_closed {
            drop(child.stdout.take());
        }
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = self.stdin;
        // From a thread: the program may write before it has read everything, or end without reading.
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().expect("the program ends");
        let _ = writer.join();
        Output {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
            folder: self.folder,
        }
    }
}

impl Output {
    /// A file of the working directory; empty where it is not there.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A place in the working directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Fails unless the run failed with nothing on standard output.
    #[track_caller]
    pub(crate) fn fails(self) -> Self {
        assert_eq!(self.code, Some(2), "the run should fail:\n{}", self.stderr);
        assert!(self.stdout.is_empty(), "a run that fails should write nothing:\n{}", self.text());
        assert!(!self.stderr.is_empty(), "a run that fails should say why");
        self
    }

    /// Fails unless the run went through.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "the run should go through:\n{}", self.stderr);
        self
    }

    /// All that a user sees, with what differs from run to run replaced.
    fn seen(&self) -> String {
        let code = self.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let folder = self.folder.path().to_string_lossy();
        format!(
            "success: {}\nexit_code: {code}\n----- stdout -----\n{}\n----- stderr -----\n{}",
            self.code == Some(0),
            self.text(),
            self.stderr
        )
        .replace(folder.as_ref(), "[FOLDER]")
        .replace(env!("RESECRET_VERSION"), "[VERSION]")
        .replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
    }

    /// Fails unless the run found something.
    #[track_caller]
    pub(crate) fn finds(self) -> Self {
        assert_eq!(self.code, Some(1), "the run should find something:\n{}{}", self.text(), self.stderr);
        self
    }

    /// Compares all that a user sees with `snapshots/cli/NAME.snap`.
    #[track_caller]
    pub(crate) fn is(&self, name: &str) {
        compare(name, &self.seen());
    }

    /// Compares a file of the working directory with `snapshots/cli/NAME.snap`.
    #[track_caller]
    pub(crate) fn file_is(&self, file: &str, name: &str) {
        compare(name, &self.file(file));
    }
}

#[track_caller]
fn compare(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/cli");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Whether a program can be run on a terminal, by script(1); says so where it cannot.
#[cfg(target_os = "linux")]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn has_terminal() -> bool {
    let there = Path::new("/usr/bin/script").exists();
    if !there {
        println!("skipped the terminal: there is no script(1)");
    }
    there
}

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
