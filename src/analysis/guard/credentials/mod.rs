//! The policy of literals that look like credentials: the plainest names and values of [`crate::kube::credential`].
//!
//! Each kind of credential is a variable of its own, so that each has a budget of its own. What is a file, or too large
//! for a search, is looked at less: see the constants.

pub(super) mod judge;

use std::collections::BTreeSet;

use crate::analysis::guard::by_kind::Side;
use crate::analysis::guard::cel::{self, Names, joined, text};
use crate::analysis::guard::kinds::{Family, GuardedKind};
use crate::analysis::guard::objects::containers;
use crate::analysis::guard::policy::{AdmissionPolicy, CelVariable, Validation};
use crate::config::{AllowRule, Config, Level, Patterns};
use crate::diagnostics::{Code, Diagnostic, Severity};
use crate::kube::credential::{JWT_BEGIN, JWT_PATTERN, SWITCHES, URL_PASSWORD};

/// Words of a name that mean a credential: of those that the filter knows the plainest, since a server counts each.
const WORDS: [&str; 15] = [
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
/// Last words of a name that mean something about a credential instead.
const ABOUT: [&str; 20] = [
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
/// What a private key holds.
const PRIVATE_KEY: [&str; 2] = ["-----BEGIN ", "PRIVATE KEY-----"];
/// Access tokens, the most common ones: what they begin with, and their pattern.
const TOKENS: [(&[&str], &str); 7] = [
    (&["AKIA", "ASIA"], r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    (&["ghp_", "gho_", "ghs_"], r"\bgh[pos]_[A-Za-z0-9]{20,}"),
    (&["github_pat_"], r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    (&["sk-"], r"\bsk-[A-Za-z0-9_-]{16,}"),
    (&["xox"], r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    (&["glpat-"], r"\bglpat-[A-Za-z0-9_-]{16,}"),
    (&["npm_"], r"\bnpm_[A-Za-z0-9]{20,}"),
];

/// How long values may be that are searched for more than private keys, by how many literals the object has at most.
/// A server evaluates all of it a second time for the message, within the same budget.
const SEARCHED: [(usize, usize); 5] = [(50, 4096), (100, 2048), (250, 1024), (500, 512), (1000, 256)];

/// The same where there are more of them.
const SEARCHED_OF_MANY: usize = 64;

/// ConfigMaps with more keys are not searched: what a server needs for a list grows with the square of its length.
const MOST_KEYS: usize = 1000;

/// The words of a name: between `_`, `-`, `.`, `/` and blanks, and at capitals in camel case.
const WORD: &str = "(?:[^a-z_./ -]|[a-z]+[^a-zA-Z_./ -])*[a-z]*";

/// A number with or without a unit.
const NUMBER: &str = r"^[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?[a-zA-Z]*$";

/// `kubectl apply` keeps the whole object there, which is judged itself.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The policy; none where the configuration allows plain credentials.
pub(super) fn policy(
    kinds: &[GuardedKind],
    config: &Config,
    rendered: &BTreeSet<String>,
) -> Option<AdmissionPolicy> {
    if config.policy.plaintext == Level::Allow {
        return None;
    }
    let kinds: Vec<&GuardedKind> = kinds.iter().filter(|kind| is_judged(kind)).collect();
    let mut policy = AdmissionPolicy::new("credentials", &kinds, true);
    policy.warns_only = config.policy.plaintext == Level::Warn;
    for side in [Side::New, Side::Old] {
        policy.variables.extend(containers(&kinds, side));
        policy.variables.push(entries(side));
    }
    policy.variables.push(CelVariable::new("searched", searched()));
    let names = |words: &[&str]| cel::map(words.iter().map(|word| (*word, "")));
    policy.variables.push(CelVariable::new("words", names(&WORDS)));
    policy.variables.push(CelVariable::new("about", names(&ABOUT)));
    let known: BTreeSet<&str> = config.vault.iter().chain(rendered).map(String::as_str).collect();
    policy.variables.push(CelVariable::new("secrets", cel::map(known.into_iter().map(|name| (name, "")))));
    let mut searches = vec![
        ("byName".to_owned(), by_name()),
        ("byUrl".to_owned(), url()),
        ("byKey".to_owned(), private_key_or_jwt()),
    ];
    let tokens = TOKENS.chunks(2).enumerate();
    searches.extend(tokens.map(|(number, tokens)| (format!("byToken{number}"), token(tokens))));
    let allowed = allowed(config);
    for (name, condition) in &searches {
        policy.variables.push(CelVariable::new(name, found(condition, allowed.as_deref())));
    }
    let all: Vec<String> = searches.iter().map(|(name, _)| format!("variables.{name}")).collect();
    policy.variables.push(CelVariable::new("credentials", joined(&format!("[{}]", all.join(", ")))));
    policy.validations.push(Validation::empty("credentials", "holds what looks like a plain credential"));
    Some(policy)
}

/// Whether the literals of a kind are looked at.
pub(super) fn is_judged(kind: &GuardedKind) -> bool {
    kind.is_of(Family::Workloads) || !kind.pods.is_empty() || !kind.env.is_empty() || kind.kind == "ConfigMap"
}

/// Whether an entry of `spec.allow` allows a literal of an object. A path says positions, which a policy cannot know.
fn is_allowed(rule: &AllowRule, kind: &str, name: &str, variable: &str, key: &str) -> bool {
    rule.code == Code::Plaintext
        && rule.path.is_empty()
        && rule.kind.matches(kind)
        && rule.name.matches(name)
        && rule.variable.matches(variable)
        && rule.key.matches(key)
}

/// The same in CEL, for all entries.
fn allowed(config: &Config) -> Option<String> {
    let rules = config.allow.iter().filter(|rule| rule.code == Code::Plaintext && rule.path.is_empty());
    let test =
        |patterns: &Patterns, value: &str| (!patterns.is_empty()).then(|| Names::of(&patterns.0).test(value));
    let of_rule = |rule: &AllowRule| {
        let tests = [
            test(&rule.kind, "object.kind"),
            test(&rule.name, "object.metadata.name"),
            test(&rule.variable, "x.variable"),
            test(&rule.key, "x.key"),
        ];
        cel::all(&tests.into_iter().flatten().collect::<Vec<_>>())
    };
    let rules: Vec<String> = rules.map(of_rule).collect();
    (!rules.is_empty()).then(|| cel::any(&rules))
}

/// What the entries of `spec.allow` say that the policy cannot know.
pub(super) fn gaps(config: &Config) -> Vec<Diagnostic> {
    let rules = config.allow.iter().filter(|rule| rule.code == Code::Plaintext && !rule.path.is_empty());
    let said = |rule: &AllowRule| {
        let message = "a policy knows no paths, and finds this credential all the same";
        let help = "give the entry of spec.allow a `variable` or a `key` in the place of the `path`";
        Diagnostic::error(Code::Guard, message, help)
            .with_severity(Severity::Warning)
            .at(rule.origin.location(rule.origin.path.clone()))
    };
    rules.filter(|_| config.policy.plaintext != Level::Allow).map(said).collect()
}

/// Every literal: its place, the name that says what it is (none for a file), and the value.
fn entries(side: Side) -> CelVariable {
    let object = side.object();
    let name = |name: &str, value: &str| {
        format!(
            "({value}.contains('\\n') || {value}.startsWith('{{') || {value}.startsWith('[') ? '' : {name})"
        )
    };
    let variables = format!(
        "{}.map(cs, cs.map(c, c.?env.orValue([]).filter(e, !e.?valueFrom.hasValue() && e.?value.orValue('') != '')\n\
         .map(e, {{'at': dyn('container ' + c.name + ' variable ' + e.name), 'variable': dyn(e.name), 'key': dyn(''),\n\
         'name': dyn(e.name), 'value': dyn(e.value)}})))",
        side.variable("containers")
    );
    // A flag's name is what is before `=`; of one with a single dash it may be part of the value.
    let arguments = format!(
        "{}.map(cs, cs.map(c, (c.?command.orValue([]) + c.?args.orValue([]))\n\
         .filter(a, a.startsWith('--') && a.contains('='))\n\
         .map(a, {{'at': dyn('container ' + c.name + ' argument ' + a.substring(0, a.indexOf('='))),\n\
         'variable': dyn(''), 'key': dyn(''),\n\
         'name': dyn(a.contains(' ') || a.contains('\\n') ? '' : a.substring(2, a.indexOf('='))),\n\
         'value': dyn(a.substring(a.indexOf('=') + 1))}})))",
        side.variable("containers")
    );
    let data = format!(
        "[[{object}.kind != 'ConfigMap' ? [] : [{object}.?data.orValue({{}})]\n\
         .map(d, d.size() > {MOST_KEYS} ? [] : d.map(k, {{'at': dyn('key ' + k), 'variable': dyn(''), 'key': dyn(k), 'name': dyn({}), 'value': dyn(d[k])}}))[0]]]",
        name("k", "d[k]")
    );
    let annotations = format!(
        "[[[{object}.metadata.?annotations.orValue({{}})].map(d, d.filter(k, k != {})\n\
         .map(k, {{'at': dyn('annotation ' + k), 'variable': dyn(''), 'key': dyn(k), 'name': dyn({}), 'value': dyn(d[k])}}))[0]]]",
        text(LAST_APPLIED),
        name("k", "d[k]")
    );
    let all = [variables, arguments, data, annotations].join("\n+ ");
    CelVariable::new(&side.name("entries"), side.guarded(&all, "[]"))
}

/// The length up to which values are searched. A server's budget is for all of them together.
fn searched() -> String {
    let cases = SEARCHED.iter().map(|(count, length)| format!("n <= {count} ? {length} : "));
    let length = cases.chain([SEARCHED_OF_MANY.to_string()]).collect::<String>();
    format!("[variables.entries.map(p, p.map(l, l.size()).sum()).sum()].map(n, {length})[0]")
}

/// The text that names every entry of which a condition holds, and that was not there before.
fn found(condition: &str, allowed: Option<&str>) -> String {
    let allowed = allowed.map_or_else(String::new, |allowed| format!("\n&& !({allowed})"));
    let of_list = format!(
        "l.filter(x, {condition}\n&& !(x.value in variables.secrets){allowed}\n\
         && !variables.oldEntries.exists(old, old.exists(o, x in o))).map(x, x.at).join(', ')"
    );
    let all = joined(&format!("p.map(l, {of_list})"));
    format!(
        "variables.entries == variables.oldEntries ? '' :\n{}",
        joined(&format!("variables.entries.map(p, {all})"))
    )
}

/// The name says that it is a credential, and the value could be one.
fn by_name() -> String {
    let words = format!("x.name.findAll({}).filter(w, w != '').map(w, w.lowerAscii())", text(WORD));
    let last = "ws[ws.size() - 1] in variables.about && !('_' + ws.join('_')).endsWith('_access_key_id')";
    let speaks =
        format!("[{words}].exists(ws, ws.exists(w, w in variables.words) && !('public' in ws) && !({last}))");
    format!(
        "x.name != '' && x.value.size() <= variables.searched && {speaks} && {}",
        could_be_secret("x.value")
    )
}

/// No switch, number, path, address, placeholder or part of other variables.
fn could_be_secret(value: &str) -> String {
    let switches = cel::list(SWITCHES.iter().copied());
    // Each test of a whole value costs its length once more, so its first letters are taken apart.
    format!(
        "[{value}.trim()].exists(v, [v.substring(0, v.size() < 2 ? v.size() : 2)].exists(h,\n\
         !(v.size() < 6 && v.lowerAscii() in {switches})\n\
         && !h.startsWith('/') && !(h in ['./', '~/']) && !(h.startsWith('<') && v.endsWith('>'))\n\
         && !v.contains('$(') && !v.contains('${{') && !v.contains('://')\n\
         && (v.size() > 40 || !v.matches({}))))",
        text(NUMBER)
    )
}

/// A URL with a password.
fn url() -> String {
    // The group of the pattern: what is between the colon behind the user and the `@`.
    let password = "m.substring(m.indexOf(':', m.indexOf('://') + 3) + 1, m.lastIndexOf('@'))";
    format!(
        "x.value.size() <= variables.searched && x.value.contains('://') && x.value.contains('@')\n\
         && x.value.findAll({}).exists(m, [{password}].exists(p, p.matches('^[0-9]+$') || {}))",
        text(URL_PASSWORD),
        could_be_secret("p")
    )
}

fn private_key_or_jwt() -> String {
    let parts = PRIVATE_KEY.map(|part| format!("x.value.contains({})", text(part)));
    format!(
        "(({}) || (x.value.size() <= variables.searched && x.value.contains({}) && x.value.matches({})))",
        parts.join(" && "),
        text(JWT_BEGIN),
        text(JWT_PATTERN)
    )
}

/// Access tokens of a few kinds. Each has a pattern of its own, since a search costs the length of the value times that of
/// the pattern.
fn token(tokens: &[(&[&str], &str)]) -> String {
    let of_kind = |(begins, pattern): &(&[&str], &str)| {
        let begins: Vec<String> =
            begins.iter().map(|begin| format!("x.value.contains({})", text(begin))).collect();
        format!("({} && x.value.matches({}))", cel::any(&begins), text(pattern))
    };
    let kinds: Vec<String> = tokens.iter().map(of_kind).collect();
    format!("x.value.size() <= variables.searched && {}", cel::any(&kinds))
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn the_pattern_of_words_finds_words() {
        let words = |name: &str| {
            let word = Regex::new(WORD).expect("a pattern");
            let found = word.find_iter(name).map(|found| found.as_str().to_lowercase());
            found.filter(|word| !word.is_empty()).collect::<Vec<_>>()
        };
        for (name, expected) in [
            ("NEXTAUTH_SECRET", &["nextauth", "secret"][..]),
            ("adminPassword", &["admin", "password"]),
            ("spring.datasource.password", &["spring", "datasource", "password"]),
            ("a1B2cD_", &["a1b2c", "d"]),
            ("S3Key", &["s3key"]),
            ("__x--y z/", &["x", "y", "z"]),
            ("ABcDE", &["abc", "de"]),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }
}
