use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::clients;
use crate::machine::{Helm, Machine, Major, RESECRET, copy_folder, repository};
use crate::objects::Objects;
use crate::page::{Block, blocks};
use crate::results::is_in_the_table;
use crate::systems::{SYSTEMS, System};

/// What the pages use beside Helm and the program.
const TOOLS: [&str; 5] = ["cat", "diff", "kubectl", "mv", "od"];

/// One trial for each system and major of Helm.
pub(crate) fn trials() -> impl Iterator<Item = (String, Vec<&'static str>, impl Fn() -> Result<()>)> {
    SYSTEMS.into_iter().flat_map(|system| {
        [Major::Three, Major::Four].map(|major| {
            let name = format!("examples::{}::{}", system.folder.replace('-', "_"), major.client());
            let needs = vec![major.client(), "kubectl"];
            (name, needs, move || check(&system, major))
        })
    })
}

/// Does what the page says, and looks at the release that comes of it.
fn check(system: &System, major: Major) -> Result<()> {
    let machine = Machine::new()?;
    let helm = reader(&machine, major)?;
    copy_folder(&repository("examples"), &machine.path("examples"))?;
    let folder = machine.path("examples").join(system.folder);
    let page = fs::read_to_string(folder.join("README.md"))?;
    let blocks = blocks(&page, &[major.client()]);
    ensure!(blocks.len() >= 3, "only {} blocks of commands", blocks.len());
    for block in &blocks {
        run(&machine, &helm, &folder, block)?;
    }
    let read =
        |name: &str| fs::read_to_string(folder.join(name)).with_context(|| format!("cannot read {name}"));
    let (render, release) = (Objects::read(&read("render.yaml")?)?, Objects::read(&read("release.yaml")?)?);
    for name in system.chart_secrets {
        let key = format!("Secret {name}");
        ensure!(render.release.contains_key(&key), "the chart does not render {name}");
        ensure!(!release.release.contains_key(&key), "{name} is in the release");
    }
    no_value(&read("release.yaml")?)?;
    let entries = env(&release);
    for (secret, names) in system.variables {
        for name in *names {
            let found: Vec<_> = entries.iter().filter(|entry| entry["name"] == **name).collect();
            ensure!(!found.is_empty(), "{name} is nowhere");
            for entry in found {
                let reads = entry.pointer("/valueFrom/secretKeyRef/name").and_then(Value::as_str);
                ensure!(reads == Some(secret), "{name} does not read {secret}, it is {entry}");
            }
        }
    }
    let provided = provided(&folder)?;
    every_key_is_provided(&provided, &release, &entries)?;
    every_env_from_is_provided(&provided, &render, &release)?;
    let column = if major == Major::Three { 1 } else { 2 };
    let cell = format!("{} blocks, {} variables", blocks.len(), system.count());
    is_in_the_table(system.folder, column, &cell)
}

/// The machine of someone who has installed everything that the pages ask for.
fn reader(machine: &Machine, major: Major) -> Result<Helm> {
    let helm = machine.helm(major)?;
    machine.post_renderer(&helm)?;
    machine.add_tool("helm", helm.program())?;
    machine.add_tool("resecret", Path::new(RESECRET))?;
    for tool in TOOLS {
        machine.add_tool(tool, &clients::find(tool).map_err(anyhow::Error::msg)?)?;
    }
    Ok(helm)
}

fn run(machine: &Machine, helm: &Helm, folder: &Path, block: &Block) -> Result<()> {
    let run = block.run(machine, helm, folder)?;
    run.does_not_say("canary")?;
    block.shows(&run.stdout, helm.major)
}

/// The values of the examples begin with a word; ENCRYPTION_KEY has to be hexadecimal.
fn no_value(release: &str) -> Result<()> {
    // `canary-` in base64 at each offset.
    for value in ["canary", "Y2FuYXJ5", "NhbmFyeS", "jYW5hcnkt", "0123456789abcdef"] {
        ensure!(!release.contains(value), "a value is in the release: {value}…");
    }
    Ok(())
}

/// The containers of all pod templates.
fn containers(objects: &Objects) -> impl Iterator<Item = &Value> {
    let objects = objects.release.values().chain(objects.hooks.values());
    let lists = objects.flat_map(|object| {
        ["initContainers", "containers"].map(|field| object.pointer(&format!("/spec/template/spec/{field}")))
    });
    lists.flatten().filter_map(Value::as_array).flatten()
}

