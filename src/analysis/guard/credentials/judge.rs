//! What the policy of credentials says of an object, told without a server: the same words, patterns and limits.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::analysis::guard::credentials::{
    ABOUT, LAST_APPLIED, MOST_KEYS, NUMBER, PRIVATE_KEY, SEARCHED, SEARCHED_OF_MANY, TOKENS, WORD, WORDS,
    is_allowed,
};
use crate::analysis::guard::places::JudgedPlaces;
use crate::config::Config;
use crate::kube::credential::{JWT_BEGIN, JWT_PATTERN, SWITCHES, URL_PASSWORD};
use crate::kube::object::Object;
use crate::kube::pods::{Pods, ValueSource};
use crate::yaml::{NodeId, Path};

/// A literal of an object.
pub(in crate::analysis::guard) struct Literal<'t> {
    /// Where it is, for people.
    pub(in crate::analysis::guard) at: String,
    /// Its path.
    pub(in crate::analysis::guard) path: Path,
    /// The variable that holds it.
    variable: &'t str,
    /// The key that holds it.
    key: &'t str,
    /// The name that says what it is; none for a file.
    name: &'t str,
    value: &'t str,
}

/// The literals of an object that look like credentials.
pub(in crate::analysis::guard) fn found<'t>(
    object: &Object<'t, '_>,
    places: &JudgedPlaces<'_, 't, '_>,
    config: &Config,
    secrets: &BTreeSet<&str>,
) -> Vec<Literal<'t>> {
    let mut literals = literals(object, places);
    let count = literals.len();
    let longest =
        SEARCHED.iter().find(|(most, _)| count <= *most).map_or(SEARCHED_OF_MANY, |(_, length)| *length);
    let allowed = |literal: &Literal<'_>| {
        let name = object.name().unwrap_or_default();
        config.allow.iter().any(|rule| is_allowed(rule, &object.kind, name, literal.variable, literal.key))
    };
    literals.retain(|literal| {
        !secrets.contains(literal.value) && is_credential(literal, longest) && !allowed(literal)
    });
    literals
}

fn literals<'t>(object: &Object<'t, '_>, places: &JudgedPlaces<'_, 't, '_>) -> Vec<Literal<'t>> {
    let mut found = Vec::new();
    let pods = Pods::of(object);
    variables(&pods, places, &mut found);
    for (path, container) in pods.containers.iter().filter(|(path, _)| places.judges_list(&path.key("env"))) {
        arguments(object, path, *container, &mut found);
    }
    if object.kind == "ConfigMap" {
        entries(object, &["data"], "key", &mut found);
    }
    entries(object, &["metadata", "annotations"], "annotation", &mut found);
    found.retain(|literal| !literal.value.is_empty() || literal.variable.is_empty());
    found
}

fn variables<'t>(pods: &Pods<'t>, places: &JudgedPlaces<'_, 't, '_>, found: &mut Vec<Literal<'t>>) {
    for list in pods.env.iter().filter(|list| places.judges_list(&list.path)) {
        for (position, variable) in list.entries.iter().enumerate() {
            let Some(variable) = variable else { continue };
            let ValueSource::Literal(value) = variable.source else { continue };
            found.push(Literal {
                at: format!("container {} variable {}", list.container, variable.name),
                path: list.path.index(position),
                variable: variable.name,
                key: "",
                name: variable.name,
                value,
            });
        }
    }
}

/// Arguments `--option=value` of a container.
fn arguments<'t>(object: &Object<'t, '_>, path: &Path, container: NodeId, found: &mut Vec<Literal<'t>>) {
    let tree = object.tree;
    let container_name = text(object, container, "name");
    for list in ["command", "args"] {
        let items = tree.get(container, list).and_then(|list| tree.items(list)).unwrap_or_default();
        for (position, item) in items.iter().enumerate() {
            let argument = tree.text(*item).and_then(|text| text.strip_prefix("--"));
            let Some((option, value)) = argument.and_then(|argument| argument.split_once('=')) else {
                continue;
            };
            let is_script = argument.is_some_and(|argument| argument.contains([' ', '\n']));
            found.push(Literal {
                at: format!("container {container_name} argument --{option}"),
                path: path.key(list).index(position),
                variable: "",
                key: "",
                name: if is_script { "" } else { option },
                value,
            });
        }
    }
}

/// Texts of a mapping: keys of a ConfigMap, annotations.
fn entries<'t>(object: &Object<'t, '_>, keys: &[&str], what: &str, found: &mut Vec<Literal<'t>>) {
    let tree = object.tree;
    let members = tree.get_in(object.node, keys).map(|node| tree.members(node)).unwrap_or_default();
    if what == "key" && members.len() > MOST_KEYS {
        return;
    }
    for (key, value) in members {
        let (Some(key), Some(value)) = (tree.text(key), tree.text(value)) else { continue };
        if key == LAST_APPLIED {
            continue;
        }
        let is_file = value.contains('\n') || value.starts_with(['{', '[']);
        found.push(Literal {
            at: format!("{what} {key}"),
            path: object.path.keys(keys).key(key),
            variable: "",
            key,
            name: if is_file { "" } else { key },
            value,
        });
    }
}

