//! Values as HDF5 files: maps are groups, arrays, numbers and texts are datasets. What HDF5 has no
//! form for is said by an attribute, as `cannery.dump` has it.

use std::io::Write;
use std::sync::Arc;

use cannery_core::{
    ArraySource, BigInt, ByteOrder, Container, Dtype, DtypeKind, Error, ErrorKind, Limits, Order,
    Result, Sink, Text, Value, ValueBuilder,
};
use cannery_format::Writer;
use cannery_places::Output;

use crate::{
    ByteSource, CharacterSet, CreateOptions, DatasetSpec, Dataspace, Datatype, DimSelection, File,
    FileTarget, FloatLayout, LinkTarget, Member, Node, Selection, StringPadding, Target, TypeClass,
};

/// The attribute that says what a dataset or group stands for.
pub(super) const TAG: &[u8] = b"cannery";

/// Bytes that are copied, or sent to an array, at a time.
const PIECE: usize = 4 << 20;

/// The file while it is written: a temporary one that is never published.
struct Spool(FileTarget);

impl ByteSource for Spool {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.0.read_at(offset, out)
    }
}

impl Target for Spool {
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.0.write_at(offset, data)
    }

    fn grow(&self, len: u64) -> Result<()> {
        self.0.grow(len)
    }

    fn publish(&self) -> Result<()> {
        Ok(())
    }
}

/// A container whose members are written as they come.
struct OpenGroup {
    node: Node,
    name: Option<String>,
}

pub(super) struct Hdf5Output<'w> {
    output: Output<'w>,
    file: File,
    spool: Arc<Spool>,
    open: Vec<OpenGroup>,
    /// A list that is collected, and how many containers in it are open.
    list: Option<(ValueBuilder, usize)>,
    is_begun: bool,
}

impl<'w> Hdf5Output<'w> {
    pub(super) fn new(output: Output<'w>) -> Result<Self> {
        let target = FileTarget::create(&std::env::temp_dir().join("cannery.h5"))?.waits(false);
        let spool = Arc::new(Spool(target));
        let options = CreateOptions { track_order: true, ..CreateOptions::default() };
        let file = File::create_in(Arc::clone(&spool) as _, None, &options)?;
        Ok(Self { output, file, spool, open: Vec::new(), list: None, is_begun: false })
    }

    /// The group and the name of the next value; the root stands for a map only.
    fn next(&mut self) -> Result<(Node, String)> {
        if let Some(group) = self.open.last_mut() {
            let name = group.name.take();
            let name = name.ok_or_else(|| refused("a value without a name"))?;
            return Ok((group.node.clone(), name));
        }
        self.begin_root()?;
        let root = self.file.root();
        tag(&root, "value")?;
        Ok((root, "value".to_owned()))
    }

    fn begin_root(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.is_begun, true) {
            return Err(refused("more than one value"));
        }
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<()> {
        let (group, name) = self.next()?;
        write_value(&group, &name, value)
    }
}

/// Passes an event on to the list that is collected, if there is one.
macro_rules! collected {
    ($self:ident, $list:ident => $event:expr) => {
        if let Some(($list, _)) = &mut $self.list {
            return $event;
        }
    };
}

