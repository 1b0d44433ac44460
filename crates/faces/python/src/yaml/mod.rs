//! `cannery.yaml`: the reader and the writer of `cannery_yaml` between Python's objects and text.

pub(crate) mod errors;
mod events;
mod locate;
mod read;
mod source;
mod stream;
mod tagged;
pub(crate) mod tags;
mod write;

use pyo3::prelude::*;

pub(crate) use self::tagged::Tagged;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Tagged>()?;
    events::register(module)?;
    read::register(module)?;
    stream::register(module)?;
    write::register(module)
}
