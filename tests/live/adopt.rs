use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::live::{damage, is_exact, objects};
use crate::machine::Major;
use crate::said::Variable;
use crate::site::{RELEASE, Site};
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "adopt::duplicates", majors: BOTH, run: duplicates },
    Scenario { name: "adopt::plain_values", majors: BOTH, run: plain_values },
    Scenario { name: "adopt::helm3_release_under_helm4", majors: &[Major::Four], run: taken_over },
    Scenario { name: "adopt::failed_first_install", majors: &[Major::Four], run: failed_install },
];

/// The rules for the umbrella chart.
const LANGFUSE: &str = "  presets:\n  - {name: langfuse, to: langfuse-vault}\n";

/// What makes live objects equal to the manifest, in the words of `check`.
pub(crate) fn exact(major: Major) -> &'static [&'static str] {
    match major {
        Major::Three => &["--force"],
        Major::Four => &["--server-side=true", "--force-conflicts"],
    }
}

/// The flags as the table shows them.
pub(crate) fn shown(flags: &[&str]) -> String {
    if flags.is_empty() { "upgrade".to_owned() } else { format!("upgrade {}", flags.join(" ")) }
}

/// Variables as the table shows them.
pub(crate) fn listed(variables: &BTreeSet<Variable>) -> String {
    if variables.is_empty() {
        return "equal to the manifest".to_owned();
    }
    let names: BTreeSet<&str> = variables.iter().map(|(_, name)| name.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    format!("not as the manifest says: {names} ({} in all)", variables.len())
}

/// Checks the upgrade, makes it in the way that `check` warns of, and compares.
pub(crate) fn loses_what_check_said(site: &Site) -> Result<()> {
    let said = site.check("")?;
    let previous = objects(&site.manifest()?)?;
    let expected = said.variables(&["lost-variable", "wrong-variable"], &previous)?;
    ensure!(!expected.is_empty(), "check saw nothing coming: {said:?}");
    site.upgrade(&[])?.succeeded()?;
    let found = damage(site)?;
    site.row("upgrade", &said.summary(), &listed(&found));
    ensure!(found == expected, "check said {expected:?}, and the cluster says {found:?}");
    Ok(())
}

/// Upgrades with flags that `check` advises, and demands that nothing is lost.
pub(crate) fn loses_nothing(site: &Site, flags: &[&str]) -> Result<()> {
    let said = site.check("")?;
    for rule in ["lost-variable", "wrong-variable"] {
        let named = said.help(rule).iter().all(|help| flags.iter().all(|flag| help.contains(flag)));
        ensure!(named, "{flags:?} is not what check advises: {said:?}");
    }
    site.upgrade(flags)?.succeeded()?;
    is_exact(site)?;
    site.row(&shown(flags), &said.summary(), "equal to the manifest");
    Ok(())
}

fn langfuse(this: &Try) -> Result<Site> {
    let mut site = this.site()?;
    site.umbrella()?;
    site.rules(LANGFUSE)?;
    Ok(site)
}

/// NEXTAUTH_SECRET and SALT stand twice in web and worker of the umbrella chart.
fn duplicates(this: &Try) -> Result<()> {
    let site = langfuse(this)?;
    site.install_plain()?;
    loses_what_check_said(&site)?;
    ensure!(site.get("Secret/lf-langfuse-nextauth")?.is_none(), "check said that the Secret goes");
    // The same upgrade once more mends it.
    site.upgrade(&[])?.succeeded()?;
    is_exact(&site)?;
    site.row("upgrade, the same again", "", "equal to the manifest");

    let site = langfuse(this)?;
    site.install_plain()?;
    site.keep("lf-langfuse-nextauth")?;
    loses_nothing(&site, exact(this.major))?;
    ensure!(site.get("Secret/lf-langfuse-nextauth")?.is_some(), "the kept Secret is gone");
    // From now on no flag is needed.
    let said = site.check("")?;
    ensure!(said.rules().is_empty(), "{said:?}");
    loses_nothing(&site, &[])
}

/// Literals that become references, in lists that stand nowhere twice.
fn plain_values(this: &Try) -> Result<()> {
    let mut site = this.site()?;
    site.render(&deployment(&["{name: PORT, value: '80'}", "{name: SALT, value: canary-salt}", LAST]))?;
    site.rules("  env:\n  - {to: vault, vars: {SALT: salt}}\n")?;
    site.install_plain()?;
    let said = site.check("")?;
    ensure!(said.rules().is_empty(), "{said:?}");
    loses_nothing(&site, &[])
}

const LAST: &str = "{name: URL, value: 'http://$(SALT)'}";

/// A release that Helm 3 made, upgraded by Helm 4. Without a flag it goes on as Helm 3 did.
fn taken_over(this: &Try) -> Result<()> {
    let three = |site: &Site| -> Result<()> {
        let helm3 = site.machine.helm(Major::Three)?.with("KUBECONFIG", &site.machine.path("kubeconfig"));
        let chart = crate::machine::repository("tests/charts/umbrella");
        let values = crate::machine::repository("tests/charts/null-lost.yaml");
        let (chart, values) = (crate::machine::text(&chart)?, crate::machine::text(&values)?);
        helm3.run(["install", RELEASE, chart, "-f", values, "--no-hooks"])?.succeeded().map(drop)
    };
    let site = langfuse(this)?;
    three(&site)?;
    loses_what_check_said(&site)?;

    let site = langfuse(this)?;
    three(&site)?;
    site.keep("lf-langfuse-nextauth")?;
    loses_nothing(&site, exact(Major::Four))?;
    loses_nothing(&site, &[])
}

/// Server-side apply refuses duplicates: the first install fails, and the filtered one after it works.
fn failed_install(this: &Try) -> Result<()> {
    let site = langfuse(this)?;
    let run = site.install(&[])?.failed()?;
    run.says("duplicate entries for key")?;
    site.row("install without the filter", "", "refused: duplicate entries for key");
    site.upgrade(&["--install"])?.succeeded()?;
    is_exact(&site)?;
    site.row("upgrade --install", "", "equal to the manifest");
    Ok(())
}

/// A Deployment with these entries in its only container.
pub(crate) fn deployment(entries: &[&str]) -> String {
    named_deployment("web", entries)
}

/// The same by another name.
pub(crate) fn named_deployment(name: &str, entries: &[&str]) -> String {
    let entries = entries.iter().map(|entry| format!("        - {entry}\n")).collect::<String>();
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n\
         \x20 selector: {{matchLabels: {{app: {name}}}}}\n  template:\n\
         \x20   metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n\
         \x20     - name: web\n        image: web:1\n        env:\n{entries}"
    )
}
