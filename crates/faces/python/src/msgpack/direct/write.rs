//! Objects to bytes: read where they lie, written where the bytes will stay.

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

use super::cursor::{ContainerKind, Cursor};
use super::{Bail, Done, most_levels};
use crate::compat::{self, Entry};
use crate::text;

/// The length of the last document: many are as long as the one before.
static LAST: AtomicUsize = AtomicUsize::new(0);

/// `obj` as MessagePack, or `None` to say that it must be made another way.
pub(crate) fn bytes<'py>(obj: &Bound<'py, PyAny>, depth: usize) -> Option<Bound<'py, PyAny>> {
    if !compat::KNOWN_LAYOUT {
        return None;
    }
    let room = LAST.load(Ordering::Relaxed).clamp(1 << 8, 1 << 18);
    let mut cursor = Cursor::new(obj.py(), room)?;
    // SAFETY: the object is alive.
    unsafe { value(&mut cursor, obj.as_ptr(), most_levels(depth)) }.ok()?;
    LAST.store(cursor.len(), Ordering::Relaxed);
    cursor.finish()
}

/// Writes an object, which may hold that many levels of containers.
///
/// # Safety
/// It is alive, and keeps alive what is in it: no other code runs.
#[inline(always)]
unsafe fn value(cursor: &mut Cursor<'_>, object: *mut ffi::PyObject, levels: usize) -> Done {
    // SAFETY: each type's fields are read after the type was seen.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if ptr::eq(class, &raw const ffi::PyUnicode_Type) {
            text(cursor, object)
        } else if ptr::eq(class, &raw const ffi::PyLong_Type) {
            int(cursor, object)
        } else if ptr::eq(class, &raw const ffi::PyFloat_Type) {
            cursor.float(ffi::PyFloat_AS_DOUBLE(object))
        } else if ptr::eq(class, &raw const ffi::PyDict_Type) {
            dict(cursor, object, levels)
        } else if ptr::eq(class, &raw const ffi::PyList_Type) {
            let items = (*object.cast::<ffi::PyListObject>()).ob_item;
            list(cursor, items.cast_const(), ffi::PyList_GET_SIZE(object), levels)
        } else if ptr::eq(object, ffi::Py_None()) {
            cursor.nil()
        } else if ptr::eq(object, ffi::Py_True()) {
            cursor.bool(true)
        } else if ptr::eq(object, ffi::Py_False()) {
            cursor.bool(false)
        } else if ptr::eq(class, &raw const ffi::PyTuple_Type) {
            let items = &raw const (*object.cast::<ffi::PyTupleObject>()).ob_item;
            list(cursor, items.cast(), ffi::PyTuple_GET_SIZE(object), levels)
        } else if ptr::eq(class, &raw const ffi::PyBytes_Type) {
            let start = ffi::PyBytes_AsString(object).cast::<u8>();
            let len = ffi::PyBytes_Size(object).cast_unsigned();
            cursor.bytes(std::slice::from_raw_parts(start, len))
        } else {
            Err(Bail)
        }
    }
}

#[inline(never)]
unsafe fn list(
    cursor: &mut Cursor<'_>,
    items: *const *mut ffi::PyObject,
    len: ffi::Py_ssize_t,
    levels: usize,
) -> Done {
    let levels = levels.checked_sub(1).ok_or(Bail)?;
    cursor.container(ContainerKind::Array, len.cast_unsigned())?;
    for index in 0..len {
        // SAFETY: that many items there are; the rest is the caller's promise.
        unsafe { value(cursor, *items.offset(index), levels)? };
    }
    Ok(())
}

#[inline(never)]
unsafe fn dict(cursor: &mut Cursor<'_>, object: *mut ffi::PyObject, levels: usize) -> Done {
    let levels = levels.checked_sub(1).ok_or(Bail)?;
    // SAFETY: the caller saw that it is a dictionary, and no code changes it.
    unsafe {
        cursor.container(ContainerKind::Map, compat::dict_len(object))?;
        let Some((entries, count)) = compat::text_entries(object) else {
            return unknown_table(cursor, object, levels);
        };
        for index in 0..count {
            let Entry { key, value: item } = *entries.add(index);
            // Else it was removed.
            if !item.is_null() {
                text(cursor, key)?;
                value(cursor, item, levels)?;
            }
        }
    }
    Ok(())
}

/// The entries of a dictionary whose table is not known.
#[inline(never)]
unsafe fn unknown_table(cursor: &mut Cursor<'_>, dict: *mut ffi::PyObject, levels: usize) -> Done {
    let (mut at, mut key, mut item) = (0, ptr::null_mut(), ptr::null_mut());
    // SAFETY: the dictionary is alive, and no code changes it; the references are borrowed from it.
    unsafe {
        while ffi::PyDict_Next(dict, &raw mut at, &raw mut key, &raw mut item) != 0 {
            value(cursor, key, levels)?;
            value(cursor, item, levels)?;
        }
    }
    Ok(())
}

#[inline(always)]
unsafe fn int(cursor: &mut Cursor<'_>, object: *mut ffi::PyObject) -> Done {
    // SAFETY: the caller saw that it is an int.
    unsafe {
        match compat::medium_int(object) {
            Some(value) => cursor.int(value),
            None => long_int(cursor, object),
        }
    }
}

#[inline(never)]
unsafe fn long_int(cursor: &mut Cursor<'_>, object: *mut ffi::PyObject) -> Done {
    let mut overflow = 0;
    // SAFETY: the caller saw that it is an int; then the calls can only overflow.
    unsafe {
        let word = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
        if overflow == 0 {
            return cursor.int(word);
        }
        let word = ffi::PyLong_AsUnsignedLongLong(object);
        if ffi::PyErr_Occurred().is_null() {
            return cursor.unsigned(word);
        }
        ffi::PyErr_Clear();
    }
    Err(Bail)
}

/// Writes a text.
#[inline(always)]
unsafe fn text(cursor: &mut Cursor<'_>, object: *mut ffi::PyObject) -> Done {
    // SAFETY: the caller saw that it is a text, or it is a key of a table that has only texts.
    unsafe {
        match compat::compact_ascii(object) {
            Some(ascii) => cursor.text(ascii.as_bytes()),
            None => wide(cursor, object),
        }
    }
}

#[inline(never)]
unsafe fn wide(cursor: &mut Cursor<'_>, object: *mut ffi::PyObject) -> Done {
    // SAFETY: as for `text`.
    unsafe {
        let Some(text) = text::of_pointer(object) else {
            // The writer will meet the same exception.
            ffi::PyErr_Clear();
            return Err(Bail);
        };
        cursor.wide(text)
    }
}
