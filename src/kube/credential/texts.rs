//! Credentials in the lines of a file: settings in YAML, properties, INI, XML and the like, and what scripts write out.
//!
//! A file is read line by line and not as what it is, because charts put templates of all kinds into ConfigMaps.

use std::sync::LazyLock;

use memchr::{memchr, memchr_iter, memmem};
use regex::{Captures, Regex};

use crate::kube::credential::commands::{arguments, names_a_program, shell_commands};
use crate::kube::credential::judge::{NameContext, reason};
use crate::kube::credential::names::{Certainty, certainty, has_stem};
use crate::kube::credential::reason::{Reason, pattern};
use crate::kube::credential::shapes::{in_braces, pairs, setting, two_words};
use crate::kube::credential::values::{fits, looks_random, value_reason};

/// A credential in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextCredential {
    /// The name that says what it is, where one does.
    pub(crate) name: Option<String>,
    /// Why it looks like one.
    pub(crate) reason: Reason,
}

/// What the name of a file ends in that holds a program, where names mean variables.
const CODE: [&str; 14] = [
    ".sh", ".bash", ".py", ".lua", ".js", ".ts", ".groovy", ".go", ".rb", ".pl", ".php", ".ps1", ".java",
    ".tf",
];

/// What a program begins with that says what runs it.
const PROGRAM: &str = "#!";

/// Whether a text is a program.
pub(crate) fn is_code(name: &str, text: &str) -> bool {
    text.starts_with(PROGRAM) || CODE.iter().any(|ending| name.ends_with(ending))
}

/// What is before a password in SQL, beside that word itself.
const IDENTIFIED: &str = "identified";

/// Whether these bytes could hold a text with a credential that no name tells: in SQL, or as an argument in a program.
pub(super) fn may_hold_unnamed(bytes: &[u8]) -> bool {
    let is_sql = |part: &[u8]| part.eq_ignore_ascii_case(IDENTIFIED.as_bytes());
    let may_be_sql = || memchr(b'\'', bytes).is_some() && bytes.windows(IDENTIFIED.len()).any(is_sql);
    // The name ends there: `/` in `helm.sh/chart` goes on.
    let goes_on = |next: &u8| next.is_ascii_alphanumeric() || b"-_./".contains(next);
    let ends_name = |rest: &[u8], ending: &str| {
        rest.strip_prefix(ending.as_bytes()).is_some_and(|rest| !rest.first().is_some_and(goes_on))
    };
    let mut dots = memchr_iter(b'.', bytes).map(|at| &bytes[at..]);
    memmem::find(bytes, PROGRAM.as_bytes()).is_some()
        || may_be_sql()
        || dots.any(|rest| CODE.iter().any(|ending| ends_name(rest, ending)))
}

/// Whether a word of a command is a script itself.
pub(crate) fn is_script(word: &str) -> bool {
    word.contains(['\n', ' '])
}

/// The credentials in a text, each name once.
pub(crate) fn in_text(text: &str, code: bool) -> Vec<TextCredential> {
    let mut search = LineSearch { code, found: Vec::new(), named: None, open: None };
    for line in text.lines() {
        search.line(line.trim());
    }
    search.found
}

struct LineSearch {
    code: bool,
    found: Vec<TextCredential>,
    /// The name of an entry whose `value` may be one of the next lines, and how many these still are.
    named: Option<(String, u8)>,
    /// A name whose value, or list of values, begins in the next line; whether it is a list.
    open: Option<(String, bool)>,
}

impl LineSearch {
    fn line(&mut self, line: &str) {
        if line.is_empty() || is_comment(line) {
            return;
        }
        let reason = value_reason(line);
        if let Some(reason) = reason {
            self.push(name_of(line), reason);
        }
        if self.opened(line) {
            return;
        }
        let has_stem = has_stem(line);
        let named = self.named.take().and_then(|(name, lines)| Some((name, lines.checked_sub(1)?)));
        if has_stem || named.is_some() || line.contains("name") || may_be_sql(line) {
            self.setting(line, named);
            self.pairs(line);
        }
        if self.code && (has_stem || reason.is_some() || names_a_program(line)) {
            self.commands(line);
        }
    }

