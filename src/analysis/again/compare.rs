//! Two streams, walked in step: the innermost places at which they differ.

use std::collections::{HashMap, VecDeque};

use crate::diagnostics::{Error, Location};
use crate::filter::allow;
use crate::filter::parse_document::parse_document;
use crate::kube::locator::Locator;
use crate::kube::object::{Object, objects};
use crate::kube::pods::Pods;
use crate::search::prefilter::Interest;
use crate::stream::{self, Document};
use crate::yaml::{Kind, NodeId, Path, Scalar, ScalarStyle, Trail, Tree};

use crate::analysis::again::change::{ChangedPlace, OnlyIn, RenderChange};

/// A document that the other stream does not have.
struct Own<'i> {
    document: Document<'i>,
    tree: Tree<'i>,
}

/// A node that differs: where it is in its object, and whether the other stream has none there.
struct Difference {
    path: Path,
    node: NodeId,
    side: OnlyIn,
    is_alone: bool,
}

/// An object, and the document that holds it.
type Placed<'t, 's> = (Document<'s>, Object<'t, 's>);

/// The places at which two streams differ, in their order. `name` is what errors and places call the second one.
///
/// # Errors
///
/// A document that differs and cannot be read.
pub(super) fn compare(streams: [&[u8]; 2], name: &str) -> Result<Vec<RenderChange>, Error> {
    let locators = streams.map(Locator::new);
    let first = own(streams[0], streams[1], &locators[0], None)?;
    let second = own(streams[1], streams[0], &locators[1], Some(name))?;
    let mut found = Vec::new();
    for (sides, differences) in pairs(&placed(&first), &placed(&second)) {
        let pods =
            sides.map(|side| side.filter(|_| !differences.is_empty()).map(|(_, object)| Pods::of(object)));
        for difference in differences {
            let side = usize::from(difference.side == OnlyIn::Second);
            if let (Some(placed), Some(pods)) = (sides[side], &pods[side]) {
                let mut change = change(placed, pods, &difference, &locators[side]);
                change.location.file = (side == 1).then(|| name.to_owned());
                found.push(change);
            }
        }
    }
    if found.is_empty() && streams[0] != streams[1] {
        found.push(RenderChange {
            place: ChangedPlace::Text,
            only_in: None,
            is_object: false,
            location: Location::default(),
        });
    }
    Ok(found)
}

/// The objects of documents.
fn placed<'t, 's>(owns: &'t [Own<'s>]) -> Vec<Placed<'t, 's>> {
    let of = |own: &'t Own<'s>| objects(&own.tree).into_iter().map(|object| (own.document, object));
    owns.iter().flat_map(of).collect()
}

/// The objects of both sides that are the same one, and those that only one side has, each with what differs.
fn pairs<'p, 't, 's>(
    firsts: &'p [Placed<'t, 's>],
    seconds: &'p [Placed<'t, 's>],
) -> Vec<([Option<&'p Placed<'t, 's>>; 2], Vec<Difference>)> {
    let mut others: HashMap<_, VecDeque<usize>> = HashMap::new();
    for (position, (_, object)) in seconds.iter().enumerate() {
        others.entry(identity(object)).or_default().push_back(position);
    }
    let alone = |(_, object): &Placed<'_, '_>, side| {
        vec![Difference { path: Path::root(), node: object.node, side, is_alone: true }]
    };
    let mut found = Vec::new();
    let mut is_paired = vec![false; seconds.len()];
    for first in firsts {
        let other = others.get_mut(&identity(&first.1)).and_then(VecDeque::pop_front);
        let Some(position) = other else {
            found.push(([Some(first), None], alone(first, OnlyIn::First)));
            continue;
        };
        is_paired[position] = true;
        let (one, other) = (&first.1, &seconds[position].1);
        let mut walk = Walk { trees: [one.tree, other.tree], found: Vec::new() };
        walk.nodes([one.node, other.node], Trail::Start(&Path::root()));
        found.push(([Some(first), Some(&seconds[position])], walk.found));
    }
    let left = seconds.iter().zip(is_paired).filter(|(_, is_paired)| !is_paired);
    found.extend(left.map(|(second, _)| ([None, Some(second)], alone(second, OnlyIn::Second))));
    found
}

/// A difference with its place, and what it is.
fn change(
    (document, object): &Placed<'_, '_>,
    pods: &Pods<'_>,
    difference: &Difference,
    locator: &Locator<'_>,
) -> RenderChange {
    let Difference { path, node, side, is_alone } = difference;
    let is_object = path.is_root();
    // A list may hold the object at another position in each render.
    let path = path.steps().into_iter().fold(object.path.clone(), |path, step| path.step(step));
    let location = Location {
        path: Some(path.to_string()),
        variable: allow::variable(object.tree, &path),
        ..locator.locate_in(document, object, object.tree.start(*node))
    };
    RenderChange {
        place: ChangedPlace::of(object, pods, &path),
        only_in: is_alone.then_some(*side),
        is_object,
        location,
    }
}

/// The documents of a stream without those that the other one has byte for byte.
fn own<'i>(
    stream: &'i [u8],
    other: &[u8],
    locator: &Locator<'_>,
    name: Option<&str>,
) -> Result<Vec<Own<'i>>, Error> {
    let mut same: HashMap<&[u8], usize> = HashMap::new();
    for document in stream::documents(other) {
        *same.entry(document.content()).or_default() += 1;
    }
    let mut found = Vec::new();
    for document in stream::documents(stream) {
        if let Some(left) = same.get_mut(document.content()).filter(|left| **left > 0) {
            *left -= 1;
            continue;
        }
        match parse_document(&document, Interest::Edit, locator) {
            Ok(tree) => found.push(Own { document, tree }),
            Err(mut diagnostic) => {
                diagnostic.location.file = name.map(str::to_owned);
                return Err((*diagnostic).into());
            }
        }
    }
    Ok(found)
}

