use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use crate::clients;
use crate::cluster;
use crate::live::{containers, is_exact, objects};
use crate::machine::{Major, RESECRET, Run, text};
use crate::site::Site;

/// What each value of these scenarios begins with, plain and in base64. The word alone is in the API's documentation.
const CANARIES: [&str; 2] = ["canary-", "Y2FuYXJ5L"];

/// The shortest value that is looked for; a shorter one is part of too many words.
const SHORTEST: usize = 8;

/// The programs of a script, beside the shell.
const PROGRAMS: [&str; 3] = ["awk", "grep", "sed"];

/// The value of each variable, in base64, by object, container and name.
type Environment = BTreeMap<(String, String, String), String>;

/// After what an interruption comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Each change.
    Change,
    /// Each step that has changed something.
    Step,
}

/// A release whose script is watched.
pub(crate) struct Adopted {
    pub(crate) site: Site,
    /// The script.
    pub(crate) script: String,
    /// The folder that the script runs in.
    work: PathBuf,
    /// What the chart renders and nobody may see.
    values: Vec<String>,
    /// What the pods had before.
    before: Environment,
    /// How long the cluster's audit log was before.
    audited: usize,
}

impl Adopted {
    /// Makes the script of a release that is installed. The chart's render and the last manifest are files with values,
    /// as a user has them.
    pub(crate) fn new(site: Site, flags: &[&str]) -> Result<Self> {
        Self::with_live(site, "", flags)
    }

    /// The same with live objects behind the last manifest.
    pub(crate) fn with_live(site: Site, live: &str, flags: &[&str]) -> Result<Self> {
        let work = site.machine.path("work");
        fs::create_dir_all(&work)?;
        fs::copy(site.machine.path("resecret.yaml"), work.join("resecret.yaml"))?;
        let chart: Vec<String> = site.chart().to_vec();
        let (chart, rest) = chart.split_first().context("a chart")?;
        let words = || [chart.as_str()].into_iter().chain(rest.iter().map(String::as_str));
        let render =
            site.helm(["template", &site.release, "--no-hooks"].into_iter().chain(words()))?.succeeded()?;
        fs::write(work.join("render.yaml"), &render.stdout)?;
        fs::write(work.join("previous.yaml"), format!("{}\n---\n{live}", site.manifest()?))?;
        let major = if site.helm.major == Major::Three { "3" } else { "4" };
        let path = |name: &str| Ok::<_, anyhow::Error>(text(&work.join(name))?.to_owned());
        let (render_file, previous, config) =
            (path("render.yaml")?, path("previous.yaml")?, path("resecret.yaml")?);
        let arguments =
            ["adopt", "--release", &site.release, "--helm", major, "--chart", chart, "--previous", &previous];
        let rest = rest.iter().map(String::as_str);
        let all = arguments
            .into_iter()
            .chain(["--config", &config])
            .chain(flags.iter().copied())
            .chain([render_file.as_str(), "--", "--no-hooks"])
            .chain(rest);
        let script = site.helm.run_by(RESECRET.as_ref(), all)?.succeeded()?.stdout;
        let mut filter = Command::new(RESECRET);
        filter.args(["--quiet", "--config", &config]).stdin(fs::File::open(&render_file)?);
        let filtered = String::from_utf8(filter.output()?.stdout)?;
        watch(&site)?;
        let audited = audit_log()?.unwrap_or_default().len();
        let values = values(&render.stdout, &filtered)?;
        let before = environment(&site)?;
        let adopted = Self { site, script, work, values, before, audited };
        adopted.says_nothing("the script", &adopted.script)?;
        Ok(adopted)
    }

    /// Runs a script in the folder; whatever it says holds no value.
    pub(crate) fn run(&self, script: &str, arguments: &[&str]) -> Result<Run> {
        let file = self.site.machine.write("adopt.sh", &format!("cd '{}'\n{script}", text(&self.work)?))?;
        let shell = clients::on_path("sh").context("sh is on PATH")?;
        let run =
            self.site.helm.run_by(&shell, [text(&file)?].into_iter().chain(arguments.iter().copied()))?;
        self.says_nothing("the terminal", &run.to_string())?;
        Ok(run)
    }

    /// Asks first, is interrupted and started again until it has come to its end, and then changes nothing any more. Nothing
    /// is lost and nothing is shown.
    pub(crate) fn adopts(&self, interrupted: After) -> Result<Run> {
        self.only_asks()?;
        let end = self.comes_to_its_end(interrupted)?;
        is_exact(&self.site)?;
        self.loses_nothing()?;
        self.changes_nothing_more()?;
        self.leaks_nothing()?;
        Ok(end)
    }

