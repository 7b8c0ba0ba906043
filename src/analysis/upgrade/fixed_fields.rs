//! The fields of an object that the API server never changes, with what it puts where a manifest leaves one out.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use crate::kube::object::Object;
use crate::yaml::scalar::boolean_or_null;
use crate::yaml::{Kind, NodeId, ScalarStyle, Tree};

/// A field, and what an absent one is.
type Field = (&'static str, Absent);

/// What the API server makes of an absent field.
#[derive(Clone, Copy)]
enum Absent {
    /// It stays absent.
    Nothing,
    /// This text.
    Is(&'static str),
}

use Absent::{Is, Nothing};

const JOB: [Field; 5] = [
    ("spec.template", Nothing),
    ("spec.completions", Is("1")),
    ("spec.completionMode", Is("NonIndexed")),
    ("spec.podFailurePolicy", Nothing),
    ("spec.selector", Nothing),
];
/// Sources of a volume that name a Secret.
const VOLUME: [Field; 8] = [
    ("spec.azureFile", Nothing),
    ("spec.cephfs", Nothing),
    ("spec.csi", Nothing),
    ("spec.flexVolume", Nothing),
    ("spec.iscsi", Nothing),
    ("spec.rbd", Nothing),
    ("spec.scaleIO", Nothing),
    ("spec.storageos", Nothing),
];
const STATEFUL_SET: [Field; 4] = [
    ("spec.volumeClaimTemplates", Nothing),
    ("spec.selector", Nothing),
    ("spec.serviceName", Nothing),
    ("spec.podManagementPolicy", Is("OrderedReady")),
];
const STORAGE_CLASS: [Field; 4] = [
    ("parameters", Nothing),
    ("provisioner", Nothing),
    ("reclaimPolicy", Is("Delete")),
    ("volumeBindingMode", Is("Immediate")),
];
const SECRET: [Field; 1] = [("type", Is("Opaque"))];
const IMMUTABLE_SECRET: [Field; 4] =
    [("type", Is("Opaque")), ("immutable", Nothing), ("data", Nothing), ("stringData", Nothing)];
const IMMUTABLE_MAP: [Field; 3] = [("immutable", Nothing), ("data", Nothing), ("binaryData", Nothing)];

/// The fields by path. Two objects that differ in one are not the same to the API server.
pub(super) fn fixed_fields(object: &Object<'_, '_>, group: &str) -> BTreeMap<String, Value> {
    let is_immutable = || text(object, &["immutable"]).is_some_and(|text| text == "true");
    let fields: &[Field] = match (group, object.kind.as_str()) {
        ("batch", "Job") => &JOB,
        ("", "Pod") => &[("spec", Nothing)],
        ("", "PersistentVolume") => &VOLUME,
        ("", "PersistentVolumeClaim") => &[("spec.accessModes", Nothing), ("spec.storageClassName", Nothing)],
        ("", "Service") => &[("spec.clusterIP", Nothing)],
        ("apps", "StatefulSet") => &STATEFUL_SET,
        ("apps", "Deployment" | "DaemonSet" | "ReplicaSet") => &[("spec.selector", Nothing)],
        ("storage.k8s.io", "StorageClass") => &STORAGE_CLASS,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => &[("roleRef", Nothing)],
        ("", "Secret") if is_immutable() => &IMMUTABLE_SECRET,
        ("", "Secret") => &SECRET,
        ("", "ConfigMap") if is_immutable() => &IMMUTABLE_MAP,
        _ => &[],
    };
    let mut found: BTreeMap<String, Value> =
        fields.iter().filter_map(|field| content(object, *field)).collect();
    if object.kind == "Service" && text(object, &["spec", "type"]).is_some_and(|kind| kind != "ClusterIP") {
        // An address of its own, whichever.
        found.entry("spec.clusterIP".to_owned()).or_insert(Value::Null);
    }
    if object.kind == "Pod" {
        found.values_mut().for_each(without_images);
    }
    if let Some(texts) = found.remove("stringData") {
        into_data(&mut found, texts);
    }
    found
}

fn content(object: &Object<'_, '_>, (path, absent): Field) -> Option<(String, Value)> {
    let steps: Vec<&str> = path.split('.').collect();
    let written = object.tree.get_in(object.node, &steps).map(|node| json(object.tree, node));
    let value = written.filter(|value| !value.is_null()).or(match absent {
        Nothing => None,
        Is(text) => Some(text.into()),
    })?;
    Some((path.to_owned(), value))
}

/// A pod's specification without what may change in it.
fn without_images(specification: &mut Value) {
    for list in ["containers", "initContainers"] {
        let containers = specification.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            container.remove("image");
        }
    }
}

/// What a Secret says as texts is stored as data.
fn into_data(found: &mut BTreeMap<String, Value>, texts: Value) {
    let data = found.entry("data".to_owned()).or_insert_with(|| Value::Object(serde_json::Map::new()));
    if let (Value::Object(data), Value::Object(texts)) = (data, texts) {
        for (key, text) in texts {
            let encoded = text.as_str().map(|text| BASE64_STANDARD.encode(text));
            data.insert(key, encoded.map_or(text, Value::from));
        }
    }
}

fn text<'t>(object: &'t Object<'_, '_>, path: &[&str]) -> Option<&'t str> {
    object.tree.text(object.tree.get_in(object.node, path)?)
}

/// A node as JSON. Numbers stay text: where Kubernetes wants a text, nothing else is accepted anyway.
pub(super) fn json(tree: &Tree<'_>, node: NodeId) -> Value {
    match tree.kind(tree.resolve(node)) {
        Kind::Scalar(scalar) if scalar.style == ScalarStyle::Plain => {
            boolean_or_null(scalar.text).unwrap_or_else(|| scalar.text.into())
        }
        Kind::Scalar(scalar) => scalar.text.into(),
        Kind::Sequence(_, items) => items.iter().map(|item| json(tree, *item)).collect(),
        Kind::Mapping(..) => {
            let field = |key: &str| Some((key.to_owned(), json(tree, tree.get(node, key)?)));
            let keys = tree.members(node).into_iter();
            Value::Object(keys.filter_map(|(key, _)| field(tree.text(key)?)).collect())
        }
        Kind::Alias(target) => json(tree, target),
    }
}
