//! The words for what stops a run.

use std::fmt;

use crate::config::{Config, Origin};
use crate::diagnostic::{Diagnostic, Location};
use crate::facts::{Facts, Target};
use crate::lower::LowerError;
use crate::object::Object;
use crate::prefilter::Interest;
use crate::rule::Rule;
use crate::verify::Refusal;
use crate::yaml::ParseError;

/// A run that would let everything through.
pub(crate) fn no_rules() -> Diagnostic {
    Diagnostic::error(
        Rule::NoRules,
        "there is no rule to apply",
        "name a preset (--preset langfuse --to NAME), a configuration (--config FILE), or run where resecret.yaml is",
    )
}

/// A last manifest without anything in it.
pub(crate) fn no_previous(file: &str) -> Diagnostic {
    let location = Location { file: Some(file.to_owned()), ..Location::default() };
    Diagnostic::error(
        Rule::EmptyInput,
        "the manifest of the last release is empty",
        "look at the exit code of `helm get manifest`; at a first install leave --previous out",
    )
    .at(location)
}

/// More names than a search can hold.
pub(crate) fn too_much(error: &aho_corasick::BuildError) -> Diagnostic {
    let help = "filter the stream in parts";
    Diagnostic::error(Rule::InvalidConfig, format!("too many names to search for: {error}"), help)
}

/// A document that must be read and is not UTF-8.
pub(crate) fn not_utf8(interest: Interest) -> Diagnostic {
    unreadable(
        Rule::NotUtf8,
        "the document is not UTF-8",
        interest,
        "find the template that emits these bytes; YAML that Kubernetes accepts is UTF-8",
    )
}

/// An error where a rule may need to edit the document; where only a policy asks about it, as strict as the policy.
fn unreadable(rule: Rule, what: impl fmt::Display, interest: Interest, help: &str) -> Diagnostic {
    match interest {
        Interest::Check(severity) => {
            let message = format!("{what}, so no policy could be checked in it");
            Diagnostic::error(rule, message, help).with_severity(severity)
        }
        Interest::References => {
            let message = format!("{what}, and what it refers to must be known before it is written");
            Diagnostic::error(Rule::NeedsWholeStream, message, format!("{help}; or run without --stream"))
        }
        Interest::Edit | Interest::Nothing => {
            Diagnostic::error(rule, format!("{what}, and a rule may need to edit it"), help)
        }
    }
}

/// A document that must be read and is not YAML.
pub(crate) fn not_yaml(error: &ParseError, text: &str, interest: Interest) -> Diagnostic {
    // Only the last document of a stream can lack its line break.
    let truncated = error.is_unfinished() && !text.ends_with(['\n', '\r']);
    if truncated && interest != Interest::References {
        return Diagnostic::error(
            Rule::TruncatedInput,
            format!("the input ends in the middle of a document: {error}"),
            "was the stream cut short? Look at the exit code of the command before the pipe",
        );
    }
    let help = match error {
        ParseError::SecondDocument { .. } => {
            "Helm reads only the first document between two `---` lines: begin the second one with `---`"
        }
        ParseError::Aliases { .. } => "write the values out instead of aliases of aliases",
        ParseError::Binary { .. } => "write the text itself: Kubernetes has no use for the tag",
        ParseError::TooLong { .. } => {
            "the API server takes no object of that size: find the template that emits it"
        }
        ParseError::TooDeep { .. } => "Kubernetes objects are not that deep: find the template that emits it",
        ParseError::Syntax { .. } => "render the chart with `helm template --debug` and look at this line",
    };
    unreadable(Rule::NotYaml, format!("the document is not YAML ({error})"), interest, help)
}

/// A Secret that no rule could ever match.
pub(crate) fn unnamed_secret() -> Diagnostic {
    Diagnostic::error(
        Rule::UnnamedSecret,
        "a Secret has no metadata.name, so no rule can tell whether it must go",
        "give it a name in the chart's values, or leave it out there",
    )
}

