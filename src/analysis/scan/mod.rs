//! What a render holds that should not be in Git: its Secrets and who reads them, credentials in plain sight, variables
//! with several entries, annotations that hash a Secret.
//!
//! It uses the same parts as the rules, as if every Secret were to be removed. No value is kept: of
//! a Secret's data its length, of a literal only whether another one is the same.

mod any_release;
mod describe;
mod generated;
mod document;
mod collect;
mod config_maps;
mod naming;
mod draft;
mod propose;
mod release;
mod table;

use serde::Serialize;

pub use crate::analysis::scan::collect::{inventory, inventory_of_generated};
pub use crate::analysis::scan::generated::Generated;
pub use crate::analysis::scan::propose::{Proposal, propose};

use crate::analysis::scan::release::ObjectNames;
use crate::config::Config;
use crate::diagnostics::{Diagnostic, ObjectRef};
use crate::rules::checksums::Evidence;
use crate::rules::leaked_values::LeakedValues;

/// What a render holds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inventory {
    /// The Secrets that the chart renders.
    pub secrets: Vec<Secret>,
    /// Variables that are defined more than once in a container.
    pub duplicates: Vec<Duplicate>,
    /// Entries of one key in other lists that server-side apply takes only once.
    pub entries: Vec<RepeatedEntry>,
    /// Literals that look like credentials.
    pub credentials: Vec<PlainCredential>,
    /// Annotations of pod templates that seem to hash a Secret.
    pub checksums: Vec<Checksum>,
    /// Fields that hold a Secret's name and that no rule knows: probably references of custom resources.
    pub references: Vec<UnknownReference>,
    /// References to Secrets that the chart does not render. They count as nothing to report.
    #[serde(rename = "outside")]
    pub named_only: Vec<NamedOnly>,
    /// What could not be read, where that is no error.
    #[serde(skip)]
    pub warnings: Vec<Diagnostic>,
    /// The variables of all containers, for a proposal.
    #[serde(skip)]
    variables: Vec<CredentialVariable>,
    /// Secrets that nobody can vault, and why, for a proposal.
    #[serde(skip)]
    left_alone: Vec<(String, &'static str)>,
    /// What is read already from Secrets that the chart does not render, for a proposal.
    #[serde(skip)]
    outside: Vec<OutsideRead>,
    /// What the render has generated, for a proposal.
    #[serde(skip)]
    generated: Generated,
    /// The names of its objects, for a proposal.
    #[serde(skip)]
    names: ObjectNames,
}

/// A key of a Secret from outside the chart that something reads.
#[derive(Clone, Debug)]
struct OutsideRead {
    secret: String,
    key: String,
    /// What it becomes: a variable's name, or the field.
    access: String,
}

/// A Secret that the chart renders.
#[derive(Clone, Debug, Serialize)]
pub struct Secret {
    /// `metadata.name`.
    pub name: String,
    /// `type`, where it is written.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// When Helm runs it, if it is a hook: Helm 3 sends no hook through a post-renderer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// Its keys, and keys that are read and not there.
    pub keys: Vec<SecretKey>,
    /// Who reads all of it, or a part that cannot be told.
    pub readers: Vec<SecretReader>,
    /// Its place.
    pub place: Site,
    /// The first label that is not Helm's or the chart's bookkeeping: programs find Secrets by one.
    #[serde(skip)]
    found_by: Option<String>,
    #[serde(skip)]
    use_of: Use,
    #[serde(skip)]
    skips_post_renderer: bool,
}

/// The beginnings of names that an operator makes of its resource's own name.
const FOUND_BY_NAME: [&str; 1] = ["alertmanager-"];

impl Secret {
    /// Whether nothing in the render refers to it, and programs find it by a label, or by a name that is made of another one.
    fn is_found(&self) -> bool {
        let is_unread = self.readers.is_empty() && self.keys.iter().all(|key| key.readers.is_empty());
        is_unread
            && (self.found_by.is_some() || FOUND_BY_NAME.iter().any(|prefix| self.name.starts_with(prefix)))
    }
}

