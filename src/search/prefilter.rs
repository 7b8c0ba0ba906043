//! Could a rule touch this document? May say yes wrongly, never no wrongly.
//!
//! Bytes are searched, nothing is parsed. What could hide a word from such a search makes the answer yes (`escapes`).
//! Aliases and merge keys hide nothing: what they stand for is spelled out in the same document.
//!
//! Several searches, each as cheap as its question allows: for the words of rules and policies, few enough for vector
//! instructions, up to the first in a document that says all; for the words that tell what a document may hold; for what
//! could hide a word; and for the API groups of the catalogue, which are too many for that: they are looked up before each `/`.

use std::ops::{BitOr, BitOrAssign, Range};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};

use crate::catalogue;
use crate::config::{Config, Level};
use crate::diagnostics::{Code, Diagnostic, Error, Severity};
use crate::search::escapes::{find_escape, find_mark};
use crate::stream::Document;
use crate::yaml::span::BYTE_ORDER_MARK;

/// Every field that names a Secret has one of these in its key, or in that of a parent, or is a storage class', or belongs to
/// a group of the catalogue.
const REFERENCES: [&str; 7] =
    ["ecret", "Ref", "basicAuth", "redential", "assword", "sername", "StorageClass"];

/// The words that tell what a document may hold.
const KINDS: [(&str, Hits); 2] = [
    ("Secret", Hits { secret: true, ..Hits::NOTHING }),
    ("ResourceList", Hits { list: true, ..Hits::NOTHING }),
];

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

/// Parts of names and values, one of which each credential in a custom resource or header has, unless it has an [`AT`].
const CREDENTIALS: [&str; 19] = [
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
    "PRIVATE KEY",
];
/// What stands between a password and a host. A word so short would slow the search for the others down.
const AT: u8 = b'@';

/// Whether a name or a value holds a part of a credential.
pub(crate) fn may_be_credential(text: &str) -> bool {
    text.as_bytes().contains(&AT) || CREDENTIALS.iter().any(|part| text.contains(part))
}

/// Words that vector instructions find all at once.
const FEW: usize = 32;

/// No API group is longer: it is a domain.
const LONGEST_GROUP: usize = 253;

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
    /// A disguised document is one like any other, not a ResourceList: its objects are found all the same.
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

/// Something that finds in bytes what makes a document interesting, by one search or several.
pub(crate) trait Matcher: Sync {
    /// How many searches it makes.
    const SEARCHES: usize;

    /// The first thing that a search finds in this part of the input: where it begins, and what it says.
    fn find(&self, search: usize, input: &[u8], part: Range<usize>) -> Option<(usize, Hits)>;

    /// The most that a search can say.
    fn most(&self, search: usize) -> Hits;
}

