//! Values of removed Secrets must not survive elsewhere in the stream: in an annotation, a comment, a ConfigMap.
//!
//! It searches the bytes that would be written, for every spelling: plain, quoted, escaped, as in URLs, in hex, and in base64
//! wherever the value begins; and in the texts that escapes or line breaks spell. Only values count that chance does not
//! repeat: `changeme` or `postgres` is in many places and gives nothing away.

use std::collections::HashSet;
use std::fmt;

use aho_corasick::AhoCorasick;
use base64::prelude::{BASE64_STANDARD, Engine};

use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, Error, Finding, Severity};
use crate::kube::certificate::is_public;
use crate::kube::credential;
use crate::kube::object::{DataEntry, Object, objects};
use crate::search::escapes;
use crate::search::prefilter::search_any;
use crate::yaml::scalar::plain_or_quoted;
use crate::yaml::{Kind, NodeId, Path, Step, Tree, parse};

/// Shorter values are found everywhere.
const MIN_LENGTH: usize = 8;
/// A word of a value that says as much as all of it.
const MIN_WORD: usize = 12;
/// Base64 of a long value is broken at 64 or 76 letters.
const MAX_BASE64: usize = 60;

/// A value of a removed Secret in one of its spellings. Never shown.
#[derive(Clone)]
pub(crate) struct SecretValue {
    /// What holds it: a Secret, or a ConfigMap.
    kind: &'static str,
    secret: String,
    key: String,
    spelling: String,
    /// Whether the Secret stays, without the key.
    stays: bool,
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

/// The values of a Secret that must not survive elsewhere; nor in its own data, of one that stays.
pub(crate) fn values<'d, 't: 'd>(
    data: impl Iterator<Item = &'d DataEntry<'t>>,
    (kind, secret): (&'static str, &str),
    stays: bool,
) -> Vec<SecretValue> {
    let mut found = Vec::new();
    for entry in data {
        let Some(plain) = entry.plain().and_then(|bytes| str::from_utf8(bytes).ok()) else { continue };
        let value = |spelling| SecretValue {
            kind,
            secret: secret.to_owned(),
            key: entry.key.to_owned(),
            spelling,
            stays,
        };
        found.extend(spellings(entry.key, plain).into_iter().map(value));
    }
    found
}

/// How a value can be spelled elsewhere; nothing if it is one that chance repeats.
pub(crate) fn spellings(key: &str, value: &str) -> Vec<String> {
    let plain = telling_part(value);
    if !counts(key, plain) || is_public(value) {
        return Vec::new();
    }
    let mut spellings = vec![plain.to_owned(), plain.replace('\'', "''")];
    // As JSON and YAML escape it, as Go's JSON does, and both once more inside a quoted text.
    let escaped = escape(plain);
    let for_html = escaped.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    spellings.extend([escape(&escaped), escape(&for_html), escaped, for_html]);
    spellings.extend(url_encoded(plain));
    spellings.extend(encoded(plain.as_bytes()));
    // A text with blanks can be folded over several lines.
    let word = plain.split_whitespace().max_by_key(|word| word.len()).unwrap_or_default();
    spellings.extend(Some(word.to_owned()).filter(|word| word.len() >= MIN_WORD && word.len() < plain.len()));
    spellings.sort();
    spellings.dedup();
    spellings
}

/// Of several lines the longest, which no indentation breaks up; else the value without blanks around it.
fn telling_part(value: &str) -> &str {
    value.lines().map(str::trim).max_by_key(|line| line.len()).unwrap_or_default()
}

/// Whether finding the value elsewhere says something: under a key of a credential all but words and numbers do, under
/// any other what is not made of words.
fn counts(key: &str, value: &str) -> bool {
    let common = value.bytes().all(|byte| byte.is_ascii_lowercase())
        || value.bytes().all(|byte| byte.is_ascii_digit());
    let credential = credential::is_name(key) || credential::value_reason(value).is_some();
    let telling = || credential::could_be_secret(value) && !credential::is_made_of_words(value);
    value.len() >= MIN_LENGTH && !common && (credential || telling())
}

/// A text inside double quotes, as JSON writes it and YAML reads it.
fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As in URLs: everything but letters, digits and few others encoded, in either case of the digits; a blank also as `+`.
fn url_encoded(value: &str) -> Vec<String> {
    let encode = |kept: &[u8], upper: bool| {
        let mut encoded = String::new();
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
                encoded.push(char::from(byte));
            } else if upper {
                encoded.push_str(&format!("%{byte:02X}"));
            } else {
                encoded.push_str(&format!("%{byte:02x}"));
            }
        }
        encoded
    };
    // Go's query and user parts, and JavaScript's encodeURIComponent.
    let kept: [&[u8]; 3] = [b"-_.~", b"-_.~$&+,;=", b"-_.~!'()*"];
    let mut all: Vec<String> =
        kept.iter().flat_map(|kept| [encode(kept, true), encode(kept, false)]).collect();
    if value.contains(' ') {
        all.push(encode(kept[0], true).replace("%20", "+"));
    }
    all
}

