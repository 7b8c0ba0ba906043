//! `spec.allow`: findings that are meant.
//!
//! An entry takes findings out, by code and place. A finding that is left says in its help which entry would.

use std::collections::BTreeSet;

use crate::config::{AllowRule, Config, Pattern};
use crate::diagnostics::addition::add_to;
use crate::diagnostics::{Code, Diagnostic, Location};
use crate::rules::ConfigEntry;
use crate::yaml::scalar::plain_or_quoted;
use crate::yaml::{Path, Step, Tree};

/// Takes out what the configuration allows, and says of the rest which entry would; the entries that allowed something.
pub(crate) fn apply(found: &mut Vec<Diagnostic>, config: &Config) -> BTreeSet<ConfigEntry> {
    let mut used = BTreeSet::new();
    found.retain(|diagnostic| {
        let rules = config.allow.iter().enumerate();
        let matching = rules.filter(|(_, rule)| matches(rule, diagnostic));
        let matching: Vec<ConfigEntry> = matching.map(|(number, _)| ConfigEntry::Allow(number)).collect();
        used.extend(&matching);
        matching.is_empty()
    });
    for diagnostic in found {
        if let Some(entry) = entry(diagnostic.code, &diagnostic.location) {
            diagnostic.help += &format!("\nif it is meant, {}", add_to("allow", &entry));
        }
    }
    used
}

fn matches(rule: &AllowRule, diagnostic: &Diagnostic) -> bool {
    let Location { object, path, variable, .. } = &diagnostic.location;
    let Some(object) = object.as_ref().filter(|_| rule.code == diagnostic.code) else { return false };
    let path = own_path(path.as_deref().unwrap_or_default());
    rule.kind.matches(&object.kind)
        && rule.name.matches(&object.name)
        && rule.path.matches(path)
        && rule.variable.matches(variable.as_deref().unwrap_or_default())
        && rule.key.matches(last_key(path))
}

/// The entry of `spec.allow` for a finding at a place; `None` where no entry could allow it.
pub(crate) fn entry(code: Code, location: &Location) -> Option<String> {
    let object = location.object.as_ref().filter(|_| Code::ALLOWABLE.contains(&code))?;
    let place = match &location.variable {
        Some(variable) => Some(("variable", variable.as_str())),
        None => location.path.as_deref().map(|path| ("path", own_path(path))),
    };
    let fields = [Some(("kind", object.kind.as_str())), Some(("name", object.name.as_str())), place];
    let fields = fields.into_iter().flatten().filter(|(_, text)| !text.is_empty());
    let fields: String = fields.map(|(field, text)| format!(", {field}: {}", literal(field, text))).collect();
    Some(format!("{{code: {}{fields}}}", code.id()))
}

/// A path as it is in the object itself, whatever lists hold the object: the same for every client.
fn own_path(path: &str) -> &str {
    let inner = |path: &'_ str| {
        let (index, rest) = path.strip_prefix("items[")?.split_once(']')?;
        let is_index = index.bytes().all(|byte| byte.is_ascii_digit());
        is_index.then(|| path.len() - rest.trim_start_matches('.').len())
    };
    let mut path = path;
    while let Some(at) = inner(path) {
        path = &path[at..];
    }
    path
}

/// A text as a pattern that matches only it.
fn literal(field: &str, text: &str) -> String {
    let escaped = if field == "path" { Pattern::escaped_path(text) } else { Pattern::escaped(text) };
    plain_or_quoted(&escaped)
}

/// The last key of a path as it is displayed: `a.b[0]` has `b`, and `data["tls.key"]` has `tls.key`.
fn last_key(path: &str) -> &str {
    let mut path = path;
    while let Some((rest, index)) = path.strip_suffix(']').and_then(|path| path.rsplit_once('['))
        && index.bytes().all(|byte| byte.is_ascii_digit())
    {
        path = rest;
    }
    let path = path.strip_suffix(']').unwrap_or(path);
    match path.strip_suffix('"').and_then(|path| path.rsplit_once("[\"")) {
        Some((_, key)) => key,
        None => path.rsplit('.').next().unwrap_or_default(),
    }
}

/// The variable whose entry in a list `env` a path leads into.
pub(crate) fn variable(tree: &Tree<'_>, path: &Path) -> Option<String> {
    let is_env = |list: &Path| matches!(list.last(), Some(Step::Key(key)) if key == "env");
    let is_entry = |path: &&Path| matches!(path.split_last(), Some((list, Step::Index(_))) if is_env(list));
    let entry = tree.at(path.upwards().find(is_entry)?)?;
    tree.text(tree.get(entry, "name")?).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_key_of_a_path() {
        for (path, key) in [
            ("data.PASSWORD", "PASSWORD"),
            ("data[\"tls.key\"]", "tls.key"),
            ("metadata.annotations[\"a/b.c\"]", "a/b.c"),
            ("spec.containers[0].args[12]", "args"),
            ("data.KEY1", "KEY1"),
            ("", ""),
        ] {
            assert_eq!(last_key(path), key, "{path}");
        }
    }
}