    /// A dry run changes nothing, and does not try to.
    pub(crate) fn only_asks(&self) -> Result<Run> {
        let before = self.versions()?;
        let audited = audit_log()?.unwrap_or_default().len();
        let run = self.run(&self.script, &["--dry-run"])?.succeeded()?;
        let after = self.versions()?;
        ensure!(after == before, "a dry run has changed something: {before:?}, {after:?}");
        let is_question = |record: &&str| {
            ["get", "list"].iter().any(|verb| record.contains(&format!("\"verb\":\"{verb}\"")))
        };
        let records = self.records(audited)?.unwrap_or_default();
        let change = records.lines().find(|record| !is_question(record));
        ensure!(change.is_none(), "a dry run does more than ask: {change:?}");
        Ok(run)
    }

    /// Runs the script until it ends by itself.
    pub(crate) fn comes_to_its_end(&self, interrupted: After) -> Result<Run> {
        let script = self.interruptible(interrupted)?;
        let mut interruptions = 0;
        loop {
            let run = self.run(&script, &[])?;
            match run.code {
                Some(9) if interruptions < 60 => interruptions += 1,
                _ => {
                    ensure!(interruptions > 0, "nothing was interrupted: {run}");
                    return run.succeeded();
                }
            }
        }
    }

    /// The script that ends with the code 9 where it is interrupted.
    fn interruptible(&self, after: After) -> Result<String> {
        let (from, to) = match after {
            After::Change => {
                ("when the cause is gone\"\n    fi\n", "when the cause is gone\"\n        exit 9\n    fi\n")
            }
            After::Step => (
                "when the cause is gone\"\n    fi\n",
                "when the cause is gone\"\n        acted=true\n    fi\n",
            ),
        };
        let script = self.script.replacen(from, to, 1);
        let script = match after {
            After::Change => script,
            After::Step => script
                .replacen("\nstep() {\n", "\nacted=false\nstep() {\n    ! $acted || exit 9\n", 1)
                .replacen("\n$dry_run && exit\n", "\n! $acted || exit 9\n$dry_run && exit\n", 1),
        };
        ensure!(
            script.contains(to) && script.matches("exit 9").count() >= 1,
            "the script is made of other lines"
        );
        Ok(script)
    }

    /// The script as it is printed, once more.
    pub(crate) fn changes_nothing_more(&self) -> Result<()> {
        let before = self.versions()?;
        self.run(&self.script, &[])?.succeeded()?;
        let after = self.versions()?;
        ensure!(after == before, "the next run has changed something: {before:?}, {after:?}");
        Ok(())
    }

    /// Each variable that had a value has the same one.
    pub(crate) fn loses_nothing(&self) -> Result<()> {
        let after = environment(&self.site)?;
        for (place, value) in &self.before {
            ensure!(after.get(place) == Some(value), "{place:?} has lost its value");
        }
        Ok(())
    }

    /// The version of every object in the namespace, Helm's records included.
    pub(crate) fn versions(&self) -> Result<BTreeMap<String, String>> {
        let kinds = "secrets,configmaps,services,serviceaccounts,deployments,statefulsets,jobs,persistentvolumeclaims";
        let shown = "{range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{'\\n'}{end}";
        let list = self.site.kubectl(["get", kinds, "-o", &format!("jsonpath={shown}")])?.succeeded()?.stdout;
        let line =
            |line: &str| line.split_once(' ').map(|(name, version)| (name.to_owned(), version.to_owned()));
        Ok(list.lines().filter_map(line).collect())
    }

    /// No value went through an argument, the environment or a file, nor into a record of what was asked of the server.
    pub(crate) fn leaks_nothing(&self) -> Result<()> {
        self.shows_nothing()?;
        if let Some(records) = self.records(self.audited)? {
            ensure!(
                records.contains("\"verb\":\"patch\"") || records.contains("\"verb\":\"create\""),
                "the log holds no change"
            );
            self.says_nothing("the audit log", &records)?;
        }
        Ok(())
    }

    /// No record of what was asked of the server since this script was made holds a value, plain or in base64.
    pub(crate) fn is_in_no_record(&self, value: &str) -> Result<()> {
        let Some(records) = self.records(self.audited)? else { return Ok(()) };
        ensure!(records.contains("\"verb\":\"get\""), "the log holds no question");
        for spelling in [value.to_owned(), BASE64_STANDARD.encode(value)] {
            ensure!(!records.contains(&spelling), "the audit log holds a value");
        }
        Ok(())
    }

