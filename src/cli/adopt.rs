//! `resecret adopt`: the first upgrade of a live release, as a script.

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use resecret::{Adoption, ChartValue, Fill, Helm};

use crate::cli::exit::ExitStatus;
use crate::cli::flags::{ReportArgs, RuleArgs};
use crate::cli::io::progress::Progress;
use crate::cli::io::reporter::Reporter;
use crate::cli::io::source::Source;
use crate::cli::load_config::{DEFAULT_CONFIG, Rules};

/// What `resecret adopt --help` ends with.
pub(super) const HELP: &str = "\
The script goes to standard output. It keeps the live Secrets, fills the vaulted ones through pipes
(no value is shown, or stored in a file), checks them, upgrades in the way that loses nothing for
this release and this Helm, and compares what is live then with the manifest. Read it, then run it:
sh adopt.sh --dry-run only asks. Nothing is run by resecret itself.

With --back it is the script by which the release leaves resecret again.

Live objects behind the manifest count more than the manifest; the script looks at them again
before it upgrades.

Exit codes:
  0  done; with --verify: the live objects are what the manifest says
  1  --verify has found a difference
  2  error: wrong flags, configuration or input, or a release that has no safe way

Examples:
  helm template lf ./chart -f values.yaml > render.yaml
  { helm get manifest lf; helm get hooks lf; } |
    resecret adopt --release lf --helm 4 --chart ./chart --previous - render.yaml -- -f values.yaml > adopt.sh
  helm get manifest lf | resecret adopt --back --release lf --chart ./chart --previous - \
    --value nextauth-secret=langfuse.nextauth.secret render.yaml -- -f values.yaml > back.sh
  { helm get manifest lf; echo ---; kubectl get deployments -o yaml; } | resecret adopt --verify - render.yaml";

/// The arguments of `adopt`.
#[derive(Debug, clap::Args)]
pub(super) struct AdoptArgs {
    /// What `helm template` prints for this release, with its hooks; the script reads the file too
    render: PathBuf,

    /// What `helm get manifest` prints, alone or with `helm get hooks` and live objects behind it; `-` for standard input
    #[arg(long, value_name = "FILE", required_unless_present = "verify")]
    previous: Option<PathBuf>,

    /// The release
    #[arg(long, value_name = "NAME", required_unless_present = "verify")]
    release: Option<String>,

    /// The chart, as `helm upgrade` takes it
    #[arg(long, value_name = "CHART", required_unless_present = "verify")]
    chart: Option<String>,

    /// The release's namespace [default: HELM_NAMESPACE, or the context's]
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,

    /// The kubeconfig's context [default: HELM_KUBECONTEXT, or the current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// The major of Helm that upgrades
    #[arg(long, value_enum, value_name = "MAJOR", default_value_t = Major::Four)]
    helm: Major,

    /// Who fills the vaulted Secrets
    #[arg(long, value_enum, value_name = "WHO", default_value_t = Filler::Copy)]
    fill: Filler,

    /// Write the script by which the release leaves resecret: the chart renders its Secrets again, with the vault's values
    #[arg(long, conflicts_with = "fill")]
    back: bool,

    /// With --back: the chart's value that takes a key of the vault, a path as --set takes it; repeat for several
    #[arg(long, value_name = "[SECRET/]KEY=PATH", requires = "back", value_parser = chart_value)]
    value: Vec<ChartValue>,

    /// Write no script: compare live objects with their manifest, both in this file, `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["previous", "release", "chart", "namespace", "context", "helm", "fill", "arguments"])]
    verify: Option<PathBuf>,

    /// What would change.
    #[command(flatten)]
    pub(super) rules: RuleArgs,

    /// What to say.
    #[command(flatten)]
    pub(super) report: ReportArgs,

    /// More arguments of `helm upgrade`, such as -f values.yaml
    #[arg(last = true, value_name = "HELM ARGUMENTS")]
    arguments: Vec<String>,
}

/// The majors of Helm.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Major {
    /// Helm 3
    #[value(name = "3")]
    Three,
    /// Helm 4
    #[value(name = "4")]
    Four,
}

/// Who fills a vaulted Secret.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Filler {
    /// The script copies the live values that are missing
    Copy,
    /// External Secrets, Sealed Secrets, the Vault Secrets Operator or a person: the script says what goes where, and waits
    Wait,
}

