//! Reads selections of datasets, chunks side by side.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cannery_core::{Error, ErrorKind, Result};

use crate::bytes::{UNDEFINED, index, malformed};
use crate::chunks::{Chunk, ChunkIndex, Grid};
use crate::dataset::{Dataset, fill_with};
use crate::filters::Buffers;
use crate::layout::{Chunked, Layout};
use crate::selection::{BlockCopy, DimSelection, Piece, Selection};
use crate::write::{FoundChunks, Place};

/// Smaller results are read by one thread.
const PARALLEL: usize = 1 << 17;

/// Chunks that a service is asked for at once.
const REQUESTS: usize = 16;

/// Bytes that are read at a time where elements are picked out of contiguous data.
const WINDOW: u64 = 4 << 20;

/// The largest chunk that is decoded.
const LARGEST_CHUNK: u64 = 1 << 34;

pub(crate) fn read(
    dataset: &Dataset,
    selection: &Selection,
    out: &mut [u8],
    threads: usize,
) -> Result<()> {
    match &dataset.layout {
        Layout::Compact(data) => read_flat(dataset, selection, out, &mut |at, part| {
            let found = data.get(index(at)..).and_then(|rest| rest.get(..part.len()));
            part.copy_from_slice(found.ok_or_else(|| malformed("the data end early"))?);
            Ok(())
        }),
        Layout::Contiguous(..) if !dataset.segments.is_empty() => {
            let files = crate::external::RawFiles::open(&dataset.core, &dataset.segments)?;
            read_flat(dataset, selection, out, &mut |at, part| files.read(at, part))
        }
        Layout::Contiguous(UNDEFINED, _) => {
            fill_with(out, dataset.fill_bytes());
            Ok(())
        }
        Layout::Contiguous(address, _) => read_flat(dataset, selection, out, &mut |at, part| {
            let at = address
                .checked_add(at)
                .ok_or_else(|| malformed("the data lie outside the file"))?;
            dataset.core.read_data(at, part)
        }),
        Layout::Chunked(chunked) => read_chunked(dataset, chunked, selection, out, threads),
        Layout::Virtual(_) => crate::virtual_data::read(dataset, selection, out),
    }
}

/// Reads elements that stand in the order of rows.
fn read_flat(
    dataset: &Dataset,
    selection: &Selection,
    out: &mut [u8],
    read: &mut dyn FnMut(u64, &mut [u8]) -> Result<()>,
) -> Result<()> {
    let (outer, strides, run) = flat_rows(dataset, selection);
    read_rows(&selection.0[..outer], &strides, (0, run), out, read).map(drop)
}

/// Calls `visit` for each run of elements that stand in the order of rows: where it begins, where
/// in the selection, and how many bytes it takes.
pub(crate) fn flat_runs(
    dataset: &Dataset,
    selection: &Selection,
    total: usize,
    visit: &mut dyn FnMut(u64, usize, usize) -> Result<()>,
) -> Result<()> {
    let (outer, strides, run) = flat_rows(dataset, selection);
    let mut done = 0;
    visit_rows(&selection.0[..outer], &strides, (0, run), &mut |at, len| {
        let len = index(len).min(total - done);
        visit(at, done, len)?;
        done += len;
        Ok(())
    })
}

fn visit_rows(
    dims: &[DimSelection],
    strides: &[u64],
    (base, run): (u64, u64),
    visit: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<()> {
    let Some((first, rest)) = dims.split_first() else { return visit(base, run) };
    if rest.is_empty()
        && let DimSelection::Range { start, step, count } = *first
        && (step == 1 || count == 1)
    {
        return visit(base + start * strides[0], count * run);
    }
    for position in first.positions() {
        visit_rows(rest, &strides[1..], (base + position * strides[0], run), visit)?;
    }
    Ok(())
}

/// The dimensions that are not whole, how far their positions are apart, and the bytes of a run.
fn flat_rows(dataset: &Dataset, selection: &Selection) -> (usize, Vec<u64>, u64) {
    let element = u64::from(dataset.datatype().size);
    // Dimensions from the end that are wanted whole make runs.
    let shape = dataset.space().shape();
    let mut run = element;
    let mut outer = shape.len();
    while outer > 0 {
        let DimSelection::Range { start, step, count } = selection.0[outer - 1] else { break };
        if step != 1 && count > 1 {
            break;
        }
        if start == 0 && count == shape[outer - 1] {
            run *= count;
            outer -= 1;
            continue;
        }
        break;
    }
    let mut strides = vec![element; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i].saturating_mul(shape[i]);
    }
    (outer, strides, run)
}

