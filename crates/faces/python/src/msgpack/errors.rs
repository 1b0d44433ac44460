//! Errors as the exceptions that users of `msgpack` catch.

use cannery_core::{Error, ErrorKind};
use pyo3::prelude::*;

use crate::errors::{describe, to_exception};

/// The exception for bytes that could not be unpacked.
#[cold]
pub(super) fn unpack_error(py: Python<'_>, error: Error) -> PyErr {
    match error.kind() {
        ErrorKind::Depth => build(py, "StackError", &error),
        ErrorKind::Syntax => build(py, "FormatError", &error),
        _ => return to_exception(py, error),
    }
    .unwrap_or_else(|failure| failure)
}

/// The exception for an object that could not be packed.
#[cold]
pub(super) fn pack_error(py: Python<'_>, error: Error) -> PyErr {
    match error.kind() {
        ErrorKind::Depth => build(py, "StackError", &error),
        ErrorKind::Value if is_out_of_range(error.message()) => build(py, "RangeError", &error),
        _ => return to_exception(py, error),
    }
    .unwrap_or_else(|failure| failure)
}

fn is_out_of_range(message: &str) -> bool {
    message.starts_with("Integer") || message.starts_with("Float")
}

/// The exception for bytes of which not all have come.
#[cold]
pub(super) fn out_of_data(py: Python<'_>) -> PyErr {
    let made = py.import("cannery.msgpack").and_then(|module| {
        let exception = module.getattr("OutOfData")?.call1(("No more data to unpack.",))?;
        Ok(PyErr::from_value(exception))
    });
    made.unwrap_or_else(|failure| failure)
}

/// The exception for a buffer that would become larger than it may.
#[cold]
pub(super) fn buffer_full(py: Python<'_>, most: usize) -> PyErr {
    let message = format!("more than max_buffer_size({most}) bytes wait to be unpacked");
    let made = py.import("cannery.msgpack").and_then(|module| {
        let exception = module.getattr("BufferFull")?.call1((message,))?;
        exception.setattr("hint", "raise `max_buffer_size` if this input is trusted")?;
        Ok(PyErr::from_value(exception))
    });
    made.unwrap_or_else(|failure| failure)
}

/// The exception for bytes behind a document.
#[cold]
pub(super) fn extra_data(value: &Bound<'_, PyAny>, data: &[u8], used: usize) -> PyErr {
    let py = value.py();
    let made = py.import("cannery.msgpack").and_then(|module| {
        let extra = crate::memory::new_bytes(py, &data[used..])?;
        let exception = module.getattr("ExtraData")?.call1((value, extra))?;
        exception.setattr("offset", used)?;
        Ok(PyErr::from_value(exception))
    });
    made.unwrap_or_else(|failure| failure)
}

fn build(py: Python<'_>, class: &str, error: &Error) -> PyResult<PyErr> {
    let class = py.import("cannery.msgpack")?.getattr(class)?;
    let exception = class.call1((error.to_string(),))?;
    describe(&exception, error)?;
    Ok(PyErr::from_value(exception))
}
