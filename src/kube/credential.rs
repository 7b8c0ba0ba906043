//! What looks like a credential: names, and values.
//!
//! A hint for people, never a reason to change anything. It reads values and gives back only why.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// Why something looks like a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// By its name.
    Name,
    /// A URL with user and password.
    UrlPassword,
    /// A private key in PEM.
    PrivateKey,
    /// A JSON web token.
    Jwt,
    /// The prefix of a service's tokens.
    TokenPrefix,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "its name speaks of a credential",
            Self::UrlPassword => "its value is a URL with a password",
            Self::PrivateKey => "its value holds a private key",
            Self::Jwt => "its value is a JSON web token",
            Self::TokenPrefix => "its value begins like a service's access token",
        })
    }
}

/// Shorter runs of letters and digits are in many a name (`a1b2`).
const MIN_RANDOM: usize = 8;

/// Words of a name that speak of a credential.
pub(crate) const WORDS: [&str; 15] = [
    "apikey",
    "auth",
    "credential",
    "credentials",
    "key",
    "keys",
    "password",
    "passwords",
    "pword",
    "passwd",
    "pwd",
    "secret",
    "secrets",
    "salt",
    "token",
];
/// Ends of words that speak of a credential, whatever stands before.
const ENDINGS: [&str; 6] = ["apikey", "passphrase", "passwd", "password", "secret", "token"];
/// Words that do as the last one of a name.
const LAST_WORDS: [&str; 3] = ["authorization", "cookie", "pass"];
/// Last words of a name that speak of something about a credential instead.
pub(crate) const ABOUT: [&str; 20] = [
    "file",
    "path",
    "name",
    "id",
    "ttl",
    "host",
    "port",
    "enabled",
    "length",
    "prefix",
    "disabled",
    "url",
    "uri",
    "dir",
    "size",
    "type",
    "expiry",
    "timeout",
    "interval",
    "algorithm",
];

/// Whether a variable, key or flag of this name and value looks like a plain credential, and why.
pub(crate) fn reason(name: &str, value: &str) -> Option<Reason> {
    value_reason(value).or_else(|| (is_name(name) && could_be_secret(value)).then_some(Reason::Name))
}

/// Whether a name speaks of a credential: a whole word of it does, and its last word does not turn the meaning.
pub(crate) fn is_name(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map(|last| last.trim_end_matches(|c: char| c.is_ascii_digit()));
    let speaks =
        words.iter().any(|word| is_secret_word(word)) || last.is_some_and(|last| LAST_WORDS.contains(&last));
    let public = words.iter().any(|word| word == "public");
    let access_key_id = words.ends_with(&["access".to_owned(), "key".to_owned(), "id".to_owned()]);
    let about = words.last().is_some_and(|last| ABOUT.contains(&last.as_str())) && !access_key_id;
    speaks && !public && !about
}

/// Whether a word speaks of a credential: itself, with a number, or as the end of a longer one (`pgpassword`).
fn is_secret_word(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    WORDS.contains(&word) || ENDINGS.iter().any(|ending| word.ends_with(ending))
}

/// The words of a name, in lower case: between `_`, `-`, `.`, `/` and blanks, and at capitals in camel case.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower_before = false;
    for character in name.chars() {
        let separates = matches!(character, '_' | '-' | '.' | '/' | ' ');
        if separates || (character.is_uppercase() && lower_before) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| !separates) {
            word.extend(character.to_lowercase());
        }
        lower_before = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Values, in lower case, that switch something.
pub(crate) const SWITCHES: [&str; 9] = ["", "true", "false", "yes", "no", "on", "off", "null", "none"];

/// What is shown in place of a value: how long it is, roughly.
pub(crate) fn class(value: &str) -> String {
    let length = value.chars().count();
    let class = match length {
        0 => return String::new(),
        1..8 => "1-7",
        8..16 => "8-15",
        16..32 => "16-31",
        32..64 => "32-63",
        64..128 => "64-127",
        _ => "128 or more",
    };
    format!("<{class} characters>")
}

/// Whether a text holds random characters: letters and digits that change more often than in any name.
pub(crate) fn is_opaque(text: &str) -> bool {
    let is_random = |run: &str| {
        let changes =
            run.as_bytes().windows(2).filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit());
        run.len() >= MIN_RANDOM && changes.count() > 2
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_random)
}

