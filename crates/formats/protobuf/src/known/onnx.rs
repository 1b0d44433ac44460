//! ONNX: models and tensors.

use std::collections::BTreeMap;

use cannery_core::{Error, ErrorKind, Result};

use super::records::{MOST, Record, Records, each, too_many};

/// Graphs inside each other, at most: the bodies of loops and branches.
const DEPTH: usize = 64;

/// Sides of a tensor, at most: as many as arrays have.
const SIDES: usize = 64;

/// What a model consists of.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct OnnxModel {
    /// The version of the format.
    pub ir_version: Option<i64>,
    /// The program that wrote it, and its version.
    pub producer: [String; 2],
    /// The sets of operators that it uses, and their versions; the standard one has an empty name.
    pub opsets: Vec<(String, i64)>,
    /// The name of its graph.
    pub graph: String,
    /// What goes in; initializers that are inputs too are left out.
    pub inputs: Vec<OnnxValue>,
    /// What comes out.
    pub outputs: Vec<OnnxValue>,
    /// How often each operator occurs, those in the bodies of loops and branches among them.
    pub operators: BTreeMap<String, u64>,
    /// Tensors that belong to the model: its weights.
    pub initializers: Vec<OnnxTensor>,
    /// Functions that the model defines.
    pub functions: Vec<String>,
    /// What is said about the model.
    pub metadata: Vec<(String, String)>,
}

/// An input or output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OnnxValue {
    /// Its name.
    pub name: String,
    /// The type of its elements, if it is a tensor.
    pub dtype: Option<String>,
    /// Its sides: numbers, or names of what is known only later. `None` if nothing is said.
    pub shape: Option<Vec<OnnxDimension>>,
    /// What it is: `tensor`, `sequence of tensor`, `map from int64 to tensor`.
    pub kind: String,
}

/// A side of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnnxDimension {
    /// That long.
    Fixed(u64),
    /// As long as the name says; `?` if it has none.
    Named(String),
}

/// A tensor with its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OnnxTensor {
    /// Its name.
    pub name: String,
    /// The number of the type of its elements.
    pub data_type: i64,
    /// Its sides.
    pub dims: Vec<u64>,
    /// Bytes of its values, as they lie in the file.
    pub bytes: u64,
    /// The file that has its values, if this one has not.
    pub external: Option<String>,
    /// Only what is not zero is kept.
    pub is_sparse: bool,
}

/// The name of a type of elements, and how many bits one takes; 0 where they differ in length.
const TYPES: [(&str, u64); 29] = [
    ("undefined", 0),
    ("float32", 32),
    ("uint8", 8),
    ("int8", 8),
    ("uint16", 16),
    ("int16", 16),
    ("int32", 32),
    ("int64", 64),
    ("string", 0),
    ("bool", 8),
    ("float16", 16),
    ("float64", 64),
    ("uint32", 32),
    ("uint64", 64),
    ("complex64", 64),
    ("complex128", 128),
    ("bfloat16", 16),
    ("float8_e4m3fn", 8),
    ("float8_e4m3fnuz", 8),
    ("float8_e5m2", 8),
    ("float8_e5m2fnuz", 8),
    ("uint4", 4),
    ("int4", 4),
    ("float4_e2m1fn", 4),
    ("float8_e8m0fnu", 8),
    ("uint2", 2),
    ("int2", 2),
    ("float6_e2m3fn", 6),
    ("float6_e3m2fn", 6),
];

/// What the type of elements with this number is called.
#[must_use]
pub fn onnx_type_name(data_type: i64) -> String {
    let known = usize::try_from(data_type).ok().and_then(|index| TYPES.get(index));
    known.map_or_else(|| format!("type {data_type}"), |(name, _)| (*name).to_owned())
}

impl OnnxTensor {
    /// The bytes that its sides ask for; `None` where they are not known or beyond all measure.
    #[must_use]
    pub fn expected_bytes(&self) -> Option<u64> {
        let (_, bits) = TYPES.get(usize::try_from(self.data_type).ok()?)?;
        let count = self.count()?;
        (*bits > 0).then(|| count.checked_mul(*bits)).flatten().map(|bits| bits.div_ceil(8))
    }

    /// How many elements it has.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.dims.iter().try_fold(1_u64, |count, &side| count.checked_mul(side))
    }
}

