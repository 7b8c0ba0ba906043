//! Could a rule touch this document? May say yes wrongly, never no wrongly.
//!
//! Bytes are searched, nothing is parsed. What could hide a word from such a search makes the answer yes: an escape in
//! double quotes (`"\u0053ecret"`), a line break that is escaped there, `!!binary` however it is spelled, and an encoding
//! other than UTF-8.
//! Aliases and merge keys hide nothing: what they stand for is spelled out in the same document.

use std::ops::{BitOr, BitOrAssign, Range};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use crate::catalogue;
use crate::config::{Config, Level};
use crate::diagnostics::{Code, Diagnostic, Error, Severity};
use crate::stream::Document;
use crate::yaml::span::BYTE_ORDER_MARK;

/// What could spell a name differently from its bytes: escapes, a break that is escaped, encoded scalars, whose tag may be
/// encoded itself or take another handle, and a document of another encoding.
pub(crate) const ESCAPES: [&[u8]; 19] = [
    b"\\x",
    b"\\u",
    b"\\U",
    b"\\\n",
    b"\\\r",
    "\\\u{85}".as_bytes(),
    "\\\u{2028}".as_bytes(),
    "\\\u{2029}".as_bytes(),
    b"!binary",
    b":binary",
    b"%3abinary",
    b"%3Abinary",
    b"%TAG",
    // A letter that need not be encoded: `!!bin%61ry`.
    b"%6",
    b"%72",
    b"%79",
    // Byte order marks of UTF-16 and UTF-8.
    b"\xFE\xFF",
    b"\xFF\xFE",
    BYTE_ORDER_MARK,
];

/// Every field that names a Secret has one of these in its key, or in that of a parent, or is a storage class', or belongs to
/// a group of the catalogue.
const REFERENCES: [&str; 7] =
    ["ecret", "Ref", "basicAuth", "redential", "assword", "sername", "StorageClass"];

/// What makes a document one that may refer to Secrets.
fn reference_words() -> impl Iterator<Item = &'static str> {
    REFERENCES.into_iter().chain(catalogue::groups_with_references())
}

/// A document with a list that the API server merges by key (`kube::list_keys`) holds one of these.
const KEYED_LISTS: [&str; 10] = [
    "ontainers",
    "finalizers",
    "ownerReferences",
    "Service",
    "WebhookConfiguration",
    "AdmissionPolicy",
    "EndpointSlice",
    "odGroup",
    "CSIDriver",
    "FlowSchema",
];

/// Parts of names and values, one of which each credential in a custom resource or header has.
pub(crate) const CREDENTIALS: [&str; 20] = [
    "pass",
    "Pass",
    "PASS",
    "ecret",
    "ECRET",
    "oken",
    "OKEN",
    "Key",
    "KEY",
    "key",
    "redential",
    "REDENTIAL",
    "auth",
    "Auth",
    "AUTH",
    "salt",
    "Salt",
    "SALT",
    "@",
    "PRIVATE KEY",
];

/// Matcher that vector instructions find all at once.
const FEW: usize = 32;

/// What a run may want from a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Interest {
    /// No rule can touch it, no policy asks about it: its bytes pass.
    #[default]
    Nothing,
    /// A policy asks what stands in it; how much it matters where that cannot be said.
    Check(Severity),
    /// It may refer to Secrets that have not come yet.
    References,
    /// A rule could change it.
    Edit,
}

/// What a word says about the document that holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hits {
    /// An object in it could be of kind Secret.
    pub(crate) secret: bool,
    /// It could be a ResourceList.
    pub(crate) list: bool,
    /// What a run may want from it.
    pub(crate) interest: Interest,
}

impl Hits {
    const NOTHING: Self = Self::of(Interest::Nothing);
    const SECRET: Self = Self { secret: true, ..Self::NOTHING };
    /// A disguised one is a document like any other: its objects are found all the same.
    const LIST: Self = Self { list: true, ..Self::NOTHING };
    const DISGUISE: Self = Self { secret: true, ..Self::of(Interest::Edit) };

    /// A wish.
    pub(crate) const fn of(interest: Interest) -> Self {
        Self { secret: false, list: false, interest }
    }
}

impl BitOr for Hits {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            secret: self.secret | other.secret,
            list: self.list | other.list,
            interest: self.interest.max(other.interest),
        }
    }
}

impl BitOrAssign for Hits {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// Something that finds words in bytes.
pub(crate) trait Matcher: Sync {
    /// The first word that begins in this part of the input and ends in it: where it begins, and what it says.
    fn find(&self, input: &[u8], part: Range<usize>) -> Option<(usize, Hits)>;

    /// All that its words can say together.
    fn all_hits(&self) -> Hits;
}

/// The words that are known before anything is read.
pub(crate) struct ConfigMatcher {
    search: AhoCorasick,
    /// For each word what it says inside another word, and elsewhere.
    signs: Vec<(Hits, Hits)>,
    /// All of them together.
    most: Hits,
}

impl ConfigMatcher {
    /// What the configuration makes interesting.
    ///
    /// # Errors
    ///
    /// More words than a search can hold (billions of bytes).
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        Self::of(known(config))
    }

