use std::fs;
use std::process::Stdio;

use crate::harness::{CONFIG, Run, UNMATCHED, resecret};

/// A pod with a variable that looks like a credential, and a rule that does not cover it.
const WARNED: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {containers: [{name: c, env: [{name: API_TOKEN, value: canary-1}, {name: SALT, value: canary-2}]}]}
";

const SALT: &str = "\
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  env:
  - {to: vault, vars: {SALT: salt}, optional: true}
";

#[cfg(target_os = "linux")]
mod closed_standard_output {
    use super::*;

    #[track_caller]
    fn check(run: Run, script: &str) {
        let output = run.run_in_shell(script, Stdio::piped());
        assert_eq!(output.code, Some(2), "{script}: {}", output.stderr);
        assert!(output.stderr.contains("standard output is closed"), "{script}: {}", output.stderr);
    }

    #[test]
    fn is_an_error_of_every_command_that_would_write() {
        check(resecret().config(CONFIG), r#""$@" >&-"#);
        check(resecret().config(CONFIG).args(["--stream"]), r#""$@" >&-"#);
        for command in ["patches", "keys", "diff", "scan"] {
            let run = resecret().first_arg(command);
            check(if command == "scan" { run } else { run.config(CONFIG) }, r#""$@" >&-"#);
        }
        check(resecret().first_arg("check").config(UNMATCHED), r#""$@" >&-"#);
        for command in ["schema", "man", "explain"] {
            check(resecret().args([command]), r#""$@" >&-"#);
        }
    }

    #[test]
    fn the_null_device_is_no_closed_one() {
        let output = resecret().config(CONFIG).run_in_shell(r#""$@" > /dev/null"#, Stdio::piped());
        assert_eq!(output.code, Some(0), "{}", output.stderr);
    }
}

#[cfg(target_os = "linux")]
mod log_that_cannot_be_written {
    use super::*;

    fn run() -> Run {
        resecret().stdin(WARNED).config(SALT).args(["--log-file", "/dev/full"])
    }

    #[test]
    fn is_a_warning() {
        let output = run().run().succeeds();
        assert!(
            output.stderr.contains("warning[io]: cannot write the log file /dev/full"),
            "{}",
            output.stderr
        );
        let quiet = run().args(["-q"]).stdin("kind: Pod\nmetadata: {name: p}\n").run().succeeds();
        assert!(quiet.stderr.contains("cannot write the log file"), "{}", quiet.stderr);
        let check = run().first_arg("check").run().finds();
        assert!(check.stderr.contains("cannot write the log file"), "{}", check.stderr);
    }

    #[test]
    fn is_an_error_under_helm_4_before_anything_is_written() {
        // It writes to Helm's own standard error too. Helm is a shell here that has put its own away.
        let helm = r#"exec 3>&2 2>/dev/null; HELM_PLUGIN_NAME=resecret-post-renderer "$@" 2>&3; exit $?"#;
        let output = run().run_in_shell(helm, Stdio::piped()).fails();
        assert!(output.stderr.contains("error: cannot write the log file /dev/full"), "{}", output.stderr);
        // `helm resecret` shows its standard error.
        run().env("HELM_PLUGIN_NAME", "resecret").run().succeeds();
    }
}

#[cfg(target_os = "linux")]
mod stream_without_an_end {
    use super::*;

    #[track_caller]
    fn check(run: Run, script: &str) {
        let output = run.run_in_shell(script, Stdio::piped());
        assert_eq!(output.code, Some(2), "{script}: {}", output.stderr);
        assert!(output.stderr.contains("error"), "{script}: {}", output.stderr);
    }

    #[test]
    fn is_an_error_wherever_it_is_read() {
        check(resecret().config(CONFIG), r#""$@" < /dev/zero"#);
        check(resecret().config(CONFIG).args(["--stream"]), r#""$@" < /dev/zero"#);
        check(resecret().args(["--config", "/dev/zero"]), r#""$@""#);
        check(resecret().config(CONFIG).args(["--previous", "/dev/zero"]), r#""$@""#);
        check(resecret().first_arg("scan").args(["/dev/zero"]), r#""$@""#);
        check(resecret().first_arg("keys").config(CONFIG).args(["--against", "/dev/zero"]), r#""$@""#);
    }

    #[test]
    fn a_configuration_nested_without_an_end_is_one_too() {
        let nested = "a: ".to_owned() + &"[".repeat(1_000_000);
        let output = resecret().config(&nested).run().fails();
        assert!(output.stderr.contains("nested more than"), "{}", output.stderr);
    }
}

mod second_run_of_a_function {
    use super::*;

    fn list(results: &str) -> String {
        let items: String = WARNED.lines().map(|line| format!("  {line}\n")).collect();
        format!("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n-{}{results}", &items[1..])
    }

    #[track_caller]
    fn check(results: &str) {
        let once = resecret().config(SALT).stdin(list(results)).run().succeeds();
        let twice = resecret().config(SALT).stdin(once.stdout.clone()).run().succeeds();
        assert!(once.text().contains("severity: warning"), "{}", once.text());
        assert_eq!(twice.text(), once.text(), "after {results}");
    }

    #[test]
    fn adds_nothing_whatever_stands_among_the_results() {
        check("");
        check("results:\n- ? message: x\n  severity: info\n");
        check("results: [{message: *m}]\n".replace("*m", "1").as_str());
        check("results:\n- [~, 0x1F]\n- null\n");
        check("results: []\n");
    }
}

#[cfg(unix)]
mod link_of_somebody_else {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    const PLACE: &str = "resecret.dev/v1alpha1/resecret/Resecret";

    fn run(home: &Path, command: &str) -> Run {
        resecret().env("KUSTOMIZE_PLUGIN_HOME", home).args(["kustomize", command])
    }

    #[test]
    fn stays() {
        for target in ["/bin/true", "/opt/other/resecret", "nowhere"] {
            let home = tempfile::tempdir().expect("a folder");
            let plugin = home.path().join(PLACE);
            fs::create_dir_all(plugin.parent().expect("a parent")).expect("a folder");
            symlink(target, &plugin).expect("a link");
            for command in ["install", "uninstall"] {
                let output = run(home.path(), command).run().fails();
                assert!(output.stderr.contains("move it away first"), "{}", output.stderr);
            }
            assert_eq!(fs::read_link(&plugin).ok().as_deref(), Some(Path::new(target)));
        }
    }

    #[test]
    fn is_not_the_link_of_an_earlier_version() {
        let home = tempfile::tempdir().expect("a folder");
        run(home.path(), "install").run().succeeds();
        // As a program elsewhere has left it.
        let plugin = home.path().join(PLACE);
        fs::remove_file(&plugin).expect("a link");
        symlink("/opt/resecret-0.1/resecret", &plugin).expect("a link");
        fs::write(plugin.with_extension("link"), "/opt/resecret-0.1/resecret").expect("a note");
        run(home.path(), "install").run().succeeds();
        assert_eq!(fs::read_link(&plugin).ok().as_deref(), Some(Path::new(env!("CARGO_BIN_EXE_resecret"))));
    }
}

mod control_characters {
    use super::*;

    const NAMES: &str = "\
apiVersion: v1
kind: \"Pod\\n::error::pwned\\e[31m\"
metadata: {name: \"p\\n::add-mask::pwned\\r::stop-commands::x\\x9b\", namespace: \"n,line=1::\\n::error::pwned\"}
spec: {containers: [{name: \"c\\n::error::pwned\\u2028::error::pwned\\u202e\", env: [{name: \"API_TOKEN\", value: canary-1}, {name: SALT, value: canary-2}]}]}
";

    /// No line begins as a command to GitHub Actions that a chart has made, and no character does anything.
    #[track_caller]
    fn check(what: &str, text: &str) {
        for line in text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
            let command = line.trim_start().starts_with("::");
            assert!(!command || line.starts_with("::warning title="), "{what}: {line}");
        }
        let odd = |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{2028}' | '\u{202e}');
        assert_eq!(text.chars().find(odd), None, "{what}: {text:?}");
    }

    #[test]
    fn reach_neither_terminal_nor_log_nor_annotation() {
        let list = format!(
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n-{}",
            &NAMES.lines().map(|line| format!("  {line}\n")).collect::<String>()[1..]
        );
        for format in ["text", "json", "github", "sarif"] {
            for command in ["filter", "check", "keys", "patches", "diff"] {
                for input in [NAMES, &list] {
                    let run = resecret().first_arg(command).config(SALT).stdin(input);
                    let output = run.args(["--format", format, "--log-file", "log"]).run();
                    check(&format!("{command}, {format}"), &output.stderr);
                    check(&format!("{command}, {format}, log"), &output.file("log"));
                    if command != "filter" {
                        check(&format!("{command}, {format}, output"), &output.text());
                    }
                }
            }
        }
        for format in ["text", "json"] {
            let output = resecret().args(["scan", "--format", format]).stdin(NAMES).run();
            check("scan", &(output.text() + &output.stderr));
        }
    }
}
