//! Pickle: loading under a policy, loading as CPython does, and writing as it does.

mod attributes;
mod calls;
mod gate;
mod guard;
mod heap;
mod load;
mod policy;
mod registries;
mod source;
mod write;

use pyo3::prelude::*;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    load::register(module)?;
    source::register(module)?;
    write::register(module)
}
