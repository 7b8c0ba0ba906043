use std::fs;

use anyhow::{Context as _, Result, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use crate::adopted::{Adopted, After};
use crate::custom_kind::make_kind;
use crate::immutable::delete;
use crate::live::is_exact;
use crate::machine::{Major, RESECRET, repository, text};
use crate::site::Site;
use crate::{BOTH, Scenario, Try, is_thorough};

const FOUR: &[Major] = &[Major::Four];

macro_rules! example {
    ($name:literal, $example:ident) => {
        Scenario { name: concat!("script::", $name), majors: BOTH, run: |this| example(this, &$example) }
    };
    ($name:literal, $example:ident, of_helm3) => {
        Scenario {
            name: concat!("script::", $name, "_of_helm3"),
            majors: FOUR,
            run: |this| example(&this.of_helm3(), &$example),
        }
    };
}

macro_rules! render {
    ($name:literal, $folder:literal) => {
        Scenario { name: concat!("script::", $name), majors: BOTH, run: |this| render(this, $folder) }
    };
    ($name:literal, $folder:literal, of_helm3) => {
        Scenario {
            name: concat!("script::", $name, "_of_helm3"),
            majors: FOUR,
            run: |this| render(&this.of_helm3(), $folder),
        }
    };
}

pub(crate) const ALL: &[Scenario] = &[
    example!("examples_of_umbrella", UMBRELLA),
    example!("examples_of_umbrella", UMBRELLA, of_helm3),
    example!("examples_of_aks", AKS),
    example!("examples_of_aks", AKS, of_helm3),
    example!("examples_of_dataspoke", DATASPOKE),
    example!("examples_of_dataspoke", DATASPOKE, of_helm3),
    example!("examples_of_compose", COMPOSE),
    example!("examples_of_compose", COMPOSE, of_helm3),
    example!("examples_of_first_hour", FIRST_HOUR),
    example!("examples_of_first_hour", FIRST_HOUR, of_helm3),
    example!("examples_of_external_secrets", EXTERNAL_SECRETS),
    example!("examples_of_external_secrets", EXTERNAL_SECRETS, of_helm3),
    render!("renders_of_umbrella", "langfuse-0.10.0-umbrella"),
    render!("renders_of_umbrella", "langfuse-0.10.0-umbrella", of_helm3),
    render!("renders_of_0_10", "langfuse-0.10.0-default"),
    render!("renders_of_0_10", "langfuse-0.10.0-default", of_helm3),
    render!("renders_of_1_5", "langfuse-1.5.0"),
    render!("renders_of_1_5", "langfuse-1.5.0", of_helm3),
    render!("renders_of_2_0", "langfuse-2.0.0"),
    render!("renders_of_2_0", "langfuse-2.0.0", of_helm3),
];

/// Scenarios of which others try the same on another way: one example stays, and the umbrella over the real chart.
pub(crate) const THOROUGH: &[&str] = &[
    "script::examples_of_umbrella",
    "script::examples_of_umbrella_of_helm3",
    "script::examples_of_aks",
    "script::examples_of_aks_of_helm3",
    "script::examples_of_dataspoke",
    "script::examples_of_dataspoke_of_helm3",
    "script::examples_of_compose",
    "script::examples_of_compose_of_helm3",
    "script::examples_of_first_hour_of_helm3",
    "script::examples_of_external_secrets",
    "script::examples_of_external_secrets_of_helm3",
    "script::renders_of_umbrella_of_helm3",
    "script::renders_of_0_10",
    "script::renders_of_0_10_of_helm3",
    "script::renders_of_1_5",
    "script::renders_of_1_5_of_helm3",
    "script::renders_of_2_0",
    "script::renders_of_2_0_of_helm3",
];

/// An example: its folder, its release, its chart and its values, below `examples`.
struct Example {
    folder: &'static str,
    release: &'static str,
    chart: &'static str,
    values: Option<&'static str>,
    /// Which of the chart's values take the keys again, on the way back; it is tried where there are some.
    back: &'static [&'static str],
}

