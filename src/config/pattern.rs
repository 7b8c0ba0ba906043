//! Names with globs.

use std::fmt;
use std::sync::OnceLock;

use globset::{Error as GlobError, Glob, GlobBuilder, GlobMatcher};

/// A name, or a glob (`*`, `?`, `[…]`, `{a,b}`). `*` crosses `/` and `.`: it means any text.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// Matches this name only.
    Exact(String),
    /// Matches what the glob matches.
    Glob(Box<NameGlob>),
}

/// A glob. Most are `*-something`: to build a regular expression for them would take longer than the rest of a short run.
#[derive(Clone, Debug)]
pub(crate) struct NameGlob {
    glob: Glob,
    /// What is before and behind a `*`, where that is all.
    around: Option<(String, String)>,
    /// Built for the first text, where it is needed.
    matcher: OnceLock<GlobMatcher>,
}

impl NameGlob {
    fn new(text: &str) -> Result<Self, GlobError> {
        let glob = GlobBuilder::new(text).literal_separator(false).build()?;
        let around = text.split_once('*').filter(|_| !text.contains(['?', '[', ']', '{', '}', '\\']));
        let around = around.filter(|(_, end)| !end.contains('*'));
        let around = around.map(|(begin, end)| (begin.to_owned(), end.to_owned()));
        Ok(Self { glob, around, matcher: OnceLock::new() })
    }

    fn matches(&self, text: &str) -> bool {
        match &self.around {
            Some((begin, end)) => text.strip_prefix(begin).is_some_and(|rest| rest.ends_with(end)),
            None => self.matcher.get_or_init(|| self.glob.compile_matcher()).is_match(text),
        }
    }
}

impl Pattern {
    /// Reads a name or glob.
    ///
    /// # Errors
    ///
    /// The glob's own complaint (an unclosed bracket, say).
    pub(crate) fn new(text: &str) -> Result<Self, GlobError> {
        if !text.contains(['*', '?', '[', '{', '\\']) {
            return Ok(Self::Exact(text.to_owned()));
        }
        NameGlob::new(text).map(|glob| Self::Glob(Box::new(glob)))
    }

    /// Reads a path or a glob on paths, in which brackets are those of positions and keys.
    ///
    /// # Errors
    ///
    /// As for [`Pattern::new`].
    pub(crate) fn of_path(text: &str) -> Result<Self, GlobError> {
        if !text.contains(['*', '?', '{', '\\']) {
            return Ok(Self::Exact(text.to_owned()));
        }
        Self::new(&text.replace('[', "\\[").replace(']', "\\]"))
    }

    /// A text as [`Pattern::new`] reads it for only this text.
    pub(crate) fn escaped(text: &str) -> String {
        escape(text, |c| matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\'))
    }

    /// A path as [`Pattern::of_path`] reads it for only this path.
    pub(crate) fn escaped_path(text: &str) -> String {
        escape(text, |c| matches!(c, '*' | '?' | '{' | '}' | '\\'))
    }

    /// Whether this is a glob.
    pub(crate) fn is_glob(&self) -> bool {
        matches!(self, Self::Glob(_))
    }

    /// A glob as a regular expression that must match a whole text; `None` for a name.
    pub(crate) fn regex(&self) -> Option<String> {
        let Self::Glob(glob) = self else { return None };
        let regex = glob.glob.regex();
        let regex = regex.strip_prefix("(?-u)").unwrap_or(regex);
        Some(regex.trim_start_matches('^').strip_suffix('$').unwrap_or(regex).to_owned())
    }

    /// Whether it matches a text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Glob(glob) => glob.matches(text),
        }
    }
}

fn escape(text: &str, is_special: impl Fn(char) -> bool) -> String {
    text.chars().flat_map(|c| is_special(c).then_some('\\').into_iter().chain([c])).collect()
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => f.write_str(exact),
            Self::Glob(glob) => f.write_str(glob.glob.glob()),
        }
    }
}

/// Several patterns, of which one must match. None at all matches everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns(pub(crate) Vec<Pattern>);

impl Patterns {
    /// Whether any matches, or there are none.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| pattern.matches(text))
    }

    /// Whether nothing was asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&patterns.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The short way and the regular expression are one.
    #[test]
    fn a_star_alone_means_what_it_means_to_globset() {
        let texts = ["", "a", "b", "a-b", "ab", "aab", "a/b", "a\nb", "*", "ä-b", "abab"];
        for glob in ["*", "a*", "*b", "a*b", "ab*ab", "*/b", "a-*", "ä*"] {
            let pattern = NameGlob::new(glob).expect("a glob");
            assert!(pattern.around.is_some(), "{glob}");
            let matcher = pattern.glob.compile_matcher();
            for text in texts {
                assert_eq!(pattern.matches(text), matcher.is_match(text), "{glob} and {text:?}");
            }
        }
        for glob in ["**", "a**b", "*?", "[a]*", "{a,b}*", "a\\*", "*a*"] {
            assert!(NameGlob::new(glob).expect("a glob").around.is_none(), "{glob}");
        }
    }

    #[test]
    fn globs_mean_any_text() {
        let pattern = Pattern::new("*/templates/x.yaml").expect("a glob");
        assert!(pattern.matches("a/charts/b/templates/x.yaml") && !pattern.matches("templates/x.yaml"));
        assert!(Pattern::new("A_{B,C}?").is_ok_and(|p| p.matches("A_C1") && !p.matches("A_C")));
        assert!(Pattern::new("a.b").is_ok_and(|p| p.matches("a.b") && !p.matches("axb")));
        assert!(Pattern::new("[").is_err());
        let path = Pattern::of_path("spec.containers[*].args[1]").expect("a glob");
        assert!(path.matches("spec.containers[0].args[1]") && !path.matches("spec.containers[0].args1"));
        assert!(Pattern::of_path("data[\"a.b\"]").is_ok_and(|path| path.matches("data[\"a.b\"]")));
    }
}
