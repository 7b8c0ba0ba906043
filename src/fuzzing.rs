//! What must hold for any input: the bodies of the fuzz targets, and a short run of each as a test.

use serde_json::json;

use crate::config::Config;
use crate::diagnostics::Code;
use crate::edit::lower::lower;
use crate::edit::oracle::{Fault, judge};
use crate::edit::patch::{Op, Patch};
use crate::edit::{Refusal, verify};
use crate::filter::{Reach, run};
use crate::stream;
use crate::yaml::events::YamlReader;
use crate::yaml::{self, Kind, NodeId, Path, ScalarStyle, Step, Style, Tree};

/// Every byte of a stream belongs to one document, and only the first has no marker.
///
/// # Panics
///
/// That is not so.
pub fn stream(input: &[u8]) {
    let mut at = 0;
    for (position, document) in stream::documents(input).enumerate() {
        assert_eq!(document.offset, at, "documents follow one another");
        assert_eq!(document.number, position + 1);
        let marker = document.preamble().len()..document.body;
        // Blanks with a tab behind it belong to it.
        let marker = document.bytes[marker].trim_ascii_end();
        assert!(
            marker == b"---" || (marker.is_empty() && position == 0),
            "a document begins with its marker"
        );
        at += document.bytes.len();
    }
    assert_eq!(at, input.len(), "every byte belongs to a document");
}

/// A text is an error with a place in it, or a tree whose spans lie inside each other in the order of the text.
///
/// # Panics
///
/// That is not so.
pub fn yaml(source: &str) {
    match yaml::parse(source) {
        Err(error) => assert!(source.get(..error.at()).is_some(), "an error at no character: {error}"),
        Ok(tree) => tree.ids().for_each(|id| check_spans(&tree, id)),
    }
}

/// The reader of what charts render gives up on a text, or makes the tree of the general readers.
///
/// # Panics
///
/// It makes another one.
pub fn readers(source: &str) {
    yaml::check_readers(source);
}

/// What the search lets pass unread has nothing to say: a run that reads every document comes to the same.
///
/// # Panics
///
/// It says something else, or writes something else.
pub fn search(source: &[u8]) {
    for external in ["allow", "warn"] {
        let mut config = Config::default();
        let rules = format!(
            "{{apiVersion: resecret.dev/v1alpha1, kind: Resecret, spec: {{secrets: [{{name: '*-nextauth', to: vault}}], policy: {{plaintext: warn, unmatched: allow, external: {external}}}}}}}"
        );
        config.add_file("rules.yaml", &rules).unwrap_or_else(|error| panic!("{error}"));
        search_with(source, &config);
    }
}

fn search_with(source: &[u8], config: &Config) {
    let [some, all] = [Reach::Candidates, Reach::Every].map(|reach| {
        let result = run(source, config, reach, |_| ()).map(|(filtered, _)| filtered);
        let (said, written) = match &result {
            Ok(filtered) => (filtered.diagnostics(), Some(filtered.to_vec())),
            Err(error) => (error.diagnostics(), None),
        };
        // Whether a document can be read is seen only by who reads it.
        let unreadable = [Code::NotUtf8, Code::NotYaml, Code::TruncatedInput];
        let said = said.iter().filter(|diagnostic| !unreadable.contains(&diagnostic.code));
        (said.map(|diagnostic| format!("{diagnostic:?}")).collect::<Vec<_>>(), written)
    });
    assert_eq!(some.0, all.0, "what is said");
    if let (Some(some), Some(all)) = (some.1, all.1) {
        assert!(some == all, "what is written");
    }
}

