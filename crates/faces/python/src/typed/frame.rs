//! Where the builder is inside each container that has begun.

use cannery_core::Segment;

use super::errors::key_segment;
use super::make::Slot;
use super::plan::{Dict, Items, Node, Record, Tagged};

/// A container that has begun and not ended.
#[derive(Clone, Copy)]
pub(super) struct OpenPlan<'p> {
    pub(super) shape: Shape<'p>,
    /// What was expected in its place.
    pub(super) node: &'p Node,
    /// Where on the stack its values begin.
    pub(super) base: usize,
    /// The number of the field or item in work, where the shape counts them.
    pub(super) at: usize,
}

/// What becomes of the values in it.
#[derive(Clone, Copy)]
pub(super) enum Shape<'p> {
    /// There is no container around the document's value.
    Root,
    /// All items are of one node, the second.
    Items(&'p Items, &'p Node),
    /// Each item has its own node.
    Fixed(&'p [usize]),
    /// Items are fields.
    Row(&'p Record),
    Dict(&'p Dict),
    Record(&'p Record),
    /// A record of which the tag has not been seen.
    Tagged(&'p Tagged),
    /// A well-known object: its one part is its value.
    Boxed,
    /// MessagePack's extension, of two parts.
    Extension,
}

/// The field of a record before its first key.
pub(super) const BEFORE_FIRST: usize = usize::MAX;

impl OpenPlan<'_> {
    /// The step from this container to the value in work; the values above `top` are those of
    /// inner containers.
    pub(super) fn segment(&self, values: &[Slot<'_>], top: usize) -> Option<Segment> {
        match self.shape {
            Shape::Items(..) => Some(Segment::Index((top - self.base) as u64)),
            Shape::Fixed(_) | Shape::Row(_) => Some(Segment::Index(self.at as u64)),
            Shape::Record(record) => {
                let name = record.lookup.name(self.at)?;
                Some(Segment::Key(String::from_utf8_lossy(name).into_owned().into()))
            }
            Shape::Dict(_) if (top - self.base) % 2 == 1 => {
                values[top - 1].as_ref().map(key_segment)
            }
            _ => None,
        }
    }
}
