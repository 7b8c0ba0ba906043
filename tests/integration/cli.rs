use std::fs::File;

use serde_json::Value;

use crate::harness::{CONFIG, RENDER, UNMATCHED, resecret};

/// An `env` rule with this text below it.
fn env_rule(text: &str) -> String {
    format!("apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  env:\n{text}")
}

mod help {
    use super::*;

    #[test]
    fn short_and_long_help_are_the_manual() {
        let help = resecret().args(["--help"]).run().succeeds();
        help.is("help");
        assert!(help.stderr.is_empty());
        resecret().args(["-h"]).run().succeeds().is("help-short");
        resecret().args(["filter", "--help"]).run().succeeds().is("help-filter");
        resecret().args(["scan", "--help"]).run().succeeds().is("help-scan");
        resecret().args(["check", "--help"]).run().succeeds().is("help-check");
        resecret().args(["diff", "--help"]).run().succeeds().is("help-diff");
        resecret().args(["keys", "--help"]).run().succeeds().is("help-keys");
        resecret().args(["patches", "--help"]).run().succeeds().is("help-patches");
        resecret().args(["explain", "--help"]).run().succeeds().is("help-explain");
        resecret().args(["schema", "--help"]).run().succeeds().is("help-schema");
        resecret().args(["completions", "--help"]).run().succeeds().is("help-completions");
        resecret().args(["man", "--help"]).run().succeeds().is("help-man");
    }

    #[test]
    fn the_version_is_one_line() {
        resecret().args(["--version"]).run().succeeds().is("version");
    }
}

mod success {
    use super::*;

    #[test]
    fn a_run_writes_the_stream_and_one_line_about_it() {
        resecret().config(CONFIG).run().succeeds().is("success");
    }

    #[test]
    fn filter_is_the_command_that_needs_no_name() {
        let named = resecret().args(["filter"]).config(CONFIG).run().succeeds();
        assert_eq!(named.stdout, resecret().config(CONFIG).run().stdout);
    }

