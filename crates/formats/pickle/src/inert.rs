//! A pickle as a graph of values, for programs without Python: names make inert objects.

use std::collections::HashMap;
use std::vec::Drain;

use cannery_core::{
    Budget, Error, ErrorKind, Graph, Limits, Node, NodeId, ObjectNode, Result, TextBuf,
};
use num_bigint::BigInt;

use crate::heap::Heap;
use crate::literal;
use crate::machine::Machine;
use crate::policy;
use crate::read::{Framing, Ops};

/// Reads one pickle; nothing that it names is looked up or called.
///
/// Identity and cycles are kept. What Python would make by calling a name is an object of that
/// type name: its arguments are the part `args`, its state the parts of their names (or the part
/// `state`, if they have none), what was put into it the parts `items` and `entries`. A name alone
/// is an object `global` with the part `name`, a persistent id an object `persistent` with the
/// part `id`.
///
/// ```
/// let graph = cannery_pickle::read(b"(lp0\nI1\nag0\na.", cannery_core::Limits::default())?;
/// assert_eq!(graph.len(), 2);
/// # Ok::<(), cannery_core::Error>(())
/// ```
///
/// # Errors
/// Those of the stream; [`ErrorKind::Limit`]; [`ErrorKind::Unsupported`] for buffers that were
/// kept out of the stream.
pub fn read(data: &[u8], limits: Limits) -> Result<Graph> {
    let inert = InertHeap::new(&limits, data.len() as u64);
    let mut machine = Machine::new(Ops::new(data, 0, Framing::Strict), inert);
    let root = machine.run()?;
    let mut graph = machine.heap.graph;
    graph.set_root(root);
    Ok(graph)
}

/// What a pickle would make, as far as it can be read: without a root.
pub(crate) fn graph_of(data: &[u8], start: usize) -> Graph {
    let heap = InertHeap::new(&Limits::default(), (data.len() - start) as u64);
    let mut machine = Machine::new(Ops::new(data, start, Framing::Ignored), heap);
    // What was made before an error would be made.
    let _ = machine.run();
    machine.heap.graph
}

/// The heap of [`read`].
pub struct InertHeap {
    /// The objects so far.
    pub graph: Graph,
    /// What was made of names, and the offset of the opcode that would make it.
    pub made: Vec<(usize, NodeId)>,
    budget: Budget,
    protocol: u8,
    /// Where the parts of objects that have many are, by their names.
    indices: HashMap<NodeId, HashMap<TextBuf, usize>>,
}

/// Objects with more parts have an index of them.
const FEW_PARTS: usize = 16;

impl InertHeap {
    /// An empty heap for an input of that many bytes.
    #[must_use]
    pub fn new(limits: &Limits, input: u64) -> Self {
        let budget = Budget::new(limits, input);
        Self { graph: Graph::new(), made: Vec::new(), budget, protocol: 0, indices: HashMap::new() }
    }

    fn add(&mut self, node: Node) -> Result<NodeId> {
        self.budget.take_nodes(1)?;
        Ok(self.graph.add(node))
    }

    fn object(
        &mut self,
        type_name: impl Into<TextBuf>,
        parts: Vec<(TextBuf, NodeId)>,
    ) -> Result<NodeId> {
        self.add(Node::Object(Box::new(ObjectNode { type_name: type_name.into(), parts })))
    }

    fn made(&mut self, at: usize, id: NodeId) -> NodeId {
        self.made.push((at, id));
        id
    }

    fn name(&mut self, module: &str, name: &str, at: usize) -> Result<NodeId> {
        let text = self.add(Node::Text(format!("{module}.{name}").into()))?;
        let id = self.object("global", vec![("name".into(), text)])?;
        Ok(self.made(at, id))
    }

    /// The name that an object made by [`InertHeap::name`] has.
    fn name_of(&self, id: NodeId) -> Option<TextBuf> {
        let Node::Object(object) = &self.graph[id] else { return None };
        if object.type_name.as_str() != Some("global") {
            return None;
        }
        match object.parts.first().map(|&(_, part)| &self.graph[part]) {
            Some(Node::Text(name)) => Some(name.clone()),
            _ => None,
        }
    }

