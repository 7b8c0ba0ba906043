//! A custom resource as `format` prints it, in CEL: where the names of removed Secrets are in it, and the keys above them.

use crate::analysis::guard::by_kind::Side;
use crate::analysis::guard::cel::{self, bind, text};
use crate::analysis::guard::evidence::seen::NOT_SEARCHED;
use crate::analysis::guard::policy::CelVariable;
use crate::analysis::guard::removed::Removed;

/// The characters before a name that are read.
const WINDOW: usize = 1500;

/// The same before a key, for the keys above it.
const ABOVE: usize = 500;

/// The characters behind it.
const BEHIND: usize = 300;

/// The names of one object that are looked at, and the places of each.
pub(super) const MOST_NAMES: usize = 8;
pub(super) const MOST_PLACES: usize = 16;

/// The places of all names: to read what is before one costs up to 40,000 units, in several expressions.
pub(super) const MOST_READ: usize = 32;

/// The finds of globs that are looked at; a name may be there more than once.
const MOST_FOUND: usize = 64;

/// The longest text of an object times the count of names: to search costs a fifth of a unit for each.
pub(super) const MOST_SEARCHED: usize = 4_000_000;

/// The same for the names that are there: to take a text apart costs as much again.
pub(super) const MOST_SPLIT: usize = 1_000_000;

/// The same for globs, times the length of their expression: a fortieth of a unit.
const MOST_MATCHED: usize = 32_000_000;

/// A text in quotes, as it is printed.
const TEXT: &str = r#""(?:[^"\\]|\\.)*""#;

/// The expressions that read what is printed, backwards from a place.
pub(super) struct Grammar {
    /// Entries of a mapping that is open there.
    entries: String,
    /// The key whose value is there, or the item of a list.
    key: String,
    /// The same in lists within lists.
    key_above: String,
    /// Behind a name: the rest of its mapping says that it is a ConfigMap's.
    pub(super) of_config_map: String,
}

impl Grammar {
    /// The expressions.
    pub(super) fn new() -> Self {
        let mut nested = format!(r"[{{\[](?:{TEXT}|[^{{}}\[\]\x22])*[}}\]]");
        for _ in 0..2 {
            nested = format!(r"[{{\[](?:{TEXT}|[^{{}}\[\]\x22]|{nested})*[}}\]]");
        }
        let value = format!(r"(?:{TEXT}|[^{{}}\[\]\x22, ]+|{nested})");
        Self {
            entries: format!(r"\{{(?:{TEXT}:{value}, )*$"),
            key: format!(r"{TEXT}:(?:\[(?:{value}, )*)?$"),
            key_above: format!(r"{TEXT}:(?:\[(?:{value}, )*)*$"),
            of_config_map: format!(r"^(?:, {TEXT}:{value})*, .type.:.ConfigMap."),
        }
    }
}

/// The object as one text, the removed names in it, and for each the places: a list of lists.
pub(super) fn places(side: Side, removed: &Removed, is_searched: Option<String>) -> [CelVariable; 3] {
    let object = side.object();
    let printed = format!(
        "{object}.filter(k, !(k in {})).map(k, '%s'.format([{{k: {object}[k]}}])).join('')",
        cel::list(NOT_SEARCHED)
    );
    let printed = is_searched.map_or(printed.clone(), |is| format!("({is} ? {printed} : '')"));
    let printed = CelVariable::new(&side.name("printed"), side.guarded(&printed, "''"));
    let all = side.variable("printed");
    let mut lists = Vec::new();
    for map in removed.exact_names() {
        lists.push(format!(
            "({all}.size() * {map}.size() > {MOST_SEARCHED} ? [] : {map}.filter(n, {all}.contains(n + '\"')))"
        ));
    }
    if let Some(regex) = removed.quoted_globs() {
        let most = MOST_MATCHED / regex.len();
        lists.push(format!(
            "({all}.size() > {most} ? [] : {all}.findAll({}, {MOST_FOUND}).map(q, q.substring(1, q.size() - 1)))",
            text(&regex)
        ));
    }
    let names = CelVariable::new(&side.name("removedNames"), lists.join("\n+ "));
    // What is before a place, and behind a slash the namespace.
    let place = bind(
        "b",
        "(i > 1 ? ts[i - 2] + n + '\"' : '') + (i > 0 ? ts[i - 1] + n + '\"' : '') + ts[i]",
        &bind(
            "s",
            "b.endsWith('\"') ? '\"' : b.substring(b.size() > 100 ? b.size() - 100 : 0).find('\"[^\"/]+/$')",
            &format!(
                "{{'name': n, 'namespace': s.replace('\"', '').replace('/', ''),\n\
                 'after': ps[i + 1].substring(0, ps[i + 1].size() > {BEHIND} ? {BEHIND} : ps[i + 1].size()),\n\
                 'before': s == '' ? '' : b.substring(b.size() > {WINDOW} ? b.size() - {WINDOW} : 0, b.size() - s.size())}}"
            ),
        ),
    );
    // The ends first, so that nothing long is copied more than once.
    let each = format!(
        "{}.filter(i, i < ps.size() - 1 && i * (ns.size() > {MOST_NAMES} ? {MOST_NAMES} : ns.size()) < {MOST_READ})",
        numbers(MOST_PLACES)
    );
    let ends =
        format!("{each}.map(i, ps[i].substring(ps[i].size() > {WINDOW} ? ps[i].size() - {WINDOW} : 0))");
    let of_name =
        bind("ps", &format!("{all}.split(n + '\"')"), &bind("ts", &ends, &format!("{each}.map(i, {place})")));
    let found = side.variable("removedNames");
    let distinct = format!(
        "{}.filter(j, j < {found}.size() && {found}.indexOf({found}[j]) == j).map(j, {found}[j])",
        numbers(MOST_FOUND)
    );
    let first = format!(
        "{}.filter(j, j < ns.size() && j * {all}.size() < {MOST_SPLIT}).map(j, ns[j])",
        numbers(MOST_NAMES)
    );
    let places = bind("ns", &distinct, &format!("{first}.map(n,\n{of_name})"));
    [printed, names, CelVariable::new(&side.name("places"), places)]
}

