//! Who looks on while the filter runs: the same run, seen as something other than bytes.

use crate::object::Object;
use crate::patch::Patch;
use crate::reads::Read;
use crate::stream::Document;
use crate::yaml::Tree;

/// Someone who looks on. What is seen counts only if the run goes through.
pub(crate) trait Observer {
    /// Whether documents matter too that no rule can touch.
    fn wants_every_document(&self) -> bool {
        false
    }

    /// After the rewrite, an object reads a vaulted Secret.
    fn reads(&mut self, _object: &Object<'_, '_>, _read: &Read) {}

    /// A document changes, or goes: then every one of its objects is removed.
    fn patched(&mut self, _document: &Document<'_>, _tree: &Tree<'_>, _patch: &Patch) {}
}

/// Nobody.
impl Observer for () {}
