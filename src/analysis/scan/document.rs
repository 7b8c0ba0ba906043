//! What one document holds that should not be in Git: a view of the run, for [`inventory`](super::collect::inventory) to put
//! together.

use std::collections::{HashMap, HashSet};

use crate::analysis::scan::describe::{access, chart, container, key_beside};
use crate::analysis::scan::{
    Checksum, CredentialVariable, Duplicate, Generated, Inventory, NamedOnly, OutsideRead, PlainCredential,
    RepeatedEntry, Secret, SecretKey, SecretReader, Site, UnknownReference, Use, ValueOrigin,
};
use crate::filter::collect::settings::settings;
use crate::krm::is_configuration;
use crate::kube::bookkeeping::is_bookkeeping;
use crate::kube::list_keys::{Repeated, repeated};
use crate::kube::locator::Locator;
use crate::kube::object::Object;
use crate::kube::pods::{EnvList, ValueSource, expansions};
use crate::kube::references::{Reference as Found, Takes};
use crate::rules::annotations::{Annotation, template_annotations};
use crate::rules::left_behind::{self, names};
use crate::rules::plaintext::{Credential as Literal, credentials, literal};
use crate::rules::{Context, ObjectView};
use crate::stream::Document;
use crate::yaml::{NodeId, Path};

/// What a document holds, and what other documents decide of it.
#[derive(Default)]
pub(super) struct DocumentInventory {
    /// What it holds.
    pub(super) found: Inventory,
    /// The names of each Secret that is found: its own last, those before that Kustomize gave it.
    pub(super) names: Vec<Vec<String>>,
    /// Its references to Secrets of the stream.
    pub(super) reads: Vec<Read>,
    /// Its fields that refer to a Secret if no other object has the name.
    pub(super) doubtful: Vec<UnknownField>,
    /// Names of Secrets that its objects have as well.
    pub(super) shared_names: Vec<String>,
    /// Annotations of its pod templates that hash no Secret of the chart.
    pub(super) other_annotations: Vec<String>,
    /// The values of its credentials, by the numbers that its variables give.
    pub(super) values: Vec<String>,
}

/// A field that no rule knows.
pub(super) struct UnknownField {
    /// What it reads.
    pub(super) read: Read,
    /// What there is to declare.
    pub(super) reference: UnknownReference,
    /// Whether it refers to a Secret only if no other object has the name.
    doubtful: bool,
}

/// A reference to a Secret of the stream.
pub(super) struct Read {
    /// The Secret.
    pub(super) name: String,
    /// Its namespace, where the reader says one.
    pub(super) namespace: Option<String>,
    /// The keys it takes; none for all of them.
    pub(super) keys: Vec<String>,
    /// What it takes the Secret for.
    pub(super) use_of: Use,
    /// Who reads it.
    pub(super) reader: SecretReader,
}

/// A document under view: what is known of the stream, and where the document is.
struct Under<'a> {
    context: Context<'a>,
    generated: &'a Generated,
    document: &'a Document<'a>,
    locator: &'a Locator<'a>,
}

impl DocumentInventory {
    /// What these objects of a document hold.
    pub(super) fn of(
        objects: &[Object<'_, '_>],
        context: Context<'_>,
        generated: &Generated,
        document: &Document<'_>,
        locator: &Locator<'_>,
    ) -> Self {
        let under = Under { context, generated, document, locator };
        let mut this = Self::default();
        for object in objects.iter().filter(|object| !is_configuration(object)) {
            this.found.names.add(object);
            if object.is_secret() {
                this.secret(object, &under);
            } else {
                this.object(object, &under);
            }
        }
        this
    }

