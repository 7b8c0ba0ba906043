//! The built-in kinds: what a policy must know of them besides their fields.

/// A row of [`BUILT_IN`].
type BuiltInKind = (&'static str, &'static str, &'static str, &'static str, bool, Option<&'static str>);

/// The built-in kinds: group, version, resource, kind, whether in a namespace, and the way to the pod.
pub(super) const BUILT_IN: [BuiltInKind; 16] = [
    ("", "v1", "pods", "Pod", true, Some("spec")),
    ("", "v1", "podtemplates", "PodTemplate", true, Some("template.spec")),
    ("", "v1", "replicationcontrollers", "ReplicationController", true, Some("spec.template.spec")),
    ("apps", "v1", "daemonsets", "DaemonSet", true, Some("spec.template.spec")),
    ("apps", "v1", "deployments", "Deployment", true, Some("spec.template.spec")),
    ("apps", "v1", "replicasets", "ReplicaSet", true, Some("spec.template.spec")),
    ("apps", "v1", "statefulsets", "StatefulSet", true, Some("spec.template.spec")),
    ("batch", "v1", "cronjobs", "CronJob", true, Some("spec.jobTemplate.spec.template.spec")),
    ("batch", "v1", "jobs", "Job", true, Some("spec.template.spec")),
    ("", "v1", "configmaps", "ConfigMap", true, None),
    ("", "v1", "serviceaccounts", "ServiceAccount", true, None),
    ("networking.k8s.io", "v1", "ingresses", "Ingress", true, None),
    ("rbac.authorization.k8s.io", "v1", "roles", "Role", true, None),
    ("", "v1", "persistentvolumes", "PersistentVolume", false, None),
    ("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false, None),
    ("storage.k8s.io", "v1", "storageclasses", "StorageClass", false, None),
];

/// Whether a group and kind are built in, with all that is to be known of them.
pub(super) fn is_built_in(group: &str, kind: &str) -> bool {
    BUILT_IN.iter().any(|row| (row.0, row.3) == (group, kind))
}

/// The group of a built-in kind.
pub(super) fn built_in_group(kind: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|row| row.3 == kind).map(|row| row.0)
}
