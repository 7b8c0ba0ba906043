//! The text of the script: its head, what belongs to this release alone, and the steps.

use std::collections::BTreeSet;

use crate::adopt::adoption::{Adoption, Fill, Helm};
use crate::adopt::live_values::{LiveValue, ValueSite, live_values};
use crate::adopt::shell::{comment, word, words};
use crate::adopt::text::{compared, indented, live_objects, names, place, script, vaulted, wait, within};
use crate::adopt::way::{Method, Way};
use crate::analysis::keys::{Vault, VaultedSecret};
use crate::analysis::upgrade::release::{Member, Release};
use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic};

/// What a script is made of.
pub(super) struct Script<'a> {
    pub(super) adoption: &'a Adoption,
    pub(super) way: &'a Way<'a>,
    pub(super) found: &'a [Diagnostic],
    pub(super) vault: &'a Vault,
    pub(super) config: &'a Config,
    pub(super) previous: &'a Release<'a>,
    pub(super) next: &'a Release<'a>,
}

impl Script<'_> {
    /// The whole text.
    pub(super) fn write(&self) -> String {
        let values = live_values(self.previous, self.next, self.config);
        let steps = [
            ("Is this the place?", place(self.adoption, true)),
            ("Keep the live Secrets", self.keep()),
            ("Fill the vaulted Secrets", self.fill(&values)),
            ("Check the vaulted Secrets", self.check()),
            ("Upgrade", self.upgrade()),
            ("Compare the live objects with the manifest", self.compare()),
            ("Wait for the pods", wait(self.previous, self.next)),
        ];
        script(&self.head(), &self.own(), &steps, &self.last_words(&values))
    }

    fn head(&self) -> String {
        let Adoption { release, helm, .. } = self.adoption;
        let mut text = format!(
            "# The first upgrade of release {release} through resecret, with Helm {}. Made by `resecret adopt`.\n",
            helm.number()
        );
        text += HEAD;
        let hazards: BTreeSet<&str> = self
            .found
            .iter()
            .filter(|found| is_of_the_upgrade(found.code))
            .map(|f| f.message.as_str())
            .collect();
        if hazards.is_empty() {
            text += "# An upgrade without these steps loses no variable and no Secret; pods would only miss what the vault lacks.\n";
        } else {
            text += "# What an upgrade without these steps would do:\n";
            text.extend(hazards.into_iter().map(|hazard| comment("  - ", hazard)));
        }
        text
    }

    /// Names, flags and functions of this release.
    fn own(&self) -> String {
        let Adoption { chart, arguments, rules, helm, .. } = self.adoption;
        let renderer = match helm {
            Helm::Three => "resecret",
            Helm::Four => "resecret-post-renderer",
        };
        let upgrade = [chart].into_iter().chain(arguments).map(String::as_str);
        let upgrade = words(upgrade.chain(self.way.method.flags().iter().copied()));
        let passed = rules.iter().map(|rule| word(&format!("--post-renderer-args={rule}")));
        let passed: String = passed.map(|word| format!(" \\\n        {word}")).collect();
        let objects = live_objects(compared(self.next).chain(self.leaving()));
        let vaulted = vaulted(self.vault).map(|text| format!("\n{text}")).unwrap_or_default();
        format!(
            "{}# The upgrade, through the filter. Notes of the chart stay off the terminal: some show passwords.\n\
             upgrade() {{\n    hushed helm upgrade \"$release\" {upgrade} \\\n        --post-renderer {renderer}{passed} >/dev/null\n}}\n\n\
             {objects}{vaulted}",
            names(self.adoption)
        )
    }

    /// The Secrets of the last manifest that leave the release.
    pub(super) fn leaving(&self) -> impl Iterator<Item = &Member> {
        let secrets = self.previous.members().filter(|member| !member.is_hook && member.secret.is_some());
        secrets.filter(|secret| self.next.find(secret).is_none())
    }

    fn keep(&self) -> String {
        let mut text = comment("", KEEP);
        let mut secrets: Vec<(Option<&str>, &str)> =
            self.leaving().map(|s| (s.namespace(), s.name())).collect();
        secrets.sort_unstable();
        secrets.dedup();
        if secrets.is_empty() {
            return text + "say '  no Secret leaves the release'\n";
        }
        for (namespace, secret) in secrets {
            text += &within(namespace, &format!("keep {}", word(secret)));
        }
        text
    }

    fn fill(&self, values: &[LiveValue]) -> String {
        let (verb, about) = match self.adoption.fill {
            Fill::Copy => ("fill", COPY),
            Fill::Wait => ("tell", TELL),
        };
        let mut text = comment("", about);
        let of_secret = |a: &LiveValue, b: &LiveValue| (&a.namespace, &a.secret) == (&b.namespace, &b.secret);
        for values in values.chunk_by(of_secret) {
            if self.adoption.fill == Fill::Copy {
                text += &within(values[0].namespace.as_deref(), &self.make(values));
            }
            for LiveValue { namespace, secret, key, place, role } in values {
                let line = format!("{verb} {role} {} {place}", words([secret, key]));
                text += &within(namespace.as_deref(), &line);
            }
        }
        if self.adoption.fill == Fill::Wait {
            for secret in self.vault.secrets() {
                let keys = secret.keys.iter().filter(|key| !key.optional).map(|key| key.name.as_str());
                let line = format!("wait_for {}", words([secret.name.as_str()].into_iter().chain(keys)));
                text += &within(secret.namespace.as_deref(), &line);
            }
            for LiveValue { namespace, secret, key, place, role } in values {
                let line = format!("held {role} {} {place}", words([secret, key]));
                text += &within(namespace.as_deref(), &line);
            }
        }
        text
    }

    /// The line that makes the vaulted Secret of these values.
    fn make(&self, values: &[LiveValue]) -> String {
        let name = values[0].secret.as_str();
        let vaulted = self.vault.secrets().iter().find(|secret| secret.name == name);
        let kind = vaulted.map_or("Opaque", VaultedSecret::secret_type);
        let keys = values.iter().filter_map(|value| match &value.place {
            ValueSite::Secret(source, key) => Some((source.as_str(), value.key.as_str(), key.as_str())),
            _ => None,
        });
        let keys: Vec<(&str, &str, &str)> = keys.collect();
        match keys.first() {
            Some((source, ..)) if kind != "Opaque" => {
                let same = keys.iter().filter(|(other, ..)| other == source);
                let pairs = same.flat_map(|(_, key, source_key)| [*key, *source_key]);
                format!("make_typed {}", words([name, kind, source].into_iter().chain(pairs)))
            }
            _ => format!("make_vault {}", word(name)),
        }
    }

    fn check(&self) -> String {
        let text = comment("", CHECK);
        if self.vault.secrets().is_empty() {
            return text + "say '  nothing reads a vaulted Secret'\n";
        }
        text + "if vaulted | with_rules keys --against - \"$render\"; then\n    say '  they hold what the pods will read'\n\
                elif $dry_run; then\n    say '  to be checked again when they are filled'\nelse\n    \
                stop 'a vaulted Secret lacks what the lines above say. Nothing was upgraded'\nfi\n"
    }

    fn upgrade(&self) -> String {
        let Way { method, paused, remade, scaled } = self.way;
        let mut text = comment("", method.reason());
        let accepted = method.avoids().into_iter().map(str::to_owned).chain(remade.avoids());
        let accepted = word(&accepted.collect::<Vec<_>>().join(","));
        let room = indented(&indented(&remade.lines()));
        text += &format!(
            "if is_adopted && is_right >/dev/null 2>&1; then\n    say \"  revision $deployed has gone through the filter, and the live objects are what it says\"\nelse\n    \
             if ! is_adopted; then\n        forecast {accepted}\n{room}    fi\n"
        );
        let line = |object: &Member, command: String| indented(&within(object.namespace(), &command));
        for (object, replicas) in scaled {
            text += &line(object, format!("replicas {} {}", word(&object.resource()), word(replicas)));
        }
        for deployment in paused {
            text += &line(deployment, format!("hold {}", word(deployment.name())));
        }
        text += "    act \"upgrade $release\" upgrade\n    read_history\n";
        if *method == Method::Twice {
            text += "    if $dry_run || ! is_right >/dev/null 2>&1; then\n        act \"upgrade $release once more\" upgrade\n        read_history\n    fi\n";
        }
        text + "fi\n"
    }

    fn compare(&self) -> String {
        let mut text = comment("", COMPARE);
        text += "if $dry_run && ! { is_adopted && is_right >/dev/null 2>&1; }; then\n    say '  to be compared after the upgrade'\nelif is_right; then\n    \
                 say '  every variable is what the manifest says, and no old name is left'\nelse\n    \
                 stop 'the live objects are not what the manifest says, see above'\nfi\n";
        for deployment in &self.way.paused {
            text += &within(deployment.namespace(), &format!("resume {}", word(deployment.name())));
        }
        text
    }
}