const UMBRELLA: Example = Example {
    folder: "langfuse-umbrella",
    release: "lf",
    chart: "langfuse-umbrella",
    values: None,
    back: &[],
};
const AKS: Example = Example {
    folder: "langfuse-aks",
    release: "langfuse",
    chart: "charts/langfuse",
    values: Some("langfuse-aks/values.yaml"),
    back: &[],
};
const DATASPOKE: Example =
    Example { folder: "dataspoke", release: "dataspoke", chart: "dataspoke", values: None, back: &[] };
const COMPOSE: Example = Example {
    folder: "langfuse-from-compose",
    release: "stack",
    chart: "langfuse-from-compose",
    values: None,
    back: &[],
};
const FIRST_HOUR: Example = Example {
    folder: "first-hour",
    release: "lf",
    chart: "charts/langfuse",
    values: Some("first-hour/values.yaml"),
    back: &[
        "--value=SALT=langfuse.salt.value",
        "--value=ENCRYPTION_KEY=langfuse.encryptionKey.value",
        "--value=NEXTAUTH_SECRET=langfuse.nextauth.secret.value",
        "--value=langfuse-vault/nextauth-secret=langfuse.nextauth.secret.value",
        "--value=DATABASE_PASSWORD=postgresql.auth.password",
    ],
};
const EXTERNAL_SECRETS: Example = Example {
    folder: "langfuse-external-secrets",
    release: "lf",
    chart: "charts/langfuse",
    values: Some("langfuse-external-secrets/values.yaml"),
    back: &[],
};

/// An example's release, live for long, through the script alone.
fn example(this: &Try, example: &Example) -> Result<()> {
    let mut site = this.site()?;
    example.release.clone_into(&mut site.release);
    let below = |path: &str| format!("examples/{path}");
    site.chart_of(&below(example.chart))?;
    if let Some(values) = example.values {
        site.add_values(&repository(&below(values)))?;
    }
    site.install_plain()?;
    let rules = repository(&below(example.folder)).join("resecret.yaml");
    if rules.is_file() {
        site.machine.write("resecret.yaml", &fs::read_to_string(rules)?)?;
    } else {
        propose_rules(&site)?;
    }
    let mut adopted = Adopted::new(site, &[])?;
    adopted.fill_the_rest()?;
    adopted.adopts(After::Step)?;
    adopted.site.row(&format!("adopt.sh for examples/{}", example.folder), "", "equal to the manifest");
    if example.back.is_empty() { Ok(()) } else { back(adopted.site, example) }
}

/// The way back, by the chart's own values.
fn back(site: Site, example: &Example) -> Result<()> {
    let flags: Vec<&str> = ["--back"].iter().chain(example.back).copied().collect();
    // A path that ends at a table: Helm warns, with the table's values, which the script keeps off the terminal.
    let table: Vec<&str> = flags.iter().map(|flag| flag.strip_suffix(".value").unwrap_or(flag)).collect();
    let wrong = Adopted::new(site, &table)?;
    wrong.run(&wrong.script, &[])?.failed()?.says("warning: cannot overwrite table")?;
    if !is_thorough() {
        return Ok(());
    }
    let Adopted { site, .. } = wrong;
    let back = leaves(site, &flags)?;
    back.site.row(&format!("back.sh for examples/{}", example.folder), "", "the chart's own manifest");
    Ok(())
}

/// Runs the script that leaves resecret, interrupted after each step and once more at the end.
fn leaves(site: Site, flags: &[&str]) -> Result<Adopted> {
    let back = Adopted::new(site, flags)?;
    back.only_asks()?;
    // What a person must decide, and does.
    for _ in back.script.lines().filter(|line| line.trim_start().starts_with("gone ")) {
        let stopped = back.run(&back.script, &[])?.failed()?;
        stopped.says("gets a variable several times, which only a new object takes. Decide: ")?;
        let said = stopped.to_string();
        let command = said.split("run `kubectl ").nth(1).and_then(|rest| rest.split('`').next());
        delete(&back.site, command.context("a command")?)?;
    }
    back.comes_to_its_end(After::Step)?;
    back.changes_nothing_more()?;
    is_exact(&back.site)?;
    back.loses_nothing()?;
    back.shows_nothing()?;
    Ok(back)
}

