use std::fs;
use std::path::{Path, PathBuf};

use crate::fixture_folders;
use crate::harness::root;

/// Every file with this ending below a folder, with its path from the root and its text.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut folders = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending)
                && let Ok(text) = fs::read_to_string(&path)
            {
                let name = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                found.push((name, text));
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The code of a source file: without comments, and without its tests.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_source_file_fits_a_reader() {
    for (name, text) in files("src", ".rs") {
        assert!(text.lines().count() <= 500, "{name} has {} lines: split it", text.lines().count());
        assert!(text.starts_with("//! "), "{name} should begin with what it is for");
    }
}

/// The functions of a source file, each with the lines of its code.
fn functions(source: &str) -> Vec<(String, usize)> {
    let code = code(source);
    let lines: Vec<&str> = code.lines().filter(|line| !line.trim().is_empty()).collect();
    let name = |line: &str| {
        let rest = line.trim_start().split_once("fn ").filter(|(before, _)| {
            before
                .split_whitespace()
                .all(|word| word == "const" || word == "async" || word.starts_with("pub"))
        });
        rest.map(|(_, rest)| rest.split(['(', '<']).next().unwrap_or_default().to_owned())
    };
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Some(name) = name(line) else { continue };
        let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
        let length = lines[number..].iter().position(|line| **line == end).unwrap_or_default();
        found.push((name, length + 1));
    }
    found
}

#[test]
fn a_function_fits_a_screen() {
    let mut count = 0;
    for (name, text) in files("src", ".rs") {
        for (function, lines) in functions(&text) {
            assert!(lines <= 60, "{name}: {function} has {lines} lines: give its steps names");
            count += 1;
        }
    }
    assert!(count > 2000, "only {count} functions");
}

#[test]
fn a_rule_is_read_in_one_sitting() {
    let rules: Vec<_> = files("src/rules", ".rs")
        .into_iter()
        .filter(|(_, text)| text.contains("const RULE: Rule ="))
        .collect();
    assert!(rules.len() > 10, "only {} rules", rules.len());
    for (name, text) in rules {
        assert!(text.lines().count() <= 150, "{name} has {} lines: split it", text.lines().count());
    }
}

#[test]
fn only_the_edge_touches_files_environment_and_streams() {
    let outside = [
        "std::env",
        "std::fs",
        "std::process",
        "io::stdin",
        "io::stdout",
        "io::stderr",
        "println!",
        "eprintln!",
    ];
    for (name, text) in files("src", ".rs") {
        if name.starts_with("src/cli/") || name == "src/main.rs" {
            continue;
        }
        for word in outside {
            assert!(!code(&text).contains(word), "{name} should not touch `{word}`");
        }
    }
}

#[test]
fn nothing_is_left_to_be_done() {
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("unimpl", "emented!")];
    for folder in ["src", "tests"] {
        for (name, text) in files(folder, ".rs") {
            for mark in marks {
                assert!(!text.contains(mark), "{name} says {mark}");
            }
        }
    }
}

#[test]
fn every_version_is_the_same() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, line) in [
        ("plugin.yaml", "version:"),
        ("plugin/resecret-post-renderer/plugin.yaml", "version:"),
        ("CHANGELOG.md", "## "),
    ] {
        let Ok(text) = fs::read_to_string(root().join(file)) else { continue };
        let mut lines = text.lines().filter_map(|l| l.strip_prefix(line));
        let found = lines.find(|rest| rest.contains(|c: char| c.is_ascii_digit())).unwrap_or_default();
        assert!(found.contains(version), "{file} says {found}, Cargo.toml says {version}");
    }
}

#[test]
fn every_fixture_says_what_it_shows() {
    for folder in fixture_folders::all() {
        let name = fixture_folders::name(&folder);
        let text =
            ["config.yaml", "args.txt"].iter().find_map(|file| fs::read_to_string(folder.join(file)).ok());
        let text = text.unwrap_or_default();
        let first = text.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("# ") && first.ends_with('.'),
            "{name} should say in a first comment what it shows"
        );
        let known = ["input.yaml", "config.yaml", "args.txt", "no-crlf"];
        for entry in entries(&folder) {
            let file = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            assert!(known.contains(&file.as_str()), "{name} holds {file}, which nothing reads");
        }
    }
}

#[test]
fn every_snapshot_of_the_command_line_is_compared_with_something() {
    let tests: String = files("tests/integration", ".rs").into_iter().map(|(_, text)| text).collect();
    for (name, _) in files("snapshots/cli", "") {
        let stem = name.rsplit('/').next().unwrap_or_default();
        let stem = stem.strip_suffix(".snap").unwrap_or_else(|| panic!("{name} is no accepted snapshot"));
        // Names that a loop puts together are in the sources by their beginning.
        let loops = stem.match_indices('-').map(|(at, _)| format!("\"{}-{{", &stem[..at]));
        let known = loops.chain([format!("\"{stem}\"")]).any(|name| tests.contains(&name));
        assert!(known, "no test is compared with {name}: remove it");
    }
}

