//! Datasets of HDF5 files.

use cannery_hdf5::{Dataset, Dataspace, DimSelection, FillValue, Selection};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::node::shape_of;
use super::types::Hdf5Type;
use crate::errors::OrRaise;
use crate::memory;
use crate::npy::Buffer;

/// A dataset of an open file.
#[pyclass(frozen, module = "cannery._native")]
pub(super) struct Hdf5Dataset(pub(super) Dataset);

/// Which positions of a dimension are wanted: start, step and count, or a list.
#[derive(FromPyObject)]
pub(super) enum Wanted {
    Range(u64, u64, u64),
    List(Vec<u64>),
}

#[pymethods]
impl Hdf5Dataset {
    #[getter]
    fn datatype(&self) -> Hdf5Type {
        Hdf5Type(self.0.datatype().clone())
    }

    /// The shape; none if the dataset has no elements and no shape.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        shape_of(py, self.0.space())
    }

    #[getter]
    fn max_shape<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        match self.0.space() {
            Dataspace::Simple { max_shape, .. } => PyTuple::new(py, max_shape).map(Some),
            space => shape_of(py, space),
        }
    }

    #[getter]
    fn chunks<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.0.chunks().map(|chunks| PyTuple::new(py, chunks)).transpose()
    }

    /// The filters: number, name, flags and parameters of each.
    #[getter]
    fn filters<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let filters = self.0.filters().iter();
        let parts = filters.map(|filter| {
            let values = PyTuple::new(py, &filter.values)?;
            (filter.id, memory::new_bytes(py, &filter.name)?, filter.flags, values)
                .into_pyobject(py)
        });
        parts.collect()
    }

    /// The fill value: its bytes, none for zeros, or `undefined`.
    #[getter]
    fn fill_value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self.0.fill_value() {
            FillValue::Undefined => "undefined".into_pyobject(py)?.into_any(),
            FillValue::Default => py.None().into_bound(py),
            FillValue::Value(bytes) => memory::new_bytes(py, bytes)?.into_any(),
        })
    }

    /// The raw files that hold the data: name, offset and length of each part.
    #[getter]
    fn external<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Bound<'py, PyBytes>, u64, u64)>> {
        let segments = self.0.external_segments().iter();
        let parts =
            segments.map(|part| Ok((memory::new_bytes(py, &part.name)?, part.offset, part.len)));
        parts.collect()
    }

    #[getter]
    fn is_virtual(&self) -> bool {
        self.0.is_virtual()
    }

    /// The sources of a virtual dataset: file and path of each.
    #[getter]
    fn virtual_sources<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>> {
        let bytes = |data: &[u8]| memory::new_bytes(py, data);
        let sources = self.0.virtual_sources();
        sources.map(|source| Ok((bytes(&source.file)?, bytes(&source.path)?))).collect()
    }

    /// The mapping block of a virtual dataset, if it has one.
    fn virtual_block<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let block = py.detach(|| self.0.virtual_block()).or_raise(py)?;
        block.map(|block| memory::new_bytes(py, &block)).transpose()
    }

    /// Where in the file the data begin, if they stand in one piece there as they are.
    #[getter]
    fn data_offset(&self) -> Option<u64> {
        self.0.data_offset()
    }

    /// How many bytes the data take in the file.
    fn stored_bytes(&self, py: Python<'_>) -> PyResult<u64> {
        py.detach(|| self.0.stored_bytes()).or_raise(py)
    }

    /// Reads elements, as the file has them, into a buffer.
    fn read_into(
        &self,
        py: Python<'_>,
        selection: Vec<Wanted>,
        buffer: &Bound<'_, PyAny>,
        threads: usize,
    ) -> PyResult<()> {
        let mut buffer = Buffer::writable(buffer)?;
        let selection = self::selection(selection);
        py.detach(|| self.0.read_into(&selection, buffer.as_mut_slice(), threads)).or_raise(py)
    }
}

pub(super) fn selection(wanted: Vec<Wanted>) -> Selection {
    let dims = wanted.into_iter().map(|wanted| match wanted {
        Wanted::Range(start, step, count) => DimSelection::Range { start, step, count },
        Wanted::List(list) => DimSelection::List(list),
    });
    Selection(dims.collect())
}
