//! HDF5: groups as maps, datasets of numbers and texts as arrays.

mod inspect;
mod other_files;
mod write;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use cannery_core::{
    ArraySource, ArrayView, Budget, ByteOrder, Container, Dtype, DtypeKind, Error, ErrorKind,
    Limits, Order, Result, Sink,
};
use cannery_format::{
    Capabilities, Format, Likelihood, Node as Part, ReadOptions, Reader, WriteOptions, Writer, once,
};
use cannery_places::{EXPANSION_HINT, Input, Output, default_limits};

use self::write::{Hdf5Output, TAG};
use crate::{
    Dataset, Dataspace, Datatype, DimSelection, File, LinkTarget, MAGIC, Node, NumberKind,
    ObjectKind, Selection, TypeClass,
};

/// The format HDF5.
#[derive(Clone, Copy, Debug)]
pub struct Hdf5;

/// Bytes that are copied at a time.
const PIECE: usize = 4 << 20;

/// Groups inside of one another that are followed.
const MAX_DEPTH: usize = 200;

impl Format for Hdf5 {
    fn id(&self) -> &'static str {
        "hdf5"
    }

    fn title(&self) -> &'static str {
        "HDF5"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &[
            "h5", "hdf5", "hdf", "he5", "h5ad", "h5mu", "loom", "nc", "nc4", "nwb", "nxs", "mat",
            "mnc", "cool", "fast5", "keras",
        ]
    }

    fn holds(&self) -> &'static str {
        "groups and their arrays"
    }

    /// A user block of 512 bytes, or of that doubled, may stand before the signature.
    fn sniff(&self, start: &[u8]) -> Likelihood {
        let places = [0, 512, 1024, 2048];
        let found = places.iter().any(|&at| start.get(at..).is_some_and(|b| b.starts_with(MAGIC)));
        if found { Likelihood::Yes } else { Likelihood::No }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { arrays: true, ..Capabilities::default() }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let least = default_limits().base_bytes;
        let limits = options.limits.base_bytes(options.limits.base_bytes.max(least));
        let mut walk =
            Walk { open: Vec::new(), budget: Budget::new(&limits, input.size().unwrap_or(0)) };
        let file = open(input, options)?;
        Ok(once(move |sink| {
            let root = file.root();
            if tag_of(&root).as_deref() == Some("value")
                && let Ok(value) = root.resolve(b"value")
            {
                return send(&value, sink, &mut walk);
            }
            send_group(&root, sink, &mut walk)
        }))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        Ok(Box::new(Hdf5Output::new(output)?))
    }

    fn inspect(&self, input: Input, options: &ReadOptions) -> Result<Part> {
        let file = open(input, options)?;
        inspect::inspect_file(&file.root())
    }

    fn holds_more(&self) -> bool {
        true
    }

    fn copy(&self, input: Input, mut output: Output<'_>) -> Result<()> {
        let source = input.into_source(&Limits::default())?;
        File::from_source(Arc::clone(&source))?;
        let mut at = 0;
        while at < source.len() {
            let mut block =
                vec![0; usize::try_from(source.len() - at).map_or(PIECE, |n| n.min(PIECE))];
            source.read_at(at, &mut block)?;
            output.write_all(&block).map_err(|e| Error::io(e, "cannot write the file"))?;
            at += block.len() as u64;
        }
        output.finish()
    }

    fn other_files(&self, path: &Path) -> Result<Vec<String>> {
        other_files::other_files(path)
    }
}

/// Other files that this one names are not opened.
fn open(input: Input, options: &ReadOptions) -> Result<File> {
    File::from_source(input.into_source(&options.limits)?)
}