    fn object(&mut self, object: &Object<'_, '_>, under: &Under<'_>) {
        let context = under.context;
        let (subject, _) = ObjectView::of(object, context);
        let place = |path: &Path, node: NodeId| under.place(object, path, node);
        let (known, mut unknown): (Vec<_>, Vec<_>) =
            subject.references.iter().partition(|found| context.facts.renders(found.name));
        unknown.retain(|found| found.is_word());
        let mut reads: Vec<Read> = known.into_iter().map(|found| read_of(&subject, found, &place)).collect();
        let named_only: Vec<NamedOnly> =
            unknown.iter().map(|found| named_only(read_of(&subject, found, &place))).collect();
        let outside: Vec<OutsideRead> =
            unknown.into_iter().flat_map(|found| outside(&subject, found)).collect();
        let duplicates: Vec<Duplicate> =
            subject.pods.env.iter().flat_map(|list| duplicates(list, &place)).collect();
        let entries: Vec<RepeatedEntry> =
            repeated(object, &subject.pods).iter().map(|found| entry(found, &place)).collect();
        self.annotations(&subject, under);
        let literals = credentials(&subject, context);
        let credential = |found: &Literal<'_>| PlainCredential {
            holder: found.what(),
            reason: found.reason.to_string(),
            place: place(&found.path, found.node),
            config_map_key: found.config_map_key().map(str::to_owned),
        };
        let mut credentials: Vec<PlainCredential> = literals.iter().map(credential).collect();
        credentials.extend(generated_keys(object, under));
        let (doubtful, unknown): (Vec<_>, Vec<_>) =
            unknown_fields(&subject, context, &place).into_iter().partition(|field| field.doubtful);
        let (more_reads, references): (Vec<_>, Vec<_>) =
            unknown.into_iter().map(|field| (field.read, field.reference)).unzip();
        reads.extend(more_reads);
        self.doubtful.extend(doubtful);
        self.shared_names
            .extend(object.name().filter(|name| context.facts.removes_name(name)).map(str::to_owned));
        self.found.duplicates.extend(duplicates);
        self.found.entries.extend(entries);
        self.found.credentials.extend(credentials);
        self.found.references.extend(references);
        self.found.outside.extend(outside);
        self.found.named_only.extend(named_only);
        self.reads.extend(reads);
        let paths: HashSet<&Path> = literals.iter().map(|found| &found.path).collect();
        for list in subject.pods.env.iter().filter(|list| list.reads_secrets) {
            self.variables(object, list, &paths, under);
        }
    }

    /// The annotations of pod templates: those that hash a Secret or change on every render, and the others.
    fn annotations(&mut self, subject: &ObjectView<'_, '_, '_>, under: &Under<'_>) {
        for Annotation { name, value, path, node } in template_annotations(subject) {
            let evidence = under.context.facts.checksums.find(name, value);
            let changes = under.generates(&path);
            if evidence.is_none() && !changes {
                self.other_annotations.push(name.to_owned());
                continue;
            }
            self.found.checksums.push(Checksum {
                annotation: name.to_owned(),
                place: under.place(subject.object, &path, node),
                evidence,
                also_hashes_others: false,
                changes,
            });
        }
    }

    fn secret(&mut self, object: &Object<'_, '_>, under: &Under<'_>) {
        let Some(name) = object.name() else { return };
        if let Some(why) = object.not_to_be_vaulted() {
            return self.found.left_alone.push((object.reference().to_string(), why));
        }
        let mut keys: Vec<SecretKey> = Vec::new();
        let mut positions: HashMap<&str, usize> = HashMap::new();
        let data = object.secret_data();
        let data_path = |field: &str, key: &str| object.path.key(field).key(key);
        let is_generated =
            |key: &str| ["data", "stringData"].iter().any(|field| under.generates(&data_path(field, key)));
        let settings = settings(&data, is_generated).unwrap_or_default();
        for entry in &data {
            let bytes = entry.plain().map(<[u8]>::len);
            // `stringData` comes second and wins.
            if let Some(position) = positions.get(entry.key) {
                keys[*position].bytes = bytes;
            } else {
                positions.insert(entry.key, keys.len());
                keys.push(SecretKey {
                    name: entry.key.to_owned(),
                    bytes,
                    missing: false,
                    setting: settings.contains(&entry.key),
                    generated: is_generated(entry.key),
                    readers: Vec::new(),
                });
            }
        }
        self.names.push(object.previous_names().chain([name]).map(str::to_owned).collect());
        self.found.secrets.push(Secret {
            name: name.to_owned(),
            kind: object.secret_type().map(str::to_owned),
            hook: object.hook().map(str::to_owned),
            keys,
            readers: Vec::new(),
            place: under.place(object, &object.path, object.node),
            found_by: found_by(object),
            use_of: Use::default(),
            skips_post_renderer: object.skips_post_renderer(),
        });
    }

    /// Takes note of the variables of a container; `plain` are the paths of those that are credentials.
    fn variables(
        &mut self,
        object: &Object<'_, '_>,
        list: &EnvList<'_>,
        plain: &HashSet<&Path>,
        under: &Under<'_>,
    ) {
        for (name, positions) in list.groups() {
            let winner = positions[positions.len() - 1];
            let Some(variable) = &list.entries[winner] else { continue };
            let entry = list.path.index(winner);
            let is_credential = plain.contains(&entry) || under.generates(&entry.key("value"));
            let credential = is_credential.then(|| {
                let value = literal(object.tree, variable);
                self.values.push(value.to_owned());
                (self.values.len() - 1, expansions(value).next().is_some())
            });
            self.found.variables.push(CredentialVariable {
                object: object.reference(),
                container: list.container.to_owned(),
                chart: chart(object),
                name: name.to_owned(),
                credential,
                skips_post_renderer: object.skips_post_renderer(),
            });
        }
    }
}

