//! Virtual datasets: elements that are those of other datasets.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use cannery_core::{Error, ErrorKind, Result};

use crate::bytes::{Cursor, UNDEFINED, index, malformed, wrong_version};
use crate::checksum::ends_with_lookup3;
use crate::core::FileCore;
use crate::dataset::{Dataset, fill_with};
use crate::dataspace::Dataspace;
use crate::global_heap::HeapId;
use crate::node::Node;
use crate::region::{Part, Region, RegularDim, UNLIMITED};
use crate::selection::{BlockCopy, DimSelection, Piece, Selection};

/// Virtual datasets inside each other, at most.
const MAX_DEPTH: usize = 8;

/// Source datasets that one read may look at.
const MAX_SOURCES: u64 = 1 << 18;

/// Blocks of a mapping whose sources are numbered, at most.
const MAX_NUMBERED: u64 = 1 << 16;

/// Bytes that a part of a source may take beside the result.
const BESIDE: u64 = 64 << 20;

/// A dataset whose elements a virtual dataset has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualSource {
    /// The name of its file; `.` for the file of the virtual dataset.
    pub file: Vec<u8>,
    /// Its path there.
    pub path: Vec<u8>,
}

/// Which elements of a source are which of the virtual dataset.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    pub(crate) source: VirtualSource,
    from: Region,
    to: Region,
    /// What there is of a mapping without bound.
    found: Vec<(VirtualSource, Region, Region)>,
    is_bounded: bool,
}

thread_local! {
    /// The virtual datasets that are being read.
    static READING: RefCell<Vec<(u64, u64)>> = const { RefCell::new(Vec::new()) };
    static SOURCES: Cell<u64> = const { Cell::new(0) };
}

/// Marks a dataset as being read until it is dropped.
struct Reading;

impl Reading {
    fn start(core: &FileCore, address: u64) -> Result<Self> {
        READING.with_borrow_mut(|stack| {
            if stack.is_empty() {
                SOURCES.set(0);
            }
            if stack.len() >= MAX_DEPTH || stack.contains(&(core.number, address)) {
                return Err(Error::new(
                    ErrorKind::Cycle,
                    "a virtual dataset leads back to itself, or too far",
                ));
            }
            stack.push((core.number, address));
            Ok(Self)
        })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        READING.with_borrow_mut(std::vec::Vec::pop);
    }
}

fn count_source() -> Result<()> {
    let count = SOURCES.get() + 1;
    SOURCES.set(count);
    if count > MAX_SOURCES {
        return Err(Error::new(ErrorKind::Limit, "a virtual dataset has too many sources"));
    }
    Ok(())
}

/// Reads the mappings of a virtual dataset, and grows its shape to what there is.
pub(crate) fn read_mappings(
    core: &Arc<FileCore>,
    heap: HeapId,
    space: &mut Dataspace,
) -> Result<Vec<Mapping>> {
    if heap.address == UNDEFINED {
        return Ok(Vec::new());
    }
    let block = heap.get(core)?;
    if !ends_with_lookup3(&block) {
        return Err(crate::bytes::corrupt("the mappings of a virtual dataset"));
    }
    let mut cursor = Cursor::new(&block[..block.len() - 4]);
    let version = cursor.u8()?;
    if version > 1 {
        return Err(wrong_version("the mappings of a virtual dataset", version));
    }
    let count = cursor.length(core.sizes)?;
    let mut mappings: Vec<Mapping> = Vec::new();
    for _ in 0..count {
        let source = read_source(core, &mut cursor, version, &mappings)?;
        let (from, to) = (Region::parse(&mut cursor)?, Region::parse(&mut cursor)?);
        let is_bounded = unlimited(&to).is_none();
        mappings.push(Mapping { source, from, to, found: Vec::new(), is_bounded });
    }
    if mappings.iter().any(|mapping| !mapping.is_bounded) {
        let reading = Reading::start(core, heap.address)?;
        grow(core, &mut mappings, space)?;
        drop(reading);
    }
    Ok(mappings)
}