fn is_of_the_upgrade(code: Code) -> bool {
    !matches!(code, Code::RollbackVariable | Code::RollbackSecret | Code::RefusedApply)
}

const HEAD: &str = "\
#
# Read it, then run it in the folder that it was made in:
#
#     sh adopt.sh --dry-run   asks the cluster what is still to be done, and changes nothing
#     sh adopt.sh             does it
#
# Every step asks the cluster first and does only what is still to be done. Interrupted, it can be run again; after the
# end it finds nothing to do. Values of Secrets and variables go through pipes from kubectl to kubectl: never through an
# argument, the environment, a file or the terminal.
#
";

const KEEP: &str = "Helm deletes what leaves a release, unless the live object says otherwise. The old pods read it until \
    the last of them is gone, and it holds the only copy of what the vault does not have yet.";
const COPY: &str = "Each live value that a vaulted Secret lacks is copied: from the chart's Secret, or from the variable \
    that holds it. What a vaulted Secret has is never overwritten.";
const TELL: &str = "An operator fills the vaulted Secrets. What they lack is listed with the place of its live value, and \
    waited for. What has come is compared with what pods read today.";
const CHECK: &str = "Do they hold every key that the pods will read, in the formats that they need?";
const COMPARE: &str =
    "Helm reports success whatever a patch has made of a list: the live lists are compared entry by entry.";
