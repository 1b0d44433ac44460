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
pub(crate) use self::read::{bytes_without_tags, without_tags};

/// A document in UTF-8, from text or bytes.
pub(crate) fn utf8<'a, 'py>(data: &'a Bound<'py, PyAny>) -> PyResult<Document<'a, 'py>> {
    Document::utf8(data)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    read::register(module)?;
    write::register(module)
}
