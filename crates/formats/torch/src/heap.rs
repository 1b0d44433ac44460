//! The heap on which the pickles of a checkpoint run: names make inert objects, but for those by
//! which `PyTorch` puts tensors and plain data together.

use std::vec::Drain;

use cannery_core::{Budget, Error, ErrorKind, Limits, Result, TextBuf};
use cannery_pickle::{Heap, literal, policy};
use num_bigint::BigInt;

use crate::constants::constant;
use crate::node::{Change, Dict, Making, Name, Node, Nodes, Object};
use crate::node_id::NodeId;
use crate::storages::{PersistentIds, Storages};

/// Values so far, and the storages that they name.
pub(crate) struct TorchHeap {
    pub(crate) nodes: Nodes,
    pub(crate) storages: Storages,
    /// What persistent ids are in the pickle at hand.
    pub(crate) ids: PersistentIds,
    budget: Budget,
    protocol: u8,
}

impl TorchHeap {
    pub(crate) fn new(limits: &Limits, input: u64) -> Self {
        // Nodes are numbered in 32 bits.
        let limits = limits.nodes(limits.nodes.min(u32::MAX.into()));
        Self {
            nodes: Nodes::default(),
            storages: Storages::default(),
            ids: PersistentIds::None,
            budget: Budget::new(&limits, input),
            protocol: 0,
        }
    }

    pub(crate) fn add(&mut self, node: Node) -> Result<NodeId> {
        self.budget.take_nodes(1)?;
        Ok(self.nodes.add(node))
    }

    /// An object that is not made.
    pub(crate) fn object(
        &mut self,
        making: Making,
        callee: NodeId,
        arguments: NodeId,
        keywords: Option<NodeId>,
    ) -> Result<NodeId> {
        let (states, items, entries) = (Vec::new(), Vec::new(), Vec::new());
        let object = Object { callee, making, arguments, keywords, states, items, entries };
        self.add(Node::Object(Box::new(object)))
    }

    /// What a module has by a name, or the constant of `PyTorch`'s that it is.
    fn name(&mut self, module: &str, name: &str) -> Result<NodeId> {
        let (module, name) = match self.protocol {
            0..3 => policy::python3_name(module, name),
            _ => (module, name),
        };
        let node = constant(module, name).unwrap_or_else(|| {
            Node::Name(Name { module: module.to_owned(), name: name.to_owned() })
        });
        self.add(node)
    }

    fn call(&mut self, making: Making, callee: NodeId, arguments: NodeId) -> Result<NodeId> {
        if making != Making::New
            && let Some(name) = self.nodes.name(callee).cloned()
            && let Some(made) = self.rebuild(&name, arguments)?
        {
            return Ok(made);
        }
        self.object(making, callee, arguments, None)
    }

    fn take(items: Drain<'_, NodeId>) -> Vec<(NodeId, NodeId)> {
        let mut items = items;
        let mut entries = Vec::with_capacity(items.len() / 2);
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        entries
    }

    fn big(&mut self, value: BigInt) -> Result<NodeId> {
        self.add(Node::BigInt(value))
    }
}

