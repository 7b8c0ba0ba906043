//! What the policies say of manifests, told without a server: the filter's own rules decide.
//!
//! An object that the filter would change is at fault. What is at a place that no policy looks at is said as well, as a
//! warning: a server takes it.

use std::collections::BTreeSet;

use crate::analysis::guard::kinds::{self, Family, GuardedKind};
use crate::analysis::guard::places::{Change, JudgedPlaces};
use crate::analysis::guard::render::Render;
use crate::analysis::guard::stand_ins::stand_ins;
use crate::analysis::guard::{GuardOptions, guard};
use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, Error, Location, Severity};
use crate::edit::cross_check::same;
use crate::edit::patch::Op;
use crate::filter::rewrite::RewrittenDocument;
use crate::filter::{self, Reach};
use crate::kube::object::Object;
use crate::rules::RULES;
use crate::stream;

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
    let shapes = render.map(|render| Render::read(render, &config));
    let kinds = kinds::kinds(&config, shapes.as_ref()).map_err(Error::new)?;
    // A reference is judged by a name. What has it comes behind the manifests, so that the filter knows it.
    let own = stream::documents(manifests).count();
    let mut input = manifests.to_vec();
    input.extend(stand_ins(manifests, render, &config));
    let redirected = config.secrets.iter().filter(|rule| rule.redirects).flat_map(|rule| &rule.name.0);
    let removed = Render::read(&input, &config).removed.into_iter().map(|secret| secret.name);
    let removed: BTreeSet<String> = removed.chain(redirected.map(ToString::to_string)).collect();
    let judge = Judge { config: &config, kinds: &kinds, removed: &removed };
    let judged = filter::judge(RULES, &input, &config, Reach::Every, |seen| judge.verdicts(seen))?;
    let is_own = |found: &Diagnostic| found.location.document.is_none_or(|number| number <= own);
    let unreadable = judged.found.iter().filter(|found| found.code.prevents_judgement());
    let unreadable: Vec<Diagnostic> =
        unreadable.cloned().map(|found| found.with_severity(Severity::Error)).collect();
    if !unreadable.is_empty() {
        return Err(Error::new(unreadable));
    }
    let mut said: Vec<Diagnostic> = judged.views.into_iter().flatten().collect();
    said.extend(judged.found.into_iter().filter_map(finding));
    said.retain(is_own);
    said.sort_by_key(|found| (found.location.document, found.location.line, found.location.column));
    Ok(said)
}

/// What a finding of the filter means to a server.
fn finding(found: Diagnostic) -> Option<Diagnostic> {
    match (found.code, found.severity) {
        // As severe as the policy of credentials.
        (Code::Plaintext, _) | (Code::DuplicateEnv, Severity::Error) => Some(found),
        (_, Severity::Error) => Some(not_judged(&found.message, found.location)),
        _ => None,
    }
}

/// What verdicts depend on.
struct Judge<'a> {
    config: &'a Config,
    kinds: &'a [GuardedKind],
    /// The names of removed Secrets.
    removed: &'a BTreeSet<String>,
}

impl Judge<'_> {
    /// The verdicts on the objects of a document.
    fn verdicts(&self, seen: &RewrittenDocument<'_, '_, '_>) -> Vec<Diagnostic> {
        let mut said = Vec::new();
        for object in seen.objects.iter().filter(|object| !is_made_by_a_controller(object)) {
            let ops = seen.patch.ops().iter();
            let own = ops.filter(|op| op.path().steps().starts_with(object.path.steps()));
            let ops: Vec<&Op> = own.filter(|op| changes(object, op)).collect();
            if ops.is_empty() {
                continue;
            }
            let at = seen.locator.locate_in(seen.document, object, object.tree.node(object.node).start);
            if ops.iter().any(|op| *op.path() == object.path) {
                said.extend(removed(object, at));
            } else {
                said.extend(self.verdicts_on(object, &ops, &at));
            }
        }
        said
    }

    /// The verdicts on an object that stays, each once.
    fn verdicts_on(&self, object: &Object<'_, '_>, ops: &[&Op], at: &Location) -> Vec<Diagnostic> {
        let places = JudgedPlaces::of(object, self.config, self.kinds, self.removed);
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut said = Vec::new();
        for Change { path, what, policy } in ops.iter().map(|op| places.find(op)) {
            let at = Location { path: Some(path.to_string()), ..at.clone() };
            if known.insert(what.clone()) {
                said.push(match policy {
                    Some(family) => refused(family, &what, at),
                    None => not_judged(&what, at),
                });
            }
        }
        said
    }
}

/// Whether an operation makes something else of an object.
fn changes(object: &Object<'_, '_>, op: &Op) -> bool {
    match op {
        Op::Test { .. } => false,
        Op::Replace { path, value } => {
            object.tree.at(path.steps()).is_none_or(|node| !same(object.tree, node, value))
        }
        Op::Rewrite { .. } | Op::Remove { .. } | Op::Add { .. } | Op::Append { .. } | Op::Insert { .. } => {
            true
        }
    }
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
    let kind = object.tree.get(object.node, "type").and_then(|node| object.tree.text(node));
    if kind.is_some_and(|kind| NOT_A_CHARTS.contains(&kind)) {
        return None;
    }
    Some(with_remedy(
        "the policy `secrets` refuses it: the Secret is removed from the release".to_owned(),
        at,
    ))
}

fn refused(family: Family, what: &str, at: Location) -> Diagnostic {
    with_remedy(format!("the policy `{}` refuses it: {what}", family.suffix()), at)
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