/// Bits of the flags of an entry of version 1: its file is this one, or it shares a name with an
/// earlier entry.
const SAME_FILE: u8 = 4;
const SHARED_FILE: u8 = 1;
const SHARED_PATH: u8 = 2;

fn read_source(
    core: &FileCore,
    cursor: &mut Cursor<'_>,
    version: u8,
    before: &[Mapping],
) -> Result<VirtualSource> {
    let flags = if version == 1 { cursor.u8()? } else { 0 };
    let earlier = |cursor: &mut Cursor<'_>| {
        let number = index(cursor.length(core.sizes)?);
        before
            .get(number)
            .ok_or_else(|| malformed("a mapping shares the name of one that is not there"))
    };
    let file = if flags & SAME_FILE != 0 {
        b".".to_vec()
    } else if flags & SHARED_FILE != 0 {
        earlier(cursor)?.source.file.clone()
    } else {
        cursor.text()?.to_vec()
    };
    let path = if flags & SHARED_PATH != 0 {
        earlier(cursor)?.source.path.clone()
    } else {
        cursor.text()?.to_vec()
    };
    Ok(VirtualSource { file, path })
}

/// The dimension without bound, if there is one.
fn unlimited(region: &Region) -> Option<usize> {
    let Region::Regular(dims) = region else { return None };
    dims.iter().position(|dim| dim.count == UNLIMITED || dim.block == UNLIMITED)
}

/// Finds what there is of mappings without bound.
fn grow(core: &Arc<FileCore>, mappings: &mut [Mapping], space: &mut Dataspace) -> Result<()> {
    let Dataspace::Simple { shape, .. } = space else { return Ok(()) };
    let mut grown: Vec<Option<u64>> = vec![None; shape.len()];
    let mut least = vec![0; shape.len()];
    for mapping in mappings.iter_mut() {
        let (Some(dim), Region::Regular(to)) = (unlimited(&mapping.to), &mapping.to) else {
            if let Region::Regular(dims) = &mapping.to {
                for (least, dim) in least.iter_mut().zip(dims) {
                    *least = dim.end().unwrap_or(0).max(*least);
                }
            }
            continue;
        };
        if dim >= shape.len() {
            return Err(malformed("a mapping has another rank than its dataset"));
        }
        let found = if mapping.source.is_numbered() {
            numbered(core, mapping, to, dim)
        } else {
            extended(core, mapping, to, dim)
        };
        let Some((found, end)) = found? else { continue };
        mapping.found = found;
        grown[dim] = Some(grown[dim].unwrap_or(0).max(end));
    }
    for ((shape, grown), least) in shape.iter_mut().zip(grown).zip(least) {
        if let Some(grown) = grown {
            *shape = grown.max(least);
        }
    }
    crate::dataspace::product(shape)
        .ok_or_else(|| malformed("the shape has 2^64 elements or more"))?;
    Ok(())
}

type Extent = Option<(Vec<(VirtualSource, Region, Region)>, u64)>;

/// One source for each block: `%b` in its name is the number of the block.
fn numbered(
    core: &Arc<FileCore>,
    mapping: &Mapping,
    to: &[RegularDim],
    dim: usize,
) -> Result<Extent> {
    let (mut found, mut end) = (Vec::new(), 0);
    for number in 0..MAX_NUMBERED {
        let source = mapping.source.named(Some(number));
        match open_source(core, &source) {
            Ok(Some(_)) => {}
            Err(error) if error.kind() == ErrorKind::Permission => return Ok(None),
            Ok(None) | Err(_) => break,
        }
        let start =
            number.checked_mul(to[dim].stride).and_then(|skip| skip.checked_add(to[dim].start));
        let start = start.ok_or_else(|| malformed("a block of a mapping lies too far"))?;
        let mut block = to.to_vec();
        block[dim] = RegularDim { start, stride: 1, count: 1, block: to[dim].block };
        end = block[dim].end().unwrap_or(0);
        found.push((source, mapping.from.clone(), Region::Regular(block)));
    }
    Ok(Some((found, end)))
}

