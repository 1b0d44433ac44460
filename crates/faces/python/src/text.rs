//! Python's strings: made from text in any encoding, and read where they lie.

use cannery_core::Text;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::compat;
use crate::utf8::{self, Measure, Unit};
use crate::wide;

/// A new `str`.
#[inline]
pub(crate) fn to_python<'py>(py: Python<'py>, text: Text<'_>) -> PyResult<Bound<'py, PyAny>> {
    match text {
        Text::Ascii(text) => from_ascii(py, text.as_bytes()),
        Text::Utf8(text) => from_utf8(py, text.as_bytes()),
        Text::Surrogates(bytes) => from_utf8(py, bytes),
        Text::Latin1(units) => wide::from_latin1(py, units),
        Text::Ucs2(units) => wide::from_ucs2(py, units),
        Text::Ucs4(units) => wide::from_ucs4(py, units),
    }
}

/// A new `str` of ASCII characters.
#[inline]
pub(crate) fn from_ascii<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    // The interpreter shares its texts of no and one character; so do we.
    if bytes.len() < 2 {
        return from_units(py, 1, bytes.as_ptr().cast(), bytes.len());
    }
    // SAFETY: a new ASCII text has its characters right behind the header.
    unsafe {
        let object = compat::new_ascii(bytes.len());
        let owned = Bound::from_owned_ptr_or_err(py, object)?;
        let data = object.cast::<ffi::PyASCIIObject>().add(1).cast::<u8>();
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        Ok(owned)
    }
}

/// A new `str` from UTF-8, in which surrogates may occur.
pub(crate) fn from_utf8<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let Measure { largest, characters: len } = utf8::measure(bytes);
    if largest < 0x80 {
        return from_ascii(py, bytes);
    }
    if len < 2 {
        return from_one_character(py, bytes);
    }
    match largest {
        0..0xc4 => decode::<u8>(py, bytes, len, 0xff),
        0xc4..0xf0 => decode::<u16>(py, bytes, len, 0xffff),
        _ => decode::<u32>(py, bytes, len, 0x0010_ffff),
    }
}

/// A new `str` from UTF-8; other bytes become lone surrogates, as in the names of files.
pub(crate) fn from_file_name<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let (start, len) = (bytes.as_ptr().cast(), bytes.len().cast_signed());
    // SAFETY: the bytes are there during the call, and the name of the handler ends with a NUL.
    unsafe {
        let made = ffi::PyUnicode_DecodeUTF8(start, len, c"surrogateescape".as_ptr());
        Bound::from_owned_ptr_or_err(py, made)
    }
}

#[cold]
fn from_one_character<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let (unit, _) = utf8::next_character(bytes);
    from_units(py, 4, std::ptr::from_ref(&unit).cast(), 1)
}

/// A new `str` of units of `kind` bytes, by the interpreter's own function.
pub(crate) fn from_units(
    py: Python<'_>,
    kind: i32,
    units: *const std::ffi::c_void,
    len: usize,
) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: `units` points to `len` units of `kind` bytes, and none is above U+10FFFF.
    unsafe {
        let object = ffi::PyUnicode_FromKindAndData(kind, units, len.cast_signed());
        Bound::from_owned_ptr_or_err(py, object)
    }
}

fn decode<'py, U: Unit>(
    py: Python<'py>,
    bytes: &[u8],
    len: usize,
    widest: u32,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a new text that is not ASCII has room for `len` units right behind the larger
    // header; `widest` asks for units of U's size, and every one is written.
    unsafe {
        let object = ffi::PyUnicode_New(len.cast_signed(), widest);
        let owned = Bound::from_owned_ptr_or_err(py, object)?;
        let data = object.cast::<ffi::PyCompactUnicodeObject>().add(1).cast::<U>();
        utf8::fill(data, bytes);
        Ok(owned)
    }
}

/// The characters of a `str` (or of a subclass), where they lie.
///
/// # Errors
/// `MemoryError`, for the oldest kind of string in 3.11.
#[inline]
pub(crate) fn of_python<'a>(text: &'a Bound<'_, PyAny>) -> PyResult<Text<'a>> {
    // SAFETY: the reference keeps the string alive, and strings do not change.
    unsafe { of_pointer(text.as_ptr()) }.ok_or_else(|| PyErr::fetch(text.py()))
}

/// The characters of a `str`, where they lie; `None` with an exception set.
///
/// # Safety
/// `text` must be a `str`, live as long as `'a`, and the interpreter be held.
#[inline]
pub(crate) unsafe fn of_pointer<'a>(text: *mut ffi::PyObject) -> Option<Text<'a>> {
    // SAFETY: the caller's promise.
    if let Some(ascii) = unsafe { compat::compact_ascii(text) } {
        return Some(Text::Ascii(ascii));
    }
    // SAFETY: the caller's promise.
    if let Some(utf8) = unsafe { compat::cached_utf8(text) } {
        return Some(Text::Utf8(utf8));
    }
    // SAFETY: the caller's promise.
    unsafe { units(text) }
}

/// The units of a `str`, whatever else the interpreter keeps; `None` with an exception set.
///
/// # Safety
/// As for [`of_pointer`].
pub(crate) unsafe fn units<'a>(text: *mut ffi::PyObject) -> Option<Text<'a>> {
    // SAFETY: data and length belong to each other; ASCII was checked by the interpreter.
    unsafe {
        if !compat::make_ready(text) {
            return None;
        }
        let (kind, ascii) = compat::text_kind(text);
        let data = ffi::PyUnicode_DATA(text);
        let len = ffi::PyUnicode_GET_LENGTH(text).cast_unsigned();
        Some(match kind {
            _ if ascii => Text::Ascii(std::str::from_utf8_unchecked(slice(data.cast(), len))),
            1 => Text::Latin1(slice(data.cast(), len)),
            2 => Text::Ucs2(slice(data.cast(), len)),
            _ => Text::Ucs4(slice(data.cast(), len)),
        })
    }
}

unsafe fn slice<'a, T>(data: *const T, len: usize) -> &'a [T] {
    // SAFETY: the caller took both from one string.
    unsafe { std::slice::from_raw_parts(data, len) }
}
