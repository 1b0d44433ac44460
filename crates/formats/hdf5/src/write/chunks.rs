//! Chunks of datasets that are changed: their index, and those that wait to be stored.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cannery_core::Result;

use super::chunk_tree::{ChunkTree, Index, TreeShape};
use super::edits::Edits;
use super::encode::Encoder;
use super::header::HeaderEdit;
use super::space::{Space, allocate, give_up, write};
use crate::bytes::{malformed, unsupported};
use crate::chunks::Chunk;
use crate::core::FileCore;
use crate::filters::Pipeline;
use crate::header::MessageKind;

/// Chunks that wait to be stored, in bytes for each dataset: then they are stored.
pub(super) const WAITING: usize = 32 << 20;

/// Where a chunk lies in the grid.
pub(crate) type Place = Box<[u64]>;

/// The chunks of a dataset in memory.
pub(super) struct ChunkStore {
    pub(super) shape: Vec<u64>,
    pub(super) element: u64,
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) index: Index,
    tree: ChunkTree,
    waiting: HashMap<Place, Arc<Vec<u8>>>,
    waiting_bytes: usize,
    /// Whether the index on disk is another one.
    pub(super) is_moved: bool,
}

/// Chunks of a dataset in memory that a reader looks for.
pub(crate) struct FoundChunks {
    pub(crate) stored: HashMap<Place, Chunk>,
    pub(crate) waiting: HashMap<Place, Arc<Vec<u8>>>,
}

impl ChunkStore {
    pub(super) fn new(
        (shape, element): (Vec<u64>, u64),
        pipeline: Arc<Pipeline>,
        index: Index,
    ) -> Self {
        let (waiting, waiting_bytes, is_moved) = (HashMap::new(), 0, false);
        let tree = ChunkTree::default();
        Self { shape, element, pipeline, index, tree, waiting, waiting_bytes, is_moved }
    }

    /// The chunks at these places.
    pub(super) fn find(&self, places: impl Iterator<Item = Place>) -> FoundChunks {
        let mut found = FoundChunks { stored: HashMap::new(), waiting: HashMap::new() };
        for place in places {
            if let Some(waiting) = self.waiting.get(&place) {
                found.waiting.insert(place, Arc::clone(waiting));
            } else if let Some(chunk) = self.index.get(&place) {
                found.stored.insert(place, *chunk);
            }
        }
        found
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.is_moved || !self.waiting.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting_bytes > WAITING
    }

    /// Takes a chunk that waits.
    pub(super) fn take(&mut self, place: &[u64]) -> Option<Arc<Vec<u8>>> {
        let found = self.waiting.remove(place)?;
        self.waiting_bytes -= found.len();
        Some(found)
    }

    /// Keeps a chunk until it is stored.
    pub(super) fn keep(&mut self, place: Place, chunk: Arc<Vec<u8>>) {
        self.waiting_bytes += chunk.len();
        if let Some(old) = self.waiting.insert(place, chunk) {
            self.waiting_bytes -= old.len();
        }
    }

    /// Notes where a chunk has been stored.
    pub(super) fn set(&mut self, edits: &Edits, place: Place, chunk: Chunk) {
        self.is_moved = true;
        self.tree.change(&place);
        if let Some(old) = self.index.insert(place, chunk) {
            give_up(edits, old.address, old.len);
        }
    }

    /// The places of all chunks: some may come twice.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.index.keys().chain(self.waiting.keys()).cloned()
    }

    /// Forgets the chunks that lie outside a shape.
    pub(super) fn cut(&mut self, edits: &Edits, shape: &[u64]) {
        let counts: Vec<u64> =
            shape.iter().zip(&self.shape).map(|(n, chunk)| n.div_ceil(*chunk)).collect();
        let is_inside = |place: &[u64]| place.iter().zip(&counts).all(|(at, n)| at < n);
        let before = self.index.len();
        self.index.retain(|place, chunk| {
            let inside = is_inside(place);
            if !inside {
                self.tree.change(place);
                give_up(edits, chunk.address, chunk.len);
            }
            inside
        });
        self.is_moved |= self.index.len() != before;
        self.waiting.retain(|place, _| is_inside(place));
        self.waiting_bytes = self.waiting.values().map(|chunk| chunk.len()).sum();
    }

    /// Stores the chunks that wait.
    pub(super) fn flush(&mut self, core: &FileCore, edits: &Edits) -> Result<()> {
        let mut jobs: Vec<(Place, Arc<Vec<u8>>)> = self.waiting.drain().collect();
        self.waiting_bytes = 0;
        jobs.sort_by(|a, b| a.0.cmp(&b.0));
        let pipeline = Arc::clone(&self.pipeline);
        let stored = in_parallel(jobs.len(), 0, |number| {
            store(core, edits, &pipeline, jobs[number].1.as_ref().clone())
        })?;
        for ((place, _), chunk) in jobs.into_iter().zip(stored) {
            self.set(edits, place, chunk);
        }
        Ok(())
    }

    /// Writes the index, and says in the header where it is.
    pub(super) fn serialize(&mut self, space: &Space<'_>, header: &mut HeaderEdit) -> Result<()> {
        let shape = TreeShape { chunk: &self.shape, element: self.element };
        let root = self.tree.write(space, &shape, &self.index)?;
        self.is_moved = false;
        header.set(MessageKind::LAYOUT, self.layout(space.sizes(), root)?, 0);
        Ok(())
    }

    /// The layout message, version 3: chunks that a version 1 B-tree finds.
    pub(super) fn layout(&self, sizes: crate::bytes::Sizes, root: u64) -> Result<Vec<u8>> {
        let mut out = Encoder::new(sizes);
        let rank = u8::try_from(self.shape.len() + 1).unwrap_or(u8::MAX);
        out.u8(3).u8(2).u8(rank).address(root);
        for &n in self.shape.iter().chain([&self.element]) {
            let n = u32::try_from(n);
            out.u32(n.map_err(|_| unsupported("a chunk's dimension is above 2^32"))?);
        }
        Ok(out.finish())
    }
}

/// Sends a chunk through its filters and stores it; several threads may.
pub(super) fn store(
    core: &FileCore,
    edits: &Edits,
    pipeline: &Pipeline,
    data: Vec<u8>,
) -> Result<Chunk> {
    let (data, mask) = pipeline.encode(data)?;
    let len = data.len() as u64;
    let address = allocate(edits, core, len)?;
    write(edits, core, address, &data)?;
    Ok(Chunk { address, len, mask })
}

/// Runs numbered jobs on several threads; 0 threads means as many as there are processors.
pub(crate) fn in_parallel<T: Send>(
    jobs: usize,
    threads: usize,
    run: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    // To ask how many processors there are takes longer than a small job.
    let available = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = match (jobs, threads) {
        (0 | 1, _) => 1,
        (_, 0) => available().min(jobs).min(64),
        (_, threads) => threads.min(jobs).min(64),
    };
    if workers < 2 {
        return (0..jobs).map(run).collect();
    }
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let results: Mutex<Vec<Option<T>>> = Mutex::new((0..jobs).map(|_| None).collect());
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= jobs {
                break;
            }
            match run(number) {
                Ok(result) => {
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results[number] = Some(result);
                }
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut result = work();
        for other in others {
            let panicked = |_| Err(malformed("a thread that encodes chunks panicked"));
            result = result.and(other.join().unwrap_or_else(panicked));
        }
        result
    })?;
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(results.into_iter().flatten().collect())
}
