//! Messages without their schema, as lists of dictionaries.

use cannery_protobuf::{Inspected, InspectedValue, inspect};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::errors::OrRaise;
use crate::memory;
use crate::msgpack::Data;

#[pyfunction]
pub(super) fn proto_inspect<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    depth: usize,
) -> PyResult<Bound<'py, PyList>> {
    let data = Data::of(data)?;
    let found = inspect(data.bytes(), depth.min(200)).or_raise(py)?;
    fields(py, &found)
}

fn fields<'py>(py: Python<'py>, found: &[Inspected]) -> PyResult<Bound<'py, PyList>> {
    let list = memory::new_list(py)?;
    for field in found {
        let dict = memory::new_dict(py)?;
        dict.set_item("number", field.number)?;
        dict.set_item("wire", field.wire)?;
        match &field.value {
            InspectedValue::Unsigned(value) => dict.set_item("value", value)?,
            InspectedValue::Signed(value) => dict.set_item("value", value)?,
            InspectedValue::Float(value) => dict.set_item("value", value)?,
            InspectedValue::Text(value) => dict.set_item("value", value)?,
            InspectedValue::Bytes(value) => {
                dict.set_item("value", memory::new_bytes(py, value)?)?;
            }
            InspectedValue::Message(inner) => dict.set_item("value", fields(py, inner)?)?,
            InspectedValue::Packed(numbers) => dict.set_item("value", numbers)?,
        }
        dict.set_item("likely", field.likely)?;
        dict.set_item("sure", field.sure)?;
        list.append(dict)?;
    }
    Ok(list)
}
