//! What a value says: that it is a credential, whatever its name is, or that it can be none.

use std::sync::LazyLock;

use memchr::memchr_iter;
use regex::Regex;

use crate::kube::credential::names::Certainty;
use crate::kube::credential::reason::{Reason, pattern};

/// Values, in lower case, that switch something.
pub(crate) const SWITCHES: [&str; 9] = ["", "true", "false", "yes", "no", "on", "off", "null", "none"];

/// Values, in lower case, that say how something is done.
#[rustfmt::skip]
const MECHANISMS: [&str; 57] = [
    "aes", "always", "anonymous", "auto", "basic", "bearer", "cert", "certificate", "cookie", "cram-md5", "default",
    "digest", "disabled", "enabled", "enterprise", "env", "external", "file", "gssapi", "header", "iam", "internal",
    "jwt", "kerberos", "kubernetes", "ldap", "local", "login", "md5", "mtls", "never", "ntlm", "oauth", "oauth2",
    "oidc", "oss", "optional", "peer", "plain", "required", "saml", "sasl", "scram-sha-1", "scram-sha-256",
    "scram-sha-512", "session", "sha256", "simple", "ssl", "static", "strict", "tls", "trial", "trust", "vault",
    "x509", "builtin",
];

/// What a placeholder holds, in lower case: something else puts the value there, or a person should.
const PLACEHOLDERS: [&str; 18] = [
    "$(",
    "${",
    "{{",
    "<%",
    "%(",
    "$__",
    "#{",
    "redacted",
    "_here",
    "-here",
    "your-",
    "your_",
    "enc[",
    "vault:",
    "ref+",
    "arn:",
    "secretref",
    "placeholder",
];

/// What a value ends in that names a file.
const FILES: [&str; 21] = [
    ".key",
    ".pem",
    ".crt",
    ".cer",
    ".txt",
    ".json",
    ".yaml",
    ".yml",
    ".conf",
    ".toml",
    ".properties",
    ".p12",
    ".jks",
    ".pub",
    ".ini",
    ".xml",
    ".sh",
    ".log",
    ".db",
    ".sock",
    ".env",
];

/// What the name of a Secret, or of a key of one, ends in.
const THINGS: [&str; 10] =
    ["secret", "secrets", "tls", "credentials", "creds", "auth", "cert", "config", "key", "password"];
/// What a made-up value begins with, where it looks like such a name.
const MADE_UP: [&str; 12] = [
    "my", "super", "very", "the", "some", "change", "changeme", "default", "insecure", "dev", "top",
    "example",
];

/// Whether a value under a name that says this much is a credential.
pub(super) fn fits(certainty: Certainty, value: &str) -> bool {
    let value = value.trim();
    match certainty {
        Certainty::Password => is_literal(value) && !is_small_number(value),
        Certainty::Likely => could_be_secret(value),
        Certainty::Possible => could_be_secret(value) && looks_random(value),
    }
}

/// Whether a value could be a secret at all: no flag, number, path, address, placeholder or part of other variables.
pub(crate) fn could_be_secret(value: &str) -> bool {
    let value = value.trim();
    let word = value.to_ascii_lowercase();
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse::<f64>().is_ok();
    let sentence = value.split_whitespace().count() > 2;
    let mechanism = MECHANISMS.contains(&word.as_str()) || word.starts_with("jwt,");
    is_literal(value) && !(number || sentence || mechanism || is_dotted(value))
}

/// Whether a value is written out: no flag, path, address or placeholder.
fn is_literal(value: &str) -> bool {
    let word = value.to_ascii_lowercase();
    let path = is_path(value) || FILES.iter().any(|ending| word.ends_with(ending));
    let certificate = value.starts_with("-----BEGIN ");
    !(certificate
        || SWITCHES.contains(&word.as_str())
        || path
        || is_placeholder(value, &word)
        || value.contains("://"))
}

fn is_path(value: &str) -> bool {
    let absolute = value.starts_with('/') && !value.ends_with('=') && !value.contains('+');
    let relative = value.starts_with("./") || value.starts_with("../") || value.starts_with("~/");
    let words = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_.".contains(&byte));
    absolute || relative || (value.contains('/') && value.split('/').all(words))
}

