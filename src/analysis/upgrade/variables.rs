//! Variables that an upgrade or a rollback would lose, although the manifest has them.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::analysis::upgrade::merge::{self, Entry, OrderMismatch, SortOrder};
use crate::analysis::upgrade::release::{EnvOf, Member, Release};
use crate::analysis::upgrade::remedy::{Damage, ROLL_FORWARD, Replacement};
use crate::diagnostics::{Code, Diagnostic, Location};

/// What happens to a variable, from good to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MergeResult {
    /// The live object has what the manifest says.
    Right,
    /// It has another entry of that name.
    Wrong,
    /// It has none, or one without a content.
    Lost,
    /// The API server refuses the object.
    Refused,
}

/// What happens to a variable in every order that has to be reckoned with.
#[derive(Clone, Copy)]
struct Forecast {
    worst: MergeResult,
    is_certain: bool,
}

/// The lists of one container: of the manifest that was, of the cluster, and of the manifest that is to come; and what
/// happens to them in every order, worked out once for all names.
struct ListChange<'r> {
    old: &'r EnvOf,
    live: Vec<Entry>,
    new: &'r EnvOf,
    orders: Vec<SortOrder>,
    /// How often each name is in each of the three.
    counts: [HashMap<String, usize>; 3],
    /// The last entry of each name that the new manifest wants.
    wanted: HashMap<String, Entry>,
    /// The live list after the change, for each order.
    once: Vec<Merged>,
    /// The same after the change is made once more.
    twice: OnceCell<Vec<Merged>>,
}

/// The entries of each name, or why the patch is refused.
type Merged = Result<HashMap<String, Vec<Entry>>, OrderMismatch>;

/// What an upgrade would lose.
pub(super) fn on_the_way_up(
    previous: &Release<'_>,
    next: &Release<'_>,
    replacement: &Replacement,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for object in next.members().filter(|member| !member.is_hook && member.is_merged()) {
        found.extend(object.env.iter().flat_map(|env| refused_apply(next, object, env)));
        found.extend(object.repeated.iter().map(|(what, place)| {
            let message = format!("{REFUSES}: {what}");
            let help = "set spec.duplicates to last: equal entries become one; of others keep one in the chart's values";
            Diagnostic::error(Code::RefusedApply, message, help).at(next.locate(object, Some(place)))
        }));
        let Some(before) = previous.find(object) else { continue };
        for change in changes(previous, before, object) {
            for name in distinct_names(&change.new.entries) {
                let forecast = change.forecast(name);
                let Some((rule, message)) = upgrade_message(&change, name, forecast) else { continue };
                let help = replacement.advice(object, change.damage(name));
                let place = place(previous, before, change.old, name);
                found.push(Diagnostic::error(rule, message, help).at(place));
            }
        }
    }
    found
}

/// The objects that a client-side upgrade leaves without what the manifest says, each with the worst that happens to it.
pub(crate) fn damaged<'n>(previous: &Release<'_>, next: &'n Release<'_>) -> Vec<(&'n Member, Damage)> {
    let worst = |object: &'n Member| {
        let before = previous.find(object)?;
        let damages = changes(previous, before, object).flat_map(|change| {
            let damage = |name| match change.forecast(name).worst {
                MergeResult::Right => None,
                MergeResult::Refused => Some(Damage::Refused),
                MergeResult::Lost | MergeResult::Wrong => Some(change.damage(name)),
            };
            distinct_names(&change.new.entries).filter_map(damage).collect::<Vec<_>>()
        });
        damages.max().map(|damage| (object, damage))
    };
    next.members().filter(|member| !member.is_hook && member.is_merged()).filter_map(worst).collect()
}

/// The lists of an object that are in both manifests.
fn changes<'r>(
    previous: &'r Release<'_>,
    before: &'r Member,
    object: &'r Member,
) -> impl Iterator<Item = ListChange<'r>> {
    object.env.iter().filter_map(move |new| {
        let old = before.env_of(new)?;
        let live = previous.live(object).and_then(|live| live.env_of(new)).unwrap_or(old);
        Some(ListChange::new(old, &live.entries, new))
    })
}