/// For each place the keys above it: what is the value of the nearest one, and two more.
pub(super) fn above(side: Side, grammar: &Grammar) -> [CelVariable; 4] {
    let step = |from: &str, to: &str, map: String| {
        CelVariable::new(&side.name(to), format!("{}.map(fs, fs.map(f, {map}))", side.variable(from)))
    };
    let entries = text(&grammar.entries);
    let known = "'name': f.name, 'namespace': f.namespace, 'after': f.after";
    let opened = bind(
        "b",
        "f.before.substring(0, f.before.size() - 7)",
        &format!("{{{known}, 'holder': '.name', 'entries': b.find({entries}), 'before': b}}"),
    );
    let opened = format!(
        "f.before.endsWith('\"name\":') ? {opened}\n\
         : {{{known}, 'holder': '', 'entries': '', 'before': f.before}}"
    );
    let known = format!("{known}, 'holder': f.holder, 'entries': f.entries");
    // What is before a place, without what is open there; the key that holds it; and what happens to both.
    let up = |open: &str, key: &str, made: &str| {
        let before = format!("f.before.substring(0, f.before.size() - {open}.size())");
        let found = format!("b.find({})", text(key));
        bind("b", &before, &bind("u", &found, &format!("{{{known}, {made}}}")))
    };
    let key = format!("u.find({})", text(&format!("^{TEXT}")));
    // Few fields are told by more than one key, and what is between keys is short.
    let rest = format!(
        "'before': b.substring(b.size() - u.size() > {ABOVE} ? b.size() - u.size() - {ABOVE} : 0, b.size() - u.size())"
    );
    let first =
        up("f.entries", &grammar.key, &format!("'list': u.endsWith(':') ? '' : 'list', 'k1': {key}, {rest}"));
    let open = format!("f.before.find({entries})");
    // What is before the key in its own mapping says the namespace of a name.
    let second = format!("'list': f.list, 'k1': f.k1, 'beside': o, 'k2': {key}, {rest}");
    let second = bind("o", &open, &up("o", &grammar.key_above, &second));
    let third = format!("'list': f.list, 'k1': f.k1, 'beside': f.beside, 'k2': f.k2, 'k3': {key}");
    let third = bind("o", &open, &up("o", &grammar.key_above, &third));
    [
        step("places", "opened", opened),
        step("opened", "keyed1", first),
        step("keyed1", "keyed2", second),
        step("keyed2", "keyed3", third),
    ]
}

/// The numbers below one, as a list.
fn numbers(end: usize) -> String {
    let all: Vec<String> = (0..end).map(|number| number.to_string()).collect();
    format!("[{}]", all.join(", "))
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    /// The end of a text that an expression finds, and what is before it.
    fn split<'a>(text: &'a str, expression: &str) -> (&'a str, &'a str) {
        let found = Regex::new(expression).expect("an expression").find(text);
        found.map_or((text, ""), |found| text.split_at(found.start()))
    }

    #[track_caller]
    fn keys(before: &str, keys: [&str; 3]) {
        let grammar = Grammar::new();
        let mut rest = before;
        if let Some(holder) = before.strip_suffix("\"name\":") {
            rest = split(holder, &grammar.entries).0;
        }
        for (number, key) in keys.into_iter().enumerate() {
            if number > 0 {
                rest = split(rest, &grammar.entries).0;
            }
            let (above, found) = split(rest, if number == 0 { &grammar.key } else { &grammar.key_above });
            assert_eq!(found.split('"').nth(1).unwrap_or_default(), key, "{before}");
            rest = above;
        }
    }

    #[test]
    fn keys_are_read_backwards() {
        keys(r#"{"spec":{"secretName":"#, ["secretName", "spec", ""]);
        keys(
            r#"{"spec":{"a":1, "list":[{"b":[{}, {"c":[1.500000, null]}], "ref":{"key":"k", "name":"#,
            ["ref", "list", "spec"],
        );
        keys(r#"{"spec":{"secrets":["a", {"b":{"c":{}}}, "#, ["secrets", "spec", ""]);
        keys(r#"{"spec":{"lists":[[{"a":{"name":"#, ["a", "lists", "spec"]);
        // A window begins anywhere.
        keys(r#"ay \"hi\"", "x":{"secretRef":{"name":"#, ["secretRef", "x", ""]);
    }

    #[test]
    fn no_value_looks_like_a_key() {
        keys(r#"{"spec":{"text":"{\"secretRef\":{\"name\":\""#, ["", "", ""]);
        keys(r#"{"spec":{"text":"a{b[c\\", "host":"#, ["host", "spec", ""]);
        keys(r#"{"spec":{"text":"\"secretName\":", "host":"#, ["host", "spec", ""]);
    }
}