/// Reads rows, dimension by dimension; gives back what of `out` is left.
fn read_rows<'o>(
    dims: &[DimSelection],
    strides: &[u64],
    (base, run): (u64, u64),
    out: &'o mut [u8],
    read: &mut dyn FnMut(u64, &mut [u8]) -> Result<()>,
) -> Result<&'o mut [u8]> {
    let Some((first, rest)) = dims.split_first() else {
        let (part, left) = out.split_at_mut(index(run));
        read(base, part)?;
        return Ok(left);
    };
    if rest.is_empty()
        && let DimSelection::Range { start, step, count } = *first
    {
        if step == 1 || count == 1 {
            let (part, left) = out.split_at_mut(index(count * run));
            read(base + start * strides[0], part)?;
            return Ok(left);
        }
        return read_steps((base + start * strides[0], step * strides[0], count), run, out, read);
    }
    let mut out = out;
    for position in first.positions() {
        out = read_rows(rest, &strides[1..], (base + position * strides[0], run), out, read)?;
    }
    Ok(out)
}

/// Reads runs that are `step` bytes apart, many at a time.
fn read_steps<'o>(
    (start, step, count): (u64, u64, u64),
    run: u64,
    out: &'o mut [u8],
    read: &mut dyn FnMut(u64, &mut [u8]) -> Result<()>,
) -> Result<&'o mut [u8]> {
    let (part, left) = out.split_at_mut(index(count * run));
    let together = if step > 16 * run.max(512) { 1 } else { (WINDOW / step.max(1)).max(1) };
    let mut buffer = Vec::new();
    for (number, group) in part.chunks_mut(index(together.saturating_mul(run))).enumerate() {
        let at = start + number as u64 * together * step;
        let runs = group.len() as u64 / run;
        if runs == 1 {
            read(at, group)?;
            continue;
        }
        buffer.resize(index((runs - 1) * step + run), 0);
        read(at, &mut buffer)?;
        for (target, source) in group.chunks_exact_mut(index(run)).zip(buffer.chunks(index(step))) {
            target.copy_from_slice(&source[..target.len()]);
        }
    }
    Ok(left)
}

/// Where the chunks of a selection are.
enum ChunkLookup<'a> {
    /// All chunks of the dataset, as the file has them.
    All(&'a ChunkIndex),
    /// Those of the selection, where the file is written.
    Found(FoundChunks),
}

impl<'a> ChunkLookup<'a> {
    fn new(dataset: &'a Dataset, pieces: &[Vec<(u64, Piece)>], total: usize) -> Result<Self> {
        let edits = dataset.core.edits.as_ref().filter(|_| dataset.is_edited);
        let places = (0..total).map(|number| place_of(pieces, number).0);
        let found = edits.and_then(|edits| edits.find_chunks(dataset.address, places));
        Ok(match found {
            Some(found) => Self::Found(found),
            None => Self::All(dataset.chunk_index()?),
        })
    }

    fn stored(&self, number: u64, place: &[u64]) -> Option<Chunk> {
        match self {
            Self::All(index) => index.get(number).copied(),
            Self::Found(found) => found.stored.get(place).copied(),
        }
    }

    fn waiting(&self, place: &[u64]) -> Option<&Arc<Vec<u8>>> {
        match self {
            Self::All(_) => None,
            Self::Found(found) => found.waiting.get(place),
        }
    }
}

/// The place of a chunk by its number in a selection, and what of it is wanted.
fn place_of(pieces: &[Vec<(u64, Piece)>], mut number: usize) -> (Place, Vec<&Piece>) {
    let mut place: Place = vec![0; pieces.len()].into();
    let mut chosen: Vec<&Piece> = Vec::with_capacity(pieces.len());
    for (i, dim) in pieces.iter().enumerate().rev() {
        let (at, piece) = &dim[number % dim.len()];
        number /= dim.len();
        place[i] = *at;
        chosen.push(piece);
    }
    chosen.reverse();
    (place, chosen)
}

/// What the threads that decode chunks share.
struct ChunkReads<'a> {
    dataset: &'a Dataset,
    chunked: &'a Chunked,
    grid: Grid<'a>,
    index: ChunkLookup<'a>,
    pieces: Vec<Vec<(u64, Piece)>>,
    out_shape: Vec<u64>,
    next: AtomicUsize,
    total: usize,
    failed: AtomicBool,
}

/// Parts of the result that one thread at a time writes to, with the bytes before each.
type Bands<'o> = Vec<(u64, Mutex<&'o mut [u8]>)>;

fn read_chunked(
    dataset: &Dataset,
    chunked: &Chunked,
    selection: &Selection,
    out: &mut [u8],
    threads: usize,
) -> Result<()> {
    let grid = dataset.grid(chunked)?;
    let pieces = selection.pieces(&chunked.shape);
    let total = pieces.iter().try_fold(1_usize, |all, dim| all.checked_mul(dim.len()));
    let total =
        total.ok_or_else(|| Error::new(ErrorKind::Limit, "the selection has too many chunks"))?;
    let work = ChunkReads {
        dataset,
        chunked,
        grid,
        index: ChunkLookup::new(dataset, &pieces, total)?,
        out_shape: selection.shape(),
        pieces,
        next: AtomicUsize::new(0),
        total,
        failed: AtomicBool::new(false),
    };
    let workers = if dataset.core.is_remote() {
        total.clamp(1, REQUESTS)
    } else {
        workers(threads, total, out.len())
    };
    let bands = work.bands(out);
    if workers == 1 {
        return work.run(&bands);
    }
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(|| work.run(&bands))).collect();
        let mut result = work.run(&bands);
        for other in others {
            let joined = other
                .join()
                .unwrap_or_else(|_| Err(malformed("a thread that decodes chunks panicked")));
            result = result.and(joined);
        }
        result
    })
}

