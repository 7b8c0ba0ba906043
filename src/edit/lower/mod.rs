//! Patch + tree → splices: meaning becomes bytes.
//!
//! The only place that knows indentation, commas and comments. Two steps: [`edits`] finds the nodes that the
//! operations name, through aliases, and refuses what cannot be edited without reaching someone else;
//! [`Lowering`] writes each edit in the style of its place.

mod edits;
mod error;
mod members;
mod render;
mod within;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use self::error::LowerError;
use crate::edit::lower::edits::{Edit, Edits};
use crate::edit::lower::members::{MemberSpans, blank_behind, has_brackets};
use crate::edit::lower::render::{FlowStyle, Indentation, block_entry, block_item, flow_entry, flow_value};
use crate::edit::patch::{Patch, Rewriting, TextEdit};
use crate::edit::splice::{Splice, Splices};
use crate::yaml::span::{column, is_first_on_line, line_break, line_end, skip_trivia};
use crate::yaml::{Kind, NodeId, ScalarStyle, Style, Tree, scalar};

/// Turns a patch into splices of the tree's source.
///
/// # Errors
///
/// The patch reaches into an anchor that others use, a merge key, a duplicate key, or a way of writing that has
/// no room for it.
pub(crate) fn lower(patch: &Patch, tree: &Tree<'_>) -> Result<Splices, LowerError> {
    let edits = Edits::collect(patch, tree)?;
    let mut lowering = Lowering { tree, eol: line_break(tree.source()), splices: Vec::new() };
    for (node, edit) in edits.by_node() {
        lowering.node(node, &edit)?;
    }
    let splices = Splices::new(lowering.splices)?;
    match splices.outside_characters(tree.source()) {
        Some(at) => Err(LowerError::Unsupported { at }),
        None => Ok(splices),
    }
}

struct Lowering<'t, 's> {
    tree: &'t Tree<'s>,
    eol: &'static str,
    splices: Vec<Splice>,
}

impl Lowering<'_, '_> {
    fn node(&mut self, node: NodeId, edit: &Edit<'_>) -> Result<(), LowerError> {
        if let Some(value) = edit.value {
            let content = self.tree.content(node);
            let text = self.scalar(node, value);
            let absent = content.start == content.end;
            let before = &self.tree.source()[..content.start];
            if (absent && !self.has_colon(node)) || !self.takes_text(node) || !self.is_indented(node) {
                return Err(LowerError::Unsupported { at: content.start });
            }
            // Where nothing stood there may be no blank behind the dash, the colon or the tag.
            let blank = if absent && !before.ends_with([' ', '\t', '\n', '\r']) { " " } else { "" };
            self.splices.push(Splice::replacement(content, format!("{blank}{text}")));
        }
        if let Some(Rewriting { edits, inside, .. }) = edit.rewritten {
            self.rewrite(node, edits, inside)?;
        }
        let slots = MemberSpans::of(self.tree, node);
        let mut removed = edit.removed.clone();
        let mut appended = self.insert_items(node, &slots, edit)?;
        appended.extend_from_slice(&edit.appended);
        if !appended.is_empty() {
            // Where the last item is removed, new ones take its place.
            let last = slots.last_position().filter(|last| edit.removed.contains(last));
            self.append_items(node, &slots, &appended, last)?;
            removed.retain(|position| Some(*position) != last);
        }
        if !edit.added.is_empty() {
            if slots.style() == Style::Flow && !has_brackets(self.tree, node) {
                return Err(LowerError::Unsupported { at: self.tree.content(node).start });
            }
            match removed.pop_first() {
                Some(position) => self.replace_entry(node, &slots, position, &edit.added),
                None => self.append_entries(node, &slots, &edit.added),
            }
            if removed.is_empty() {
                return Ok(());
            }
        } else if !removed.is_empty() && slots.style() == Style::Flow && !has_brackets(self.tree, node) {
            return Err(LowerError::Unsupported { at: self.tree.content(node).start });
        }
        self.splices.extend(slots.remove(&removed));
        Ok(())
    }

    /// Changes parts of a scalar's text.
    fn rewrite(&mut self, node: NodeId, edits: &[TextEdit], inside: &str) -> Result<(), LowerError> {
        let content = self.tree.content(node);
        let refused = || LowerError::Text { inside: inside.to_owned(), at: content.start };
        let Kind::Scalar(scalar) = self.tree.kind(node) else { return Err(refused()) };
        let made = within::splices(self.tree.source(), content, scalar.style, scalar.text, edits);
        self.splices.extend(made.filter(|_| self.takes_text(node)).ok_or_else(refused)?);
        Ok(())
    }

    /// Whether a node's tag, if it has one, lets it be any text.
    fn takes_text(&self, node: NodeId) -> bool {
        self.tree.tag(node).is_none_or(|tag| tag == scalar::TEXT_TAG)
    }

