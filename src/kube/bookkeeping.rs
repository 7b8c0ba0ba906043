//! Labels and annotations that say who manages an object, not what it is for.

/// The prefixes of labels and annotations by which Helm, Kustomize, kubectl and Argo CD know their own objects.
const BOOKKEEPING: [&str; 8] = [
    "helm.sh/",
    "meta.helm.sh/",
    "postrenderer.helm.sh/",
    "config.kubernetes.io/",
    "internal.config.kubernetes.io/",
    "kustomize.config.k8s.io/",
    "kubectl.kubernetes.io/",
    "resecret.dev/",
];

/// Labels that a chart gives to all of its objects, and what Argo CD notes on those that it syncs.
const OF_EVERY_OBJECT: [&str; 16] = [
    "app",
    "app.kubernetes.io/component",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/name",
    "app.kubernetes.io/version",
    "argocd.argoproj.io/compare-options",
    "argocd.argoproj.io/hook",
    "argocd.argoproj.io/hook-delete-policy",
    "argocd.argoproj.io/sync-options",
    "argocd.argoproj.io/sync-wave",
    "argocd.argoproj.io/tracking-id",
    "chart",
    "component",
    "heritage",
    "release",
];

/// Whether a label or annotation says whose an object is, and not what it is for.
pub(crate) fn is_bookkeeping(key: &str) -> bool {
    BOOKKEEPING.iter().any(|prefix| key.starts_with(prefix)) || OF_EVERY_OBJECT.contains(&key)
}
