//! From the nodes and records that `cannery._typed` made to the plan that the builder walks.

use std::collections::HashMap;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};

use super::lookup::Lookup;
use super::plan::{
    Absent, Converter, Dict, Entries, Field, Items, Make, MakeRecord, Node, PlainContainers, Plan,
    Record, Tagged,
};
use crate::compat;
use crate::construct::KeyBlock;

impl Plan {
    /// The plan of these nodes and records.
    pub(super) fn compile(
        nodes: &Bound<'_, PyList>,
        records: &Bound<'_, PyList>,
        root: usize,
    ) -> PyResult<Self> {
        let mut seen = Seen { calls_python: false, wants_number_text: false, any: 0 };
        let records = records.iter().map(|record| compile_record(&record, &mut seen));
        let records = records.collect::<PyResult<Vec<_>>>()?;
        let mut compiled = Vec::with_capacity(nodes.len() + 1);
        for node in nodes {
            compiled.push(compile_node(&node, nodes, &mut seen)?);
        }
        Ok(Self {
            nodes: compiled,
            records,
            root,
            ignored: Node { diverts: true, ..Node::default() },
            excess: Node { diverts: true, ..Node::default() },
            parts: Node::of_parts(),
            plain: PlainContainers {
                tuple: Items::Tuple(seen.any),
                set: Items::Set(seen.any),
                frozen_set: Items::FrozenSet(seen.any),
            },
            wants_number_text: seen.wants_number_text,
            calls_python: seen.calls_python,
        })
    }
}

/// What was noticed on the way.
struct Seen {
    calls_python: bool,
    wants_number_text: bool,
    /// The number of the node that takes anything.
    any: usize,
}

fn compile_node(
    node: &Bound<'_, PyAny>,
    nodes: &Bound<'_, PyList>,
    seen: &mut Seen,
) -> PyResult<Node> {
    let ways = node.getattr("ways")?.cast_into::<PyDict>()?;
    let checks = node.getattr("checks")?.cast_into::<PyDict>()?;
    let read = optional(&node.getattr("read")?);
    let check = |kind: &str| checks.get_item(kind).map(|found| found.map(Bound::unbind));
    seen.calls_python |= read.is_some() || !checks.is_empty();
    let mut scalar = |kind: &str| -> PyResult<Option<Converter>> {
        let Some(way) = ways.get_item(kind)? else { return Ok(None) };
        let make = compile_scalar(&way.cast_into()?, seen)?;
        Ok(Some(Converter { make, check: check(kind)? }))
    };
    let mut compiled = Node {
        expected: node.getattr("expected")?.extract()?,
        null: scalar("null")?,
        bool: scalar("bool")?,
        int: scalar("int")?,
        float: scalar("float")?,
        text: scalar("text")?,
        bytes: scalar("bytes")?,
        list_check: check("list")?,
        map_check: check("map")?,
        diverts: read.is_some(),
        read,
        is_any: node.getattr("is_any")?.extract()?,
        ..Node::default()
    };
    if let Some(way) = ways.get_item("list")? {
        compiled.list = Some(compile_items(&way.cast_into()?, seen)?);
    }
    if let Some(way) = ways.get_item("map")? {
        compiled.map = Some(compile_entries(&way.cast_into()?, nodes, seen)?);
    }
    if let (true, Some(Items::List(any))) = (compiled.is_any, &compiled.list) {
        seen.any = *any;
    }
    Ok(compiled)
}

fn name_of(way: &Bound<'_, PyTuple>) -> PyResult<String> {
    way.get_item(0)?.extract()
}

#[cold]
fn unknown(way: &Bound<'_, PyTuple>) -> PyErr {
    PyValueError::new_err(format!("no such way: {way}"))
}

fn object(way: &Bound<'_, PyTuple>, index: usize) -> PyResult<Py<PyAny>> {
    way.get_item(index).map(Bound::unbind)
}

fn number(way: &Bound<'_, PyTuple>, index: usize) -> PyResult<usize> {
    way.get_item(index)?.extract()
}

fn optional(value: &Bound<'_, PyAny>) -> Option<Py<PyAny>> {
    (!value.is_none()).then(|| value.clone().unbind())
}