/// The entries of all containers.
fn env(objects: &Objects) -> Vec<&Value> {
    let lists = containers(objects).filter_map(|container| container.get("env")).filter_map(Value::as_array);
    lists.flatten().collect()
}

/// Demands that the manifests of `vault/` make every Secret and key that the release reads.
fn every_key_is_provided(provided: &Provided, release: &Objects, entries: &[&Value]) -> Result<()> {
    let has = |secret: &str, key: Option<&str>| match (provided.get(secret), key) {
        (None, _) => bail!("nothing in vault/ makes Secret {secret}"),
        (Some(keys), Some(key)) => {
            ensure!(keys.contains(key), "nothing in vault/ makes key {key} of {secret}");
            Ok(())
        }
        (Some(_), None) => Ok(()),
    };
    for reference in entries.iter().filter_map(|entry| entry.pointer("/valueFrom/secretKeyRef")) {
        let word = |field: &str| reference[field].as_str().context("a reference has a name and a key");
        has(word("name")?, Some(word("key")?))?;
    }
    for ingress in release.release.values().filter(|object| object["kind"] == "Ingress") {
        let secret = ingress.pointer("/spec/tls/0/secretName").and_then(Value::as_str);
        has(secret.context("the ingress has a certificate")?, Some("tls.crt"))?;
    }
    Ok(())
}

/// The same for `envFrom`, which takes the keys that the chart's Secret had.
fn every_env_from_is_provided(provided: &Provided, render: &Objects, release: &Objects) -> Result<()> {
    let sources =
        containers(release).filter_map(|container| container.get("envFrom")).filter_map(Value::as_array);
    for source in sources.flatten().filter_map(|source| source.pointer("/secretRef/name")) {
        let name = source.as_str().context("a reference has a name")?;
        let keys = provided.get(name).with_context(|| format!("nothing in vault/ makes Secret {name}"))?;
        let chart = render.release.get(&format!("Secret {name}")).context("the chart renders the Secret")?;
        for key in ["/data", "/stringData"].into_iter().flat_map(|field| keys_of(chart, field)) {
            ensure!(keys.contains(&key), "nothing in vault/ makes key {key} of {name}");
        }
    }
    Ok(())
}

/// Secrets by name, with their keys.
type Provided = BTreeMap<String, BTreeSet<String>>;

/// The Secrets that the manifests of an example make: those in `vault/`, or those that the page has written.
fn provided(folder: &Path) -> Result<Provided> {
    let mut files = vec![folder.join("secrets.yaml"), folder.join("sso.yaml")];
    for entry in fs::read_dir(folder.join("vault")).into_iter().flatten() {
        files.push(entry?.path());
    }
    let mut secrets = Provided::new();
    for file in files.into_iter().filter(|file| file.is_file()) {
        for object in Objects::read(&fs::read_to_string(file)?)?.release.into_values() {
            let (name, keys) = match object["kind"].as_str() {
                Some("ExternalSecret") => {
                    let data = object.pointer("/spec/data").and_then(Value::as_array);
                    let key = |item: &Value| item["secretKey"].as_str().map(str::to_owned);
                    let keys = data.into_iter().flatten().filter_map(key);
                    (
                        "/spec/target/name",
                        keys.chain(keys_of(&object, "/spec/target/template/data")).collect(),
                    )
                }
                Some("SealedSecret") => ("/metadata/name", keys_of(&object, "/spec/encryptedData")),
                Some("Certificate") => ("/spec/secretName", vec!["tls.crt".to_owned(), "tls.key".to_owned()]),
                Some("Secret") => {
                    ("/metadata/name", [keys_of(&object, "/data"), keys_of(&object, "/stringData")].concat())
                }
                kind => bail!("what does {kind:?} make?"),
            };
            let name = object.pointer(name).and_then(Value::as_str).context("a Secret has a name")?;
            secrets.entry(name.to_owned()).or_default().extend(keys);
        }
    }
    Ok(secrets)
}

fn keys_of(object: &Value, pointer: &str) -> Vec<String> {
    let map = object.pointer(pointer).and_then(Value::as_object);
    map.into_iter().flatten().map(|(key, _)| key.clone()).collect()
}
