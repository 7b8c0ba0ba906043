//! Checks whether existing Secrets hold what they must. It reads values and reports only what is wrong with them.

use crate::analysis::keys::manifest::PLACEHOLDER;
use crate::analysis::keys::{Vault, VaultedKey, VaultedSecret};
use crate::config::key_format::ends_with_stray_break;
use crate::diagnostics::{Code, Diagnostic, Error, Location};
use crate::kube::object::{Object, decode_base64, objects};
use crate::stream::{self, Document};
use crate::yaml::span::Lines;
use crate::yaml::{self, NodeId};

const PULL_TYPE: &str = "kubernetes.io/dockerconfigjson";
const OLD_PULL_TYPE: &str = "kubernetes.io/dockercfg";

impl Vault {
    /// Checks Secrets, as `kubectl get secret -o yaml` prints them, against what they must hold.
    ///
    /// Each file is its name and its bytes. The diagnostics are what is missing, empty or in a wrong format; none shows a
    /// value.
    ///
    /// # Errors
    ///
    /// A file that is not YAML.
    pub fn check(&self, files: &[(String, Vec<u8>)]) -> Result<Vec<Diagnostic>, Error> {
        let mut existing = Vec::new();
        for (name, bytes) in files {
            read(name, bytes, &mut existing)?;
        }
        let mut found = Vec::new();
        for wanted in &self.secrets {
            let mut same: Vec<&Existing> = existing.iter().filter(|secret| secret.is(wanted)).collect();
            if same.iter().any(|secret| secret.namespace == wanted.namespace) {
                same.retain(|secret| secret.namespace == wanted.namespace);
            }
            if same.is_empty() {
                found.push(missing_secret(wanted, files));
            }
            for secret in same {
                secret.check(wanted, &mut found);
            }
        }
        Ok(found)
    }
}

/// A Secret that is there.
struct Existing {
    name: String,
    namespace: Option<String>,
    kind: String,
    location: Location,
    values: Vec<StoredValue>,
}

struct StoredValue {
    key: String,
    /// The bytes, or none where they are not base64.
    bytes: Option<Vec<u8>>,
    location: Location,
}

/// Adds the Secrets of a file.
fn read(name: &str, bytes: &[u8], found: &mut Vec<Existing>) -> Result<(), Error> {
    let lines = Lines::new(bytes);
    for document in stream::documents(bytes) {
        let refuse = |at: usize, what: String| -> Error {
            let (line, column) = lines.position(document.offset + document.body + at);
            let location = Location {
                file: Some(name.to_owned()),
                line: Some(line),
                column: Some(column),
                ..Location::default()
            };
            let help = "give --against the Secrets as `kubectl get secret NAME -o yaml` prints them";
            Diagnostic::error(Code::NotYaml, what, help).at(location).into()
        };
        let text = stream::text(&document)
            .map_err(|at| refuse(at - document.body, "the file is not UTF-8".to_owned()))?;
        let tree = yaml::parse(text)
            .map_err(|error| refuse(error.at(), format!("the file is not YAML ({error})")))?;
        for object in objects(&tree).into_iter().filter(Object::is_secret) {
            found.push(Existing::of(name, &lines, &document, &object));
        }
    }
    Ok(())
}

impl Existing {
    fn of(file: &str, lines: &Lines<'_>, document: &Document<'_>, object: &Object<'_, '_>) -> Self {
        let tree = object.tree;
        let locate = |node: NodeId, path: Option<String>| {
            let at = document.offset + document.body + tree.start(node);
            let (line, column) = lines.position(at);
            Location {
                file: Some(file.to_owned()),
                object: Some(object.reference()),
                path,
                line: Some(line),
                column: Some(column),
                ..Location::default()
            }
        };
        let mut values: Vec<StoredValue> = Vec::new();
        for (field, encoded) in [("data", true), ("stringData", false)] {
            let entries = tree.get(object.node, field).and_then(|data| tree.entries(data));
            for (key, value) in entries.unwrap_or_default() {
                let Some(key) = tree.text(*key) else { continue };
                let text = tree.text(*value).unwrap_or_default();
                let bytes = if encoded { decode_base64(text) } else { Some(text.as_bytes().to_vec()) };
                let path = object.path.key(field).key(key).to_string();
                // What is in stringData wins, as it does in the API server.
                values.retain(|known| known.key != key);
                values.push(StoredValue { key: key.to_owned(), bytes, location: locate(*value, Some(path)) });
            }
        }
        let kind = object.secret_type().unwrap_or("Opaque");
        Self {
            name: object.name().unwrap_or_default().to_owned(),
            namespace: object.namespace().map(str::to_owned),
            kind: kind.to_owned(),
            location: locate(object.node, None),
            values,
        }
    }

