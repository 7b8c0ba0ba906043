//! The configuration as it is written: one type per mapping, unknown fields refused.
//!
//! This is the published format; what a rule means is said at [`super::Config`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, IntoDeserializer as _, MapAccess, SeqAccess, Visitor};

use crate::catalogue::name_format::NameFormat;
use crate::config::key_format::KeyFormat;
use crate::config::rotation::Rotation;
use crate::diagnostics::Code;

/// The only `apiVersion` there is.
pub(super) const API_VERSION: &str = "resecret.dev/v1alpha1";
/// The only `kind` there is.
pub(super) const KIND: &str = "Resecret";
/// What a Secret's name looks like, for the schema; `build` checks it with a better message.
const SECRET_NAME: &str = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$";

/// A configuration file, Kustomize function configuration or built-in preset.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct File {
    /// `resecret.dev/v1alpha1`. Checked before anything else is read.
    #[schemars(extend("const" = API_VERSION))]
    #[serde(rename = "apiVersion")]
    pub(super) _api_version: String,
    /// `Resecret`.
    #[schemars(extend("const" = KIND))]
    #[serde(rename = "kind")]
    pub(super) _kind: String,
    /// For people and clients; only `name` is read, for the names of the policies of `guard`.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub(super) metadata: Option<serde_json::Value>,
    /// The rules.
    pub(super) spec: Spec,
}

/// The rules.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    /// Rule sets built in.
    #[serde(default)]
    pub(super) presets: Vec<PresetUse>,
    /// Chart Secrets to remove.
    #[serde(default)]
    pub(super) secrets: Vec<SecretsEntry>,
    /// ConfigMaps of which some keys go to a vaulted Secret.
    #[serde(default)]
    pub(super) config_maps: Vec<ConfigMapsEntry>,
    /// Secrets that the chart names and does not render: their readers go to a vaulted Secret.
    #[serde(default)]
    pub(super) redirect: Vec<RedirectEntry>,
    /// Variables that must read the vaulted Secret.
    #[serde(default)]
    pub(super) env: Vec<EnvEntry>,
    /// Which entry stays, for names that no rule decides. Also makes one of equal entries in other lists that the API
    /// server merges by key, such as `ports`.
    pub(super) duplicates: Option<Duplicates>,
    /// Fields of custom resources that name a Secret.
    #[serde(default)]
    pub(super) references: Vec<ReferenceEntry>,
    /// Globs on annotations of pod templates that go.
    #[serde(default)]
    pub(super) drop_annotations: Vec<String>,
    /// Secrets known to exist outside the stream, for `policy.external`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = SECRET_NAME)))]
    pub(super) vault: Vec<String>,
    /// Variable, or key of a vaulted Secret, or a glob on either → what its value must look like, and whether it may change;
    /// for `keys` and `adopt`.
    #[serde(default)]
    pub(super) formats: BTreeMap<String, FormatEntry>,
    /// Findings that are seen and meant, each at its place.
    #[serde(default)]
    pub(super) allow: Vec<AllowEntry>,
    /// What is an error, a warning, or allowed.
    #[serde(default)]
    pub(super) policy: PolicyEntry,
}

/// One use of a preset.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PresetUse {
    /// Its name.
    pub(super) name: String,
    /// The vaulted Secret.
    #[schemars(regex(pattern = SECRET_NAME))]
    pub(super) to: String,
    /// The preset's key → vaulted key.
    #[serde(default)]
    pub(super) keys: BTreeMap<String, String>,
}

/// Chart Secrets to remove. One of `name`, `source` and `labels` must be there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend(
    "anyOf" = [{"required": ["name"]}, {"required": ["source"]}, {"required": ["labels"]}],
    "dependentRequired" = {"keys": ["to"], "only": ["to"]},
    "not" = {"required": ["only", "sameName"], "properties": {"sameName": {"const": true}}},
))]
pub(super) struct SecretsEntry {
    /// Globs on `metadata.name`.
    #[serde(default)]
    pub(super) name: OneOrMany,
    /// Globs on the chart template.
    #[serde(default)]
    pub(super) source: OneOrMany,
    /// Globs on `metadata.namespace`.
    #[serde(default)]
    pub(super) namespace: OneOrMany,
    /// Label → glob on its value.
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    /// The vaulted Secret; none drops the Secret and leaves nothing to refer to.
    #[schemars(regex(pattern = SECRET_NAME))]
    pub(super) to: Option<String>,
    /// Chart key → vaulted key.
    #[serde(default)]
    pub(super) keys: BTreeMap<String, String>,
    /// The only keys that go to the vaulted Secret. The Secret stays with the others.
    #[serde(default)]
    #[schemars(schema_with = "some_keys")]
    pub(super) only: Option<OneOrMany>,
    /// The vaulted Secret may have the chart Secret's own name.
    #[serde(default)]
    pub(super) same_name: bool,
    /// Matching nothing is no error.
    #[serde(default)]
    pub(super) optional: bool,
}

