//! Fractal heaps: where links, attributes and shared messages are kept when they are many.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cannery_core::Result;

use crate::btree2::BTree2;
use crate::bytes::{
    Cursor, UNDEFINED, bytes_for, corrupt, index, little_endian, log2, malformed, unsupported,
};
use crate::checksum::{ends_with_lookup3, lookup3};
use crate::core::FileCore;
use crate::filters::Pipeline;

/// Direct blocks that are kept, at most.
const KEPT: usize = 64;

/// The largest filtered block that is decoded.
const LARGEST_BLOCK: u64 = 64 << 20;

/// A heap's header.
pub(crate) struct FractalHeap {
    address: u64,
    id_len: usize,
    flags: u8,
    max_managed: u64,
    huge_tree: u64,
    width: u64,
    start: u64,
    max_direct: u64,
    offset_bits: u16,
    root: u64,
    rows: u16,
    filters: Option<Filtered>,
    blocks: Mutex<HashMap<u64, Arc<Vec<u8>>>>,
    huge: OnceLock<Vec<HugeObject>>,
}

/// What the header of a heap with filters says beyond.
struct Filtered {
    pipeline: Pipeline,
    root_size: u64,
    root_mask: u32,
}

/// An object too large for the heap's blocks.
#[derive(Clone, Copy)]
struct HugeObject {
    id: u64,
    address: u64,
    len: u64,
    /// The filter mask and the decoded length.
    filtered: Option<(u32, u64)>,
}

/// A direct block: where it is, where in the heap it begins, how long it is, and how it is stored.
struct DirectBlock {
    address: u64,
    offset: u64,
    size: u64,
    stored: Option<(u64, u32)>,
}

impl FractalHeap {
    pub(crate) fn read(core: &FileCore, address: u64) -> Result<Self> {
        let sizes = core.sizes;
        let fixed = 22 + 12 * u64::from(sizes.length) + 3 * u64::from(sizes.offset);
        let start_block = core.read(address, fixed + 4)?;
        let mut cursor = Cursor::new(&start_block);
        cursor.signature(*b"FRHP", "a fractal heap")?;
        cursor.version(0, "a fractal heap")?;
        let id_len = usize::from(cursor.u16()?);
        let filters_len = u64::from(cursor.u16()?);
        let more = if filters_len == 0 { 0 } else { filters_len + 4 + u64::from(sizes.length) };
        let block = core.read(address, fixed + more + 4)?;
        if !ends_with_lookup3(&block) {
            return Err(corrupt("a fractal heap"));
        }
        let mut cursor = Cursor::new(&block);
        cursor.skip(9)?;
        let flags = cursor.u8()?;
        let max_managed = u64::from(cursor.u32()?);
        cursor.length(sizes)?;
        let huge_tree = cursor.address(sizes)?;
        cursor.length(sizes)?;
        cursor.address(sizes)?;
        cursor.skip(8 * usize::from(sizes.length))?;
        let width = u64::from(cursor.u16()?);
        let start = cursor.length(sizes)?;
        let max_direct = cursor.length(sizes)?;
        let offset_bits = cursor.u16()?;
        cursor.skip(2)?;
        let root = cursor.address(sizes)?;
        let rows = cursor.u16()?;
        let filters = if filters_len == 0 {
            None
        } else {
            let (root_size, root_mask) = (cursor.length(sizes)?, cursor.u32()?);
            let pipeline = Pipeline::parse(cursor.take_long(filters_len)?)?;
            Some(Filtered { pipeline, root_size, root_mask })
        };
        let (blocks, huge) = (Mutex::default(), OnceLock::new());
        let heap = Self {
            address,
            id_len,
            flags,
            max_managed,
            huge_tree,
            width,
            start,
            max_direct,
            offset_bits,
            root,
            rows,
            filters,
            blocks,
            huge,
        };
        heap.check()?;
        Ok(heap)
    }

