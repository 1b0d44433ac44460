//! `PyTorch`'s checkpoints: their values, made in the order in which the file describes them.

use cannery_core::{BigInt, Limits};
use cannery_torch::Checkpoint;
use cannery_torch::NodeId;
use cannery_torch::node::{Change, Dict, Edit, Making, Node, Nodes, Object};
use cannery_torch::tensor::{Layout, Quantizer, StorageData, StorageView, Tensor, View};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyFrozenSet, PyList, PySet, PyTuple};

use crate::construct::make;
use crate::errors::OrRaise;
use crate::memory;
use crate::npy::Buffer;
use crate::text;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<TorchCheckpoint>()?;
    module.add_function(wrap_pyfunction!(torch_read, module)?)
}

/// Reads the checkpoint in a buffer; no tensor is read, unless it is packed.
#[pyfunction]
fn torch_read(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    file: Option<String>,
) -> PyResult<TorchCheckpoint> {
    let buffer = Buffer::of(data)?;
    let limits = Limits::default();
    let made = py.detach(|| Checkpoint::read(buffer.as_slice(), &limits));
    let made = match file {
        Some(file) => made.map_err(|error| error.in_file(file)),
        None => made,
    };
    Ok(TorchCheckpoint { made: made.or_raise(py)? })
}

/// What a checkpoint consists of.
#[pyclass(module = "cannery._native", frozen)]
struct TorchCheckpoint {
    made: Checkpoint,
}

/// Key, location, bytes, and where they are: an offset in the file, a `bytearray`, or `None`.
type StorageTuple<'py> = (String, String, u64, Bound<'py, PyAny>);

#[pymethods]
impl TorchCheckpoint {
    #[getter]
    fn layout(&self) -> &'static str {
        self.made.layout.name()
    }

    /// Names of the values, and their numbers.
    #[getter]
    fn documents(&self) -> Vec<(String, NodeId)> {
        self.made.documents.iter().map(|each| (each.name.clone(), each.root)).collect()
    }

    fn storages<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'py, PyAny>,
    ) -> PyResult<Vec<StorageTuple<'py>>> {
        let buffer = Buffer::of(data)?;
        let tuple = |storage: &cannery_torch::tensor::Storage| {
            let data = match &storage.data {
                StorageData::None => py.None().into_bound(py),
                StorageData::InFile(place) => place.start.into_pyobject(py)?.into_any(),
                StorageData::InMemory(bytes) => memory::new_byte_array(py, bytes)?.into_any(),
                StorageData::Packed(packed) => {
                    let size = usize::try_from(storage.len)?;
                    let read = |out: &mut [u8]| packed.read(buffer.as_slice(), out).or_raise(py);
                    PyByteArray::new_with(py, size, read)?.into_any()
                }
            };
            Ok((storage.key.clone(), storage.location.clone(), storage.len, data))
        };
        self.made.storages.iter().map(tuple).collect()
    }

    /// The members of the archive below its folder, and their sizes.
    #[getter]
    fn members(&self) -> Vec<(String, u64)> {
        let members = self.made.archive.members().iter();
        let below = members.filter_map(|member| {
            let name = member.name.strip_prefix(&self.made.folder)?;
            Some((name.to_owned(), member.size))
        });
        below.collect()
    }

    /// The bytes of a member of the archive.
    fn member<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'py, PyAny>,
        name: &str,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let buffer = Buffer::of(data)?;
        let name = format!("{}{name}", self.made.folder);
        let Some(member) = self.made.archive.get(&name) else { return Ok(None) };
        let bytes = member.bytes(buffer.as_slice()).or_raise(py)?;
        Ok(Some(memory::new_bytes(py, &bytes)?))
    }

    /// Names of a program's tensors, and their numbers.
    fn script_state(&self, data: &Bound<'_, PyAny>) -> PyResult<Vec<(String, NodeId)>> {
        let buffer = Buffer::of(data)?;
        Ok(self.made.script_state(buffer.as_slice()))
    }

    /// Makes the values of these numbers, with a factory for what is not plain.
    fn build<'py>(
        &self,
        factory: &Bound<'py, PyAny>,
        wanted: Vec<NodeId>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let py = factory.py();
        let count = self.made.nodes.len();
        let wanted: Vec<_> = wanted.into_iter().filter(|&id| (id as usize) < count).collect();
        let mut builder = Builder {
            py,
            factory,
            nodes: &self.made.nodes,
            values: vec![None; count],
            taken: vec![(0, 0); count],
        };
        builder.run(&reachable(&self.made.nodes, &wanted))?;
        wanted.into_iter().map(|id| builder.value(id)).collect()
    }
}