/// What a rollback to the last release would lose.
pub(super) fn on_the_way_back(previous: &Release<'_>, next: &Release<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for target in previous.members().filter(|member| !member.is_hook && member.is_merged()) {
        let Some(object) = next.find(target) else { continue };
        for new in &target.env {
            let Some(old) = object.env_of(new) else { continue };
            let change = ListChange::new(old, &old.entries, new);
            for name in distinct_names(&new.entries) {
                let forecast = change.forecast(name);
                let Some(message) = rollback_message(&change, name, forecast) else { continue };
                let location = place(previous, target, new, name);
                found.push(Diagnostic::error(Code::RollbackVariable, message, ROLL_FORWARD).at(location));
            }
        }
    }
    found
}

const REFUSES: &str = "server-side apply, which Helm 4 uses for new releases, refuses this object";

/// Names with several entries in the new manifest: server-side apply takes no such list.
fn refused_apply(next: &Release<'_>, object: &Member, env: &EnvOf) -> Vec<Diagnostic> {
    let counts = count(&env.entries);
    let twice = distinct_names(&env.entries).filter(|name| counts[*name] > 1);
    let diagnostic = |name: &str| {
        let message =
            format!("{REFUSES}: {name} has {} in container {}", entries(counts[name]), env.container);
        let help = "decide by a rule in spec.env, or set spec.duplicates to last";
        Diagnostic::error(Code::RefusedApply, message, help).at(place(next, object, env, name))
    };
    twice.map(diagnostic).collect()
}

fn upgrade_message(change: &ListChange<'_>, name: &str, forecast: Forecast) -> Option<(Code, String)> {
    let container = &change.new.container;
    let does =
        |certain: &str, possible: &str| if forecast.is_certain { certain } else { possible }.to_owned();
    let (rule, what) = match forecast.worst {
        MergeResult::Right => return None,
        MergeResult::Lost => (
            Code::LostVariable,
            format!(
                "a client-side upgrade {} container {container} without {name}, and succeeds",
                does("leaves", "can leave")
            ),
        ),
        MergeResult::Wrong => (
            Code::WrongVariable,
            format!(
                "a client-side upgrade {} container {container} with another {name} than the manifest's, and succeeds",
                does("leaves", "can leave")
            ),
        ),
        MergeResult::Refused => (
            Code::RefusedPatch,
            format!(
                "a client-side upgrade of this object {} because of {name} in container {container}, when the rest of \
                 the release is upgraded",
                does("fails", "can fail")
            ),
        ),
    };
    Some((rule, format!("{what}: {}", counts(change, name, "the last manifest", "the new one"))))
}

fn rollback_message(change: &ListChange<'_>, name: &str, forecast: Forecast) -> Option<String> {
    let container = &change.new.container;
    let what = match forecast.worst {
        MergeResult::Right => return None,
        MergeResult::Lost => format!("would leave container {container} without {name}, and succeed"),
        MergeResult::Wrong => {
            format!("would leave container {container} with another {name} than the manifest's, and succeed")
        }
        MergeResult::Refused => {
            format!("would fail because of {name} in container {container}")
        }
    };
    let counts = counts(change, name, "the new manifest", "the last one");
    Some(format!("after this upgrade, a client-side rollback to the last release {what}: {counts}"))
}

fn counts(change: &ListChange<'_>, name: &str, old: &str, new: &str) -> String {
    let [before, live, after] =
        change.counts.each_ref().map(|counts| counts.get(name).copied().unwrap_or_default());
    let live = if live == before { String::new() } else { format!(", {} in the live object", entries(live)) };
    format!("it has {} in {old}{live}, {} in {new}", entries(before), entries(after))
}

fn entries(count: usize) -> String {
    match count {
        0 => "no entry".to_owned(),
        1 => "one entry".to_owned(),
        2 => "two entries".to_owned(),
        count => format!("{count} entries"),
    }
}

impl<'r> ListChange<'r> {
    fn new(old: &'r EnvOf, live: &[Entry], new: &'r EnvOf) -> Self {
        let live = stored(live);
        let counts = [&old.entries, &live, &new.entries].map(|list| count(list));
        let longest = [&old.entries, &live, &new.entries].into_iter().map(Vec::len).max();
        let most = counts.iter().flat_map(HashMap::values).max().copied();
        let orders = SortOrder::possible(longest.unwrap_or_default(), most.unwrap_or_default());
        let after = |order: &SortOrder| merge::upgraded(&old.entries, &live, &new.entries, *order);
        let once = orders.iter().map(|order| after(order).map(|list| by_name(&list))).collect();
        let wanted = by_name(&new.entries);
        let last = |(name, mut entries): (String, Vec<Entry>)| Some((name, entries.pop()?));
        let wanted = wanted.into_iter().filter_map(last).collect();
        Self { old, live, new, orders, counts, wanted, once, twice: OnceCell::new() }
    }

