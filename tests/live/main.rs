//! A live release on a real API server: what `check --previous` says of an upgrade, and what then happens.
//!
//! Each scenario goes both ways: the upgrade that `check` warns of loses what it said, and the one that it advises
//! leaves live objects that are equal to the manifest, the order of variables included. At the end a table says what
//! was done, what `check` said and what the cluster held then.
//!
//! The cluster is the one that `RESECRET_TEST_KUBECONFIG` names, which must be disposable, or else the API server at
//! `~/.cache/resecret/api-server`, which `.ci/api-server` builds, started for the run in a folder of its own. Without either the scenarios are skipped,
//! and say so; with `RESECRET_REQUIRE_CLUSTER=1` they fail.

/// What a run of the program is asked for.
#[path = "../support/arguments.rs"]
mod arguments;
/// The first upgrades: duplicates, plain values, another major of Helm.
mod adopt;
/// A release that a script adopts: watched, interrupted, compared.
mod adopted;
/// The API server without kubectl, for many requests.
mod api;
/// An API server for the run.
mod cluster;
/// Kinds of custom resources, as far as trials need them.
mod custom_kind;
/// A live object that someone has changed by hand, and objects that cannot be replaced.
mod drift;
/// What server-side apply refuses, before and after `--duplicates last`.
mod duplicates;
/// The examples: their commands for a cluster, and their releases installed.
mod examples;
/// Every small change of a list of variables, against the forecast.
mod forecast;
/// The policies of `guard`: a forgotten flag, what stays operable, who is exempt, how large objects may be.
mod guard;
/// Every kind of field that the API server never changes.
mod immutable;
/// A comparison of manifests with what is live.
mod live;
/// What the policies of `guard -o mutate` make of every pod, and what the filter makes of it.
mod mutated;
/// What real charts render, through the scripts of `resecret adopt`.
mod real;
/// Rollbacks, and the way forward again.
mod rollback;
/// The commands of the pages about `adopt`, upgrading and `check`, as they are written there.
mod runbook;
/// What `check --previous` said.
mod said;
/// The scripts of `resecret adopt`, run as they are printed.
mod script;
/// Secrets that leave a release.
mod secrets;
/// A release in a namespace of its own.
mod site;
/// Keys that leave a Secret or ConfigMap which stays.
mod split;
/// The table of what was tried.
mod table;
/// What can be wrong with a vaulted Secret.
mod vault;
/// The first walk of a new user: the quick start, command by command.
mod walk;
/// What the policies of `guard` say of every object, and what the filter does to it.
mod verdicts;

// The helpers that these scenarios share with the trials of the clients.
#[allow(dead_code, reason = "the trials of the clients use the rest")]
#[path = "../clients/clients.rs"]
mod clients;
#[allow(dead_code, reason = "the trials of the clients use the rest")]
#[path = "../clients/machine.rs"]
mod machine;
#[path = "../support/kubelet.rs"]
mod kubelet;
#[path = "../clients/page.rs"]
mod page;
#[path = "../clients/results.rs"]
mod results;

use std::process::ExitCode;
use std::sync::{PoisonError, RwLock};

use anyhow::Result;
use libtest_mimic::{Failed, Trial};

use crate::arguments::arguments;
use crate::machine::Major;
use crate::site::Site;

const BOTH: &[Major] = &[Major::Three, Major::Four];

/// Policies also judge what other scenarios send that is in no namespace. The trial of every object is alone among those
/// that put policies into force.
static POLICIES: RwLock<()> = RwLock::new(());

/// One scenario, tried with each of these majors of Helm.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    name: &'static str,
    majors: &'static [Major],
    run: fn(&Try) -> Result<()>,
}

/// A scenario under one major of Helm.
#[derive(Clone, Copy)]
pub(crate) struct Try {
    scenario: &'static str,
    major: Major,
    /// Who has installed the release.
    installed_by: Major,
}

impl Try {
    fn run(&self, run: fn(&Self) -> Result<()>) -> Result<()> {
        let is_verdicts = verdicts::ALL.iter().any(|scenario| scenario.name == self.scenario);
        let is_guard = guard::ALL.iter().any(|scenario| scenario.name == self.scenario);
        let _alone = is_verdicts.then(|| POLICIES.write().unwrap_or_else(PoisonError::into_inner));
        let _others = is_guard.then(|| POLICIES.read().unwrap_or_else(PoisonError::into_inner));
        run(self)
    }

