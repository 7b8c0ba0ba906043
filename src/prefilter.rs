//! Could a rule touch this document? May say yes wrongly, never no wrongly.
//!
//! Bytes are searched, nothing is parsed. Three things could hide a word from such a search, and each makes the
//! answer yes: an escape in double quotes (`"\u0053ecret"`), a line break that is escaped there, and `!!binary`.
//! Aliases and merge keys hide nothing: what they stand for is spelled out in the same document.

use std::ops::{BitOr, BitOrAssign, Range};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use crate::config::{Config, Level};
use crate::diagnostic::Severity;
use crate::error::Error;
use crate::refuse;
use crate::stream::Document;

/// What could spell a name differently from its bytes.
pub(crate) const DISGUISES: [&str; 7] = ["\\x", "\\u", "\\U", "\\\n", "\\\r", "!binary", ":binary"];

/// Every field that names a Secret has one of these in its key, or in that of a parent, or is a storage class'.
const REFERENCES: [&str; 5] = ["ecret", "Ref", "basicAuth", "credentials", "StorageClass"];

/// Words that vector instructions find all at once.
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
pub(crate) struct Sign {
    /// An object in it could be of kind Secret.
    pub(crate) secret: bool,
    /// It could be a ResourceList.
    pub(crate) list: bool,
    /// What a run may want from it.
    pub(crate) interest: Interest,
}

impl Sign {
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

impl BitOr for Sign {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            secret: self.secret | other.secret,
            list: self.list | other.list,
            interest: self.interest.max(other.interest),
        }
    }
}

impl BitOrAssign for Sign {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// Something that finds words in bytes.
pub(crate) trait Words: Sync {
    /// The first word that begins in this part of the input and ends in it: where it begins, and what it says.
    fn find(&self, input: &[u8], part: Range<usize>) -> Option<(usize, Sign)>;

    /// All that its words can say together.
    fn most(&self) -> Sign;
}

/// The words that are known before anything is read.
pub(crate) struct KnownWords {
    search: AhoCorasick,
    /// For each word what it says inside another word, and elsewhere.
    signs: Vec<(Sign, Sign)>,
    /// All of them together.
    most: Sign,
}

impl KnownWords {
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
    /// As for [`KnownWords::new`].
    pub(crate) fn with_references(config: &Config) -> Result<Self, Error> {
        let mut words = known(config);
        let sign = Sign::of(Interest::References);
        words.extend(REFERENCES.map(|word| (word, sign, sign)));
        Self::of(words)
    }

    /// Of the words that begin at the same byte only the longest is found, so it says what its beginnings say too.
    fn of(mut words: Vec<(&str, Sign, Sign)>) -> Result<Self, Error> {
        words.sort_by_key(|(word, ..)| *word);
        let mut signs: Vec<(Sign, Sign)> = Vec::with_capacity(words.len());
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
        let most = signs.iter().fold(Sign::NOTHING, |most, (_, sign)| most | *sign);
        Ok(Self { search: search(words.iter().map(|(word, ..)| word))?, signs, most })
    }
}

/// What each word says inside another word, and elsewhere.
fn known(config: &Config) -> Vec<(&str, Sign, Sign)> {
    let mut words: Vec<(&str, Sign, Sign)> = Vec::new();
    let mut add = |word, sign| words.push((word, sign, sign));
    for word in DISGUISES {
        add(word, Sign::DISGUISE);
    }
    // Duplicates are looked for in every list of variables, so `env` alone makes a document interesting.
    add("env", Sign::of(Interest::Edit));
    for rule in &config.references {
        add(&rule.kind, Sign::of(Interest::Edit));
    }
    if !config.drop_annotations.is_empty() {
        add("annotations", Sign::of(Interest::Edit));
    }
    let strict = [config.policy.external, config.policy.plaintext].contains(&Level::Error);
    let check = Sign::of(Interest::Check(if strict { Severity::Error } else { Severity::Warning }));
    if config.policy.external != Level::Allow {
        for word in REFERENCES {
            add(word, check);
        }
    }
    if config.policy.plaintext != Level::Allow {
        for word in ["ConfigMap", "args", "command", "annotations"] {
            add(word, check);
        }
    }
    // `imagePullSecrets` and `ExternalSecret` are not the word.
    words.push(("Secret", Sign::NOTHING, Sign::SECRET));
    words.push(("ResourceList", Sign::NOTHING, Sign::LIST));
    words
}

impl Words for KnownWords {
    fn find(&self, input: &[u8], part: Range<usize>) -> Option<(usize, Sign)> {
        let found = self.search.find(Input::new(input).span(part))?;
        let inside = found.start() > 0 && input[found.start() - 1].is_ascii_alphanumeric();
        let (sign_inside, sign) = self.signs[found.pattern().as_usize()];
        Some((found.start(), if inside { sign_inside } else { sign }))
    }

