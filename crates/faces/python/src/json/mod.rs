//! `cannery.json`: the reader and the writer of `cannery_json` between Python's objects and text.

mod direct;
mod document;
mod errors;
mod output;
mod quick;
mod read;
mod write;

use pyo3::prelude::*;

pub(crate) use self::direct::{Lines, tagged};
use self::document::Document;
pub(crate) use self::errors::encode_error;
pub(crate) use self::output::{BytesMemory, Growing};

/// A document in UTF-8, from text or bytes.
pub(crate) fn utf8<'a, 'py>(data: &'a Bound<'py, PyAny>) -> PyResult<Document<'a, 'py>> {
    Document::utf8(data)
}

/// What a tagged document stands for if there is no tag in it; `None` to say that it must be read another
/// way, or that something is wrong with it.
pub(crate) fn without_tags<'py>(data: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    read::without_tags(data)
}

/// The same of bytes.
pub(crate) fn bytes_without_tags<'py>(py: Python<'py>, data: &[u8]) -> Option<Bound<'py, PyAny>> {
    read::bytes_without_tags(py, data)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    read::register(module)?;
    write::register(module)
}