/// Which values are parts of the wanted ones.
fn reachable(nodes: &Nodes, wanted: &[NodeId]) -> Vec<bool> {
    let mut is_reached = vec![false; nodes.len()];
    let mut open = wanted.to_vec();
    while let Some(id) = open.pop() {
        if !std::mem::replace(&mut is_reached[id as usize], true) {
            add_parts(nodes.get(id), &mut open);
        }
    }
    is_reached
}

fn add_parts(node: &Node, open: &mut Vec<NodeId>) {
    let add_entries = |entries: &[(NodeId, NodeId)], open: &mut Vec<NodeId>| {
        open.extend(entries.iter().flat_map(|&(key, value)| [key, value]));
    };
    match node {
        Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => {
            open.extend(items);
        }
        Node::Dict(dict) => {
            open.extend(&dict.attributes);
            add_entries(&dict.entries, open);
        }
        Node::Object(object) => {
            open.extend([object.callee, object.arguments]);
            open.extend(object.keywords.iter().chain(&object.states).chain(&object.items));
            add_entries(&object.entries, open);
        }
        Node::Tensor(tensor) => {
            open.extend(&tensor.states);
            match &tensor.layout {
                Layout::Quantized(_, quantizer) => {
                    if let Quantizer::PerChannel { scales, zero_points, .. } = **quantizer {
                        open.extend([scales, zero_points]);
                    }
                }
                Layout::Sparse(sparse) => {
                    open.extend([sparse.indices, sparse.values]);
                    open.extend(sparse.plain_indices);
                }
                Layout::Jagged { values, offsets } => open.extend([values, offsets]),
                _ => {}
            }
        }
        _ => {}
    }
}

/// Makes values in the order of the file: what is inside of others comes before them.
struct Builder<'a, 'py> {
    py: Python<'py>,
    factory: &'a Bound<'py, PyAny>,
    nodes: &'a Nodes,
    values: Vec<Option<Bound<'py, PyAny>>>,
    /// How many items and entries each value has by now.
    taken: Vec<(usize, usize)>,
}

