//! What changes, in meaning: operations by path, as JSON Patch (RFC 6902) knows them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use json_patch::jsonptr::{PointerBuf, Token};
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation, TestOperation};
use serde_json::{Value, json};

use crate::yaml::{Path, Step};

/// A part of a scalar's text, and what it becomes.
pub(crate) type TextEdit = (Range<usize>, String);

/// A text with parts of it replaced, in order.
pub(crate) fn rewritten(text: &str, edits: &[TextEdit]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (range, new) in edits {
        result.push_str(&text[at..range.start]);
        result.push_str(new);
        at = range.end;
    }
    result + &text[at..]
}

/// How many bytes two texts have in common at their begin.
pub(crate) fn common_begin(one: &str, other: &str) -> usize {
    common(one.chars().zip(other.chars()))
}

/// How many bytes two texts have in common at their end.
pub(crate) fn common_end(one: &str, other: &str) -> usize {
    common(one.chars().rev().zip(other.chars().rev()))
}

fn common(pairs: impl Iterator<Item = (char, char)>) -> usize {
    pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// From this many operations on, there is room for a quarter more and not for twice as many.
const MANY: usize = 1 << 12;

/// How far back an operation looks for one with the same value.
const NEAR: usize = 4;

/// One operation. Its paths are those of the document as it came in, whatever the other operations do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    /// The string at this path is `value`: what a rule based its decision on.
    Test {
        /// The place of a scalar.
        path: Path,
        /// Its text. Only names of objects and variables are ever tested, never a secret value.
        value: Arc<str>,
    },
    /// The node is removed.
    Remove {
        /// An item of a sequence, or an entry of a mapping.
        path: Path,
    },
    /// The node becomes `value`; what is equal already keeps its bytes.
    Replace {
        /// The place of a node that is there.
        path: Path,
        /// What it becomes.
        value: Arc<Value>,
    },
    /// Parts of a scalar's text become others; what is between them keeps its bytes.
    Rewrite {
        /// The place of a scalar.
        path: Path,
        /// What it becomes.
        rewriting: Box<Rewriting>,
    },
    /// A new entry of a mapping, after the others.
    Add {
        /// The place of the new entry: an existing mapping, and a key that it does not have.
        path: Path,
        /// Its value.
        value: Arc<Value>,
    },
    /// A new item of a sequence, after the others.
    Append {
        /// An existing sequence.
        sequence: Path,
        /// Its new item.
        value: Arc<Value>,
    },
    /// A new item of a sequence, before one that is there.
    Insert {
        /// The item that it comes before.
        path: Path,
        /// The new item.
        value: Arc<Value>,
    },
}

/// How a scalar's text becomes another one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rewriting {
    /// The text as it becomes.
    pub(crate) text: String,
    /// The parts of the text as it came in, in order, and what they become.
    pub(crate) edits: Vec<TextEdit>,
    /// Where the parts are in what the text holds, for people.
    pub(crate) inside: String,
}

impl Op {
    /// Tests a scalar's text.
    pub(crate) fn test(path: Path, text: &str) -> Self {
        Self::Test { path, value: text.into() }
    }

    /// Replaces a node.
    pub(crate) fn replace(path: Path, value: impl Into<Value>) -> Self {
        Self::Replace { path, value: Arc::new(value.into()) }
    }

    /// Adds an entry to a mapping.
    pub(crate) fn add(path: Path, value: impl Into<Value>) -> Self {
        Self::Add { path, value: Arc::new(value.into()) }
    }

    /// Adds an item at the end of a sequence.
    pub(crate) fn append(sequence: Path, value: impl Into<Value>) -> Self {
        Self::Append { sequence, value: Arc::new(value.into()) }
    }

    /// Adds an item before another one.
    pub(crate) fn insert(path: Path, value: impl Into<Value>) -> Self {
        Self::Insert { path, value: Arc::new(value.into()) }
    }