    fn check(&self) -> Result<()> {
        let powers = [self.width, self.start, self.max_direct].iter().all(|n| n.is_power_of_two());
        let largest = self.offset_bits <= 64 && self.start <= self.max_direct;
        // Larger blocks than 2 GiB cannot be addressed by the format's library either.
        if !powers || !largest || self.max_direct > 1 << 31 || self.id_len < 2 {
            return Err(malformed("the sizes of a fractal heap's blocks are not possible"));
        }
        Ok(())
    }

    /// The object with an ID.
    pub(crate) fn get(&self, core: &FileCore, id: &[u8]) -> Result<Vec<u8>> {
        let Some(&first) = id.first() else { return Err(malformed("a heap ID is empty")) };
        if first >> 6 != 0 {
            return Err(malformed("unknown version of a heap ID"));
        }
        match first >> 4 & 3 {
            0 => Objects { heap: self, core, block: None }.managed(&id[1..]).map(<[u8]>::to_vec),
            1 => self.huge(core, &id[1..]),
            2 => self.tiny(id),
            _ => Err(malformed("unknown kind of a heap ID")),
        }
    }

    fn tiny(&self, id: &[u8]) -> Result<Vec<u8>> {
        let mut cursor = Cursor::new(id);
        let first = usize::from(cursor.u8()? & 0x0f);
        let len =
            if self.id_len - 1 <= 16 { first } else { first << 8 | usize::from(cursor.u8()?) };
        Ok(cursor.take(len + 1)?.to_vec())
    }

    /// Where in the heap the object with an ID is, if it is in a block.
    pub(crate) fn offset(&self, id: &[u8]) -> u64 {
        id.get(1..=self.offset_len()).map_or(0, little_endian)
    }

    /// Reads objects one after the other: best those of the same block.
    pub(crate) fn objects<'h>(&'h self, core: &'h FileCore) -> Objects<'h> {
        Objects { heap: self, core, block: None }
    }

    fn offset_len(&self) -> usize {
        usize::from(self.offset_bits.div_ceil(8))
    }

    fn row_size(&self, row: u64) -> u64 {
        self.start.checked_shl(u32::try_from(row.saturating_sub(1)).unwrap_or(64)).unwrap_or(0)
    }

    /// The row and column of a block that holds `offset`, and where that block begins.
    fn place(&self, offset: u64) -> (u64, u64, u64) {
        let first_row = self.start * self.width;
        if offset < first_row {
            let column = offset / self.start;
            return (0, column, column * self.start);
        }
        let row_start = 1 << log2(offset);
        let row = u64::from(log2(offset) - log2(first_row)) + 1;
        let size = self.row_size(row);
        let column = (offset - row_start) / size;
        (row, column, row_start + column * size)
    }

    /// Goes down from the root to the direct block that holds `offset`.
    fn find(&self, core: &FileCore, offset: u64) -> Result<DirectBlock> {
        if self.root == UNDEFINED {
            return Err(malformed("a heap has no blocks"));
        }
        if self.rows == 0 {
            let stored = self.filters.as_ref().map(|f| (f.root_size, f.root_mask));
            return Ok(DirectBlock { address: self.root, offset: 0, size: self.start, stored });
        }
        let direct_rows = u64::from(log2(self.max_direct) - log2(self.start)) + 2;
        let (mut address, mut rows, mut base) = (self.root, u64::from(self.rows), 0);
        // Every step down makes blocks smaller.
        for _ in 0..64 {
            let (row, column, start) = self.place(offset - base);
            if row >= rows {
                return Err(malformed("a heap's offset lies beyond its blocks"));
            }
            let (child, stored) = self.child(core, address, (rows, direct_rows), (row, column))?;
            base += start;
            if row < direct_rows {
                return Ok(DirectBlock {
                    address: child,
                    offset: base,
                    size: self.row_size(row),
                    stored,
                });
            }
            address = child;
            rows = u64::from(log2(self.row_size(row)) - log2(self.start * self.width)) + 1;
        }
        Err(malformed("a heap's blocks are nested too deeply"))
    }

