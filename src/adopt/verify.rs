//! Whether live objects are what the manifest says, as far as variables and Secrets go.

use std::collections::BTreeSet;

use crate::analysis::upgrade::merge::{self, Entry};
use crate::analysis::upgrade::release::{EnvOf, Member, Release};
use crate::analysis::upgrade::variables::stored;
use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, Error};
use crate::filter::filter;

/// Compares live objects with the manifest of their release.
///
/// `state` is what `helm get manifest` prints with the live objects behind it, as `kubectl get -o yaml` prints them, and
/// `file` what diagnostics call it. `render` is what the chart renders, and `config` the rules by which the manifest was
/// filtered: no live object may name a Secret that they remove.
///
/// Compared are the objects with variables or references to Secrets: every list of variables, in order, and every
/// reference.
///
/// # Errors
///
/// A stream that cannot be read or filtered.
pub fn not_live(state: &[u8], file: &str, render: &[u8], config: &Config) -> Result<Vec<Diagnostic>, Error> {
    let filtered = filter(render, config)?.to_vec();
    let plain = Release::read(render, None, config)?;
    let next = Release::read(&filtered, None, config)?;
    let state = Release::read(state, Some(file), config)?;
    let removed = plain.members().filter(|member| member.secret.is_some() && next.find(member).is_none());
    let removed: BTreeSet<&str> = removed.map(Member::name).collect();
    let mut found = Vec::new();
    for object in state.members().filter(|member| !member.is_hook && member.has_variables_or_secrets()) {
        match state.live(object) {
            Some(live) => compare(&state, object, live, &removed, &mut found),
            None => found.push(difference(&state, object, format!("{} is not live", object.resource()))),
        }
    }
    Ok(found)
}

fn compare(
    state: &Release<'_>,
    object: &Member,
    live: &Member,
    removed: &BTreeSet<&str>,
    found: &mut Vec<Diagnostic>,
) {
    let resource = object.resource();
    let mut push = |message: String| found.push(difference(state, object, message));
    for wanted in &object.env {
        let container = &wanted.container;
        match live.env_of(wanted) {
            None => push(format!("the live {resource} has no variables in container {container}")),
            Some(live) => {
                if let Some(what) = first_difference(wanted, live) {
                    push(format!("the live {resource} has {what} in container {container}"));
                }
            }
        }
    }
    for name in object.reads.iter().collect::<BTreeSet<_>>() {
        if !live.reads.contains(name) {
            push(format!("the live {resource} does not read Secret {name}"));
        }
    }
    for name in live.reads.iter().collect::<BTreeSet<_>>() {
        if removed.contains(name.as_str()) && !object.reads.contains(name) {
            push(format!("the live {resource} still reads Secret {name}"));
        }
    }
}

/// How a live list of variables differs from the manifest's, in words without a value.
fn first_difference(wanted: &EnvOf, live: &EnvOf) -> Option<String> {
    let (wanted, live) = (stored(&wanted.entries), stored(&live.entries));
    if wanted == live {
        return None;
    }
    let of = |list: &[Entry], name: &str| -> Vec<Entry> {
        list.iter().filter(|entry| merge::name(entry) == name).cloned().collect()
    };
    for name in wanted.iter().chain(&live).map(merge::name) {
        match (of(&wanted, name).len(), of(&live, name).len()) {
            (_, 0) => return Some(format!("no variable {name}")),
            (0, _) => return Some(format!("a variable {name} that the manifest does not have")),
            _ if of(&wanted, name) != of(&live, name) => return Some(format!("another variable {name}")),
            _ => {}
        }
    }
    Some("the variables in another order".to_owned())
}

fn difference(state: &Release<'_>, object: &Member, message: String) -> Diagnostic {
    let help = "run the script once more, or the same upgrade; if it stays, look who else writes the object \
                (`kubectl get … --show-managed-fields -o yaml`)";
    Diagnostic::error(Code::NotLive, message, help).at(state.locate(object, None))
}
