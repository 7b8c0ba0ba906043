use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A variable of an object: `Deployment/web` and its name.
pub(crate) type Variable = (String, String);

/// What `check --previous` has said of an upgrade.
#[derive(Debug)]
pub(crate) struct Said {
    /// The broken rule, the object, the path in it, and the remedy.
    findings: Vec<Finding>,
}

#[derive(Debug)]
struct Finding {
    rule: String,
    object: String,
    path: Option<String>,
    help: String,
}

impl Said {
    /// Reads a report in JSON.
    pub(crate) fn read(report: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(report)?;
        let results = report["results"].as_array().context("a report has results")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let findings = results.iter().map(|result| Finding {
            rule: text(&result["tags"]["code"]),
            object: format!(
                "{}/{}",
                text(&result["resourceRef"]["kind"]),
                text(&result["resourceRef"]["name"])
            ),
            path: result["field"]["path"].as_str().map(str::to_owned),
            help: text(&result["tags"]["help"]),
        });
        Ok(Self { findings: findings.collect() })
    }

    /// The rules, each once.
    pub(crate) fn rules(&self) -> BTreeSet<&str> {
        self.findings.iter().map(|finding| finding.rule.as_str()).collect()
    }

    /// The objects that a rule names.
    pub(crate) fn objects(&self, rule: &str) -> BTreeSet<&str> {
        self.findings.iter().filter(|finding| finding.rule == rule).map(|f| f.object.as_str()).collect()
    }

    /// What is in the table.
    pub(crate) fn summary(&self) -> String {
        if self.findings.is_empty() {
            return "nothing".to_owned();
        }
        let count = |rule: &str| self.findings.iter().filter(|finding| finding.rule == rule).count();
        let rule = |rule: &str| match count(rule) {
            1 => rule.to_owned(),
            count => format!("{count} {rule}"),
        };
        self.rules().into_iter().map(rule).collect::<Vec<_>>().join(", ")
    }

    /// The remedies of a rule.
    pub(crate) fn help(&self, rule: &str) -> Vec<&str> {
        self.findings.iter().filter(|finding| finding.rule == rule).map(|f| f.help.as_str()).collect()
    }

    /// The variables that these rules are about. The path is that of an entry in the last manifest.
    pub(crate) fn variables(
        &self,
        rules: &[&str],
        previous: &BTreeMap<String, Value>,
    ) -> Result<BTreeSet<Variable>> {
        let of_rules = self.findings.iter().filter(|finding| rules.contains(&finding.rule.as_str()));
        of_rules
            .map(|finding| {
                let object = previous.get(&finding.object).context("an object of the last manifest")?;
                let path = finding.path.as_deref().context("a variable has a path")?;
                let pointer = format!("/{}/name", path.replace(['.', '['], "/").replace(']', ""));
                let name = object.pointer(&pointer).and_then(Value::as_str).context("a name at the path")?;
                Ok((finding.object.clone(), name.to_owned()))
            })
            .collect()
    }
}