impl<'py> Builder<'_, 'py> {
    fn run(&mut self, is_reached: &[bool]) -> PyResult<()> {
        let mut edits = self.nodes.edits.iter().peekable();
        for id in 0..=NodeId::try_from(is_reached.len()).unwrap_or(NodeId::MAX) {
            while let Some(edit) = edits.next_if(|edit| edit.made <= id) {
                if is_reached[edit.target as usize] {
                    self.edit(edit)?;
                }
            }
            if is_reached.get(id as usize) == Some(&true) {
                let value = self.make(self.nodes.get(id))?;
                self.values[id as usize] = Some(value);
                // Long files can be interrupted.
                if id.is_multiple_of(1 << 16) {
                    self.py.check_signals()?;
                }
            }
        }
        Ok(())
    }

    fn value(&self, id: NodeId) -> PyResult<Bound<'py, PyAny>> {
        let made = self.values[id as usize].clone();
        made.ok_or_else(|| pyo3::exceptions::PyValueError::new_err("a value inside of itself"))
    }

    fn values(&self, ids: &[NodeId]) -> PyResult<Vec<Bound<'py, PyAny>>> {
        ids.iter().map(|&id| self.value(id)).collect()
    }

    fn make(&self, node: &Node) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        Ok(match node {
            Node::None => py.None().into_bound(py),
            Node::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
            Node::Int(value) => make::int(py, *value)?,
            Node::BigInt(value) => {
                make::big_int(py, BigInt::LittleEndian(&value.to_signed_bytes_le()))?
            }
            Node::Float(value) => make::float(py, *value)?,
            Node::Text(value) => text::to_python(py, value.as_text())?,
            Node::Bytes(bytes) => memory::new_bytes(py, bytes)?.into_any(),
            Node::ByteArray(bytes) => memory::new_byte_array(py, bytes)?.into_any(),
            Node::Tuple(items) => memory::new_tuple(py, &self.values(items)?)?.into_any(),
            Node::List(_) => memory::new_list(py)?.into_any(),
            Node::Set(_) => PySet::empty(py)?.into_any(),
            Node::FrozenSet(items) => PyFrozenSet::new(py, self.values(items)?)?.into_any(),
            Node::Dict(dict) => self.dict(dict)?,
            Node::Object(object) => self.object(object)?,
            Node::Tensor(tensor) => self.tensor(tensor)?,
            other => self.small(other)?,
        })
    }

    fn dict(&self, dict: &Dict) -> PyResult<Bound<'py, PyAny>> {
        if dict.is_ordered {
            return self.factory.call_method0("ordered_dict");
        }
        Ok(memory::new_dict(self.py)?.into_any())
    }

    fn object(&self, object: &Object) -> PyResult<Bound<'py, PyAny>> {
        let making = match object.making {
            Making::Call => "call",
            Making::New => "new",
            Making::Instance => "instance",
        };
        let keywords = object.keywords.map(|keywords| self.value(keywords)).transpose()?;
        let (callee, arguments) = (self.value(object.callee)?, self.value(object.arguments)?);
        self.factory.call_method1("object", (making, callee, arguments, keywords))
    }

    fn small(&self, node: &Node) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        match node {
            Node::Size(sides) => self.factory.call_method1("size", (PyTuple::new(py, sides)?,)),
            Node::Dtype(dtype) => self.factory.call_method1("dtype", (dtype.name(),)),
            Node::Device(device) => self.factory.call_method1("device", (device,)),
            Node::Constant(name) => self.factory.call_method1("constant", (name,)),
            Node::Name(name) => self.factory.call_method1("name", (&name.module, &name.name)),
            Node::Storage(StorageView { storage, dtype, start, len }) => {
                self.factory.call_method1("storage", (storage, dtype.name(), start, len))
            }
            _ => Ok(py.None().into_bound(py)),
        }
    }

    fn tensor(&self, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        let made = match &tensor.layout {
            Layout::Strided(view) => self.factory.call_method1("strided", view_tuple(py, view)?),
            Layout::Quantized(view, quantizer) => {
                let view = view_tuple(py, view)?;
                self.factory.call_method1("quantized", (view, self.quantizer(quantizer)?))
            }
            Layout::Sparse(sparse) => {
                let shape = PyTuple::new(py, &sparse.shape)?;
                let plain = sparse.plain_indices.map(|plain| self.value(plain)).transpose()?;
                let (indices, values) = (self.value(sparse.indices)?, self.value(sparse.values)?);
                let parts = (sparse.layout, shape, indices, plain, values, sparse.is_coalesced);
                self.factory.call_method1("sparse", parts)
            }
            Layout::Nested { parts, .. } => {
                let parts = parts.iter().map(|view| view_tuple(py, view));
                self.factory.call_method1("nested", (parts.collect::<PyResult<Vec<_>>>()?,))
            }
            Layout::Jagged { values, offsets } => {
                let parts = (self.value(*values)?, self.value(*offsets)?);
                self.factory.call_method1("jagged", parts)
            }
            _ => Ok(py.None().into_bound(py)),
        }?;
        let is_plain = tensor.class.is_none() && !tensor.requires_grad && tensor.states.is_empty();
        if is_plain {
            return Ok(made);
        }
        let made =
            self.factory.call_method1("tensor", (made, &tensor.class, tensor.requires_grad))?;
        // States that come with the call; those of later instructions are edits.
        for &state in tensor.states.iter().filter(|&&state| self.is_made(state)) {
            self.factory.call_method1("state", (&made, self.value(state)?))?;
        }
        Ok(made)
    }

    fn is_made(&self, id: NodeId) -> bool {
        self.values[id as usize].is_some()
    }

    fn quantizer(&self, quantizer: &Quantizer) -> PyResult<Bound<'py, PyTuple>> {
        match quantizer {
            Quantizer::PerTensor { scale, zero_point } => {
                ("per_tensor_affine", scale, zero_point).into_pyobject(self.py)
            }
            Quantizer::PerChannel { scheme, scales, zero_points, axis } => {
                let (scales, zero_points) = (self.value(*scales)?, self.value(*zero_points)?);
                (*scheme, scales, zero_points, axis).into_pyobject(self.py)
            }
        }
    }

    fn edit(&mut self, edit: &Edit) -> PyResult<()> {
        let target = self.value(edit.target)?;
        let (items, entries) = &mut self.taken[edit.target as usize];
        match edit.change {
            Change::State(state) => {
                let state = self.value(state)?;
                self.factory.call_method1("state", (target, state)).map(|_| ())
            }
            Change::SetItems(count) => {
                let from = std::mem::replace(entries, *entries + count as usize);
                self.set_items(&target, edit.target, from, count as usize)
            }
            Change::Extend(count) => {
                let from = std::mem::replace(items, *items + count as usize);
                let new = self.items(edit.target, from, count as usize)?;
                match target.cast::<PyList>() {
                    Ok(list) => new.iter().try_for_each(|item| list.append(item)),
                    Err(_) => self.factory.call_method1("extend", (target, new)).map(|_| ()),
                }
            }
            Change::Add(count) => {
                let from = std::mem::replace(items, *items + count as usize);
                let new = self.items(edit.target, from, count as usize)?;
                match target.cast::<PySet>() {
                    Ok(set) => new.iter().try_for_each(|item| set.add(item)),
                    Err(_) => self.factory.call_method1("add", (target, new)).map(|_| ()),
                }
            }
        }
    }

    fn items(&self, id: NodeId, from: usize, count: usize) -> PyResult<Vec<Bound<'py, PyAny>>> {
        match self.nodes.get(id) {
            Node::List(items) | Node::Set(items) => self.values(&items[from..from + count]),
            Node::Object(object) => self.values(&object.items[from..from + count]),
            _ => Ok(Vec::new()),
        }
    }

    fn set_items(
        &self,
        target: &Bound<'py, PyAny>,
        id: NodeId,
        from: usize,
        count: usize,
    ) -> PyResult<()> {
        let entries = match self.nodes.get(id) {
            Node::Dict(dict) => &dict.entries[from..from + count],
            Node::Object(object) => &object.entries[from..from + count],
            _ => &[],
        };
        if let Ok(dict) = target.cast::<PyDict>()
            && matches!(self.nodes.get(id), Node::Dict(_))
        {
            for &(key, value) in entries {
                // An ordered dictionary keeps its order in its own setting of items.
                dict.as_any().set_item(self.value(key)?, self.value(value)?)?;
            }
            return Ok(());
        }
        let flat: Vec<_> = entries.iter().flat_map(|&(key, value)| [key, value]).collect();
        let flat = PyList::new(self.py, self.values(&flat)?)?;
        self.factory.call_method1("set_items", (target, flat)).map(|_| ())
    }
}

/// Storage, dtype, shape, strides, offset, and the bytes before.
fn view_tuple<'py>(py: Python<'py>, view: &View) -> PyResult<Bound<'py, PyTuple>> {
    let (shape, strides) = (PyTuple::new(py, &view.shape)?, PyTuple::new(py, &view.strides)?);
    (view.storage, view.dtype.name(), shape, strides, view.offset, view.start).into_pyobject(py)
}