fn text<'t>(object: &Object<'t, '_>, node: NodeId, key: &str) -> &'t str {
    object.tree.get(node, key).and_then(|node| object.tree.text(node)).unwrap_or_default()
}

fn is_credential(literal: &Literal<'_>, longest: usize) -> bool {
    let value = literal.value;
    if PRIVATE_KEY.iter().all(|part| value.contains(part)) {
        return true;
    }
    if size(value) > longest {
        return false;
    }
    (!literal.name.is_empty() && says_credential(literal.name) && could_be_secret(value))
        || has_password(value)
        || (value.contains(JWT_BEGIN) && JWT.is_match(value))
        || TOKENS.iter().zip(TOKEN.iter()).any(|((begins, _), pattern)| {
            begins.iter().any(|begin| value.contains(begin)) && pattern.is_match(value)
        })
}

/// The length of a text as CEL counts it.
fn size(text: &str) -> usize {
    text.chars().count()
}

fn says_credential(name: &str) -> bool {
    let words = WORD_IN_NAME.find_iter(name).map(|found| found.as_str().to_ascii_lowercase());
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    let is_about = words.last().is_some_and(|last| ABOUT.contains(&last.as_str()))
        && !format!("_{}", words.join("_")).ends_with("_access_key_id");
    words.iter().any(|word| WORDS.contains(&word.as_str()))
        && !words.iter().any(|word| word == "public")
        && !is_about
}

fn could_be_secret(value: &str) -> bool {
    let value = value.trim();
    let is_switch = size(value) < 6 && SWITCHES.contains(&value.to_ascii_lowercase().as_str());
    let is_path = value.starts_with('/') || value.starts_with("./") || value.starts_with("~/");
    let is_placeholder = value.starts_with('<') && value.ends_with('>');
    let has_others = ["$(", "${", "://"].iter().any(|part| value.contains(part));
    let is_number = size(value) <= 40 && NUMBER_ALONE.is_match(value);
    !(is_switch || is_path || is_placeholder || has_others || is_number)
}

/// Whether a text holds a URL with a password.
fn has_password(value: &str) -> bool {
    let is_password = |found: regex::Match<'_>| {
        let url = found.as_str();
        let host = url.find("://").map_or(0, |at| at + 3);
        let begin = url[host..].find(':').map(|at| host + at + 1);
        let password = begin.zip(url.rfind('@')).and_then(|(begin, end)| url.get(begin..end));
        password.is_some_and(|password| {
            password.bytes().all(|byte| byte.is_ascii_digit()) || could_be_secret(password)
        })
    };
    value.contains("://") && value.contains('@') && URL.find_iter(value).any(is_password)
}

/// A pattern that is a constant; a test builds each of them.
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|_| unreachable!("internal error: a constant pattern is not a pattern"))
}

static WORD_IN_NAME: LazyLock<Regex> = LazyLock::new(|| pattern(WORD));
static NUMBER_ALONE: LazyLock<Regex> = LazyLock::new(|| pattern(NUMBER));
static URL: LazyLock<Regex> = LazyLock::new(|| pattern(URL_PASSWORD));
static JWT: LazyLock<Regex> = LazyLock::new(|| pattern(JWT_PATTERN));
static TOKEN: LazyLock<Vec<Regex>> = LazyLock::new(|| TOKENS.iter().map(|(_, text)| pattern(text)).collect());

#[cfg(test)]
mod tests {
    use super::*;

    fn is(name: &'static str, value: &'static str) -> bool {
        let (at, path) = (String::new(), Path::root());
        is_credential(&Literal { at, path, variable: name, key: "", name, value }, 64)
    }

    #[test]
    fn a_literal_is_judged_as_the_policy_judges_it() {
        for (name, value) in [
            ("DB_PASSWORD", "canary"),
            ("adminPassword", "canary"),
            ("AWS_ACCESS_KEY_ID", "canary"),
            ("URL", "postgres://user:canary@host/db"),
            ("URL", "redis://:1234@host"),
            ("A", "ghp_abcdefghijklmnopqrstuvwxyz"),
            ("A", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.abc"),
            ("A", "-----BEGIN RSA PRIVATE KEY-----"),
        ] {
            assert!(is(name, value), "{name}");
        }
        for (name, value) in [
            ("DB_PASSWORD", "true"),
            ("DB_PASSWORD", "80"),
            ("DB_PASSWORD", "/etc/password"),
            ("DB_PASSWORD", "$(OTHER)"),
            ("DB_PASSWORD_FILE", "canary"),
            ("NEXT_PUBLIC_API_KEY", "canary"),
            ("URL", "postgres://user:$(PASSWORD)@host/db"),
            ("A", "ghp_short"),
            ("DB_PASSWORD", "canary-canary-canary-canary-canary-canary-canary-canary-canary-canary"),
        ] {
            assert!(!is(name, value), "{name} {value}");
        }
    }
}
