//! `cannery.json`: the reader and the writer of `cannery_json` between Python's objects and text.

mod document;
mod errors;
mod output;
mod read;
mod write;

use pyo3::prelude::*;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    read::register(module)?;
    write::register(module)
}
