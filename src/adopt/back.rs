//! The way back: the chart renders its Secrets and literals again, with the vault's values.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::adopt::adoption::{Adoption, ChartValue};
use crate::adopt::live_values::{LiveValue, ValueSite, places};
use crate::adopt::shell::{comment, word, words};
use crate::adopt::text::{compared, indented, live_objects, names, place, script, vaulted, wait, within};
use crate::adopt::way::Way;
use crate::analysis::keys::{Vault, vault};
use crate::analysis::upgrade::hazards;
use crate::analysis::upgrade::merge;
use crate::analysis::upgrade::release::{Member, Release};
use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, Error};
use crate::filter::filter;

/// The script by which a release leaves resecret.
///
/// `previous` is the manifest of the live release, which has gone through the filter; `render` is what the chart renders
/// without it. `values` says which of the chart's values take the keys of the vault.
///
/// # Errors
///
/// A stream that cannot be read or filtered, a key that no value takes, or a release that has no safe way.
pub fn leave(
    previous: &[u8],
    file: &str,
    render: &[u8],
    config: &Config,
    adoption: &Adoption,
    values: &[ChartValue],
) -> Result<String, Error> {
    let filtered = filter(render, config)?.to_vec();
    let found = hazards(previous, file, render, config)?;
    let vault = vault(render, config)?;
    let previous = Release::read(previous, Some(file), config)?;
    let (plain, filtered) = (Release::read(render, None, config)?, Release::read(&filtered, None, config)?);
    let places = rendered_places(&plain, &filtered, config);
    let taken = taken(&places, values)?;
    let way = Way::back(adoption.helm, &previous, &plain, &found)?;
    Ok(Leave {
        adoption,
        way: &way,
        places: &places,
        taken: &taken,
        vault: &vault,
        previous: &previous,
        plain: &plain,
    }
    .write())
}

/// What the chart renders itself: a variable that reads the vault in the plain render too is not among it.
fn rendered_places(plain: &Release<'_>, filtered: &Release<'_>, config: &Config) -> Vec<LiveValue> {
    let is_rendered = |value: &LiveValue| match &value.place {
        ValueSite::Secret(name, _) => plain.renders_secret(name, value.namespace.as_deref()),
        ValueSite::Variable { .. } => true,
        ValueSite::ConfigMap(..) => false,
    };
    places(plain, filtered, config).into_iter().filter(is_rendered).collect()
}

/// A key of a vaulted Secret: its name and that of the Secret.
type VaultKey<'a> = (&'a str, &'a str);

/// Which key each of the chart's values takes.
///
/// # Errors
///
/// A key that the chart renders and no value takes, or a value for a key that it does not render.
fn taken<'a>(
    places: &'a [LiveValue],
    values: &'a [ChartValue],
) -> Result<BTreeMap<&'a [String], VaultKey<'a>>, Error> {
    let keys: BTreeSet<VaultKey<'_>> =
        places.iter().map(|place| (place.secret.as_str(), place.key.as_str())).collect();
    let takes = |value: &ChartValue, (secret, key): VaultKey<'_>| {
        value.key == key && value.secret.as_deref().is_none_or(|name| name == secret)
    };
    let mut taken = BTreeMap::new();
    let mut wrong = Vec::new();
    for key in keys.iter().copied() {
        let of_key = values.iter().filter(|value| takes(value, key)).collect::<Vec<_>>();
        taken.extend(of_key.iter().map(|value| (value.path.as_slice(), key)));
        if of_key.is_empty() {
            let (secret, name) = key;
            let message =
                format!("nothing says which value of the chart takes key {name} of Secret {secret}");
            let help = format!("name it: --value {secret}/{name}=PATH.IN.VALUES");
            wrong.push(Diagnostic::error(Code::NoSafeWay, message, help));
        }
    }
    for value in values.iter().filter(|value| !keys.iter().any(|key| takes(value, *key))) {
        let message = format!("the chart renders no key {} of a vaulted Secret", value.key);
        let keys: Vec<String> = keys.iter().map(|(secret, key)| format!("{secret}/{key}")).collect();
        let help = format!("--value takes {}", keys.join(", "));
        wrong.push(Diagnostic::error(Code::NoSafeWay, message, help));
    }
    if wrong.is_empty() { Ok(taken) } else { Err(Error::new(wrong)) }
}

