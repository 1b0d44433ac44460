//! Python's scalars and containers from parts that are already objects.

use cannery_core::BigInt;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyFrozenSet, PySet};

use crate::compat;
use crate::memory;

/// An `int` of 64 bits.
#[inline]
pub(crate) fn int(py: Python<'_>, value: i64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the interpreter is held.
    unsafe { Bound::from_owned_ptr_or_err(py, compat::new_int(value)) }
}

/// An `int` of any size, within `sys.set_int_max_str_digits`.
pub(crate) fn big_int<'py>(py: Python<'py>, value: BigInt<'_>) -> PyResult<Bound<'py, PyAny>> {
    match value {
        BigInt::U64(value) => memory::unsigned(py, value),
        BigInt::Decimal(digits) => int_from_digits(py, digits),
        BigInt::LittleEndian(bytes) => {
            let class = py.get_type::<pyo3::types::PyInt>();
            let options = memory::new_dict(py)?;
            options.set_item(intern!(py, "signed"), true)?;
            let bytes = memory::new_bytes(py, bytes)?.into_any();
            let arguments =
                memory::new_tuple(py, &[bytes, intern!(py, "little").clone().into_any()])?;
            class.getattr(intern!(py, "from_bytes"))?.call(arguments, Some(&options))
        }
    }
}

fn int_from_digits<'py>(py: Python<'py>, digits: &str) -> PyResult<Bound<'py, PyAny>> {
    let text = std::ffi::CString::new(digits).unwrap_or_default();
    // SAFETY: the text ends in a NUL, and it does not matter where the number ended.
    unsafe {
        let number = ffi::PyLong_FromString(text.as_ptr(), std::ptr::null_mut(), 10);
        Bound::from_owned_ptr_or_err(py, number)
    }
}

/// A `float`.
#[inline]
pub(crate) fn float(py: Python<'_>, value: f64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the interpreter is held.
    unsafe { Bound::from_owned_ptr_or_err(py, compat::new_float(value)) }
}

/// A `list` of the values from `base` on, which leave the stack.
#[inline]
pub(crate) fn list<'py>(
    py: Python<'py>,
    values: &mut Vec<Bound<'py, PyAny>>,
    base: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let items = &values[base..];
    // SAFETY: bound references are pointers; the stack gives them up as soon as the list has them.
    unsafe {
        let list = compat::new_list(items.as_ptr().cast(), items.len());
        let list = Bound::from_owned_ptr_or_err(py, list)?;
        values.set_len(base);
        Ok(list)
    }
}

/// A `dict` of the keys and values, taking turns, from `base` on, which leave the stack.
///
/// A key that occurs twice keeps its first place and its last value.
#[inline]
pub(crate) fn dict<'py>(
    py: Python<'py>,
    values: &mut Vec<Bound<'py, PyAny>>,
    base: usize,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(dict) = compat::text_dict(py, values, base) {
        return Ok(dict);
    }
    let len = (values.len() - base) / 2;
    // SAFETY: the interpreter is held.
    let dict = unsafe { Bound::from_owned_ptr_or_err(py, compat::new_dict(len))? };
    fill_dict(&dict, values, base)?;
    Ok(dict)
}

/// Puts the keys and values from `base` on into a `dict`.
#[inline]
pub(crate) fn fill_dict<'py>(
    dict: &Bound<'py, PyAny>,
    values: &mut Vec<Bound<'py, PyAny>>,
    base: usize,
) -> PyResult<()> {
    let (entries, _) = values[base..].as_chunks::<2>();
    for [key, value] in entries {
        // SAFETY: all three are live, and `dict` is a dictionary made by the caller.
        let status = unsafe { compat::set_entry(dict.as_ptr(), key.as_ptr(), value.as_ptr()) };
        if status < 0 {
            return Err(PyErr::fetch(dict.py()));
        }
    }
    values.truncate(base);
    Ok(())
}

/// A `tuple` of the values from `base` on, which leave the stack.
pub(crate) fn tuple<'py>(
    py: Python<'py>,
    values: &mut Vec<Bound<'py, PyAny>>,
    base: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let tuple = memory::new_tuple(py, &values[base..])?;
    values.truncate(base);
    Ok(tuple.into_any())
}

/// A `set` of the values from `base` on, which leave the stack.
pub(crate) fn set<'py>(
    py: Python<'py>,
    values: &mut Vec<Bound<'py, PyAny>>,
    base: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let set = PySet::new(py, &values[base..])?;
    values.truncate(base);
    Ok(set.into_any())
}

/// A `frozenset` of the values from `base` on, which leave the stack.
pub(crate) fn frozen_set<'py>(
    py: Python<'py>,
    values: &mut Vec<Bound<'py, PyAny>>,
    base: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let set = PyFrozenSet::new(py, &values[base..])?;
    values.truncate(base);
    Ok(set.into_any())
}

/// Makes a new dictionary the attributes of a new instance.
pub(crate) fn set_attributes<'py>(
    instance: &Bound<'py, PyAny>,
    parts: &Bound<'py, PyAny>,
) -> PyResult<()> {
    // SAFETY: both are live, and the interpreter is held.
    #[cfg(not(Py_3_13))]
    let status = unsafe {
        ffi::PyObject_GenericSetDict(instance.as_ptr(), parts.as_ptr(), std::ptr::null_mut())
    };
    // Since 3.13 that call leaves the values within the instance in force; the class's own
    // descriptor does not.
    #[cfg(Py_3_13)]
    // SAFETY: as above.
    let status = unsafe {
        let name = pyo3::intern!(instance.py(), "__dict__");
        ffi::PyObject_GenericSetAttr(instance.as_ptr(), name.as_ptr(), parts.as_ptr())
    };
    if status < 0 { Err(PyErr::fetch(instance.py())) } else { Ok(()) }
}
