//! `resecret guard`: the configuration as policies of the API server.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::ValueEnum;
use resecret::{
    Code, Config, Diagnostic, Guard, GuardAction, GuardForm, GuardOptions, KubernetesVersion,
    NamespaceSelector, Severity, Vault,
};

use crate::cli::exit::ExitStatus;
use crate::cli::flags::{ReportArgs, RuleArgs};
use crate::cli::io::joined_input::Joined;
use crate::cli::io::reporter::Reporter;
use crate::cli::io::stdout::print;
use crate::cli::load_config::Rules;

/// The end of the command's help.
pub(super) const HELP: &str = "\
The policies refuse what the filter would change: removed Secrets, references to them, variables that
must read the vault, duplicates. What was at fault before stays as it is: scale, restart and a new image
go through. What a controller makes was judged as what it is made from. No message holds a value.

A namespace is guarded by its label, which also chooses the action:
  kubectl label namespace langfuse resecret.dev/guard=audit    # then warn, then deny

References to removed Secrets are refused in custom resources of any kind. With a render, references are
judged by the names of the Secrets in it, and the variables and moved keys of its custom resources are
guarded too. Rules with `source` or `keepExisting` need one.

With -o mutate, a server rewrites pods that were sent plain instead of refusing them, in namespaces with
the label resecret.dev/mutate=enabled. It removes no Secret: let policies that refuse guard them too.

With -o kyverno, the policies are Kyverno's, with the same verdicts.

With --check, no policy is printed: it says which objects of manifests the policies would refuse, and,
as a warning, what the filter would change at places that no policy looks at.

Exit codes:
  0  done; with --check: no object is refused
  1  with --check: a server with the policies refuses an object
  2  error: wrong flags, configuration or input, or a rule that no policy can express

Examples:
  resecret guard --preset langfuse --to langfuse-vault | kubectl apply -f -
  helm template lf ./chart | resecret guard --config resecret.yaml - | kubectl diff -f -
  resecret guard --config resecret.yaml render.yaml --check manifests/";

/// The arguments of `guard`.
#[derive(Debug, clap::Args)]
pub(super) struct GuardArgs {
    /// Renders that say what only they can: files or folders, `-` for standard input
    pub(super) files: Vec<PathBuf>,

    /// Say what the policies would refuse of these manifests, instead of printing them: files or folders
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["action", "namespace_selector", "exempt", "protect", "name"])]
    check: Vec<PathBuf>,

    /// What to print
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t = OutputArg::Vap)]
    output: OutputArg,

    /// What happens to an object at fault; repeat for a binding each [default: all]
    #[arg(long, value_enum, value_name = "ACTION")]
    action: Vec<ActionArg>,

    /// Guard these namespaces, in kubectl's words (`team=a,stage in (prod)`); with one --action or more
    /// [default: resecret.dev/guard=ACTION; with -o mutate: resecret.dev/mutate=enabled]
    #[arg(long, value_name = "SELECTOR")]
    namespace_selector: Option<NamespaceSelector>,

    /// Let this account write removed Secrets: NAMESPACE/NAME of a service account, or a user; repeat for several.
    /// External Secrets, Sealed Secrets and the Vault Secrets Operator may
    #[arg(long, value_name = "ACCOUNT")]
    exempt: Vec<String>,

    /// Keep live Secrets: removed and vaulted ones cannot be deleted, vaulted ones keep their keys
    #[arg(long)]
    protect: bool,

    /// The oldest Kubernetes that must take the policies, 1.30 to 1.36 [default: 1.30; 1.36 with -o mutate]
    #[arg(long, value_name = "VERSION")]
    kubernetes: Option<KubernetesVersion>,

    /// The middle of the policies' names [default: metadata.name of the configuration]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// What would change.
    #[command(flatten)]
    rules: RuleArgs,

    /// What to say.
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

/// What happens to an object at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ActionArg {
    /// Refuse it, with a note in the audit log
    Deny,
    /// Warn everyone who sends it, with a note in the audit log
    Warn,
    /// A note in the audit log
    Audit,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OutputArg {
    /// ValidatingAdmissionPolicies: what the filter would change is refused
    Vap,
    /// A MutatingAdmissionPolicy: it is changed, in pods
    Mutate,
    /// ValidatingPolicies of Kyverno: the same for a cluster with Kyverno
    Kyverno,
}

impl From<OutputArg> for GuardForm {
    fn from(output: OutputArg) -> Self {
        match output {
            OutputArg::Vap => Self::Validating,
            OutputArg::Mutate => Self::Mutating,
            OutputArg::Kyverno => Self::Kyverno,
        }
    }
}

impl GuardArgs {
    /// The oldest server that must take the policies.
    fn kubernetes(&self) -> KubernetesVersion {
        self.kubernetes.unwrap_or_else(|| match self.output {
            OutputArg::Vap | OutputArg::Kyverno => KubernetesVersion::default(),
            OutputArg::Mutate => KubernetesVersion::first_with_mutating_policies(),
        })
    }

