//! A `caBundle` that has signed the certificate of a removed Secret.
//!
//! The API server calls a webhook only if its certificate is of this CA. A chart that makes both on every render keeps them
//! together; once the Secret comes from elsewhere, nothing does.

use crate::diagnostics::{Code, Finding, Severity};
use crate::kube::certificate::Certificate;
use crate::kube::object::decode_base64;
use crate::rules::{Context, ObjectView, Rule, RuleOutput};
use crate::search::prefilter::Interest;
use crate::yaml::{NodeId, Path};

const FIELD: &str = "caBundle";

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "ca_bundle",
    settings: &["policy.leftBehind"],
    codes: &[Code::CaBundle, Code::NeedsWholeStream],
    words: |config, words| {
        if let Some(severity) = config.policy.left_behind.severity().filter(|_| !config.secrets.is_empty()) {
            words.add(&[FIELD], Interest::Check(severity));
        }
    },
    apply,
    ..Rule::QUIET
};

fn apply(subject: &ObjectView<'_, '_, '_>, context: Context<'_>, outcome: &mut RuleOutput) {
    let Some(severity) = context.config.policy.left_behind.severity() else { return };
    let mut said: Vec<String> = Vec::new();
    for (path, node) in bundles(subject) {
        let text = subject.object.tree.text(node).unwrap_or_default();
        let bundle = certificates(text);
        if bundle.is_empty() {
            continue;
        }
        let message = match context.facts.signed_by(&bundle) {
            Some(secret) => format!(
                "caBundle has signed the certificate in Secret {secret}, which a rule removes: the API server trusts no other CA here"
            ),
            None if context.facts.is_partial() => {
                outcome.findings.push(Finding {
                    code: Code::NeedsWholeStream,
                    severity: Severity::Error,
                    message: "cannot tell yet whether a removed Secret has the certificate of this caBundle"
                        .to_owned(),
                    help: "run without --stream".to_owned(),
                    path,
                    node,
                });
                continue;
            }
            None => continue,
        };
        // The webhooks of one object are one matter.
        if said.contains(&message) {
            continue;
        }
        said.push(message.clone());
        outcome.findings.push(Finding {
            code: Code::CaBundle,
            severity,
            message,
            help: "let cert-manager make the certificate and fill caBundle (annotation cert-manager.io/inject-ca-from), or put a certificate of this CA into the vault and keep the CA in the chart's values".to_owned(),
            path,
            node,
        });
    }
}

/// The fields by which the API server knows the CA of what it calls.
fn bundles(subject: &ObjectView<'_, '_, '_>) -> Vec<(Path, NodeId)> {
    let object = subject.object;
    let tree = object.tree;
    let at = |keys: &[&str]| {
        let node = tree.get_in(object.node, keys)?;
        Some((object.path.keys(keys), node))
    };
    match (object.kind.as_str(), object.group()) {
        (
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
            "admissionregistration.k8s.io",
        ) => {
            let webhooks = at(&["webhooks"]);
            let items = webhooks.iter().flat_map(|(path, node)| {
                tree.items(*node).unwrap_or_default().iter().enumerate().map(move |item| (path, item))
            });
            let keys = ["clientConfig", FIELD];
            items
                .filter_map(|(path, (position, item))| {
                    Some((path.index(position).keys(&keys), tree.get_in(*item, &keys)?))
                })
                .collect()
        }
        ("CustomResourceDefinition", "apiextensions.k8s.io") => {
            at(&["spec", "conversion", "webhook", "clientConfig", FIELD]).into_iter().collect()
        }
        ("APIService", "apiregistration.k8s.io") => at(&["spec", FIELD]).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The certificates of a `caBundle`, which is base64 of PEM.
fn certificates(bundle: &str) -> Vec<Certificate> {
    let pem = decode_base64(bundle).and_then(|bytes| String::from_utf8(bytes).ok());
    pem.map(|pem| Certificate::all(&pem)).unwrap_or_default()
}
