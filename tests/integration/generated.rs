use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use resecret::{Code, Config};
use serde_json::Value;

use crate::fixture_folders;
use crate::harness::{CONFIG, resecret, root};

mod schema {
    use super::*;

    /// The schema, as the program prints it.
    fn printed() -> Value {
        let output = resecret().args(["schema"]).run().succeeds();
        serde_json::from_str(&output.text()).expect("the schema is JSON")
    }

    fn validator() -> Validator {
        let schema = printed();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        jsonschema::validator_for(&schema).expect("the schema is one")
    }

    /// What the schema has against a configuration.
    fn objections(validator: &Validator, config: &str) -> Vec<String> {
        let value: Value = serde_yaml::from_str(config).expect("YAML");
        validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// The configuration that a page shows.
    fn example(page: &str) -> String {
        let text = fs::read_to_string(root().join(page)).expect("a page");
        let (_, rest) = text.split_once("```yaml\napiVersion: resecret.dev/v1alpha1\n").expect("an example");
        let (example, _) = rest.split_once("```").expect("the end of the example");
        format!("apiVersion: resecret.dev/v1alpha1\n{example}")
    }

    #[test]
    fn it_accepts_what_the_program_accepts_and_nothing_else() {
        let validator = validator();
        let mut seen = 0;
        for folder in fixture_folders::all() {
            let Ok(text) = fs::read_to_string(folder.join("config.yaml")) else { continue };
            let accepted = Config::default().add_file("config.yaml", &text).is_ok();
            let objections = objections(&validator, &text);
            let name = fixture_folders::name(&folder);
            assert_eq!(objections.is_empty(), accepted, "{name}: {objections:?}");
            seen += 1;
        }
        assert!(seen > 50, "only {seen} configurations");
    }

    #[test]
    fn it_and_the_program_accept_what_the_pages_show() {
        for page in ["README.md", "docs/configuration.md"] {
            let example = example(page);
            assert_eq!(objections(&validator(), &example), [""; 0], "{page}");
            Config::default().add_file(page, &example).expect("the program accepts it");
        }
    }

    #[test]
    fn it_refuses_what_the_program_refuses() {
        let validator = validator();
        assert_eq!(objections(&validator, CONFIG), [""; 0]);
        let wrong = [
            ("v1alpha1", "v2"),
            ("kind: Resecret", "kind: Secret"),
            ("spec:", "specs:"),
            ("name: app-secret", "nam: app-secret"),
            ("name: app-secret, ", ""),
            ("name: app-secret", "name: {a: b}"),
            ("to: vault", "to: Vault"),
            ("to: vault", "to: [vault]"),
            ("to: vault", "keys: {a: b}"),
            ("to: vault", "optional: 'yes'"),
            ("secrets:", "duplicates: lst\n  secrets:"),
            ("secrets:", "policy: {plaintext: warning}\n  secrets:"),
            ("secrets:", "policy: {plain: warn}\n  secrets:"),
            ("secrets:", "env: [{to: vault}]\n  secrets:"),
            ("secrets:", "env: [{vars: {A: a}}]\n  secrets:"),
            ("secrets:", "env: [{to: vault, vars: {'A*': a}}]\n  secrets:"),
            ("secrets:", "env: {to: vault}\n  secrets:"),
            ("secrets:", "references: [{kind: A}]\n  secrets:"),
            ("secrets:", "presets: [{name: langfuse}]\n  secrets:"),
            ("secrets:", "vault: [A_B]\n  secrets:"),
            ("secrets:", "formats: {A: lin}\n  secrets:"),
            ("secrets:", "formats: {A: {}}\n  secrets:"),
            ("secrets:", "formats: {A: {rotate: seldom}}\n  secrets:"),
            ("secrets:", "formats: {A: {format: line, rotates: never}}\n  secrets:"),
        ];
        for (from, to) in wrong {
            let config = CONFIG.replace(from, to);
            assert_ne!(config, CONFIG, "{from} is in the configuration");
            assert!(Config::default().add_file("config.yaml", &config).is_err(), "the program: {to}");
            assert_ne!(objections(&validator, &config), [""; 0], "the schema: {to}");
        }
    }

    #[test]
    fn every_field_is_described() {
        fn check(path: &str, schema: &Value) {
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                let text = field["description"].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "{path}.{name} has no description");
            }
        }
        let schema = printed();
        check("", &schema);
        for (name, definition) in schema["$defs"].as_object().expect("definitions") {
            check(name, definition);
        }
    }
}