    #[test]
    fn duplicates_are_repaired_without_any_other_rule() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    env: [ENV]\n    ports: [{containerPort: 1}, {containerPort: 1}]\n";
        let twice = pod.replace("ENV", "{name: A, value: a}, {name: A, value: b}");
        for (which, stays) in [("last", "b"), ("first", "a")] {
            for stream in [None, Some("--stream")] {
                let run = resecret().args(["-q", "--duplicates", which]).args(stream).stdin(twice.clone());
                let expected = pod.replace("ENV", &format!("{{name: A, value: {stays}}}"));
                assert_eq!(run.run().succeeds().text(), expected.replace(", {containerPort: 1}]", "]"));
            }
        }
        // A flag counts more than a file.
        let run = resecret()
            .args(["--duplicates", "error"])
            .config(&CONFIG.replace("spec:", "spec:\n  duplicates: last"));
        assert!(run.stdin(format!("{RENDER}---\n{twice}")).run().stderr.contains("duplicate-env"));
    }

    #[test]
    fn quiet_leaves_the_line_out() {
        for flag in ["-q", "--quiet"] {
            let output = resecret().args([flag]).config(CONFIG).run().succeeds();
            assert_eq!((output.stderr.as_str(), output.stdout.is_empty()), ("", false));
        }
    }

    #[test]
    fn quiet_says_nothing_but_errors() {
        let warning = UNMATCHED.to_owned() + "  policy: {unmatched: warn}\n";
        let run = resecret().args(["-q", "--log-file", "log"]).config(&warning).run().succeeds();
        assert_eq!(run.stderr, "");
        assert!(run.file("log").starts_with("warning[unmatched]"), "a log file is asked for by itself");
        let both = UNMATCHED.to_owned() + "  - {name: app-secret}\n  policy: {unmatched: warn}\n";
        let errors = resecret().args(["-q"]).config(&both).run().fails().stderr;
        assert!(errors.starts_with("error[dangling") && !errors.contains("warning["), "{errors}");
    }

    #[test]
    fn views_of_a_run_count_its_warnings() {
        let warning = CONFIG.to_owned() + "  - {name: absent}\n  policy: {unmatched: warn}\n";
        for (command, is_done) in [("keys", true), ("patches", true), ("diff", false)] {
            let run =
                |format: &[&str]| resecret().args([command]).args(format.to_vec()).config(&warning).run();
            let output = run(&[]);
            assert_eq!(output.code, Some(i32::from(!is_done)));
            let end = "; 1 warning, `resecret check` shows it\n";
            assert!(output.stderr.lines().count() == 1 && output.stderr.ends_with(end), "{}", output.stderr);
            assert!(run(&["--format", "json"]).stderr.contains("\"code\":\"unmatched\""), "programs get all");
        }
    }

    #[test]
    fn several_configurations_add_up() {
        let more = env_rule("  - {to: vault, vars: {A: a-key}}\n");
        let run = resecret().file("more.yaml", more).args(["--config", "more.yaml"]).config(CONFIG);
        run.run().succeeds().is("success-two-configurations");
    }

    #[test]
    fn resecret_yaml_in_the_working_directory_is_the_default() {
        let output = resecret().file("resecret.yaml", CONFIG).run().succeeds();
        assert_eq!(output.stdout, resecret().config(CONFIG).run().stdout);
        // It is not read where a flag names rules.
        resecret().file("resecret.yaml", "no: [").config(CONFIG).run().succeeds();
    }

    #[test]
    fn a_preset_needs_no_file() {
        let render = RENDER.replace("name: web", "name: langfuse-web").replace("name: A", "name: SALT");
        let run = resecret().args(["--preset", "langfuse", "--to", "langfuse-vault"]).stdin(render);
        run.run().succeeds().is("success-preset");
    }

    #[test]
    fn a_rule_may_match_nothing_where_that_is_allowed() {
        resecret().args(["--allow-unmatched"]).config(UNMATCHED).run().succeeds();
    }

    #[test]
    fn a_long_stream_goes_through_whole() {
        let filler = "---\nkind: ConfigMap\nmetadata: {name: filler}\ndata: {k: v}\n".repeat(20_000);
        let output = resecret().config(CONFIG).stdin(format!("{filler}{RENDER}")).run().succeeds();
        assert!(output.stdout.starts_with(filler.as_bytes()) && output.stdout.len() > filler.len());
    }
}

/// What people type first, where a pipe was meant.
mod a_named_file {
    use super::*;

    const CHART: &str = "apiVersion: v2\nname: app\nversion: 0.1.0\n";

    #[test]
    #[cfg(target_os = "linux")]
    fn a_render_is_filtered_where_nothing_else_comes() {
        let expected = resecret().config(CONFIG).run().stdout;
        for args in [vec!["render.yaml"], vec!["filter", "render.yaml"], vec!["./render.yaml"]] {
            let run = resecret().file("render.yaml", RENDER).file("resecret.yaml", CONFIG).args(args);
            let output = run.run_in_shell("\"$@\" < /dev/null", std::process::Stdio::piped()).succeeds();
            assert_eq!(output.stdout, expected);
        }
        let run = resecret().file("render.yaml", RENDER).config(&CONFIG.replace(", to: vault", ""));
        let output =
            run.first_arg("render.yaml").run_in_shell("\"$@\" < /dev/null", std::process::Stdio::piped());
        assert!(output.stderr.contains("at render.yaml:"), "{}", output.stderr);
    }

    /// A client's run must not filter another stream than the client's.
    #[test]
    fn a_render_beside_standard_input_is_answered_with_the_line_to_type() {
        let run = resecret().file("render.yaml", RENDER).config(CONFIG).first_arg("render.yaml");
        run.run().fails().is("file-and-stdin");
    }

