//! Objects of HDF5 files.

use cannery_core::Error;
use cannery_hdf5::{Attribute, Dataspace, LinkTarget, Node, ObjectKind, Region};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use super::dataset::Hdf5Dataset;
use super::types::Hdf5Type;
use crate::errors::{OrRaise, to_exception};
use crate::npy::Buffer;

/// An object of an open file.
#[pyclass(frozen, module = "cannery._native")]
pub(super) struct Hdf5Node(pub(super) Node);

#[pymethods]
impl Hdf5Node {
    /// The number of the open file and the address in it.
    #[getter]
    fn id(&self) -> (u64, u64) {
        self.0.id()
    }

    /// `group`, `dataset` or `datatype`.
    fn kind(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(match py.detach(|| self.0.kind()).or_raise(py)? {
            ObjectKind::Group => "group",
            ObjectKind::Dataset => "dataset",
            ObjectKind::Datatype => "datatype",
        })
    }

    /// The root group of the file.
    fn root(&self) -> Self {
        Self(self.0.file_root())
    }

    /// The path of the file, if it has one.
    #[getter]
    fn file_path(&self) -> Option<&std::path::Path> {
        self.0.file_path()
    }

    /// Follows a path.
    fn resolve(&self, py: Python<'_>, path: &[u8]) -> PyResult<Self> {
        py.detach(|| self.0.resolve(path)).map(Self).or_raise(py)
    }

    /// How many links the group has.
    fn count(&self, py: Python<'_>) -> PyResult<usize> {
        py.detach(|| self.0.len()).or_raise(py)
    }

    /// The names of the group's links, in order.
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let members = py.detach(|| self.0.members()).or_raise(py)?;
        PyList::new(py, members.iter().map(|link| PyBytes::new(py, &link.name)))
    }

    /// The link at the end of a path: its kind, and where it leads.
    fn link<'py>(&self, py: Python<'py>, path: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        let link = py.detach(|| self.0.link(path)).or_raise(py)?;
        let bytes = |data: &[u8]| PyBytes::new(py, data);
        match &link.target {
            LinkTarget::Hard(address) => ("hard", *address).into_pyobject(py),
            LinkTarget::Soft(path) => ("soft", bytes(path)).into_pyobject(py),
            LinkTarget::External { file, path } => {
                ("external", bytes(file), bytes(path)).into_pyobject(py)
            }
            LinkTarget::User(kind, _) => ("user", *kind).into_pyobject(py),
            _ => ("unknown",).into_pyobject(py),
        }
    }

    /// The names of the object's attributes, each with what it is or why it cannot be read.
    fn attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let found = py.detach(|| self.0.attributes()).or_raise(py)?;
        let list = PyList::empty(py);
        for (name, attribute) in found {
            list.append((PyBytes::new(py, &name), attribute_parts(py, attribute)?))?;
        }
        Ok(list)
    }

    fn dataset(&self, py: Python<'_>) -> PyResult<Hdf5Dataset> {
        py.detach(|| self.0.dataset()).map(Hdf5Dataset).or_raise(py)
    }

    fn datatype(&self, py: Python<'_>) -> PyResult<Hdf5Type> {
        py.detach(|| self.0.datatype()).map(Hdf5Type).or_raise(py)
    }

    /// The object that a reference refers to.
    fn dereference(&self, py: Python<'_>, reference: &[u8]) -> PyResult<Option<Self>> {
        Ok(py.detach(|| self.0.dereference(reference)).or_raise(py)?.map(Self))
    }

    /// The dataset and the region that a reference refers to.
    fn dereference_region<'py>(
        &self,
        py: Python<'py>,
        reference: &[u8],
    ) -> PyResult<Option<(Self, Bound<'py, PyTuple>)>> {
        let found = py.detach(|| self.0.dereference_region(reference)).or_raise(py)?;
        let Some((node, region)) = found else { return Ok(None) };
        Ok(Some((Self(node), region_parts(py, &region)?)))
    }

    /// The texts that elements lead to.
    fn strings<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'_, PyAny>,
        size: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let data = Buffer::of(data)?;
        let list = PyList::empty(py);
        for part in data.as_slice().chunks(size.max(1)) {
            let (_, text) = self.0.sequence(part, 1).or_raise(py)?;
            list.append(PyBytes::new(py, &text))?;
        }
        Ok(list)
    }

    /// The sequences that elements lead to: the length of each, and all of their elements.
    fn sequences<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'_, PyAny>,
        size: usize,
        base: u32,
    ) -> PyResult<(Vec<u32>, Bound<'py, PyBytes>)> {
        let data = Buffer::of(data)?;
        let read = || {
            let (mut counts, mut all) = (Vec::new(), Vec::new());
            for part in data.as_slice().chunks(size.max(1)) {
                let (count, bytes) = self.0.sequence(part, base)?;
                counts.push(count);
                all.extend_from_slice(&bytes);
            }
            Ok((counts, all))
        };
        let (counts, all) = py.detach(read).or_raise(py)?;
        Ok((counts, PyBytes::new(py, &all)))
    }
}

/// An attribute as its type, its shape (none if it is null) and its bytes, or an exception.
fn attribute_parts(
    py: Python<'_>,
    attribute: Result<Attribute, Error>,
) -> PyResult<Bound<'_, PyAny>> {
    let attribute = match attribute {
        Ok(attribute) => attribute,
        Err(error) => return Ok(to_exception(py, error).into_value(py).into_bound(py).into_any()),
    };
    let shape = shape_of(py, &attribute.space)?;
    let data = PyBytes::new(py, &attribute.data);
    let datatype = Py::new(py, Hdf5Type(attribute.datatype))?;
    Ok((datatype, shape, data).into_pyobject(py)?.into_any())
}

pub(super) fn shape_of<'py>(
    py: Python<'py>,
    space: &Dataspace,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    match space {
        Dataspace::Null => Ok(None),
        space => PyTuple::new(py, space.shape()).map(Some),
    }
}

fn region_parts<'py>(py: Python<'py>, region: &Region) -> PyResult<Bound<'py, PyTuple>> {
    match region {
        Region::None => ("none",).into_pyobject(py),
        Region::All => ("all",).into_pyobject(py),
        Region::Points(points) => ("points", points.clone()).into_pyobject(py),
        Region::Blocks(blocks) => ("blocks", blocks.clone()).into_pyobject(py),
        Region::Regular(dims) => {
            let dims: Vec<_> =
                dims.iter().map(|dim| (dim.start, dim.stride, dim.count, dim.block)).collect();
            ("regular", dims).into_pyobject(py)
        }
    }
}
