//! Secrets that an upgrade would delete, and values that a rollback would bring back.

use crate::analysis::upgrade::release::{Member, Release, SecretData};
use crate::analysis::upgrade::remedy::keep;
use crate::diagnostics::{Code, Diagnostic};

/// Live Secrets that the upgrade would delete.
pub(super) fn on_the_way_up(previous: &Release<'_>, next: &Release<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (secret, data) in leaving(previous, next) {
        let is_kept = secret.is_kept || previous.live(secret).is_some_and(|live| live.is_kept);
        if is_kept {
            continue;
        }
        let (readers, hooks) = (readers(secret, next), hooks(secret, previous, next));
        let name = secret.name();
        let message = format!("this upgrade deletes the live Secret {name}");
        let first = format!("before the upgrade, run {}", keep(secret));
        let diagnostic = if let Some(reader) = readers.first() {
            let more = more(readers.len());
            let message = format!("{message}, and {reader}{more} still reads a Secret of that name");
            let help = format!(
                "{first}: then the Secret stays for whatever makes it from now on; {}",
                copy_first(name, data)
            );
            Diagnostic::error(Code::DeletedSecretInUse, message, help)
        } else if let Some(hook) = hooks.first() {
            let more = more(hooks.len());
            let message = format!("{message}, and the hook {hook}{more} reads it");
            let help = format!(
                "{first}: under Helm 3 no hook passes through a post-renderer, so the hook still reads that name; {}",
                copy_first(name, data)
            );
            Diagnostic::error(Code::DeletedSecretInUse, message, help)
        } else {
            let help = format!("{}; {first}", copy_first(name, data));
            Diagnostic::error(Code::DeletedSecret, message, help)
        };
        found.push(diagnostic.at(previous.locate(secret, None)));
    }
    found
}

/// Secrets of the last release that the new one reads and does not render: another hand fills them from now on.
pub(super) fn on_the_way_back(previous: &Release<'_>, next: &Release<'_>) -> Vec<Diagnostic> {
    let overwritten = leaving(previous, next).filter(|(secret, _)| !readers(secret, next).is_empty());
    let diagnostic = |(secret, data): (&Member, &SecretData)| {
        let name = secret.name();
        let message = format!(
            "after this upgrade, a rollback to the last release writes the chart's values into Secret {name} over the \
             vault's ({})",
            keys(data)
        );
        let help = format!(
            "go back by an upgrade to the old chart and values with the same rules; after a `helm rollback`, which also takes \
             the annotation away, let the vault write the Secret again, and run {} before the next upgrade",
            keep(secret)
        );
        Diagnostic::error(Code::RollbackSecret, message, help).at(previous.locate(secret, None))
    };
    overwritten.map(diagnostic).collect()
}

/// The Secrets that the last manifest renders and the new one does not.
fn leaving<'r>(
    previous: &'r Release<'_>,
    next: &'r Release<'_>,
) -> impl Iterator<Item = (&'r Member, &'r SecretData)> {
    let secrets = previous.members().filter(|member| !member.is_hook);
    secrets
        .filter_map(|member| Some((member, member.secret.as_ref()?)))
        .filter(|(secret, _)| next.find(secret).is_none())
}

/// The objects of the new manifest that read a Secret of that name.
fn readers(secret: &Member, next: &Release<'_>) -> Vec<String> {
    next.members().filter(|object| object.reads(secret)).map(described).collect()
}

/// The hooks of the last release that read the Secret and did not pass through the filter with the new one.
fn hooks(secret: &Member, previous: &Release<'_>, next: &Release<'_>) -> Vec<String> {
    let hooks = previous.members().filter(|object| object.is_hook && next.find(object).is_none());
    hooks.filter(|object| object.reads(secret)).map(described).collect()
}

fn described(object: &Member) -> String {
    format!("{}/{}", object.kind(), object.name())
}

fn more(count: usize) -> String {
    if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() }
}

/// What to copy into the vault, and under which names where the configuration says so.
fn copy_first(name: &str, data: &SecretData) -> String {
    let source = keys(data);
    match &data.vaulted {
        Some((to, _)) if to == name => format!("copy its values into the vault first ({source})"),
        Some((to, names)) => {
            let names: Vec<String> = names.iter().map(|(_, name)| name.clone()).collect();
            format!("copy its values into the vault first, for Secret {to} ({source} as {})", quoted(&names))
        }
        None => format!("copy its values first if anything outside the release reads them ({source})"),
    }
}

fn keys(data: &SecretData) -> String {
    match data.keys.as_slice() {
        [] => "it has no keys in the manifest".to_owned(),
        [_] => format!("key {}", quoted(&data.keys)),
        _ => format!("keys {}", quoted(&data.keys)),
    }
}

fn quoted(names: &[String]) -> String {
    names.join(", ")
}
