//! What a run shall do: configuration files, presets and flags, checked and made ready.
//!
//! Rules keep their order: those of the files first, then those of presets. Where several rules could decide, the
//! first one does.

mod format;
pub(crate) mod key_format;
mod pattern;
mod preset;
mod rotation;
mod schema;
mod serde_message;
mod validate;

pub(crate) use self::validate::check_name;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub(crate) use self::format::{Duplicates, Level};
pub(crate) use self::pattern::{Pattern, Patterns};
use self::rotation::Rotation;

use crate::catalogue::name_format::NameFormat;
use crate::config::key_format::KeyFormat;
use crate::diagnostics::{Code, Diagnostic, Error, Location, Severity};
use crate::yaml::field_path::FieldPath;

/// A checked configuration.
///
/// ```
/// let mut config = resecret::Config::default();
/// config.add_preset("langfuse", "langfuse-vault")?;
/// assert!(config.has_rules());
/// # Ok::<(), resecret::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The namespace of the release, where it is known.
    pub(crate) namespace: Option<String>,
    pub(crate) secrets: Vec<SecretsRule>,
    pub(crate) env: Vec<EnvRule>,
    pub(crate) presets: Vec<Preset>,
    pub(crate) duplicates: Duplicates,
    pub(crate) references: Vec<ReferenceRule>,
    pub(crate) drop_annotations: Vec<AnnotationRule>,
    pub(crate) allow: Vec<AllowRule>,
    /// Secrets known to exist outside the stream: `spec.vault` and every `to`.
    pub(crate) vault: BTreeSet<String>,
    pub(crate) formats: Vec<FormatRule>,
    pub(crate) policy: Policy,
    /// Whether to say what would go wrong with hooks.
    pub(crate) hooks: Level,
    /// Whether to say which settings would go to the vault.
    pub(crate) settings: Level,
    /// `metadata.name` of the first file that has one.
    name: Option<String>,
    /// Whether a file has set `duplicates`: a second file that sets it differently is an error.
    duplicates_set: bool,
}

/// Where a rule is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The file, `--preset NAME`, or a preset's use in a file.
    pub(crate) file: String,
    /// The path in it.
    pub(crate) path: String,
    /// Its line, where it is known.
    pub(crate) line: Option<usize>,
    /// The position in [`Config::presets`] of the preset that brought it.
    pub(crate) preset: Option<usize>,
}

impl Origin {
    /// The place of what is at a path.
    pub(crate) fn location(&self, path: String) -> Location {
        Location {
            file: Some(self.file.clone()),
            path: Some(path).filter(|path| !path.is_empty()),
            line: self.line,
            ..Location::default()
        }
    }
}

/// A rule of `spec.secrets`: chart Secrets to remove. Of `spec.configMaps`: ConfigMaps of which keys move. Or of `spec.redirect`: Secrets that the chart only names.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the format, or says which list it is of"
)]
pub(crate) struct SecretsRule {
    pub(crate) name: Patterns,
    pub(crate) source: Patterns,
    pub(crate) namespace: Patterns,
    pub(crate) labels: BTreeMap<String, Pattern>,
    pub(crate) to: Option<String>,
    pub(crate) keys: BTreeMap<String, String>,
    /// The keys that leave the Secret, which stays with the others; none where it is removed as a whole.
    pub(crate) only: BTreeSet<String>,
    pub(crate) same_name: bool,
    pub(crate) optional: bool,
    /// Whether it is a rule of `spec.redirect`: it selects no Secret, and its names are no globs.
    pub(crate) redirects: bool,
    /// Whether it is a rule of `spec.configMaps`: it selects ConfigMaps, and moves some of their keys.
    pub(crate) of_config_maps: bool,
    pub(crate) origin: Origin,
}

impl SecretsRule {
    /// Whether it asks for more than a name.
    pub(crate) fn has_conditions(&self) -> bool {
        !self.labels.is_empty() || !self.source.is_empty() || !self.namespace.is_empty()
    }

    /// The kind of what it selects.
    pub(crate) fn kind(&self) -> &'static str {
        if self.of_config_maps { "ConfigMap" } else { "Secret" }
    }

    /// Whether it moves some keys of a Secret and leaves the others.
    pub(crate) fn splits(&self) -> bool {
        !self.only.is_empty()
    }

    /// The keys that some Secret must have for the rule to be of use.
    pub(crate) fn wanted_keys(&self) -> Box<dyn Iterator<Item = &String> + '_> {
        if self.splits() { Box::new(self.only.iter()) } else { Box::new(self.keys.keys()) }
    }

    /// Whether this key goes to the vaulted Secret.
    pub(crate) fn moves(&self, key: &str) -> bool {
        self.only.is_empty() || self.only.contains(key)
    }
}

