use anyhow::{Result, ensure};

use crate::adopt::{deployment, exact, listed, loses_nothing};
use crate::live::{damage, is_exact, objects};
use crate::machine::Major;
use crate::site::Site;
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "rollback::to_duplicates", majors: BOTH, run: to_duplicates },
    Scenario { name: "rollback::refused", majors: BOTH, run: refused },
    Scenario { name: "rollback::by_itself", majors: BOTH, run: by_itself },
];

const PORT: &str = "{name: PORT, value: '80'}";
const CHART: &str = "{name: KEY, valueFrom: {secretKeyRef: {name: app, key: key}}}";
const OWN: &str = "{name: KEY, valueFrom: {secretKeyRef: {name: vault, key: key}}}";
const LITERAL: &str = "{name: KEY, value: canary-key}";

fn app(this: &Try, entries: &[&str]) -> Result<Site> {
    let mut site = this.site()?;
    site.render(&deployment(entries))?;
    site.rules("  env:\n  - {to: vault, vars: {KEY: key}}\n")?;
    site.install_plain()?;
    Ok(site)
}

/// What `helm rollback` needs to give back exactly what was.
pub(crate) fn replace(major: Major) -> &'static [&'static str] {
    match major {
        Major::Three => &["--force"],
        Major::Four => &["--server-side=false", "--force-replace"],
    }
}

/// Upgrade, rollback, upgrade: as it is done everywhere, and as it is advised.
fn to_duplicates(this: &Try) -> Result<()> {
    let site = app(this, &[PORT, CHART, OWN])?;
    let said = site.check("")?;
    let expected = said.variables(&["rollback-variable"], &objects(&site.manifest()?)?)?;
    ensure!(!expected.is_empty(), "{said:?}");
    loses_nothing(&site, exact(this.major))?;
    site.rollback("1", &[])?.succeeded()?.says("Rollback was a success")?;
    let found = damage(&site)?;
    site.row("rollback", &said.summary(), &listed(&found));
    ensure!(found == expected, "check said {expected:?}, and the cluster says {found:?}");
    loses_nothing(&site, exact(this.major))?;

    let site = app(this, &[PORT, CHART, OWN])?;
    loses_nothing(&site, exact(this.major))?;
    site.rollback("1", replace(this.major))?.succeeded()?;
    is_exact(&site)?;
    let flags = replace(this.major).join(" ");
    site.row(&format!("rollback {flags}"), &said.summary(), "equal to the manifest");
    loses_nothing(&site, exact(this.major))?;
    // Forward to the old chart, with the same rules.
    loses_nothing(&site, &[])
}

/// A literal and a reference under one name: the way back is refused.
fn refused(this: &Try) -> Result<()> {
    let site = app(this, &[PORT, LITERAL, OWN])?;
    let said = site.check("")?;
    ensure!(said.rules().contains("rollback-variable"), "{said:?}");
    loses_nothing(&site, exact(this.major))?;
    site.rollback("1", &[])?.failed()?.says("may not be specified when `value` is not empty")?;
    site.row("rollback", &said.summary(), "refused: a value beside a valueFrom");
    Ok(())
}

/// An upgrade that waits and fails rolls itself back, and loses the variable: nothing gets ready here.
fn by_itself(this: &Try) -> Result<()> {
    let mut site = app(this, &[PORT, CHART, OWN])?;
    let said = site.check("")?;
    loses_nothing(&site, exact(this.major))?;
    // A release that was adopted without a loss, and that an upgrade brings back to what it was before.
    site.rollback("1", replace(this.major))?.succeeded()?;
    site.render(&deployment(&[PORT, OWN]))?;
    let flags: &[&str] = match this.major {
        Major::Three => &["--atomic", "--timeout", "2s"],
        Major::Four => &["--rollback-on-failure", "--timeout", "2s", "--server-side=false"],
    };
    site.upgrade(flags)?.failed()?;
    let found = damage(&site)?;
    site.row(&format!("upgrade {}", flags.join(" ")), &said.summary(), &listed(&found));
    ensure!(found.iter().any(|(_, name)| name == "KEY"), "{found:?}");
    Ok(())
}
