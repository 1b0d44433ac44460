//! What lies at the beginning of NumPy's arrays: its public headers have read it there since 1.7.

use std::ffi::{c_char, c_int};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// `PyArrayObject_fields` of `ndarraytypes.h`, as far as it is read.
#[repr(C)]
struct Fields {
    base: ffi::PyObject,
    data: *mut c_char,
    dimensions_len: c_int,
    dimensions: *const isize,
    strides: *const isize,
    owner: *mut ffi::PyObject,
    dtype: *mut ffi::PyObject,
    flags: c_int,
}

const C_CONTIGUOUS: c_int = 1;
const F_CONTIGUOUS: c_int = 2;

/// Where an array's elements lie, and in which shape.
pub(crate) struct Header {
    pub(crate) data: *mut u8,
    pub(crate) shape: Vec<u64>,
    pub(crate) c_contiguous: bool,
    pub(crate) f_contiguous: bool,
}

/// The header of an array of exactly NumPy's own class; `None` if this NumPy keeps it otherwise.
pub(crate) fn read(array: &Bound<'_, PyAny>) -> PyResult<Option<Header>> {
    static IS_KNOWN: PyOnceLock<bool> = PyOnceLock::new();
    let is_known = *IS_KNOWN.get_or_try_init(array.py(), || {
        // SAFETY: an object of NumPy's class is larger than what is read of it.
        Ok::<_, PyErr>(
            basic_size(array) >= size_of::<Fields>() && agrees(array, &unsafe { fields(array) })?,
        )
    })?;
    // SAFETY: the layout was compared with what NumPy says, of the first array.
    Ok(is_known.then(|| unsafe { fields(array) }))
}

fn basic_size(array: &Bound<'_, PyAny>) -> usize {
    // SAFETY: the object is live, and so is its type.
    usize::try_from(unsafe { (*array.get_type_ptr()).tp_basicsize }).unwrap_or(0)
}

/// # Safety
/// The object is at least as large as the fields, and is laid out as they are.
unsafe fn fields(array: &Bound<'_, PyAny>) -> Header {
    // SAFETY: as promised; there are as many dimensions as the array says.
    unsafe {
        let fields = &*array.as_ptr().cast::<Fields>();
        let len = usize::try_from(fields.dimensions_len).unwrap_or(0).min(64);
        let shape = (0..len).map(|axis| (*fields.dimensions.add(axis)).cast_unsigned() as u64);
        Header {
            data: fields.data.cast(),
            shape: if fields.dimensions.is_null() { Vec::new() } else { shape.collect() },
            c_contiguous: fields.flags & C_CONTIGUOUS != 0,
            f_contiguous: fields.flags & F_CONTIGUOUS != 0,
        }
    }
}

fn agrees(array: &Bound<'_, PyAny>, header: &Header) -> PyResult<bool> {
    let (data, _) = super::array::memory_of(array)?;
    let flags = array.getattr("flags")?;
    Ok(header.data == data
        && header.shape == array.getattr("shape")?.extract::<Vec<u64>>()?
        && header.c_contiguous == flags.getattr("c_contiguous")?.extract::<bool>()?
        && header.f_contiguous == flags.getattr("f_contiguous")?.extract::<bool>()?)
}