/// What a Secret must have to match.
impl fmt::Display for SecretsRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = |(label, glob): (&String, &Pattern)| format!("label {label}: {glob}");
        let fields = [("name", &self.name), ("source", &self.source), ("namespace", &self.namespace)];
        let fields = fields.into_iter().filter(|(_, patterns)| !patterns.is_empty());
        let wanted: Vec<String> = fields
            .map(|(field, patterns)| format!("{field} {patterns}"))
            .chain(self.labels.iter().map(label))
            .collect();
        f.write_str(&wanted.join(" and "))
    }
}

/// A rule of `spec.env`: variables that must read the vaulted Secret.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the format")]
pub(crate) struct EnvRule {
    pub(crate) to: String,
    /// Variables and their keys; `None` is the variable's own name.
    pub(crate) vars: Vec<(Pattern, Option<String>)>,
    pub(crate) remove: Vec<Pattern>,
    pub(crate) kind: Patterns,
    pub(crate) object: Patterns,
    pub(crate) container: Patterns,
    pub(crate) keep_existing: bool,
    pub(crate) literals_only: bool,
    /// Whether a selected container without an entry gets one.
    pub(crate) add: bool,
    pub(crate) optional: bool,
    pub(crate) origin: Origin,
}

/// A line of `spec.references`: a field of a custom resource that names a Secret.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceRule {
    pub(crate) kind: String,
    pub(crate) api_version: Option<String>,
    pub(crate) place: FieldPath,
    pub(crate) format: NameFormat,
    pub(crate) optional: bool,
    pub(crate) origin: Origin,
}

/// A line of `spec.dropAnnotations`.
#[derive(Clone, Debug)]
pub(crate) struct AnnotationRule {
    pub(crate) annotation: Pattern,
    pub(crate) origin: Origin,
}

/// An entry of `spec.allow`: a finding at a place, seen and meant.
#[derive(Clone, Debug)]
pub(crate) struct AllowRule {
    pub(crate) code: Code,
    pub(crate) kind: Patterns,
    pub(crate) name: Patterns,
    pub(crate) path: Patterns,
    pub(crate) variable: Patterns,
    pub(crate) key: Patterns,
    pub(crate) origin: Origin,
}

/// A line of `spec.formats`.
#[derive(Clone, Debug)]
pub(crate) struct FormatRule {
    /// A variable, or a key of a vaulted Secret.
    pub(crate) name: Pattern,
    /// What its value must look like.
    pub(crate) format: Option<KeyFormat>,
    /// Whether its value may change.
    pub(crate) rotate: Option<Rotation>,
    /// The only vaulted Secret that it names; a preset names its own.
    pub(crate) secret: Option<String>,
    pub(crate) origin: Origin,
}

/// One use of a preset.
#[derive(Clone, Debug)]
pub(crate) struct Preset {
    pub(crate) name: String,
    pub(crate) origin: Origin,
}

/// `spec.policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) unmatched: Level,
    pub(crate) dangling: Level,
    pub(crate) plaintext: Level,
    pub(crate) texts: Level,
    pub(crate) left_behind: Level,
    pub(crate) external: Level,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            unmatched: Level::Error,
            dangling: Level::Error,
            plaintext: Level::Warn,
            texts: Level::Warn,
            left_behind: Level::Error,
            external: Level::Allow,
        }
    }
}

impl Level {
    /// The severity of a finding; `None` where it is allowed.
    pub(crate) fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warn => Some(Severity::Warning),
            Self::Allow => None,
        }
    }
}

impl Config {
    /// Adds the rules of a configuration file.
    ///
    /// `name` is what diagnostics call the file.
    ///
    /// # Errors
    ///
    /// Text that is not the configuration format: not YAML, an unknown field (with line, column and the nearest
    /// known name), a glob that does not parse, a rule that can never do anything, a setting that another file
    /// has set differently.
    pub fn add_file(&mut self, name: &str, text: &str) -> Result<(), Error> {
        validate::add_file(self, name, text)
    }

    /// Adds a preset whose rules point at the vaulted Secret `to`.
    ///
    /// # Errors
    ///
    /// No preset of that name, or an empty `to`.
    pub fn add_preset(&mut self, name: &str, to: &str) -> Result<(), Error> {
        validate::add_preset_flag(self, name, to)
    }

