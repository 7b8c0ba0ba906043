//! Whether the bytes of a document could hold what the rule finds in an annotation, a header or the field of a custom resource.
//!
//! Its words alone are in too many documents: Helm 4 annotates every one, and `automountServiceAccountToken` is in every
//! ServiceAccount. ConfigMaps, commands and variables have words of their own.

use memchr::{memchr, memchr3, memmem, memrchr};

use crate::kube::credential;
use crate::kube::object::group_of;
use crate::search::prefilter::AT;

/// Parts of names and values, one of which each credential in a custom resource or header has, unless it has an [`AT`].
pub(super) const CREDENTIALS: [&str; 18] = [
    "pass",
    "Pass",
    "PASS",
    "ecret",
    "ECRET",
    "oken",
    "OKEN",
    "Key",
    "KEY",
    "key",
    "redential",
    "REDENTIAL",
    "auth",
    "Auth",
    "AUTH",
    "salt",
    "Salt",
    "SALT",
];

/// What every annotation is below. Helm 4 has some in every document.
pub(super) const ANNOTATIONS: &str = "annotations";

/// Whether a name or a value holds a part of a credential.
pub(super) fn may_be_credential(text: &str) -> bool {
    text.as_bytes().contains(&AT) || CREDENTIALS.iter().any(|part| text.contains(part))
}

const API_VERSION: &str = "apiVersion";

/// May say yes wrongly, never no; what hides a word from a search is found by another one.
pub(super) fn may_hold(document: &[u8]) -> bool {
    let has_header = memmem::find(document, b"value").is_some();
    if has_header || may_be_custom(document) {
        credential::may_hold(document)
    } else {
        let is_simple = memchr3(b'&', b'\t', b'\r', document).is_none();
        let block = |at| is_simple.then(|| block(document, at)).flatten().unwrap_or(document);
        memmem::find_iter(document, ANNOTATIONS).any(|at| credential::may_hold(block(at)))
    }
}

/// The lines below the word [`ANNOTATIONS`] that is at this byte; `None` where its value is not surely all in them: behind an
/// alias, in a flow collection, or with a quoted text whose lines begin anywhere.
fn block(document: &[u8], at: usize) -> Option<&[u8]> {
    let indent = at - memrchr(b'\n', &document[..at]).map_or(0, |end| end + 1);
    let is_indented = document[at - indent..at].iter().all(|byte| *byte == b' ');
    let below = document[at..].strip_prefix(ANNOTATIONS.as_bytes())?.strip_prefix(b":\n")?;
    let is_below = |line: &&[u8]| {
        let text = line.trim_ascii();
        let depth = line.iter().take_while(|byte| **byte == b' ').count();
        depth > indent || text.is_empty() || text.starts_with(b"#")
    };
    let lines = below.split_inclusive(|byte| *byte == b'\n').take_while(is_below);
    let block = &below[..lines.map(<[u8]>::len).sum()];
    let is_closed = block.split(|byte| *byte == b'\n').all(is_closed);
    (is_indented && is_closed).then_some(block)
}

/// Whether nothing that a line begins goes on in the next one wherever that begins: it has no flow collection, and no quote but
/// around its value.
fn is_closed(line: &[u8]) -> bool {
    let opens = |byte: &u8| b"\"'{[".contains(byte);
    let Some(at) = line.iter().position(opens) else { return true };
    match (&line[..at], &line[at..]) {
        ([.., b':', b' '], [open @ (b'"' | b'\''), quoted @ .., close]) if open == close => {
            !quoted.iter().any(|byte| opens(byte) || *byte == b'\\')
        }
        _ => false,
    }
}

/// Whether an object could be a custom resource: some `apiVersion` is not surely that of another.
fn may_be_custom(document: &[u8]) -> bool {
    let mut found = memmem::find_iter(document, API_VERSION);
    found.any(|at| is_built_in(&document[at + API_VERSION.len()..]) != Some(true))
}