fn check_spans(tree: &Tree<'_>, id: NodeId) {
    let (start, content) = (tree.start(id), tree.content(id));
    assert!(start <= content.start && content.start <= content.end);
    assert!(tree.source().get(start..content.start).is_some(), "properties end inside a character");
    assert!(tree.source().get(content.start..content.end).is_some(), "content ends inside a character");
    let members: Vec<NodeId> = match tree.kind(id) {
        Kind::Sequence(_, items) => items.to_vec(),
        Kind::Mapping(_, entries) => entries.iter().flat_map(|(key, value)| [*key, *value]).collect(),
        Kind::Scalar(_) | Kind::Alias(_) => return,
    };
    let mut at = content.start;
    for member in members {
        let (start, end) = (tree.start(member), tree.ends(member));
        assert_eq!(tree.parent(member), Some(id));
        // A key or value that is not written (`? a`, `: b`) has no place of its own.
        if start == end {
            continue;
        }
        assert!(at <= start && end <= content.end, "members follow one another inside");
        at = end;
    }
    if let Kind::Sequence(Style::Block, items) = tree.kind(id)
        && !items.is_empty()
    {
        let start = tree.source()[content.start..].chars().next();
        assert_eq!(start, Some('-'), "a block sequence begins with its dash");
    }
}

/// Any operation on any document is refused, or done as the independent reader wants it.
///
/// # Panics
///
/// It is done, and the independent reader sees something else.
pub fn lower_any(source: &str, choices: &[u8]) {
    let Ok(tree) = yaml::parse(source) else { return };
    let mut patch = Patch::default();
    for choice in choices.chunks_exact(2).take(4) {
        let Some(id) = tree.ids().nth(usize::from(choice[0])) else { continue };
        if let Some(op) = path(&tree, id).and_then(|path| op(&tree, id, path, choice[1])) {
            patch.push(op);
        }
    }
    let Ok(splices) = lower(&patch, &tree) else { return };
    let edited = splices.apply(source);
    // The independent reader takes no tab where indentation could be, which an edit can make of a line without text. And
    // without a line break at the end, the last line of a block scalar has one or not, depending on what follows. What a
    // collection with a tag of its own holds is no place to a patch.
    let is_blank = |line: &str, blanks: &[char]| line.contains(blanks) && line.trim().is_empty();
    let has_tab = source.lines().any(|line| is_blank(line.split('#').next().unwrap_or(line), &['\t']));
    let last_line = source.rsplit('\n').next().unwrap_or_default();
    let ends_in_blanks = source.contains('\n') && is_blank(last_line, &[' ']);
    let is_block = |id| tree.scalar(id).is_some_and(|scalar| scalar.style == ScalarStyle::Block);
    let ends_as_block = tree.ids().any(|id| tree.ends(id) == source.len() && is_block(id));
    let has_tag = |id| tree.tag(id).is_some() && !matches!(tree.kind(id), Kind::Scalar(_));
    let shows =
        |what: &str| format!("{what}: {:?}\n{source:?}\n{edited:?}", patch.to_json_patch().to_string());
    let verified = verify(&tree, &patch, &edited);
    let judged = judge(source, &patch, &edited);
    // Of what charts render, both are sure.
    assert!(
        !(tree.reader() == YamlReader::Rendered && judged.is_ok() != verified.is_ok()),
        "{}",
        shows(&format!("{verified:?} and {judged:?}"))
    );
    if has_tab || ends_in_blanks || ends_as_block || tree.ids().any(has_tag) {
        return;
    }
    if let Err(refusal @ (Refusal::Different | Refusal::After(_))) = &verified {
        panic!("{}", shows(&refusal.to_string()));
    }
    if let (Ok(()), Err(fault @ (Fault::Different | Fault::After))) = (&verified, &judged) {
        panic!("{}", shows(&format!("libyaml does not confirm it, {fault:?}")));
    }
}

fn path(tree: &Tree<'_>, id: NodeId) -> Option<Path> {
    let Some(parent) = tree.parent(id) else { return Some(Path::root()) };
    let above = path(tree, parent)?;
    match tree.kind(parent) {
        Kind::Sequence(_, items) => Some(above.index(items.iter().position(|item| *item == id)?)),
        Kind::Mapping(_, entries) => {
            let (key, _) = entries.iter().find(|(_, value)| *value == id)?;
            Some(above.key(tree.text(*key)?))
        }
        _ => None,
    }
}