/// Whether a value could be a secret at all: no flag, number, path, address, placeholder or part of other variables.
pub(crate) fn could_be_secret(value: &str) -> bool {
    let value = value.trim();
    let word = value.to_ascii_lowercase();
    let switch = SWITCHES.contains(&word.as_str());
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse::<f64>().is_ok();
    let path = value.starts_with('/') || value.starts_with("./") || value.starts_with("~/");
    let placeholder =
        (value.starts_with('<') && value.ends_with('>')) || value.contains("$(") || value.contains("${");
    !(switch || number || path || placeholder || value.contains("://"))
}

/// Whether a value alone looks like a credential.
pub(crate) fn value_reason(value: &str) -> Option<Reason> {
    // Cheap tests first: the patterns are built only for a value that could match.
    if value.contains("://") && value.contains('@') && has_url_password(value) {
        return Some(Reason::UrlPassword);
    }
    if PRIVATE_KEY.iter().all(|part| value.contains(part)) {
        return Some(Reason::PrivateKey);
    }
    if value.contains(JWT_BEGIN) && JWT.is_match(value) {
        return Some(Reason::Jwt);
    }
    let begins = TOKEN_PREFIXES.iter().any(|prefix| value.contains(prefix));
    (begins && TOKEN.is_match(value)).then_some(Reason::TokenPrefix)
}

fn has_url_password(value: &str) -> bool {
    let mut captures = URL.captures_iter(value);
    captures.any(|capture| {
        capture
            .get(1)
            .is_some_and(|password| could_be_secret(password.as_str()) || is_digits(password.as_str()))
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A pattern that is a constant of this file; a test builds each of them.
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|_| unreachable!("internal error: a constant pattern is not a pattern"))
}

/// The scheme of a URL.
const URL_SCHEME: &str = r"[a-zA-Z][a-zA-Z0-9+.-]*";
/// Behind it, a user and a password, which is the only group.
pub(crate) const URL_PASSWORD: &str = r"://[^\s/@:?#]*:([^\s/@]+)@";
/// The begin of a host.
const URL_HOST: &str = r"[^\s/]";
/// What a private key holds.
pub(crate) const PRIVATE_KEY: [&str; 2] = ["-----BEGIN ", "PRIVATE KEY-----"];
/// A JSON web token, which begins with [`JWT_BEGIN`].
pub(crate) const JWT_PATTERN: &str = r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*";
/// What every JSON web token holds.
pub(crate) const JWT_BEGIN: &str = "eyJ";
/// An access token, which begins with one of [`TOKEN_PREFIXES`].
pub(crate) const TOKEN_PATTERN: &str = r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}\b|gh[pos]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|sk-[A-Za-z0-9_-]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|glpat-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{20,})";
/// What access tokens begin with.
pub(crate) const TOKEN_PREFIXES: [&str; 10] =
    ["AKIA", "ASIA", "ghp_", "gho_", "ghs_", "github_pat_", "sk-", "xox", "glpat-", "npm_"];

static URL: LazyLock<Regex> = LazyLock::new(|| pattern(&format!("{URL_SCHEME}{URL_PASSWORD}{URL_HOST}")));
static JWT: LazyLock<Regex> = LazyLock::new(|| pattern(JWT_PATTERN));
static TOKEN: LazyLock<Regex> = LazyLock::new(|| pattern(TOKEN_PATTERN));

#[cfg(test)]
mod tests {
    use super::*;

