//! What the pickles of a checkpoint describe: values, tensors, and objects of types that are only
//! named; with the order in which they were filled.

use cannery_core::TextBuf;
use num_bigint::BigInt;

use crate::dtype::TorchDtype;
use crate::node_id::NodeId;
use crate::tensor::{StorageView, Tensor};

/// A value; those inside of it were made before it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Node {
    /// `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A larger integer.
    BigInt(BigInt),
    /// A float.
    Float(f64),
    /// Text.
    Text(TextBuf),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Bytes that can be edited.
    ByteArray(Vec<u8>),
    /// A tuple.
    Tuple(Vec<NodeId>),
    /// A list, as it is in the end.
    List(Vec<NodeId>),
    /// A set, as it is in the end.
    Set(Vec<NodeId>),
    /// A frozen set.
    FrozenSet(Vec<NodeId>),
    /// A dictionary, as it is in the end.
    Dict(Box<Dict>),
    /// `torch.Size`.
    Size(Vec<i64>),
    /// `torch.dtype`.
    Dtype(TorchDtype),
    /// `torch.device`.
    Device(String),
    /// A layout, a quantization scheme or a memory format: `torch.strided`.
    Constant(String),
    /// A storage by itself.
    Storage(StorageView),
    /// A tensor.
    Tensor(Box<Tensor>),
    /// What a module has by a name.
    Name(Name),
    /// What a call would make.
    Object(Box<Object>),
}

/// A dictionary or an ordered one.
#[derive(Clone, Debug, Default)]
pub struct Dict {
    /// Whether it is a `collections.OrderedDict`.
    pub is_ordered: bool,
    /// Keys and values; a later one stands for an earlier one with the same key.
    pub entries: Vec<(NodeId, NodeId)>,
    /// Its attributes, such as a state dict's `_metadata`: dictionaries, one after the other.
    pub attributes: Vec<NodeId>,
}

/// A name of Python's: where it is, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The module, as Python 3 calls it.
    pub module: String,
    /// The name in the module.
    pub name: String,
}

impl Name {
    /// Module and name.
    #[must_use]
    pub fn full(&self) -> String {
        format!("{}.{}", self.module, self.name)
    }
}

/// How an object would be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    /// By a call.
    Call,
    /// By `__new__`, as pickle's newer protocols do.
    New,
    /// As an instance of an old-style class.
    Instance,
}

/// What a call that is never made would give: its parts, as the pickle lists them.
#[derive(Clone, Debug)]
pub struct Object {
    /// What is called.
    pub callee: NodeId,
    /// How.
    pub making: Making,
    /// A tuple.
    pub arguments: NodeId,
    /// A dictionary, if there are any.
    pub keywords: Option<NodeId>,
    /// Its states, one after the other; most objects have one.
    pub states: Vec<NodeId>,
    /// What was appended or added to it.
    pub items: Vec<NodeId>,
    /// What was set by keys.
    pub entries: Vec<(NodeId, NodeId)>,
}

/// Something that happened to a value after it was made.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// How many values there were by then.
    pub made: NodeId,
    /// The value.
    pub target: NodeId,
    /// What happened.
    pub change: Change,
}

/// What happens to a value.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// This many more items are appended.
    Extend(u32),
    /// This many more items are added to a set.
    Add(u32),
    /// This many more entries are set.
    SetItems(u32),
    /// It gets a state.
    State(NodeId),
}

/// All values of a checkpoint, in the order in which they are made.
#[derive(Clone, Debug, Default)]
pub struct Nodes {
    nodes: Vec<Node>,
    /// What happened to them, in order.
    pub edits: Vec<Edit>,
}

impl Nodes {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All of them, in order.
    #[must_use]
    pub fn all(&self) -> &[Node] {
        &self.nodes
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(crate) fn get_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    /// Adds a value; there are fewer than 2^32, which the heap's budget sees to.
    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        let id = self.count();
        self.nodes.push(node);
        id
    }

    pub(crate) fn count(&self) -> NodeId {
        NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX)
    }

    pub(crate) fn note(&mut self, target: NodeId, change: Change) {
        let made = self.count();
        self.edits.push(Edit { made, target, change });
    }

    /// The text of a value that is one.
    #[must_use]
    pub fn text(&self, id: NodeId) -> Option<&str> {
        match self.get(id) {
            Node::Text(text) => text.as_str(),
            _ => None,
        }
    }

    /// The integer of a value that is one.
    #[must_use]
    pub fn int(&self, id: NodeId) -> Option<i64> {
        match self.get(id) {
            Node::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The items of a tuple, a list or a `torch.Size`'s argument.
    #[must_use]
    pub fn sequence(&self, id: NodeId) -> Option<&[NodeId]> {
        match self.get(id) {
            Node::Tuple(items) | Node::List(items) => Some(items),
            _ => None,
        }
    }

    /// The name that a value is, if it is one.
    #[must_use]
    pub fn name(&self, id: NodeId) -> Option<&Name> {
        match self.get(id) {
            Node::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The value of a text key; the last one, if there are several.
    #[must_use]
    pub fn entry(&self, dict: NodeId, key: &str) -> Option<NodeId> {
        let Node::Dict(dict) = self.get(dict) else { return None };
        let found = dict.entries.iter().rev().find(|(k, _)| self.text(*k) == Some(key));
        found.map(|&(_, value)| value)
    }
}
