//! Texts that hold a Secret's name and more: `namespace/name`, `name/key`, lists.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;

/// How a text names Secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum NameFormat {
    /// It is the name.
    #[default]
    #[serde(rename = "name")]
    Name,
    /// `namespace/name`, or the name alone.
    #[serde(rename = "namespace/name")]
    NamespaceName,
    /// `name/key`.
    #[serde(rename = "name/key")]
    NameKey,
    /// `namespace/name/key`, or `name/key`.
    #[serde(rename = "namespace/name/key")]
    NamespaceNameKey,
    /// Names with commas between them, each perhaps with its namespace.
    #[serde(rename = "list")]
    List,
}

/// A Secret that a text names: the places of what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The namespace.
    pub(crate) namespace: Option<Range<usize>>,
    /// The name.
    pub(crate) name: Range<usize>,
    /// The key.
    pub(crate) key: Option<Range<usize>>,
}

impl NameFormat {
    /// The Secrets that a text names; none, where it is not of this format.
    pub(crate) fn parts(self, text: &str) -> Vec<Part> {
        // A resource of Envoy says what it is: `kubernetes://name`.
        let start = text.find("://").map_or(0, |at| at + 3);
        match self {
            Self::List => {
                let mut at = 0;
                let item = |item: &str| {
                    let begin = at + (item.len() - item.trim_start().len());
                    at += item.len() + 1;
                    Self::NamespaceName.part(begin..begin + item.trim().len(), text)
                };
                text.split(',').filter_map(item).collect()
            }
            _ => self.part(start..text.len(), text).into_iter().collect(),
        }
    }

    fn part(self, range: Range<usize>, text: &str) -> Option<Part> {
        let mut words = Vec::new();
        let mut at = range.start;
        for word in text[range].split('/') {
            words.push(at..at + word.len());
            at += word.len() + 1;
        }
        if words.iter().any(Range::is_empty) {
            return None;
        }
        let mut words = words.into_iter();
        let (first, second, third, more) = (words.next()?, words.next(), words.next(), words.next());
        let part = |namespace, name, key| Some(Part { namespace, name, key });
        match (self, second, third, more) {
            (Self::Name | Self::NamespaceName | Self::List, None, _, _) => part(None, first, None),
            (Self::NamespaceName | Self::List, Some(second), None, _) => part(Some(first), second, None),
            (Self::NameKey | Self::NamespaceNameKey, Some(second), None, _) => {
                part(None, first, Some(second))
            }
            (Self::NamespaceNameKey, Some(second), Some(third), None) => {
                part(Some(first), second, Some(third))
            }
            _ => None,
        }
    }
}

/// What comes before the slash of an annotation of an ingress controller holds one of these.
pub(crate) const CONTROLLERS: [&str; 3] = ["ingress", "nginx", "haproxy"];

/// What comes behind it, where the annotation names a Secret.
pub(crate) const OF_INGRESSES: [&str; 10] = [
    "auth-secret",
    "auth-tls-secret",
    "basic-auth-secret",
    "jwt-key",
    "proxy-ssl-secret",
    "secure-crt-secret",
    "secure-verify-ca-secret",
    "server-ca",
    "server-crt",
    "ssl-certificate",
];

/// How an annotation names Secrets; `None` for one that names none, as far as is known.
pub(crate) fn of_annotation(annotation: &str) -> Option<NameFormat> {
    let (domain, name) = annotation.split_once('/')?;
    match (domain, name) {
        ("secret.reloader.stakater.com", "reload" | "exclude") => Some(NameFormat::List),
        ("konghq.com", "client-cert") => Some(NameFormat::Name),
        _ if name.ends_with("-from-secret") => Some(NameFormat::NamespaceName),
        _ if OF_INGRESSES.contains(&name) && CONTROLLERS.iter().any(|word| domain.contains(word)) => {
            Some(NameFormat::NamespaceName)
        }
        _ => None,
    }
}