fn workers(threads: usize, total: usize, bytes: usize) -> usize {
    if total < 2 || bytes < PARALLEL {
        return 1;
    }
    let available = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = if threads == 0 { available() } else { threads };
    threads.min(total).min(64)
}

impl ChunkReads<'_> {
    /// Cuts the result where its first dimension meets the next row of chunks.
    fn bands<'o>(&self, out: &'o mut [u8]) -> Bands<'o> {
        let rows = self.out_shape[0].max(1);
        let row = out.len() as u64 / rows;
        let is_list = self.pieces[0].iter().any(|(_, piece)| matches!(piece, Piece::Pairs(_)));
        if is_list {
            return vec![(0, Mutex::new(out))];
        }
        let mut rest = out;
        let mut before = 0;
        let mut bands = Vec::with_capacity(self.pieces[0].len());
        for (_, piece) in &self.pieces[0] {
            let (band, after) = rest.split_at_mut(index(piece.count() * row));
            let len = band.len() as u64;
            bands.push((before, Mutex::new(band)));
            before += len;
            rest = after;
        }
        bands
    }

    fn run(&self, bands: &Bands<'_>) -> Result<()> {
        let mut buffers = Buffers::default();
        while !self.failed.load(Ordering::Relaxed) {
            let job = self.next.fetch_add(1, Ordering::Relaxed);
            if job >= self.total {
                break;
            }
            if let Err(error) = self.job(job, bands, &mut buffers) {
                self.failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Copies what is wanted of one chunk.
    fn job(&self, number: usize, bands: &Bands<'_>, buffers: &mut Buffers) -> Result<()> {
        let (place, chosen) = place_of(&self.pieces, number);
        let behind: usize = self.pieces[1..].iter().map(Vec::len).product();
        let first = number / behind.max(1);
        let (skip, band) = if bands.len() == 1 { &bands[0] } else { &bands[first] };
        let at =
            self.grid.number(&place).ok_or_else(|| malformed("a chunk lies outside the shape"))?;
        let dims = chosen
            .iter()
            .enumerate()
            .map(|(i, piece)| (*piece, self.chunked.shape[i], self.out_shape[i]));
        let copy = BlockCopy { dims: dims.collect(), element: index(self.chunked.element) };
        let lock = || band.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = self.index.stored(at, &place);
        let is_there = stored.is_some() || self.index.waiting(&place).is_some();
        if !is_there {
            copy.fill(self.dataset.fill_bytes(), &mut lock(), *skip);
            return Ok(());
        }
        let is_whole = chosen.iter().zip(&self.chunked.shape).all(|(piece, n)| piece.count() == *n);
        let decoded = self.decode(at, stored, &place, is_whole, buffers)?;
        copy.run(&decoded, &mut lock(), *skip);
        if let Some(decoded) = Arc::into_inner(decoded) {
            buffers.give(decoded);
        }
        Ok(())
    }

    /// The elements of a chunk.
    fn decode(
        &self,
        number: u64,
        chunk: Option<Chunk>,
        place: &[u64],
        is_whole: bool,
        buffers: &mut Buffers,
    ) -> Result<Arc<Vec<u8>>> {
        if let Some(waiting) = self.index.waiting(place) {
            return Ok(Arc::clone(waiting));
        }
        let Some(chunk) = chunk else { return Err(malformed("a chunk is not there")) };
        let filters = &self.dataset.pipeline;
        if !is_whole && let Some(kept) = self.dataset.keep().get(number) {
            return Ok(kept);
        }
        let len = self.chunked.bytes();
        if len > LARGEST_CHUNK {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("a chunk of {len} bytes is too large"),
            ));
        }
        let core = &self.dataset.core;
        // Both lie in the file, whatever is declared.
        core.locate(chunk.address, chunk.len)?;
        let mut stored = buffers.take(index(chunk.len))?;
        core.read_data(chunk.address, &mut stored)?;
        let raw = self.chunked.raw_edges && self.dataset.reaches_beyond(place);
        let mask = if raw { u32::MAX } else { chunk.mask };
        let mut decoded = filters.decode_with(stored, mask, index(len), buffers)?;
        if (decoded.len() as u64) < len {
            return Err(malformed(format!(
                "expected a chunk of {len} bytes, found {}",
                decoded.len()
            )));
        }
        decoded.truncate(index(len));
        let decoded = Arc::new(decoded);
        if !is_whole {
            self.dataset.keep().insert(number, Arc::clone(&decoded));
        }
        Ok(decoded)
    }
}
