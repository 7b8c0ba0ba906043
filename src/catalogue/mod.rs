//! What is known of the fields of custom resources: which name a Secret, which make one, which lists hold variables.
//!
//! `catalogue.txt` has a block of lines for each API group, made by `tools/catalogue` from public schemas, and one for all
//! groups. A line is a label, kinds or `*`, and the last keys of paths; the first line that fits decides, and a group's own
//! lines come first. A block is looked up in the text when an object needs it; nothing is built before.

pub(crate) mod name_format;

use std::sync::LazyLock;

use crate::yaml::Trail;

const CATALOGUE: &str = include_str!("catalogue.txt");

/// The block of lines that hold in every group.
pub(crate) const EVERYWHERE: &str = "*";

/// The groups of Kubernetes itself that have a dot. Its other groups have none.
pub(crate) const BUILT_IN: [&str; 18] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// It names a Secret that is read.
    Read,
    /// It names a Secret that is made.
    Make,
    /// It names something else.
    Other,
    /// It sounds like a Secret, and nobody can say.
    Unknown,
    /// A list of variables.
    Variables,
    /// A list of variables that can hold values alone.
    Values,
}

/// A line of the catalogue, with one of its paths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) label: Label,
    /// Whether it is about mappings alone.
    pub(crate) mapping: bool,
    /// Kinds with commas, in lower case, or `*`.
    pub(crate) kinds: &'static str,
    /// The last keys of a path, with dots between them; each may begin and end with `*`.
    pub(crate) tail: &'static str,
}

impl Line {
    /// Whether it says what a field is, and not what a list holds.
    pub(crate) fn is_field(&self) -> bool {
        !matches!(self.label, Label::Variables | Label::Values)
    }
}

static COMMON: LazyLock<Vec<Line>> = LazyLock::new(|| block(EVERYWHERE));

/// The lines about one kind.
pub(crate) struct Fields {
    own: Vec<Line>,
}

impl Fields {
    /// What is known of a kind's fields; `None` for a kind of Kubernetes itself.
    pub(crate) fn of(api_version: &str, kind: &str) -> Option<Self> {
        let (group, _) = api_version.split_once('/')?;
        if !is_custom(group) {
            return None;
        }
        let mut own = block(group);
        own.retain(|line| {
            line.kinds == "*" || line.kinds.split(',').any(|other| other.eq_ignore_ascii_case(kind))
        });
        Some(Self { own })
    }

    /// What is known of the fields of anything, whatever it is.
    pub(crate) fn of_any() -> Self {
        Self { own: Vec::new() }
    }

    /// What the field at the end of a trail is, as a mapping or as a text.
    pub(crate) fn label(&self, trail: Trail<'_>, mapping: bool) -> Option<Label> {
        self.first(trail, |line| line.is_field() && (mapping || !line.mapping))
    }

    /// What the list at the end of a trail is, where the catalogue says.
    pub(crate) fn list(&self, trail: Trail<'_>) -> Option<Label> {
        self.first(trail, |line| !line.is_field())
    }

    fn first(&self, trail: Trail<'_>, wanted: impl Fn(&&Line) -> bool) -> Option<Label> {
        let own = self.own.iter().filter(&wanted).find(|line| fits(line.tail, trail, false));
        let found = own.or_else(|| COMMON.iter().filter(wanted).find(|line| fits(line.tail, trail, true)));
        found.map(|line| line.label)
    }
}

/// What the catalogue knows of a group whose fields' keys say nothing of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct GroupUses {
    /// Some of its fields name a Secret.
    pub(crate) references: bool,
    /// Some of its lists hold variables.
    pub(crate) variables: bool,
}

/// The groups that something is known of, in their alphabetical order. Each consists of lower-case letters, digits, `.` and `-`.
pub(crate) fn groups() -> Vec<(&'static str, GroupUses)> {
    let mut groups: Vec<(&str, GroupUses)> = Vec::new();
    for line in CATALOGUE.lines() {
        if let Some(group) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            groups.push((group, GroupUses::default()));
        } else if let Some((_, uses)) = groups.last_mut() {
            uses.references |= line.starts_with("read ") || line.starts_with("refer ");
            uses.variables |= line.starts_with("env ");
        }
    }
    groups.retain(|(group, _)| *group != EVERYWHERE);
    groups
}

/// Whether objects of a group are custom resources: the groups of Kubernetes itself have no dot, or are known.
pub(crate) fn is_custom(group: &str) -> bool {
    group.contains('.') && !BUILT_IN.contains(&group)
}

/// The lines of a group; none where nothing is known of it.
pub(crate) fn block(group: &str) -> Vec<Line> {
    let head = format!("\n[{group}]\n");
    let Some(at) = memchr::memmem::find(CATALOGUE.as_bytes(), head.as_bytes()) else { return Vec::new() };
    let rest = &CATALOGUE[at + head.len()..];
    lines(&rest[..rest.find("\n[").unwrap_or(rest.len())]).collect()
}