    /// What a client-side change makes of a variable.
    fn forecast(&self, name: &str) -> Forecast {
        let outcomes: Vec<MergeResult> = self.once.iter().map(|merged| self.outcome(merged, name)).collect();
        let worst = outcomes.iter().copied().max().unwrap_or(MergeResult::Right);
        Forecast { worst, is_certain: outcomes.iter().all(|outcome| *outcome == worst) }
    }

    /// Whether the same upgrade once more gives the live object what the manifest says, whatever the first one did.
    fn damage(&self, name: &str) -> Damage {
        let new = &self.new.entries;
        let again = |order: &SortOrder| {
            let live = merge::upgraded(&self.old.entries, &self.live, new, *order)?;
            let second = merge::upgraded(new, &stored(&live), new, *order)?;
            Ok(by_name(&second))
        };
        let twice = self.twice.get_or_init(|| self.orders.iter().map(again).collect());
        let is_mended =
            twice.iter().all(|merged| merged.is_ok() && self.outcome(merged, name) == MergeResult::Right);
        if is_mended { Damage::UntilNextTime } else { Damage::Refused }
    }

    /// What has become of a variable.
    fn outcome(&self, merged: &Merged, name: &str) -> MergeResult {
        let merged = match merged {
            Ok(merged) => merged,
            // The whole patch is refused; what causes it is what is in it several times.
            Err(mismatch) if mismatch.repeated.contains(name) => return MergeResult::Refused,
            Err(_) => return MergeResult::Right,
        };
        let found = merged.get(name).map(Vec::as_slice).unwrap_or_default();
        if found.iter().any(is_invalid) {
            return MergeResult::Refused;
        }
        // The kubelet takes the last entry of a name.
        match (found.last(), self.wanted.get(name)) {
            (found, wanted) if found == wanted => MergeResult::Right,
            (Some(found), _) if found.len() > 1 => MergeResult::Wrong,
            _ => MergeResult::Lost,
        }
    }
}

/// The entries of each name, as the API server stores them.
fn by_name(list: &[Entry]) -> HashMap<String, Vec<Entry>> {
    let mut found: HashMap<String, Vec<Entry>> = HashMap::new();
    for entry in list {
        found.entry(merge::name(entry).to_owned()).or_default().push(stored_entry(entry));
    }
    found
}

/// Whether the API server refuses the entry: it takes its value from two places.
fn is_invalid(entry: &Entry) -> bool {
    let source = entry.get("valueFrom").and_then(Value::as_object);
    source.is_some_and(|source| entry.contains_key("value") || source.len() > 1)
}

/// Entries as the API server stores them: without empty values and nulls, and without what it fills in itself.
pub(crate) fn stored(entries: &[Entry]) -> Vec<Entry> {
    entries.iter().map(stored_entry).collect()
}

fn stored_entry(entry: &Entry) -> Entry {
    let mut entry = without_empty(entry);
    for (source, field, default) in [("fieldRef", "apiVersion", "v1"), ("resourceFieldRef", "divisor", "0")] {
        let source = entry.get_mut("valueFrom").and_then(|from| from.get_mut(source));
        if let Some(source) = source.and_then(Value::as_object_mut)
            && source.get(field).and_then(Value::as_str) == Some(default)
        {
            source.remove(field);
        }
    }
    entry
}

fn without_empty(entry: &Entry) -> Entry {
    let full = entry.iter().filter(|(_, value)| !value.is_null() && value.as_str() != Some(""));
    let inner = |value: &Value| match value {
        Value::Object(fields) => without_empty(fields).into(),
        other => other.clone(),
    };
    full.map(|(key, value)| (key.clone(), inner(value))).collect()
}

fn distinct_names(entries: &[Entry]) -> impl Iterator<Item = &str> {
    let mut known = HashSet::new();
    entries.iter().map(merge::name).filter(move |name| known.insert(*name))
}

/// How often each name is in a list.
fn count(entries: &[Entry]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for entry in entries {
        *counts.entry(merge::name(entry).to_owned()).or_default() += 1;
    }
    counts
}

/// Where a variable's first entry is; where there is none, the object.
fn place(release: &Release<'_>, object: &Member, env: &EnvOf, name: &str) -> Location {
    let position = env.entries.iter().position(|entry| merge::name(entry) == name);
    release.locate(object, position.map(|position| &env.places[position]))
}
