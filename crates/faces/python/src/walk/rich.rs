//! `default="rich"`: values of many types as the obvious plain JSON.

use cannery_core::{Result, Sink};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::array::NumpyArray;
use crate::errors::from_exception;

/// What became of a value.
pub(super) enum Sent<'py> {
    /// It was sent.
    Whole,
    /// The other value stands for it.
    Instead(Bound<'py, PyAny>),
    /// It is of no type with an obvious form.
    Unknown,
}

/// Whether a `default` is a name, and not a function.
pub(super) fn is_name(default: &Bound<'_, PyAny>) -> bool {
    default.is_instance_of::<PyString>()
}

/// Refuses every name but one.
pub(super) fn check_name(default: &Bound<'_, PyAny>) -> Result<()> {
    if default.eq("rich").unwrap_or(false) {
        return Ok(());
    }
    let message = format!("default must be a function or \"rich\", not {default:?}");
    Err(from_exception(PyValueError::new_err(message)))
}

/// Sends a value that is none of JSON's types, or says what stands for it.
#[cold]
pub(super) fn send<'py, S: Sink>(
    value: &Bound<'py, PyAny>,
    to_python: bool,
    sink: &mut S,
) -> Result<Sent<'py>> {
    let plain = call(value, "plain").map_err(from_exception)?;
    let Some(plain) = plain else { return Ok(Sent::Unknown) };
    if let Some(array) = NumpyArray::of(&plain).map_err(from_exception)? {
        // The `write` of a file may do anything to it.
        sink.array(&if to_python { array.without_lending() } else { array })?;
        return Ok(Sent::Whole);
    }
    if is_decimal(&plain).map_err(from_exception)? {
        let digits = plain.str().map_err(from_exception)?.to_string();
        sink.number(&digits)?;
        return Ok(Sent::Whole);
    }
    Ok(Sent::Instead(plain))
}

/// The text of a key that JSON has not; `None` if it has no obvious one.
#[cold]
pub(super) fn key<'py>(key: &Bound<'py, PyAny>) -> Result<Option<Bound<'py, PyAny>>> {
    call(key, "key").map_err(from_exception)
}

fn call<'py>(value: &Bound<'py, PyAny>, function: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = value.py();
    let plain = py.import("cannery._rich")?.call_method1(function, (value,))?;
    Ok((!plain.is(py.NotImplemented().bind(py))).then_some(plain))
}

/// Whether it is a finite decimal: `plain` gives a float for others.
fn is_decimal(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = value.get_type();
    Ok(class.name()? == "Decimal" && class.module()? == "decimal")
}
