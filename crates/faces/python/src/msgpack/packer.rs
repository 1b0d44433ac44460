//! `Packer`: objects to bytes, with a buffer of its own.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cannery_core::{Container, Limits};
use cannery_msgpack::{WriteOptions, Writer};
use pyo3::exceptions::{PyBufferError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyMemoryView, PyTuple};

use super::errors::pack_error;
use super::pack::{check_default, pack, pack_to};
use super::{Data, truth};
use crate::memory;
use crate::walk::PackOptions;

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<MsgpackPacker>()
}

/// Packs objects into MessagePack.
///
/// - ``default``: called for values of other types; gives something to pack instead.
/// - ``use_single_float``: write floats in 32 bits.
/// - ``autoreset``: return the bytes of each call; else collect them for ``bytes()``.
/// - ``use_bin_type``: write ``bytes`` as such; else as strings, as before 2013.
/// - ``strict_types``: write no subclasses and no tuples, but give them to ``default``.
/// - ``datetime``: write aware datetimes as timestamps.
/// - ``unicode_errors``: the error handler for text with surrogates.
/// - ``buf_size``: room to begin with.
#[pyclass(subclass, module = "cannery.msgpack", name = "Packer")]
#[derive(Default)]
struct MsgpackPacker {
    options: PackOptions,
    keep: bool,
    /// Stays as it is, and where it is, for as long as there are views of it.
    buffer: Vec<u8>,
    /// How many views there are. Each has a share of the count, so that it can go at any time: while
    /// the packer is in use, too.
    exports: Arc<AtomicUsize>,
}

impl MsgpackPacker {
    fn check_exports(&self) -> PyResult<()> {
        if self.exports.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        let message = "Existing exports of data: Packer cannot be changed";
        Err(PyBufferError::new_err(message))
    }

    /// Lets `write` put something into the buffer, and hands all of it out or keeps it.
    fn write<'py>(
        &mut self,
        py: Python<'py>,
        write: impl FnOnce(&mut Writer<'_, &mut Vec<u8>>) -> cannery_core::Result<()>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.check_exports()?;
        let before = self.buffer.len();
        let written = write(&mut Writer::to(&mut self.buffer, self.options.write));
        self.written(py, before, written)
    }

    /// Hands out what was written, or keeps it; what failed leaves nothing behind.
    fn written<'py>(
        &mut self,
        py: Python<'py>,
        before: usize,
        written: cannery_core::Result<()>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        if let Err(error) = written {
            self.buffer.truncate(before);
            return Err(pack_error(py, error));
        }
        if self.keep {
            return Ok(None);
        }
        let bytes = memory::new_bytes(py, &self.buffer);
        self.buffer.clear();
        bytes.map(Some)
    }

    fn header<'py>(
        &mut self,
        py: Python<'py>,
        container: Container,
        size: i64,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let length = u32::try_from(size).map_err(|_| {
            // The words of the package `msgpack`.
            PyValueError::new_err(if size < 0 {
                format!("size must be non-negative, not {size}")
            } else {
                format!("size must be below 2**32, not {size}")
            })
        })?;
        self.write(py, |writer| writer.header(container, length as usize))
    }
}