fn is_placeholder(value: &str, lower: &str) -> bool {
    let between = |begin: char, end: char| value.starts_with(begin) && value.ends_with(end);
    let enclosed = [('<', '>'), ('[', ']'), ('{', '}'), ('%', '%'), ('@', '@')].iter();
    let variable = value.split_whitespace().any(|word| word.strip_prefix('$').is_some_and(is_variable));
    let dunder = value.len() > 4 && value.starts_with("__") && value.ends_with("__");
    let format = value.len() == 2 && value.starts_with('%');
    let mut characters = value.chars();
    let first = characters.next();
    let repeated = characters.all(|c| Some(c) == first) && !first.is_some_and(|c| c.is_ascii_digit());
    enclosed.copied().any(|(begin, end)| between(begin, end))
        || PLACEHOLDERS.iter().any(|part| lower.contains(part))
        || variable
        || is_call(value)
        || dunder
        || format
        || repeated
}

/// What a text expands: a variable, or a key of a Secret as Argo CD names it (`$dex.oidc.clientSecret`, `$slack-token`).
fn is_variable(name: &str) -> bool {
    let is_word = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let begins = |part: &str| part.starts_with(|first: char| first.is_ascii_alphabetic());
    is_word(name)
        || name.split(['.', '-', ':']).all(|part| begins(part) && is_word(part) && !looks_random(part))
}

/// What a program calls: `kong.request.get_header("authorization")`.
fn is_call(value: &str) -> bool {
    let function = value.strip_suffix(')').and_then(|value| value.split_once('(')).map(|(name, _)| name);
    function.is_some_and(|name| {
        name.contains('.')
            && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_' || b == b'.')
            && !name.split('.').any(str::is_empty)
    })
}

/// A count or a duration. Digits alone are a password from three on.
fn is_small_number(value: &str) -> bool {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = matches!(
        &value[digits.len()..],
        "s" | "m" | "h" | "d" | "ms" | "k" | "K" | "Ki" | "M" | "Mi" | "G" | "Gi" | "B" | "KB" | "MB" | "GB"
    );
    let number = digits.parse::<f64>().is_ok();
    number && (unit || digits.len() < 3 || digits.contains(['+', '.']))
}

/// The name of a host, of a class or of a template's field: words with dots between them.
fn is_dotted(value: &str) -> bool {
    let words = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_' || b == b'-')
    };
    value.contains('.') && value.split(['.', ':']).all(words)
}

/// Whether chance would not write it: letters and digits in one word, which is none of the usual abbreviations.
pub(super) fn looks_random(value: &str) -> bool {
    let parts = value.split(|c: char| !c.is_ascii_alphanumeric());
    parts.into_iter().any(|part| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let stem = part.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase();
        let usual = matches!(
            stem.as_str(),
            "sha"
                | "scram"
                | "hs"
                | "rs"
                | "es"
                | "ed"
                | "aes"
                | "oauth"
                | "curve"
                | "base"
                | "secp"
                | "chacha"
        );
        part.len() >= 6 && digits > 0 && digits < part.len() && !usual
    })
}

/// Whether a value is the name of a Secret, or of a key in one: words with dashes, and the last one says what it is.
pub(super) fn names_a_thing(value: &str) -> bool {
    let lower = value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b));
    let mut parts = value.split(['-', '_', '.']);
    let first = parts.next().unwrap_or_default();
    let last = parts.next_back().unwrap_or_default();
    lower && THINGS.contains(&last) && !MADE_UP.contains(&first) && !looks_random(value)
}

/// Whether a value is a name as Kubernetes has them, with nothing random in it.
pub(crate) fn is_plain_name(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        && !looks_random(value)
}

