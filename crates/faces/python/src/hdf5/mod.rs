//! HDF5: objects and bytes here, `NumPy` only in `python/cannery/hdf5`.

mod check;
mod dataset;
mod node;
mod types;
mod write;

use std::ffi::OsString;
use std::sync::Arc;

use cannery::{Input, Location};
use cannery_core::{Error, ErrorKind, Limits};
use cannery_hdf5::{ExternalPolicy, File};
use pyo3::prelude::*;

use crate::errors::OrRaise;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<node::Hdf5Node>()?;
    module.add_class::<dataset::Hdf5Dataset>()?;
    module.add_class::<types::Hdf5Type>()?;
    module.add_class::<write::Hdf5Writer>()?;
    module.add_function(wrap_pyfunction!(check::hdf5_check, module)?)?;
    module.add_function(wrap_pyfunction!(write::hdf5_create, module)?)?;
    module.add_function(wrap_pyfunction!(write::hdf5_edit, module)?)?;
    module.add_function(wrap_pyfunction!(write::hdf5_edit_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(hdf5_open, module)?)?;
    module.add_function(wrap_pyfunction!(hdf5_open_bytes, module)?)
}

fn policy(name: &str) -> cannery_core::Result<ExternalPolicy> {
    match name {
        "refuse" => Ok(ExternalPolicy::Refuse),
        "same-folder" => Ok(ExternalPolicy::SameFolder),
        "any" => Ok(ExternalPolicy::Any),
        other => Err(Error::new(
            ErrorKind::Value,
            format!("expected `refuse`, `same-folder` or `any`, found `{}`", other.escape_debug()),
        )),
    }
}

/// Opens a file: its root group, the length of its user block and the superblock's version.
#[pyfunction]
fn hdf5_open(
    py: Python<'_>,
    path: OsString,
    external: &str,
) -> PyResult<(node::Hdf5Node, u64, u8)> {
    let policy = policy(external).or_raise(py)?;
    let open = || match Location::parse(&path) {
        Location::Url(_) if policy != ExternalPolicy::Refuse => {
            let message = "a file that a service keeps leads to no other files";
            Err(Error::new(ErrorKind::Unsupported, message).with_hint("leave `external` out"))
        }
        location @ Location::Url(_) => {
            let source = Input::open(&location)?.into_source(&Limits::default())?;
            File::from_source(source).map_err(|e| e.in_file(location.name()))
        }
        _ => File::open_with(&path, policy),
    };
    let file = py.detach(open).or_raise(py)?;
    Ok(parts(&file))
}

/// Opens a file that lies in memory.
#[pyfunction]
fn hdf5_open_bytes(py: Python<'_>, data: Vec<u8>) -> PyResult<(node::Hdf5Node, u64, u8)> {
    let file = py.detach(|| File::from_source(Arc::new(data))).or_raise(py)?;
    Ok(parts(&file))
}

fn parts(file: &File) -> (node::Hdf5Node, u64, u8) {
    (node::Hdf5Node(file.root()), file.user_block_len(), file.superblock_version())
}
