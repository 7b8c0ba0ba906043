use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::fixture_folders;
use crate::harness::{Output, Run, resecret, root};

/// Every secret value of a fixture contains this word, plainly or in base64.
const FORMS: [&str; 6] = ["canary", "CANARY", "Y2FuYXJ5", "NhbmFyeQ", "jYW5hcn", "%63%61%6E"];

/// Every fixture's folder.
fn fixtures() -> Vec<PathBuf> {
    fixture_folders::all()
}

/// Every fixture with one of the formats. The log that is written beside it is text; that no format shows a value of any
/// fixture is tried without the program, in `tests/cases`.
fn formats_in_turn() -> impl Iterator<Item = (&'static str, PathBuf)> {
    ["text", "json", "github", "sarif"].into_iter().cycle().zip(fixtures())
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
    check_said(what, output);
    if output.code != Some(0) {
        check_text(what, "standard output", &output.text());
    }
}

/// Fails if what is said about a run shows a value; its output is manifests, with the values that stay.
#[track_caller]
fn check_said(what: &str, output: &Output) {
    check_text(what, "standard error", &output.stderr);
    check_text(what, "the log", &output.file("log"));
}

#[track_caller]
fn check_text(what: &str, place: &str, text: &str) {
    if let Some(form) = FORMS.iter().find(|form| text.contains(**form)) {
        panic!("{what}: {place} shows a secret value (as `{form}`):\n{text}");
    }
}

#[test]
fn no_fixture_shows_a_value() {
    for (format, fixture) in formats_in_turn() {
        let name = fixture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let output = run(&fixture).args(["--log-file", "log", "--format", format]).run();
        assert!(matches!(output.code, Some(0 | 2)), "{name}: no other exit code:\n{}", output.stderr);
        assert!(output.code == Some(0) || output.stdout.is_empty(), "{name}: fails with output");
        check(&format!("{name} as {format}"), &output);
    }
}

#[test]
fn no_stream_shows_a_value() {
    for (format, fixture) in formats_in_turn().filter(|(format, _)| *format != "sarif") {
        let output = run(&fixture).args(["--stream", "--log-file", "log", "--format", format]).run();
        assert!(matches!(output.code, Some(0 | 2)), "{}", output.stderr);
        check_said(&format!("{}, stream as {format}", fixture.display()), &output);
    }
}

/// Fails if a command that has no manifests to write shows a value anywhere.
#[track_caller]
fn check_all(what: &str, output: &Output) {
    check(what, output);
    check_text(what, "standard output", &output.text());
    check_text(what, "the file", &output.file("resecret.yaml"));
}

/// A run of a command that takes the rule flags.
fn command(name: &str, fixture: &Path, args: &[&str]) -> Output {
    run(fixture).first_arg(name).args(args.iter().copied()).args(["--log-file", "log"]).run()
}

/// The forms of `keys` that are not its table.
const KEYS_FORMS: [&[&str]; 5] = [
    &["-o", "json"],
    &["-o", "external-secret", "--store", "store"],
    &["-o", "sealed-secret"],
    &["-o", "vault-static-secret"],
    &["-o", "secret"],
];

#[test]
fn patches_shows_no_value() {
    for fixture in fixtures() {
        let name = fixture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let output = command("patches", &fixture, &["-o", "flux"]);
        assert!(matches!(output.code, Some(0 | 2)), "{name}: no other exit code:\n{}", output.stderr);
        check_all(&format!("{name}, patches"), &output);
    }
    // The other forms hold the same.
    for form in ["json6902", "kustomize"] {
        let fixture = root().join("tests/fixtures/presets/langfuse");
        let output = command("patches", &fixture, &["-o", form]).succeeds();
        check_all(&format!("patches -o {form}"), &output);
    }
}

#[test]
fn keys_shows_no_value() {
    let mut found = 0;
    for (number, fixture) in fixtures().iter().enumerate() {
        let name = fixture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Each form meets many fixtures; all of them meet the same vault.
        let mut table = String::new();
        for form in [KEYS_FORMS[number % KEYS_FORMS.len()], &[]] {
            let output = command("keys", fixture, form);
            assert!(matches!(output.code, Some(0 | 2)), "{name}: no other exit code:\n{}", output.stderr);
            check_all(&format!("{name}, keys {form:?}"), &output);
            table = output.text();
        }
        // The second column of the table is the key. Each with a value in a wrong format, and half of them missing.
        let cells = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
        let mut secrets: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        for (number, line) in table.lines().skip(1).enumerate() {
            let [secret, key] = &cells(line)[..] else { continue };
            let data = secrets.entry(secret.rsplit('/').next().unwrap_or_default().to_owned()).or_default();
            if number % 2 == 0 {
                data.insert(key.clone(), "canary#@\n".into());
            }
        }
        let secret = |(name, data): (String, Map<String, Value>)| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data});
        let items: Vec<Value> = secrets.into_iter().map(secret).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
        let format = ["json", "sarif", "github"][number % 3];
        let run = run(fixture).first_arg("keys").file("secrets.yaml", &list);
        let output = run.args(["--against", "secrets.yaml", "--log-file", "log", "--format", format]).run();
        check_all(&format!("{name}, keys --against as {format}"), &output);
        found += usize::from(output.code == Some(1));
    }
    assert!(found > 50, "only {found} fixtures have keys to be checked");
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
fn no_finding_of_check_shows_a_value() {
    for (format, fixture) in formats_in_turn() {
        let output = command("check", &fixture, &["--format", format]);
        assert!(matches!(output.code, Some(0..=2)), "{}", output.stderr);
        check_all(&format!("{}, check as {format}", fixture.display()), &output);
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
