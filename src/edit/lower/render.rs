//! Values → text in the style of the place they land in.

use serde_json::Value;

use crate::yaml::scalar::{double_quoted, plain_or_quoted};
use crate::yaml::{Kind, NodeId, ScalarStyle, Style, Tree};

/// How a block document is indented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Indentation {
    /// Spaces from a mapping to the mapping in it.
    pub(super) mapping: usize,
    /// Spaces from a mapping to the dashes of a sequence in it; 0 where dashes are under their key.
    pub(super) sequence: usize,
}

impl Indentation {
    /// What the nearest ancestors of `id` do; Kubernetes' habit where none tells.
    pub(super) fn around(tree: &Tree<'_>, id: NodeId) -> Self {
        let (mut mapping, mut sequence) = (None, None);
        let mut child = id;
        for parent in tree.upwards(id).skip(1) {
            let offset = || {
                let source = tree.source();
                let column = |id: NodeId| crate::yaml::span::column(source, tree.content(id).start);
                column(child).checked_sub(column(parent))
            };
            match (tree.kind(parent), tree.kind(child)) {
                (Kind::Mapping(Style::Block, _), Kind::Mapping(Style::Block, _)) => {
                    mapping = mapping.or_else(offset).filter(|offset| *offset > 0);
                }
                (Kind::Mapping(Style::Block, _), Kind::Sequence(Style::Block, _)) => {
                    sequence = sequence.or_else(offset);
                }
                _ => {}
            }
            child = parent;
        }
        Self { mapping: mapping.unwrap_or(2), sequence: sequence.unwrap_or(0) }
    }
}

/// A block entry `key: value`; its first line without indentation, the others as for a mapping at `column`.
pub(super) fn block_entry(key: &str, value: &Value, column: usize, style: Indentation, eol: &str) -> String {
    let mut text = format!("{}:", plain_or_quoted(key));
    block_value(&mut text, value, column, style, eol);
    text
}

fn block_value(text: &mut String, value: &Value, column: usize, style: Indentation, eol: &str) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let column = column + style.mapping;
            for (key, value) in map {
                text.push_str(eol);
                text.extend(std::iter::repeat_n(' ', column));
                text.push_str(&block_entry(key, value, column, style, eol));
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let column = column + style.sequence;
            for item in items {
                text.push_str(eol);
                text.extend(std::iter::repeat_n(' ', column));
                text.push_str("- ");
                text.push_str(&block_item(item, column + 2, style, eol));
            }
        }
        other => {
            text.push(' ');
            text.push_str(&flow_value(other, FlowStyle::PLAIN));
        }
    }
}

/// An item of a block sequence, without its dash; the lines behind the first as for a mapping at `column`.
pub(super) fn block_item(item: &Value, column: usize, style: Indentation, eol: &str) -> String {
    let Some(map) = item.as_object().filter(|map| !map.is_empty()) else {
        return flow_value(item, FlowStyle::PLAIN);
    };
    let mut text = String::new();
    for (position, (key, value)) in map.iter().enumerate() {
        if position > 0 {
            text.push_str(eol);
            text.extend(std::iter::repeat_n(' ', column));
        }
        text.push_str(&block_entry(key, value, column, style, eol));
    }
    text
}

/// How a flow collection is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlowStyle {
    /// Keys and strings in double quotes, as JSON wants.
    json: bool,
    /// A space behind `:` and `,`.
    spaced: bool,
}

impl FlowStyle {
    const PLAIN: Self = Self { json: false, spaced: true };

    /// What the entries of the flow mapping `id`, or of the nearest one around it, do.
    pub(super) fn around(tree: &Tree<'_>, id: NodeId) -> Self {
        for id in tree.upwards(id) {
            if let Kind::Mapping(Style::Flow, entries) = tree.kind(id)
                && let Some((key, value)) = entries.first()
            {
                let json = matches!(tree.kind(*key), Kind::Scalar(scalar)
                    if scalar.style == ScalarStyle::DoubleQuoted);
                let between = tree.source().get(tree.content(*key).end..tree.start(*value));
                let spaced = !json || between.is_some_and(|text| text.contains([' ', '\n']));
                return Self { json, spaced };
            }
        }
        Self::PLAIN
    }

    fn string(self, text: &str) -> String {
        if self.json { double_quoted(text) } else { plain_or_quoted(text) }
    }

    /// What is between two entries.
    pub(super) fn comma(self) -> &'static str {
        if self.spaced { ", " } else { "," }
    }
}

/// A flow entry `key: value`, on one line.
pub(super) fn flow_entry(key: &str, value: &Value, style: FlowStyle) -> String {
    let colon = if style.spaced { ": " } else { ":" };
    format!("{}{colon}{}", style.string(key), flow_value(value, style))
}

/// A value on one line.
pub(super) fn flow_value(value: &Value, style: FlowStyle) -> String {
    match value {
        Value::String(text) => style.string(text),
        Value::Object(map) => {
            let entries: Vec<_> = map.iter().map(|(key, value)| flow_entry(key, value, style)).collect();
            format!("{{{}}}", entries.join(style.comma()))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| flow_value(item, style)).collect();
            format!("[{}]", items.join(style.comma()))
        }
        other => other.to_string(),
    }
}
