//! Values of removed Secrets must not survive elsewhere in the stream: in an annotation, a comment, a ConfigMap.
//!
//! Looked for in the bytes that would go out, plain, in base64 and as in URLs. Only values that are credentials by
//! their key or shape count, and only those that chance does not repeat: `changeme` or `postgres` stands in many
//! places and gives nothing away.

use std::collections::HashSet;
use std::fmt;

use aho_corasick::AhoCorasick;
use base64::prelude::{BASE64_STANDARD, Engine};

use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, Error, Finding, Severity};
use crate::kube::credential;
use crate::kube::object::{Object, objects};
use crate::search::prefilter::search_any;
use crate::yaml::{Kind, NodeId, Path, Step, Tree, parse};

/// Shorter values are found everywhere.
const MIN_LENGTH: usize = 8;

/// A value of a removed Secret in one of its spellings. Never shown.
#[derive(Clone)]
pub(crate) struct SecretValue {
    secret: String,
    key: String,
    spelling: String,
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({}/{}, {} bytes)", self.secret, self.key, self.spelling.len())
    }
}

impl SecretValue {
    /// The spelling to look for.
    pub(crate) fn spelling(&self) -> &str {
        &self.spelling
    }
}

/// The values of a Secret object that must not survive it.
pub(crate) fn values(object: &Object<'_, '_>, secret: &str) -> Vec<SecretValue> {
    let mut found = Vec::new();
    for entry in object.secret_data() {
        let Some(plain) = entry.plain().and_then(|bytes| String::from_utf8(bytes).ok()) else { continue };
        let value = |spelling| SecretValue { secret: secret.to_owned(), key: entry.key.to_owned(), spelling };
        found.extend(spellings(entry.key, &plain).into_iter().map(value));
    }
    found
}

/// How a value can be spelled elsewhere; nothing if it is no credential, or one that chance repeats.
pub(crate) fn spellings(key: &str, value: &str) -> Vec<String> {
    let plain = telling_part(value);
    if !counts(key, plain) {
        return Vec::new();
    }
    let mut spellings = vec![BASE64_STANDARD.encode(plain), url_encoded(plain), plain.to_owned()];
    spellings.sort();
    spellings.dedup();
    spellings
}

/// Of several lines the longest, which no indentation breaks up; else the value without blanks around it.
fn telling_part(value: &str) -> &str {
    value.lines().map(str::trim).max_by_key(|line| line.len()).unwrap_or_default()
}

fn counts(key: &str, value: &str) -> bool {
    let common = value.bytes().all(|byte| byte.is_ascii_lowercase())
        || value.bytes().all(|byte| byte.is_ascii_digit());
    let credential = credential::is_name(key) || credential::value_reason(value).is_some();
    value.len() >= MIN_LENGTH && credential && !common
}