/// ConfigMaps of which some keys go to a vaulted Secret. One of `name`, `source` and `labels` must be there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [{"required": ["name"]}, {"required": ["source"]}, {"required": ["labels"]}]))]
pub(super) struct ConfigMapsEntry {
    /// Globs on `metadata.name`.
    #[serde(default)]
    pub(super) name: OneOrMany,
    /// Globs on the chart template.
    #[serde(default)]
    pub(super) source: OneOrMany,
    /// Globs on `metadata.namespace`.
    #[serde(default)]
    pub(super) namespace: OneOrMany,
    /// Label → glob on its value.
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    /// The keys of `data` that go to the vaulted Secret. The ConfigMap stays with the others.
    #[schemars(schema_with = "some_keys")]
    pub(super) only: OneOrMany,
    /// The vaulted Secret.
    #[schemars(regex(pattern = SECRET_NAME))]
    pub(super) to: String,
    /// Chart key → vaulted key.
    #[serde(default)]
    pub(super) keys: BTreeMap<String, String>,
    /// Matching nothing is no error.
    #[serde(default)]
    pub(super) optional: bool,
}

impl From<ConfigMapsEntry> for SecretsEntry {
    fn from(entry: ConfigMapsEntry) -> Self {
        let ConfigMapsEntry { name, source, namespace, labels, only, to, keys, optional } = entry;
        let (to, only) = (Some(to), Some(only));
        Self { name, source, namespace, labels, to, keys, only, same_name: false, optional }
    }
}

/// Secrets that the chart names and does not render.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RedirectEntry {
    /// Their names, without globs.
    #[schemars(schema_with = "secret_names")]
    pub(super) name: OneOrMany,
    /// The vaulted Secret.
    #[schemars(regex(pattern = SECRET_NAME))]
    pub(super) to: String,
    /// Chart key → vaulted key. Where one is renamed, a volume that takes all keys gets a file for each of these and no other.
    #[serde(default)]
    pub(super) keys: BTreeMap<String, String>,
    /// Matching nothing is no error.
    #[serde(default)]
    pub(super) optional: bool,
}

/// Variables that must read the vaulted Secret. `vars` or `remove` must be there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend(
    "anyOf" = [{"required": ["vars", "to"]}, {"required": ["remove"]}],
    "dependentRequired" = {"vars": ["to"], "add": ["vars", "in"]},
))]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the format")]
pub(super) struct EnvEntry {
    /// The vaulted Secret.
    #[schemars(regex(pattern = SECRET_NAME))]
    pub(super) to: Option<String>,
    /// Variable → key. A glob on the left takes `*`, the variable's own name, as key.
    #[serde(default)]
    #[schemars(extend("patternProperties" = {r"[*?\[{\\]": {"const": "*"}}))]
    pub(super) vars: BTreeMap<String, String>,
    /// Where; every container of every workload if absent.
    #[serde(default, rename = "in")]
    pub(super) within: Selector,
    /// An entry that already reads a Secret from outside the chart wins.
    #[serde(default)]
    pub(super) keep_existing: bool,
    /// Only a literal credential is replaced; what reads something else, is empty, or is made of other variables stays.
    #[serde(default)]
    pub(super) literals_only: bool,
    /// A selected container that has no entry for a variable gets one. Needs `in`.
    #[serde(default)]
    pub(super) add: bool,
    /// Variables to take out altogether.
    #[serde(default)]
    pub(super) remove: Vec<String>,
    /// Matching nothing is no error.
    #[serde(default)]
    pub(super) optional: bool,
}

/// Which containers an `env` rule is about.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Selector {
    /// Globs on the object's `kind`.
    #[serde(default)]
    pub(super) kind: OneOrMany,
    /// Globs on the object's name.
    #[serde(default)]
    pub(super) name: OneOrMany,
    /// Globs on the container's name.
    #[serde(default)]
    pub(super) container: OneOrMany,
}

