//! The cases of the YAML test suite, from the package that carries them.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use serde_yaml::Value;

/// The package among the development dependencies that has the suite in its `tests`.
const CARRIER: &str = "yaml-rust2";

/// One text of the suite.
pub(crate) struct Case {
    /// The name of its file, and its position there.
    pub(crate) name: String,
    /// The text.
    pub(crate) yaml: String,
}

/// Every case, right and wrong YAML alike.
pub(crate) fn cases() -> Vec<Case> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder()).expect("the suite's folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a file of the suite");
        let entries: Vec<Value> = serde_yaml::from_str(&text).expect("the suite's own format");
        let yaml = entries.iter().map(|entry| entry.get("yaml").and_then(Value::as_str));
        for (position, yaml) in yaml.enumerate().filter_map(|(position, yaml)| Some((position, yaml?))) {
            let name = format!("{}/{position}", file.file_stem().unwrap_or_default().to_string_lossy());
            cases.push(Case { name, yaml: visible(yaml) });
        }
    }
    assert!(cases.len() > 390, "only {} cases of the suite are there", cases.len());
    cases
}

/// The text for which the suite shows what cannot be seen by signs.
fn visible(text: &str) -> String {
    let mut text = text.replace('␣', " ").replace('←', "\r").replace('⇔', "\u{feff}").replace('↵', "");
    text = text.replace("∎\n", "").replace('—', "").replace('»', "\t");
    text
}

fn folder() -> PathBuf {
    // Only the packages of this platform are on the machine for sure.
    let host = said("RUSTC", "rustc", &["-vV"]);
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc knows its host");
    let arguments = ["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", host];
    let metadata: serde_json::Value =
        serde_json::from_str(&said("CARGO", "cargo", &arguments)).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let carrier = packages.into_iter().find(|package| package["name"] == CARRIER);
    let manifest =
        carrier.and_then(|package| package["manifest_path"].as_str()).expect("the carrier is a dependency");
    PathBuf::from(manifest).with_file_name("tests").join("yaml-test-suite/src")
}

/// What a program of the toolchain prints.
fn said(variable: &str, name: &str, arguments: &[&str]) -> String {
    let program = env::var(variable).unwrap_or_else(|_| name.to_owned());
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    String::from_utf8(output.expect("the toolchain is there").stdout).expect("it prints UTF-8")
}