/// Compares what a chart renders, given the vault's values, with the vault.
///
/// `state` is that render with the live vaulted Secrets behind it, as `kubectl get -o yaml` prints them, and `file` what
/// diagnostics call it. `render` and `config` say what belongs where.
///
/// # Errors
///
/// A stream that cannot be read or filtered.
pub fn not_restored(
    state: &[u8],
    file: &str,
    render: &[u8],
    config: &Config,
) -> Result<Vec<Diagnostic>, Error> {
    let filtered = filter(render, config)?.to_vec();
    let (plain, filtered) = (Release::read(render, None, config)?, Release::read(&filtered, None, config)?);
    let state = Release::read(state, Some(file), config)?;
    let differs = |value: &LiveValue| {
        let LiveValue { secret, key, place, .. } = value;
        let vaulted = state.live_members().find_map(|member| member.secret_value(secret, key));
        let rendered = rendered(&state, place);
        let message = match (&vaulted, &rendered) {
            (Some(vaulted), Some(rendered)) if *vaulted == rendered.as_slice() => return None,
            (None, _) => format!("Secret {secret} has no key {key}"),
            (_, None) => {
                format!("the chart renders no value for {place}, which key {key} of Secret {secret} was")
            }
            _ => format!("the chart renders another value for {place} than key {key} of Secret {secret}"),
        };
        let help = format!(
            "give --value {secret}/{key}= the path of the value that the chart makes {place} of; a literal that holds `$(` or \
             `$$` means something else in a variable than in a Secret, and cannot go back"
        );
        Some(Diagnostic::error(Code::NotLive, message, help))
    };
    Ok(rendered_places(&plain, &filtered, config).iter().filter_map(differs).collect())
}

/// What a render has at a place, as pods get it.
fn rendered(state: &Release<'_>, place: &ValueSite) -> Option<Vec<u8>> {
    match place {
        ValueSite::Secret(name, key) => {
            state.members().find_map(|member| member.secret_value(name, key)).map(<[u8]>::to_vec)
        }
        // It stays in its ConfigMap, and the variable reads that again.
        ValueSite::ConfigMap(..) => None,
        ValueSite::Variable { object, container, name, .. } => {
            let object = state.members().find(|member| member.resource() == *object)?;
            let lists = object.env.iter().filter(|env| env.container == *container);
            let mut entries = lists.flat_map(|env| &env.entries).filter(|entry| merge::name(entry) == name);
            let value =
                entries.rfind(|entry| entry.contains_key("value"))?.get("value").and_then(Value::as_str)?;
            let value = value.replace("$$", "$");
            (!value.contains("$(")).then(|| value.into_bytes())
        }
    }
}

struct Leave<'a> {
    adoption: &'a Adoption,
    way: &'a Way<'a>,
    places: &'a [LiveValue],
    taken: &'a BTreeMap<&'a [String], VaultKey<'a>>,
    vault: &'a Vault,
    previous: &'a Release<'a>,
    plain: &'a Release<'a>,
}

