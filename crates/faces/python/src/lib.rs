//! The Python face of cannery: the private module `cannery._native`.
//!
//! Thin on purpose: it unwraps Python objects, calls the crates below, and wraps what comes back.
//! What is public lives in `python/cannery/*.py`.

mod array;
mod array_header;
mod cbor;
mod chunks;
mod cli;
mod compat;
mod construct;
mod errors;
mod file;
mod formats;
mod hdf5;
mod joblib;
mod json;
mod jsonl;
mod memory;
mod msgpack;
mod npy;
mod object_slot;
mod objects;
mod pickle;
mod pipeline;
mod protobuf;
mod remote;
mod safetensors;
mod scan;
mod stack;
mod store;
mod text;
mod torch;
mod trees;
mod typed;
mod utf8;
mod vectorcall;
mod walk;
mod wide;
mod yaml;
mod yaml_document;

use pyo3::prelude::*;

/// Each file adds its own classes and functions; one line here switches it on.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    memory::put_by();
    errors::adopt_panics(module.py())?;
    remote::register();
    #[cfg(feature = "toy")]
    let _ = cannery::add_format(&cannery_toy::Toy);
    formats::register(module)?;
    chunks::register(module)?;
    joblib::register(module)?;
    json::register(module)?;
    jsonl::register(module)?;
    msgpack::register(module)?;
    cbor::register(module)?;
    npy::register(module)?;
    hdf5::register(module)?;
    objects::register(module)?;
    pickle::register(module)?;
    store::register(module)?;
    yaml::register(module)?;
    pipeline::register(module)?;
    yaml_document::register(module)?;
    safetensors::register(module)?;
    scan::register(module)?;
    cli::register(module)?;
    typed::register(module)?;
    protobuf::register(module)?;
    torch::register(module)?;
    trees::register(module)?;
    stack::register(module)?;
    module.add("version", env!("CARGO_PKG_VERSION"))?;
    // All of a private module is never imported.
    module.delattr("__all__")
}