impl Under<'_> {
    /// Whether the render has generated the value at a path.
    fn generates(&self, path: &Path) -> bool {
        self.generated.has(self.document.number, path)
    }

    fn place(&self, object: &Object<'_, '_>, path: &Path, node: NodeId) -> Site {
        let location = self.locator.locate_in(self.document, object, object.tree.start(node));
        Site {
            object: object.reference(),
            container: container(object, path).map(str::to_owned),
            template: location.template,
            file: None,
            path: path.to_string(),
            document: location.document,
            line: location.line,
        }
    }
}

/// The keys of a ConfigMap that the render generates.
fn generated_keys(object: &Object<'_, '_>, under: &Under<'_>) -> Vec<PlainCredential> {
    if object.kind != "ConfigMap" {
        return Vec::new();
    }
    let tree = object.tree;
    let entries = tree.get(object.node, "data").and_then(|data| tree.entries(data));
    let key = |(key, value): &(NodeId, NodeId)| {
        let name = tree.text(*key)?;
        let path = object.path.key("data").key(name);
        under.generates(&path).then(|| PlainCredential {
            holder: format!("key {name}"),
            reason: "the render generates it".to_owned(),
            place: under.place(object, &path, *value),
            config_map_key: Some(name.to_owned()),
        })
    };
    entries.unwrap_or_default().iter().filter_map(key).collect()
}

/// The label by which programs may find a Secret.
fn found_by(secret: &Object<'_, '_>) -> Option<String> {
    let labels = secret.tree.get_in(secret.node, &["metadata", "labels"])?;
    let labels = secret.tree.members(labels).into_iter().filter_map(|(key, _)| secret.tree.text(key));
    // A program's own label says more than one that all charts may give.
    let labels = labels.filter(|label| !is_bookkeeping(label));
    labels.min_by_key(|label| label.starts_with("app.kubernetes.io/")).map(str::to_owned)
}

fn taken(takes: &Takes<'_>) -> (Vec<String>, Use) {
    match takes {
        Takes::Key(_, key) | Takes::KeyBeside(_, key) => (vec![(*key).to_owned()], Use::default()),
        Takes::Items(items) => (items.iter().map(|(_, key)| (*key).to_owned()).collect(), Use::default()),
        Takes::Env => (Vec::new(), Use { env_from: true, ..Use::default() }),
        Takes::Files { .. } => (Vec::new(), Use { files: true, ..Use::default() }),
        Takes::Whole | Takes::ListItem { .. } | Takes::Shared(_) => {
            (Vec::new(), Use { whole: true, ..Use::default() })
        }
    }
}

