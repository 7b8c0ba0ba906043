//! Which documents are worth a look, told from their bytes.
//!
//! `prefilter` knows the words that make a document interesting, `escapes` what hides a word, `candidates` searches a whole
//! stream for them, and `incremental` is a search whose words change while a stream of any length passes.

pub(crate) mod candidates;
pub(crate) mod escapes;
pub(crate) mod incremental;
pub(crate) mod prefilter;