impl Sink for Hdf5Output<'_> {
    fn null(&mut self) -> Result<()> {
        collected!(self, list => list.null());
        self.value(&Value::Null)
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        collected!(self, list => list.bool(value));
        self.value(&Value::Bool(value))
    }

    fn int(&mut self, value: i64) -> Result<()> {
        collected!(self, list => list.int(value));
        self.value(&Value::Int(value))
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        collected!(self, list => list.big_int(value));
        Err(refused("an integer of more than 64 bits"))
    }

    fn float(&mut self, value: f64) -> Result<()> {
        collected!(self, list => list.float(value));
        self.value(&Value::Float(value))
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        collected!(self, list => list.text(value));
        let text = value.to_str().ok_or_else(|| refused("a text with half a surrogate pair"))?;
        self.value(&Value::from(text.as_ref()))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        collected!(self, list => list.bytes(value));
        self.value(&Value::Bytes(value.to_vec()))
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        collected!(self, list => list.array(value));
        let (group, name) = self.next()?;
        write_array(&group, &name, value)
    }

    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        if let Some((list, depth)) = &mut self.list {
            *depth += 1;
            return list.begin(container, len);
        }
        match container {
            Container::Map if self.open.is_empty() => {
                self.begin_root()?;
                self.open.push(OpenGroup { node: self.file.root(), name: None });
            }
            Container::Map => {
                let (group, name) = self.next()?;
                let node = new_group(&group, &name)?;
                self.open.push(OpenGroup { node, name: None });
            }
            Container::List | Container::Tuple => {
                let mut list = ValueBuilder::new(Limits::default());
                list.begin(container, len)?;
                self.list = Some((list, 1));
            }
            _ => return Err(refused("a set")),
        }
        Ok(())
    }

    fn end(&mut self, container: Container) -> Result<()> {
        let Some((list, depth)) = &mut self.list else {
            self.open.pop();
            return Ok(());
        };
        list.end(container)?;
        *depth -= 1;
        if *depth == 0
            && let Some((list, _)) = self.list.take()
        {
            let value = list.finish()?;
            self.value(&value)?;
        }
        Ok(())
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        collected!(self, list => list.key(key));
        let name = key.to_str().ok_or_else(|| refused("a name with half a surrogate pair"))?;
        check_name(&name)?;
        if let Some(group) = self.open.last_mut() {
            group.name = Some(name.into_owned());
        }
        Ok(())
    }

    fn entry(&mut self) -> Result<()> {
        collected!(self, list => list.entry());
        Err(refused("a key that is no text"))
    }

    fn begin_object(&mut self, _type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
        Err(refused("an object"))
    }

    fn end_object(&mut self) -> Result<()> {
        Ok(())
    }

    fn mark(&mut self, _id: u64) -> Result<()> {
        Err(refused("a shared value"))
    }

    fn alias(&mut self, _id: u64) -> Result<()> {
        Err(refused("a shared value"))
    }
}

impl Writer for Hdf5Output<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        self
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.file.close()?;
        let len = self.spool.len();
        let mut at = 0;
        while at < len {
            let part = usize::try_from(len - at).unwrap_or(PIECE).min(PIECE);
            let mut block = vec![0; part];
            self.spool.read_at(at, &mut block)?;
            let written = self.output.write_all(&block);
            written.map_err(|e| Error::io(e, "cannot write the file"))?;
            at += part as u64;
        }
        self.output.finish()
    }
}

#[cold]
fn refused(what: &str) -> Error {
    let message = format!("HDF5 has no place for {what}");
    Error::new(ErrorKind::Unsupported, message)
        .with_hint("write `.can`, which holds it; or use `cannery.dump` in Python")
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name == "." || name.contains(['/', '\0']) {
        let message = format!("`{}` is no name of a member in HDF5", name.escape_debug());
        let hint = "names there have no `/` and no NUL, and are not `.` or empty";
        return Err(Error::new(ErrorKind::Unsupported, message).with_hint(hint));
    }
    Ok(())
}

fn new_group(parent: &Node, name: &str) -> Result<Node> {
    let group = parent.create_group(true)?;
    parent.insert_link(name.as_bytes(), &LinkTarget::Hard(group.id().1))?;
    Ok(group)
}

fn new_dataset(parent: &Node, name: &str, datatype: Datatype, space: Dataspace) -> Result<Node> {
    let node = parent.create_dataset(&DatasetSpec::new(datatype, space))?;
    parent.insert_link(name.as_bytes(), &LinkTarget::Hard(node.id().1))?;
    Ok(node)
}

/// Says by an attribute what a dataset or group stands for.
fn tag(node: &Node, kind: &str) -> Result<()> {
    let element = node.put_sequences(std::iter::once((length(kind.len())?, kind.as_bytes())))?;
    node.set_attribute(TAG, (&text_type(), None), &Dataspace::Scalar, &element)
}