    /// A release of its own for this try.
    pub(crate) fn site(&self) -> Result<Site> {
        Site::new(self.scenario, self.major, self.installed_by)
    }

    /// The same with a release that Helm 3 has installed.
    pub(crate) fn of_helm3(&self) -> Self {
        Self { installed_by: Major::Three, ..*self }
    }
}

#[expect(clippy::print_stdout, reason = "CI counts what was skipped")]
#[expect(clippy::print_stderr, reason = "what a page does not say belongs to no trial")]
fn main() -> ExitCode {
    let mut arguments = arguments();
    // A quarter of the time is spent waiting for the server.
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(processors + processors.div_ceil(2));
    let required = std::env::var("RESECRET_REQUIRE_CLUSTER").is_ok_and(|value| value == "1");
    // The two longest come first, so that none runs alone at the end.
    let scenarios = [
        verdicts::ALL,
        mutated::ALL,
        adopt::ALL,
        script::ALL,
        real::ALL,
        secrets::ALL,
        split::ALL,
        rollback::ALL,
        drift::ALL,
        duplicates::ALL,
        immutable::ALL,
        forecast::ALL,
        vault::ALL,
        runbook::ALL,
        walk::ALL,
        examples::ALL,
        guard::ALL,
    ]
    .concat();
    let missing = missing(required);
    let trial = |scenario: &Scenario, major: Major| {
        let (this, run) = (Try { scenario: scenario.name, major, installed_by: major }, scenario.run);
        let name = format!("{}::{}", scenario.name, major.client());
        match missing.clone() {
            None if !is_thorough() && is_one_more(scenario, major) => {
                Trial::test(name, || Err(Failed::from("RESECRET_THOROUGH=1 runs it"))).with_ignored_flag(true)
            }
            None => {
                Trial::test(name, move || this.run(run).map_err(|error| Failed::from(format!("{error:#}"))))
            }
            Some(reason) => Trial::test(name, || Err(Failed::from(reason))).with_ignored_flag(!required),
        }
    };
    let trials =
        scenarios.iter().flat_map(|scenario| scenario.majors.iter().map(|major| trial(scenario, *major)));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    cluster::stop();
    let whole = arguments.filter.as_ref().is_none_or(|filter| "guard::".starts_with(filter.as_str()));
    let page = table::compare_page(whole && conclusion.num_failed == 0 && missing.is_none());
    if missing.is_none() && !is_thorough() && conclusion.num_ignored > 0 {
        let count = conclusion.num_ignored;
        println!(
            "skipped trials of live releases: {count} (more of the same kind; `just live-thorough` runs them)"
        );
    }
    table::print();
    match page {
        Ok(()) => conclusion.exit_code(),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every way of every scenario is to be tried, which takes an hour, or one of each kind.
pub(crate) fn is_thorough() -> bool {
    std::env::var("RESECRET_THOROUGH").is_ok_and(|value| value == "1")
}

/// Of two cases that a script treats alike: both, or one under each major.
pub(crate) fn of_both<T>(this: &Try, [three, four]: [T; 2]) -> Vec<T> {
    match this.major {
        _ if is_thorough() => vec![three, four],
        Major::Three => vec![three],
        Major::Four => vec![four],
    }
}

/// Whether another scenario tries the same on another way, or this one does under the other major.
fn is_one_more(scenario: &Scenario, major: Major) -> bool {
    [script::THOROUGH, real::THOROUGH, split::THOROUGH].iter().any(|names| names.contains(&scenario.name))
        || (major == Major::Four && script::ON_ONE_MAJOR.contains(&scenario.name))
}

/// What keeps the scenarios from running here, said in one line.
#[expect(clippy::print_stderr, reason = "libtest says that a trial is ignored, but not why")]
fn missing(required: bool) -> Option<String> {
    let clients = ["helm3", "helm4", "kubectl"].iter().find_map(|name| clients::find(name).err());
    let missing = clients.or_else(|| cluster::find().err())?;
    if !required {
        eprintln!("skipped all of live: {missing}");
    }
    Some(missing)
}
