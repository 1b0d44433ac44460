//! The scalars that every dialect sees alike.

use cannery_core::{BigInt, Result, Sink, Text};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::is_exactly;
use crate::compat;
use crate::errors::from_exception;
use crate::memory;
use crate::text;

/// Sends `None`, a `bool`, `int`, `float` or `str`, not a subclass of them; else sends nothing and
/// gives `false`.
#[inline(always)]
pub(crate) fn send<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S) -> Result<bool> {
    if is_exactly(value, &raw mut ffi::PyUnicode_Type) {
        sink.text(super::text_of(value)?)?;
    } else if is_exactly(value, &raw mut ffi::PyLong_Type) {
        return send_int(value, sink);
    } else if is_exactly(value, &raw mut ffi::PyFloat_Type) {
        sink.float(float_of(value))?;
    } else if is_exactly(value, &raw mut ffi::PyBool_Type) {
        sink.bool(value.is(&*pyo3::types::PyBool::new(value.py(), true)))?;
    } else if value.is_none() {
        sink.null()?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// The value of a `float` or of a subclass, whatever its methods say.
#[inline]
pub(crate) fn float_of(value: &Bound<'_, PyAny>) -> f64 {
    // SAFETY: the caller saw that it is a float.
    unsafe { ffi::PyFloat_AS_DOUBLE(value.as_ptr()) }
}

/// Sends an `int` or one of a subclass, whatever its methods say; `false` if it is too large for
/// the sink.
#[inline]
pub(crate) fn send_int<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S) -> Result<bool> {
    // SAFETY: the caller saw that it is an int.
    if let Some(small) = unsafe { compat::small_int(value.as_ptr()) } {
        sink.int(small)?;
        return Ok(true);
    }
    let mut overflow = 0;
    // SAFETY: the caller saw that it is an int; then this cannot fail but only overflow.
    let word = unsafe { ffi::PyLong_AsLongLongAndOverflow(value.as_ptr(), &raw mut overflow) };
    if overflow != 0 {
        return send_big_int(value, sink);
    }
    sink.int(word)?;
    Ok(true)
}

#[cold]
fn send_big_int<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S) -> Result<bool> {
    if let Ok(word) = value.extract::<u64>() {
        sink.big_int(BigInt::U64(word))?;
        return Ok(true);
    }
    if sink.wants().machine_ints {
        return Ok(false);
    }
    let bytes = little_endian(value).map_err(from_exception)?;
    sink.big_int(BigInt::LittleEndian(&bytes))?;
    Ok(true)
}

fn little_endian(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let py = value.py();
    let class = py.get_type::<pyo3::types::PyInt>();
    let bits: usize = class.call_method1(intern!(py, "bit_length"), (value,))?.extract()?;
    let options = memory::new_dict(py)?;
    options.set_item(intern!(py, "signed"), true)?;
    let size = memory::unsigned(py, bits as u64 / 8 + 1)?;
    let order = intern!(py, "little").clone().into_any();
    let arguments = memory::new_tuple(py, &[value.clone(), size, order])?;
    let bytes = class.getattr(intern!(py, "to_bytes"))?.call(arguments, Some(&options))?;
    memory::copied(bytes.cast::<PyBytes>()?.as_bytes())
}

/// Sends a scalar of a subclass as the standard library does: by its value.
pub(crate) fn send_subclass<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S) -> Result<bool> {
    // SAFETY: the object is live; the checks read the flags of its type.
    unsafe {
        let pointer = value.as_ptr();
        if ffi::PyUnicode_Check(pointer) != 0 {
            let text: Text<'_> = text::of_python(value).map_err(from_exception)?;
            sink.text(text)?;
        } else if ffi::PyLong_Check(pointer) != 0 {
            return send_int(value, sink);
        } else if ffi::PyFloat_Check(pointer) != 0 {
            sink.float(float_of(value))?;
        } else {
            return Ok(false);
        }
    }
    Ok(true)
}
