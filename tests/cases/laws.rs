use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use resecret::{Code, Config, Diagnostic, Error, Format};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::canary;
use crate::fixture::Fixture;
use crate::fixture_folders;
use crate::model::line_changes;
use crate::streaming;
use crate::vault;

const BOM: &[u8] = b"\xEF\xBB\xBF";
/// What a stream holds of which every document has been removed.
const LEFT_OUT: &[u8] = b"# resecret: every document of this stream has been removed";

/// What a run came to.
struct Outcome {
    /// What went out; none where the run failed.
    output: Option<Vec<u8>>,
    /// What was said.
    diagnostics: Vec<Diagnostic>,
    /// The error as a program's log would show it.
    debug: String,
}

impl Outcome {
    fn says(&self, rule: Code) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.code == rule)
    }
}

/// Compares a fixture with its snapshots and with the laws that hold for every stream.
pub(crate) fn check(fixture: &Fixture) -> anyhow::Result<()> {
    let description = fixture.description()?;
    let input = fixture.input()?;
    let config = fixture.config()?;
    let outcome = run(&config, &input);
    no_value_is_shown(&outcome)?;
    one_by_one(&config, &input)?;
    if let Ok(config) = &config {
        vault::round_trip(config, &input)?;
    }
    compare(fixture, &description, &outcome)?;
    if let Some(output) = &outcome.output {
        repeatable(&config, output)?;
    }
    match fixture.no_crlf() {
        Some(reason) => ensure!(reason.trim().len() > 10, "no-crlf gives no reason"),
        None => line_ends_do_not_matter(&config, &input, &outcome)?,
    }
    neighbours_do_not_matter(&config, &input, &outcome)?;
    a_byte_order_mark_does_not_matter(&config, &input, &outcome)?;
    if !fixture.selects_by_comment()? {
        the_form_does_not_matter(&config, &input, &outcome)?;
    }
    Ok(())
}

/// Document by document the stream becomes the same, or is refused with a reason; no value is shown either way.
fn one_by_one(config: &Result<Config, Error>, input: &[u8]) -> anyhow::Result<()> {
    let Ok(config) = config else { return Ok(()) };
    match streaming::check(config, input)? {
        Some(error) => canary::check("the error of a stream", &format!("{error:?} {error}")),
        None => Ok(()),
    }
}

/// Fails if the folder of snapshots holds one that no fixture is compared with.
pub(crate) fn no_unreferenced_snapshot(fixtures: &[Fixture]) -> anyhow::Result<()> {
    let mut expected = BTreeSet::new();
    for fixture in fixtures {
        let outcome = run(&fixture.config()?, &fixture.input()?);
        let name = fixture.name();
        if outcome.output.is_some() {
            expected.extend([format!("{name}.snap"), format!("{name}.snap.yaml")]);
        }
        if !outcome.diagnostics.is_empty() {
            expected.insert(format!("{name}.report.snap"));
        }
    }
    let mut unreferenced = Vec::new();
    for subject in fs::read_dir(snapshots()).context("snapshots/fixtures")? {
        for entry in fs::read_dir(subject?.path())? {
            let name = fixture_folders::relative(&entry?.path(), &snapshots());
            if !expected.contains(&name) {
                unreferenced.push(name);
            }
        }
    }
    unreferenced.sort();
    ensure!(
        unreferenced.is_empty(),
        "no fixture is compared with these, remove them: {}",
        unreferenced.join(", ")
    );
    Ok(())
}

fn run(config: &Result<Config, Error>, input: &[u8]) -> Outcome {
    let result = match config {
        Ok(config) => resecret::filter(input, config).map(|filtered| {
            let diagnostics = filtered.diagnostics().to_vec();
            Outcome { output: Some(filtered.to_vec()), diagnostics, debug: String::new() }
        }),
        Err(error) => return failure(error),
    };
    result.unwrap_or_else(|error| failure(&error))
}

fn failure(error: &Error) -> Outcome {
    Outcome { output: None, diagnostics: error.diagnostics().to_vec(), debug: format!("{error:?} {error}") }
}

