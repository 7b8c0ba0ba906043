//! The ConfigMaps of a stream, where rules move keys: theirs, or those of Secrets that containers take beside them.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;

use crate::config::Config;
use crate::diagnostics::Error;
use crate::rules::chart_secret::ChartSecret;
use crate::search::prefilter::search_any;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct ConfigMaps {
    by_name: HashMap<String, Vec<ChartSecret>>,
    /// Finds the names of those of which keys move.
    split_names: Option<AhoCorasick>,
}

impl ConfigMaps {
    /// Adds a ConfigMap.
    pub(super) fn add(&mut self, map: &ChartSecret) {
        for name in map.names() {
            self.by_name.entry(name.to_owned()).or_default().push(map.clone());
        }
    }

    /// Ends the first pass.
    ///
    /// # Errors
    ///
    /// More names than a search can hold.
    pub(super) fn index_names(&mut self) -> Result<(), Error> {
        let split = self.by_name.iter().filter(|(_, maps)| maps.iter().any(|map| map.is_split));
        self.split_names = search_any(split.map(|(name, _)| name))?;
        Ok(())
    }

    /// Finds the names of those of which keys move; `None` where there are none.
    pub(crate) fn split_names(&self) -> Option<&AhoCorasick> {
        self.split_names.as_ref()
    }

    /// The ConfigMap of which keys move that `name` means in `namespace`; an error where it could be another one too.
    pub(crate) fn split(
        &self,
        name: &str,
        namespace: Option<&str>,
        config: &Config,
    ) -> Result<Option<&ChartSecret>, Ambiguous> {
        let mut candidates = self.candidates(name, namespace);
        let Some(first) = candidates.next() else { return Ok(None) };
        if candidates.any(|other| other.fate(config) != first.fate(config)) {
            return Err(Ambiguous);
        }
        Ok(Some(first).filter(|map| map.is_split))
    }

    /// The keys of the ConfigMap that `name` means in `namespace`, where the stream renders it and leaves no doubt.
    pub(crate) fn keys_of<'f>(&'f self, name: &str, namespace: Option<&str>) -> Option<Vec<&'f str>> {
        ChartSecret::agreed_keys(self.candidates(name, namespace))
    }

    fn candidates<'f>(
        &'f self,
        name: &str,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = &'f ChartSecret> {
        let meets = move |map: &&ChartSecret| {
            map.namespace.as_deref().zip(namespace).is_none_or(|(own, other)| own == other)
        };
        self.by_name.get(name).into_iter().flatten().filter(meets)
    }
}

/// ConfigMaps of one name for several namespaces, and they do not share their fate.
#[derive(Debug)]
pub(crate) struct Ambiguous;
