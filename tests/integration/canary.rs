use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Output, Run, resecret, root};

/// Every secret value of a fixture contains this word, plainly or in base64.
const FORMS: [&str; 6] = ["canary", "CANARY", "Y2FuYXJ5", "NhbmFyeQ", "jYW5hcn", "%63%61%6E"];

/// Every fixture's folder.
fn fixtures() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/fixtures")).expect("fixtures").flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(folders.len() > 50, "only {} fixtures", folders.len());
    folders
}

/// A run on a fixture, with the rules that stand beside it.
fn run(fixture: &Path) -> Run {
    let input = fs::read(fixture.join("input.yaml")).expect("a fixture has an input");
    let mut run = resecret().stdin(input);
    if let Ok(config) = fs::read_to_string(fixture.join("config.yaml")) {
        run = run.config(&config);
    }
    let args = fs::read_to_string(fixture.join("args.txt")).unwrap_or_default();
    let lines = args.lines().filter(|line| !line.starts_with('#'));
    run.args(lines.flat_map(str::split_whitespace))
}

#[track_caller]
fn check(what: &str, output: &Output) {
    let mut places = vec![("standard error", output.stderr.clone()), ("the log", output.file("log"))];
    if output.code != Some(0) {
        places.push(("standard output", output.text()));
    }
    for (place, text) in places {
        if let Some(form) = FORMS.iter().find(|form| text.contains(**form)) {
            panic!("{what}: {place} shows a secret value (as `{form}`):\n{text}");
        }
    }
}

#[test]
fn no_fixture_shows_a_value_in_any_format() {
    for fixture in fixtures() {
        let name = fixture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for format in ["text", "json", "github", "sarif"] {
            let output = run(&fixture).args(["--log-file", "log", "--format", format]).run();
            assert!(matches!(output.code, Some(0 | 2)), "{name}: no other exit code:\n{}", output.stderr);
            assert!(output.code == Some(0) || output.stdout.is_empty(), "{name}: fails with output");
            check(&format!("{name} as {format}"), &output);
        }
    }
}

/// Fails if a command that has no manifests to write shows a value anywhere.
#[track_caller]
fn check_all(what: &str, output: &Output) {
    check(what, output);
    for (place, text) in [("standard output", output.text()), ("the file", output.file("resecret.yaml"))] {
        if let Some(form) = FORMS.iter().find(|form| text.contains(**form)) {
            panic!("{what}: {place} shows a secret value (as `{form}`):\n{text}");
        }
    }
}

/// A run of a command that takes the rule flags.
fn command(name: &str, fixture: &Path, args: &[&str]) -> Output {
    run(fixture).first_arg(name).args(args.iter().copied()).args(["--log-file", "log"]).run()
}

#[test]
fn patches_shows_no_value() {
    for fixture in fixtures() {
        let name = fixture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for form in ["json6902", "kustomize", "flux"] {
            let output = command("patches", &fixture, &["-o", form]);
            assert!(matches!(output.code, Some(0 | 2)), "{name}: no other exit code:\n{}", output.stderr);
            check_all(&format!("{name}, patches -o {form}"), &output);
        }
    }
}

