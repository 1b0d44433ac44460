//! Errors in the words, and with the attributes, of the standard library's `json`.

use cannery_core::{Error, ErrorKind};
use cannery_json::SyntaxError;
use pyo3::prelude::*;

use super::document::Document;
use crate::errors::{describe, describe_with, to_exception};

/// The exception for an error in a document.
#[cold]
pub(super) fn decode_error(py: Python<'_>, error: Error, document: &Document<'_, '_>) -> PyErr {
    let offset = error.pos().map_or(0, |pos| pos.offset);
    let said = match SyntaxError::of(&error) {
        Some(syntax) => {
            let (message, offset) = syntax.in_python(offset, version(py));
            Some((message.to_owned(), offset))
        }
        None if error.kind() == ErrorKind::Encoding => Some((error.message().to_owned(), offset)),
        None => None,
    };
    match said {
        Some((message, offset)) => {
            let pos = document.characters_before(offset);
            let message = of_this_release(py, message);
            build(py, &error, &message, document, pos).unwrap_or_else(|failure| failure)
        }
        None => to_exception(py, error.locate(document.bytes())),
    }
}

/// Asks the interpreter for the one message that changed within the releases of 3.13.
fn of_this_release(py: Python<'_>, message: String) -> String {
    let example = match message.rsplit_once(' ') {
        Some(("Illegal trailing comma before the end of", "array")) => "[1,]",
        Some(("Illegal trailing comma before the end of", _)) => "{\"\":1,}",
        _ => return message,
    };
    let refused = py.import("json").and_then(|json| json.call_method1("loads", (example,)));
    let said = refused.err().and_then(|error| error.value(py).getattr("msg").ok()?.extract().ok());
    said.unwrap_or(message)
}

fn build(
    py: Python<'_>,
    error: &Error,
    message: &str,
    document: &Document<'_, '_>,
    pos: usize,
) -> PyResult<PyErr> {
    let class = py.import("cannery.json")?.getattr("JSONDecodeError")?;
    let exception = class.call1((message, document.as_doc()?, pos))?;
    describe(&exception, error)?;
    Ok(PyErr::from_value(exception))
}

/// The exception for bytes that are not UTF-8: the very one that decoding them raises.
#[cold]
pub(super) fn unicode_error(py: Python<'_>, document: &Document<'_, '_>) -> Option<PyErr> {
    let module = py.import("cannery.json").ok()?;
    module.call_method1("_to_text", (&*document.object,)).err()
}

/// The exception for a value that could not be written: the message alone, as the standard
/// library has it; the path is an attribute.
#[cold]
pub(crate) fn encode_error(py: Python<'_>, error: Error) -> PyErr {
    match error.kind() {
        ErrorKind::Type | ErrorKind::Cycle | ErrorKind::Value => {
            build_plain(py, &error).unwrap_or_else(|failure| failure)
        }
        _ => to_exception(py, error),
    }
}

fn build_plain(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let name = if error.kind() == ErrorKind::Type { "DataTypeError" } else { "DataError" };
    let class = py.import("cannery.errors")?.getattr(name)?;
    let float = refused_float(error.message()).map(crate::walk::out_of_range);
    let said = float.as_ref().unwrap_or(error);
    let exception = class.call1((said.message(),))?;
    let path = error.path();
    if !path.0.is_empty() {
        exception.call_method1("add_note", (format!("in `{path}`"),))?;
    }
    describe_with(&exception, error, said.hint())?;
    Ok(PyErr::from_value(exception))
}

/// The float that the writer refused, if that is what its message says.
fn refused_float(message: &str) -> Option<f64> {
    match message.strip_prefix("JSON has no ")? {
        "NaN" => Some(f64::NAN),
        "infinity" => Some(f64::INFINITY),
        "-infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn version(py: Python<'_>) -> (u8, u8) {
    let version = py.version_info();
    (version.major, version.minor)
}
