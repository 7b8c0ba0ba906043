//! What the next upgrade of a live release would lose, and how to lose nothing.
//!
//! Pure: the manifest of the last release and the new one in, diagnostics out. `release` reads both; `merge` is the
//! computation by which Helm and the API server merge lists of variables; `variables` and `secrets` look for what would
//! go wrong on the way up and on the way back, `immutable` for fields that never change, which `fixed_fields` knows; `remedy` says what avoids it, and `accept` takes what a person has accepted. What Helm and the API server really do is
//! tried in `tests/live`.

mod accept;
mod fixed_fields;
pub(crate) mod immutable;
pub(crate) mod merge;
pub(crate) mod release;
pub(crate) mod remedy;
mod secrets;
pub(crate) mod variables;

pub use accept::{AcceptedHazard, HAZARDS, accept_hazards};

use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, Error, Location};

use crate::analysis::upgrade::release::Release;
use crate::analysis::upgrade::remedy::Replacement;

/// Compares the manifest of the last release with the one that is to replace it, and says what would be lost on the
/// way, or on the way back.
///
/// `previous` is what `helm get manifest` prints, with or without `helm get hooks` behind it, and `file` what diagnostics
/// call it. Objects as the cluster holds them (`kubectl get -o yaml`) may be there too: what they say of themselves
/// counts more than what the manifest says. `next` is the filtered stream.
///
/// Each diagnostic is of severity error: deleted Secrets first, then what else this upgrade does, then what a rollback would do, each in
/// the order of the last manifest.
///
/// # Errors
///
/// A manifest that is empty or cannot be read.
///
/// # Example
///
/// ```
/// let deployment = |env: &str| format!("
/// apiVersion: apps/v1
/// kind: Deployment
/// metadata: {{name: web}}
/// spec: {{template: {{spec: {{containers: [{{name: web, env: [{env}]}}]}}}}}}
/// ");
/// let entry = |name: &str| format!("{{name: SALT, valueFrom: {{secretKeyRef: {{name: {name}, key: salt}}}}}}");
/// let previous = deployment(&format!("{}, {}", entry("chart"), entry("vault")));
/// let next = deployment(&entry("vault"));
///
/// let config = resecret::Config::default();
/// let found = resecret::hazards(previous.as_bytes(), "previous.yaml", next.as_bytes(), &config)?;
/// assert_eq!(found[0].code, resecret::Code::LostVariable);
/// # Ok::<(), resecret::Error>(())
/// ```
pub fn hazards(previous: &[u8], file: &str, next: &[u8], config: &Config) -> Result<Vec<Diagnostic>, Error> {
    if previous.iter().all(u8::is_ascii_whitespace) {
        return Err(no_previous(file).into());
    }
    let previous = Release::read(previous, Some(file), config)?;
    let next = Release::read(next, None, config)?;
    let replacement = Replacement::of(&previous, &next);
    let mut found = variables::on_the_way_up(&previous, &next, &replacement);
    found.extend(immutable::on_the_way_up(&previous, &next));
    found.extend(secrets::on_the_way_up(&previous, &next));
    found.extend(variables::on_the_way_back(&previous, &next));
    found.extend(secrets::on_the_way_back(&previous, &next));
    let place = |diagnostic: &Diagnostic| {
        (stage(diagnostic.code), diagnostic.location.document.unwrap_or(usize::MAX))
    };
    found.sort_by_key(place);
    Ok(found)
}

/// When a hazard matters. What is gone for good comes first; who only goes forward need not read about the way back.
fn stage(code: Code) -> u8 {
    match code {
        Code::DeletedSecret | Code::DeletedSecretInUse => 0,
        Code::RollbackVariable | Code::RollbackSecret => 2,
        _ => 1,
    }
}

/// A last manifest without anything in it.
fn no_previous(file: &str) -> Diagnostic {
    let location = Location { file: Some(file.to_owned()), ..Location::default() };
    Diagnostic::error(
        Code::EmptyInput,
        "the manifest of the last release is empty",
        "look at the exit code of `helm get manifest`; at a first install leave --previous out",
    )
    .at(location)
}
