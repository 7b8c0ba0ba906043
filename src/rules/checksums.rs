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

/// What a chart puts before a document that Helm trims, and behind it.
const AROUND: [(&str, &[&str]); 5] =
    [("", &["", "\n"]), ("\n", &["", "\n"]), ("---\n", &["", "\n"]), ("\n---\n", &["\n"]), ("\n\n", &["\n"])];

/// SHA-256 of a text.
type Hash = [u8; 32];

/// What tells that an annotation hashes one of the removed Secrets.
#[derive(Debug, Default)]
pub(crate) struct Checksums {
    /// SHA-256 of its template's text, as far as that can be told, and of its values.
    digests: HashSet<Hash>,
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
            for (before, ends) in AROUND {
                let begun = Sha256::new_with_prefix(before).chain_update(&text);
                self.digests
                    .extend(ends.iter().map(|end| Hash::from(begun.clone().chain_update(end).finalize())));
            }
        }
        for plain in data.iter().filter_map(DataEntry::plain) {
            if let Ok(plain) = str::from_utf8(plain)
                && (16..=MAX_LENGTH).contains(&plain.len())
            {
                self.digests.insert(Sha256::digest(plain).into());
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
        if from_hex(value).is_some_and(|hash| self.digests.contains(&hash)) {
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

/// A hash as charts write it, in small hexadecimal digits.
fn from_hex(text: &str) -> Option<Hash> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    if text.len() != 2 * Hash::default().len() || !text.bytes().all(is_digit) {
        return None;
    }
    let mut hash = Hash::default();
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::object::objects;
    use crate::yaml::parse;

    fn hex(text: &str) -> String {
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_hash_of_a_template_or_value_is_known() {
        let text = "kind: Secret\nmetadata: {name: app}\nstringData: {a: canary-0123456789}";
        let tree = parse(text).expect("YAML");
        let object = &objects(&tree)[0];
        let mut checksums = Checksums::default();
        checksums.add(object, &object.secret_data(), "app", None);
        let find = |value: &str| checksums.find("checksum/config", value);
        for before in ["", "\n", "---\n", "\n---\n", "\n\n"] {
            assert_eq!(find(&hex(&format!("{before}{text}\n"))), Some(Evidence::Hash), "{before:?}");
        }
        for before in ["", "\n", "---\n"] {
            assert_eq!(find(&hex(&format!("{before}{text}"))), Some(Evidence::Hash), "{before:?}");
        }
        assert_eq!(find(&hex("canary-0123456789")), Some(Evidence::Hash));
        assert_eq!(find(&hex(text).to_uppercase()), None);
        assert_eq!([find(&hex("another")), find(&hex(text)[1..]), find("é")], [None; 3]);
    }
}