fn compile_scalar(way: &Bound<'_, PyTuple>, seen: &mut Seen) -> PyResult<Make> {
    Ok(match name_of(way)?.as_str() {
        "keep" => Make::Keep,
        "value" => Make::Value(object(way, 1)?),
        "float" => Make::Float,
        "decimal" => {
            seen.wants_number_text = true;
            Make::Decimal(object(way, 1)?)
        }
        "table" => compile_table(way, seen)?,
        "datetime" => Make::Datetime,
        "date" => Make::Date,
        "time" => Make::Time,
        "uuid" => Make::Uuid(object(way, 1)?, object(way, 2)?),
        "call" => {
            seen.calls_python = true;
            Make::Call(object(way, 1)?)
        }
        _ => return Err(unknown(way)),
    })
}

/// A table of texts or of integers, never of both.
fn compile_table(way: &Bound<'_, PyTuple>, seen: &mut Seen) -> PyResult<Make> {
    let table = way.get_item(1)?.cast_into::<PyDict>()?;
    let fallback = optional(&way.get_item(2)?);
    seen.calls_python |= fallback.is_some();
    let mut names = Vec::new();
    let mut numbers = HashMap::new();
    for (value, member) in table {
        match value.extract::<i64>() {
            Ok(number) => drop(numbers.insert(number, member.unbind())),
            Err(_) => names.push((bytes_of(&value)?, member.unbind())),
        }
    }
    if names.is_empty() {
        return Ok(Make::Numbers(numbers, fallback));
    }
    Ok(Make::Names(Lookup::new(names), fallback))
}

fn bytes_of(text: &Bound<'_, PyAny>) -> PyResult<Box<[u8]>> {
    let text = text.cast::<pyo3::types::PyString>()?;
    Ok(crate::text::of_python(text)?.to_utf8().into())
}

fn compile_items(way: &Bound<'_, PyTuple>, seen: &mut Seen) -> PyResult<Items> {
    Ok(match name_of(way)?.as_str() {
        "list" => Items::List(number(way, 1)?),
        "tuple" => Items::Tuple(number(way, 1)?),
        "set" => Items::Set(number(way, 1)?),
        "frozenset" => Items::FrozenSet(number(way, 1)?),
        "fixed" => Items::Fixed(way.get_item(1)?.extract()?),
        "array" => Items::Record(number(way, 1)?),
        "call" => {
            seen.calls_python = true;
            Items::Call(number(way, 2)?, object(way, 1)?)
        }
        _ => return Err(unknown(way)),
    })
}

fn compile_entries(
    way: &Bound<'_, PyTuple>,
    nodes: &Bound<'_, PyList>,
    seen: &mut Seen,
) -> PyResult<Entries> {
    Ok(match name_of(way)?.as_str() {
        "dict" => Entries::Dict(compile_dict(way, 1, nodes, None)?),
        "call" => {
            seen.calls_python = true;
            Entries::Dict(compile_dict(way, 2, nodes, Some(object(way, 1)?))?)
        }
        "record" => Entries::Record(number(way, 1)?),
        "tagged" => Entries::Tagged(compile_tagged(way)?),
        _ => return Err(unknown(way)),
    })
}

fn compile_dict(
    way: &Bound<'_, PyTuple>,
    first: usize,
    nodes: &Bound<'_, PyList>,
    make: Option<Py<PyAny>>,
) -> PyResult<Dict> {
    let (key, value) = (number(way, first)?, number(way, first + 1)?);
    let node = nodes.get_item(key)?;
    let text = node.getattr("ways")?.cast_into::<PyDict>()?.get_item("text")?;
    let keeps = text.is_some_and(|way| way.eq(("keep",)).unwrap_or(false));
    let has_text_keys = keeps && node.getattr("checks")?.is_empty()?;
    Ok(Dict { key, value, has_text_keys, make })
}