#[pymethods]
impl MsgpackPacker {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = None)]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self::default()
    }

    #[pyo3(signature = (*, default=None, use_single_float=false, autoreset=true, use_bin_type=true,
        strict_types=false, datetime=false, unicode_errors=None, buf_size=None))]
    #[expect(clippy::too_many_arguments, reason = "the signature of the package")]
    #[expect(clippy::fn_params_excessive_bools, reason = "the signature of the package")]
    fn __init__(
        &mut self,
        py: Python<'_>,
        default: Option<Py<PyAny>>,
        #[pyo3(from_py_with = truth)] use_single_float: bool,
        #[pyo3(from_py_with = truth)] autoreset: bool,
        #[pyo3(from_py_with = truth)] use_bin_type: bool,
        #[pyo3(from_py_with = truth)] strict_types: bool,
        #[pyo3(from_py_with = truth)] datetime: bool,
        unicode_errors: Option<String>,
        buf_size: Option<usize>,
    ) -> PyResult<()> {
        self.check_exports()?;
        check_default(py, default.as_ref())?;
        let write = WriteOptions::default()
            .old_specification(!use_bin_type)
            .single_floats(use_single_float);
        self.options = PackOptions { default, strict_types, datetime, unicode_errors, write };
        self.keep = !autoreset;
        if let Some(size) = buf_size {
            let reserved = self.buffer.try_reserve(size);
            reserved
                .map_err(|error| pyo3::exceptions::PyMemoryError::new_err(error.to_string()))?;
        }
        Ok(())
    }

    /// Pack one object: as ``bytes``, or with ``autoreset=False`` into the buffer.
    fn pack<'py>(&mut self, obj: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.check_exports()?;
        if !self.keep && self.buffer.is_empty() {
            return pack(obj, &self.options, Limits::default()).map(Some);
        }
        let before = self.buffer.len();
        let written = pack_to(&mut self.buffer, [obj], &self.options, Limits::default()).map(drop);
        Ok(self.written(obj.py(), before, written)?.map(Bound::into_any))
    }

    /// Pack a sequence of pairs as a map.
    fn pack_map_pairs<'py>(
        &mut self,
        pairs: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let py = pairs.py();
        self.check_exports()?;
        let pairs = py.get_type::<PyList>().call1((pairs,))?.cast_into::<PyList>()?;
        let pairs =
            pairs.iter().map(|pair| pair.extract()).collect::<PyResult<Vec<Pair<'py>>>>()?;
        let before = self.buffer.len();
        let mut writer = Writer::to(&mut self.buffer, self.options.write);
        let written = writer.header(Container::Map, pairs.len()).and_then(|()| {
            let values = pairs.iter().flat_map(|(key, value)| [key, value]);
            pack_to(&mut self.buffer, values, &self.options, Limits::default()).map(drop)
        });
        self.written(py, before, written)
    }

    /// Pack the header of an array; its items follow, packed one by one.
    fn pack_array_header<'py>(
        &mut self,
        py: Python<'py>,
        size: i64,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.header(py, Container::List, size)
    }

    /// Pack the header of a map; its keys and values follow, packed one by one.
    fn pack_map_header<'py>(
        &mut self,
        py: Python<'py>,
        size: i64,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.header(py, Container::Map, size)
    }

    /// Pack an extension of a code from -128 to 127.
    fn pack_ext_type<'py>(
        &mut self,
        py: Python<'py>,
        typecode: i64,
        data: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let code = i8::try_from(typecode)
            .map_err(|_| PyValueError::new_err("typecode must be from -128 to 127"))?;
        let data = Data::of(data).map_err(|_| PyTypeError::new_err("data must be bytes"))?;
        self.write(py, |writer| writer.extension(code, data.bytes()))
    }

    /// Return what is in the buffer.
    fn bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        memory::new_bytes(py, &self.buffer)
    }

    /// Empty the buffer.
    fn reset(&mut self) -> PyResult<()> {
        self.check_exports()?;
        self.buffer.clear();
        Ok(())
    }

    /// Return a view of the buffer; the packer cannot be used while it is held.
    fn getbuffer<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        PyMemoryView::from(slf.as_any())
    }

    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let busy = |_| PyBufferError::new_err("the packer is in use");
        let packer = slf.try_borrow_mut().map_err(busy)?;
        let data = packer.buffer.as_ptr().cast_mut().cast();
        let length = packer.buffer.len().cast_signed();
        // SAFETY: the buffer is not touched while it is exported; the view is valid for writing.
        unsafe {
            if ffi::PyBuffer_FillInfo(view, slf.as_ptr(), data, length, 1, flags) != 0 {
                return Err(PyErr::fetch(slf.py()));
            }
            (*view).internal = Arc::into_raw(packer.exports.clone()).cast_mut().cast();
        }
        packer.exports.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    unsafe fn __releasebuffer__(_slf: Bound<'_, Self>, view: *mut ffi::Py_buffer) {
        // SAFETY: what `__getbuffer__` left there; each view is released once.
        let exports = unsafe { Arc::from_raw((*view).internal.cast::<AtomicUsize>()) };
        exports.fetch_sub(1, Ordering::Relaxed);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.options.default)
    }

    fn __clear__(&mut self) {
        self.options.default = None;
    }
}

type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);
