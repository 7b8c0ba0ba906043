//! One pass over a stream, and what it finds.

use std::collections::{HashMap, HashSet};

use crate::analysis::scan::describe::{access, chart, container, key_beside};
use crate::analysis::scan::{
    Checksum, CredentialVariable, Duplicate, Inventory, NamedOnly, OutsideRead, PlainCredential,
    RepeatedEntry, Secret, SecretKey, SecretReader, Site, UnknownReference, Use, ValueOrigin,
};
use crate::config::Config;
use crate::diagnostics::Error;
use crate::filter::collect::{Collected, collect};
use crate::filter::findings::{Findings, conclude, in_order};
use crate::krm::is_configuration;
use crate::kube::list_keys::{Repeated, repeated};
use crate::kube::locator::Locator;
use crate::kube::object::{Object, objects};
use crate::kube::pods::{EnvList, ValueSource, expansions};
use crate::kube::references::{Reference as Found, Takes};
use crate::rules::annotations::{Annotation, template_annotations};
use crate::rules::checksums::Evidence;
use crate::rules::left_behind::{self, names};
use crate::rules::plaintext::{Credential as Literal, credentials, literal};
use crate::rules::{Context, ObjectView, RULES};
use crate::search::candidates::Candidate;
use crate::search::prefilter::Interest;
use crate::stream::Document;
use crate::yaml::span::Lines;
use crate::yaml::{NodeId, Path};

/// The rules of an inventory: every Secret is to go, every policy asks.
const EVERYTHING: &str = "
apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets: [{name: '*'}]
  duplicates: last
  policy: {external: warn}
";

/// What a stream of manifests holds that should not be in Git.
///
/// # Errors
///
/// A stream that is empty, or a document that may hold something of interest and cannot be read: the inventory would
/// not be whole.
///
/// # Example
///
/// ```
/// let render = b"\
/// kind: Secret
/// apiVersion: v1
/// metadata: {name: app-secret}
/// stringData: {password: changeme}
/// ";
/// let inventory = resecret::scan::inventory(render)?;
/// assert_eq!((inventory.secrets[0].keys[0].name.as_str(), inventory.secrets[0].keys[0].bytes), ("password", Some(8)));
/// # Ok::<(), resecret::Error>(())
/// ```
pub fn inventory(input: &[u8]) -> Result<Inventory, Error> {
    let mut config = Config::default();
    config.add_file("inventory", EVERYTHING)?;
    let Collected { candidates, facts, leaked_values, findings: mut warnings, .. } =
        collect(input, &config, RULES)?;
    let locator = Locator::new(input);
    let mut findings = Findings::new(&locator);
    let mut collector = InventoryCollector::new(input, Context { config: &config, facts: &facts });
    for Candidate { document, hits } in &candidates.found {
        if hits.interest == Interest::Nothing {
            continue;
        }
        let Some(tree) = findings.parse(document, hits.interest) else { continue };
        for object in objects(&tree) {
            collector.object(document, &object);
        }
    }
    warnings.extend(findings.into_diagnostics().into_iter().map(|warning| leaked_values.conceal(warning)));
    let warnings = conclude(in_order(warnings))?;
    let mut inventory = Inventory { warnings, ..collector.finish() };
    inventory.conceal(&leaked_values);
    Ok(inventory)
}

struct InventoryCollector<'c, 'i> {
    context: Context<'c>,
    found: Inventory,
    reads: Vec<Read>,
    /// The positions of the Secrets of a name, and of one that Kustomize has changed since.
    by_name: HashMap<String, Vec<usize>>,
    /// Annotations of pod templates that hash no Secret of the chart.
    other_annotations: HashSet<String>,
    /// Values of credentials, as numbers: all that is kept is which ones are the same.
    values: HashMap<String, usize>,
    /// Fields that refer to a Secret if no other object has its name.
    doubtful: Vec<UnknownField>,
    /// Names of Secrets that other objects have as well.
    names: HashSet<String>,
    lines: Lines<'i>,
}

