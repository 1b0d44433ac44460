//! Values that share parts and hold cycles, in an arena: to follow, to edit, and safe to drop.

mod build;
mod emit;

use num_bigint::BigInt;

use crate::{ArrayBuf, Error, ErrorKind, Limits, Result, Source, TextBuf};

pub use build::GraphBuilder;
pub(crate) use build::never_marked;

/// Values that refer to each other: a part may be reached on many ways, even from inside itself.
///
/// Nodes live in an arena and name each other by [`NodeId`]; a node can be changed after others
/// refer to it, as pickle's machine must. Nothing here recurses, so depth costs memory only. A
/// graph is a [`Source`]: it sends the value at its [root](Graph::root), with a mark before each
/// part that is reached more than once.
///
/// ```
/// use cannery_core::{Graph, Node};
///
/// let mut graph = Graph::new();
/// let list = graph.add(Node::List(vec![]));
/// graph.push(list, list)?; // a list that holds itself
/// graph.set_root(list);
/// assert_eq!(graph[list], Node::List(vec![list]));
/// # Ok::<(), cannery_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    root: Option<NodeId>,
}

/// The name of a node in its [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

/// One value of a [`Graph`]; its children are elsewhere in the same graph.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Node {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer of 64 signed bits.
    Int(i64),
    /// An integer beyond that.
    BigInt(BigInt),
    /// A binary64 number.
    Float(f64),
    /// A string of characters.
    Text(TextBuf),
    /// A string of bytes.
    Bytes(Vec<u8>),
    /// An array of numbers.
    Array(Box<ArrayBuf>),
    /// An ordered, editable sequence.
    List(Vec<NodeId>),
    /// An ordered, immutable sequence.
    Tuple(Vec<NodeId>),
    /// Distinct values in no order.
    Set(Vec<NodeId>),
    /// Distinct values in no order, immutable.
    FrozenSet(Vec<NodeId>),
    /// Entries of key and value, in order of insertion.
    Map(Vec<(NodeId, NodeId)>),
    /// A named type and its parts.
    Object(Box<ObjectNode>),
}

/// An object whose parts are elsewhere in the same graph.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectNode {
    /// The name of its type, which is data.
    pub type_name: TextBuf,
    /// Its parts.
    pub parts: Vec<(TextBuf, NodeId)>,
}

impl NodeId {
    /// Its position in its graph.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Graph {
    /// A graph without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds the graph of whatever `source` sends.
    ///
    /// # Errors
    /// Those of the source, and those of [`GraphBuilder`].
    pub fn from_source<S: Source + ?Sized>(source: &S, limits: Limits) -> Result<Self> {
        let mut builder = GraphBuilder::new(limits);
        source.emit(&mut builder)?;
        builder.finish()
    }

