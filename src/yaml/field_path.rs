//! Paths as people write them in the configuration.

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FieldStep {
    /// The value under a key.
    Key(String),
    /// Every item of a sequence.
    AnyItem,
}

impl FieldStep {
    /// The key; `None` for the items of a sequence.
    pub(crate) fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::AnyItem => None,
        }
    }
}

/// A field, or several: `spec.tls[*].secretName`, `metadata.annotations["a.b/c"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FieldPath(Vec<FieldStep>);

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldPathError {
    /// A quoted key has no end.
    #[error("`[\"` without `\"]`")]
    OpenKey,
    /// Brackets hold something else than a key or all positions.
    #[error("only `*` or a key in double quotes is allowed between brackets")]
    Bracket,
    /// Nothing stands between two dots.
    #[error("a key is empty")]
    EmptyKey,
    /// Nothing stands behind the last dot.
    #[error("it ends with a dot")]
    Dot,
    /// Nothing is there at all.
    #[error("it is empty")]
    Empty,
}

impl FieldPath {
    /// Reads a path.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for people.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldPathError> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("[*]") {
                steps.push(FieldStep::AnyItem);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("[\"") {
                let (key, after) = after.split_once("\"]").ok_or(FieldPathError::OpenKey)?;
                steps.push(FieldStep::Key(key.to_owned()));
                rest = after;
            } else if rest.starts_with('[') {
                return Err(FieldPathError::Bracket);
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (key, after) = rest.split_at(end);
                if key.is_empty() {
                    return Err(FieldPathError::EmptyKey);
                }
                steps.push(FieldStep::Key(key.to_owned()));
                rest = after;
            }
            rest = match rest.strip_prefix('.') {
                Some("") => return Err(FieldPathError::Dot),
                Some(after) => after,
                None => rest,
            };
        }
        if steps.is_empty() { Err(FieldPathError::Empty) } else { Ok(Self(steps)) }
    }

    /// A place of these steps.
    pub(crate) fn of(steps: impl IntoIterator<Item = FieldStep>) -> Self {
        Self(steps.into_iter().collect())
    }

    /// Whether it is another place or a part of what is there.
    pub(crate) fn is_below(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The steps.
    pub(crate) fn steps(&self) -> &[FieldStep] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_keys_and_every_item() {
        let key = |key: &str| FieldStep::Key(key.to_owned());
        let parse = |text| FieldPath::parse(text).map(|place| place.0);
        assert_eq!(
            parse("spec.tls[*].secretName"),
            Ok(vec![key("spec"), key("tls"), FieldStep::AnyItem, key("secretName")])
        );
        assert_eq!(
            parse("a[\"b.c/d\"][*][*]"),
            Ok(vec![key("a"), key("b.c/d"), FieldStep::AnyItem, FieldStep::AnyItem])
        );
        for wrong in ["", "a..b", "a.", ".a", "a[0]", "a[\"b", "a[*"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