/// A reference to a Secret of the stream.
fn read_of(
    subject: &ObjectView<'_, '_, '_>,
    found: &Found<'_>,
    place: &impl Fn(&Path, NodeId) -> Site,
) -> Read {
    let reader = SecretReader { place: place(&found.path, found.node), access: access(subject, &found.path) };
    let namespace = found.namespace.or_else(|| subject.object.namespace()).map(str::to_owned);
    let (keys, use_of) = taken(&found.takes);
    Read { name: found.name.to_owned(), namespace, keys, use_of, reader }
}

fn named_only(read: Read) -> NamedOnly {
    NamedOnly { secret: read.name, keys: read.keys, reader: read.reader }
}

/// Fields that no rule knows. Once they are declared, they read the Secret too.
fn unknown_fields(
    subject: &ObjectView<'_, '_, '_>,
    context: Context<'_>,
    place: &impl Fn(&Path, NodeId) -> Site,
) -> Vec<UnknownField> {
    let object = subject.object;
    let mut found = Vec::new();
    for left in names(subject, context) {
        let left_behind::NameSite::Field(declare) = left.place else { continue };
        let key = left.path.split_last().and_then(|(parent, _)| key_beside(object, parent));
        let place = place(&left.path, left.node);
        let read = Read {
            name: left.name.to_owned(),
            namespace: object.namespace().map(str::to_owned),
            use_of: Use { whole: key.is_none(), ..Use::default() },
            keys: Vec::from_iter(key),
            reader: SecretReader { place: place.clone(), access: declare.clone() },
        };
        let (secret, skips_post_renderer) = (left.name.to_owned(), object.skips_post_renderer());
        let reference = UnknownReference { secret, declare, place, skips_post_renderer };
        found.push(UnknownField { read, reference, doubtful: left.doubtful });
    }
    found
}

/// What a reference takes from a Secret that the stream does not render; without keys, that it names it.
fn outside(subject: &ObjectView<'_, '_, '_>, found: &Found<'_>) -> Vec<OutsideRead> {
    let (mut keys, _) = taken(&found.takes);
    if keys.is_empty() {
        keys.push(String::new());
    }
    let access = access(subject, &found.path);
    let outside = |key| OutsideRead { secret: found.name.to_owned(), key, access: access.clone() };
    keys.into_iter().map(outside).collect()
}

fn duplicates(list: &EnvList<'_>, place: &impl Fn(&Path, NodeId) -> Site) -> Vec<Duplicate> {
    let mut found = Vec::new();
    for (name, positions) in list.groups().into_iter().filter(|(_, positions)| positions.len() > 1) {
        let entries = positions.iter().filter_map(|position| list.entries[*position].as_ref());
        let source = |source: &ValueSource<'_>| match source {
            ValueSource::Literal(_) => ValueOrigin::Literal,
            ValueSource::Secret { name, key, .. } => {
                ValueOrigin::Secret { name: (*name).to_owned(), key: (*key).to_owned() }
            }
            ValueSource::Other => ValueOrigin::Other,
        };
        let last = positions[positions.len() - 1];
        let Some(winner) = &list.entries[last] else { continue };
        found.push(Duplicate {
            variable: name.to_owned(),
            entries: entries.map(|variable| source(&variable.source)).collect(),
            wins: positions.len() - 1,
            place: place(&list.path.index(last), winner.node),
        });
    }
    found
}

fn entry(found: &Repeated, place: &impl Fn(&Path, NodeId) -> Site) -> RepeatedEntry {
    let last = found.positions.len() - 1;
    RepeatedEntry {
        list: found.field.to_owned(),
        key: found.key.clone(),
        count: found.positions.len(),
        equal: found.equal,
        place: place(&found.list.index(found.positions[last]), found.nodes[last]),
    }
}
