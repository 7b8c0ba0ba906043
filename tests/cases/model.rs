use anyhow::Context;
use serde_yaml::{Mapping, Value};

/// A document of a stream: its text, marker line included, and its value.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// Its lines, with line ends, the marker among them.
    pub(crate) text: String,
    /// What it means; null where it holds only comments.
    pub(crate) value: Value,
}

impl Document {
    /// A text field at the top, or in `metadata`.
    pub(crate) fn field(&self, path: &[&str]) -> &str {
        let found = path.iter().try_fold(&self.value, |value, key| value.get(key));
        found.and_then(Value::as_str).unwrap_or_default()
    }
}

/// Splits a stream at the lines that begin with `---`.
pub(crate) fn documents(stream: &str) -> anyhow::Result<Vec<Document>> {
    let mut texts: Vec<String> = Vec::new();
    for line in stream.split_inclusive('\n') {
        match texts.last_mut() {
            Some(text) if !line.starts_with("---") => text.push_str(line),
            _ => texts.push(line.to_owned()),
        }
    }
    texts
        .into_iter()
        .map(|text| {
            let value = serde_yaml::from_str(&text).context("a document of the corpus is not YAML")?;
            Ok(Document { text, value })
        })
        .collect()
}

/// Calls `visit` on every container of every pod in a value.
pub(crate) fn each_container(value: &mut Value, visit: &mut impl FnMut(&str, &mut Mapping)) {
    match value {
        Value::Mapping(mapping) => {
            for (key, value) in mapping.iter_mut() {
                let is_list =
                    matches!(key.as_str(), Some("containers" | "initContainers" | "ephemeralContainers"));
                for container in value.as_sequence_mut().into_iter().flatten().filter(|_| is_list) {
                    if let Value::Mapping(container) = container {
                        let name =
                            container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
                        visit(&name, container);
                    }
                }
                each_container(value, visit);
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| each_container(item, visit)),
        _ => {}
    }
}

/// Calls `visit` on every mapping in a value that stands under the key `key`.
pub(crate) fn each_under(value: &mut Value, key: &str, visit: &mut impl FnMut(&mut Mapping)) {
    match value {
        Value::Mapping(mapping) => {
            for (k, value) in mapping.iter_mut() {
                if k.as_str() == Some(key)
                    && let Value::Mapping(found) = value
                {
                    visit(found);
                }
                each_under(value, key, visit);
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| each_under(item, key, visit)),
        _ => {}
    }
}

/// An entry that reads `key` of the Secret `to`.
pub(crate) fn reference(variable: &str, to: &str, key: &str) -> Value {
    let mapping = |entries: Vec<(&str, Value)>| -> Value {
        Value::Mapping(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    };
    let selector = mapping(vec![("name", to.into()), ("key", key.into())]);
    let source = mapping(vec![("secretKeyRef", selector)]);
    mapping(vec![("name", variable.into()), ("valueFrom", source)])
}

/// The lines that leave, and those that come, from one text to another: the shortest such list.
pub(crate) fn line_changes<'t>(before: &'t str, after: &'t str) -> (Vec<&'t str>, Vec<&'t str>) {
    let (old, new): (Vec<_>, Vec<_>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    // common[i][j] is the length of the longest common subsequence of old[i..] and new[j..].
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut removed, mut inserted) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            removed.push(old[i]);
            i += 1;
        } else {
            inserted.push(new[j]);
            j += 1;
        }
    }
    (removed, inserted)
}

/// The lines of the item `- name: NAME` of a block sequence: its own, and all that are indented deeper.
pub(crate) fn item_lines<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let mut found = Vec::new();
    let mut inside = None;
    for line in text.split_inclusive('\n') {
        if inside.is_some_and(|dash| indentation(line) <= dash) {
            inside = None;
        }
        let begins =
            line.trim_start().strip_prefix("- name:").map(|rest| rest.trim().trim_matches(['"', '\'']));
        if begins == Some(name) {
            inside = Some(indentation(line));
        }
        if inside.is_some() {
            found.push(line);
        }
    }
    found
}
