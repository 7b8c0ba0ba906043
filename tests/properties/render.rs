//! Values → YAML in every way of writing.
//!
//! The value is fixed, the spelling is drawn: block, indentless, flow on one line or several, JSON; plain, quoted
//! and block scalars; comments and blank lines. What makes an edit unsafe (anchors, merge keys, duplicate keys) is
//! drawn only where it is asked for, so that a test can demand success of everything else.

use crate::choices::Choices;

/// A value to be written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A string, in any style.
    Text(String),
    /// A scalar that stands as it is: `true`, `0644`, `~`.
    Raw(&'static str),
    /// A list.
    List(Vec<Self>),
    /// A mapping.
    Map(Vec<(String, Self)>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A mapping with these entries.
pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Which ways of writing may be drawn.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spelling {
    /// Anchors, aliases, merge keys, duplicate keys, explicit keys and tags.
    pub(crate) unsafe_edits: bool,
    /// Escapes and tags that hide a word from a search through bytes.
    pub(crate) disguises: bool,
}

/// A document, and what must survive every edit.
pub(crate) struct Rendered {
    /// The text, with `\n` as line end.
    pub(crate) text: String,
    /// Comments that belong to nothing an edit may take out.
    pub(crate) lasting_comments: Vec<String>,
}

/// Writes one document.
pub(crate) fn render(
    choices: &mut Choices<'_>,
    value: &Value,
    spelling: Spelling,
    number: usize,
) -> Rendered {
    let style = choices.pick(&[
        Form::Block,
        Form::Block,
        Form::Block,
        Form::Block,
        Form::Block,
        Form::Flow,
        Form::Json,
    ]);
    let mut writer = Writer {
        mapping_step: choices.pick(&[2, 2, 2, 4, 3, 1]),
        sequence_step: choices.pick(&[0, 2, 0, 4, 1]),
        dash_gap: choices.pick(&[1, 1, 1, 3]),
        comments: choices.below(3),
        flow_inside: choices.below(3),
        odd_scalars: choices.below(3),
        choices,
        spelling,
        anchors: Vec::new(),
        out: String::new(),
        lasting: Vec::new(),
        in_list: 0,
        number,
    };
    match style {
        Form::Block => writer.block_document(value),
        Form::Flow => {
            writer.flow(value, Flow { json: false, spaced: true, column: 0, lines: writer.number % 2 == 1 });
            writer.line_end();
        }
        Form::Json => {
            let lines = writer.choices.once_in(2);
            let spaced = lines || writer.choices.once_in(2);
            writer.flow(value, Flow { json: true, spaced, column: 0, lines });
            writer.out.push('\n');
        }
    }
    Rendered { text: writer.out, lasting_comments: writer.lasting }
}

#[derive(Clone, Copy)]
enum Form {
    Block,
    Flow,
    Json,
}

/// How a flow collection is written.
#[derive(Clone, Copy)]
struct Flow {
    json: bool,
    spaced: bool,
    /// The indentation of its members, where each has its line.
    column: usize,
    lines: bool,
}

struct Writer<'c, 'b> {
    choices: &'c mut Choices<'b>,
    spelling: Spelling,
    mapping_step: usize,
    sequence_step: usize,
    dash_gap: usize,
    comments: usize,
    flow_inside: usize,
    odd_scalars: usize,
    anchors: Vec<(Value, String)>,
    out: String,
    lasting: Vec<String>,
    /// How many lists, whose items an edit may take out with their comments, are open.
    in_list: usize,
    number: usize,
}

impl Writer<'_, '_> {
    fn block_document(&mut self, value: &Value) {
        match value {
            Value::Map(entries) if !entries.is_empty() => self.block_map(entries, 0, false),
            Value::List(items) if !items.is_empty() => self.block_list(items, 0, false),
            other => {
                self.scalar_or_flow(other, 0);
                self.line_end();
            }
        }
        for _ in 0..self.choices.below(3) {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }

    /// A comment with a number of its own.
    fn comment(&mut self, lasting: bool) -> String {
        let text =
            format!("# {} {}-{}", if lasting { "stays" } else { "goes?" }, self.number, self.out.len());
        if lasting {
            self.lasting.push(text.clone());
        }
        text
    }

    /// The end of a line, with or without a comment.
    fn line_end(&mut self) {
        if self.comments > 0 && self.choices.once_in(5) {
            let comment = self.comment(false);
            self.out.push(' ');
            self.out.push_str(&comment);
        }
        self.out.push('\n');
    }

    /// Lines between two members of a block collection.
    fn between(&mut self, column: usize) {
        if self.comments == 0 {
            return;
        }
        for _ in 0..self.choices.below(7).saturating_sub(4) {
            let lasting = self.in_list == 0;
            match self.choices.below(4) {
                0 => {}
                1 => {
                    let comment = self.comment(lasting);
                    self.out.push_str(&comment);
                }
                _ => {
                    let comment = self.comment(lasting);
                    self.indent(column);
                    self.out.push_str(&comment);
                }
            }
            self.out.push('\n');
        }
    }

    /// Entries at `column`; with `inline`, the first one goes on the line that has begun.
    fn block_map(&mut self, entries: &[(String, Value)], column: usize, inline: bool) {
        let mut inline = inline;
        let mut skip = 0;
        if self.spelling.unsafe_edits
            && entries.len() > 1
            && entries[0].0 != "salt"
            && self.choices.once_in(24)
        {
            // A merge key that brings in the first entry.
            if !inline {
                self.indent(column);
            }
            inline = false;
            let base = Value::Map(entries[..1].to_vec());
            self.out.push_str("<<: ");
            self.flow(&base, Flow { json: false, spaced: true, column: 0, lines: false });
            self.line_end();
            skip = 1;
        }
        for (key, value) in &entries[skip..] {
            if !inline {
                self.between(column);
                self.indent(column);
            }
            inline = false;
            let list = matches!(value, Value::List(_));
            self.in_list += usize::from(list);
            if self.spelling.unsafe_edits && self.choices.once_in(48) {
                let written = self.key(key);
                self.out.push_str(&written);
                self.out.push_str(": twice\n");
                self.indent(column);
            }
            let explicit = self.spelling.unsafe_edits && self.choices.once_in(32);
            if explicit {
                self.out.push_str("? ");
            }
            let written = self.key(key);
            self.out.push_str(&written);
            if explicit {
                self.out.push('\n');
                self.indent(column);
            }
            self.out.push(':');
            self.block_value(value, column, explicit);
            self.in_list -= usize::from(list);
        }
    }

    /// What stands behind a colon.
    fn block_value(&mut self, value: &Value, column: usize, explicit: bool) {
        let (properties, done) = self.properties(value);
        self.out.push_str(&properties);
        if done {
            return self.line_end();
        }
        let flow = self.draws_flow();
        match value {
            Value::Map(entries) if !entries.is_empty() && !flow => {
                self.line_end();
                let step = self.mapping_step + usize::from(explicit);
                self.block_map(entries, column + step, false);
            }
            Value::List(items) if !items.is_empty() && !flow => {
                self.line_end();
                let step = self.sequence_step + usize::from(explicit) * 2;
                self.block_list(items, column + step, false);
            }
            other => {
                self.out.push(' ');
                self.scalar_or_flow(other, column);
            }
        }
    }

    fn block_list(&mut self, items: &[Value], column: usize, inline: bool) {
        let mut inline = inline;
        for item in items {
            if !inline {
                self.between(column);
                self.indent(column);
            }
            inline = false;
            self.out.push('-');
            let (properties, done) = self.properties(item);
            self.out.push_str(&properties);
            if done {
                self.line_end();
                continue;
            }
            let flow = self.draws_flow();
            let below = !properties.is_empty() || self.choices.once_in(12);
            let gap = self.dash_gap;
            match item {
                Value::Map(entries) if !entries.is_empty() && !flow => {
                    if below {
                        self.line_end();
                    } else {
                        self.indent(gap);
                    }
                    self.block_map(entries, column + 1 + gap, !below);
                }
                Value::List(items) if !items.is_empty() && !flow => {
                    if below {
                        self.line_end();
                    } else {
                        self.indent(gap);
                    }
                    self.block_list(items, column + 1 + gap, !below);
                }
                other => {
                    self.indent(gap);
                    self.scalar_or_flow(other, column);
                }
            }
        }
    }

    fn draws_flow(&mut self) -> bool {
        self.flow_inside > 0 && self.choices.once_in(if self.flow_inside == 1 { 16 } else { 4 })
    }

    /// A scalar or a flow collection behind a key or dash at `column`, and the end of its line.
    fn scalar_or_flow(&mut self, value: &Value, column: usize) {
        match value {
            Value::Text(text) => {
                if self.odd_scalars > 0 && self.block_scalar(text, column) {
                    return;
                }
                let written = self.text(text, Some(column + 1));
                self.out.push_str(&written);
            }
            Value::Raw(text) => self.out.push_str(text),
            other => {
                let lines = self.choices.once_in(3);
                let json = self.choices.once_in(4);
                self.flow(other, Flow { json, spaced: true, column: column + 1, lines });
            }
        }
        self.line_end();
    }

    /// Anchor, alias and tag of a node; `true` if nothing is left to write.
    fn properties(&mut self, value: &Value) -> (String, bool) {
        let tag = self.spelling.disguises && matches!(value, Value::Text(_)) && self.choices.once_in(12);
        let tag = if tag { " !!str" } else { "" };
        if !self.spelling.unsafe_edits {
            return (tag.to_owned(), false);
        }
        let known = self.anchors.iter().find(|(anchored, _)| anchored == value).map(|(_, name)| name.clone());
        if let Some(name) = known
            && self.choices.once_in(3)
        {
            return (format!(" *{name}"), true);
        }
        if self.choices.once_in(16) {
            let name = format!("a{}", self.anchors.len());
            self.anchors.push((value.clone(), name.clone()));
            return (format!("{tag} &{name}"), false);
        }
        (tag.to_owned(), false)
    }

    /// A literal or folded scalar, where the text can be one.
    fn block_scalar(&mut self, text: &str, column: usize) -> bool {
        let ordinary = |c: char| {
            c == '\n' || !(c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'))
        };
        let body = text.trim_end_matches('\n');
        let writable = !body.is_empty() && !body.starts_with([' ', '\n', '\t']) && text.chars().all(ordinary);
        let drawn = if body.contains('\n') { !self.choices.once_in(4) } else { self.choices.once_in(12) };
        if !writable || !drawn {
            return false;
        }
        let folded = !text.contains('\n') && self.choices.once_in(2);
        let breaks = text.len() - body.len();
        let chomping = match breaks {
            0 => "-",
            1 => self.choices.pick(&["", "", "+"]),
            _ => "+",
        };
        self.out.push(if folded { '>' } else { '|' });
        self.out.push_str(chomping);
        self.line_end();
        let column = column + self.choices.pick(&[2, 1, 4]);
        for line in body.split('\n') {
            if !line.is_empty() {
                self.indent(column);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
        for _ in 1..breaks {
            self.out.push('\n');
        }
        true
    }

    /// A string on the line, or, with `folds` (the least indentation of its other lines), on several.
    fn text(&mut self, text: &str, folds: Option<usize>) -> String {
        if self.spelling.disguises && self.choices.once_in(4) {
            return self.disguised(text, folds);
        }
        let style = if self.odd_scalars == 0 { 0 } else { self.choices.below(4) };
        let mut written = match style {
            0 | 1 if is_plain(text) => text.to_owned(),
            1 | 2 if !text.chars().any(char::is_control) => format!("'{}'", text.replace('\'', "''")),
            _ => json(text),
        };
        if let Some(column) = folds
            && self.odd_scalars == 2
            && written.contains(' ')
            && self.choices.once_in(3)
        {
            let parts: Vec<&str> = written.split(' ').collect();
            // A line break between two words is read as one space.
            let foldable = parts.iter().all(|part| {
                !part.is_empty() && !part.starts_with(['#', '-', '?', ':']) && !part.ends_with(['\\', ':'])
            });
            if foldable {
                written = parts.join(&format!("\n{}", " ".repeat(column + 1)));
            }
        }
        written
    }

    fn key(&mut self, key: &str) -> String {
        if self.spelling.disguises && self.choices.once_in(6) {
            return self.disguised(key, None);
        }
        match self.choices.below(12) {
            10 => format!("'{}'", key.replace('\'', "''")),
            11 => json(key),
            _ if is_plain(key) => key.to_owned(),
            _ => json(key),
        }
    }

    /// A string whose bytes are not its characters.
    fn disguised(&mut self, text: &str, folds: Option<usize>) -> String {
        let mut written = String::from("\"");
        for (position, char) in text.chars().enumerate() {
            match self.choices.below(6) {
                3 if char.is_ascii() => written.push_str(&format!("\\x{:02x}", u32::from(char))),
                4 if char <= '\u{ffff}' => written.push_str(&format!("\\u{:04X}", u32::from(char))),
                5 => written.push_str(&format!("\\U{:08x}", u32::from(char))),
                2 if folds.is_some() && position > 0 && !char.is_whitespace() => {
                    let column = folds.unwrap_or_default() + 1;
                    written.push_str(&format!("\\\n{}", " ".repeat(column)));
                    written.push_str(&escaped(char));
                }
                _ => written.push_str(&escaped(char)),
            }
        }
        written.push('"');
        written
    }

    fn flow(&mut self, value: &Value, flow: Flow) {
        match value {
            Value::Text(text) => {
                let written =
                    if flow.json && !self.spelling.disguises { json(text) } else { self.text(text, None) };
                let written = if flow.json && !written.starts_with('"') { json(text) } else { written };
                self.out.push_str(&written);
            }
            Value::Raw(raw) => {
                let is_json = matches!(*raw, "true" | "false" | "null")
                    || raw.parse::<u32>().is_ok_and(|n| n.to_string() == *raw);
                let written = if flow.json && !is_json { json(raw) } else { (*raw).to_owned() };
                self.out.push_str(&written);
            }
            Value::List(items) => {
                self.in_list += 1;
                self.members('[', ']', items.len(), flow, |writer, position, flow| {
                    writer.flow(&items[position], flow);
                });
                self.in_list -= 1;
            }
            Value::Map(entries) => {
                self.members('{', '}', entries.len(), flow, |writer, position, flow| {
                    let (key, value) = &entries[position];
                    let written = if flow.json { json(key) } else { writer.key(key) };
                    writer.out.push_str(&written);
                    writer.out.push_str(if flow.spaced { ": " } else { ":" });
                    writer.flow(value, flow);
                });
            }
        }
    }

    fn members(
        &mut self,
        open: char,
        close: char,
        count: usize,
        flow: Flow,
        mut each: impl FnMut(&mut Self, usize, Flow),
    ) {
        self.out.push(open);
        let inner = Flow { column: flow.column + 2, ..flow };
        for position in 0..count {
            if flow.lines {
                if flow.json {
                    self.out.push('\n');
                } else {
                    self.line_end();
                }
                self.indent(inner.column);
            }
            each(self, position, inner);
            if position + 1 < count || (!flow.json && flow.lines && self.choices.once_in(6)) {
                self.out.push(',');
                if flow.spaced && !flow.lines {
                    self.out.push(' ');
                }
            }
        }
        if flow.lines && count > 0 {
            if flow.json {
                self.out.push('\n');
            } else {
                self.line_end();
            }
            self.indent(flow.column);
        }
        self.out.push(close);
    }
}

/// Whether a string can stand without quotes anywhere; narrower than YAML.
fn is_plain(text: &str) -> bool {
    let word =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '$' | '(' | ')' | ' ');
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && !text.contains("  ")
        && text.chars().all(word)
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_lowercase().as_str())
}

fn json(text: &str) -> String {
    let inner: String = text.chars().map(escaped).collect();
    format!("\"{inner}\"")
}

fn escaped(char: char) -> String {
    match char {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
            format!("\\u{:04x}", u32::from(c))
        }
        c => c.to_string(),
    }
}
