//! The one place where errors become exceptions.

use cannery_core::{Error, ErrorKind};
use cannery_json::SyntaxError;
use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyOSError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

use crate::memory;

/// The exception for an error: its class says the kind, its attributes say where and what to do.
#[cold]
pub(crate) fn to_exception(py: Python<'_>, mut error: Error) -> PyErr {
    if let Some(mismatch) = crate::typed::as_exception(py, &mut error) {
        return mismatch;
    }
    if let Some(original) = take_host(&mut error) {
        return with_path(py, original, &error);
    }
    match error.kind() {
        ErrorKind::Interrupted => return PyKeyboardInterrupt::new_err(()),
        ErrorKind::Memory => return crate::memory::error(),
        _ => {}
    }
    build(py, &error).unwrap_or_else(|failure| failure)
}

/// Makes what PyO3 raises for a panic an error of ours, and a `RuntimeError`: a defect in here shall
/// not pass `except Exception` as if the interpreter were to end.
pub(crate) fn adopt_panics(py: Python<'_>) -> PyResult<()> {
    let base = py.import("cannery.errors")?.getattr("CanneryError")?;
    // The built-in comes first: its instances have the layout of those that there are.
    let bases = (py.get_type::<pyo3::exceptions::PyRuntimeError>(), base);
    let panic = py.get_type::<pyo3::panic::PanicException>();
    panic.setattr("__bases__", bases)?;
    panic.setattr("__new__", pyo3::wrap_pyfunction!(new_panic, py)?)
}

/// Makes the exception for a panic. What PyO3 says where the interpreter gave it no object, for which
/// there was no memory, raises `MemoryError` instead.
#[pyfunction]
#[pyo3(signature = (class, *arguments))]
fn new_panic<'py>(
    class: &Bound<'py, PyType>,
    arguments: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let is_memory = arguments.get_item(0).is_ok_and(|said| {
        said.cast::<PyString>().is_ok_and(|said| said == "PyObject pointer is null")
    });
    if is_memory {
        return Err(crate::memory::error());
    }
    let new = py.get_type::<pyo3::exceptions::PyRuntimeError>().getattr(intern!(py, "__new__"))?;
    let mut all = vec![class.clone().into_any()];
    all.extend(arguments.iter());
    new.call1(memory::new_tuple(py, &all)?)
}

/// An exception of Python's as an error, to travel through code that knows no Python.
#[cold]
pub(crate) fn from_exception(exception: PyErr) -> Error {
    Error::host(exception)
}

/// Shortens `result.map_err(...)` at the border to Python.
pub(crate) trait OrRaise<T> {
    /// The value, or its error as an exception.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for cannery_core::Result<T> {
    #[inline]
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| to_exception(py, error))
    }
}

/// Says in an exception of ours, raised by our own Python code, where it happened.
fn with_path(py: Python<'_>, exception: PyErr, error: &Error) -> PyErr {
    // What says that there is no memory takes none.
    if exception.is_instance_of::<PyMemoryError>(py) {
        return exception;
    }
    let value = exception.value(py);
    let is_unset = |name: &str| value.getattr(name).is_ok_and(|found| found.is_none());
    // An exception that cannot take a note is still the exception to raise.
    let note = |name: &str, text: String| {
        if is_unset(name) && value.setattr(name, &text).is_ok() {
            let _ = value.call_method1("add_note", (format!("in `{text}`"),));
        }
    };
    let path = error.path();
    if !path.0.is_empty() {
        note("path", path.to_string());
    }
    if let Some(file) = error.file() {
        note("file", file.to_owned());
    }
    if let Some(pos) = error.pos().filter(|_| is_unset("offset")) {
        let _ = value.setattr("offset", pos.offset);
        if pos.line > 0 {
            let _ = value.setattr("line", pos.line);
            let _ = value.setattr("column", pos.column);
        }
    }
    exception
}

/// The exception that the error carries: as its source, or inside that of a file object.
fn take_host(error: &mut Error) -> Option<PyErr> {
    let source = std::error::Error::source(error)?;
    let io = source.downcast_ref::<std::io::Error>();
    let from_file = io
        .and_then(std::io::Error::get_ref)
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<PyErr>);
    if !from_file && error.kind() != ErrorKind::Host {
        return None;
    }
    let source = error.take_source()?;
    let source = match source.downcast::<std::io::Error>() {
        Ok(io) => io.into_inner()?,
        Err(other) => other,
    };
    source.downcast::<PyErr>().ok().map(|original| *original)
}

/// Like [`to_exception`], for an error that others hold too.
#[cold]
pub(crate) fn shared_to_exception(py: Python<'_>, error: &Error) -> PyErr {
    match error.kind() {
        ErrorKind::Interrupted => PyKeyboardInterrupt::new_err(error.to_string()),
        _ => build(py, error).unwrap_or_else(|failure| failure),
    }
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    // Where memory runs out, texts that are made fallibly give `MemoryError`, and no panic.
    let class = memory::new_text(py, class_name(error.kind()))?;
    let class = py.import(intern!(py, "cannery.errors"))?.getattr(class)?;
    let class = class.cast_into::<PyType>()?;
    let message = memory::new_text(py, &error.to_string())?;
    let exception = match errno(error) {
        Some(errno) if class.is_subclass_of::<PyOSError>()? => class.call1((errno, message))?,
        _ => class.call1((message,))?,
    };
    describe(&exception, error)?;
    Ok(PyErr::from_value(exception))
}

fn class_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Type => "DataTypeError",
        ErrorKind::Depth => "DepthError",
        ErrorKind::Limit => "LimitError",
        ErrorKind::Corrupt => "CorruptError",
        ErrorKind::Version => "VersionError",
        ErrorKind::Untrusted => "UntrustedTypeError",
        ErrorKind::NotFound => "NotFoundError",
        ErrorKind::Permission => "AccessError",
        ErrorKind::Conflict => "ConflictError",
        ErrorKind::Io => "FileError",
        ErrorKind::Timeout => "StepTimeoutError",
        ErrorKind::Worker => "WorkerError",
        _ => "DataError",
    }
}

fn errno(error: &Error) -> Option<i32> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<std::io::Error>()?.raw_os_error()
}

/// Sets the attributes that say where it happened and what to do.
pub(crate) fn describe(exception: &Bound<'_, PyAny>, error: &Error) -> PyResult<()> {
    let in_python = SyntaxError::of(error).and_then(SyntaxError::hint_in_python);
    describe_with(exception, error, in_python.or(error.hint()))
}

/// As [`describe`], with another hint than the error's own.
pub(crate) fn describe_with(
    exception: &Bound<'_, PyAny>,
    error: &Error,
    hint: Option<&str>,
) -> PyResult<()> {
    let py = exception.py();
    if let Some(hint) = hint {
        exception.setattr(intern!(py, "hint"), memory::new_text(py, hint)?)?;
    }
    if let Some(file) = error.file() {
        exception.setattr(intern!(py, "file"), memory::new_text(py, file)?)?;
    }
    let path = error.path();
    if !path.0.is_empty() {
        exception.setattr(intern!(py, "path"), memory::new_text(py, &path.to_string())?)?;
    }
    let Some(pos) = error.pos() else { return Ok(()) };
    exception.setattr(intern!(py, "offset"), memory::unsigned(py, pos.offset)?)?;
    if pos.line > 0 {
        exception.setattr(intern!(py, "line"), memory::unsigned(py, pos.line)?)?;
        exception.setattr(intern!(py, "column"), memory::unsigned(py, pos.column)?)?;
    }
    Ok(())
}
