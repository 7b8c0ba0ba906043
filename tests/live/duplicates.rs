use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_yaml::Value;

use crate::machine::{Major, RESECRET, repository, text};
use crate::site::Site;
use crate::{Scenario, Try};

/// One render has one answer of the server, whichever Helm made it.
const ONE: &[Major] = &[Major::Three];

pub(crate) const ALL: &[Scenario] = &[Scenario { name: "duplicates::renders", majors: ONE, run: renders }];

/// Equal entries in every list of the table that an object of this size can hold.
const LISTS: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata: {name: lists, finalizers: [example.org/a, example.org/a]}
secrets: [{name: a}, {name: a}]
imagePullSecrets: [{name: a}, {name: a}]
---
apiVersion: v1
kind: Service
metadata: {name: lists}
spec:
  selector: {app: lists}
  ports:
  - {name: web, port: 80}
  - {name: web, port: 80, protocol: TCP}
---
# Nothing is wrong with this one.
apiVersion: v1
kind: Service
metadata: {name: fine}
spec:
  selector: {app: lists}
  ports:
  - {name: web, port: 80}
  - {name: dns, port: 80, protocol: UDP}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: lists}
spec:
  selector: {matchLabels: {app: lists}}
  template:
    metadata: {labels: {app: lists}}
    spec:
      imagePullSecrets: [{name: a}, {name: a}]
      hostAliases:
      - {ip: 192.0.2.1, hostnames: [a]}
      - {ip: 192.0.2.1, hostnames: [a]}
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}
      - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}
      volumes:
      - {name: data, emptyDir: {}}
      - {name: data, emptyDir: {}}
      containers:
      - name: app
        image: example.org/app
        ports: [{containerPort: 80}, {containerPort: 80, protocol: TCP}]
        env: [{name: A, value: first}, {name: B, value: other}, {name: A, value: last}]
        volumeMounts: [{name: data, mountPath: /data}, {name: data, mountPath: /data}]
";

/// What the server says of one entry too many.
const REFUSED: &str = "duplicate entries for key";

/// Every render that the server refuses for an entry that is there twice goes through afterwards, and what it did not refuse
/// is the same byte for byte.
fn renders(this: &Try) -> Result<()> {
    let site = this.site()?;
    let (mut repaired, mut whole) = (0, 0);
    for (number, (name, render)) in streams(&site)?.into_iter().enumerate() {
        let file = site.machine.write(&format!("{number}.yaml"), &render)?;
        namespaces(&site, &render)?;
        let before = apply(&site, &file)?;
        let filtered = filter(&file).with_context(|| name.clone())?;
        // Errors name the file.
        let after = apply(&site, &site.machine.write(&format!("{number}.yaml"), &filtered)?)?;
        let is_refused = |line: &&String| line.contains(REFUSED);
        // What the server does not know is not sent to it.
        let is_unknown =
            |line: &&String| line.contains("no matches for kind") || line.contains("ensure CRDs are");
        let others = |lines: &[String]| {
            lines.iter().filter(|line| !is_refused(line) && !is_unknown(line)).cloned().collect()
        };
        ensure!(!after.iter().any(|line| is_refused(&line)), "{name} is still refused: {after:#?}");
        let (known, left): (BTreeSet<String>, BTreeSet<String>) = (others(&before), others(&after));
        ensure!(left.is_subset(&known), "{name} is refused for something new: {left:#?}");
        let [inputs, outputs] = [&render, &filtered].map(|stream| stream.split("\n---").collect::<Vec<_>>());
        ensure!(inputs.len() == outputs.len(), "{name} has lost documents");
        for (input, output) in inputs.into_iter().zip(outputs) {
            let (kind, object) = identity(input)?;
            let names = |line: &&String| {
                line.contains(&format!("Kind={kind})")) && line.contains(&format!("/{object};"))
            };
            // Without its definition the server does not know the kind of a custom resource.
            if before.iter().any(|line| line.contains(&format!("no matches for kind \"{kind}\""))) {
                continue;
            }
            let refused = before.iter().filter(is_refused).any(|line| names(&line));
            ensure!(
                refused == (input != output),
                "{name}: {kind}/{object} is refused: {refused}; {before:#?}\n{output}"
            );
            *(if refused { &mut repaired } else { &mut whole }) += 1;
        }
    }
    ensure!(repaired > 10 && whole > 50, "{repaired} objects were refused, {whole} were not");
    site.row(
        &format!("`--duplicates last` on {} objects of real and own charts", repaired + whole),
        "",
        &format!("{repaired} were refused and go through, {whole} are unchanged"),
    );
    Ok(())
}

/// The renders of the repository and of the corpus, and what the charts of the tests render.
fn streams(site: &Site) -> Result<Vec<(String, String)>> {
    let mut found = vec![("lists".to_owned(), LISTS.to_owned())];
    for name in ["umbrella-helm3.yaml", "umbrella-helm4.yaml"] {
        found.push((name.to_owned(), fs::read_to_string(repository("tests/renders").join(name))?));
    }
    let null_lost = repository("tests/charts/null-lost.yaml");
    let values: [(&str, &[&str]); 3] =
        [("umbrella", &["-f", text(&null_lost)?]), ("only-secret", &[]), ("generated", &[])];
    for (name, values) in values {
        let chart = repository("tests/charts").join(name);
        let run = site.helm(["template", "lf", text(&chart)?].into_iter().chain(values.iter().copied()))?;
        found.push((name.to_owned(), run.succeeded()?.stdout));
    }
    let corpus = fs::read_dir(repository("../shared/corpus")).into_iter().flatten().flatten();
    for folder in corpus {
        for name in ["helm3-stdin.yaml", "helm4-stdin.yaml"] {
            if let Ok(text) = fs::read_to_string(folder.path().join(name)) {
                found.push((format!("{} {name}", folder.file_name().to_string_lossy()), text));
            }
        }
    }
    Ok(found)
}

/// What the flag alone makes of a render.
fn filter(file: &Path) -> Result<String> {
    let mut command = Command::new(RESECRET);
    command.args(["--quiet", "--duplicates", "last"]).stdin(fs::File::open(file)?);
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Makes the namespaces that a render speaks of.
fn namespaces(site: &Site, render: &str) -> Result<()> {
    let named = render.lines().filter_map(|line| line.trim().strip_prefix("namespace: "));
    for name in named.map(|name| name.trim_matches('"')).collect::<BTreeSet<_>>() {
        let made = site.kubectl(["create", "namespace", name])?;
        ensure!(made.code == Some(0) || made.stderr.contains("already exists"), "{made}");
    }
    Ok(())
}

/// The errors of a server-side apply that changes nothing.
fn apply(site: &Site, file: &Path) -> Result<Vec<String>> {
    let run = site.kubectl(["apply", "--server-side", "--dry-run=server", "-f", text(file)?])?;
    let mut errors: Vec<String> = Vec::new();
    for line in run.stderr.lines().filter(|line| !line.starts_with("Warning:")) {
        // Several errors about one object are lines below the one that names it.
        match errors.last_mut().filter(|_| line.starts_with(' ')) {
            Some(error) => *error += line,
            None => errors.push(line.to_owned()),
        }
    }
    Ok(errors)
}

/// Kind and name of a document; of one without an object, nothing.
fn identity(document: &str) -> Result<(String, String)> {
    let text = document.trim_start_matches('-');
    let object: Value = serde_yaml::from_str(text).with_context(|| document.to_owned())?;
    let at = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok((at(object.get("kind")), at(object.get("metadata").and_then(|metadata| metadata.get("name")))))
}