/// The words that are known before anything is read.
pub(crate) struct ConfigMatcher {
    words: AhoCorasick,
    /// What each word says.
    interests: Vec<Interest>,
    /// What the API groups of the catalogue say, by name.
    groups: Vec<(&'static str, Interest)>,
    kinds: [Finder<'static>; 2],
    /// The most that each search can say.
    most: [Hits; 7],
}

impl ConfigMatcher {
    /// The words of rules and policies.
    const WORDS: usize = 0;
    /// What could hide a word.
    const ESCAPES: usize = 1;
    const MARKS: usize = 2;
    /// API groups, each before a `/`.
    const GROUPS: usize = 3;
    /// [`AT`].
    const AT: usize = 4;
    /// The words of [`KINDS`], one search for each.
    const FIRST_KIND: usize = 5;

    /// What the configuration makes interesting.
    ///
    /// # Errors
    ///
    /// More words than a search can hold (billions of bytes).
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        Self::of(words(config), groups(config, Interest::Nothing), credentials(config))
    }

    /// The same, and what may refer to Secrets.
    ///
    /// # Errors
    ///
    /// As for [`ConfigMatcher::new`].
    pub(crate) fn with_references(config: &Config) -> Result<Self, Error> {
        let references = REFERENCES.iter().map(|word| (word.as_bytes(), Interest::References));
        let words = words(config).into_iter().chain(references).collect();
        Self::of(words, groups(config, Interest::References), credentials(config))
    }

    /// Of the words that begin at the same byte only the longest is found, so it says what its beginnings say too.
    fn of(
        mut words: Vec<(&[u8], Interest)>,
        groups: Vec<(&'static str, Interest)>,
        credentials: Interest,
    ) -> Result<Self, Error> {
        words.sort_by_key(|(word, _)| *word);
        let mut interests: Vec<Interest> = Vec::with_capacity(words.len());
        // The words, each a beginning of the next, that the last one begins with.
        let mut beginnings: Vec<usize> = Vec::new();
        for (position, &(word, interest)) in words.iter().enumerate() {
            while beginnings.pop_if(|last| !word.starts_with(words[*last].0)).is_some() {}
            let before = beginnings.last().map_or(Interest::Nothing, |last| interests[*last]);
            interests.push(interest.max(before));
            beginnings.push(position);
        }
        // A word that stands twice is found as one of the two, whichever: both say the same.
        for position in (1..words.len()).rev() {
            if words[position - 1].0 == words[position].0 {
                interests[position - 1] = interests[position];
            }
        }
        let most_of_words = interests.iter().copied().max().unwrap_or_default();
        let most_of_groups = groups.iter().map(|(_, interest)| *interest).max().unwrap_or_default();
        let most = [
            Hits::of(most_of_words),
            Hits::DISGUISE,
            Hits::DISGUISE,
            Hits::of(most_of_groups),
            Hits::of(credentials),
            KINDS[0].1,
            KINDS[1].1,
        ];
        let kinds = KINDS.map(|(word, _)| Finder::new(word));
        Ok(Self { words: search(words.iter().map(|(word, _)| word))?, interests, groups, kinds, most })
    }

    /// What the API group that ends before this `/` says.
    fn group(&self, before: &[u8]) -> Option<Interest> {
        // JSON may have an escape before the slash.
        let before = before.strip_suffix(b"\\").unwrap_or(before);
        let is_part = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(byte);
        let length = before.iter().rev().take(LONGEST_GROUP).take_while(|byte| is_part(byte)).count();
        let group = &before[before.len() - length..];
        let position = self.groups.binary_search_by(|(known, _)| known.as_bytes().cmp(group)).ok()?;
        Some(self.groups[position].1)
    }
}

/// The words of rules and policies, and what each says.
fn words(config: &Config) -> Vec<(&[u8], Interest)> {
    // Duplicates are looked for in every list of variables, so `env` alone makes a document interesting.
    let mut words: Vec<(&[u8], Interest)> = vec![(b"env", Interest::Edit), (b"Env", Interest::Edit)];
    let mut add = |word: &'static [&str], interest| {
        words.extend(word.iter().map(|word| (word.as_bytes(), interest)));
    };
    if config.env.iter().any(|rule| rule.add) {
        add(&["ontainers"], Interest::Edit);
    }
    if config.repairs_lists() {
        add(&KEYED_LISTS, Interest::Edit);
    }
    if !config.drop_annotations.is_empty() {
        add(&["annotations"], Interest::Edit);
    }
    if config.policy.external != Level::Allow {
        add(&REFERENCES, check(config));
    }
    if config.policy.plaintext != Level::Allow {
        add(&["ConfigMap", "args", "command", "annotations"], credentials(config));
        add(&CREDENTIALS, credentials(config));
    }
    words.extend(config.references.iter().map(|rule| (rule.kind.as_bytes(), Interest::Edit)));
    words
}

/// What the API groups of the catalogue say, in alphabetical order; `references` is what those with references do apart from
/// policies.
fn groups(config: &Config, references: Interest) -> Vec<(&'static str, Interest)> {
    let external = if config.policy.external == Level::Allow { Interest::Nothing } else { check(config) };
    let known = catalogue::groups().into_iter().map(|(group, uses)| {
        let refers = if uses.references { references.max(external) } else { Interest::Nothing };
        let has_variables = uses.variables && !config.env.is_empty();
        (group, if has_variables { Interest::Edit } else { refers })
    });
    known.filter(|(_, interest)| *interest != Interest::Nothing).collect()
}

/// What a part of a credential says.
fn credentials(config: &Config) -> Interest {
    if config.policy.plaintext == Level::Allow { Interest::Nothing } else { check(config) }
}

/// What a policy wants.
fn check(config: &Config) -> Interest {
    let strict = [config.policy.external, config.policy.plaintext].contains(&Level::Error);
    Interest::Check(if strict { Severity::Error } else { Severity::Warning })
}

impl Matcher for ConfigMatcher {
    const SEARCHES: usize = 7;

    fn find(&self, search: usize, input: &[u8], part: Range<usize>) -> Option<(usize, Hits)> {
        let bytes = &input[part.clone()];
        let (at, hits) = match search {
            Self::WORDS => {
                let found = self.words.find(bytes)?;
                (found.start(), Hits::of(self.interests[found.pattern().as_usize()]))
            }
            Self::ESCAPES => (find_escape(bytes)?, Hits::DISGUISE),
            Self::MARKS => {
                // That of the stream itself says nothing.
                let skipped = usize::from(part.start == 0 && bytes.starts_with(BYTE_ORDER_MARK));
                (skipped + find_mark(&bytes[skipped..])?, Hits::DISGUISE)
            }
            Self::GROUPS => {
                let mut slashes = memchr_iter(b'/', bytes);
                slashes.find_map(|at| Some((at, Hits::of(self.group(&input[..part.start + at])?))))?
            }
            Self::AT if self.most(Self::AT) == Hits::NOTHING => return None,
            Self::AT => (memchr(AT, bytes)?, self.most(Self::AT)),
            kind => {
                let kind = kind - Self::FIRST_KIND;
                // `imagePullSecrets` and `ExternalSecret` are not the word.
                let is_inside = |at: usize| at > 0 && input[at - 1].is_ascii_alphanumeric();
                let found = self.kinds[kind].find_iter(bytes).find(|at| !is_inside(part.start + at))?;
                (found, KINDS[kind].1)
            }
        };
        Some((part.start + at, hits))
    }