    /// What the cluster has written down of this namespace since its log had this length, if it writes one.
    fn records(&self, since: usize) -> Result<Option<String>> {
        let own = format!("\"namespace\":\"{}\"", self.site.namespace());
        let Some(log) = audit_log()? else { return Ok(None) };
        let records = String::from_utf8_lossy(&log[since..]).into_owned();
        Ok(Some(records.lines().filter(|line| line.contains(&own)).map(|line| format!("{line}\n")).collect()))
    }

    /// No value went through an argument, the environment or a file.
    pub(crate) fn shows_nothing(&self) -> Result<()> {
        let calls = fs::read_to_string(self.site.machine.path("calls"))?;
        ensure!(calls.contains(" get secret"), "no call was seen");
        self.says_nothing("an argument or the environment", &calls)?;
        let own = ["render.yaml", "previous.yaml", "values.yaml", "manifest.yaml", "vault.yaml"];
        for file in files(&self.site.machine.path(""))? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !own.contains(&name.as_str()) && !file.starts_with(self.site.machine.path("chart")) {
                self.says_nothing(&name, &String::from_utf8_lossy(&fs::read(&file)?))?;
            }
        }
        Ok(())
    }

    /// Demands that a text holds no value.
    fn says_nothing(&self, what: &str, text: &str) -> Result<()> {
        let values = || self.values.iter().map(String::as_str).chain(CANARIES);
        if let Some(value) = values().find(|value| text.contains(value)) {
            let line = text.lines().find(|line| line.contains(value)).unwrap_or_default();
            let line: String = line.chars().take(300).collect();
            anyhow::bail!("{what} shows a value, {value:?}: {line}");
        }
        Ok(())
    }

    /// Makes what the release reads and the script does not fill: Secrets that were there before it.
    pub(crate) fn fill_the_rest(&mut self) -> Result<()> {
        let (render, config) = (self.work.join("render.yaml"), self.work.join("resecret.yaml"));
        let keys = ["keys", "--quiet", "--output=json", "--config", text(&config)?, text(&render)?];
        let table = self.site.helm.run_by(RESECRET.as_ref(), keys)?.succeeded()?.stdout;
        let table: Value = serde_json::from_str(&table)?;
        for secret in table["secrets"].as_array().context("Secrets")? {
            let name = secret["name"].as_str().context("a name")?;
            let live = self.site.get(&format!("Secret/{name}"))?.unwrap_or_default();
            let keys =
                secret["keys"].as_array().context("keys")?.iter().filter_map(|key| key["name"].as_str());
            let is_filled = |key: &str| {
                let mut lines = self.script.lines().filter(|line| line.contains(&format!(" {name} {key} ")));
                lines.any(|line| !line.starts_with("fill spare") || self.has_source(line))
            };
            let missing = keys.filter(|key| !is_filled(key) && live["data"][*key].is_null());
            let literals: Vec<String> =
                missing.map(|key| format!("--from-literal={key}={}", given(key))).collect();
            if !literals.is_empty() {
                let create = ["create", "secret", "generic", name];
                let literals = literals.iter().map(String::as_str);
                self.site.kubectl(create.into_iter().chain(literals))?.succeeded()?;
            }
        }
        self.before = environment(&self.site)?;
        Ok(())
    }

    /// Whether what nobody reads is live: `fill spare VAULT KEY secret SOURCE KEY` passes over what is not.
    fn has_source(&self, line: &str) -> bool {
        let [.., "secret", source, key] = line.split(' ').collect::<Vec<_>>()[..] else { return true };
        let live = self.site.get(&format!("Secret/{source}"));
        live.is_ok_and(|secret| secret.is_some_and(|secret| !secret["data"][key].is_null()))
    }

    /// What a live Secret holds under a key.
    pub(crate) fn value(&self, secret: &str, key: &str) -> Result<String> {
        let template = format!("go-template={{{{index .data \"{key}\" | base64decode}}}}");
        Ok(self.site.kubectl(["get", "secret", secret, "-o", &template])?.succeeded()?.stdout)
    }
}

/// A value that passes for one of the key.
fn given(key: &str) -> &'static str {
    match key {
        "tls.crt" => "-----BEGIN CERTIFICATE-----\ncanary-given\n-----END CERTIFICATE-----\n",
        "tls.key" => "-----BEGIN PRIVATE KEY-----\ncanary-given\n-----END PRIVATE KEY-----\n",
        _ => "canary-given",
    }
}

