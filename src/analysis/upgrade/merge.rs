//! What a client-side upgrade makes of a list of variables.
//!
//! Helm 3, and Helm 4 without server-side apply, compute a strategic merge patch from three lists (the last
//! manifest's, the live one, the new manifest's), and the API server applies it to the live one. Both match entries by
//! name, as if names were unique. This module is that computation, step by step, for lists of variables alone; the
//! functions bear the names they have in Kubernetes (`k8s.io/apimachinery/pkg/util/strategicpatch`).

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value};

/// An entry of `env`, as JSON. It may hold a secret value, so it is never printed.
pub(crate) type Entry = Map<String, Value>;

const NAME: &str = "name";
/// Marks an entry of a patch that takes all entries of its name out.
const DIRECTIVE: &str = "$patch";

/// In which order entries of one name come out of the sort before two lists are compared.
///
/// Kubernetes sorts by a function that calls equal names smaller. Go's insertion sort turns them round then; in longer
/// lists the order is nobody's promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SortOrder {
    /// Of the last manifest and the live object.
    before: Shuffle,
    /// Of the new manifest.
    after: Shuffle,
}

/// An order of things that count as equal. These are all there are of up to three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shuffle {
    is_reversed: bool,
    rotated_by: usize,
}

impl SortOrder {
    /// The longest list that Go sorts by insertion.
    const MAX_INSERTION: usize = 12;

    /// The orders to reckon with for lists up to this length, with up to this many entries of one name.
    pub(super) fn possible(longest: usize, most_of_a_name: usize) -> Vec<Self> {
        let reversed = Shuffle { is_reversed: true, rotated_by: 0 };
        if longest <= Self::MAX_INSERTION || most_of_a_name < 2 {
            return vec![Self { before: reversed, after: reversed }];
        }
        let rotations = if most_of_a_name == 2 { 1 } else { 3 };
        let shuffles = (0..rotations)
            .flat_map(|rotated_by| [true, false].map(|is_reversed| Shuffle { is_reversed, rotated_by }));
        let shuffles: Vec<Shuffle> = shuffles.collect();
        let pairs = shuffles.iter().flat_map(|before| shuffles.iter().map(move |after| (*before, *after)));
        pairs.map(|(before, after)| Self { before, after }).collect()
    }
}

/// What a comparison of two lists is after.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    /// What is new or other in the second.
    Changes,
    /// What is missing in the second.
    Deletions,
}

/// Part of a patch: entries to merge, and the order of names that the list shall have.
#[derive(Default)]
struct ListPatch {
    entries: Vec<Entry>,
    element_order: Option<Vec<Value>>,
}

/// A patch that contradicts its own order: several entries of one name change, and so does one between them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OrderMismatch {
    /// The names that the patch has more than once.
    pub(super) repeated: BTreeSet<String>,
}

/// The live list after a client-side upgrade from manifest `original` to manifest `modified`.
///
/// # Errors
///
/// The patch is one that Kubernetes does not take.
pub(super) fn upgraded(
    original: &[Entry],
    live: &[Entry],
    modified: &[Entry],
    order: SortOrder,
) -> Result<Vec<Entry>, OrderMismatch> {
    let patch = create_three_way_merge_patch(original, live, modified, order)?;
    merge_patch_into_original(live, patch, Merge::OnTheServer)
}

fn create_three_way_merge_patch(
    original: &[Entry],
    live: &[Entry],
    modified: &[Entry],
    order: SortOrder,
) -> Result<ListPatch, OrderMismatch> {
    let changes = diff_lists(live, modified, Want::Changes, order);
    let deletions = diff_lists(original, modified, Want::Deletions, order);
    let element_order = changes.element_order.clone().or(deletions.element_order);
    let entries = merge_patch_into_original(&deletions.entries, changes, Merge::OnTheClient)?;
    Ok(ListPatch { entries, element_order })
}

fn diff_lists(original: &[Entry], modified: &[Entry], want: Want, order: SortOrder) -> ListPatch {
    if original.is_empty() {
        let entries = if want == Want::Changes { modified.to_vec() } else { Vec::new() };
        return ListPatch { entries, element_order: None };
    }
    let (mut entries, deletions) = diff_lists_of_maps(original, modified, want, order);
    let names = names(modified);
    normalize_slice_order(&mut entries, &names);
    entries.extend(deletions);
    let same_order = self::names(original) == names;
    let has_order = !entries.is_empty() || (want == Want::Changes && !same_order);
    ListPatch { entries, element_order: has_order.then_some(names) }
}