    /// Refuses flags that mean nothing for what is printed.
    fn check_flags(&self) -> anyhow::Result<()> {
        let given = [
            ("--action", !self.action.is_empty()),
            ("--exempt", !self.exempt.is_empty()),
            ("--protect", self.protect),
            ("--check", !self.check.is_empty()),
        ];
        if self.output == OutputArg::Mutate {
            if let Some((flag, _)) = given.iter().find(|(_, given)| *given) {
                bail!("{flag} means nothing with -o mutate: a mutation refuses no object");
            }
        } else if self.namespace_selector.is_some() && self.action.is_empty() {
            bail!(
                "--namespace-selector needs --action: a label of its own tells the bindings of several apart"
            );
        }
        Ok(())
    }
}

impl From<ActionArg> for GuardAction {
    fn from(action: ActionArg) -> Self {
        match action {
            ActionArg::Deny => Self::Deny,
            ActionArg::Warn => Self::Warn,
            ActionArg::Audit => Self::Audit,
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &GuardArgs, reporter: &Reporter) -> anyhow::Result<ExitStatus> {
    args.check_flags()?;
    let render = if args.files.is_empty() { None } else { Some(Joined::read(&args.files)?) };
    let config = Rules::read(&args.rules, None)?.of(render.as_ref().map_or(b"", |render| &render.bytes))?;
    let mut options =
        GuardOptions { protect: args.protect, kubernetes: args.kubernetes(), ..GuardOptions::default() };
    options.form = args.output.into();
    options.name = args.name.clone().unwrap_or_else(|| config.name());
    options.actions = match args.action.as_slice() {
        [] => vec![GuardAction::Deny, GuardAction::Warn, GuardAction::Audit],
        some => some.iter().copied().map(GuardAction::from).collect(),
    };
    options.namespaces.clone_from(&args.namespace_selector);
    for user in &args.exempt {
        options.exempt(user);
    }
    let bytes = render.map(|Joined { bytes, places }| {
        reporter.places(places);
        bytes
    });
    if !args.check.is_empty() {
        return check(&args.check, bytes.as_deref(), &config, reporter);
    }
    if let Some(bytes) = bytes.as_deref().filter(|_| args.protect) {
        options.keys = keys(&resecret::vault(bytes, &config)?);
    }
    let guard = resecret::guard(bytes.as_deref(), &config, &options)?;
    io::stdout().lock().write_all(guard.to_yaml().as_bytes()).context("cannot write standard output")?;
    let mut said = guard.diagnostics().to_vec();
    if let Some(render) = bytes.as_ref().filter(|_| args.output != OutputArg::Mutate) {
        // What only the filter guards in this very render.
        let found = resecret::check_guarded(render, Some(render), &config)?;
        said.extend(found.into_iter().filter(|found| found.code == Code::GuardRefuses && !is_refused(found)));
    }
    reporter.success(&said, GuardSummary(&guard));
    Ok(ExitStatus::Success)
}

/// Says what the policies would refuse of manifests.
fn check(
    files: &[PathBuf],
    render: Option<&[u8]>,
    config: &Config,
    reporter: &Reporter,
) -> anyhow::Result<ExitStatus> {
    let Joined { bytes, places } = Joined::read(files)?;
    let found = resecret::check_guarded(&bytes, render, config)?;
    let found: Vec<Diagnostic> = found.into_iter().map(|found| places.locate(found)).collect();
    let mut report = Vec::new();
    reporter.findings(&found, &mut report).context("cannot write the report")?;
    if !report.is_empty() {
        print(&report)?;
    }
    let refused: BTreeSet<_> =
        found.iter().filter(|found| is_refused(found)).map(|found| &found.location.object).collect();
    reporter.note(&format!("resecret: the policies refuse {}", counted(refused.len(), "object")));
    Ok(if refused.is_empty() { ExitStatus::Success } else { ExitStatus::Findings })
}

fn counted(count: usize, word: &str) -> String {
    match count {
        0 => format!("no {word}"),
        1 => format!("1 {word}"),
        more => format!("{more} {word}s"),
    }
}

/// Whether a server with the policies refuses the object.
fn is_refused(found: &Diagnostic) -> bool {
    found.severity == Severity::Error
}

/// The keys that pods cannot start without.
fn keys(vault: &Vault) -> Vec<(String, Vec<String>)> {
    let keys = vault.secrets().iter().map(|secret| {
        let needed = secret.keys.iter().filter(|key| !key.optional).map(|key| key.name.clone());
        (secret.name.clone(), needed.collect())
    });
    keys.collect()
}

/// The line at the end of a run.
struct GuardSummary<'a>(&'a Guard);

impl fmt::Display for GuardSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_policy = |manifest: &&serde_json::Value| manifest["spec"].get("policyName").is_none();
        let policies = self.0.manifests().iter().filter(is_policy).count();
        let bindings = counted(self.0.manifests().len() - policies, "binding");
        let word = if policies == 1 { "policy" } else { "policies" };
        write!(f, "resecret: {policies} {word} and {bindings}")
    }
}
