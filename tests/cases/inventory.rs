use std::fs;

use anyhow::ensure;

use crate::fixture::Fixture;
use crate::fixture_folders;

/// Places where a Secret is named, and what stands in the text of a fixture that has one.
const PLACES: [(&str, &[&str]); 12] = [
    ("secretKeyRef", &["secretKeyRef"]),
    ("envFrom", &["envFrom"]),
    ("imagePullSecrets", &["imagePullSecrets"]),
    ("volume", &["secretName"]),
    ("projected volume", &["projected"]),
    ("csi volume", &["nodePublishSecretRef"]),
    ("Ingress", &["kind: Ingress", "\"Ingress\""]),
    ("Gateway", &["certificateRefs"]),
    ("ServiceAccount", &["kind: ServiceAccount"]),
    ("Role", &["resourceNames"]),
    ("monitor", &["Monitor"]),
    ("StorageClass", &["StorageClass"]),
];

/// Ways of writing, likewise.
const STYLES: [(&str, &[&str]); 16] = [
    ("block", &["\n  - name: ", "\n      - name: ", "\n        - name: "]),
    ("flow", &["{name:"]),
    ("JSON", &["\"kind\":"]),
    ("single-quoted", &["'"]),
    ("double-quoted", &["\""]),
    ("escape", &["\\x", "\\u", "\\U"]),
    ("block scalar", &["|\n", "|-\n", ">\n", ">-\n", "|+\n"]),
    ("comment", &["# "]),
    ("anchor", &[" &"]),
    ("alias", &[": *", "- *"]),
    ("merge key", &["<<:"]),
    ("tag", &[" !"]),
    ("explicit key", &["? "]),
    ("list of objects", &["List\n"]),
    ("CRLF", &["\r\n"]),
    ("byte order mark", &["\u{feff}"]),
];

/// The index: every fixture with what it shows, and how many show which place and which style.
fn index(fixtures: &[Fixture]) -> anyhow::Result<String> {
    let inputs: Vec<String> = fixtures
        .iter()
        .filter_map(|fixture| fixture.input().ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    let count =
        |signs: &[&str]| inputs.iter().filter(|text| signs.iter().any(|sign| text.contains(sign))).count();
    let counts = |kinds: &[(&str, &[&str])]| {
        let counts: Vec<_> = kinds.iter().map(|(name, signs)| format!("{name} {}", count(signs))).collect();
        counts.join(", ")
    };
    let mut text = format!(
        "# Fixtures\n\nWritten by the tests from the first line of each `config.yaml` or `args.txt`; `RESECRET_UPDATE=1 cargo test --test cases index` writes it.\n\n{} fixtures. By place: {}. By style: {}.\n",
        fixtures.len(),
        counts(&PLACES),
        counts(&STYLES)
    );
    let mut last = String::new();
    for fixture in fixtures {
        let (subject, case) = fixture.place();
        if subject != last {
            text += &format!("\n## {subject}\n\n");
            last = subject;
        }
        text += &format!("- `{case}`: {}\n", fixture.description()?);
    }
    Ok(text)
}

/// Fails if the index is old; writes it where RESECRET_UPDATE is set.
pub(crate) fn check(fixtures: &[Fixture]) -> anyhow::Result<()> {
    let (file, current) = (fixture_folders::root().join("README.md"), index(fixtures)?);
    if std::env::var("RESECRET_UPDATE").is_ok_and(|value| value == "1") {
        fs::write(&file, &current)?;
    }
    ensure!(
        fs::read_to_string(&file)? == current,
        "tests/fixtures/README.md is old; RESECRET_UPDATE=1 writes it"
    );
    Ok(())
}
