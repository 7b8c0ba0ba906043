use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use resecret::{Code, Config};
use serde_json::Value;

use crate::adopt::named_deployment;
use crate::live::{containers, objects, stored};
use crate::machine::{Major, text};
use crate::site::{RELEASE, Site};
use crate::{BOTH, Scenario, Try};

pub(crate) const ALL: &[Scenario] =
    &[Scenario { name: "forecast::every_small_change", majors: BOTH, run: every_small_change }];

/// The entries that a list can have of one name.
const ENTRIES: [&str; 3] = [
    "{name: KEY, value: canary-key}",
    "{name: KEY, valueFrom: {secretKeyRef: {name: app, key: key}}}",
    "{name: KEY, valueFrom: {secretKeyRef: {name: vault, key: key}}}",
];

/// What Helm says where the patch contradicts its own order.
const MISMATCH: &str = "failed to create patch";

/// How the entries stand among others.
#[derive(Clone, Copy)]
enum Layout {
    /// One behind the other.
    Together,
    /// With an entry behind each that changes too.
    Apart,
    /// In a list that is too long for a simple sort.
    Long,
}

/// What became of the variable KEY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Right,
    Wrong,
    Lost,
    Refused,
}

/// Two lists of one variable's entries, before and after.
struct Pair {
    name: String,
    old: String,
    new: String,
}

/// Every pair of lists with up to two entries of one name, some with three, and some of them in other layouts: each is a
/// Deployment of one release, and one upgrade tries them all.
fn every_small_change(this: &Try) -> Result<()> {
    let pairs = pairs();
    let manifest = |side: fn(&Pair) -> &str| pairs.iter().map(side).collect::<String>();
    let (old, new) = (manifest(|pair| &pair.old), manifest(|pair| &pair.new));
    let mut site = this.site()?;
    site.render(&old)?;
    upgrade(&site, "install", this.major)?;
    site.render(&new)?;
    let errors = upgrade(&site, "upgrade", this.major)?;

    let forecast = forecast(&old, &new)?;
    let (before, wanted) = (objects(&old)?, objects(&new)?);
    let list = site.kubectl(["get", "deployments", "-o", "json"])?.succeeded()?.stdout;
    let list: Value = serde_json::from_str(&list)?;
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    let mut mismatches = 0;
    for live in list["items"].as_array().context("a list")? {
        let name = live["metadata"]["name"].as_str().context("a name")?;
        let key = format!("Deployment/{name}");
        // A patch that cannot be made is no patch of any name.
        let mismatch = errors.contains(MISMATCH)
            && forecast.get(name).is_some_and(|said| *said == (Outcome::Refused, true))
            && env(live)? == env(&before[&key])?;
        let named = errors.contains(&format!("\"{name}\""));
        mismatches += usize::from(mismatch && !named);
        let outcome = outcome(live, &wanted[&key], named || mismatch)?;
        let (said, is_certain) = forecast.get(name).copied().unwrap_or((Outcome::Right, true));
        let fits = if is_certain { outcome == said } else { outcome <= said };
        ensure!(fits, "{name}: {outcome:?}, and the forecast is {said:?} (certain: {is_certain})");
        *counts.entry(outcome).or_default() += 1;
    }
    // Helm 4 logs its errors before it prints them.
    let printed = errors.rsplit("Error: UPGRADE FAILED").next().unwrap_or_default();
    let said = printed.matches(MISMATCH).count();
    ensure!(said == mismatches, "{mismatches} patches could not be made, and Helm says {said}");
    ensure!(counts.len() == 4, "not every outcome was met: {counts:?}");
    let live = counts.iter().map(|(outcome, count)| format!("{count} {outcome:?}").to_lowercase());
    let live = live.collect::<Vec<_>>().join(", ");
    site.row(&format!("upgrade of {} lists", pairs.len()), "the same for each", &live);
    Ok(())
}

/// Installs or upgrades without the filter, client-side; what Helm says if that fails.
fn upgrade(site: &Site, command: &str, major: Major) -> Result<String> {
    let chart = site.machine.path("chart");
    let method = (major == Major::Four).then_some("--server-side=false");
    // Helm's own throttle would make minutes of it.
    let arguments = [command, RELEASE, text(&chart)?, "--qps", "1000", "--burst-limit", "1000"];
    let run = site.helm(arguments.into_iter().chain(method))?;
    ensure!(command == "upgrade" || run.code == Some(0), "{run}");
    Ok(run.stderr)
}

