//! Items of containers, before anything is done with them.
//!
//! A container keeps its items for as long as no code changes it, and that may happen wherever Python
//! code runs: in an error handler or the `write` of a file that a sink calls, in a finalizer when an
//! object is made that the collector knows. So what a container lends is of a type that no sink takes
//! and that cannot be looked at: [`Lent`] is used up by owning it, or by copying the value out of it.

use cannery_core::{Result, Sink};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::{is_exactly, scalar};
use crate::compat;

/// A reference that its container holds, and that is good until anything else is done.
pub(super) struct Lent<'a, 'py>(Borrowed<'a, 'py, PyAny>);

/// An item that no container is needed for.
pub(super) enum Item<'py> {
    Int(i64),
    Float(f64),
    Owned(Bound<'py, PyAny>),
}

impl<'py> Lent<'_, 'py> {
    /// # Safety
    /// `object` is alive, and nothing else is done before this is used up.
    #[inline(always)]
    unsafe fn new(py: Python<'py>, object: *mut ffi::PyObject) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { Borrowed::from_ptr(py, object) })
    }

    #[inline(always)]
    fn own(self) -> Bound<'py, PyAny> {
        self.0.to_owned()
    }

    #[inline(always)]
    fn take(self) -> Item<'py> {
        if is_exactly(&self.0, &raw mut ffi::PyLong_Type)
            // SAFETY: it is an int, as was just seen.
            && let Some(small) = unsafe { compat::small_int(self.0.as_ptr()) }
        {
            return Item::Int(small);
        }
        if is_exactly(&self.0, &raw mut ffi::PyFloat_Type) {
            return Item::Float(scalar::float_of(&self.0));
        }
        Item::Owned(self.own())
    }
}

impl<'py> Item<'py> {
    /// Sends the item, or gives it back if it is no scalar.
    #[inline(always)]
    pub(super) fn send<S: Sink>(self, sink: &mut S) -> Result<Option<Bound<'py, PyAny>>> {
        match self {
            Item::Int(value) => sink.int(value).map(|()| None),
            Item::Float(value) => sink.float(value).map(|()| None),
            Item::Owned(value) => Ok(if scalar::send(&value, sink)? { None } else { Some(value) }),
        }
    }
}

/// The item of a list at an index, if the list is that long now.
#[inline(always)]
pub(super) fn list_item<'py>(list: &Bound<'py, PyList>, index: usize) -> Option<Item<'py>> {
    #[cfg(Py_GIL_DISABLED)]
    return list.get_item(index).ok().map(Item::Owned);
    #[cfg(not(Py_GIL_DISABLED))]
    {
        if index >= list.len() {
            return None;
        }
        // SAFETY: the index is inside the list, which has an object at each.
        let lent = unsafe {
            let item = ffi::PyList_GET_ITEM(list.as_ptr(), index.cast_signed());
            Lent::new(list.py(), item)
        };
        Some(lent.take())
    }
}

/// The next entry of a dictionary, which may have changed since the one before.
///
/// The cursor is the interpreter's own, which counts the places of the table.
#[inline(always)]
pub(super) fn next_entry<'py>(
    dict: &Bound<'py, PyDict>,
    cursor: &mut ffi::Py_ssize_t,
) -> Option<(Bound<'py, PyAny>, Item<'py>)> {
    let py = dict.py();
    let (key, value) = next_lent(dict, cursor)?;
    // SAFETY: the dictionary holds both, and only references to them are counted here.
    unsafe { Some((Lent::new(py, key).own(), Lent::new(py, value).take())) }
}

#[inline(always)]
fn next_lent(
    dict: &Bound<'_, PyDict>,
    cursor: &mut ffi::Py_ssize_t,
) -> Option<(*mut ffi::PyObject, *mut ffi::PyObject)> {
    let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
    let dict = dict.as_ptr();
    // SAFETY: a dictionary; its table is asked for anew each time, and the cursor is compared with
    // what it has now.
    unsafe {
        if let Some((entries, count)) = compat::text_entries(dict) {
            while *cursor < count.cast_signed() {
                let entry = entries.offset(*cursor);
                *cursor += 1;
                if !(*entry).value.is_null() {
                    return Some(((*entry).key, (*entry).value));
                }
            }
            return None;
        }
        let found = ffi::PyDict_Next(dict, cursor, &raw mut key, &raw mut value) != 0;
        found.then_some((key, value))
    }
}
