//! Looks elsewhere for a name that a rule has not found in its place: a variable that is a key, a Secret that the chart only
//! names.
//!
//! It searches the whole stream once, and only if a message needs it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use crate::config::{Config, Pattern, Patterns};
use crate::kube::object::{Object, objects};
use crate::kube::references::references;
use crate::stream;
use crate::yaml;

/// Names of a stream that no rule matches, read when somebody asks.
#[derive(Debug)]
pub(crate) struct Elsewhere<'i> {
    source: Option<(&'i [u8], &'i Config)>,
    found: OnceCell<StreamNames>,
}

#[derive(Debug, Default)]
struct StreamNames {
    /// The first Secret or ConfigMap that has a key: its kind and name.
    holders: HashMap<String, (&'static str, String)>,
    /// Names of Secrets that something refers to, and the first object that does.
    readers: BTreeMap<String, String>,
}

impl<'i> Elsewhere<'i> {
    /// Of a stream that is there as a whole.
    pub(crate) fn of(input: &'i [u8], config: &'i Config) -> Self {
        Self { source: Some((input, config)), found: OnceCell::new() }
    }

    /// Of a stream that has passed by.
    pub(crate) fn unknown() -> Self {
        Self { source: None, found: OnceCell::new() }
    }

    fn found(&self) -> &StreamNames {
        self.found.get_or_init(|| {
            self.source.map(|(input, config)| StreamNames::read(input, config)).unwrap_or_default()
        })
    }

    /// The kind and name of what has a key.
    pub(super) fn holder(&self, key: &str) -> Option<(&'static str, &str)> {
        self.found().holders.get(key).map(|(kind, name)| (*kind, name.as_str()))
    }

    /// A name of a Secret that matches, that is not known and that something refers to, and what does.
    pub(super) fn reader(&self, names: &Patterns, is_known: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
        let readers = &self.found().readers;
        let found = match names.0.as_slice() {
            [Pattern::Exact(name)] => readers.get_key_value(name).filter(|(name, _)| !is_known(name)),
            _ => readers.iter().find(|(name, _)| names.matches(name) && !is_known(name)),
        };
        found.map(|(name, reader)| (name.as_str(), reader.as_str()))
    }
}

impl StreamNames {
    /// Reads all of a stream. What cannot be read says nothing here.
    fn read(input: &[u8], config: &Config) -> Self {
        let mut found = Self::default();
        for document in stream::documents(input) {
            let Ok(text) = stream::text(&document) else { continue };
            let Ok(tree) = yaml::parse(text) else { continue };
            for object in objects(&tree) {
                found.add_keys(&object);
                for reference in references(&object, config, None).found {
                    let reader = || format!("{}/{}", object.kind, object.name().unwrap_or_default());
                    found.readers.entry(reference.name.to_owned()).or_insert_with(reader);
                }
            }
        }
        found
    }

    fn add_keys(&mut self, object: &Object<'_, '_>) {
        let kind = match object {
            _ if object.is_secret() => "Secret",
            _ if object.is_config_map() => "ConfigMap",
            _ => return,
        };
        let Some(name) = object.name() else { return };
        for entry in object.held_data() {
            self.holders.entry(entry.key.to_owned()).or_insert_with(|| (kind, name.to_owned()));
        }
    }
}
