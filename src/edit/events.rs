//! The events of a streaming reader, as serde reads them.
//!
//! What charts render is proven with granit-parser, which has no part in the tree of such a text and keeps nothing of what it has
//! read. It is asked for no more than that part of YAML: an anchor, an alias, a tag or a second document is an error.

use std::fmt::Display;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::edit::plain::visit_plain;
use crate::edit::reference_value::ReadError;

/// Reads one document.
///
/// # Errors
///
/// The text is not YAML, or no document of the part of YAML that charts render.
pub(super) fn read_events<'s, S: DeserializeSeed<'s>>(
    source: &'s str,
    seed: S,
) -> Result<S::Value, ReadError> {
    let mut events = Events { parser: Parser::new_from_str(source) };
    events.document(seed).map_err(|EventError(error)| error)
}

/// The events that are still to come.
struct Events<'s> {
    parser: Parser<'s, StrInput<'s>>,
}

/// A node, of which the first event has come.
struct EventNode<'a, 's> {
    event: Event<'s>,
    /// Whether nothing is written for it.
    is_absent: bool,
    events: &'a mut Events<'s>,
}

/// What is read inside a collection.
struct Inside<'a, 's>(&'a mut Events<'s>);

/// Why the events end: the place alone, since a text of the reader's can quote the document.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct EventError(ReadError);

impl EventError {
    fn nowhere() -> Self {
        Self(ReadError::at(None))
    }
}

impl From<ScanError> for EventError {
    fn from(error: ScanError) -> Self {
        Self(ReadError::at(Some(error.marker().line())))
    }
}

impl de::Error for EventError {
    fn custom<T: Display>(_: T) -> Self {
        Self::nowhere()
    }
}

impl<'s> Events<'s> {
    fn document<S: DeserializeSeed<'s>>(&mut self, seed: S) -> Result<S::Value, EventError> {
        let first = loop {
            match self.next()? {
                EventNode { event: Event::StreamStart | Event::DocumentStart(..), .. } => {}
                first => break first,
            }
        };
        if first.event == Event::StreamEnd {
            // A text of comments.
            return seed.deserialize(de::value::UnitDeserializer::new());
        }
        let value = seed.deserialize(first)?;
        let ends = self.next()?.event == Event::DocumentEnd && self.next()?.event == Event::StreamEnd;
        if ends { Ok(value) } else { Err(EventError::nowhere()) }
    }

    fn next(&mut self) -> Result<EventNode<'_, 's>, EventError> {
        let (event, span) = self.parser.next_event().ok_or_else(EventError::nowhere)??;
        let is_absent = span.byte_range().is_some_and(|range| range.is_empty());
        Ok(EventNode { event, is_absent, events: self })
    }
}

impl<'de> Deserializer<'de> for EventNode<'_, 'de> {
    type Error = EventError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, EventError> {
        match self.event {
            Event::Scalar(_, ScalarStyle::Plain, 0, None) if self.is_absent => visitor.visit_unit(),
            Event::Scalar(text, ScalarStyle::Plain, 0, None) => visit_plain(&text, visitor),
            Event::Scalar(text, _, 0, None) => visitor.visit_str(&text),
            Event::SequenceStart(_, 0, None) => visitor.visit_seq(Inside(self.events)),
            Event::MappingStart(_, 0, None) => visitor.visit_map(Inside(self.events)),
            _ => Err(EventError::nowhere()),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'s> SeqAccess<'s> for Inside<'_, 's> {
    type Error = EventError;

    fn next_element_seed<T: DeserializeSeed<'s>>(&mut self, seed: T) -> Result<Option<T::Value>, EventError> {
        let item = self.0.next()?;
        if item.event == Event::SequenceEnd { Ok(None) } else { seed.deserialize(item).map(Some) }
    }
}

impl<'s> MapAccess<'s> for Inside<'_, 's> {
    type Error = EventError;

    fn next_key_seed<K: DeserializeSeed<'s>>(&mut self, seed: K) -> Result<Option<K::Value>, EventError> {
        let key = self.0.next()?;
        if key.event == Event::MappingEnd { Ok(None) } else { seed.deserialize(key).map(Some) }
    }

    fn next_value_seed<V: DeserializeSeed<'s>>(&mut self, seed: V) -> Result<V::Value, EventError> {
        seed.deserialize(self.0.next()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::fingerprint::Fingerprints;
    use crate::edit::reference_value::{Lossless, ReferenceValue};

    const TEXTS: [&str; 22] = [
        "",
        "# only a comment\n",
        "a",
        "a:\n",
        "a: ~\n",
        "a: ''\n",
        "a: [b, {c: d}]\n",
        "a: [b, c: d]\n",
        "a: [b, {c: d, e: }]\n",
        "a:\n- b\n- c: d\n",
        "a:\n- b\n-\n- c: d\n",
        "a: 1\n",
        "a: -1\n",
        "a: '1'\n",
        "a: true\n",
        "a: 'true'\n",
        "a: b\na: c\n",
        "a: c\na: b\n",
        "a: |\n  b\n",
        "a: b\n",
        "a: >-\n  b\n  c\n",
        "a: \"b\\tc\"\n",
    ];

    #[test]
    fn events_are_the_value_that_libyaml_reads() {
        for text in TEXTS {
            let value = read_events(text, Lossless::WHOLE).expect("YAML");
            assert_eq!(value, *ReferenceValue::of(text).expect("YAML").value(), "{text:?}");
        }
    }

    struct Fingerprint<'a>(&'a Fingerprints);

    impl<'de> DeserializeSeed<'de> for Fingerprint<'_> {
        type Value = serde_json::Value;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            self.0.of(deserializer)
        }
    }

    #[test]
    fn a_fingerprint_is_that_of_its_value_alone() {
        let fingerprints = Fingerprints::default();
        let of = |text| {
            let value = read_events(text, Lossless::WHOLE).expect("YAML");
            (value, read_events(text, Fingerprint(&fingerprints)).expect("YAML"))
        };
        let pairs = TEXTS.iter().flat_map(|one| TEXTS.map(|other| (*one, other)));
        for (one, other) in pairs {
            let ((value, print), (other_value, other_print)) = (of(one), of(other));
            assert!(Fingerprints::is_one(&print));
            assert_eq!(value == other_value, print == other_print, "{one:?} and {other:?}");
        }
    }

    #[test]
    fn what_charts_do_not_render_is_for_the_other_reader() {
        for text in
            ["&a b", "[&a b, *a]", "!t a", "!!str a", "a: &a [b]", "--- a\n--- b\n", "a: [", "a: b: c"]
        {
            read_events(text, Lossless::WHOLE).expect_err(text);
        }
    }
}
