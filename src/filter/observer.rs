//! Who looks on while the filter runs: the same run, seen as something other than bytes.

use crate::edit::patch::Patch;
use crate::kube::object::Object;
use crate::rules::secret_use::SecretUse;
use crate::stream::Document;
use crate::yaml::Tree;

/// Someone who looks on. What is seen counts only if the run goes through.
pub(crate) trait Observer {
    /// Whether anybody is there. Who looks on sees one document after the other.
    fn is_someone(&self) -> bool {
        true
    }

    /// Whether documents matter too that no rule can touch.
    fn wants_every_document(&self) -> bool {
        false
    }

    /// There is an object, also one that goes.
    fn object(&mut self, _object: &Object<'_, '_>) {}

    /// After the rewrite, an object reads a vaulted Secret.
    fn reads(&mut self, _object: &Object<'_, '_>, _read: &SecretUse) {}

    /// A document changes. An object that goes is removed at its own path; of a document that goes, each of them.
    fn patched(&mut self, _document: &Document<'_>, _tree: &Tree<'_>, _patch: &Patch) {}
}

/// Nobody.
impl Observer for () {
    fn is_someone(&self) -> bool {
        false
    }
}
