use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::fixture_folders;
use crate::harness::{CONFIG, RENDER, Run, UNMATCHED, has_terminal, resecret};

/// What `helm template` writes for a chart with a hook that reads the chart's Secret, and one with its own.
const HOOKS: &str = "\
---
# Source: app/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: app-secret}
stringData: {password: canary-1}
---
# Source: app/templates/hook-secret.yaml
apiVersion: v1
kind: Secret
metadata: {name: hook-secret, annotations: {helm.sh/hook: pre-install}}
stringData: {password: canary-2}
---
# Source: app/templates/migrate.yaml
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {helm.sh/hook: 'pre-install,pre-upgrade'}
spec:
  template:
    spec:
      containers:
      - name: migrate
        env:
        - {name: P, valueFrom: {secretKeyRef: {name: app-secret, key: password}}}
        - {name: Q, valueFrom: {secretKeyRef: {name: hook-secret, key: password}}}
";

/// A configuration that leaves [`RENDER`]'s Secret out and has nowhere for its reader to go.
fn dangling() -> String {
    CONFIG.replace(", to: vault", "")
}

fn check() -> Run {
    resecret().args(["check"])
}

#[test]
fn a_render_with_nothing_to_report_is_no_finding() {
    check().config(CONFIG).run().succeeds().is("check-nothing");
    assert_eq!(check().config(CONFIG).args(["-q"]).run().succeeds().stderr, "");
}

#[test]
fn what_the_filter_would_say_is_a_finding() {
    check().config(&dangling()).run().finds().is("check-error");
    check().config(UNMATCHED).run().finds().is("check-unmatched");
    let warning = UNMATCHED.to_owned() + "  policy: {unmatched: warn}\n";
    check().config(&warning).run().finds();
    check().config(UNMATCHED).args(["--allow-unmatched"]).run().succeeds();
}

#[test]
fn it_finds_what_the_filter_says_about_every_fixture() {
    let mut compared = 0;
    for fixture in fixture_folders::all() {
        let input = fs::read(fixture.join("input.yaml")).expect("an input");
        let Ok(config) = fs::read_to_string(fixture.join("config.yaml")) else { continue };
        let run = |command: &str| {
            resecret().args([command, "--format", "json"]).config(&config).stdin(input.clone()).run()
        };
        let (filter, check) = (run("filter"), run("check"));
        let (results, name) = (|text: &str| serde_json::from_str::<Value>(text).ok(), fixture.display());
        match check.code {
            Some(0) => assert_eq!((filter.code, filter.stderr.as_str()), (Some(0), ""), "{name}"),
            Some(1) => assert_eq!(results(&filter.stderr), results(&check.text()), "{name}"),
            Some(2) => assert_eq!((filter.code, &filter.stderr), (Some(2), &check.stderr), "{name}"),
            other => panic!("{name}: exit code {other:?}"),
        }
        assert!(check.code != Some(2) || check.stdout.is_empty(), "{name}");
        compared += 1;
    }
    assert!(compared > 50, "only {compared} fixtures");
}

#[test]
fn what_prevents_a_check_is_an_error() {
    check().run().fails().is("check-no-rules");
    check().config(CONFIG).stdin("").run().fails().is("check-empty");
    check().config("spec: [").run().fails();
    check().config(CONFIG).args(["absent.yaml"]).run().fails().is("check-absent");
    check().config(CONFIG).stdin("kind: Secret\nmetadata: {name: [\n").run().fails();
    check().config(CONFIG).args(["--formatt", "json"]).run().fails();
}

#[test]
fn findings_have_rule_object_template_path_and_line() {
    let output = check().config(&dangling()).args(["--format", "json"]).run().finds();
    let report: Value = serde_json::from_str(&output.text()).expect("standard output is JSON");
    let result = &report["results"][0];
    assert_eq!(result["resourceRef"]["kind"], "Pod");
    assert_eq!(result["field"]["path"], "spec.containers[0].env[1].valueFrom.secretKeyRef.name");
    assert_eq!(result["tags"]["code"], "dangling");
    assert_eq!(result["tags"]["template"], "app/templates/web.yaml");
    assert_eq!(result["tags"]["line"], "19");
    assert_eq!(output.stderr, "", "no line of text beside JSON");
}

