use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use libtest_mimic::Trial;
use resecret::{Config, Diagnostic};
use serde_json::{Map, Value, json};

/// The name of the removed Secret, and what takes its place.
const REMOVED: &str = "removed-secret";
const VAULT: &str = "vault";

const RULES: &str = "
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets: [{name: removed-secret, to: vault}]
  env: [{to: vault, vars: {MEASURED: key}}]
  policy: {unmatched: allow, leftBehind: warn, plaintext: allow}
";

const SECRET: &str = r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "removed-secret"}, "stringData": {"key": "canary"}}"#;

/// The page with the results.
const PAGE: &str = "docs/custom-resources.md";
const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->";

/// What stands where in a custom resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// The name of a Secret that is read.
    Read,
    /// The name of a Secret that is made.
    Make,
    /// A list of variables.
    Env,
}

/// A line of the fields.
struct Case {
    group: String,
    field: Field,
    line: String,
    path: Vec<String>,
    object: Value,
    /// How many fields it stands for.
    weight: usize,
}

/// What became of fields.
#[derive(Default, Clone, Copy)]
struct Count {
    kinds: usize,
    read: usize,
    redirected: usize,
    silent: usize,
    made: usize,
    touched: usize,
    lists: usize,
    reached: usize,
}

/// The measurement, with the fields of the sample, or of the file that `RESECRET_FIELDS` names.
pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("catalogue::measured", || check().map_err(|error| format!("{error:#}").into()))]
}

fn check() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("RESECRET_FIELDS").map(PathBuf::from);
    let file = given.clone().unwrap_or_else(|| root.join("tests/catalogue/fields.txt"));
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let (groups, missed) = measure(&text)?;
    let total = groups.values().fold(Count::default(), |sum, count| sum.plus(*count));
    if let Some(path) = std::env::var_os("RESECRET_MISSED") {
        fs::write(path, missed.join("\n"))?;
    }
    writeln!(std::io::stdout(), "{}", row("all", &total))?;
    if given.is_none() {
        page(&root.join(PAGE), &groups, &total)?;
    }
    let missed = missed.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    ensure!(total.silent == 0, "{} fields pass in silence:\n{missed}", total.silent);
    ensure!(total.touched == 0, "{} fields that make a Secret are edited:\n{missed}", total.touched);
    ensure!(share(total.redirected, total.read) >= 99.0, "redirected: {}\n{missed}", row("all", &total));
    ensure!(share(total.reached, total.lists) >= 97.0, "lists reached: {}\n{missed}", row("all", &total));
    Ok(())
}

/// Runs the filter on one object for each field; the results by group, and the fields that fail.
fn measure(text: &str) -> anyhow::Result<(BTreeMap<String, Count>, Vec<String>)> {
    let mut groups: BTreeMap<String, Count> = BTreeMap::new();
    let cases = cases(text, &mut groups)?;
    let mut config = Config::default();
    config.add_file("rules.yaml", RULES)?;
    let mut stream = format!("---\n{SECRET}\n");
    for case in &cases {
        writeln!(stream, "---\n{}", case.object)?;
    }
    let filtered = resecret::filter(stream.as_bytes(), &config)?;
    let output = String::from_utf8(filtered.to_vec())?;
    let documents: Vec<&str> = output.split("---\n").filter(|document| !document.trim().is_empty()).collect();
    ensure!(documents.len() == cases.len(), "{} documents for {} fields", documents.len(), cases.len());
    let mut missed = Vec::new();
    for (position, (case, document)) in cases.iter().zip(documents).enumerate() {
        let value: Value = serde_json::from_str(document).context(case.line.clone())?;
        // The Secret is the first document.
        let is_here = |found: &&Diagnostic| found.location.document == Some(position + 2);
        let is_reported = filtered.diagnostics().iter().any(|found| is_here(&found));
        let count = groups.entry(case.group.clone()).or_default();
        if let Some(why) = count.add(case, &value, is_reported) {
            missed.push(format!("{why}: {} {}", case.group, case.line));
        }
    }
    Ok((groups, missed))
}

impl Count {
    fn plus(self, other: Self) -> Self {
        Self {
            kinds: self.kinds + other.kinds,
            read: self.read + other.read,
            redirected: self.redirected + other.redirected,
            silent: self.silent + other.silent,
            made: self.made + other.made,
            touched: self.touched + other.touched,
            lists: self.lists + other.lists,
            reached: self.reached + other.reached,
        }
    }

