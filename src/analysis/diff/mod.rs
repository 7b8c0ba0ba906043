//! What a run changed, for people: a unified diff in which every value is masked.
//!
//! Documents that stay as they are do not appear. Masking is in `mask`; it keeps lines where they are, so the line
//! numbers are those of the streams.

mod hidden;
mod mask;

use std::fmt;
use std::ops::Range;

use similar::{ChangeTag, TextDiff};

use crate::analysis::diff::mask::Mask;
use crate::config::Config;
use crate::filter::filtered::Filtered;
use crate::kube::object::objects;
use crate::yaml::parse;
use crate::yaml::scalar::one_line;
use crate::yaml::span::Lines;

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// A unified diff. Displayed, it is what `diff -u` would write.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    lines: Vec<(LineKind, String)>,
}

/// What a line of a diff is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineKind {
    /// The name of a stream: `---` and `+++`.
    Stream,
    /// The place of a hunk, and its object: `@@`.
    Hunk,
    /// In both streams.
    Context,
    /// Only in the input.
    Removed,
    /// Only in the output.
    Added,
    /// A remark on the line before.
    Note,
}

/// What a run changed, for people: a unified diff without the values.
///
/// `name` is what the diff calls the stream; `config` is what the stream was filtered with.
#[must_use]
pub fn diff(filtered: &Filtered<'_>, name: &str, config: &Config) -> Diff {
    Diff::new(name, filtered.input(), filtered.changes(), config)
}

impl Diff {
    /// The diff of documents, given by their bytes in the input and by what they become, in the order of the stream.
    fn new(
        name: &str,
        input: &[u8],
        changes: impl Iterator<Item = (Range<usize>, Vec<u8>)>,
        config: &Config,
    ) -> Self {
        let changes: Vec<(Range<usize>, String, String)> = changes
            .map(|(place, after)| (place.clone(), text(&input[place]), text(&after)))
            .filter(|(_, before, after)| before != after)
            .collect();
        let mut diff = Self::default();
        if changes.is_empty() {
            return diff;
        }
        let texts = || changes.iter().flat_map(|(_, before, after)| [before.as_str(), after.as_str()]);
        let mask = Mask::new(texts(), config);
        diff.push(LineKind::Stream, "---", &format!(" {name}"));
        diff.push(LineKind::Stream, "+++", &format!(" {name}, filtered"));
        let lines = Lines::new(input);
        let mut shift = 0;
        for (place, before, after) in &changes {
            let (line, _) = lines.position(place.start);
            let title = title(before, after);
            diff.document(&mask.apply(before), &mask.apply(after), line, shift, &title);
            shift += signed(breaks(after.as_bytes())) - signed(breaks(before.as_bytes()));
        }
        diff
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The lines, without line breaks.
    pub fn lines(&self) -> impl Iterator<Item = (LineKind, &str)> {
        self.lines.iter().map(|(kind, text)| (*kind, text.as_str()))
    }

    /// Adds the hunks of a document that begins at `line` of the input, and `shift` lines further down in the output.
    fn document(&mut self, before: &str, after: &str, line: usize, shift: isize, title: &str) {
        let diff = TextDiff::from_lines(before, after);
        for group in diff.grouped_ops(CONTEXT) {
            let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
            let old = range(first.old_range().start, last.old_range().end, signed(line));
            let new = range(first.new_range().start, last.new_range().end, signed(line) + shift);
            self.push(LineKind::Hunk, "@@", &format!(" -{old} +{new} @@ {title}"));
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let (kind, mark) = match change.tag() {
                    ChangeTag::Equal => (LineKind::Context, " "),
                    ChangeTag::Delete => (LineKind::Removed, "-"),
                    ChangeTag::Insert => (LineKind::Added, "+"),
                };
                self.push(kind, mark, change.value());
                if change.missing_newline() {
                    self.push(LineKind::Note, "\\", " No newline at end of file");
                }
            }
        }
    }

    fn push(&mut self, kind: LineKind, mark: &str, text: &str) {
        let text = text.trim_end_matches(['\n', '\r']);
        // A control character could make a terminal do something.
        let shown: Vec<String> = text.split('\t').map(one_line).collect();
        self.lines.push((kind, format!("{mark}{}", shown.join("\t"))));
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|(_, line)| writeln!(f, "{line}"))
    }
}

/// The bytes of a document that was read as UTF-8; a byte order mark before it is no part of the text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_start_matches('\u{feff}').to_owned()
}

fn breaks(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

fn signed(lines: usize) -> isize {
    isize::try_from(lines).unwrap_or(isize::MAX)
}

/// Lines of a document as a hunk names them: first line in the stream, and how many; the line before if there are none.
fn range(start: usize, end: usize, line: isize) -> String {
    let length = end - start;
    let first = line + signed(start) - isize::from(length == 0);
    if length == 1 { first.to_string() } else { format!("{first},{length}") }
}

/// The objects of a document, and what happens to them.
fn title(before: &str, after: &str) -> String {
    let names = |text: &str| -> Vec<String> {
        let tree = parse(mask::content(text)).ok();
        tree.iter().flat_map(objects).map(|object| object.reference().to_string()).collect()
    };
    let before = names(before);
    let shown = if let [one] = before.as_slice() { one.clone() } else { format!("{} objects", before.len()) };
    if after.is_empty() { format!("{shown} is removed") } else { shown }
}
