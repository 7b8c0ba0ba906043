//! The forms in which clients hand manifests over, told apart by what is in the input.
//!
//! | form | client |
//! | --- | --- |
//! | manifests | Helm, pipes, Kustomize's legacy exec plugins |
//! | one `ResourceList` | Kustomize and other KRM clients |
//!
//! A ResourceList is a document with a list of objects, which the pipeline handles anyway. So this module only handles
//! what is special about the wrapper: it stays when every object is removed, it can bring the configuration, it takes the
//! results, and its items name the files that they came from.

mod function_config;
mod resource_list;

use memchr::memmem;

use crate::diagnostics::{Code, Diagnostic, Error, Location};
pub use crate::krm::function_config::add_function_config;
use crate::kube::object::Object;
use crate::stream::output::{DocumentChange, Finished};
use crate::stream::{self, Document};
use crate::yaml::{self, Tree};

const GROUP: &str = "config.kubernetes.io/";
const KIND: &str = "ResourceList";

/// The form of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputFormat {
    /// Documents between markers.
    Manifests,
    /// A single document of kind ResourceList.
    ResourceList,
}

impl InputFormat {
    /// The form of this input.
    ///
    /// # Errors
    ///
    /// A ResourceList among other documents: its client reads one document, or none of the others.
    pub(crate) fn of(input: &[u8]) -> Result<Self, Error> {
        resource_list(input).map(|found| found.map_or(Self::Manifests, |_| Self::ResourceList))
    }

    /// The diagnostics with their places as the client knows them.
    pub(crate) fn located(self, input: &[u8], diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
        match self {
            Self::Manifests => diagnostics,
            Self::ResourceList => resource_list::located(input, diagnostics),
        }
    }

    /// The output with what the run has to say in it, where the form has a place for that.
    ///
    /// # Errors
    ///
    /// The wrapper cannot be edited safely.
    pub(crate) fn with_results<'i>(
        self,
        input: &[u8],
        output: Finished<'i>,
        diagnostics: &[Diagnostic],
    ) -> Result<Finished<'i>, Error> {
        if self == Self::Manifests || diagnostics.is_empty() {
            return Ok(output);
        }
        let bytes = resource_list::with_results(&output.pieces.concat(), diagnostics)?;
        let whole = DocumentChange { before: 0..input.len(), after: 0..1 };
        Ok(Finished { pieces: vec![bytes.into()], changes: vec![whole] })
    }
}

/// Whether an object is this program's own configuration, which some clients keep among the manifests.
pub(crate) fn is_configuration(object: &Object<'_, '_>) -> bool {
    object.kind == "Resecret" && object.api_version.starts_with("resecret.dev/")
}

fn mixed(document: usize) -> Diagnostic {
    let location = Location { document: Some(document), ..Location::default() };
    Diagnostic::error(
        Code::MixedInput,
        "a ResourceList is among other documents",
        "give the program one ResourceList, as Kustomize does, or a stream of manifests",
    )
    .at(location)
}

fn parse<'i>(document: &Document<'i>) -> Option<Tree<'i>> {
    yaml::parse(stream::text(document).ok()?).ok()
}

/// Whether a document is the wrapper of the KRM function specification.
fn is_resource_list(tree: &Tree<'_>) -> bool {
    let Some(root) = tree.root() else { return false };
    let field = |name: &str| tree.get(root, name).and_then(|node| tree.text(node));
    field("kind") == Some(KIND) && field("apiVersion").is_none_or(|version| version.starts_with(GROUP))
}

/// The ResourceList that an input is; `None` where it is a stream of manifests.
///
/// # Errors
///
/// See [`InputFormat::of`].
fn resource_list(input: &[u8]) -> Result<Option<(Document<'_>, Tree<'_>)>, Error> {
    // An escape could hide the kind. Then the document is a list like any other: its objects are found all the same.
    if memmem::find(input, KIND.as_bytes()).is_none() {
        return Ok(None);
    }
    let (mut found, mut others) = (None, 0);
    for document in stream::documents(input) {
        match parse(&document) {
            Some(tree) if is_resource_list(&tree) && found.is_none() => found = Some((document, tree)),
            Some(tree) if tree.root().is_none() => {}
            _ => others += 1,
        }
    }
    match found {
        Some((document, _)) if others > 0 => Err(mixed(document.number).into()),
        found => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n";

    #[track_caller]
    fn check(input: &str, expected: Result<InputFormat, Code>) {
        assert_eq!(InputFormat::of(input.as_bytes()).map_err(|error| error.code()), expected, "{input}");
    }

    #[test]
    fn a_resource_list_is_told_by_its_group_and_kind() {
        check(LIST, Ok(InputFormat::ResourceList));
        check(&format!("# comment\n---\n{LIST}---\n"), Ok(InputFormat::ResourceList));
        check(
            r#"{"kind":"ResourceList","items":[],"apiVersion":"config.kubernetes.io/v1beta1"}"#,
            Ok(InputFormat::ResourceList),
        );
        check("kind: ConfigMap\ndata: {kind: ResourceList}\n", Ok(InputFormat::Manifests));
        check("apiVersion: example.com/v1\nkind: ResourceList\nitems: []\n", Ok(InputFormat::Manifests));
        check("kind: List\nitems: []\n", Ok(InputFormat::Manifests));
    }

    #[test]
    fn a_resource_list_stands_alone() {
        check(&format!("{LIST}---\nkind: Pod\n"), Err(Code::MixedInput));
        check(&format!("{LIST}---\n{LIST}"), Err(Code::MixedInput));
        check(&format!("{LIST}---\na: [\n"), Err(Code::MixedInput));
    }
}