    /// The commands of a shell's line, and scripts among their words.
    fn commands(&mut self, line: &str) {
        for command in shell_commands(line) {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            if writes_credential(&words) {
                self.push(None, Reason::Name);
            }
            for found in arguments(None, &words) {
                let option = found.option.map(|option| option.trim_start_matches('-').to_owned());
                self.push(option, found.reason);
            }
            for script in words.iter().filter(|word| is_script(word)) {
                for found in in_text(script, true) {
                    self.push(found.name, found.reason);
                }
            }
        }
    }

    /// A line that goes on with the value of the one before.
    fn opened(&mut self, line: &str) -> bool {
        let Some((name, list)) = self.open.take() else { return false };
        let item = line.strip_prefix("- ").map(str::trim);
        match item.filter(|item| list && !item.contains(": ")) {
            Some(item) => {
                self.judge(&name, unquoted(item));
                self.open = Some((name, true));
                true
            }
            None if !list => {
                self.judge(&name, unquoted(line));
                true
            }
            None => false,
        }
    }

    /// `name: value`, `name = value`, `name value`, at the begin of a line.
    fn setting(&mut self, line: &str, named: Option<(String, u8)>) {
        let Some((name, value)) = setting(line) else {
            if let Some((name, value)) = two_words(line) {
                let sure =
                    certainty(name).is_some() && (looks_random(value) || name.starts_with("requirepass"));
                if sure && !self.code {
                    self.judge(name, unquoted(value));
                }
            }
            self.named = named;
            return;
        };
        let value = without_comment(value);
        match (name, named) {
            ("name" | "key", _) => self.named = Some((unquoted(value).to_owned(), 2)),
            ("value", Some((name, _))) => self.judge(&name, unquoted(value)),
            _ if value.is_empty() => self.open = certainty(name).map(|_| (name.to_owned(), true)),
            _ if matches!(value, "|" | "|-" | ">" | ">-") => {
                self.open = certainty(name).map(|_| (name.to_owned(), false));
            }
            // A pair finds it.
            (_, named) if value.starts_with(['"', '\'']) => self.named = named,
            (name, named) => {
                let shell = line.split_once('=').is_some_and(|(name, value)| {
                    name.bytes().all(|byte| byte.is_ascii_uppercase() || b"_0123456789".contains(&byte))
                        && !value.starts_with(' ')
                });
                if !self.code || shell || is_random_word(value) {
                    self.judge(name, value);
                }
                self.named = named;
            }
        }
    }

    /// `name="value"` anywhere in a line, XML, SQL and `.netrc`.
    fn pairs(&mut self, line: &str) {
        for (name, value) in pairs(line) {
            let label = self.code && name.eq_ignore_ascii_case(value);
            if value.trim() == value && !label {
                self.judge(name, value);
            }
            if let Some((name, value)) = value.split_once(": ").filter(|(_, value)| is_random_word(value)) {
                self.judge(name, value);
            }
        }
        if !self.code {
            in_braces(line).for_each(|(name, value)| self.judge(name, value));
        }
        // A pattern is built for a line that could match: most runs see none.
        let xml = [(&ELEMENT, "</"), (&ATTRIBUTE, "value=\"")].into_iter();
        for (pattern, _) in xml.filter(|(_, part)| line.contains(part)) {
            for element in pattern.captures_iter(line) {
                let name = element.get(1).or_else(|| element.get(2)).map_or("", |name| name.as_str());
                self.judge(name, group(&element, 3));
            }
        }
        let others = [(&SQL, may_be_sql(line)), (&NETRC, line.contains("machine"))].into_iter();
        for (pattern, _) in others.filter(|(_, may_match)| *may_match) {
            let password = pattern.captures(line).filter(|found| fits(Certainty::Password, group(found, 1)));
            if password.is_some() {
                self.push(Some("password".to_owned()), Reason::Name);
            }
        }
    }

