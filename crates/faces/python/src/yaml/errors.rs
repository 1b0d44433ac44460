//! Errors in documents as `YAMLError`, with the line where they are.

use cannery_core::{Error, ErrorKind, Pos};
use cannery_yaml::snippet;
use pyo3::prelude::*;

use crate::errors::{describe, to_exception};

/// Where a text begins that is no part of a longer one.
pub(crate) const BEGINNING: Pos = Pos { offset: 0, line: 1, column: 1 };

/// The exception for an error in `text`, which begins at `start` of its stream.
#[cold]
pub(crate) fn raise(py: Python<'_>, error: Error, text: &str, start: Pos) -> PyErr {
    match error.kind() {
        ErrorKind::Host | ErrorKind::Interrupted | ErrorKind::Io => to_exception(py, error),
        _ => build(py, error, text, start).unwrap_or_else(|failure| failure),
    }
}

fn build(py: Python<'_>, error: Error, text: &str, start: Pos) -> PyResult<PyErr> {
    let error = error.locate(text.as_bytes()).map_pos(|pos| Pos {
        offset: pos.offset + start.offset,
        line: pos.line + start.line - 1,
        column: pos.column,
    });
    let shown = error.pos().map(|pos| {
        let inside = usize::try_from(pos.offset - start.offset).map_or(text.len(), |o| o);
        let before = &text.as_bytes()[..inside.min(text.len())];
        let index = before.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        let shown = if text.is_empty() { String::new() } else { snippet(text, pos, start.line) };
        (index, pos.line, pos.column, shown)
    });
    let class = py.import("cannery.yaml")?.getattr("MarkedYAMLError")?;
    let kind = format!("{:?}", error.kind());
    let exception = class.call_method1("_of", (kind, error.message(), shown))?;
    describe(&exception, &error)?;
    Ok(PyErr::from_value(exception))
}

/// The exception for a value that could not be written.
#[cold]
pub(super) fn raise_unwritten(py: Python<'_>, error: Error) -> PyErr {
    match error.kind() {
        ErrorKind::Unsupported | ErrorKind::Value => {
            build_unwritten(py, &error).unwrap_or_else(|failure| failure)
        }
        _ => to_exception(py, error),
    }
}

fn build_unwritten(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let class = py.import("cannery.yaml")?.getattr("RepresenterError")?;
    let exception = class.call1((error.to_string(),))?;
    describe(&exception, error)?;
    Ok(PyErr::from_value(exception))
}
