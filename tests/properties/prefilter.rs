//! The prefilter is sound: what it lets pass unread, a full parse would let pass too.
//!
//! A comment that holds every word it searches for makes it read a document. So each stream runs twice, once with
//! such a comment in each document, and both runs must come to the same result.

use proptest::prelude::{prop_assert, prop_assert_eq};
use resecret::{Config, Diagnostic, Error, Filtered, filter};

use crate::choices::Choices;
use crate::generate::{Rules, rules, stream};
use crate::laws::{cases, hold};
use crate::reader::split;
use crate::render::Spelling;

/// Reads as nothing, and is found by every search.
const FORCE: &str = "# \\x Secret env ConfigMap annotations";

#[test]
fn what_is_not_read_has_nothing_to_say() {
    hold(cases(120), |bytes| {
        let mut choices = Choices::new(bytes);
        let config = strict(&rules(&mut choices));
        let spelling = Spelling { unsafe_edits: choices.once_in(3), disguises: !choices.once_in(3) };
        let text = stream(&mut choices, spelling).text;
        let forced = force(&text);
        let (one, other) = (filter(text.as_bytes(), &config), filter(forced.as_bytes(), &config));
        prop_assert_eq!(said(&one), said(&other), "\n{}", text);
        if let (Ok(one), Ok(other)) = (one, other) {
            let other = String::from_utf8(other.to_vec()).expect("the input was UTF-8");
            let other = other.replace(&format!("{FORCE}\n"), "").replace(&format!("\n{FORCE}"), "");
            let one = String::from_utf8(one.to_vec()).expect("the input was UTF-8");
            prop_assert!(one == other, "{one}\n≠\n{other}");
        }
        Ok(())
    });
}

/// The rules, with every policy that has something to say about a document which no rule changes.
fn strict(rules: &Rules) -> Config {
    let mut file: serde_json::Value = serde_json::from_str(&rules.to_yaml()).expect("it is JSON");
    file["spec"]["policy"] =
        serde_json::json!({"external": "warn", "plaintext": "warn", "unmatched": "allow"});
    file["spec"]["dropAnnotations"] = serde_json::json!(["note/*"]);
    file["spec"]["references"] = serde_json::json!([{"kind": "ConfigMap", "path": "data.a"}]);
    let mut config = Config::default();
    config.add_file("rules.yaml", &file.to_string()).unwrap_or_else(|error| panic!("{error}"));
    config
}

/// The stream with the comment as the first line behind each marker.
fn force(text: &str) -> String {
    let mut forced = String::new();
    let bom = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    forced.push_str(bom);
    for document in split(text) {
        let (marker, content) = match document.find('\n') {
            Some(end) if document.starts_with("---") => document.split_at(end + 1),
            _ => ("", document),
        };
        let marker_holds_content = marker.contains(['{', '[']);
        if document.starts_with("---") && (marker.is_empty() || marker_holds_content) {
            // Content on the marker's line: the comment goes to the end.
            let comment = if document.ends_with('\n') { format!("{FORCE}\n") } else { format!("\n{FORCE}") };
            forced.push_str(&format!("{document}{comment}"));
        } else {
            forced.push_str(&format!("{marker}{FORCE}\n{content}"));
        }
    }
    forced
}

/// What was said, without the places, which the comment moves.
fn said(result: &Result<Filtered<'_>, Error>) -> Vec<String> {
    let diagnostics: &[Diagnostic] = match result {
        Ok(filtered) => filtered.diagnostics(),
        Err(error) => error.diagnostics(),
    };
    let said = diagnostics.iter().map(|diagnostic| {
        let Diagnostic { code, message, location, .. } = diagnostic;
        format!("{} {message} {:?} {:?}", code.id(), location.document, location.path)
    });
    said.collect()
}
