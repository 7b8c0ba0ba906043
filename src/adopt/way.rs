//! The way to upgrade that loses nothing, or why there is none.

use std::collections::BTreeSet;

use crate::adopt::adoption::Helm;
use crate::adopt::shell::{word, words};
use crate::adopt::text::{CONTROLLERS, within};
use crate::analysis::upgrade::immutable::{deletion, unchangeable};
use crate::analysis::upgrade::release::{Member, Release};
use crate::analysis::upgrade::remedy::{Damage, delete, not_replaceable};
use crate::analysis::upgrade::variables::damaged;
use crate::diagnostics::{Code, Diagnostic, Error};

/// How the upgrade is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// As always.
    Plain,
    /// Helm 3: objects are replaced.
    Force,
    /// Helm 3: twice, while Deployments are paused. The second time mends what the first one breaks.
    Twice,
    /// Helm 4: applied by the server.
    ServerSide,
    /// Helm 4: objects are replaced.
    Replace,
    /// Patched by the client, except objects that are made again.
    MadeAgain(Helm),
}

/// The way of one release.
pub(super) struct Way<'r> {
    pub(super) method: Method,
    /// The Deployments to pause.
    pub(super) paused: Vec<&'r Member>,
    /// What the upgrade has to make again.
    pub(super) remade: Remade<'r>,
    /// The objects whose replicas become what the manifest says.
    pub(super) scaled: Vec<(&'r Member, &'r str)>,
}

/// Objects of which a field changes that the API server never changes.
#[derive(Default)]
pub(super) struct Remade<'r> {
    /// The Jobs, which the script deletes.
    pub(super) jobs: Vec<&'r Member>,
    /// The others, with the field: a person decides.
    pub(super) others: Vec<(&'r Member, String)>,
    /// Those that get a variable several times, which only a new object takes: a person decides.
    repeated: Vec<&'r Member>,
}

impl Method {
    /// The flags of Helm.
    pub(super) fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Plain | Self::Twice | Self::MadeAgain(Helm::Three) => &[],
            Self::MadeAgain(Helm::Four) => &["--server-side=false"],
            Self::Force => &["--force"],
            Self::ServerSide => &["--server-side=true", "--force-conflicts"],
            Self::Replace => &["--server-side=false", "--force-replace"],
        }
    }

    /// Why, in a sentence.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Plain => "An ordinary upgrade loses no variable of this release.",
            Self::Force => "--force replaces objects instead of patching them: a patch would lose variables.",
            Self::Twice => {
                "The second upgrade mends what the first one breaks, and no pod starts in between: the Deployments \
                 are paused. --force would fail at an object that cannot be replaced."
            }
            Self::ServerSide => {
                "Server-side apply makes the lists of variables what the manifest says: a patch would lose some."
            }
            Self::Replace => {
                "Objects are replaced instead of patched: the API server would refuse a patch, or a patch would lose variables."
            }
            Self::MadeAgain(_) => {
                "Objects that get a variable several times are made again: no patch gets that right, and a replacing upgrade \
                 would fail at an object that cannot be replaced."
            }
        }
    }

    /// The hazards that this way avoids, or that are about a later rollback, which the script warns of.
    pub(super) fn avoids(self) -> Vec<&'static str> {
        let mut codes = vec![Code::RollbackVariable, Code::RollbackSecret];
        match self {
            Self::Plain | Self::MadeAgain(_) => {}
            Self::Twice | Self::ServerSide => codes.extend([Code::LostVariable, Code::WrongVariable]),
            Self::Force | Self::Replace => {
                codes.extend([Code::LostVariable, Code::WrongVariable, Code::RefusedPatch]);
            }
        }
        codes.into_iter().map(Code::id).collect()
    }
}

