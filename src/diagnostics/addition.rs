//! Help that can be pasted: entries for lists of the configuration.
//!
//! An entry is the end of its help line, so that nothing has to be cut off. If several findings of a run ask for entries of one
//! list, the first of them also shows the whole list.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::Diagnostic;
use crate::yaml::scalar::plain_or_quoted;

/// Lists whose entries say what a field is: who follows one such help follows them all.
const JOINED: [&str; 2] = ["references", "dropAnnotations"];

/// What comes before an entry.
const DASH: &str = ": - ";

/// The words that ask for an entry of a list of `spec`.
pub(crate) fn add_to(list: &str, entry: &str) -> String {
    format!("add to spec.{list}{DASH}{entry}")
}

/// The words that ask for an entry before all others of a list of `spec`.
pub(crate) fn add_on_top_of(list: &str, entry: &str) -> String {
    format!("add on top of spec.{list}{DASH}{entry}")
}

/// The field `keys` of such an entry, behind another field: each key of the chart and its own; nothing where there are none.
pub(crate) fn keys_field<K: AsRef<str>>(pairs: impl Iterator<Item = (K, K)>) -> String {
    let pair =
        |(key, own): (K, K)| format!("{}: {}", plain_or_quoted(key.as_ref()), plain_or_quoted(own.as_ref()));
    let pairs: Vec<String> = pairs.map(pair).collect();
    if pairs.is_empty() { String::new() } else { format!(", keys: {{{}}}", pairs.join(", ")) }
}

/// The entry that a help asks for in a list.
fn entry<'h>(help: &'h str, list: &str) -> Option<&'h str> {
    let words = add_to(list, "");
    help.lines().find_map(|line| line.split_once(&words)).map(|(_, entry)| entry)
}

/// Gives the first of several findings that ask for entries of one list the whole list, on one line.
pub(crate) fn join(diagnostics: &mut [Diagnostic]) {
    for list in JOINED {
        let mut known = BTreeSet::new();
        let mut asking = BTreeMap::new();
        for (number, diagnostic) in diagnostics.iter().enumerate() {
            if let Some(entry) = entry(&diagnostic.help, list)
                && known.insert(entry.to_owned())
            {
                asking.insert(number, entry.to_owned());
            }
        }
        let Some(first) = asking.keys().next().copied().filter(|_| asking.len() > 1) else { continue };
        let entries: Vec<String> = asking.into_values().collect();
        let all =
            format!("\nfor all {} findings of this kind: {list}: [{}]", entries.len(), entries.join(", "));
        let help = &mut diagnostics[first].help;
        let own = help.find(&add_to(list, "")).unwrap_or_default();
        let end = help[own..].find('\n').map_or(help.len(), |length| own + length);
        help.insert_str(end, &all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Code;

    #[test]
    fn the_first_finding_has_the_list_of_all() {
        let ask = |entry: &str| Diagnostic::error(Code::LeftBehind, "x", add_to("references", entry));
        let mut found = vec![ask("a"), ask("b"), ask("a")];
        join(&mut found);
        assert_eq!(
            found[0].help,
            "add to spec.references: - a\nfor all 2 findings of this kind: references: [a, b]"
        );
        assert_eq!(found[1].help, "add to spec.references: - b");
        let mut found = vec![ask("a"), ask("a")];
        join(&mut found);
        assert_eq!(found[0].help, "add to spec.references: - a");
    }
}
