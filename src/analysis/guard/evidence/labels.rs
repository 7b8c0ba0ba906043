//! The catalogue as regular expressions over the keys on the way to a field.
//!
//! A server prints the keys in quotes, with nothing between: `Certificate"spec""secretName"`, with the kind
//! before them. The first expression that fits decides, as in the catalogue.

use crate::analysis::guard::cel;
use crate::catalogue::{self, EVERYWHERE, Label, Line};

/// A field that names a Secret, as a text or in a mapping.
pub(super) const READ: &str = "read";
/// One that does as a mapping alone.
pub(super) const REFER: &str = "refer";
/// One that makes a Secret, or names something else.
pub(super) const NOT: &str = "not";
/// One of which nobody can say.
const ASK: &str = "ask";

/// The expressions for the object's group, in CEL: a list of pairs of a word and an expression. `groups` are those that the
/// object can be of; `None` for any.
pub(super) fn lines(groups: Option<&[&str]>) -> String {
    let all = catalogue::groups();
    let named = all.iter().map(|(group, _)| *group);
    let wanted = named.filter(|group| groups.is_none_or(|groups| groups.contains(group)));
    let of_group = |group: &str| {
        let lines = expressions(&catalogue::block(group), false);
        (!lines.is_empty()).then(|| format!("{}: {}", cel::text(group), pairs(&lines)))
    };
    let own: Vec<String> = wanted.filter_map(of_group).collect();
    let common = pairs(&expressions(&catalogue::block(EVERYWHERE), true));
    if own.is_empty() {
        return common;
    }
    format!("{{{}}}[?object.apiVersion.split('/')[0]].orValue([])\n+ {common}", own.join(",\n"))
}

fn pairs(lines: &[(&str, String)]) -> String {
    let pair = |(word, regex): &(&str, String)| cel::list([*word, regex]);
    format!("[{}]", lines.iter().map(pair).collect::<Vec<_>>().join(", "))
}

/// Lines as expressions; those that say the same of the same kinds, one after another, are one.
fn expressions(lines: &[Line], fold: bool) -> Vec<(&'static str, String)> {
    let mut groups: Vec<(&str, &str, Vec<String>)> = Vec::new();
    for line in lines.iter().filter(|line| line.is_field()) {
        let (word, tail) = (word(line), keys(line.tail));
        match groups.last_mut() {
            Some((last, kinds, tails)) if (*last, *kinds) == (word, line.kinds) => tails.push(tail),
            _ => groups.push((word, line.kinds, vec![tail])),
        }
    }
    let expression = |(word, kinds, tails): (&'static str, &str, Vec<String>)| {
        let tails = format!("(?:{})$", tails.join("|"));
        let regex = match kinds {
            "*" if fold => format!("(?i){tails}"),
            "*" => tails,
            kinds => format!("^(?i:{})\"(?:.*\")?{tails}", kinds.replace(',', "|")),
        };
        (word, regex)
    };
    groups.into_iter().map(expression).collect()
}

fn word(line: &Line) -> &'static str {
    match line.label {
        Label::Read if line.mapping => REFER,
        Label::Read => READ,
        Label::Unknown => ASK,
        _ => NOT,
    }
}

/// The last keys of a path as an expression.
fn keys(tail: &str) -> String {
    let key = |pattern: &str| format!("\"{}\"", pattern.replace('*', "[^\"]*"));
    tail.split('.').map(key).collect()
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::catalogue::Fields;
    use crate::yaml::{Path, Trail};

    fn label(fields: &Fields, trail: Trail<'_>, keys: &[&str], mapping: bool) -> Option<Label> {
        match keys {
            [] => fields.label(trail, mapping),
            [key, rest @ ..] => label(fields, Trail::Key(&trail, key), rest, mapping),
        }
    }

    /// The expressions of a group, as the policy asks them.
    fn compiled(group: &str) -> Vec<(&'static str, Regex)> {
        let own = expressions(&catalogue::block(group), false).into_iter();
        let all = own.chain(expressions(&catalogue::block(EVERYWHERE), true));
        all.map(|(word, regex)| (word, Regex::new(&regex).expect("an expression"))).collect()
    }

    fn told(lines: &[(&'static str, Regex)], trail: &str, mapping: bool) -> Option<&'static str> {
        let mut asked = lines.iter().filter(|(word, _)| mapping || *word != REFER);
        asked.find(|(_, regex)| regex.is_match(trail)).map(|(word, _)| *word)
    }

    #[test]
    fn the_expressions_say_of_keys_what_the_catalogue_says() {
        let mut tails: Vec<&str> = catalogue::block(EVERYWHERE).iter().map(|line| line.tail).collect();
        let groups = catalogue::groups();
        for (group, _) in &groups {
            tails.extend(catalogue::block(group).iter().map(|line| line.tail));
        }
        let words = |tail: &str| tail.replace('*', "x").split('.').map(str::to_owned).collect::<Vec<_>>();
        let mut known = 0;
        for (group, _) in groups.iter().step_by(9).chain([&("example.org", catalogue::GroupUses::default())])
        {
            let lines = compiled(group);
            for (kind, tail) in ["Certificate", "Exitnode", "Thing"]
                .iter()
                .flat_map(|kind| tails.iter().map(move |tail| (*kind, *tail)))
            {
                let words = words(tail);
                let keys: Vec<&str> = ["spec"].into_iter().chain(words.iter().map(String::as_str)).collect();
                let nearest = keys.iter().skip(keys.len().saturating_sub(3));
                let trail = nearest.fold(kind.to_owned(), |trail, key| format!("{trail}\"{key}\""));
                let fields = Fields::of(&format!("{group}/v1"), kind).expect("a custom resource");
                for mapping in [true, false] {
                    let wanted = label(&fields, Trail::Start(&Path::root()), &keys, mapping);
                    let wanted = wanted.map(|label| match label {
                        Label::Read => READ,
                        Label::Unknown => ASK,
                        _ => NOT,
                    });
                    let told =
                        told(&lines, &trail, mapping).map(|word| if word == REFER { READ } else { word });
                    assert_eq!(told, wanted, "{group} {trail} mapping: {mapping}");
                    known += usize::from(told.is_some());
                }
            }
        }
        assert!(known > 1000, "{known}");
    }
}