    #[test]
    fn a_chart_is_called_a_chart() {
        let run = |command: &[&str], path: &str| {
            let run = resecret().args(command.to_vec()).args([path]);
            let run = run.file("chart/Chart.yaml", CHART).file("chart-0.1.0.tgz", "\u{1f}");
            run.args(["--preset", "langfuse", "--to", "vault"]).run().fails().stderr
        };
        for command in [&[][..], &["filter"], &["check"], &["diff"], &["keys"], &["patches"]] {
            for path in ["chart", "./chart", "chart-0.1.0.tgz"] {
                let line = format!(
                    "error: {path} is a chart, and what it renders is wanted: `helm template RELEASE {path} > render.yaml`"
                );
                assert!(run(command, path).starts_with(&line), "{}", run(command, path));
            }
        }
        let scan = resecret().args(["scan", "chart"]).file("chart/Chart.yaml", CHART).run().fails();
        assert!(scan.stderr.contains("chart is a chart"), "{}", scan.stderr);
    }

    #[test]
    fn a_folder_and_a_file_that_is_not_there_are_named() {
        let folder = resecret().file("renders/a.yaml", RENDER).args(["renders"]).run().fails();
        assert!(folder.stderr.contains("`cat renders/*.yaml | resecret`"), "{}", folder.stderr);
        let absent = resecret().args(["absent.yaml"]).run().fails();
        assert!(absent.stderr.starts_with("error: cannot read absent.yaml"), "{}", absent.stderr);
    }
}

mod flags {
    use super::*;

    #[test]
    fn a_wrong_flag_is_an_error() {
        resecret().args(["--presett", "langfuse"]).run().fails().is("flag-unknown");
        resecret().args(["--format", "xml"]).run().fails().is("flag-format");
        resecret().args(["filtre"]).run().fails().is("flag-command");
    }

    #[test]
    fn flags_may_come_before_the_command() {
        for before in [&["-q"][..], &["--config", "c.yaml"]] {
            let run = resecret().file("c.yaml", CONFIG).file("render.yaml", RENDER).args(before);
            let run = run.args(["check", "--config", "c.yaml", "-q", "render.yaml"]);
            let said = run.run();
            assert!(said.stdout.is_empty() && !said.stderr.contains("usage"), "{before:?}: {}", said.stderr);
        }
        let scan = resecret().file("c.yaml", CONFIG).args(["--config", "c.yaml", "scan"]).stdin(RENDER).run();
        assert!(scan.text().starts_with("SECRET"), "{}{}", scan.text(), scan.stderr);
    }

    #[test]
    fn another_word_is_a_misspelt_command_or_another_stream() {
        let said = |words: &[&str]| {
            let run = resecret().file("a.yaml", RENDER).file("b.yaml", RENDER).args(words);
            run.run().fails().stderr.lines().next().map(str::to_owned)
        };
        let misspelt = "error: unrecognized command `chek`, did you mean `check`?";
        assert_eq!(said(&["chek", "a.yaml"]).as_deref(), Some(misspelt));
        let second = "error: a run filters one stream, and `b.yaml` is one more: `cat FILES | resecret`";
        assert_eq!(said(&["a.yaml", "b.yaml"]).as_deref(), Some(second));
    }

    #[test]
    fn a_preset_and_its_target_need_each_other() {
        resecret().args(["--preset", "langfuse"]).run().fails().is("flag-preset-without-to");
        resecret().args(["--to", "vault"]).run().fails().is("flag-to-without-preset");
    }

    #[test]
    fn an_unknown_preset_is_an_error_with_the_nearest_name() {
        resecret().args(["--preset", "langfuze", "--to", "vault"]).run().fails().is("flag-preset-unknown");
    }

    #[test]
    fn a_target_must_be_a_secrets_name() {
        resecret().args(["--preset", "langfuse", "--to", "My_Vault"]).run().fails().is("flag-to-invalid");
        resecret().args(["--preset", "langfuse", "--to", ""]).run().fails().is("flag-to-empty");
    }
}

mod config {
    use super::*;