/// How a Secret is read, as far as it matters where its keys can go.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    /// Every key becomes a variable of its name.
    env_from: bool,
    /// Every key becomes a file of its name.
    files: bool,
    /// As a whole, by somebody who knows its keys.
    whole: bool,
}

/// A key of a Secret.
#[derive(Clone, Debug, Serialize)]
pub struct SecretKey {
    /// The key.
    pub name: String,
    /// The length of its value; none where it is not there or its base64 is wrong.
    pub bytes: Option<usize>,
    /// Whether it is only read, and not there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
    /// Whether it is a setting beside credentials, and could stay in the chart.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub setting: bool,
    /// Whether the render generates its value, for a proposal.
    #[serde(skip)]
    generated: bool,
    /// Who reads it.
    pub readers: Vec<SecretReader>,
}

/// Who reads a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretReader {
    /// The object, container and field.
    pub place: Site,
    /// What it becomes there: a variable's name, `envFrom`, a volume's name, or the field.
    #[serde(rename = "as")]
    pub access: String,
}

/// A variable that is defined more than once in a container.
#[derive(Clone, Debug, Serialize)]
pub struct Duplicate {
    /// The variable.
    pub variable: String,
    /// What each of its entries reads, in order.
    pub entries: Vec<ValueOrigin>,
    /// The position in `entries` of the one that the kubelet takes, and that stays: the last.
    pub wins: usize,
    /// The place of the winner.
    pub place: Site,
}

/// Entries of one key in a list that the API server merges by key.
#[derive(Clone, Debug, Serialize)]
pub struct RepeatedEntry {
    /// The list's field.
    pub list: String,
    /// The key: `containerPort 80, protocol TCP`.
    pub key: String,
    /// How many entries there are.
    pub count: usize,
    /// Whether they mean the same, so that `spec.duplicates` makes one of them.
    pub equal: bool,
    /// Where the last one is.
    pub place: Site,
}