    fn make(&mut self, callable: NodeId, arguments: NodeId, at: usize) -> Result<NodeId> {
        let mut name = self.name_of(callable).unwrap_or_else(|| "call".into());
        let mut parts = Vec::new();
        let arguments_of = |id| match &self.graph[id] {
            Node::Tuple(items) => items.clone(),
            _ => Vec::new(),
        };
        let items = arguments_of(arguments);
        let reconstructs = matches!(name.as_str(), Some("copyreg._reconstructor"));
        match items.first().and_then(|&class| self.name_of(class)) {
            Some(class) if reconstructs => name = class,
            _ if !items.is_empty() => parts.push(("args".into(), arguments)),
            _ => {}
        }
        let id = self.object(name, parts)?;
        Ok(self.made(at, id))
    }

    fn is_object(&self, id: NodeId) -> bool {
        matches!(self.graph[id], Node::Object(_))
    }

    /// The part of that name, made if it is not there.
    fn part(&mut self, object: NodeId, name: &str, empty: Node) -> Result<NodeId> {
        let name = TextBuf::from(name);
        if let Some(at) = self.place_of(object, &name)
            && let Node::Object(node) = &self.graph[object]
        {
            return Ok(node.parts[at].1);
        }
        let part = self.add(empty)?;
        self.set_part(object, name, part)?;
        Ok(part)
    }

    /// Where the part of that name is among the parts of an object.
    fn place_of(&mut self, object: NodeId, name: &TextBuf) -> Option<usize> {
        let Node::Object(node) = &self.graph[object] else { return None };
        if node.parts.len() <= FEW_PARTS {
            return node.parts.iter().position(|(part, _)| part == name);
        }
        let index = self.indices.entry(object).or_default();
        // Parts are only ever added at the end.
        for (at, (part, _)) in node.parts.iter().enumerate().skip(index.len()) {
            index.insert(part.clone(), at);
        }
        index.get(name).copied()
    }

    /// Sets a part of an object, in place of an earlier one of that name.
    fn set_part(&mut self, object: NodeId, name: TextBuf, value: NodeId) -> Result<()> {
        let place = self.place_of(object, &name);
        match (&mut self.graph[object], place) {
            (Node::Object(node), Some(at)) => node.parts[at].1 = value,
            (Node::Object(node), None) => node.parts.push((name, value)),
            _ => return self.graph.set_part(object, name, value),
        }
        Ok(())
    }

    fn put_entries(&mut self, dict: NodeId, items: Drain<'_, NodeId>) -> Result<()> {
        let mut items = items;
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            self.graph.set_item(dict, key, value)?;
        }
        Ok(())
    }

    /// State with names becomes parts; other state, or state beside arguments, is one part.
    fn take_state(&mut self, object: NodeId, state: NodeId) -> Result<()> {
        let Node::Map(entries) = &self.graph[state] else {
            return self.set_part(object, "state".into(), state);
        };
        let mut parts = Vec::with_capacity(entries.len());
        for &(key, value) in entries {
            match &self.graph[key] {
                Node::Text(name) => parts.push((name.clone(), value)),
                _ => return self.set_part(object, "state".into(), state),
            }
        }
        self.budget.take_nodes(parts.len() as u64)?;
        for (name, value) in parts {
            self.set_part(object, name, value)?;
        }
        Ok(())
    }
}

impl Heap for InertHeap {
    type Ref = NodeId;

    fn protocol(&mut self, protocol: u8) {
        self.protocol = protocol;
    }

    fn none(&mut self) -> Result<NodeId> {
        self.add(Node::Null)
    }

    fn bool(&mut self, value: bool) -> Result<NodeId> {
        self.add(Node::Bool(value))
    }

    fn int(&mut self, value: i64) -> Result<NodeId> {
        self.add(Node::Int(value))
    }

    fn big_int(&mut self, bytes: &[u8]) -> Result<NodeId> {
        self.add(Node::BigInt(BigInt::from_signed_bytes_le(bytes)))
    }

    fn float(&mut self, value: f64) -> Result<NodeId> {
        self.add(Node::Float(value))
    }

    fn text(&mut self, bytes: &[u8]) -> Result<NodeId> {
        let text = literal::utf8(bytes)?.into();
        self.add(Node::Text(text))
    }

    fn escaped_text(&mut self, line: &[u8]) -> Result<NodeId> {
        let text = literal::escaped(line)?;
        self.add(Node::Text(text))
    }

