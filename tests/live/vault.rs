use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::custom_kind::make_kind;
use crate::machine::{RESECRET, repository, text};
use crate::said::Said;
use crate::site::Site;
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "vault::what_is_wrong_with_it", majors: BOTH, run: wrong },
    Scenario { name: "vault::round_trip", majors: BOTH, run: round_trip },
];

/// The credentials of a stack that began with literals, as its pods read them.
const RENDER: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: langfuse-web
        env:
        - {name: SALT, value: canary-salt}
        - {name: ENCRYPTION_KEY, value: canary-key}
        - {name: DATABASE_URL, value: canary-url}
        - {name: DATABASE_PASSWORD, value: canary-password}
";

/// A fault, the keys and values of a Secret that has it, and the rules that find it.
type Fault = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

/// What a Secret made by `kubectl create secret` can lack.
const FAULTS: [Fault; 6] = [
    ("a missing Secret", &[], &["missing-secret"]),
    (
        "a missing key",
        &[("encryption-key", HEX64), ("database-url", URL), ("database-password", "canary")],
        &["missing-key"],
    ),
    (
        "an empty value",
        &[("salt", ""), ("encryption-key", HEX64), ("database-url", URL), ("database-password", "canary")],
        &["empty-value"],
    ),
    (
        "ENCRYPTION_KEY of 32 digits",
        &[
            ("salt", "canary"),
            ("encryption-key", HEX32),
            ("database-url", URL),
            ("database-password", "canary"),
        ],
        &["wrong-format"],
    ),
    (
        "special characters in a password",
        &[
            ("salt", "canary"),
            ("encryption-key", HEX64),
            ("database-url", BAD_URL),
            ("database-password", "can@ry/"),
        ],
        &["wrong-format"],
    ),
    (
        "nothing",
        &[
            ("salt", "canary"),
            ("encryption-key", HEX64),
            ("database-url", URL),
            ("database-password", "canary"),
        ],
        &[],
    ),
];

const HEX32: &str = "00112233445566778899aabbccddeeff";
const HEX64: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const URL: &str = "postgresql://langfuse:can%40ry@db:5432/langfuse";
const BAD_URL: &str = "postgresql://langfuse:can@ry/@db:5432/langfuse";

/// The faults that operators meet, in Secrets as the cluster holds them.
fn wrong(this: &Try) -> Result<()> {
    for (fault, literals, expected) in FAULTS {
        let site = this.site()?;
        let said = against(&site, literals)?;
        ensure!(said.rules().into_iter().eq(expected.iter().copied()), "{fault}: {said:?}");
        site.row(&format!("keys --against a Secret with {fault}"), &said.summary(), "the Secret as it is");
    }
    Ok(())
}

fn against(site: &Site, literals: &[(&str, &str)]) -> Result<Said> {
    if !literals.is_empty() {
        let literals = literals.iter().map(|(key, value)| format!("--from-literal={key}={value}"));
        let literals: Vec<String> = literals.collect();
        let create = ["create", "secret", "generic", "langfuse-vault"];
        site.kubectl(create.into_iter().chain(literals.iter().map(String::as_str)))?.succeeded()?;
    }
    let live =
        site.kubectl(["get", "secrets", "--field-selector=type=Opaque", "-o", "yaml"])?.succeeded()?.stdout;
    let (live, render) =
        (site.machine.write("live.yaml", &live)?, site.machine.write("render.yaml", RENDER)?);
    let presets = ["--preset=langfuse", "--preset=langfuse-stores", "--to=langfuse-vault"];
    let keys = ["keys", text(&render)?, "--format=json", "--against", text(&live)?];
    let run = site.helm.run_by(RESECRET.as_ref(), keys.into_iter().chain(presets))?;
    run.does_not_say("can@ry")?;
    run.does_not_say("canary")?;
    let report = if run.stdout.trim().is_empty() { &run.stderr } else { &run.stdout };
    Said::read(if report.trim().is_empty() { "{\"results\": []}" } else { report })
}

/// A name and a key.
type NamedKey = (String, String);

