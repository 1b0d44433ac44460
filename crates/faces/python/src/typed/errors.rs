//! Values of another type than was asked for: where they are, and what was expected.

use std::fmt;

use cannery_core::{Error, ErrorKind, Segment};
use pyo3::exceptions::{PyArithmeticError, PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::errors::{describe, from_exception};
use crate::text;

/// How much of a value a message shows.
const SHOWN: usize = 40;

/// Marks an error as one about a value's type, and keeps the exception behind it.
#[derive(Debug)]
struct Mismatch(Option<PyErr>);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of another type")
    }
}

impl std::error::Error for Mismatch {}

/// The error for a value of the wrong kind.
#[cold]
pub(super) fn mismatch(message: String) -> Error {
    Error::new(ErrorKind::Type, message).with_source(Mismatch(None))
}

/// The error for an exception of a function that makes or checks a value: if it is about the
/// value, it is a mismatch, else itself.
#[cold]
pub(super) fn refused(py: Python<'_>, exception: PyErr, expected: Option<String>) -> Error {
    if !is_about_a_value(py, &exception) {
        return from_exception(exception);
    }
    let inner = inner_path(py, &exception).unwrap_or_default();
    let message = match expected {
        Some(message) => message,
        None => message_of(py, &exception),
    };
    let error = Error::new(ErrorKind::Type, message).with_source(Mismatch(Some(exception)));
    inner.into_iter().rev().fold(error, Error::inside)
}

fn is_about_a_value(py: Python<'_>, exception: &PyErr) -> bool {
    exception.is_instance_of::<PyValueError>(py)
        || exception.is_instance_of::<PyTypeError>(py)
        || exception.is_instance_of::<PyArithmeticError>(py)
        || exception.is_instance_of::<PyKeyError>(py)
}

fn message_of(py: Python<'_>, exception: &PyErr) -> String {
    let value = exception.value(py);
    let said = value.getattr("said").and_then(|said| said.extract::<String>());
    said.unwrap_or_else(|_| value.to_string())
}

/// The way to the value inside one that was read in one piece.
fn inner_path(py: Python<'_>, exception: &PyErr) -> Option<Vec<Segment>> {
    let steps = exception.value(py).getattr("steps").ok()?;
    let step = |step: Bound<'_, PyAny>| match step.extract::<u64>() {
        Ok(index) => Segment::Index(index),
        Err(_) => Segment::Key(step.to_string().into()),
    };
    Some(steps.try_iter().ok()?.filter_map(Result::ok).map(step).collect())
}

/// The beginning of a text, as messages show it.
#[cold]
pub(super) fn shown(text: &str) -> String {
    let mut cut = text.chars();
    let beginning: String = cut.by_ref().take(SHOWN).collect();
    let more = if cut.next().is_some() { "..." } else { "" };
    format!("`{beginning}{more}`")
}

/// The exception for an error about a value's type; `None` for all others.
pub(crate) fn as_exception(py: Python<'_>, error: &mut Error) -> Option<PyErr> {
    std::error::Error::source(error)?.downcast_ref::<Mismatch>()?;
    let cause = error.take_source()?.downcast::<Mismatch>().ok()?.0;
    Some(build(py, error, cause).unwrap_or_else(|failure| failure))
}

fn build(py: Python<'_>, error: &Error, cause: Option<PyErr>) -> PyResult<PyErr> {
    let class = py.import("cannery.errors")?.getattr("MismatchError")?;
    let path = error.path();
    let file = error.file().map(|file| format!("{file}: ")).unwrap_or_default();
    let place = error.pos().map(|pos| format!(" at {pos}")).unwrap_or_default();
    let exception = class.call1((format!("{file}{path}: {}{place}", error.message()),))?;
    describe(&exception, error)?;
    exception.setattr("path", path.to_string())?;
    let raised = PyErr::from_value(exception);
    raised.set_cause(py, cause);
    Ok(raised)
}

/// A key of a dictionary as a step of a path.
pub(super) fn key_segment(key: &Bound<'_, PyAny>) -> Segment {
    match key.cast::<pyo3::types::PyString>() {
        Ok(_) => text::of_python(key)
            .map_or_else(|_| Segment::Entry("?".into()), |key| Segment::Key(key.into())),
        Err(_) => Segment::Entry(key.repr().map_or_else(|_| "?".into(), |text| text.to_string())),
    }
}
