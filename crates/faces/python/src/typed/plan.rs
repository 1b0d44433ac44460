//! What may stand where in a document, and what becomes of it.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::lookup::Lookup;
use crate::construct::KeyBlock;

/// A plan for the values of one annotation. Made by `cannery._typed`.
#[pyclass(module = "cannery._native", frozen)]
pub(crate) struct TypePlan(pub(super) Plan);

#[pymethods]
impl TypePlan {
    #[new]
    fn new(nodes: &Bound<'_, PyList>, records: &Bound<'_, PyList>, root: usize) -> PyResult<Self> {
        Plan::compile(nodes, records, root).map(Self)
    }
}

pub(super) struct Plan {
    pub(super) nodes: Vec<Node>,
    pub(super) records: Vec<Record>,
    pub(super) root: usize,
    /// Stands for values that are not asked for.
    pub(super) ignored: Node,
    /// Stands where no value may be: behind the last item of a row.
    pub(super) excess: Node,
    /// Stands for the parts of MessagePack's extensions.
    pub(super) parts: Node,
    /// Containers that only some formats have, with anything in them.
    pub(super) plain: PlainContainers,
    /// Whether numbers shall come as text: a decimal is made of them.
    pub(super) wants_number_text: bool,
    /// Whether Python code may run while the values are made.
    pub(super) calls_python: bool,
}

pub(super) struct PlainContainers {
    pub(super) tuple: Items,
    pub(super) set: Items,
    pub(super) frozen_set: Items,
}

/// What one place may hold: a way for each kind of value that is welcome there.
#[derive(Default)]
pub(super) struct Node {
    pub(super) expected: String,
    pub(super) null: Option<Converter>,
    pub(super) bool: Option<Converter>,
    pub(super) int: Option<Converter>,
    pub(super) float: Option<Converter>,
    pub(super) text: Option<Converter>,
    pub(super) bytes: Option<Converter>,
    pub(super) list: Option<Items>,
    pub(super) list_check: Option<Py<PyAny>>,
    pub(super) map: Option<Entries>,
    pub(super) map_check: Option<Py<PyAny>>,
    /// Reads the value by itself, from JSON.
    pub(super) read: Option<Py<PyAny>>,
    pub(super) is_any: bool,
    /// Whether the values go somewhere else than into objects of ours.
    pub(super) diverts: bool,
}

impl Node {
    /// The node for the parts of MessagePack's extensions.
    pub(super) fn of_parts() -> Self {
        let keep = || Some(Converter { make: Make::Keep, check: None });
        Self { int: keep(), bytes: keep(), ..Self::default() }
    }
}

/// How a scalar is made.
pub(super) struct Converter {
    pub(super) make: Make,
    /// Called with what was made; gives what is kept.
    pub(super) check: Option<Py<PyAny>>,
}

pub(super) enum Make {
    /// The plain value.
    Keep,
    /// This very object.
    Value(Py<PyAny>),
    /// A float of an integer.
    Float,
    /// A decimal of the digits.
    Decimal(Py<PyAny>),
    /// What the text stands for.
    Names(Lookup<Py<PyAny>>, Option<Py<PyAny>>),
    /// What the integer stands for.
    Numbers(HashMap<i64, Py<PyAny>>, Option<Py<PyAny>>),
    Datetime,
    Date,
    Time,
    /// An instance of the first, safe as the second says.
    Uuid(Py<PyAny>, Py<PyAny>),
    /// What the function makes of the plain value.
    Call(Py<PyAny>),
}

/// The containers that an array becomes, with the number of their items' node.
pub(super) enum Items {
    List(usize),
    Tuple(usize),
    Set(usize),
    FrozenSet(usize),
    Call(usize, Py<PyAny>),
    /// A tuple with a node for each item.
    Fixed(Vec<usize>),
    /// The fields of a record, in order.
    Record(usize),
}

/// The containers that an object becomes.
pub(super) enum Entries {
    Dict(Dict),
    Record(usize),
    Tagged(Tagged),
}

/// A mapping from keys to values, each with the number of its node.
pub(super) struct Dict {
    pub(super) key: usize,
    pub(super) value: usize,
    /// Whether every text is a key as it is.
    pub(super) has_text_keys: bool,
    /// Makes another type of the `dict`.
    pub(super) make: Option<Py<PyAny>>,
}

/// One of several records, told by the value of a key.
pub(super) struct Tagged {
    pub(super) key: Box<[u8]>,
    pub(super) names: Lookup<usize>,
    pub(super) numbers: HashMap<i64, usize>,
    /// The tags, as messages list them.
    pub(super) expected: String,
}

/// A class with named fields.
pub(super) struct Record {
    pub(super) name: String,
    pub(super) class: Py<PyAny>,
    pub(super) make: MakeRecord,
    /// Those that documents name come first, in the order of `lookup`.
    pub(super) fields: Vec<Field>,
    pub(super) lookup: Lookup<()>,
    /// The method that is called when all fields are set.
    pub(super) after: Option<Py<PyAny>>,
    pub(super) refuses_unknown: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MakeRecord {
    /// `object.__new__`, then the fields are set.
    Instance,
    /// Allocated as its type says, then the fields are set: a msgspec `Struct`.
    Struct,
    /// `tuple.__new__`.
    Tuple,
    Dict,
    /// The class is called with the fields as arguments.
    Call,
}

pub(super) struct Field {
    /// How its name stands in documents.
    pub(super) ahead: KeyBlock,
    pub(super) node: usize,
    pub(super) default: Absent,
    pub(super) attribute: Py<PyAny>,
    /// Where in an instance the field's slot is, if it has one.
    pub(super) slot: Option<usize>,
    /// Whether it is part of the object: a tag is not.
    pub(super) is_kept: bool,
}

/// What becomes of a field that the document has not.
pub(super) enum Absent {
    Refused,
    LeftOut,
    Value(Py<PyAny>),
    List,
    Dict,
    Set,
    Call(Py<PyAny>),
}
