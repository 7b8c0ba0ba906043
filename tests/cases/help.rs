use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use libtest_mimic::Trial;
use resecret::{Code, Config, Diagnostic};
use serde_yaml::{Mapping, Value};

use crate::fixture::Fixture;
use crate::model::documents;

/// What a configuration for the renders says: every Secret goes, and every policy speaks.
const EVERYTHING: &str = "
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  presets: [{name: langfuse, to: one-vault}]
  secrets: [{name: '*', to: one-vault, keys: {absent: renamed}}]
  policy: {external: error, plaintext: error}
";

/// What a line of help tells people to do.
#[derive(Clone, Debug)]
enum Advice {
    /// An entry for a list of `spec`, at its end or on top.
    Add { list: String, entry: String, on_top: bool },
    /// A setting, and its new value.
    Set { path: Vec<String>, value: String },
    /// Takes out what stands at the finding's place.
    TakeOut,
    /// Makes a field of the rule at the finding's place true.
    Optional,
    /// Takes a Secret from `spec.redirect`, and adds this to `spec.secrets`.
    Move { entry: String },
}

/// One trial per fixture and render: each line of help that can be pasted, and all of them together.
pub(crate) fn trials(fixtures: &[Fixture]) -> Vec<Trial> {
    let of_fixture = |fixture: &Fixture| {
        let (name, fixture) = (format!("help::fixtures::{}", fixture.name()), fixture.clone());
        Trial::test(name, move || {
            let Some(config) = fixture.config_value().map_err(|error| failed(&error))? else { return Ok(()) };
            check(&config, &fixture.input().map_err(|error| failed(&error))?).map_err(|error| failed(&error))
        })
    };
    let of_render = |path: PathBuf| {
        let name = format!(
            "help::{}",
            path.iter().rev().take(2).map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("_of_")
        );
        Trial::test(name, move || {
            let config = serde_yaml::from_str(EVERYTHING).map_err(|error| failed(&error.into()))?;
            let input = fs::read(&path).map_err(|error| failed(&error.into()))?;
            check(&config, &input).map_err(|error| failed(&error))
        })
    };
    fixtures.iter().map(of_fixture).chain(crate::proposals::renders().into_iter().map(of_render)).collect()
}

fn failed(error: &anyhow::Error) -> libtest_mimic::Failed {
    format!("{error:#}").into()
}

fn check(config: &Value, input: &[u8]) -> anyhow::Result<()> {
    let Some(before) = run(config, input)? else { return Ok(()) };
    let mut all = config.clone();
    let mut followed = HashSet::new();
    let mut settled: Vec<&Diagnostic> = Vec::new();
    for finding in &before.findings {
        let advice = advice(&finding.help)?;
        if let Some(Advice::Add { .. }) = advice.first() {
            follow(&mut all, finding, &advice[0])?;
            settled.push(finding);
        }
        for advice in &advice {
            // What a policy does is the same for all findings of a code.
            if matches!(advice, Advice::Set { .. }) && !followed.insert((finding.code, format!("{advice:?}")))
            {
                continue;
            }
            let mut pasted = config.clone();
            follow(&mut pasted, finding, advice)?;
            let after = run(&pasted, input)?.with_context(|| format!("{advice:?} makes no configuration"))?;
            let place = format!("{:?} of `{}` at {:?}", advice, finding.message, finding.location);
            ensure!(!after.has(finding), "the finding is still there after {place}");
            right(&before, &after, finding, advice).with_context(|| place)?;
        }
    }
    let together = run(&all, input)?.context("all lines together make no configuration")?;
    for finding in settled {
        ensure!(!together.has(finding), "with all lines `{}` is still there", finding.message);
        right(&before, &together, finding, &advice(&finding.help)?[0])?;
    }
    joined(&before.findings)
}

/// What comes of a configuration.
struct Outcome {
    findings: Vec<Diagnostic>,
    output: Option<String>,
}

impl Outcome {
    fn has(&self, finding: &Diagnostic) -> bool {
        let same = |other: &&Diagnostic| {
            let (a, b) = (&other.location, &finding.location);
            other.code == finding.code
                && other.message == finding.message
                && a.object == b.object
                && a.path == b.path
        };
        self.findings.iter().any(|other| same(&other))
    }
}

