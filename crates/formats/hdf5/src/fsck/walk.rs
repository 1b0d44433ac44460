//! Goes from object to object, and looks at all that each is made of.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use cannery_core::{Error, ErrorKind, Result};

use super::elements;
use super::report::{Checkup, ChunkRepair, MAX_NAMES};
use crate::attributes::{order_tree, read_attributes, whole_messages};
use crate::btree2::BTree2;
use crate::bytes::{UNDEFINED, index, malformed};
use crate::chunks::Chunk;
use crate::core::FileCore;
use crate::dataset::Dataset;
use crate::header::Header;
use crate::layout::{Chunked, Layout};
use crate::links::{Link, LinkTarget, Links};
use crate::node::{Node, ObjectKind};
use crate::selection::{DimSelection, Selection};
use crate::write::{Place, in_parallel};

/// Chunks that decode to more are not decoded.
const LARGEST: u64 = 256 << 20;

/// Chunks that are given to the threads at a time.
const BATCH: usize = 4096;

/// Bytes of elements that are looked at at a time.
const PART: u64 = 1 << 20;

/// The way to an object: the number of the group's, and the name of the link.
struct Way {
    group: usize,
    name: Vec<u8>,
}

struct Walk<'a> {
    core: &'a Arc<FileCore>,
    checkup: Checkup,
    ways: Vec<Way>,
    /// Whether the objects that links lead to can be used.
    known: HashMap<u64, bool>,
    pending: VecDeque<(u64, usize)>,
    threads: usize,
    /// Whether links or objects were lost, so that others may be lost with them.
    has_lost: bool,
}

/// Checks all that the root of a file leads to.
pub(super) fn check(core: &Arc<FileCore>, threads: usize) -> Result<Checkup> {
    let ways = vec![Way { group: 0, name: Vec::new() }];
    let mut walk = Walk {
        core,
        checkup: Checkup::default(),
        ways,
        known: HashMap::new(),
        pending: VecDeque::new(),
        threads,
        has_lost: false,
    };
    walk.take_damage(0);
    let root = core.superblock.root;
    match walk.probe(root) {
        Ok(ObjectKind::Group) => walk.pending.push_back((root, 0)),
        found => {
            let error = found.err().unwrap_or_else(|| malformed("the root is no group"));
            walk.add(0, &error.at_offset(if root == UNDEFINED { 0 } else { root }));
            walk.checkup.repairs.root = true;
            walk.has_lost = true;
        }
    }
    walk.run();
    if walk.has_lost {
        walk.find_lost()?;
        if core.superblock.root == UNDEFINED && walk.checkup.repairs.lost.is_empty() {
            let message = "expected an HDF5 file, found no superblock and no object";
            return Err(Error::new(ErrorKind::Syntax, message));
        }
        walk.run();
    }
    let mut checkup = walk.checkup;
    checkup.core = Some(Arc::clone(core));
    Ok(checkup)
}