impl OnnxModel {
    /// Sums up a model.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] and [`ErrorKind::Syntax`], with the offset, and
    /// [`ErrorKind::Depth`].
    pub fn read(data: &[u8]) -> Result<Self> {
        let mut model = Self::default();
        let mut records = Records::new(data);
        while let Some((number, record)) = records.next()? {
            match (number, record) {
                (1, Record::Varint(version)) => model.ir_version = Some(version.cast_signed()),
                (2, Record::Length(text)) => model.producer[0] = text.text(),
                (3, Record::Length(text)) => model.producer[1] = text.text(),
                (7, Record::Length(graph)) => model.read_graph(graph, true, DEPTH)?,
                (8 | 14, Record::Length(part))
                    if model.opsets.len().max(model.metadata.len()) >= MOST =>
                {
                    return Err(too_many("entries", part.offset()));
                }
                (8, Record::Length(opset)) => model.opsets.push(read_opset(opset)?),
                (14, Record::Length(entry)) => model.metadata.push(read_entry(entry)?),
                (25, Record::Length(function)) => model.read_function(function)?,
                _ => {}
            }
        }
        let names: std::collections::HashSet<&str> =
            model.initializers.iter().map(|tensor| tensor.name.as_str()).collect();
        // Old versions name each initializer among the inputs, too.
        model.inputs.retain(|input| input.name.is_empty() || !names.contains(input.name.as_str()));
        Ok(model)
    }

