//! Rules about Secrets and ConfigMaps: `spec.secrets`, `spec.configMaps` and `spec.redirect`.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::format::{ConfigMapsEntry, RedirectEntry, SecretsEntry};
use crate::config::validate::{ConfigText, check_name};
use crate::config::{Patterns, SecretsRule};
use crate::diagnostics::Error;

impl ConfigText<'_> {
    pub(super) fn secrets_rule(&self, entry: SecretsEntry, path: &str) -> Result<SecretsRule, Error> {
        let name = self.patterns(&entry.name, &format!("{path}.name"))?;
        let source = self.patterns(&entry.source, &format!("{path}.source"))?;
        if name.is_empty() && source.is_empty() && entry.labels.is_empty() {
            let all = if path.starts_with("spec.configMaps") { "ConfigMap" } else { "Secret" };
            let message = format!("the rule selects every {all}: give it a name, source or labels");
            return Err(self.error(path, &message));
        }
        if let Some(to) = &entry.to {
            check_name(to).map_err(|message| self.error(&format!("{path}.to"), &message))?;
        }
        if entry.to.is_none() && !entry.keys.is_empty() {
            return Err(
                self.error(&format!("{path}.keys"), "`keys` renames keys of `to`, which is not there")
            );
        }
        let only = self.only(&entry, path)?;
        let labels = entry.labels.into_iter().map(|(label, glob)| {
            let pattern = self.pattern(&glob, &format!("{path}.labels"))?;
            Ok((label, pattern))
        });
        let namespace = self.patterns(&entry.namespace, &format!("{path}.namespace"))?;
        Ok(SecretsRule {
            name,
            source,
            namespace,
            labels: labels.collect::<Result<_, Error>>()?,
            to: entry.to,
            only,
            keys: entry.keys,
            same_name: entry.same_name,
            optional: entry.optional,
            redirects: false,
            of_config_maps: false,
            origin: self.origin(path),
        })
    }

    pub(super) fn config_maps_rule(&self, entry: ConfigMapsEntry, path: &str) -> Result<SecretsRule, Error> {
        Ok(SecretsRule { of_config_maps: true, ..self.secrets_rule(entry.into(), path)? })
    }

    /// The keys that move, where the rule names them.
    fn only(&self, entry: &SecretsEntry, path: &str) -> Result<BTreeSet<String>, Error> {
        let place = format!("{path}.only");
        let Some(only) = &entry.only else { return Ok(BTreeSet::new()) };
        let wrong = |message: &str| Err(self.error(&place, message));
        if only.0.is_empty() {
            return wrong("`only` moves no key: name some, or leave it out to move the whole Secret");
        }
        if entry.to.is_none() {
            return wrong("`only` moves keys to `to`, which is not there");
        }
        if entry.same_name {
            return wrong(
                "with `only` the chart's Secret stays, so `to` cannot be the same Secret: leave out `sameName`",
            );
        }
        if let Some(key) = entry.keys.keys().find(|key| !only.0.contains(key)) {
            let message = format!("`keys` renames {key}, which `only` does not move");
            return Err(self.error(&format!("{path}.keys.{key}"), &message));
        }
        Ok(only.0.iter().cloned().collect())
    }

    pub(super) fn redirect_rule(&self, entry: RedirectEntry, path: &str) -> Result<SecretsRule, Error> {
        let RedirectEntry { name, to, keys, optional } = entry;
        if name.0.is_empty() {
            return Err(self.error(path, "the rule names no Secret: give it a `name`"));
        }
        for name in &name.0 {
            check_name(name).map_err(|message| {
                self.error(
                    &format!("{path}.name"),
                    &format!("{message}, and no globs: the chart only names it"),
                )
            })?;
            if *name == to {
                return Err(self.error(&format!("{path}.to"), "the Secret is redirected to itself"));
            }
        }
        check_name(&to).map_err(|message| self.error(&format!("{path}.to"), &message))?;
        Ok(SecretsRule {
            name: self.patterns(&name, &format!("{path}.name"))?,
            source: Patterns::default(),
            namespace: Patterns::default(),
            labels: BTreeMap::new(),
            to: Some(to),
            keys,
            only: BTreeSet::new(),
            same_name: false,
            optional,
            redirects: true,
            of_config_maps: false,
            origin: self.origin(path),
        })
    }
}
