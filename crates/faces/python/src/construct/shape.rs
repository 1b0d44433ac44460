//! Dictionaries with the same keys in the same order are copies of one template, filled in.
//!
//! Copying a table of keys is quicker than putting each key into a new one, where its place must be
//! looked for. Documents are lists of records, so that most of their dictionaries come again.

use pyo3::prelude::*;

use super::make;
use super::worth::Worth;
use crate::compat;

/// Slots; a power of two.
const SLOTS: usize = 512;

/// Slots that a shape may be in: its own and its neighbours.
const NEIGHBOURS: usize = 4;

/// The most keys that a shape has: records with more are rare, and so are those that recur.
const MOST_KEYS: usize = 96;

/// Shapes by the addresses of their keys, which are shared by way of the cache of keys.
pub(super) struct Shapes {
    slots: Box<[Slot]>,
    /// Whether shapes come again.
    repeats: Worth,
}

/// A shape that was seen, and from its second time on a template for it.
#[derive(Default)]
struct Slot {
    /// Zero, which is no shape's, if there is none.
    signature: u64,
    template: Option<Py<PyAny>>,
}

impl Shapes {
    pub(super) fn new() -> Self {
        Self {
            slots: std::iter::repeat_with(Slot::default).take(SLOTS).collect(),
            repeats: Worth::default(),
        }
    }

    /// [`make::dict`], by way of a template where there is one.
    #[inline]
    pub(super) fn dict<'py>(
        &mut self,
        py: Python<'py>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (entries, _) = values[base..].as_chunks::<2>();
        if entries.is_empty() || entries.len() > MOST_KEYS || !self.repeats.is_given() {
            return make::dict(py, values, base);
        }
        let signature = signature(entries);
        let slot = self.slot(py, signature);
        if let Some(template) = &slot.template {
            if let Some(dict) = compat::dict_like(template.bind(py), values, base) {
                self.repeats.right();
                return Ok(dict);
            }
            self.repeats.wrong();
            return make::dict(py, values, base);
        }
        if slot.signature == signature {
            slot.template = compat::template(py, entries).map(Bound::unbind);
        } else {
            slot.signature = signature;
        }
        self.repeats.wrong();
        make::dict(py, values, base)
    }

    /// The slot of a shape: one that has its signature, or an empty one for it.
    #[inline(always)]
    fn slot(&mut self, py: Python<'_>, signature: u64) -> &mut Slot {
        let home = (signature >> 40) as usize % SLOTS;
        if self.slots[home].signature == signature {
            return &mut self.slots[home];
        }
        self.neighbour(py, signature, home)
    }

    #[inline(never)]
    fn neighbour(&mut self, py: Python<'_>, signature: u64, home: usize) -> &mut Slot {
        let mut near = (0..NEIGHBOURS).map(|neighbour| home ^ neighbour);
        let fits = |&at: &usize| [signature, 0].contains(&self.slots[at].signature);
        if let Some(at) = near.find(fits) {
            return &mut self.slots[at];
        }
        let slot = &mut self.slots[home];
        slot.signature = 0;
        if let Some(former) = slot.template.take() {
            former.drop_ref(py);
        }
        slot
    }
}

#[inline]
fn signature(entries: &[[Bound<'_, PyAny>; 2]]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let addresses = entries.iter().map(|[key, _]| key.as_ptr() as u64);
    // One cheap step for each key: the template's keys are compared anyway.
    addresses.fold(1_u64, |mixed, address| mixed.rotate_left(7) ^ address).wrapping_mul(FACTOR)
}
