//! From events to a graph.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Graph, Node, NodeId, ObjectNode};
use crate::frame::{EntrySlot, OpenContainer, whole};
use crate::{
    ArrayBuf, ArraySource, BigInt, Budget, Container, Error, ErrorKind, Limits, Result, Sink, Text,
};

/// A sink that builds a [`Graph`], each alias leading to the very node that was marked.
///
/// A container has its node from its first event on, so that an alias inside it finds it: a cycle
/// may run through a tuple or frozenset as well as through a list.
pub struct GraphBuilder {
    limits: Limits,
    budget: Budget,
    graph: Graph,
    open: Vec<(NodeId, OpenContainer<NodeId>)>,
    mark: Option<u64>,
    marked: HashMap<u64, NodeId>,
}

impl GraphBuilder {
    /// A builder that keeps to `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            budget: Budget::new(&limits, 0),
            graph: Graph::new(),
            open: Vec::new(),
            mark: None,
            marked: HashMap::new(),
        }
    }

    /// The graph, once its last event has come.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] before that.
    pub fn finish(self) -> Result<Graph> {
        whole(self.graph.root, &self.open)?;
        Ok(self.graph)
    }

    fn add(&mut self, node: Node) -> Result<()> {
        let id = self.node(node)?;
        self.place(id);
        Ok(())
    }

    fn node(&mut self, node: Node) -> Result<NodeId> {
        self.budget.take_nodes(1)?;
        let id = self.graph.add(node);
        self.remember(id)?;
        Ok(id)
    }

    /// Gives a node the mark that was sent before it, if one was.
    fn remember(&mut self, id: NodeId) -> Result<()> {
        let Some(mark) = self.mark.take() else { return Ok(()) };
        match self.marked.entry(mark) {
            Entry::Vacant(place) => {
                place.insert(id);
                Ok(())
            }
            Entry::Occupied(_) => Err(marked_twice(mark)),
        }
    }

    fn place(&mut self, id: NodeId) {
        match self.open.last_mut() {
            Some((_, frame)) => frame.add(id),
            None => self.graph.set_root(id),
        }
    }

    fn open(&mut self, frame: OpenContainer<NodeId>) -> Result<()> {
        if self.open.len() >= self.limits.depth {
            return Err(self.limits.too_deep());
        }
        // The place is taken now and filled at the end, when the children are known.
        let id = self.node(Node::Null)?;
        self.open.push((id, frame));
        Ok(())
    }

    fn close(&mut self) {
        let (id, frame) = self.open.pop().expect("an end without its begin");
        self.graph[id] = closed(frame);
        self.place(id);
    }

    fn innermost(&mut self) -> &mut OpenContainer<NodeId> {
        &mut self.open.last_mut().expect("a key outside a map or object").1
    }
}

fn closed(frame: OpenContainer<NodeId>) -> Node {
    match frame {
        OpenContainer::Items(Container::Tuple, items) => Node::Tuple(items),
        OpenContainer::Items(Container::Set, items) => Node::Set(items),
        OpenContainer::Items(Container::FrozenSet, items) => Node::FrozenSet(items),
        OpenContainer::Items(_, items) => Node::List(items),
        OpenContainer::Map(entries, _) => Node::Map(entries),
        OpenContainer::Object(type_name, parts, _) => {
            Node::Object(Box::new(ObjectNode { type_name, parts }))
        }
    }
}

#[cold]
fn marked_twice(mark: u64) -> Error {
    Error::new(ErrorKind::Reference, format!("two values are marked {mark}"))
}

#[cold]
pub(crate) fn never_marked(mark: u64) -> Error {
    Error::new(ErrorKind::Reference, format!("expected a value marked {mark} before its alias"))
}

impl Sink for GraphBuilder {
    fn null(&mut self) -> Result<()> {
        self.add(Node::Null)
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.add(Node::Bool(value))
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.add(Node::Int(value))
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        self.add(Node::BigInt(value.to_big_int()))
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.add(Node::Float(value))
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        self.add(Node::Text(value.into()))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.add(Node::Bytes(value.to_vec()))
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        let array = ArrayBuf::from_source(value)?;
        self.add(Node::Array(Box::new(array)))
    }

    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        self.open(OpenContainer::container(container, len))
    }

    fn end(&mut self, _container: Container) -> Result<()> {
        self.close();
        Ok(())
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        if let OpenContainer::Object(_, _, name) = self.innermost() {
            *name = Some(key.into());
            return Ok(());
        }
        self.budget.take_nodes(1)?;
        let id = self.graph.add(Node::Text(key.into()));
        match self.innermost() {
            OpenContainer::Map(_, slot) => *slot = EntrySlot::Key(id),
            _ => panic!("a key outside a map or object"),
        }
        Ok(())
    }

    fn entry(&mut self) -> Result<()> {
        self.innermost().announce();
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()> {
        self.open(OpenContainer::object(type_name.into(), parts))
    }

    fn end_object(&mut self) -> Result<()> {
        self.close();
        Ok(())
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        self.mark = Some(id);
        Ok(())
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        let node = *self.marked.get(&id).ok_or_else(|| never_marked(id))?;
        self.remember(node)?;
        self.place(node);
        Ok(())
    }
}
