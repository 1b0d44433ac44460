//! Pickle: loading under a policy, loading as CPython does, and writing as it does.

mod attributes;
mod calls;
mod gate;
mod guard;
mod heap;
mod intake;
mod load;
mod registries;
mod vouch;
mod write;

use pyo3::prelude::*;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    load::register(module)?;
    intake::register(module)?;
    write::register(module)
}
