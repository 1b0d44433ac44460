//! Dictionaries with the keys of an earlier one are copies of a template, filled in as they are
//! read: their keys are compared with those expected, and neither hashed nor looked up.

use std::sync::Mutex;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::compat::{self, Entry};

/// Slots; a power of two.
const SLOTS: usize = 512;

/// The most keys that a template has: maps with more are rare, and so are those that recur.
const MOST_KEYS: usize = 96;

/// The longest key that a template has.
const LONGEST_KEY: usize = 255;

/// Templates by the first key and the number of keys.
pub(super) struct Templates {
    slots: Box<[Slot]>,
}

#[derive(Default)]
struct Slot {
    template: Option<Py<PyAny>>,
    len: usize,
    /// What the last keys were that the template did not have.
    others: u64,
}

static RESTING: Mutex<Option<Templates>> = Mutex::new(None);

impl Templates {
    /// Those of an earlier document, or new ones while those are in use.
    pub(super) fn take() -> Self {
        let object_slot = RESTING.lock().ok().and_then(|mut object_slot| object_slot.take());
        let new = || std::iter::repeat_with(Slot::default).take(SLOTS).collect();
        object_slot.unwrap_or_else(|| Self { slots: new() })
    }

    /// Keeps them for the next document.
    pub(super) fn give_back(self) {
        if let Ok(mut object_slot) = RESTING.lock() {
            *object_slot = Some(self);
        }
    }

    /// The slot for maps of that many entries that begin with these bytes.
    #[inline(always)]
    pub(super) fn slot(rest: &[u8], len: usize) -> usize {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let start = rest.first_chunk().map_or(0, |start| u64::from_le_bytes(*start));
        // A short first key ends before the chunk does.
        let key = match rest.first() {
            Some(marker @ 0xa0..0xa7) => start & !(u64::MAX << (8 * u32::from(marker & 7) + 8)),
            _ => start,
        };
        ((key ^ (len as u64) << 56).wrapping_mul(FACTOR) >> 48) as usize % SLOTS
    }

    /// A copy of the slot's template, if that has that many keys.
    #[inline(always)]
    pub(super) fn filling<'py>(
        &self,
        py: Python<'py>,
        slot: usize,
        len: usize,
    ) -> Option<Filling<'py>> {
        let slot = &self.slots[slot % SLOTS];
        let template = slot.template.as_ref().filter(|_| slot.len == len)?;
        Filling::of(template.bind(py), len)
    }

    /// The slot's template was right.
    #[inline(always)]
    pub(super) fn fits(&mut self, slot: usize) {
        self.slots[slot % SLOTS].others = 0;
    }

    /// A dictionary was made without the slot's template. The second time it has the same keys,
    /// with none in between that fit, it becomes the template.
    #[inline]
    pub(super) fn note(&mut self, slot: usize, dict: &Bound<'_, PyAny>, len: usize) {
        // SAFETY: it is a `dict`.
        let Some((entries, count)) = (unsafe { compat::text_entries(dict.as_ptr()) }) else {
            return;
        };
        if count != len || !(1..=MOST_KEYS).contains(&count) {
            return;
        }
        // SAFETY: that many entries there are; the keys come from a cache, and are the same objects.
        let keys = unsafe { std::slice::from_raw_parts(entries, count) };
        let mix = |mixed: u64, entry: &Entry| mixed.rotate_left(7) ^ entry.key as u64;
        let others = keys.iter().fold(1, mix);
        let slot = &mut self.slots[slot % SLOTS];
        if slot.others == others {
            (slot.template, slot.len) = (template(dict).map(Bound::unbind), len);
        }
        slot.others = others;
    }
}

/// A dictionary with the same keys, which are its values, too.
#[cold]
fn template<'py>(dict: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let mut entries = Vec::new();
    for key in dict.cast::<PyDict>().ok()?.keys() {
        // SAFETY: the keys are texts, as `text_entries` said.
        let ascii = unsafe { compat::compact_ascii(key.as_ptr()) }?;
        if ascii.len() > LONGEST_KEY {
            return None;
        }
        entries.push([key.clone(), key]);
    }
    compat::template(dict.py(), &entries)
}

/// A copy of a template, on its way to become a dictionary of its own.
pub(super) struct Filling<'py> {
    dict: Bound<'py, PyAny>,
    entries: *mut Entry,
    flags: std::ffi::c_ulong,
}

impl<'py> Filling<'py> {
    #[inline(always)]
    fn of(template: &Bound<'py, PyAny>, len: usize) -> Option<Self> {
        // SAFETY: the template is a `dict`, and so is its copy.
        unsafe {
            let copy = ffi::PyDict_Copy(template.as_ptr());
            let dict = Bound::from_owned_ptr_or_err(template.py(), copy).ok()?;
            let (entries, count) = compat::text_entries(copy)?;
            (count == len).then_some(Self { dict, entries, flags: 0 })
        }
    }

    /// A key, as ASCII.
    #[inline(always)]
    pub(super) fn key(&self, index: usize) -> &[u8] {
        // SAFETY: the caller stays below the template's length; its keys are ASCII.
        unsafe {
            let key = (*self.entries.add(index)).key;
            compat::compact_ascii(key).unwrap_or_default().as_bytes()
        }
    }

    /// Puts a value behind its key.
    #[inline(always)]
    pub(super) fn set(&mut self, index: usize, value: Bound<'py, PyAny>) {
        // SAFETY: the caller stays below the template's length. The key, which was the value, is
        // still referred to as the key.
        unsafe {
            self.flags |= compat::type_flags(value.get_type_ptr());
            let entry = self.entries.add(index);
            ffi::Py_DECREF((*entry).value);
            (*entry).value = value.into_ptr();
        }
    }

    /// The dictionary, complete.
    #[inline(always)]
    pub(super) fn finish(self) -> Bound<'py, PyAny> {
        let dict = self.dict.as_ptr();
        // SAFETY: a dictionary that no other code knows; the collector must know of its containers.
        unsafe {
            if self.flags & ffi::Py_TPFLAGS_HAVE_GC != 0 && ffi::PyObject_GC_IsTracked(dict) == 0 {
                ffi::PyObject_GC_Track(dict.cast());
            }
        }
        self.dict
    }

    /// A dictionary of its first entries, with room for as many as the template has.
    #[cold]
    pub(super) fn leave(self, count: usize) -> Option<Bound<'py, PyAny>> {
        let py = self.dict.py();
        // SAFETY: that many entries have their values.
        unsafe {
            let room = compat::dict_len(self.dict.as_ptr());
            let dict = Bound::from_owned_ptr_or_err(py, compat::new_dict(room)).ok()?;
            for index in 0..count {
                let Entry { key, value } = *self.entries.add(index);
                if compat::set_entry(dict.as_ptr(), key, value) < 0 {
                    drop(PyErr::take(py));
                    return None;
                }
            }
            Some(dict)
        }
    }
}
