//! What must be known where rules move some keys of a Secret and leave the others.

use std::collections::HashSet;

use crate::config::Config;
use crate::kube::object::{Object, distinct_keys};
use crate::rules::chart_secret::ChartSecret;
use crate::rules::facts::{Facts, RulesByName};
use crate::rules::leaked_values;
use crate::rules::vaulted_values::{VaultedValue, of_secret};

impl Facts {
    /// Learns of a ConfigMap, where rules move keys; what vaulted Secrets are to hold of it, and what it is to the rules.
    pub(crate) fn add_config_map(
        &mut self,
        object: &Object<'_, '_>,
        config: &Config,
    ) -> Option<(ChartSecret, Vec<VaultedValue>)> {
        let name = object.name().filter(|name| !name.is_empty())?;
        let data = object.config_map_data();
        let keys = distinct_keys(&data);
        let known: HashSet<&str> = keys.iter().map(String::as_str).collect();
        let rules = self.rules.get_or_insert_with(|| RulesByName::of(config));
        let matching = rules.matching(object, name, &known, config);
        self.note_matches(&matching, &known, config);
        let first = matching.first().map(|rule| &config.secrets[*rule]);
        let mut vaulted = Vec::new();
        if let Some(rule) = first {
            let moved = data.iter().filter(|entry| rule.moves(entry.key));
            self.values.extend(leaked_values::values(moved, ("ConfigMap", name), true));
            vaulted = of_secret(object, &data, name, rule);
        }
        let (keys, kept): (Vec<String>, Vec<String>) =
            keys.into_iter().partition(|key| first.is_some_and(|rule| rule.moves(key)));
        let moves_more = |rule: &&usize| kept.iter().any(|key| config.secrets[**rule].moves(key));
        let map = ChartSecret {
            name: name.to_owned(),
            previous_names: object
                .previous_names()
                .filter(|other| *other != name)
                .map(str::to_owned)
                .collect(),
            namespace: object.namespace().map(str::to_owned),
            skips_post_renderer: object.skips_post_renderer(),
            second_rule: matching.iter().skip(1).find(moves_more).copied(),
            keys,
            kept,
            rule: matching.first().copied(),
            is_split: !matching.is_empty(),
            is_config_map: true,
            is_named_only: false,
        };
        self.config_maps.add(&map);
        Some((map, vaulted))
    }

    /// Takes note of the rules that match something with these keys, and of the keys that they want.
    pub(super) fn note_matches(&mut self, rules: &[usize], keys: &HashSet<&str>, config: &Config) {
        for rule in rules {
            self.matched_rules.insert(*rule);
            let found = config.secrets[*rule].wanted_keys().filter(|key| keys.contains(key.as_str()));
            self.matched_keys.extend(found.map(|key| (*rule, key.clone())));
        }
    }

    /// The position in [`Config::secrets`] of the rule that moves some keys of a Secret or ConfigMap of the stream.
    pub(crate) fn splitting_rule(&self, object: &Object<'_, '_>, config: &Config) -> Option<usize> {
        if !config.splits() || !(object.is_secret() || object.is_config_map()) {
            return None;
        }
        let (rules, name) = self.rules.as_ref().zip(object.name())?;
        let data = object.held_data();
        let keys = data.iter().map(|entry| entry.key).collect();
        let first = *rules.matching(object, name, &keys, config).first()?;
        config.secrets[first].splits().then_some(first)
    }

    /// The keys of the Secret that `name` means in `namespace`, where the stream renders it and leaves no doubt.
    pub(crate) fn keys_of<'f>(&'f self, name: &str, namespace: Option<&str>) -> Option<Vec<&'f str>> {
        ChartSecret::agreed_keys(self.candidates(name, namespace).filter(|secret| !secret.is_named_only))
    }
}
