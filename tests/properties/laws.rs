//! The promises, as laws over random streams and random rules.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq};
use proptest::test_runner::{Config as Runs, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use resecret::{Config, Error, filter};

use crate::choices::Choices;
use crate::generate::{CANARY, Rules, Stream, rules, stream};
use crate::model::{self, Expected};
use crate::reader::{content, read, split};
use crate::render::Spelling;

/// Refusals that only a spelling which is not safe to edit can bring about.
const UNSAFE: [&str; 4] = ["shared-anchor", "merge-key", "duplicate-key", "unsafe-edit"];

/// What stands in every line that an edit writes, or from which it takes an item.
const WRITTEN: [&str; 10] =
    ["vault", "regcred", "name", "key", "valuefrom", "optional", "items", "path", "[]", "containerport"];

/// What became of the streams of one law.
#[derive(Default)]
pub(crate) struct Outcomes(Mutex<BTreeMap<String, u32>>);

impl Outcomes {
    /// Counts one more.
    pub(crate) fn count(&self, outcome: &str) {
        *self.0.lock().expect("no panic in a test").entry(outcome.to_owned()).or_default() += 1;
    }

    /// How many there were.
    pub(crate) fn of(&self, outcome: &str) -> u32 {
        self.0.lock().expect("no panic in a test").get(outcome).copied().unwrap_or_default()
    }
}

/// Runs a law on random bytes of choices.
pub(crate) fn hold(cases: u32, law: impl Fn(&[u8]) -> Result<(), TestCaseError>) {
    let runs = Runs { cases, failure_persistence: None, max_shrink_iters: 3000, ..Runs::default() };
    let mut runner = TestRunner::new_with_rng(runs, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    match runner.run(&vec(any::<u8>(), 0..1500), |bytes| law(&bytes)) {
        Ok(()) => {}
        // The reason shows the stream; the bytes that it was made of say nothing to a reader.
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(error) => panic!("{error}"),
    }
}

/// How many cases a law is tried on; `PROPTEST_CASES` asks for more.
pub(crate) fn cases(ordinary: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(ordinary)
}

fn run(text: &str, config: &Config) -> Result<String, Error> {
    filter(text.as_bytes(), config)
        .map(|filtered| String::from_utf8(filtered.to_vec()).expect("the input was UTF-8"))
}

fn ids(error: &Error) -> Vec<&'static str> {
    let errors =
        error.diagnostics().iter().filter(|diagnostic| diagnostic.severity == resecret::Severity::Error);
    errors.map(|diagnostic| diagnostic.code.id()).collect()
}

/// A stream goes through if the model says so, and means what the model says; else it is refused for a reason that the
/// model gives, for one of `others`, or for what follows from those.
fn as_the_model_says(
    bytes: &[u8],
    spelling: Spelling,
    others: &[&str],
    outcomes: &Outcomes,
) -> Result<(), TestCaseError> {
    let mut choices = Choices::new(bytes);
    let rules = rules(&mut choices);
    let stream = stream(&mut choices, spelling);
    let expected = expect(&rules, &stream)?;
    match run(&stream.text, &rules.config()) {
        Ok(output) => {
            prop_assert!(
                expected.refusals.is_empty(),
                "{:?} not seen in\n{}",
                expected.refusals,
                shown(&rules, &stream)
            );
            check_output(&rules, &stream, &expected, &output)?;
            outcomes.count(if output == stream.text { "unchanged" } else { "edited" });
        }
        Err(error) => {
            for id in ids(&error) {
                let justified =
                    expected.refusals.contains(id) || others.contains(&id) || is_consequence(id, &expected);
                prop_assert!(justified, "{id}: {error}\n{}", shown(&rules, &stream));
                outcomes.count(id);
            }
            check_error(&error)?;
            outcomes.count("refused");
        }
    }
    Ok(())
}

/// A safe spelling: the stream goes through exactly if the model says so, and means what the model says.
#[test]
fn a_stream_without_hazards_becomes_what_the_model_says() {
    let outcomes = Outcomes::default();
    let total = cases(400);
    hold(total, |bytes| as_the_model_says(bytes, Spelling::default(), &[], &outcomes));
    assert!(outcomes.of("edited") > total / 3, "most streams are edited");
    assert!(outcomes.of("refused") > 0 && outcomes.of("unchanged") > 0, "every outcome is tried");
}

/// Anchors, merge keys, duplicate keys: refused for that very reason, or right.
#[test]
fn a_stream_with_hazards_is_right_or_refused() {
    let outcomes = Outcomes::default();
    let total = cases(400);
    hold(total, |bytes| {
        let spelling = Spelling { unsafe_edits: true, disguises: bytes.len() % 2 == 0 };
        as_the_model_says(bytes, spelling, &UNSAFE, &outcomes)
    });
    assert!(outcomes.of("edited") > total / 6, "many streams are edited all the same");
    for id in ["shared-anchor", "merge-key", "duplicate-key"] {
        assert!(outcomes.of(id) > 0, "{id} is tried");
    }
}

/// Line ends are the only difference that line ends make.
#[test]
fn line_ends_do_not_matter() {
    hold(cases(150), |bytes| {
        let mut choices = Choices::new(bytes);
        let rules = rules(&mut choices);
        let spelling = Spelling { unsafe_edits: choices.once_in(3), disguises: choices.once_in(3) };
        let stream = stream(&mut choices, spelling);
        let config = rules.config();
        let crlf = stream.text.replace('\n', "\r\n");
        match (run(&stream.text, &config), run(&crlf, &config)) {
            (Ok(lf), Ok(crlf)) => {
                let all =
                    crlf.contains("# resecret: every document") || !crlf.replace("\r\n", "").contains('\n');
                prop_assert!(all, "one kind of line end\n{}\n→\n{crlf:?}", shown(&rules, &stream));
                prop_assert_eq!(lf, crlf.replace("\r\n", "\n"), "{}", shown(&rules, &stream));
            }
            (Err(lf), Err(crlf)) => prop_assert_eq!(ids(&lf), ids(&crlf), "{}", shown(&rules, &stream)),
            (lf, crlf) => prop_assert!(false, "{:?}\n{:?}\n{}", lf.err(), crlf.err(), shown(&rules, &stream)),
        }
        Ok(())
    });
}

/// A rule that matches nothing stops the run unless that is allowed.
#[test]
fn a_rule_without_a_match_is_an_error() {
    hold(cases(80), |bytes| {
        let mut choices = Choices::new(bytes);
        let rules = rules(&mut choices);
        let stream = stream(&mut choices, Spelling::default());
        let mut strict = Config::default();
        strict.add_file("rules.yaml", &rules.to_yaml()).expect("a configuration");
        let lenient = run(&stream.text, &rules.config());
        match (run(&stream.text, &strict), lenient) {
            (Ok(strict), Ok(lenient)) => prop_assert_eq!(strict, lenient),
            (Err(error), Ok(_)) => {
                prop_assert!(ids(&error).iter().all(|id| *id == "unmatched"), "{error}");
                check_error(&error)?;
            }
            (Ok(_), Err(error)) => prop_assert!(false, "allowing more refuses more: {error}"),
            (Err(_), Err(_)) => {}
        }
        Ok(())
    });
}

/// What hostile bytes are made of.
const PIECES: &[&str] = &[
    "---\n",
    "--- ",
    "kind: Secret\n",
    "metadata: {name: lf-nextauth}\n",
    "env:\n",
    "- ",
    "  ",
    "name: SALT\n",
    "\r",
    "\t",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "? ",
    "&a ",
    "*a",
    "<<: ",
    "|\n",
    ">-\n",
    "'",
    "\"",
    "#",
    "!!",
    "%YAML 1.2\n",
    "...\n",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\0",
    "containers:\n",
    "\n",
    "valueFrom: {secretKeyRef: {name: lf-nextauth, key: a}}",
    "\\",
];

/// Bytes that are no manifests at all.
pub(crate) fn hostile(choices: &mut Choices<'_>, pieces: usize) -> Vec<u8> {
    let mut input = Vec::new();
    for _ in 0..choices.below(pieces) {
        match choices.below(12) {
            0 => input.push(u8::try_from(choices.below(256)).unwrap_or_default()),
            _ => input.extend_from_slice(choices.pick(PIECES).as_bytes()),
        }
    }
    input
}

#[test]
fn any_bytes_end_in_a_result() {
    hold(cases(1000), |bytes| {
        let mut choices = Choices::new(bytes);
        let rules = rules(&mut choices);
        let input = hostile(&mut choices, 200);
        let config = rules.config();
        if let Ok(filtered) = filter(&input, &config) {
            let output = filtered.to_vec();
            let again = filter(&output, &config).map(|filtered| filtered.to_vec());
            prop_assert!(
                again.as_ref().is_ok_and(|again| *again == output),
                "{:?} → {:?}",
                String::from_utf8_lossy(&input),
                String::from_utf8_lossy(&output)
            );
        }
        Ok(())
    });
}

/// Whether a duplicate that could not be taken out still refers to a removed Secret.
fn is_consequence(id: &str, expected: &Expected) -> bool {
    id == "dangling" && ["env-order", "duplicate-env"].iter().any(|cause| expected.refusals.contains(cause))
}

fn shown(rules: &Rules, stream: &Stream) -> String {
    format!("{}\n{}", rules.to_yaml(), stream.text)
}

fn expect(rules: &Rules, stream: &Stream) -> Result<Expected, TestCaseError> {
    let values = split(&stream.text).into_iter().map(read).collect::<Result<Vec<_>, _>>();
    let values = values.map_err(|error| {
        TestCaseError::fail(format!("the generator is wrong: {error}\n{}", shown(rules, stream)))
    })?;
    Ok(model::apply(rules, &values))
}

fn check_output(
    rules: &Rules,
    stream: &Stream,
    expected: &Expected,
    output: &str,
) -> Result<(), TestCaseError> {
    let inputs = split(&stream.text);
    let mut outputs = split(output).into_iter();
    let kept = expected.documents.iter().flatten().count();
    if kept == 0 {
        prop_assert!(
            output.trim_start_matches('\u{feff}').starts_with("# resecret:"),
            "{}",
            shown(rules, stream)
        );
        return Ok(());
    }
    prop_assert_eq!(stream.text.starts_with('\u{feff}'), output.starts_with('\u{feff}'));
    // Where the first document has gone, and it had no marker, nothing stands before the next one's.
    if output.trim_start_matches('\u{feff}').starts_with("---") && split(output).first() == Some(&"") {
        outputs.next();
    }
    for ((before, value), rendered) in inputs.iter().zip(&expected.documents).zip(&stream.documents) {
        let Some(value) = value else { continue };
        let after = outputs
            .next()
            .ok_or_else(|| TestCaseError::fail(format!("a document is missing\n{}", shown(rules, stream))))?;
        let actual = read(after).map_err(|error| TestCaseError::fail(format!("{error}\n{after}")))?;
        let same = &actual == value;
        prop_assert!(same, "expected {value}\n{}\n→\n{after}", shown(rules, stream));
        if read(before).ok().as_ref() == Some(value) {
            prop_assert!(*before == after, "edited without need\n{}\n→\n{after}", shown(rules, stream));
        } else {
            check_lines(before, after, &rendered.lasting_comments)
                .map_err(|why| TestCaseError::fail(format!("{why}\n{}\n→\n{after}", shown(rules, stream))))?;
        }
    }
    prop_assert_eq!(outputs.next(), None, "a document too many\n{}", shown(rules, stream));
    let again = run(output, &rules.config());
    prop_assert!(
        again.is_ok_and(|again| again == output),
        "not repeatable\n{}\n→\n{output}",
        shown(rules, stream)
    );
    Ok(())
}

/// Lines outside the edits stay, in order; comments that belong to nothing that goes stay, each once.
fn check_lines(before: &str, after: &str, lasting: &[String]) -> Result<(), String> {
    let mut rest = after;
    for comment in lasting {
        let Some(at) = rest.find(comment.as_str()) else {
            return Err(format!("{comment} is lost or has moved"));
        };
        rest = &rest[at + comment.len()..];
    }
    // A line is as it was, but for the comma before an item that goes, or it holds a word that an edit writes.
    let without_commas = |line: &str| line.replace(',', "");
    let mut known: HashMap<String, usize> = HashMap::new();
    for line in content(before).lines() {
        *known.entry(without_commas(line)).or_default() += 1;
    }
    for line in content(after).lines() {
        match known.get_mut(&without_commas(line)) {
            Some(count) if *count > 0 => *count -= 1,
            // The value of an explicit key stands on a line of its own.
            _ if line.trim_start().starts_with(": ") => {}
            _ if line.contains('\\') || WRITTEN.iter().any(|word| line.to_lowercase().contains(word)) => {}
            _ => return Err(format!("the line {line:?} is new")),
        }
    }
    let blank = |text: &str| text.len() - text.trim_end_matches('\n').len();
    // Blank lines above an item at the end stay when it goes.
    if blank(before) > blank(after) || before.ends_with('\n') != after.ends_with('\n') {
        return Err("the end of the document has changed".to_owned());
    }
    Ok(())
}

/// A refusal says where, and shows no value.
fn check_error(error: &Error) -> Result<(), TestCaseError> {
    prop_assert!(!error.diagnostics().is_empty());
    let base64 = "Y2FuYXJ5";
    for text in [error.to_string(), format!("{error:?}")] {
        prop_assert!(!text.contains(CANARY) && !text.contains(base64), "a value is shown: {text}");
    }
    for diagnostic in error.diagnostics() {
        let location = &diagnostic.location;
        let placed = location.line.is_some() && (location.document.is_some() || location.file.is_some());
        prop_assert!(placed, "no place: {diagnostic:?}");
        prop_assert!(!diagnostic.help.is_empty() && !diagnostic.message.is_empty());
    }
    Ok(())
}
