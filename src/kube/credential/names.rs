//! What a name says about its value: a password, a key or token, or something about one.
//!
//! A name is a compound noun, so its last word decides: `PASSWORD_POLICY` is a policy, `POLICY_PASSWORD` a password.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// How much a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Certainty {
    /// It has to do with a credential: the value must look like one too.
    Possible,
    /// It names a key, token or secret: the value must not look like something else.
    Likely,
    /// It names a password: even digits are one.
    Password,
}

/// Words of a name that mean a credential.
#[rustfmt::skip]
const WORDS: [&str; 33] = [
    "apikey", "apikeys", "auth", "authorization", "bearer", "cookie", "cred", "credential", "credentials",
    "creds", "dsn", "hmac", "jwt", "key", "keys", "licence", "license", "pass", "passcode", "passphrase",
    "passwd", "password", "passwords", "pepper", "psk", "pw", "pwd", "pword", "salt", "secret", "secrets",
    "token", "tokens",
];

/// Of these, those that name a password.
const PASSWORDS: [&str; 10] = [
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "pw",
    "pwd",
    "pword",
    "requirepass",
];

/// Of these, those that say it only where they come last, and only together with the value.
const WEAK: [&str; 9] = ["bearer", "cookie", "dsn", "hmac", "jwt", "key", "keys", "licence", "license"];

/// Last words that say nothing about what it is.
#[rustfmt::skip]
const QUALIFIERS: [&str; 31] = [
    "b", "base", "backup", "current", "data", "default", "dev", "development", "encoded", "hex", "initial", "main",
    "new", "next", "old", "override", "plain", "plaintext", "prev", "previous", "primary", "prod", "production", "qa",
    "raw", "secondary", "stage", "staging", "str", "string", "value",
];

/// Last words of a name that mean something about a credential instead.
#[rustfmt::skip]
const ABOUT: [&str; 273] = [
    "account", "addr", "address", "addresses", "age", "alg", "algo", "algorithm", "allow", "allowed", "annotation",
    "annotations", "arn", "attempts", "attribute", "attributes", "audience", "authentication", "authority", "backend",
    "backends", "bucket", "bundle", "ca", "cache", "callback", "cert", "certificate", "certs", "change", "chars",
    "check", "checksum", "cipher", "ciphers", "claim", "class", "client", "cmd", "column", "command", "comment",
    "complexity", "config", "configuration", "controller", "cost", "count", "create", "created", "crt", "date",
    "days", "debug", "delimiter", "desc", "description", "digest", "digits", "dir", "directory", "disable",
    "disabled", "domain", "domains", "driver", "duration", "email", "enable", "enabled", "encoder", "encoding",
    "endpoint", "endpoints", "engine", "env", "exchange", "existing", "exp", "expiration", "expire", "expires",
    "expiry", "field", "fields", "file", "filename", "files", "fingerprint", "flow", "folder", "format", "formats",
    "from", "generate", "generated", "generation", "generator", "grace", "grant", "group", "groups", "header",
    "headers", "helper", "helpers", "hint", "history", "host", "hostname", "hosts", "hours", "httponly", "id", "ids",
    "image", "index", "injector", "interval", "introspection", "ip", "ips", "issuer", "iterations", "keystore", "kid",
    "kind", "label", "labels", "leeway", "len", "length", "level", "lifetime", "limit", "limits", "list", "location",
    "log", "login", "logout", "lowercase", "manager", "map", "mapping", "max", "md", "mechanism", "mechanisms",
    "message", "method", "methods", "min", "minutes", "mode", "modes", "mount", "name", "names", "namespace",
    "namespaces", "number", "operator", "optional", "options", "order", "org", "organization", "owner", "path",
    "paths", "pattern", "period", "permissions", "plugin", "policies", "policy", "port", "prefix", "project",
    "prompt", "property", "protection", "provider", "providers", "rate", "realm", "redirect", "ref", "reference",
    "refresh", "refs", "regex", "region", "registry", "reload", "renewal", "repo", "repository", "required", "reset",
    "resource", "revocation", "role", "roles", "rotation", "rounds", "same", "samesite", "schema", "scheme", "scope",
    "scopes", "seconds", "selector", "selectors", "separator", "serializer", "server", "service", "services", "sha",
    "signature", "site", "size", "skew", "source", "special", "state", "status", "storage", "store", "strategy",
    "strength", "subject", "suffix", "support", "supported", "symbols", "tag", "team", "template", "tenant", "time",
    "timeout", "title", "truststore", "ttl", "type", "types", "update", "uppercase", "uri", "url", "urls", "usage",
    "user", "username", "usernames", "users", "validation", "validator", "validity", "var", "variable", "variables",
    "verification", "verify", "version", "versions", "volume", "warning", "zone",
];