/// Whether the version behind this key is one of Kubernetes itself; `None` where it is not written as charts do it.
fn is_built_in(behind: &[u8]) -> Option<bool> {
    let (line, next) = behind.split_at(memchr(b'\n', behind).unwrap_or(behind.len()));
    let line = str::from_utf8(line).ok()?.trim_end();
    let value = line.strip_prefix(['"', '\'']).unwrap_or(line).trim_start().strip_prefix(':')?.trim_start();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let value = quote.map_or(value, |_| &value[1..]);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/');
    let (version, rest) = value.split_at(value.find(|c| !is_part(c)).unwrap_or(value.len()));
    let is_whole = match quote {
        // Two of them stand for one.
        Some(quote) => rest.strip_prefix(quote).is_some_and(|rest| !rest.starts_with(quote)),
        None => rest.is_empty() && is_new_key(next),
    };
    is_whole.then(|| !is_own_group(group_of(version)))
}

/// Whether the next line has a key, so that it does not go on with the text before.
fn is_new_key(next: &[u8]) -> bool {
    let next = next.strip_prefix(b"\n").unwrap_or(next);
    let line = next[..memchr(b'\n', next).unwrap_or(next.len())].trim_ascii_end();
    next.is_empty() || line.ends_with(b":") || memmem::find(line, b": ").is_some()
}

/// Whether an API group is none of Kubernetes itself.
pub(super) fn is_own_group(group: &str) -> bool {
    group.contains('.') && !group.ends_with(".k8s.io")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_the_lines_below() {
        let text = |annotations: &str, token: &str| {
            format!(
                "kind: ServiceAccount\nmetadata:\n  annotations:\n{annotations}  name: a\nautomount{token}: false\n"
            )
        };
        for annotations in ["a.yaml", "'a.yaml'", "\"true\""] {
            let source = format!("    helm.sh/filename: {annotations}\n");
            assert!(!may_hold(text(&source, "ServiceAccountToken").as_bytes()), "{annotations}");
        }
        for annotations in [
            "    password: hunter2\n",
            "\n# why\n    a: b\n  # why\n    password: hunter2\n",
            "    a: |\n      b\n\n      password: hunter2\n",
            "    a: b\n      token\n",
        ] {
            assert!(may_hold(text(annotations, "").as_bytes()), "{annotations}");
        }
        for annotations in [
            "a: \"b",
            "a: \"b\\\"",
            "'a': b",
            "a 'b: '",
            "a: 'b''",
            "a: 'b ''c'",
            "a: '",
            "a: &b c",
            "{a: b}",
            "a: [b]",
            "\ta: b",
        ] {
            assert!(may_hold(text(&format!("    {annotations}\n"), "Token").as_bytes()), "{annotations}");
        }
        assert!(may_hold(b"a: &a {token: b}\nmetadata:\n  annotations: *a\n"));
    }

    #[test]
    fn a_custom_resource_is_told_by_its_group() {
        for text in [
            "apiVersion: v1\nkind: Service\n",
            "apiVersion: apps/v1\r\nkind: Deployment\r\n",
            "apiVersion: \"networking.k8s.io/v1\"\nkind: Ingress\n",
            "{\"apiVersion\":\"policy/v1\",\"kind\":\"PodDisruptionBudget\"}\n",
            "kind: Service\napiVersion: v1",
        ] {
            assert!(!may_be_custom(text.as_bytes()), "{text}");
        }
        for text in [
            "apiVersion: example.com/v1\nkind: App\n",
            "apiVersion: v1\nitems:\n- apiVersion: 'example.com/v1'\n",
            "apiVersion: &v example.com/v1\n",
            "apiVersion:\n  example.com/v1\n",
            "apiVersion: v1\n  example.com/v1\nkind: App\n",
            "apiVersion: 'v1''.example.com/v1'\n",
            "? apiVersion\n: example.com/v1\n",
            "a: &key apiVersion\n*key : example.com/v1\n",
        ] {
            assert!(may_be_custom(text.as_bytes()), "{text}");
        }
    }
}
