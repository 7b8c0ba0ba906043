//! The variables that a container defines more than once, in linear cost.
//!
//! The CEL of old servers has neither sets nor sorting, and comparing each name with all others is too dear for a
//! thousand. But looking up a text of less than ten letters in a list costs nothing there. So each name becomes a short
//! text that is the same for equal names: the positions at which its pieces are first found in lists of all pieces, and
//! then the positions of those. Only names of more letters than that are compared whole.

use crate::analysis::guard::cel::bind;

/// Letters in a piece.
const PIECE: usize = 9;

/// Where more names than this are alike in their first and last letters, those with others between are not compared.
const MOST: usize = 300;

/// More entries than this are all named; of fewer, those that are the last ones of their names.
const SHOWN: usize = 100;

/// The text that names every variable that `c` defines more than once; only the entry that is the last one of its name
/// is named, and those that are equal to it.
pub(super) fn of_container() -> String {
    // One entry for each name, as long as there are not too many to look for the last one of each.
    repeated(
        "''",
        &format!(
            "(found.size() > {SHOWN} ? found : found.filter(e, c.env[names.lastIndexOf(e.name)] == e))\n\
             .map(e, 'container ' + c.name + ' variable ' + e.name).join(', ')"
        ),
    )
}

/// An expression of the entries `found` of the container `c` whose names have others, and of all its `names`; `none` where
/// there is none.
pub(super) fn repeated(none: &str, body: &str) -> String {
    let two = 2 * PIECE;
    let last = format!("(n.size() > {PIECE} ? n.substring(n.size() - {PIECE}) : n)");
    let before_last = format!(
        "(n.size() > {two} ? n.substring(n.size() - {two}, n.size() - {PIECE})\
         : n.size() > {PIECE} ? n.substring(0, n.size() - {PIECE}) : '')"
    );
    let first = format!("(n.size() > {PIECE} ? n.substring(0, {PIECE}) : n)");
    let second = format!(
        "(n.size() > {two} ? n.substring({PIECE}, {two}) : n.size() > {PIECE} ? n.substring({PIECE}) : '')"
    );
    let end = pair(("lasts", &last), ("befores", &before_last));
    let begin = pair(("firsts", &first), ("seconds", &second));
    let whole = pair(("ends", &end), ("begins", &begin));
    let is_twice = format!(
        "{} && {} && (n.size() <= {} || (alike.size() <= {MOST} && {}))",
        recurs("ends", &end),
        recurs("wholes", &whole),
        2 * two,
        recurs("alike", "n")
    );
    let compared = bind("found", &format!("c.env.filter(e, [e.name].exists(n, {is_twice}))"), body);
    // Those that share an end are compared further; most containers have none.
    let further = bind_all(
        &[
            ("firsts", format!("close.map(n, {first})")),
            ("seconds", format!("close.map(n, {second})")),
            ("begins", format!("close.map(n, {begin})")),
            ("wholes", format!("close.map(n, {whole})")),
            ("alike", format!("close.filter(n, {})", recurs("wholes", &whole))),
        ],
        compared,
    );
    bind_all(
        &[
            ("names", "c.env.map(e, e.name)".to_owned()),
            ("lasts", format!("names.map(n, {last})")),
            ("befores", format!("names.map(n, {before_last})")),
            ("ends", format!("names.map(n, {end})")),
            ("close", format!("names.filter(n, {})", recurs("ends", &end))),
        ],
        format!("close.size() == 0 ? {none} :\n{further}"),
    )
}

/// An expression with names for values, each of which may use those before it.
fn bind_all(values: &[(&str, String)], body: String) -> String {
    values.iter().rfold(body, |body, (name, value)| bind(name, value, &body))
}

/// Two pieces of a name as one short text: where each is first found.
fn pair(one: (&str, &str), other: (&str, &str)) -> String {
    format!("string({}.indexOf({})) + '.' + string({}.indexOf({}))", one.0, one.1, other.0, other.1)
}

/// Whether an item is in a list at two positions.
fn recurs(list: &str, item: &str) -> String {
    format!("[{item}].exists(i, {list}.indexOf(i) != {list}.lastIndexOf(i))")
}
