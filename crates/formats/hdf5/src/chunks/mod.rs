//! Indexes of chunks: where each is, how long, and which filters it skipped.

mod arrays;
mod btree1;

use cannery_core::Result;

use crate::btree2::BTree2;
use crate::bytes::{Cursor, UNDEFINED, malformed};
use crate::core::FileCore;
use crate::filters::Pipeline;
use crate::layout::{Chunked, IndexKind};
use crate::write::Place;

/// A chunk that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) address: u64,
    pub(crate) len: u64,
    pub(crate) mask: u32,
}

/// All chunks of a dataset that are stored, by their number in the grid of its shape.
#[derive(Debug, Default)]
pub(crate) struct ChunkIndex {
    chunks: Vec<(u64, Chunk)>,
}

/// The grid of chunks over a shape.
pub(crate) struct Grid<'a> {
    pub(crate) layout: &'a Chunked,
    pub(crate) filtered: bool,
    counts: Vec<u64>,
    max_counts: Vec<Option<u64>>,
}

impl<'a> Grid<'a> {
    pub(crate) fn new(
        core: &FileCore,
        layout: &'a Chunked,
        filtered: bool,
        (shape, max_shape): (&[u64], &[Option<u64>]),
    ) -> Result<Self> {
        if layout.shape.len() != shape.len() {
            return Err(malformed("chunks have another rank than their dataset"));
        }
        let counts = shape.iter().zip(&layout.shape).map(|(n, chunk)| n.div_ceil(*chunk)).collect();
        let unlimited = u64::MAX >> (64 - 8 * u32::from(core.sizes.length.min(8)));
        let bound = |n: &Option<u64>| n.filter(|n| *n != unlimited);
        let max_counts = max_shape
            .iter()
            .zip(&layout.shape)
            .map(|(n, chunk)| Some(bound(n)?.div_ceil(*chunk)))
            .collect();
        Ok(Self { layout, filtered, counts, max_counts })
    }

    /// The number of a chunk, by its place in the grid; none outside.
    pub(crate) fn number(&self, place: &[u64]) -> Option<u64> {
        place.iter().zip(&self.counts).try_fold(0_u64, |number, (&at, &count)| {
            (at < count).then_some(())?;
            number.checked_mul(count)?.checked_add(at)
        })
    }

    /// The dimension that may grow without bound first among those that may.
    fn unlimited(&self) -> Option<usize> {
        self.max_counts.iter().position(Option::is_none)
    }

    /// The place of a chunk, by its number in the grid of the largest shape; with dimension
    /// `first` taken before the others.
    fn place_of(&self, mut number: u64, first: usize) -> Option<Vec<u64>> {
        let rank = self.counts.len();
        let mut order: Vec<usize> = (0..rank).filter(|&i| i != first).collect();
        order.insert(0, first);
        let mut place = vec![0; rank];
        for &i in order[1..].iter().rev() {
            let count = self.max_counts[i].filter(|count| *count > 0)?;
            place[i] = number % count;
            number /= count;
        }
        place[first] = number;
        Some(place)
    }

    /// An entry of an index: address, and if filtered length and mask.
    fn entry(&self, core: &FileCore, cursor: &mut Cursor<'_>) -> Result<Chunk> {
        let address = cursor.address(core.sizes)?;
        if !self.filtered {
            return Ok(Chunk { address, len: self.layout.bytes(), mask: 0 });
        }
        Ok(Chunk { address, len: cursor.uint(self.layout.size_len)?, mask: cursor.u32()? })
    }

    /// The bytes of an entry.
    fn entry_len(&self, core: &FileCore) -> u64 {
        let filtered = if self.filtered { self.layout.size_len as u64 + 4 } else { 0 };
        u64::from(core.sizes.offset) + filtered
    }
}