#[test]
fn keys_shows_no_value() {
    let forms: [&[&str]; 6] = [
        &[],
        &["-o", "json"],
        &["-o", "external-secret", "--store", "store"],
        &["-o", "sealed-secret"],
        &["-o", "vault-static-secret"],
        &["-o", "secret"],
    ];
    for fixture in fixtures() {
        let name = fixture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for form in forms {
            let output = command("keys", &fixture, form);
            assert!(matches!(output.code, Some(0 | 2)), "{name}: no other exit code:\n{}", output.stderr);
            check_all(&format!("{name}, keys {form:?}"), &output);
        }
        let Ok(vault) = serde_json::from_slice::<Value>(&command("keys", &fixture, &["-o", "json"]).stdout)
        else {
            continue;
        };
        // Every key with a value in a wrong format, and half of them missing.
        let secret = |secret: &Value| {
            let keys = secret["keys"].as_array().into_iter().flatten().step_by(2);
            let data: serde_json::Map<String, Value> = keys
                .map(|key| (key["name"].as_str().unwrap_or_default().to_owned(), "canary#@\n".into()))
                .collect();
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret["name"]}, "stringData": data})
        };
        let secrets: Vec<Value> = vault["secrets"].as_array().into_iter().flatten().map(secret).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": secrets}).to_string();
        for format in ["text", "json", "github", "sarif"] {
            let run = run(&fixture).first_arg("keys").file("secrets.yaml", &list);
            let output =
                run.args(["--against", "secrets.yaml", "--log-file", "log", "--format", format]).run();
            check_all(&format!("{name}, keys --against as {format}"), &output);
        }
    }
}

#[test]
fn no_error_path_shows_a_value() {
    for fixture in fixtures() {
        let name = fixture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let input = fs::read(fixture.join("input.yaml")).expect("a fixture has an input");
        // Cut in the middle, where the text is most likely inside of something.
        let cut = input[..input.len() / 2].to_vec();
        check(&format!("{name}, cut"), &run(&fixture).args(["--log-file", "log"]).stdin(cut).run());
        check(&format!("{name}, closed"), &run(&fixture).args(["--log-file", "log"]).closed_stdout().run());
        // The render where the configuration should be: its texts are quoted by no message.
        let swapped =
            resecret().file("input.yaml", &input).args(["--config", "input.yaml", "--log-file", "log"]);
        check(&format!("{name}, as configuration"), &swapped.run());
    }
}

#[test]
fn no_finding_of_check_shows_a_value_in_any_format() {
    for fixture in fixtures() {
        for format in ["text", "json", "github", "sarif"] {
            let output = command("check", &fixture, &["--format", format]);
            assert!(matches!(output.code, Some(0..=2)), "{}", output.stderr);
            check_all(&format!("{}, check as {format}", fixture.display()), &output);
        }
    }
}

#[test]
fn no_diff_shows_a_value() {
    for fixture in fixtures() {
        let output = command("diff", &fixture, &["--color", "always"]);
        assert!(matches!(output.code, Some(0..=2)), "{}", output.stderr);
        check_all(&format!("{}, diff", fixture.display()), &output);
    }
}

#[test]
fn no_command_shows_a_value_of_a_render_that_is_cut_or_has_other_line_ends() {
    for fixture in fixtures() {
        let input = fs::read(fixture.join("input.yaml")).expect("a fixture has an input");
        let (cut, other) = (&input[..input.len() / 2], String::from_utf8_lossy(&input).replace('\n', "\r\n"));
        let runs = [
            ("cut, check", run(&fixture).first_arg("check").stdin(cut)),
            ("cut, diff", run(&fixture).first_arg("diff").stdin(cut)),
            ("cut, scan", resecret().args(["scan", "--write", "resecret.yaml"]).stdin(cut)),
            ("CRLF, diff", run(&fixture).first_arg("diff").stdin(other)),
        ];
        for (what, run) in runs {
            let output = run.run();
            assert!(matches!(output.code, Some(0..=2)), "{}", output.stderr);
            check_all(&format!("{}, {what}", fixture.display()), &output);
        }
    }
}

#[test]
fn no_inventory_and_no_proposal_shows_a_value() {
    for fixture in fixtures() {
        let input = fs::read(fixture.join("input.yaml")).expect("a fixture has an input");
        for more in [["--format", "json"], ["--to", "one-vault"]] {
            let run = resecret().args(["scan", "--write", "resecret.yaml", "--log-file", "log"]).args(more);
            let output = run.stdin(input.clone()).run();
            assert!(matches!(output.code, Some(0..=2)), "{}", output.stderr);
            check_all(&format!("{}, scan {}", fixture.display(), more[1]), &output);
        }
    }
}