/// Runs a configuration; `None` for one that is none.
fn run(config: &Value, input: &[u8]) -> anyhow::Result<Option<Outcome>> {
    let mut checked = Config::default();
    if checked.add_file("config.yaml", &serde_yaml::to_string(config)?).is_err() {
        return Ok(None);
    }
    Ok(Some(match resecret::filter(input, &checked) {
        Ok(filtered) => Outcome {
            findings: filtered.diagnostics().to_vec(),
            output: Some(String::from_utf8_lossy(&filtered.to_vec()).into_owned()),
        },
        Err(error) => Outcome { findings: error.diagnostics().to_vec(), output: None },
    }))
}

/// All that a help says of the configuration, in order.
fn advice(help: &str) -> anyhow::Result<Vec<Advice>> {
    let mut found = Vec::new();
    for line in help.lines() {
        if line.contains("out of spec.redirect") {
            let entry = line.split_once("add to spec.secrets: - ").context("where does it go")?.1;
            found.push(Advice::Move { entry: entry.to_owned() });
            continue;
        }
        for (words, on_top) in [("add to spec.", false), ("add on top of spec.", true)] {
            if let Some((_, rest)) = line.split_once(words) {
                let (list, entry) = rest.split_once(": - ").context("no entry")?;
                found.push(Advice::Add { list: list.to_owned(), entry: entry.to_owned(), on_top });
            }
        }
        if let Some((_, rest)) = line.split_once("set spec.") {
            let (path, values) = rest.split_once(" to ").context("no value")?;
            let values = values.split([':', ';']).next().unwrap_or_default();
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            for value in values.replace(" or ", ", ").split(", ") {
                found.push(Advice::Set { path: path.clone(), value: value.to_owned() });
            }
        }
        if line.starts_with("`optional: true`") {
            found.push(Advice::Optional);
        }
        if line.contains("take it out of the configuration") {
            found.push(Advice::TakeOut);
        }
    }
    Ok(found)
}

/// Does as the help says.
fn follow(config: &mut Value, finding: &Diagnostic, advice: &Advice) -> anyhow::Result<()> {
    let path = finding.location.path.as_deref().unwrap_or_default();
    let spec = config.get_mut("spec").and_then(Value::as_mapping_mut).context("no spec")?;
    match advice {
        Advice::Add { list, entry, on_top } => add(spec, list, entry, *on_top),
        Advice::Set { path, value } => {
            let [parents @ .., last] = path.as_slice() else { bail!("no path") };
            let mut target = spec;
            for key in parents {
                let inner = target.entry(key.as_str().into()).or_insert_with(|| Mapping::new().into());
                target = inner.as_mapping_mut().context("no mapping")?;
            }
            target.insert(last.as_str().into(), value.as_str().into());
            Ok(())
        }
        Advice::TakeOut => {
            let (list, position) = entry_at(path)?;
            let list = spec.get_mut(list).context("no such list")?;
            match (list, position) {
                (Value::Sequence(items), Some(position)) => drop(items.remove(position)),
                (list, _) => *list = Value::Sequence(Vec::new()),
            }
            Ok(())
        }
        Advice::Optional => {
            let (list, position) = entry_at(path)?;
            let position = position.context("no position")?;
            let rule = spec.get_mut(list).and_then(|list| list.get_mut(position)).context("no such rule")?;
            rule.as_mapping_mut().context("no mapping")?.insert("optional".into(), true.into());
            Ok(())
        }
        Advice::Move { entry } => {
            let name = finding.location.object.as_ref().context("no object")?.name.clone();
            if let Some(Value::Sequence(rules)) = spec.get_mut("redirect") {
                rules.retain(|rule| rule.get("name").and_then(Value::as_str) != Some(name.as_str()));
            }
            add(spec, "secrets", entry, false)
        }
    }
}

/// The list and the position that a path in the configuration begins with.
fn entry_at(path: &str) -> anyhow::Result<(&str, Option<usize>)> {
    let rest = path.strip_prefix("spec.").with_context(|| format!("{path} is no place"))?;
    let Some((list, rest)) = rest.split_once('[') else { return Ok((rest, None)) };
    let (position, _) = rest.split_once(']').context("no position")?;
    Ok((list, Some(position.parse()?)))
}

