//! Text → tree, by one of three readers.
//!
//! The first one knows what charts render ([`rendered`]) and gives up on anything else. The second one reads YAML 1.2 and what
//! of 1.1 is common. Kubernetes reads with Go's descendant of libyaml, and where the two could differ only its meaning
//! counts: what is rare in a text (tags, other line breaks than LF and CR, directives), or refused by the second reader,
//! is for the reader of that [`lineage`].

use granit_parser::{Event, Parser, ScalarStyle as Written, Span as Reported, StructureStyle, Tag};
use memchr::memmem;

use crate::yaml::builder::{Builder, MAX_DEPTH};
use crate::yaml::error::ParseError;
use crate::yaml::events::{Collection, EventSink, Properties, YamlReader};
use crate::yaml::span::{BYTE_ORDER_MARK, column, has_other_breaks, skip_trivia};
use crate::yaml::storage::check_length;
use crate::yaml::{ScalarStyle, Style, Tree};
use crate::yaml::{lineage, rendered};

/// Parses a source of at most one document.
///
/// # Errors
///
/// Text that is not YAML to Kubernetes, a second document, or length or nesting beyond the limit.
pub(crate) fn parse(source: &str) -> Result<Tree<'_>, ParseError> {
    check_length(source.len())?;
    match rendered::parse(source) {
        Some(tree) => Ok(tree),
        None => parse_any(source),
    }
}

/// Whether a text is the part of YAML that charts render, which all readers read alike.
pub(crate) fn is_rendered(source: &str) -> bool {
    rendered::accepts(source)
}

/// Parses with the readers of all of YAML.
fn parse_any(source: &str) -> Result<Tree<'_>, ParseError> {
    // What Kubernetes makes of one depends on what is before it in its buffer.
    if let Some(at) =
        memmem::find_iter(source.as_bytes(), BYTE_ORDER_MARK).find(|at| column(source, *at) == 0)
    {
        return Err(ParseError::ByteOrderMark { at });
    }
    let is_rare = has_other_breaks(source) || ends_before_it_begins(source);
    let common = if is_rare { Ok(None) } else { parse_common(source) };
    match common {
        Ok(Some(tree)) => Ok(tree),
        Ok(None) => parse_as_kubernetes(source),
        Err(error @ ParseError::Syntax { .. }) => parse_as_kubernetes(source).map_err(|other| match other {
            // In the words of the second reader, which are better.
            ParseError::Syntax { .. } => error,
            other => other,
        }),
        Err(error) => Err(error),
    }
}

/// Whether `...` ends the document before anything is in it. To Kubernetes the text behind that belongs to no document; the
/// second reader would begin one with it.
fn ends_before_it_begins(source: &str) -> bool {
    let at = skip_trivia(source, 0);
    let end = source[at..].strip_prefix("...").filter(|_| column(source, at) == 0);
    end.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Parses with the second reader; `None` where the third must be asked.
fn parse_common(source: &str) -> Result<Option<Tree<'_>>, ParseError> {
    let mut builder = Builder::new(source, YamlReader::Common);
    let ends = read_while(source, &mut builder, |event, span| !is_unusual(source, event, span))?;
    Ok(ends.then(|| builder.finish()))
}

/// Parses with the reader of Kubernetes' lineage.
fn parse_as_kubernetes(source: &str) -> Result<Tree<'_>, ParseError> {
    let mut builder = Builder::new(source, YamlReader::Lineage);
    lineage::read(source, &mut builder)?;
    Ok(builder.finish())
}

/// Reads a source of at most one document with the second reader.
///
/// # Errors
///
/// Text that this reader does not take, or what the sink refuses.
pub(crate) fn read_common<S: EventSink>(source: &str, sink: &mut S) -> Result<(), ParseError> {
    read_while(source, sink, |_, _| true).map(|_| ())
}

/// Reads a source of at most one document with the reader of Kubernetes' lineage.
///
/// # Errors
///
/// Text that is not YAML to Kubernetes, text behind the document's end, or what the sink refuses.
pub(crate) fn read_lineage<S: EventSink>(source: &str, sink: &mut S) -> Result<(), ParseError> {
    lineage::read(source, sink)
}

