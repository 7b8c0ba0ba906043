//! A text's digest, as a reader of events reads it.

use std::fmt;
use std::ops::Range;

use crate::edit::digest::{Digest, DigestKey, Digester};
use crate::yaml::events::{ByAnchor, Collection, EventSink, Properties};
use crate::yaml::span::Lines;
use crate::yaml::{ParseError, ScalarStyle};

/// A reader's complaint, reduced to its place: its own message can quote the document.
#[derive(Debug)]
pub(crate) struct ReadError {
    line: Option<usize>,
}

impl ReadError {
    /// An error in a line, counted from 1, where the reader says so.
    pub(super) fn in_line(line: Option<usize>) -> Self {
        Self { line }
    }

    /// An error at a byte of a text.
    fn at(source: &str, at: usize) -> Self {
        let (line, _) = Lines::new(source.as_bytes()).position(at);
        Self { line: Some(line) }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} of the document"),
            None => f.write_str("somewhere in the document"),
        }
    }
}

impl std::error::Error for ReadError {}

/// The digest of what a reader says of a text.
///
/// # Errors
///
/// Those of `read`, or an alias of a node that has not come to its end.
pub(super) fn digest<'k, 's>(
    key: &'k DigestKey,
    source: &'s str,
    read: impl FnOnce(&'s str, &mut EventDigester<'k>) -> Result<(), ParseError>,
) -> Result<Digest, ReadError> {
    let digester = Digester::new(key);
    let mut sink = EventDigester { digester, open: Vec::new(), anchored: ByAnchor::new() };
    read(source, &mut sink).map_err(|error| ReadError::at(source, error.at()))?;
    Ok(sink.digester.finish())
}

/// Makes the digest of a text out of the events of a reader.
pub(super) struct EventDigester<'k> {
    digester: Digester<'k>,
    /// The anchor and the tag of each open collection.
    open: Vec<(usize, Option<String>)>,
    anchored: ByAnchor<Digest>,
}

impl EventSink for EventDigester<'_> {
    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        _range: Range<usize>,
        properties: Properties,
    ) -> Result<(), ParseError> {
        let is_plain = style == ScalarStyle::Plain;
        let digest = self.digester.scalar(text, is_plain, properties.tag.as_deref());
        self.anchored.set(properties.anchor, digest);
        Ok(())
    }

    fn begin(
        &mut self,
        collection: Collection,
        _range: Range<usize>,
        properties: Properties,
    ) -> Result<(), ParseError> {
        match collection {
            Collection::Sequence(_) => self.digester.begin_sequence(),
            Collection::Mapping(_) => self.digester.begin_mapping(),
        }
        self.open.push((properties.anchor, properties.tag));
        Ok(())
    }

    fn end(&mut self, _closing: usize) {
        let (anchor, tag) = self.open.pop().unwrap_or_default();
        let digest = self.digester.end(tag.as_deref());
        self.anchored.set(anchor, digest);
    }

    fn alias(&mut self, number: usize, range: Range<usize>) -> Result<(), ParseError> {
        let digest = self.anchored.get_mut(number).ok_or_else(|| ParseError::unknown_alias(range.start))?;
        self.digester.add(*digest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::edit::libyaml;
    use crate::edit::oracle::ReferenceValue;
    use crate::yaml::{read_common, read_lineage};

    const TEXTS: [&str; 44] = [
        "",
        "a",
        "'a'",
        "!t a",
        "!u a",
        "a:\n",
        "a: ~\n",
        "a: ''\n",
        "a: 1\n",
        "a: 0x1\n",
        "a: '1'\n",
        "a: 1.0\n",
        "a: true\n",
        "a: 'true'\n",
        "a: .nan\n",
        "a: 99999999999999999999\n",
        "a: !t 1\n",
        "1: a\n",
        "'1': a\n",
        "[]",
        "{}",
        "[[], {}]",
        "[[{}]]",
        "[[a], b]",
        "[[a, b]]",
        "[[], a, b]",
        "a: [b, {c: d}]\n",
        "a: [b, c: d]\n",
        "a:\n- b\n- c: d\n",
        "a: [b, {c: d, e: }]\n",
        "{a: [b], c: d}",
        "{c: d, a: [b]}",
        "{a: d, c: [b]}",
        "{a: b, c: d, e: f}",
        "a: b\na: c\n",
        "a: c\na: b\n",
        "a: b\na: c\nd: e\n",
        "d: e\na: b\na: c\n",
        "a: c\n",
        "a: &x [c]\nb: *x\n",
        "a: [c]\nb: [c]\n",
        "a: &x {c: &y d}\nb: [*x, *y]\n",
        "a: {c: d}\nb: [{c: d}, d]\n",
        "a: !!map {c: !!str d}\nb: !!seq [!!map {c: d}, 'd']\n",
    ];

    /// The digests of a text, as each reader reads it.
    fn digests(key: &DigestKey, text: &str) -> [Option<Digest>; 3] {
        let common = digest(key, text, read_common);
        let lineage = digest(key, text, read_lineage);
        [common.ok(), lineage.ok(), libyaml::digest(key, text).ok()]
    }

    /// Every text against every other one: digests say what values would say.
    #[test]
    fn a_digest_is_that_of_its_value_alone() {
        let key = DigestKey::default();
        for (one, other) in TEXTS.iter().flat_map(|one| TEXTS.map(|other| (*one, other))) {
            let is_same = ReferenceValue::of(one).expect("YAML") == ReferenceValue::of(other).expect("YAML");
            let [common, lineage, libyaml] = digests(&key, one);
            let [other_common, other_lineage, other_libyaml] = digests(&key, other);
            assert!(common.is_some() && lineage.is_some() && other_common.is_some());
            assert_eq!(common == other_common, is_same, "{one:?} and {other:?}");
            assert_eq!(lineage == other_common, is_same, "{one:?} and {other:?}");
            assert_eq!(common == other_lineage, is_same, "{one:?} and {other:?}");
            if libyaml.is_some() && other_libyaml.is_some() {
                assert_eq!(libyaml == other_common, is_same, "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn a_digest_of_json_is_that_of_its_text() {
        let key = DigestKey::default();
        let value = json!({"a": [null, true, 1, -2, 1.5, "x", "1", {}], "b": {"d": "e", "c": []}});
        let mut digester = Digester::new(&key);
        digester.value(&value);
        let digest = Some(digester.finish());
        assert_eq!(digests(&key, &value.to_string()), [digest; 3]);
        assert_ne!(digests(&DigestKey::default(), &value.to_string())[0], digest, "the key is another one");
    }

    #[test]
    fn what_is_no_document_has_no_digest() {
        for text in ["--- a\n--- b\n", "a: [", "a: b: c", "*a", "&a [*a]", "[*a, &a b]"] {
            assert_eq!(digests(&DigestKey::default(), text), [None; 3], "{text:?}");
        }
    }

    #[test]
    fn an_error_of_libyaml_shows_no_value() {
        let error =
            libyaml::digest(&DigestKey::default(), "password: \"hunter2\n  x: {").expect_err("not YAML");
        assert!(!error.to_string().contains("hunter2"));
    }
}
