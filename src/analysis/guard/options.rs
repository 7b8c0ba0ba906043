//! What the user can choose for the policies besides the rules.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::diagnostics::{Code, Diagnostic, Error};

/// What happens to an object that a policy finds at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuardAction {
    /// It is refused, and noted in the audit log.
    Deny,
    /// It is stored; everyone who sends it sees a warning, and the audit log has a note.
    Warn,
    /// It is stored; the audit log has a note.
    Audit,
}

impl GuardAction {
    /// The action as a word: the end of a binding's name, and the value of the label that selects namespaces.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Audit => "audit",
        }
    }
}

/// What is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GuardForm {
    /// Policies that refuse.
    #[default]
    Validating,
    /// Policies that rewrite what they can.
    Mutating,
    /// Policies of Kyverno that refuse.
    Kyverno,
}

/// Settings of [`guard()`](crate::guard()).
#[derive(Clone, Debug)]
pub struct GuardOptions {
    /// What is printed.
    pub form: GuardForm,
    /// The middle of the names of all policies: `resecret-NAME-secrets`.
    pub name: String,
    /// A binding is made for each.
    pub actions: Vec<GuardAction>,
    /// The namespaces that bindings are for; `None` for those with the label `resecret.dev/guard: ACTION`.
    pub namespaces: Option<NamespaceSelector>,
    /// User names that may write Secrets which rules remove.
    pub exempt: Vec<String>,
    /// Whether live Secrets are kept.
    pub protect: bool,
    /// Vaulted Secrets and the keys that pods cannot start without, where that is known; for `protect`.
    pub keys: Vec<(String, Vec<String>)>,
    /// The oldest API server that must take the policies.
    pub kubernetes: KubernetesVersion,
}

/// The service accounts of External Secrets, Sealed Secrets and the Vault Secrets Operator, where their own charts and
/// manifests put them. What they make has an owner, which alone lets it pass; this is for what they adopt.
const VAULT_OPERATORS: [&str; 3] = [
    "system:serviceaccount:external-secrets:external-secrets",
    "system:serviceaccount:kube-system:sealed-secrets-controller",
    "system:serviceaccount:vault-secrets-operator-system:vault-secrets-operator-controller-manager",
];

impl Default for GuardOptions {
    fn default() -> Self {
        Self {
            form: GuardForm::default(),
            name: "default".to_owned(),
            actions: vec![GuardAction::Deny],
            namespaces: None,
            exempt: VAULT_OPERATORS.map(str::to_owned).to_vec(),
            protect: false,
            keys: Vec::new(),
            kubernetes: KubernetesVersion::default(),
        }
    }
}

/// Refuses what cannot be part of an object's name.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let fits = name.len() <= LONGEST_NAME && !name.is_empty() && name.chars().all(inner);
    if fits && !name.starts_with(['-', '.']) && !name.ends_with(['-', '.']) && !name.contains("..") {
        return Ok(());
    }
    let message =
        format!("`{name}` cannot be part of a policy's name: lower case letters, digits and `-` can");
    Err(Diagnostic::error(Code::Guard, message, "give the policies a name with --name").into())
}

/// Leaves room for what is before and behind it, also as the value of a label.
const LONGEST_NAME: usize = 60;

/// The label that selects namespaces unless somebody says otherwise.
const GUARD: &str = "resecret.dev/guard";

/// The same for policies that rewrite; a namespace may have both.
const MUTATE: &str = "resecret.dev/mutate";

impl GuardOptions {
    /// Exempts a user: `NAMESPACE/NAME` of a service account, or the name of a user.
    pub fn exempt(&mut self, user: &str) {
        let user = match user.split_once('/') {
            Some((namespace, name)) if !user.contains(':') => {
                format!("system:serviceaccount:{namespace}:{name}")
            }
            _ => user.to_owned(),
        };
        if !self.exempt.contains(&user) {
            self.exempt.push(user);
        }
    }

    /// The namespaces of a binding.
    pub(super) fn selector(&self, action: GuardAction) -> Value {
        match &self.namespaces {
            Some(selector) => selector.0.clone(),
            None => json!({"matchLabels": {GUARD: action.word()}}),
        }
    }
}

impl GuardOptions {
    /// The namespaces of the binding of policies that rewrite.
    pub(super) fn mutated(&self) -> Value {
        match &self.namespaces {
            Some(selector) => selector.0.clone(),
            None => json!({"matchLabels": {MUTATE: "enabled"}}),
        }
    }
}

/// A version of Kubernetes: `1.34`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubernetesVersion(u32);

impl KubernetesVersion {
    /// The first version with stable policies, and the last one that this program knows.
    const KNOWN: (u32, u32) = (30, 36);

    /// The first version whose policies rewrite by default.
    #[must_use]
    pub const fn first_with_mutating_policies() -> Self {
        Self(36)
    }

    /// The version of the API by which a server of this version knows policies that rewrite; none where there is none.
    pub(super) fn mutating_api(self) -> Option<&'static str> {
        match self.0 {
            // Two variables in one comprehension are known to the CEL of 1.32, and to policies one version later.
            ..33 => None,
            33 => Some("v1alpha1"),
            34 | 35 => Some("v1beta1"),
            _ => Some("v1"),
        }
    }
}

