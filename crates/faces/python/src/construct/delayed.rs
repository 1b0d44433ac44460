//! Sets and maps that are filled later: a key is hashed by its attributes, and an object that is part
//! of its own keys has none yet when they have been read.

use std::collections::{BTreeMap, HashSet};

use cannery_core::Container;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString};

use super::weight::Weight;

/// A set or map whose keys refer to an object that is still being read.
pub(super) struct DelayedKeys<'py> {
    pub(super) target: Target<'py>,
    /// The items, or the keys and values, taking turns.
    pub(super) values: Vec<Bound<'py, PyAny>>,
    pub(super) parts: Weight,
    order: u64,
}

/// What the keys are put into.
pub(super) enum Target<'py> {
    /// An empty `set` or `dict`.
    Filled(Bound<'py, PyAny>, Container),
    /// A `frozenset`, which is made when its items can be hashed; a placeholder stands for it.
    FrozenSet(u64),
}

/// The sets and maps that wait, by the number of containers that are open when they can be filled.
#[derive(Default)]
pub(super) struct DelayedContainers<'py> {
    waiting: BTreeMap<usize, Vec<DelayedKeys<'py>>>,
    frozen: HashSet<u64>,
    /// How many there have been.
    count: u64,
    /// How many gaps wait for one of the frozen sets.
    pub(super) gaps: usize,
}

/// The first number of a value that has none in the document: those are smaller.
pub(super) const FIRST_OWN_ID: u64 = 1 << 63;

impl<'py> DelayedContainers<'py> {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many there have been: what comes later has a larger number.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether one can be filled when that many containers are open.
    pub(super) fn is_one_ready(&self, open: usize) -> bool {
        self.waiting.last_key_value().is_some_and(|(&until, _)| until >= open)
    }

    /// Lets one wait for the object that is the open container of the index `until`.
    pub(super) fn push(
        &mut self,
        until: usize,
        target: Target<'py>,
        values: Vec<Bound<'py, PyAny>>,
        parts: Weight,
    ) {
        if let Target::FrozenSet(id) = target {
            self.frozen.insert(id);
        }
        let order = self.count;
        self.count += 1;
        self.waiting.entry(until).or_default().push(DelayedKeys { target, values, parts, order });
    }

    /// A number for a frozen set that has none.
    pub(super) fn own_id(&self) -> u64 {
        FIRST_OWN_ID + self.count
    }

    /// Whether a gap waits for one of the frozen sets.
    pub(super) fn holds(&self, id: u64) -> bool {
        self.frozen.contains(&id)
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.frozen.remove(&id);
    }

    /// Takes those that can be filled when that many containers are open, in their order.
    pub(super) fn take_ready(&mut self, open: usize) -> Vec<DelayedKeys<'py>> {
        in_order(self.waiting.split_off(&open).into_values().flatten())
    }

    /// Takes those that were put by since there were `count`, in their order.
    pub(super) fn take_since(&mut self, count: u64) -> Vec<DelayedKeys<'py>> {
        let mut taken = Vec::new();
        for waiting in self.waiting.values_mut() {
            let first = waiting.partition_point(|delayed| delayed.order < count);
            taken.extend(waiting.drain(first..));
        }
        self.waiting.retain(|_, waiting| !waiting.is_empty());
        in_order(taken.into_iter())
    }
}

fn in_order<'py>(delayed: impl Iterator<Item = DelayedKeys<'py>>) -> Vec<DelayedKeys<'py>> {
    let mut delayed: Vec<_> = delayed.collect();
    delayed.sort_by_key(|delayed| delayed.order);
    delayed
}

/// Whether what is hashed of these values are scalars, whose hash is always the same.
pub(super) fn has_only_scalar_keys(container: Container, values: &[Bound<'_, PyAny>]) -> bool {
    match container {
        Container::List | Container::Tuple => true,
        Container::Map => values.iter().step_by(2).all(is_scalar),
        Container::Set | Container::FrozenSet => values.iter().all(is_scalar),
    }
}

fn is_scalar(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyBytes>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_none()
}
