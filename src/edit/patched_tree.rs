//! What a tree means, and what it means with a patch applied.
//!
//! The operations are done at once, each at its place, as RFC 6902 has them: [`Patch::json_operations`] says the same one after
//! the other, and a law of the tests holds both to the same result.

use std::cmp::Ordering;

use serde_json::Value;

use crate::edit::digest::{Digest, DigestKey, Digester};
use crate::edit::patch::{Op, Patch};
use crate::edit::plain::PlainValue;
use crate::yaml::scalar::TEXT_TAG;
use crate::yaml::{Kind, NodeId, ScalarStyle, Step, Tree};

/// A document before an edit, and after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Meanings {
    pub(super) before: Digest,
    pub(super) after: Digest,
}

/// An operation of a patch has no place in the document, or not the value there that it was made for.
#[derive(Debug)]
pub(super) struct Unfit;

/// Both meanings of a tree.
///
/// # Errors
///
/// The patch does not fit.
pub(super) fn meanings(tree: &Tree<'_>, patch: &Patch, key: &DigestKey) -> Result<Meanings, Unfit> {
    let mut ops: Vec<&Op> = patch.ops().iter().collect();
    // Of those for one place the order stays.
    ops.sort_by(|a, b| a.path().cmp(b.path()));
    let mut walk = PatchWalk::new(tree, key);
    if let Some(root) = tree.root() {
        walk.node(root, OpsBelow { ops: &ops, depth: 0 })?;
    }
    let is_done = walk.done == ops.len();
    is_done.then(|| Meanings { before: walk.before.finish(), after: walk.after.finish() }).ok_or(Unfit)
}

/// Whether a node means this value.
pub(crate) fn means(tree: &Tree<'_>, id: NodeId, value: &Value) -> bool {
    let key = DigestKey::default();
    let mut walk = PatchWalk::new(tree, &key);
    walk.untouched(id);
    let mut expected = Digester::new(&key);
    expected.value(value);
    walk.before.finish() == expected.finish()
}

/// The operations at a node and below it.
#[derive(Clone, Copy)]
struct OpsBelow<'p> {
    /// In the order of their paths.
    ops: &'p [&'p Op],
    /// How many steps lead to the node.
    depth: usize,
}

impl<'p> OpsBelow<'p> {
    /// Those that are about the node itself, and those about what is in it.
    fn split(self) -> (&'p [&'p Op], Self) {
        let own = self.ops.partition_point(|op| op.path().len() == self.depth);
        let (own, inside) = self.ops.split_at(own);
        (own, Self { ops: inside, ..self })
    }

    /// Those at and below an item.
    fn item(self, position: usize) -> Self {
        self.below(|step| step.cmp(&Step::Index(position)))
    }

    /// Those at and below the value of a key.
    fn entry(self, key: &str) -> Self {
        self.below(|step| match step {
            Step::Key(other) => other.as_str().cmp(key),
            Step::Index(_) => Ordering::Greater,
        })
    }

    fn below(self, order: impl Fn(&Step) -> Ordering) -> Self {
        let next = |op: &&Op| op.path().first(self.depth + 1).last().map_or(Ordering::Less, &order);
        let ops = &self.ops[self.ops.partition_point(|op| next(op).is_lt())..];
        let ops = &ops[..ops.partition_point(|op| next(op).is_eq())];
        Self { ops, depth: self.depth + 1 }
    }

    /// Whether the node goes.
    fn removes(self) -> bool {
        self.split().0.iter().any(|op| matches!(op, Op::Remove { .. }))
    }
}

/// A walk through a tree, on the way to both digests.
struct PatchWalk<'t, 's> {
    tree: &'t Tree<'s>,
    before: Digester<'t>,
    after: Digester<'t>,
    /// Inside how many nodes the walk is that an operation takes away.
    gone: usize,
    /// What the nodes with an anchor mean before, in document order.
    anchored: Vec<(NodeId, Digest)>,
    /// How many operations have found their place.
    done: usize,
}

impl<'t, 's> PatchWalk<'t, 's> {
    fn new(tree: &'t Tree<'s>, key: &'t DigestKey) -> Self {
        let (before, after) = (Digester::new(key), Digester::new(key));
        Self { tree, before, after, gone: 0, anchored: Vec::new(), done: 0 }
    }

    /// A node that no operation is about, for the document before.
    fn untouched(&mut self, id: NodeId) -> Digest {
        let tree = self.tree;
        let digest = match tree.kind(id) {
            Kind::Alias(target) => {
                let known = self.anchored.binary_search_by_key(&target, |(node, _)| *node);
                return match known {
                    Ok(position) => self.before.add(self.anchored[position].1),
                    Err(_) => self.untouched(target),
                };
            }
            Kind::Scalar(scalar) => {
                self.before.scalar(scalar.text, scalar.style == ScalarStyle::Plain, tree.tag(id))
            }
            Kind::Sequence(_, items) => {
                self.before.begin_sequence();
                for item in items {
                    self.untouched(*item);
                }
                self.before.end(tree.tag(id))
            }
            Kind::Mapping(_, entries) => {
                self.before.begin_mapping();
                for (key, value) in entries {
                    self.untouched(*key);
                    self.untouched(*value);
                }
                self.before.end(tree.tag(id))
            }
        };
        self.remember(id, digest);
        digest
    }