/// Whether a value alone looks like a credential.
pub(crate) fn value_reason(value: &str) -> Option<Reason> {
    // Cheap tests first: the patterns are built only for a value that could match.
    let at = value.contains('@');
    if at && value.contains("://") && has_password(&URL, value) {
        return Some(Reason::UrlPassword);
    }
    if at && DSN_HOST.iter().any(|host| value.contains(host)) && has_password(&DSN, value) {
        return Some(Reason::UrlPassword);
    }
    if value.len() < SHORTEST && !value.contains('=') {
        return None;
    }
    if PRIVATE_KEY.iter().all(|part| value.contains(part)) {
        return Some(Reason::PrivateKey);
    }
    if value.contains(JWT_BEGIN) && JWT.is_match(value) {
        return Some(Reason::Jwt);
    }
    if may_hold_hash(value) && HASH.is_match(value) {
        return Some(Reason::PasswordHash);
    }
    if assigns_password(value) && has_password(&CONNECTION, value) {
        return Some(Reason::ConnectionString);
    }
    if has_token_prefix(value.as_bytes()) && TOKEN.is_match(value) {
        return Some(Reason::TokenPrefix);
    }
    (value.contains("Authorization") && has_password(&HEADER, value)).then_some(Reason::Header)
}

/// Whether what begins like a hash is in a value.
fn may_hold_hash(value: &str) -> bool {
    let mut marks = value.match_indices('$').map(|(at, mark)| &value[at + mark.len()..]);
    marks.any(|rest| HASHES.iter().any(|begin| rest.starts_with(begin)))
}

/// Whether a name that [`CONNECTION`] knows is before an equals sign.
fn assigns_password(value: &str) -> bool {
    value.match_indices('=').any(|(at, _)| {
        let before = &value[..at];
        let is_part = |c: char| c.is_ascii_alphabetic() || c == '_';
        let rest = before.trim_end_matches(is_part);
        let name = || before[rest.len()..].bytes().filter(|byte| *byte != b'_');
        let separated = |c: char| c.is_whitespace() || matches!(c, '?' | '&' | ';' | '"' | '\'');
        CONNECTION_NAMES.iter().any(|known| known.bytes().eq(name().map(|byte| byte.to_ascii_lowercase())))
            && (rest.is_empty() || rest.ends_with(separated))
    })
}

/// Whether the one name that means no credential by itself, [`SIGNATURE`], is before an equals sign.
pub(super) fn assigns_signature(bytes: &[u8]) -> bool {
    memchr_iter(b'=', bytes).any(|at| {
        let name = at.checked_sub(SIGNATURE.len()).and_then(|begin| bytes.get(begin..at));
        name.is_some_and(|name| name.eq_ignore_ascii_case(SIGNATURE.as_bytes()))
    })
}

/// Whether one of [`TOKEN_PREFIXES`] begins a word; a letter behind a backslash may be a blank.
pub(super) fn has_token_prefix(bytes: &[u8]) -> bool {
    let begins = |at: usize| {
        let may_begin = BEGINS_TOKEN[usize::from(bytes[at])];
        let inside = || {
            let is_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
            is_word && !(at > 1 && bytes[at - 2] == b'\\')
        };
        may_begin
            && !inside()
            && TOKEN_PREFIXES.iter().any(|prefix| bytes[at..].starts_with(prefix.as_bytes()))
    };
    (0..bytes.len()).any(begins)
}

fn has_password(pattern: &Regex, value: &str) -> bool {
    let mut captures = pattern.captures_iter(value);
    captures.any(|capture| {
        let groups = capture.iter().skip(1).flatten();
        groups.into_iter().any(|password| fits(Certainty::Password, password.as_str()))
    })
}

