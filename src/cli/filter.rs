//! `resecret filter`: standard input to standard output.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::cli::flags::{ReportArgs, ReportFormat, RuleArgs, UpgradeArgs};
use crate::cli::io::helm4;
use crate::cli::io::joined_input::Places;
use crate::cli::io::progress::Progress;
use crate::cli::io::reporter::Reporter;
use crate::cli::io::source::{Source, has_no_input, piped, refuse_chart};
use crate::cli::io::stdout::stdout;
use crate::cli::load_config::{Rules, is_configuration};
use crate::cli::previous::Previous;

/// The flags of `filter`.
#[derive(Debug, clap::Args)]
pub(super) struct FilterArgs {
    /// The render to filter [default: standard input]; or a configuration, which Kustomize names to an exec plugin
    pub(super) file: Option<PathBuf>,

    /// Write each document before the next one is read: bounded memory, not all or nothing
    ///
    /// For streams of any length. Secrets must come before what refers to them; what needs the whole stream is refused.
    /// When a run fails, documents before the place of the error have been written: the exit code is 2, and the last
    /// line on standard error says how many they were. Helm throws such output away, `kubectl apply` behind a pipe does not.
    #[arg(long, conflicts_with_all = ["file", "previous", "accept_hazards"])]
    pub(super) stream: bool,

    /// What to change.
    #[command(flatten)]
    pub(super) rules: RuleArgs,

    /// What to compare with.
    #[command(flatten)]
    pub(super) upgrade: UpgradeArgs,

    /// What to say.
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

impl FilterArgs {
    /// Why these flags do not go together, where that depends on their values: SARIF is one log of a whole run.
    pub(super) fn conflict(&self) -> Option<&'static str> {
        (self.stream && matches!(self.report.format, ReportFormat::Sarif)).then_some(
            "--stream reports as it goes, and SARIF is one log of a whole run: take --format text, json or github",
        )
    }

    /// The first argument, if it is no file and does not look like one: a misspelt command.
    pub(super) fn unknown_command(&self) -> Option<&str> {
        self.file.as_ref().filter(|path| is_like_a_command(path))?.to_str()
    }
}

/// Whether a word is no file and does not look like one.
pub(super) fn is_like_a_command(path: &Path) -> bool {
    let is_word = |word: &str| !word.starts_with('-') && !word.contains(std::path::is_separator);
    !path.exists() && path.extension().is_none() && path.to_str().is_some_and(is_word)
}

/// What a file named without a flag is.
enum Named<'a> {
    /// Nothing is named.
    Nothing,
    /// What Kustomize hands over.
    Configuration(&'a Path),
    /// What is to be filtered.
    Render(&'a Path),
}

impl<'a> Named<'a> {
    /// # Errors
    ///
    /// A chart or another folder, or a render beside a standard input that may be one too: a client's run must not
    /// filter another stream than the client's.
    fn of(path: Option<&'a Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::Nothing) };
        refuse_chart(path)?;
        let shown = path.display();
        ensure!(
            !path.is_dir(),
            "{shown} is a folder, and a run filters one stream: `cat {shown}/*.yaml | resecret`"
        );
        if is_configuration(path)? {
            return Ok(Self::Configuration(path));
        }
        ensure!(
            has_no_input(),
            "standard input may hold manifests, and {shown} is a render too: to filter the file, write `resecret < {shown}`"
        );
        Ok(Self::Render(path))
    }
}

/// Runs the filter.
pub(super) fn run(args: &FilterArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let named = Named::of(args.file.as_deref())?;
    let (configuration, source) = match named {
        Named::Nothing => (None, Source::Stdin),
        Named::Configuration(path) => (Some(path), Source::Stdin),
        Named::Render(path) => (None, Source::of(path)),
    };
    let rules = Rules::read(&args.rules, configuration)?;
    if args.stream {
        return stream(&rules, reporter);
    }
    let progress = Progress::start(1);
    reporter.places(Places::of(source.name()));
    let input = source.read(&progress)?;
    let config = rules.of(&input)?;
    let filtered = resecret::filter(&input, &config)?;
    drop(progress);
    let mut diagnostics = filtered.diagnostics().to_vec();
    if let Some(previous) = Previous::read(&args.upgrade, &[source])? {
        let found = previous.hazards(&filtered.to_vec(), &config)?;
        diagnostics.extend(resecret::accept_hazards(found, &args.upgrade.accept_hazards)?);
    }
    // Before the output: under Helm 4 a warning that reaches nobody stops the run.
    reporter.report(&diagnostics);
    if helm4::hides_standard_error() {
        reporter.check_log()?;
    }
    // Only now, with every document verified, does anything go out.
    filtered.write_to(stdout()?).context("cannot write standard output; its reader has only a part")?;
    reporter.note(&filtered.summary().to_string());
    Ok(())
}

/// Runs the filter with `--stream`: a document goes out before the next one is read.
fn stream(rules: &Rules, reporter: &Reporter) -> anyhow::Result<()> {
    // What a client hands over beside manifests is in a ResourceList, which is no stream.
    let config = rules.of(&[])?;
    let mut report = |diagnostics: &[_]| reporter.report(diagnostics);
    let summary = resecret::filter_stream(piped()?, stdout()?, &config, &mut report)?;
    reporter.note(&summary.to_string());
    Ok(())
}