fn length(len: usize) -> Result<u32> {
    u32::try_from(len).map_err(|_| refused("a text of 4 GiB or more"))
}

fn text_type() -> Datatype {
    let (padding, charset) = (StringPadding::NullTerminated, CharacterSet::Utf8);
    Datatype::new(16, TypeClass::VarString { padding, charset })
}

fn integer(size: u8, signed: bool, order: ByteOrder) -> Datatype {
    let (offset, precision, is_bits) = (0, 8 * u16::from(size), false);
    let order = order_of(order);
    let class = TypeClass::Fixed { order, signed, offset, precision, is_bits };
    Datatype::new(u32::from(size), class)
}

fn order_of(order: ByteOrder) -> crate::ByteOrder {
    match order {
        ByteOrder::Big => crate::ByteOrder::Big,
        ByteOrder::Little => crate::ByteOrder::Little,
    }
}

/// A number of IEEE 754: its size, and the bits of its exponent and mantissa.
fn float(size: u8, (exponent, mantissa): (u8, u8), order: ByteOrder) -> Datatype {
    let bits = 8 * size;
    let layout = FloatLayout {
        order: order_of(order),
        offset: 0,
        precision: u16::from(bits),
        sign: bits - 1,
        exponent_at: mantissa,
        exponent_bits: exponent,
        mantissa_at: 0,
        mantissa_bits: mantissa,
        bias: (1 << (exponent - 1)) - 1,
        normalization: 2,
    };
    Datatype::new(u32::from(size), TypeClass::Float(layout))
}

/// The enumeration that h5py has for truth values.
fn bool_type() -> Datatype {
    let members = vec![(b"FALSE".to_vec(), vec![0]), (b"TRUE".to_vec(), vec![1])];
    let base = Box::new(integer(1, true, ByteOrder::Little));
    Datatype::new(1, TypeClass::Enum { base, members })
}

/// The type of an array's elements, if HDF5 has one.
fn type_of(dtype: &Dtype) -> Option<Datatype> {
    let order = dtype.byte_order;
    Some(match &dtype.kind {
        DtypeKind::Bool => bool_type(),
        DtypeKind::Int(size) => integer(*size, true, order),
        DtypeKind::Uint(size) => integer(*size, false, order),
        DtypeKind::Float(2) => float(2, (5, 10), order),
        DtypeKind::Float(4) => float(4, (8, 23), order),
        DtypeKind::Float(8) => float(8, (11, 52), order),
        DtypeKind::BFloat16 => float(2, (8, 7), order),
        DtypeKind::Complex(size @ (8 | 16)) => {
            let half = size / 2;
            let bits = if half == 4 { (8, 23) } else { (11, 52) };
            let part = |name: &[u8], offset| Member {
                name: name.to_vec(),
                offset,
                datatype: float(half, bits, order),
            };
            let members = vec![part(b"r", 0), part(b"i", u32::from(half))];
            Datatype::new(u32::from(*size), TypeClass::Compound(members))
        }
        DtypeKind::Bytes(size) if *size > 0 => {
            let (padding, charset) = (StringPadding::NullPadded, CharacterSet::Ascii);
            Datatype::new(u32::try_from(*size).ok()?, TypeClass::String { padding, charset })
        }
        _ => return None,
    })
}

fn space_of(shape: &[u64]) -> Dataspace {
    if shape.is_empty() {
        return Dataspace::Scalar;
    }
    let max_shape = shape.iter().copied().map(Some).collect();
    Dataspace::Simple { shape: shape.to_vec(), max_shape }
}

