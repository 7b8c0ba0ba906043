//! Hazards that a person has seen, and accepts for one run.

use std::str::FromStr;

use crate::diagnostics::{Code, Diagnostic, Error, Severity};

/// The rules that [`hazards`](crate::hazards) can find broken: what an upgrade of a live release can lose.
pub const HAZARDS: [Code; 8] = [
    Code::LostVariable,
    Code::WrongVariable,
    Code::RefusedPatch,
    Code::RefusedApply,
    Code::DeletedSecret,
    Code::DeletedSecretInUse,
    Code::RollbackVariable,
    Code::RollbackSecret,
];

/// A hazard that is accepted: everywhere, or of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedHazard {
    code: Code,
    /// The kind and the name.
    object: Option<(String, String)>,
}

impl AcceptedHazard {
    /// Whether it accepts this finding.
    #[must_use]
    pub fn accepts(&self, found: &Diagnostic) -> bool {
        let is_object = |(kind, name): &(String, String)| {
            let object = found.location.object.as_ref();
            object.is_some_and(|object| object.kind.eq_ignore_ascii_case(kind) && object.name == *name)
        };
        self.code == found.code && self.object.as_ref().is_none_or(is_object)
    }
}

/// `CODE` or `CODE:KIND/NAME`.
impl FromStr for AcceptedHazard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, object) = text.split_once(':').map_or((text, None), |(id, object)| (id, Some(object)));
        let code = HAZARDS.into_iter().find(|code| code.id() == id).ok_or_else(|| {
            let ids = HAZARDS.iter().map(|code| code.id()).collect::<Vec<_>>().join(", ");
            format!("a hazard is one of {ids}")
        })?;
        let pair = |object: &str| match object.split_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() => {
                Ok((kind.to_owned(), name.to_owned()))
            }
            _ => Err(format!("`{object}` is no object: it has the form KIND/NAME")),
        };
        Ok(Self { code, object: object.map(pair).transpose()? })
    }
}

/// Makes warnings of the hazards that a person has accepted by name.
///
/// # Errors
///
/// All of them, where one is left that nobody has accepted.
pub fn accept_hazards(
    mut found: Vec<Diagnostic>,
    accepted: &[AcceptedHazard],
) -> Result<Vec<Diagnostic>, Error> {
    let is_accepted = |found: &Diagnostic| accepted.iter().any(|accepted| accepted.accepts(found));
    for diagnostic in found.iter_mut().filter(|found| is_accepted(found)) {
        diagnostic.severity = Severity::Warning;
    }
    let fails = found.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    if fails { Err(Error::new(found)) } else { Ok(found) }
}
