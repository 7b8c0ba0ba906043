//! Two renders of the same inputs. What differs was made by the render itself: without the cluster to look at, it
//! changes on every upgrade.
//!
//! Objects are matched by what names them; their trees are walked in step (`compare`). `change` knows what a place is and
//! which rule would stop it, `table` shows it. No value is kept.

mod change;
mod compare;
mod table;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::analysis::again::change::{ChangedPlace, OnlyIn, RenderChange};
use crate::analysis::again::compare::compare;
use crate::config::Config;
use crate::diagnostics::addition::join;
use crate::diagnostics::{Code, Diagnostic, Error, Location, ObjectRef, Severity};
use crate::filter::collect::secret_values;
use crate::filter::filtered::Filtered;
use crate::rules::leaked_values::LeakedValues;

/// The places at which two renders of the same inputs differ.
#[derive(Clone, Debug)]
pub struct Changes(Vec<RenderChange>);

/// Compares two renders of the same inputs. `name` is what places in the second one are called.
///
/// # Errors
///
/// A render that is empty, or a document that differs and cannot be read.
///
/// # Example
///
/// ```
/// let render = |password: &str| format!("\
/// apiVersion: v1
/// kind: Secret
/// metadata: {{name: app}}
/// stringData: {{password: {password}}}
/// ");
/// let changes = resecret::changes(render("one").as_bytes(), render("other").as_bytes(), "again.yaml")?;
/// assert!(changes.to_string().contains("stringData.password"));
/// # Ok::<(), resecret::Error>(())
/// ```
pub fn changes(first: &[u8], second: &[u8], name: &str) -> Result<Changes, Error> {
    let values = values([first, second], name)?;
    Ok(Changes(concealed(compare([first, second], name)?, &values)))
}

/// What still changes behind the filter: a warning for each place at which two filtered renders of the same inputs
/// differ, with the rule that would stop it. `name` is what places in the second one are called.
///
/// # Errors
///
/// As for [`changes`].
pub fn still_changing(
    first: &Filtered<'_>,
    second: &Filtered<'_>,
    name: &str,
    config: &Config,
) -> Result<Vec<Diagnostic>, Error> {
    let [one, other] = [first, second].map(Filtered::to_vec);
    if one == other {
        return Ok(Vec::new());
    }
    let inputs = [first, second].map(Filtered::input);
    let values = values(inputs, name)?;
    // Lines are those of the renders: nobody can open a filtered one.
    let before = compare(inputs, name)?.into_iter().map(|change| (key(&change.location), change.location));
    let before: HashMap<_, Location> = before.collect();
    let placed = |mut change: RenderChange| {
        let unplaced = Location { document: None, line: None, column: None, ..change.location };
        change.location = before.get(&key(&unplaced)).cloned().unwrap_or(unplaced);
        change
    };
    let found = compare([&one, &other], name)?.into_iter().map(placed).collect();
    let found = concealed(found, &values);
    let mut keys: HashMap<&ObjectRef, Vec<&str>> = HashMap::new();
    for (object, key) in found.iter().filter_map(RenderChange::moving_key) {
        keys.entry(object).or_default().push(key);
    }
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for change in &found {
        let keys = change.location.object.as_ref().and_then(|object| keys.get(object));
        diagnostics.push(diagnostic(change, config, keys.map_or(&[], Vec::as_slice)));
    }
    join(&mut diagnostics);
    Ok(diagnostics)
}

/// What a place is called in a render, filtered or not.
fn key(location: &Location) -> String {
    format!("{:?} {:?}", location.object, location.path)
}

fn diagnostic(change: &RenderChange, config: &Config, keys: &[&str]) -> Diagnostic {
    let message = match change.only_in {
        Some(side) => format!("{} is only in the {} render", change.place, side.name()),
        None => format!("{} changes on every render", change.place),
    };
    Diagnostic::error(Code::ChangesOnEveryRender, message, change.help(config, keys))
        .with_severity(Severity::Warning)
        .at(change.location.clone())
}

/// The values of all Secrets.
fn values(renders: [&[u8]; 2], name: &str) -> Result<[LeakedValues; 2], Error> {
    let in_second = |error: Error| {
        let mut found = error.diagnostics().to_vec();
        for found in &mut found {
            found.location.file = Some(name.to_owned());
        }
        Error::new(found)
    };
    Ok([secret_values(renders[0])?, secret_values(renders[1]).map_err(in_second)?])
}

/// The same changes without values of Secrets in places of names.
fn concealed(mut changes: Vec<RenderChange>, values: &[LeakedValues; 2]) -> Vec<RenderChange> {
    let hide =
        |text: &mut String| *text = values.iter().fold(text.clone(), |text, of| of.conceal_text(&text));
    for RenderChange { place, location, .. } in &mut changes {
        location.path.iter_mut().for_each(hide);
        match place {
            ChangedPlace::Secret { key: Some(name), .. }
            | ChangedPlace::ConfigMapKey { key: name, .. }
            | ChangedPlace::Annotation { name, .. } => hide(name),
            _ => {}
        }
    }
    changes
}

impl Changes {
    /// Whether the renders are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The places in the first render.
    pub fn places(&self) -> impl Iterator<Item = &Location> {
        let of_first = self.0.iter().filter(|change| change.only_in != Some(OnlyIn::Second));
        of_first.map(|change| &change.location)
    }

    /// The objects that only one of the renders has, of the first and of the second.
    #[must_use]
    pub fn alone(&self) -> [Vec<&ObjectRef>; 2] {
        [OnlyIn::First, OnlyIn::Second].map(|side| {
            let of_side = self.0.iter().filter(|change| change.is_object && change.only_in == Some(side));
            of_side.filter_map(|change| change.location.object.as_ref()).collect()
        })
    }

    /// Says of all places in the first render that they are in this file.
    pub fn name_file(&mut self, name: &str) {
        for RenderChange { location, .. } in &mut self.0 {
            location.file.get_or_insert_with(|| name.to_owned());
        }
    }

    /// What was generated: Secrets and their keys. And what changes with it, or beside it.
    fn parts(&self) -> [Vec<&RenderChange>; 2] {
        let is_secret = |change: &&RenderChange| matches!(change.place, ChangedPlace::Secret { .. });
        let (generated, others) = self.0.iter().partition(is_secret);
        [generated, others]
    }

    /// How many places there are: `2 places in Secrets, 3 elsewhere`.
    #[must_use]
    pub fn summary(&self) -> String {
        let [secrets, others] = self.parts().map(|part| part.len());
        if self.is_empty() {
            "no difference".to_owned()
        } else {
            format!("{secrets} in Secrets, {others} elsewhere")
        }
    }

    /// All of it as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        let [generated, others] = self.parts().map(|part| part.into_iter().map(json_of).collect::<Vec<_>>());
        json!({"generated": generated, "changes": others}).to_string()
    }
}

fn json_of(RenderChange { place, only_in, location, .. }: &RenderChange) -> Value {
    let (kind, name) = place.type_and_name();
    let fields = [
        ("type", json!(kind)),
        ("name", json!(name)),
        ("object", json!(location.object)),
        ("container", json!(place.container())),
        ("path", json!(location.path.as_ref().filter(|path| !path.is_empty()))),
        ("onlyIn", json!(only_in.map(OnlyIn::name))),
        ("template", json!(location.template)),
        ("file", json!(location.file)),
        ("document", json!(location.document)),
        ("line", json!(location.line)),
    ];
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