    fn judge(&mut self, name: &str, value: &str) {
        let expanded = value.contains('$') && (self.code || value.len() < 3);
        let call = value.contains(['(', '`']) && self.code;
        if expanded || call {
            return;
        }
        if let Some(reason) = reason(name, value, NameContext::Field) {
            self.push(certainty(name).map(|_| name.to_owned()), reason);
        }
    }

    fn push(&mut self, name: Option<String>, reason: Reason) {
        let known = self.found.iter().any(|found| found.name == name);
        if !known {
            self.found.push(TextCredential { name, reason });
        }
    }
}

/// Whether a command writes a credential into a file that is called so: `echo VALUE > $API_KEY_FILE`.
fn writes_credential(words: &[&str]) -> bool {
    let Some(("echo" | "printf", rest)) = words.split_first().map(|(first, rest)| (*first, rest)) else {
        return false;
    };
    let into = rest.iter().position(|word| word.starts_with('>'));
    let file = into.and_then(|into| match rest[into].trim_start_matches('>') {
        "" => rest.get(into + 1).copied(),
        file => Some(file),
    });
    file.is_some_and(has_stem) && rest[..into.unwrap_or_default()].iter().any(|word| is_random_word(word))
}

/// The name at the begin of a line whose value says enough; only one that means a credential itself is sure to be
/// a name.
fn name_of(line: &str) -> Option<String> {
    let (name, _) = setting(line)?;
    certainty(name).map(|_| name.to_owned())
}

fn is_comment(line: &str) -> bool {
    let marks = ["#", "//", ";", "-- ", "<!--", "* ", "REM ", "rem "];
    marks.iter().any(|mark| line.starts_with(mark)) && !line.starts_with(PROGRAM)
}

/// Whether a quoted text follows a word that [`SQL`] knows.
fn may_be_sql(line: &str) -> bool {
    line.match_indices('\'').any(|(at, _)| {
        let before = &line[..at];
        let words = before.trim_end();
        let last = words.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        let is_known = ["by", "password"].iter().any(|word| last.eq_ignore_ascii_case(word));
        is_known && words.len() < before.len()
    })
}

/// A value that is not quoted, without the comment behind it and without what separates it from the next.
fn without_comment(value: &str) -> &str {
    if value.starts_with(['"', '\'']) {
        return value;
    }
    let end = [" #", "\t#", " //"].iter().filter_map(|mark| value.find(mark)).min();
    value[..end.unwrap_or(value.len())].trim_end_matches([',', ';', ' ', '\t'])
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

fn is_random_word(value: &str) -> bool {
    looks_random(value) && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte))
}

fn group<'t>(captures: &Captures<'t>, number: usize) -> &'t str {
    captures.get(number).map_or("", |group| group.as_str())
}

/// An element of XML, by the name of its attribute or by its own. Any character beyond ASCII is part of a name: to tell
/// letters from others there would make the pattern ten times as large.
static ELEMENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"<(?:[0-9A-Za-z_.:\x{80}-\x{10FFFF}-]+\s+(?:name|key)="([0-9A-Za-z_.\x{80}-\x{10FFFF}-]+)"[^<>]*|([0-9A-Za-z_.:\x{80}-\x{10FFFF}-]+))>([^<>]+)</"#,
    )
});
static ATTRIBUTE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?:name|key)="([0-9A-Za-z_.\x{80}-\x{10FFFF}-]+)"()\s+value="([^"]*)""#));
static SQL: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?i-u:identified\s+by|password)\s+'([^']+)'"));
static NETRC: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bmachine\s.*\bpassword\s+(\S+)"));