    #[test]
    fn a_run_without_rules_is_an_error() {
        resecret().run().fails().is("config-none");
    }

    #[test]
    fn a_file_that_is_not_there_or_not_text_is_an_error() {
        resecret().args(["--config", "absent.yaml"]).run().fails().is("config-absent");
        resecret()
            .file("b.yaml", b"a: \xff")
            .args(["--config", "b.yaml"])
            .run()
            .fails()
            .is("config-not-utf8");
        resecret().args(["--config", "."]).run().fails();
    }

    #[test]
    fn an_unknown_field_is_an_error_with_its_place_and_the_nearest_name() {
        resecret()
            .config(&CONFIG.replace("to: vault", "too: vault"))
            .run()
            .fails()
            .is("config-unknown-field");
        resecret()
            .config(&CONFIG.replace("spec:", "specs:"))
            .run()
            .fails()
            .is("config-unknown-field-at-the-top");
        resecret()
            .config(&(CONFIG.to_owned() + "  duplicates: lst\n"))
            .run()
            .fails()
            .is("config-unknown-word");
    }

    #[test]
    fn a_wrong_type_is_an_error_with_its_place() {
        resecret().config(&CONFIG.replace("to: vault", "to: [vault]")).run().fails().is("config-wrong-type");
        resecret()
            .config(&(CONFIG.to_owned() + "  env: {to: vault}\n"))
            .run()
            .fails()
            .is("config-wrong-list");
        resecret().config("just text\n").run().fails().is("config-text");
        resecret().config("").run().fails().is("config-empty");
        resecret().config("kind: \"Rese\n").run().fails().is("config-not-yaml");
    }

    #[test]
    fn another_kind_of_object_is_an_error() {
        resecret().config(&CONFIG.replace("v1alpha1", "v2")).run().fails().is("config-api-version");
        resecret().config(&CONFIG.replace("kind: Resecret", "kind: Secret")).run().fails().is("config-kind");
    }

    #[test]
    fn a_pattern_that_is_none_is_an_error() {
        resecret().config(&CONFIG.replace("app-secret", "'app-[secret'")).run().fails().is("config-glob");
    }

    #[test]
    fn a_rule_that_can_do_nothing_is_an_error() {
        resecret()
            .config(&CONFIG.replace("name: app-secret, ", ""))
            .run()
            .fails()
            .is("config-selects-every-secret");
        resecret().config(&env_rule("  - {to: vault}\n")).run().fails().is("config-no-variable");
        resecret().config(&env_rule("  - {vars: {A: a}}\n")).run().fails().is("config-no-target");
        for name in ["", "A=B", "caf\u{e9}"] {
            let rule = format!("  - {{to: vault, vars: {{'{name}': a}}, in: {{kind: Pod}}, add: true}}\n");
            let output = resecret().config(&env_rule(&rule)).run().fails();
            assert!(output.stderr.contains("cannot be the name of a variable"), "{}", output.stderr);
        }
        let keys = CONFIG.replace("to: vault", "keys: {a: b}");
        resecret().config(&keys).run().fails().is("config-keys-without-target");
        let stays = CONFIG.replace("to: vault", "to: vault, only: [a], keys: {b: c}");
        resecret().config(&stays).run().fails().is("config-renames-what-stays");
    }

    #[test]
    fn a_second_file_may_not_contradict_the_first() {
        let (one, two) =
            (CONFIG.to_owned() + "  duplicates: first\n", CONFIG.to_owned() + "  duplicates: last\n");
        let run = resecret().config(&one).file("two.yaml", two).args(["--config", "two.yaml"]);
        run.run().fails().is("config-contradiction");
    }

    #[test]
    fn a_preset_in_a_file_is_checked_like_one_on_the_command_line() {
        let file = |preset: &str| {
            format!("apiVersion: resecret.dev/v1alpha1\nkind: Resecret\nspec:\n  presets:\n  - {preset}\n")
        };
        let unknown = file("{name: langfuse-store, to: vault}");
        resecret().config(&unknown).run().fails().is("config-preset-unknown");
        let key = file("{name: langfuse, to: vault, keys: {nextauth: NEXTAUTH_SECRET}}");
        resecret().config(&key).run().fails().is("config-preset-key");
    }
}

