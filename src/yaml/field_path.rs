//! Paths as people write them in the configuration.

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FieldStep {
    /// The value under a key.
    Key(String),
    /// Every item of a sequence.
    AnyItem,
    /// The items of a sequence that have this `name`.
    ItemNamed(String),
}

impl FieldStep {
    /// The key; `None` for the items of a sequence.
    pub(crate) fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::AnyItem | Self::ItemNamed(_) => None,
        }
    }

    /// Whether it is about items of a sequence.
    pub(crate) fn is_item(&self) -> bool {
        self.key().is_none()
    }

    /// Whether this step of one path can lead where that of another does.
    fn meets(&self, other: &Self) -> bool {
        self == other
            || (self.is_item() && other.is_item() && (*self == Self::AnyItem || *other == Self::AnyItem))
    }
}

/// A field, or several: `spec.tls[*].secretName`, `spec.env[name=SECRET].value`, `metadata.annotations["a.b/c"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FieldPath(Vec<FieldStep>);

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldPathError {
    /// A quoted key has no end.
    #[error("`[\"` without `\"]`")]
    OpenKey,
    /// Brackets hold something else than a key or all positions.
    #[error("only `*`, `name=` with a name, or a key in double quotes is allowed between brackets")]
    Bracket,
    /// Nothing is between two dots.
    #[error("a key is empty")]
    EmptyKey,
    /// Nothing is behind the last dot.
    #[error("it ends with a dot")]
    Dot,
    /// Nothing is there at all.
    #[error("it is empty")]
    Empty,
}

/// What comes before the name of an item.
const NAMED: &str = "[name=";

/// The step to the items of this name, as people write it; `None` for a name that it cannot hold.
pub(crate) fn item_named(name: &str) -> Option<String> {
    (!name.is_empty() && !name.contains(']')).then(|| format!("{NAMED}{name}]"))
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
            } else if let Some(after) = rest.strip_prefix(NAMED) {
                let (name, after) = after.split_once(']').ok_or(FieldPathError::Bracket)?;
                if name.is_empty() {
                    return Err(FieldPathError::Bracket);
                }
                steps.push(FieldStep::ItemNamed(name.to_owned()));
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

    /// Whether it is another place or a part of what is there. Any item may be the one with a name.
    pub(crate) fn is_below(&self, other: &Self) -> bool {
        self.0.len() >= other.0.len() && self.0.iter().zip(&other.0).all(|(one, other)| one.meets(other))
    }

    /// Whether it is about items of some name alone.
    pub(crate) fn names_items(&self) -> bool {
        self.0.iter().any(|step| matches!(step, FieldStep::ItemNamed(_)))
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
        let named = FieldStep::ItemNamed("A.b".to_owned());
        assert_eq!(parse("env[name=A.b].value"), Ok(vec![key("env"), named, key("value")]));
        for wrong in ["", "a..b", "a.", ".a", "a[0]", "a[\"b", "a[*", "a[name=]", "a[name=b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