/// In hex, and in base64 wherever the value begins in a group of three bytes: alone, with a line break behind it, or
/// between others as in `user:password`. Only the letters that depend on nothing but the value, and of a long one no more
/// than are on a line.
fn encoded(value: &[u8]) -> Vec<String> {
    let mut all = vec![value.iter().map(|byte| format!("{byte:02x}")).collect::<String>()];
    all.push(all[0].to_uppercase());
    for before in 0..3 {
        let bytes = [&vec![0; before], value].concat();
        let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        let text = BASE64_STANDARD.encode(&bytes);
        let part = &text[first..last.min(first + MAX_BASE64)];
        all.push(part.to_owned());
        all.push(part.replace('+', "-").replace('/', "_"));
    }
    all
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
        let Some(search) = &self.search else { return Vec::new() };
        let may_hide = escapes::may_hide(text.as_bytes());
        if !may_hide && !search.is_match(text) {
            return Vec::new();
        }
        // The text is a document that has been parsed before, or its verified edit.
        let Ok(tree) = parse(text) else { return Vec::new() };
        let objects = objects(&tree);
        let mut found: Vec<LeakedValue> = Vec::new();
        let mut paths: HashSet<Path> = HashSet::new();
        let in_bytes = search.find_iter(text).map(|hit| (hit.start(), hit.pattern().as_usize()));
        let mut hits: Vec<(usize, usize)> = in_bytes.collect();
        if may_hide {
            hits.extend(hidden_hits(&tree, search));
            hits.sort_unstable();
        }
        for (at, pattern) in hits {
            let value = &self.values[pattern];
            let place = place(&tree, &objects, at);
            let Some(severity) = severity(place.as_ref(), value, config) else { continue };
            let help = remedy(place.as_ref());
            let (path, node) =
                place.map_or((Path::root(), tree.root()), |place| (place.path, Some(place.node)));
            let Some(node) = node else { continue };
            if !path.is_root() && !paths.insert(path.clone()) {
                continue;
            }
            let comment = if path.is_root() { " in a comment" } else { "" };
            let finding = Finding {
                code: Code::ValueLeftBehind,
                severity,
                message: format!(
                    "the value of key {} of {} {}, which a rule {}, is also here{comment}",
                    value.key,
                    value.kind,
                    value.secret,
                    if value.stays { "moves to the vault" } else { "removes" }
                ),
                help,
                path,
                node,
            };
            found.push(LeakedValue { at, finding });
        }
        found
    }
}

/// The values in texts that are not written as they read, each at the beginning of its scalar.
fn hidden_hits(tree: &Tree<'_>, search: &AhoCorasick) -> Vec<(usize, usize)> {
    let found = tree.ids().filter_map(|id| match tree.kind(id) {
        Kind::Scalar(scalar) if tree.source_of(id).contains('\\') => {
            let hit = search.find(scalar.text)?;
            Some((tree.content(id).start, hit.pattern().as_usize()))
        }
        _ => None,
    });
    found.collect()
}

/// A scalar, and the object it belongs to.
struct ScalarSite {
    path: Path,
    node: NodeId,
    /// The Secret whose data holds it.
    secret_data: Option<String>,
    is_variable: bool,
}

/// What the place of a value makes of it: nothing in the data of a Secret that stays, a matter of policy in a
/// variable, something left behind elsewhere.
fn severity(place: Option<&ScalarSite>, value: &SecretValue, config: &Config) -> Option<Severity> {
    match place {
        Some(place) if place.secret_data.as_ref().is_some_and(|of| !value.stays || *of != value.secret) => {
            None
        }
        Some(place) if place.is_variable => config.policy.plaintext.severity(),
        _ => config.policy.left_behind.severity(),
    }
}

/// What to do about it at a place.
fn remedy(place: Option<&ScalarSite>) -> String {
    let own = place.filter(|place| place.secret_data.is_some());
    match own.and_then(|place| place.path.split_last()) {
        Some((_, Step::Key(key))) => {
            format!("move this key too: add {} to `only` of the rule", plain_or_quoted(key))
        }
        _ => "take it out in the chart's values, and rotate it: everyone who can read this object knows it"
            .to_owned(),
    }
}

