//! Any object, with every reference to it kept, in any format.

use cannery_core::tagged::{MAX_LEVELS, Tagger, Untagger};
use cannery_core::{Limits, Result, Sink};
use cannery_json::{ReadOptions, WriteOptions, Writer};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::build::{GraphHooks, PyBuilder, Reviver};
use crate::errors::OrRaise;
use crate::walk::{Describer, send_graph};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(objects_dumps, module)?)?;
    module.add_function(wrap_pyfunction!(objects_loads, module)?)
}

/// Writes any object; `describer` takes apart those that are not Python's plain types.
#[pyfunction]
fn objects_dumps<'py>(
    py: Python<'py>,
    value: &Bound<'py, PyAny>,
    describer: Bound<'py, PyAny>,
    format: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let describer = Describer(describer);
    let bytes = match format {
        "json" => to_json(value, describer),
        _ => return Err(unknown(format)),
    };
    Ok(PyBytes::new(py, &bytes.or_raise(py)?))
}

/// Reads what `objects_dumps` wrote; `reviver` puts together what the other took apart.
#[pyfunction]
fn objects_loads<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    reviver: Bound<'py, PyAny>,
    format: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let document = crate::json::utf8(data)?;
    let mut builder = PyBuilder::new(py, GraphHooks::new(Some(Reviver(reviver))));
    let read = match format {
        "json" => from_json(document.bytes(), &mut builder),
        _ => return Err(unknown(format)),
    };
    read.map_err(|error| error.locate(document.bytes())).or_raise(py)?;
    Ok(builder.take().expect("a document was read"))
}

fn to_json<'py>(value: &Bound<'py, PyAny>, describer: Describer<'py>) -> Result<Vec<u8>> {
    let mut sink = Tagger::new(Writer::new(Vec::new(), WriteOptions::default()));
    send_graph(value, describer, Limits::default(), &mut sink)?;
    Ok(sink.into_inner().into_output())
}

fn from_json(data: &[u8], sink: &mut impl Sink) -> Result<()> {
    let limits = Limits::default();
    let limits = limits.depth(limits.depth * MAX_LEVELS);
    cannery_json::from_slice(data, &ReadOptions::default().limits(limits), &mut Untagger::new(sink))
}

#[cold]
fn unknown(format: &str) -> PyErr {
    PyValueError::new_err(format!("unknown format {format:?}"))
}