/// What makes two objects one: not the version, which says only how it is written.
fn identity<'t>(object: &'t Object<'_, '_>) -> (&'t str, &'t str, Option<&'t str>, Option<&'t str>) {
    (object.group(), &object.kind, object.namespace(), object.name())
}

/// Two trees on the way down. Aliases are not followed: their target is compared where it is written.
struct Walk<'t, 's> {
    trees: [&'t Tree<'s>; 2],
    found: Vec<Difference>,
}

impl Walk<'_, '_> {
    fn nodes(&mut self, nodes: [NodeId; 2], trail: Trail<'_>) {
        let ([first, second], [one, other]) = (self.trees, nodes);
        let is_same = match (first.kind(one), second.kind(other)) {
            (Kind::Mapping(_, one), Kind::Mapping(_, other)) => return self.entries([one, other], trail),
            (Kind::Sequence(_, one), Kind::Sequence(_, other)) => return self.items([one, other], trail),
            (Kind::Scalar(one), Kind::Scalar(other)) => is_same(&one, &other),
            (Kind::Alias(one), Kind::Alias(other)) => first.anchor(one) == second.anchor(other),
            _ => false,
        };
        if !is_same || first.tag(one) != second.tag(other) {
            let (path, node) = (trail.to_path(), one);
            self.found.push(Difference { path, node, side: OnlyIn::First, is_alone: false });
        }
    }

    fn items(&mut self, [one, other]: [&[NodeId]; 2], trail: Trail<'_>) {
        for position in 0..one.len().max(other.len()) {
            let trail = Trail::Index(&trail, position);
            match (one.get(position), other.get(position)) {
                (Some(one), Some(other)) => self.nodes([*one, *other], trail),
                (Some(node), None) => self.alone(*node, OnlyIn::First, trail),
                (None, Some(node)) => self.alone(*node, OnlyIn::Second, trail),
                (None, None) => {}
            }
        }
    }

    /// A key that is written twice is compared in the order of its entries.
    fn entries(&mut self, [one, other]: [&[(NodeId, NodeId)]; 2], trail: Trail<'_>) {
        let [first, second] = self.trees;
        let name = |tree: &'_ Tree<'_>, key| tree.text(key).unwrap_or_else(|| tree.source_of(key)).to_owned();
        let mut values: HashMap<String, VecDeque<NodeId>> = HashMap::new();
        for (key, value) in other {
            values.entry(name(second, *key)).or_default().push_back(*value);
        }
        for (key, value) in one {
            let key = name(first, *key);
            let trail = Trail::Key(&trail, &key);
            match values.get_mut(&key).and_then(VecDeque::pop_front) {
                Some(other) => self.nodes([*value, other], trail),
                None => self.alone(*value, OnlyIn::First, trail),
            }
        }
        for (key, value) in other {
            let key = name(second, *key);
            let left = values.get_mut(&key).filter(|left| left.front() == Some(value));
            if left.and_then(VecDeque::pop_front).is_some() {
                self.alone(*value, OnlyIn::Second, Trail::Key(&trail, &key));
            }
        }
    }

    fn alone(&mut self, node: NodeId, side: OnlyIn, trail: Trail<'_>) {
        self.found.push(Difference { path: trail.to_path(), node, side, is_alone: true });
    }
}

/// Whether Kubernetes reads the same: `5` is a number, and `"5"` a text.
fn is_same(one: &Scalar<'_>, other: &Scalar<'_>) -> bool {
    let is_plain = |scalar: &Scalar<'_>| scalar.style == ScalarStyle::Plain;
    one.text == other.text && is_plain(one) == is_plain(other)
}
