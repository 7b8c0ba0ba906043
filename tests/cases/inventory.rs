use std::io::{self, Write};

use crate::fixture::Fixture;

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

/// Prints how many fixtures show what.
pub(crate) fn print(fixtures: &[Fixture]) {
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
    // Nobody reads the counts where standard output is closed.
    let _ = writeln!(
        io::stdout(),
        "\n{} fixtures\n  by place: {}\n  by style: {}",
        fixtures.len(),
        counts(&PLACES),
        counts(&STYLES)
    );
}