/// Words before `key` that make it the key of a mapping, an index or a label, or the name of a Secret's key.
#[rustfmt::skip]
const NO_CREDENTIAL_KEYS: [&str; 72] = [
    "affinity", "annotation", "cache", "caller", "column", "config", "configmap", "context", "correlation", "dedup",
    "dedupe", "env", "event", "existing", "field", "filter", "foreign", "group", "grouping", "hash", "hot",
    "idempotency", "image", "index", "item", "label", "level", "list", "lock", "log", "lookup", "map", "match",
    "message", "metadata", "metric", "msg", "name", "node", "object", "param", "parameter", "partition",
    "partitioning", "pass", "passwd", "password", "passwords", "primary", "property", "query", "range",
    "row", "selector", "shard", "sharding", "short", "sort", "sorting", "stacktrace", "state", "tag", "taint", "time",
    "timestamp", "toleration", "topology", "translation", "trusted", "unique", "username", "value",
];

/// Words before `key` that leave no doubt.
#[rustfmt::skip]
const CREDENTIAL_KEYS: [&str; 50] = [
    "access", "account", "admin", "aes", "api", "app", "application", "auth", "cipher", "consumer", "cookie",
    "crypto", "datadog", "decryption", "deploy", "encrypt", "encryption", "fernet", "gpg", "hmac", "ingest",
    "ingestion", "instrumentation", "integration", "internal", "jwt", "licence", "license", "master", "pgp",
    "private", "root", "rsa", "sdk", "seal", "secret", "security", "server", "service", "session", "shared", "sign",
    "signing", "ssh", "storage", "subscription", "symmetric", "webhook", "wireguard", "write",
];

/// What a word of several words ends in, where nothing separates them: `PGPASSWORD`, `S3SECRETACCESSKEY`.
#[rustfmt::skip]
const GLUED_PASSWORDS: [&str; 26] = [
    "adminpass", "adminpw", "bindpass", "bindpw", "dbpass", "dbpw", "defaultpass", "keypass", "ldappass", "mailpass", "masterauth",
    "mysqlpass", "passphrase", "passwd", "password", "passwords", "pgpass", "pwd", "redispass", "requirepass",
    "rootpass", "rootpw", "smtppass", "storepass", "userpass", "userpw",
];
/// The same for keys and tokens.
#[rustfmt::skip]
const GLUED: [&str; 29] = [
    "accesskey", "accesskeyid", "accountkey", "apikey", "apikeys", "appkey", "authkey", "authtoken", "cookiesecret",
    "credential", "credentials", "encryptionkey", "fernetkey", "licensekey", "masterkey", "privatekey", "secret",
    "secretaccesskey", "secretkey", "secrets", "servicekey", "sessionkey", "sharedkey", "signingkey", "sshkey",
    "storagekey", "token", "tokens", "writekey",
];

/// Parts of all words above that mean a credential.
#[rustfmt::skip]
const STEMS: [&str; 18] = [
    "pass", "pwd", "pword", "pw", "secret", "token", "key", "auth", "cred", "salt", "cookie", "licen", "dsn", "jwt",
    "psk", "hmac", "pepper", "bearer",
];

