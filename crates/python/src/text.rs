//! Python's strings: made from text in any encoding, and read where they lie.

use cannery_core::Text;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::compat;

/// A new `str`.
#[inline]
pub(crate) fn to_python<'py>(py: Python<'py>, text: Text<'_>) -> PyResult<Bound<'py, PyAny>> {
    match text {
        Text::Ascii(text) => from_ascii(py, text.as_bytes()),
        Text::Utf8(text) => from_utf8(py, text.as_bytes()),
        Text::Surrogates(bytes) => from_utf8(py, bytes),
        Text::Latin1(units) => from_units(py, 1, units.as_ptr().cast(), units.len()),
        Text::Ucs2(units) => from_units(py, 2, units.as_ptr().cast(), units.len()),
        Text::Ucs4(units) => from_units(py, 4, units.as_ptr().cast(), units.len()),
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
        let object = ffi::PyUnicode_New(bytes.len().cast_signed(), 0x7f);
        let owned = Bound::from_owned_ptr_or_err(py, object)?;
        let data = object.cast::<ffi::PyASCIIObject>().add(1).cast::<u8>();
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        Ok(owned)
    }
}

/// A new `str` from UTF-8, in which surrogates may occur.
pub(crate) fn from_utf8<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    // In valid UTF-8 the largest byte tells the widest character, and each byte that does not
    // continue a character begins one.
    let largest = bytes.iter().copied().max().unwrap_or(0);
    if largest < 0x80 {
        return from_ascii(py, bytes);
    }
    let len = bytes.iter().filter(|&&b| b & 0xc0 != 0x80).count();
    if len < 2 {
        return from_one_character(py, bytes);
    }
    match largest {
        0..0xc4 => decode::<u8>(py, bytes, len, 0xff),
        0xc4..0xf0 => decode::<u16>(py, bytes, len, 0xffff),
        _ => decode::<u32>(py, bytes, len, 0x0010_ffff),
    }
}

#[cold]
fn from_one_character<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let (unit, _) = next_character(bytes);
    from_units(py, 4, std::ptr::from_ref(&unit).cast(), 1)
}

fn from_units(
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

/// A unit of a string's memory.
trait Unit: Copy {
    fn from_character(character: u32) -> Self;
}

#[expect(clippy::cast_possible_truncation, reason = "the width holds the widest character")]
impl Unit for u8 {
    #[inline]
    fn from_character(character: u32) -> Self {
        character as u8
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the width holds the widest character")]
impl Unit for u16 {
    #[inline]
    fn from_character(character: u32) -> Self {
        character as u16
    }
}

impl Unit for u32 {
    #[inline]
    fn from_character(character: u32) -> Self {
        character
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
        fill(std::slice::from_raw_parts_mut(data, len), bytes);
        Ok(owned)
    }
}

/// Decodes all of `bytes` into exactly `units`.
fn fill<U: Unit>(units: &mut [U], mut bytes: &[u8]) {
    let mut units = units.iter_mut();
    while let Some(&first) = bytes.first() {
        if first < 0x80 {
            let Some(unit) = units.next() else { return };
            *unit = U::from_character(u32::from(first));
            bytes = &bytes[1..];
            continue;
        }
        let (character, size) = next_character(bytes);
        let Some(unit) = units.next() else { return };
        *unit = U::from_character(character);
        bytes = &bytes[size..];
    }
}

/// The first character of valid, non-empty UTF-8 (with surrogates), and its size in bytes.
#[inline]
fn next_character(bytes: &[u8]) -> (u32, usize) {
    let tail = |byte: u8| u32::from(byte & 0x3f);
    match *bytes {
        [a, b, ..] if a < 0xe0 => (u32::from(a & 0x1f) << 6 | tail(b), 2),
        [a, b, c, ..] if a < 0xf0 => (u32::from(a & 0x0f) << 12 | tail(b) << 6 | tail(c), 3),
        [a, b, c, d, ..] => (u32::from(a & 0x07) << 18 | tail(b) << 12 | tail(c) << 6 | tail(d), 4),
        _ => (0xfffd, bytes.len()),
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
    unsafe { of_wide(text) }
}

unsafe fn of_wide<'a>(text: *mut ffi::PyObject) -> Option<Text<'a>> {
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