    /// The same, and what may refer to Secrets.
    ///
    /// # Errors
    ///
    /// As for [`ConfigMatcher::new`].
    pub(crate) fn with_references(config: &Config) -> Result<Self, Error> {
        let mut words = known(config);
        let sign = Hits::of(Interest::References);
        words.extend(reference_words().map(|word| (word.as_bytes(), sign, sign)));
        Self::of(words)
    }

    /// Of the words that begin at the same byte only the longest is found, so it says what its beginnings say too.
    fn of(mut words: Vec<(&[u8], Hits, Hits)>) -> Result<Self, Error> {
        words.sort_by_key(|(word, ..)| *word);
        let mut signs: Vec<(Hits, Hits)> = Vec::with_capacity(words.len());
        // The words, each a beginning of the next, that the last one begins with.
        let mut beginnings: Vec<usize> = Vec::new();
        for (position, &(word, inside, alone)) in words.iter().enumerate() {
            while beginnings.pop_if(|last| !word.starts_with(words[*last].0)).is_some() {}
            let (before_inside, before_alone) =
                beginnings.last().map_or_else(Default::default, |last| signs[*last]);
            signs.push((inside | before_inside, alone | before_alone));
            beginnings.push(position);
        }
        // A word that stands twice is found as one of the two, whichever: both say the same.
        for position in (1..words.len()).rev() {
            if words[position - 1].0 == words[position].0 {
                signs[position - 1] = signs[position];
            }
        }
        let most = signs.iter().fold(Hits::NOTHING, |most, (_, hits)| most | *hits);
        Ok(Self { search: search(words.iter().map(|(word, ..)| word))?, signs, most })
    }
}

/// What each word says inside another word, and elsewhere.
fn known(config: &Config) -> Vec<(&[u8], Hits, Hits)> {
    let mut words: Vec<(&[u8], Hits, Hits)> = Vec::new();
    let mut add = |word, hits| words.push((word, hits, hits));
    for word in ESCAPES {
        add(word, Hits::DISGUISE);
    }
    // Duplicates are looked for in every list of variables, so `env` alone makes a document interesting.
    add(b"env", Hits::of(Interest::Edit));
    add(b"Env", Hits::of(Interest::Edit));
    if !config.env.is_empty() {
        for group in catalogue::groups_with_variables() {
            add(group.as_bytes(), Hits::of(Interest::Edit));
        }
    }
    if config.env.iter().any(|rule| rule.add) {
        add(b"ontainers", Hits::of(Interest::Edit));
    }
    if config.repairs_lists() {
        for word in KEYED_LISTS {
            add(word.as_bytes(), Hits::of(Interest::Edit));
        }
    }
    for rule in &config.references {
        add(rule.kind.as_bytes(), Hits::of(Interest::Edit));
    }
    if !config.drop_annotations.is_empty() {
        add(b"annotations", Hits::of(Interest::Edit));
    }
    let strict = [config.policy.external, config.policy.plaintext].contains(&Level::Error);
    let check = Hits::of(Interest::Check(if strict { Severity::Error } else { Severity::Warning }));
    if config.policy.external != Level::Allow {
        for word in reference_words() {
            add(word.as_bytes(), check);
        }
    }
    if config.policy.plaintext != Level::Allow {
        for word in ["ConfigMap", "args", "command", "annotations"].into_iter().chain(CREDENTIALS) {
            add(word.as_bytes(), check);
        }
    }
    // `imagePullSecrets` and `ExternalSecret` are not the word.
    words.push((b"Secret", Hits::NOTHING, Hits::SECRET));
    words.push((b"ResourceList", Hits::NOTHING, Hits::LIST));
    words
}

impl Matcher for ConfigMatcher {
    fn find(&self, input: &[u8], part: Range<usize>) -> Option<(usize, Hits)> {
        let found = self.search.find(Input::new(input).span(part))?;
        let inside = found.start() > 0 && input[found.start() - 1].is_ascii_alphanumeric();
        let (sign_inside, hits) = self.signs[found.pattern().as_usize()];
        Some((found.start(), if inside { sign_inside } else { hits }))
    }

    fn all_hits(&self) -> Hits {
        self.most
    }
}

/// What the first pass has learned: names and values of removed Secrets. A document that holds one may have to change.
impl Matcher for AhoCorasick {
    fn find(&self, input: &[u8], part: Range<usize>) -> Option<(usize, Hits)> {
        let found = self.try_find(Input::new(input).span(part)).ok().flatten()?;
        Some((found.start(), Hits::of(Interest::Edit)))
    }

    fn all_hits(&self) -> Hits {
        Hits::of(Interest::Edit)
    }
}

