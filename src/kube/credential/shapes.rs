//! The shapes of settings in a line. Read by hand: nearly every run sees such lines, and to build patterns for them would
//! take longer than the rest of it.

/// Words before a name that belong to the language of the file.
const KEYWORDS: [&str; 6] = ["export", "set", "local", "ENV", "ARG", "SetEnv"];

/// `name: value`, `name = value` and the like, at the begin of a line: the name and what follows.
pub(super) fn setting(line: &str) -> Option<(&str, &str)> {
    let line = match line.strip_prefix('-') {
        Some(rest) => behind_blanks(rest)?,
        None => line,
    };
    let behind = KEYWORDS.iter().find_map(|word| behind_blanks(line.strip_prefix(word)?));
    behind.and_then(named).or_else(|| named(line))
}

fn named(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix(QUOTES).unwrap_or(line);
    if !line.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '@')) {
        return None;
    }
    let (name, rest) =
        split_name(line, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '@' | '-'));
    let rest = rest.strip_prefix(QUOTES).unwrap_or(rest).trim_start();
    let value = assigned(rest).or_else(|| rest.strip_prefix(':'))?;
    Some((name, value.trim_start()))
}

/// A name and one word behind it, and nothing else.
pub(super) fn two_words(line: &str) -> Option<(&str, &str)> {
    if !line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let (name, rest) = split_name(line, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    let value = behind_blanks(rest)?;
    (!value.is_empty() && !value.contains(char::is_whitespace)).then_some((name, value))
}

/// Each `name="value"` in a line, with either quote, and with a colon too: the name and what is between the quotes.
pub(super) fn pairs(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        loop {
            let begin = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_')?;
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
            let (name, behind) = split_name(&rest[begin..], is_part);
            if let Some((value, behind)) = quoted_value(behind) {
                rest = behind;
                return Some((name, value));
            }
            rest = behind;
        }
    })
}

/// Each `name: value` without quotes between braces, as YAML has it on one line.
pub(super) fn in_braces(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let inside = line.find('{').map_or("", |brace| &line[brace + 1..]);
    inside.split(['{', ',']).filter_map(|part| {
        let (name, value) = part.split_once(": ")?;
        let name = name.trim().trim_matches(QUOTES);
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
        let value = value.trim().trim_end_matches(['}', ']', ' ']);
        (name.chars().all(is_part) && !value.starts_with(QUOTES)).then_some((name, value))
    })
}

/// What is between quotes behind a name and its `=` or `:`, and what follows.
fn quoted_value(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.strip_prefix(QUOTES).unwrap_or(rest);
    let rest = rest.strip_prefix(']').unwrap_or(rest);
    let value = assigned(rest.trim_start()).or_else(|| rest.strip_prefix(':'))?.trim_start();
    let quote = value.chars().next().filter(|quote| QUOTES.contains(quote))?;
    value[1..].split_once(quote)
}

const QUOTES: [char; 2] = ['"', '\''];

fn assigned(rest: &str) -> Option<&str> {
    [":=", "=>", "="].iter().find_map(|sign| rest.strip_prefix(sign))
}

fn split_name(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// What follows behind one blank or more.
fn behind_blanks(text: &str) -> Option<&str> {
    text.starts_with(char::is_whitespace).then(|| text.trim_start())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert_eq, proptest};
    use proptest::sample::select;
    use regex::{Captures, Regex};

    use super::*;

    const SETTING: &str = r#"^(?:-\s+)?(?:(?:export|set|local|ENV|ARG|SetEnv)\s+)?["']?([A-Za-z_@][A-Za-z0-9_./@-]*)["']?\s*(?::=|=>|[:=])\s*(.*)$"#;
    const WORDS: &str = r"^([A-Za-z_][A-Za-z0-9_.-]*)\s+(\S+)$";
    const PAIR: &str = r#"([A-Za-z_][A-Za-z0-9_./-]*)["']?\]?(?:\s*(?::=|=>|=)|:)\s*(?:"([^"]*)"|'([^']*)')"#;
    const PIECES: [&str; 26] = [
        "a",
        "B_1",
        "-",
        ".",
        "/",
        "@",
        " ",
        "\t",
        "\u{a0}",
        "\"",
        "'",
        "]",
        ":",
        "=",
        ">",
        ":=",
        "=>",
        "export",
        "set ",
        "ENV",
        "SetEnv ",
        "- ",
        "é",
        "name=\"v\"",
        "key: 'v'",
        "0",
    ];

    fn groups<'t>(found: &Captures<'t>) -> (&'t str, &'t str) {
        let group = |number| found.get(number).map(|group: regex::Match<'t>| group.as_str());
        let last = if found.len() > 3 { group(3) } else { None };
        (group(1).unwrap_or_default(), group(2).or(last).unwrap_or_default())
    }

    proptest! {
        /// As patterns would say it.
        #[test]
        fn shapes_are_those_of_patterns(pieces in vec(select(PIECES.to_vec()), 0..9)) {
            let line = pieces.concat();
            let [setting_of, words_of, pairs_of] =
                [SETTING, WORDS, PAIR].map(|pattern| Regex::new(pattern).expect("a pattern"));
            prop_assert_eq!(setting(&line), setting_of.captures(&line).as_ref().map(groups));
            prop_assert_eq!(two_words(&line), words_of.captures(&line).as_ref().map(groups));
            let expected: Vec<_> = pairs_of.captures_iter(&line).map(|found| groups(&found)).collect();
            prop_assert_eq!(pairs(&line).collect::<Vec<_>>(), expected);
        }
    }
}
