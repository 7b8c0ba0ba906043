//! What changes, in bytes.

use std::ops::Range;

use crate::yaml::Span;

/// One replacement: the bytes of `span` become `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    /// What is removed.
    pub(crate) span: Span,
    /// What comes in its place.
    pub(crate) text: String,
}

impl Splice {
    /// Takes bytes out.
    pub(crate) fn deletion(span: Span) -> Self {
        Self { span, text: String::new() }
    }

    /// Puts text before the byte at `at`.
    pub(crate) fn insertion(at: usize, text: impl Into<String>) -> Self {
        Self { span: Span::new(at, at), text: text.into() }
    }

    /// Puts text in the place of bytes.
    pub(crate) fn replacement(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }
}

/// Two splices want the same bytes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("two changes overlap at byte {at}")]
pub(crate) struct Overlap {
    /// Where the second one begins.
    pub(crate) at: usize,
}

/// All changes of one text.
///
/// Invariant: sorted by position and disjoint. Deletions that overlap are joined when the set is built; anything
/// else that overlaps is an error, never a guess.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Splices {
    splices: Vec<Splice>,
    /// For each splice, where its text begins in the changed text.
    begins: Vec<usize>,
}

impl Splices {
    /// Sorts and checks.
    ///
    /// # Errors
    ///
    /// Two splices overlap and are not both deletions, or two insert at the same byte.
    pub(crate) fn new(mut splices: Vec<Splice>) -> Result<Self, Overlap> {
        splices.sort_by_key(|splice| (splice.span, splice.text.is_empty()));
        let mut sorted: Vec<Splice> = Vec::with_capacity(splices.len());
        for splice in splices {
            let Some(last) = sorted.last_mut() else {
                sorted.push(splice);
                continue;
            };
            let both_delete = last.text.is_empty() && splice.text.is_empty();
            if both_delete && splice.span.start <= last.span.end {
                last.span.end = last.span.end.max(splice.span.end);
            } else if splice.span.start < last.span.end || last.span == splice.span {
                return Err(Overlap { at: splice.span.start });
            } else {
                sorted.push(splice);
            }
        }
        Ok(Self { begins: begins(&sorted), splices: sorted })
    }

    /// The changes, for a text in which this one begins at a byte.
    pub(crate) fn shifted(&self, by: usize) -> impl Iterator<Item = (Range<usize>, String)> {
        self.splices.iter().map(move |Splice { span, text }| (span.start + by..span.end + by, text.clone()))
    }

    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.splices.is_empty()
    }

    /// The byte of the text as it was for a byte of the changed text; for inserted text, where it was inserted.
    pub(crate) fn original(&self, at: usize) -> usize {
        let Some(before) = self.begins.partition_point(|begin| *begin <= at).checked_sub(1) else {
            return at;
        };
        let (splice, begin) = (&self.splices[before], self.begins[before]);
        let into = at - begin;
        if into < splice.text.len() { splice.span.start } else { splice.span.end + into - splice.text.len() }
    }

    /// The first place that is inside a character of the text; none, where the changes are about this text.
    pub(crate) fn outside_characters(&self, text: &str) -> Option<usize> {
        let mut places = self.splices.iter().flat_map(|splice| [splice.span.start, splice.span.end]);
        places.find(|at| !text.is_char_boundary(*at))
    }

    /// The text with all changes made, in one pass.
    pub(crate) fn apply(&self, text: &str) -> String {
        self.apply_within(text, Span::new(0, text.len()))
    }

    /// A part of the text with the changes inside that part made.
    pub(crate) fn apply_within(&self, text: &str, part: Span) -> String {
        let mut result = String::with_capacity(part.end - part.start);
        let mut at = part.start;
        for splice in self.splices.iter().filter(|splice| part.contains(splice.span)) {
            result.push_str(&text[at..splice.span.start]);
            result.push_str(&splice.text);
            at = splice.span.end;
        }
        result.push_str(&text[at..part.end]);
        result
    }
}

fn begins(splices: &[Splice]) -> Vec<usize> {
    let (mut original, mut changed) = (0, 0);
    let begin = |splice: &Splice| {
        let begin = changed + (splice.span.start - original);
        (original, changed) = (splice.span.end, begin + splice.text.len());
        begin
    };
    splices.iter().map(begin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(splices: Vec<Splice>, expected: Result<&str, Overlap>) {
        let actual = Splices::new(splices).map(|splices| splices.apply("0123456789"));
        assert_eq!(actual, expected.map(str::to_owned));
    }

    fn del(start: usize, end: usize) -> Splice {
        Splice::deletion(Span::new(start, end))
    }

    fn put(start: usize, end: usize, text: &str) -> Splice {
        Splice::replacement(Span::new(start, end), text)
    }

    #[test]
    fn changes_are_made_in_one_pass_in_any_order() {
        check(vec![], Ok("0123456789"));
        check(vec![put(8, 9, "x"), del(0, 2), Splice::insertion(5, "--")], Ok("234--567x9"));
    }

    #[test]
    fn a_byte_of_the_result_is_found_in_the_text() {
        let splices = Splices::new(vec![put(2, 5, "abcd"), del(6, 8)]).expect("disjoint");
        assert_eq!(splices.apply("0123456789"), "01abcd589");
        let found: Vec<_> = (0..9).map(|at| splices.original(at)).collect();
        assert_eq!(found, [0, 1, 2, 2, 2, 2, 5, 8, 9]);
    }

    #[test]
    fn neighbours_may_touch() {
        check(vec![del(2, 4), put(4, 6, "x"), Splice::insertion(2, "+")], Ok("01+x6789"));
    }

    #[test]
    fn deletions_join() {
        check(vec![del(2, 5), del(4, 7), del(7, 8)], Ok("0189"));
    }

    #[test]
    fn anything_else_that_overlaps_is_refused() {
        check(vec![put(2, 5, "x"), put(4, 6, "y")], Err(Overlap { at: 4 }));
        check(vec![del(2, 5), put(3, 4, "y")], Err(Overlap { at: 3 }));
        check(vec![put(2, 5, "x"), del(3, 4)], Err(Overlap { at: 3 }));
        check(vec![Splice::insertion(3, "a"), Splice::insertion(3, "b")], Err(Overlap { at: 3 }));
    }
}
