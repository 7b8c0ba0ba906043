//! What may be shown of a text that could be a credential.

/// Shorter runs of letters and digits are in many a name (`a1b2`).
const MIN_RANDOM: usize = 8;

/// What is shown in place of a value: how long it is, roughly.
pub(crate) fn class(value: &str) -> String {
    let length = value.chars().count();
    let class = match length {
        0 => return String::new(),
        1..8 => "1-7",
        8..16 => "8-15",
        16..32 => "16-31",
        32..64 => "32-63",
        64..128 => "64-127",
        _ => "128 or more",
    };
    format!("<{class} characters>")
}

/// Whether a text holds random characters: letters and digits that change more often than in any name.
pub(crate) fn is_opaque(text: &str) -> bool {
    let is_random = |run: &str| {
        let changes =
            run.as_bytes().windows(2).filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit());
        run.len() >= MIN_RANDOM && changes.count() > 2
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_random)
}