/// The members of a group in their order; those that lead to other files are left to the caller.
fn members(group: &Node) -> Result<Vec<(String, Node)>> {
    let mut found = Vec::new();
    for link in group.members()? {
        // A link into nothing is no value, as h5py has it.
        if matches!(link.target, LinkTarget::User(..)) {
            continue;
        }
        match group.resolve(&link.name) {
            Ok(node) => found.push((String::from_utf8_lossy(&link.name).into_owned(), node)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// What is gone through, and how much of it there may be: links may lead to the same group again and
/// again, elements to the same text, and a dataset that was never written takes no bytes in a file.
struct Walk {
    /// The groups around what is sent.
    open: Vec<(u64, u64)>,
    budget: Budget,
}

impl Walk {
    fn take(&mut self, bytes: u64) -> Result<()> {
        // What is empty takes something, too.
        const LEAST: u64 = 64;
        self.budget.take_bytes(bytes.max(LEAST)).map_err(|error| error.with_hint(EXPANSION_HINT))
    }
}

/// Sends a group as a map.
fn send_group(group: &Node, sink: &mut dyn Sink, walk: &mut Walk) -> Result<()> {
    if walk.open.contains(&group.id()) {
        return Err(Error::new(ErrorKind::Cycle, "a group that contains itself is no tree"));
    }
    if walk.open.len() >= MAX_DEPTH {
        return Err(Error::new(ErrorKind::Depth, "groups are nested too deeply"));
    }
    walk.open.push(group.id());
    let members = members(group)?;
    let container = match tag_of(group).as_deref() {
        Some("list") => Container::List,
        Some("tuple") => Container::Tuple,
        _ => Container::Map,
    };
    sink.begin(container, Some(members.len()))?;
    for (name, node) in members {
        if container == Container::Map {
            sink.key(name.as_str().into())?;
        }
        send(&node, sink, walk)?;
    }
    walk.open.pop();
    sink.end(container)
}

fn send(node: &Node, sink: &mut dyn Sink, walk: &mut Walk) -> Result<()> {
    walk.take(0)?;
    match node.kind()? {
        ObjectKind::Group => send_group(node, sink, walk),
        ObjectKind::Dataset => send_dataset(node, sink, walk),
        ObjectKind::Datatype => sink.null(),
    }
}

/// What a dataset or group stands for, if it says so.
fn tag_of(node: &Node) -> Option<String> {
    let (_, attribute) =
        node.attributes().ok()?.into_iter().find(|(name, _)| name.as_slice() == TAG)?;
    let attribute = attribute.ok()?;
    let is_text = matches!(attribute.datatype.class, TypeClass::VarString { .. });
    if !is_text || attribute.space != Dataspace::Scalar {
        return None;
    }
    let (_, text) = node.sequence(&attribute.data, 1).ok()?;
    String::from_utf8(text).ok()
}

fn send_dataset(node: &Node, sink: &mut dyn Sink, walk: &mut Walk) -> Result<()> {
    let dataset = node.dataset()?;
    let Some(shape) = shape_of(&dataset) else { return sink.null() };
    let size = u64::from(dataset.datatype().size);
    walk.take(shape.iter().fold(size, |bytes, &side| bytes.saturating_mul(side)))?;
    match tag_of(node).as_deref() {
        Some("int" | "float" | "bool") if shape.is_empty() => {
            return send_element(dataset.datatype(), &dataset.read_bytes()?, sink);
        }
        Some("bytes") if dataset.datatype().size == 1 => return sink.bytes(&dataset.read_bytes()?),
        Some("list" | "tuple") if shape.len() == 1 && dtype_of(dataset.datatype()).is_some() => {
            return send_column(&dataset, sink);
        }
        Some("records") if shape.len() == 1 => return send_records(node, &dataset, sink, walk),
        _ => {}
    }
    if let TypeClass::VarString { .. } = dataset.datatype().class {
        let size = dataset.datatype().size as usize;
        let bytes = dataset.read_bytes()?;
        let mut elements = bytes.chunks_exact(size);
        return send_texts(node, &shape, &mut elements, sink, walk);
    }
    let Some(dtype) = dtype_of(dataset.datatype()) else { return Err(no_array(&dataset)) };
    sink.array(&Lazy { dataset: &dataset, dtype, shape })
}

/// Sends a number, or a truth value, that is no array.
fn send_element(datatype: &Datatype, element: &[u8], sink: &mut dyn Sink) -> Result<()> {
    if let TypeClass::Enum { .. } = datatype.class {
        return sink.bool(element.first().is_some_and(|&byte| byte != 0));
    }
    let wide = || -> Option<[u8; 8]> { element.try_into().ok() };
    match (&datatype.class, wide()) {
        (TypeClass::Fixed { .. }, Some(bytes)) => sink.int(i64::from_le_bytes(bytes)),
        (TypeClass::Float(_), Some(bytes)) => sink.float(f64::from_le_bytes(bytes)),
        _ => Err(Error::new(ErrorKind::Unsupported, "a number is not of 8 bytes as it should be")),
    }
}

/// Sends a list whose items are all of one kind.
fn send_column(dataset: &Dataset, sink: &mut dyn Sink) -> Result<()> {
    let data = dataset.read_bytes()?;
    let size = (dataset.datatype().size as usize).max(1);
    sink.begin(Container::List, Some(data.len() / size))?;
    for element in data.chunks_exact(size) {
        send_element(dataset.datatype(), element, sink)?;
    }
    sink.end(Container::List)
}

/// Sends records as maps.
fn send_records(
    node: &Node,
    dataset: &Dataset,
    sink: &mut dyn Sink,
    walk: &mut Walk,
) -> Result<()> {
    let TypeClass::Compound(members) = &dataset.datatype().class else {
        return Err(no_array(dataset));
    };
    let data = dataset.read_bytes()?;
    let size = (dataset.datatype().size as usize).max(1);
    sink.begin(Container::List, Some(data.len() / size))?;
    for record in data.chunks_exact(size) {
        sink.begin(Container::Map, Some(members.len()))?;
        for member in members {
            sink.key(String::from_utf8_lossy(&member.name).as_ref().into())?;
            let (at, len) = (member.offset as usize, member.datatype.size as usize);
            let element = record.get(at..).and_then(|rest| rest.get(..len));
            let element = element.ok_or_else(|| no_array(dataset))?;
            match member.datatype.class {
                TypeClass::VarString { .. } => {
                    send_texts(node, &[], &mut std::iter::once(element), sink, walk)?;
                }
                _ => send_element(&member.datatype, element, sink)?,
            }
        }
        sink.end(Container::Map)?;
    }
    sink.end(Container::List)
}

/// Sends texts of any length as nested lists.
fn send_texts<'b>(
    node: &Node,
    shape: &[u64],
    elements: &mut impl Iterator<Item = &'b [u8]>,
    sink: &mut dyn Sink,
    walk: &mut Walk,
) -> Result<()> {
    let Some((&len, inner)) = shape.split_first() else {
        let Some(element) = elements.next() else { return sink.null() };
        let (_, text) = node.sequence(element, 1)?;
        walk.take(text.len() as u64)?;
        let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        return match std::str::from_utf8(&text[..end]) {
            Ok(text) => sink.text(text.into()),
            Err(_) => sink.bytes(&text[..end]),
        };
    };
    sink.begin(Container::List, usize::try_from(len).ok())?;
    (0..len).try_for_each(|_| {
        walk.take(0)?;
        send_texts(node, inner, elements, sink, walk)
    })?;
    sink.end(Container::List)
}

/// The sides of a dataset; `None` if it has no elements and no shape.
pub(super) fn shape_of(dataset: &Dataset) -> Option<Vec<u64>> {
    match dataset.space() {
        Dataspace::Null => None,
        Dataspace::Scalar => Some(Vec::new()),
        Dataspace::Simple { shape, .. } => Some(shape.clone()),
    }
}

/// What elements are as those of an array, if they can be.
pub(super) fn dtype_of(datatype: &Datatype) -> Option<Dtype> {
    match &datatype.class {
        TypeClass::String { .. } => {
            return Some(Dtype::new(DtypeKind::Bytes(datatype.size as usize)));
        }
        TypeClass::Enum { base, .. } => return dtype_of(base),
        _ => {}
    }
    let number = datatype.number()?;
    let size = u8::try_from(number.size).ok()?;
    let kind = match number.kind {
        NumberKind::Int => DtypeKind::Int(size),
        NumberKind::Uint => DtypeKind::Uint(size),
        NumberKind::Float => DtypeKind::Float(size),
    };
    let byte_order = if number.big_endian { ByteOrder::Big } else { ByteOrder::Little };
    Some(Dtype { kind, byte_order })
}

#[cold]
fn no_array(dataset: &Dataset) -> Error {
    let message =
        format!("a dataset of the class {} is no array of numbers", class_name(dataset.datatype()));
    Error::new(ErrorKind::Unsupported, message)
        .with_hint("read it in Python, with `cannery.hdf5.File`")
}

/// The class of a type, as the specification calls it.
pub(super) fn class_name(datatype: &Datatype) -> &'static str {
    match &datatype.class {
        TypeClass::Fixed { .. } => "integer",
        TypeClass::Float(_) => "float",
        TypeClass::Time { .. } => "time",
        TypeClass::String { .. } | TypeClass::VarString { .. } | TypeClass::UnknownText { .. } => {
            "string"
        }
        TypeClass::Opaque { .. } => "opaque",
        TypeClass::Compound(_) => "compound",
        TypeClass::Reference(_) => "reference",
        TypeClass::Enum { .. } => "enum",
        TypeClass::Sequence(_) => "variable length",
        TypeClass::Array { .. } => "array",
        TypeClass::Complex(_) => "complex",
    }
}

/// A dataset that is read as far as it is asked for.
struct Lazy<'d> {
    dataset: &'d Dataset,
    dtype: Dtype,
    shape: Vec<u64>,
}

impl ArraySource for Lazy<'_> {
    fn dtype(&self) -> &Dtype {
        &self.dtype
    }

    fn shape(&self) -> &[u64] {
        &self.shape
    }

    fn order(&self) -> Order {
        Order::C
    }

    fn view(&self) -> Option<ArrayView<'_>> {
        None
    }

    fn read(&self, start: u64, out: &mut [u8]) -> Result<()> {
        let count = (out.len() / self.dtype.itemsize().max(1)) as u64;
        let row = self.shape.iter().skip(1).product::<u64>().max(1);
        let (first, last) = (start / row, (start + count).div_ceil(row));
        let stored = self.read_rows(first, last - first)?;
        let from = usize::try_from(start - first * row).unwrap_or(usize::MAX);
        let from = from.saturating_mul(self.dtype.itemsize());
        let wanted = stored.get(from..from.saturating_add(out.len()));
        out.copy_from_slice(
            wanted.ok_or_else(|| Error::new(ErrorKind::Value, "the array has fewer elements"))?,
        );
        Ok(())
    }
}