/// A field that no rule knows.
struct UnknownField {
    read: Read,
    reference: UnknownReference,
    doubtful: bool,
}

/// A reference to a Secret of the stream.
struct Read {
    name: String,
    namespace: Option<String>,
    /// The keys it takes; none for all of them.
    keys: Vec<String>,
    use_of: Use,
    reader: SecretReader,
}

impl<'c, 'i> InventoryCollector<'c, 'i> {
    fn new(input: &'i [u8], context: Context<'c>) -> Self {
        Self {
            context,
            found: Inventory::default(),
            reads: Vec::new(),
            by_name: HashMap::new(),
            values: HashMap::new(),
            doubtful: Vec::new(),
            names: HashSet::new(),
            other_annotations: HashSet::new(),
            lines: Lines::new(input),
        }
    }

    fn object(&mut self, document: &Document<'_>, object: &Object<'_, '_>) {
        if is_configuration(object) {
            return;
        }
        if object.is_secret() {
            return self.secret(document, object);
        }
        let (subject, _) = ObjectView::of(object, self.context);
        let place = |path: &Path, node: NodeId| self.place(document, object, path, node);
        let (known, unknown): (Vec<_>, Vec<_>) =
            subject.references.iter().partition(|found| self.context.facts.renders(found.name));
        let mut reads: Vec<Read> = known.into_iter().map(|found| read_of(&subject, found, &place)).collect();
        let named_only: Vec<NamedOnly> =
            unknown.iter().map(|found| named_only(read_of(&subject, found, &place))).collect();
        let outside: Vec<OutsideRead> =
            unknown.into_iter().flat_map(|found| outside(&subject, found)).collect();
        let duplicates: Vec<Duplicate> =
            subject.pods.env.iter().flat_map(|list| duplicates(list, &place)).collect();
        let entries: Vec<RepeatedEntry> =
            repeated(object, &subject.pods).iter().map(|found| entry(found, &place)).collect();
        let (mut checksums, mut others) = (Vec::new(), Vec::new());
        for Annotation { name, value, path, node } in template_annotations(&subject) {
            match self.context.facts.checksums.find(name, value) {
                None => others.push(name.to_owned()),
                Some(evidence) => checksums.push(Checksum {
                    annotation: name.to_owned(),
                    place: place(&path, node),
                    by_hash_alone: evidence == Evidence::Hash,
                    also_hashes_others: false,
                }),
            }
        }
        let literals = credentials(&subject, self.context);
        let credential = |found: &Literal<'_>| PlainCredential {
            holder: found.what(),
            reason: found.reason.to_string(),
            place: place(&found.path, found.node),
        };
        let credentials: Vec<PlainCredential> = literals.iter().map(credential).collect();
        let (doubtful, unknown): (Vec<_>, Vec<_>) =
            unknown_fields(&subject, self.context, &place).into_iter().partition(|field| field.doubtful);
        let (more_reads, references): (Vec<_>, Vec<_>) =
            unknown.into_iter().map(|field| (field.read, field.reference)).unzip();
        reads.extend(more_reads);
        self.doubtful.extend(doubtful);
        self.names
            .extend(object.name().filter(|name| self.context.facts.removes_name(name)).map(str::to_owned));
        self.found.duplicates.extend(duplicates);
        self.found.entries.extend(entries);
        self.found.checksums.extend(checksums);
        self.other_annotations.extend(others);
        self.found.credentials.extend(credentials);
        self.found.references.extend(references);
        self.found.outside.extend(outside);
        self.found.named_only.extend(named_only);
        self.reads.extend(reads);
        let paths: HashSet<&Path> = literals.iter().map(|found| &found.path).collect();
        for list in subject.pods.env.iter().filter(|list| list.reads_secrets) {
            self.variables(object, list, &paths);
        }
    }

    fn secret(&mut self, document: &Document<'_>, object: &Object<'_, '_>) {
        let kind = object.tree.get(object.node, "type").and_then(|kind| object.tree.text(kind));
        let Some(name) = object.name() else { return };
        if let Some(why) = object.not_to_be_vaulted() {
            return self.found.left_alone.push((object.reference().to_string(), why));
        }
        let mut keys: Vec<SecretKey> = Vec::new();
        let mut positions: HashMap<&str, usize> = HashMap::new();
        for entry in object.secret_data() {
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
                    readers: Vec::new(),
                });
            }
        }
        let this = self.found.secrets.len();
        for name in object.previous_names().chain([name]) {
            let positions = self.by_name.entry(name.to_owned()).or_default();
            // Of two Secrets of one name the cluster has the last, and that one is read.
            let secrets = &self.found.secrets;
            positions.retain(|other| {
                secrets.get(*other).map(|s| s.place.object.namespace.as_deref()) != Some(object.namespace())
            });
            if positions.last() != Some(&this) {
                positions.push(this);
            }
        }
        self.found.secrets.push(Secret {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            hook: object.hook().map(str::to_owned),
            keys,
            readers: Vec::new(),
            place: self.place(document, object, &object.path, object.node),
            use_of: Use::default(),
            skips_post_renderer: object.skips_post_renderer(),
        });
    }

    /// Takes note of the variables of a container; `plain` are the paths of those that are credentials.
    fn variables(&mut self, object: &Object<'_, '_>, list: &EnvList<'_>, plain: &HashSet<&Path>) {
        for (name, positions) in list.groups() {
            let winner = positions[positions.len() - 1];
            let Some(variable) = &list.entries[winner] else { continue };
            let is_credential = plain.contains(&list.path.index(winner));
            let credential = is_credential.then(|| {
                let value = literal(object.tree, variable);
                let next = self.values.len();
                let number = *self.values.entry(value.to_owned()).or_insert(next);
                (number, expansions(value).next().is_some())
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

    fn place(&self, document: &Document<'_>, object: &Object<'_, '_>, path: &Path, node: NodeId) -> Site {
        let (line, _) = self.lines.position(document.offset + document.body + object.tree.node(node).start);
        Site {
            object: object.reference(),
            container: container(object, path).map(str::to_owned),
            template: object.template(),
            file: None,
            path: path.to_string(),
            document: Some(document.number),
            line: Some(line),
        }
    }

    /// Tells every Secret who reads it.
    fn finish(mut self) -> Inventory {
        for UnknownField { read, reference, .. } in std::mem::take(&mut self.doubtful) {
            if !self.names.contains(&read.name) {
                self.reads.push(read);
                self.found.references.push(reference);
            }
        }
        for read in self.reads {
            for position in self.by_name.get(&read.name).into_iter().flatten() {
                let secret = &mut self.found.secrets[*position];
                let apart = |(a, b): (&String, &String)| a != b;
                if !secret.place.object.namespace.as_ref().zip(read.namespace.as_ref()).is_some_and(apart) {
                    secret.is_read(&read);
                }
            }
        }
        for checksum in &mut self.found.checksums {
            checksum.also_hashes_others =
                checksum.by_hash_alone && self.other_annotations.contains(&checksum.annotation);
        }
        self.found.references.retain(|found| self.by_name.contains_key(&found.secret));
        self.found
    }
}

impl Secret {
    fn is_read(&mut self, read: &Read) {
        self.use_of.env_from |= read.use_of.env_from;
        self.use_of.files |= read.use_of.files;
        self.use_of.whole |= read.use_of.whole;
        if read.keys.is_empty() {
            self.readers.push(read.reader.clone());
        }
        for name in &read.keys {
            match self.keys.iter_mut().find(|key| key.name == *name) {
                Some(key) => key.readers.push(read.reader.clone()),
                None => self.keys.push(SecretKey {
                    name: name.clone(),
                    bytes: None,
                    missing: true,
                    readers: vec![read.reader.clone()],
                }),
            }
        }
    }
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
        let key = left.path.split_last().and_then(|(parent, _)| key_beside(object, &parent));
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