    /// Whether any scalar can have the place of a node: only the header of a block scalar may begin a line at the indentation of
    /// the collection that it belongs to.
    fn is_indented(&self, node: NodeId) -> bool {
        let (source, start) = (self.tree.source(), self.tree.content(node).start);
        let parent = self.tree.parent(node).filter(|parent| {
            matches!(
                self.tree.kind(*parent),
                Kind::Mapping(Style::Block, _) | Kind::Sequence(Style::Block, _)
            )
        });
        let indentation = parent.map(|parent| column(source, self.tree.content(parent).start));
        indentation.is_none_or(|least| !is_first_on_line(source, start) || column(source, start) > least)
    }

    /// Whether a node is not the value of a key without a colon, as in `{a, b}` and `? a`.
    fn has_colon(&self, node: NodeId) -> bool {
        let parent = self.tree.parent(node);
        let entries = parent.and_then(|parent| self.tree.entries(parent)).unwrap_or_default();
        entries.iter().find(|(_, value)| *value == node).is_none_or(|(key, value)| {
            let colon = skip_trivia(self.tree.source(), self.tree.content(*key).end);
            colon < self.tree.content(*value).start && self.tree.source()[colon..].starts_with(':')
        })
    }

    /// A scalar's new text, in the quotes that it had.
    fn scalar(&self, node: NodeId, value: &Value) -> String {
        let style = match self.tree.kind(node) {
            Kind::Scalar(scalar) => scalar.style,
            _ => ScalarStyle::Plain,
        };
        match (value, style) {
            (Value::String(text), ScalarStyle::SingleQuoted) => scalar::single_quoted(text),
            (Value::String(text), ScalarStyle::DoubleQuoted) => scalar::double_quoted(text),
            (Value::String(text), _) => scalar::plain_or_quoted(text),
            (other, _) => flow_value(other, FlowStyle::around(self.tree, node)),
        }
    }

    /// New entries in the place of an old one, which takes its comments with it.
    fn replace_entry(
        &mut self,
        mapping: NodeId,
        slots: &MemberSpans<'_, '_>,
        position: usize,
        added: &[(&str, &Value)],
    ) {
        let span = slots.with_trailing_comment(position);
        let comments = slots.comments_above(position);
        if comments.start < comments.end {
            self.splices.push(Splice::deletion(comments));
        }
        let text = self.entries(mapping, slots, slots.indentation(span), added);
        self.splices.push(Splice::replacement(span, text));
    }

    /// New entries behind the last one.
    fn append_entries(&mut self, mapping: NodeId, slots: &MemberSpans<'_, '_>, added: &[(&str, &Value)]) {
        let source = self.tree.source();
        let Some(last) = slots.last() else {
            // `{}`: a block mapping without entries cannot be written.
            let content = self.tree.content(mapping);
            let text = self.entries(mapping, slots, 0, added);
            return self.splices.push(Splice::replacement(content, format!("{{{text}}}")));
        };
        let at = slots.indentation(last);
        let text = self.entries(mapping, slots, at, added);
        let own_line = is_first_on_line(source, last.start);
        let (place, before) = match slots.style() {
            Style::Block => (line_end(source, last.end), format!("{}{}", self.eol, " ".repeat(at))),
            Style::Flow if own_line => (last.end, format!(",{}{}", self.eol, " ".repeat(at))),
            Style::Flow => (last.end, FlowStyle::around(self.tree, mapping).comma().to_owned()),
        };
        let blank = if slots.style() == Style::Flow { blank_behind(source, place) } else { "" };
        self.splices.push(Splice::insertion(place, format!("{blank}{before}{text}")));
    }

