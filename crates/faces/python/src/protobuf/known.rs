//! Schemas that are at hand, and files that are recognized by them.

use cannery_protobuf::known::{Known, schema_text, send_elements};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;

use crate::construct::{Plain, PyBuilder};
use crate::errors::OrRaise;
use crate::msgpack::Data;

/// The text of a bundled schema.
#[pyfunction]
pub(super) fn proto_schema_text(name: &str) -> PyResult<&'static str> {
    schema_text(name).ok_or_else(|| PyKeyError::new_err(name.to_owned()))
}

/// The bundled schema and the message of what begins so, if it is known.
#[pyfunction]
pub(super) fn proto_known(
    data: &Bound<'_, PyAny>,
) -> PyResult<Option<(&'static str, &'static str)>> {
    let data = Data::of(data)?;
    let bytes = data.bytes();
    let known = Known::of_start(&bytes[..bytes.len().min(cannery::START_LEN)]);
    Ok(known.map(|known| (known.schema(), known.message())))
}

/// The elements of a block of an OpenStreetMap extract, as a list of dictionaries.
#[pyfunction]
pub(super) fn osm_elements<'py>(
    py: Python<'py>,
    block: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let block = Data::of(block)?;
    let mut builder = PyBuilder::new(py, Plain);
    let sent = cannery_core::Sink::begin(&mut builder, cannery_core::Container::List, None)
        .and_then(|()| send_elements(block.bytes(), &mut builder))
        .and_then(|()| cannery_core::Sink::end(&mut builder, cannery_core::Container::List));
    sent.or_raise(py)?;
    Ok(builder.take().expect("a list was sent"))
}