    /// An entry of an indirect block.
    fn child(
        &self,
        core: &FileCore,
        address: u64,
        (rows, direct_rows): (u64, u64),
        (row, column): (u64, u64),
    ) -> Result<(u64, Option<(u64, u32)>)> {
        let sizes = core.sizes;
        let plain = u64::from(sizes.offset);
        let direct =
            if self.filters.is_some() { plain + u64::from(sizes.length) + 4 } else { plain };
        let prefix = 5 + plain + self.offset_len() as u64;
        let (above, below) = (rows.min(direct_rows), rows.saturating_sub(direct_rows));
        let total = prefix + self.width * (above * direct + below * plain) + 4;
        let block = self.checked(core, address, total)?;
        let number = row * self.width + column;
        let at = if row < direct_rows {
            number * direct
        } else {
            above * self.width * direct + (number - above * self.width) * plain
        };
        let mut cursor = Cursor::new(&block);
        cursor.skip(index(prefix + at))?;
        let child = cursor.address(sizes)?;
        let filtered = row < direct_rows && self.filters.is_some();
        let stored = if filtered { Some((cursor.length(sizes)?, cursor.u32()?)) } else { None };
        Ok((child, stored))
    }

    /// An indirect block, its checksum compared once.
    fn checked(&self, core: &FileCore, address: u64, len: u64) -> Result<Arc<Vec<u8>>> {
        self.cached(address, || {
            let block = core.read(address, len)?;
            let mut cursor = Cursor::new(&block);
            cursor.signature(*b"FHIB", "an indirect block")?;
            cursor.version(0, "an indirect block")?;
            self.check_owner(core, &mut cursor)?;
            if !ends_with_lookup3(&block) {
                return Err(corrupt("an indirect block of a heap"));
            }
            Ok(block)
        })
    }

    fn check_owner(&self, core: &FileCore, cursor: &mut Cursor<'_>) -> Result<()> {
        if cursor.address(core.sizes)? != self.address {
            return Err(malformed("a block belongs to another heap"));
        }
        Ok(())
    }

    fn block(&self, core: &FileCore, block: &DirectBlock) -> Result<Arc<Vec<u8>>> {
        self.cached(block.address, || {
            let bytes = match (&self.filters, block.stored) {
                (Some(filters), Some((size, mask))) => {
                    let stored = core.read(block.address, size)?;
                    if block.size > LARGEST_BLOCK {
                        return Err(unsupported("a filtered block of a heap is too large"));
                    }
                    filters.pipeline.decode(stored, mask, index(block.size))?
                }
                _ => core.read(block.address, block.size)?,
            };
            let mut cursor = Cursor::new(&bytes);
            cursor.signature(*b"FHDB", "a direct block")?;
            cursor.version(0, "a direct block")?;
            self.check_owner(core, &mut cursor)?;
            if self.flags & 2 != 0 {
                check_block(&bytes, cursor.position() + self.offset_len())?;
            }
            Ok(bytes)
        })
    }

    fn cached(&self, address: u64, read: impl FnOnce() -> Result<Vec<u8>>) -> Result<Arc<Vec<u8>>> {
        let lock = || self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(block) = lock().get(&address) {
            return Ok(Arc::clone(block));
        }
        let block = Arc::new(read()?);
        let mut blocks = lock();
        if blocks.len() >= KEPT {
            blocks.clear();
        }
        blocks.insert(address, Arc::clone(&block));
        Ok(block)
    }