    /// Counts a case; what is wrong with it.
    fn add(&mut self, case: &Case, value: &Value, is_reported: bool) -> Option<&'static str> {
        let found = follow(value, &case.path);
        let is = |name| found.and_then(Value::as_str) == Some(name);
        match case.field {
            Field::Read => {
                self.read += case.weight;
                if is(VAULT) {
                    self.redirected += case.weight;
                    None
                } else if is_reported {
                    Some("reported")
                } else {
                    self.silent += case.weight;
                    Some("silent")
                }
            }
            Field::Make => {
                self.made += case.weight;
                self.touched += if is(REMOVED) { 0 } else { case.weight };
                (!is(REMOVED)).then_some("touched")
            }
            Field::Env => {
                self.lists += case.weight;
                let expected = json!({"secretKeyRef": {"name": VAULT, "key": "key"}});
                let is_reached = found == Some(&expected);
                self.reached += if is_reached { case.weight } else { 0 };
                (!is_reached).then_some("not reached")
            }
        }
    }
}

/// The cases of a file, and the kinds of its groups.
fn cases(text: &str, groups: &mut BTreeMap<String, Count>) -> anyhow::Result<Vec<Case>> {
    let mut group = String::new();
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(head) = line.strip_prefix('[') {
            let (name, kinds) = head.split_once("] ").context(line.to_owned())?;
            name.clone_into(&mut group);
            groups.entry(group.clone()).or_default().kinds = kinds.parse()?;
            continue;
        }
        let words: Vec<&str> = line.split(' ').collect();
        let [label, kind, path, shape, weight] = words.as_slice() else {
            anyhow::bail!("{line}: five words")
        };
        let field = match *label {
            "read" => Field::Read,
            "make" => Field::Make,
            _ => Field::Env,
        };
        let (value, last) = value(field, shape);
        let mut steps: Vec<String> = Vec::new();
        let mut spec = value;
        for segment in path.split('.').rev() {
            let (key, lists) = (segment.trim_end_matches("[]"), segment.matches("[]").count());
            for _ in 0..lists {
                spec = json!([spec]);
                steps.push("0".to_owned());
            }
            let key = if key == "*" { "any" } else { key };
            spec = Value::Object(Map::from_iter([(key.to_owned(), spec)]));
            steps.push(key.to_owned());
        }
        let mut object =
            json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": "measured"}});
        merge(&mut object, spec);
        let path = steps.into_iter().rev().chain(last.iter().map(|step| (*step).to_owned())).collect();
        let line = line.to_owned();
        found.push(Case { group: group.clone(), field, line, path, object, weight: weight.parse()? });
    }
    Ok(found)
}

/// What stands at the end of a path, and where in it the outcome shows.
fn value(field: Field, shape: &str) -> (Value, &'static [&'static str]) {
    if field == Field::Env {
        let entry = match shape {
            "value" => json!({"name": "MEASURED", "value": "literal"}),
            _ => {
                json!({"name": "MEASURED", "valueFrom": {"secretKeyRef": {"name": "other", "key": "other"}}})
            }
        };
        return (json!([entry]), &["0", "valueFrom"]);
    }
    if shape == "text" {
        return (REMOVED.into(), &[]);
    }
    let beside = |field: &str| match field {
        "name" => REMOVED,
        "kind" | "type" => "Secret",
        "namespace" => "default",
        _ => "key",
    };
    let entries = shape.split(',').map(|field| (field.to_owned(), beside(field).into()));
    (Value::Object(entries.collect()), &["name"])
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn follow<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => value.get(step),
    })
}

fn share(part: usize, whole: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if whole == 0 { 100.0 } else { 100.0 * number(part) / number(whole) }
}

fn row(name: &str, count: &Count) -> String {
    let part = |part: usize, whole: usize| match whole {
        0 => "–".to_owned(),
        _ => format!("{:.1} %", (share(part, whole) * 10.0).floor() / 10.0),
    };
    let Count { kinds, read, redirected, silent, made, touched, lists, reached } = count;
    format!(
        "| {name} | {kinds} | {read} | {} | {silent} | {made} | {touched} | {lists} | {} |",
        part(*redirected, *read),
        part(*reached, *lists)
    )
}

/// Compares the table of the page with what was measured, or writes it.
fn page(file: &Path, groups: &BTreeMap<String, Count>, total: &Count) -> anyhow::Result<()> {
    let mut table = String::from(
        "| group | kinds | fields that read | redirected | silent | fields that make | edited | lists of variables | reached |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    writeln!(table, "{}", row("**all**", total))?;
    for (group, count) in groups {
        writeln!(table, "{}", row(group, count))?;
    }
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (head, rest) = text.split_once(BEGIN).context("the page has no place for the table")?;
    let (_, tail) = rest.split_once(END).context("the page has no end of the table")?;
    let wanted = format!("{head}{BEGIN}{table}{END}{tail}");
    if std::env::var_os("RESECRET_UPDATE").is_some() {
        fs::write(file, &wanted)?;
    } else {
        ensure!(text == wanted, "{PAGE} is out of date: run `just catalogue-table`");
    }
    Ok(())
}