    /// The place that it is about; of a list that grows, the list.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Test { path, .. }
            | Self::Remove { path }
            | Self::Replace { path, .. }
            | Self::Rewrite { path, .. }
            | Self::Add { path, .. }
            | Self::Insert { path, .. } => path,
            Self::Append { sequence, .. } => sequence,
        }
    }

    /// The text that it tests.
    fn tested(&self) -> Option<&Arc<str>> {
        match self {
            Self::Test { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The value that it puts into the document; none where it changes a text.
    fn value(&self) -> Option<&Arc<Value>> {
        match self {
            Self::Replace { value, .. }
            | Self::Add { value, .. }
            | Self::Append { value, .. }
            | Self::Insert { value, .. } => Some(value),
            Self::Test { .. } | Self::Remove { .. } | Self::Rewrite { .. } => None,
        }
    }

    /// The items that the operation puts at the end of a list, or of which it makes the list.
    pub(crate) fn added_to(&self, list: &Path) -> &[Value] {
        match self {
            Self::Append { sequence, value } if sequence == list => std::slice::from_ref(&**value),
            Self::Add { path, value } | Self::Replace { path, value } if path == list => {
                value.as_array().map_or(&[], Vec::as_slice)
            }
            _ => &[],
        }
    }

    /// The same operation in RFC 6902, which knows no insertion and no rewriting.
    fn to_json_operation(&self) -> PatchOperation {
        let path = to_pointer(self.path());
        let add = |path, value: &Value| PatchOperation::Add(AddOperation { path, value: value.clone() });
        let replace = |value: Value| PatchOperation::Replace(ReplaceOperation { path: path.clone(), value });
        match self {
            Self::Test { value, .. } => {
                PatchOperation::Test(TestOperation { path, value: (&**value).into() })
            }
            Self::Remove { .. } => PatchOperation::Remove(RemoveOperation { path }),
            Self::Replace { value, .. } => replace((**value).clone()),
            Self::Rewrite { rewriting, .. } => replace(rewriting.text.as_str().into()),
            Self::Add { value, .. } | Self::Insert { value, .. } => add(path, value),
            Self::Append { value, .. } => add(path.with_trailing_token("-"), value),
        }
    }

    /// The same operation for a reader who begins `depth` steps down.
    pub(crate) fn below(&self, depth: usize) -> Self {
        let mut op = self.clone();
        match &mut op {
            Self::Test { path, .. }
            | Self::Remove { path }
            | Self::Replace { path, .. }
            | Self::Rewrite { path, .. }
            | Self::Add { path, .. }
            | Self::Insert { path, .. } => {
                *path = path.below(depth);
            }
            Self::Append { sequence, .. } => *sequence = sequence.below(depth),
        }
        op
    }
}

/// A path as a JSON Pointer (RFC 6901).
pub(crate) fn to_pointer(path: &Path) -> PointerBuf {
    PointerBuf::from_tokens(path.steps().into_iter().map(|step| match step {
        Step::Key(key) => Token::new(key.as_str()),
        Step::Index(position) => (*position).into(),
    }))
}

/// Makes a value one with an equal one before it, if there is one.
fn share<'o, T: PartialEq + ?Sized + 'o>(value: &mut Arc<T>, mut before: impl Iterator<Item = &'o Arc<T>>) {
    if let Some(same) = before.find(|other| *other == value) {
        *value = Arc::clone(same);
    }
}

/// All operations on one document.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Patch {
    ops: Vec<Op>,
    /// The places that an operation removes (`true`) or replaces.
    decided: HashMap<Path, bool>,
}

impl Patch {
    /// Adds an operation.
    pub(crate) fn push(&mut self, op: Op) {
        match &op {
            Op::Remove { path } | Op::Replace { path, .. } | Op::Rewrite { path, .. } => {
                self.decided.insert(path.clone(), matches!(op, Op::Remove { .. }));
            }
            Op::Test { .. } | Op::Add { .. } | Op::Append { .. } | Op::Insert { .. } => {}
        }
        if self.ops.len() == self.ops.capacity() && self.ops.len() > MANY {
            self.ops.reserve_exact(self.ops.len() / 4);
        }
        self.ops.push(self.sharing(op));
    }

    /// The operation, with the value of one shortly before it if that is the same: a list may have very many.
    fn sharing(&self, mut op: Op) -> Op {
        let before = self.ops.iter().rev().take(NEAR);
        match &mut op {
            Op::Test { value, .. } => share(value, before.filter_map(Op::tested)),
            Op::Replace { value, .. }
            | Op::Add { value, .. }
            | Op::Append { value, .. }
            | Op::Insert { value, .. } => share(value, before.filter_map(Op::value)),
            Op::Remove { .. } | Op::Rewrite { .. } => {}
        }
        op
    }

    /// Adds operations.
    pub(crate) fn extend(&mut self, ops: impl Iterator<Item = Op>) {
        ops.for_each(|op| self.push(op));
    }

    /// Gives back the room for more operations, where there are many.
    pub(crate) fn shrink(&mut self) {
        if self.ops.len() > MANY {
            self.ops.shrink_to_fit();
        }
    }

    /// Puts items at the end of a sequence, before those that other operations put there.
    pub(crate) fn append_first(&mut self, sequence: &Path, items: Vec<Value>) {
        let appends = |op: &Op| matches!(op, Op::Append { sequence: other, .. } if other == sequence);
        let first = self.ops.iter().position(appends).unwrap_or(self.ops.len());
        let ops = items.into_iter().map(|value| Op::append(sequence.clone(), value));
        self.ops.splice(first..first, ops);
    }

    /// The items of a list that an operation makes at this path.
    pub(crate) fn new_list(&mut self, list: &Path) -> Option<&mut Vec<Value>> {
        self.ops.iter_mut().find_map(|op| match op {
            Op::Add { path, value } | Op::Replace { path, value } if path == list => {
                Arc::make_mut(value).as_array_mut()
            }
            _ => None,
        })
    }

    /// The operations, in the order in which the rules made them.
    pub(crate) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Whether nothing would change.
    pub(crate) fn is_empty(&self) -> bool {
        self.ops.iter().all(|op| matches!(op, Op::Test { .. }))
    }

    /// Whether an operation already decides what happens to `path`: it or a parent of it is removed or replaced.
    pub(crate) fn decides(&self, path: &Path) -> bool {
        path.upwards().any(|above| self.decided.contains_key(above))
    }

    /// Whether an operation removes just this place.
    pub(crate) fn removes(&self, path: &Path) -> bool {
        self.decided.get(path) == Some(&true)
    }

    /// The same patch as RFC 6902 writes it.
    pub(crate) fn to_json_patch(&self) -> Value {
        self.json_operations().map(|operation| json!(operation)).collect()
    }

    /// The same patch as the sequence of operations that RFC 6902 applies one after the other.
    ///
    /// Tests come first and see the document as it came in. Replacements and additions follow, since they move
    /// nothing. What is removed, and what comes before an item, is last, from the end of the document to its beginning.
    pub(crate) fn json_operations(&self) -> impl Iterator<Item = PatchOperation> {
        let is_test = |op: &&Op| matches!(op, Op::Test { .. });
        let moves = |op: &&Op| matches!(op, Op::Remove { .. } | Op::Insert { .. });
        let head = self.ops.iter().filter(is_test);
        let body = self.ops.iter().filter(move |op| !is_test(op) && !moves(op));
        let mut tail: Vec<&Op> = self.ops.iter().filter(moves).collect();
        // Paths order by key and position, so the reverse moves a later item, and a child, first. Of those for one place the
        // removal comes first, and the last item: each new one goes before it.
        tail.reverse();
        let inserts = |op: &Op| matches!(op, Op::Insert { .. });
        tail.sort_by(|a, b| (b.path(), inserts(a)).cmp(&(a.path(), inserts(b))));
        tail.dedup_by(|a, b| !inserts(a) && !inserts(b) && a.path() == b.path());
        head.chain(body).chain(tail).map(Op::to_json_operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_speaks_of_the_original_positions_and_applies_one_after_the_other() {
        let env = Path::root().key("env");
        let mut patch = Patch::default();
        patch.push(Op::Remove { path: env.index(0) });
        patch.push(Op::test(env.index(10), "k"));
        patch.push(Op::Remove { path: env.index(9) });
        patch.push(Op::replace(env.index(3), json!("X")));
        let mut value = json!({"env": ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]});
        let operations: json_patch::Patch =
            serde_json::from_value(patch.to_json_patch()).expect("a JSON patch");
        json_patch::patch(&mut value, &operations).expect("applies");
        assert_eq!(value, json!({"env": ["b", "c", "X", "e", "f", "g", "h", "i", "k"]}));
    }

    #[test]
    fn what_is_inserted_comes_before_the_item_that_was_there() {
        let env = Path::root().key("env");
        let mut patch = Patch::default();
        patch.push(Op::insert(env.index(0), json!("X")));
        patch.push(Op::insert(env.index(0), json!("Y")));
        patch.push(Op::Remove { path: env.index(0) });
        patch.push(Op::insert(env.index(2), json!("Z")));
        patch.push(Op::append(env.clone(), json!("end")));
        let mut value = json!({"env": ["a", "b", "c"]});
        let operations: json_patch::Patch =
            serde_json::from_value(patch.to_json_patch()).expect("a JSON patch");
        json_patch::patch(&mut value, &operations).expect("applies");
        assert_eq!(value, json!({"env": ["X", "Y", "b", "Z", "c", "end"]}));
    }

    #[test]
    fn a_path_is_a_pointer() {
        let path = Path::root().key("metadata").key("annotations").key("a.io/b~c").index(3);
        assert_eq!(to_pointer(&path).to_string(), "/metadata/annotations/a.io~1b~0c/3");
    }

    #[test]
    fn decided_means_removed_or_replaced() {
        let env = Path::root().key("env");
        let mut patch = Patch::default();
        patch.push(Op::replace(env.index(1), json!({})));
        patch.push(Op::Remove { path: env.index(4) });
        assert!(patch.decides(&env.index(1).key("valueFrom")) && patch.decides(&env.index(4)));
        assert!(!patch.decides(&env.index(5)) && !patch.decides(&env));
    }
}
