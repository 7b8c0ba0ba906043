//! Credentials in the words of a command.

use crate::kube::credential::judge::{NameContext, reason};
use crate::kube::credential::names::{Certainty, certainty};
use crate::kube::credential::reason::Reason;
use crate::kube::credential::values::{fits, value_reason};

/// A credential among the words of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Argument {
    /// The position of the word.
    pub(crate) position: usize,
    /// The option or setting that says what it is, where that is no part of the value.
    pub(crate) option: Option<String>,
    /// Why it looks like one.
    pub(crate) reason: Reason,
}

/// Programs that take a password behind an option of one letter.
const OPTIONS: [(&str, &[&str]); 17] = [
    ("redis-cli", &["a"]),
    ("valkey-cli", &["a"]),
    ("keydb-cli", &["a"]),
    ("sshpass", &["p"]),
    ("mongo", &["p"]),
    ("mongosh", &["p"]),
    ("mongodump", &["p"]),
    ("mongorestore", &["p"]),
    ("cqlsh", &["p"]),
    ("nodetool", &["pw"]),
    ("ldapsearch", &["w"]),
    ("ldapadd", &["w"]),
    ("ldapmodify", &["w"]),
    ("ldapwhoami", &["w"]),
    ("sqlcmd", &["P"]),
    ("mosquitto_pub", &["P"]),
    ("mosquitto_sub", &["P"]),
];
/// Programs that do so for `login`.
const LOGINS: [&str; 7] = ["docker", "helm", "oras", "podman", "skopeo", "buildah", "crane"];
/// Programs that take a password in the same word as `-p`.
const ATTACHED: [&str; 7] =
    ["mysql", "mysqladmin", "mysqldump", "mysqlcheck", "mariadb", "mariadb-admin", "mariadb-dump"];

/// The credentials among the words of a command except for those that are scripts. `program` runs with them where its name is not one of them.
pub(crate) fn arguments(program: Option<&str>, words: &[&str]) -> Vec<Argument> {
    let mut found = Vec::new();
    let command = ProgramCall::of(program, words);
    // The option that the next word belongs to.
    let mut option: Option<&str> = None;
    for (position, word) in words.iter().enumerate() {
        let before = option.take();
        option = Some(*word).filter(|word| word.starts_with('-') && !word.contains(['=', ' ', '\n']));
        if word.contains(['\n', ' ']) {
            continue;
        }
        if let Some((option, reason)) = command.judge(position, before, word) {
            found.push(Argument { position, option, reason });
        }
    }
    found
}

/// Whether a program of this name takes a password somewhere.
fn takes_passwords(program: &str) -> bool {
    OPTIONS.iter().any(|(known, _)| *known == program)
        || LOGINS.contains(&program)
        || ATTACHED.contains(&program)
        || matches!(program, "htpasswd" | "curl" | "wget" | "mc" | "rabbitmqctl")
}

/// Whether a program that takes a password somewhere is named in a text.
pub(super) fn names_a_program(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.split(|c| !is_part(c)).any(takes_passwords)
}

/// A command, as far as it matters where a program takes a password.
struct ProgramCall<'w> {
    program: &'w str,
    words: &'w [&'w str],
}