fn op(tree: &Tree<'_>, id: NodeId, path: Path, choice: u8) -> Option<Op> {
    let value = json!({"name": "X", "valueFrom": {"secretKeyRef": {"name": "vault", "key": "k y"}}});
    match (choice % 7, tree.kind(id)) {
        (6, _) if matches!(path.split_last(), Some((_, Step::Index(_)))) => Some(Op::insert(path, value)),
        (0 | 1, _) => path.split_last().is_some().then_some(Op::Remove { path }),
        (2, Kind::Mapping(..)) => Some(Op::replace(path, value)),
        (2 | 3, Kind::Scalar(_)) => Some(Op::replace(path, "vault")),
        (3, Kind::Mapping(..)) => Some(Op::add(path.key("added"), value)),
        (3, Kind::Sequence(..)) => Some(Op::append(path, value)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "../tests/properties/suite.rs"]
mod suite;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, any, proptest};
    use proptest::sample::select;
    use proptest::test_runner::RngSeed;

    use super::suite::{Case, cases};

    /// Every operation on every node of every text of the YAML test suite, one at a time.
    #[test]
    fn any_edit_of_the_yaml_test_suite_is_right_or_refused() {
        for Case { name, yaml } in cases() {
            super::yaml(&yaml);
            super::readers(&yaml);
            super::stream(yaml.as_bytes());
            let nodes = crate::yaml::parse(&yaml).map_or(0, |tree| tree.ids().count());
            let nodes = u8::try_from(nodes).unwrap_or_else(|_| panic!("{name} has too many nodes"));
            for choice in (0..nodes).flat_map(|node| (0..7).map(move |op| [node, op])) {
                super::lower_any(&yaml, &choice);
            }
        }
    }

    /// Every two operations, one after the other, on nodes of small texts.
    #[test]
    fn any_two_edits_are_right_or_refused() {
        let texts = [
            "{a:\n, b: c}",
            "{a: , b: c }",
            "[{a:\n}, b]",
            "a: b",
            "a:\n  b: c\n",
            "- a\n- b: c\n",
            "[a, {b: c}]\n",
            "a:\n- b\n- c\nd: {e: f}\n",
        ];
        for text in texts {
            for (first, second) in (0..9 * 7).flat_map(|first| (0..9 * 7).map(move |second| (first, second)))
            {
                super::lower_any(text, &[first / 7, first % 7, second / 7, second % 7]);
            }
        }
    }

    /// Every document of the fixtures, the renders and, where it is there, the corpus; most of them are for the first reader.
    #[test]
    fn the_readers_agree_on_all_that_charts_render() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (mut known, mut rendered, mut documents) = (0, 0, 0);
        for folder in ["tests/fixtures", "tests/renders", "examples", "../shared/corpus"] {
            for file in yaml_files(&root.join(folder)) {
                let bytes = fs::read(&file).expect("a file of the repository");
                super::stream(&bytes);
                for document in crate::stream::documents(&bytes) {
                    let Ok(text) = crate::stream::text(&document) else { continue };
                    let is_known = crate::yaml::check_readers(text);
                    if folder == "tests/renders" {
                        rendered += 1;
                        known += usize::from(is_known);
                    }
                    documents += 1;
                }
            }
        }
        assert!(documents > 500, "only {documents} documents");
        assert!(known * 20 > rendered * 19, "the first reader knows only {known} of {rendered} documents");
    }

    #[test]
    fn the_search_misses_nothing_that_charts_render() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["tests/fixtures", "tests/renders", "examples", "../shared/corpus"] {
            for file in yaml_files(&root.join(folder)) {
                super::search(&fs::read(&file).expect("a file of the repository"));
            }
        }
    }

    fn yaml_files(folder: &Path) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let files = entries.flatten().flat_map(|entry| {
            let path = entry.path();
            if path.is_dir() { yaml_files(&path) } else { vec![path] }
        });
        files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect()
    }

    /// What charts render, in pieces, from which also comes what they do not.
    const LINES: [&str; 57] = [
        "a:",
        "b: c",
        "- d",
        "- e: f",
        "-",
        "- - g",
        "-   h:   i",
        "\"j\": 'k'",
        "'l': \"m\"",
        "n: |",
        "o: >-",
        "p: |- # why",
        "q: >",
        "- |",
        "- >-",
        "# comment",
        "r: s # comment",
        "t: u#v",
        "w: []",
        "x: {}",
        "y: [a, 'b', \"c\", -1, d: e]",
        "z: {a: b, \"c\": [d], 'e':f, \"g\":1}",
        "- {name: A, value: \"x y\"}",
        "A: http://x:1/y?z#w",
        "B: c: d",
        "C: d:",
        "D : e",
        "E: \"e\\n\\\"\\\\\\t\" # c",
        "F: 'it''s'",
        "G: '' ",
        "H:  i  ",
        "text",
        "more text, with: colon",
        "  text",
        "| text",
        " ",
        "",
        "    ",
        "\ttab",
        "I:\tj",
        "J: \"open",
        "close\"",
        "K: &a l",
        "L: *a",
        "M: !!str n",
        "<<: *a",
        "? N",
        ": O",
        "---",
        "...",
        "%P",
        "Q: -r",
        "S: -",
        ":t: ?u",
        "é: – ü",
        "V: [a, b,]",
        "W: [a,\n  b]",
    ];

    /// Pieces of YAML, of which anything can be made.
    const PIECES: [&str; 47] = [
        "a: ",
        "b:\n",
        "- ",
        "-\n",
        "\n",
        "  ",
        " ",
        "? ",
        ": ",
        "x",
        "\"q\" ",
        "'s'",
        "|\n  l\n",
        ">-\n  f\n",
        "|\n  > m\n",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "# c\n",
        "&a ",
        "*a ",
        "!t ",
        "!!str ",
        "<<: ",
        "---\n",
        "...\n",
        "\r\n",
        "\t",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "é",
        "~",
        "a",
        "a: b\nc: d\n",
        "- e\n- f\n",
        "  g: h\n",
        "  - i\n",
        "    j: k\n",
        "[1, 2]",
        "{l: m, n: o}",
        "\"p\\\n  q\"",
        "%YAML 1.2\n",
        "\\",
        "\r",
    ];

    /// Where a credential can be: what is before its name, before its value and behind it.
    const PLACES: [[&str; 3]; 10] = [
        ["kind: A\napiVersion: v1\nmetadata:\n  annotations:\n    ", ": ", "\n  name: a\n"],
        ["kind: A\nmetadata:\n  annotations:\n    a: b\n# c\n\n    ", ": ", "\nspec: a\n"],
        ["kind: A\nmetadata:\n  annotations:\n    d: 'e'\n    a: \"b\n c\"\n    ", ": ", "\n"],
        ["kind: A\nx: &x {", ": ", "}\nmetadata:\n  annotations: *x\n"],
        ["kind: A\nmetadata:\n  annotations:\n    <<: &x {", ": ", "}\n"],
        ["kind: List\nitems:\n- metadata: {\"annotations\" :\n      {", " : ", "}}\n"],
        ["apiVersion: a.example/v1\nkind: A\nspec:\n  ", ": ", "\n"],
        ["apiVersion: 'a.example/v1'\nkind: A\nspec: {a: [{", ": ", "}]}\n"],
        ["apiVersion: v1\nkind: A\nspec:\n  probe:\n  - name: ", "\n    value: ", "\n"],
        ["apiVersion: v1\nkind: A\nspec:\n  a: &a { name: ", ", value: ", "}\n"],
    ];

    /// Pieces of names and values that look like credentials, and of others.
    #[rustfmt::skip]
    const CREDENTIALS: [&str; 58] = [
        "a", "x9", " ", "\n", "\t", "\"", "'", "/", ".", "_", "-", "#!/bin/sh\n", ".sh", ".py", "checksum/", "helm.sh/", "é", "\u{212a}ey",
        "password", "dbPwd", "API", "_KEY", "Token", "secret", "salt", "cookie", "cred", "Authorization", ": ", "=", "Bearer ",
        "hunter2x", "0123456789abcdef0123", "name", "value", "{\"a\":\"", "\"}", "<a name=\"", "\">", "</a>", "://u:", "@h/", "@tcp(h)",
        "&sig=", "?Sig=", ";PASS=", "-----BEGIN PRIVATE KEY-----", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "$argon2id$v=", "$6$a$",
        "AKIAIOSFODNN7EXAMPLE", "ghp_0123456789abcdefghij", "sk-0123456789abcdef", "identified by 'x9'", "IDENTIFIED\tBY\n'x9'",
        "#!/bin/sh\ncurl -u a:hunter2x ", "\nmysql -phunter2x ", "redis-cli -a hunter2x",
    ];

    /// A text as YAML has it: quoted in one way or the other, or in a block.
    fn spelled(text: &str, style: u8) -> String {
        match style {
            0 => serde_json::to_string(text).expect("a text is JSON"),
            1 if !text.contains(['\n', '\t']) => format!("'{}'", text.replace('\'', "''")),
            2 if !text.contains(['\t', ':', '#', '"', '\'', '@', '&', '<', '{']) => {
                text.replace('\n', "\n\n       ")
            }
            _ => format!("|-\n      {}", text.replace('\n', "\n      ")),
        }
    }

    /// The same cases in every run; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for more and for others.
    fn runs() -> ProptestConfig {
        let asked = ProptestConfig::default();
        let rng_seed = if asked.rng_seed == RngSeed::Random { RngSeed::Fixed(1) } else { asked.rng_seed };
        let cases = asked.cases.max(4000);
        ProptestConfig { cases, rng_seed, failure_persistence: None, ..asked }
    }

    proptest! {
        #![proptest_config(runs())]

        #[test]
        fn any_stream_splits(input in vec(select(b"-\n\r a\xEF\xBB\xBF".to_vec()), 0..64)) {
            super::stream(&input);
        }

        #[test]
        fn any_text_parses_or_not(pieces in vec(select(PIECES.to_vec()), 0..24)) {
            super::yaml(&pieces.concat());
        }

        #[test]
        fn the_readers_agree_on_any_lines(
            lines in vec((select((0..8).collect::<Vec<usize>>()), select(LINES.to_vec())), 1..12),
            line_end in select(vec!["\n", "\n", "\n", "\r\n"]),
            is_whole in any::<bool>(),
        ) {
            let line = |(indent, text): (usize, &str)| format!("{:indent$}{text}", "");
            let mut text = lines.into_iter().map(line).collect::<Vec<_>>().join(line_end);
            if is_whole {
                text += line_end;
            }
            super::readers(&text);
        }

        #[test]
        fn the_readers_agree_on_any_pieces(pieces in vec(select(PIECES.to_vec()), 0..12)) {
            super::readers(&pieces.concat());
        }

        #[test]
        fn the_search_misses_no_credential(
            [before, between, behind] in select(PLACES.to_vec()),
            name in vec(select(CREDENTIALS.to_vec()), 1..4),
            value in vec(select(CREDENTIALS.to_vec()), 1..6),
            styles in [0..4_u8, 0..4_u8],
        ) {
            let [name, value] = [name, value].map(|pieces| pieces.concat());
            let (name, value) = (spelled(&name, styles[0].min(2)), spelled(&value, styles[1]));
            super::search(format!("{before}{name}{between}{value}{behind}").as_bytes());
        }

        #[test]
        fn any_edit_is_right_or_refused(
            pieces in vec(select(PIECES.to_vec()), 0..24),
            choices in vec((0..24_u8, any::<u8>()), 0..5),
        ) {
            let choices: Vec<u8> = choices.into_iter().flat_map(|(node, op)| [node, op]).collect();
            super::lower_any(&pieces.concat(), &choices);
        }
    }
}