    fn huge(&self, core: &FileCore, id: &[u8]) -> Result<Vec<u8>> {
        let (offset, length) = (usize::from(core.sizes.offset), usize::from(core.sizes.length));
        let direct = offset + length + if self.filters.is_some() { 4 + length } else { 0 };
        let object = if self.id_len > direct {
            huge_object(core, id, self.filters.is_some(), false)?
        } else {
            let id = Cursor::new(id).uint((self.id_len - 1).min(8))?;
            let objects = self.huge_objects(core)?;
            let found = objects.binary_search_by_key(&id, |object| object.id);
            objects[found.map_err(|_| malformed("a huge object of a heap is not in its tree"))?]
        };
        let stored = core.read(object.address, object.len)?;
        match (&self.filters, object.filtered) {
            (Some(filters), Some((mask, len))) if len <= LARGEST_BLOCK => {
                filters.pipeline.decode(stored, mask, index(len))
            }
            (Some(_), Some(_)) => Err(unsupported("a huge object of a heap is too large")),
            _ => Ok(stored),
        }
    }

    fn huge_objects(&self, core: &FileCore) -> Result<&[HugeObject]> {
        if let Some(objects) = self.huge.get() {
            return Ok(objects);
        }
        let tree = BTree2::read(core, self.huge_tree)?;
        let mut objects = Vec::new();
        tree.records(core, |kind, record| {
            objects.push(huge_object(core, record, kind == 2, true)?);
            Ok(())
        })?;
        objects.sort_by_key(|object| object.id);
        Ok(self.huge.get_or_init(|| objects))
    }
}

/// The objects of a heap, with the block of the last one at hand.
pub(crate) struct Objects<'h> {
    heap: &'h FractalHeap,
    core: &'h FileCore,
    /// Where in the heap the block begins, and its bytes.
    block: Option<(u64, Arc<Vec<u8>>)>,
}

impl Objects<'_> {
    /// The object with an ID.
    pub(crate) fn get(&mut self, id: &[u8]) -> Result<Cow<'_, [u8]>> {
        if id.first().is_some_and(|first| first >> 4 == 0) {
            return self.managed(&id[1..]).map(Cow::Borrowed);
        }
        self.heap.get(self.core, id).map(Cow::Owned)
    }

    fn managed(&mut self, id: &[u8]) -> Result<&[u8]> {
        let heap = self.heap;
        let mut cursor = Cursor::new(id);
        let offset = cursor.uint(heap.offset_len())?;
        let direct = log2(heap.max_direct).div_ceil(8) as usize;
        let len = cursor.uint(direct.min(bytes_for(heap.max_managed)))?;
        let holds = |(start, bytes): &(u64, Arc<Vec<u8>>)| {
            offset.checked_sub(*start).is_some_and(|at| at < bytes.len() as u64)
        };
        if !self.block.as_ref().is_some_and(holds) {
            let block = heap.find(self.core, offset)?;
            self.block = Some((block.offset, heap.block(self.core, &block)?));
        }
        let found = self
            .block
            .as_ref()
            .and_then(|(start, bytes)| bytes.get(index(offset - start)..)?.get(..index(len)));
        found.ok_or_else(|| malformed("an object of a heap lies outside its block"))
    }
}

fn huge_object(
    core: &FileCore,
    record: &[u8],
    filtered: bool,
    with_id: bool,
) -> Result<HugeObject> {
    let mut cursor = Cursor::new(record);
    let address = cursor.address(core.sizes)?;
    let len = cursor.length(core.sizes)?;
    let filtered = if filtered { Some((cursor.u32()?, cursor.length(core.sizes)?)) } else { None };
    let id = if with_id { cursor.length(core.sizes)? } else { 0 };
    Ok(HugeObject { id, address, len, filtered })
}

/// Compares the checksum inside a direct block: it is of the block with zeros in its place.
fn check_block(block: &[u8], at: usize) -> Result<()> {
    let stored = Cursor::new(block.get(at..).unwrap_or_default()).u32()?;
    let mut cleared = block.to_vec();
    cleared[at..at + 4].fill(0);
    if lookup3(&cleared) != stored {
        return Err(corrupt("a direct block of a heap"));
    }
    Ok(())
}