impl Lazy<'_> {
    /// Whole rows of the outermost side, as the numbers that `dtype` says.
    fn read_rows(&self, first: u64, count: u64) -> Result<Vec<u8>> {
        let whole = |&side: &u64| DimSelection::Range { start: 0, step: 1, count: side };
        let mut dims: Vec<_> = self.shape.iter().map(whole).collect();
        if let Some(outermost) = dims.first_mut() {
            *outermost = DimSelection::Range { start: first, step: 1, count };
        }
        let elements = self.shape.iter().skip(1).product::<u64>() * count;
        let datatype = self.dataset.datatype();
        let bytes = |size: u64| {
            let len = usize::try_from(elements.saturating_mul(size)).unwrap_or(usize::MAX);
            let mut room = Vec::new();
            cannery_core::reserve(&mut room, len)?;
            room.resize(len, 0);
            Ok::<_, Error>(room)
        };
        let mut stored = bytes(u64::from(datatype.size))?;
        self.dataset.read_into(&Selection(dims), &mut stored, 1)?;
        if datatype.number().is_none_or(|number| number.is_stored) {
            return Ok(stored);
        }
        let mut numbers = bytes(self.dtype.itemsize() as u64)?;
        datatype.convert_numbers(&stored, &mut numbers)?;
        Ok(numbers)
    }
}
