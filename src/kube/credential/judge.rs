//! A name and its value together.

use crate::kube::credential::names::{self, Certainty, certainty};
use crate::kube::credential::reason::Reason;
use crate::kube::credential::values::{fits, is_plain_name, looks_random, names_a_thing, value_reason};

/// Where a name and its value are, which says what else the name could mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameContext {
    /// A variable, a key of a ConfigMap, a flag: the name is made for this value.
    Flat,
    /// A field of a document, where `key` and `secret` name what is elsewhere.
    Field,
    /// An annotation, which says something about an object, often by name or hash.
    Annotation,
}

/// Whether a variable, key, flag or field of this name and value looks like a plain credential, and why.
pub(crate) fn reason(name: &str, value: &str, place: NameContext) -> Option<Reason> {
    value_reason(value).or_else(|| by_name(name, value, place).then_some(Reason::Name))
}

fn by_name(whole: &str, value: &str, place: NameContext) -> bool {
    let name = match place {
        // What is before the slash says whose annotation it is.
        NameContext::Annotation => whole.rsplit('/').next().unwrap_or_default(),
        NameContext::Flat | NameContext::Field => whole,
    };
    let Some(certainty) = certainty(name).filter(|certainty| fits(*certainty, value)) else { return false };
    let words = names::words(name);
    let ends_in = |ends: &[&str]| words.last().is_some_and(|last| ends.contains(&last.as_str()));
    let names_others = ends_in(&["secret", "secrets", "credential", "credentials", "key", "keys", "auth"]);
    let user_alone = ends_in(&["auth"]) && value.ends_with(':');
    match place {
        _ if user_alone => false,
        _ if certainty != Certainty::Password && names_others && names_a_thing(value) => false,
        NameContext::Flat => true,
        NameContext::Field => {
            let is_key_of = words.len() == 1 && ends_in(&["key", "keys"]);
            let names_one = certainty != Certainty::Password && names_others && is_plain_name(value);
            !is_key_of && !names_one
        }
        NameContext::Annotation => {
            let hash = |word: &String| matches!(word.as_str(), "hash" | "checksum" | "digest");
            let hashes = names::words(whole).iter().any(hash);
            !hashes && (certainty == Certainty::Password || !names_others || looks_random(value))
        }
    }
}

/// Whether a name means a credential.
pub(crate) fn is_name(name: &str) -> bool {
    certainty(name).is_some()
}