    /// Adds a node.
    ///
    /// # Panics
    /// Beyond 2^32 nodes.
    pub fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 nodes"));
        self.nodes.push(node);
        id
    }

    /// The node that stands for the whole, once it is set.
    #[must_use]
    pub fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// Sets the node that stands for the whole.
    pub fn set_root(&mut self, id: NodeId) {
        self.root = Some(id);
    }

    /// The number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All nodes, in the order in which they were added.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        let count = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        (0..count).map(NodeId)
    }

    /// All nodes, those within others before these; where nodes hold each other, the one that was
    /// added first comes last.
    ///
    /// ```
    /// use cannery_core::{Graph, Node};
    ///
    /// let mut graph = Graph::new();
    /// let list = graph.add(Node::List(Vec::new()));
    /// let item = graph.add(Node::Null);
    /// graph.push(list, item)?;
    /// assert_eq!(graph.inner_first(), [item, list]);
    /// # Ok::<(), cannery_core::Error>(())
    /// ```
    #[must_use]
    pub fn inner_first(&self) -> Vec<NodeId> {
        let mut order = Vec::with_capacity(self.len());
        let mut is_seen = vec![false; self.len()];
        let mut waiting = Vec::new();
        for id in self.ids() {
            waiting.push((id, false));
            while let Some((id, is_done)) = waiting.pop() {
                if is_done {
                    order.push(id);
                } else if !std::mem::replace(&mut is_seen[id.index()], true) {
                    waiting.push((id, true));
                    self[id].for_each_inner(|inner| {
                        if !is_seen[inner.index()] {
                            waiting.push((inner, false));
                        }
                    });
                }
            }
        }
        order
    }

    /// Puts another node in a node's place; what refers to it sees the new one.
    pub fn replace(&mut self, id: NodeId, node: Node) -> Node {
        std::mem::replace(&mut self[id], node)
    }

    /// Appends an item to a list.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if `list` is none.
    pub fn push(&mut self, list: NodeId, item: NodeId) -> Result<()> {
        self.extend(list, [item])
    }

    /// Appends items to a list.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if `list` is none.
    pub fn extend(&mut self, list: NodeId, items: impl IntoIterator<Item = NodeId>) -> Result<()> {
        match &mut self[list] {
            Node::List(all) => {
                all.extend(items);
                Ok(())
            }
            other => Err(expected("a list", other)),
        }
    }

    /// Adds an item to a set.
    ///
    /// Whether an equal one is there already is not looked up.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if `set` is none.
    pub fn insert(&mut self, set: NodeId, item: NodeId) -> Result<()> {
        match &mut self[set] {
            Node::Set(items) => {
                items.push(item);
                Ok(())
            }
            other => Err(expected("a set", other)),
        }
    }

    /// Adds an entry to a map.
    ///
    /// Whether an equal key is there already is not looked up.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if `map` is none.
    pub fn set_item(&mut self, map: NodeId, key: NodeId, value: NodeId) -> Result<()> {
        match &mut self[map] {
            Node::Map(entries) => {
                entries.push((key, value));
                Ok(())
            }
            other => Err(expected("a map", other)),
        }
    }

    /// Sets a part of an object, in place of an earlier one of that name.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if `object` is none.
    pub fn set_part(&mut self, object: NodeId, name: TextBuf, value: NodeId) -> Result<()> {
        match &mut self[object] {
            Node::Object(object) => {
                match object.parts.iter_mut().find(|(part, _)| *part == name) {
                    Some((_, place)) => *place = value,
                    None => object.parts.push((name, value)),
                }
                Ok(())
            }
            other => Err(expected("an object", other)),
        }
    }
}

impl std::ops::Index<NodeId> for Graph {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }
}

impl std::ops::IndexMut<NodeId> for Graph {
    fn index_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }
}

impl Node {
    /// Calls `take` with every node that this one holds: keys and values, items, parts.
    pub fn for_each_inner(&self, mut take: impl FnMut(NodeId)) {
        match self {
            Node::Map(entries) => entries.iter().for_each(|&(key, value)| {
                take(key);
                take(value);
            }),
            Node::Object(object) => object.parts.iter().for_each(|&(_, part)| take(part)),
            Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => {
                items.iter().copied().for_each(take);
            }
            _ => {}
        }
    }

    /// What kind of value it is, for messages.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Bool(_) => "a truth value",
            Node::Int(_) | Node::BigInt(_) => "an integer",
            Node::Float(_) => "a float",
            Node::Text(_) => "text",
            Node::Bytes(_) => "bytes",
            Node::Array(_) => "an array",
            Node::List(_) => "a list",
            Node::Tuple(_) => "a tuple",
            Node::Set(_) => "a set",
            Node::FrozenSet(_) => "a frozenset",
            Node::Map(_) => "a map",
            Node::Object(_) => "an object",
        }
    }
}

#[cold]
fn expected(what: &str, found: &Node) -> Error {
    Error::new(ErrorKind::Type, format!("expected {what}, found {}", found.kind_name()))
}
