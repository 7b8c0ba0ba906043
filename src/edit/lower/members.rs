//! The places of a collection's members in the text, and how a member is taken out.
//!
//! A *slot* runs from the first byte that belongs to a member (its dash, its `?`, its key) to the end of the member's
//! content. What a removed member takes with it:
//!
//! - in a block collection, its lines, the comment behind it, and the comment lines directly above it at its own
//!   indentation; blank lines and other comments stay. A member that shares its first line with its parent (`- - a`)
//!   gives its place to the next one that stays.
//! - in a flow collection, one comma and the blanks or comments between it and the next member that stays; the last
//!   members take the comment behind them, and a comma before them only if none is behind them.
//! - the last member of all leaves `[]` or `{}` behind; a comment behind the key stays there.

use std::collections::BTreeSet;

use crate::edit::splice::Splice;
use crate::yaml::span::{
    after_break, before_break, column, is_first_on_line, line_end, line_start, skip_blanks, skip_trivia,
};
use crate::yaml::{Kind, NodeId, ScalarStyle, Span, Style, Tree};

/// A collection's slots.
pub(super) struct MemberSpans<'t, 's> {
    tree: &'t Tree<'s>,
    collection: NodeId,
    style: Style,
    spans: Vec<Span>,
}

impl<'t, 's> MemberSpans<'t, 's> {
    /// Finds the slots of a sequence or mapping.
    pub(super) fn of(tree: &'t Tree<'s>, collection: NodeId) -> Self {
        let kind = tree.kind(collection);
        let (style, ends): (Style, Vec<usize>) = match kind {
            Kind::Sequence(style, items) => (style, items.iter().map(|item| tree.ends(*item)).collect()),
            Kind::Mapping(style, entries) => {
                (style, entries.iter().map(|(key, value)| tree.entry_end(*key, *value, style)).collect())
            }
            _ => (Style::Block, Vec::new()),
        };
        let in_brackets = style == Style::Flow && has_brackets(tree, collection);
        let dash = usize::from(style == Style::Block && matches!(kind, Kind::Sequence(..)));
        let mut at = tree.content(collection).start + usize::from(in_brackets);
        let mut spans = Vec::with_capacity(ends.len());
        for end in ends {
            let mut start = skip_trivia(tree.source(), at);
            while style == Style::Flow && tree.source().as_bytes().get(start) == Some(&b',') {
                start = skip_trivia(tree.source(), start + 1);
            }
            let start = start.min(end.max(at));
            let span = Span::new(start, end.max(start + dash));
            at = span.end;
            spans.push(span);
        }
        Self { tree, collection, style, spans }
    }

    /// The last slot.
    pub(super) fn last(&self) -> Option<Span> {
        self.spans.last().copied()
    }

    /// The slot at a position.
    pub(super) fn slot(&self, position: usize) -> Span {
        self.spans[position]
    }

    /// The position of the last slot.
    pub(super) fn last_position(&self) -> Option<usize> {
        self.spans.len().checked_sub(1)
    }

    /// How the collection is written.
    pub(super) fn style(&self) -> Style {
        self.style
    }

