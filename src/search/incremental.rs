//! Which of many texts are in a document.
//!
//! A pattern set like aho-corasick's, but with cheap insertion and removal: a long stream brings new Secrets again and again,
//! and building a search for each of them would make it slow.
//!
//! A text is filed under its head, which is its first eight bytes, or as many as it has. A table of bits knows of nearly
//! every place of a document that no head begins there.

use std::collections::{BTreeMap, BTreeSet};

/// The longest head.
const WIDTH: usize = 8;
/// The table has a bit for each number of so many bits: 32 KB, which stay in a processor's cache.
const TABLE: u32 = 18;

/// How many the first bytes of a text are, and the bytes themselves, the first in the lowest place.
type Head = (usize, u64);

/// Texts that are looked for.
pub(crate) struct PatternSet<T> {
    /// By number, in the order in which they came.
    texts: BTreeMap<usize, T>,
    count: usize,
    /// Their heads, each with the numbers of the texts that have it.
    heads: BTreeSet<(Head, usize)>,
    /// How many heads have each width.
    widths: [usize; WIDTH + 1],
    table: Vec<u64>,
    /// How many have gone and have left their bits.
    stale: usize,
}

impl<T: AsRef<[u8]>> PatternSet<T> {
    /// Looks for nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            texts: BTreeMap::new(),
            count: 0,
            heads: BTreeSet::new(),
            widths: [0; WIDTH + 1],
            table: vec![0; 1 << (TABLE - u64::BITS.ilog2())],
            stale: 0,
        }
    }

    /// Looks for a text from now on; its number. An empty one is never found.
    pub(crate) fn add(&mut self, text: T) -> usize {
        let number = self.count;
        self.count += 1;
        if let Some(head) = head(text.as_ref()) {
            self.heads.insert((head, number));
            self.widths[head.0] += 1;
            set(&mut self.table, head.1);
        }
        self.texts.insert(number, text);
        number
    }

    /// Looks for a text no longer.
    pub(crate) fn remove(&mut self, number: usize) {
        let Some(text) = self.texts.remove(&number) else { return };
        let Some(head) = head(text.as_ref()) else { return };
        self.heads.remove(&(head, number));
        self.widths[head.0] -= 1;
        self.stale += 1;
        if self.stale > self.heads.len() {
            self.stale = 0;
            self.table.fill(0);
            for ((_, head), _) in &self.heads {
                set(&mut self.table, *head);
            }
        }
    }

    /// All texts, in the order in which they came.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &T> {
        self.texts.values()
    }

    /// A text that is looked for.
    pub(crate) fn text(&self, number: usize) -> Option<&T> {
        self.texts.get(&number)
    }

    /// The numbers of the texts that are in a document, in the order in which they came.
    pub(crate) fn find(&self, document: &[u8]) -> Vec<usize> {
        let mut found = BTreeSet::new();
        for width in (1..=WIDTH).filter(|width| self.widths[*width] > 0) {
            let unused = u64::BITS as usize - 8 * width;
            let mut last = 0;
            for (end, byte) in document.iter().enumerate() {
                last = last >> 8 | u64::from(*byte) << 56;
                let head = last >> unused;
                if is_set(&self.table, head) {
                    self.compare(document, end, (width, head), &mut found);
                }
            }
        }
        found.into_iter().collect()
    }

    /// Finds the texts with this head, whose last byte is at `end`.
    fn compare(&self, document: &[u8], end: usize, head: Head, found: &mut BTreeSet<usize>) {
        let Some(rest) = (end + 1).checked_sub(head.0).map(|start| &document[start..]) else { return };
        for (_, number) in self.heads.range((head, 0)..=(head, usize::MAX)) {
            if self.texts.get(number).is_some_and(|text| rest.starts_with(text.as_ref())) {
                found.insert(*number);
            }
        }
    }
}

fn head(text: &[u8]) -> Option<Head> {
    let width = text.len().min(WIDTH);
    let bytes = text[..width].iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte));
    (width > 0).then_some((width, bytes))
}

/// A head's place in the table: its word, and its bit.
fn place(head: u64) -> (usize, u64) {
    // The factor is that of Fibonacci hashing: 2^64 over the golden ratio.
    let hash = head.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - TABLE);
    ((hash / 64) as usize, 1 << (hash % 64))
}

fn set(table: &mut [u64], head: u64) {
    let (word, bit) = place(head);
    table[word] |= bit;
}

fn is_set(table: &[u64], head: u64) -> bool {
    let (word, bit) = place(head);
    table[word] & bit != 0
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn texts_are_found_wherever_they_stand_until_they_go() {
        let mut watch = PatternSet::new();
        let texts = ["lf-app", "lf-app-with-a-long-name", "a", "lf-app-with", "absent-altogether"];
        let numbers = texts.map(|text| watch.add(text));
        let all = ["lf-app", "lf-app-with-a-long-name", "a", "lf-app-with"];
        assert_eq!(found(&watch, "lf-app-with-a-long-name"), all);
        watch.remove(numbers[1]);
        watch.remove(numbers[2]);
        assert_eq!(found(&watch, "x: lf-app-with-a-long-name"), ["lf-app", "lf-app-with"]);
        assert!(found(&watch, "lf-ap").is_empty() && found(&watch, "").is_empty());
    }

    fn found<'w>(watch: &'w PatternSet<&'w str>, document: &str) -> Vec<&'w str> {
        let numbers = watch.find(document.as_bytes()).into_iter();
        numbers.filter_map(|number| watch.text(number)).copied().collect()
    }

    proptest! {
        /// Texts over few letters, so that many are in one another; each third of them is removed again.
        #[test]
        fn what_is_found_is_what_a_naive_search_finds(
            texts in vec("[ab\0]{0,11}", 0..40),
            document in "[ab\0]{0,60}",
        ) {
            let mut watch = PatternSet::new();
            let numbers: Vec<usize> = texts.iter().map(|text| watch.add(text.as_str())).collect();
            numbers.iter().step_by(3).for_each(|number| watch.remove(*number));
            let stays = texts.iter().enumerate().filter(|(position, _)| position % 3 != 0);
            let naive: Vec<&str> = stays
                .map(|(_, text)| text.as_str())
                .filter(|text| !text.is_empty() && document.contains(text))
                .collect();
            prop_assert_eq!(found(&watch, &document), naive);
        }
    }
}
