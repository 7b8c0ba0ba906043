//! Which documents of a stream are worth a look. Bytes are searched, nothing is parsed.

use std::ops::Range;

use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};

use crate::diagnostics::Error;
use crate::search::prefilter::{ConfigMatcher, HitIter, Hits, Interest, Matcher, Words};
use crate::stream::{self, Document};

/// Bytes of a stream from which on threads pay.
pub(crate) const LARGE: usize = 1 << 20;

/// Bytes that one thread searches at a time: they stay in its cache, since several searches go over them.
const PART: usize = 1 << 18;

/// A document that is worth a look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'i> {
    /// The document.
    pub(crate) document: Document<'i>,
    /// Why.
    pub(crate) hits: Hits,
}

/// The documents of a stream that are worth a look.
pub(crate) struct Candidates<'i> {
    input: &'i [u8],
    /// The documents that are worth a look, in order.
    pub(crate) found: Vec<Candidate<'i>>,
    /// How many documents there are that are not blank.
    pub(crate) documents: usize,
}

impl<'i> Candidates<'i> {
    /// Finds what holds a word that is known before anything is read.
    ///
    /// # Errors
    ///
    /// More words than a search can hold.
    pub(crate) fn of(input: &'i [u8], words: Words<'_>) -> Result<Self, Error> {
        let SearchedChunk { found, filled, .. } = search(input, &ConfigMatcher::new(words)?);
        Ok(Self { input, found, documents: filled })
    }

    /// Adds what holds one of these words, of the searches that there are.
    pub(crate) fn search_for<'w, W: Matcher + 'w>(
        &mut self,
        searches: impl IntoIterator<Item = Option<&'w W>>,
    ) {
        for words in searches.into_iter().flatten() {
            self.found.extend(search(self.input, words).found);
        }
        self.merge();
    }

    /// Adds every document.
    pub(crate) fn add_all(&mut self, interest: Interest) {
        let hits = Hits::of(interest);
        self.found.extend(stream::documents(self.input).map(|document| Candidate { document, hits }));
        self.merge();
    }

    /// The documents that may hold a Secret object.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Document<'i>> {
        self.found.iter().filter(|candidate| candidate.hits.secret).map(|candidate| &candidate.document)
    }

    /// The documents that may hold a ConfigMap, where that word is looked for.
    pub(crate) fn config_maps(&self) -> impl Iterator<Item = &Document<'i>> {
        let word = memchr::memmem::Finder::new("ConfigMap");
        // What could hide one kind could hide the other.
        let may_hold = move |candidate: &&Candidate<'i>| {
            candidate.hits.secret || word.find(candidate.document.bytes).is_some()
        };
        self.found.iter().filter(may_hold).map(|candidate| &candidate.document)
    }

    /// Whether there could be a ResourceList in it.
    pub(crate) fn may_be_list(&self) -> bool {
        self.found.iter().any(|candidate| candidate.hits.list)
    }

    /// One candidate for each document.
    fn merge(&mut self) {
        self.found.sort_by_key(|candidate| candidate.document.number);
        self.found.dedup_by(|other, candidate| {
            let same = other.document.number == candidate.document.number;
            if same {
                candidate.hits |= other.hits;
            }
            same
        });
    }
}

/// What is in consecutive documents.
#[derive(Default)]
struct SearchedChunk<'i> {
    found: Vec<Candidate<'i>>,
    documents: usize,
    filled: usize,
}

/// Searches a stream, a large one in parts on all processors.
fn search<'i>(input: &'i [u8], words: &impl Matcher) -> SearchedChunk<'i> {
    if input.len() < LARGE {
        return search_part(input, 0..input.len(), words);
    }
    let parts: Vec<Range<usize>> = stream::parts(input, PART).collect();
    let parts: Vec<SearchedChunk<'i>> =
        parts.par_iter().map(|part| search_part(input, part.clone(), words)).collect();
    let mut whole = SearchedChunk::default();
    for part in parts {
        let numbered = part.found.into_iter().map(|mut candidate| {
            candidate.document.number += whole.documents;
            candidate
        });
        whole.found.extend(numbered);
        whole.documents += part.documents;
        whole.filled += part.filled;
    }
    whole
}

fn search_part<'i>(input: &'i [u8], range: Range<usize>, words: &impl Matcher) -> SearchedChunk<'i> {
    let mut part = SearchedChunk::default();
    let mut hit_iter = HitIter::new(words, input, range.clone());
    for document in stream::documents_of(input, range) {
        part.documents += 1;
        part.filled += usize::from(!document.is_blank());
        let hits = hit_iter.of(&document);
        if hits != Hits::default() {
            part.found.push(Candidate { document, hits });
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_the_whole_have_the_same_marks() {
        let document = |number: usize| match number % 3 {
            0 => format!("---\nkind: Secret\nname: s{number}\n"),
            1 => "---\n".to_owned(),
            _ => format!("---\nkind: Pod\nenv: []\nfiller: {}\n", "x".repeat(number)),
        };
        let stream: String = (0..4500).map(document).collect();
        assert!(stream.len() > 2 * PART);
        let input = stream.as_bytes();
        let mut words = Words::default();
        words.add(&["env"], Interest::Edit);
        let words = ConfigMatcher::new(words).expect("words");
        let (parts, whole) = (search(input, &words), search_part(input, 0..input.len(), &words));
        assert_eq!((parts.documents, parts.filled), (whole.documents, whole.filled));
        let places = |part: &SearchedChunk<'_>| -> Vec<_> {
            part.found
                .iter()
                .map(|candidate| (candidate.document.number, candidate.document.offset, candidate.hits))
                .collect()
        };
        assert_eq!(places(&parts), places(&whole));
        assert_eq!(whole.found.len(), 3000);
    }
}