    fn most(&self, search: usize) -> Hits {
        self.most[search]
    }
}

/// What the first pass has learned: names and values of removed Secrets. A document that holds one may have to change.
impl Matcher for AhoCorasick {
    const SEARCHES: usize = 1;

    fn find(&self, _search: usize, input: &[u8], part: Range<usize>) -> Option<(usize, Hits)> {
        let found = self.try_find(Input::new(input).span(part)).ok().flatten()?;
        Some((found.start(), Hits::of(Interest::Edit)))
    }

    fn most(&self, _search: usize) -> Hits {
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

/// The hits of one document after the other: the input is searched once, whatever its documents are.
pub(crate) struct HitIter<'a, W> {
    matcher: &'a W,
    input: &'a [u8],
    end: usize,
    /// What each search finds next.
    next: Vec<Option<(usize, Hits)>>,
}

impl<'a, W: Matcher> HitIter<'a, W> {
    /// For documents of this part of an input.
    pub(crate) fn new(matcher: &'a W, input: &'a [u8], part: Range<usize>) -> Self {
        let next = (0..W::SEARCHES).map(|search| matcher.find(search, input, part.clone())).collect();
        Self { matcher, input, end: part.end, next }
    }

    /// What there is to say about the next document. Documents are asked about in their order.
    pub(crate) fn of(&mut self, document: &Document<'_>) -> Hits {
        let end = document.offset + document.bytes.len();
        let mut hits = Hits::default();
        for (search, next) in self.next.iter_mut().enumerate() {
            while let Some((at, found)) = next.filter(|(at, _)| *at < end) {
                hits |= found;
                let is_all = hits | self.matcher.most(search) == hits;
                // A word can begin inside another one.
                let from = if is_all { end } else { at + 1 };
                *next = self.matcher.find(search, self.input, from..self.end);
            }
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::documents;

    fn hits(text: &str, words: &ConfigMatcher) -> Vec<Hits> {
        let mut iter = HitIter::new(words, text.as_bytes(), 0..text.len());
        documents(text.as_bytes()).map(|document| iter.of(&document)).collect()
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
            assert!(hits(text, &words)[0].secret, "{text}");
        }
        for text in ["imagePullSecrets: []", "kind: ExternalSecret", "secretKeyRef", "kind: ConfigMap"] {
            assert!(!hits(text, &words)[0].secret, "{text}");
        }
    }

    #[test]
    fn each_document_has_its_own_words() {
        let words = ConfigMatcher::new(&Config::default()).expect("a filter");
        let found = hits("a: b\n---\nenv: []\n---\nkind: Secret\n---\nc: d\n", &words);
        let secret = Hits { secret: true, ..Hits::of(Interest::Check(Severity::Warning)) };
        assert_eq!(found, [Hits::default(), Hits::of(Interest::Edit), secret, Hits::default()]);
    }

    #[test]
    fn no_word_hides_another() {
        let check = Interest::Check(Severity::Warning);
        let (edit, references) = (Interest::Edit, Interest::References);
        let found = |words: &[(&'static str, Interest)], text: &str| {
            let words = words.iter().map(|(word, interest)| (word.as_bytes(), *interest)).collect();
            let words = ConfigMatcher::of(words, Vec::new(), Interest::Nothing).expect("a filter");
            hits(text, &words)[0].interest
        };
        assert_eq!(
            found(&[("abc", check), ("ab", edit), ("bcd", edit), ("abc", check)], "xabc"),
            edit,
            "a shorter one"
        );
        assert_eq!(
            found(&[("abc", check), ("bcd", references)], "abcd"),
            references,
            "one that begins inside it"
        );
        assert_eq!(found(&[("abc", check), ("abc", edit)], "abc"), edit, "the same one");
    }

    #[test]
    fn groups_of_the_catalogue_are_found_before_a_slash() {
        let mut config = Config::default();
        config.policy.external = Level::Warn;
        let words = ConfigMatcher::new(&config).expect("a filter");
        let interest = Interest::Check(Severity::Warning);
        for text in [
            "apiVersion: acid.zalan.do/v1",
            "{\"apiVersion\":\"acid.zalan.do/v1\"}",
            "{\"apiVersion\":\"acid.zalan.do\\/v1\"}",
            "x: &v acid.zalan.do/v1\napiVersion: *v",
        ] {
            assert_eq!(hits(text, &words)[0].interest, interest, "{text}");
        }
        for text in ["a: my-acid.zalan.do/v1", "a: acid.zalan.do", "a/b: c", "/"] {
            assert_eq!(hits(text, &words)[0], Hits::default(), "{text}");
        }
    }
}