/// The vaulted Secret has the name of a Secret that is left out.
pub(crate) fn same_name(
    name: &str,
    facts: &Facts,
    object: &Object<'_, '_>,
    config: &Config,
) -> Option<Diagnostic> {
    let Target::Dropped(secret) = facts.target(name, object.namespace(), config) else { return None };
    let rule = &config.secrets[secret.rule?];
    if rule.to.as_deref() != Some(name) || rule.same_name {
        return None;
    }
    Some(Diagnostic::error(
        Rule::SameName,
        format!("the vaulted Secret has the name of the chart's own Secret, {name}"),
        format!(
            "the upgrade would delete the live Secret. First copy its values into the vault and run `kubectl annotate secret {name} helm.sh/resource-policy=keep`; then set `sameName: true` on the rule"
        ),
    ))
}

/// A rule that needs a Secret which Helm 3 never shows it; `None` where nobody asks or the rule can do without.
pub(crate) fn hook_secret(
    name: &str,
    facts: &Facts,
    object: &Object<'_, '_>,
    config: &Config,
) -> Option<Diagnostic> {
    let severity = config.hooks.severity()?;
    let Target::Dropped(secret) = facts.target(name, object.namespace(), config) else { return None };
    let optional = config.secrets[secret.rule?].optional;
    let diagnostic = Diagnostic::error(
        Rule::HookSecret,
        format!(
            "Secret {name} is a hook, and a rule leaves it out: under Helm 3 it passes by the post-renderer"
        ),
        "set `optional: true` on the rule, or disable the hook in the chart's values",
    );
    (object.passes_by() && !optional).then(|| diagnostic.with_severity(severity))
}

/// Rules whose vaulted Secret is itself a chart Secret that another rule leaves out.
pub(crate) fn dropped_targets(facts: &Facts, config: &Config) -> Vec<Diagnostic> {
    let secrets = config.secrets.iter().filter_map(|rule| Some((rule.to.as_deref()?, &rule.origin)));
    let env = config.env.iter().map(|rule| (rule.to.as_str(), &rule.origin));
    let dropped = |name: &str| {
        facts.dropped().filter(|secret| secret.name == name).any(|secret| {
            let to = secret.rule.and_then(|rule| config.secrets[rule].to.as_deref());
            to != Some(name)
        })
    };
    let diagnostic = |(name, origin): (&str, &Origin)| {
        let message = format!("the vaulted Secret {name} is a Secret of the chart that is left out itself");
        let help = "let `to` name a Secret that is made outside the chart";
        Diagnostic::error(Rule::Dangling, message, help).at(origin.location(format!("{}.to", origin.path)))
    };
    secrets.chain(env).filter(|(name, _)| dropped(name)).map(diagnostic).collect()
}

/// The text has no safe place for the change.
pub(crate) fn not_editable(error: &LowerError) -> Diagnostic {
    let (rule, help) = match error {
        LowerError::AnchorInUse { .. } => (
            Rule::SharedAnchor,
            "make the rule apply to every user of the anchor, or write the value out instead of the alias",
        ),
        LowerError::MergeKey { .. } => (Rule::MergeKey, "write the field out in place of the merge key"),
        LowerError::DuplicateKey { .. } => (
            Rule::DuplicateKey,
            "remove one of the two: Kubernetes takes the last, other readers refuse the document",
        ),
        LowerError::Unsupported { .. } => {
            (Rule::UnsafeEdit, "write this part of the document in block style")
        }
    };
    Diagnostic::error(rule, format!("the document must be edited here, and cannot be: {error}"), help)
}

/// The edit did not stand up to the independent reader.
pub(crate) fn not_verified(refusal: &Refusal) -> Diagnostic {
    Diagnostic::error(
        Rule::UnsafeEdit,
        format!("the edit was refused: {refusal}"),
        "please report the shape of this document, without its values",
    )
}