#[test]
fn every_format_goes_to_standard_output() {
    for (format, begins) in [("github", "::error "), ("sarif", "{\"$schema\""), ("text", "error[dangling]")] {
        let output = check().config(&dangling()).args(["--format", format]).run().finds();
        assert!(output.text().starts_with(begins), "{format}: {}", output.text());
    }
    for format in ["json", "sarif"] {
        let output = check().config(CONFIG).args(["--format", format]).run().succeeds();
        assert!(serde_json::from_str::<Value>(&output.text()).is_ok(), "{format} without findings");
    }
}

#[test]
fn sarif_says_what_a_rule_is_about_and_which_template_it_is() {
    let output = check().config(&dangling()).args(["--format", "sarif"]).run().finds();
    let log: Value = serde_json::from_str(&output.text()).expect("standard output is JSON");
    let run = &log["runs"][0];
    let rule = &run["tool"]["driver"]["rules"][0];
    assert_eq!(rule["shortDescription"]["text"], "A reference to a removed Secret that has nowhere to go.");
    assert!(rule["help"]["markdown"].as_str().is_some_and(|text| text.contains("\n# What to do\n")));
    let places = run["results"][0]["locations"][0]["logicalLocations"].as_array().expect("a list");
    let names: Vec<&Value> = places.iter().map(|place| &place["kind"]).collect();
    assert_eq!(names, ["object", "member", "template"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_run_shows_its_progress_on_a_terminal_only() {
    use std::process::Stdio;
    if !has_terminal() {
        return;
    }
    let slowly = "(sleep 1; cat render.yaml) | $1 $2 $3 $4";
    let run = |script: &str| {
        let run = check().file("render.yaml", RENDER).config(CONFIG).env("PATH", "/usr/bin:/bin");
        let output = run.run_in_shell(script, Stdio::piped());
        output.text() + &output.stderr
    };
    let shown = run(&format!("exec script -qec \"{slowly}\" /dev/null </dev/null"));
    assert!(shown.contains("\rresecret: 0 MB read") || shown.contains("MB read, 0 s"), "{shown:?}");
    assert!(shown.ends_with("\r\u{1b}[Kresecret: stdin checked: nothing to report\r\n"), "{shown:?}");
    assert_eq!(run(slowly), "resecret: stdin checked: nothing to report\n");
}

#[test]
fn a_hook_that_reads_a_dropped_secret_is_a_finding() {
    check().config(CONFIG).stdin(HOOKS).run().finds().is("check-hook");
    // The filter is given no hooks by Helm 3, and by Helm 4 to be filtered: it has nothing to warn of.
    assert!(!resecret().config(CONFIG).stdin(HOOKS).run().succeeds().stderr.contains("hook"));
}

#[test]
fn a_hook_that_helm_4_sends_through_is_none() {
    let sent =
        HOOKS.replace("helm.sh/hook:", "postrenderer.helm.sh/postrender-filename: a.yaml, helm.sh/hook:");
    check().config(CONFIG).stdin(sent).run().succeeds();
}

#[test]
fn a_rule_about_a_secret_of_a_hook_is_a_finding_also_if_it_is_optional() {
    let config =
        |more: &str| CONFIG.replace("app-secret", "hook-secret").replace("vault", &format!("vault{more}"));
    check().config(&config("")).stdin(HOOKS).run().finds().is("check-hook-secret");
    check().config(&config(", optional: true")).stdin(HOOKS).run().finds().is("check-hook-secret-optional");
}

#[test]
fn the_log_takes_findings_and_summary_as_text() {
    let run = check().config(&dangling()).args(["--log-file", "log", "--format", "json"]);
    let log = run.run().finds().file("log");
    assert!(
        log.starts_with("error[dangling]: ") && log.contains("resecret: stdin checked: 1 error"),
        "{log}"
    );
}

/// A folder of renders: some with a finding, some nested, some that are no manifests.
fn folder(path: &Path, count: usize) {
    fs::create_dir_all(path.join("nested/.git")).expect("a folder");
    for number in 0..count {
        let ending = ["yaml", "yml", "json"][number % 3];
        let place = if number % 2 == 0 { path.to_owned() } else { path.join("nested") };
        let text = if number % 5 == 0 { RENDER.replace("app-secret", "other") } else { RENDER.to_owned() };
        fs::write(place.join(format!("{number:03}.{ending}")), text).expect("a file");
    }
    fs::write(path.join("README.md"), "not: [a manifest").expect("a file");
    fs::write(path.join("nested/.git/config.yaml"), "not: [a manifest").expect("a file");
}

#[test]
fn folders_are_read_at_any_depth_in_the_order_of_their_names() {
    let renders = tempfile::tempdir().expect("a folder");
    folder(renders.path(), 40);
    let run = || check().config(CONFIG).args([renders.path()]).run().finds();
    let first = run();
    let stderr = first.stderr.replace(&renders.path().display().to_string(), "");
    assert_eq!(stderr, "resecret: 40 files checked: 8 errors\n");
    let text = first.text();
    let named: Vec<&str> = text.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(named.len(), 8);
    assert!(named.is_sorted_by_key(|line| line.rsplit("in ").next()), "{named:?}");
    assert!(named[0].ends_with("000.yaml") && text.contains("nested/005.json"), "{text}");
    for _ in 0..3 {
        assert_eq!(run().stdout, first.stdout, "the order does not depend on which is ready first");
    }
}

#[test]
fn files_and_standard_input_can_be_mixed() {
    let run = check().config(&dangling()).file("b.yaml", RENDER).file("a.yaml", RENDER);
    run.args(["b.yaml", "-", "a.yaml"]).run().finds().is("check-files");
}

#[test]
fn one_unreadable_file_fails_the_whole_check() {
    let run = check().config(&dangling()).file("a.yaml", RENDER).file("b.yaml", "");
    run.args(["a.yaml", "b.yaml"]).run().fails().is("check-files-unreadable");
}

#[test]
fn a_folder_without_manifests_is_an_error() {
    let empty = tempfile::tempdir().expect("a folder");
    assert!(check().config(CONFIG).args([empty.path()]).run().fails().stderr.contains("there is no *.yaml"));
}

#[test]
fn what_makes_it_fail_is_the_users_choice() {
    let warning = UNMATCHED.to_owned() + "  policy: {unmatched: warn}\n";
    let run = |config: &str, args: &[&str]| check().config(config).args(args.to_vec()).run();
    run(&warning, &["--fail-on", "warning"]).finds();
    let output = run(&warning, &["--fail-on", "error"]).succeeds();
    assert!(output.text().starts_with("warning[unmatched]"), "it is shown all the same: {}", output.text());
    run(UNMATCHED, &["--fail-on", "error"]).finds();
    assert!(run(UNMATCHED, &["--exit-zero"]).succeeds().text().starts_with("error[unmatched]"));
    assert_eq!(run("no: [", &["--exit-zero"]).code, Some(2));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let output = check().config(UNMATCHED).closed_stdout().run();
    assert_eq!(output.code, Some(1));
    assert_eq!(output.stderr, "resecret: stdin checked: 1 error\n");
}

#[test]
fn a_terminal_gets_colours() {
    let run = |variables: &[(&str, &str)]| {
        let run = check().config(UNMATCHED);
        variables.iter().fold(run, |run, (name, value)| run.env(name, *value)).run().finds().text()
    };
    assert!(!run(&[]).contains('\u{1b}'), "a pipe is no terminal");
    assert!(run(&[("CLICOLOR_FORCE", "1")]).starts_with("\u{1b}[1m\u{1b}[31merror[unmatched]\u{1b}[0m"));
    assert!(!run(&[("CLICOLOR_FORCE", "0"), ("NO_COLOR", "1")]).contains('\u{1b}'));
    // Standard error is asked for itself.
    let filter = resecret().config(UNMATCHED).env("CLICOLOR_FORCE", "1").run().fails();
    assert!(filter.stderr.starts_with("\u{1b}[1m\u{1b}[31merror[unmatched]"), "{}", filter.stderr);
}
