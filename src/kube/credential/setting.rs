//! What is certainly not a credential: a name that means a setting, or a value that is one whatever its name is.
//!
//! A word under an unknown name could be a weak password, so it counts as a credential.

use crate::kube::credential::judge::{NameContext, is_name, reason};
use crate::kube::credential::names::words;
use crate::kube::credential::values::SWITCHES;

/// Digits behind a word that is still one: `sha256`, `user2024`.
const MAX_NUMBER: usize = 4;

/// What a name ends with that belongs to a login: it goes stale as seldom as the password does.
const OF_A_LOGIN: [&str; 16] = [
    "account", "database", "db", "dbname", "email", "host", "hostname", "login", "mail", "name", "port",
    "schema", "server", "user", "userid", "username",
];

/// What a name ends with that is about a setting.
const OF_A_SETTING: [&str; 48] = [
    "backend",
    "bucket",
    "class",
    "count",
    "debug",
    "dir",
    "directory",
    "driver",
    "enable",
    "enabled",
    "engine",
    "env",
    "environment",
    "executor",
    "format",
    "image",
    "interval",
    "lang",
    "language",
    "level",
    "limit",
    "loglevel",
    "locale",
    "max",
    "method",
    "min",
    "mode",
    "path",
    "period",
    "policy",
    "protocol",
    "provider",
    "region",
    "replicas",
    "retries",
    "scheme",
    "size",
    "sslmode",
    "strategy",
    "tag",
    "threads",
    "timeout",
    "timezone",
    "ttl",
    "type",
    "tz",
    "version",
    "workers",
];

/// What a key of a Secret or ConfigMap holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyContent {
    /// What could be a credential.
    Credential,
    /// What belongs to one, and is none: a user, a host.
    Login,
    /// Surely none: a setting.
    Setting,
}

/// What a key holds, by its name and value; of a value that is no text, a credential.
pub(crate) fn content(name: &str, value: Option<&[u8]>) -> KeyContent {
    let Some(text) = value.and_then(|value| str::from_utf8(value).ok()) else {
        return KeyContent::Credential;
    };
    let is_none = !is_name(name)
        && reason(name, text, NameContext::Flat).is_none()
        && text.lines().count() <= 1
        && is_made_of_words(text);
    let words = words(name);
    let ends_in = |ends: &[&str]| words.last().is_some_and(|last| ends.contains(&last.as_str()));
    if !is_none {
        KeyContent::Credential
    } else if ends_in(&OF_A_LOGIN) {
        KeyContent::Login
    } else if ends_in(&OF_A_SETTING) || tells(text) {
        KeyContent::Setting
    } else {
        KeyContent::Credential
    }
}

/// Whether a value is a setting whatever its name is: nothing, a switch, a small number, a version, a path, a host.
fn tells(value: &str) -> bool {
    let is_switch = SWITCHES.iter().any(|switch| value.eq_ignore_ascii_case(switch));
    let is_small = value.len() <= 3 && value.bytes().all(|byte| byte.is_ascii_digit());
    is_switch || is_small || value.contains(['.', '/'])
}

/// Whether a text is words and numbers with something between them: a host, a user, a setting, a sentence.
pub(crate) fn is_made_of_words(text: &str) -> bool {
    let mut runs = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.all(|run| {
        let digits = run.chars().rev().take_while(char::is_ascii_digit).count();
        let letters = &run[..run.len() - digits];
        let parts = words(letters);
        // In random letters the case changes at nearly every one.
        let is_word = letters.chars().all(char::is_alphabetic) && letters.chars().count() >= 3 * parts.len();
        letters.is_empty() || (digits <= MAX_NUMBER && (is_word || letters.len() < 3))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_weak_password_is_no_setting() {
        for (name, value, expected) in [
            ("TZ", "Etc/UTC", KeyContent::Setting),
            ("AIRFLOW__CORE__EXECUTOR", "KubernetesExecutor", KeyContent::Setting),
            ("WORKER_CONTAINER_TAG", "2.8.4-python3.9", KeyContent::Setting),
            ("LOG_LEVEL", "", KeyContent::Setting),
            ("other", "http://db.example:80/x", KeyContent::Setting),
            ("other", "true", KeyContent::Setting),
            ("other", "hunter2", KeyContent::Credential),
            ("DATABASE_HOST", "db", KeyContent::Login),
            ("username", "app", KeyContent::Login),
            ("DATABASE_PASSWORD", "changeme", KeyContent::Credential),
            ("DATABASE_PASSWORD", "", KeyContent::Credential),
            ("DATABASE_URL", "postgres://app:hunter2@db/app", KeyContent::Credential),
            ("license", "zq7Vxw9kLm3prt5y", KeyContent::Credential),
            ("config.yaml", "a: b\nc: d\n", KeyContent::Credential),
        ] {
            assert_eq!(content(name, Some(value.as_bytes())), expected, "{name}");
        }
        assert_eq!(content("TZ", None), KeyContent::Credential);
    }
}