    fn is(&self, wanted: &VaultedSecret) -> bool {
        let meets = match (&self.namespace, &wanted.namespace) {
            (Some(this), Some(other)) => this == other,
            _ => true,
        };
        self.name == wanted.name && meets
    }

    fn check(&self, wanted: &VaultedSecret, found: &mut Vec<Diagnostic>) {
        if wanted.secret_type() == PULL_TYPE && self.kind != PULL_TYPE && self.kind != OLD_PULL_TYPE {
            let message = format!(
                "Secret {} is of type {}; images are pulled with {PULL_TYPE} only",
                self.name, self.kind
            );
            let help = "a Secret's type cannot be changed: delete it, and make it with `kubectl create secret docker-registry`";
            found.push(Diagnostic::error(Code::WrongFormat, message, help).at(self.location.clone()));
        }
        // What nothing reads of a Secret that is read may be anything.
        for key in wanted.keys.iter().filter(|key| !(key.optional && key.readers.is_empty())) {
            match self.values.iter().find(|value| value.key == key.name) {
                Some(value) => found.extend(value.check(key, &self.name)),
                None if key.optional => {}
                None => found.push(missing_key(key, self)),
            }
        }
    }
}

impl StoredValue {
    fn check(&self, wanted: &VaultedKey, secret: &str) -> Option<Diagnostic> {
        let key = &self.key;
        let say = |rule: Code, message: String, help: &str| {
            Some(Diagnostic::error(rule, message, wanted.remedy(help)).at(self.location.clone()))
        };
        let Some(bytes) = &self.bytes else {
            let message = format!("key {key} of Secret {secret} is not base64");
            return say(
                Code::WrongFormat,
                message,
                "values of `data` are base64; plain text belongs into `stringData`",
            );
        };
        if bytes.trim_ascii().is_empty() {
            let message = format!("key {key} of Secret {secret} is empty");
            return say(Code::EmptyValue, message, "store its value in the vault");
        }
        if bytes.trim_ascii() == PLACEHOLDER.as_bytes() {
            let message = format!("key {key} of Secret {secret} still holds the placeholder");
            return say(Code::EmptyValue, message, "store its value in the vault");
        }
        if let Some(format) = wanted.format {
            let complaint = format.check(bytes).err()?;
            let message =
                format!("key {key} of Secret {secret} should be {}: {complaint}", format.description());
            return say(Code::WrongFormat, message, format.remedy());
        }
        if wanted.is_variable() && ends_with_stray_break(bytes) {
            let message =
                format!("key {key} of Secret {secret} ends with a line break, which a variable keeps");
            return say(Code::WrongFormat, message, crate::KeyFormat::Line.remedy());
        }
        None
    }
}

impl VaultedKey {
    /// The remedy for a value, with a warning where a new one would lose data.
    fn remedy(&self, help: &str) -> String {
        if self.never_rotate {
            format!("{help}; where data is stored already, it must be the value that the data was made with")
        } else {
            help.to_owned()
        }
    }
}

fn missing_secret(wanted: &VaultedSecret, files: &[(String, Vec<u8>)]) -> Diagnostic {
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let message = format!("Secret {} is not in {}", wanted.name, names.join(", "));
    let help = "make it (`resecret keys -o secret` prints a manifest to start from), or give --against the file that holds it";
    let location = Location { file: names.first().map(|name| (*name).to_owned()), ..Location::default() };
    Diagnostic::error(Code::MissingSecret, message, help).at(location)
}

fn missing_key(key: &VaultedKey, secret: &Existing) -> Diagnostic {
    let reader = key.readers.first().map(|reader| format!(", which {reader} reads")).unwrap_or_default();
    let message = format!("Secret {} has no key {}{reader}", secret.name, key.name);
    let help = "add it in the vault under this very name, or rename it by `keys` in the rule";
    Diagnostic::error(Code::MissingKey, message, key.remedy(help)).at(secret.location.clone())
}
