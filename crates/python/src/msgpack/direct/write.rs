//! Objects to bytes: read where they lie, written where the bytes will stay.

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

use super::pen::{Kind, Pen};
use super::{Done, GaveUp, most_levels};
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
    let mut pen = Pen::new(obj.py(), room)?;
    // SAFETY: the object is alive.
    unsafe { value(&mut pen, obj.as_ptr(), most_levels(depth)) }.ok()?;
    LAST.store(pen.len(), Ordering::Relaxed);
    pen.finish()
}

/// Writes an object, which may hold so many levels of containers.
///
/// # Safety
/// It is alive, and keeps alive what is in it: nobody else runs.
#[inline(always)]
unsafe fn value(pen: &mut Pen<'_>, object: *mut ffi::PyObject, levels: usize) -> Done {
    // SAFETY: each type's fields are read after the type was seen.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if ptr::eq(class, &raw const ffi::PyUnicode_Type) {
            text(pen, object)
        } else if ptr::eq(class, &raw const ffi::PyLong_Type) {
            int(pen, object)
        } else if ptr::eq(class, &raw const ffi::PyFloat_Type) {
            pen.float(ffi::PyFloat_AS_DOUBLE(object))
        } else if ptr::eq(class, &raw const ffi::PyDict_Type) {
            dict(pen, object, levels)
        } else if ptr::eq(class, &raw const ffi::PyList_Type) {
            let items = (*object.cast::<ffi::PyListObject>()).ob_item;
            list(pen, items.cast_const(), ffi::PyList_GET_SIZE(object), levels)
        } else if ptr::eq(object, ffi::Py_None()) {
            pen.nil()
        } else if ptr::eq(object, ffi::Py_True()) {
            pen.bool(true)
        } else if ptr::eq(object, ffi::Py_False()) {
            pen.bool(false)
        } else if ptr::eq(class, &raw const ffi::PyTuple_Type) {
            let items = &raw const (*object.cast::<ffi::PyTupleObject>()).ob_item;
            list(pen, items.cast(), ffi::PyTuple_GET_SIZE(object), levels)
        } else if ptr::eq(class, &raw const ffi::PyBytes_Type) {
            let start = ffi::PyBytes_AsString(object).cast::<u8>();
            let len = ffi::PyBytes_Size(object).cast_unsigned();
            pen.bytes(std::slice::from_raw_parts(start, len))
        } else {
            Err(GaveUp)
        }
    }
}

#[inline(never)]
unsafe fn list(
    pen: &mut Pen<'_>,
    items: *const *mut ffi::PyObject,
    len: ffi::Py_ssize_t,
    levels: usize,
) -> Done {
    let levels = levels.checked_sub(1).ok_or(GaveUp)?;
    pen.container(Kind::Array, len.cast_unsigned())?;
    for index in 0..len {
        // SAFETY: so many items there are; the rest is the caller's promise.
        unsafe { value(pen, *items.offset(index), levels)? };
    }
    Ok(())
}

#[inline(never)]
unsafe fn dict(pen: &mut Pen<'_>, object: *mut ffi::PyObject, levels: usize) -> Done {
    let levels = levels.checked_sub(1).ok_or(GaveUp)?;
    // SAFETY: the caller saw that it is a dictionary, and nobody changes it.
    unsafe {
        pen.container(Kind::Map, compat::dict_len(object))?;
        let Some((entries, count)) = compat::text_entries(object) else {
            return unknown_table(pen, object, levels);
        };
        for index in 0..count {
            let Entry { key, value: item } = *entries.add(index);
            // Else it was removed.
            if !item.is_null() {
                text(pen, key)?;
                value(pen, item, levels)?;
            }
        }
    }
    Ok(())
}

/// The entries of a dictionary whose table is not known.
#[inline(never)]
unsafe fn unknown_table(pen: &mut Pen<'_>, dict: *mut ffi::PyObject, levels: usize) -> Done {
    let (mut at, mut key, mut item) = (0, ptr::null_mut(), ptr::null_mut());
    // SAFETY: the dictionary is alive, and nobody changes it; the references are borrowed from it.
    unsafe {
        while ffi::PyDict_Next(dict, &raw mut at, &raw mut key, &raw mut item) != 0 {
            value(pen, key, levels)?;
            value(pen, item, levels)?;
        }
    }
    Ok(())
}

#[inline(always)]
unsafe fn int(pen: &mut Pen<'_>, object: *mut ffi::PyObject) -> Done {
    // SAFETY: the caller saw that it is an int.
    unsafe {
        match compat::medium_int(object) {
            Some(value) => pen.int(value),
            None => long_int(pen, object),
        }
    }
}

#[inline(never)]
unsafe fn long_int(pen: &mut Pen<'_>, object: *mut ffi::PyObject) -> Done {
    let mut overflow = 0;
    // SAFETY: the caller saw that it is an int; then the calls can only overflow.
    unsafe {
        let word = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
        if overflow == 0 {
            return pen.int(word);
        }
        let word = ffi::PyLong_AsUnsignedLongLong(object);
        if ffi::PyErr_Occurred().is_null() {
            return pen.unsigned(word);
        }
        ffi::PyErr_Clear();
    }
    Err(GaveUp)
}

/// Writes a text.
#[inline(always)]
unsafe fn text(pen: &mut Pen<'_>, object: *mut ffi::PyObject) -> Done {
    // SAFETY: the caller saw that it is a text, or it is a key of a table that has only texts.
    unsafe {
        match compat::compact_ascii(object) {
            Some(ascii) => pen.text(ascii.as_bytes()),
            None => wide(pen, object),
        }
    }
}

#[inline(never)]
unsafe fn wide(pen: &mut Pen<'_>, object: *mut ffi::PyObject) -> Done {
    // SAFETY: as for `text`.
    unsafe {
        let Some(text) = text::of_pointer(object) else {
            // The writer will meet the same exception.
            ffi::PyErr_Clear();
            return Err(GaveUp);
        };
        pen.wide(text)
    }
}
