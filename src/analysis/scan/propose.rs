//! A configuration that vaults what an inventory has found, tried on the render before it is shown.

use crate::analysis::scan::config_maps::ConfigMapsDraft;
use crate::analysis::scan::draft::{Draft, EnvDraft, SecretsDraft, Within};
use crate::analysis::scan::{Inventory, PlainCredential, inventory};
use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, Error, Location, Severity};
use crate::filter::collect::secret_values;
use crate::filter::{allow, filter};
use crate::rules::leaked_values::LeakedValues;
use crate::yaml::scalar::{one_line, plain_or_quoted};

/// A configuration to review.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// `resecret.yaml`.
    pub text: String,
    /// What the filter says about the render with it.
    pub warnings: Vec<Diagnostic>,
    /// How many findings `check` has with it, those about hooks included.
    pub findings: usize,
    /// What is left in its output: things that no rule can vault.
    pub left: Inventory,
    /// How many places still change on every render with it, as far as [`note_changes`](Self::note_changes) was told.
    pub changes: usize,
}

impl Proposal {
    /// The proposal as the filter takes it.
    ///
    /// # Errors
    ///
    /// A text that is not a configuration any more.
    pub fn config(&self) -> Result<Config, Error> {
        configuration(&self.text)
    }

    /// Adds what still changes on every render with it, as comments at the end.
    pub fn note_changes(&mut self, changes: &[Diagnostic]) {
        self.changes = changes.len();
        let mut lines: Vec<String> = Vec::new();
        if !changes.is_empty() {
            comment("", "These still change on every render, as `resecret check --again` shows:", &mut lines);
        }
        for Diagnostic { message, help, location, .. } in changes {
            let object = location.object.as_ref().map(|object| format!("{object}")).unwrap_or_default();
            let path = location.path.as_deref().unwrap_or_default();
            let place = format!("{object} {path}").trim().to_owned();
            let place = if place.is_empty() { place } else { format!("{place}: ") };
            comment("", &format!("- {place}{message}"), &mut lines);
            help.lines().for_each(|line| comment("", &format!("  {line}"), &mut lines));
        }
        self.text += &lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    }
}

/// What stops a run that only has to be looked at.
const LEFT: [Code; 3] = [Code::LeftBehind, Code::ValueLeftBehind, Code::CaBundle];

/// Proposes a configuration that vaults all of an inventory, each chart Secret in a Secret of its own, or all of them in
/// the Secret `to`; `None` where no rule could do anything.
///
/// The filter has run with it on the render, which is `input`.
///
/// # Errors
///
/// `to` is a Secret of the chart, or the render cannot be edited as it is: what the filter says.
pub fn propose(input: &[u8], found: &Inventory, to: Option<&str>) -> Result<Option<Proposal>, Error> {
    if let Some(to) = to.filter(|to| found.secrets.iter().any(|secret| secret.name == *to)) {
        return Err(Diagnostic::error(
            Code::InvalidConfig,
            format!("the vaulted Secret {to} is a Secret of the chart"),
            "let `--to` name a Secret that is made outside the chart",
        )
        .at(Location { file: Some("--to".to_owned()), ..Location::default() })
        .into());
    }
    let mut draft = Draft::new(found, to);
    let values = secret_values(input)?;
    if draft.splits() {
        let proposal = attempt(input, &values, &draft, None);
        if proposal.is_ok() {
            return proposal;
        }
        draft = as_split_as_can_be(input, &draft)?;
    }
    if draft.is_empty() {
        return Ok(None);
    }
    attempt(input, &values, &draft, None).or_else(|error: Error| {
        let errors = error.diagnostics().iter().filter(|found| found.severity == Severity::Error);
        let errors: Vec<Diagnostic> = errors.cloned().collect();
        if errors.iter().all(|error| LEFT.contains(&error.code)) {
            attempt(input, &values, &draft, Some(&errors))
        } else {
            Err(error)
        }
    })
}