    /// Text if it can be, as Python 2 did not tell text from bytes.
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
        let value = self.bytes(bytes)?;
        self.object("bytearray", vec![("value".into(), value)])
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
        self.add(Node::List(items.collect()))
    }

    fn dict(&mut self, items: Drain<'_, NodeId>) -> Result<NodeId> {
        let dict = self.add(Node::Map(Vec::with_capacity(items.len() / 2)))?;
        self.put_entries(dict, items)?;
        Ok(dict)
    }

    fn set(&mut self) -> Result<NodeId> {
        self.add(Node::Set(Vec::new()))
    }

    fn frozenset(&mut self, items: Drain<'_, NodeId>) -> Result<NodeId> {
        self.add(Node::FrozenSet(items.collect()))
    }

    fn append(&mut self, list: &NodeId, item: NodeId, _: usize) -> Result<()> {
        let list = if self.is_object(*list) {
            self.part(*list, "items", Node::List(Vec::new()))?
        } else {
            *list
        };
        self.graph.push(list, item)
    }

    fn extend(&mut self, list: &NodeId, items: Drain<'_, NodeId>, _: usize) -> Result<()> {
        let list = if self.is_object(*list) {
            self.part(*list, "items", Node::List(Vec::new()))?
        } else {
            *list
        };
        self.graph.extend(list, items)
    }

    fn set_items(&mut self, dict: &NodeId, items: Drain<'_, NodeId>, _: usize) -> Result<()> {
        let dict = if self.is_object(*dict) {
            self.part(*dict, "entries", Node::Map(Vec::new()))?
        } else {
            *dict
        };
        self.put_entries(dict, items)
    }

    fn add_items(&mut self, set: &NodeId, items: Drain<'_, NodeId>, _: usize) -> Result<()> {
        let set = if self.is_object(*set) {
            self.part(*set, "items", Node::Set(Vec::new()))?
        } else {
            *set
        };
        for item in items {
            self.graph.insert(set, item)?;
        }
        Ok(())
    }

    fn global(&mut self, module: &[u8], name: &[u8], at: usize) -> Result<NodeId> {
        let (module, name) = (literal::utf8(module)?, literal::utf8(name)?);
        let (module, name) = (module.to_str_lossy(), name.to_str_lossy());
        let (module, name) = match self.protocol {
            0..3 => policy::python3_name(&module, &name),
            _ => (&*module, &*name),
        };
        self.name(module, name, at)
    }

    fn stack_global(&mut self, module: NodeId, name: NodeId, at: usize) -> Result<NodeId> {
        let text = |id| match &self.graph[id] {
            Node::Text(text) => Some(text.as_text().to_str_lossy().into_owned()),
            _ => None,
        };
        match (text(module), text(name)) {
            (Some(module), Some(name)) => self.name(&module, &name, at),
            _ => Err(Error::new(ErrorKind::Syntax, "STACK_GLOBAL requires str")),
        }
    }

    fn extension(&mut self, code: i64, at: usize) -> Result<NodeId> {
        self.name("extension", &code.to_string(), at)
    }

    fn instance(
        &mut self,
        class: NodeId,
        arguments: Drain<'_, NodeId>,
        at: usize,
    ) -> Result<NodeId> {
        let arguments = self.tuple(arguments)?;
        self.make(class, arguments, at)
    }

    fn new_object(
        &mut self,
        class: NodeId,
        arguments: NodeId,
        keywords: Option<NodeId>,
        at: usize,
    ) -> Result<NodeId> {
        let object = self.make(class, arguments, at)?;
        if let Some(keywords) = keywords {
            self.set_part(object, "kwargs".into(), keywords)?;
        }
        Ok(object)
    }

    fn reduce(&mut self, callable: NodeId, arguments: NodeId, at: usize) -> Result<NodeId> {
        self.make(callable, arguments, at)
    }

    fn build(&mut self, object: &NodeId, state: NodeId, _: usize) -> Result<()> {
        self.take_state(*object, state)
    }

    fn persistent_line(&mut self, id: &[u8], at: usize) -> Result<NodeId> {
        let id = self.string(id)?;
        self.persistent(id, at)
    }

    fn persistent(&mut self, id: NodeId, _: usize) -> Result<NodeId> {
        self.object("persistent", vec![("id".into(), id)])
    }

    fn next_buffer(&mut self, _: usize) -> Result<NodeId> {
        Err(Error::new(ErrorKind::Unsupported, "the pickle keeps a buffer out of its stream"))
    }

    fn readonly_buffer(&mut self, buffer: NodeId, _: usize) -> Result<NodeId> {
        Ok(buffer)
    }
}
