//! Could a rule touch this document? May say yes wrongly, never no wrongly.
//!
//! Bytes are searched, nothing is parsed. What could hide a word from such a search makes the answer yes (`escapes`).
//! Aliases and merge keys hide nothing: what they mean is spelled out in the same document.
//!
//! Several searches, each as cheap as its question allows: for the words of rules and policies, few enough for vector
//! instructions, up to the first in a document that says all; for the words that tell what a document may hold; for what
//! could hide a word; and for the API groups of the catalogue, which are too many for that: they are looked up before each `/`.
//! A word that nearly every document has is only a suspicion: the document counts where a closer look at its bytes confirms it.

use std::ops::{BitOr, BitOrAssign, Range};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};

use crate::catalogue::{self, GroupUses};
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

/// What is between a password and a host. A word so short would slow the search for the others down.
pub(crate) const AT: u8 = b'@';

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
    /// A policy asks what is in it; how much it matters where that cannot be said.
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
    /// What it may want beyond that, if a closer look confirms it.
    suspicion: Interest,
}

impl Hits {
    const NOTHING: Self = Self::of(Interest::Nothing);
    /// A disguised document is one like any other, not a ResourceList: its objects are found all the same.
    const DISGUISE: Self = Self { secret: true, ..Self::of(Interest::Edit) };

    /// A wish.
    pub(crate) const fn of(interest: Interest) -> Self {
        Self { secret: false, list: false, interest, suspicion: Interest::Nothing }
    }

    /// A suspicion.
    const fn suspected(suspicion: Interest) -> Self {
        Self { suspicion, ..Self::NOTHING }
    }

    /// With its suspicion confirmed or not.
    fn settled(self, confirmed: impl FnOnce() -> bool) -> Self {
        let is_more = self.suspicion != Interest::Nothing && confirmed();
        let interest = if is_more { self.suspicion } else { self.interest };
        Self { interest, suspicion: Interest::Nothing, ..self }
    }
}

impl BitOr for Hits {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        let interest = self.interest.max(other.interest);
        let suspicion = self.suspicion.max(other.suspicion);
        Self {
            secret: self.secret | other.secret,
            list: self.list | other.list,
            interest,
            // What is sure need not be suspected.
            suspicion: if suspicion > interest { suspicion } else { Interest::Nothing },
        }
    }
}

