//! The end of an adoption script: how to go back, what to rotate, what never to rotate, and what can be deleted.

use std::collections::{BTreeMap, BTreeSet};

use crate::adopt::adoption::Helm;
use crate::adopt::live_values::LiveValue;
use crate::adopt::script::Script;
use crate::adopt::shell::{word, words};
use crate::adopt::text::{CONTROLLERS, within};
use crate::analysis::keys::VaultedKey;
use crate::diagnostics::Code;

/// A vaulted Secret and its key.
type KeyOf<'a> = (&'a str, &'a str);

impl Script<'_> {
    /// The last lines.
    pub(super) fn last_words(&self, values: &[LiveValue]) -> String {
        let mut text = String::new();
        for line in
            ["", "Done. The next upgrades take the post-renderer and its arguments, and no other flag.", ""]
        {
            say(&mut text, line);
        }
        self.say_back(&mut text);
        let keys: BTreeSet<KeyOf<'_>> =
            values.iter().map(|value| (value.secret.as_str(), value.key.as_str())).collect();
        let (never, exposed): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| self.never_rotates(*key));
        if !exposed.is_empty() {
            say_lines(&mut text, ROTATE);
            say_keys(&mut text, &exposed);
            self.suggest_restart(&mut text, &exposed);
        }
        if !never.is_empty() {
            say_lines(&mut text, NEVER);
            say_keys(&mut text, &never);
        }
        let unread = self.leaving().filter(|secret| !self.next.reads(secret));
        let mut unread = unread.map(|secret| (secret.namespace(), secret.name())).collect::<Vec<_>>();
        unread.sort_unstable();
        unread.dedup();
        if !unread.is_empty() {
            say_lines(&mut text, DELETE);
        }
        for (namespace, secret) in unread {
            text += &within(namespace, &format!("suggest kubectl delete secret {}", word(secret)));
        }
        text
    }

    /// Which revisions can be rolled back to, and what to do otherwise.
    fn say_back(&self, text: &mut String) {
        say_lines(text, BACK);
        *text += "say \"\\`helm rollback\\` can go to what has gone through the filter: revision$(filtered_revisions)\"\n";
        let losing = [Code::RollbackVariable, Code::RollbackSecret];
        if self.found.iter().any(|found| losing.contains(&found.code)) {
            say_lines(text, LOSING);
            let flags = match self.adoption.helm {
                Helm::Three => "--force",
                Helm::Four => "--server-side=false --force-replace",
            };
            *text += &format!("suggest helm rollback {} REVISION {flags}\n", word(&self.adoption.release));
        } else {
            say_lines(text, NOT_LOSING);
        }
        say(text, "To leave resecret: `resecret adopt --back`.");
    }

    fn vaulted_key(&self, (secret, key): KeyOf<'_>) -> Option<&VaultedKey> {
        let mut secrets = self.vault.secrets().iter().filter(|vaulted| vaulted.name == secret);
        secrets.find_map(|vaulted| vaulted.keys.iter().find(|vaulted| vaulted.name == key))
    }

    fn never_rotates(&self, (secret, key): KeyOf<'_>) -> bool {
        let is_marked = self.vaulted_key((secret, key)).is_some_and(|vaulted| vaulted.never_rotate);
        is_marked || self.config.never_rotates(secret, &[key])
    }

    /// The command that restarts the readers of these keys.
    fn suggest_restart(&self, text: &mut String, keys: &[KeyOf<'_>]) {
        let readers = keys.iter().filter_map(|key| self.vaulted_key(*key)).flat_map(|key| &key.readers);
        let mut by_namespace: BTreeMap<Option<&str>, BTreeSet<String>> = BTreeMap::new();
        for object in readers.map(|reader| &reader.object) {
            if CONTROLLERS.contains(&object.kind.as_str()) {
                let name = format!("{}/{}", object.kind.to_ascii_lowercase(), object.name);
                by_namespace.entry(object.namespace.as_deref()).or_default().insert(name);
            }
        }
        for (namespace, names) in by_namespace {
            *text += &within(namespace, &format!("suggest kubectl rollout restart {}", words(names)));
        }
    }
}

fn say(text: &mut String, line: &str) {
    *text += &format!("say {}\n", word(line));
}

fn say_lines(text: &mut String, lines: &str) {
    lines.lines().for_each(|line| say(text, line));
}

fn say_keys(text: &mut String, keys: &[KeyOf<'_>]) {
    for (secret, key) in keys {
        say(text, &format!("  key {key} of Secret {secret}"));
    }
}

const BACK: &str = "\
To go back: upgrade to the chart and values that you want back, through the same post-renderer.
";
const LOSING: &str = "\
To any other revision it loses or overwrites what `resecret check --previous` calls rollback-variable and rollback-secret,
and the chart's Secrets are back in plain text. If it must be, replace the objects, and run this script again before the
next upgrade:
";
const NOT_LOSING: &str = "\
To any other revision it loses no variable, but the old values are back in plain text.
";
const ROTATE: &str = "
What stood in values, in Git or in a revision of the release is exposed. Rotate it: the new value into the vault, then
the restart of its readers, and only then make the old value invalid.
";
const NEVER: &str = "
Never rotate these: stored data was made with them, and cannot be read with others.
";
const DELETE: &str = "
When no pod and no revision that you would go back to needs them:
";
