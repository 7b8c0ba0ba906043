//! Every text of the YAML test suite goes through: as it is, and as part of a document that is edited.
//!
//! That no operation on any node of them is done wrongly is tried where the operations are: in `src/fuzzing.rs`.

use resecret::{Config, Error, filter};

use crate::reader::read;
use crate::suite::{Case, cases};

const RULES: &str = "
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets: [{name: '*', to: vault}]
  env: [{to: vault, vars: {SALT: salt}}]
  policy: {unmatched: allow, plaintext: allow, leftBehind: allow}
";

const ENTRY: &str = "name: SALT, value: canary";
const EDITED: &str = "name: SALT, valueFrom: {secretKeyRef: {name: vault, key: salt}}";

fn run(input: &str) -> Result<String, Error> {
    let mut config = Config::default();
    config.add_file("rules.yaml", RULES).expect("a configuration");
    filter(input.as_bytes(), &config)
        .map(|filtered| String::from_utf8(filtered.to_vec()).expect("the input was UTF-8"))
}

#[test]
fn a_text_alone_passes_unchanged_or_is_refused() {
    for Case { name, yaml } in cases() {
        // The comment makes every document one that must be read.
        for input in [yaml.clone(), format!("# env\n{yaml}"), format!("---\n# env Secret\n{yaml}")] {
            if let Ok(output) = run(&input) {
                assert_eq!(output, input, "{name}");
            }
        }
    }
}

#[test]
fn a_text_beside_an_edit_stays_as_it_is() {
    let mut edited = 0;
    for Case { name, yaml } in cases() {
        for input in surroundings(&yaml) {
            let Ok(output) = run(&input) else { continue };
            if output == input {
                // The text has made a scalar, a comment or another document of the Pod.
                assert_ne!(kind(&input), "Pod", "{name}");
                continue;
            }
            assert_eq!(output, input.replace(ENTRY, EDITED), "{name}");
            let (before, after) = (read(&input).map_err(drop), read(&output).map_err(drop));
            let before = before.map(|value| value["x"].clone());
            assert_eq!(before, after.map(|value| value["x"].clone()), "{name}");
            assert_eq!(run(&output).ok().as_ref(), Some(&output), "{name}: a second run changes nothing");
            edited += 1;
        }
    }
    assert!(edited > 500, "only {edited} documents are edited");
}

/// The kind that an independent reader sees.
fn kind(document: &str) -> String {
    read(document).map(|value| value["kind"].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
}

/// The text below a key, below an item, and, if it is a mapping, in the place of a whole document.
fn surroundings(yaml: &str) -> Vec<String> {
    let pod = format!("kind: Pod\nspec: {{containers: [{{env: [{{{ENTRY}}}]}}]}}\n");
    let end = if yaml.ends_with('\n') { "" } else { "\n" };
    let indented = |column: usize| {
        let lines = yaml.split_inclusive('\n');
        lines.map(|line| format!("{:column$}{line}", "")).collect::<String>() + end
    };
    vec![
        format!("{pod}x:\n{}", indented(2)),
        format!("x:\n{}{pod}", indented(2)),
        format!("x:\n-\n{}- last\n{pod}", indented(1)),
        format!("{yaml}{end}{pod}"),
    ]
}
