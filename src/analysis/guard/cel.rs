//! Pieces of CEL: texts, lists, tests of names, and fields that may be absent.
//!
//! Everything here is known to the CEL of Kubernetes 1.30, the first version with stable policies.

use crate::config::Pattern;
use crate::yaml::field_path::FieldStep;

/// A text as a CEL literal.
pub(super) fn text(value: &str) -> String {
    let mut literal = String::from("'");
    for character in value.chars() {
        match character {
            '\\' | '\'' => literal.extend(['\\', character]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            control if control.is_control() => literal.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

/// A list of texts.
pub(super) fn list<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let values: Vec<String> = values.into_iter().map(text).collect();
    format!("[{}]", values.join(", "))
}

/// A map of texts: membership costs one unit, whatever its size.
pub(super) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let entries: Vec<String> =
        entries.into_iter().map(|(key, value)| format!("{}: {}", text(key), text(value))).collect();
    // An empty literal has no type of its own, and a lookup in it would not compile.
    if entries.is_empty() { "{'': ''}".to_owned() } else { format!("{{{}}}", entries.join(", ")) }
}

/// Conditions of which one must hold.
pub(super) fn any(conditions: &[String]) -> String {
    match conditions {
        [] => "false".to_owned(),
        [one] => one.clone(),
        more => format!("({})", more.join(" || ")),
    }
}

/// Conditions of which all must hold.
pub(super) fn all(conditions: &[String]) -> String {
    match conditions {
        [] => "true".to_owned(),
        [one] => one.clone(),
        more => format!("({})", more.join(" && ")),
    }
}

/// Names and globs, apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Names.
    pub(super) exact: Vec<String>,
    /// Globs, as regular expressions without anchors.
    pub(super) globs: Vec<String>,
}

impl Names {
    /// Sorts patterns into names and globs.
    pub(super) fn of<'p>(patterns: impl IntoIterator<Item = &'p Pattern>) -> Self {
        let mut names = Self::default();
        for pattern in patterns {
            match pattern.regex() {
                Some(regex) => names.globs.push(regex),
                None => names.exact.push(pattern.to_string()),
            }
        }
        names
    }

    /// Whether there is nothing to match.
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.globs.is_empty()
    }

    /// The test of a text for the globs alone; none where there are none.
    pub(super) fn glob_test(&self, value: &str) -> Option<String> {
        let regex = match self.globs.as_slice() {
            [] => return None,
            [one] => format!("^{one}$"),
            more => format!("^(?:{})$", more.join("|")),
        };
        Some(format!("{value}.matches({})", text(&regex)))
    }

    /// The test of a text.
    pub(super) fn test(&self, value: &str) -> String {
        let exact = match self.exact.as_slice() {
            [] => None,
            [one] => Some(format!("{value} == {}", text(one))),
            more => Some(format!("{value} in {}", list(more.iter().map(String::as_str)))),
        };
        any(&exact.into_iter().chain(self.glob_test(value)).collect::<Vec<_>>())
    }
}

/// The regular expression of a glob, such that it matches neither quote nor slash.
pub(super) fn within_quotes(regex: &str) -> String {
    let mut within = String::new();
    let mut characters = regex.chars();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => within.extend([character].into_iter().chain(characters.next())),
            '.' if !in_class => within.push_str("[^\"/]"),
            other => {
                in_class = (in_class || other == '[') && other != ']';
                within.push(other);
            }
        }
    }
    within
}

/// A chain of fields that may be absent, as an optional: `object.?spec.?template`.
pub(super) fn optional<'k>(root: &str, keys: impl IntoIterator<Item = &'k str>) -> String {
    let mut chain = root.to_owned();
    for key in keys {
        if is_identifier(key) {
            chain.push_str(&format!(".?{key}"));
        } else {
            chain.push_str(&format!("[?{}]", text(key)));
        }
    }
    chain
}

/// A list below fields that may be absent; empty where it is absent.
pub(super) fn items<'k>(root: &str, keys: impl IntoIterator<Item = &'k str>) -> String {
    format!("{}.orValue([])", optional(root, keys))
}

/// The same where the value may also be null or no list at all.
pub(super) fn any_items<'k>(root: &str, keys: impl IntoIterator<Item = &'k str>) -> String {
    let chain = optional(root, keys);
    if chain == root {
        return format!("(type({root}) == list ? {root} : [])");
    }
    format!("(type({chain}.orValue(null)) == list ? {chain}.orValue([]) : [])")
}

/// A text below fields that may be absent; empty where it is absent.
pub(super) fn word<'k>(root: &str, keys: impl IntoIterator<Item = &'k str>) -> String {
    format!("{}.orValue('')", optional(root, keys))
}

