//! What differs between the interpreters we know, each with a fallback for those we do not.
//!
//! Everything here is a thin wrapper around CPython's C API that pyo3 does not offer, or offers
//! more slowly than a parser's inner loop can bear.

use pyo3::ffi;
use pyo3::prelude::*;

/// The versions whose private dictionary functions and string layout were read and tested.
macro_rules! known_layout {
    ($($item:item)*) => { $(#[cfg(all(not(Py_3_14), not(Py_GIL_DISABLED)))] $item)* };
}

/// Every other interpreter.
macro_rules! unknown_layout {
    ($($item:item)*) => { $(#[cfg(any(Py_3_14, Py_GIL_DISABLED))] $item)* };
}

known_layout! {
    unsafe extern "C" {
        fn _PyDict_NewPresized(min_used: ffi::Py_ssize_t) -> *mut ffi::PyObject;
        fn _PyDict_SetItem_KnownHash(
            dict: *mut ffi::PyObject,
            key: *mut ffi::PyObject,
            value: *mut ffi::PyObject,
            hash: ffi::Py_hash_t,
        ) -> std::ffi::c_int;
    }

    /// A new dictionary with room for `len` entries, or null with an exception set.
    #[inline]
    pub(crate) unsafe fn new_dict(len: usize) -> *mut ffi::PyObject {
        // SAFETY: the caller holds the interpreter; any length is allowed.
        unsafe { _PyDict_NewPresized(len.cast_signed()) }
    }

    /// Puts an entry into a dictionary of our own; -1 with an exception set on failure.
    ///
    /// # Safety
    /// `dict` must be a `dict`, `key` an object with a hash, and the interpreter be held.
    #[inline]
    pub(crate) unsafe fn set_entry(
        dict: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
        value: *mut ffi::PyObject,
    ) -> std::ffi::c_int {
        // SAFETY: an exact `str` has the hash field that is read, and the rest is the caller's
        // promise.
        unsafe {
            if ffi::PyUnicode_CheckExact(key) != 0 {
                let hash = (*key.cast::<ffi::PyASCIIObject>()).hash;
                if hash != -1 {
                    return _PyDict_SetItem_KnownHash(dict, key, value, hash);
                }
            }
            ffi::PyDict_SetItem(dict, key, value)
        }
    }

    /// Width of a character in bytes (1, 2 or 4), and whether all are ASCII.
    ///
    /// # Safety
    /// `text` must be a `str` that is ready.
    #[inline]
    pub(crate) unsafe fn text_kind(text: *mut ffi::PyObject) -> (u32, bool) {
        // SAFETY: every `str` begins with this header. Bits of `state`, in 3.11 to 3.13:
        // interned 2, kind 3, compact 1, ascii 1.
        let state = unsafe { (*text.cast::<ffi::PyASCIIObject>()).state };
        (state >> 2 & 7, state >> 6 & 1 == 1)
    }
}

unknown_layout! {
    /// A new dictionary, or null with an exception set.
    #[inline]
    pub(crate) unsafe fn new_dict(_len: usize) -> *mut ffi::PyObject {
        // SAFETY: the caller holds the interpreter.
        unsafe { ffi::PyDict_New() }
    }

    /// Puts an entry into a dictionary of our own; -1 with an exception set on failure.
    ///
    /// # Safety
    /// `dict` must be a `dict`, and the interpreter be held.
    #[inline]
    pub(crate) unsafe fn set_entry(
        dict: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
        value: *mut ffi::PyObject,
    ) -> std::ffi::c_int {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyDict_SetItem(dict, key, value) }
    }

    /// Width of a character in bytes (1, 2 or 4), and whether all are ASCII.
    ///
    /// # Safety
    /// `text` must be a `str`.
    #[inline]
    pub(crate) unsafe fn text_kind(text: *mut ffi::PyObject) -> (u32, bool) {
        // SAFETY: the caller's promise.
        unsafe {
            let kind = ffi::PyUnicode_KIND(text);
            let ascii = kind == 1 && is_ascii(text);
            (kind, ascii)
        }
    }

    unsafe fn is_ascii(text: *mut ffi::PyObject) -> bool {
        // SAFETY: the text has one byte a character, and lives as long as the caller's reference.
        unsafe {
            let data = ffi::PyUnicode_DATA(text).cast::<u8>();
            let len = ffi::PyUnicode_GET_LENGTH(text).cast_unsigned();
            std::slice::from_raw_parts(data, len).is_ascii()
        }
    }
}

/// Makes a `str` of the oldest kind (3.11 only) fit to be read.
///
/// # Safety
/// `text` must be a `str`, and the interpreter be held.
#[inline]
pub(crate) unsafe fn make_ready(text: *mut ffi::PyObject) -> bool {
    #[cfg(Py_3_12)]
    {
        let _ = text;
        true
    }
    #[cfg(not(Py_3_12))]
    // SAFETY: the caller's promise.
    unsafe {
        ffi::PyUnicode_READY(text) == 0
    }
}

/// Keeps the cyclic collector from running while an object tree is built.
///
/// Every new container would otherwise bring the next collection nearer, and each collection walks
/// what was built so far and finds nothing. No Python code may run meanwhile: then nobody can see
/// the pause, and no other thread can pause at the same time.
pub(crate) struct CollectorPause {
    was_enabled: bool,
}

impl CollectorPause {
    /// Pauses the collector until the value is dropped.
    pub(crate) fn new(_py: Python<'_>) -> Self {
        // Without the lock, other threads would be left without a collector too.
        #[cfg(Py_GIL_DISABLED)]
        let was_enabled = false;
        // SAFETY: the interpreter is held.
        #[cfg(not(Py_GIL_DISABLED))]
        let was_enabled = unsafe { ffi::PyGC_Disable() == 1 };
        Self { was_enabled }
    }

    /// No pause, for builds that call Python code.
    pub(crate) fn none() -> Self {
        Self { was_enabled: false }
    }
}

impl Drop for CollectorPause {
    fn drop(&mut self) {
        if self.was_enabled {
            // SAFETY: the interpreter is held for as long as the builder that owns the pause.
            unsafe { ffi::PyGC_Enable() };
        }
    }
}
