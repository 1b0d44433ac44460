//! Dictionaries with the same keys in the same order are copies of one template, filled in.
//!
//! Copying a table of keys is quicker than putting each key into a new one, where its place must be
//! looked for. Documents are lists of records, so that most of their dictionaries come again.

use pyo3::prelude::*;

use super::make;
use crate::compat;

/// Slots; a power of two.
const SLOTS: usize = 512;

/// The most keys that a shape has: records with more are rare, and so are those that recur.
const MOST_KEYS: usize = 96;

/// Shapes by the addresses of their keys, which are shared by way of the cache of keys.
pub(super) struct Shapes {
    slots: Box<[Slot]>,
}

/// A shape that was seen, and from its second time on a template for it.
#[derive(Default)]
struct Slot {
    signature: u64,
    template: Option<Py<PyAny>>,
}

impl Shapes {
    pub(super) fn new() -> Self {
        Self { slots: std::iter::repeat_with(Slot::default).take(SLOTS).collect() }
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
        if entries.is_empty() || entries.len() > MOST_KEYS {
            return make::dict(py, values, base);
        }
        let signature = signature(entries);
        let slot = &mut self.slots[(signature >> 40) as usize % SLOTS];
        if slot.signature != signature {
            slot.signature = signature;
            if let Some(former) = slot.template.take() {
                former.drop_ref(py);
            }
        } else if let Some(template) = &slot.template {
            if let Some(dict) = compat::dict_like(template.bind(py), values, base) {
                return Ok(dict);
            }
        } else {
            slot.template = compat::template(py, entries).map(Bound::unbind);
        }
        make::dict(py, values, base)
    }
}

#[inline]
fn signature(entries: &[[Bound<'_, PyAny>; 2]]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let addresses = entries.iter().map(|[key, _]| key.as_ptr() as u64);
    // One cheap step for each key: the template's keys are compared anyway.
    addresses.fold(1_u64, |mixed, address| mixed.rotate_left(7) ^ address).wrapping_mul(FACTOR)
}