    fn read_graph(&mut self, mut graph: Records<'_>, is_main: bool, depth: usize) -> Result<()> {
        while let Some((number, record)) = graph.next()? {
            let Record::Length(part) = record else { continue };
            let listed = self.initializers.len().max(self.inputs.len()).max(self.outputs.len());
            if listed.max(self.operators.len()) >= MOST {
                return Err(too_many("tensors or operators", part.offset()));
            }
            match number {
                1 => self.read_node(part, depth)?,
                2 if is_main => self.graph = part.text(),
                5 => self.initializers.push(read_tensor(part)?),
                11 if is_main => self.inputs.push(read_value(part)?),
                12 if is_main => self.outputs.push(read_value(part)?),
                15 => self.initializers.push(read_sparse(part)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_node(&mut self, mut node: Records<'_>, depth: usize) -> Result<()> {
        let (mut operator, mut domain) = (String::new(), String::new());
        while let Some((number, record)) = node.next()? {
            match (number, record) {
                (4, Record::Length(text)) => operator = text.text(),
                (5, Record::Length(attribute)) => self.read_attribute(attribute, depth)?,
                (7, Record::Length(text)) => domain = text.text(),
                _ => {}
            }
        }
        if !matches!(domain.as_str(), "" | "ai.onnx") {
            operator = format!("{domain}.{operator}");
        }
        *self.operators.entry(operator).or_default() += 1;
        Ok(())
    }

    /// An attribute may hold graphs.
    fn read_attribute(&mut self, mut attribute: Records<'_>, depth: usize) -> Result<()> {
        while let Some((number, record)) = attribute.next()? {
            if let (6 | 11, Record::Length(graph)) = (number, record) {
                if depth == 0 {
                    let message = format!("graphs are nested deeper than {DEPTH} levels");
                    return Err(Error::new(ErrorKind::Depth, message).at_offset(graph.offset()));
                }
                self.read_graph(graph, false, depth - 1)?;
            }
        }
        Ok(())
    }

    fn read_function(&mut self, mut function: Records<'_>) -> Result<()> {
        let (mut name, mut domain) = (String::new(), String::new());
        while let Some((number, record)) = function.next()? {
            match (number, record) {
                (1, Record::Length(text)) => name = text.text(),
                (10, Record::Length(text)) => domain = text.text(),
                _ => {}
            }
        }
        if self.functions.len() >= MOST {
            return Err(too_many("functions", function.offset()));
        }
        self.functions.push(if domain.is_empty() { name } else { format!("{domain}.{name}") });
        Ok(())
    }
}

impl OnnxTensor {
    /// Sums up a tensor.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] and [`ErrorKind::Syntax`], with the offset.
    pub fn read(data: &[u8]) -> Result<Self> {
        read_tensor(Records::new(data))
    }
}

fn read_opset(mut opset: Records<'_>) -> Result<(String, i64)> {
    let mut read = (String::new(), 0);
    while let Some((number, record)) = opset.next()? {
        match (number, record) {
            (1, Record::Length(text)) => read.0 = text.text(),
            (2, Record::Varint(version)) => read.1 = version.cast_signed(),
            _ => {}
        }
    }
    Ok(read)
}

fn read_entry(mut entry: Records<'_>) -> Result<(String, String)> {
    let mut read = (String::new(), String::new());
    while let Some((number, record)) = entry.next()? {
        match (number, record) {
            (1, Record::Length(text)) => read.0 = text.text(),
            (2, Record::Length(text)) => read.1 = text.text(),
            _ => {}
        }
    }
    Ok(read)
}

fn read_tensor(mut tensor: Records<'_>) -> Result<OnnxTensor> {
    let mut read = OnnxTensor::default();
    let (mut is_external, mut location) = (false, String::new());
    while let Some((number, record)) = tensor.next()? {
        match (number, record) {
            (1, sides) => read_sides(sides, &mut read.dims, &tensor)?,
            (2, Record::Varint(number)) => read.data_type = number.cast_signed(),
            (4..=7 | 9..=11, Record::Length(data)) => read.bytes += data.len,
            (4, Record::Fixed32(_)) => read.bytes += 4,
            (10, Record::Fixed64(_)) => read.bytes += 8,
            (5 | 7 | 11, Record::Varint(value)) => {
                read.bytes += u64::from(64 - (value | 1).leading_zeros()).div_ceil(7);
            }
            (8, Record::Length(text)) => read.name = text.text(),
            (13, Record::Length(entry)) => {
                let (key, value) = read_entry(entry)?;
                if key == "location" {
                    location = value;
                }
            }
            (14, Record::Varint(place)) => is_external = place == 1,
            _ => {}
        }
    }
    read.external = is_external.then_some(location);
    Ok(read)
}

/// Sides, one by one or packed.
fn read_sides(record: Record<'_>, into: &mut Vec<u64>, of: &Records<'_>) -> Result<()> {
    match record {
        Record::Varint(side) => into.push(side),
        Record::Length(sides) => {
            let mut sides = sides.varints();
            while let Some(side) = sides.next()?.filter(|_| into.len() <= SIDES) {
                into.push(side);
            }
        }
        _ => {}
    }
    if into.len() > SIDES {
        return Err(of.limit(format!("a tensor of more than {SIDES} sides")));
    }
    Ok(())
}

fn read_sparse(mut sparse: Records<'_>) -> Result<OnnxTensor> {
    let (mut values, mut dims) = (OnnxTensor::default(), Vec::new());
    while let Some((number, record)) = sparse.next()? {
        match (number, record) {
            (1, Record::Length(tensor)) => values = read_tensor(tensor)?,
            (3, sides) => read_sides(sides, &mut dims, &sparse)?,
            _ => {}
        }
    }
    Ok(OnnxTensor { dims, is_sparse: true, ..values })
}

fn read_value(mut value: Records<'_>) -> Result<OnnxValue> {
    let mut read = OnnxValue { kind: "value".to_owned(), ..OnnxValue::default() };
    while let Some((number, record)) = value.next()? {
        match (number, record) {
            (1, Record::Length(text)) => read.name = text.text(),
            (2, Record::Length(of)) => read_type(of, &mut read, DEPTH)?,
            _ => {}
        }
    }
    Ok(read)
}

fn read_type(mut of: Records<'_>, into: &mut OnnxValue, depth: usize) -> Result<()> {
    while let Some((number, record)) = of.next()? {
        let Record::Length(part) = record else { continue };
        if depth == 0 {
            let message = format!("types are nested deeper than {DEPTH} levels");
            return Err(Error::new(ErrorKind::Depth, message).at_offset(part.offset()));
        }
        match number {
            1 => read_tensor_type(part, "tensor", into)?,
            8 => read_tensor_type(part, "sparse tensor", into)?,
            4 => read_wrapped_type(part, "sequence of", into, depth)?,
            5 => read_wrapped_type(part, "map to", into, depth)?,
            9 => read_wrapped_type(part, "optional", into, depth)?,
            7 => "opaque".clone_into(&mut into.kind),
            _ => {}
        }
    }
    Ok(())
}

fn read_tensor_type(mut of: Records<'_>, kind: &str, into: &mut OnnxValue) -> Result<()> {
    kind.clone_into(&mut into.kind);
    while let Some((number, record)) = of.next()? {
        match (number, record) {
            (1, Record::Varint(number)) => into.dtype = Some(onnx_type_name(number.cast_signed())),
            (2, Record::Length(mut shape)) => {
                let sides = into.shape.get_or_insert_default();
                while let Some((number, record)) = shape.next()? {
                    if let (1, Record::Length(side)) = (number, record) {
                        if sides.len() >= SIDES {
                            let text = format!("a tensor of more than {SIDES} sides");
                            return Err(shape.limit(text));
                        }
                        sides.push(read_dimension(side)?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_dimension(mut side: Records<'_>) -> Result<OnnxDimension> {
    let mut read = OnnxDimension::Named("?".to_owned());
    while let Some((number, record)) = side.next()? {
        match (number, record) {
            (1, Record::Varint(length)) => {
                read = match i64::try_from(length) {
                    Ok(_) => OnnxDimension::Fixed(length),
                    Err(_) => OnnxDimension::Named("?".to_owned()),
                };
            }
            (2, Record::Length(text)) => read = OnnxDimension::Named(text.text()),
            _ => {}
        }
    }
    Ok(read)
}

/// A sequence, a map or an optional value: the type inside has number 1, of a map 2.
fn read_wrapped_type(
    mut of: Records<'_>,
    kind: &str,
    into: &mut OnnxValue,
    depth: usize,
) -> Result<()> {
    let (mut kind, mut inner) = (kind.to_owned(), OnnxValue::default());
    while let Some((number, record)) = of.next()? {
        match (number, record) {
            (1 | 2, Record::Length(part)) => read_type(part, &mut inner, depth - 1)?,
            (1, Record::Varint(key)) => {
                kind = format!("map from {} to", onnx_type_name(key.cast_signed()));
            }
            _ => {}
        }
    }
    let OnnxValue { dtype, shape, kind: inside, .. } = inner;
    let inside = if inside.is_empty() { "value".to_owned() } else { inside };
    (into.dtype, into.shape, into.kind) = (dtype, shape, format!("{kind} {inside}"));
    Ok(())
}

/// Whether bytes begin as a model does: known fields only, its version, and a graph or the sets of
/// operators, which look like it inside.
pub(super) fn model_begins_so(start: &[u8]) -> bool {
    let (mut has_version, mut has_content) = (false, false);
    let is_it = each(Records::of_prefix(start), |number, record| match (number, record) {
        (1, Record::Varint(version)) => {
            has_version = (1..=1000).contains(&version);
            has_version
        }
        (2..=4 | 6, Record::Length(text)) => text.is_name(),
        (5, Record::Varint(_)) | (20 | 25 | 26, Record::Length(_)) => true,
        (7, Record::Length(graph)) => {
            let holds = graph_begins_so(graph);
            has_content |= holds.unwrap_or(false);
            holds.is_some()
        }
        (8, Record::Length(opset)) => {
            has_content |= !opset.is_cut;
            each(opset, |number, record| match (number, record) {
                (1, Record::Length(text)) => text.is_name(),
                (2, Record::Varint(_)) => true,
                _ => false,
            })
        }
        (14, Record::Length(entry)) => each(entry, is_pair),
        _ => false,
    });
    is_it && has_version && has_content
}

/// Whether a graph has something inside that is certain; `None` if it is none.
fn graph_begins_so(graph: Records<'_>) -> Option<bool> {
    let mut is_certain = false;
    let is_it = each(graph, |number, record| {
        let Record::Length(part) = record else { return false };
        match number {
            1 => {
                let is_node = node_begins_so(part);
                is_certain |= is_node == Some(true);
                is_node.is_some()
            }
            2 | 10 => part.is_name(),
            5 => {
                is_certain = true;
                begins_as_tensor(part).is_some()
            }
            11..=13 => {
                is_certain = true;
                value_begins_so(part)
            }
            14 | 15 => true,
            16 => each(part, is_pair),
            _ => false,
        }
    });
    is_it.then_some(is_certain)
}

fn node_begins_so(node: Records<'_>) -> Option<bool> {
    let is_cut = node.is_cut;
    let mut has_operator = false;
    let is_it = each(node, |number, record| {
        let Record::Length(part) = record else { return false };
        match number {
            4 => {
                has_operator = !part.bytes().is_empty();
                part.is_name()
            }
            1..=3 | 6..=8 => part.is_name(),
            5 | 9 | 10 => true,
            _ => false,
        }
    });
    (is_it && (has_operator || is_cut)).then_some(has_operator)
}

fn value_begins_so(value: Records<'_>) -> bool {
    each(value, |number, record| {
        let Record::Length(part) = record else { return false };
        match number {
            1 | 3 => part.is_name(),
            2 => true,
            4 => each(part, is_pair),
            _ => false,
        }
    })
}

fn is_pair(number: u32, record: Record<'_>) -> bool {
    matches!((number, record), (1 | 2, Record::Length(text)) if text.is_name())
}

/// What the beginning of a tensor says of it.
#[derive(Default)]
struct TensorStart {
    tensor: OnnxTensor,
    /// Values that lie packed or one by one, where they can be counted.
    counted: Option<u64>,
    has_raw: bool,
    is_whole: bool,
}

fn begins_as_tensor(tensor: Records<'_>) -> Option<TensorStart> {
    let mut read = TensorStart { is_whole: !tensor.is_cut, ..TensorStart::default() };
    let is_it = each(tensor, |number, record| match (number, record) {
        (1, Record::Varint(side)) => {
            read.tensor.dims.push(side);
            i64::try_from(side).is_ok()
        }
        (1, Record::Length(sides)) => {
            let mut sides = sides.varints();
            while let Ok(Some(side)) = sides.next() {
                read.tensor.dims.push(side);
            }
            read.tensor.dims.len() <= SIDES
        }
        (2, Record::Varint(number)) => {
            read.tensor.data_type = number.cast_signed();
            (1..TYPES.len() as u64).contains(&number)
        }
        (4 | 5 | 7 | 10 | 11, data) => {
            let more = count_values(number, data);
            read.counted = match (read.counted, more) {
                (before, Some(more)) => Some(before.unwrap_or(0) + more),
                (_, None) => None,
            };
            !matches!(data, Record::Group)
        }
        (6, Record::Length(_)) => {
            read.counted = Some(read.counted.unwrap_or(0) + 1);
            true
        }
        (8 | 12, Record::Length(text)) => {
            read.tensor.name = text.text();
            text.is_name()
        }
        (9, Record::Length(data)) => {
            (read.has_raw, read.tensor.bytes) = (true, data.len);
            read.is_whole = true;
            true
        }
        (13 | 16, Record::Length(entry)) => each(entry, is_pair),
        (14, Record::Varint(place)) => {
            read.tensor.external = (place == 1).then(String::new);
            place < 2
        }
        (3, Record::Length(_)) => true,
        _ => false,
    });
    is_it.then_some(read)
}

/// How many values a record of them holds; `None` where that cannot be seen.
fn count_values(number: u32, data: Record<'_>) -> Option<u64> {
    match (number, data) {
        (4, Record::Length(data)) => data.len.is_multiple_of(4).then_some(data.len / 4),
        (10, Record::Length(data)) => data.len.is_multiple_of(8).then_some(data.len / 8),
        (_, Record::Length(data)) => {
            let ends = data.bytes().iter().filter(|byte| **byte < 0x80).count() as u64;
            (!data.is_cut).then_some(ends)
        }
        _ => Some(1),
    }
}

/// Whether bytes begin as a tensor does: known fields only, and as much data as its sides ask for.
pub(super) fn tensor_begins_so(start: &[u8]) -> bool {
    let Some(read) = begins_as_tensor(Records::of_prefix(start)) else { return false };
    let tensor = &read.tensor;
    let Some(count) = tensor.count() else { return false };
    if tensor.data_type == 0 || count == 0 && tensor.name.is_empty() {
        return false;
    }
    if read.has_raw {
        return tensor.expected_bytes() == Some(tensor.bytes);
    }
    let is_complex = matches!(tensor.data_type, 14 | 15);
    let counted = read.counted.map(|values| if is_complex { values / 2 } else { values });
    match counted {
        Some(values) => values == count && (count > 1 || !tensor.name.is_empty()),
        // A long row of integers: its end is not in sight.
        None => tensor.external.is_some() || start.len() >= 1024 && count > 16,
    }
}
