//! What the policies say of manifests, told without a server: the filter's own rules decide.
//!
//! An object that the filter would change is at fault. What is at a place that no policy looks at is said as well, as a
//! warning: a server takes it.

use std::collections::BTreeSet;

use crate::analysis::guard::credentials::judge;
use crate::analysis::guard::evidence::{self, is_beyond_limits};
use crate::analysis::guard::kinds::{self, GuardedKind};
use crate::analysis::guard::known::KnownSecrets;
use crate::analysis::guard::places::{Change, JudgedPlaces};
use crate::analysis::guard::render::Render;
use crate::analysis::guard::stand_ins::{stand_ins, without_filtered_holders};
use crate::analysis::guard::{GuardOptions, guard};
use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, Error, Location, Severity};
use crate::edit::means;
use crate::edit::patch::Op;
use crate::filter::rewrite::RewrittenDocument;
use crate::filter::{self, Reach};
use crate::kube::object::Object;
use crate::rules::RULES;
use crate::stream;
use crate::yaml::Step;

/// Types of Secrets that Helm and the API server make for themselves.
const NOT_A_CHARTS: [&str; 2] = ["helm.sh/release.v1", "kubernetes.io/service-account-token"];

/// What the policies of a configuration, made with this render, refuse of manifests (errors), and what the filter would
/// change and no policy looks at (warnings).
///
/// # Errors
///
/// Those of [`guard()`], and manifests that cannot be read.
pub fn check_guarded(
    manifests: &[u8],
    render: Option<&[u8]>,
    config: &Config,
) -> Result<Vec<Diagnostic>, Error> {
    guard(render, config, &GuardOptions::default())?;
    let mut config = config.clone();
    config.allow_unmatched();
    config.warn_of_hooks();
    let mut said = verdicts(manifests, render, &config)?;
    // An object is judged by itself: who reads a moved key is at fault also beside a Secret that has been filtered.
    if let Some(others) = without_filtered_holders(manifests, &config) {
        let is_refused = |found: &Diagnostic| {
            found.severity == Severity::Error
                && !said
                    .iter()
                    .any(|known| known.message == found.message && place_of(known) == place_of(found))
        };
        let more: Vec<Diagnostic> =
            verdicts(&others, render, &config)?.into_iter().filter(is_refused).collect();
        said.extend(more);
    }
    said.sort_by_key(|found| (found.location.document, found.location.line, found.location.column));
    Ok(said)
}

/// What is said of manifests, with the Secrets that are in them.
fn verdicts(manifests: &[u8], render: Option<&[u8]>, config: &Config) -> Result<Vec<Diagnostic>, Error> {
    let shapes = render.map(|render| Render::read(render, config));
    let kinds = kinds::kinds(config, shapes.as_ref()).map_err(Error::new)?;
    // A reference is judged by a name. What has it comes behind the manifests, so that the filter knows it.
    let own = stream::documents(manifests).count();
    let mut input = manifests.to_vec();
    input.extend(stand_ins(manifests, render, config));
    let all = Render::read(&input, config);
    let keys = evidence::removed_keys(config, shapes.as_ref());
    let removed = KnownSecrets::of(all, config, shapes.as_ref(), keys);
    let rendered = shapes.iter().flat_map(|render| &render.secrets);
    let secrets: BTreeSet<&str> = config.vault.iter().chain(rendered).map(String::as_str).collect();
    let judge = Judge { config, kinds: &kinds, removed: &removed, secrets };
    let judged = filter::judge(RULES, &input, config, Reach::Every, |seen| judge.verdicts(seen))?;
    let is_own = |found: &Diagnostic| found.location.document.is_none_or(|number| number <= own);
    let unreadable = judged.found.iter().filter(|found| found.code.prevents_judgement());
    let unreadable: Vec<Diagnostic> =
        unreadable.cloned().map(|found| found.with_severity(Severity::Error)).collect();
    if !unreadable.is_empty() {
        return Err(Error::new(unreadable));
    }
    let mut said: Vec<Diagnostic> = judged.views.into_iter().flatten().collect();
    let credentials = said.iter().filter(|found| found.code == Code::Plaintext);
    let credentials: BTreeSet<(Option<usize>, String)> = credentials.map(place_of).collect();
    let others = judged.found.into_iter().filter(|found| !is_told(found, &credentials));
    said.extend(others.filter_map(finding));
    said.retain(is_own);
    Ok(said)
}