/// Where a variable's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "from")]
pub enum ValueOrigin {
    /// A literal.
    Literal,
    /// A key of a Secret.
    Secret {
        /// The Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// A ConfigMap, a field of the pod, or anything else.
    Other,
}

/// A literal that looks like a credential.
#[derive(Clone, Debug, Serialize)]
pub struct PlainCredential {
    /// What holds it: a variable, a key of a ConfigMap, an annotation, an argument.
    pub holder: String,
    /// Why it looks like one.
    pub reason: String,
    /// Its place.
    pub place: Site,
    /// The key of a ConfigMap, where it holds nothing else, for a proposal.
    #[serde(skip)]
    config_map_key: Option<String>,
}

/// An annotation of a pod template that seems to hash a Secret.
#[derive(Clone, Debug, Serialize)]
pub struct Checksum {
    /// Its name.
    pub annotation: String,
    /// Its place.
    pub place: Site,
    /// What says so; nothing where it is only known to change on every render.
    #[serde(skip)]
    evidence: Option<Evidence>,
    /// Whether the same annotation hashes something else in another place: then no rule can take one of them.
    #[serde(skip)]
    also_hashes_others: bool,
    /// Whether it changes on every render, for a proposal.
    #[serde(skip)]
    changes: bool,
}

/// A field that holds a Secret's name and that no rule knows.
#[derive(Clone, Debug, Serialize)]
pub struct UnknownReference {
    /// The Secret.
    pub secret: String,
    /// The field, as `spec.references` takes it.
    pub declare: String,
    /// Its place.
    pub place: Site,
    #[serde(skip)]
    skips_post_renderer: bool,
}

/// A reference to a Secret that the chart does not render.
#[derive(Clone, Debug, Serialize)]
pub struct NamedOnly {
    /// The Secret.
    pub secret: String,
    /// The keys that it takes; none for all of them.
    pub keys: Vec<String>,
    /// Who reads it.
    #[serde(flatten)]
    pub reader: SecretReader,
}

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Site {
    /// The object.
    pub object: ObjectRef,
    /// The container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The chart template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The file or stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The path in the document.
    pub path: String,
    /// The document, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<usize>,
    /// The line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// A variable of a container, by the entry that the kubelet takes.
#[derive(Clone, Debug)]
struct CredentialVariable {
    object: ObjectRef,
    container: String,
    /// The chart that the object is of.
    chart: Option<String>,
    name: String,
    /// Of a literal that looks like a credential: which value it is, as a number, and whether it expands others.
    credential: Option<(usize, bool)>,
    skips_post_renderer: bool,
}

impl Inventory {
    /// Hides values of Secrets in places of names. No proposal can name what has one.
    fn conceal(&mut self, values: &LeakedValues) {
        let is_value = |name: &str| values.conceal_text(name) != name;
        for found in &mut self.credentials {
            found.config_map_key.take_if(|key| is_value(key));
        }
        for found in self.checksums.iter_mut().filter(|found| is_value(&found.annotation)) {
            (found.also_hashes_others, found.changes) = (true, false);
        }
        let credentials = self.credentials.iter_mut().map(|found| (&mut found.holder, &mut found.place));
        let checksums = self.checksums.iter_mut().map(|found| (&mut found.annotation, &mut found.place));
        for (name, place) in credentials.chain(checksums) {
            *name = values.conceal_text(name);
            place.path = values.conceal_text(&place.path);
        }
    }

    /// Whether there is nothing to report.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { secrets, duplicates, entries, credentials, checksums, references, .. } = self;
        secrets.is_empty()
            && duplicates.is_empty()
            && entries.is_empty()
            && credentials.is_empty()
            && checksums.is_empty()
            && references.is_empty()
    }

    /// Says of everything in it that it is in this file.
    pub fn name_file(&mut self, name: &str) {
        let secrets = self.secrets.iter_mut().flat_map(|secret| {
            let readers = secret.keys.iter_mut().flat_map(|key| &mut key.readers).chain(&mut secret.readers);
            readers.map(|reader| &mut reader.place).chain([&mut secret.place])
        });
        let places = secrets
            .chain(self.duplicates.iter_mut().map(|found| &mut found.place))
            .chain(self.entries.iter_mut().map(|found| &mut found.place))
            .chain(self.credentials.iter_mut().map(|found| &mut found.place))
            .chain(self.checksums.iter_mut().map(|found| &mut found.place))
            .chain(self.references.iter_mut().map(|found| &mut found.place))
            .chain(self.named_only.iter_mut().map(|found| &mut found.reader.place));
        places.for_each(|place| place.file = Some(name.to_owned()));
    }

    /// Leaves out references to the Secrets that a configuration knows: those of `spec.vault`, and every `to`; and to the
    /// one that a proposal is for.
    pub fn leave_out_known(&mut self, config: &Config, to: Option<&str>) {
        self.named_only
            .retain(|found| !config.vault.contains(&found.secret) && to != Some(found.secret.as_str()));
    }

    /// Adds what another render holds.
    pub fn extend(&mut self, other: Self) {
        self.secrets.extend(other.secrets);
        self.duplicates.extend(other.duplicates);
        self.entries.extend(other.entries);
        self.credentials.extend(other.credentials);
        self.checksums.extend(other.checksums);
        self.references.extend(other.references);
        self.named_only.extend(other.named_only);
        self.left_alone.extend(other.left_alone);
        self.warnings.extend(other.warnings);
        self.variables.extend(other.variables);
        self.outside.extend(other.outside);
        self.names.extend(other.names);
    }

    /// What there is, in numbers: `5 Secrets, 12 plain credentials`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counts = [
            (self.secrets.len(), "Secret"),
            (self.duplicates.len(), "duplicate variable"),
            (self.entries.len(), "repeated list entry"),
            (self.credentials.len(), "plain credential"),
            (self.checksums.len(), "checksum annotation"),
            (self.references.len(), "unknown reference"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(count, what)| {
                format!("{count} {}", if count == 1 { what.to_owned() } else { plural(what) })
            })
            .collect();
        if counts.is_empty() { "nothing to report".to_owned() } else { counts.join(", ") }
    }
}

fn plural(what: &str) -> String {
    what.strip_suffix('y').map_or_else(|| format!("{what}s"), |stem| format!("{stem}ies"))
}