/// The oldest: what it knows, all later ones know.
impl Default for KubernetesVersion {
    fn default() -> Self {
        Self(Self::KNOWN.0)
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl FromStr for KubernetesVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (oldest, newest) = Self::KNOWN;
        let number = text.trim_start_matches('v').strip_prefix("1.").map(|rest| rest.split('.').next());
        match number.flatten().and_then(|minor| minor.parse().ok()) {
            Some(minor) if (oldest..=newest).contains(&minor) => Ok(Self(minor)),
            Some(minor) if minor < oldest => {
                Err(format!("ValidatingAdmissionPolicy is stable since Kubernetes 1.{oldest}"))
            }
            _ => Err(format!("expected a version from 1.{oldest} to 1.{newest}")),
        }
    }
}

/// A selector of namespaces, as kubectl writes it: `team=a,stage in (prod, test),!legacy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceSelector(Value);

impl FromStr for NamespaceSelector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut labels = serde_json::Map::new();
        let mut expressions = Vec::new();
        for part in requirements(text) {
            let (negated, rest) = part.strip_prefix('!').map_or((false, part), |rest| (true, rest.trim()));
            let expression = |operator: &str, key: &str, values: Vec<&str>| {
                let mut expression = json!({"key": key, "operator": operator});
                if !values.is_empty() {
                    expression["values"] = values.into();
                }
                expression
            };
            if let Some((key, value)) = rest.split_once("!=") {
                expressions.push(expression("NotIn", label_key(key)?, vec![label_value(value)?]));
            } else if let Some((key, value)) = rest.split_once("==").or_else(|| rest.split_once('=')) {
                labels.insert(label_key(key)?.to_owned(), label_value(value)?.into());
            } else if let Some((head, values)) = rest.strip_suffix(')').and_then(|rest| rest.split_once('('))
            {
                let mut words = head.split_whitespace();
                let (Some(key), Some(word), None) = (words.next(), words.next(), words.next()) else {
                    return Err(format!("`{part}` is not `KEY in (VALUE, …)`"));
                };
                let operator = match word {
                    "in" => "In",
                    "notin" => "NotIn",
                    _ => return Err(format!("`{word}` is neither `in` nor `notin`")),
                };
                let values = values.split(',').map(label_value).collect::<Result<_, _>>()?;
                expressions.push(expression(operator, label_key(key)?, values));
            } else {
                expressions.push(expression(
                    if negated { "DoesNotExist" } else { "Exists" },
                    label_key(rest)?,
                    Vec::new(),
                ));
            }
            if negated && rest.contains(['=', '(']) {
                return Err(format!("`{part}` has a `!` before more than a key"));
            }
        }
        let mut selector = json!({});
        if !labels.is_empty() {
            selector["matchLabels"] = labels.into();
        }
        if !expressions.is_empty() {
            selector["matchExpressions"] = expressions.into();
        }
        if selector == json!({}) { Err("it selects nothing".to_owned()) } else { Ok(Self(selector)) }
    }
}

/// The parts between commas, those within parentheses aside.
fn requirements(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn label_key(text: &str) -> Result<&str, String> {
    let key = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if !key.is_empty() && key.chars().all(fits) {
        Ok(key)
    } else {
        Err(format!("`{key}` is no key of a label"))
    }
}

fn label_value(text: &str) -> Result<&str, String> {
    let value = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if value.chars().all(fits) { Ok(value) } else { Err(format!("`{value}` is no value of a label")) }
}

/// Puts the labels on all manifests by which they are found, and by which it shows what they were made from.
pub(super) fn label(manifests: &mut [Value], options: &GuardOptions) {
    let content: String = manifests.iter().map(|manifest| manifest["spec"].to_string()).collect();
    let hash = format!("{:016x}", fnv(content.as_bytes()));
    for manifest in manifests {
        manifest["metadata"]["labels"] = json!({
            "app.kubernetes.io/managed-by": "resecret",
            GUARD: options.name,
            "resecret.dev/hash": hash,
        });
    }
}

/// FNV-1a: the same on every machine and in every version, and no secret hangs on it.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_what_kubectl_reads() {
        let read = |text: &str| text.parse::<NamespaceSelector>().map(|selector| selector.0);
        assert_eq!(read("a=b, c==d"), Ok(json!({"matchLabels": {"a": "b", "c": "d"}})));
        assert_eq!(
            read("team in (a, b),x.y/z!=c,!old,new"),
            Ok(json!({"matchExpressions": [
                {"key": "team", "operator": "In", "values": ["a", "b"]},
                {"key": "x.y/z", "operator": "NotIn", "values": ["c"]},
                {"key": "old", "operator": "DoesNotExist"},
                {"key": "new", "operator": "Exists"},
            ]}))
        );
        for wrong in ["", "a b", "a like (b)", "!a=b", "a=b c", "=b"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_version_is_one_with_stable_policies() {
        let read = |text: &str| text.parse::<KubernetesVersion>().map(|version| version.to_string());
        assert_eq!(read("1.34"), Ok("1.34".to_owned()));
        assert_eq!(read("v1.35.8"), Ok("1.35".to_owned()));
        for wrong in ["1.29", "2.0", "1.99", "new"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_service_account_is_exempt_by_namespace_and_name() {
        let mut options = GuardOptions { exempt: Vec::new(), ..GuardOptions::default() };
        options.exempt("vault/filler");
        options.exempt("alice@example.org");
        options.exempt("system:serviceaccount:a:b");
        assert_eq!(
            options.exempt,
            ["system:serviceaccount:vault:filler", "alice@example.org", "system:serviceaccount:a:b"]
        );
    }
}
