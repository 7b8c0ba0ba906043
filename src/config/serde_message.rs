//! What a reader of YAML says of a configuration, without its values.

/// A reader's message without the value that it quotes (`invalid type: string "…", expected …`).
pub(super) fn without_values(message: &str) -> String {
    if let Some((path, rest)) = message.split_once("unknown variant `") {
        let known = rest.rsplit_once("`, expected ").map_or("something else", |(_, known)| known);
        return format!("{path}unknown word, expected {known}");
    }
    let Some((before, rest)) = message.split_once(": invalid ").map_or_else(
        || message.split_once("invalid ").map(|(_, rest)| (String::new(), rest)),
        |(path, rest)| Some((format!("{path}: "), rest)),
    ) else {
        return message.to_owned();
    };
    let (what, expected) = rest.rsplit_once(", expected ").unwrap_or((rest, "something else"));
    // `type: string "…"`, `value: integer `1``, `length 3`: the words before the quote.
    let kind = what.split(['"', '`']).next().unwrap_or_default().trim_end();
    format!("{before}invalid {kind}, expected {expected}")
}