impl Walk<'_> {
    fn run(&mut self) {
        while let Some((address, way)) = self.pending.pop_front() {
            let before = self.checkup.damaged_count;
            if let Err(error) = self.object(address, way) {
                self.add(way, &error.at_offset(address));
            }
            if self.checkup.damaged_count == before {
                self.checkup.whole_count += 1;
                if self.checkup.whole.len() < MAX_NAMES {
                    let path = self.path(way);
                    self.checkup.whole.push(path);
                }
            }
        }
    }

    fn path(&self, mut way: usize) -> Vec<u8> {
        let mut names = Vec::new();
        while way != 0 {
            names.push(self.ways[way].name.as_slice());
            way = self.ways[way].group;
        }
        if names.is_empty() {
            return b"/".to_vec();
        }
        names.iter().rev().flat_map(|name| [b"/", *name]).flatten().copied().collect()
    }

    fn way_to(&mut self, group: usize, name: &[u8]) -> usize {
        self.ways.push(Way { group, name: name.to_vec() });
        self.ways.len() - 1
    }

    fn add(&mut self, way: usize, error: &Error) {
        let (path, base) = (self.path(way), self.core.superblock.base);
        if error.kind() == ErrorKind::Unsupported {
            self.checkup.add_unchecked(base, path, error);
        } else {
            self.checkup.add(base, path, error);
        }
    }

    /// Lists what was passed over; gives back how much that is.
    fn take_damage(&mut self, way: usize) -> usize {
        let damage = self.core.take_damage();
        for error in &damage {
            self.add(way, error);
        }
        damage.len()
    }

    /// Whether an object's header can be used, and what it is.
    fn probe(&self, address: u64) -> Result<ObjectKind> {
        let header = Header::read(self.core, address)?;
        let kind = Node::at(self.core, address).kind()?;
        match kind {
            ObjectKind::Dataset => {
                let dataset = Dataset::read_header(self.core, &header)?;
                if let Layout::Contiguous(at, _) = dataset.layout
                    && at != UNDEFINED
                    && dataset.segments.is_empty()
                {
                    let len = dataset.bytes_of(dataset.space().elements())?;
                    self.core.locate(at, len as u64)?;
                }
            }
            ObjectKind::Datatype => drop(Node::at(self.core, address).datatype()?),
            ObjectKind::Group => {}
        }
        Ok(kind)
    }

    fn object(&mut self, address: u64, way: usize) -> Result<()> {
        let header = Header::read(self.core, address)?;
        self.attributes(&header, way);
        match Node::at(self.core, address).kind()? {
            ObjectKind::Group => {
                self.checkup.groups += 1;
                self.group(&header, way);
                Ok(())
            }
            ObjectKind::Dataset => {
                self.checkup.datasets += 1;
                match Dataset::read_header(self.core, &header) {
                    Ok(dataset) => self.dataset(&dataset, way),
                    Err(error) => Err(error),
                }
            }
            ObjectKind::Datatype => {
                self.checkup.datatypes += 1;
                Ok(())
            }
        }
    }

    fn attributes(&mut self, header: &Header, way: usize) {
        let found = read_attributes(self.core, header).unwrap_or_default();
        let ordered = order_tree(self.core, header).and_then(|tree| self.tree(tree));
        let mut damaged = self.take_damage(way) + usize::from(ordered.is_err());
        if let Err(error) = ordered {
            self.add(way, &error.at_offset(header.address));
        }
        for (name, attribute) in found {
            let checked = attribute.and_then(|mut attribute| {
                if !attribute.datatype.has_heap_data() {
                    return Ok(());
                }
                let bad = elements::check(self.core, &attribute.datatype, &mut attribute.data);
                bad.map_or(Ok(()), |(error, _)| Err(error))
            });
            match checked {
                Ok(()) => self.checkup.attributes += 1,
                Err(error) => {
                    damaged += usize::from(error.kind() != ErrorKind::Unsupported);
                    let what = format!("attribute `{}`: {}", name.escape_ascii(), error.message());
                    self.add(way, &Error::new(error.kind(), what).at_offset(header.address));
                }
            }
        }
        if damaged > 0 {
            let core = self.core;
            let whole = whole_messages(core, header, |attribute| {
                elements::check(core, &attribute.datatype, &mut attribute.data).is_none()
            });
            core.take_damage();
            self.checkup.repairs.objects.entry(header.address).or_default().attributes =
                Some(whole);
        }
    }

    /// Looks at all nodes of a tree whose records are found by another one too.
    fn tree(&self, address: Option<u64>) -> Result<()> {
        let Some(address) = address.filter(|address| *address != UNDEFINED) else { return Ok(()) };
        let tree = BTree2::read(self.core, address).map_err(|e| e.at_offset(address))?;
        tree.records(self.core, |_, _| Ok(()))
    }

    fn group(&mut self, header: &Header, way: usize) {
        let before = self.checkup.damaged_count;
        let (links, ordered) = match Links::read(self.core, header) {
            Ok(links) => {
                let links = links.unwrap_or_else(|| Links::new(Vec::new(), false));
                let in_order: Vec<Link> = links.in_order().into_iter().cloned().collect();
                (in_order, links.ordered)
            }
            Err(error) => {
                self.add(way, &error.at_offset(header.address));
                (Vec::new(), false)
            }
        };
        let tree = Links::order_tree(self.core, header).and_then(|tree| self.tree(tree));
        if let Err(error) = tree {
            self.add(way, &error.at_offset(header.address));
        }
        self.take_damage(way);
        let mut is_damaged = self.checkup.damaged_count > before;
        let mut whole = Vec::with_capacity(links.len());
        for link in links {
            if self.follow(&link, way) {
                whole.push(link);
            } else {
                is_damaged = true;
            }
        }
        if is_damaged {
            self.has_lost = true;
            let repair = self.checkup.repairs.objects.entry(header.address).or_default();
            repair.links = Some((whole, ordered));
        }
    }

    /// Whether what a link leads to can be used.
    fn follow(&mut self, link: &Link, group: usize) -> bool {
        let LinkTarget::Hard(address) = link.target else { return true };
        if let Entry::Occupied(known) = self.known.entry(address) {
            return *known.get();
        }
        if address == self.core.superblock.root {
            return true;
        }
        let way = self.way_to(group, &link.name);
        let found = self.probe(address);
        self.take_damage(way);
        let usable = match found {
            Ok(_) => {
                self.pending.push_back((address, way));
                true
            }
            Err(error) => {
                let error = error.at_offset(address);
                self.add(way, &error);
                error.kind() == ErrorKind::Unsupported
            }
        };
        self.known.insert(address, usable);
        usable
    }

    fn dataset(&mut self, dataset: &Dataset, way: usize) -> Result<()> {
        let mut whole = None;
        if let Layout::Chunked(chunked) = &dataset.layout {
            let found = self.chunks(dataset, chunked, way)?;
            whole = Some(found);
        }
        let is_stored = match &dataset.layout {
            Layout::Compact(_) => true,
            Layout::Contiguous(at, _) => *at != UNDEFINED && dataset.segments.is_empty(),
            Layout::Chunked(chunked) => chunked.bytes() <= LARGEST,
            Layout::Virtual(_) => false,
        };
        if is_stored && dataset.datatype().has_heap_data() {
            self.elements(dataset, whole.as_deref(), way);
        }
        Ok(())
    }

    /// Decodes all chunks; gives back the places of those that are whole.
    fn chunks(&mut self, dataset: &Dataset, chunked: &Chunked, way: usize) -> Result<Vec<Place>> {
        let stored = dataset.stored_chunks();
        let mut damaged_index = self.take_damage(way) > 0;
        let stored = stored.unwrap_or_else(|error| {
            damaged_index = true;
            self.add(way, &error.at_offset(chunked.address));
            Vec::new()
        });
        if let Some(filter) = dataset.pipeline.unknown() {
            let error = crate::filters::unknown_filter(filter.id, &filter.name);
            self.add(way, &error.at_offset(dataset.address));
            return Ok(Vec::new());
        }
        let (mut whole, mut damaged) = (Vec::new(), Vec::new());
        for batch in stored.chunks(BATCH) {
            let check = |number: usize| {
                let (place, chunk) = &batch[number];
                Ok(check_chunk(dataset, chunked, place, *chunk).err())
            };
            let found = in_parallel(batch.len(), self.threads, check)?;
            for ((place, chunk), error) in batch.iter().zip(found) {
                match error {
                    Some(error) if error.kind() != ErrorKind::Unsupported => {
                        self.add(way, &of_chunk(&error, chunked, place).at_offset(chunk.address));
                        damaged.push(place.clone());
                        continue;
                    }
                    Some(error) => {
                        self.add(way, &of_chunk(&error, chunked, place).at_offset(chunk.address));
                    }
                    None => {
                        self.checkup.chunks += 1;
                        self.checkup.chunk_bytes += chunk.len;
                    }
                }
                whole.push((place.clone(), *chunk));
            }
        }
        let places = whole.iter().map(|(place, _)| place.clone()).collect();
        if damaged_index || !damaged.is_empty() {
            self.checkup.repairs.objects.entry(dataset.address).or_default().chunks =
                Some(ChunkRepair { whole, damaged });
        }
        Ok(places)
    }

    /// Looks at elements that lead to heaps, part by part.
    fn elements(&mut self, dataset: &Dataset, chunks: Option<&[Place]>, way: usize) {
        let shape = dataset.space().shape();
        let parts: Box<dyn Iterator<Item = Selection> + '_> = match (chunks, &dataset.layout) {
            (Some(places), Layout::Chunked(chunked)) => {
                Box::new(places.iter().map(|place| part_of_chunk(place, chunked, shape)))
            }
            _ => Box::new(parts_of(shape, u64::from(dataset.datatype().size))),
        };
        for (number, selection) in parts.enumerate() {
            let bad = read_part(dataset, &selection)
                .map(|mut data| elements::check(self.core, dataset.datatype(), &mut data));
            match bad {
                Ok(Some((error, count))) => {
                    let what = format!("{count} elements lead to nothing: {}", error.message());
                    let error = Error::new(error.kind(), what).at_offset(dataset.address);
                    self.add(way, &error);
                    let repair = self.checkup.repairs.objects.entry(dataset.address).or_default();
                    repair.elements.push(selection);
                }
                // Chunks that cannot be read were listed.
                Err(error) if number == 0 && chunks.is_none() => {
                    self.add(way, &error.at_offset(dataset.address));
                }
                Ok(None) | Err(_) => {}
            }
        }
    }

    /// Finds headers that no link leads to, where links were lost.
    fn find_lost(&mut self) -> Result<()> {
        let mut found = headers(self.core)?;
        let superblock = &self.core.superblock;
        found.retain(|address| {
            !self.known.contains_key(address)
                && *address != superblock.root
                && *address != superblock.extension
        });
        found.retain(|&address| self.probe(address).is_ok());
        // Those that others of them lead to come with these.
        let mut inner = HashSet::new();
        for &address in &found {
            let links = Header::read(self.core, address)
                .and_then(|header| Links::read(self.core, &header))
                .ok()
                .flatten();
            for link in links.iter().flat_map(Links::sorted) {
                if let LinkTarget::Hard(target) = link.target
                    && target != address
                {
                    inner.insert(target);
                }
            }
        }
        self.core.take_damage();
        found.retain(|address| !inner.contains(address));
        let folder = self.way_to(0, b"lost+found");
        for address in found {
            let way = self.way_to(folder, format!("object_{address}").as_bytes());
            self.known.insert(address, true);
            self.pending.push_back((address, way));
            self.checkup.repairs.lost.push(address);
        }
        Ok(())
    }
}