impl VirtualSource {
    /// Whether it stands for many sources, one for each block.
    fn is_numbered(&self) -> bool {
        [&self.file, &self.path].iter().any(|name| expanded(name, Some(0)) != expanded(name, None))
    }

    /// The names by which the source is opened: `%%` in them stands for `%`.
    fn named(&self, number: Option<u64>) -> Self {
        Self { file: expanded(&self.file, number), path: expanded(&self.path, number) }
    }
}

/// A name with `%%` replaced by `%`, and `%b` by a number if there is one.
fn expanded(name: &[u8], number: Option<u64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after.first(), number) {
            (b'%', Some(b'b'), Some(number)) => {
                out.extend_from_slice(number.to_string().as_bytes());
                rest = &after[1..];
            }
            (b'%', Some(b'%'), _) => {
                out.push(b'%');
                rest = &after[1..];
            }
            _ => out.push(first),
        }
    }
    out
}

/// As many slices as the source has.
fn extended(
    core: &Arc<FileCore>,
    mapping: &Mapping,
    to: &[RegularDim],
    dim: usize,
) -> Result<Extent> {
    let (Some(from_dim), Region::Regular(from)) = (unlimited(&mapping.from), &mapping.from) else {
        return Err(malformed("a mapping has a bound on one side only"));
    };
    let named = mapping.source.named(None);
    let source = match open_source(core, &named) {
        Ok(Some(source)) => source,
        Ok(None) => return Ok(Some((Vec::new(), 0))),
        Err(error) if error.kind() == ErrorKind::Permission => return Ok(None),
        Err(error) => return Err(error),
    };
    let extent = *source
        .space()
        .shape()
        .get(from_dim)
        .ok_or_else(|| malformed("a mapping has another rank than its source"))?;
    let slices = slices_within(&from[from_dim], extent);
    let (mut from, mut to) = (from.clone(), to.to_vec());
    let (one, other) = (bounded(&from[from_dim], slices), bounded(&to[dim], slices));
    let (Some(one), Some(other)) = (one, other) else { return Ok(Some((Vec::new(), 0))) };
    let end = other.end().ok_or_else(|| malformed("a block of a mapping lies too far"))?;
    (from[from_dim], to[dim]) = (one, other);
    Ok(Some((vec![(named, Region::Regular(from), Region::Regular(to))], end)))
}

/// How many positions of a dimension without bound lie within an extent.
fn slices_within(dim: &RegularDim, extent: u64) -> u64 {
    let room = extent.saturating_sub(dim.start);
    if dim.block == UNLIMITED || dim.stride == dim.block {
        return room;
    }
    let (whole, rest) = (room / dim.stride.max(1), room % dim.stride.max(1));
    whole * dim.block + rest.min(dim.block)
}

/// A dimension without bound, cut after `slices` positions; `None` for none.
fn bounded(dim: &RegularDim, slices: u64) -> Option<RegularDim> {
    let (start, stride) = (dim.start, dim.stride);
    if dim.block == UNLIMITED || dim.stride == dim.block {
        return (slices > 0).then_some(RegularDim { start, stride: 1, count: 1, block: slices });
    }
    let count = slices / dim.block;
    (count > 0).then_some(RegularDim { start, stride, count, block: dim.block })
}

