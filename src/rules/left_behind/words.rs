//! What keys and texts say: whether they are about secrets, and whether a name in them is one.

use crate::kube::object::Object;
use crate::rules::Context;
use crate::rules::facts::Resolution;
use crate::yaml::Trail;

/// What a key says when it is about secrets, in lower case.
const SPEAKS: [&str; 6] = ["secret", "credential", "keyref", "tls", "password", "passwd"];

/// Keys under which names are chosen freely, or are those of something else.
const FREE: [&str; 6] = ["apiVersion", "kind", "labels", "matchExpressions", "matchLabels", "namespace"];

/// Fields that hold the name of something else.
const OTHERS: [&str; 5] = ["authenticationRef", "image", "jobLabel", "serviceAccount", "serviceAccountName"];

/// A name in a text, and whether what is around it is about secrets. Else it must be a word of its own, and could be
/// the name of something else.
pub(super) fn name_in<'t>(
    text: &'t str,
    speaks: bool,
    object: &Object<'_, '_>,
    context: Context<'_>,
) -> Option<(&'t str, bool)> {
    let names = context.facts.removed_names()?;
    let mut doubtful = None;
    let is_name =
        |start: usize, end: usize| is_whole_name(text, start, end) && !is_host(&text[..start], &text[end..]);
    for found in names.find_iter(text).filter(|found| is_name(found.start(), found.end())) {
        let name = &text[found.range()];
        let line_start = text[..found.start()].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[found.end()..].find('\n').map_or(text.len(), |at| found.end() + at);
        let certain = speaks || speaks_of_secrets(&text[line_start..line_end]);
        if (!certain && doubtful.is_some()) || !is_dropped(name, object, context) {
            continue;
        }
        if certain {
            return Some((name, true));
        }
        doubtful = is_word(text, found.start(), found.end()).then_some((name, false)).or(doubtful);
    }
    doubtful
}

/// Whether a name is a word of its own, perhaps with its namespace before it; in a path or an address it is none.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    let divides = |c: char| c.is_whitespace() || "\"'`=,;()[]{}<>|".contains(c);
    let before = text[..start].rsplit(divides).next().unwrap_or_default();
    let after = text[end..].split(divides).next().unwrap_or_default();
    let namespace =
        before.strip_suffix('/').is_some_and(|name| !name.is_empty() && !name.contains(['/', ':']));
    (before.is_empty() || namespace) && after.is_empty()
}

/// Whether a rule removes the Secret of this name, and it is not the vaulted one.
pub(super) fn is_dropped(
    name: &str,
    object: &Object<'_, '_>,
    Context { facts, config }: Context<'_>,
) -> bool {
    match facts.target(name, object.namespace(), config) {
        Resolution::Removed(secret) => {
            let rule = secret.rule.map(|rule| &config.secrets[rule]);
            rule.is_some_and(|rule| rule.to.as_deref() != Some(name))
        }
        Resolution::Untouched | Resolution::Ambiguous => false,
    }
}

/// Whether a name is that of a Secret which stays without some of its keys.
pub(super) fn is_split(name: &str, object: &Object<'_, '_>, Context { facts, config }: Context<'_>) -> bool {
    matches!(facts.target(name, object.namespace(), config), Resolution::Removed(secret) if secret.is_split)
}

/// Whether a text is where its author is free, or where the name of a namespace or label is.
pub(super) fn is_free(trail: Trail<'_>) -> bool {
    let keys: Vec<&str> = trail.keys().collect();
    let of_object = keys.last() == Some(&"metadata") && !keys.contains(&"annotations");
    // `authenticationRef: {name: app}` names what the key says, and not what `name` does.
    let field = keys.iter().find(|key| **key != "name");
    of_object
        || keys.iter().any(|key| FREE.contains(key))
        || field.is_some_and(|key| OTHERS.contains(key))
        || keys.first().is_some_and(|key| key.ends_with("amespace"))
}

/// Whether a key or a line of text is about secrets.
pub(super) fn speaks_of_secrets(text: &str) -> bool {
    let text = text.as_bytes();
    let speaks = |at: usize| {
        let first = text[at].to_ascii_lowercase();
        let mut words = SPEAKS.iter().map(|word| word.as_bytes()).filter(|word| word[0] == first);
        words.any(|word| text[at..].get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
    };
    (0..text.len()).any(speaks)
}

/// Whether a key refers to a ConfigMap, as `configMapKeyRef` does.
pub(super) fn speaks_of_config_maps(key: &str) -> bool {
    key.get(.."configmap".len()).is_some_and(|start| start.eq_ignore_ascii_case("configmap"))
}

/// Whether what is around a name makes it that of a host: `redis://:$(PASSWORD)@app:6379`, `http://app/`.
fn is_host(before: &str, after: &str) -> bool {
    let port = after.strip_prefix(':').is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()));
    port || before.ends_with(['@']) || before.ends_with("http://") || before.ends_with("https://")
}

/// Whether the bytes of a name are not part of a longer one; a dot between letters is part of a name.
fn is_whole_name(text: &str, start: usize, end: usize) -> bool {
    let letter =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let bytes = text.as_bytes();
    let before = |steps: usize| start.checked_sub(steps).and_then(|at| bytes.get(at));
    let part = |near: Option<&u8>, far: Option<&u8>| letter(near) || (near == Some(&b'.') && letter(far));
    !part(before(1), before(2)) && !part(bytes.get(end), bytes.get(end + 1))
}