/// The rules that `scan --write` proposes, as the page of the example takes them.
fn propose_rules(site: &Site) -> Result<()> {
    let chart = site.chart().iter().map(String::as_str);
    let render = site.helm(["template", &site.release].into_iter().chain(chart))?.succeeded()?.stdout;
    let render = site.machine.write("render.yaml", &render)?;
    let rules = site.machine.path("resecret.yaml");
    let scan = ["scan", text(&render)?, "--write", text(&rules)?, "--to", "langfuse-vault"];
    site.helm.run_by(RESECRET.as_ref(), scan)?.succeeded().map(drop)
}

/// The rules for a Langfuse whose stores are vaulted too.
const LANGFUSE: &str =
    "  presets:\n  - {name: langfuse, to: langfuse-vault}\n  - {name: langfuse-stores, to: langfuse-vault}\n";

/// What a real Langfuse renders, live for long, through the script alone. The folder is one of renders beside the
/// repository, as Helm hands them to a post-renderer; where there is none, the umbrella chart of the tests serves.
fn render(this: &Try, folder: &str) -> Result<()> {
    let mut site = this.site()?;
    let beside = repository("../shared/corpus").join(folder);
    let client = this.installed_by.client();
    let (what, file) = if beside.is_dir() {
        (folder, beside.join(format!("{client}-stdin.yaml")))
    } else {
        ("tests/renders", repository("tests/renders").join(format!("umbrella-{client}.yaml")))
    };
    let render = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    // It was rendered for another namespace, and for a cluster that knew the kind's first version.
    let namespace = format!("namespace: {}\n", site.namespace());
    let render = render
        .replace("namespace: default\n", &namespace)
        .replace("namespace: \"default\"\n", &namespace)
        .replace("policy/v1beta1\n", "policy/v1\n");
    make_kinds(&site, &render)?;
    site.rules(LANGFUSE)?;
    site.render(&render)?;
    site.install_plain()?;
    let mut adopted = Adopted::new(site, &[])?;
    adopted.fill_the_rest()?;
    adopted.adopts(After::Step)?;
    adopted.site.row(&format!("adopt.sh for {what}"), "", "equal to the manifest");
    render_again(adopted, &render, what)
}

/// A value that only the vault has.
const ROTATED: &str = "canary-rotated";

/// The way back of such a release, after one value was rotated in the vault.
fn render_again(adopted: Adopted, render: &str, what: &str) -> Result<()> {
    let Slots { manifest, found } = Slots::of(&adopted.script, render)?;
    let Adopted { mut site, .. } = adopted;
    let mut template = "{{ .Files.Get \"manifest.yaml\"".to_owned();
    let mut values = String::new();
    for (number, slot) in found.iter().enumerate() {
        let encode = if slot.secret.is_some() { "b64enc | " } else { "" };
        template += &format!(" | replace \"@@{number}@@\" (.Values.v{number} | {encode}toJson)");
        values += &format!("v{number}: {}\n", Value::from(slot.value.as_str()));
    }
    site.render(&manifest)?;
    site.machine.write("chart/templates/all.yaml", &(template + " }}"))?;
    site.machine.write("chart/values.yaml", &values)?;
    let rotated = found.iter().find(|slot| slot.is_rotated).context("a value that may change")?;
    let patch = format!("{{\"stringData\": {{\"{}\": \"{ROTATED}\"}}}}", rotated.key);
    site.kubectl(["patch", "secret", &rotated.vault, "--type=merge", "-p", &patch])?.succeeded()?;
    let taken = found.iter().enumerate();
    let taken = taken.map(|(number, slot)| format!("--value={}/{}=v{number}", slot.vault, slot.key));
    let taken: Vec<String> = taken.collect();
    let flags: Vec<&str> = ["--back"].into_iter().chain(taken.iter().map(String::as_str)).collect();
    let back = leaves(site, &flags)?;
    for slot in &found {
        let Some((secret, key)) = &slot.secret else { continue };
        ensure!(
            back.value(secret, key)? == back.value(&slot.vault, &slot.key)?,
            "{secret} has another {key}"
        );
    }
    // A variable's literal stands in the chart's own objects again.
    if rotated.secret.is_some() {
        back.is_in_no_record(ROTATED)?;
    }
    back.site.row(
        &format!("rotate, back.sh for {what}"),
        "",
        "the chart's own manifest, with the vault's values",
    );
    Ok(())
}