mod input {
    use super::*;

    #[test]
    fn empty_input_is_an_error() {
        resecret().config(CONFIG).stdin("").run().fails().is("input-empty");
        resecret().config(CONFIG).stdin(" \n").run().fails();
    }

    #[test]
    fn a_diagnostic_names_document_object_template_path_line_and_column() {
        let dangling = CONFIG.replace(", to: vault", "");
        resecret().config(&dangling).run().fails().is("input-dangling");
    }

    #[test]
    fn a_rule_that_matches_nothing_is_an_error() {
        resecret().config(UNMATCHED).run().fails().is("input-unmatched");
    }

    #[test]
    fn standard_input_that_is_closed_is_empty() {
        #[cfg(target_os = "linux")]
        resecret().config(CONFIG).run_in_shell("\"$@\" <&-", std::process::Stdio::piped()).fails();
    }

    /// An allocation that nobody asks for first would end the program without a word of ours.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_memory_does_not_hold_is_an_error() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(1 << 30).expect("a file of 1 GiB, with nothing in it");
        let run = resecret().args(["filter"]).config(CONFIG).env("FILE", file.path());
        let script = "ulimit -v 900000; exec \"$@\" < \"$FILE\"";
        let output = run.run_in_shell(script, std::process::Stdio::piped()).fails();
        assert_eq!(output.stderr, "error: cannot read standard input: out of memory\n");
    }
}

mod output {
    use super::*;

    #[test]
    fn a_reader_that_has_gone_is_an_error() {
        let output = resecret().config(CONFIG).closed_stdout().run();
        assert_eq!(output.code, Some(2));
        output.is("output-closed");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error() {
        let full = File::options().write(true).open("/dev/full").expect("Linux has /dev/full");
        let output = resecret().config(CONFIG).stdout(full).run();
        assert_eq!(output.code, Some(2));
        output.is("output-full");
    }
}

mod log {
    use super::*;

    #[test]
    fn a_log_file_takes_what_standard_error_says() {
        let output = resecret().args(["--log-file", "log"]).config(CONFIG).run().succeeds();
        assert_eq!(output.file("log"), output.stderr);
        let output = resecret().args(["--log-file", "log"]).config(UNMATCHED).run().fails();
        assert_eq!(output.file("log"), output.stderr);
    }

    #[test]
    fn a_variable_can_name_it() {
        let output = resecret().env("RESECRET_LOG", "log").config(UNMATCHED).run().fails();
        assert_eq!(output.file("log"), output.stderr);
    }

    #[test]
    fn it_is_appended_to() {
        let output =
            resecret().file("log", "before\n").args(["--log-file", "log"]).config(UNMATCHED).run().fails();
        assert_eq!(output.file("log"), format!("before\n{}", output.stderr));
    }

    #[test]
    fn it_is_text_with_the_summary_whatever_standard_error_is_told() {
        let run = resecret().args(["--log-file", "log", "--format", "json", "-q"]).config(CONFIG);
        assert!(run.run().succeeds().file("log").starts_with("resecret: 1 Secret removed"));
        let run = resecret().args(["--log-file", "log", "--format", "json"]).config(UNMATCHED);
        assert!(run.run().fails().file("log").starts_with("error[unmatched]: "));
    }

    #[test]
    fn it_also_takes_errors_of_files_and_flags() {
        let output = resecret().args(["--log-file", "log", "--config", "absent.yaml"]).run().fails();
        assert_eq!(output.file("log"), output.stderr);
        let output = resecret().env("RESECRET_LOG", "log").args(["--presett"]).run().fails();
        assert_eq!(output.file("log"), output.stderr);
    }