/// Reads with the second reader, up to the first event that is not wanted; whether all are.
fn read_while<S: EventSink>(
    source: &str,
    sink: &mut S,
    is_wanted: impl Fn(&Event<'_>, &Reported) -> bool,
) -> Result<bool, ParseError> {
    let mut options = granit_parser::options! {
        emit_anchor_events: true,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    options.set_emit_comments(false);
    let mut has_document = false;
    for event in Parser::new_from_str_with_options(source, options) {
        let (event, span) = event.map_err(|error| ParseError::new(source, &error, MAX_DEPTH))?;
        if !is_wanted(&event, &span) {
            return Ok(false);
        }
        if matches!(event, Event::DocumentStart(..)) && std::mem::replace(&mut has_document, true) {
            return Err(ParseError::SecondDocument { at: span.byte_range().unwrap_or_default().start });
        }
        pass_on(event, span, sink)?;
    }
    Ok(true)
}

/// Whether the readers could differ in what this means.
fn is_unusual(source: &str, event: &Event<'_>, span: &Reported) -> bool {
    match event {
        // Whether the last line has a break that is not written.
        Event::Scalar(_, Written::Literal | Written::Folded, _, None) => {
            !source.ends_with(['\n', '\r'])
                && span.byte_range().is_some_and(|range| range.end == source.len())
        }
        Event::Scalar(.., tag) | Event::SequenceStart(.., tag) | Event::MappingStart(.., tag) => {
            tag.is_some()
        }
        _ => false,
    }
}

fn pass_on<S: EventSink>(event: Event<'_>, span: Reported, sink: &mut S) -> Result<(), ParseError> {
    let range = span.byte_range().unwrap_or_default();
    match event {
        Event::Scalar(text, style, anchor, tag) => {
            let style = scalar_style(style);
            // The parser shows an absent node as `~`, with an empty span.
            let absent = range.is_empty() && style == ScalarStyle::Plain;
            let text = if absent { "" } else { &*text };
            return sink.scalar(text, style, range, properties(anchor, tag.as_deref()));
        }
        Event::SequenceStart(style, anchor, tag) => {
            let style = structure(style);
            let start = if style == Style::Block { sink.first_dash(range.start) } else { range.start };
            let properties = properties(anchor, tag.as_deref());
            return sink.begin(Collection::Sequence(style), start..range.end, properties);
        }
        Event::MappingStart(style, anchor, tag) => {
            let properties = properties(anchor, tag.as_deref());
            return sink.begin(Collection::Mapping(structure(style)), range, properties);
        }
        Event::SequenceEnd | Event::MappingEnd => sink.end(range.end),
        Event::Anchor(number, name) => return sink.anchor(number, &name, range),
        Event::Alias(number) => return sink.alias(number, range),
        _ => {}
    }
    Ok(())
}

/// Those of a node, whose anchor has an event of its own.
fn properties(anchor: usize, tag: Option<&Tag>) -> Properties {
    let tag = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
    Properties { anchor, tag, start: None }
}

fn structure(style: StructureStyle) -> Style {
    match style {
        StructureStyle::Block => Style::Block,
        StructureStyle::Flow => Style::Flow,
    }
}

fn scalar_style(style: Written) -> ScalarStyle {
    match style {
        Written::SingleQuoted => ScalarStyle::SingleQuoted,
        Written::DoubleQuoted => ScalarStyle::DoubleQuoted,
        Written::Literal | Written::Folded => ScalarStyle::Block,
        Written::Plain => ScalarStyle::Plain,
    }
}

/// Whether the first reader knows a text; if so its tree must be that of the others.
///
/// # Panics
///
/// It is another one.
#[cfg(any(test, fuzzing))]
pub(crate) fn check_readers(source: &str) -> bool {
    let Some(tree) = rendered::parse(source) else { return false };
    match parse_any(source) {
        Err(error) => panic!("the general readers refuse it ({error}): {source:?}"),
        Ok(general) => assert!(tree == general, "the readers differ: {source:?}"),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Kind;

    /// Every node's bytes, in document order, one per line.
    fn spans(source: &str, tree: &Tree<'_>) -> String {
        let mut lines: Vec<String> = Vec::new();
        for id in tree.ids() {
            let name = match tree.kind(id) {
                Kind::Scalar(_) => "scalar",
                Kind::Sequence(..) => "sequence",
                Kind::Mapping(..) => "mapping",
                Kind::Alias(_) => "alias",
            };
            let properties = &source[tree.start(id)..tree.content(id).start];
            let content = tree.source_of(id);
            lines.push(format!("{name} {properties:?} {content:?}"));
        }
        lines.join("\n")
    }

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        for parse in [parse, parse_any, parse_as_kubernetes] {
            let tree = parse(source).expect("YAML");
            assert_eq!(spans(source, &tree), expected.join("\n"), "{source:?}");
        }
    }

    #[test]
    fn block_collections_end_where_their_last_descendant_ends() {
        check(
            "a:\n- b: c # x\n\n# y\nd: e\n",
            &[
                r#"mapping "" "a:\n- b: c # x\n\n# y\nd: e""#,
                r#"scalar "" "a""#,
                r#"sequence "" "- b: c""#,
                r#"mapping "" "b: c""#,
                r#"scalar "" "b""#,
                r#"scalar "" "c""#,
                r#"scalar "" "d""#,
                r#"scalar "" "e""#,
            ],
        );
    }

    #[test]
    fn absent_nodes_are_empty_and_their_entry_ends_behind_the_colon() {
        check(
            "a:\nb: {c: , d}\n",
            &[
                r#"mapping "" "a:\nb: {c: , d}""#,
                r#"scalar "" "a""#,
                r#"scalar "" """#,
                r#"scalar "" "b""#,
                r#"mapping "" "{c: , d}""#,
                r#"scalar "" "c""#,
                r#"scalar "" """#,
                r#"scalar "" "d""#,
                r#"scalar "" """#,
            ],
        );
        check("a:\n", &[r#"mapping "" "a:""#, r#"scalar "" "a""#, r#"scalar "" """#]);
        check("- a\n-\n", &[r#"sequence "" "- a\n-""#, r#"scalar "" "a""#, r#"scalar "" """#]);
    }

    #[test]
    fn block_scalars_begin_at_their_header() {
        check(
            "- |- # why\n  one\n\n  two\n\n# c\n- >+2\n   x\n\n- &a !!str |\n  y\n",
            &[
                r#"sequence "" "- |- # why\n  one\n\n  two\n\n# c\n- >+2\n   x\n\n- &a !!str |\n  y""#,
                r#"scalar "" "|- # why\n  one\n\n  two""#,
                r#"scalar "" ">+2\n   x\n""#,
                r#"scalar "&a !!str " "|\n  y""#,
            ],
        );
        check(
            "- |\n  | x\n- &a >-\n  > y\n",
            &[
                r#"sequence "" "- |\n  | x\n- &a >-\n  > y""#,
                r#"scalar "" "|\n  | x""#,
                r#"scalar "&a " ">-\n  > y""#,
            ],
        );
        check(
            "a: |\nb: c\n",
            &[
                r#"mapping "" "a: |\nb: c""#,
                r#"scalar "" "a""#,
                r#"scalar "" "|""#,
                r#"scalar "" "b""#,
                r#"scalar "" "c""#,
            ],
        );
    }

    #[test]
    fn a_text_is_the_same_whether_the_source_has_it_or_not() {
        let source = "a: b c\n'd''e': \"f\\tg\"\n\"h\": 'é'\nj: |-\n  k\n  l\nm: |-\n  n\no: ''\np:\n";
        let expected = ["a", "b c", "d'e", "f\tg", "h", "é", "j", "k\nl", "m", "n", "o", "", "p", ""];
        for parse in [parse, parse_any, parse_as_kubernetes] {
            let tree = parse(source).expect("YAML");
            let texts: Vec<&str> = tree.ids().filter_map(|id| Some(tree.scalar(id)?.text)).collect();
            assert_eq!(texts, expected);
        }
    }

    #[test]
    fn properties_stand_before_the_content() {
        check(
            "&m\na: !t &x\n- *x0\n".replace("*x0", "1").as_str(),
            &[
                r#"mapping "&m\n" "a: !t &x\n- 1""#,
                r#"scalar "" "a""#,
                r#"sequence "!t &x\n" "- 1""#,
                r#"scalar "" "1""#,
            ],
        );
        check(
            "&k a: !!str\n",
            &[r#"mapping "" "&k a: !!str""#, r#"scalar "&k " "a""#, r#"scalar "!!str" """#],
        );
    }

    #[test]
    fn explicit_keys_belong_to_their_mapping() {
        let absent = r#"scalar "" """#;
        check("? a\n: b\n", &[r#"mapping "" "? a\n: b""#, r#"scalar "" "a""#, r#"scalar "" "b""#]);
        for text in ["? a\n: ? b\n:[ c: d\n", "? a\n: ? b\n:,c: d\n"] {
            let tree = parse(text).expect("YAML");
            let inner = tree.get(tree.root().expect("a root"), "a").expect("a mapping");
            assert_eq!(tree.source_of(inner), "? b");
        }
        check(
            "? a\n: ?\n:b: c\n",
            &[
                r#"mapping "" "? a\n: ?\n:b: c""#,
                r#"scalar "" "a""#,
                r#"mapping "" "?""#,
                absent,
                absent,
                r#"scalar "" ":b""#,
                r#"scalar "" "c""#,
            ],
        );
        // A key that is not written is where its mark is, not on the next line.
        check(
            "a:\n- ? \nb: c\n",
            &[
                r#"mapping "" "a:\n- ? \nb: c""#,
                r#"scalar "" "a""#,
                r#"sequence "" "- ?""#,
                r#"mapping "" "?""#,
                absent,
                absent,
                r#"scalar "" "b""#,
                r#"scalar "" "c""#,
            ],
        );
    }

    #[test]
    fn what_is_behind_the_end_may_be_anything() {
        for text in ["  a: b\n}\u{1c}\n", "  a: b\n}{\n"] {
            assert!(matches!(parse(text), Err(ParseError::SecondDocument { at: 7 })), "{text:?}");
        }
        assert!(matches!(parse("a: b\u{1c}\n"), Err(ParseError::Syntax { .. })));
    }

    /// To Kubernetes a document ends before a directive, and behind a marker it has not begun.
    #[test]
    fn a_directive_ends_a_document() {
        for end in ["%YAML 1.1\n", "%TAG !e! tag:e: # why\n", "%TAG ! tag:e:", "...\n%YAML 1.1\n"] {
            let text = format!("a: b\n{end}");
            let tree = parse(&text).expect("YAML");
            assert_eq!(tree.root().map(|root| tree.source_of(root)), Some("a: b"), "{end:?}");
        }
        for text in ["\n%TAG !e! tag:e:\na: b\n", "a: b\n%YAML 1.1\nc: d\n"] {
            assert!(matches!(parse(text), Err(ParseError::SecondDocument { .. })), "{text:?}");
        }
        for text in
            ["a: b\n%YAML\n", "a: b\n%YAML 1\n", "a: b\n%TAG !e tag:e:\n", "a: b\n%FOO x\n", "%YAML 1.1\n"]
        {
            assert!(matches!(parse(text), Err(ParseError::Syntax { .. })), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_one_document_is_an_error() {
        assert!(matches!(parse("a: [\n"), Err(ParseError::Syntax { .. })));
        assert!(matches!(parse("a\n...\nb\n"), Err(ParseError::SecondDocument { .. })));
        assert!(matches!(
            parse(&"[".repeat(5000)),
            Err(ParseError::TooDeep { .. } | ParseError::Syntax { .. })
        ));
        let bomb: String = (1..10).fold("a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
            format!("{text}a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 8].join(", "))
        });
        assert!(matches!(parse(&bomb), Err(ParseError::Aliases { .. })));
        assert!(matches!(parse("a: &a [*a]\n"), Err(ParseError::Aliases { .. } | ParseError::Syntax { .. })));
        assert!(matches!(parse("kind: !!binary U2VjcmV0\n"), Err(ParseError::Binary { at: 15 })));
        assert!(parse("# nothing\n").is_ok_and(|tree| tree.root().is_none()));
    }

    #[test]
    fn nothing_behind_an_end_is_read() {
        for source in ["\n...\n", "...", " # c\n\n... # d\n", "\n...\n# \u{2029}\n"] {
            assert!(parse(source).is_ok_and(|tree| tree.root().is_none()), "{source:?}");
        }
        for source in ["\n...\na: b\n", "...\t\na: [\n", "# c\r\n...\r\n'\u{2029}'\r\n", "...\n}\n"] {
            assert!(matches!(parse(source), Err(ParseError::SecondDocument { .. })), "{source:?}");
        }
        for source in ["...a: b\n", " ...\n", "'\n ...'\n"] {
            assert!(parse(source).is_ok_and(|tree| tree.root().is_some()), "{source:?}");
        }
    }
}