impl<'r> Remade<'r> {
    fn objects(&self) -> impl Iterator<Item = &'r Member> {
        self.jobs.iter().copied().chain(self.others.iter().map(|(object, _)| *object))
    }

    /// The hazards that are none, since the objects are made again.
    pub(super) fn avoids(&self) -> impl Iterator<Item = String> {
        self.objects()
            .map(|object| format!("{}:{}/{}", Code::RefusedPatch.id(), object.kind(), object.name()))
    }

    /// The lines that make room for them.
    pub(super) fn lines(&self) -> String {
        let mut text = String::new();
        for (object, field) in &self.others {
            let Ok((command, consequence)) = deletion(object) else { continue };
            let resource = object.resource();
            let why =
                format!("the upgrade changes {field} of {resource}, which the API server never changes");
            text +=
                &gone(object, &why, "leave the field as it is in the chart's values", &command, consequence);
        }
        for object in &self.repeated {
            let resource = object.resource();
            let why = format!("{resource} gets a variable several times, which only a new object takes");
            let command = delete(object, ORPHAN);
            text += &gone(object, &why, "have each variable once in the chart's values", &command, RUN_ON);
        }
        for job in &self.jobs {
            text += &within(job.namespace(), &format!("again {}", word(job.name())));
        }
        text
    }
}

/// The line that stops the script until a person has deleted the object.
fn gone(object: &Member, why: &str, instead: &str, command: &str, consequence: &str) -> String {
    let way_out = format!("run {command} and this script, which makes it again{consequence}");
    let line = format!("gone {}", words([object.resource().as_str(), why, instead, &way_out]));
    within(object.namespace(), &line)
}

const ORPHAN: &str = " --cascade=orphan";
const RUN_ON: &str = ": its pods run on, and the new object takes them over";

impl<'r> Way<'r> {
    /// Chooses the way.
    ///
    /// # Errors
    ///
    /// There is no safe way: the diagnostics say what a person must decide.
    pub(super) fn choose(
        helm: Helm,
        previous: &Release<'_>,
        next: &'r Release<'_>,
        found: &[Diagnostic],
    ) -> Result<Self, Error> {
        let (remade, mut unsafe_objects) = remade(previous, next);
        let obstacle = obstacle(previous, next, &remade);
        let damaged = damaged(previous, next);
        let is_refused = damaged.iter().any(|(_, damage)| *damage == Damage::Refused);
        let method = match (helm, damaged.is_empty(), obstacle) {
            (_, true, _) => Method::Plain,
            (Helm::Three, false, None) => Method::Force,
            (Helm::Three, false, Some(_)) if is_refused => {
                unsafe_objects.extend(of_code(found, Code::RefusedPatch));
                Method::Force
            }
            (Helm::Three, false, Some(obstacle)) => {
                let others = damaged.iter().filter(|(object, _)| object.kind() != "Deployment");
                unsafe_objects.extend(others.map(|(object, _)| not_paused(next, object, obstacle)));
                Method::Twice
            }
            (Helm::Four, false, Some(_)) if is_refused => {
                unsafe_objects.extend(of_code(found, Code::RefusedPatch));
                Method::Replace
            }
            (Helm::Four, false, _) if is_refused => Method::Replace,
            (Helm::Four, false, _) => Method::ServerSide,
        };
        if helm == Helm::Four {
            // Also a release that is patched today may be applied by the server tomorrow.
            unsafe_objects.extend(of_code(found, Code::RefusedApply));
        }
        if !unsafe_objects.is_empty() {
            return Err(Error::new(unsafe_objects));
        }
        let paused = match method {
            Method::Twice => damaged.iter().map(|(object, _)| *object).collect(),
            _ => Vec::new(),
        };
        let scaled = match method {
            Method::Plain | Method::Twice => Vec::new(),
            _ => scaled(previous, next),
        };
        Ok(Self { method, paused, remade, scaled })
    }

