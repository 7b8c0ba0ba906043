//! Decisions of a generator, taken from bytes.
//!
//! Whatever a generator makes is a function of a byte string: property tests draw one, fuzzers evolve one, and the
//! shrinking of both works on it. A byte of 0 is the plainest choice, and so is every byte after the last.

/// A byte string that is used up decision by decision.
pub(crate) struct Choices<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Choices<'a> {
    /// All decisions of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn byte(&mut self) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        usize::from(byte)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        assert!(n <= 256, "one byte decides");
        if n < 2 { 0 } else { self.byte() % n }
    }

    /// Whether something happens that happens once in `n` times.
    pub(crate) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// One of several.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