/// Adds an entry that must be the same in a block and between brackets.
fn add(spec: &mut Mapping, list: &str, entry: &str, on_top: bool) -> anyhow::Result<()> {
    let block: Value = serde_yaml::from_str(&format!("spec:\n  {list}:\n  - {entry}\n"))?;
    let flow: Value = serde_yaml::from_str(&format!("spec: {{{list}: [{entry}]}}\n"))?;
    ensure!(block == flow, "{entry} is something else between brackets");
    let entry = block["spec"][list][0].clone();
    let items = spec.entry(list.into()).or_insert_with(|| Value::Sequence(Vec::new()));
    let items = items.as_sequence_mut().context("no list")?;
    items.insert(if on_top { 0 } else { items.len() }, entry);
    Ok(())
}

/// Whether following the advice did what the words promise, and nothing else.
fn right(before: &Outcome, after: &Outcome, finding: &Diagnostic, advice: &Advice) -> anyhow::Result<()> {
    let Some(output) = &after.output else { return Ok(()) };
    let Advice::Add { list, .. } = advice else { return Ok(()) };
    match list.as_str() {
        "references" => {
            let place = (finding.location.object.as_ref(), finding.location.path.as_deref());
            let (Some(object), Some(path)) = place else { bail!("no place") };
            let name = finding.message.split("Secret ").nth(1).and_then(|rest| rest.split(',').next());
            let found = at(output, &object.kind, &object.name, path);
            ensure!(found.as_deref() != name, "{path} still is {name:?}");
        }
        "dropAnnotations" => {
            let name = finding.message.split(' ').nth(1).unwrap_or_default();
            ensure!(!output.contains(&format!("{name}:")), "{name} is still there");
        }
        "allow" | "vault" => {
            if let Some(before) = &before.output {
                ensure!(before == output, "something else changed");
            }
        }
        _ => {}
    }
    Ok(())
}

/// The text at a path of an object.
fn at(output: &str, kind: &str, name: &str, path: &str) -> Option<String> {
    fn objects<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
        found.push(value);
        for item in value.get("items").and_then(Value::as_sequence).into_iter().flatten() {
            objects(item, found);
        }
    }
    let documents = documents(output).ok()?;
    let mut all = Vec::new();
    for document in &documents {
        objects(&document.value, &mut all);
    }
    let is = |object: &&&Value| {
        object.get("kind").and_then(Value::as_str) == Some(kind)
            && object.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str)
                == Some(name)
    };
    let mut node: &Value = all.iter().find(is)?;
    for step in path.split(['.', '[']).map(|step| step.trim_end_matches(']')) {
        node = match step.parse::<usize>() {
            Ok(position) if node.is_sequence() => node.get(position)?,
            _ => node.get(step.trim_matches('"'))?,
        };
    }
    node.as_str().map(str::to_owned)
}

/// The first of several findings has all entries, on a line that is YAML.
fn joined(findings: &[Diagnostic]) -> anyhow::Result<()> {
    for list in ["references", "dropAnnotations"] {
        let words = format!("add to spec.{list}: - ");
        let mut entries: Vec<&str> = Vec::new();
        let lines = findings.iter().flat_map(|finding| finding.help.lines());
        for entry in lines.filter_map(|line| Some(line.split_once(&words)?.1)) {
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        if entries.len() < 2 {
            continue;
        }
        let first = findings.iter().find(|finding| finding.help.contains(&words)).context("a finding")?;
        let line = first.help.lines().find_map(|line| line.strip_prefix("for all "));
        let (_, line) = line.and_then(|line| line.split_once(": ")).context("no line with all entries")?;
        let all: Value = serde_yaml::from_str(line)?;
        let own = entries.iter().map(|entry| serde_yaml::from_str::<Value>(entry));
        ensure!(all[list].as_sequence() == Some(&own.collect::<Result<_, _>>()?), "{line}");
        ensure!(first.code == Code::LeftBehind || first.code == Code::ChecksumAnnotation, "{line}");
    }
    Ok(())
}