    #[test]
    fn one_that_cannot_be_written_is_an_error() {
        resecret()
            .args(["--log-file", "no/such/folder/log"])
            .config(CONFIG)
            .run()
            .fails()
            .is("log-not-writable");
    }
}

mod format {
    use super::*;

    /// Standard error of a run that ends in a dangling reference, as JSON.
    fn dangling(format: &str) -> Value {
        let config = CONFIG.replace(", to: vault", "");
        let output = resecret().args(["--format", format]).config(&config).run().fails();
        serde_json::from_str(&output.stderr).expect("standard error is JSON")
    }

    #[test]
    fn json_holds_results_of_a_krm_function() {
        let report = dangling("json");
        let result = &report["results"][0];
        assert_eq!(result["severity"], "error");
        assert_eq!(result["resourceRef"]["apiVersion"], "v1");
        assert_eq!(result["resourceRef"]["kind"], "Pod");
        assert_eq!(result["resourceRef"]["name"], "web");
        assert_eq!(result["field"]["path"], "spec.containers[0].env[1].valueFrom.secretKeyRef.name");
        assert_eq!(result["file"]["path"], "stdin");
        assert_eq!(result["file"]["index"], 1, "documents are counted from 0 there");
        assert_eq!(result["tags"]["code"], "dangling");
        assert_eq!(result["tags"]["template"], "app/templates/web.yaml");
        assert!(result["message"].is_string());
        let known = ["message", "severity", "resourceRef", "field", "file", "tags"];
        for name in result.as_object().expect("a mapping").keys() {
            assert!(known.contains(&name.as_str()), "a KRM result has no field {name}");
        }
        for (name, value) in result["tags"].as_object().expect("a mapping") {
            assert!(value.is_string(), "the tag {name} should be text");
        }
    }

    #[test]
    fn json_is_json_whatever_goes_wrong() {
        for args in [["--config", "absent.yaml"], ["--config", "."]] {
            let output = resecret().args(["--format", "json"]).args(args).run().fails();
            let report: Result<Value, _> = serde_json::from_str(&output.stderr);
            assert!(report.is_ok_and(|report| report["results"].is_array()), "not JSON: {}", output.stderr);
        }
    }

    #[test]
    fn json_and_sarif_of_a_run_without_findings_are_empty_or_json() {
        for format in ["json", "sarif"] {
            let output = resecret().args(["--format", format]).config(CONFIG).run().succeeds();
            let is_json = serde_json::from_str::<Value>(&output.stderr).is_ok();
            assert!(output.stderr.is_empty() || is_json, "not JSON: {}", output.stderr);
        }
    }

    #[test]
    fn sarif_has_what_code_scanning_asks_for() {
        let log = dangling("sarif");
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["name"], "resecret");
        assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "dangling");
        let result = &run["results"][0];
        assert_eq!(result["ruleId"], "dangling");
        assert_eq!(result["level"], "error");
        assert!(result["message"]["text"].is_string());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "stdin");
        assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line > 1));
    }

    #[test]
    fn github_has_one_command_a_line() {
        let config = CONFIG.replace(", to: vault", "");
        let output = resecret().args(["--format", "github"]).config(&config).run().fails();
        output.is("format-github");
        assert!(output.stderr.lines().all(|line| line.starts_with("::error ")));
    }

    #[test]
    fn every_format_says_warnings_of_a_run_that_goes_through() {
        let config = UNMATCHED.to_owned() + "  policy: {unmatched: warn}\n";
        for format in ["text", "json", "github", "sarif"] {
            let output = resecret().args(["--format", format]).config(&config).run().succeeds();
            assert!(output.stderr.contains("unmatched") && !output.stdout.is_empty(), "{format}");
        }
    }
}

/// Helm 4 shows nobody a post-renderer's standard error: the shell here is in Helm's place.
#[cfg(target_os = "linux")]
mod helm4 {
    use std::process::Stdio;

    use super::*;

