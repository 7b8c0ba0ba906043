//! CEL that differs by kind, for the new object and the old one.

use crate::analysis::guard::cel::{self, text};
use crate::analysis::guard::kinds::GuardedKind;
use crate::yaml::field_path::FieldStep;

/// What the text of a check is made from: the new object, or the one before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    New,
    Old,
}

impl Side {
    /// The object.
    pub(super) fn object(self) -> &'static str {
        match self {
            Self::New => "object",
            Self::Old => "oldObject",
        }
    }

    /// A variable's name on this side.
    pub(super) fn name(self, name: &str) -> String {
        match self {
            Self::New => name.to_owned(),
            Self::Old => {
                let mut letters = name.chars();
                let first = letters.next().map(|first| first.to_ascii_uppercase());
                format!("old{}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
            }
        }
    }

    /// How a variable is read on this side.
    pub(super) fn variable(self, name: &str) -> String {
        format!("variables.{}", self.name(name))
    }

    /// An expression of this side's object, or a neutral one where there is none.
    pub(super) fn guarded(self, expression: &str, neutral: &str) -> String {
        match self {
            Self::New => expression.to_owned(),
            Self::Old => format!("oldObject == null ? {neutral} : {expression}"),
        }
    }
}

/// An expression for each kind, by the kind of the object.
pub(super) fn by_kind(
    kinds: &[&GuardedKind],
    object: &str,
    neutral: &str,
    expression: impl Fn(&GuardedKind) -> Option<String>,
) -> String {
    let mut cases: Vec<(Vec<&GuardedKind>, String)> = Vec::new();
    for kind in kinds {
        let Some(expression) = expression(kind) else { continue };
        match cases.iter_mut().find(|(_, known)| *known == expression) {
            Some((kinds, _)) => kinds.push(kind),
            None => cases.push((vec![kind], expression)),
        }
    }
    let mut text = String::new();
    for (kinds, expression) in cases {
        text.push_str(&format!("{} ? {expression}\n: ", is_kind(&kinds, object)));
    }
    text.push_str(neutral);
    text
}

/// Whether the object is of one of these kinds.
pub(super) fn is_kind(kinds: &[&GuardedKind], object: &str) -> String {
    let built_in: Vec<&str> =
        kinds.iter().filter(|kind| kind.resource != "*").map(|kind| kind.kind.as_str()).collect();
    let custom = kinds.iter().filter(|kind| kind.resource == "*").map(|kind| {
        let group = text(&format!("{}/", kind.group));
        format!("({object}.kind == {} && {object}.apiVersion.startsWith({group}))", text(&kind.kind))
    });
    let built_in = match built_in.as_slice() {
        [] => None,
        [one] => Some(format!("{object}.kind == {}", text(one))),
        more => Some(format!("{object}.kind in {}", cel::list(more.iter().copied()))),
    };
    cel::any(&built_in.into_iter().chain(custom).collect::<Vec<_>>())
}

/// A place for people: `spec.tls[].secretName`.
pub(super) fn shown(steps: &[FieldStep]) -> String {
    let mut shown = String::new();
    for step in steps {
        match step {
            FieldStep::Key(key) if shown.is_empty() => shown.push_str(key),
            FieldStep::Key(key) => shown.push_str(&format!(".{key}")),
            FieldStep::AnyItem => shown.push_str("[]"),
            FieldStep::ItemNamed(name) => shown.push_str(&format!("[name={name}]")),
        }
    }
    shown
}
