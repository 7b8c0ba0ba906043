//! A node as a Kubernetes object.

use std::cell::OnceCell;
use std::collections::HashSet;

use base64::prelude::{BASE64_STANDARD, Engine};

use crate::diagnostics::ObjectRef;
use crate::stream;
use crate::yaml::{NodeId, Path, Tree};

const HELM4_TEMPLATE: &str = "postrenderer.helm.sh/postrender-filename";
const KUSTOMIZE_NAMES: &str = "internal.config.kubernetes.io/previousNames";

/// Makes an object a hook: Helm runs it beside the release.
const HOOK: &str = "helm.sh/hook";

/// The group of an `apiVersion`; empty for the core group.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// An object: a document's root, or an item of a list.
#[derive(Clone)]
pub(crate) struct Object<'t, 's> {
    /// The tree that holds it.
    pub(crate) tree: &'t Tree<'s>,
    /// Its node.
    pub(crate) node: NodeId,
    /// Its path in the document.
    pub(crate) path: Path,
    /// What it is.
    pub(crate) kind: String,
    /// `apiVersion`.
    pub(crate) api_version: String,
}

impl<'t> Object<'t, '_> {
    /// Its API group.
    pub(crate) fn group(&self) -> &str {
        group_of(&self.api_version)
    }

    /// `metadata.name`.
    pub(crate) fn name(&self) -> Option<&'t str> {
        self.text_at(&["metadata", "name"])
    }

    /// `metadata.namespace`; empty counts as absent.
    pub(crate) fn namespace(&self) -> Option<&'t str> {
        self.text_at(&["metadata", "namespace"]).filter(|namespace| !namespace.is_empty())
    }

    /// The value of a label.
    pub(crate) fn label(&self, label: &str) -> Option<&'t str> {
        self.text_at(&["metadata", "labels", label])
    }

    /// The value of an annotation.
    pub(crate) fn annotation(&self, annotation: &str) -> Option<&'t str> {
        self.text_at(&["metadata", "annotations", annotation])
    }

    /// When Helm runs this hook (`pre-install,pre-upgrade`); `None` for an object that is no hook.
    pub(crate) fn hook(&self) -> Option<&'t str> {
        self.annotation(HOOK)
    }

    /// Whether a post-renderer never sees this object: a hook, except for those that Helm 4 has sent through one.
    pub(crate) fn skips_post_renderer(&self) -> bool {
        self.hook().is_some() && self.annotation(HELM4_TEMPLATE).is_none()
    }

    /// The names that the object had before Kustomize gave it a prefix or suffix, where it has one.
    ///
    /// Kustomize corrects references only after its transformers: until then they have the name before.
    pub(crate) fn previous_names(&self) -> impl Iterator<Item = &'t str> {
        let names = self.annotation(KUSTOMIZE_NAMES).unwrap_or_default();
        names.split(',').filter(|name| !name.is_empty())
    }

    fn text_at(&self, keys: &[&str]) -> Option<&'t str> {
        self.tree.get_in(self.node, keys).and_then(|node| self.tree.text(node))
    }

    /// Whether this is a Secret of the core API group.
    pub(crate) fn is_secret(&self) -> bool {
        self.is_core("Secret")
    }

    /// The `type` of a Secret, where it is written.
    pub(crate) fn secret_type(&self) -> Option<&'t str> {
        self.text_at(&["type"])
    }

    /// Whether this is a ConfigMap.
    pub(crate) fn is_config_map(&self) -> bool {
        self.is_core("ConfigMap")
    }

    /// Whether this is of a kind of the core API group.
    fn is_core(&self, kind: &str) -> bool {
        let version = self.api_version.strip_prefix('/').unwrap_or(&self.api_version);
        self.kind == kind && matches!(version, "v1" | "")
    }

    /// The chart template it came from.
    ///
    /// Helm 4 says so in an annotation; Helm 3, and `helm template`, in the first comment of the document, which
    /// is that of an item where a client has made items of documents.
    pub(crate) fn template(&self) -> Option<String> {
        let annotated = self.annotation(HELM4_TEMPLATE).map(str::to_owned);
        annotated
            .or_else(|| self.comment_of_item())
            .or_else(|| stream::template(self.tree.source().as_bytes()))
    }

    /// The template that the comments between an item's dash and its first key name, where a client has kept them.
    fn comment_of_item(&self) -> Option<String> {
        let before = self.tree.source().get(..self.tree.start(self.node))?;
        // In a flow list a bracket or comma is there, on a line as long as the document.
        if !before.trim_end_matches([' ', '\t']).ends_with(['\n', '\r', '-']) {
            return None;
        }
        let mut found = None;
        for line in before.lines().rev() {
            let line = line.trim_start();
            let (comment, is_first) = line.strip_prefix("- ").map_or((line, false), |rest| (rest, true));
            found = stream::template(comment.as_bytes()).or(found);
            if is_first {
                return found;
            }
            if !line.is_empty() && !line.starts_with('#') {
                return None;
            }
        }
        None
    }

    /// What names it.
    pub(crate) fn reference(&self) -> ObjectRef {
        ObjectRef {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            name: self.name().unwrap_or_default().to_owned(),
            namespace: self.namespace().map(str::to_owned),
        }
    }

    /// Why nobody could vault this Secret, where it is one of those.
    pub(crate) fn not_to_be_vaulted(&self) -> Option<&'static str> {
        match self.secret_type() {
            Some("kubernetes.io/service-account-token") => Some("the cluster fills it with a token"),
            Some("helm.sh/release.v1") => Some("Helm keeps a release in it"),
            _ if self.secret_data().is_empty() => Some("it has no data: a controller fills it"),
            _ => None,
        }
    }

    /// The entries of a ConfigMap's `data`, in order.
    pub(crate) fn config_map_data(&self) -> Vec<DataEntry<'t>> {
        self.data_entries("data", false).collect()
    }

    /// The entries of `data` and `stringData`, in order.
    pub(crate) fn secret_data(&self) -> Vec<DataEntry<'t>> {
        self.data_entries("data", true).chain(self.data_entries("stringData", false)).collect()
    }

    /// The entries of a ConfigMap or else of a Secret, in order.
    pub(crate) fn held_data(&self) -> Vec<DataEntry<'t>> {
        if self.is_config_map() { self.config_map_data() } else { self.secret_data() }
    }

    /// The entries of a field of data, in order.
    fn data_entries(&self, field: &str, encoded: bool) -> impl Iterator<Item = DataEntry<'t>> {
        let tree = self.tree;
        let entries = tree.get(self.node, field).map(|data| tree.members(data)).unwrap_or_default();
        entries.into_iter().filter_map(move |(key, value)| {
            let (key, text) = (tree.text(key)?, tree.text(value));
            Some(DataEntry { key, text, encoded, plain: OnceCell::new() })
        })
    }
}

