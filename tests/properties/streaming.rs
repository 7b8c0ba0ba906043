//! The law of `filter_stream` on random streams.

use std::io::Read;

use proptest::prelude::{TestCaseError, prop_assert};
use resecret::{Code, Config, Diagnostic};
use serde_json::json;

use crate::choices::Choices;
use crate::generate::{CANARY, Rules, rules, stream};
use crate::laws::{Outcomes, cases, hold, hostile};
use crate::reader::{read, split};
use crate::render::Spelling;
use crate::whole::{Outcome, compare};

/// Hands out a few bytes at a time.
struct Pieces<'b>(&'b [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.1.min(buffer.len()).min(self.0.len());
        let (piece, rest) = self.0.split_at(size);
        buffer[..size].copy_from_slice(piece);
        self.0 = rest;
        Ok(size)
    }
}

/// Whether this is about a document that cannot be read, and in which no field can name a Secret. That the name of a
/// dropped one stands in it is known from the whole stream only.
fn refers_to_nothing(found: &Diagnostic, text: &str) -> bool {
    let words = ["ecret", "Ref", "basicAuth", "credentials", "StorageClass"];
    let number = found.location.document.unwrap_or_default();
    let document = split(text).into_iter().nth(number.wrapping_sub(1)).unwrap_or_default();
    let unreadable = [Code::NotYaml, Code::NotUtf8, Code::TruncatedInput].contains(&found.code);
    unreadable && !words.iter().any(|word| document.contains(word))
}

/// Compares both runs, with the reader's pieces of this size, and counts what came of it.
fn same(
    input: &[u8],
    size: usize,
    config: &Config,
    secrets_first: bool,
    outcomes: &Outcomes,
) -> Result<(), TestCaseError> {
    let text = String::from_utf8_lossy(input);
    let excused = |found: &Diagnostic| refers_to_nothing(found, &text);
    let outcome = compare(config, input, Pieces(input, size), secrets_first, excused)
        .map_err(|broken| TestCaseError::fail(format!("{broken}\n{text}")))?;
    let (what, error) = match outcome {
        Outcome::Both => ("both", None),
        Outcome::Refused(error) => ("refused", Some(error)),
        Outcome::NotSeen => ("not seen", None),
        Outcome::Neither(error) => ("neither", Some(error)),
    };
    let said = error.map(|error| format!("{error} {error:?} {}", error.cause())).unwrap_or_default();
    prop_assert!(!said.contains(CANARY), "a value is shown: {said}");
    outcomes.count(what);
    Ok(())
}

/// Tries the law on streams that are made of choices with some rules, and demands that each outcome comes up often
/// enough. A stream says whether its Secrets come first; it is read in pieces up to this size.
fn law(
    size: usize,
    least: impl Fn(u32) -> [(&'static str, u32); 3],
    make: impl Fn(&mut Choices<'_>) -> (Vec<u8>, bool),
) {
    let outcomes = Outcomes::default();
    let total = cases(600);
    hold(total, |bytes| {
        let mut choices = Choices::new(bytes);
        let rules = rules(&mut choices);
        let config = config(&mut choices, &rules);
        let size = 1 + choices.below(size);
        let (input, secrets_first) = make(&mut choices);
        same(&input, size, &config, secrets_first, &outcomes)
            .map_err(|error| TestCaseError::fail(format!("{}\n{error}", rules.to_yaml())))
    });
    for (outcome, least) in least(total) {
        assert!(outcomes.of(outcome) > least, "{outcome}: {}", outcomes.of(outcome));
    }
}

/// The rules, with all that can choose a Secret beside its name.
fn config(choices: &mut Choices<'_>, rules: &Rules) -> Config {
    let mut file: serde_json::Value = serde_json::from_str(&rules.to_yaml()).expect("it is JSON");
    let once = choices.once_in(8);
    for rule in file["spec"]["env"].as_array_mut().into_iter().flatten() {
        rule["keepExisting"] = once.into();
    }
    for rule in file["spec"]["secrets"].as_array_mut().into_iter().flatten() {
        match choices.below(8) {
            0 => rule["namespace"] = "one".into(),
            1 => rule["labels"] = json!({"helm.sh/chart": "langfuse-*"}),
            2 => rule["source"] = "chart/templates/x.yaml".into(),
            3 => rule["sameName"] = true.into(),
            _ => {}
        }
    }
    let unmatched = choices.pick(&["allow", "allow", "warn", "error"]);
    let external = if choices.once_in(10) { "warn" } else { "allow" };
    file["spec"]["policy"] = json!({"unmatched": unmatched, "plaintext": "warn", "external": external});
    file["spec"]["vault"] = json!(["vault", "regcred"]);
    if choices.once_in(2) {
        file["spec"]["dropAnnotations"] = json!(["note/*"]);
    }
    let mut config = Config::default();
    config.add_file("rules.yaml", &file.to_string()).unwrap_or_else(|error| panic!("{error}"));
    config
}

/// The documents that hold a Secret, and then all others.
fn secrets_first(text: &str) -> String {
    let holds_secret = |document: &&str| {
        fn is_one(value: &serde_json::Value) -> bool {
            value["kind"] == "Secret"
                || value["items"].as_array().is_some_and(|items| items.iter().any(is_one))
        }
        read(document).is_ok_and(|value| is_one(&value))
    };
    let text = text.trim_start_matches('\u{feff}');
    let (first, others): (Vec<&str>, Vec<&str>) = split(text).into_iter().partition(holds_secret);
    let document = |document: &&str| {
        let marker = if document.starts_with("---") { "" } else { "---\n" };
        format!("{marker}{}\n", document.strip_suffix('\n').unwrap_or(document))
    };
    first.iter().chain(&others).map(document).collect()
}

#[test]
fn a_stream_comes_out_as_from_the_whole_or_is_refused() {
    let least = |total| [("both", total / 4), ("refused", total / 20), ("neither", 10)];
    law(200, least, |choices| {
        let spelling = Spelling { unsafe_edits: choices.once_in(6), disguises: choices.once_in(4) };
        let sorted = choices.once_in(2);
        let text = stream(choices, spelling).text;
        let text = if sorted { secrets_first(&text) } else { text };
        (text.into_bytes(), sorted)
    });
}

/// Documents that are none, among such that refer to Secrets and such that are some.
#[test]
fn hostile_documents_come_out_as_from_the_whole_or_are_refused() {
    let good: &[&str] = &[
        "kind: Secret\nmetadata: {name: lf-nextauth}\nstringData: {salt: canary-value-1}\n",
        "kind: Secret\nmetadata: {name: lf-app, namespace: one}\n",
        "kind: ServiceAccount\nsecrets: [{name: lf-nextauth}]\n",
        "kind: ServiceAccount\nsecrets: [{name: lf-app}, {name: other}]\n",
        "kind: Service\n",
    ];
    let least = |total| [("both", total / 8), ("refused", total / 40), ("neither", 10)];
    law(20, least, |choices| {
        let mut input = Vec::new();
        for _ in 0..=choices.below(6) {
            input.extend_from_slice(b"---\n");
            match choices.below(4) {
                0 => input.extend(hostile(choices, 12)),
                _ => input.extend_from_slice(choices.pick(good).as_bytes()),
            }
            if input.last() != Some(&b'\n') && !choices.once_in(4) {
                input.push(b'\n');
            }
        }
        (input, false)
    });
}