/// How the value of a key names a Secret, in whatever object.
pub(crate) fn of_key(key: &str) -> Option<NameFormat> {
    match key {
        // Altinity's ClickHouse: `admin/k8s_secret_password: namespace/name/key`.
        _ if key.contains('_') && key.contains("k8s_secret_") => Some(NameFormat::NamespaceNameKey),
        SETTING => Some(NameFormat::NamespaceName),
        _ => None,
    }
}

/// The certificate of ingress-nginx.
pub(crate) const OPTION: &str = "--default-ssl-certificate=";

/// How the options of Argo CD's notifications, ingress-nginx and others end that take a Secret's name.
pub(crate) const NAME_OPTION: &str = "secret-name";

/// The key of a ConfigMap of ingress-nginx.
pub(crate) const SETTING: &str = "ssl-dh-param";

/// The option of a program that names a Secret, and where its value begins in the argument.
pub(crate) fn of_argument(argument: &str) -> Option<(NameFormat, usize)> {
    if argument.starts_with(OPTION) {
        return Some((NameFormat::NamespaceName, OPTION.len()));
    }
    let (option, _) = argument.split_once('=')?;
    let is_name = option.starts_with('-') && option.ends_with(NAME_OPTION);
    is_name.then_some((NameFormat::NamespaceName, option.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: NameFormat, text: &str, expected: &[(&str, &str, &str)]) {
        let of = |range: &Option<Range<usize>>| range.clone().map_or("", |range| &text[range]);
        let parts = format.parts(text);
        let found: Vec<_> =
            parts.iter().map(|part| (of(&part.namespace), &text[part.name.clone()], of(&part.key))).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_text_is_its_parts() {
        check(NameFormat::NamespaceName, "web/auth", &[("web", "auth", "")]);
        check(NameFormat::NamespaceName, "auth", &[("", "auth", "")]);
        check(NameFormat::NamespaceName, "kubernetes://web/auth", &[("web", "auth", "")]);
        check(NameFormat::NameKey, "auth/key", &[("", "auth", "key")]);
        check(NameFormat::NamespaceNameKey, "web/auth/key", &[("web", "auth", "key")]);
        check(NameFormat::NamespaceNameKey, "auth/key", &[("", "auth", "key")]);
        check(NameFormat::List, "a, web/b,,c ", &[("", "a", ""), ("web", "b", ""), ("", "c", "")]);
        check(NameFormat::Name, "a", &[("", "a", "")]);
        for (format, text) in [
            (NameFormat::Name, "a/b"),
            (NameFormat::NamespaceName, "a/b/c"),
            (NameFormat::NamespaceName, "/b"),
            (NameFormat::NameKey, "a"),
            (NameFormat::NamespaceNameKey, "a/b/c/d"),
        ] {
            check(format, text, &[]);
        }
    }

    #[test]
    fn options_that_name_a_secret() {
        let name =
            |argument: &'static str| of_argument(argument).map(|(format, from)| (format, &argument[from..]));
        assert_eq!(name("--secret-name=app"), Some((NameFormat::NamespaceName, "app")));
        assert_eq!(name("--dynamic-serving-ca-secret-name=ca"), Some((NameFormat::NamespaceName, "ca")));
        assert_eq!(name("--default-ssl-certificate=a/b"), Some((NameFormat::NamespaceName, "a/b")));
        assert_eq!(["--client-secret=x", "secret-name=x", "--secret-name"].map(of_argument), [None; 3]);
    }

    #[test]
    fn annotations_of_well_known_controllers() {
        let known = ["nginx.ingress.kubernetes.io/auth-secret", "cert-manager.io/inject-ca-from-secret"];
        assert!(known.iter().all(|annotation| of_annotation(annotation) == Some(NameFormat::NamespaceName)));
        assert_eq!(of_annotation("secret.reloader.stakater.com/reload"), Some(NameFormat::List));
        assert!(of_annotation("example.org/auth-secret").is_none() && of_annotation("reload").is_none());
    }
}
