use anyhow::ensure;

/// Every secret value of a fixture contains this word, as it is or in base64.
const WORD: &str = "canary";

/// Fails if a text holds the word in any form that a value could take.
pub(crate) fn check(what: &str, text: &str) -> anyhow::Result<()> {
    for form in forms() {
        ensure!(!text.contains(&form), "{what} shows a secret value (as `{form}`):\n{text}");
    }
    Ok(())
}

/// The word as it is, percent-encoded, and in base64 at each of the three places it can begin in a group of bytes.
fn forms() -> Vec<String> {
    let mut forms =
        vec![WORD.to_owned(), WORD.to_uppercase(), WORD.bytes().map(|b| format!("%{b:02X}")).collect()];
    for before in 0..3 {
        let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(WORD.bytes()).collect();
        // Only the characters whose six bits all come from the word: its neighbours decide the others.
        let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        forms.push(base64(&bytes)[first..last].to_owned());
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - group.len()));
        for character in 0..=group.len() {
            text.push(char::from(ALPHABET[bits >> (18 - 6 * character) & 63]));
        }
    }
    text
}