    /// Remembers what a node with an anchor means.
    fn remember(&mut self, id: NodeId, digest: Digest) {
        if self.tree.anchor(id).is_some() {
            // Those inside it, which have come before, are behind it.
            let place = self.anchored.binary_search_by_key(&id, |(node, _)| *node);
            if let Err(place) = place {
                self.anchored.insert(place, (id, digest));
            }
        }
    }

    /// A node and all in it, in both documents.
    fn node(&mut self, id: NodeId, ops: OpsBelow<'_>) -> Result<(), Unfit> {
        if ops.ops.is_empty() {
            let digest = self.untouched(id);
            if self.gone == 0 {
                self.after.add(digest);
            }
            return Ok(());
        }
        let (own, inside) = ops.split();
        let (mut is_removed, mut new, mut appended) = (false, None, Vec::<&Value>::new());
        for op in own {
            match op {
                Op::Test { value, .. } if self.text(id) == Some(value) => {}
                // What happens in a node that goes would depend on which operation comes first.
                _ if self.gone > 0 => return Err(Unfit),
                Op::Remove { .. } => is_removed = true,
                Op::Replace { value, .. } => new = Some(NewValue::Value(value)),
                Op::Rewrite { rewriting, .. } => new = Some(NewValue::Text(&rewriting.text)),
                Op::Append { value, .. } => appended.push(value),
                Op::Insert { path, value } if matches!(path.last(), Some(Step::Index(_))) => {
                    self.after.value(value);
                }
                Op::Test { .. } | Op::Insert { .. } | Op::Add { .. } => return Err(Unfit),
            }
        }
        self.done += own.len();
        let is_gone = is_removed || new.is_some();
        if is_gone && !appended.is_empty() {
            return Err(Unfit);
        }
        self.gone += usize::from(is_gone);
        self.content(id, inside, &appended)?;
        self.gone -= usize::from(is_gone);
        match new.filter(|_| !is_removed) {
            Some(NewValue::Value(value)) => self.after.value(value),
            Some(NewValue::Text(text)) => self.after.text(text),
            None => return Ok(()),
        };
        Ok(())
    }

    /// What is in a node, and the items that come behind it.
    fn content(&mut self, id: NodeId, ops: OpsBelow<'_>, appended: &[&Value]) -> Result<(), Unfit> {
        let tree = self.tree;
        let takes_items = matches!(tree.kind(id), Kind::Alias(_) | Kind::Sequence(..));
        if !takes_items && !appended.is_empty() {
            return Err(Unfit);
        }
        let digest = match tree.kind(id) {
            Kind::Alias(target) => return self.content(target, ops, appended),
            Kind::Scalar(_) if !ops.ops.is_empty() => return Err(Unfit),
            Kind::Scalar(scalar) => {
                let is_plain = scalar.style == ScalarStyle::Plain;
                self.both(|digester| digester.scalar(scalar.text, is_plain, tree.tag(id)))
            }
            Kind::Sequence(_, items) => {
                self.both(Digester::begin_sequence);
                for (position, item) in items.iter().enumerate() {
                    self.node(*item, ops.item(position))?;
                }
                for value in appended {
                    self.after.value(value);
                }
                self.both(|digester| digester.end(tree.tag(id)))
            }
            Kind::Mapping(_, entries) => {
                self.both(Digester::begin_mapping);
                self.entries(entries, ops)?;
                self.both(|digester| digester.end(tree.tag(id)))
            }
        };
        self.remember(id, digest);
        Ok(())
    }

    /// The entries of a mapping, and those that are new.
    fn entries(&mut self, entries: &[(NodeId, NodeId)], ops: OpsBelow<'_>) -> Result<(), Unfit> {
        for (key, value) in entries {
            let below = self.text(*key).map_or(OpsBelow { ops: &[], ..ops }, |key| ops.entry(key));
            let digest = self.untouched(*key);
            if self.gone == 0 && !below.removes() {
                self.after.add(digest);
            }
            self.node(*value, below)?;
        }
        self.added(ops)
    }

    /// The new entries of a mapping. The same one twice is one.
    fn added(&mut self, ops: OpsBelow<'_>) -> Result<(), Unfit> {
        let mut last: Option<(&str, &Value)> = None;
        for op in ops.ops {
            let (Op::Add { value, .. }, Some(Step::Key(key))) = (op, op.path().last()) else { continue };
            if op.path().len() != ops.depth + 1 {
                continue;
            }
            match last.filter(|(other, _)| *other == key.as_str()) {
                Some((_, other)) if other != &**value => return Err(Unfit),
                Some(_) => {}
                None if self.gone > 0 => return Err(Unfit),
                None => {
                    self.after.text(key);
                    self.after.value(value);
                }
            }
            last = Some((key.as_str(), value));
            self.done += 1;
        }
        Ok(())
    }

