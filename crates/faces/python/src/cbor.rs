//! `cannery.cbor`: the reader and the writer of `cannery_cbor` between Python's objects and bytes.

use cannery_cbor::{KeyOrder, ReadOptions, WriteOptions, Writer, from_slice_prefix};
use cannery_core::{Error, ErrorKind, ExpandAliases, Limits, NullSink, Result, Sink};
use pyo3::prelude::*;

use crate::construct::{GraphHooks, PyBuilder, Reviver};
use crate::errors::{OrRaise, to_exception};
use crate::json::{BytesMemory, Growing};
use crate::msgpack::Data;
use crate::walk::{Describer, send_graph};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(cbor_dumps, module)?)?;
    module.add_function(wrap_pyfunction!(cbor_measure, module)?)?;
    module.add_function(wrap_pyfunction!(cbor_loads, module)?)
}

/// Writes an object; `describer` gives tagged values for those that are not Python's plain types.
#[pyfunction]
fn cbor_dumps<'py>(
    value: &Bound<'py, PyAny>,
    describer: Bound<'py, PyAny>,
    key_order: &str,
    value_sharing: bool,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let key_order = match key_order {
        "bytewise" => KeyOrder::Bytewise,
        "length-first" => KeyOrder::LengthFirst,
        _ => KeyOrder::Given,
    };
    let options = WriteOptions::default().key_order(key_order);
    let writer = Writer::to(Growing::<BytesMemory>::new(py)?, options);
    let limits = Limits::default().depth(depth);
    let writer = if value_sharing {
        written(value, describer, limits, writer)
    } else {
        let sink = ExpandAliases::new(writer, limits);
        written(value, describer, limits, sink).map(ExpandAliases::into_inner)
    };
    writer.map_err(own_hint).or_raise(py)?.into_output().finish()
}

fn written<'py, S: Sink>(
    value: &Bound<'py, PyAny>,
    describer: Bound<'py, PyAny>,
    limits: Limits,
    mut sink: S,
) -> Result<S> {
    send_graph(value, Describer::of_moments(describer), limits, &mut sink)?;
    Ok(sink)
}

/// A cycle can be written here, if the caller wants that.
#[cold]
fn own_hint(error: Error) -> Error {
    if error.kind() == ErrorKind::Cycle {
        return error.with_hint("pass `value_sharing=True` to write references");
    }
    error
}

/// Reads the object at the beginning of `data`, and says how many bytes it took; `reviver` makes
/// objects of tagged values.
#[pyfunction]
fn cbor_loads<'py>(
    data: &Bound<'py, PyAny>,
    reviver: Bound<'py, PyAny>,
    depth: usize,
) -> PyResult<(Bound<'py, PyAny>, usize)> {
    let py = data.py();
    let data = Data::of(data)?;
    let mut builder =
        PyBuilder::new(py, GraphHooks::new(Some(Reviver::new(reviver))).with_container_keys());
    let options = ReadOptions::default().limits(Limits::default().depth(depth));
    let read = from_slice_prefix(data.bytes(), &options, &mut builder);
    let used = read.map_err(|error| decode_error(py, error))?;
    Ok((builder.take().expect("a document was read"), used))
}

/// The number of bytes of the item at the beginning of `data`; `None` if not all of it is there.
#[pyfunction]
fn cbor_measure(data: &Bound<'_, PyAny>, depth: usize) -> PyResult<Option<usize>> {
    let py = data.py();
    let data = Data::of(data)?;
    let options = ReadOptions::default().limits(Limits::default().depth(depth));
    match from_slice_prefix(data.bytes(), &options, &mut NullSink) {
        Ok(used) => Ok(Some(used)),
        Err(error) if error.kind() == ErrorKind::Truncated => Ok(None),
        Err(error) => Err(decode_error(py, error)),
    }
}

/// What is cut off is an `EOFError`, too.
#[cold]
fn decode_error(py: Python<'_>, error: Error) -> PyErr {
    let name = match error.kind() {
        ErrorKind::Truncated => "CBORDecodeEOF",
        ErrorKind::Syntax | ErrorKind::Encoding | ErrorKind::Reference => "CBORDecodeValueError",
        _ => return to_exception(py, error),
    };
    let made = py.import("cannery.cbor").and_then(|module| {
        let exception = module.getattr(name)?.call1((error.to_string(),))?;
        crate::errors::describe(&exception, &error)?;
        Ok(PyErr::from_value(exception))
    });
    made.unwrap_or_else(|failure| failure)
}
