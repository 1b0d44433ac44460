//! The calls by which `PyTorch`'s pickles put tensors together, understood as descriptions.

use cannery_core::{Result, Text, TextBuf};

use crate::dtype::TorchDtype;
use crate::heap::{TorchHeap, ordered_dict, set};
use crate::node::{Name, Node};
use crate::node_id::NodeId;
use crate::tensor::{
    Layout, Quantizer, Sparse, StorageView, Tensor, View, contiguous_strides, elements, wrong,
};

impl TorchHeap {
    /// What a call makes, if it is one of those that are understood.
    pub(crate) fn rebuild(&mut self, name: &Name, arguments: NodeId) -> Result<Option<NodeId>> {
        call(self, name, arguments)
    }
}

fn call(heap: &mut TorchHeap, name: &Name, arguments: NodeId) -> Result<Option<NodeId>> {
    let Some(items) = heap.nodes.sequence(arguments).map(<[NodeId]>::to_vec) else {
        return Ok(None);
    };
    let mut call = Call { heap, name, items };
    match name.module.as_str() {
        "torch._utils" | "torch._tensor" | "torch.tensor" => call.tensor(),
        "torch.nested._internal.nested_tensor" if name.name == "_rebuild_njt" => call.jagged(),
        "torch" | "torch.serialization" => call.small(),
        "torch.jit._pickle" => Ok(call.script()),
        "collections" if name.name == "OrderedDict" => call.ordered_dict(),
        "builtins" | "_codecs" => call.plain(),
        _ => Ok(None),
    }
}

/// A call and its arguments.
struct Call<'a> {
    heap: &'a mut TorchHeap,
    name: &'a Name,
    items: Vec<NodeId>,
}