    /// Writes the same for both documents, or for the one before where the walk is in what goes.
    fn both<R>(&mut self, write: impl Fn(&mut Digester<'t>) -> R) -> R {
        if self.gone == 0 {
            write(&mut self.after);
        }
        write(&mut self.before)
    }

    /// The text that a scalar is; one without quotes may be something else.
    fn text(&self, id: NodeId) -> Option<&str> {
        let id = self.tree.resolve(id);
        let scalar = self.tree.scalar(id)?;
        match self.tree.tag(id) {
            None if scalar.style == ScalarStyle::Plain => match PlainValue::of(scalar.text) {
                PlainValue::Text(text) => Some(text),
                _ => None,
            },
            None => Some(scalar.text),
            Some(tag) => (tag == TEXT_TAG).then_some(scalar.text),
        }
    }
}

/// What a node becomes.
enum NewValue<'p> {
    Value(&'p Value),
    Text(&'p str),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::edit::read_digest::digest;
    use crate::yaml::{Path, parse, read_lineage};

    /// What a patch makes of a text, as the digest of another one; `None` where it does not fit.
    #[track_caller]
    fn check(before: &str, ops: &[Op], after: Option<&str>) {
        let key = DigestKey::default();
        let mut patch = Patch::default();
        patch.extend(ops.iter().cloned());
        let found = meanings(&parse(before).expect("YAML"), &patch, &key).ok();
        let read = |text| digest(&key, text, read_lineage).expect("YAML");
        let expected = after.map(|after| Meanings { before: read(before), after: read(after) });
        assert_eq!(found, expected, "{before:?} {ops:?}");
    }

    fn path(steps: &[&str]) -> Path {
        let step =
            |path: Path, step: &&str| step.parse().map_or_else(|_| path.key(step), |at| path.index(at));
        steps.iter().fold(Path::root(), step)
    }

    #[test]
    fn operations_are_done_at_once() {
        let ops = [
            Op::Remove { path: path(&["a", "0"]) },
            Op::insert(path(&["a", "1"]), "new"),
            Op::append(path(&["a"]), "last"),
            Op::replace(path(&["a", "1", "x"]), json!([1, {"k": null}])),
            Op::test(path(&["a", "0"]), "p"),
            Op::add(path(&["b", "n"]), "m"),
            Op::Remove { path: path(&["b", "k"]) },
        ];
        let after = "a: [new, {x: [1, {k: }]}, r, last]\nb: {n: m, l: w}\n";
        check("a: [p, {x: q}, r]\nb: {k: v, l: w}\n", &ops, Some(after));
    }

    #[test]
    fn an_alias_is_what_its_own_path_makes_of_it() {
        let before = "a: &a {k: v}\nb: *a\n";
        check(before, &[Op::replace(path(&["b", "k"]), "w")], Some("a: {k: v}\nb: {k: w}\n"));
        check(before, &[Op::replace(path(&["a", "k"]), "w")], Some("a: {k: w}\nb: {k: v}\n"));
        check(before, &[Op::Remove { path: path(&["b"]) }], Some("a: {k: v}\n"));
        let nested = "a: &a {k: &k [v]}\nb: [*a, *k]\nc: x\n";
        let rest = "a: {k: [v]}\nb: [{k: [v]}, [v]]\n";
        check(nested, &[Op::Remove { path: path(&["c"]) }], Some(rest));
    }

    #[test]
    fn an_operation_without_a_place_does_not_fit() {
        let before = "a: [p, {x: q}]\nb: {k: v}\nc: 1\nd: x\nd: y\n1: z\n";
        let unfit = [
            Op::Remove { path: path(&["a", "2"]) },
            Op::Remove { path: path(&["d"]) },
            Op::Remove { path: path(&["b", "k", "x"]) },
            Op::Remove { path: Path::root().key("1") },
            Op::test(path(&["c"]), "1"),
            Op::add(path(&["b", "k"]), "w"),
            Op::append(path(&["b"]), "w"),
            Op::insert(path(&["b", "k"]), "w"),
        ];
        for op in unfit {
            check(before, &[op], None);
        }
        // Within what another operation takes away the order would matter, except to tests.
        let removed = Op::Remove { path: path(&["a"]) };
        check(before, &[removed.clone(), Op::replace(path(&["a", "0"]), "w")], None);
        let rest = "b: {k: v}\nc: 1\nd: x\nd: y\n1: z\n";
        check(before, &[removed, Op::test(path(&["a", "1", "x"]), "q")], Some(rest));
    }

    #[test]
    fn a_node_means_a_value_however_it_is_written() {
        let tree = parse("a: {k: [1, 'x', ~], l: \"y\"}\n").expect("YAML");
        let node = tree.at(&path(&["a"])).expect("a node");
        assert!(means(&tree, node, &json!({"l": "y", "k": [1, "x", null]})));
        assert!(!means(&tree, node, &json!({"l": "y", "k": ["1", "x", null]})));
    }
}