    /// Names with an ordinary value, and whether they must be found.
    const NAMES: [(&str, bool); 56] = [
        ("NEXTAUTH_SECRET", true),
        ("SALT", true),
        ("ENCRYPTION_KEY", true),
        ("DATABASE_PASSWORD", true),
        ("REDIS_AUTH", true),
        ("CLICKHOUSE_PASSWORD", true),
        ("LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID", true),
        ("LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY", true),
        ("LANGFUSE_EE_LICENSE_KEY", true),
        ("AUTH_GOOGLE_CLIENT_SECRET", true),
        ("LANGFUSE_INIT_USER_PASSWORD", true),
        ("LANGFUSE_SECRET_KEY", true),
        ("AWS_ACCESS_KEY_ID", true),
        ("API_TOKEN", true),
        ("MY_APIKEY", true),
        ("DB_PWD", true),
        ("DB_PASSWD", true),
        ("GOOGLE_CREDENTIALS", true),
        ("adminPassword", true),
        ("db-password", true),
        ("spring.datasource.password", true),
        ("JWT_SECRET", true),
        ("DB_PASS", true),
        ("SMTP_PASS", true),
        ("PGPASSWORD", true),
        ("PASSPHRASE", true),
        ("JWTSECRET", true),
        ("APITOKEN", true),
        ("PASSWORD1", true),
        ("AUTHORIZATION", true),
        ("COOKIE", true),
        ("BYPASS", false),
        ("PASS_THROUGH", false),
        ("COOKIE_DOMAIN", false),
        ("NEXT_PUBLIC_API_KEY", false),
        ("LANGFUSE_PUBLIC_KEY", false),
        ("PASSWORD_FILE", false),
        ("POSTGRES_PASSWORD_PATH", false),
        ("SECRET_NAME", false),
        ("AUTH_CLIENT_ID", false),
        ("KEY_ID", false),
        ("TOKEN_TTL", false),
        ("AUTH_HOST", false),
        ("AUTH_PORT", false),
        ("AUTH_ENABLED", false),
        ("PASSWORD_LENGTH", false),
        ("KEY_PREFIX", false),
        ("NEXTAUTH_URL", false),
        ("KEYBOARD", false),
        ("MONKEY", false),
        ("AUTHOR", false),
        ("DATABASE_HOST", false),
        ("NODE_ENV", false),
        ("TOKENIZER", false),
        ("SECRETARY", false),
        ("HOSTNAME", false),
    ];

    #[test]
    fn a_name_is_found_by_whole_words() {
        for (name, expected) in NAMES {
            assert_eq!(reason(name, "hunter2").is_some(), expected, "{name}");
        }
    }

    /// Values under a harmless name and under `PASSWORD`, and what must be found.
    const VALUES: [(&str, Option<Reason>, Option<Reason>); 30] = [
        ("hunter2", None, Some(Reason::Name)),
        ("changeme", None, Some(Reason::Name)),
        ("", None, None),
        ("true", None, None),
        ("False", None, None),
        ("30", None, None),
        ("1e+09", None, None),
        ("30s", None, None),
        ("/run/secrets/password", None, None),
        ("./password.txt", None, None),
        ("$(DB_PASSWORD)", None, None),
        ("<your password>", None, None),
        ("none", None, None),
        ("https://login.example.com/", None, None),
        ("postgres://user:hunter2@db:5432/x", Some(Reason::UrlPassword), Some(Reason::UrlPassword)),
        ("redis://:hunter2@redis:6379", Some(Reason::UrlPassword), Some(Reason::UrlPassword)),
        ("redis://default:$(REDIS_PASSWORD)@redis:6379/0", None, None),
        ("postgres://user@db:5432/x", None, None),
        ("http://host:8080/path@v1", None, None),
        ("postgres://u:123456@db", Some(Reason::UrlPassword), Some(Reason::UrlPassword)),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", Some(Reason::PrivateKey), Some(Reason::PrivateKey)),
        ("-----BEGIN CERTIFICATE-----\nMIIE", None, Some(Reason::Name)),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", Some(Reason::Jwt), Some(Reason::Jwt)),
        ("AKIAIOSFODNN7EXAMPLE", Some(Reason::TokenPrefix), Some(Reason::TokenPrefix)),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", Some(Reason::TokenPrefix), Some(Reason::TokenPrefix)),
        ("sk-lf-0123456789abcdef0123", Some(Reason::TokenPrefix), Some(Reason::TokenPrefix)),
        ("xoxb-1234567890-abcdef", Some(Reason::TokenPrefix), Some(Reason::TokenPrefix)),
        ("glpat-0123456789abcdefghij", Some(Reason::TokenPrefix), Some(Reason::TokenPrefix)),
        ("task-0123456789abcdefghij", None, Some(Reason::Name)),
        ("npm_config_cache", None, Some(Reason::Name)),
    ];

    #[test]
    fn a_value_is_found_alone_or_with_its_name() {
        for (value, alone, named) in VALUES {
            assert_eq!((reason("X", value), reason("PASSWORD", value)), (alone, named), "{value}");
        }
    }
}
