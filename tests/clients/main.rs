//! Real clients, end to end: Helm 3, Helm 4, Kustomize, kubectl and helmfile run the program on our own charts.
//!
//! The clients are the ones that `.ci/clients` builds. A trial whose client is missing is skipped, and
//! says so; with `RESECRET_REQUIRE_CLIENTS=1` it fails.

/// What a run of the program is asked for.
#[path = "../support/arguments.rs"]
mod arguments;
/// As much of an API server as `helm install --dry-run` asks for.
mod api_server;
/// The recipes for CI.
mod ci;
/// A client other than Helm.
mod client;
/// Where the clients are, and whether they have the pinned version.
mod clients;
/// What a build names as its commit.
mod commit;
/// The files that `just package` has made of a release build.
mod dist;
/// `helm install --dry-run`, on both majors.
mod dry_run;
/// Every example of a system: what its page says, and what its release holds.
mod examples;
/// Runs that end in an error: who gets to see the diagnostic.
mod failure;
/// The release with patches in the place of a program.
mod flux;
/// Kustomize beyond the examples: `fn run`, prefixes and hashes, and what happens without its flags.
mod kustomize;
/// The policies of `guard -o kyverno`, judged by Kyverno's command line.
mod kyverno;
/// A chart that makes something of its own on every render, and what two renders propose for it.
mod generated;
/// One Helm on a machine of its own: folders, environment, plugins.
mod machine;
/// The null that should remove a subchart's default, and the rule that does not depend on it.
mod null;
/// Manifests by object, read by a YAML reader of another lineage.
mod objects;
/// The files of a release: what is in them, and what both majors do with them.
mod package;
/// The commands of a page.
mod page;
/// Kustomize applies what `resecret patches` prints.
mod patches;
/// Install, list, use, update and uninstall the plugin.
mod plugin;
/// What a release offers beside its files: a plugin by URL, an action, hooks of pre-commit, artifacts of a registry.
mod release;
/// The renders that ship in the repository are what Helm renders.
mod renders;
/// The table of what the tests run of the examples.
mod results;
/// Every client gives the same objects; what each does with messages, hooks and an empty release.
mod same;
/// The systems of the examples, and what is true of each.
mod systems;
/// `helm template` with the post-renderer, on both majors.
mod template;
/// The arguments of the Terraform example.
mod terraform;
/// Every way to a cluster, run as its client runs it.
mod ways;
/// A server of releases on this machine.
mod web;
/// The workflows of the repository, by a linter.
mod workflows;

use std::collections::BTreeMap;
use std::process::ExitCode;

use libtest_mimic::{Failed, Trial};

use crate::arguments::arguments;

/// One trial: its name, the clients it needs, and what it does.
#[derive(Clone)]
pub(crate) struct Case {
    name: &'static str,
    needs: &'static [&'static str],
    run: fn() -> anyhow::Result<()>,
}

fn main() -> ExitCode {
    let arguments = arguments();
    let required = std::env::var("RESECRET_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
    let cases = [
        renders::CASES,
        null::CASES,
        generated::CASES,
        template::CASES,
        dry_run::CASES,
        failure::CASES,
        plugin::CASES,
        commit::CASES,
        package::CASES,
        dist::CASES,
        release::CASES,
        ci::CASES,
        workflows::CASES,
        kustomize::CASES,
        terraform::CASES,
        flux::CASES,
        patches::CASES,
        kyverno::CASES,
    ];
    let mut skipped = Skipped::default();
    let mut trials = Vec::new();
    for case in cases.concat() {
        trials.push(trial(case.name, case.needs, case.run, required, &mut skipped));
    }
    for (name, needs, run) in same::trials() {
        trials.push(trial(&name, needs, run, required, &mut skipped));
    }
    for (name, needs, run) in examples::trials() {
        trials.push(trial(&name, &needs, run, required, &mut skipped));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    say(&skipped);
    conclusion.exit_code()
}

/// How many trials each reason keeps from running.
type Skipped = BTreeMap<String, usize>;

/// One line for all that was skipped.
#[expect(clippy::print_stderr, reason = "libtest says that a trial is ignored, but not why")]
fn say(skipped: &Skipped) {
    let reasons: Vec<String> = skipped.iter().map(|(reason, count)| format!("{count} ({reason})")).collect();
    if !reasons.is_empty() {
        eprintln!("skipped trials of clients: {}", reasons.join(", "));
    }
}

/// A trial that cannot run here is still in the list, as ignored, so that it is counted.
fn trial(
    name: &str,
    needs: &[&str],
    run: impl Fn() -> anyhow::Result<()> + Send + 'static,
    required: bool,
    skipped: &mut Skipped,
) -> Trial {
    let missing = needs.iter().find_map(|name| Some((name, clients::find(name).err()?)));
    // Programs of the system, such as jq, are not ours to install.
    let required = required && missing.as_ref().is_none_or(|(name, _)| clients::is_pinned(name));
    match missing.map(|(_, reason)| reason) {
        None => Trial::test(name, move || run().map_err(|error| Failed::from(format!("{error:#}")))),
        Some(reason) => {
            if !required {
                *skipped.entry(reason.clone()).or_default() += 1;
            }
            Trial::test(name, || Err(Failed::from(reason))).with_ignored_flag(!required)
        }
    }
}