fn compare(fixture: &Fixture, description: &str, outcome: &Outcome) -> anyhow::Result<()> {
    let mut settings = insta::Settings::clone_current();
    let (subject, name) = fixture.place();
    settings.set_snapshot_path(format!("../../snapshots/fixtures/{subject}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(description);
    settings.set_input_file(fixture.input_file());
    if let Some(output) = &outcome.output {
        let accepted = snapshots().join(format!("{subject}/{name}.snap.yaml"));
        let before = fs::read(accepted).unwrap_or_default();
        let assertion = || insta::assert_binary_snapshot!(&format!("{name}.yaml"), output.clone());
        let same = catch_unwind(AssertUnwindSafe(|| settings.bind(assertion)));
        // Of bytes insta says only that they differ.
        ensure!(same.is_ok(), "the output is not the accepted one:\n{}", difference(&before, output));
    }
    if !outcome.diagnostics.is_empty() {
        let report = report(&outcome.diagnostics, Format::Text);
        settings.bind(|| insta::assert_snapshot!(format!("{name}.report"), report));
    }
    Ok(())
}

/// The lines that differ.
fn difference(before: &[u8], after: &[u8]) -> String {
    let visible = |text: &[u8]| String::from_utf8_lossy(text).replace('\r', "␍").replace('\u{feff}', "[BOM]");
    let (before, after) = (visible(before), visible(after));
    let (removed, inserted) = line_changes(&before, &after);
    let lines = removed.iter().map(|line| ('-', line)).chain(inserted.iter().map(|line| ('+', line)));
    lines.map(|(sign, line)| format!("{sign} {}\n", line.trim_end_matches('\n'))).collect()
}

fn snapshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/fixtures")
}

/// Its own output passes through unchanged.
fn repeatable(config: &Result<Config, Error>, output: &[u8]) -> anyhow::Result<()> {
    let Ok(config) = config else { return Ok(()) };
    let mut config = config.clone();
    config.allow_unmatched();
    let again = run(&Ok(config), output);
    let text = report(&again.diagnostics, Format::Text);
    let bytes = again.output.with_context(|| format!("its own output is refused:\n{text}"))?;
    ensure!(bytes == output, "its own output does not pass unchanged:\n{}", String::from_utf8_lossy(&bytes));
    Ok(())
}

/// The same stream with CRLF gives the same output with CRLF, and the same report.
fn line_ends_do_not_matter(config: &Result<Config, Error>, input: &[u8], lf: &Outcome) -> anyhow::Result<()> {
    if input.contains(&b'\r') {
        return Ok(());
    }
    let crlf = run(config, &with_crlf(input));
    let (text, crlf_text) = (report(&lf.diagnostics, Format::Text), report(&crlf.diagnostics, Format::Text));
    ensure!(text == crlf_text, "with CRLF the report is another one:\n{crlf_text}");
    let expected = lf.output.as_deref().map(with_crlf);
    ensure!(
        crlf.output == expected,
        "with CRLF the output is another one:\n{}",
        String::from_utf8_lossy(&crlf.output.unwrap_or_default()).replace('\r', "␍")
    );
    Ok(())
}

/// Behind another document the stream gives the same output, or fails as well. A ResourceList stands alone.
fn neighbours_do_not_matter(
    config: &Result<Config, Error>,
    input: &[u8],
    alone: &Outcome,
) -> anyhow::Result<()> {
    if input.is_empty() || !input.is_ascii() || alone.says(Code::EmptyInput) {
        return Ok(());
    }
    let neighbour = b"---\nkind: Neighbour\n";
    let begins = |text: &[u8]| text.starts_with(b"---");
    let with_neighbour = |text: &[u8]| {
        let marker: &[u8] = if begins(text) || text.is_empty() { b"" } else { b"---\n" };
        [neighbour, marker, text].concat()
    };
    let together = run(config, &with_neighbour(input));
    let Some(output) = &alone.output else {
        ensure!(together.output.is_none(), "behind another document the stream is no longer refused");
        return Ok(());
    };
    if String::from_utf8_lossy(input).contains("config.kubernetes.io/v1") {
        ensure!(together.says(Code::MixedInput), "a ResourceList is let through among other documents");
        return Ok(());
    }
    // A stream of which nothing is left says so in a comment; with a neighbour something is left.
    let output = output.trim_ascii_end().strip_suffix(LEFT_OUT).unwrap_or(output);
    // A first document without a marker that goes leaves the next one's marker in front.
    let expected = if output.is_empty() { neighbour.to_vec() } else { with_neighbour(output) };
    let actual = together.output.unwrap_or_default();
    ensure!(
        actual == expected,
        "behind another document the output differs:\n{}",
        difference(&expected, &actual)
    );
    Ok(())
}

/// A byte order mark stays in front, and nothing else changes.
fn a_byte_order_mark_does_not_matter(
    config: &Result<Config, Error>,
    input: &[u8],
    without: &Outcome,
) -> anyhow::Result<()> {
    if input.starts_with(BOM) || without.says(Code::EmptyInput) || without.says(Code::NotUtf8) {
        return Ok(());
    }
    let with = run(config, &[BOM, input].concat());
    let expected = without.output.as_ref().map(|output| [BOM, output].concat());
    let difference =
        difference(&expected.clone().unwrap_or_default(), &with.output.clone().unwrap_or_default());
    ensure!(with.output == expected, "with a byte order mark the output differs:\n{difference}");
    let (text, bom_text) =
        (report(&without.diagnostics, Format::Text), report(&with.diagnostics, Format::Text));
    ensure!(text == bom_text, "with a byte order mark the report is another one:\n{bom_text}");
    Ok(())
}

/// As items of a ResourceList the same objects become the same objects.
fn the_form_does_not_matter(
    config: &Result<Config, Error>,
    input: &[u8],
    as_stream: &Outcome,
) -> anyhow::Result<()> {
    let Some(output) = &as_stream.output else { return Ok(()) };
    let (Some(items), Some(expected)) = (objects(input), objects(output)) else { return Ok(()) };
    if items.iter().any(|item| item["kind"] == "ResourceList") {
        return Ok(());
    }
    let list = json!({"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": items});
    let as_list = run(config, list.to_string().as_bytes());
    let text = report(&as_list.diagnostics, Format::Text);
    let output = as_list.output.with_context(|| format!("as a ResourceList it is refused:\n{text}"))?;
    let list: Value = serde_json::from_slice(&output).context("a ResourceList in JSON stays JSON")?;
    // A document that is an empty list goes; an item that is one stays.
    let left = |item: &&Value| item["items"].as_array().is_none_or(|items| !items.is_empty());
    let found: Vec<&Value> = list["items"].as_array().into_iter().flatten().filter(left).collect();
    ensure!(
        found == expected.iter().filter(left).collect::<Vec<_>>(),
        "as a ResourceList it becomes something else:\n{list:#}"
    );
    ensure!(
        as_list.diagnostics.is_empty() || !list["results"].as_array().is_none_or(Vec::is_empty),
        "what the run says is not among the results"
    );
    Ok(())
}

/// The documents as JSON; none where one of them is no mapping, or says what JSON cannot.
fn objects(stream: &[u8]) -> Option<Vec<Value>> {
    let text = std::str::from_utf8(stream).ok().filter(|text| !text.contains("<<"))?;
    let documents: Result<Vec<Value>, _> =
        serde_yaml::Deserializer::from_str(text.trim_start_matches('\u{feff}'))
            .map(Value::deserialize)
            .collect();
    let mut documents = documents.ok()?;
    documents.retain(|document| !document.is_null());
    documents.iter().all(Value::is_object).then_some(documents)
}

fn with_crlf(text: &[u8]) -> Vec<u8> {
    text.split_inclusive(|byte| *byte == b'\n').fold(Vec::new(), |mut all, line| {
        match line.strip_suffix(b"\n") {
            Some(line) => all.extend([line, b"\r\n"].concat()),
            None => all.extend(line),
        }
        all
    })
}

fn no_value_is_shown(outcome: &Outcome) -> anyhow::Result<()> {
    canary::check("the error's Debug output", &outcome.debug)?;
    canary::check("the diagnostics' Debug output", &format!("{:?}", outcome.diagnostics))?;
    [Format::Text, Format::Json, Format::Github, Format::Sarif]
        .into_iter()
        .try_for_each(|format| canary::check("the report", &report(&outcome.diagnostics, format)))
}

/// The report, with the name that the fixture gives to its stream.
fn report(diagnostics: &[Diagnostic], format: Format) -> String {
    let mut diagnostics = diagnostics.to_vec();
    for diagnostic in &mut diagnostics {
        diagnostic.location.file.get_or_insert_with(|| "input.yaml".to_owned());
    }
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = resecret::write_report(&diagnostics, format, &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