/// A field of a custom resource that names a Secret.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReferenceEntry {
    /// The object's `kind`.
    pub(super) kind: String,
    /// The object's `apiVersion`; any if absent.
    pub(super) api_version: Option<String>,
    /// The field: keys with dots, `[*]` for every item, `[name=A]` for the items of that name, `["a.b"]` for a key with dots. A mapping there holds `name` and,
    /// where it has one, `key`.
    pub(super) path: String,
    /// What a text there holds.
    #[serde(default)]
    pub(super) format: NameFormat,
    /// Matching nothing is no error.
    #[serde(default)]
    pub(super) optional: bool,
}

/// Findings that are seen and meant. All that is given must fit, and something besides `code` must be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 2))]
pub(super) struct AllowEntry {
    /// The code of the findings.
    #[schemars(extend("enum" = Code::ALLOWABLE.map(Code::id)))]
    pub(super) code: String,
    /// Globs on the object's `kind`.
    #[serde(default)]
    pub(super) kind: OneOrMany,
    /// Globs on the object's name.
    #[serde(default)]
    pub(super) name: OneOrMany,
    /// Globs on the path, in which brackets are not special.
    #[serde(default)]
    pub(super) path: OneOrMany,
    /// Globs on the variable.
    #[serde(default)]
    pub(super) variable: OneOrMany,
    /// Globs on the last key of the path: a key of a ConfigMap, an annotation, a field.
    #[serde(default)]
    pub(super) key: OneOrMany,
}

/// Which of several entries for one variable stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Duplicates {
    /// The last one: what the kubelet does.
    #[default]
    Last,
    /// The first one.
    First,
    /// The last one that reads a Secret, else the last one.
    PreferSecret,
    /// None: somebody has to decide.
    Error,
}

/// What is demanded of a value: a format, or more.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(super) enum FormatEntry {
    /// What it must look like.
    Format(KeyFormat),
    /// The same as a mapping.
    Fields(FormatFields),
}

/// What is demanded of a value. `format` or `rotate` must be there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [{"required": ["format"]}, {"required": ["rotate"]}]))]
pub(super) struct FormatFields {
    /// What it must look like.
    pub(super) format: Option<KeyFormat>,
    /// Whether it may change. A salt or an encryption key may not, once data was made with it.
    pub(super) rotate: Option<Rotation>,
}

impl From<FormatEntry> for FormatFields {
    fn from(entry: FormatEntry) -> Self {
        match entry {
            FormatEntry::Format(format) => Self { format: Some(format), rotate: None },
            FormatEntry::Fields(fields) => fields,
        }
    }
}

impl<'de> Deserialize<'de> for FormatEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FormatOrMapping;

        impl<'de> Visitor<'de> for FormatOrMapping {
            type Value = FormatEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a format, or a mapping with `format` and `rotate`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<FormatEntry, E> {
                KeyFormat::deserialize(text.into_deserializer()).map(FormatEntry::Format)
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<FormatEntry, A::Error> {
                FormatFields::deserialize(MapAccessDeserializer::new(access)).map(FormatEntry::Fields)
            }
        }

        deserializer.deserialize_any(FormatOrMapping)
    }
}

/// What is an error, a warning, or allowed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PolicyEntry {
    /// A rule that matches nothing.
    pub(super) unmatched: Option<Level>,
    /// A reference to a removed Secret that has nowhere to go.
    pub(super) dangling: Option<Level>,
    /// A literal that looks like a credential.
    pub(super) plaintext: Option<Level>,
    /// A removed Secret's name in a text that no rule can change.
    pub(super) texts: Option<Level>,
    /// A removed Secret's name in a field that no rule knows, or its value elsewhere in the stream.
    pub(super) left_behind: Option<Level>,
    /// A reference to a Secret that neither the stream nor the configuration knows.
    pub(super) external: Option<Level>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// The run fails.
    Error,
    /// It is reported.
    Warn,
    /// It is not reported.
    #[default]
    Allow,
}

/// One text or a list of them.
#[derive(Debug, Default)]
pub(super) struct OneOrMany(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrList;

        impl<'de> Visitor<'de> for TextOrList {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<OneOrMany, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = access.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany(texts))
            }
        }

        deserializer.deserialize_any(TextOrList)
    }
}

/// A key, or a list of keys.
fn some_keys(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1})
}

/// The name of a Secret, or a list of names, without globs.
fn secret_names(_: &mut SchemaGenerator) -> Schema {
    let name = json_schema!({"type": "string", "pattern": SECRET_NAME});
    json_schema!({"anyOf": [name, {"type": "array", "items": name, "minItems": 1}]})
}

impl JsonSchema for OneOrMany {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "array"], "items": {"type": "string"}})
    }
}