    /// As Helm 4 does it: the plugin's standard error is collected, here in a file. In the background, since dash
    /// redirects its own standard error while it waits for a command in the foreground.
    const COLLECTED: &str = "exec 3<&0; \"$@\" <&3 2>collected & wait $!";
    const PLUGIN: (&str, &str) = ("HELM_PLUGIN_NAME", "resecret-post-renderer");

    #[test]
    fn a_diagnostic_reaches_helms_own_standard_error() {
        let run = resecret().env(PLUGIN.0, PLUGIN.1).config(UNMATCHED);
        let output = run.run_in_shell(COLLECTED, Stdio::piped()).fails();
        assert!(output.stderr.contains("error[unmatched]: "), "{}", output.stderr);
        assert_eq!(output.stderr, output.file("collected"));
    }

    #[test]
    fn so_does_a_wrong_flag_and_a_missing_file() {
        for args in [vec!["--presett"], vec!["--config", "absent.yaml"]] {
            let run = resecret().env(PLUGIN.0, PLUGIN.1).args(args);
            let output = run.run_in_shell(COLLECTED, Stdio::piped()).fails();
            assert_eq!(output.stderr, output.file("collected"));
        }
    }

    #[test]
    fn the_summary_does_not() {
        let run = resecret().env(PLUGIN.0, PLUGIN.1).config(CONFIG);
        assert_eq!(run.run_in_shell(COLLECTED, Stdio::piped()).succeeds().stderr, "");
    }

    #[test]
    fn nothing_does_elsewhere() {
        for run in [resecret(), resecret().env(PLUGIN.0, "resecret")] {
            let output = run.config(UNMATCHED).run_in_shell(COLLECTED, Stdio::piped());
            assert_eq!((output.code, output.stderr.as_str()), (Some(2), ""));
            assert!(!output.file("collected").is_empty());
        }
    }

    /// A post-renderer can be a script that calls us: its standard error is Helm's pipe too.
    #[test]
    fn a_script_in_between_does_not_matter() {
        let script = COLLECTED.replace("\"$@\"", "sh -c '\"$@\"; code=$?; exit $code' sh \"$@\"");
        let run = resecret().env(PLUGIN.0, PLUGIN.1).env("PATH", "/usr/bin:/bin").config(UNMATCHED);
        let output = run.run_in_shell(&script, Stdio::piped()).fails();
        assert!(output.stderr.contains("error[unmatched]: "), "{}", output.stderr);
        assert_eq!(output.stderr, output.file("collected"));
    }

    #[test]
    fn it_is_said_once_where_both_are_the_same() {
        let script = format!("{}={} \"$@\"; code=$?; exit $code", PLUGIN.0, PLUGIN.1);
        let output = resecret().config(UNMATCHED).run_in_shell(&script, Stdio::piped()).fails();
        assert_eq!(output.stderr.matches("error[unmatched]").count(), 1, "{}", output.stderr);
    }

    #[test]
    fn a_file_is_written_only_where_helm_appends_to_it() {
        let folder = tempfile::tempdir().expect("a private folder");
        let path = folder.path().join("helm-stderr");
        for append in [true, false] {
            std::fs::write(&path, "before\n").expect("a file");
            let file = File::options().append(append).write(true).open(&path).expect("a file");
            let run = resecret().env(PLUGIN.0, PLUGIN.1).config(UNMATCHED);
            let output = run.run_in_shell(COLLECTED, file);
            assert_eq!(output.code, Some(2));
            let text = std::fs::read_to_string(&path).expect("a file");
            let expected = if append { output.file("collected") } else { String::new() };
            assert_eq!(text, format!("before\n{expected}"), "append: {append}");
        }
    }

    #[test]
    fn a_log_file_takes_it_too() {
        let run = resecret().env(PLUGIN.0, PLUGIN.1).env("RESECRET_LOG", "log").config(UNMATCHED);
        let output = run.run_in_shell(COLLECTED, Stdio::piped()).fails();
        assert_eq!(output.file("log"), output.file("collected"));
    }
}