/// The scheme of a URL.
const URL_SCHEME: &str = r"[a-zA-Z][a-zA-Z0-9+.-]*";
/// Behind it, a user and a password, which is the only group.
pub(crate) const URL_PASSWORD: &str = r"://[^\s/@:?#]*:([^\s/@]+)@";
/// The begin of a host.
const URL_HOST: &str = r"[^\s/]";
/// The data source of a Go driver: `user:password@tcp(host)/database`.
const DSN_PASSWORD: &str = r#"(?:^|[\s"'=])[^\s:@/"'=]+:([^\s@/]+)@(?:tcp|unix)?\("#;
/// A password among other settings: of JDBC, ODBC, libpq, of a storage account.
const CONNECTION_PASSWORD: &str = r#"(?:^|[?&;\s"'])(?i-u:password|passwd|pwd|pass|account_?key|shared_?access_?key|secret_?key|client_?secret|api_?key|access_?token|auth_?token|sig)=(?:"([^"]+)"|'([^']+)'|([^\s&;"',]+))"#;
/// The names in it, without the underscores that some have.
const CONNECTION_NAMES: [&str; 12] = [
    "password",
    "passwd",
    "pwd",
    "pass",
    "accountkey",
    "sharedaccesskey",
    "secretkey",
    "clientsecret",
    "apikey",
    "accesstoken",
    "authtoken",
    SIGNATURE,
];
/// That of a shared access signature.
const SIGNATURE: &str = "sig";
/// What is before the host in a data source.
const DSN_HOST: [&str; 3] = ["@(", "@tcp(", "@unix("];
/// No credential that a value alone tells is shorter, but a password in a URL or behind an equals sign.
const SHORTEST: usize = 11;
/// What a private key holds.
const PRIVATE_KEY: [&str; 2] = ["-----BEGIN ", "PRIVATE KEY"];
/// A JSON web token, which begins with [`JWT_BEGIN`].
pub(crate) const JWT_PATTERN: &str = r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*";
/// What every JSON web token holds.
pub(crate) const JWT_BEGIN: &str = "eyJ";
/// The hash of a password: bcrypt, Apache's MD5, SHA-512 of crypt, Argon2.
const HASH_PATTERN: &str = r"\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}|\$apr1\$[^\s:$]{1,8}\$[./A-Za-z0-9]{22}|\$6\$[^\s$]+\$[./A-Za-z0-9]{86}|\$argon2(?:id|i|d)\$v=";
/// What follows the first `$` of a hash.
const HASHES: [&str; 4] = ["2", "apr1$", "6$", "argon2"];
/// An access token, which begins with one of [`TOKEN_PREFIXES`].
const TOKEN_PATTERN: &str = r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}\b|gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|sk-[A-Za-z0-9_-]{16,}|[sr]k_live_[A-Za-z0-9]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|glpat-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{20,}|AIza[A-Za-z0-9_-]{35}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|hvs\.[A-Za-z0-9_-]{20,}|dop_v1_[a-f0-9]{32,}|hf_[A-Za-z0-9]{20,}|dckr_pat_[A-Za-z0-9_-]{16,}|AGE-SECRET-KEY-1[A-Z0-9]{20,}|hooks\.slack\.com/services/T[A-Za-z0-9]+/B[A-Za-z0-9]+/[A-Za-z0-9]{16,})";
/// What access tokens begin with.
const TOKEN_PREFIXES: [&str; 23] = [
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "ghr_",
    "github_pat_",
    "sk-",
    "sk_live_",
    "rk_live_",
    "xox",
    "xapp-",
    "glpat-",
    "npm_",
    "AIza",
    "SG.",
    "hvs.",
    "dop_v1_",
    "hf_",
    "dckr_pat_",
    "AGE-SECRET-KEY-",
    "hooks.slack.com",
];
/// The bytes that one of these begins with.
const BEGINS_TOKEN: [bool; 256] = {
    let mut begins = [false; 256];
    let mut position = 0;
    while position < TOKEN_PREFIXES.len() {
        begins[TOKEN_PREFIXES[position].as_bytes()[0] as usize] = true;
        position += 1;
    }
    begins
};
/// A header with a credential in it.
const HEADER_PATTERN: &str =
    r#"Authorization["']?\s*[:= ]\s*["']?(?:[Bb]asic|[Bb]earer|[Tt]oken)\s+([^\s"']{6,})"#;

static URL: LazyLock<Regex> = LazyLock::new(|| pattern(&format!("{URL_SCHEME}{URL_PASSWORD}{URL_HOST}")));
static DSN: LazyLock<Regex> = LazyLock::new(|| pattern(DSN_PASSWORD));
static CONNECTION: LazyLock<Regex> = LazyLock::new(|| pattern(CONNECTION_PASSWORD));
static JWT: LazyLock<Regex> = LazyLock::new(|| pattern(JWT_PATTERN));
static HASH: LazyLock<Regex> = LazyLock::new(|| pattern(HASH_PATTERN));
static TOKEN: LazyLock<Regex> = LazyLock::new(|| pattern(TOKEN_PATTERN));
static HEADER: LazyLock<Regex> = LazyLock::new(|| pattern(HEADER_PATTERN));