fn compile_tagged(way: &Bound<'_, PyTuple>) -> PyResult<Tagged> {
    let mut names = Vec::new();
    let mut numbers = HashMap::new();
    let mut shown = Vec::new();
    for entry in way.get_item(2)?.try_iter()? {
        let (tag, record): (Bound<'_, PyAny>, usize) = entry?.extract()?;
        shown.push(tag.repr()?.to_string());
        match tag.extract::<i64>() {
            Ok(number) => drop(numbers.insert(number, record)),
            Err(_) => names.push((bytes_of(&tag)?, record)),
        }
    }
    let expected = format!("one of {}", shown.join(", "));
    Ok(Tagged { key: bytes_of(&way.get_item(1)?)?, names: Lookup::new(names), numbers, expected })
}

fn compile_record(record: &Bound<'_, PyAny>, seen: &mut Seen) -> PyResult<Record> {
    let class = record.getattr("cls")?;
    let make = match record.getattr("make")?.extract::<String>()?.as_str() {
        "instance" => MakeRecord::Instance,
        "struct" => MakeRecord::Struct,
        "tuple" => MakeRecord::Tuple,
        "dict" => MakeRecord::Dict,
        _ => MakeRecord::Call,
    };
    check_class(&class, make)?;
    seen.calls_python |= record.getattr("runs_python")?.extract::<bool>()?;
    let mut names = Vec::new();
    let mut fields = Vec::new();
    for field in record.getattr("fields")?.try_iter()? {
        let field = field?;
        let mut ahead = KeyBlock::default();
        if let Some(name) = optional(&field.getattr("name")?) {
            let name = bytes_of(name.bind(field.py()))?;
            ahead = KeyBlock::new(&name);
            names.push((name, ()));
        }
        fields.push(compile_field(&field, &class, make, ahead)?);
    }
    Ok(Record {
        name: record.getattr("name")?.extract()?,
        make,
        fields,
        lookup: Lookup::new(names),
        after: optional(&record.getattr("after")?),
        refuses_unknown: record.getattr("refuses_unknown")?.extract()?,
        class: class.unbind(),
    })
}

/// Refuses classes whose instances cannot be made in this way: `object.__new__` makes no instance of
/// a class with another layout than `object` has, nor `tuple.__new__` one of a class that is none.
fn check_class(class: &Bound<'_, PyAny>, make: MakeRecord) -> PyResult<()> {
    let fits = match make {
        MakeRecord::Instance => compat::is_made_by_object(class)?,
        MakeRecord::Struct => class.is_instance_of::<PyType>(),
        MakeRecord::Tuple => {
            let class = class.cast::<PyType>();
            class.is_ok_and(|class| class.is_subclass_of::<PyTuple>().unwrap_or(false))
        }
        MakeRecord::Dict | MakeRecord::Call => true,
    };
    if fits {
        return Ok(());
    }
    Err(PyTypeError::new_err(format!("cannot make instances of {class} from their fields")))
}

fn compile_field(
    field: &Bound<'_, PyAny>,
    class: &Bound<'_, PyAny>,
    make: MakeRecord,
    ahead: KeyBlock,
) -> PyResult<Field> {
    let attribute = field.getattr("attribute")?.cast_into::<pyo3::types::PyString>()?;
    let attribute = pyo3::types::PyString::intern(field.py(), attribute.to_str()?).into_any();
    let in_slots = matches!(make, MakeRecord::Instance | MakeRecord::Struct);
    let slot = class.getattr_opt(attribute.cast::<pyo3::types::PyString>()?)?;
    let default = field.getattr("default")?;
    Ok(Field {
        ahead,
        node: field.getattr("node")?.extract()?,
        default: match default.cast::<PyTuple>() {
            Ok(way) => compile_default(way)?,
            Err(_) => Absent::Refused,
        },
        slot: match (slot, class.cast::<PyType>()) {
            (Some(slot), Ok(class)) if in_slots => compat::slot_offset(class, &slot),
            _ => None,
        },
        is_kept: field.getattr("is_kept")?.extract()?,
        attribute: attribute.unbind(),
    })
}

fn compile_default(way: &Bound<'_, PyTuple>) -> PyResult<Absent> {
    Ok(match name_of(way)?.as_str() {
        "absent" => Absent::LeftOut,
        "value" => Absent::Value(object(way, 1)?),
        "list" => Absent::List,
        "dict" => Absent::Dict,
        "set" => Absent::Set,
        "call" => Absent::Call(object(way, 1)?),
        _ => return Err(unknown(way)),
    })
}
