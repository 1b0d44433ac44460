//! The builder's stacks, kept from one document to the next: most documents are small.

use pyo3::prelude::*;

use super::frame::OpenPlan;
use super::make::Slot;
use crate::object_slot::{ObjectSlot, emptied};

/// Empty stacks with room.
pub(super) struct Stacks {
    values: Vec<Option<Py<PyAny>>>,
    frames: Vec<OpenPlan<'static>>,
}

/// The most values to keep room for.
const MOST: usize = 1 << 12;

static RESTING: ObjectSlot<Stacks> = ObjectSlot::new();

impl Stacks {
    /// The stacks of an earlier builder, or new ones while those are in use.
    #[inline]
    #[expect(clippy::unnecessary_box_returns, reason = "the box is handed over, not what is in it")]
    pub(super) fn take(py: Python<'_>) -> Box<Self> {
        RESTING.take(py).unwrap_or_else(Self::new)
    }

    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "the box is handed over, not what is in it")]
    fn new() -> Box<Self> {
        Box::new(Self { values: Vec::with_capacity(64), frames: Vec::with_capacity(16) })
    }

    /// Hands over the room that there is.
    #[inline]
    pub(super) fn room<'p, 'py>(&mut self) -> (Vec<Slot<'py>>, Vec<OpenPlan<'p>>) {
        (emptied(std::mem::take(&mut self.values)), emptied(std::mem::take(&mut self.frames)))
    }

    /// Keeps the room for the next builder.
    #[inline]
    pub(super) fn give_back(
        mut self: Box<Self>,
        py: Python<'_>,
        values: Vec<Slot<'_>>,
        frames: Vec<OpenPlan<'_>>,
    ) {
        if values.capacity() <= MOST && frames.capacity() <= MOST {
            (self.values, self.frames) = (emptied(values), emptied(frames));
            RESTING.give_back(py, self);
        }
    }
}
