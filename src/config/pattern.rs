//! Names with globs.

use std::fmt;

use globset::{Error as GlobError, GlobBuilder, GlobMatcher};

/// A name, or a glob (`*`, `?`, `[…]`, `{a,b}`). `*` crosses `/` and `.`: it means any text.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// Matches this name only.
    Exact(String),
    /// Matches what the glob matches.
    Glob(Box<GlobMatcher>),
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
        let glob = GlobBuilder::new(text).literal_separator(false).build();
        glob.map(|glob| Self::Glob(Box::new(glob.compile_matcher())))
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
        let regex = glob.glob().regex();
        let regex = regex.strip_prefix("(?-u)").unwrap_or(regex);
        Some(regex.trim_start_matches('^').strip_suffix('$').unwrap_or(regex).to_owned())
    }

    /// Whether it matches a text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Glob(glob) => glob.is_match(text),
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
            Self::Glob(glob) => f.write_str(glob.glob().glob()),
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