    /// Chooses the way back to a manifest that has not gone through the filter.
    ///
    /// # Errors
    ///
    /// There is no safe way: an object of which no controller looks after the pods has a variable several times in the
    /// chart's own manifest, and something cannot be replaced.
    pub(super) fn back(
        helm: Helm,
        previous: &Release<'_>,
        next: &'r Release<'_>,
        found: &[Diagnostic],
    ) -> Result<Self, Error> {
        let (mut remade, mut unsafe_objects) = remade(previous, next);
        let obstacle = obstacle(previous, next, &remade);
        let has_duplicates = found.iter().any(|found| found.code == Code::RefusedApply);
        let damaged: Vec<&Member> = damaged(previous, next).into_iter().map(|(object, _)| object).collect();
        let method = match (helm, obstacle) {
            _ if !has_duplicates && damaged.is_empty() => Method::Plain,
            (_, Some(obstacle)) => {
                let is_damaged = |object: &Member| damaged.iter().any(|other| other.is_same(object));
                let is_hit = |object: &&Member| object.has_repeated_variable() || is_damaged(object);
                let changed = next.members().filter(|object| !object.is_hook && object.is_merged());
                let (kept, lost): (Vec<_>, Vec<_>) =
                    changed.filter(is_hit).partition(|object| CONTROLLERS.contains(&object.kind()));
                unsafe_objects.extend(lost.iter().map(|object| not_made_again(previous, object, obstacle)));
                remade.repeated = kept;
                Method::MadeAgain(helm)
            }
            (Helm::Three, None) => Method::Force,
            (Helm::Four, None) => Method::Replace,
        };
        if !unsafe_objects.is_empty() {
            return Err(Error::new(unsafe_objects));
        }
        let scaled = if method == Method::Plain { Vec::new() } else { scaled(previous, next) };
        Ok(Self { method, paused: Vec::new(), remade, scaled })
    }
}

fn not_made_again(previous: &Release<'_>, object: &Member, obstacle: &Member) -> Diagnostic {
    let message = format!(
        "the chart's own manifest has a variable of {} several times, which only a replacing upgrade gets right, and that \
         fails at {}",
        object.resource(),
        obstacle.resource()
    );
    let help = "change the chart's values so that each variable is there once, or keep resecret as the post-renderer";
    let place = previous.find(object).map(|before| previous.locate(before, None));
    Diagnostic::error(Code::NoSafeWay, message, help).at(place.unwrap_or_default())
}

/// The first object that no upgrade can replace, beside those that are made again anyway.
fn obstacle<'r>(previous: &Release<'_>, next: &'r Release<'_>, remade: &Remade<'_>) -> Option<&'r Member> {
    let names: BTreeSet<String> = remade.objects().map(Member::resource).collect();
    not_replaceable(previous, next).find(|member| !names.contains(&member.resource()))
}

fn of_code(found: &[Diagnostic], code: Code) -> impl Iterator<Item = Diagnostic> {
    found.iter().filter(move |diagnostic| diagnostic.code == code).cloned()
}

/// Objects that change where the API server takes no change, and what is wrong with those that cannot be made again.
fn remade<'r>(previous: &Release<'_>, next: &'r Release<'_>) -> (Remade<'r>, Vec<Diagnostic>) {
    let mut remade = Remade::default();
    let mut unsafe_objects = Vec::new();
    for (before, object, field) in unchangeable(previous, next) {
        match deletion(object) {
            Ok(_) if object.kind() == "Job" => remade.jobs.push(object),
            Ok(_) => remade.others.push((object, field)),
            Err(help) => {
                let resource = object.resource();
                let message = format!(
                    "the upgrade changes {field} of {resource}, which the API server never changes, so that no upgrade goes \
                     through"
                );
                let place = previous.locate(before, None);
                unsafe_objects.push(Diagnostic::error(Code::NoSafeWay, message, help).at(place));
            }
        }
    }
    (remade, unsafe_objects)
}

fn not_paused(next: &Release<'_>, object: &Member, obstacle: &Member) -> Diagnostic {
    let (object_name, obstacle) = (object.resource(), obstacle.resource());
    let message = format!(
        "Helm 3 has no safe way to upgrade {object_name}: patched, it loses a variable until the next upgrade, and its pods \
         cannot be held back; replaced, the release fails at {obstacle}"
    );
    let help = "make this one upgrade with Helm 4 (--helm 4), whose server-side apply loses nothing; \
                the release stays one of Helm 4 from then on";
    Diagnostic::error(Code::NoSafeWay, message, help).at(next.locate(object, None))
}

/// The objects that have replicas in both manifests.
fn scaled<'r>(previous: &Release<'_>, next: &'r Release<'_>) -> Vec<(&'r Member, &'r str)> {
    let stays = |member: &&Member| !member.is_hook && previous.find(member).is_some();
    let objects = next.members().filter(stays);
    objects.filter_map(|object| Some((object, object.replicas.as_deref()?))).collect()
}