impl ChunkIndex {
    pub(crate) fn read(core: &FileCore, grid: &Grid<'_>) -> Result<Self> {
        let mut index = Self::default();
        if grid.layout.address == UNDEFINED {
            return Ok(index);
        }
        match &grid.layout.kind {
            IndexKind::BTree1 => btree1::read(core, grid, &mut index)?,
            IndexKind::Single(filtered) => index.read_single(grid, *filtered),
            IndexKind::Implicit => index.read_implicit(core, grid)?,
            IndexKind::FixedArray => arrays::read_fixed(core, grid, &mut index)?,
            IndexKind::ExtensibleArray => arrays::read_extensible(core, grid, &mut index)?,
            IndexKind::BTree2 => index.read_btree2(core, grid)?,
        }
        index.chunks.sort_by_key(|(number, _)| *number);
        Ok(index)
    }

    /// The index of chunks that are in memory.
    pub(crate) fn of(grid: &Grid<'_>, chunks: Vec<(Place, Chunk)>) -> Self {
        let numbered =
            chunks.into_iter().filter_map(|(at, chunk)| Some((grid.number(&at)?, chunk)));
        let mut chunks: Vec<(u64, Chunk)> = numbered.collect();
        chunks.sort_by_key(|(number, _)| *number);
        Self { chunks }
    }

    /// All chunks, each with its place in the grid.
    pub(crate) fn places(&self, grid: &Grid<'_>) -> Vec<(Place, Chunk)> {
        let place = |mut number: u64| {
            let mut place = vec![0; grid.counts.len()];
            for (at, &count) in place.iter_mut().zip(&grid.counts).rev() {
                *at = number % count.max(1);
                number /= count.max(1);
            }
            place.into_boxed_slice()
        };
        self.chunks.iter().map(|&(number, chunk)| (place(number), chunk)).collect()
    }

    fn read_single(&mut self, grid: &Grid<'_>, filtered: Option<(u64, u32)>) {
        let (len, mask) = filtered.unwrap_or((grid.layout.bytes(), 0));
        self.chunks.push((0, Chunk { address: grid.layout.address, len, mask }));
    }

    fn read_implicit(&mut self, core: &FileCore, grid: &Grid<'_>) -> Result<()> {
        let len = grid.layout.bytes();
        let max = grid.max_counts.iter().try_fold(1_u64, |all, n| all.checked_mul(n.unwrap_or(0)));
        let max = max.unwrap_or(u64::MAX);
        // They stand one after the other, so there are not more than the file has room for.
        core.locate(grid.layout.address, max.saturating_mul(len))?;
        for number in 0..max {
            let Some(place) = grid.place_of(number, 0) else { break };
            if let Some(here) = grid.number(&place) {
                self.chunks.push((
                    here,
                    Chunk { address: grid.layout.address + number * len, len, mask: 0 },
                ));
            }
        }
        Ok(())
    }

    fn read_btree2(&mut self, core: &FileCore, grid: &Grid<'_>) -> Result<()> {
        let tree = BTree2::read(core, grid.layout.address)?;
        if tree.kind != if grid.filtered { 11 } else { 10 } {
            return Err(malformed("expected a B-tree of chunks"));
        }
        tree.records(core, |_, record| {
            let mut cursor = Cursor::new(record);
            let chunk = grid.entry(core, &mut cursor)?;
            let place = grid.counts.iter().map(|_| cursor.u64()).collect::<Result<Vec<_>>>()?;
            self.add(grid, &place, chunk);
            Ok(())
        })
    }

    fn add(&mut self, grid: &Grid<'_>, place: &[u64], chunk: Chunk) {
        if chunk.address != UNDEFINED
            && let Some(number) = grid.number(place)
        {
            self.chunks.push((number, chunk));
        }
    }

    /// The chunk with a number.
    pub(crate) fn get(&self, number: u64) -> Option<&Chunk> {
        let at = self.chunks.binary_search_by_key(&number, |(number, _)| *number);
        at.ok().map(|at| &self.chunks[at].1)
    }

    /// How many bytes all chunks take in the file.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.chunks.iter().map(|(_, chunk)| chunk.len).fold(0, u64::saturating_add)
    }

    /// Whether a chunk went through a filter.
    pub(crate) fn needs(&self, pipeline: &Pipeline, id: u16) -> bool {
        let at = pipeline.filters.iter().position(|filter| filter.id == id);
        at.is_some_and(|at| self.chunks.iter().any(|(_, chunk)| chunk.mask >> at & 1 == 0))
    }
}
