//! The inventory of a stream: what each document holds, put together.

use std::collections::{HashMap, HashSet};

use crate::analysis::scan::document::{DocumentInventory, Read, UnknownField};
use crate::analysis::scan::{CredentialVariable, Generated, Inventory, Secret, SecretKey};
use crate::config::Config;
use crate::diagnostics::Error;
use crate::filter::collect::{Collected, collect};
use crate::filter::findings::{Findings, conclude, in_order};
use crate::filter::rewrite::for_each;
use crate::kube::object::objects;
use crate::rules::checksums::Evidence;
use crate::rules::{Context, RULES};

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
    inventory_of_generated(input, Generated::default())
}

/// The same, where whatever the render has generated is a credential.
///
/// # Errors
///
/// As for [`inventory`].
pub fn inventory_of_generated(input: &[u8], generated: Generated) -> Result<Inventory, Error> {
    let mut config = Config::default();
    config.add_file("inventory", EVERYTHING)?;
    let Collected { candidates, facts, leaked_values, findings: mut warnings, .. } =
        collect(input, &config, RULES)?;
    let context = Context { config: &config, facts: &facts };
    let documents = for_each(input, &candidates.found, |document, interest, locator| {
        let mut findings = Findings::new(locator);
        let tree = findings.parse(document, interest);
        let found =
            tree.map(|tree| DocumentInventory::of(&objects(&tree), context, &generated, document, locator));
        (found.unwrap_or_default(), findings.into_diagnostics())
    });
    let mut whole = Whole::default();
    for (document, findings) in documents {
        whole.add(document);
        warnings.extend(findings.into_iter().map(|warning| leaked_values.conceal(warning)));
    }
    let mut inventory = whole.finish();
    inventory.generated = generated;
    inventory.warnings = conclude(in_order(warnings))?;
    inventory.conceal(&leaked_values);
    Ok(inventory)
}

/// The documents that have been put together so far.
#[derive(Default)]
struct Whole {
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
    shared_names: HashSet<String>,
}

impl Whole {
    fn add(&mut self, document: DocumentInventory) {
        let DocumentInventory { mut found, names, reads, doubtful, shared_names, other_annotations, values } =
            document;
        self.secrets(std::mem::take(&mut found.secrets), names);
        self.variables(std::mem::take(&mut found.variables), values);
        self.found.extend(found);
        self.reads.extend(reads);
        self.doubtful.extend(doubtful);
        self.shared_names.extend(shared_names);
        self.other_annotations.extend(other_annotations);
    }

    fn secrets(&mut self, secrets: Vec<Secret>, names: Vec<Vec<String>>) {
        for (secret, names) in secrets.into_iter().zip(names) {
            let this = self.found.secrets.len();
            for name in names {
                let positions = self.by_name.entry(name).or_default();
                // Of two Secrets of one name the cluster has the last, and that one is read.
                let others = &self.found.secrets;
                positions.retain(|other| {
                    others.get(*other).map(|other| &other.place.object.namespace)
                        != Some(&secret.place.object.namespace)
                });
                if positions.last() != Some(&this) {
                    positions.push(this);
                }
            }
            self.found.secrets.push(secret);
        }
    }

    /// Variables, whose credentials are numbered by the values of their document.
    fn variables(&mut self, variables: Vec<CredentialVariable>, values: Vec<String>) {
        let mut number = |value| {
            let next = self.values.len();
            *self.values.entry(value).or_insert(next)
        };
        let numbers: Vec<usize> = values.into_iter().map(&mut number).collect();
        self.found.variables.extend(variables.into_iter().map(|mut variable| {
            if let Some((number, _)) = &mut variable.credential {
                *number = numbers[*number];
            }
            variable
        }));
    }

    /// Tells every Secret who reads it.
    fn finish(mut self) -> Inventory {
        for UnknownField { read, reference, .. } in std::mem::take(&mut self.doubtful) {
            if !self.shared_names.contains(&read.name) {
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
            checksum.also_hashes_others = checksum.evidence != Some(Evidence::Words)
                && self.other_annotations.contains(&checksum.annotation);
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
                    setting: false,
                    generated: false,
                    readers: vec![read.reader.clone()],
                }),
            }
        }
    }
}