/// Walks both lists in the order of names. Entries of one name are paired in the order in which they come.
fn diff_lists_of_maps(
    original: &[Entry],
    modified: &[Entry],
    want: Want,
    order: SortOrder,
) -> (Vec<Entry>, Vec<Entry>) {
    let (original, modified) = (sorted(original, order.before), sorted(modified, order.after));
    let (mut old, mut new) = (original.iter().peekable(), modified.iter().peekable());
    let (mut patch, mut deletions) = (Vec::new(), Vec::new());
    loop {
        let ordering = match (old.peek(), new.peek()) {
            (None, None) => return (patch, deletions),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(old), Some(new)) => name(old).cmp(name(new)),
        };
        let before = if ordering.is_le() { old.next() } else { None };
        let after = if ordering.is_ge() { new.next() } else { None };
        match (before, after) {
            (Some(before), Some(after)) => {
                let mut changed = diff_maps(before, after, want);
                if !changed.is_empty() {
                    changed.insert(NAME.to_owned(), name(after).into());
                    patch.push(changed);
                }
            }
            (None, Some(after)) if want == Want::Changes => patch.push((*after).clone()),
            (Some(before), None) if want == Want::Deletions => deletions.push(delete_directive(name(before))),
            _ => {}
        }
    }
}

fn delete_directive(name: &str) -> Entry {
    let fields = [(NAME.to_owned(), name.into()), (DIRECTIVE.to_owned(), "delete".into())];
    fields.into_iter().collect()
}

fn sorted(list: &[Entry], shuffle: Shuffle) -> Vec<&Entry> {
    let mut sorted: Vec<&Entry> = list.iter().collect();
    sorted.sort_by(|a, b| name(a).cmp(name(b)));
    for group in sorted.chunk_by_mut(|a, b| name(a) == name(b)) {
        if shuffle.is_reversed {
            group.reverse();
        }
        group.rotate_left(shuffle.rotated_by % group.len());
    }
    sorted
}

fn diff_maps(original: &Entry, modified: &Entry, want: Want) -> Entry {
    let mut patch = Entry::new();
    for (key, new) in modified {
        match (original.get(key), new) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let inner = diff_maps(old, new, want);
                if !inner.is_empty() {
                    patch.insert(key.clone(), inner.into());
                }
            }
            (old, new) if want == Want::Changes && old != Some(new) => {
                patch.insert(key.clone(), new.clone());
            }
            _ => {}
        }
    }
    if want == Want::Deletions {
        let gone = original.keys().filter(|key| !modified.contains_key(*key));
        patch.extend(gone.map(|key| (key.clone(), Value::Null)));
    }
    patch
}

/// Where two lists are merged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Merge {
    /// Deletions and changes become one patch: a `null` stays, since the server shall see it.
    OnTheClient,
    /// The patch meets the live list: a `null` takes the field out.
    OnTheServer,
}

fn merge_patch_into_original(
    original: &[Entry],
    patch: ListPatch,
    place: Merge,
) -> Result<Vec<Entry>, OrderMismatch> {
    if let Some(order) = &patch.element_order {
        validate_patch_with_set_order_list(&patch.entries, order)?;
    }
    let merged = if patch.entries.is_empty() {
        original.to_vec()
    } else if original.is_empty() {
        // The field is not there: the patch's list is taken as it is, without entries that only delete.
        patch.entries.into_iter().filter(|entry| !entry.contains_key(DIRECTIVE)).collect()
    } else {
        merge_slice(original, &patch.entries, place)
    };
    Ok(match patch.element_order {
        Some(order) => normalize_element_order(merged, &order, &names(original)),
        None => merged,
    })
}

/// The names of a patch must come in the order that it asks for.
fn validate_patch_with_set_order_list(patch: &[Entry], order: &[Value]) -> Result<(), OrderMismatch> {
    let mut order = order.iter();
    let mut entries = patch.iter().filter(|entry| !entry.contains_key(DIRECTIVE));
    if entries.all(|entry| order.any(|wanted| wanted == name(entry))) {
        return Ok(());
    }
    let mut known = HashSet::new();
    let changed = patch.iter().filter(|entry| !entry.contains_key(DIRECTIVE)).map(name);
    let repeated = changed.filter(|name| !known.insert(*name)).map(str::to_owned).collect();
    Err(OrderMismatch { repeated })
}

fn merge_slice(original: &[Entry], patch: &[Entry], place: Merge) -> Vec<Entry> {
    let (deletions, patch): (Vec<&Entry>, Vec<&Entry>) =
        patch.iter().partition(|entry| entry.contains_key(DIRECTIVE));
    let mut merged: Vec<Entry> = original.to_vec();
    let deleted: HashSet<&str> = deletions.into_iter().map(name).collect();
    merged.retain(|entry| !deleted.contains(name(entry)));
    let server_order = names(&merged);
    let mut known = places(&server_order);
    for entry in &patch {
        // The first entry of the name takes the change, whichever it was meant for.
        let next = merged.len();
        match *known.entry(name(entry)).or_insert(next) {
            position if position < next => merge_map(&mut merged[position], entry, place),
            _ => merged.push((*entry).clone()),
        }
    }
    let order: Vec<Value> = patch.iter().map(|entry| name(entry).into()).collect();
    normalize_element_order(merged, &order, &server_order)
}

fn merge_map(original: &mut Entry, patch: &Entry, place: Merge) {
    for (key, new) in patch {
        match (original.get_mut(key), new) {
            (_, Value::Null) if place == Merge::OnTheServer => {
                original.remove(key);
            }
            (Some(Value::Object(old)), Value::Object(new)) => merge_map(old, new, place),
            _ => {
                original.insert(key.clone(), new.clone());
            }
        }
    }
}