fn pairs() -> Vec<Pair> {
    let mut lists: Vec<Vec<usize>> = vec![Vec::new()];
    lists.extend((0..3).map(|one| vec![one]));
    lists.extend((0..9).map(|two| vec![two / 3, two % 3]));
    lists.extend([vec![0, 1, 0], vec![1, 2, 1], vec![2, 1, 0], vec![0, 1, 2]]);
    let few: Vec<Vec<usize>> =
        vec![vec![0], vec![1], vec![0, 1], vec![1, 0], vec![1, 2], vec![0, 1, 0], vec![0, 1, 2]];
    let mut pairs = Vec::new();
    for (layout, letter, lists) in
        [(Layout::Together, 't', &lists), (Layout::Apart, 'a', &few), (Layout::Long, 'l', &few)]
    {
        for old in lists {
            for new in lists {
                let digits = |list: &[usize]| list.iter().map(ToString::to_string).collect::<String>();
                let name = format!("{letter}-{}-{}-x", digits(old), digits(new)).replace("--", "-n-");
                let side =
                    |list: &[usize], value: &str| named_deployment(&name, &entries(list, layout, value));
                pairs.push(Pair { old: side(old, "before"), new: side(new, "after"), name: name.clone() });
            }
        }
    }
    pairs.sort_by(|a, b| a.name.cmp(&b.name));
    pairs.dedup_by(|a, b| a.name == b.name);
    pairs
}

/// A container's entries. Those of other names are the same before and after, but for `Apart`.
fn entries(list: &[usize], layout: Layout, value: &str) -> Vec<&'static str> {
    const LONG: [&str; 12] = [
        "{name: A1, value: a}",
        "{name: A2, value: a}",
        "{name: A3, value: a}",
        "{name: A4, value: a}",
        "{name: Z1, value: a}",
        "{name: Z2, value: a}",
        "{name: Z3, value: a}",
        "{name: Z4, value: a}",
        "{name: Z5, value: a}",
        "{name: Z6, value: a}",
        "{name: Z7, value: a}",
        "{name: Z8, value: a}",
    ];
    const BETWEEN: [[&str; 2]; 3] = [
        ["{name: B0, value: before}", "{name: B0, value: after}"],
        ["{name: M1, value: before}", "{name: M1, value: after}"],
        ["{name: B2, value: before}", "{name: B2, value: after}"],
    ];
    let mut entries = vec!["{name: FIRST, value: a}"];
    if matches!(layout, Layout::Long) {
        entries.extend(LONG);
    }
    for (position, entry) in list.iter().enumerate() {
        entries.push(ENTRIES[*entry]);
        if matches!(layout, Layout::Apart) {
            entries.push(BETWEEN[position][usize::from(value == "after")]);
        }
    }
    entries.push("{name: LAST, value: a}");
    entries
}

/// What the library says will become of KEY in each Deployment, and whether it is sure. Server-side apply is not tried here.
fn forecast(old: &str, new: &str) -> Result<BTreeMap<String, (Outcome, bool)>> {
    let config = Config::default();
    let found = resecret::hazards(old.as_bytes(), "old.yaml", new.as_bytes(), &config)?;
    let mut forecast = BTreeMap::new();
    for hazard in found {
        let outcome = match hazard.code {
            Code::LostVariable => Outcome::Lost,
            Code::WrongVariable => Outcome::Wrong,
            Code::RefusedPatch => Outcome::Refused,
            _ => continue,
        };
        let object = hazard.location.object.context("a hazard has an object")?;
        let is_certain = !hazard.message.contains(" can ");
        // Where one variable is refused the whole object is.
        let known = forecast.entry(object.name).or_insert((outcome, is_certain));
        if outcome > known.0 {
            *known = (outcome, is_certain);
        }
    }
    Ok(forecast)
}

fn outcome(live: &Value, wanted: &Value, refused: bool) -> Result<Outcome> {
    if refused {
        return Ok(Outcome::Refused);
    }
    let (live, wanted) = (env(live)?, env(wanted)?);
    let last = |list: &[Value]| list.iter().rfind(|entry| entry["name"] == "KEY").cloned();
    let outcome = match (last(&live), last(&wanted)) {
        (live, wanted) if live == wanted => Outcome::Right,
        (Some(entry), _) if entry.as_object().is_some_and(|entry| entry.len() > 1) => Outcome::Wrong,
        _ => Outcome::Lost,
    };
    let distinct = wanted.iter().filter(|entry| entry["name"] == "KEY").count() < 2;
    ensure!(
        outcome != Outcome::Right || !distinct || names(&live) == names(&wanted),
        "the order is {:?} and should be {:?}",
        names(&live),
        names(&wanted)
    );
    Ok(outcome)
}

fn env(object: &Value) -> Result<Vec<Value>> {
    let (_, env) = containers(object).pop().context("a container")?;
    Ok(env.iter().map(stored).collect())
}

fn names(list: &[Value]) -> Vec<&str> {
    list.iter().map(|entry| entry["name"].as_str().unwrap_or_default()).collect()
}