/// A chain of fields that are there: `object.spec.template`.
pub(super) fn chain<'k>(root: &str, keys: impl IntoIterator<Item = &'k str>) -> String {
    let mut chain = root.to_owned();
    for key in keys {
        if is_identifier(key) {
            chain.push_str(&format!(".{key}"));
        } else {
            chain.push_str(&format!("[{}]", text(key)));
        }
    }
    chain
}

/// The texts that `inner` makes of every value at a place, joined by commas; no text is empty.
pub(super) fn at_each(
    root: &str,
    steps: &[FieldStep],
    depth: usize,
    inner: &dyn Fn(&str) -> String,
) -> String {
    let keys = steps.iter().map_while(FieldStep::key);
    let count = keys.clone().count();
    match &steps[count..] {
        [] if count == 0 => inner(root),
        [] => {
            let here = chain(root, keys.clone());
            format!("({}.hasValue() ? {} : '')", optional(root, keys), inner(&here))
        }
        [step, rest @ ..] => {
            let variable = format!("x{depth}");
            let each = at_each(&variable, rest, depth + 1, inner);
            let meant = match step {
                FieldStep::ItemNamed(name) => {
                    format!(".filter({variable}, {variable}.?name.orValue('') == {})", text(name))
                }
                _ => String::new(),
            };
            joined(&format!("{}{meant}\n.map({variable}, {each})", any_items(root, keys)))
        }
    }
}

/// A list of texts as one, without the empty ones.
pub(super) fn joined(list: &str) -> String {
    format!("{list}.filter(s, s != '').join(', ')")
}

/// Several texts as one, without the empty ones.
pub(super) fn together(parts: &[String]) -> String {
    match parts {
        [] => "''".to_owned(),
        [one] => one.clone(),
        more => joined(&format!("[{}]", more.join(",\n"))),
    }
}

/// A name for a value, which CEL has no word for.
pub(super) fn bind(name: &str, value: &str, body: &str) -> String {
    format!("[{value}].map({name},\n{body})[0]")
}

/// Whether a key can be behind a dot.
fn is_identifier(key: &str) -> bool {
    /// What CEL reads as something else, also behind a dot.
    const WORDS: [&str; 4] = ["true", "false", "null", "in"];
    let mut characters = key.chars();
    let begins = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    begins && characters.all(|c| c.is_ascii_alphanumeric() || c == '_') && !WORDS.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::field_path::FieldPath;

    #[test]
    fn a_text_is_one_literal() {
        assert_eq!(text(r"it's a\b"), r"'it\'s a\\b'");
        assert_eq!(text("a\nb\u{7}"), r"'a\nb\u0007'");
    }

    #[test]
    fn names_and_globs_are_tested_apart() {
        let patterns = |texts: &[&str]| {
            let patterns: Vec<_> = texts.iter().map(|text| Pattern::new(text).expect("a glob")).collect();
            Names::of(&patterns)
        };
        assert_eq!(patterns(&["a"]).test("n"), "n == 'a'");
        assert_eq!(patterns(&["a", "b"]).test("n"), "n in ['a', 'b']");
        assert_eq!(patterns(&["a", "*-b"]).test("n"), r"(n == 'a' || n.matches('^.*\\-b$'))");
        assert_eq!(patterns(&["*.x", "?"]).test("n"), r"n.matches('^(?:.*\\.x|.)$')");
        assert_eq!(patterns(&[]).test("n"), "false");
    }

    #[test]
    fn a_glob_stays_within_quotes() {
        assert_eq!(within_quotes(r"lf\-.*[.a-z]\.x."), r#"lf\-[^"/]*[.a-z]\.x[^"/]"#);
    }

    #[test]
    fn a_field_may_be_absent() {
        assert_eq!(optional("o", ["a", "b.c/d", "in"]), "o.?a[?'b.c/d'][?'in']");
        assert_eq!(items("o", ["a"]), "o.?a.orValue([])");
        assert_eq!(any_items("o", ["a"]), "(type(o.?a.orValue(null)) == list ? o.?a.orValue([]) : [])");
        let place = FieldPath::parse("spec.tls[*].secretName").expect("a place");
        assert_eq!(
            at_each("o", place.steps(), 0, &|x| format!("f({x})")),
            "(type(o.?spec.?tls.orValue(null)) == list ? o.?spec.?tls.orValue([]) : [])\n\
             .map(x0, (x0.?secretName.hasValue() ? f(x0.secretName) : '')).filter(s, s != '').join(', ')"
        );
        let place = FieldPath::parse("env[name=A].value").expect("a place");
        assert_eq!(
            at_each("o", place.steps(), 0, &|x| format!("f({x})")),
            "(type(o.?env.orValue(null)) == list ? o.?env.orValue([]) : []).filter(x0, x0.?name.orValue('') == 'A')\n\
             .map(x0, (x0.?value.hasValue() ? f(x0.value) : '')).filter(s, s != '').join(', ')"
        );
    }
}