/// The values of a render's Secrets and variables, plain and in base64, that are not in what the filter makes of it.
fn values(render: &str, filtered: &str) -> Result<Vec<String>> {
    let mut values = Vec::new();
    for (key, object) in objects(render)? {
        if key.starts_with("Secret/") {
            let texts =
                |field: &str| object[field].as_object().into_iter().flatten().filter_map(|(_, v)| v.as_str());
            for encoded in texts("data") {
                let plain = BASE64_STANDARD.decode(encoded).unwrap_or_default();
                values.extend([encoded.to_owned(), String::from_utf8_lossy(&plain).into_owned()]);
            }
            values.extend(texts("stringData").map(str::to_owned));
        }
        let literals = containers(&object).into_iter().flat_map(|(_, env)| env);
        values.extend(literals.filter_map(|entry| entry["value"].as_str().map(str::to_owned)));
    }
    values.retain(|value| {
        value.len() >= SHORTEST && !value.contains('\n') && !filtered.contains(value.as_str())
    });
    Ok(values)
}

/// What each variable of the live objects has as its value, as far as it has one.
fn environment(site: &Site) -> Result<Environment> {
    let list = |kind: &str| -> Result<Vec<Value>> {
        let list = site.kubectl(["get", kind, "-o", "json"])?.succeeded()?.stdout;
        Ok(serde_json::from_str::<Value>(&list)?["items"].as_array().cloned().unwrap_or_default())
    };
    let by_name = |objects: Vec<Value>| -> BTreeMap<String, Value> {
        let named =
            objects.into_iter().map(|o| (o["metadata"]["name"].as_str().unwrap_or_default().to_owned(), o));
        named.collect()
    };
    let (secrets, maps) = (by_name(list("secrets")?), by_name(list("configmaps")?));
    let of = |reference: &Value, objects: &BTreeMap<String, Value>| -> Option<String> {
        let object = objects.get(reference["name"].as_str()?)?;
        object["data"][reference["key"].as_str()?].as_str().map(str::to_owned)
    };
    let mut found = Environment::new();
    for object in list("deployments,statefulsets,jobs")? {
        let name = format!("{}/{}", object["kind"], object["metadata"]["name"]);
        for (container, env) in containers(&object) {
            for entry in env {
                let literal =
                    entry["value"].as_str().filter(|value| !value.is_empty() && !value.contains("$("));
                let from = &entry["valueFrom"];
                let value = literal
                    .map(|value| BASE64_STANDARD.encode(value.replace("$$", "$")))
                    .or_else(|| of(&from["secretKeyRef"], &secrets))
                    .or_else(|| of(&from["configMapKeyRef"], &maps).map(|text| BASE64_STANDARD.encode(text)));
                let variable = entry["name"].as_str().unwrap_or_default().to_owned();
                let place = (name.clone(), container.clone(), variable);
                // The last entry of a name counts.
                found.remove(&place);
                found.extend(value.map(|value| (place, value)));
            }
        }
    }
    Ok(found)
}

/// The cluster's audit log, if it writes one.
fn audit_log() -> Result<Option<Vec<u8>>> {
    Ok(cluster::audit_log().map(fs::read).transpose()?)
}

/// Every file below a folder; links are not followed.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => found.extend(files(&entry.path())?),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    Ok(found)
}

/// Puts the programs of a script on the PATH, each behind a note of its arguments and its environment.
fn watch(site: &Site) -> Result<()> {
    let mut programs: Vec<(String, PathBuf)> = vec![
        ("helm".to_owned(), site.helm.program().to_owned()),
        ("kubectl".to_owned(), site.kubectl_program().to_owned()),
        ("resecret".to_owned(), RESECRET.into()),
    ];
    for program in PROGRAMS {
        let path = clients::on_path(program).with_context(|| format!("{program} is on PATH"))?;
        programs.push((program.to_owned(), path));
    }
    let calls = site.machine.path("calls");
    for (name, program) in programs {
        let tool = format!("tools/{name}");
        let _ = fs::remove_file(site.machine.path(&tool));
        let (program, calls) = (text(&program)?, text(&calls)?);
        let body = format!("{{ echo \"{name} $*\"; export -p; }} >>'{calls}'\nexec '{program}' \"$@\"\n");
        site.machine.write_script(&tool, &body)?;
    }
    Ok(())
}