fn url_encoded(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The search for values in documents that go out.
pub(crate) struct LeakedValues {
    values: Vec<SecretValue>,
    search: Option<AhoCorasick>,
}

/// A value that survives in a document.
pub(crate) struct LeakedValue {
    /// Where, as a byte of the text that was searched.
    pub(crate) at: usize,
    /// What there is to say; its path is empty for a comment.
    pub(crate) finding: Finding,
}

impl LeakedValues {
    /// Builds the search.
    ///
    /// # Errors
    ///
    /// More values than a search can hold.
    pub(crate) fn new(values: Vec<SecretValue>) -> Result<Self, Error> {
        let search = search_any(values.iter().map(|value| &value.spelling))?;
        Ok(Self { values, search })
    }

    /// What finds the values, for the prefilter; `None` where there are none.
    pub(crate) fn search(&self) -> Option<&AhoCorasick> {
        self.search.as_ref()
    }

    /// A diagnostic without the values: a key, and so a path, can be one.
    pub(crate) fn conceal(&self, diagnostic: Diagnostic) -> Diagnostic {
        diagnostic.map_texts(|text| self.conceal_text(text))
    }

    /// A text without the values.
    pub(crate) fn conceal_text(&self, text: &str) -> String {
        let Some(search) = &self.search else { return text.to_owned() };
        let mut shown = String::with_capacity(text.len());
        search.replace_all_with(text, &mut shown, |_, value, shown| {
            shown.push_str(&credential::class(value));
            true
        });
        shown
    }

    /// The values that survive in a document's text.
    pub(crate) fn find(&self, text: &str, config: &Config) -> Vec<LeakedValue> {
        let Some(search) = self.search.as_ref().filter(|search| search.is_match(text)) else {
            return Vec::new();
        };
        // The text is a document that has been parsed before, or its verified edit.
        let Ok(tree) = parse(text) else { return Vec::new() };
        let objects = objects(&tree);
        let mut found: Vec<LeakedValue> = Vec::new();
        let mut paths: HashSet<Path> = HashSet::new();
        for hit in search.find_iter(text) {
            let value = &self.values[hit.pattern().as_usize()];
            let place = place(&tree, &objects, hit.start());
            let Some(severity) = severity(place.as_ref(), config) else { continue };
            let (path, node) =
                place.map_or((Path::root(), tree.root()), |place| (place.path, Some(place.node)));
            let Some(node) = node else { continue };
            if !path.steps().is_empty() && !paths.insert(path.clone()) {
                continue;
            }
            let at = hit.start();
            let comment = if path.steps().is_empty() { " in a comment" } else { "" };
            let finding = Finding {
                code: Code::ValueLeftBehind,
                severity,
                message: format!(
                    "the value of key {} of Secret {}, which a rule removes, also stands here{comment}",
                    value.key, value.secret
                ),
                help: "take it out in the chart's values, and rotate it: whoever could read this object knows it".to_owned(),
                path,
                node,
            };
            found.push(LeakedValue { at, finding });
        }
        found
    }
}

/// A scalar, and the object it belongs to.
struct ScalarSite {
    path: Path,
    node: NodeId,
    in_secret_data: bool,
    is_variable: bool,
}

/// What the place of a value makes of it: nothing in the data of a Secret that stays, a matter of policy in a
/// variable, something left behind elsewhere.
fn severity(place: Option<&ScalarSite>, config: &Config) -> Option<Severity> {
    match place {
        Some(place) if place.in_secret_data => None,
        Some(place) if place.is_variable => config.policy.plaintext.severity(),
        _ => config.policy.left_behind.severity(),
    }
}

/// The scalar whose text holds a byte; `None` for a comment.
fn place(tree: &Tree<'_>, objects: &[Object<'_, '_>], at: usize) -> Option<ScalarSite> {
    let before = objects.partition_point(|object| tree.node(object.node).start <= at);
    let object =
        before.checked_sub(1).map(|last| &objects[last]).filter(|object| holds(tree, object.node, at));
    let (object_path, is_secret) =
        object.map_or((Path::root(), false), |object| (object.path.clone(), object.is_secret()));
    let (path, node) = descend(tree, tree.root()?, &Path::root(), at)?;
    let inner = &path.steps()[object_path.steps().len().min(path.steps().len())..];
    let in_data = matches!(inner.first(), Some(Step::Key(key)) if key == "data" || key == "stringData");
    let is_variable = matches!(inner, [.., Step::Key(list), Step::Index(_), Step::Key(value)]
        if list == "env" && value == "value");
    Some(ScalarSite { in_secret_data: is_secret && in_data, is_variable, path, node })
}

fn holds(tree: &Tree<'_>, node: NodeId, at: usize) -> bool {
    let content = tree.node(node).content;
    content.start <= at && at < content.end
}

fn descend(tree: &Tree<'_>, node: NodeId, path: &Path, at: usize) -> Option<(Path, NodeId)> {
    if !holds(tree, node, at) {
        return None;
    }
    match &tree.node(node).kind {
        Kind::Mapping(_, entries) => {
            // Entries and items stand in order.
            let before = entries.partition_point(|(key, _)| tree.node(*key).start <= at);
            let (key, value) = &entries[before.checked_sub(1)?];
            let path = path.key(tree.text(*key).unwrap_or_default());
            if holds(tree, *key, at) { Some((path, *key)) } else { descend(tree, *value, &path, at) }
        }
        Kind::Sequence(_, items) => {
            let position = items.partition_point(|item| tree.node(*item).start <= at).checked_sub(1)?;
            descend(tree, items[position], &path.index(position), at)
        }
        _ => Some((path.clone(), node)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_if_its_key_speaks_and_chance_does_not_repeat_it() {
        for (key, value, expected) in [
            ("nextauth-secret", "s3cr3t-value", true),
            ("uri", "postgres://u:hunter2@db/x", true),
            ("password", "changeme", false),
            ("password", "12345678", false),
            ("password", "a1b2", false),
            ("host", "lf-postgresql.default", false),
        ] {
            assert_eq!(counts(key, value), expected, "{key}: {value}");
        }
    }

    #[test]
    fn a_value_is_never_shown() {
        let value = SecretValue { secret: "s".into(), key: "k".into(), spelling: "hunter2hunter2".into() };
        let survivors = LeakedValues::new(vec![value]).expect("a search");
        assert!(!format!("{:?}", survivors.values).contains("hunter2"));
    }
}
