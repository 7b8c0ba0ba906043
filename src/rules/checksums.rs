//! Which annotations hash a removed Secret.
//!
//! Charts put the hash of a template into the pod template (`checksum/secret`), so that pods restart when it changes. The
//! hash itself can tell what it is of; where it cannot, the words of the annotation do.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::kube::object::{DataEntry, Object};

/// Longer Secrets are not hashed: a chart hashes a template, and those are short.
const MAX_LENGTH: usize = 4096;

/// Of a name with more words only the first ends are known.
const MAX_ENDS: usize = 16;

/// What an annotation says that hashes something.
const HASHES: [&str; 6] = ["checksum", "hash", "sha256", "sha", "digest", "md5"];
/// What it says if that is a Secret, beside the word itself.
const SECRETS: [&str; 4] = ["password", "passwords", "token", "tokens"];
/// What it says if that is the program's settings: only the hash itself proves something else.
const SETTINGS: [&str; 13] = [
    "cm",
    "conf",
    "config",
    "configmap",
    "configmaps",
    "configs",
    "configuration",
    "env",
    "environment",
    "script",
    "scripts",
    "settings",
    "values",
];

/// What a chart puts before and behind a document that Helm trims.
const AROUND: [(&str, &str); 8] = [
    ("", "\n"),
    ("", ""),
    ("\n", "\n"),
    ("\n", ""),
    ("---\n", "\n"),
    ("---\n", ""),
    ("\n---\n", "\n"),
    ("\n\n", "\n"),
];

/// What tells that an annotation hashes one of the removed Secrets.
#[derive(Debug, Default)]
pub(crate) struct Checksums {
    /// SHA-256 of its template's text, as far as that can be told, and of its values.
    digests: HashSet<String>,
    /// Its name, the ends of its name, its keys and their ends, and the name of its template.
    subjects: HashSet<String>,
}

impl Checksums {
    /// How many words tell the annotations.
    pub(crate) fn len(&self) -> usize {
        self.subjects.len()
    }

    /// Adds a removed Secret with this data. `template` is where it came from.
    pub(crate) fn add(
        &mut self,
        object: &Object<'_, '_>,
        data: &[DataEntry<'_>],
        name: &str,
        template: Option<&str>,
    ) {
        let file =
            template.and_then(|path| path.rsplit('/').next()).map(|file| file.trim_end_matches(".yaml"));
        self.subjects.extend(file.map(words_of));
        for name in data.iter().map(|entry| entry.key).chain([name]) {
            let words = words_of(name);
            let ends = words.match_indices('-').take(MAX_ENDS).map(|(dash, _)| words[dash + 1..].to_owned());
            self.subjects.extend(ends.chain([words.clone()]));
        }
        let text = object.tree.source().trim();
        // Helm's own line.
        let text = text
            .strip_prefix("# Source: ")
            .and_then(|rest| rest.split_once('\n'))
            .map_or(text, |(_, rest)| rest);
        if text.len() <= MAX_LENGTH {
            let text = text.replace("\r\n", "\n");
            self.digests.extend(AROUND.iter().map(|(before, after)| digest([before, text.as_str(), after])));
        }
        for plain in data.iter().filter_map(DataEntry::plain) {
            if let Ok(plain) = str::from_utf8(plain)
                && (16..=MAX_LENGTH).contains(&plain.len())
            {
                self.digests.insert(digest(["", plain, ""]));
            }
        }
    }

    /// How an annotation of a pod template hashes a removed Secret; `None` where it does not.
    pub(crate) fn find(&self, annotation: &str, value: &str) -> Option<Evidence> {
        if self.subjects.is_empty() {
            return None;
        }
        let all = words_of(annotation);
        let words = words_of(&with_dashes(annotation));
        let has = |known: &[&str]| words.split('-').any(|word| known.contains(&word));
        if !has(&HASHES) {
            return None;
        }
        if self.digests.contains(value) {
            return Some(Evidence::Hash);
        }
        if all.contains("secret") || all.contains("credential") || has(&SECRETS) {
            return Some(Evidence::Words);
        }
        let subject = annotation.strip_prefix("checksum/").map(words_of).or_else(|| {
            let name = words_of(annotation.rsplit('/').next()?);
            HASHES.iter().find_map(|word| Some(name.strip_suffix(word)?.strip_suffix('-')?.to_owned()))
        })?;
        let subject = subject.trim_end_matches("-yaml").to_owned();
        let settings = subject.split('-').all(|word| SETTINGS.contains(&word));
        (!settings && self.subjects.contains(&subject)).then_some(Evidence::Words)
    }
}

/// Why an annotation hashes a removed Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// It is the hash.
    Hash,
    /// Its words say so.
    Words,
}

/// `secretHash` as `secret-Hash`.
fn with_dashes(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && name[..at].ends_with(|before: char| before.is_ascii_lowercase()) {
            text.push('-');
        }
        text.push(c);
    }
    text
}

/// A name in lower case, with dashes between its words.
fn words_of(name: &str) -> String {
    name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

fn digest(parts: [&str; 3]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
