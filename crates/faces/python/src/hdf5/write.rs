//! Writing HDF5 files.

use std::ffi::OsString;
use std::sync::Arc;

use cannery_hdf5::{
    CreateOptions, Dataspace, File, MemoryTarget, Region, RegularDim, Storage, VirtualSource,
    encode_mappings,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::node::Hdf5Node;
use crate::errors::OrRaise;
use crate::memory;

/// A file that is open for writing.
#[pyclass(frozen, module = "cannery._native")]
pub(super) struct Hdf5Writer {
    file: File,
    memory: Option<Arc<MemoryTarget>>,
}

#[pymethods]
impl Hdf5Writer {
    /// The root group, the length of the user block and the superblock's version.
    fn parts(&self) -> (Hdf5Node, u64, u8) {
        super::parts(&self.file)
    }

    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.file.flush()).or_raise(py)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.file.close()).or_raise(py)
    }

    /// The bytes of a file in memory.
    fn bytes<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let file = self.memory.as_ref();
        file.map(|file| memory::new_bytes(py, &file.bytes())).transpose()
    }
}

fn options(
    user_block: u64,
    track_order: bool,
    external: &str,
    fsync: bool,
) -> cannery_core::Result<CreateOptions> {
    let mut options = CreateOptions::default();
    options.user_block = user_block;
    options.track_order = track_order;
    options.external = super::policy(external)?;
    options.no_sync = !fsync;
    Ok(options)
}

/// Makes a new file; without a path in memory.
#[pyfunction]
pub(super) fn hdf5_create(
    py: Python<'_>,
    path: Option<OsString>,
    external: &str,
    user_block: u64,
    track_order: bool,
    fsync: bool,
) -> PyResult<Hdf5Writer> {
    let options = options(user_block, track_order, external, fsync).or_raise(py)?;
    let Some(path) = path else {
        let memory = Arc::new(MemoryTarget::default());
        let file = File::create_in(Arc::clone(&memory) as _, None, &options).or_raise(py)?;
        return Ok(Hdf5Writer { file, memory: Some(memory) });
    };
    let file = py.detach(|| File::create(path, &options)).or_raise(py)?;
    Ok(Hdf5Writer { file, memory: None })
}

/// Opens a file to change it.
#[pyfunction]
pub(super) fn hdf5_edit(
    py: Python<'_>,
    path: OsString,
    external: &str,
    fsync: bool,
) -> PyResult<Hdf5Writer> {
    let policy = super::policy(external).or_raise(py)?;
    let file = py.detach(|| File::edit_with(path, policy, fsync)).or_raise(py)?;
    Ok(Hdf5Writer { file, memory: None })
}

/// Opens the bytes of a file to change them.
#[pyfunction]
pub(super) fn hdf5_edit_bytes(py: Python<'_>, data: Vec<u8>) -> PyResult<Hdf5Writer> {
    let memory = Arc::new(MemoryTarget::new(data));
    let target = Arc::clone(&memory) as _;
    let file = py.detach(|| File::edit_in(target, None, cannery_hdf5::ExternalPolicy::Refuse));
    Ok(Hdf5Writer { file: file.or_raise(py)?, memory: Some(memory) })
}

/// A filter: number, flags and parameters.
pub(super) type FilterParts = (u16, u16, Vec<u32>);

/// A shape: none for no elements; and how far each dimension may grow.
pub(super) fn dataspace(shape: Option<Vec<u64>>, max_shape: Option<Vec<Option<u64>>>) -> Dataspace {
    match shape {
        None => Dataspace::Null,
        Some(shape) if shape.is_empty() => Dataspace::Scalar,
        Some(shape) => {
            let max_shape = max_shape.unwrap_or_else(|| shape.iter().copied().map(Some).collect());
            Dataspace::Simple { shape, max_shape }
        }
    }
}

/// How the elements of a new dataset are stored.
#[derive(FromPyObject)]
pub(super) enum StorageParts {
    /// The mapping block of another virtual dataset, behind the word `virtual`.
    #[pyo3(transparent)]
    Block((String, Vec<u8>)),
    #[pyo3(transparent)]
    Chunks(Vec<u64>),
    #[pyo3(transparent)]
    Name(String),
    #[pyo3(transparent)]
    Virtual(Vec<MappingParts>),
}

/// A source of a virtual dataset: file, path, elements there, elements here.
pub(super) type MappingParts = (Vec<u8>, Vec<u8>, RegionParts, RegionParts);

/// Elements of a dataset.
#[derive(FromPyObject)]
pub(super) enum RegionParts {
    #[pyo3(transparent)]
    Regular(Vec<(u64, u64, u64, u64)>),
    #[pyo3(transparent)]
    Blocks(Vec<(Vec<u64>, Vec<u64>)>),
    #[pyo3(transparent)]
    Points(Vec<Vec<u64>>),
    #[pyo3(transparent)]
    Name(String),
}

pub(super) fn region(parts: RegionParts) -> Region {
    match parts {
        RegionParts::Regular(dims) => {
            let dim = |(start, stride, count, block)| RegularDim { start, stride, count, block };
            Region::Regular(dims.into_iter().map(dim).collect())
        }
        RegionParts::Blocks(blocks) => Region::Blocks(blocks),
        RegionParts::Points(points) => Region::Points(points),
        RegionParts::Name(name) if name == "none" => Region::None,
        RegionParts::Name(_) => Region::All,
    }
}

pub(super) fn storage(parts: StorageParts) -> Storage {
    match parts {
        StorageParts::Block((_, block)) => Storage::Virtual(block),
        StorageParts::Chunks(shape) => Storage::Chunked(shape),
        StorageParts::Name(name) if name == "compact" => Storage::Compact,
        StorageParts::Name(_) => Storage::Contiguous,
        StorageParts::Virtual(mappings) => {
            let mapping =
                |(file, path, from, to)| (VirtualSource { file, path }, region(from), region(to));
            let mappings: Vec<_> = mappings.into_iter().map(mapping).collect();
            Storage::Virtual(encode_mappings(&mappings))
        }
    }
}

/// A fill value: its bytes, none for zeros, or `undefined`.
#[derive(FromPyObject)]
pub(super) enum FillParts {
    #[pyo3(transparent)]
    Value(Vec<u8>),
    #[pyo3(transparent)]
    Name(String),
}
