//! Objects of HDF5 files.

use cannery_core::Error;
use cannery_hdf5::{
    Attribute, DatasetSpec, Dataspace, File, FillValue, Filter, LinkTarget, Node, ObjectKind,
    ReferencePart, Region,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use super::dataset::{Hdf5Dataset, Wanted, selection};
use super::types::Hdf5Type;
use super::write::{FillParts, FilterParts, RegionParts, StorageParts, dataspace, region, storage};
use crate::errors::{OrRaise, to_exception};
use crate::memory;
use crate::npy::Buffer;
use crate::text;

/// An object of an open file.
#[pyclass(frozen, module = "cannery._native")]
pub(super) struct Hdf5Node(pub(super) Node);

type NewReference<'py> = (Hdf5Node, Option<Bound<'py, PyTuple>>, Option<Bound<'py, PyBytes>>);

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

    /// The file that the object is in: its root group, the length of its user block and the
    /// superblock's version.
    fn file_parts(&self) -> (Self, u64, u8) {
        super::parts(&File::containing(&self.0))
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
        let names = py.detach(|| self.0.names()).or_raise(py)?;
        let list = memory::new_list(py)?;
        for name in names.iter() {
            list.append(memory::new_bytes(py, name)?)?;
        }
        Ok(list)
    }

    /// The same names as texts: UTF-8, other bytes as lone surrogates.
    fn text_names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let names = py.detach(|| self.0.names()).or_raise(py)?;
        let list = memory::new_list(py)?;
        for name in names.iter() {
            list.append(text::from_file_name(py, name)?)?;
        }
        Ok(list)
    }

    /// Whether the order is kept in which links, or attributes, are made.
    fn keeps_order(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.0.keeps_order()).or_raise(py)
    }

    /// The link at the end of a path: its kind, and where it leads.
    fn link<'py>(&self, py: Python<'py>, path: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
        let link = py.detach(|| self.0.link(path)).or_raise(py)?;
        let bytes = |data: &[u8]| memory::new_bytes(py, data);
        match &link.target {
            LinkTarget::Hard(address) => ("hard", *address).into_pyobject(py),
            LinkTarget::Soft(path) => ("soft", bytes(path)?).into_pyobject(py),
            LinkTarget::External { file, path } => {
                ("external", bytes(file)?, bytes(path)?).into_pyobject(py)
            }
            LinkTarget::User(kind, _) => ("user", *kind).into_pyobject(py),
            _ => ("unknown",).into_pyobject(py),
        }
    }

    /// The names of the object's attributes, each with what it is or why it cannot be read.
    fn attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let found = py.detach(|| self.0.attributes()).or_raise(py)?;
        let list = memory::new_list(py)?;
        for (name, attribute) in found {
            list.append((memory::new_bytes(py, &name)?, attribute_parts(py, attribute)?))?;
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

    /// What a reference of HDF5 1.12 and later refers to: an object, its region, its attribute.
    fn dereference_new<'py>(
        &self,
        py: Python<'py>,
        reference: &[u8],
    ) -> PyResult<Option<NewReference<'py>>> {
        let found = py.detach(|| self.0.dereference_new(reference)).or_raise(py)?;
        let Some(found) = found else { return Ok(None) };
        let (region, attribute) = match &found.part {
            ReferencePart::Region(region) => (Some(region_parts(py, region)?), None),
            ReferencePart::Attribute(name) => (None, Some(memory::new_bytes(py, name)?)),
            _ => (None, None),
        };
        Ok(Some((Self(found.node), region, attribute)))
    }

    /// The texts that elements lead to.
    fn strings<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'_, PyAny>,
        size: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let data = Buffer::of(data)?;
        let list = memory::new_list(py)?;
        for part in data.as_slice().chunks(size.max(1)) {
            let (_, text) = self.0.sequence(part, 1).or_raise(py)?;
            list.append(memory::new_bytes(py, &text)?)?;
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
        Ok((counts, memory::new_bytes(py, &all)?))
    }

    fn create_group(&self, py: Python<'_>, track_order: bool) -> PyResult<Self> {
        self.0.create_group(track_order).map(Self).or_raise(py)
    }

    #[expect(clippy::too_many_arguments, reason = "what a dataset is has as many parts")]
    fn create_dataset(
        &self,
        py: Python<'_>,
        datatype: &Hdf5Type,
        committed: Option<u64>,
        shape: Option<Vec<u64>>,
        max_shape: Option<Vec<Option<u64>>>,
        stored: StorageParts,
        filters: Vec<FilterParts>,
        fill: Option<FillParts>,
        track_order: bool,
    ) -> PyResult<Self> {
        let mut spec = DatasetSpec::new(datatype.0.clone(), dataspace(shape, max_shape));
        spec.committed = committed;
        spec.storage = storage(stored);
        let filter = |(id, flags, values)| Filter::new(id, flags, values);
        spec.filters = filters.into_iter().map(filter).collect();
        spec.fill = match fill {
            Some(FillParts::Value(bytes)) => FillValue::Value(bytes),
            Some(FillParts::Name(name)) if name == "undefined" => FillValue::Undefined,
            _ => FillValue::Default,
        };
        spec.track_order = track_order;
        self.0.create_dataset(&spec).map(Self).or_raise(py)
    }

    /// Makes a contiguous dataset of these elements in the group; `None` if the name exists.
    fn add_dataset(
        &self,
        py: Python<'_>,
        name: &[u8],
        datatype: &Hdf5Type,
        shape: Vec<u64>,
        data: &Bound<'_, PyAny>,
    ) -> PyResult<Option<Self>> {
        let data = Buffer::of(data)?;
        let spec = DatasetSpec::new(datatype.0.clone(), dataspace(Some(shape), None));
        let add = || self.0.add_dataset(name, &spec, data.as_slice());
        Ok(py.detach(add).or_raise(py)?.map(Self))
    }

    fn commit_datatype(&self, py: Python<'_>, datatype: &Hdf5Type) -> PyResult<Self> {
        self.0.commit_datatype(&datatype.0).map(Self).or_raise(py)
    }

    fn insert_hard(&self, py: Python<'_>, name: &[u8], node: &Self) -> PyResult<()> {
        self.0.insert_link(name, &LinkTarget::Hard(node.0.id().1)).or_raise(py)
    }

    fn insert_soft(&self, py: Python<'_>, name: &[u8], path: &[u8]) -> PyResult<()> {
        self.0.insert_link(name, &LinkTarget::Soft(path.to_vec())).or_raise(py)
    }

    fn insert_external(
        &self,
        py: Python<'_>,
        name: &[u8],
        file: &[u8],
        path: &[u8],
    ) -> PyResult<()> {
        let target = LinkTarget::External { file: file.to_vec(), path: path.to_vec() };
        self.0.insert_link(name, &target).or_raise(py)
    }

    /// Puts a link of this group into another one, where it has another name, and removes it.
    fn move_link(&self, py: Python<'_>, name: &[u8], to: &Self, new: &[u8]) -> PyResult<()> {
        self.0.move_link(name, &to.0, new).or_raise(py)
    }

    fn remove_link(&self, py: Python<'_>, name: &[u8]) -> PyResult<()> {
        self.0.remove_link(name).or_raise(py)
    }

    fn set_attribute(
        &self,
        py: Python<'_>,
        name: &[u8],
        datatype: &Hdf5Type,
        committed: Option<u64>,
        shape: Option<Vec<u64>>,
        data: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let data = Buffer::of(data)?;
        let space = dataspace(shape, None);
        self.0.set_attribute(name, (&datatype.0, committed), &space, data.as_slice()).or_raise(py)
    }

    fn remove_attribute(&self, py: Python<'_>, name: &[u8]) -> PyResult<()> {
        self.0.remove_attribute(name).or_raise(py)
    }

    fn resize(&self, py: Python<'_>, shape: Vec<u64>) -> PyResult<()> {
        py.detach(|| self.0.resize(&shape)).or_raise(py)
    }

    /// Writes elements, as the file has them.
    fn write(
        &self,
        py: Python<'_>,
        wanted: Vec<Wanted>,
        data: &Bound<'_, PyAny>,
        threads: usize,
    ) -> PyResult<()> {
        let data = Buffer::of(data)?;
        let selection = selection(wanted);
        py.detach(|| self.0.write(&selection, data.as_slice(), threads)).or_raise(py)
    }

    /// Stores sequences of elements of `size` bytes; gives back the bytes that lead to them.
    fn put_sequences<'py>(
        &self,
        py: Python<'py>,
        sequences: Vec<Bound<'py, PyBytes>>,
        size: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let parts = sequences.iter().map(|data| {
            let data = data.as_bytes();
            let count = u32::try_from(data.len()).unwrap_or(u32::MAX) / size.max(1);
            (count, data)
        });
        let out = self.0.put_sequences(parts).or_raise(py)?;
        memory::new_bytes(py, &out)
    }

    /// Stores a reference to a region of the dataset that the node is.
    fn put_region<'py>(
        &self,
        py: Python<'py>,
        parts: RegionParts,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let out = self.0.put_region(&region(parts)).or_raise(py)?;
        memory::new_bytes(py, &out)
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
    let data = memory::new_bytes(py, &attribute.data)?;
    let datatype = Py::new(py, Hdf5Type(attribute.datatype))?;
    Ok((datatype, shape, data).into_pyobject(py)?.into_any())
}

pub(super) fn shape_of<'py>(
    py: Python<'py>,
    space: &Dataspace,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    match space {
        Dataspace::Null => Ok(None),
        space => memory::new_shape(py, space.shape()).map(Some),
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