    /// Sets which of several entries for one key stays, whatever a file says: the value of `spec.duplicates`.
    ///
    /// # Errors
    ///
    /// It is none of `last`, `first`, `prefer-secret` and `error`.
    pub fn set_duplicates(&mut self, value: &str) -> Result<(), Error> {
        self.duplicates = validate::duplicates(value)?;
        self.duplicates_set = true;
        Ok(())
    }

    /// Whether repeated entries of lists other than `env` are repaired: only where somebody asks for it, because a
    /// client-side apply accepts most of them.
    pub(crate) fn repairs_lists(&self) -> bool {
        self.duplicates_set
    }

    /// The lines of `spec.formats` about a key of a vaulted Secret, with their positions. `names` are the key's and those of
    /// the variables that read it.
    pub(crate) fn format_rules<'c>(
        &'c self,
        secret: &'c str,
        names: &'c [&'c str],
    ) -> impl Iterator<Item = (usize, &'c FormatRule)> {
        let of_this_secret =
            move |rule: &FormatRule| rule.secret.as_deref().is_none_or(|only| only == secret);
        let is_about = move |rule: &FormatRule| names.iter().any(|name| rule.name.matches(name));
        self.formats.iter().enumerate().filter(move |(_, rule)| of_this_secret(rule) && is_about(rule))
    }

    /// Whether a key's value must never change: a line decides, then a format that only such values have, then the name.
    pub(crate) fn never_rotates(&self, secret: &str, names: &[&str]) -> bool {
        let rules = || self.format_rules(secret, names).map(|(_, rule)| rule);
        match rules().find_map(|rule| rule.rotate) {
            Some(rotation) => rotation == Rotation::Never,
            None => {
                rules().find_map(|rule| rule.format) == Some(KeyFormat::Fernet)
                    || names.iter().any(|name| rotation::made_data(name))
            }
        }
    }

    /// Makes a rule that matches nothing no error.
    pub fn allow_unmatched(&mut self) {
        self.policy.unmatched = Level::Allow;
    }

    /// Names the namespace of the release, for what does not say its own.
    pub fn set_namespace(&mut self, namespace: &str) {
        self.namespace = Some(namespace.to_owned());
    }

    /// Makes hooks of the chart that the rules would need to reach a warning.
    ///
    /// For a render that has them, as `helm template` writes it: hooks never pass through a post-renderer of Helm 3.
    /// In what a post-renderer is given there is nothing to warn of.
    pub fn warn_of_hooks(&mut self) {
        self.hooks = Level::Warn;
    }

    /// Makes settings that a rule sends to the vault together with credentials a warning.
    pub fn warn_of_settings(&mut self) {
        self.settings = Level::Warn;
    }

    /// A name for what is made of the configuration: `metadata.name`, or the presets' names, or the first vaulted Secret's.
    #[must_use]
    pub fn name(&self) -> String {
        let presets: Vec<&str> = self.presets.iter().map(|preset| preset.name.as_str()).collect();
        let presets = Some(presets.join("-")).filter(|name| !name.is_empty());
        let name = self
            .name
            .clone()
            .or(presets)
            .or_else(|| self.vault.iter().find(|name| !name.is_empty()).cloned());
        name.unwrap_or_else(|| "default".to_owned())
    }

    /// Whether there is anything to do. A run without a rule is refused: it would let every Secret through.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        !self.secrets.is_empty()
            || !self.env.is_empty()
            || !self.drop_annotations.is_empty()
            || self.duplicates_set
    }

    /// Whether some rule moves keys and leaves what holds them.
    pub(crate) fn splits(&self) -> bool {
        self.secrets.iter().any(SecretsRule::splits)
    }

    /// Refuses a configuration without any rule.
    ///
    /// # Errors
    ///
    /// There is no rule: [`Code::NoRules`](crate::Code::NoRules).
    pub fn check_rules(&self) -> Result<(), Error> {
        if self.has_rules() { Ok(()) } else { Err(no_rules().into()) }
    }

    /// The JSON Schema (draft 2020-12) of a configuration file.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schema::schema()
    }

    /// The names of the presets that are built in.
    pub fn preset_names() -> impl Iterator<Item = &'static str> {
        preset::names()
    }
}

/// A run that would let everything through.
fn no_rules() -> Diagnostic {
    Diagnostic::error(
        Code::NoRules,
        "there is no rule to apply",
        "name a preset (--preset langfuse --to NAME), a configuration (--config FILE) or --duplicates last, or run where resecret.yaml is",
    )
}