mod completions {
    use super::*;

    #[test]
    fn every_shell_has_some() {
        for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
            let text = resecret().args(["completions", shell]).run().succeeds().text();
            for word in ["allow-unmatched", "explain", "completions"] {
                assert!(text.contains(word), "{shell}: nothing completes {word}");
            }
        }
        resecret().args(["completions", "csh"]).run().fails();
    }

    #[test]
    fn presets_codes_and_hazards_are_completed() {
        let flags = ["langfuse-stores", "deleted-secret-in-use"];
        // Helm completes no values of flags.
        for (shell, words) in [
            ("bash", &flags[..]),
            ("fish", &flags),
            ("zsh", &flags),
            ("bash", &["two-values"]),
            ("zsh", &["two-values"]),
            ("fish", &["two-values"]),
            ("helm", &["two-values"]),
        ] {
            let text = resecret().args(["completions", shell]).run().succeeds().text();
            for word in words {
                assert!(text.contains(word), "{shell}: nothing completes {word}");
            }
        }
    }

    #[test]
    fn helm_completes_what_there_is() {
        let text = resecret().args(["completions", "helm"]).run().succeeds().text();
        assert_eq!(
            include_str!("../../completion.yaml"),
            text,
            "write it with `resecret completions helm > completion.yaml`"
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn bash_reads_its_own() {
        let script = "\"$@\" completions bash > script && bash -n script";
        resecret().env("PATH", "/usr/bin:/bin").run_in_shell(script, std::process::Stdio::piped()).succeeds();
    }
}

mod man {
    use super::*;

    #[test]
    fn a_page_is_printed_or_all_are_written() {
        let page = resecret().args(["man"]).run().succeeds().text();
        assert!(page.contains(".TH resecret 1") && page.contains("EXIT STATUS"), "{page}");
        let output = resecret().args(["man", "--out", "share/man"]).run().succeeds();
        assert!(output.stdout.is_empty());
        assert_eq!(output.file("share/man/resecret.1"), page);
        for command in ["filter", "keys", "patches", "explain", "schema", "completions", "man"] {
            let page = output.file(&format!("share/man/resecret-{command}.1"));
            assert!(page.contains(&format!("resecret\\-{command}")), "{command}: {page}");
        }
    }

    #[test]
    fn a_page_has_the_sections_that_readers_look_for() {
        let output = resecret().args(["man", "--out", "man"]).run().succeeds();
        let page = output.file("man/resecret-adopt.1");
        for section in
            ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ARGUMENTS", "\"EXIT STATUS\"", "EXAMPLES"]
        {
            assert!(page.contains(&format!("\n.SH {section}\n")), "no {section} in {page}");
        }
        assert!(page.contains("\n.SH ARGUMENTS\n.TP\n<\\fIRENDER\\fR>\n"), "{page}");
        assert!(page.contains("\\fBresecret adopt\\fR [OPTIONS]"), "{page}");
        assert!(page.contains("\n.SH EXAMPLES\n.nf\n") && page.contains("\n.fi\n"), "{page}");
        // A log file can be named by a variable too.
        assert!(page.contains("RESECRET_LOG"), "{page}");
    }

    #[test]
    fn each_page_leads_to_the_others() {
        let output = resecret().args(["man", "--out", "man"]).run().succeeds();
        let also = |name: &str| {
            let page = output.file(&format!("man/{name}.1")).replace('\\', "");
            let (_, also) = page.split_once("\n.SH \"SEE ALSO\"\n").expect("other pages");
            also.trim_end().split(", ").map(str::to_owned).collect::<Vec<_>>()
        };
        for (page, leads_to) in [
            ("resecret", "resecret-scan(1)"),
            ("resecret-scan", "resecret(1)"),
            ("resecret-scan", "resecret-check(1)"),
            ("resecret-kustomize", "resecret-kustomize-install(1)"),
            ("resecret-kustomize-install", "resecret-kustomize(1)"),
        ] {
            assert!(also(page).iter().any(|other| other == leads_to), "{page} leads to {:?}", also(page));
        }
        for entry in fs::read_dir(output.path("man")).expect("pages").flatten() {
            let name = entry.file_name().to_string_lossy().trim_end_matches(".1").to_owned();
            for other in also(&name) {
                let file = format!("man/{}.1", other.trim_end_matches("(1)"));
                assert!(output.path(&file).is_file(), "{name} leads to {other}, which is not there");
                assert_ne!(other, format!("{name}(1)"));
            }
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let run = resecret().file("file", "").args(["man", "--out", "file/man"]);
        run.run().fails().is("man-not-writable");
    }
}

mod pages {
    use super::*;

    /// A page must be what the program and the tests make of it now; `RESECRET_UPDATE=1` writes it.
    fn compare(name: &str, current: &str) {
        let path = root().join(name);
        let text = || fs::read_to_string(&path).unwrap_or_default();
        if text() != current && std::env::var("RESECRET_UPDATE").is_ok_and(|value| value == "1") {
            fs::write(&path, current).expect("the page can be written");
        }
        assert!(text() == current, "{name} is old; RESECRET_UPDATE=1 writes it");
    }

    /// A page with every usage block as the program prints it now.
    ///
    /// A block is behind a comment `<!-- usage: resecret … -->`, with the arguments that print it.
    fn with_usage(page: &str) -> String {
        let mut parts = page.split("<!-- usage: resecret ");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (args, rest) = part.split_once(" -->\n\n```text\n").expect("a block behind the comment");
            let (_, rest) = rest.split_once("\n```\n").expect("the end of the block");
            let help = resecret().args(args.split(' ')).run().succeeds().text();
            let help: String =
                help.trim_end().lines().map(|line| line.trim_end().to_owned() + "\n").collect();
            text += &format!("<!-- usage: resecret {args} -->\n\n```text\n{help}```\n{rest}");
        }
        text
    }

    #[test]
    fn the_usage_is_what_the_program_prints() {
        let mut paths = Vec::new();
        files(&root().join("docs"), &mut paths);
        let mut count = 0;
        for path in paths {
            let Ok(page) = fs::read_to_string(&path) else { continue };
            if page.contains("<!-- usage: ") {
                let name = path.strip_prefix(root()).expect("a page of the repository");
                compare(&name.to_string_lossy(), &with_usage(&page));
                count += 1;
            }
        }
        assert!(count > 5, "only {count} pages show a usage");
    }

    /// The files below a folder, in order.
    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for entry in entries {
            if entry.is_dir() {
                files(&entry, found);
            } else {
                found.push(entry);
            }
        }
    }

    /// The first diagnostic with this code that a snapshot shows: the shortest of those with a place.
    fn example(code: Code, snapshots: &[String]) -> Option<String> {
        // A stream that stops says so in its last line.
        let starts = match code {
            Code::PartialOutput => vec!["resecret: stopped in ".to_owned()],
            _ => ["error", "warning"].map(|severity| format!("{severity}[{}]: ", code.id())).to_vec(),
        };
        let begins = |line: &&str| starts.iter().any(|start| line.starts_with(start));
        let mut found: Vec<String> = Vec::new();
        for snapshot in snapshots {
            let lines: Vec<&str> = snapshot.lines().collect();
            for (at, _) in lines.iter().enumerate().filter(|(_, line)| begins(line)) {
                let rest = lines[at + 1..].iter().take_while(|line| line.starts_with("  "));
                found.push([&lines[at]].into_iter().chain(rest).map(|line| format!("{line}\n")).collect());
            }
        }
        // One line per part, and a remedy: what a reader wants to see.
        found.sort_by_key(|text| (!text.contains("  help: "), text.lines().count(), text.len()));
        found.into_iter().next()
    }

    /// What a report says with this code: its first diagnostic, with the lines that belong to it.
    fn said(code: Code, report: &str) -> Option<String> {
        let starts = ["error", "warning"].map(|severity| format!("{severity}[{}]: ", code.id()));
        let lines: Vec<&str> = report.lines().collect();
        let at = lines.iter().position(|line| starts.iter().any(|start| line.starts_with(start)))?;
        let rest = lines[at + 1..].iter().take_while(|line| line.starts_with("  "));
        Some([&lines[at]].into_iter().chain(rest).map(|line| format!("{line}\n")).collect())
    }

    /// A case that raises this code, as a reader can try it: the shortest of the fixtures that raise nothing else.
    fn tried(code: Code) -> Option<String> {
        // Ways to write YAML, and streams that only a test would make.
        let odd = ["anchors/", "krm/", "lists/", "reader/", "streams/", "styles/"];
        let mut found = Vec::new();
        for folder in fixture_folders::all() {
            let name = fixture_folders::name(&folder);
            let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
            let report = fs::read_to_string(root().join(format!("snapshots/fixtures/{name}.report.snap")));
            let (Ok(report), Some(config), Some(input)) = (report, read("config.yaml"), read("input.yaml"))
            else {
                continue;
            };
            let Some(said) = said(code, &report) else { continue };
            let plain = [&config, &input]
                .iter()
                .all(|text| !text.contains(['\r', '`', '\u{feff}']) && text.len() > 20);
            let Some((about, config)) = config.split_once('\n') else { continue };
            let lines = config.lines().count() + input.lines().count();
            if !plain
                || lines > 45
                || odd.iter().any(|folder| name.starts_with(folder))
                || read("args.txt").is_some()
            {
                continue;
            }
            // A case that is about this code bears its name.
            let is_of_another = !code.id().split('-').any(|word| name.contains(word));
            let others = report.matches("error[").count() + report.matches("warning[").count();
            let about = about.trim_start_matches("# ");
            // The lines are those of the fixtures, so that the report's numbers fit.
            let config = format!("`config.yaml`:\n\n```yaml\n# {about}\n{}\n```\n\n", config.trim_end());
            let input = format!("`input.yaml`:\n\n```yaml\n{}\n```\n\n", input.trim_end());
            found.push(((others, is_of_another, lines), format!("{config}{input}```text\n{said}```\n")));
        }
        found.sort();
        found.into_iter().next().map(|(_, example)| example)
    }

    #[test]
    fn the_page_of_codes_is_what_explain_says() {
        let mut paths = Vec::new();
        for folder in ["snapshots", "docs"] {
            files(&root().join(folder), &mut paths);
        }
        paths.retain(|path| !path.ends_with("docs/codes.md"));
        let snapshots: Vec<String> = paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
        let mut page = "# Codes\n\nEvery diagnostic, as `resecret explain CODE` describes it, with an example. Most examples are tests too: put both files into a folder, and `resecret --config config.yaml\n< input.yaml` says what is below them. This page is generated.\n".to_owned();
        for code in Code::ALL {
            page += &format!("\n## {}\n\n", code.id());
            for line in code.documentation().trim().lines().map(|line| line.strip_prefix(' ').unwrap_or(line))
            {
                page +=
                    &line.strip_prefix("# ").map_or(format!("{line}\n"), |title| format!("**{title}**\n"));
            }
            let shown = || example(*code, &snapshots).map(|text| format!("```text\n{text}```\n"));
            let example = tried(*code).or_else(shown);
            let example = example.unwrap_or_else(|| panic!("no snapshot shows {}", code.id()));
            page += &format!("\n**Example**\n\n{example}");
        }
        compare("docs/codes.md", &page);
    }
}