/// Entries that the patch names come in its order; the others keep their place among them as far as possible.
fn normalize_element_order(merged: Vec<Entry>, order: &[Value], server_order: &[Value]) -> Vec<Entry> {
    let places = places(order);
    let (mut patched, mut server_only): (Vec<Entry>, Vec<Entry>) =
        merged.into_iter().partition(|entry| places.contains_key(name(entry)));
    normalize_slice_order(&mut patched, order);
    normalize_slice_order(&mut server_only, server_order);
    merge_sorted_slice(server_only, patched, server_order)
}

fn normalize_slice_order(entries: &mut [Entry], order: &[Value]) {
    let places = places(order);
    entries.sort_by_key(|entry| (entry.contains_key(DIRECTIVE), places.get(name(entry)).copied()));
}

fn merge_sorted_slice(left: Vec<Entry>, right: Vec<Entry>, server_order: &[Value]) -> Vec<Entry> {
    let places = places(server_order);
    let place = |entry: &Entry| places.get(name(entry)).copied();
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    let mut all = Vec::new();
    loop {
        let take_left = match (left.peek(), right.peek()) {
            (None, None) => return all,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(left), Some(right)) => match (place(left), place(right)) {
                (Some(left), Some(right)) => left < right,
                _ => false,
            },
        };
        all.extend(if take_left { left.next() } else { right.next() });
    }
}

/// Where each name comes first.
fn places(names: &[Value]) -> HashMap<&str, usize> {
    let mut places = HashMap::new();
    for (position, name) in names.iter().filter_map(Value::as_str).enumerate() {
        places.entry(name).or_insert(position);
    }
    places
}

fn names(list: &[Entry]) -> Vec<Value> {
    list.iter().map(|entry| name(entry).into()).collect()
}

/// The name of an entry. Entries without one never get here.
pub(crate) fn name(entry: &Entry) -> &str {
    entry.get(NAME).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = r#"{"name": "A", "value": "canary"}"#;
    const CHART: &str = r#"{"name": "A", "valueFrom": {"secretKeyRef": {"name": "chart", "key": "k"}}}"#;
    const VAULT: &str = r#"{"name": "A", "valueFrom": {"secretKeyRef": {"name": "vault", "key": "k"}}}"#;
    const OTHER: &str = r#"{"name": "B", "value": "b"}"#;
    const CHANGED: &str = r#"{"name": "B", "value": "c"}"#;

    fn list(entries: &[&str]) -> Vec<Entry> {
        entries.iter().map(|entry| serde_json::from_str(entry).expect("JSON")).collect()
    }

    /// An upgrade of a short list whose live object is as the last manifest says; each case was seen in a cluster.
    #[track_caller]
    fn check(old: &[&str], new: &[&str], live: Result<&[&str], OrderMismatch>) {
        let order = SortOrder::possible(old.len().max(new.len()), 2)[0];
        let (old, new) = (list(old), list(new));
        assert_eq!(upgraded(&old, &old, &new, order), live.map(list));
    }

    #[test]
    fn lists_without_duplicates_become_what_the_manifest_says() {
        check(&[VALUE, OTHER], &[VAULT, OTHER], Ok(&[VAULT, OTHER]));
        check(&[VALUE, OTHER], &[OTHER, CHART], Ok(&[OTHER, CHART]));
        check(&[OTHER], &[CHART, OTHER], Ok(&[CHART, OTHER]));
        check(&[CHART, OTHER], &[CHANGED], Ok(&[CHANGED]));
        check(&[], &[VALUE, VAULT], Ok(&[VALUE, VAULT]));
    }

    #[test]
    fn two_entries_that_become_one_go_both() {
        check(&[CHART, OTHER, VAULT], &[OTHER, VAULT], Ok(&[OTHER]));
        check(&[CHART, OTHER, VAULT], &[CHART, OTHER], Ok(&[OTHER]));
        check(&[VALUE, VAULT], &[VAULT], Ok(&[]));
    }

    #[test]
    fn a_field_that_goes_saves_the_entry() {
        // The null is gone once the API server has stored the object.
        let saved = r#"{"name": "A", "value": "canary", "valueFrom": null}"#;
        check(&[VALUE, VAULT], &[VALUE], Ok(&[saved]));
    }

    #[test]
    fn the_first_entry_gets_what_was_meant_for_the_second() {
        check(&[CHART, CHART], &[CHART, VAULT], Ok(&[VAULT, CHART]));
        check(&[VAULT], &[CHART, VAULT], Ok(&[CHART]));
    }

    #[test]
    fn a_patch_can_contradict_its_own_order() {
        let repeated = ["A".to_owned()].into();
        check(&[OTHER], &[CHART, CHANGED, VAULT], Err(OrderMismatch { repeated }));
    }

    #[test]
    fn long_lists_come_in_every_order_of_equal_names() {
        assert_eq!(SortOrder::possible(12, 3).len(), 1);
        assert_eq!(SortOrder::possible(13, 1).len(), 1);
        assert_eq!(SortOrder::possible(13, 2).len(), 4);
        assert_eq!(SortOrder::possible(13, 3).len(), 36);
    }
}