fn write_array(group: &Node, name: &str, array: &dyn ArraySource) -> Result<()> {
    let datatype = type_of(array.dtype()).ok_or_else(|| {
        refused(&format!("an array of the type {}", cannery_format::dtype_name(array.dtype())))
    })?;
    let size = u64::from(datatype.size);
    let shape = array.shape();
    let node = new_dataset(group, name, datatype, space_of(shape))?;
    if shape.contains(&0) {
        return Ok(());
    }
    // Parts that are whole along all sides but the one that changes slowest.
    let is_reversed = array.order() == Order::Fortran && shape.len() > 1;
    let slowest = if is_reversed { shape.len() - 1 } else { 0 };
    let count = shape.get(slowest).copied().unwrap_or(1);
    let each = shape.iter().product::<u64>() / count;
    let step = if is_reversed { 1 } else { (PIECE as u64 / (each * size).max(1)).clamp(1, count) };
    for first in (0..count).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        let here = step.min(count - first);
        let len = usize::try_from(each * here * size).unwrap_or(usize::MAX);
        let mut data = Vec::new();
        cannery_core::reserve(&mut data, len)?;
        data.resize(len, 0);
        array.read(first * each, &mut data)?;
        if is_reversed {
            data = reversed(&data, &shape[..slowest], usize::try_from(size).unwrap_or(1));
        }
        let whole = |&n: &u64| DimSelection::Range { start: 0, step: 1, count: n };
        let mut dims: Vec<DimSelection> = shape.iter().map(whole).collect();
        if let Some(side) = dims.get_mut(slowest) {
            *side = DimSelection::Range { start: first, step: 1, count: here };
        }
        node.write(&Selection(dims), &data, 0)?;
    }
    Ok(())
}

/// Elements whose first index changes fastest, as if the last one did.
fn reversed(data: &[u8], shape: &[u64], size: usize) -> Vec<u8> {
    let sides: Vec<usize> =
        shape.iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect();
    let mut out = Vec::with_capacity(data.len());
    let mut at = vec![0; sides.len()];
    for _ in 0..data.len() / size {
        let number = at.iter().zip(&sides).rev().fold(0, |all, (at, n)| all * n + at);
        out.extend_from_slice(&data[number * size..][..size]);
        for (at, n) in at.iter_mut().zip(&sides).rev() {
            *at += 1;
            if *at < *n {
                break;
            }
            *at = 0;
        }
    }
    out
}

fn write_scalar(
    group: &Node,
    name: &str,
    (datatype, kind): (Datatype, &str),
    data: &[u8],
) -> Result<()> {
    let node = new_dataset(group, name, datatype, Dataspace::Scalar)?;
    node.write(&Selection(Vec::new()), data, 1)?;
    if kind.is_empty() { Ok(()) } else { tag(&node, kind) }
}

fn write_value(group: &Node, name: &str, value: &Value) -> Result<()> {
    check_name(name)?;
    let int = || integer(8, true, ByteOrder::Little);
    match value {
        Value::Null => {
            let node =
                new_dataset(group, name, integer(1, true, ByteOrder::Little), Dataspace::Null)?;
            tag(&node, "none")
        }
        Value::Bool(value) => write_scalar(group, name, (bool_type(), "bool"), &[u8::from(*value)]),
        Value::Int(value) => write_scalar(group, name, (int(), "int"), &value.to_le_bytes()),
        Value::Float(value) => {
            let datatype = float(8, (11, 52), ByteOrder::Little);
            write_scalar(group, name, (datatype, "float"), &value.to_le_bytes())
        }
        Value::Text(_) => {
            let element = text_element(group, value)?;
            write_scalar(group, name, (text_type(), ""), &element)
        }
        Value::Bytes(bytes) => {
            let shape = space_of(&[bytes.len() as u64]);
            let node = new_dataset(group, name, integer(1, false, ByteOrder::Little), shape)?;
            let all = DimSelection::Range { start: 0, step: 1, count: bytes.len() as u64 };
            node.write(&Selection(vec![all]), bytes, 1)?;
            tag(&node, "bytes")
        }
        Value::Array(array) => write_array(group, name, array.as_ref()),
        Value::List(items) => write_list(group, name, items, "list"),
        Value::Tuple(items) => write_list(group, name, items, "tuple"),
        Value::Map(entries) => {
            let inner = new_group(group, name)?;
            entries.iter().try_for_each(|(key, value)| {
                let key = key.as_str().ok_or_else(|| refused("a key that is no text"))?;
                write_value(&inner, key, value)
            })
        }
        Value::BigInt(_) => Err(refused("an integer of more than 64 bits")),
        _ => Err(refused("a set, an object or a shared value")),
    }
}