#[test]
fn every_page_of_an_example_is_run() {
    let trials = fs::read_to_string(root().join("tests/clients/systems.rs")).expect("the trials");
    let index = fs::read_to_string(root().join("examples/README.md")).expect("the index");
    for (name, text) in files("examples", "/README.md") {
        let folder = name.split('/').nth(1).unwrap_or_default();
        if text.contains("```sh\n") {
            assert!(trials.contains(&format!("folder: \"{folder}\"")), "no trial runs {name}");
            assert!(
                index.contains(&format!("({folder}/README.md)")),
                "examples/README.md does not name {folder}"
            );
        }
    }
}

#[test]
fn the_image_is_built_of_what_docker_is_sent() {
    let text = |name: &str| fs::read_to_string(root().join(name)).expect("a file of the repository");
    let (recipe, sent) = (text("Dockerfile"), text(".dockerignore"));
    let copies = recipe
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--from"));
    for copied in copies {
        let words: Vec<&str> = copied.split(' ').collect();
        for source in &words[..words.len() - 1] {
            assert!(root().join(source).exists(), "there is no {source}");
            assert!(
                sent.lines().any(|line| line == format!("!{source}")),
                ".dockerignore keeps {source} away"
            );
        }
    }
}

#[test]
fn the_application_of_argo_cd_names_its_plugin() {
    let read = |name: &str| {
        let text = fs::read_to_string(root().join("examples/argocd").join(name)).expect("an example");
        serde_yaml::from_str::<serde_json::Value>(&text).expect("YAML")
    };
    let (plugin, application) = (read("plugin.yaml"), read("application.yaml"));
    let word = |pointer: &str| plugin.pointer(pointer).and_then(|word| word.as_str()).expect("a word");
    let name = format!("{}-{}", word("/metadata/name"), word("/spec/version"));
    let source = &application["spec"]["source"];
    assert_eq!(source["plugin"]["name"], name.as_str());
    // Either would be a way to plain Helm that nothing tells of.
    assert!(source.get("helm").is_none() && plugin["spec"].get("discover").is_none());
}

#[test]
fn artifact_hub_lists_the_plugin_alone() {
    let settings = fs::read_to_string(root().join("artifacthub-repo.yml")).expect("the settings");
    for folder in ["plugin", "examples"] {
        for (file, text) in files(folder, "/plugin.yaml") {
            let Some(name) = text.lines().find_map(|line| line.strip_prefix("name: ")) else { continue };
            assert!(settings.contains(&format!("\n- name: {name}\n")), "{file} would be listed as a plugin");
        }
    }
}

/// Words that a reader must decode, and what to write instead.
const DECODED: [(&str, &str); 9] = [
    (" stands ", "is, or has"),
    (" stand twice", "defined more than once"),
    ("speaks of", "is about, or names"),
    ("passes by", "does not go through"),
    (" anew", "again, or new"),
    ("whoever", "everyone who, or what"),
    ("nobody", "nothing, or not"),
    (" but for ", "except"),
    ("the README", "the page in docs"),
];

/// The texts between double quotes in the code of a source file, without its tests.
pub(crate) fn texts(source: &str) -> Vec<String> {
    code(source).split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// These, and what pages may not say either; *nobody* is plain in a longer text.
pub(crate) fn page_words() -> impl Iterator<Item = (&'static str, &'static str)> {
    let in_messages = DECODED.into_iter().filter(|(word, _)| !["nobody", "the README"].contains(word));
    in_messages.chain([
        ("Whoever", "everyone who"),
        (" pass by", "are not seen"),
        ("dropped Secret", "removed Secret"),
    ])
}

/// What comments may not say either. They describe states, so a thing may stand somewhere.
fn comment_words() -> impl Iterator<Item = (&'static str, &'static str)> {
    page_words().filter(|(word, _)| *word != " stands ").chain([
        ("stands twice", "is defined more than once"),
        ("speak of", "are about, or name"),
        ("becomes of", "happens to"),
        ("goes as a whole", "is removed as a whole"),
    ])
}

#[test]
fn comments_are_in_plain_words() {
    for (name, source) in files("src", ".rs") {
        for line in source.lines().map(str::trim_start).filter(|line| line.starts_with("//")) {
            for (word, instead) in comment_words() {
                assert!(!line.contains(word), "{name}: `{line}` has `{word}`: write {instead}");
            }
        }
    }
}

#[test]
fn messages_are_in_plain_words() {
    for (name, source) in files("src", ".rs") {
        for text in texts(&source) {
            for (word, instead) in DECODED {
                assert!(!text.contains(word), "{name}: `{text}` has `{word}`: write {instead}");
            }
        }
    }
    for (name, text) in files("snapshots/cli", ".snap") {
        for (word, instead) in DECODED {
            assert!(!text.contains(word), "{name} has `{word}`: write {instead}");
        }
    }
}
