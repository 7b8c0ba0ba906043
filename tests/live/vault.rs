use anyhow::{Result, ensure};

use crate::machine::{RESECRET, text};
use crate::said::Said;
use crate::site::Site;
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] =
    &[Scenario { name: "vault::what_is_wrong_with_it", majors: BOTH, run: wrong }];

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
