//! Questions about bytes, answered before anything is parsed.

/// Where a plain scalar of a block collection may end, and what it holds that must be looked at.
pub(super) const BLOCK: u8 = 1;
/// The same in a flow collection.
pub(super) const FLOW: u8 = 2;
/// What must be looked at between double quotes.
pub(super) const DOUBLE: u8 = 4;
/// What must be looked at between single quotes.
pub(super) const SINGLE: u8 = 8;
/// What no plain scalar begins with.
pub(super) const INDICATOR: u8 = 16;

/// For each byte, the classes that it belongs to.
pub(super) const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    add(&mut classes, b"\n\t\0:#", BLOCK);
    add(&mut classes, b"\n\t\0:#,[]{}?", FLOW);
    add(&mut classes, b"\n\t\0\"\\", DOUBLE);
    add(&mut classes, b"\n\t\0'", SINGLE);
    add(&mut classes, b"\n\t\0 ,[]{}#&*!|>'\"%@`", INDICATOR);
    classes
}

const fn add(classes: &mut [u8; 256], bytes: &[u8], class: u8) {
    let mut position = 0;
    while position < bytes.len() {
        classes[bytes[position] as usize] |= class;
        position += 1;
    }
}

/// Whether a text holds no control characters but tabs and line feeds, and nothing else that a reader could take for a
/// line break, a byte order mark or no character.
pub(super) fn is_ordinary(source: &str) -> bool {
    let (mut controls, mut wide) = (false, false);
    for byte in source.as_bytes() {
        controls |= matches!(byte, 0..=8 | 11..=31 | 127);
        wide |= *byte >= 0x80;
    }
    !(controls || (wide && source.chars().any(is_odd)))
}

fn is_odd(character: char) -> bool {
    matches!(
        character,
        '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{10000}'..
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_texts_are_told_by_their_bytes() {
        for text in ["a: b\n\tc", "é – “x”", ""] {
            assert!(is_ordinary(text), "{text:?}");
        }
        for text in ["a\r\n", "\0", "\u{7f}", "\u{85}", "\u{2028}", "\u{feff}a", "\u{1b}"] {
            assert!(!is_ordinary(text), "{text:?}");
        }
    }
}