/// Reads `KEY=PATH` and `SECRET/KEY=PATH`.
fn chart_value(text: &str) -> Result<ChartValue, String> {
    let (key, path) = text.split_once('=').ok_or("it has the form KEY=PATH")?;
    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
    let is_name = |step: &String| {
        !step.is_empty() && step.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    if !path.iter().all(is_name) {
        return Err("the path is names of values with dots between them".to_owned());
    }
    Ok(match key.split_once('/') {
        Some((secret, key)) => ChartValue { secret: Some(secret.to_owned()), key: key.to_owned(), path },
        None => ChartValue { secret: None, key: key.to_owned(), path },
    })
}

/// Runs the command.
pub(super) fn run(args: &AdoptArgs, reporter: &Reporter) -> anyhow::Result<ExitStatus> {
    ensure!(
        args.render != Path::new("-"),
        "the render must be a file: the script checks the vaulted Secrets against it"
    );
    let progress = Progress::start(1);
    let render = Source::of(&args.render).read(&progress)?;
    let config = Rules::read(&args.rules, None)?.of(&render)?;
    let Some(path) = args.verify.as_ref().or(args.previous.as_ref()) else {
        bail!("--previous says which release is live");
    };
    let source = Source::of(path);
    let (name, state) = (source.name(), source.read(&progress)?);
    drop(progress);
    if args.verify.is_some() {
        let verify = if args.back { resecret::not_restored } else { resecret::not_live };
        let found = verify(&state, &name, &render, &config)?;
        reporter.findings(&found, &mut io::stdout().lock()).context("cannot write standard output")?;
        return Ok(if found.is_empty() { ExitStatus::Success } else { ExitStatus::Findings });
    }
    let adoption = adoption(args)?;
    let script = if args.back {
        resecret::leave(&state, &name, &render, &config, &adoption, &args.value)?
    } else {
        resecret::adopt(&state, &name, &render, &config, &adoption)?
    };
    io::stdout().lock().write_all(script.as_bytes()).context("cannot write standard output")?;
    Ok(ExitStatus::Success)
}

fn adoption(args: &AdoptArgs) -> anyhow::Result<Adoption> {
    args.arguments.iter().try_for_each(|argument| accept(argument))?;
    let (Some(release), Some(chart)) = (args.release.clone(), args.chart.clone()) else {
        bail!("--release and --chart say what to upgrade");
    };
    Ok(Adoption {
        release,
        namespace: args.namespace.clone().or_else(|| of_helm("HELM_NAMESPACE")),
        context: args.context.clone().or_else(|| of_helm("HELM_KUBECONTEXT")),
        helm: match args.helm {
            Major::Three => Helm::Three,
            Major::Four => Helm::Four,
        },
        chart,
        arguments: args.arguments.clone(),
        rules: rules(&args.rules)?,
        render: text(&args.render)?,
        fill: match args.fill {
            Filler::Copy => Fill::Copy,
            Filler::Wait => Fill::Wait,
        },
    })
}

/// What Helm hands to a plugin. It takes `--namespace` and `--kube-context` out of the arguments of `helm resecret`. Not
/// a default of the flags: that would be a conflict with `--verify`, which needs neither.
fn of_helm(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

/// The flags of the rules, a word each; the default file is named, so that the script does not depend on it by accident.
fn rules(args: &RuleArgs) -> anyhow::Result<Vec<String>> {
    let default = [PathBuf::from(DEFAULT_CONFIG)];
    let files = if args.config.is_empty() && args.preset.is_empty() { &default[..] } else { &args.config };
    let mut rules = Vec::new();
    for file in files {
        rules.push(format!("--config={}", text(file)?));
    }
    rules.extend(args.preset.iter().map(|preset| format!("--preset={preset}")));
    rules.extend(args.to.iter().map(|to| format!("--to={to}")));
    rules.extend(args.allow_unmatched.then(|| "--allow-unmatched".to_owned()));
    Ok(rules)
}

fn text(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
}

/// Refuses arguments of Helm that would take the script's safety away, or a value into it.
fn accept(argument: &str) -> anyhow::Result<()> {
    let flag = argument.split('=').next().unwrap_or_default();
    match flag {
        "--set" | "--set-string" | "--set-json" | "--set-literal" => {
            bail!(
                "{flag} would put a value into the script and the process list: write it into a values file, and give that with -f"
            )
        }
        "--atomic" | "--rollback-on-failure" => {
            bail!(
                "leave {flag} out of this one upgrade: the rollback that it makes by itself loses variables"
            )
        }
        "--force" | "--force-replace" | "--force-conflicts" | "--server-side" => {
            bail!("leave {flag} out: the script chooses how to upgrade")
        }
        "--post-renderer" | "--post-renderer-args" => {
            bail!("leave {flag} out: the script runs resecret as the post-renderer")
        }
        "--wait" | "--wait-for-jobs" => bail!("leave {flag} out: the script waits for the pods itself"),
        "--dry-run" => bail!("leave --dry-run out: the script has it as a flag of its own"),
        "-n" | "--namespace" => {
            bail!("leave {flag} out, and give --namespace before the `--`: kubectl needs it too")
        }
        "--kube-context" => {
            bail!("leave {flag} out, and give --context before the `--`: kubectl needs it too")
        }
        _ => Ok(()),
    }
}
