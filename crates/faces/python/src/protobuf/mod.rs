//! `cannery.protobuf`: schemas, and messages as dictionaries and dataclasses.

mod decode;
mod encode;
mod frames;
mod inspect;
mod known;
mod scalars;
mod schema;
mod well_known;

use pyo3::prelude::*;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<schema::ProtoSchema>()?;
    module.add_class::<frames::ProtoFrames>()?;
    module.add_function(wrap_pyfunction!(known::proto_schema_text, module)?)?;
    module.add_function(wrap_pyfunction!(known::proto_known, module)?)?;
    module.add_function(wrap_pyfunction!(known::osm_elements, module)?)?;
    module.add_function(wrap_pyfunction!(frames::proto_frames, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::proto_inspect, module)?)?;
    module.add_function(wrap_pyfunction!(frames::proto_write, module)?)
}