/// Where object headers of version 2 stand in a file, by their signature.
fn headers(core: &FileCore) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    let mut at = 0;
    let end = core.end();
    while at < end {
        let len = (PART + 8).min(end - at);
        let mut block = crate::bytes::zeroed(index(len))?;
        core.read_data(at, &mut block)?;
        let starts = block.windows(6).enumerate().step_by(8);
        let starts = starts.filter(|(_, window)| window.starts_with(b"OHDR\x02"));
        found.extend(starts.map(|(offset, _)| at + offset as u64).filter(|new| *new < at + PART));
        at += PART;
    }
    Ok(found)
}

fn of_chunk(error: &Error, chunked: &Chunked, place: &[u64]) -> Error {
    let at: Vec<u64> = place.iter().zip(&chunked.shape).map(|(at, n)| at * n).collect();
    Error::new(error.kind(), format!("chunk at {at:?}: {}", error.message()))
}

fn check_chunk(dataset: &Dataset, chunked: &Chunked, place: &[u64], chunk: Chunk) -> Result<()> {
    let core = &dataset.core;
    let len = chunked.bytes();
    core.locate(chunk.address, chunk.len)?;
    if len > LARGEST || chunk.len > 2 * LARGEST {
        let message = format!("chunks of {len} bytes are too large to be checked");
        return Err(crate::bytes::unsupported(message));
    }
    let mut stored = crate::bytes::zeroed(index(chunk.len))?;
    core.read_data(chunk.address, &mut stored)?;
    let is_raw = chunked.raw_edges && dataset.reaches_beyond(place);
    let mask = if is_raw { u32::MAX } else { chunk.mask };
    let decoded = dataset.pipeline.decode(stored, mask, index(len))?;
    if (decoded.len() as u64) < len {
        let found = decoded.len();
        return Err(malformed(format!("expected {len} bytes, found {found}")));
    }
    Ok(())
}