impl Leave<'_> {
    fn write(&self) -> String {
        let steps = [
            ("Is this the place?", place(self.adoption, false)),
            ("Does the chart take the values of the vault?", Self::check()),
            ("Let Helm have the chart's Secrets again", self.own_again()),
            ("Upgrade without the filter", self.upgrade()),
            ("Compare the live objects with the manifest and the vault", self.compare()),
            ("Wait for the pods", wait(self.previous, self.plain)),
        ];
        let Adoption { release, helm, .. } = self.adoption;
        let head = format!(
            "# Release {release} leaves resecret, with Helm {}. Made by `resecret adopt --back`.\n{HEAD}",
            helm.number()
        );
        script(&head, &self.own(), &steps, END)
    }

    fn own(&self) -> String {
        let Adoption { chart, arguments, .. } = self.adoption;
        let chart = words([chart].into_iter().chain(arguments));
        let flags = self.way.method.flags().iter().map(|flag| format!(" {flag}")).collect::<String>();
        let objects = live_objects(compared(self.plain).chain(self.secrets()));
        let vaulted = vaulted(self.vault).unwrap_or_default();
        format!(
            "{}# The chart's values that come from the vault, for pipes only.\nvalues() {{\n{}}}\n\n\
             # What the chart renders with them, for pipes only.\nrendered() {{\n    values | hushed helm template \"$release\" {chart} -f -\n}}\n\n\
             # The upgrade, without the filter. Notes of the chart stay off the terminal: some show passwords.\n\
             upgrade() {{\n    values | hushed helm upgrade \"$release\" {chart} -f -{flags} >/dev/null\n}}\n\n{objects}\n{vaulted}",
            names(self.adoption),
            self.values(),
        )
    }

    /// The commands that print the values: a tree of keys, in which each value is printed by kubectl.
    fn values(&self) -> String {
        let mut text = String::new();
        let mut open: Vec<&str> = Vec::new();
        let mut pending = "{".to_owned();
        for (path, (secret, key)) in self.taken {
            let (last, parents) =
                path.split_last().map_or(("", &[][..]), |(last, rest)| (last.as_str(), rest));
            let shared = open.iter().zip(parents).take_while(|(one, other)| *one == other).count();
            pending += &"}".repeat(open.len() - shared);
            if !text.is_empty() {
                pending += ", ";
            }
            open.truncate(shared);
            for parent in &parents[shared..] {
                pending += &format!("\"{parent}\": {{");
                open.push(parent);
            }
            pending += &format!("\"{last}\": ");
            text += &format!("    printf %s {} &&\n", word(&pending));
            text += &format!("        quoted secret {} &&\n", words([secret, key]));
            pending.clear();
        }
        pending += &"}".repeat(open.len() + usize::from(!text.is_empty()));
        if text.is_empty() {
            pending += "}";
        }
        text + &format!("    echo {}\n", word(&pending))
    }

    /// The Secrets that the chart renders again.
    fn secrets(&self) -> impl Iterator<Item = &Member> {
        let names: BTreeSet<&str> = self
            .places
            .iter()
            .filter_map(|value| match &value.place {
                ValueSite::Secret(name, _) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        self.plain.members().filter(move |member| member.secret.is_some() && names.contains(member.name()))
    }

    fn check() -> String {
        comment("", CHECK)
            + "if { rendered && echo --- && vaulted; } | with_rules adopt --back --verify - \"$render\"; then\n    \
               say '  every value of the vault comes where the chart had it'\nelse\n    \
               stop 'the chart would not get every value, see above. Nothing was upgraded'\nfi\n"
    }

    fn own_again(&self) -> String {
        let mut text = comment("", OWN);
        let secrets: Vec<&Member> = self.secrets().collect();
        for secret in &secrets {
            text += &within(secret.namespace(), &format!("own {}", word(secret.name())));
        }
        if secrets.is_empty() { text + "say '  the chart renders none'\n" } else { text }
    }

    fn upgrade(&self) -> String {
        let Way { method, remade, scaled, .. } = self.way;
        let mut text = comment("", method.reason());
        text += "if is_plain && is_right >/dev/null 2>&1; then\n    say \"  revision $deployed is the chart's own, and the live objects are what it says\"\nelse\n";
        let line = |object: &Member, command: String| indented(&within(object.namespace(), &command));
        for (object, replicas) in scaled {
            text += &line(object, format!("replicas {} {}", word(&object.resource()), word(replicas)));
        }
        let room = remade.lines();
        if !room.is_empty() {
            text += &format!("    if ! is_plain; then\n{}    fi\n", indented(&indented(&room)));
        }
        text + "    act \"upgrade $release\" upgrade\n    read_history\nfi\n"
    }

    fn compare(&self) -> String {
        let mut text =
            "if $dry_run && ! { is_plain && is_right >/dev/null 2>&1; }; then\n    say '  to be compared after the upgrade'\nelse\n"
                .to_owned();
        text += "    is_right || stop 'the live objects are not what the manifest says, see above'\n";
        for value in self.places {
            let LiveValue { namespace, secret, key, place, .. } = value;
            let line = format!("agrees {} {place}", words([secret, key]));
            text += &indented(&within(namespace.as_deref(), &line));
        }
        text + "fi\n"
    }
}

const HEAD: &str = "\
#
# The chart renders its Secrets and variables again, with the values of the vault. They are in the release's values from
# then on: Helm keeps them in the cluster, as it did before the adoption. Read it, then run it in the folder that it was made in:
#
#     sh back.sh --dry-run    asks the cluster what is still to be done, and changes nothing
#     sh back.sh              does it
#
# Every step asks the cluster first and does only what is still to be done: interrupted, it can be run again. Values go
# through pipes from kubectl to kubectl and helm: never through an argument, the environment, a file or the terminal.
";
const CHECK: &str = "The chart is rendered with the values of the vault, and what it makes of them is compared with the \
    vault before anything is changed.";
const OWN: &str = "Helm takes only objects that bear its marks. One that an operator makes would be overwritten: the \
    operator's object has to go first.";
const END: &str = "\
say ''
say 'Done. The next upgrades take no post-renderer. They need the values: `helm get values` shows them, and --reuse-values takes them.'
say 'When nothing else reads them, the vaulted Secrets can be deleted.'
";
