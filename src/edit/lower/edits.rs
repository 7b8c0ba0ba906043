//! Operations by path → edits by node, and whether they may be made.
//!
//! A path can lead through aliases to a node that other paths lead to as well. An edit of such a node changes all of
//! them. So each edit counts the paths that ask for it, and it is made only if every path to the node asks: then
//! the anchor's users all want the same. An alias to a scalar is simpler: the alias itself is replaced.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use serde_json::{Map, Value};

use crate::edit::lower::error::LowerError;
use crate::edit::patch::{Op, Patch, Rewriting};
use crate::yaml::{Kind, NodeId, Path, Scalar, ScalarStyle, Step, Tree, scalar};

/// A part of what happens to one node. There may be one for each line of a document, so it is small.
#[derive(Clone, Copy)]
enum EditPart<'p> {
    Value(&'p Value),
    Rewritten(&'p Rewriting),
    Removed(usize),
    Added(&'p str, &'p Value),
    Appended(&'p Value),
    Inserted(usize, &'p Value),
}

impl EditPart<'_> {
    /// A number that two parts have in common if they ask for the same.
    fn number(self, hasher: &RandomState) -> u64 {
        hasher.hash_one(match self {
            Self::Value(value) => format!("become {value}"),
            Self::Rewritten(Rewriting { edits, .. }) => format!("rewrite {edits:?}"),
            Self::Removed(position) => format!("remove {position}"),
            Self::Added(key, value) => format!("add {key} {value}"),
            Self::Appended(value) => format!("append {value}"),
            Self::Inserted(position, value) => format!("insert {position} {value}"),
        })
    }
}

/// What happens to one node.
#[derive(Default)]
pub(super) struct Edit<'p> {
    /// The scalar or alias becomes this.
    pub(super) value: Option<&'p Value>,
    /// Parts of the scalar become others.
    pub(super) rewritten: Option<&'p Rewriting>,
    /// Removed members of a collection, by position.
    pub(super) removed: BTreeSet<usize>,
    /// New entries of a mapping.
    pub(super) added: Vec<(&'p str, &'p Value)>,
    /// New items of a sequence, at its end.
    pub(super) appended: Vec<&'p Value>,
    /// New items of a sequence, each with the position of the one that it comes before.
    pub(super) inserted: Vec<(usize, &'p Value)>,
}

impl<'p> Edit<'p> {
    /// That of these parts, of which several paths may have asked for the same one.
    fn of(parts: &[(NodeId, EditPart<'p>)], hasher: &RandomState) -> Self {
        let (mut edit, mut seen) = (Self::default(), HashSet::new());
        for (_, part) in parts {
            if parts.len() > 1 && !seen.insert(part.number(hasher)) {
                continue;
            }
            match *part {
                EditPart::Value(value) => edit.value = Some(value),
                EditPart::Rewritten(rewriting) => edit.rewritten = Some(rewriting),
                EditPart::Removed(position) => _ = edit.removed.insert(position),
                EditPart::Added(key, value) => edit.added.push((key, value)),
                EditPart::Appended(value) => edit.appended.push(value),
                EditPart::Inserted(position, value) => edit.inserted.push((position, value)),
            }
        }
        edit
    }
}

/// All edits of one document.
pub(super) struct Edits<'p> {
    /// In document order.
    parts: Vec<(NodeId, EditPart<'p>)>,
    hasher: RandomState,
}

impl<'p> Edits<'p> {
    /// Finds the edits that a patch asks for.
    ///
    /// # Errors
    ///
    /// See [`super::lower`].
    pub(super) fn collect(patch: &'p Patch, tree: &Tree<'_>) -> Result<Self, LowerError> {
        let mut collector = EditCollector {
            tree,
            parts: Vec::new(),
            changed: Vec::new(),
            replaced: BTreeSet::new(),
            items: HashSet::new(),
            hasher: RandomState::default(),
        };
        for op in patch.ops() {
            collector.op(op)?;
        }
        // Those of one node keep their order.
        collector.parts.sort_by_key(|(node, _)| *node);
        let gone = collector.gone();
        collector.check_order(&gone)?;
        let edits = Self { parts: collector.parts, hasher: collector.hasher };
        edits.check_anchors(tree, gone)?;
        Ok(edits)
    }

    /// The edited nodes, in document order.
    pub(super) fn by_node(&self) -> impl Iterator<Item = (NodeId, Edit<'p>)> {
        let nodes = self.parts.chunk_by(|(one, _), (other, _)| one == other);
        nodes.map(|parts| (parts[0].0, Edit::of(parts, &self.hasher)))
    }

    fn check_anchors(&self, tree: &Tree<'_>, gone: BTreeSet<NodeId>) -> Result<(), LowerError> {
        let aliases: Vec<(NodeId, NodeId)> = tree
            .ids()
            .filter_map(|id| match tree.kind(id) {
                Kind::Alias(target) => Some((id, target)),
                _ => None,
            })
            .collect();
        if aliases.is_empty() {
            return Ok(());
        }
        let mut users: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
        for (alias, target) in &aliases {
            users.entry(*target).or_default().push(*alias);
        }
        let mut uses = Uses { tree, gone, users, counts: HashMap::new() };
        for ((node, _), asked) in self.asked() {
            if uses.count(node) != asked && !uses.is_replaced_alias(node) {
                return Err(anchor_in_use(tree, node));
            }
        }
        for (alias, target) in aliases {
            if uses.is_gone(target) && !uses.is_gone(alias) {
                return Err(anchor_in_use(tree, target));
            }
        }
        Ok(())
    }

    /// How many paths ask for each part.
    fn asked(&self) -> BTreeMap<(NodeId, u64), u64> {
        let mut asked = BTreeMap::new();
        for (node, part) in &self.parts {
            *asked.entry((*node, part.number(&self.hasher))).or_default() += 1;
        }
        asked
    }
}

fn anchor_in_use(tree: &Tree<'_>, node: NodeId) -> LowerError {
    let anchor = tree.upwards(node).find_map(|id| Some((tree.anchor(id)?, id)));
    match anchor {
        Some((anchor, id)) => LowerError::AnchorInUse { anchor: anchor.to_owned(), at: tree.start(id) },
        None => LowerError::Unsupported { at: tree.start(node) },
    }
}

/// How many paths lead to a node, without those through text that is removed.
struct Uses<'t, 's> {
    tree: &'t Tree<'s>,
    gone: BTreeSet<NodeId>,
    /// The aliases of each node that has some.
    users: HashMap<NodeId, Vec<NodeId>>,
    counts: HashMap<NodeId, u64>,
}

impl Uses<'_, '_> {
    fn is_gone(&self, node: NodeId) -> bool {
        self.tree.upwards(node).any(|id| self.gone.contains(&id))
    }

    fn is_replaced_alias(&self, node: NodeId) -> bool {
        matches!(self.tree.kind(node), Kind::Alias(_)) && self.gone.contains(&node)
    }

    fn count(&mut self, node: NodeId) -> u64 {
        if let Some(count) = self.counts.get(&node) {
            return *count;
        }
        // A node inside its own alias would never end; the independent reader refuses such a document.
        self.counts.insert(node, 0);
        let mut count = self.tree.parent(node).map_or(1, |parent| self.count(parent));
        if self.gone.contains(&node) {
            count = 0;
        }
        for alias in self.users.get(&node).cloned().unwrap_or_default() {
            let more = if self.is_gone(alias) { 0 } else { self.count(alias) };
            count = count.saturating_add(more);
        }
        self.counts.insert(node, count);
        count
    }
}

struct EditCollector<'t, 's, 'p> {
    tree: &'t Tree<'s>,
    parts: Vec<(NodeId, EditPart<'p>)>,
    /// The node that each operation changes, and whether it becomes another mapping or sequence.
    changed: Vec<(NodeId, bool)>,
    /// Mappings and sequences that become others.
    replaced: BTreeSet<NodeId>,
    /// New items, each by its path and its number.
    items: HashSet<(Path, u64)>,
    hasher: RandomState,
}

impl<'p> EditCollector<'_, '_, 'p> {
    fn op(&mut self, op: &'p Op) -> Result<(), LowerError> {
        match op {
            // What comes from a merge key is not there for the independent reader, which fills in none.
            Op::Test { path, .. } => match self.find(path) {
                Err(error @ LowerError::MergeKey { .. }) => Err(error),
                _ => Ok(()),
            },
            Op::Remove { path } => {
                let (collection, position) = self.member(path)?;
                self.changed.push((collection, false));
                self.ask(collection, EditPart::Removed(position));
                Ok(())
            }
            Op::Replace { path, value } => self.replace_at(path, value),
            Op::Rewrite { path, rewriting } => self.rewrite(path, rewriting),
            Op::Add { path, value } => {
                let (mapping, key) = self.new_entry(path)?;
                self.changed.push((mapping, false));
                self.add(mapping, key, value)
            }
            Op::Append { sequence: path, value } => {
                let sequence = self.tree.resolve(self.find(path)?);
                self.new_item(sequence, path, EditPart::Appended(value))
            }
            Op::Insert { path, value } => {
                let (sequence, position) = self.member(path)?;
                if self.tree.items(sequence).is_none_or(|items| position >= items.len()) {
                    return Err(LowerError::Unsupported { at: self.tree.start(sequence) });
                }
                self.new_item(sequence, path, EditPart::Inserted(position, value))
            }
        }
    }

    /// Every node that loses its place in the text: removed members and replaced aliases.
    fn gone(&self) -> BTreeSet<NodeId> {
        let mut gone = BTreeSet::new();
        for (node, part) in &self.parts {
            match *part {
                EditPart::Removed(at) => {
                    gone.extend(self.tree.items(*node).and_then(|items| items.get(at)));
                    let entry = self.tree.entries(*node).and_then(|entries| entries.get(at));
                    gone.extend(entry.into_iter().flat_map(|(key, value)| [*key, *value]));
                }
                EditPart::Value(_) if matches!(self.tree.kind(*node), Kind::Alias(_)) => {
                    gone.insert(*node);
                }
                _ => {}
            }
        }
        gone
    }

    fn replace_at(&mut self, path: &Path, value: &'p Value) -> Result<(), LowerError> {
        let node = self.find(path)?;
        let target = self.tree.resolve(node);
        let is_collection = !matches!(self.tree.kind(target), Kind::Scalar(_));
        if is_collection {
            self.replaced.insert(target);
        }
        self.changed.push((target, is_collection));
        self.replace(node, value)
    }

    fn rewrite(&mut self, path: &Path, rewriting: &'p Rewriting) -> Result<(), LowerError> {
        let node = self.find(path)?;
        if !matches!(self.tree.kind(node), Kind::Scalar(_)) {
            let inside = rewriting.inside.clone();
            return Err(LowerError::Text { inside, at: self.tree.start(node) });
        }
        self.changed.push((node, false));
        self.ask(node, EditPart::Rewritten(rewriting));
        Ok(())
    }

    /// A new item of a sequence. By the same path the same one twice is two; by different paths it is one, for all of them.
    fn new_item(&mut self, sequence: NodeId, path: &Path, item: EditPart<'p>) -> Result<(), LowerError> {
        self.changed.push((sequence, false));
        self.ask(sequence, item);
        let is_new = self.items.insert((path.clone(), item.number(&self.hasher)));
        is_new.then_some(()).ok_or(LowerError::Unsupported { at: self.tree.start(sequence) })
    }

    /// All operations are done at once. What one does in a node that another one removes, or replaces as a whole, would
    /// depend on their order.
    fn check_order(&self, gone: &BTreeSet<NodeId>) -> Result<(), LowerError> {
        if self.replaced.is_empty() && gone.is_empty() {
            return Ok(());
        }
        for (node, by_itself) in &self.changed {
            let is_done = |id: NodeId| {
                gone.contains(&id) || (self.replaced.contains(&id) && !(*by_itself && id == *node))
            };
            if self.tree.upwards(*node).any(is_done) {
                return Err(LowerError::Unsupported { at: self.tree.start(*node) });
            }
        }
        Ok(())
    }

    /// Asks for an edit of a node.
    fn ask(&mut self, node: NodeId, part: EditPart<'p>) {
        self.parts.push((node, part));
    }

    /// The node at a path; an alias at the end of the path is not followed.
    fn find(&self, path: &Path) -> Result<NodeId, LowerError> {
        let root = self.tree.root().ok_or(LowerError::Unsupported { at: 0 })?;
        path.steps().into_iter().try_fold(root, |node, step| self.step(node, step))
    }

    fn step(&self, node: NodeId, step: &Step) -> Result<NodeId, LowerError> {
        let at = self.tree.start(node);
        match step {
            Step::Index(index) => {
                let item = self.tree.items(node).and_then(|items| items.get(*index));
                item.copied().ok_or(LowerError::Unsupported { at })
            }
            Step::Key(key) => {
                let position = self.entry(node, key)?.ok_or(LowerError::Unsupported { at })?;
                Ok(self.tree.entries(node).unwrap_or_default()[position].1)
            }
        }
    }

    /// The position of the only entry with this key; `None` where there is none.
    fn entry(&self, mapping: NodeId, key: &str) -> Result<Option<usize>, LowerError> {
        let entries = self.tree.entries(mapping).unwrap_or_default();
        let mut found = entries.iter().enumerate().filter(|(_, (k, _))| self.tree.text(*k) == Some(key));
        let first = found.next().map(|(position, _)| position);
        if let Some((_, (second, _))) = found.next() {
            return Err(LowerError::DuplicateKey { key: key.to_owned(), at: self.tree.start(*second) });
        }
        let own = first.map(|position| entries[position].1);
        if self.tree.get(mapping, key) != own {
            return Err(LowerError::MergeKey { key: key.to_owned(), at: self.tree.start(mapping) });
        }
        Ok(first)
    }

    fn member(&self, path: &Path) -> Result<(NodeId, usize), LowerError> {
        let (parent, last) = path.split_last().ok_or(LowerError::Unsupported { at: 0 })?;
        let collection = self.tree.resolve(self.find(parent)?);
        match last {
            Step::Index(index) => Ok((collection, *index)),
            Step::Key(key) => {
                let at = self.tree.start(collection);
                let position = self.entry(collection, key)?.ok_or(LowerError::Unsupported { at })?;
                // Without the entry a merge key's would count.
                self.refuse_merge(collection, key)?;
                Ok((collection, position))
            }
        }
    }

    fn new_entry(&self, path: &'p Path) -> Result<(NodeId, &'p str), LowerError> {
        match path.split_last() {
            Some((parent, Step::Key(key))) => Ok((self.tree.resolve(self.find(parent)?), key.as_str())),
            _ => Err(LowerError::Unsupported { at: 0 }),
        }
    }

    fn add(&mut self, mapping: NodeId, key: &'p str, value: &'p Value) -> Result<(), LowerError> {
        let at = self.tree.start(mapping);
        self.refuse_merge(mapping, key)?;
        if self.tree.entries(mapping).is_none() || self.entry(mapping, key)?.is_some() {
            return Err(LowerError::Unsupported { at });
        }
        self.ask(mapping, EditPart::Added(key, value));
        Ok(())
    }

    /// The least change that makes a node mean `value`.
    fn replace(&mut self, node: NodeId, value: &'p Value) -> Result<(), LowerError> {
        let target = self.tree.resolve(node);
        match (self.tree.kind(target), value) {
            (Kind::Mapping(..), Value::Object(map)) => self.replace_mapping(target, map),
            (Kind::Sequence(_, items), Value::Array(values)) if items.len() == values.len() => {
                items.iter().zip(values).try_for_each(|(item, value)| self.replace(*item, value))
            }
            (Kind::Scalar(scalar), Value::String(text)) if scalar.text == *text => Ok(()),
            (Kind::Scalar(Scalar { text, style: ScalarStyle::Plain }), value)
                if scalar::boolean_or_null(text).as_ref() == Some(value) =>
            {
                Ok(())
            }
            (Kind::Sequence(_, []), Value::Array(values)) => {
                for value in values {
                    self.ask(target, EditPart::Appended(value));
                }
                Ok(())
            }
            (Kind::Scalar(_), value)
                if self.tree.is_null(target) || (!value.is_object() && !value.is_array()) =>
            {
                // The node itself, not an alias' target: only this place is meant.
                self.ask(node, EditPart::Value(value));
                Ok(())
            }
            _ => Err(LowerError::Unsupported { at: self.tree.start(node) }),
        }
    }

    fn replace_mapping(&mut self, mapping: NodeId, map: &'p Map<String, Value>) -> Result<(), LowerError> {
        let entries = self.tree.entries(mapping).unwrap_or_default().to_vec();
        for (position, (key, value)) in entries.iter().enumerate() {
            let text = self.tree.text(*key).unwrap_or_default().to_owned();
            if self.tree.tag(*key).is_some() {
                // What it makes of the key would have to stay or go.
                return Err(LowerError::Unsupported { at: self.tree.start(*key) });
            }
            self.refuse_merge(mapping, &text)?;
            self.entry(mapping, &text)?;
            let new =
                map.get(&text).filter(|new| self.tree.text(*key).is_some() && self.same_kind(*value, new));
            match new {
                Some(new) => self.replace(*value, new)?,
                None => self.ask(mapping, EditPart::Removed(position)),
            }
        }
        for (key, value) in map {
            let old = entries.iter().find(|(k, _)| self.tree.text(*k) == Some(key));
            if old.is_some_and(|(_, old)| self.same_kind(*old, value)) {
                continue;
            }
            self.ask(mapping, EditPart::Added(key, value));
        }
        Ok(())
    }

    fn same_kind(&self, node: NodeId, value: &Value) -> bool {
        match self.tree.kind(self.tree.resolve(node)) {
            Kind::Mapping(..) => value.is_object(),
            Kind::Sequence(_, items) => value.as_array().is_some_and(|values| values.len() == items.len()),
            Kind::Scalar(_) | Kind::Alias(_) => !value.is_object() && !value.is_array(),
        }
    }

    fn refuse_merge(&self, mapping: NodeId, key: &str) -> Result<(), LowerError> {
        let entries = self.tree.entries(mapping).unwrap_or_default();
        match entries.iter().find(|(key, _)| self.tree.is_merge_key(*key)) {
            Some((merge, _)) => {
                Err(LowerError::MergeKey { key: key.to_owned(), at: self.tree.start(*merge) })
            }
            None => Ok(()),
        }
    }
}