fn read_part(dataset: &Dataset, selection: &Selection) -> Result<Vec<u8>> {
    let mut data = crate::bytes::zeroed(dataset.bytes_of(selection.elements()?)?)?;
    dataset.read_into(selection, &mut data, 1)?;
    Ok(data)
}

fn range(start: u64, count: u64) -> DimSelection {
    DimSelection::Range { start, step: 1, count }
}

fn part_of_chunk(place: &[u64], chunked: &Chunked, shape: &[u64]) -> Selection {
    let dims = place.iter().zip(&chunked.shape).zip(shape);
    Selection(dims.map(|((at, n), all)| range(at * n, (*n).min(all - at * n))).collect())
}

/// All elements, in parts of whole rows of about [`PART`] bytes; a row may be larger.
fn parts_of(shape: &[u64], element: u64) -> impl Iterator<Item = Selection> + '_ {
    let (rows, inner) = shape.split_first().map_or((1, shape), |(&rows, inner)| (rows, inner));
    let row = inner.iter().fold(element.max(1), |all, n| all.saturating_mul(*n));
    let step = (PART / row.max(1)).max(1);
    (0..rows.div_ceil(step)).map(move |number| {
        let start = number * step;
        if shape.is_empty() {
            return Selection(Vec::new());
        }
        let first = range(start, step.min(rows - start));
        Selection(std::iter::once(first).chain(inner.iter().map(|&n| range(0, n))).collect())
    })
}