/// The bytes of an element that is a text.
fn text_element(node: &Node, value: &Value) -> Result<Vec<u8>> {
    let text = value.as_str().ok_or_else(|| refused("a text with half a surrogate pair"))?;
    if text.contains('\0') {
        return Err(refused("a text with a NUL in it"));
    }
    node.put_sequences(std::iter::once((length(text.len())?, text.as_bytes())))
}

/// What all items of a list are, if they make a column.
fn column_type(items: &[Value]) -> Option<Datatype> {
    let all = |test: fn(&Value) -> bool| !items.is_empty() && items.iter().all(test);
    if all(|v| matches!(v, Value::Int(_))) {
        return Some(integer(8, true, ByteOrder::Little));
    }
    if all(|v| matches!(v, Value::Float(_))) {
        return Some(float(8, (11, 52), ByteOrder::Little));
    }
    if all(|v| matches!(v, Value::Bool(_))) {
        return Some(bool_type());
    }
    let is_text = |v: &Value| v.as_str().is_some_and(|text| !text.contains('\0'));
    all(is_text).then(text_type)
}

fn put_element(node: &Node, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Int(value) => out.extend_from_slice(&value.to_le_bytes()),
        Value::Float(value) => out.extend_from_slice(&value.to_le_bytes()),
        Value::Bool(value) => out.push(u8::from(*value)),
        text => out.extend_from_slice(&text_element(node, text)?),
    }
    Ok(())
}

fn write_list(group: &Node, name: &str, items: &[Value], kind: &str) -> Result<()> {
    if let Some(datatype) = column_type(items) {
        let node = new_dataset(group, name, datatype, space_of(&[items.len() as u64]))?;
        let mut data = Vec::new();
        items.iter().try_for_each(|item| put_element(&node, item, &mut data))?;
        write_all(&node, items.len(), &data)?;
        return tag(&node, kind);
    }
    if kind == "list"
        && let Some(members) = record_type(items)
    {
        return write_records(group, name, items, members);
    }
    let inner = new_group(group, name)?;
    tag(&inner, kind)?;
    (items.iter().enumerate()).try_for_each(|(i, item)| write_value(&inner, &i.to_string(), item))
}

fn write_all(node: &Node, count: usize, data: &[u8]) -> Result<()> {
    let all = DimSelection::Range { start: 0, step: 1, count: count as u64 };
    node.write(&Selection(vec![all]), data, 0)
}

/// The members of records, if all items are maps of the same keys whose values make columns.
fn record_type(items: &[Value]) -> Option<Datatype> {
    let Some(Value::Map(first)) = items.first() else { return None };
    let mut offset = 0;
    let mut members = Vec::new();
    for (at, (key, _)) in first.iter().enumerate() {
        let name = key.as_str().filter(|name| !name.is_empty() && !name.contains('\0'))?;
        let mut column = Vec::with_capacity(items.len());
        for item in items {
            let Value::Map(entries) = item else { return None };
            let (other, value) = entries.get(at).filter(|_| entries.len() == first.len())?;
            if other != key {
                return None;
            }
            column.push(value.clone());
        }
        let datatype = column_type(&column)?;
        let size = datatype.size;
        members.push(Member { name: name.as_bytes().to_vec(), offset, datatype });
        offset += size;
    }
    (!members.is_empty()).then(|| Datatype::new(offset, TypeClass::Compound(members)))
}

fn write_records(group: &Node, name: &str, items: &[Value], datatype: Datatype) -> Result<()> {
    let node = new_dataset(group, name, datatype, space_of(&[items.len() as u64]))?;
    let mut data = Vec::new();
    for item in items {
        let Value::Map(entries) = item else { continue };
        entries.iter().try_for_each(|(_, value)| put_element(&node, value, &mut data))?;
    }
    write_all(&node, items.len(), &data)?;
    tag(&node, "records")
}