/// Where somebody can read one object alone, or a credential is also in what would stay, a ConfigMap stays as it is and a
/// Secret is removed as a whole.
fn as_split_as_can_be(input: &[u8], draft: &Draft) -> Result<Draft, Error> {
    let (whole, splits) = draft.unsplit();
    let known = errors(input, &whole)?;
    let with = |kept: &[bool]| {
        let kept = splits.iter().zip(kept).filter(|(_, is_kept)| **is_kept);
        whole.with(kept.map(|(split, _)| split))
    };
    let wrong = |kept: &[bool]| -> Result<usize, Error> {
        let found = errors(input, &with(kept))?;
        Ok(found.iter().filter(|error| !known.contains(error)).count())
    };
    // Those that share a value can only go together, so what is in the way is taken out one by one.
    let mut kept = vec![true; splits.len()];
    let mut left = wrong(&kept)?;
    let mut before = left + 1;
    while left > 0 && left < before {
        before = left;
        for position in 0..splits.len() {
            let was = std::mem::replace(&mut kept[position], false);
            match wrong(&kept)? {
                fewer if was && fewer < left => left = fewer,
                _ => kept[position] = was,
            }
        }
    }
    if left > 0 {
        kept.fill(false);
        for position in 0..splits.len() {
            kept[position] = true;
            kept[position] = wrong(&kept)? == 0;
        }
    }
    Ok(with(&kept))
}

/// What stops the filter with a draft, and where.
fn errors(input: &[u8], draft: &Draft) -> Result<Vec<(Code, Location)>, Error> {
    if draft.is_empty() {
        return Ok(Vec::new());
    }
    let config = configuration(&write(draft, None, None))?;
    let Err(error) = filter(input, &config) else { return Ok(Vec::new()) };
    let errors = error.diagnostics().iter().filter(|found| found.severity == Severity::Error);
    Ok(errors.map(|found| (found.code, found.location.clone())).collect())
}

/// The checked configuration of a proposal.
fn configuration(text: &str) -> Result<Config, Error> {
    let mut config = Config::default();
    config.add_file("the proposal", text)?;
    Ok(config)
}

/// Runs the filter with a draft.
fn attempt(
    input: &[u8],
    values: &LeakedValues,
    draft: &Draft,
    lenient: Option<&[Diagnostic]>,
) -> Result<Option<Proposal>, Error> {
    let mut config = configuration(&write(draft, lenient, None))?;
    config.warn_of_hooks();
    config.warn_of_settings();
    let filtered = filter(input, &config)?;
    let found = filtered.diagnostics();
    let mut left = inventory(&filtered.to_vec())?;
    // The Secrets are gone there, or only their settings are left; their values could still be known as names.
    left.secrets.retain(|secret| !draft.splits_secret(&secret.name));
    left.conceal(values);
    let text = write(draft, lenient, Some(&left));
    // Hooks are for `check`: a proposal can do nothing about them.
    let of_hooks = |found: &&Diagnostic| [Code::HookReference, Code::HookSecret].contains(&found.code);
    let warnings = found.iter().filter(|found| !of_hooks(found)).cloned().collect();
    Ok(Some(Proposal { text, warnings, findings: found.len(), left, changes: 0 }))
}

const HEADER: &str = "\
# Editors know the fields by `resecret schema > resecret.schema.json` and a first line
# `# yaml-language-server: $schema=resecret.schema.json`.
# Proposed by `resecret scan --write`. Review it, then fill the vaulted Secrets: what `to` names must exist before the
# pods start. `resecret diff` shows what it does, `resecret check` whether it still fits.
apiVersion: resecret.dev/v1alpha1
kind: Resecret
metadata: {name: resecret}
spec:
";