#[cold]
fn misused(what: &str) -> Error {
    Error::new(ErrorKind::Syntax, format!("the pickle {what}"))
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Heap for TorchHeap {
    type Ref = NodeId;

    fn protocol(&mut self, protocol: u8) {
        self.protocol = protocol;
    }

    fn none(&mut self) -> Result<NodeId> {
        self.add(Node::None)
    }

    fn bool(&mut self, value: bool) -> Result<NodeId> {
        self.add(Node::Bool(value))
    }

    fn int(&mut self, value: i64) -> Result<NodeId> {
        self.add(Node::Int(value))
    }

    fn big_int(&mut self, bytes: &[u8]) -> Result<NodeId> {
        self.big(BigInt::from_signed_bytes_le(bytes))
    }

    fn float(&mut self, value: f64) -> Result<NodeId> {
        self.add(Node::Float(value))
    }

    fn text(&mut self, bytes: &[u8]) -> Result<NodeId> {
        let text: TextBuf = literal::utf8(bytes)?.into();
        self.add(Node::Text(text))
    }

    fn escaped_text(&mut self, line: &[u8]) -> Result<NodeId> {
        let text = literal::escaped(line)?;
        self.add(Node::Text(text))
    }

    /// Text, as `PyTorch` decodes the strings of Python 2; bytes where it could not.
    fn string(&mut self, bytes: &[u8]) -> Result<NodeId> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.add(Node::Text(text.into())),
            Err(_) => self.bytes(bytes),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<NodeId> {
        self.add(Node::Bytes(bytes.to_vec()))
    }

    fn bytearray(&mut self, bytes: &[u8]) -> Result<NodeId> {
        self.add(Node::ByteArray(bytes.to_vec()))
    }

    fn short_line(&mut self, line: &[u8]) -> Result<NodeId> {
        let integer = literal::short_integer(line)?;
        self.integer(integer)
    }

    fn long_line(&mut self, line: &[u8]) -> Result<NodeId> {
        let integer = literal::long_integer(line)?;
        self.integer(integer)
    }

    fn float_line(&mut self, line: &[u8]) -> Result<NodeId> {
        let value = literal::float(line)?;
        self.float(value)
    }

    fn tuple(&mut self, items: Drain<'_, NodeId>) -> Result<NodeId> {
        self.add(Node::Tuple(items.collect()))
    }

    fn list(&mut self, items: Drain<'_, NodeId>) -> Result<NodeId> {
        let list = self.add(Node::List(Vec::new()))?;
        if items.len() > 0 {
            self.extend(&list, items, 0)?;
        }
        Ok(list)
    }

    fn dict(&mut self, items: Drain<'_, NodeId>) -> Result<NodeId> {
        let dict = self.add(Node::Dict(Box::default()))?;
        if items.len() > 0 {
            self.set_items(&dict, items, 0)?;
        }
        Ok(dict)
    }

    fn set(&mut self) -> Result<NodeId> {
        self.add(Node::Set(Vec::new()))
    }

    fn frozenset(&mut self, items: Drain<'_, NodeId>) -> Result<NodeId> {
        self.add(Node::FrozenSet(items.collect()))
    }

    fn append(&mut self, list: &NodeId, item: NodeId, _: usize) -> Result<()> {
        match self.nodes.get_mut(*list) {
            Node::List(items) => items.push(item),
            Node::Object(object) => object.items.push(item),
            _ => return Err(misused("appends to what is no list")),
        }
        self.nodes.note(*list, Change::Extend(1));
        Ok(())
    }

    fn extend(&mut self, list: &NodeId, new: Drain<'_, NodeId>, _: usize) -> Result<()> {
        let change = Change::Extend(count(new.len()));
        match self.nodes.get_mut(*list) {
            Node::List(items) => items.extend(new),
            Node::Object(object) => object.items.extend(new),
            _ => return Err(misused("appends to what is no list")),
        }
        self.nodes.note(*list, change);
        Ok(())
    }

    fn set_items(&mut self, dict: &NodeId, items: Drain<'_, NodeId>, _: usize) -> Result<()> {
        let new = Self::take(items);
        let change = Change::SetItems(count(new.len()));
        match self.nodes.get_mut(*dict) {
            Node::Dict(dict) => dict.entries.extend(new),
            Node::Object(object) => object.entries.extend(new),
            _ => return Err(misused("sets items of what is no dictionary")),
        }
        self.nodes.note(*dict, change);
        Ok(())
    }

    fn add_items(&mut self, set: &NodeId, new: Drain<'_, NodeId>, _: usize) -> Result<()> {
        let change = Change::Add(count(new.len()));
        match self.nodes.get_mut(*set) {
            Node::Set(items) => items.extend(new),
            Node::Object(object) => object.items.extend(new),
            _ => return Err(misused("adds to what is no set")),
        }
        self.nodes.note(*set, change);
        Ok(())
    }

    fn global(&mut self, module: &[u8], name: &[u8], _: usize) -> Result<NodeId> {
        let (module, name) = (literal::utf8(module)?, literal::utf8(name)?);
        self.name(&module.to_str_lossy(), &name.to_str_lossy())
    }

    fn stack_global(&mut self, module: NodeId, name: NodeId, _: usize) -> Result<NodeId> {
        let text = |id| self.nodes.text(id).map(ToOwned::to_owned);
        match text(module).zip(text(name)) {
            Some((module, name)) => self.name(&module, &name),
            None => Err(misused("takes something else for a name than two texts")),
        }
    }

    fn extension(&mut self, code: i64, _: usize) -> Result<NodeId> {
        let message = format!("the pickle names something by extension code {code}");
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    fn instance(
        &mut self,
        class: NodeId,
        arguments: Drain<'_, NodeId>,
        _: usize,
    ) -> Result<NodeId> {
        let arguments = self.tuple(arguments)?;
        self.call(Making::Instance, class, arguments)
    }

    fn new_object(
        &mut self,
        class: NodeId,
        arguments: NodeId,
        keywords: Option<NodeId>,
        _: usize,
    ) -> Result<NodeId> {
        self.object(Making::New, class, arguments, keywords)
    }

    fn reduce(&mut self, callable: NodeId, arguments: NodeId, _: usize) -> Result<NodeId> {
        self.call(Making::Call, callable, arguments)
    }

    fn build(&mut self, object: &NodeId, state: NodeId, _: usize) -> Result<()> {
        match self.nodes.get_mut(*object) {
            Node::Object(object) => object.states.push(state),
            Node::Tensor(tensor) => tensor.states.push(state),
            Node::Dict(dict) if dict.is_ordered => dict.attributes.push(state),
            _ => return Err(misused("gives a state to what takes none")),
        }
        self.nodes.note(*object, Change::State(state));
        Ok(())
    }

    fn persistent_line(&mut self, id: &[u8], at: usize) -> Result<NodeId> {
        let id = self.string(id)?;
        self.persistent(id, at)
    }

    fn persistent(&mut self, id: NodeId, _: usize) -> Result<NodeId> {
        self.resolve(id)
    }

    fn next_buffer(&mut self, _: usize) -> Result<NodeId> {
        Err(misused("takes buffers from outside of the stream, of which there are none"))
    }

    fn readonly_buffer(&mut self, buffer: NodeId, _: usize) -> Result<NodeId> {
        Ok(buffer)
    }
}

/// A dictionary of entries that are there from the beginning.
pub(crate) fn ordered_dict(heap: &mut TorchHeap, new: Vec<(NodeId, NodeId)>) -> Result<NodeId> {
    let dict = Dict { is_ordered: true, ..Dict::default() };
    let id = heap.add(Node::Dict(Box::new(dict)))?;
    let change = Change::SetItems(count(new.len()));
    if let Node::Dict(dict) = heap.nodes.get_mut(id)
        && !new.is_empty()
    {
        dict.entries = new;
        heap.nodes.note(id, change);
    }
    Ok(id)
}

/// A set of items that are there from the beginning.
pub(crate) fn set(heap: &mut TorchHeap, new: Vec<NodeId>) -> Result<NodeId> {
    let id = heap.add(Node::Set(Vec::new()))?;
    let change = Change::Add(count(new.len()));
    if let Node::Set(items) = heap.nodes.get_mut(id)
        && !new.is_empty()
    {
        *items = new;
        heap.nodes.note(id, change);
    }
    Ok(id)
}
