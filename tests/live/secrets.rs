use anyhow::{Result, ensure};

use crate::adopt::{deployment, exact};
use crate::live::is_exact;
use crate::rollback::replace;
use crate::site::{RELEASE, Site};
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "secrets::dropped", majors: BOTH, run: dropped },
    Scenario { name: "secrets::same_name", majors: BOTH, run: same_name },
    Scenario { name: "secrets::uninstall", majors: BOTH, run: uninstall },
];

const READER: &str = "{name: KEY, valueFrom: {secretKeyRef: {name: app, key: key}}}";
const SECRET: &str =
    "---\napiVersion: v1\nkind: Secret\nmetadata: {name: app}\ndata: {key: Y2FuYXJ5LWNoYXJ0}\n";
const CHART_VALUE: &str = "Y2FuYXJ5LWNoYXJ0";
/// `canary-vault`, as the API server gives it back.
const VAULT_VALUE: &str = "Y2FuYXJ5LXZhdWx0";

const TO_THE_VAULT: &str = "  secrets:\n  - {name: app, to: vault}\n";
const SAME_NAME: &str = "  secrets:\n  - {name: app, to: app, sameName: true}\n";

fn app(this: &Try, rules: &str) -> Result<Site> {
    let mut site = this.site()?;
    site.render(&format!("{SECRET}{}", deployment(&[READER])))?;
    site.rules(rules)?;
    site.install_plain()?;
    Ok(site)
}

/// What the live Secret holds, as the table says it.
fn holds(site: &Site) -> Result<&'static str> {
    Ok(match site.get("Secret/app")? {
        None => "the Secret is gone",
        Some(secret) if secret["data"]["key"] == CHART_VALUE => "the Secret has the chart's value",
        Some(secret) if secret["data"]["key"] == VAULT_VALUE => "the Secret has the vault's value",
        Some(_) => "the Secret has another value",
    })
}

fn expect(site: &Site, done: &str, said: &str, wanted: &str) -> Result<()> {
    let found = holds(site)?;
    site.row(done, said, found);
    ensure!(found == wanted, "after {done}: {found}");
    Ok(())
}

fn dropped(this: &Try) -> Result<()> {
    let site = app(this, TO_THE_VAULT)?;
    let said = site.check("")?;
    ensure!(said.rules().into_iter().eq(["deleted-secret"]), "{said:?}");
    site.upgrade(&[])?.succeeded()?;
    expect(&site, "upgrade", &said.summary(), "the Secret is gone")?;

    let site = app(this, TO_THE_VAULT)?;
    let command = "kubectl annotate secret app helm.sh/resource-policy=keep";
    ensure!(site.check("")?.help("deleted-secret").iter().all(|help| help.contains(command)));
    site.keep("app")?;
    // The live object answers the question.
    let live = site.kubectl(["get", "secret", "app", "-o", "yaml"])?.succeeded()?.stdout;
    let said = site.check(&live)?;
    ensure!(said.rules().is_empty(), "{said:?}");
    site.upgrade(&[])?.succeeded()?;
    is_exact(&site)?;
    expect(&site, "annotate, upgrade", &said.summary(), "the Secret has the chart's value")
}

/// The vault fills a Secret of the chart Secret's own name.
fn same_name(this: &Try) -> Result<()> {
    let site = app(this, SAME_NAME)?;
    site.vault("app", "key", "canary-vault")?;
    let said = site.check("")?;
    ensure!(said.rules().into_iter().eq(["deleted-secret-in-use", "rollback-secret"]), "{said:?}");
    site.upgrade(&[])?.succeeded()?;
    expect(&site, "upgrade", &said.summary(), "the Secret is gone")?;

    let site = app(this, SAME_NAME)?;
    site.keep("app")?;
    site.vault("app", "key", "canary-vault")?;
    site.upgrade(&[])?.succeeded()?;
    expect(&site, "annotate, upgrade", &said.summary(), "the Secret has the vault's value")?;
    // The rollback that was warned of; it takes the annotation away too, with and without flags.
    for flags in [&[], replace(this.major)] {
        site.rollback("1", flags)?.succeeded()?;
        let done = format!("rollback {}", flags.join(" "));
        expect(&site, done.trim(), &said.summary(), "the Secret has the chart's value")?;
        site.vault("app", "key", "canary-vault")?;
        let said = site.check(&site.kubectl(["get", "secret", "app", "-o", "yaml"])?.succeeded()?.stdout)?;
        ensure!(said.rules().contains("deleted-secret-in-use"), "{said:?}");
        site.keep("app")?;
        site.upgrade(&[])?.succeeded()?;
        expect(&site, "vault, annotate, upgrade", &said.summary(), "the Secret has the vault's value")?;
    }
    site.rollback("1", &[])?.succeeded()?;
    site.vault("app", "key", "canary-vault")?;
    site.upgrade(&[])?.succeeded()?;
    expect(&site, "rollback, vault, upgrade", &said.summary(), "the Secret is gone")
}

/// An uninstall takes neither the vaulted Secret nor the one that is kept.
fn uninstall(this: &Try) -> Result<()> {
    let site = app(this, SAME_NAME)?;
    site.keep("app")?;
    site.vault("app", "key", "canary-vault")?;
    site.upgrade(exact(this.major))?.succeeded()?;
    site.helm(["uninstall", RELEASE, "--no-hooks"])?.succeeded()?;
    ensure!(site.get("Deployment/web")?.is_none());
    expect(&site, "annotate, upgrade, uninstall", "", "the Secret has the vault's value")
}