/// The kinds that `keys -o` prints for operators: the form, its flags, group and kind, and where an object says its keys.
type Form = (&'static str, &'static [&'static str], &'static str, &'static str, fn(&Value) -> Vec<String>);

const FORMS: [Form; 3] = [
    ("external-secret", &["--store", "store"], "external-secrets.io", "ExternalSecret", |object| {
        let data = object["spec"]["data"].as_array().into_iter().flatten();
        data.filter_map(|entry| entry["secretKey"].as_str()).map(str::to_owned).collect()
    }),
    ("sealed-secret", &[], "bitnami.com", "SealedSecret", |object| {
        let data = object["spec"]["encryptedData"].as_object().into_iter().flatten();
        data.map(|(key, _)| key.clone()).collect()
    }),
    ("vault-static-secret", &[], "secrets.hashicorp.com", "VaultStaticSecret", |object| {
        let includes = object["spec"]["destination"]["transformation"]["includes"].as_array();
        let patterns = includes.into_iter().flatten().filter_map(Value::as_str);
        patterns.map(|key| key.trim_matches(['^', '$']).replace("\\.", ".")).collect()
    }),
];

/// What `keys` prints for a proposal goes to the server and comes back with every key, in every form; filled in, it is a
/// vault in which nothing is missing.
fn round_trip(this: &Try) -> Result<()> {
    let renders = renders(this)?;
    for (what, render) in &renders {
        let site = this.site()?;
        let here = with_field(render, "namespace: ", site.namespace());
        let render = site.machine.write("render.yaml", &here)?;
        let config = site.machine.path("proposal.yaml");
        let (render, config) = (text(&render)?, text(&config)?);
        resecret(&site, &["scan", "--quiet", "--write", config, render])?;
        let keys = |more: &[&str]| {
            let namespace = format!("--namespace={}", site.namespace());
            resecret(&site, &[&["keys", "--quiet", "--config", config, &namespace], more, &[render]].concat())
        };
        let wanted = wanted(&serde_json::from_str(&keys(&["-o", "json"])?)?);
        ensure!(!wanted.is_empty(), "{what} has no key");

        let filled = keys(&["-o", "secret"])?.replace("CHANGE-ME", "canary-vault");
        let filled = site.machine.write("secrets.yaml", &filled)?;
        site.kubectl(["apply", "-f", text(&filled)?])?.succeeded()?;
        let live = site.kubectl(["get", "secrets", "-o", "yaml"])?.succeeded()?.stdout;
        let live = site.machine.write("live.yaml", &live)?;
        keys(&["--against", text(&live)?]).with_context(|| what.clone())?;

        for (form, flags, group, kind, keys_of) in FORMS {
            let (definition, version) = make_kind(&site, group, kind, "v1", "Namespaced")?;
            let printed = keys(&[&["-o", form], flags].concat())?;
            let printed = with_field(&printed, &format!("apiVersion: {group}/"), &version);
            let printed = site.machine.write("objects.yaml", &printed)?;
            site.kubectl(["apply", "-f", text(&printed)?])?.succeeded()?;
            let listed = site.kubectl(["get", &definition, "-o", "json"])?.succeeded()?.stdout;
            let listed: Value = serde_json::from_str(&listed)?;
            let objects = listed["items"].as_array().context("a list")?;
            let held: BTreeSet<NamedKey> = objects
                .iter()
                .flat_map(|object| keys_of(object).into_iter().map(|key| (name_of(object), key)))
                .collect();
            // Of a Secret that is read as a whole this one takes all that the vault has.
            let is_whole = |name: &String| {
                kind == "VaultStaticSecret"
                    && objects.iter().any(|object| name_of(object) == *name && keys_of(object).is_empty())
            };
            let missing: Vec<&NamedKey> =
                wanted.iter().filter(|key| !held.contains(*key) && !is_whole(&key.0)).collect();
            ensure!(missing.is_empty(), "{what}, {form}: {missing:?} did not come back");
        }
        site.row(&format!("keys in every form for {what}"), "", "every key; nothing missing");
    }
    Ok(())
}

/// A text in which each line that begins like this ends like that.
fn with_field(text: &str, begin: &str, end: &str) -> String {
    let line = |line: &str| {
        let content = line.trim_start();
        let indentation = &line[..line.len() - content.len()];
        if content.starts_with(begin) { format!("{indentation}{begin}{end}\n") } else { format!("{line}\n") }
    };
    text.lines().map(line).collect()
}

/// The renders of the corpus, where it is there, and the one of this repository.
fn renders(this: &Try) -> Result<Vec<(String, String)>> {
    let own = repository(&format!("tests/renders/umbrella-{}.yaml", this.major.client()));
    let mut all = vec![("the umbrella".to_owned(), fs::read_to_string(own)?)];
    let corpus = fs::read_dir(repository("../shared/corpus")).into_iter().flatten().flatten();
    for folder in corpus.map(|entry| entry.path()) {
        let file = folder.join(format!("{}-stdin.yaml", this.major.client()));
        if let (Ok(render), Some(name)) = (fs::read_to_string(file), folder.file_name()) {
            all.push((name.to_string_lossy().into_owned(), render));
        }
    }
    Ok(all)
}

fn resecret(site: &Site, arguments: &[&str]) -> Result<String> {
    Ok(site.helm.run_by(RESECRET.as_ref(), arguments.iter().copied())?.succeeded()?.stdout)
}

/// Every key of every vaulted Secret.
fn wanted(keys: &Value) -> BTreeSet<NamedKey> {
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let secrets = keys["secrets"].as_array().into_iter().flatten();
    let of_secret = |secret: &Value| {
        let all = secret["keys"].as_array().into_iter().flatten();
        all.map(|key| (name(secret), name(key))).collect::<Vec<_>>()
    };
    secrets.flat_map(of_secret).collect()
}

fn name_of(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}