impl Call<'_> {
    fn tensor(&mut self) -> Result<Option<NodeId>> {
        let tensor = match self.name.name.as_str() {
            "_rebuild_tensor" => Tensor::new(Layout::Strided(self.view(None)?)),
            "_rebuild_tensor_v2" => self.strided(None, 4, 6)?,
            "_rebuild_tensor_v3" => {
                let dtype = self.dtype(6)?;
                self.strided(Some(dtype), 4, 7)?
            }
            "_rebuild_parameter" | "_rebuild_buffer" => self.parameter(None)?,
            "_rebuild_parameter_with_state" => self.parameter(self.items.get(3).copied())?,
            "_rebuild_qtensor" => self.quantized()?,
            "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor" => self.sparse()?,
            "_rebuild_meta_tensor_no_storage" => self.meta()?,
            "_rebuild_nested_tensor" => self.nested()?,
            "_rebuild_device_tensor_from_cpu_tensor" => self.tensor_at(0)?.clone(),
            "_rebuild_from_type_v2" | "_rebuild_from_type" => return self.of_class(),
            _ => return Ok(None),
        };
        self.heap.add(Node::Tensor(Box::new(tensor))).map(Some)
    }

    fn strided(
        &self,
        dtype: Option<TorchDtype>,
        requires_grad: usize,
        metadata: usize,
    ) -> Result<Tensor> {
        let mut tensor = Tensor::new(Layout::Strided(self.view(dtype)?));
        tensor.requires_grad = self.bool(requires_grad)?;
        if let Some(&metadata) = self.items.get(metadata) {
            let is_set = |key| {
                let value = self.heap.nodes.entry(metadata, key);
                value.is_some_and(|value| matches!(self.heap.nodes.get(value), Node::Bool(true)))
            };
            (tensor.is_conjugate, tensor.is_negative) = (is_set("conj"), is_set("neg"));
        }
        Ok(tensor)
    }

    /// The view that the first four arguments describe: storage, offset, shape, strides.
    fn view(&self, dtype: Option<TorchDtype>) -> Result<View> {
        let storage = match self.heap.nodes.get(self.at(0)?) {
            Node::Storage(view) => *view,
            _ => return Err(self.expected(0, "a storage")),
        };
        let offset = self.number(1)?;
        let (shape, strides) = (self.numbers(2)?, self.numbers(3)?);
        self.view_of(storage, dtype.unwrap_or(storage.dtype), offset, shape, strides)
    }

    fn view_of(
        &self,
        storage: StorageView,
        dtype: TorchDtype,
        offset: u64,
        shape: Vec<u64>,
        strides: Vec<u64>,
    ) -> Result<View> {
        let StorageView { storage: number, start, len, .. } = storage;
        let is_meta = self.heap.storages.all[number].location == "meta";
        let storage = (!is_meta).then_some(number);
        let view = View { storage, dtype, shape, strides, offset, start };
        view.check(len)?;
        Ok(view)
    }

    /// `(data, requires_grad, hooks[, state])`
    fn parameter(&self, state: Option<NodeId>) -> Result<Tensor> {
        let mut tensor = self.tensor_at(0)?.clone();
        let is_buffer = self.name.name == "_rebuild_buffer";
        let class = if is_buffer { "Buffer" } else { "Parameter" };
        tensor.class = Some(format!("torch.nn.parameter.{class}"));
        tensor.requires_grad = self.bool(1)?;
        tensor.states = self.state(state);
        Ok(tensor)
    }

    fn state(&self, state: Option<NodeId>) -> Vec<NodeId> {
        let is_state = |state: &NodeId| !matches!(self.heap.nodes.get(*state), Node::None);
        state.filter(is_state).into_iter().collect()
    }

    /// `(function, class, arguments, state)`
    fn of_class(&mut self) -> Result<Option<NodeId>> {
        let (function, class, arguments) = (self.at(0)?, self.at(1)?, self.at(2)?);
        let Some(name) = self.heap.nodes.name(function).cloned() else {
            return Err(self.expected(0, "a function"));
        };
        let class = match self.heap.nodes.name(class) {
            Some(class) => class.full(),
            None => return Err(self.expected(1, "a class")),
        };
        if name.name.starts_with("_rebuild_from_type") {
            return Err(self.expected(0, "a function that makes tensors"));
        }
        let states = self.state(self.items.get(3).copied());
        let Some(made) = call(self.heap, &name, arguments)? else { return Ok(None) };
        if let Node::Tensor(tensor) = self.heap.nodes.get_mut(made) {
            if class != "torch.Tensor" {
                tensor.class = Some(class);
            }
            tensor.states.extend(states);
        }
        Ok(Some(made))
    }

    /// `(storage, offset, shape, strides, quantizer, requires_grad, hooks)`
    fn quantized(&self) -> Result<Tensor> {
        let view = self.view(None)?;
        let quantizer = self.quantizer()?;
        let mut tensor = Tensor::new(Layout::Quantized(view, Box::new(quantizer)));
        tensor.requires_grad = self.bool(5)?;
        Ok(tensor)
    }

    fn quantizer(&self) -> Result<Quantizer> {
        let wrong_quantizer = || self.expected(4, "the parameters of a quantizer");
        let parts = self.heap.nodes.sequence(self.at(4)?).ok_or_else(wrong_quantizer)?;
        let scheme = match parts.first().map(|&scheme| self.heap.nodes.get(scheme)) {
            Some(Node::Constant(scheme)) => scheme.as_str(),
            _ => return Err(wrong_quantizer()),
        };
        if scheme == "torch.per_tensor_affine" {
            let &[_, scale, zero_point] = parts else { return Err(wrong_quantizer()) };
            let Node::Float(scale) = *self.heap.nodes.get(scale) else {
                return Err(wrong_quantizer());
            };
            let zero_point = self.heap.nodes.int(zero_point).ok_or_else(wrong_quantizer)?;
            return Ok(Quantizer::PerTensor { scale, zero_point });
        }
        let &[_, scales, zero_points, axis] = parts else { return Err(wrong_quantizer()) };
        let axis = self.heap.nodes.int(axis).ok_or_else(wrong_quantizer)?;
        let of_floats = self.dtype_of(zero_points).is_some_and(|dtype| dtype.name() == "float32");
        if self.dtype_of(scales).is_none() || self.dtype_of(zero_points).is_none() {
            return Err(wrong_quantizer());
        }
        // Both have one name in the file, and are told apart by what the zero points are.
        let scheme =
            if of_floats { "per_channel_affine_float_qparams" } else { "per_channel_affine" };
        Ok(Quantizer::PerChannel { scheme, scales, zero_points, axis })
    }

    fn dtype_of(&self, tensor: NodeId) -> Option<TorchDtype> {
        match self.heap.nodes.get(tensor) {
            Node::Tensor(tensor) => match &tensor.layout {
                Layout::Strided(view) | Layout::Quantized(view, _) => Some(view.dtype),
                _ => None,
            },
            _ => None,
        }
    }

    /// `(layout, (indices[, plain indices], values, shape[, is coalesced]))`
    fn sparse(&self) -> Result<Tensor> {
        let layout = match self.heap.nodes.get(self.at(0)?) {
            Node::Constant(layout) => sparse_layout(layout),
            _ => None,
        };
        let layout = layout.ok_or_else(|| self.expected(0, "a sparse layout"))?;
        let parts = self.heap.nodes.sequence(self.at(1)?).unwrap_or_default();
        let is_coo = layout == "sparse_coo";
        let (indices, plain_indices, values, shape, is_coalesced) = match *parts {
            [indices, values, shape] if is_coo => (indices, None, values, shape, None),
            [indices, values, shape, coalesced] if is_coo => {
                let is_coalesced = matches!(self.heap.nodes.get(coalesced), Node::Bool(true));
                (indices, None, values, shape, Some(is_coalesced))
            }
            [indices, plain, values, shape] if !is_coo => {
                (indices, Some(plain), values, shape, None)
            }
            _ => return Err(self.expected(1, "the parts of a sparse tensor")),
        };
        for part in [Some(indices), plain_indices, Some(values)].into_iter().flatten() {
            if !matches!(self.heap.nodes.get(part), Node::Tensor(_)) {
                return Err(self.expected(1, "tensors"));
            }
        }
        let shape = self.numbers_of(shape).ok_or_else(|| self.expected(1, "a shape"))?;
        elements(&shape)?;
        let sparse = Sparse { layout, shape, indices, plain_indices, values, is_coalesced };
        Ok(Tensor::new(Layout::Sparse(Box::new(sparse))))
    }

    /// `(dtype, shape, strides, requires_grad)`
    fn meta(&self) -> Result<Tensor> {
        let dtype = self.dtype(0)?;
        let (shape, strides) = (self.numbers(1)?, self.numbers(2)?);
        elements(&shape)?;
        let view = View { storage: None, dtype, shape, strides, offset: 0, start: 0 };
        let mut tensor = Tensor::new(Layout::Strided(view));
        tensor.requires_grad = self.bool(3)?;
        Ok(tensor)
    }

    /// `(buffer, shapes, strides, offsets)`, all of them tensors. The numbers lie in storages that
    /// are not read yet: the parts are found when everything is.
    fn nested(&self) -> Result<Tensor> {
        for index in 0..4 {
            self.tensor_at(index)?;
        }
        let (buffer, places) = (self.at(0)?, [self.at(1)?, self.at(2)?, self.at(3)?]);
        Ok(Tensor::new(Layout::Nested { buffer, places, parts: Vec::new() }))
    }

    /// `({"values": values, "offsets": offsets, ...},)`
    fn jagged(&mut self) -> Result<Option<NodeId>> {
        let parts = self.at(0)?;
        let part = |key| {
            let found = self.heap.nodes.entry(parts, key);
            found.filter(|&part| matches!(self.heap.nodes.get(part), Node::Tensor(_)))
        };
        let Some((values, offsets)) = part("values").zip(part("offsets")) else {
            return Err(self.expected(0, "the parts of a nested tensor"));
        };
        let tensor = Tensor::new(Layout::Jagged { values, offsets });
        self.heap.add(Node::Tensor(Box::new(tensor))).map(Some)
    }

    fn small(&mut self) -> Result<Option<NodeId>> {
        let node = match (self.name.module.as_str(), self.name.name.as_str()) {
            ("torch", "Size") => {
                let sides = self.sides().ok_or_else(|| self.expected(0, "a tuple of sides"))?;
                Node::Size(sides)
            }
            ("torch", "device") => Node::Device(self.device()?),
            ("torch.serialization", "_get_layout") => match self.text(0) {
                Some(name) => Node::Constant(name.to_owned()),
                None => return Err(self.expected(0, "the name of a layout")),
            },
            _ => return Ok(None),
        };
        self.heap.add(node).map(Some)
    }

    fn sides(&self) -> Option<Vec<i64>> {
        let Some(&sides) = self.items.first() else { return Some(Vec::new()) };
        let sides = self.heap.nodes.sequence(sides)?;
        sides.iter().map(|&side| self.heap.nodes.int(side)).collect()
    }

    fn device(&self) -> Result<String> {
        let Some(kind) = self.text(0) else { return Err(self.expected(0, "a device")) };
        Ok(match self.items.get(1).and_then(|&index| self.heap.nodes.int(index)) {
            Some(index) => format!("{kind}:{index}"),
            None => kind.to_owned(),
        })
    }

    /// `TorchScript`'s lists and tagged values, which are what they are given.
    fn script(&self) -> Option<NodeId> {
        let name = self.name.name.as_str();
        let is_known =
            name == "restore_type_tag" || name.starts_with("build_") && name.ends_with("list");
        self.items.first().copied().filter(|_| is_known)
    }

    /// Empty, or with a list of keys and values.
    fn ordered_dict(&mut self) -> Result<Option<NodeId>> {
        let nodes = &self.heap.nodes;
        let entries = match self.items[..] {
            [] => Some(Vec::new()),
            [list] => nodes.sequence(list).and_then(|items| {
                let pair = |&item: &NodeId| match nodes.sequence(item) {
                    Some(&[key, value]) => Some((key, value)),
                    _ => None,
                };
                items.iter().map(pair).collect()
            }),
            _ => None,
        };
        entries.map(|entries| ordered_dict(self.heap, entries)).transpose()
    }

    /// Python's own types where they take one container or text.
    fn plain(&mut self) -> Result<Option<NodeId>> {
        let node = match (self.name.module.as_str(), self.name.name.as_str()) {
            ("builtins", "set") => {
                let items = self.container();
                return items.map(|items| set(self.heap, items)).transpose();
            }
            ("builtins", "frozenset") => self.container().map(Node::FrozenSet),
            ("builtins", "bytearray") => self.byte_text().map(Node::ByteArray),
            ("_codecs", "encode") => self.byte_text().map(Node::Bytes),
            _ => None,
        };
        node.map(|node| self.heap.add(node)).transpose()
    }

    fn container(&self) -> Option<Vec<NodeId>> {
        match self.items[..] {
            [] => Some(Vec::new()),
            [items] => self.heap.nodes.sequence(items).map(<[NodeId]>::to_vec),
            _ => None,
        }
    }

    /// Bytes that are given as they are, or as text whose characters they are.
    fn byte_text(&self) -> Option<Vec<u8>> {
        match self.items[..] {
            [] => Some(Vec::new()),
            [bytes] => match self.heap.nodes.get(bytes) {
                Node::Bytes(bytes) => Some(bytes.clone()),
                _ => None,
            },
            [text, encoding] => {
                match (self.heap.nodes.get(text), self.heap.nodes.text(encoding)?) {
                    (Node::Text(text), "latin1" | "latin-1" | "iso-8859-1") => latin1(text),
                    (Node::Text(text), "utf-8" | "utf8") => {
                        Some(text.as_str()?.as_bytes().to_vec())
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    // Arguments.

    fn at(&self, index: usize) -> Result<NodeId> {
        self.items.get(index).copied().ok_or_else(|| {
            wrong(format!("`{}` is given {} arguments", self.name.full(), self.items.len()))
        })
    }

    fn bool(&self, index: usize) -> Result<bool> {
        match self.items.get(index).map(|&item| self.heap.nodes.get(item)) {
            Some(Node::Bool(value)) => Ok(*value),
            Some(Node::Int(value)) => Ok(*value != 0),
            None | Some(Node::None) => Ok(false),
            Some(_) => Err(self.expected(index, "a truth value")),
        }
    }

    fn number(&self, index: usize) -> Result<u64> {
        let number = self.heap.nodes.int(self.at(index)?).and_then(|n| u64::try_from(n).ok());
        number.ok_or_else(|| self.expected(index, "a number of elements"))
    }

    fn numbers(&self, index: usize) -> Result<Vec<u64>> {
        let numbers = self.numbers_of(self.at(index)?);
        numbers.ok_or_else(|| self.expected(index, "numbers of elements"))
    }

    fn numbers_of(&self, id: NodeId) -> Option<Vec<u64>> {
        let to_count = |value: i64| u64::try_from(value).ok();
        if let Node::Size(sides) = self.heap.nodes.get(id) {
            return sides.iter().map(|&side| to_count(side)).collect();
        }
        let items = self.heap.nodes.sequence(id)?;
        items.iter().map(|&item| self.heap.nodes.int(item).and_then(to_count)).collect()
    }

    fn text(&self, index: usize) -> Option<&str> {
        self.items.get(index).and_then(|&item| self.heap.nodes.text(item))
    }

    fn dtype(&self, index: usize) -> Result<TorchDtype> {
        match self.heap.nodes.get(self.at(index)?) {
            Node::Dtype(dtype) => Ok(*dtype),
            _ => Err(self.expected(index, "a dtype")),
        }
    }

    fn tensor_at(&self, index: usize) -> Result<&Tensor> {
        match self.heap.nodes.get(self.at(index)?) {
            Node::Tensor(tensor) => Ok(tensor),
            _ => Err(self.expected(index, "a tensor")),
        }
    }

    #[cold]
    fn expected(&self, index: usize, what: &str) -> cannery_core::Error {
        let name = self.name.full();
        wrong(format!("`{name}` is not given {what} as argument {}", index + 1))
    }
}

/// A tensor of a class: what the tape archive has instead of calls.
pub(crate) fn tensor_of_class(
    storage: StorageView,
    shape: Vec<u64>,
    strides: Vec<u64>,
    offset: u64,
) -> Result<Tensor> {
    let StorageView { storage: number, dtype, start, len } = storage;
    let strides = if strides.is_empty() { contiguous_strides(&shape) } else { strides };
    let view = View { storage: Some(number), dtype, shape, strides, offset, start };
    view.check(len)?;
    Ok(Tensor::new(Layout::Strided(view)))
}

fn sparse_layout(name: &str) -> Option<&'static str> {
    const LAYOUTS: [&str; 5] =
        ["sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc"];
    let name = name.strip_prefix("torch.")?;
    LAYOUTS.into_iter().find(|layout| *layout == name)
}

/// The bytes whose values are the characters of a text.
fn latin1(text: &TextBuf) -> Option<Vec<u8>> {
    let (Text::Ascii(text) | Text::Utf8(text)) = text.as_text() else { return None };
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}