    fn source(&self) -> &'s str {
        self.tree.source()
    }

    /// A slot and the comment behind it on its line.
    pub(super) fn with_trailing_comment(&self, position: usize) -> Span {
        let span = self.spans[position];
        let next = skip_blanks(self.source(), span.end);
        let end = match self.source().as_bytes().get(next) {
            Some(b'#') if next > span.end && self.style == Style::Block => line_end(self.source(), next),
            _ => span.end,
        };
        Span::new(span.start, end)
    }

    /// The comment lines directly above a block slot, at its indentation; empty where there are none.
    pub(super) fn comments_above(&self, position: usize) -> Span {
        let source = self.source();
        let slot = self.spans[position];
        if self.style == Style::Flow || !is_first_on_line(source, slot.start) {
            return Span::new(slot.start, slot.start);
        }
        let own_line = line_start(source, slot.start);
        let floor = position.checked_sub(1).map_or(0, |previous| self.spans[previous].end);
        let indentation = column(source, slot.start);
        let mut top = own_line;
        while top > 0 {
            let above = line_start(source, before_break(source, top));
            let mark = skip_blanks(source, above);
            let is_comment = source.as_bytes().get(mark) == Some(&b'#') && mark - above == indentation;
            if above < floor || !is_comment {
                break;
            }
            top = above;
        }
        Span::new(top, own_line)
    }

    /// The column of a slot, where something on a line of its own could be written in line with it; 0 elsewhere, since the start of
    /// a line of JSON may be megabytes away.
    pub(super) fn indentation(&self, slot: Span) -> usize {
        let is_needed = self.style == Style::Block || is_first_on_line(self.source(), slot.start);
        if is_needed { column(self.source(), slot.start) } else { 0 }
    }

    /// Takes out the members at these positions.
    pub(super) fn remove(&self, removed: &BTreeSet<usize>) -> Vec<Splice> {
        if removed.is_empty() {
            return Vec::new();
        }
        if removed.len() == self.spans.len() {
            return self.emptied();
        }
        match self.style {
            Style::Block => self.remove_lines(removed),
            Style::Flow => self.remove_between_commas(removed),
        }
    }

    fn remove_lines(&self, removed: &BTreeSet<usize>) -> Vec<Splice> {
        let source = self.source();
        let mut splices = Vec::new();
        for (first, last) in runs(removed) {
            if !is_first_on_line(source, self.spans[first].start) {
                // The member shares its line with its parent: the next one that stays moves up.
                let next = self.spans.get(last + 1).map_or(self.spans[last].end, |span| span.start);
                splices.push(Splice::deletion(Span::new(self.spans[first].start, next)));
                continue;
            }
            let end = self.with_trailing_comment(last).end;
            let end = line_end(source, end);
            if end == source.len() {
                // No line break at the end of the text: take the one before, so that none appears. A block scalar needs its own.
                let lines = self.comments_above(first).start;
                let start = if self.ends_as_block(first - 1) { lines } else { before_break(source, lines) };
                splices.push(Splice::deletion(Span::new(start, end)));
                continue;
            }
            // Members whose lines follow one another go at once: there may be very many.
            let mut lines: Option<Span> = None;
            for position in first..=last {
                let start = self.comments_above(position).start;
                let end = after_break(source, line_end(source, self.with_trailing_comment(position).end));
                match &mut lines {
                    Some(lines) if lines.end == start => lines.end = end,
                    _ => splices.extend(lines.replace(Span::new(start, end)).map(Splice::deletion)),
                }
            }
            splices.extend(lines.map(Splice::deletion));
        }
        splices
    }

    /// Whether what is last in a member is a block scalar.
    fn ends_as_block(&self, position: usize) -> bool {
        let member = |collection: NodeId, position: Option<usize>| match self.tree.kind(collection) {
            Kind::Sequence(_, items) => position.map_or(items.last(), |at| items.get(at)).copied(),
            Kind::Mapping(_, entries) => {
                position.map_or(entries.last(), |at| entries.get(at)).map(|(_, value)| *value)
            }
            Kind::Scalar(_) | Kind::Alias(_) => None,
        };
        let first = member(self.collection, Some(position));
        let last = std::iter::successors(first, |node| member(*node, None)).last();
        let scalar = last.and_then(|node| self.tree.scalar(node));
        scalar.is_some_and(|scalar| scalar.style == ScalarStyle::Block)
    }

    fn remove_between_commas(&self, removed: &BTreeSet<usize>) -> Vec<Splice> {
        let runs = runs(removed).into_iter();
        runs.flat_map(|(first, last)| match self.spans.get(last + 1) {
            Some(next) => vec![Splice::deletion(Span::new(self.spans[first].start, next.start))],
            None => self.remove_last(self.spans[first - 1].end, self.spans[last].end),
        })
        .collect()
    }

    /// Takes out what is between the end of the last member that stays and the end of the last of all.
    fn remove_last(&self, kept: usize, last: usize) -> Vec<Splice> {
        let source = self.source();
        let byte = |at: usize| source.as_bytes().get(at).copied();
        let comma = skip_trivia(source, kept);
        let mut from = comma + 1;
        let comment = skip_blanks(source, from);
        if byte(comment) == Some(b'#') {
            from = line_end(source, comment);
        }
        let next = skip_trivia(source, last);
        let closing_comma = byte(next) == Some(b',');
        let mut to = if closing_comma { next + 1 } else { last };
        let comment = skip_blanks(source, to);
        if byte(comment) == Some(b'#') {
            to = line_end(source, comment);
        }
        if from > comma + 1 && line_end(source, to) != skip_blanks(source, to) {
            // What follows on the line must not become part of the comment that stays.
            from = after_break(source, from);
        }
        let mut splices = vec![Splice::deletion(Span::new(from, to))];
        if !closing_comma {
            let start = if source[kept..comma].contains('#') { comma } else { kept };
            splices.push(Splice::replacement(Span::new(start, comma + 1), blank_behind(source, start)));
        }
        splices
    }

    /// What is left of a collection without members.
    fn emptied(&self) -> Vec<Splice> {
        let source = self.source();
        let content = self.tree.content(self.collection);
        let empty = if matches!(self.tree.kind(self.collection), Kind::Mapping(..)) { "{}" } else { "[]" };
        if self.style == Style::Flow {
            return vec![Splice::replacement(content, empty)];
        }
        let end = self.with_trailing_comment(self.spans.len() - 1).end;
        let Some(start) = self.end_of_key() else {
            return vec![Splice::replacement(Span::new(content.start, end), empty)];
        };
        let comment = skip_blanks(source, start);
        if source.as_bytes().get(comment) != Some(&b'#') {
            return vec![Splice::replacement(Span::new(start, end), format!(" {empty}"))];
        }
        vec![
            Splice::insertion(start, format!(" {empty}")),
            Splice::deletion(Span::new(line_end(source, comment), end)),
        ]
    }

    /// Where the key and colon, and the anchor and tag, before this collection end; `None` for an item or the root.
    fn end_of_key(&self) -> Option<usize> {
        let content = self.tree.content(self.collection).start;
        let source = self.source();
        let mut at = self.tree.start(self.collection);
        let mut end = None;
        while at < content && matches!(source.as_bytes().get(at), Some(b'&' | b'!')) {
            let property = source[at..content].find([' ', '\t', '\r', '\n']);
            let behind = property.map_or(content, |length| at + length);
            end = Some(behind);
            at = skip_trivia(source, behind);
        }
        if end.is_some() {
            return end;
        }
        let entries = self.tree.entries(self.tree.parent(self.collection)?)?;
        let (key, _) = entries.iter().find(|(_, value)| *value == self.collection)?;
        let colon = skip_trivia(source, self.tree.content(*key).end);
        (source.as_bytes().get(colon) == Some(&b':')).then_some(colon + 1)
    }
}

/// Whether a flow collection is written with its brackets; the single pair in `[a: b]` is not, even if its key is.
pub(super) fn has_brackets(tree: &Tree<'_>, collection: NodeId) -> bool {
    let start = tree.content(collection).start;
    let open = match tree.kind(collection) {
        Kind::Mapping(_, entries) if entries.first().is_some_and(|(key, _)| tree.start(*key) == start) => {
            return false;
        }
        Kind::Mapping(..) => b'{',
        _ => b'[',
    };
    tree.source().as_bytes().get(start) == Some(&open)
}

/// What must be between this place in a flow collection and a comma or bracket: some readers take a colon right before
/// one for a part of the key.
pub(super) fn blank_behind(source: &str, at: usize) -> &'static str {
    if source[..at].ends_with(':') { " " } else { "" }
}

/// Runs of consecutive numbers, as first and last.
fn runs(numbers: &BTreeSet<usize>) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    runs
}
