//! Settings that a rule sends to the vault with the credentials beside them.
//!
//! Asked for by [`Config::warn_of_settings`](crate::Config::warn_of_settings): what the vault holds stays as it was when the
//! chart, or its values, change. No release breaks by it today.

use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic};
use crate::kube::credential::{KeyContent, content};
use crate::kube::object::DataEntry;
use crate::rules::chart_secret::ChartSecret;
use crate::yaml::scalar::plain_or_quoted;

/// The settings in a Secret that is removed as a whole.
pub(super) fn gone_stale(
    secret: &ChartSecret,
    data: &[DataEntry<'_>],
    config: &Config,
) -> Option<Diagnostic> {
    let severity = config.settings.severity()?;
    let rule = &config.secrets[secret.rule.filter(|_| !secret.is_split)?];
    rule.to.as_ref().filter(|_| rule.origin.preset.is_none())?;
    let kept = settings(data, |_| false)?;
    let moved: Vec<String> = secret
        .keys
        .iter()
        .filter(|key| !kept.contains(&key.as_str()))
        .map(|key| plain_or_quoted(key))
        .collect();
    let message = format!(
        "a rule sends keys of Secret {} to the vault that are no credentials, and there they stay as they are when the chart's change: {}",
        secret.name,
        kept.join(", ")
    );
    let help = format!("to leave them in the chart's Secret, add to the rule: only: [{}]", moved.join(", "));
    Some(Diagnostic::error(Code::StaleSettings, message, help).with_severity(severity))
}

/// The keys that could stay in the chart, where credentials are beside settings. `is_credential` says of which keys that is known.
pub(crate) fn settings<'d>(
    data: &[DataEntry<'d>],
    is_credential: impl Fn(&str) -> bool,
) -> Option<Vec<&'d str>> {
    let mut kept: Vec<&str> = Vec::new();
    let (mut has_credential, mut has_setting) = (false, false);
    for entry in data {
        let content =
            if is_credential(entry.key) { KeyContent::Credential } else { content(entry.key, entry.plain()) };
        match content {
            KeyContent::Credential => {
                has_credential = true;
                continue;
            }
            KeyContent::Setting => has_setting = true,
            KeyContent::Login => {}
        }
        if !kept.contains(&entry.key) {
            kept.push(entry.key);
        }
    }
    (has_credential && has_setting).then_some(kept)
}