impl<'w> ProgramCall<'w> {
    fn of(program: Option<&'w str>, words: &'w [&'w str]) -> Self {
        let base = |word: &'w str| word.rsplit('/').next().unwrap_or_default();
        let mut names = program.into_iter().chain(words.iter().copied()).map(base);
        let named = names.find(|word| takes_passwords(word));
        Self { program: named.unwrap_or_default(), words }
    }

    /// Why a word is a credential, and its name.
    fn judge(&self, position: usize, option: Option<&str>, word: &str) -> Option<(Option<String>, Reason)> {
        let (name, value) = match (word.split_once('='), option) {
            (Some((name, value)), _) if name.starts_with('-') => (name.trim_start_matches('-'), value),
            (_, Some(option)) if !word.starts_with('-') => (option_name(option), word),
            (Some((name, value)), None) if is_setting(name) => (name, value),
            _ => ("", word),
        };
        // `--set a.password=x`, `--from-literal=password=x`, `-e PASSWORD=x`.
        let inner = value.split_once('=').filter(|(name, _)| is_setting(name));
        let is_option = inner.is_none() && (option.is_some() || word.starts_with('-'));
        let (name, value) = inner.unwrap_or((name, value));
        if is_expanded(value) {
            return None;
        }
        // Behind one dash a value can be part of the name (`-phunter2`).
        let attached = word.starts_with('-') && !word.starts_with("--");
        let shown = Some(name).filter(|name| !attached && !name.is_empty());
        let shown = shown.map(|name| if is_option { format!("--{name}") } else { name.to_owned() });
        if let Some(reason) = reason(name, value, NameContext::Flat) {
            return Some((shown, reason));
        }
        let stated = value.strip_prefix("pass:").is_some_and(is_password);
        (stated || self.takes_password(position, option, word)).then_some((None, Reason::Program))
    }

    /// Whether the program takes a password in this place.
    fn takes_password(&self, position: usize, option: Option<&str>, word: &str) -> bool {
        let last = position + 1 == self.words.len();
        let login = || self.words.contains(&"login");
        let option = option.filter(|_| !word.starts_with('-')).map(|option| option.trim_start_matches('-'));
        match (self.program, option) {
            ("curl" | "wget", Some("u" | "user")) => {
                word.split_once(':').is_some_and(|(_, password)| is_password(password))
            }
            ("htpasswd", _) => {
                let batch =
                    |word: &&str| word.starts_with('-') && !word.starts_with("--") && word.contains('b');
                last && position > 1 && self.words.iter().any(batch) && is_password(word)
            }
            ("mc", None) => {
                let says = |known: [&str; 2]| known.iter().all(|known| self.words.contains(known));
                let takes = [["alias", "set"], ["host", "add"], ["user", "add"]].into_iter().any(says);
                last && takes && is_password(word)
            }
            ("rabbitmqctl", None) => {
                let sets =
                    |word: &&str| matches!(*word, "add_user" | "change_password" | "authenticate_user");
                last && self.words.iter().any(sets) && is_password(word)
            }
            (program, Some("p")) if LOGINS.contains(&program) => login() && is_password(word),
            (program, None) if ATTACHED.contains(&program) => {
                word.strip_prefix("-p").is_some_and(is_password)
            }
            (program, Some(option)) => {
                let takes =
                    |(known, options): &(&str, &[&str])| *known == program && options.contains(&option);
                OPTIONS.iter().any(takes) && is_password(word)
            }
            _ => false,
        }
    }
}

/// The name of an option; behind one dash it may be a letter and a value, so only a word by itself is a name.
fn option_name(option: &str) -> &str {
    let words = ["password", "passwd", "pass", "pwd", "passphrase", "token", "secret"];
    match option.strip_prefix("--") {
        Some(name) => name,
        None => option.strip_prefix('-').filter(|name| words.contains(name)).unwrap_or_default(),
    }
}

/// Whether a word names a credential, as the setting before a `=`.
fn is_setting(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || "_-./[]".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(word)
        && certainty(name).is_some()
}

fn is_expanded(value: &str) -> bool {
    value.contains(['$', '`'])
}

fn is_password(value: &str) -> bool {
    !is_expanded(value) && value_reason(value).is_none() && fits(Certainty::Password, value)
}

/// The words of each command of a shell's line.
pub(super) fn shell_commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let ends = quote.is_none()
            && (character.is_whitespace() || matches!(character, ';' | '|' | '&' | '(' | ')'));
        match (quote, character) {
            _ if ends => {
                if let (Some(word), Some(command)) = (word.take(), commands.last_mut()) {
                    command.push(word);
                }
                if !character.is_whitespace() {
                    commands.push(Vec::new());
                }
            }
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if let (Some(word), Some(command)) = (word, commands.last_mut()) {
        command.push(word);
    }
    commands.retain(|command| !command.is_empty());
    commands
}