impl BitOrAssign for Hits {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// Whether the bytes of a document confirm a suspicion. May say yes wrongly, never no.
pub(crate) type Confirms = fn(&[u8]) -> bool;

/// What tells by its bytes that a document is interesting, before anything is read.
#[derive(Default)]
pub(crate) struct Words<'c> {
    texts: Vec<(&'c [u8], Hits)>,
    /// What the API groups of the catalogue say of whose fields some name a Secret.
    references: Interest,
    /// What those say of whose lists some hold variables.
    variables: Interest,
    /// What [`AT`] says.
    at: Hits,
    /// What confirms a suspicion.
    confirms: Option<Confirms>,
}

impl<'c> Words<'c> {
    /// These words.
    pub(crate) fn add(&mut self, words: &[&'c str], interest: Interest) {
        self.add_all(words, Hits::of(interest));
    }

    /// These words and [`AT`] say that a document is worth a closer look. One rule may have such words.
    pub(crate) fn suspect(&mut self, words: &[&'c str], interest: Interest, confirms: Confirms) {
        self.at = Hits::suspected(interest);
        self.add_all(words, self.at);
        self.confirms = Some(confirms);
    }

    fn add_all(&mut self, words: &[&'c str], hits: Hits) {
        self.texts.extend(words.iter().map(|word| (word.as_bytes(), hits)));
    }

    /// Whatever may refer to a Secret.
    pub(crate) fn add_references(&mut self, interest: Interest) {
        self.add(&REFERENCES, interest);
        self.references = interest.max(self.references);
    }

    /// The groups whose resources have lists of variables.
    pub(crate) fn add_groups_with_variables(&mut self, interest: Interest) {
        self.variables = interest.max(self.variables);
    }

    /// What the API groups of the catalogue say, in alphabetical order; the catalogue is read only where one says something.
    fn groups(&self) -> Vec<(&'static str, Interest)> {
        if self.references.max(self.variables) == Interest::Nothing {
            return Vec::new();
        }
        let interest = |uses: GroupUses| {
            let references = if uses.references { self.references } else { Interest::Nothing };
            let variables = if uses.variables { self.variables } else { Interest::Nothing };
            references.max(variables)
        };
        let groups = catalogue::groups().into_iter().map(|(group, uses)| (group, interest(uses)));
        groups.filter(|(_, interest)| *interest != Interest::Nothing).collect()
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

    /// Whether the bytes of a document confirm what its words suspect.
    fn confirms(&self, _document: &[u8]) -> bool {
        true
    }
}

/// The words that are known before anything is read.
pub(crate) struct ConfigMatcher {
    words: AhoCorasick,
    /// What each word says.
    hits: Vec<Hits>,
    /// What the API groups of the catalogue say, by name.
    groups: Vec<(&'static str, Interest)>,
    kinds: [Finder<'static>; 2],
    /// The most that each search can say.
    most: [Hits; 7],
    /// What confirms a suspicion.
    confirms: Option<Confirms>,
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

    /// Of the words that begin at the same byte only the longest is found, so it says what its beginnings say too.
    ///
    /// # Errors
    ///
    /// More words than a search can hold (billions of bytes).
    pub(crate) fn new(sought: Words<'_>) -> Result<Self, Error> {
        let groups = sought.groups();
        let Words { texts: mut words, at, confirms, .. } = sought;
        words.sort_by_key(|(word, _)| *word);
        // Several rules may ask for one word.
        words.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 |= next.1;
            }
            is_same
        });
        let mut hits: Vec<Hits> = Vec::with_capacity(words.len());
        // The words, each a beginning of the next, that the last one begins with.
        let mut beginnings: Vec<usize> = Vec::new();
        for (position, &(word, of_word)) in words.iter().enumerate() {
            while beginnings.pop_if(|last| !word.starts_with(words[*last].0)).is_some() {}
            let before = beginnings.last().map_or(Hits::NOTHING, |last| hits[*last]);
            hits.push(of_word | before);
            beginnings.push(position);
        }
        let most_of_words = hits.iter().copied().fold(Hits::NOTHING, BitOr::bitor);
        let most_of_groups = groups.iter().map(|(_, interest)| *interest).max().unwrap_or_default();
        let most = [
            most_of_words,
            Hits::DISGUISE,
            Hits::DISGUISE,
            Hits::of(most_of_groups),
            at,
            KINDS[0].1,
            KINDS[1].1,
        ];
        let kinds = KINDS.map(|(word, _)| Finder::new(word));
        let words = search(words.iter().map(|(word, _)| word))?;
        Ok(Self { words, hits, groups, kinds, most, confirms })
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

impl Matcher for ConfigMatcher {
    const SEARCHES: usize = 7;

    fn find(&self, search: usize, input: &[u8], part: Range<usize>) -> Option<(usize, Hits)> {
        let bytes = &input[part.clone()];
        let (at, hits) = match search {
            Self::WORDS => {
                let found = self.words.find(bytes)?;
                (found.start(), self.hits[found.pattern().as_usize()])
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

    fn confirms(&self, document: &[u8]) -> bool {
        self.confirms.is_none_or(|confirms| confirms(document))
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
        hits.settled(|| self.matcher.confirms(document.bytes))
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

    fn matcher(words: &[(&'static str, Interest)]) -> ConfigMatcher {
        let mut sought = Words::default();
        for (word, interest) in words {
            sought.add(&[word], *interest);
        }
        ConfigMatcher::new(sought).expect("a filter")
    }

    #[test]
    fn every_spelling_of_secret_is_found() {
        let words = matcher(&[]);
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
        let check = Interest::Check(Severity::Warning);
        let words = matcher(&[("env", Interest::Edit), ("ecret", check)]);
        let found = hits("a: b\n---\nenv: []\n---\nkind: Secret\n---\nc: d\n", &words);
        let secret = Hits { secret: true, ..Hits::of(check) };
        assert_eq!(found, [Hits::default(), Hits::of(Interest::Edit), secret, Hits::default()]);
    }

    #[test]
    fn a_suspicion_counts_where_a_closer_look_confirms_it() {
        let check = Interest::Check(Severity::Warning);
        let mut sought = Words::default();
        sought.add(&["env"], Interest::Edit);
        sought.suspect(&["note", "envoy"], check, |document| document.ends_with(b"!\n"));
        let words = ConfigMatcher::new(sought).expect("a filter");
        for (text, expected) in [
            ("note: a\n", Interest::Nothing),
            ("note: a!\n", check),
            ("a@b\n", Interest::Nothing),
            ("a@b!\n", check),
            ("envoy: a\n", Interest::Edit),
        ] {
            assert_eq!(hits(text, &words)[0], Hits::of(expected), "{text}");
        }
    }

    #[test]
    fn no_word_hides_another() {
        let check = Interest::Check(Severity::Warning);
        let (edit, references) = (Interest::Edit, Interest::References);
        let found = |words: &[(&'static str, Interest)], text: &str| hits(text, &matcher(words))[0].interest;
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
        let interest = Interest::Check(Severity::Warning);
        let words = ConfigMatcher::new(Words { references: interest, ..Words::default() }).expect("a filter");
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