/// The text. `lenient` is what would stop the filter otherwise, `left` what it leaves.
fn write(draft: &Draft, lenient: Option<&[Diagnostic]>, left: Option<&Inventory>) -> String {
    let mut lines: Vec<String> = Vec::new();
    rules(draft, &mut lines);
    duplicates(draft, &mut lines);
    references(draft, &mut lines);
    annotations(draft, &mut lines);
    if let Some(errors) = lenient {
        policy(errors, &mut lines);
    }
    for (secret, why) in &draft.left_alone {
        comment("", &format!("left alone: {secret}: {why}"), &mut lines);
    }
    not_vaulted(left.map(|left| left.credentials.as_slice()).unwrap_or_default(), &mut lines);
    format!("{HEADER}{}\n", lines.join("\n"))
}

/// `secrets`, `configMaps` and `env`.
fn rules(draft: &Draft, lines: &mut Vec<String>) {
    if draft.fits_any_release {
        comment("  ", "`*` is the release's name: the rules fit the chart under another name too", lines);
    }
    if !draft.secrets.is_empty() {
        lines.push("  secrets:".to_owned());
        draft.secrets.iter().for_each(|rule| secrets(rule, lines));
    }
    if !draft.config_maps.is_empty() {
        lines.push("  configMaps:".to_owned());
        draft.config_maps.iter().for_each(|rule| config_maps(rule, lines));
    }
    if !draft.env.is_empty() {
        lines.push("  env:".to_owned());
        draft.env.iter().for_each(|rule| env(rule, lines));
    }
}

fn duplicates(draft: &Draft, lines: &mut Vec<String>) {
    if draft.duplicates.is_empty() {
        return;
    }
    comment("  ", &format!("defined more than once: {}", draft.duplicates.join(", ")), lines);
    let line = "duplicates: last    # the entry that the kubelet takes stays";
    if draft.differing {
        // Beside other rules, variables are repaired without it.
        comment("  ", line, lines);
        comment("  ", "entries of other lists differ, which stops a run with it: see `resecret scan`", lines);
    } else {
        lines.push(format!("  {line}"));
    }
}

fn references(draft: &Draft, lines: &mut Vec<String>) {
    if !draft.references.is_empty() {
        comment("  ", "fields that hold a Secret's name; take out what means something else", lines);
        lines.push("  references:".to_owned());
    }
    for (kind, path, optional) in &draft.references {
        let optional = if *optional { ", optional: true" } else { "" };
        lines.push(format!(
            "  - {{kind: {}, path: {}{optional}}}",
            plain_or_quoted(kind),
            plain_or_quoted(path)
        ));
    }
}

/// `dropAnnotations`, with the reasons.
fn annotations(draft: &Draft, lines: &mut Vec<String>) {
    if !draft.annotations.is_empty() {
        let text = "hashes of Secrets: pods would restart for values that they do not read any more";
        comment("  ", text, lines);
    }
    if !draft.changing.is_empty() {
        let names: Vec<&str> = draft.changing.iter().map(|(name, _)| name.as_str()).collect();
        let text = format!("changes on every render, and would roll the pods: {}", names.join(", "));
        comment("  ", &text, lines);
    }
    for (name, _) in draft.changing.iter().filter(|(_, of_others)| *of_others) {
        let text = format!("{name} also leaves pods where it stays the same: they restart by it no more");
        comment("  ", &text, lines);
    }
    let changing = draft.changing.iter().map(|(name, _)| name);
    let annotations: Vec<String> = draft.annotations.iter().chain(changing).cloned().collect();
    if !annotations.is_empty() {
        lines.push(format!("  dropAnnotations: {}", list(&annotations, true)));
    }
}

/// The policy that lets these errors pass.
fn policy(errors: &[Diagnostic], lines: &mut Vec<String>) {
    for error in errors {
        let object = error.location.object.as_ref().map(ToString::to_string).unwrap_or_default();
        let path = error.location.path.as_deref().unwrap_or_default();
        comment("  ", &format!("{object} {path}: {}", error.message), lines);
    }
    lines.push("  policy: {leftBehind: warn}    # `error` again once these are gone".to_owned());
}

