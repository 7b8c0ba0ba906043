use anyhow::{Result, ensure};

use crate::adopt::{deployment, exact, loses_nothing, shown};
use crate::live::is_exact;
use crate::machine::Major;
use crate::site::Site;
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "drift::literal_beside_a_reference", majors: BOTH, run: literal },
    Scenario { name: "drift::job_and_claim", majors: BOTH, run: not_replaceable },
];

const PORT: &str = "{name: PORT, value: '80'}";
const CHART: &str = "{name: KEY, valueFrom: {secretKeyRef: {name: app, key: key}}}";
const OWN: &str = "{name: KEY, valueFrom: {secretKeyRef: {name: vault, key: key}}}";

const RULES: &str = "  env:\n  - {to: vault, vars: {KEY: key}}\n";

fn app(this: &Try, manifest: &str) -> Result<Site> {
    let mut site = this.site()?;
    site.render(manifest)?;
    site.rules(RULES)?;
    site.install_plain()?;
    Ok(site)
}

/// Someone has set the variable by hand; the manifest has a reference before and after.
fn literal(this: &Try) -> Result<()> {
    let by_hand = |site: &Site| -> Result<String> {
        site.kubectl(["set", "env", "deployment/web", "KEY=canary-by-hand"])?.succeeded()?;
        Ok(site.kubectl(["get", "deployment", "web", "-o", "yaml"])?.succeeded()?.stdout)
    };
    let site = app(this, &deployment(&[PORT, CHART]))?;
    let said = site.check(&by_hand(&site)?)?;
    ensure!(said.rules().into_iter().eq(["refused-patch"]), "{said:?}");
    site.upgrade(&[])?.failed()?.says("may not be specified when `value` is not empty")?;
    site.row("upgrade", &said.summary(), "refused: a value beside a valueFrom");

    let flags: &[&str] = match this.major {
        Major::Three => &["--force"],
        Major::Four => &["--server-side=false", "--force-replace"],
    };
    let named = said.help("refused-patch").iter().all(|help| flags.iter().all(|flag| help.contains(flag)));
    ensure!(named, "{flags:?} is not what check advises: {said:?}");
    site.upgrade(flags)?.succeeded()?;
    is_exact(&site)?;
    site.row(&shown(flags), &said.summary(), "equal to the manifest");
    Ok(())
}

/// A Job, and a claim that is bound, cannot be replaced: with Helm 3 the way around is to pause and upgrade twice.
fn not_replaceable(this: &Try) -> Result<()> {
    let job = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec:\n  template:\n    spec:\n\
               \x20     restartPolicy: Never\n      containers: [{name: migrate, image: 'web:1'}]\n";
    let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n\
                 \x20 accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n";
    for (obstacle, name) in [(job, "Job/migrate"), (claim, "PersistentVolumeClaim/data")] {
        let site = app(this, &(deployment(&[PORT, CHART, OWN]) + obstacle))?;
        let bind = ["patch", "pvc", "data", "--type=merge", "-p", "{\"spec\":{\"volumeName\":\"disk\"}}"];
        if obstacle == claim {
            site.kubectl(bind)?.succeeded()?;
        }
        let said = site.check("")?;
        if this.major == Major::Four {
            loses_nothing(&site, exact(this.major))?;
            continue;
        }
        let refusal = format!("--force would fail at {name}");
        ensure!(said.help("lost-variable").iter().all(|help| help.contains(&refusal)), "{said:?}");
        site.upgrade(&["--force"])?.failed()?.says("failed to replace object")?;
        site.row(&format!("upgrade --force, with {name}"), &said.summary(), "fails");

        let site = app(this, &(deployment(&[PORT, CHART, OWN]) + obstacle))?;
        if obstacle == claim {
            site.kubectl(bind)?.succeeded()?;
        }
        site.kubectl(["rollout", "pause", "deployment", "web"])?.succeeded()?;
        site.upgrade(&[])?.succeeded()?;
        let paused = site.get("Deployment/web")?.is_some_and(|web| web["spec"]["paused"] == true);
        ensure!(paused, "the upgrade has resumed the rollout");
        site.upgrade(&[])?.succeeded()?;
        site.kubectl(["rollout", "resume", "deployment", "web"])?.succeeded()?;
        is_exact(&site)?;
        site.row(&format!("pause, upgrade twice, resume, with {name}"), "", "equal to the manifest");
    }
    Ok(())
}