    /// New items behind the last one, or in the place of the one at `instead`.
    fn append_items(
        &mut self,
        sequence: NodeId,
        slots: &MemberSpans<'_, '_>,
        items: &[&Value],
        instead: Option<usize>,
    ) -> Result<(), LowerError> {
        let source = self.tree.source();
        let style = FlowStyle::around(self.tree, sequence);
        let content = self.tree.content(sequence);
        let Some(last) = slots.last() else {
            if slots.style() == Style::Block {
                return Err(LowerError::Unsupported { at: content.start });
            }
            // `[]`: a block sequence without items cannot be written.
            let items: Vec<String> = items.iter().map(|item| flow_value(item, style)).collect();
            self.splices.push(Splice::replacement(content, format!("[{}]", items.join(style.comma()))));
            return Ok(());
        };
        let own_line = is_first_on_line(source, last.start);
        let at = slots.indentation(last);
        let indentation = " ".repeat(at);
        let (place, before) = match slots.style() {
            Style::Block => (line_end(source, last.end), format!("{}{indentation}- ", self.eol)),
            Style::Flow if own_line => (last.end, format!(",{}{indentation}", self.eol)),
            Style::Flow => (last.end, style.comma().to_owned()),
        };
        // Among mappings in block style a new one is written in that style, with their indentation.
        let neighbour = self.tree.items(sequence).and_then(|items| items.last());
        let is_block =
            neighbour.is_some_and(|item| matches!(self.tree.kind(*item), Kind::Mapping(Style::Block, _)));
        let inside = Indentation::around(self.tree, neighbour.copied().unwrap_or(sequence));
        let write = |item: &&Value| {
            if is_block { block_item(item, at + 2, inside, self.eol) } else { flow_value(item, style) }
        };
        let text: String = items.iter().map(|item| format!("{before}{}", write(item))).collect();
        let Some(position) = instead else {
            self.splices.push(Splice::insertion(place, text));
            return Ok(());
        };
        let comments = slots.comments_above(position);
        if comments.start < comments.end {
            self.splices.push(Splice::deletion(comments));
        }
        // The dash is part of an item's place, the comma and the line break are not.
        let dash = if slots.style() == Style::Block { "- " } else { "" };
        let text = format!("{dash}{}", &text[before.len()..]);
        self.splices.push(Splice::replacement(slots.with_trailing_comment(position), text));
        Ok(())
    }

    /// New items before others that stay; those behind which nothing stays are left for the end.
    fn insert_items<'p>(
        &mut self,
        sequence: NodeId,
        slots: &MemberSpans<'_, '_>,
        edit: &Edit<'p>,
    ) -> Result<Vec<&'p Value>, LowerError> {
        let mut at_the_end = Vec::new();
        let mut by_place: BTreeMap<usize, Vec<&Value>> = BTreeMap::new();
        let mut inserted = edit.inserted.clone();
        inserted.sort_by_key(|(position, _)| *position);
        for (position, value) in inserted {
            let length = slots.last_position().map_or(0, |last| last + 1);
            match (position..length).find(|position| !edit.removed.contains(position)) {
                Some(place) => by_place.entry(place).or_default().push(value),
                None => at_the_end.push(value),
            }
        }
        for (position, values) in by_place {
            self.insert_before(sequence, slots, position, &values)?;
        }
        Ok(at_the_end)
    }

    fn insert_before(
        &mut self,
        sequence: NodeId,
        slots: &MemberSpans<'_, '_>,
        position: usize,
        values: &[&Value],
    ) -> Result<(), LowerError> {
        let source = self.tree.source();
        let slot = slots.slot(position);
        let at = slots.indentation(slot);
        let style = FlowStyle::around(self.tree, sequence);
        let neighbour = self.tree.items(sequence).and_then(|items| items.get(position)).copied();
        let neighbour = neighbour.ok_or(LowerError::Unsupported { at: slot.start })?;
        let own_line = is_first_on_line(source, slot.start);
        let indentation = " ".repeat(at);
        let (place, before, behind) = match slots.style() {
            // The comments above an item stay with it.
            Style::Block if own_line => {
                (slots.comments_above(position).start, format!("{indentation}- "), self.eol.to_owned())
            }
            Style::Block => (slot.start, "- ".to_owned(), format!("{}{indentation}", self.eol)),
            Style::Flow if !has_brackets(self.tree, sequence) => {
                return Err(LowerError::Unsupported { at: slot.start });
            }
            Style::Flow if own_line => (slot.start, String::new(), format!(",{}{indentation}", self.eol)),
            Style::Flow => (slot.start, String::new(), style.comma().to_owned()),
        };
        let is_block = matches!(self.tree.kind(neighbour), Kind::Mapping(Style::Block, _));
        let inside = Indentation::around(self.tree, neighbour);
        let write = |item: &&Value| {
            if is_block { block_item(item, at + 2, inside, self.eol) } else { flow_value(item, style) }
        };
        let text: String = values.iter().map(|item| format!("{before}{}{behind}", write(item))).collect();
        self.splices.push(Splice::insertion(place, text));
        Ok(())
    }

    fn entries(
        &self,
        mapping: NodeId,
        slots: &MemberSpans<'_, '_>,
        at: usize,
        added: &[(&str, &Value)],
    ) -> String {
        match slots.style() {
            Style::Block => {
                let style = Indentation::around(self.tree, mapping);
                let between = format!("{}{}", self.eol, " ".repeat(at));
                let entries: Vec<_> =
                    added.iter().map(|(key, value)| block_entry(key, value, at, style, self.eol)).collect();
                entries.join(&between)
            }
            Style::Flow => {
                let style = FlowStyle::around(self.tree, mapping);
                let entries: Vec<_> =
                    added.iter().map(|(key, value)| flow_entry(key, value, style)).collect();
                entries.join(style.comma())
            }
        }
    }
}