/// The scalar whose text holds a byte; `None` for a comment.
fn place(tree: &Tree<'_>, objects: &[Object<'_, '_>], at: usize) -> Option<ScalarSite> {
    let before = objects.partition_point(|object| tree.start(object.node) <= at);
    let object =
        before.checked_sub(1).map(|last| &objects[last]).filter(|object| holds(tree, object.node, at));
    let object_path = object.map_or(Path::root(), |object| object.path.clone());
    let secret = object.filter(|object| object.is_secret());
    let (path, node) = descend(tree, tree.root()?, &Path::root(), at)?;
    let inner = path.steps_from(object_path.len());
    let in_data = matches!(inner.first(), Some(Step::Key(key)) if key == "data" || key == "stringData");
    let is_variable = matches!(inner[..], [.., Step::Key(list), Step::Index(_), Step::Key(value)]
        if list == "env" && value == "value");
    let secret_data = secret.filter(|_| in_data).map(|secret| secret.name().unwrap_or_default().to_owned());
    Some(ScalarSite { path, node, secret_data, is_variable })
}

fn holds(tree: &Tree<'_>, node: NodeId, at: usize) -> bool {
    let content = tree.content(node);
    content.start <= at && at < content.end
}

fn descend(tree: &Tree<'_>, node: NodeId, path: &Path, at: usize) -> Option<(Path, NodeId)> {
    if !holds(tree, node, at) {
        return None;
    }
    match tree.kind(node) {
        Kind::Mapping(_, entries) => {
            // Entries and items are in order.
            let before = entries.partition_point(|(key, _)| tree.start(*key) <= at);
            let (key, value) = &entries[before.checked_sub(1)?];
            let path = path.key(tree.text(*key).unwrap_or_default());
            if holds(tree, *key, at) { Some((path, *key)) } else { descend(tree, *value, &path, at) }
        }
        Kind::Sequence(_, items) => {
            let position = items.partition_point(|item| tree.start(*item) <= at).checked_sub(1)?;
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
            ("smtp-pass", "Zq7vXw9kLm3pRt5y", true),
            ("license", "zq7vxw9klm3prt5y", true),
            ("id", "kJhGfDsAqWeRtYuI", true),
            ("user", "langfuse_admin", false),
            ("mail", "admin@example.com", false),
            ("url", "http://lf-clickhouse:8123", false),
            ("settings", "max_connections = 100", false),
            ("note", "The quick brown Fox", false),
            ("class", "PostgreSqlDatabase2", false),
        ] {
            assert_eq!(counts(key, value), expected, "{key}: {value}");
        }
    }

    /// Every spelling of a value that is looked for.
    #[test]
    fn a_value_is_found_whatever_its_spelling() {
        let value = "it's a \"Pass-W0rd-9x\" & <more>";
        let known = spellings("password", value);
        let search = search_any(known.iter()).expect("a search").expect("texts");
        for text in [
            "'it''s a \"Pass-W0rd-9x\" & <more>'",
            r#""it's a \"Pass-W0rd-9x\" & <more>""#,
            r#""it's a \"Pass-W0rd-9x\" \u0026 \u003cmore\u003e""#,
            "it's a\n  \"Pass-W0rd-9x\" &\n  <more>",
            "it%27s%20a%20%22Pass-W0rd-9x%22%20%26%20%3Cmore%3E",
            "it%27s%20a%20%22Pass-W0rd-9x%22%20%26%20%3cmore%3e",
            "it%27s+a+%22Pass-W0rd-9x%22+%26+%3Cmore%3E",
            "it's%20a%20%22Pass-W0rd-9x%22%20%26%20%3Cmore%3E",
        ] {
            assert!(search.is_match(text), "{text}");
        }
        for before in ["", "u", "us", "user:"] {
            for after in ["", "\n", "@host"] {
                let text = BASE64_STANDARD.encode(format!("{before}{value}{after}"));
                assert!(search.is_match(&text), "{before}…{after}");
            }
        }
        let hex: String = value.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert!(search.is_match(&hex) && search.is_match(&hex.to_lowercase()));
    }

    #[test]
    fn a_value_is_never_shown() {
        let value = SecretValue {
            kind: "Secret",
            secret: "s".into(),
            key: "k".into(),
            spelling: "hunter2hunter2".into(),
            stays: false,
        };
        let survivors = LeakedValues::new(vec![value]).expect("a search");
        assert!(!format!("{:?}", survivors.values).contains("hunter2"));
    }
}