/// Opens a source; none if it is not there.
fn open_source(core: &Arc<FileCore>, source: &VirtualSource) -> Result<Option<Dataset>> {
    count_source()?;
    let file = if source.file == b"." {
        Ok(Arc::clone(core))
    } else {
        Node::open_file(core, &source.file)
    };
    let node = file.and_then(|file| Node::root(&file).resolve(&source.path));
    match node {
        Ok(node) => node.dataset().map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn read(dataset: &Dataset, selection: &Selection, out: &mut [u8]) -> Result<()> {
    let _reading = Reading::start(&dataset.core, dataset.address)?;
    fill_with(out, dataset.fill_bytes());
    let mut sources = HashMap::new();
    for mapping in &dataset.mappings {
        if mapping.is_bounded {
            let named = mapping.source.named(None);
            let parts = (&named, &mapping.from, &mapping.to);
            read_mapping(dataset, parts, selection, out, &mut sources)?;
        }
        for (source, from, to) in &mapping.found {
            read_mapping(dataset, (source, from, to), selection, out, &mut sources)?;
        }
    }
    Ok(())
}

type Sources = HashMap<Vec<u8>, Arc<FileCore>>;

/// The core of a source's file, opened once.
fn source_file(core: &Arc<FileCore>, name: &[u8], files: &mut Sources) -> Result<Arc<FileCore>> {
    if name == b"." {
        return Ok(Arc::clone(core));
    }
    if let Some(file) = files.get(name) {
        return Ok(Arc::clone(file));
    }
    let file = Node::open_file(core, name)?;
    if files.len() >= 64 {
        files.clear();
    }
    files.insert(name.to_vec(), Arc::clone(&file));
    Ok(file)
}

fn read_mapping(
    dataset: &Dataset,
    (source, from, to): (&VirtualSource, &Region, &Region),
    selection: &Selection,
    out: &mut [u8],
    files: &mut Sources,
) -> Result<()> {
    let shape = dataset.space().shape();
    if !touches(to, selection, shape) {
        return Ok(());
    }
    count_source()?;
    let opened = source_file(&dataset.core, &source.file, files)
        .and_then(|file| Node::root(&file).resolve(&source.path))
        .and_then(|node| node.dataset());
    let opened = match opened {
        Ok(opened) => opened,
        // What is not there is filled.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let task = MappingRead { dataset, source: &opened, selection };
    let (ours, theirs) = (from.elements(opened.space().shape())?, to.elements(shape)?);
    if ours != theirs {
        return Err(malformed("a mapping has more elements on one side than on the other"));
    }
    to.check(shape)?;
    from.check(opened.space().shape())?;
    match (single_box(from, opened.space().shape()), single_box(to, shape)) {
        (Some(from), Some(to)) if same_extents(&from, &to) => task.read_box(&from, &to, out),
        _ => task.read_all(from, to, ours, out),
    }
}

/// Whether something of a region may be wanted.
fn touches(region: &Region, selection: &Selection, shape: &[u64]) -> bool {
    let Region::Regular(dims) = region else { return true };
    dims.len() == shape.len()
        && dims.iter().zip(&selection.0).all(|(dim, wanted)| {
            let end = dim.end().unwrap_or(u64::MAX);
            wanted.within(dim.start, end.saturating_sub(dim.start)).is_some()
        })
}

fn single_box(region: &Region, shape: &[u64]) -> Option<Part> {
    let mut boxes = Vec::new();
    let visited = region.rows(shape, &mut |part| {
        boxes.push(part.to_vec());
        if boxes.len() > 1 { Err(malformed("more than one box")) } else { Ok(()) }
    });
    visited.ok()?;
    boxes.pop()
}

/// Whether two boxes are the same but for dimensions of 1.
fn same_extents(one: &Part, other: &Part) -> bool {
    let long = |part: &Part| part.iter().map(|(_, n)| *n).filter(|n| *n != 1).collect::<Vec<_>>();
    long(one) == long(other)
}

struct MappingRead<'a> {
    dataset: &'a Dataset,
    source: &'a Dataset,
    selection: &'a Selection,
}

impl MappingRead<'_> {
    /// Copies what is wanted of a box that is a box of the source.
    fn read_box(&self, from: &Part, to: &Part, out: &mut [u8]) -> Result<()> {
        let Some(pieces) = self.pieces(to) else { return Ok(()) };
        let mut long = pieces.iter().zip(to).filter(|(_, (_, n))| *n != 1).map(|(piece, _)| piece);
        let dims = from.iter().map(|&(start, n)| {
            if n == 1 {
                return DimSelection::Range { start, step: 1, count: 1 };
            }
            match long.next() {
                Some(Piece::Range { from, step, count, .. }) => {
                    DimSelection::Range { start: start + from, step: *step, count: *count }
                }
                Some(Piece::Pairs(pairs)) => {
                    DimSelection::List(pairs.iter().map(|(from, _)| start + from).collect())
                }
                None => DimSelection::Range { start, step: 1, count: n },
            }
        });
        let wanted = Selection(dims.collect());
        let mut buffer = crate::bytes::zeroed(self.dataset.bytes_of(wanted.elements()?)?)?;
        self.read_source(&wanted, &mut buffer)?;
        // What was read is what is wanted, one position after the other.
        let dense: Vec<Piece> = pieces.iter().map(densely).collect();
        self.copy(&dense, &dense.iter().map(Piece::count).collect::<Vec<_>>(), &buffer, out);
        Ok(())
    }

    /// Copies what is wanted of any elements: all of the mapping is read.
    fn read_all(&self, from: &Region, to: &Region, elements: u64, out: &mut [u8]) -> Result<()> {
        let bytes = self.dataset.bytes_of(elements)?;
        if bytes as u64 > BESIDE.max(8 * out.len() as u64) {
            return Err(Error::new(
                ErrorKind::Limit,
                "a part of a virtual dataset is too large to be read at once",
            ));
        }
        let mut buffer = crate::bytes::zeroed(bytes)?;
        let mut rest = buffer.as_mut_slice();
        from.rows(self.source.space().shape(), &mut |part| {
            let dims =
                part.iter().map(|&(start, count)| DimSelection::Range { start, step: 1, count });
            let wanted = Selection(dims.collect());
            let (now, later) =
                std::mem::take(&mut rest).split_at_mut(self.dataset.bytes_of(wanted.elements()?)?);
            rest = later;
            self.read_source(&wanted, now)
        })?;
        let mut rest = buffer.as_slice();
        to.rows(self.dataset.space().shape(), &mut |part| {
            let elements = part.iter().map(|(_, n)| n).product();
            let (now, later) = rest.split_at(self.dataset.bytes_of(elements)?);
            rest = later;
            if let Some(pieces) = self.pieces(part) {
                self.copy(&pieces, &part.iter().map(|(_, n)| *n).collect::<Vec<_>>(), now, out);
            }
            Ok(())
        })
    }

    /// Reads elements of the source as elements of the virtual dataset.
    fn read_source(&self, wanted: &Selection, out: &mut [u8]) -> Result<()> {
        let (from, to) = (self.source.datatype(), self.dataset.datatype());
        if from == to {
            return self.source.read_ungated(wanted, out, 0);
        }
        let mut buffer = crate::bytes::zeroed(self.source.bytes_of(wanted.elements()?)?)?;
        self.source.read_ungated(wanted, &mut buffer, 0)?;
        from.convert_to(to, &buffer, out)
    }

    /// What is wanted of a box of the virtual dataset.
    fn pieces(&self, part: &[(u64, u64)]) -> Option<Vec<Piece>> {
        self.selection
            .0
            .iter()
            .zip(part)
            .map(|(wanted, &(start, len))| wanted.within(start, len))
            .collect()
    }

    fn copy(&self, pieces: &[Piece], lens: &[u64], data: &[u8], out: &mut [u8]) {
        let shape = self.selection.shape();
        let dims = pieces.iter().enumerate().map(|(i, piece)| (piece, lens[i], shape[i])).collect();
        BlockCopy { dims, element: self.dataset.datatype().size as usize }.run(data, out, 0);
    }
}

fn densely(piece: &Piece) -> Piece {
    match piece {
        Piece::Range { to, count, .. } => Piece::Range { from: 0, step: 1, to: *to, count: *count },
        Piece::Pairs(pairs) => {
            Piece::Pairs(pairs.iter().zip(0..).map(|(&(_, to), i)| (i, to)).collect())
        }
    }
}
