//! What must be known where rules move some keys of a Secret and leave the others.

use crate::config::Config;
use crate::kube::object::Object;
use crate::rules::chart_secret::ChartSecret;
use crate::rules::facts::Facts;

impl Facts {
    /// Whether the object is a Secret of which some keys move.
    pub(crate) fn splits(&self, object: &Object<'_, '_>, config: &Config) -> bool {
        self.splitting_rule(object, config).is_some()
    }

    /// The position in [`Config::secrets`] of the rule that moves some keys of a Secret of the stream.
    pub(crate) fn splitting_rule(&self, object: &Object<'_, '_>, config: &Config) -> Option<usize> {
        if !config.splits() || !object.is_secret() {
            return None;
        }
        let (rules, name) = self.rules.as_ref().zip(object.name())?;
        let data = object.secret_data();
        let keys = data.iter().map(|entry| entry.key).collect();
        let first = *rules.matching(object, name, &keys, config).first()?;
        config.secrets[first].splits().then_some(first)
    }

    /// The keys of the Secret that `name` means in `namespace`, where the stream renders it and leaves no doubt.
    pub(crate) fn keys_of<'f>(&'f self, name: &str, namespace: Option<&str>) -> Option<Vec<&'f str>> {
        let mut candidates = self.candidates(name, namespace).filter(|secret| !secret.is_named_only);
        let first = candidates.next()?;
        let all = |secret: &'f ChartSecret| secret.keys.iter().chain(&secret.kept);
        candidates.all(|other| all(other).eq(all(first))).then(|| all(first).map(String::as_str).collect())
    }
}