/// Comments about credentials that no rule can vault.
fn not_vaulted(credentials: &[PlainCredential], lines: &mut Vec<String>) {
    if credentials.is_empty() {
        return;
    }
    comment("", "No rule can vault these: change them in the chart's values.", lines);
    for credential in credentials {
        comment("", &format!("- {} of {}", credential.holder, credential.place.object), lines);
    }
    let allowed: Vec<String> = credentials.iter().filter_map(allow_entry).collect();
    if !allowed.is_empty() {
        comment("", "Those that are meant: take the lines in.", lines);
        comment("  ", "allow:", lines);
        for entry in allowed {
            comment("  ", &format!("- {entry}"), lines);
        }
    }
}

/// The entry of `spec.allow` for a credential that no rule can vault.
fn allow_entry(credential: &PlainCredential) -> Option<String> {
    let (object, path) = (Some(credential.place.object.clone()), Some(credential.place.path.clone()));
    allow::entry(Code::Plaintext, &Location { object, path, ..Location::default() })
}

fn secrets(rule: &SecretsDraft, lines: &mut Vec<String>) {
    rule.comments.iter().for_each(|text| comment("  ", text, lines));
    lines.push(format!("  - name: {}", plain_or_quoted(&rule.name)));
    lines.push(format!("    to: {}", plain_or_quoted(&rule.to)));
    if rule.same_name {
        lines.push("    sameName: true".to_owned());
    }
    if !rule.only.is_empty() {
        lines.push(format!("    only: {}    # the others are settings, and stay", list(&rule.only, true)));
    }
    let moves = |(key, _): &&(String, String)| rule.only.is_empty() || rule.only.contains(key);
    let renames: Vec<(String, String)> = rule.renames.iter().filter(moves).cloned().collect();
    mapping("keys", &renames, lines);
    if rule.optional {
        lines.push("    optional: true".to_owned());
    }
}

fn config_maps(rule: &ConfigMapsDraft, lines: &mut Vec<String>) {
    lines.push(format!("  - name: {}", plain_or_quoted(&rule.name)));
    lines.push(format!("    only: {}", list(&rule.only, true)));
    lines.push(format!("    to: {}", plain_or_quoted(&rule.to)));
    mapping("keys", &rule.renames, lines);
}

fn env(rule: &EnvDraft, lines: &mut Vec<String>) {
    rule.comments.iter().for_each(|text| comment("  ", text, lines));
    lines.push(format!("  - to: {}", plain_or_quoted(&rule.to)));
    mapping("vars", &rule.vars, lines);
    let Within { kind, name, container } = &rule.within;
    let fields = [("kind", kind), ("name", name), ("container", container)];
    let fields = fields.into_iter().filter(|(_, texts)| !texts.is_empty());
    let fields: Vec<String> =
        fields.map(|(field, texts)| format!("{field}: {}", list(texts, false))).collect();
    lines.push(format!("    in: {{{}}}", fields.join(", ")));
    if rule.optional {
        lines.push("    optional: true".to_owned());
    }
}

fn mapping(field: &str, entries: &[(String, String)], lines: &mut Vec<String>) {
    if !entries.is_empty() {
        lines.push(format!("    {field}:"));
    }
    for (key, value) in entries {
        lines.push(format!("      {}: {}", plain_or_quoted(key), plain_or_quoted(value)));
    }
}

/// One text, or several in brackets; `always` in brackets.
fn list(texts: &[String], always: bool) -> String {
    let written: Vec<String> = texts.iter().map(|text| plain_or_quoted(text)).collect();
    match written.as_slice() {
        [one] if !always => one.clone(),
        _ => format!("[{}]", written.join(", ")),
    }
}

/// A comment of one line, whatever the text holds.
fn comment(indentation: &str, text: &str, lines: &mut Vec<String>) {
    lines.push(format!("{indentation}# {}", one_line(text)));
}
