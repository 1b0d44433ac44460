//! `cannery.msgpack`: the reader and the writer of `cannery_msgpack` between Python's objects and
//! bytes, with the names and the behaviour of the package `msgpack`.

mod direct;
mod errors;
mod pack;
mod packer;
mod unpack;
mod unpacker;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyMemoryView, PyTuple, PyType};

use crate::compat;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    pack::register(module)?;
    packer::register(module)?;
    unpack::register(module)?;
    unpacker::register(module)
}

/// A flag, as the package takes them: any object.
pub(crate) fn truth(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    value.is_truthy()
}

/// The classes for what Python has no types for.
pub(crate) struct Classes {
    ext_type: Py<PyType>,
    timestamp: Py<PyType>,
}

/// The classes, looked up once.
pub(crate) fn classes(py: Python<'_>) -> PyResult<&'static Classes> {
    static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
    CLASSES.get_or_try_init(py, || {
        let module = py.import("cannery.msgpack")?;
        let class = |name| Ok::<_, PyErr>(module.getattr(name)?.cast_into::<PyType>()?.unbind());
        let (ext_type, timestamp) = (class("ExtType")?, class("Timestamp")?);
        // Their instances are made past their methods.
        if !ext_type.bind(py).is_subclass_of::<PyTuple>()?
            || !compat::is_made_by_object(timestamp.bind(py).as_any())?
        {
            let message = "`ExtType` and `Timestamp` of `cannery.msgpack` were replaced";
            return Err(PyTypeError::new_err(message));
        }
        Ok(Classes { ext_type, timestamp })
    })
}

impl Classes {
    /// `ExtType`.
    pub(crate) fn ext_type<'py>(&self, py: Python<'py>) -> &Bound<'py, PyType> {
        self.ext_type.bind(py)
    }

    /// `Timestamp`.
    pub(crate) fn timestamp<'py>(&self, py: Python<'py>) -> &Bound<'py, PyType> {
        self.timestamp.bind(py)
    }
}

/// Bytes as Python code hands them over.
pub(crate) enum Data<'a, 'py> {
    /// They cannot change.
    Lent(&'a [u8]),
    /// A copy: other code may change the original while it is read.
    Copied(Bound<'py, PyBytes>),
}

impl<'a, 'py> Data<'a, 'py> {
    /// The bytes of anything with a buffer of single bytes.
    pub(crate) fn of(object: &'a Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Self::Lent(bytes.as_bytes()));
        }
        let view = PyMemoryView::from(object)?;
        if view.getattr("itemsize")?.extract::<usize>()? != 1 {
            let message = "cannot unpack from multi-byte object";
            return Err(pyo3::exceptions::PyBufferError::new_err(message));
        }
        let copy = object.py().get_type::<PyBytes>().call1((view,))?;
        Ok(Self::Copied(copy.cast_into::<PyBytes>()?))
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Data::Lent(bytes) => bytes,
            Data::Copied(bytes) => bytes.as_bytes(),
        }
    }
}