/// The bytes of a base64 text, which may be broken into lines; `None` where it is none.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_whitespace().collect();
    BASE64_STANDARD.decode(text).ok()
}

/// The types of Secrets whose keys say what they are, and the keys that the API server demands.
pub(crate) const TYPES_WITH_KEYS: [(&str, &[&str]); 4] = [
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("kubernetes.io/dockercfg", &[".dockercfg"]),
    ("kubernetes.io/tls", &["tls.crt", "tls.key"]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"]),
];

/// An entry of a Secret's data.
pub(crate) struct DataEntry<'t> {
    /// Its key.
    pub(crate) key: &'t str,
    text: Option<&'t str>,
    encoded: bool,
    /// The value, once somebody has asked for it.
    plain: OnceCell<Option<Vec<u8>>>,
}

impl DataEntry<'_> {
    /// The value itself; `None` where it is no text or its base64 is wrong.
    pub(crate) fn plain(&self) -> Option<&[u8]> {
        self.plain.get_or_init(|| self.read()).as_deref()
    }

    fn read(&self) -> Option<Vec<u8>> {
        let text = self.text?;
        if !self.encoded {
            return Some(text.as_bytes().to_vec());
        }
        decode_base64(text)
    }
}

/// The keys of entries, in order, each once.
pub(crate) fn distinct_keys(data: &[DataEntry<'_>]) -> Vec<String> {
    let mut known = HashSet::new();
    data.iter().map(|entry| entry.key).filter(|key| known.insert(*key)).map(str::to_owned).collect()
}

/// The objects of a document: itself, or the items of a list, nested ones included.
pub(crate) fn objects<'t, 's>(tree: &'t Tree<'s>) -> Vec<Object<'t, 's>> {
    let mut found = Vec::new();
    if let Some(root) = tree.root() {
        collect(tree, root, &Path::root(), None, &mut found);
    }
    found
}

fn collect<'t, 's>(
    tree: &'t Tree<'s>,
    node: NodeId,
    path: &Path,
    list: Option<(&str, &str)>,
    found: &mut Vec<Object<'t, 's>>,
) {
    if tree.entries(node).is_none() {
        return;
    }
    let field = |name: &str| tree.get(node, name).and_then(|node| tree.text(node)).unwrap_or_default();
    let own = (field("kind"), field("apiVersion"));
    let (kind, api_version) = list.filter(|_| own == ("", "")).unwrap_or(own);
    let items = tree.get(node, "items");
    let nothing = list.is_none() && items.is_some_and(|items| tree.is_null(items));
    let Some(items) = items.and_then(|items| tree.items(items)).or(nothing.then_some(&[])) else {
        let (kind, api_version) = (kind.to_owned(), api_version.to_owned());
        return found.push(Object { tree, node, path: path.clone(), kind, api_version });
    };
    // Only the first list says what its items are. Those of a ResourceList are documents of their own.
    let items_are = match list {
        None if kind == "ResourceList" => None,
        None => Some((kind.strip_suffix("List").unwrap_or(kind), api_version)),
        Some(_) => Some(("", "")),
    };
    for (position, item) in items.iter().enumerate() {
        let path = path.key("items").index(position);
        collect(tree, *item, &path, items_are, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let tree = parse(text).expect("YAML");
        let found: Vec<_> = objects(&tree).iter().map(|o| format!("{} {}", o.path, o.reference())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_document_is_an_object_or_a_list_of_them() {
        check("kind: Secret\nmetadata: {name: a, namespace: n}\n", &[" Secret/a in namespace n"]);
        check(
            "kind: List\nitems:\n- {kind: A, metadata: {name: a}}\n- kind: List\n  items: [{kind: B}]\n",
            &["items[0] A/a", "items[1].items[0] B/"],
        );
        check("kind: SecretList\nitems: [{metadata: {name: a}}]\n", &["items[0] Secret/a"]);
        check("kind: &k Secret\nmetadata: {name: *k}\n", &[" Secret/Secret"]);
        check("- a\n", &[]);
        check("# nothing\n", &[]);
    }

    #[test]
    fn the_template_is_in_helms_comment_or_annotation() {
        let template = |text: &str| {
            let tree = parse(text).expect("YAML");
            objects(&tree)[0].template()
        };
        assert_eq!(template("\n# Source: a/b.yaml\r\nkind: A\n").as_deref(), Some("a/b.yaml"));
        assert_eq!(
            template(
                "kind: A\nmetadata: {annotations: {postrenderer.helm.sh/postrender-filename: 'c/d.yaml'}}\n"
            )
            .as_deref(),
            Some("c/d.yaml")
        );
        assert_eq!(template("kind: A\n# Source: later\n"), None);
        assert_eq!(
            template("kind: List\nitems:\n- # Source: e.yaml\n  kind: A\n").as_deref(),
            Some("e.yaml")
        );
        assert_eq!(template("kind: List\nitems:\n  # Source: e.yaml\n  - kind: A\n"), None);
    }
}