/// A name without any of them, in any case, is looked at no further.
static OF_NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(STEMS)
        .unwrap_or_else(|_| unreachable!("internal error: a constant search cannot be built"))
});

/// Whether a text holds a part of a name that means a credential.
pub(super) fn has_stem(text: impl AsRef<[u8]>) -> bool {
    OF_NAMES.is_match(text.as_ref())
}

/// What a name says; `None` where it means no credential.
pub(crate) fn certainty(name: &str) -> Option<Certainty> {
    // Letters beyond ASCII can have a small form in it, such as the sign for Kelvin.
    if name.is_ascii() && !has_stem(name) {
        return None;
    }
    let all = words(name);
    let mut words: &[String] = &all;
    while let [rest @ .., last] = words
        && !rest.is_empty()
        && QUALIFIERS.contains(&last.as_str())
    {
        words = rest;
    }
    let (last, before) = words.split_last()?;
    let previous = before.last().map_or("", String::as_str);
    let public = words.iter().any(|word| matches!(word.as_str(), "public" | "pub" | "pubkey"));
    let access_key_id =
        last == "id" && previous == "key" && before.iter().rev().nth(1).is_some_and(|word| word == "access");
    if access_key_id {
        return Some(Certainty::Likely);
    }
    let other_key = matches!(last.as_str(), "key" | "keys") && NO_CREDENTIAL_KEYS.contains(&previous);
    if public || other_key || ABOUT.contains(&last.as_str()) || passes_on(previous, last) {
        return None;
    }
    head(last, previous).or_else(|| {
        let strong = |word: &String| {
            WORDS.contains(&word.as_str()) && !WEAK.contains(&word.as_str()) && word != "auth"
        };
        before.iter().any(strong).then_some(Certainty::Possible)
    })
}

/// What the last word of a name says.
fn head(last: &str, previous: &str) -> Option<Certainty> {
    if PASSWORDS.contains(&last) || glued(last, &GLUED_PASSWORDS) {
        return Some(Certainty::Password);
    }
    match last {
        "key" | "keys" if CREDENTIAL_KEYS.contains(&previous) => Some(Certainty::Likely),
        // Of etcd, to tell clusters apart.
        "token" if previous == "cluster" => Some(Certainty::Possible),
        "cookie" if previous == "erlang" => Some(Certainty::Likely),
        "secret" | "secrets" if matches!(previous, "pull" | "existing" | "tls") => None,
        _ if last.ends_with("pullsecret") || last.ends_with("pullsecrets") || last == "existingsecret" => {
            None
        }
        _ if WEAK.contains(&last) => Some(Certainty::Possible),
        _ if WORDS.contains(&last) || glued(last, &GLUED) => Some(Certainty::Likely),
        _ => None,
    }
}

/// `proxy_pass` of nginx and its like pass requests on.
fn passes_on(previous: &str, last: &str) -> bool {
    last == "pass" && matches!(previous, "proxy" | "fastcgi" | "uwsgi" | "scgi" | "grpc" | "by" | "let")
}

fn glued(word: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| word.ends_with(ending))
}

/// The words of a name, in lower case and without digits behind them: between signs, and at capitals in camel case.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let characters: Vec<char> = name.chars().collect();
    for (position, &character) in characters.iter().enumerate() {
        let before = position.checked_sub(1).map(|before| characters[before]);
        let next = characters.get(position + 1);
        let hump = character.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || (before.is_uppercase() && next.is_some_and(|next| next.is_lowercase()))
            });
        if !character.is_alphanumeric() || hump {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            word.extend(character.to_lowercase());
        }
    }
    for word in &mut words {
        word.truncate(word.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_holds_a_stem() {
        let words = WORDS.iter().chain(&PASSWORDS).chain(&GLUED_PASSWORDS).chain(&GLUED);
        for word in words {
            assert!(has_stem(word), "no stem is in {word}");
        }
    }
}
