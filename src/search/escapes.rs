//! What could spell a text differently from its bytes: escapes, breaks that are escaped, encoded scalars, and other encodings.

use memchr::{memchr3_iter, memmem};

use crate::yaml::span::BYTE_ORDER_MARK;

/// The longest spelling of the tag of encoded scalars: `!<tag:yaml.org,2002:binary>`, its letters encoded.
const LONGEST_TAG: usize = 80;

/// Whether a text could be in these bytes and not be found by a search for it.
pub(crate) fn may_hide(bytes: &[u8]) -> bool {
    find_escape(bytes).is_some() || find_mark(bytes).is_some()
}

/// The first escape, break that is escaped, or tag of an encoded scalar.
pub(super) fn find_escape(bytes: &[u8]) -> Option<usize> {
    memchr3_iter(b'\\', b'%', b'!', bytes).find(|at| is_escape(&bytes[*at..]))
}

/// The first byte order mark.
pub(super) fn find_mark(bytes: &[u8]) -> Option<usize> {
    memchr3_iter(BYTE_ORDER_MARK[0], 0xFE, 0xFF, bytes).find(|at| is_byte_order_mark(&bytes[*at..]))
}

fn is_escape(bytes: &[u8]) -> bool {
    match bytes {
        // NEL, LS and PS are line breaks too.
        [b'\\', rest @ ..] => matches!(
            rest,
            [b'x' | b'u' | b'U' | b'\n' | b'\r', ..] | [0xC2, 0x85, ..] | [0xE2, 0x80, 0xA8 | 0xA9, ..]
        ),
        // A tag can take another handle, and its letters can be encoded, those that need not be too: `!!bin%61ry`.
        [b'%', b'3', b'a' | b'A', rest @ ..] => rest.starts_with(b"binary"),
        [b'%', rest @ ..] => matches!(rest, [b'T', b'A', b'G', ..] | [b'6', ..] | [b'7', b'2' | b'9', ..]),
        [b'!', rest @ ..] => {
            let tag = &rest[..rest.len().min(LONGEST_TAG)];
            let end = tag.iter().position(u8::is_ascii_whitespace).unwrap_or(tag.len());
            memmem::find(&tag[..end], b"binary").is_some()
        }
        _ => false,
    }
}

/// Those of UTF-8 and UTF-16.
fn is_byte_order_mark(bytes: &[u8]) -> bool {
    bytes.starts_with(BYTE_ORDER_MARK) || matches!(bytes, [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_a_text_is_seen() {
        for text in [
            r#""\u0053ecret""#,
            r#""S\x65cret""#,
            "\"Sec\\\nret\"",
            "\"Sec\\\r\nret\"",
            "\"Sec\\\u{85}ret\"",
            "\"Sec\\\u{2028}ret\"",
            "!!binary U2VjcmV0",
            "! !binary",
            "!<tag:yaml.org,2002:binary> U2VjcmV0",
            "!<tag%3ayaml.org%2c2002%3Abinary> U2VjcmV0",
            "!!bin%61ry U2VjcmV0",
            "!!bina%72y U2VjcmV0",
            "!!binar%79 U2VjcmV0",
            "%TAG !e! tag:yaml.org,2002:bin",
            "a\u{feff}",
        ] {
            assert!(may_hide(text.as_bytes()), "{text:?}");
        }
        assert!(may_hide(b"a\xFE\xFF") && may_hide(b"\xFF\xFE"));
        for text in [r#""a\n\"b\"""#, "100%", "%20", "!!str binary", "a!", "\u{fffd}\u{efff}", ""] {
            assert!(!may_hide(text.as_bytes()), "{text:?}");
        }
    }
}
