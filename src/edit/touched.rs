//! The places of a document that a patch touches.

use std::cmp::Ordering;

use crate::edit::patch::{Op, Patch};
use crate::yaml::Step;

/// The places that a patch touches, in order.
pub(super) struct TouchedPlaces<'p>(Vec<TouchedPlace<'p>>);

/// A place that an operation names.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct TouchedPlace<'p> {
    steps: &'p [Step],
    /// Whether the operation needs what is there.
    is_read: bool,
}

/// What of them is at or below a node.
#[derive(Clone, Copy)]
pub(super) struct Touched<'a> {
    places: &'a [TouchedPlace<'a>],
    depth: usize,
}

impl<'p> TouchedPlaces<'p> {
    /// Those of a patch.
    pub(super) fn of(patch: &'p Patch) -> Self {
        // What is removed or replaced need not be known, and where something is added the collection must be, not the place.
        let place = |op: &'p Op| {
            let is_read = matches!(op, Op::Test { .. } | Op::Append { .. });
            TouchedPlace { steps: op.path().steps(), is_read }
        };
        let mut places: Vec<_> = patch.ops().iter().map(place).collect();
        places.sort_unstable();
        Self(places)
    }

    /// All of them.
    pub(super) fn at_root(&self) -> Touched<'_> {
        Touched { places: &self.0, depth: 0 }
    }
}

impl Touched<'_> {
    /// Whether the patch needs to know the node: it is the root, names something inside, or asks what the node is.
    pub(super) fn is_read(self) -> bool {
        self.depth == 0 || self.places.iter().any(|place| place.is_read || place.steps.len() > self.depth)
    }

    /// The same of an item.
    pub(super) fn item(self, position: usize) -> Self {
        self.below(|step| step.cmp(&Step::Index(position)))
    }

    /// The same of the value of a key.
    pub(super) fn entry(self, key: &str) -> Self {
        self.below(|step| match step {
            Step::Key(other) => other.as_str().cmp(key),
            Step::Index(_) => Ordering::Greater,
        })
    }

    /// The places whose next step is the one that this order finds.
    fn below(self, order: impl Fn(&Step) -> Ordering) -> Self {
        let next = |place: &TouchedPlace<'_>| place.steps.get(self.depth).map_or(Ordering::Less, &order);
        let places = &self.places[self.places.partition_point(|place| next(place).is_lt())..];
        let places = &places[..places.partition_point(|place| next(place).is_eq())];
        Self { places, depth: self.depth + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Path;

    #[test]
    fn a_place_is_read_where_an_operation_needs_it() {
        let env = Path::root().key("spec").key("env");
        let mut patch = Patch::default();
        patch.push(Op::Remove { path: env.index(2) });
        patch.push(Op::Test { path: env.index(10).key("name"), value: "A".into() });
        patch.push(Op::Append { sequence: Path::root().key("list"), value: "x".into() });
        patch.push(Op::Add { path: Path::root().key("map").key("new"), value: "x".into() });
        let places = TouchedPlaces::of(&patch);
        let root = places.at_root();
        let items = root.entry("spec").entry("env");
        assert!(root.is_read() && items.is_read() && items.item(10).is_read());
        assert!(items.item(10).entry("name").is_read() && !items.item(10).entry("value").is_read());
        assert!(!items.item(2).is_read() && !items.item(1).is_read() && !root.entry("other").is_read());
        assert!(root.entry("list").is_read() && !root.entry("list").item(0).is_read());
        assert!(root.entry("map").is_read() && !root.entry("map").entry("new").is_read());
    }
}