/// A render as a chart makes it whose values are those that a script has copied into the vault.
struct Slots {
    /// The render, with `@@N@@` where the value N of the chart is.
    manifest: String,
    found: Vec<Slot>,
}

/// A value of the chart, and the key of the vault that takes its place.
struct Slot {
    value: String,
    vault: String,
    key: String,
    /// Whether the vault may hold another value than before.
    is_rotated: bool,
    /// The chart's Secret and its key, if it is in one.
    secret: Option<(String, String)>,
}

impl Slots {
    /// Finds them by the lines of the script that fill the vault.
    fn of(script: &str, render: &str) -> Result<Self> {
        let mut documents: Vec<String> = render.split("\n---\n").map(str::to_owned).collect();
        let mut found = Vec::new();
        for line in script.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let Some(at) = words.iter().position(|word| *word == "fill") else { continue };
            let [role, vault, key, place @ ..] = &words[at + 1..] else { continue };
            let (kind, name, field) = match *place {
                ["secret", name, field] => ("secret", name, field),
                ["variable", object, _, _, variable] => {
                    let (resource, name) = object.split_once('/').context("a resource has a name")?;
                    (resource.split('.').next().unwrap_or_default(), name, variable)
                }
                _ => continue,
            };
            let slot = |value: String| Slot {
                value,
                vault: (*vault).to_owned(),
                key: (*key).to_owned(),
                is_rotated: *role != "same",
                secret: (kind == "secret").then(|| (name.to_owned(), field.to_owned())),
            };
            for document in &mut documents {
                let lower = format!("\n{}", document.to_lowercase());
                let is_named = document.contains(&format!("\n  name: {name}\n"));
                if is_named && lower.contains(&format!("\nkind: {kind}\n")) {
                    *document = with_slots(document, kind, field, |value| {
                        found.push(slot(value));
                        found.len() - 1
                    })?;
                }
            }
        }
        Ok(Self { manifest: documents.join("\n---\n"), found })
    }
}

/// A document with `@@N@@` for each value of a Secret's key or a variable; `add` gives the numbers.
fn with_slots(
    document: &str,
    kind: &str,
    field: &str,
    mut add: impl FnMut(String) -> usize,
) -> Result<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in document.lines() {
        let is_of_variable = || lines.last().is_some_and(|line| line.trim() == format!("- name: {field}"));
        let wanted = match kind {
            "secret" => format!("{field}: "),
            _ if is_of_variable() => "value: ".to_owned(),
            _ => "\n".to_owned(),
        };
        let text = line.trim_start().strip_prefix(&wanted).filter(|text| !text.starts_with("@@"));
        let Some(text) = text else {
            lines.push(line.to_owned());
            continue;
        };
        let value: String = serde_yaml::from_str(text)?;
        let value = match kind {
            "secret" => String::from_utf8(BASE64_STANDARD.decode(&value).ok().context("data is base64")?)?,
            _ => value,
        };
        lines.push(format!("{}@@{}@@", line.trim_end_matches(text), add(value)));
    }
    Ok(lines.join("\n"))
}

/// The kinds of ClickHouse's operator, as far as a release with such objects needs them.
fn make_kinds(site: &Site, render: &str) -> Result<()> {
    for kind in ["ClickHouseCluster", "KeeperCluster"] {
        if render.contains(&format!("\nkind: {kind}\n")) {
            make_kind(site, "clickhouse.com", kind, "v1alpha1", "Namespaced")?;
        }
    }
    Ok(())
}