    fn most(&self) -> Sign {
        self.most
    }
}

/// What the first pass has learned: names and values of dropped Secrets. A document that holds one may have to change.
impl Words for AhoCorasick {
    fn find(&self, input: &[u8], part: Range<usize>) -> Option<(usize, Sign)> {
        let found = self.try_find(Input::new(input).span(part)).ok().flatten()?;
        Some((found.start(), Sign::of(Interest::Edit)))
    }

    fn most(&self) -> Sign {
        Sign::of(Interest::Edit)
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
        .map_err(|error| refuse::too_much(&error).into())
}

/// The signs of one document after the other: the input is searched once, whatever its documents are.
pub(crate) struct Signs<'a, W: ?Sized> {
    words: &'a W,
    input: &'a [u8],
    end: usize,
    next: Option<(usize, Sign)>,
}

impl<'a, W: Words + ?Sized> Signs<'a, W> {
    /// For documents of this part of an input.
    pub(crate) fn new(words: &'a W, input: &'a [u8], part: Range<usize>) -> Self {
        Self { words, input, end: part.end, next: words.find(input, part) }
    }

    /// What the words of the next document say. Documents are asked about in their order.
    pub(crate) fn of(&mut self, document: &Document<'_>) -> Sign {
        let end = document.offset + document.bytes.len();
        let mut sign = Sign::NOTHING;
        while let Some((at, found)) = self.next.filter(|(at, _)| *at < end) {
            sign |= found;
            // A word can begin inside another one.
            let from = if sign == self.words.most() { end } else { at + 1 };
            self.next = self.words.find(self.input, from..self.end);
        }
        sign
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::documents;

    fn signs(text: &str, words: &KnownWords) -> Vec<Sign> {
        let mut signs = Signs::new(words, text.as_bytes(), 0..text.len());
        documents(text.as_bytes()).map(|document| signs.of(&document)).collect()
    }

    #[test]
    fn every_spelling_of_secret_is_found() {
        let words = KnownWords::new(&Config::default()).expect("a filter");
        for text in [
            "kind: Secret",
            "\"kind\":\"Secret\"",
            "kind: !!str Secret",
            "kind: &k Secret",
            "kind: SecretList",
            "\"kind\": \"\\u0053ecret\"",
            "kind: \"S\\x65cret\"",
            "kind: \"Sec\\\nret\"",
            "kind: !!binary U2VjcmV0",
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
        let words = KnownWords::new(&Config::default()).expect("a filter");
        let found = signs("a: b\n---\nenv: []\n---\nkind: Secret\n---\nc: d\n", &words);
        let edit = Sign::of(Interest::Edit);
        assert_eq!(found, [Sign::NOTHING, edit, Sign::SECRET, Sign::NOTHING]);
    }

    #[test]
    fn no_word_hides_another() {
        let check = Sign::of(Interest::Check(Severity::Warning));
        let edit = Sign::of(Interest::Edit);
        let words = [("abc", check, check), ("ab", edit, edit), ("bcd", edit, edit), ("abc", check, check)];
        let words = KnownWords::of(words.to_vec()).expect("a filter");
        assert_eq!(signs("xabc", &words), [edit], "a longer word hides no shorter one");
        let words = [("abc", check, check), ("bcd", Sign::SECRET, Sign::SECRET)];
        let words = KnownWords::of(words.to_vec()).expect("a filter");
        assert_eq!(signs("abcd", &words), [check | Sign::SECRET], "nor one that begins inside it");
        let words = [("abc", check, check), ("abc", edit, edit)];
        let words = KnownWords::of(words.to_vec()).expect("a filter");
        assert_eq!(signs("abc", &words), [edit], "nor the same one");
    }
}