/// A search for the longest of these words; `None` where there are none.
///
/// # Errors
///
/// More words than a search can hold.
pub(crate) fn search_any<W: AsRef<[u8]>>(
    words: impl Iterator<Item = W>,
) -> Result<Option<AhoCorasick>, Error> {
    let mut words = words.peekable();
    words.peek().is_some().then(|| search(words)).transpose()
}

/// A search for the longest of these words.
///
/// # Errors
///
/// More words than a search can hold.
pub(crate) fn search<W: AsRef<[u8]>>(words: impl Iterator<Item = W>) -> Result<AhoCorasick, Error> {
    let words: Vec<W> = words.collect();
    // A few are found by vector instructions, and the automaton behind them need only be cheap to build.
    let kind = (words.len() <= FEW).then_some(AhoCorasickKind::NoncontiguousNFA);
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .kind(kind)
        .build(words)
        .map_err(|error| too_much(&error).into())
}

/// More names than a search can hold.
fn too_much(error: &aho_corasick::BuildError) -> Diagnostic {
    let help = "filter the stream in parts";
    Diagnostic::error(Code::InvalidConfig, format!("too many names to search for: {error}"), help)
}

/// The signs of one document after the other: the input is searched once, whatever its documents are.
pub(crate) struct HitIter<'a, W: ?Sized> {
    words: &'a W,
    input: &'a [u8],
    end: usize,
    next: Option<(usize, Hits)>,
}

impl<'a, W: Matcher + ?Sized> HitIter<'a, W> {
    /// For documents of this part of an input.
    pub(crate) fn new(words: &'a W, input: &'a [u8], part: Range<usize>) -> Self {
        // The byte order mark of the stream itself says nothing.
        let start = if part.start == 0 && input.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            part.start
        };
        Self { words, input, end: part.end, next: words.find(input, start..part.end) }
    }

    /// What the words of the next document say. Documents are asked about in their order.
    pub(crate) fn of(&mut self, document: &Document<'_>) -> Hits {
        let end = document.offset + document.bytes.len();
        let mut hits = Hits::NOTHING;
        while let Some((at, found)) = self.next.filter(|(at, _)| *at < end) {
            hits |= found;
            // A word can begin inside another one.
            let from = if hits == self.words.all_hits() { end } else { at + 1 };
            self.next = self.words.find(self.input, from..self.end);
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::documents;

    fn signs(text: &str, words: &ConfigMatcher) -> Vec<Hits> {
        let mut signs = HitIter::new(words, text.as_bytes(), 0..text.len());
        documents(text.as_bytes()).map(|document| signs.of(&document)).collect()
    }

    #[test]
    fn every_spelling_of_secret_is_found() {
        let words = ConfigMatcher::new(&Config::default()).expect("a filter");
        for text in [
            "kind: Secret",
            "\"kind\":\"Secret\"",
            "kind: !!str Secret",
            "kind: &k Secret",
            "kind: SecretList",
            "\"kind\": \"\\u0053ecret\"",
            "kind: \"S\\x65cret\"",
            "kind: \"Sec\\\nret\"",
            "kind: \"Sec\\\u{2028}ret\"",
            "kind: !!binary U2VjcmV0",
            "kind: !!bin%61ry U2VjcmV0",
            "%TAG !e! tag:yaml.org,2002:bin\n---\nkind: !e!ary U2VjcmV0",
            "kind: 'Secret'",
        ] {
            assert!(signs(text, &words)[0].secret, "{text}");
        }
        for text in ["imagePullSecrets: []", "kind: ExternalSecret", "secretKeyRef", "kind: ConfigMap"] {
            assert!(!signs(text, &words)[0].secret, "{text}");
        }
    }

    #[test]
    fn each_document_has_its_own_words() {
        let words = ConfigMatcher::new(&Config::default()).expect("a filter");
        let found = signs("a: b\n---\nenv: []\n---\nkind: Secret\n---\nc: d\n", &words);
        let edit = Hits::of(Interest::Edit);
        let secret = Hits::SECRET | Hits::of(Interest::Check(Severity::Warning));
        assert_eq!(found, [Hits::NOTHING, edit, secret, Hits::NOTHING]);
    }

    #[test]
    fn no_word_hides_another() {
        let check = Hits::of(Interest::Check(Severity::Warning));
        let edit = Hits::of(Interest::Edit);
        let of = |words: &[(&'static str, Hits)]| {
            ConfigMatcher::of(words.iter().map(|(word, sign)| (word.as_bytes(), *sign, *sign)).collect())
        };
        let words = of(&[("abc", check), ("ab", edit), ("bcd", edit), ("abc", check)]).expect("a filter");
        assert_eq!(signs("xabc", &words), [edit], "a longer word hides no shorter one");
        let words = of(&[("abc", check), ("bcd", Hits::SECRET)]).expect("a filter");
        assert_eq!(signs("abcd", &words), [check | Hits::SECRET], "nor one that begins inside it");
        let words = of(&[("abc", check), ("abc", edit)]).expect("a filter");
        assert_eq!(signs("abc", &words), [edit], "nor the same one");
    }
}