/// What a finding of the filter means to a server.
fn finding(found: Diagnostic) -> Option<Diagnostic> {
    match (found.code, found.severity) {
        (Code::DuplicateEnv, Severity::Error) => Some(found),
        (Code::Plaintext, _) => Some(Diagnostic {
            message: format!("no policy looks at this: {}", found.message),
            severity: Severity::Warning,
            ..found
        }),
        (_, Severity::Error) => Some(not_judged(&found.message, found.location)),
        _ => None,
    }
}

/// The document and the path of a finding.
fn place_of(found: &Diagnostic) -> (Option<usize>, String) {
    (found.location.document, found.location.path.clone().unwrap_or_default())
}

/// Whether the policy of credentials finds what the filter has found.
fn is_told(found: &Diagnostic, credentials: &BTreeSet<(Option<usize>, String)>) -> bool {
    let (document, path) = place_of(found);
    // The filter may name the value, the policy names the entry.
    let is_within =
        |end: usize| path.is_char_boundary(end) && credentials.contains(&(document, path[..end].to_owned()));
    found.code == Code::Plaintext && (0..=path.len()).any(is_within)
}

/// What verdicts depend on.
struct Judge<'a> {
    config: &'a Config,
    kinds: &'a [GuardedKind],
    /// The Secrets that are removed, or of which keys are moved.
    removed: &'a KnownSecrets<'a>,
    /// The names of known Secrets, which are no credentials.
    secrets: BTreeSet<&'a str>,
}

impl Judge<'_> {
    /// The verdicts on the objects of a document.
    fn verdicts(&self, seen: &RewrittenDocument<'_, '_, '_>) -> Vec<Diagnostic> {
        let mut said = Vec::new();
        for object in seen.objects.iter().filter(|object| !is_made_by_a_controller(object)) {
            let ops = seen.patch.ops().iter();
            let own = ops.filter(|op| op.path().starts_with(&object.path));
            let ops: Vec<&Op> = own.filter(|op| changes(object, op)).collect();
            let at = seen.locator.locate_in(seen.document, object, object.tree.start(object.node));
            if ops.iter().any(|op| *op.path() == object.path) {
                said.extend(removed(object, at));
            } else {
                let (data, ops): (Vec<&Op>, Vec<&Op>) = ops.into_iter().partition(|op| moves_key(object, op));
                said.extend((!data.is_empty()).then(|| holds_moved_keys(object, &at)));
                let places = JudgedPlaces::of(object, self.config, self.kinds, self.removed);
                said.extend(verdicts_on(&places, &ops, &at));
                said.extend(self.credentials(object, &places, &at));
                said.extend(self.limits(object, &places, &at));
            }
        }
        said.into_iter().map(|found| seen.leaked_values.conceal(found)).collect()
    }

    /// What is said of a custom resource that holds more than a server looks at.
    fn limits(
        &self,
        object: &Object<'_, '_>,
        places: &JudgedPlaces<'_, '_, '_>,
        at: &Location,
    ) -> Option<Diagnostic> {
        let is_beyond = places.needs_evidence() && is_beyond_limits(object, &self.removed.removed_names());
        is_beyond.then(|| {
            let policy = places.evidence_policy();
            let message = format!("the policy `{policy}` may not look at every removed Secret that it names");
            let help = "a server looks at 8 names, 32 places and so much text of a custom resource, see docs/commands/guard.md: only the filter looks at all";
            Diagnostic::error(Code::GuardRefuses, message, help).with_severity(Severity::Warning).at(at.clone())
        })
    }

    /// What the policy of credentials says of an object.
    fn credentials<'t>(
        &self,
        object: &Object<'t, '_>,
        places: &JudgedPlaces<'_, 't, '_>,
        at: &Location,
    ) -> Vec<Diagnostic> {
        let Some(severity) = self.config.policy.plaintext.severity() else { return Vec::new() };
        if !places.may_hold_credentials() {
            return Vec::new();
        }
        let does = if severity == Severity::Error { "refuses" } else { "warns of" };
        let literals = judge::found(object, places, self.config, &self.secrets).into_iter();
        let said = literals.map(|literal| {
            let message = format!(
                "the policy `credentials` {does} it: {} holds what looks like a plain credential",
                literal.at
            );
            let help = "let it read the vault: spec.env for a variable; or let spec.allow allow it";
            let at = Location { path: Some(literal.path.to_string()), ..at.clone() };
            Diagnostic::error(Code::Plaintext, message, help).with_severity(severity).at(at)
        });
        said.collect()
    }
}