/// The lines of a part of the catalogue, one for each path.
fn lines(text: &'static str) -> impl Iterator<Item = Line> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let label = match words.next()? {
                "read" | "refer" => Label::Read,
                "make" => Label::Make,
                "none" => Label::Other,
                "ask" => Label::Unknown,
                "env" => Label::Variables,
                "plain" => Label::Values,
                _ => return None,
            };
            let (mapping, kinds) = (line.starts_with("refer"), words.next()?);
            Some(words.map(move |tail| Line { label, mapping, kinds, tail }))
        })
        .flatten()
}

/// Whether a trail ends with these keys; positions in lists are no steps here.
fn fits(tail: &str, trail: Trail<'_>, fold: bool) -> bool {
    let mut keys = trail.keys();
    tail.rsplit('.').all(|pattern| keys.next().is_some_and(|key| fits_key(pattern, key, fold)))
}

/// Whether a key is as a pattern says, which may begin and end with `*`.
fn fits_key(pattern: &str, key: &str, fold: bool) -> bool {
    let same = |a: &[u8], b: &[u8]| if fold { a.eq_ignore_ascii_case(b) } else { a == b };
    let (open_start, rest) = pattern.strip_prefix('*').map_or((false, pattern), |rest| (true, rest));
    let (open_end, word) = rest.strip_suffix('*').map_or((false, rest), |rest| (true, rest));
    let (key, word) = (key.as_bytes(), word.as_bytes());
    let Some(room) = key.len().checked_sub(word.len()) else { return false };
    match (open_start, open_end) {
        (false, false) => same(key, word),
        (true, false) => same(&key[room..], word),
        (false, true) => same(&key[..word.len()], word),
        (true, true) => (0..=room).any(|at| same(&key[at..at + word.len()], word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Path;

    #[track_caller]
    fn label(api_version: &str, kind: &str, keys: &[&str], mapping: bool) -> Option<Label> {
        let fields = Fields::of(api_version, kind).expect("a custom resource");
        follow(&fields, &Trail::Start(&Path::root()), keys, mapping)
    }

    fn follow(fields: &Fields, trail: &Trail<'_>, keys: &[&str], mapping: bool) -> Option<Label> {
        match keys {
            [] => fields.label(*trail, mapping),
            ["[]", rest @ ..] => follow(fields, &Trail::Index(trail, 0), rest, mapping),
            [key, rest @ ..] => follow(fields, &Trail::Key(trail, key), rest, mapping),
        }
    }

    #[test]
    fn groups_matter() {
        let prometheus = ["spec", "additionalScrapeConfigs"];
        assert_eq!(label("monitoring.coreos.com/v1", "Prometheus", &prometheus, true), Some(Label::Read));
        assert_eq!(label("example.org/v1", "Prometheus", &prometheus, true), None);
        let secret_name = ["spec", "secretName"];
        assert_eq!(label("cert-manager.io/v1", "Certificate", &secret_name, false), Some(Label::Make));
        assert_eq!(label("example.org/v1", "Certificate", &secret_name, false), Some(Label::Read));
    }

    #[test]
    fn some_keys_mean_the_same_everywhere() {
        let of = |keys: &[&str], mapping| label("example.org/v1", "Thing", keys, mapping);
        assert_eq!(of(&["spec", "writeConnectionSecretToRef"], true), Some(Label::Make));
        assert_eq!(of(&["spec", "secretStoreRef"], true), Some(Label::Other));
        assert_eq!(of(&["spec", "tls", "[]", "certSecret"], false), Some(Label::Read));
        assert_eq!(of(&["spec", "basicAuth", "password"], true), Some(Label::Read));
        assert_eq!(of(&["spec", "basicAuth", "password"], false), None, "a password is no name");
        assert_eq!(of(&["spec", "operatorSpec", "secrets", "key1"], true), Some(Label::Make));
    }

    #[test]
    fn kubernetes_own_kinds_are_no_custom_resources() {
        for version in ["v1", "apps/v1", "networking.k8s.io/v1", ""] {
            assert!(Fields::of(version, "Ingress").is_none(), "{version}");
        }
        assert!(Fields::of("gateway.networking.k8s.io/v1", "Gateway").is_some());
    }

    #[test]
    fn a_pattern_can_be_open_at_both_ends() {
        assert!(fits_key("*configMap*", "caConfigmapRef", true));
        assert!(!fits_key("*configMap*", "caMapRef", true));
        assert!(fits_key("*", "anything", false) && fits_key("*", "", false));
        assert!(!fits_key("token", "Token", false) && !fits_key("longer", "long", false));
    }

    #[test]
    fn groups_are_told_by_their_names() {
        let groups = groups();
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        assert!(groups.iter().all(|(group, _)| group.contains('.') && group.bytes().all(is_plain)));
        assert!(
            groups.iter().any(|(_, uses)| uses.references) && groups.iter().any(|(_, uses)| uses.variables)
        );
        assert!(groups.is_sorted_by_key(|(group, _)| *group), "as a binary search wants them");
    }

    #[test]
    fn every_line_can_be_read() {
        let written = CATALOGUE.lines().filter(|line| !line.starts_with(['#', '[']));
        for line in written {
            let label = line.split(' ').next().unwrap_or_default();
            assert!(["read", "refer", "make", "none", "ask", "env", "plain"].contains(&label), "{line}");
            assert!(line.split(' ').count() > 2, "{line}");
        }
    }
}