/// The verdicts on an object that stays, each once.
fn verdicts_on(places: &JudgedPlaces<'_, '_, '_>, ops: &[&Op], at: &Location) -> Vec<Diagnostic> {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut said = Vec::new();
    for Change { path, what, policy } in ops.iter().map(|op| places.find(op)) {
        let at = Location { path: Some(path.to_string()), ..at.clone() };
        if known.insert(what.clone()) {
            said.push(match policy {
                Some(policy) => refused(policy, &what, at),
                None => not_judged(&what, at),
            });
        }
    }
    said
}

/// Whether an operation makes something else of an object.
fn changes(object: &Object<'_, '_>, op: &Op) -> bool {
    match op {
        Op::Test { .. } => false,
        Op::Replace { path, value } => {
            object.tree.at(path).is_none_or(|node| !means(object.tree, node, value))
        }
        Op::Rewrite { .. } | Op::Remove { .. } | Op::Add { .. } | Op::Append { .. } | Op::Insert { .. } => {
            true
        }
    }
}

/// Whether an operation takes data out of a Secret or ConfigMap that stays.
fn moves_key(object: &Object<'_, '_>, op: &Op) -> bool {
    let Op::Remove { path } = op else { return false };
    let below = path.steps_from(object.path.len());
    let is_data = matches!(below.first(), Some(Step::Key(key)) if key == "data" || key == "stringData");
    is_data && (object.is_secret() || object.is_config_map())
}

fn holds_moved_keys(object: &Object<'_, '_>, at: &Location) -> Diagnostic {
    let policy = if object.is_secret() { "secrets" } else { "config-maps" };
    let what = format!("the policy `{policy}` refuses it: it holds keys that go to the vault");
    with_remedy(what, at.clone())
}

/// Whether an object was judged as what it was made from.
fn is_made_by_a_controller(object: &Object<'_, '_>) -> bool {
    let tree = object.tree;
    let owners = tree.get_in(object.node, &["metadata", "ownerReferences"]);
    owners.and_then(|owners| tree.items(owners)).is_some_and(|owners| {
        owners.iter().any(|owner| {
            tree.get(*owner, "controller").and_then(|node| tree.text(node)).is_some_and(|text| text == "true")
        })
    })
}

/// The verdict on a Secret that a rule removes.
fn removed(object: &Object<'_, '_>, at: Location) -> Option<Diagnostic> {
    if object.secret_type().is_some_and(|kind| NOT_A_CHARTS.contains(&kind)) {
        return None;
    }
    Some(with_remedy(
        "the policy `secrets` refuses it: the Secret is removed from the release".to_owned(),
        at,
    ))
}

fn refused(policy: &str, what: &str, at: Location) -> Diagnostic {
    with_remedy(format!("the policy `{policy}` refuses it: {what}"), at)
}

fn with_remedy(message: String, at: Location) -> Diagnostic {
    let help = "send what the filter makes of it: resecret < FILE | kubectl apply -f -, or helm upgrade ... --post-renderer resecret ...";
    Diagnostic::error(Code::GuardRefuses, message, help).at(at)
}

fn not_judged(what: &str, at: Location) -> Diagnostic {
    let help = "the filter changes it or stops, and a server takes it: only the filter guards this place";
    let message = format!("no policy looks at this: {what}");
    Diagnostic::error(Code::GuardRefuses, message, help).with_severity(Severity::Warning).at(at)
}
